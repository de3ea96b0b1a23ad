// What tests/onnx/runtime compares: a network's ONNX export, an input, and the
// program's own taps of it.
//
//     taps FILE|strange FOLDER ROWS COLS [WIDTH DEPTH]
//
// strange: a network with random weights that uses what the shipped ones do not. WIDTH and DEPTH cut it
// first. FOLDER gets model.onnx and rgb.f32, tap0.f32, tap1.f32: floats (1, channels, rows, cols).
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/rng.h"
#include "nn/onnx.h"
#include "tests/unit/foreign.h"

static struct net *strange(void)
{
    struct net_plan plan = {
        .name = "strange",
        .padding = NET_PAD_END,
        .epsilon = 1e-3,
        .count = 8,
        .blocks = {{NET_CONV, 3, 8, 2, NET_GELU, .tap = -1},
                   {NET_SEPARABLE, 8, 16, 2, NET_RELU6, .tap = -1},
                   {NET_SEPARABLE, 16, 24, 2, NET_LINEAR, .tap = -1},
                   {NET_SEPARABLE, 24, 24, 1, NET_GELU, .residual = true, .tap = -1},
                   {NET_SEPARABLE, 24, 40, 1, NET_RELU, .branch = true, .tap = 0},
                   {NET_ATTENTION, 24, 24, 1, NET_GELU, .heads = 3, .pool = 3, .hidden = 40, .tap = -1},
                   {NET_SEPARABLE, 24, 32, 2, NET_RELU, .tap = -1},
                   {NET_ATTENTION, 32, 32, 1, NET_RELU6, .heads = 1, .pool = 1, .hidden = 16, .tap = 1}}};
    struct error err;
    if (net_plan_check(&plan, &err) != ST_OK) {
        fprintf(stderr, "%s\n", err.text);
        exit(1);
    }
    return foreign_random(&plan, 7);
}

static struct net *cut(struct net *net, double width, int depth)
{
    struct net_cut share = {width, depth};
    struct net_plan plan;
    net_cut_plan(&net->plan, &share, &plan);
    struct net *small = net_new(&plan);
    net_cut_gather(net, &share, small);
    net_free(net);
    return small;
}

static void write_map(const char *folder, const char *name, const struct net_map *map)
{
    size_t cells = (size_t)map->rows * (size_t)map->cols, channels = (size_t)map->channels;
    float *first = xreallocarray(NULL, cells * channels, sizeof *first);
    for (size_t c = 0; c < channels; c++)
        for (size_t i = 0; i < cells; i++)
            first[c * cells + i] = map->values[i * channels + c];
    struct error err;
    char *path = file_join(folder, name);
    if (file_write(path, first, cells * channels * sizeof *first, &err) != ST_OK) {
        fprintf(stderr, "%s\n", err.text);
        exit(1);
    }
    free(path);
    free(first);
}

int main(int argc, char **argv)
{
    struct error err;
    struct net *net = NULL;
    if (argc != 5 && argc != 7)
        return 2;
    if (strcmp(argv[1], "strange") == 0) {
        net = strange();
    } else if (net_open(argv[1], &net, &err) != ST_OK) {
        fprintf(stderr, "%s\n", err.text);
        return 1;
    }
    if (argc == 7)
        net = cut(net, atof(argv[5]), atoi(argv[6]));
    struct net_map rgb = {atoi(argv[3]), atoi(argv[4]), 3, NULL}, taps[NET_TAPS];
    size_t count = (size_t)rgb.rows * (size_t)rgb.cols * 3;
    struct rng rng = rng_seed(1);
    rgb.values = xreallocarray(NULL, count, sizeof *rgb.values);
    for (size_t i = 0; i < count; i++) // a gray ramp with noise
        rgb.values[i] = (float)(200.0 * (double)i / (double)count + 55 * rng_uniform(&rng));
    net_naive(net, rgb.values, rgb.rows, rgb.cols, taps);
    char *path = file_join(argv[2], "model.onnx");
    if (onnx_write(net, path, &err) != ST_OK) {
        fprintf(stderr, "%s\n", err.text);
        return 1;
    }
    free(path);
    write_map(argv[2], "rgb.f32", &rgb);
    write_map(argv[2], "tap0.f32", &taps[0]);
    write_map(argv[2], "tap1.f32", &taps[1]);
    printf("%d %d\n", rgb.rows, rgb.cols);
    for (int i = 0; i < NET_TAPS; i++)
        free(taps[i].values);
    free(rgb.values);
    net_free(net);
    return 0;
}
