#include "config.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "screen/register.h"

enum { REACH = REGISTER_REACH / 2, AROUND = 6, LEVEL = 40, ROUNDS = 3, NEAR = 1 }; // in pixels of the details
static const float flat = 3, most = 3; // gray levels that are noise; deviations beyond which nothing counts
static const double agree_least = 0.8, moved_least = 0.5, alike_least = 0.3;

struct register_work {
    float *gray, *sums, *squares;
    int16_t *detail;
    size_t capacity;
};

struct detail {
    int rows, cols;  // of the network's input
    int16_t *levels; // (rows / 2, cols / 2)
    int dx, dy;
};

struct register_sample {
    struct detail *pictures;
    size_t count, capacity;
};

void registration_clear(struct registration *registration)
{
    free(registration->mean);
    *registration = (struct registration){0};
}

struct register_work *register_work_new(void)
{
    return xcalloc(1, sizeof(struct register_work));
}

void register_work_free(struct register_work *work)
{
    if (!work)
        return;
    free(work->gray);
    free(work->sums);
    free(work->squares);
    free(work->detail);
    free(work);
}

// ---- details ----

// Sums above and left, (rows + 1, cols + 1), of `values` or of their squares.
static void sum_areas(const float *values, int rows, int cols, bool squares, float *sums)
{
    int line = cols + 1;
    memset(sums, 0, (size_t)line * sizeof *sums);
    for (int r = 0; r < rows; r++) {
        double sum = 0;
        sums[(r + 1) * line] = 0;
        for (int c = 0; c < cols; c++) {
            double v = (double)values[r * cols + c];
            sum += squares ? v * v : v;
            sums[(r + 1) * line + c + 1] = sums[r * line + c + 1] + (float)sum;
        }
    }
}

static float area(const float *sums, int line, int r0, int r1, int c0, int c1)
{
    return sums[r1 * line + c1] - sums[r0 * line + c1] - sums[r1 * line + c0] + sums[r0 * line + c0];
}

// (rows / 2, cols / 2), valid until the next call.
static const int16_t *detail_of(struct register_work *work, const float *rgb, int rows, int cols)
{
    int down = rows / 2, across = cols / 2, line = across + 1;
    size_t cells = (size_t)(down + 1) * (size_t)line;
    if (cells > work->capacity) {
        work->gray = xreallocarray(work->gray, cells, sizeof *work->gray);
        work->sums = xreallocarray(work->sums, cells, sizeof *work->sums);
        work->squares = xreallocarray(work->squares, cells, sizeof *work->squares);
        work->detail = xreallocarray(work->detail, cells, sizeof *work->detail);
        work->capacity = cells;
    }
    double mean = 0;
    for (int r = 0; r < down; r++)
        for (int c = 0; c < across; c++) {
            const float *a = rgb + ((size_t)(2 * r) * (size_t)cols + (size_t)(2 * c)) * 3,
                        *b = a + (size_t)cols * 3;
            float sum = 0;
            for (int k = 0; k < 6; k++)
                sum += a[k] + b[k];
            work->gray[r * across + c] = sum / 12;
            mean += (double)sum / 12;
        }
    mean /= (double)down * across;
    for (int i = 0; i < down * across; i++)
        work->gray[i] -= (float)mean; // keeps the sums small
    sum_areas(work->gray, down, across, false, work->sums);
    sum_areas(work->gray, down, across, true, work->squares);
    for (int r = 0; r < down; r++)
        for (int c = 0; c < across; c++) {
            int r0 = r > AROUND ? r - AROUND : 0, r1 = r + AROUND < down ? r + AROUND + 1 : down;
            int c0 = c > AROUND ? c - AROUND : 0, c1 = c + AROUND < across ? c + AROUND + 1 : across;
            float n = (float)((r1 - r0) * (c1 - c0)), here = area(work->sums, line, r0, r1, c0, c1) / n;
            float square = area(work->squares, line, r0, r1, c0, c1) / n - here * here;
            float level = (work->gray[r * across + c] - here) / (sqrtf(square > 0 ? square : 0) + flat);
            level = level > most ? most : level > -most ? level : -most; // not a number: the least
            work->detail[r * across + c] = (int16_t)lrintf(level * LEVEL);
        }
    return work->detail;
}

// ---- shifts ----

// Mean product where both are, detail moved by (dx, dy) details' pixels.
static double correlate(const int16_t *mean, const int16_t *detail, int rows, int cols, int dx, int dy)
{
    int r0 = dy < 0 ? -dy : 0, r1 = dy > 0 ? rows - dy : rows, c0 = dx < 0 ? -dx : 0,
        c1 = dx > 0 ? cols - dx : cols;
    int64_t sum = 0;
    for (int r = r0; r < r1; r++) {
        const int16_t *a = mean + r * cols, *b = detail + (r + dy) * cols + dx;
        int32_t part = 0;
        for (int c = c0; c < c1; c++)
            part += a[c] * b[c];
        sum += part;
    }
    return (double)sum / ((double)(r1 - r0) * (c1 - c0));
}

// Where the parabola through three neighbouring values has its top, -0.5 .. 0.5 beside the middle one.
static double top_beside(double before, double middle, double after)
{
    double bend = before - 2 * middle + after; // infinite at the reach's end
    double at = bend < 0 && isfinite(bend) ? 0.5 * (before - after) / bend : 0;
    return at > 0.5 ? 0.5 : at < -0.5 ? -0.5 : at;
}

// Sums of two by two.
static void halve(const int16_t *levels, int rows, int cols, int16_t *out)
{
    for (int r = 0; r < rows / 2; r++)
        for (int c = 0; c < cols / 2; c++) {
            const int16_t *at = levels + 2 * r * cols + 2 * c;
            out[r * (cols / 2) + c] = (int16_t)(at[0] + at[1] + at[cols] + at[cols + 1]);
        }
}

// The shift with the largest correlation at half the size of the details, in their pixels.
static void rough_shift(const int16_t *mean, const int16_t *detail, int rows, int cols, int *dx, int *dy)
{
    enum { ROUGH = (REACH + 1) / 2 };
    size_t cells = (size_t)(rows / 2) * (size_t)(cols / 2);
    int16_t *small = xreallocarray(NULL, 2 * cells, sizeof *small);
    double best = -INFINITY;
    halve(mean, rows, cols, small);
    halve(detail, rows, cols, small + cells);
    *dx = *dy = 0;
    for (int y = -ROUGH; y <= ROUGH; y++)
        for (int x = -ROUGH; x <= ROUGH; x++) {
            double value = correlate(small, small + cells, rows / 2, cols / 2, x, y);
            bool nearer = value == best && 4 * (x * x + y * y) < *dx * *dx + *dy * *dy; // where all are alike
            if (value > best || nearer) {
                best = value;
                *dx = 2 * x;
                *dy = 2 * y;
            }
        }
    free(small);
}

// The shift with the largest correlation, in pixels of the input; returns that.
static double best_shift(const int16_t *mean, const int16_t *detail, int rows, int cols, int *dx, int *dy)
{
    enum { AROUND_ROUGH = 2, SIDE = 2 * AROUND_ROUGH + 1 };
    double values[SIDE * SIDE];
    int best = SIDE * SIDE / 2, rough_x, rough_y;
    rough_shift(mean, detail, rows, cols, &rough_x, &rough_y);
    for (int i = 0; i < SIDE * SIDE; i++) {
        int x = rough_x + i % SIDE - AROUND_ROUGH, y = rough_y + i / SIDE - AROUND_ROUGH;
        bool within = abs(x) <= REACH && abs(y) <= REACH;
        values[i] = within ? correlate(mean, detail, rows, cols, x, y) : -INFINITY;
    }
    for (int i = 0; i < SIDE * SIDE; i++)
        if (values[i] > values[best])
            best = i;
    int x = best % SIDE, y = best / SIDE;
    double beside_x =
        x > 0 && x < SIDE - 1 ? top_beside(values[best - 1], values[best], values[best + 1]) : 0;
    double beside_y =
        y > 0 && y < SIDE - 1 ? top_beside(values[best - SIDE], values[best], values[best + SIDE]) : 0;
    *dx = (int)lrint(2 * (rough_x + x - AROUND_ROUGH + beside_x));
    *dy = (int)lrint(2 * (rough_y + y - AROUND_ROUGH + beside_y));
    return values[best];
}

static double energy(const int16_t *levels, int count)
{
    double sum = 0;
    for (int i = 0; i < count; i++)
        sum += (double)levels[i] * levels[i];
    return sum / count;
}

void register_find(const struct registration *registration, struct register_work *work, const float *rgb,
                   int rows, int cols, int *dx, int *dy)
{
    *dx = *dy = 0;
    if (rows != registration->rows || cols != registration->cols || !registration->mean)
        return;
    const int16_t *detail = detail_of(work, rgb, rows, cols);
    int cells = rows / 2 * (cols / 2);
    double value = best_shift(registration->mean, detail, rows / 2, cols / 2, dx, dy);
    double norm = sqrt(energy(registration->mean, cells) * energy(detail, cells));
    if (!(value > alike_least * (double)registration->typical * norm))
        *dx = *dy = 0;
}

void register_move(const float *rgb, int rows, int cols, int dx, int dy, float *out)
{
    for (int r = 0; r < rows; r++) {
        int from = r + dy < 0 ? 0 : r + dy < rows ? r + dy : rows - 1;
        for (int c = 0; c < cols; c++) {
            int at = c + dx < 0 ? 0 : c + dx < cols ? c + dx : cols - 1;
            const float *pixel = rgb + ((size_t)from * (size_t)cols + (size_t)at) * 3;
            float *to = out + ((size_t)r * (size_t)cols + (size_t)c) * 3;
            to[0] = pixel[0];
            to[1] = pixel[1];
            to[2] = pixel[2];
        }
    }
}

// ---- the sample ----

struct register_sample *register_sample_new(void)
{
    return xcalloc(1, sizeof(struct register_sample));
}

void register_sample_free(struct register_sample *sample)
{
    if (!sample)
        return;
    for (size_t i = 0; i < sample->count; i++)
        free(sample->pictures[i].levels);
    free(sample->pictures);
    free(sample);
}

void register_sample_add(struct register_sample *sample, struct register_work *work, size_t number,
                         const float *rgb, int rows, int cols)
{
    size_t before = sample->capacity, cells = (size_t)(rows / 2) * (size_t)(cols / 2);
    GROW(sample->pictures, sample->capacity, number + 1);
    memset(sample->pictures + before, 0, (sample->capacity - before) * sizeof *sample->pictures);
    sample->count = number >= sample->count ? number + 1 : sample->count;
    struct detail *picture = &sample->pictures[number];
    free(picture->levels);
    *picture = (struct detail){rows, cols, xreallocarray(NULL, cells, sizeof *picture->levels), 0, 0};
    memcpy(picture->levels, detail_of(work, rgb, rows, cols), cells * sizeof *picture->levels);
}

// Those of the shape that most have, the earlier on a tie, to the front in their order. Returns how many.
static size_t of_one_shape(struct register_sample *sample)
{
    size_t best = 0, members = 0, n = 0;
    for (size_t i = 0; i < sample->count; i++) {
        size_t same = 0;
        for (size_t j = 0; j < sample->count && sample->pictures[i].levels; j++)
            same += sample->pictures[j].levels && sample->pictures[j].rows == sample->pictures[i].rows &&
                    sample->pictures[j].cols == sample->pictures[i].cols;
        if (same > members) {
            members = same;
            best = i;
        }
    }
    if (!members)
        return 0;
    const int rows = sample->pictures[best].rows, cols = sample->pictures[best].cols;
    for (size_t i = 0; i < sample->count; i++)
        if (sample->pictures[i].levels && sample->pictures[i].rows == rows &&
            sample->pictures[i].cols == cols) {
            struct detail kept = sample->pictures[n];
            sample->pictures[n++] = sample->pictures[i];
            sample->pictures[i] = kept;
        }
    return n;
}

// Mean of every `step`th picture from `first` on, each moved back by its shift.
static void mean_of(const struct register_sample *sample, size_t count, size_t first, size_t step,
                    int16_t *mean)
{
    int rows = sample->pictures[0].rows / 2, cols = sample->pictures[0].cols / 2;
    size_t cells = (size_t)rows * (size_t)cols;
    int32_t *sums = xcalloc(cells, sizeof *sums), *counts = xcalloc(cells, sizeof *counts);
    for (size_t i = first; i < count; i += step) {
        const struct detail *p = &sample->pictures[i];
        int dx = (int)lrint(p->dx / 2.0), dy = (int)lrint(p->dy / 2.0);
        for (int r = dy < 0 ? -dy : 0; r < rows && r + dy < rows; r++)
            for (int c = dx < 0 ? -dx : 0; c < cols && c + dx < cols; c++) {
                sums[r * cols + c] += p->levels[(r + dy) * cols + c + dx];
                counts[r * cols + c]++;
            }
    }
    for (size_t i = 0; i < cells; i++) // larger steps than the details': they are much smaller
        mean[i] = (int16_t)lrint(counts[i] ? 8.0 * sums[i] / counts[i] : 0);
    free(counts);
    free(sums);
}

static int rising(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *values, size_t count)
{
    qsort(values, count, sizeof *values, rising);
    return values[count / 2];
}

// Registers every `step`th picture from `first` on to the mean and takes the mean again, so often.
static void settle(struct register_sample *sample, size_t count, size_t first, size_t step, int rounds,
                   int16_t *mean)
{
    int rows = sample->pictures[0].rows / 2, cols = sample->pictures[0].cols / 2;
    double *xs = xcalloc(count, sizeof *xs), *ys = xcalloc(count, sizeof *ys);
    for (int round = 0; round < rounds; round++) {
        size_t n = 0;
        for (size_t i = first; i < count; i += step) {
            struct detail *p = &sample->pictures[i];
            best_shift(mean, p->levels, rows, cols, &p->dx, &p->dy);
            xs[n] = p->dx;
            ys[n++] = p->dy;
        }
        int x = (int)median(xs, n), y = (int)median(ys, n); // the mean picture stays in the middle
        for (size_t i = first; i < count; i += step) {
            sample->pictures[i].dx -= x;
            sample->pictures[i].dy -= y;
        }
        mean_of(sample, count, first, step, mean);
    }
    free(xs);
    free(ys);
}

// Share of the pictures that two halves' means tell the same shift; *moved: how far the pictures are beside
// their place.
static double agreement(struct register_sample *sample, size_t count, size_t cells, double *moved)
{
    int rows = sample->pictures[0].rows / 2, cols = sample->pictures[0].cols / 2;
    int16_t *means[2];
    double *xs = xcalloc(count, sizeof *xs), *ys = xcalloc(count, sizeof *ys), far = 0;
    int *shifts = xcalloc(4 * count, sizeof *shifts);
    for (size_t half = 0; half < 2; half++) {
        means[half] = xreallocarray(NULL, cells, sizeof *means[half]);
        mean_of(sample, count, half, 2, means[half]);
        settle(sample, count, half, 2, ROUNDS, means[half]);
    }
    for (size_t i = 0; i < count; i++) {
        int *shift = shifts + 4 * i;
        for (int half = 0; half < 2; half++)
            best_shift(means[half], sample->pictures[i].levels, rows, cols, &shift[2 * half],
                       &shift[2 * half + 1]);
        xs[i] = shift[0] - shift[2];
        ys[i] = shift[1] - shift[3];
        far += (abs(shift[0]) + abs(shift[1])) / 2.0 / (double)count;
    }
    int x = (int)median(xs, count), y = (int)median(ys, count); // between the two means
    size_t agreed = 0;
    for (size_t i = 0; i < count; i++) {
        const int *shift = shifts + 4 * i;
        agreed += abs(shift[0] - shift[2] - x) <= 2 * NEAR && abs(shift[1] - shift[3] - y) <= 2 * NEAR;
    }
    free(means[0]);
    free(means[1]);
    free(shifts);
    free(xs);
    free(ys);
    *moved = far;
    return (double)agreed / (double)count;
}

bool register_fit(struct register_sample *sample, struct registration *registration, double *agreed)
{
    *registration = (struct registration){0};
    size_t count = of_one_shape(sample);
    if (agreed)
        *agreed = 0;
    if (count < REGISTER_LEAST)
        return false;
    int rows = sample->pictures[0].rows, cols = sample->pictures[0].cols;
    size_t cells = (size_t)(rows / 2) * (size_t)(cols / 2);
    double moved, share = agreement(sample, count, cells, &moved);
    if (agreed)
        *agreed = share;
    if (share < agree_least || moved < moved_least)
        return false;
    int16_t *mean = xreallocarray(NULL, cells, sizeof *mean);
    mean_of(sample, count, 0, 1, mean);
    settle(sample, count, 0, 1, ROUNDS, mean);
    double *alike = xcalloc(count, sizeof *alike), own = energy(mean, (int)cells);
    for (size_t i = 0; i < count; i++) {
        int dx, dy;
        double value = best_shift(mean, sample->pictures[i].levels, rows / 2, cols / 2, &dx, &dy);
        double norm = sqrt(own * energy(sample->pictures[i].levels, (int)cells));
        alike[i] = norm > 0 ? value / norm : 0;
    }
    *registration = (struct registration){rows, cols, mean, (float)median(alike, count)};
    free(alike);
    return true;
}
