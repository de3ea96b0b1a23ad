// MobileNet v1 (Howard et al. 2017, arXiv:1704.04861) up to its last block of
// stride 16, batch norm folded into the weights.
#include "config.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/text.h"
#include "nn/base_impl.h"
#include "nn/kernel.h"

enum { BLOCKS = 11, CHANNELS_MAX = 4096, BAND_FLOATS = 1 << 16 };

static const struct {
    int stride;
    int tap; // which tap the block's output is, -1 none
} plan[BLOCKS] = {
    {1, -1}, {2, -1}, {1, -1}, {2, -1}, {1, 0}, {2, -1}, {1, -1}, {1, -1}, {1, -1}, {1, -1}, {1, 1},
};

// Depthwise 3x3 + ReLU6, pointwise + ReLU6.
struct block {
    int stride, from, to, tap;
    float *depth_weight, *depth_bias; // (3, 3, from), (from)
    float *point_weight, *point_bias; // (from, to), (to)
};

struct mobilenet {
    struct base base;
    int stem;                       // channels of the first convolution
    float *stem_weight, *stem_bias; // (3, 3, 3, stem), (stem)
    struct block blocks[BLOCKS];
};

static void mobilenet_free(struct base *base)
{
    struct mobilenet *net = (struct mobilenet *)base;
    free(net->stem_weight);
    free(net->stem_bias);
    for (int i = 0; i < BLOCKS; i++) {
        free(net->blocks[i].depth_weight);
        free(net->blocks[i].depth_bias);
        free(net->blocks[i].point_weight);
        free(net->blocks[i].point_bias);
    }
    free(net);
}

// What one convolution needs from the file.
struct load {
    const struct tensor_file *file;
    double epsilon;
    long long *parameters;
};

// scale (outputs): gamma / sqrt(variance + eps); bias (outputs): beta - mean * scale. Caller frees both.
static enum status load_norm(const struct load *load, const char *layer, int outputs, float **scale,
                             float **bias, struct error *err)
{
    static const char *const parts[4] = {"gamma", "beta", "moving_mean", "moving_variance"};
    float *values[4] = {NULL};
    enum status status = ST_OK;
    for (int i = 0; i < 4 && status == ST_OK; i++) {
        char *name = xasprintf("%s_bn/%s", layer, parts[i]);
        int64_t shape[TENSOR_RANK] = {outputs};
        status = tensor_read(load->file, name, shape, &values[i], err);
        for (int k = 0; i == 3 && k < outputs && status == ST_OK; k++)
            if (values[3][k] < 0)
                status = error_set(err, ST_CORRUPT, "%s: tensor %s: variance %d is negative",
                                   tensor_path(load->file), name, k);
        free(name);
    }
    if (status == ST_OK) {
        for (int k = 0; k < outputs; k++) {
            double s = values[0][k] / sqrt(values[3][k] + load->epsilon);
            values[0][k] = (float)s;
            values[1][k] = (float)(values[1][k] - values[2][k] * s);
        }
        *load->parameters += 2 * outputs;
        *scale = values[0];
        *bias = values[1];
        values[0] = values[1] = NULL;
    }
    for (int i = 0; i < 4; i++)
        free(values[i]);
    return status;
}

// A convolution and its batch norm as one. The file has (outputs, inputs, side,
// side); folded: (side, side, inputs, outputs). outputs < 1 takes what the file says.
static enum status load_conv(const struct load *load, const char *layer, int *outputs, int inputs, int side,
                             float **weight, float **bias, struct error *err)
{
    char *name = xasprintf("%s/weight", layer);
    int64_t shape[TENSOR_RANK] = {*outputs < 1 ? -1 : *outputs, inputs, side, side};
    float *raw = NULL, *scale = NULL;
    enum status status = tensor_read(load->file, name, shape, &raw, err);
    if (status == ST_OK && shape[0] > CHANNELS_MAX)
        status = error_set(err, ST_INVALID, "%s: tensor %s: %lld channels, more than %d",
                           tensor_path(load->file), name, (long long)shape[0], CHANNELS_MAX);
    free(name);
    if (status == ST_OK) {
        *outputs = (int)shape[0];
        status = load_norm(load, layer, *outputs, &scale, bias, err);
    }
    if (status == ST_OK) {
        size_t n = (size_t)*outputs, inner = (size_t)inputs, area = (size_t)(side * side);
        *weight = xaligned(n * inner * area, sizeof **weight);
        for (size_t o = 0; o < n; o++)
            for (size_t i = 0; i < inner; i++)
                for (size_t a = 0; a < area; a++)
                    (*weight)[(a * inner + i) * n + o] = raw[(o * inner + i) * area + a] * scale[o];
        *load->parameters += (long long)(n * inner * area);
        for (size_t k = 0; k < n * inner * area && status == ST_OK; k++)
            if (!isfinite((*weight)[k]) || !isfinite((*bias)[k % n]))
                status = error_set(err, ST_CORRUPT, "%s: tensor %s/weight: not finite after its batch norm",
                                   tensor_path(load->file), layer);
    }
    free(raw);
    free(scale);
    return status;
}

static enum status load_block(const struct load *load, int number, struct block *block, struct error *err)
{
    char *depth = xasprintf("conv_dw_%d", number), *point = xasprintf("conv_pw_%d", number);
    enum status status =
        load_conv(load, depth, &block->from, 1, 3, &block->depth_weight, &block->depth_bias, err);
    if (status == ST_OK)
        status =
            load_conv(load, point, &block->to, block->from, 1, &block->point_weight, &block->point_bias, err);
    free(depth);
    free(point);
    return status;
}

// Rows of a block's output that are made at a time: the depthwise result then stays in the L2 cache.
static int band_rows(const struct block *block, int rows, int cols)
{
    int band = BAND_FLOATS / (cols * block->from);
    return band < 1 ? 1 : band < rows ? band : rows;
}

static void run_block(const struct block *block, const float *in, int rows, int cols, float *band, float *out)
{
    int out_rows = kernel_out(rows, block->stride), out_cols = kernel_out(cols, block->stride);
    int step = band_rows(block, out_rows, out_cols);
    for (int first = 0; first < out_rows; first += step) {
        int count = out_rows - first < step ? out_rows - first : step;
        kernel_depthwise(in, rows, cols, block->from, block->stride, block->depth_weight, block->depth_bias,
                         first, count, band);
        kernel_pointwise(band, (size_t)count * (size_t)out_cols, block->from, block->to, block->point_weight,
                         block->point_bias, out + (size_t)first * (size_t)out_cols * (size_t)block->to);
    }
}

static size_t map_floats(int rows, int cols, int channels)
{
    return base_work_round((size_t)rows * (size_t)cols * (size_t)channels);
}

static size_t max(size_t a, size_t b)
{
    return a > b ? a : b;
}

// Maps go back and forth between two buffers; a tap stays where nothing overwrites it.
static void mobilenet_taps(const struct base *base, struct base_work *work, const float *rgb, int rows,
                           int cols, struct tap taps[BASE_TAPS])
{
    const struct mobilenet *net = (const struct mobilenet *)base;
    int r = kernel_out(rows, 2), c = kernel_out(cols, 2);
    size_t buffer[2] = {map_floats(r, c, net->stem), 0}, band = 0, kept[BASE_TAPS] = {0};
    for (int i = 0, side = 1; i < BLOCKS; i++) {
        const struct block *b = &net->blocks[i];
        r = kernel_out(r, b->stride);
        c = kernel_out(c, b->stride);
        band = max(band, map_floats(band_rows(b, r, c), c, b->from));
        if (b->tap >= 0) {
            kept[b->tap] = map_floats(r, c, b->to);
            side = 0; // the next block reads the tap and may write to either
        } else {
            buffer[side] = max(buffer[side], map_floats(r, c, b->to));
            side = !side;
        }
    }
    float *memory = base_work_floats(work, buffer[0] + buffer[1] + band + kept[0] + kept[1]);
    float *buffers[2] = {memory, memory + buffer[0]}, *scratch = buffers[1] + buffer[1];
    float *tap_at[BASE_TAPS] = {scratch + band, scratch + band + kept[0]};

    r = kernel_out(rows, 2);
    c = kernel_out(cols, 2);
    kernel_stem(rgb, rows, cols, net->stem, net->stem_weight, net->stem_bias, buffers[0]);
    const float *in = buffers[0];
    for (int i = 0, side = 1; i < BLOCKS; i++) {
        const struct block *b = &net->blocks[i];
        float *out = b->tap >= 0 ? tap_at[b->tap] : buffers[side];
        run_block(b, in, r, c, scratch, out);
        r = kernel_out(r, b->stride);
        c = kernel_out(c, b->stride);
        if (b->tap >= 0)
            taps[b->tap] = (struct tap){r, c, b->to, out};
        side = b->tap >= 0 ? 0 : !side;
        in = out;
    }
}

static enum status read_epsilon(const struct tensor_file *file, double *epsilon, struct error *err)
{
    const char *text = tensor_meta(file, "batchnorm_epsilon");
    char *end = NULL;
    *epsilon = text ? strtod(text, &end) : 0.001;
    if (text && (end == text || *end || !(*epsilon > 0 && *epsilon < 1)))
        return error_set(err, ST_INVALID,
                         "%s: metadata \"batchnorm_epsilon\" is %.30s, not a number between 0 and 1",
                         tensor_path(file), text);
    return ST_OK;
}

enum status mobilenet_open(const struct tensor_file *file, struct base **base, struct error *err)
{
    struct mobilenet *net = xcalloc(1, sizeof *net);
    struct base_info *info = &net->base.info;
    net->base.taps = mobilenet_taps;
    net->base.free = mobilenet_free;
    snprintf(info->name, sizeof info->name, "%s", tensor_meta(file, "architecture"));
    text_clean(info->name);
    memcpy(info->sha256, tensor_sha256(file), sizeof info->sha256);
    info->multiple = 16;

    struct load load = {.file = file, .parameters = &info->parameters};
    enum status status = read_epsilon(file, &load.epsilon, err);
    if (status == ST_OK)
        status = load_conv(&load, "conv1", &net->stem, 3, 3, &net->stem_weight, &net->stem_bias, err);
    int channels = net->stem, stride = 2;
    for (int i = 0; i < BLOCKS && status == ST_OK; i++) {
        struct block *block = &net->blocks[i];
        *block = (struct block){.stride = plan[i].stride, .from = channels, .tap = plan[i].tap};
        status = load_block(&load, i + 1, block, err);
        channels = block->to;
        stride *= block->stride;
        if (block->tap >= 0) {
            info->stride[block->tap] = stride;
            info->channels[block->tap] = channels;
        }
    }
    if (status != ST_OK) {
        mobilenet_free(&net->base);
        return status;
    }
    *base = &net->base;
    return ST_OK;
}
