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
#include "nn/base.h"
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

static void write_map(const char *folder, const char *name, const float *values, int rows, int cols,
                      int channels)
{
    size_t cells = (size_t)rows * (size_t)cols, count = (size_t)channels;
    float *first = xreallocarray(NULL, cells * count, sizeof *first);
    for (size_t c = 0; c < count; c++)
        for (size_t i = 0; i < cells; i++)
            first[c * cells + i] = values[i * count + c];
    struct error err;
    char *path = file_join(folder, name);
    if (file_write(path, first, cells * count * sizeof *first, &err) != ST_OK) {
        fprintf(stderr, "%s\n", err.text);
        exit(1);
    }
    free(path);
    free(first);
}

// As pictures are screened, in floats, where the sides allow it, else in plain loops.
static void write_taps(const char *folder, const struct net *net, const float *rgb, int rows, int cols)
{
    static const char *const names[NET_TAPS] = {"tap0.f32", "tap1.f32"};
    struct error err;
    struct base *base;
    if (base_new_as(net, BASE_F32, &base, &err) != ST_OK) {
        fprintf(stderr, "%s\n", err.text);
        exit(1);
    }
    int multiple = base_info(base)->multiple;
    if (rows % multiple == 0 && cols % multiple == 0) {
        struct tap taps[BASE_TAPS];
        struct base_work *work = base_work_new(base);
        base_taps(base, work, rgb, rows, cols, taps);
        for (int i = 0; i < BASE_TAPS; i++)
            write_map(folder, names[i], taps[i].data, taps[i].rows, taps[i].cols, taps[i].channels);
        base_work_free(work);
    } else {
        struct net_map taps[NET_TAPS];
        net_naive(net, rgb, rows, cols, taps);
        for (int i = 0; i < NET_TAPS; i++) {
            write_map(folder, names[i], taps[i].values, taps[i].rows, taps[i].cols, taps[i].channels);
            free(taps[i].values);
        }
    }
    base_free(base);
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
    int rows = atoi(argv[3]), cols = atoi(argv[4]);
    size_t count = (size_t)rows * (size_t)cols * 3;
    struct rng rng = rng_seed(1);
    float *rgb = xreallocarray(NULL, count, sizeof *rgb);
    for (size_t i = 0; i < count; i++) // a gray ramp with noise
        rgb[i] = (float)(200.0 * (double)i / (double)count + 55 * rng_uniform(&rng));
    char *path = file_join(argv[2], "model.onnx");
    if (onnx_write(net, path, &err) != ST_OK) {
        fprintf(stderr, "%s\n", err.text);
        return 1;
    }
    write_map(argv[2], "rgb.f32", rgb, rows, cols, 3);
    write_taps(argv[2], net, rgb, rows, cols);
    free(path);
    free(rgb);
    net_free(net);
    return 0;
}
