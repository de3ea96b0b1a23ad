// make_base timm|keras|own|elastic FILE: a small network with random weights, for the tests of `assay base`.
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "learn/base_file.h"
#include "nn/net_elastic.h"
#include "tests/unit/foreign.h"

// A third of the default base, with two smaller networks inside.
static void put_elastic(struct tensor_writer *writer)
{
    static const struct net_cut third = {0.3, 0}, cuts[] = {{1, 0}, {0.75, 2}, {0.5, 4}};
    enum { CUTS = sizeof cuts / sizeof *cuts };
    struct net_plan whole, plan;
    struct net *smalls[CUTS];
    base_file_plan(&whole);
    net_cut_plan(&whole, &third, &plan);
    struct net *net = foreign_random(&plan, 12);
    net_put(net, writer, true);
    for (int i = 0; i < CUTS; i++) {
        net_cut_plan(&net->plan, &cuts[i], &plan);
        smalls[i] = net_new(&plan);
        net_cut_gather(net, &cuts[i], smalls[i]);
    }
    elastic_put(writer, cuts, smalls, CUTS);
    for (int i = 0; i < CUTS; i++)
        net_free(smalls[i]);
    net_free(net);
}

int main(int argc, char **argv)
{
    if (argc != 3)
        return 2;
    struct error err;
    char sha256[HASH_HEX];
    struct net_plan plan = foreign_plan();
    struct net *net = foreign_random(&plan, 12);
    struct tensor_writer *writer = tensor_writer_new();
    if (strcmp(argv[1], "elastic") == 0) {
        put_elastic(writer);
    } else if (strcmp(argv[1], "own") == 0) {
        net_put(net, writer, false);
    } else if (strcmp(argv[1], "timm") == 0) {
        foreign_put_timm(writer, net);
    } else {
        tensor_put_meta(writer, "architecture", plan.name);
        foreign_put_keras(writer, net);
    }
    enum status status = tensor_write(writer, argv[2], NULL, sha256, &err);
    if (status != ST_OK)
        fprintf(stderr, "%s\n", err.text);
    tensor_writer_free(writer);
    net_free(net);
    return status != ST_OK;
}
