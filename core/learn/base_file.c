#include "config.h"

#include <stdio.h>
#include <stdlib.h>

#include "learn/base_file.h"
#include "nn/net_elastic.h"

enum { STATISTIC_CROPS = 2048 };

void base_file_plan(struct net_plan *plan)
{
    static const struct net_block blocks[] = {
        {.type = NET_CONV, .to = 32, .stride = 2, .tap = -1},
        {.type = NET_SEPARABLE, .to = 64, .stride = 2, .tap = -1},
        {.type = NET_SEPARABLE, .to = 64, .stride = 1, .tap = -1, .residual = true, .optional = true},
        {.type = NET_SEPARABLE, .to = 128, .stride = 2, .tap = -1},
        {.type = NET_SEPARABLE, .to = 128, .stride = 1, .tap = -1, .residual = true, .optional = true},
        {.type = NET_SEPARABLE, .to = 128, .stride = 1, .tap = -1, .residual = true},
        {.type = NET_SEPARABLE, .to = 192, .stride = 1, .tap = 0, .branch = true},
        {.type = NET_SEPARABLE, .to = 256, .stride = 2, .tap = -1},
        {.type = NET_SEPARABLE, .to = 256, .stride = 1, .tap = -1, .residual = true, .optional = true},
        {.type = NET_SEPARABLE, .to = 256, .stride = 1, .tap = -1, .residual = true, .optional = true},
        {.type = NET_ATTENTION, .to = 256, .stride = 1, .tap = -1, .heads = 4, .pool = 3, .hidden = 128},
        {.type = NET_SEPARABLE, .to = 384, .stride = 1, .tap = 1},
    };
    *plan = (struct net_plan){.padding = NET_PAD_SYMMETRIC, .epsilon = 1e-5, .side = 256,
                              .count = (int)(sizeof blocks / sizeof *blocks)};
    snprintf(plan->name, sizeof plan->name, "assay-base-1");
    int from = 3;
    for (int i = 0; i < plan->count; i++) {
        plan->blocks[i] = blocks[i];
        plan->blocks[i].from = from;
        plan->blocks[i].activation = NET_RELU;
        from = blocks[i].branch ? from : blocks[i].to;
    }
}

// Every width with none, half and all of the optional blocks left out.
static int list_cuts(const struct net_plan *plan, struct net_cut cuts[ELASTIC_CUTS])
{
    int optional = 0, count = 0;
    for (int i = 0; i < plan->count; i++)
        optional += plan->blocks[i].optional;
    for (int w = PRETRAIN_WIDTHS - 1; w >= 0; w--)
        for (int half = 0; half <= 2; half++) {
            int depth = optional * half / 2;
            if (depth > 0 || half == 0)
                cuts[count++] = (struct net_cut){pretrain_widths[w], depth};
        }
    return count;
}

enum status base_file_write(struct pretrain *p, bool elastic, const char *note, const char *path, char sha256[HASH_HEX],
                            struct error *err)
{
    static const struct net_cut whole = {1, 0};
    struct net *net = pretrain_result(p, &whole, STATISTIC_CROPS), *smalls[ELASTIC_CUTS];
    struct net_cut cuts[ELASTIC_CUTS];
    int count = elastic ? list_cuts(&net->plan, cuts) : 0;
    struct tensor_writer *writer = tensor_writer_new();
    net_put(net, writer, true);
    tensor_put_meta(writer, "training", note);
    for (int i = 0; i < count; i++)
        smalls[i] = pretrain_result(p, &cuts[i], STATISTIC_CROPS / 2);
    if (count)
        elastic_put(writer, cuts, smalls, count);
    enum status status = tensor_write(writer, path, NULL, sha256, err);
    for (int i = 0; i < count; i++)
        net_free(smalls[i]);
    tensor_writer_free(writer);
    net_free(net);
    return status;
}
