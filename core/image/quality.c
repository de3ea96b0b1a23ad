#include "config.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/intl.h"
#include "image/quality.h"
#include "image/resize.h"

enum { BLOCK = 8, DARK_TO = 12, BRIGHT_FROM = 243, ROW_ALIKE = 2 };
static const float NO_DETAIL = 2; // Laplacian energy that sensor noise has at most, at the reduced size
static const float NO_DETAIL_HERE = 0.04f; // the same as a share of the picture's own
static const float SILENCE = 0.3f; // added to both energies: two pictures of one tone are equally sharp
static const float HALF = 0.25f;   // with more than 10^-0.25 = 56 % of the usual detail nothing is blurred
static const double RICH = 0.95,
                    EMPTY = 0.05; // quantiles of the blocks: edges, also where they are few; nothing

static const char *const names[QUALITIES] = {"level", "spread", "dark", "bright", "sharp", "flat", "torn"};
static const char *const poor_names[POORS] = {"",     N_("blank"),   N_("dark"),    N_("bright"),
                                              N_("torn"), N_("covered"), N_("blurred"), N_("damaged file")};

const char *quality_name(enum quality_measure measure)
{
    return names[measure];
}

const char *poor_name(enum poor poor)
{
    return poor_names[poor];
}

// Luma at the size that all pictures are measured at.
static void reduce(const struct image *image, struct image *small)
{
    struct image gray;
    double scale = sqrt((double)QUALITY_SIDE * QUALITY_SIDE / ((double)image->width * image->height));
    image_to_gray(image, &gray);
    if (scale >= 1) {
        *small = gray;
        return;
    }
    int width = (int)(image->width * scale + 0.5), height = (int)(image->height * scale + 0.5);
    image_resize(&gray, width < 1 ? 1 : width, height < 1 ? 1 : height, small);
    image_clear(&gray);
}

static void measure_light(const struct image *g, float *m)
{
    size_t count = (size_t)g->width * (size_t)g->height, histogram[256] = {0};
    double sum = 0, squares = 0;
    for (size_t i = 0; i < count; i++)
        histogram[g->pixels[i]]++;
    for (int v = 0; v < 256; v++) {
        sum += (double)histogram[v] * v;
        squares += (double)histogram[v] * v * v;
        m[QUALITY_DARK] += v <= DARK_TO ? (float)histogram[v] : 0;
        m[QUALITY_BRIGHT] += v >= BRIGHT_FROM ? (float)histogram[v] : 0;
    }
    double mean = sum / (double)count, variance = squares / (double)count - mean * mean;
    m[QUALITY_LEVEL] = (float)mean;
    m[QUALITY_SPREAD] = (float)sqrt(variance > 0 ? variance : 0);
    m[QUALITY_DARK] /= (float)count;
    m[QUALITY_BRIGHT] /= (float)count;
}

// A row is of one tone but for what compression leaves.
static bool row_alike(const struct image *g, int y)
{
    const uint8_t *row = g->pixels + (size_t)y * (size_t)g->width;
    uint8_t low = 255, high = 0;
    for (int x = 0; x < g->width; x++) {
        low = row[x] < low ? row[x] : low;
        high = row[x] > high ? row[x] : high;
    }
    return high - low <= ROW_ALIKE;
}

static float torn_share(const struct image *g)
{
    int rows = 0;
    while (rows < g->height && row_alike(g, g->height - 1 - rows))
        rows++;
    return rows == g->height ? 0 : (float)rows / (float)g->height; // one tone altogether is blank, not torn
}

// Mean of the squared second differences, across and down, of the smoothed luma in each block; (rows, cols),
// caller frees. NULL: the picture is too small.
static float *detail(const struct image *g, int *rows, int *cols)
{
    int w = g->width, h = g->height;
    *cols = (w - 4) / BLOCK;
    *rows = (h - 4) / BLOCK;
    if (*cols < 2 || *rows < 2)
        return NULL;
    float *energy = xcalloc((size_t)*rows * (size_t)*cols, sizeof *energy);
    int *smooth = xcalloc((size_t)w * (size_t)h, sizeof *smooth); // 16 times the luma under a 3 x 3 binomial
    for (int y = 1; y < h - 1; y++) {
        const uint8_t *a = g->pixels + (size_t)(y - 1) * (size_t)w, *b = a + w, *c = b + w;
        int *to = smooth + (size_t)y * (size_t)w;
        for (int x = 1; x < w - 1; x++)
            to[x] = a[x - 1] + 2 * a[x] + a[x + 1] + 2 * (b[x - 1] + 2 * b[x] + b[x + 1]) + c[x - 1] +
                    2 * c[x] + c[x + 1];
    }
    for (int y = 0; y < *rows * BLOCK; y++) {
        const int *b = smooth + (size_t)(y + 2) * (size_t)w + 2;
        for (int x = 0; x < *cols * BLOCK; x++) {
            float across = (float)(b[x - 1] + b[x + 1] - 2 * b[x]),
                  down = (float)(b[x - w] + b[x + w] - 2 * b[x]);
            energy[(y / BLOCK) * *cols + x / BLOCK] += across * across + down * down;
        }
    }
    for (int i = 0; i < *rows * *cols; i++)
        energy[i] /= 256.0f * BLOCK * BLOCK;
    free(smooth);
    return energy;
}

static int rising(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

static float quantile(const float *sorted, size_t count, double share)
{
    return sorted[(size_t)(share * (double)(count - 1) + 0.5)];
}

// Blocks in the largest 4-connected area below `limit`; `energy` is used up.
static int largest_flat(float *energy, int rows, int cols, float limit)
{
    int *stack = xcalloc((size_t)(rows * cols), sizeof *stack), largest = 0;
    for (int start = 0; start < rows * cols; start++) {
        int depth = 0, size = 0;
        if (energy[start] < limit) {
            energy[start] = INFINITY;
            stack[depth++] = start;
        }
        while (depth > 0) {
            int at = stack[--depth], x = at % cols, y = at / cols;
            int next[4] = {x > 0 ? at - 1 : -1, x + 1 < cols ? at + 1 : -1, y > 0 ? at - cols : -1,
                           y + 1 < rows ? at + cols : -1};
            size++;
            for (int i = 0; i < 4; i++) {
                if (next[i] >= 0 && energy[next[i]] < limit) {
                    energy[next[i]] = INFINITY;
                    stack[depth++] = next[i];
                }
            }
        }
        largest = size > largest ? size : largest;
    }
    free(stack);
    return largest;
}

// Half the size, each pixel the mean of four.
static void halve(const struct image *g, struct image *half)
{
    image_init(half, g->width / 2, g->height / 2, 1);
    for (int y = 0; y < half->height; y++) {
        const uint8_t *p = g->pixels + (size_t)(2 * y) * (size_t)g->width;
        for (int x = 0; x < half->width; x++, p += 2)
            half->pixels[(size_t)y * (size_t)half->width + (size_t)x] =
                (uint8_t)((p[0] + p[1] + p[g->width] + p[g->width + 1] + 2) / 4);
    }
}

// The energy of the richest blocks beyond that of the poorest, which is the sensor's noise.
static float over_noise(const float *sorted, size_t count)
{
    return quantile(sorted, count, RICH) - quantile(sorted, count, EMPTY) + SILENCE;
}

static void measure_detail(const struct image *g, float *m)
{
    int rows, cols, rows2, cols2;
    struct image half;
    float *fine = detail(g, &rows, &cols);
    if (!fine)
        return;
    halve(g, &half);
    float *coarse = detail(&half, &rows2, &cols2);
    image_clear(&half);
    size_t count = (size_t)rows * (size_t)cols;
    float *sorted = xcalloc(count, sizeof *sorted);
    memcpy(sorted, fine, count * sizeof *sorted);
    qsort(sorted, count, sizeof *sorted, rising);
    if (coarse) {
        size_t fewer = (size_t)rows2 * (size_t)cols2;
        qsort(coarse, fewer, sizeof *coarse, rising);
        m[QUALITY_SHARP] = log10f(over_noise(sorted, count) / over_noise(coarse, fewer));
    }
    float here = NO_DETAIL_HERE * quantile(sorted, count, 0.8),
          noise = 1.8f * quantile(sorted, count, EMPTY) + 0.2f;
    float limit = fmaxf(here, fminf(noise, NO_DETAIL));
    m[QUALITY_FLAT] = (float)largest_flat(fine, rows, cols, limit) / (float)count;
    free(sorted);
    free(fine);
    free(coarse);
}

void quality_measure(const struct image *image, struct quality *quality)
{
    struct image small;
    *quality = (struct quality){{0}};
    reduce(image, &small);
    measure_light(&small, quality->measures);
    measure_detail(&small, quality->measures);
    quality->measures[QUALITY_TORN] = torn_share(&small);
    image_clear(&small);
}

void quality_learn(const struct quality *pictures, size_t count, struct quality_range *range)
{
    *range = (struct quality_range){.count = count};
    float *sorted = xcalloc(count + 1, sizeof *sorted);
    for (int m = 0; m < QUALITIES && count > 0; m++) {
        for (size_t i = 0; i < count; i++)
            sorted[i] = pictures[i].measures[m];
        qsort(sorted, count, sizeof *sorted, rising);
        range->low[m] = quantile(sorted, count, 0.1);
        range->middle[m] = quantile(sorted, count, 0.5);
        range->high[m] = quantile(sorted, count, 0.9);
    }
    free(sorted);
}

// Beyond what is usual by `times` the distance from the median to the outer quantile, and by at least
// `margin`. With 1.5 that is 3.2, with 1.35 3.0 standard deviations of a normal distribution.
static float above(const struct quality_range *r, enum quality_measure m, float times, float margin)
{
    float beyond = times * (r->high[m] - r->middle[m]);
    return r->high[m] + (beyond > margin ? beyond : margin);
}

static float below(const struct quality_range *r, enum quality_measure m, float times, float margin)
{
    float beyond = times * (r->middle[m] - r->low[m]);
    return r->low[m] - (beyond > margin ? beyond : margin);
}

// Without knowing the scene: nothing can be seen in such a picture, anywhere.
static enum poor judge_alone(const float *m)
{
    if (m[QUALITY_DARK] > 0.97f)
        return POOR_DARK;
    if (m[QUALITY_BRIGHT] > 0.97f)
        return POOR_BRIGHT;
    return m[QUALITY_SPREAD] < 3 ? POOR_BLANK : POOR_NOT;
}

static enum poor judge_here(const float *m, const struct quality_range *r)
{
    enum poor alone = judge_alone(m);
    float blank = 0.3f * r->low[QUALITY_SPREAD];
    if (alone == POOR_BLANK && m[QUALITY_SPREAD] < blank)
        return POOR_BLANK;
    if (m[QUALITY_LEVEL] < 0.4f * r->low[QUALITY_LEVEL])
        return POOR_DARK;
    if (m[QUALITY_BRIGHT] > above(r, QUALITY_BRIGHT, 1.5f, 0.15f) ||
        m[QUALITY_LEVEL] > 1.6f * r->high[QUALITY_LEVEL])
        return POOR_BRIGHT;
    if (m[QUALITY_TORN] > above(r, QUALITY_TORN, 1.5f, 0.06f))
        return POOR_TORN;
    if (m[QUALITY_SHARP] < below(r, QUALITY_SHARP, 1.35f, 0.1f) &&
        m[QUALITY_SHARP] < r->middle[QUALITY_SHARP] - HALF)
        return POOR_BLURRED;
    if (m[QUALITY_FLAT] > above(r, QUALITY_FLAT, 1.5f, 0.15f))
        return POOR_COVERED;
    return POOR_NOT;
}

static void percent(char why[QUALITY_WHY], const char *what, float here, float usual)
{
    snprintf(why, QUALITY_WHY, "%s %.0f %%, usual here is up to %.0f %%", what, 100.0 * (double)here,
             100.0 * (double)usual);
}

static void explain(enum poor poor, const float *m, const struct quality_range *r, char why[QUALITY_WHY])
{
    switch (poor) {
    case POOR_BLANK:
        snprintf(why, QUALITY_WHY, "one tone: its levels differ by %.1f only, usual here is %.0f",
                 (double)m[QUALITY_SPREAD], (double)r->middle[QUALITY_SPREAD]);
        break;
    case POOR_DARK:
        snprintf(why, QUALITY_WHY, "mean level %.0f, usual here is %.0f to %.0f", (double)m[QUALITY_LEVEL],
                 (double)r->low[QUALITY_LEVEL], (double)r->high[QUALITY_LEVEL]);
        break;
    case POOR_BRIGHT:
        snprintf(why, QUALITY_WHY,
                 "%.0f %% of it is white and the mean level %.0f, usual here is %.0f to %.0f",
                 100.0 * (double)m[QUALITY_BRIGHT], (double)m[QUALITY_LEVEL], (double)r->low[QUALITY_LEVEL],
                 (double)r->high[QUALITY_LEVEL]);
        break;
    case POOR_TORN:
        percent(why, "nothing in the lower", m[QUALITY_TORN], r->high[QUALITY_TORN]);
        break;
    case POOR_COVERED:
        percent(why, "one area without detail covers", m[QUALITY_FLAT], r->high[QUALITY_FLAT]);
        break;
    case POOR_BLURRED:
        snprintf(why, QUALITY_WHY, "fine detail is %.0f %% of what is usual here",
                 100 * pow(10, (double)(m[QUALITY_SHARP] - r->middle[QUALITY_SHARP])));
        break;
    default:
        break;
    }
}

enum poor quality_judge(const struct quality *quality, const struct quality_range *range,
                        char why[QUALITY_WHY])
{
    const float *m = quality->measures;
    if (range->count >= QUALITY_ENOUGH) {
        enum poor poor = judge_here(m, range);
        explain(poor, m, range, why);
        return poor;
    }
    enum poor poor = judge_alone(m);
    if (poor != POOR_NOT)
        snprintf(why, QUALITY_WHY, "mean level %.0f, and its levels differ by %.1f only",
                 (double)m[QUALITY_LEVEL], (double)m[QUALITY_SPREAD]);
    return poor;
}
