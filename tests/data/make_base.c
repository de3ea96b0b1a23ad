// make_base timm|keras|own FILE: a small network with random weights, for the tests of `assay base`.
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "tests/unit/foreign.h"

int main(int argc, char **argv)
{
    if (argc != 3)
        return 2;
    struct error err;
    char sha256[HASH_HEX];
    struct net_plan plan = foreign_plan();
    struct net *net = foreign_random(&plan, 12);
    struct tensor_writer *writer = tensor_writer_new();
    if (strcmp(argv[1], "own") == 0) {
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
