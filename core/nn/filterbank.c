// A base without training: oriented derivative filters, modulus, pooling, and
// the same again on the moduli. The construction follows scattering networks
// (Bruna & Mallat 2013, "Invariant Scattering Convolution Networks"; second
// order divided by first: Andén & Mallat 2014, "Deep Scattering Spectrum") with
// binomial approximations of Gaussian derivatives in place of Morlet wavelets
// and the pyramid of Burt & Adelson (1983).
//
// Per octave j = 0..3 (plane reduced by 2^j):
//   odd  = |first derivative|, even = |second derivative| along 0, 45, 90, 135 degrees,
//   U = sqrt(odd^2 + even^2) per orientation.
// Tap 0 (stride 8): log(1 + 32 * pooled / (luma + 8)) of odd and even of luma and of
//   the gradient of two colour differences, the colour differences / (luma + 8), log luma.
//   Multiplying the picture by a factor moves the last channel and hardly the others.
// Tap 1 (stride 16): tap 0 pooled further, and for j = 0, 1 the U of U at octaves
//   j+1 and j+2, divided by pooled U.
#include "config.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "nn/base_impl.h"
#include "nn/kernel.h"

// CFLAGS come last on the command line, and their usual -O2 leaves most of these loops scalar.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC optimize("O3")
#endif

enum {
    OCTAVES = 4,
    ANGLES = 4,
    TAPS5 = 5,
    // Rows of responses that derive() makes.
    ODD = 0,
    EVEN = ODD + ANGLES,
    FIRST = EVEN + ANGLES, // odd and even together
    MODULUS = FIRST,
    GRADIENT = MODULUS + ANGLES,
    RESPONSES = GRADIENT + 1,
    // Channels of tap 0.
    COLOURS = 2,
    AT_COLOUR = OCTAVES * FIRST,
    AT_MEAN = AT_COLOUR + COLOURS * OCTAVES,
    CHANNELS0 = AT_MEAN + COLOURS + 1,
    // Channels that tap 1 has beyond those.
    SCALES1 = 2,
    SCALES2 = 2,
    SECOND = SCALES1 * SCALES2 * ANGLES * ANGLES,
};

static const float luma_floor = 8, gain = 32, ratio_floor = 0.01f;

struct plane {
    int rows, cols;
    float *data;
};

// Scratch of one picture, cut from the workspace.
struct scratch {
    float *line;                       // (cols + 4)
    float *across[3];                  // a plane smoothed, derived, derived twice along the rows
    float *rows;                       // (RESPONSES, cols)
    float *sums;                       // (RESPONSES, cols)
    struct plane picture[1 + COLOURS]; // luma and colour differences, reduced in place octave by octave
    struct plane moduli[SCALES1][ANGLES];
    float *maps0;  // (CHANNELS0, cells) at stride 8
    float *maps1;  // (SECOND, cells) at stride 16
    float *norms;  // (SCALES1, ANGLES, cells) at stride 16: pooled U
    float *smooth; // (cells)
    float *out[BASE_TAPS];
};

static int clamp(int i, int n)
{
    return i < 0 ? 0 : i < n ? i : n - 1;
}

// Along the rows: smoothed, first, second derivative, all of scale sigma = 1; the edge is repeated.
KERNEL_CLONES static void filter_across(const float *restrict in, int rows, int cols, float *restrict line,
                                        float *restrict g, float *restrict d, float *restrict dd)
{
    for (int r = 0; r < rows; r++, in += cols, g += cols, d += cols, dd += cols) {
        memcpy(line + 2, in, (size_t)cols * sizeof *in);
        line[0] = line[1] = in[0];
        line[cols + 2] = line[cols + 3] = in[cols - 1];
        for (int c = 0; c < cols; c++) {
            g[c] = (line[c] + line[c + 4] + 4 * (line[c + 1] + line[c + 3]) + 6 * line[c + 2]) * (1 / 16.f);
            d[c] = (line[c + 4] - line[c] + 2 * (line[c + 3] - line[c + 1])) * (1 / 8.f);
            dd[c] = (line[c] + line[c + 4] - 2 * line[c + 2]) * (1 / 4.f);
        }
    }
}

// Down the columns for one row, and what follows from the five derivatives. out: (RESPONSES, cols).
KERNEL_CLONES static void responses(const float *const g[TAPS5], const float *const d[TAPS5],
                                    const float *const dd[TAPS5], int cols, float *restrict out)
{
    const float half = 0.70710678f;
    const size_t n = (size_t)cols;
    for (size_t c = 0; c < n; c++) {
        float x = (d[0][c] + d[4][c] + 4 * (d[1][c] + d[3][c]) + 6 * d[2][c]) * (1 / 16.f);
        float y = (g[4][c] - g[0][c] + 2 * (g[3][c] - g[1][c])) * (1 / 8.f);
        float xx = (dd[0][c] + dd[4][c] + 4 * (dd[1][c] + dd[3][c]) + 6 * dd[2][c]) * (1 / 16.f);
        float xy = (d[4][c] - d[0][c] + 2 * (d[3][c] - d[1][c])) * (1 / 8.f);
        float yy = (g[0][c] + g[4][c] - 2 * g[2][c]) * (1 / 4.f);
        float odd1 = (x + y) * half, odd3 = (x - y) * half;
        float even1 = (xx + yy) * 0.5f + xy, even3 = (xx + yy) * 0.5f - xy;
        out[(ODD + 0) * n + c] = fabsf(x);
        out[(ODD + 1) * n + c] = fabsf(odd1);
        out[(ODD + 2) * n + c] = fabsf(y);
        out[(ODD + 3) * n + c] = fabsf(odd3);
        out[(EVEN + 0) * n + c] = fabsf(xx);
        out[(EVEN + 1) * n + c] = fabsf(even1);
        out[(EVEN + 2) * n + c] = fabsf(yy);
        out[(EVEN + 3) * n + c] = fabsf(even3);
        out[(MODULUS + 0) * n + c] = sqrtf(x * x + xx * xx);
        out[(MODULUS + 1) * n + c] = sqrtf(odd1 * odd1 + even1 * even1);
        out[(MODULUS + 2) * n + c] = sqrtf(y * y + yy * yy);
        out[(MODULUS + 3) * n + c] = sqrtf(odd3 * odd3 + even3 * even3);
        out[GRADIENT * n + c] = sqrtf(x * x + y * y);
    }
}

KERNEL_CLONES static void add_row(float *restrict sum, const float *restrict row, size_t count)
{
    for (size_t i = 0; i < count; i++)
        sum[i] += row[i];
}

// Sums of `side` columns, as means over side * side pixels, into one row of a map.
static void pool_row(const float *sum, int cells, int side, float *out)
{
    float scale = 1 / (float)(side * side);
    for (int c = 0; c < cells; c++) {
        float s = 0;
        for (int k = 0; k < side; k++)
            s += sum[c * side + k];
        out[c] = s * scale;
    }
}

// Filters a plane. Responses from .. from+count-1 are averaged over side x side
// pixels into maps (count, cells). moduli (may be NULL): the ANGLES planes of U.
static void derive(struct scratch *s, const struct plane *plane, int side, int from, int count, float *maps,
                   struct plane *moduli)
{
    const int rows = plane->rows, cols = plane->cols, cell_cols = cols / side;
    const size_t n = (size_t)cols, cells = (size_t)(rows / side) * (size_t)cell_cols;
    filter_across(plane->data, rows, cols, s->line, s->across[0], s->across[1], s->across[2]);
    memset(s->sums, 0, (size_t)count * n * sizeof *s->sums);
    for (int r = 0; r < rows; r++) {
        const float *at[3][TAPS5];
        for (int kind = 0; kind < 3; kind++)
            for (int k = 0; k < TAPS5; k++)
                at[kind][k] = s->across[kind] + (size_t)clamp(r + k - 2, rows) * n;
        responses(at[0], at[1], at[2], cols, s->rows);
        for (int a = 0; moduli && a < ANGLES; a++)
            memcpy(moduli[a].data + (size_t)r * n, s->rows + (size_t)(MODULUS + a) * n, n * sizeof(float));
        add_row(s->sums, s->rows + (size_t)from * n, (size_t)count * n);
        if ((r + 1) % side)
            continue;
        for (int k = 0; k < count; k++)
            pool_row(s->sums + (size_t)k * n, cell_cols, side,
                     maps + (size_t)k * cells + (size_t)(r / side) * (size_t)cell_cols);
        memset(s->sums, 0, (size_t)count * n * sizeof *s->sums);
    }
}

// One octave: smooth by the binomial filter, keep every second row and column. In place.
static void reduce(struct scratch *s, struct plane *plane)
{
    int rows = plane->rows, cols = plane->cols, half = cols / 2;
    size_t n = (size_t)cols;
    filter_across(plane->data, rows, cols, s->line, s->across[0], s->across[1], s->across[2]);
    for (int r = 0; r < rows / 2; r++) {
        const float *g[TAPS5];
        float *out = plane->data + (size_t)r * (size_t)half;
        for (int k = 0; k < TAPS5; k++)
            g[k] = s->across[0] + (size_t)clamp(2 * r + k - 2, rows) * n;
        for (int c = 0; c < half; c++)
            out[c] =
                (g[0][2 * c] + g[4][2 * c] + 4 * (g[1][2 * c] + g[3][2 * c]) + 6 * g[2][2 * c]) * (1 / 16.f);
    }
    plane->rows /= 2;
    plane->cols = half;
}

// 1 2 1 both ways over a map, so that neighbouring cells overlap.
static void smooth_map(float *map, int rows, int cols, float *scratch)
{
    for (int r = 0; r < rows; r++)
        for (int c = 0; c < cols; c++) {
            const float *row = map + (size_t)r * (size_t)cols;
            scratch[r * cols + c] = (row[clamp(c - 1, cols)] + 2 * row[c] + row[clamp(c + 1, cols)]) * 0.25f;
        }
    for (int r = 0; r < rows; r++)
        for (int c = 0; c < cols; c++)
            map[r * cols + c] = (scratch[clamp(r - 1, rows) * cols + c] + 2 * scratch[r * cols + c] +
                                 scratch[clamp(r + 1, rows) * cols + c]) *
                                0.25f;
}

// Means of 2 x 2 cells.
static void halve_map(const float *map, int rows, int cols, float *out)
{
    for (int r = 0; r < rows / 2; r++)
        for (int c = 0; c < cols / 2; c++) {
            const float *a = map + (size_t)(2 * r) * (size_t)cols + (size_t)(2 * c);
            out[r * (cols / 2) + c] = (a[0] + a[1] + a[cols] + a[cols + 1]) * 0.25f;
        }
}

KERNEL_CLONES static void split_colours(const float *restrict rgb, size_t count, float *restrict y,
                                        float *restrict u, float *restrict v)
{
    for (size_t i = 0; i < count; i++) {
        float r = rgb[3 * i], g = rgb[3 * i + 1], b = rgb[3 * i + 2];
        y[i] = 0.299f * r + 0.587f * g + 0.114f * b; // Rec. 601
        u[i] = b - y[i];
        v[i] = r - y[i];
    }
}

static void lay_out(struct scratch *s, struct base_work *work, int rows, int cols)
{
    size_t all = (size_t)rows * (size_t)cols, cells0 = all / 64, cells1 = all / 256;
    size_t sizes[] = {
        (size_t)cols + 4,
        all,
        all,
        all,
        RESPONSES * (size_t)cols,
        RESPONSES * (size_t)cols,
        all,
        all,
        all,
        ANGLES * all,
        ANGLES * all / 4,
        CHANNELS0 * cells0,
        SECOND * cells1,
        SCALES1 * ANGLES * cells1,
        cells0,
        CHANNELS0 * cells0,
        (CHANNELS0 + SECOND) * cells1,
    };
    enum { PARTS = sizeof sizes / sizeof *sizes };
    size_t total = 0;
    for (int i = 0; i < PARTS; i++)
        total += base_work_round(sizes[i]);
    float *at[PARTS], *memory = base_work_floats(work, total);
    for (int i = 0; i < PARTS; i++) {
        at[i] = memory;
        memory += base_work_round(sizes[i]);
    }
    *s = (struct scratch){
        .line = at[0],
        .across = {at[1], at[2], at[3]},
        .rows = at[4],
        .sums = at[5],
        .maps0 = at[11],
        .maps1 = at[12],
        .norms = at[13],
        .smooth = at[14],
        .out = {at[15], at[16]},
    };
    for (int i = 0; i <= COLOURS; i++)
        s->picture[i] = (struct plane){rows, cols, at[6 + i]};
    for (int j = 0; j < SCALES1; j++)
        for (int a = 0; a < ANGLES; a++) {
            int r = rows >> j, c = cols >> j;
            s->moduli[j][a] = (struct plane){r, c, at[9 + j] + (size_t)a * (size_t)r * (size_t)c};
        }
}

// Filters everything into maps0, maps1 and norms; uses up the planes.
static void analyse(struct scratch *s)
{
    const int rows = s->picture[0].rows, cols = s->picture[0].cols;
    const size_t cells0 = (size_t)rows * (size_t)cols / 64, cells1 = cells0 / 4;
    for (int j = 0; j < OCTAVES; j++) {
        struct plane *moduli = j < SCALES1 ? s->moduli[j] : NULL;
        derive(s, &s->picture[0], 8 >> j, 0, FIRST, s->maps0 + (size_t)(j * FIRST) * cells0, moduli);
        for (int k = 0; k < COLOURS; k++)
            derive(s, &s->picture[1 + k], 8 >> j, GRADIENT, 1,
                   s->maps0 + (size_t)(AT_COLOUR + k * OCTAVES + j) * cells0, NULL);
        for (int k = 0; k <= COLOURS && j + 1 < OCTAVES; k++)
            reduce(s, &s->picture[k]);
    }
    for (int j = 0; j < SCALES1; j++)
        for (int a = 0; a < ANGLES; a++) {
            struct plane *u = &s->moduli[j][a];
            float *norm = s->norms + (size_t)(j * ANGLES + a) * cells1;
            int side = 16 >> j, cell_cols = u->cols / side;
            memset(norm, 0, cells1 * sizeof *norm);
            for (int r = 0; r < u->rows; r++)
                for (int c = 0; c < u->cols; c++)
                    norm[r / side * cell_cols + c / side] += u->data[(size_t)r * (size_t)u->cols + (size_t)c];
            for (size_t i = 0; i < cells1; i++)
                norm[i] /= (float)(side * side);
            for (int k = 0; k < SCALES2; k++) {
                reduce(s, u);
                derive(s, u, 16 >> (j + 1 + k), MODULUS, ANGLES,
                       s->maps1 + (size_t)(((j * ANGLES + a) * SCALES2 + k) * ANGLES) * cells1, NULL);
            }
        }
}

// From maps (channels, cells), normalised, to taps (cells, channels).
static void finish(struct scratch *s, int rows0, int cols0)
{
    const size_t cells0 = (size_t)rows0 * (size_t)cols0, cells1 = cells0 / 4;
    const int channels1 = CHANNELS0 + SECOND, rows1 = rows0 / 2, cols1 = cols0 / 2;
    for (int k = 0; k < CHANNELS0; k++)
        smooth_map(s->maps0 + (size_t)k * cells0, rows0, cols0, s->smooth);
    const float *luma = s->maps0 + (size_t)(AT_MEAN + COLOURS) * cells0;
    for (int k = 0; k < CHANNELS0; k++) {
        float *map = s->maps0 + (size_t)k * cells0;
        for (size_t i = 0; i < cells0; i++) {
            float value = map[i];
            if (k < AT_MEAN)
                value = logf(1 + gain * value / (luma[i] + luma_floor));
            else if (k < AT_MEAN + COLOURS)
                value = value / (luma[i] + luma_floor);
            else
                value = logf((value + luma_floor) / 128); // the last channel: nothing reads luma after it
            s->out[0][i * CHANNELS0 + (size_t)k] = value;
        }
    }
    for (int k = 0; k < SCALES1 * ANGLES; k++)
        smooth_map(s->norms + (size_t)k * cells1, rows1, cols1, s->smooth);
    for (int k = 0; k < CHANNELS0; k++) {
        for (size_t i = 0; i < cells0; i++)
            s->maps0[i] = s->out[0][i * CHANNELS0 + (size_t)k];
        halve_map(s->maps0, rows0, cols0, s->smooth);
        for (size_t i = 0; i < cells1; i++)
            s->out[1][i * (size_t)channels1 + (size_t)k] = s->smooth[i];
    }
    for (int k = 0; k < SECOND; k++) {
        float *map = s->maps1 + (size_t)k * cells1;
        const float *norm = s->norms + (size_t)(k / (SCALES2 * ANGLES)) * cells1;
        smooth_map(map, rows1, cols1, s->smooth);
        for (size_t i = 0; i < cells1; i++) {
            float light = expf(s->out[1][i * (size_t)channels1 + CHANNELS0 - 1]) * 128;
            s->out[1][i * (size_t)channels1 + CHANNELS0 + (size_t)k] =
                map[i] / (norm[i] + ratio_floor * light);
        }
    }
}

// Means of the three planes over cells of 8 x 8 pixels.
static void pool_means(struct scratch *s)
{
    for (int k = 0; k <= COLOURS; k++) {
        const struct plane *plane = &s->picture[k];
        int slot = k ? k - 1 : COLOURS; // colour differences first, luma last
        int cell_cols = plane->cols / 8;
        size_t n = (size_t)plane->cols, cells = (size_t)(plane->rows / 8) * (size_t)cell_cols;
        float *map = s->maps0 + (size_t)(AT_MEAN + slot) * cells;
        for (int r = 0; r < plane->rows; r++) {
            if (r % 8 == 0)
                memset(s->sums, 0, n * sizeof *s->sums);
            add_row(s->sums, plane->data + (size_t)r * n, n);
            if (r % 8 == 7)
                pool_row(s->sums, cell_cols, 8, map + (size_t)(r / 8) * (size_t)cell_cols);
        }
    }
}

static void filterbank_taps(const struct base *base, struct base_work *work, const float *rgb, int rows,
                            int cols, struct tap taps[BASE_TAPS])
{
    (void)base;
    struct scratch s;
    lay_out(&s, work, rows, cols);
    split_colours(rgb, (size_t)rows * (size_t)cols, s.picture[0].data, s.picture[1].data, s.picture[2].data);
    pool_means(&s);
    analyse(&s);
    finish(&s, rows / 8, cols / 8);
    taps[0] = (struct tap){rows / 8, cols / 8, CHANNELS0, s.out[0]};
    taps[1] = (struct tap){rows / 16, cols / 16, CHANNELS0 + SECOND, s.out[1]};
}

static void filterbank_free(struct base *base)
{
    free(base);
}

struct base *filterbank_new(void)
{
    struct base *base = xcalloc(1, sizeof *base);
    base->taps = filterbank_taps;
    base->free = filterbank_free;
    base->info = (struct base_info){
        .name = "filter-bank-1",
        .stride = {8, 16},
        .channels = {CHANNELS0, CHANNELS0 + SECOND},
        .precision = "f32",
        .multiple = 16,
    };
    // What makes another result must change this text.
    char *text = xasprintf("%s binomial-5 octaves %d angles %d second %dx%d floor %g gain %g ratio %g",
                           base->info.name, OCTAVES, ANGLES, SCALES1, SCALES2, (double)luma_floor,
                           (double)gain, (double)ratio_floor);
    hash_bytes(text, strlen(text), base->info.sha256);
    free(text);
    return base;
}
