#include "config.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "screen/tail.h"

// The generalised Pareto distribution beyond `start` has survival
// (1 + shape * y / scale)^(-1/shape) for an excess y. Scores beyond the 98 %
// quantile ("the far ones", a fifth of the excesses) enter the likelihood only
// as: that many are far, and some of them may be no normals at all.
enum { EXCESSES_MOST = 1000, SCALES = 16 };
static const double START = 0.90, FAR = 0.98, SHAPE_MOST = 0.5, SHAPE_STEP = 0.05;
static const double FLOOR = 1e-12;
// Weak priors that carry small samples and leave hundreds of excesses their
// say: the shape near 0, the scale near what the body of the scores suggests,
// the contamination small (its mean, as a share of the excesses).
static const double SHAPE_SD = 0.15, SCALE_SD = 0.5, CONTAMINATION = 0.05;
// A far score is gross, no matter how the tail is shaped, when less than GROSS
// normals of a sample of this size are expected beyond it.
static const double GROSS = 1e-3;
static const double ROUND_OFF = 1e-4; // probability from which a tail that would end goes on exponentially

struct excesses {
    double *values; // (count) of those up to the far ones, thinned
    size_t count;
    double weight;    // how many each stands for
    double near, far; // how many are up to the 98 % quantile and beyond it
    double limit;     // the excess at that quantile
    double guess;     // scale suggested by the body
};

static int ascending(const void *left, const void *right)
{
    const double *a = left, *b = right;
    return (*a > *b) - (*a < *b);
}

static double quantile(const double *sorted, size_t count, double share)
{
    double at = share * (double)(count - 1);
    size_t low = (size_t)at;
    if (low + 1 >= count)
        return sorted[count - 1];
    return sorted[low] + (at - (double)low) * (sorted[low + 1] - sorted[low]);
}

// log of the survival function; -INFINITY beyond the end of a negative shape.
static double log_survival(double shape, double scale, double y)
{
    double z = y / scale;
    if (fabs(shape) < 1e-9)
        return -z;
    return shape * z <= -1 ? -INFINITY : -log1p(shape * z) / shape;
}

// Share of the excesses that are contamination (all of it far), the most
// likely one under an exponential prior: the root of
// far (1 - s) / (s + c (1 - s)) - near / (1 - c) = 1 / mean.
static double contamination(const struct excesses *e, double s)
{
    double rate = 1 / CONTAMINATION, low = 0, high = (1 - FAR) / (1 - START); // all of the far ones
    if (e->far * (1 - s) / fmax(s, 1e-300) - e->near <= rate)
        return 0;
    for (int i = 0; i < 40; i++) {
        double c = (low + high) / 2;
        if (e->far * (1 - s) / (s + c * (1 - s)) - e->near / (1 - c) > rate)
            low = c;
        else
            high = c;
    }
    return low;
}

static double log_likelihood(const struct excesses *e, double shape, double scale)
{
    double sum = 0, far = exp(log_survival(shape, scale, e->limit));
    for (size_t i = 0; i < e->count; i++)
        sum += (1 + shape) * log_survival(shape, scale, e->values[i]); // the density, times scale
    double c = contamination(e, far), a = shape / SHAPE_SD, b = log(scale / e->guess) / SCALE_SD;
    sum = e->weight * sum + e->near * (log1p(-c) - log(scale)) - a * a / 2 - b * b / 2 - c / CONTAMINATION;
    if (e->far > 0)
        sum += e->far * log(fmax(c + (1 - c) * far, 1e-300));
    return sum;
}

// Best scale for a shape: a grid (the contamination may make two hills), then
// golden section around its best.
static double best_scale(const struct excesses *e, double shape, double *likelihood)
{
    const double golden = 0.6180339887498949, step = log(100) / (SCALES - 1);
    double low = log(e->guess / 10), best = low, top = -INFINITY;
    for (int i = 0; i < SCALES; i++) {
        double value = log_likelihood(e, shape, exp(low + i * step));
        if (value > top) {
            top = value;
            best = low + i * step;
        }
    }
    double a = best - step, b = best + step;
    double x = b - golden * (b - a), y = a + golden * (b - a);
    double fx = log_likelihood(e, shape, exp(x)), fy = log_likelihood(e, shape, exp(y));
    for (int i = 0; i < 12; i++) {
        if (fx > fy) {
            b = y, y = x, fy = fx;
            x = b - golden * (b - a);
            fx = log_likelihood(e, shape, exp(x));
        } else {
            a = x, x = y, fx = fy;
            y = a + golden * (b - a);
            fy = log_likelihood(e, shape, exp(y));
        }
    }
    *likelihood = fmax(fx, fy);
    return exp((a + b) / 2);
}

static struct excesses excesses_of(const double *sorted, size_t count, double start)
{
    double limit = quantile(sorted, count, FAR), span = sorted[count - 1] - sorted[0];
    size_t first = 0, end;
    while (sorted[first] <= start && first < count - 1)
        first++;
    for (end = first; end < count && sorted[end] <= limit; end++)
        ;
    size_t near = end - first, kept = near < EXCESSES_MOST ? near : EXCESSES_MOST;
    struct excesses e = {.values = xcalloc(kept + 1, sizeof *e.values),
                         .count = kept,
                         .near = (double)near,
                         .far = (double)(count - end),
                         .limit = limit - start,
                         .weight = kept ? (double)near / (double)kept : 0};
    for (size_t i = 0; i < kept; i++)
        e.values[i] = sorted[first + (2 * i + 1) * near / (2 * kept)] - start;
    // From the median to the 90 % quantile an exponential distribution falls by ln 5 scales.
    e.guess = (start - quantile(sorted, count, 0.5)) / log(5);
    if (!(e.guess > 1e-6 * span))
        e.guess = fmax(e.limit, 0.01 * span);
    return e;
}

static void fit_sorted(const double *sorted, size_t count, struct tail *tail)
{
    struct tail t = {.start = quantile(sorted, count, START)};
    for (int i = 0; i < TAIL_GRID; i++)
        t.grid[i] = quantile(sorted, count, (i + 0.5) / TAIL_GRID);
    struct excesses e = excesses_of(sorted, count, t.start);
    double top = -INFINITY;
    int steps = (int)lround(SHAPE_MOST / SHAPE_STEP);
    for (int i = -steps; i <= steps; i++) {
        double likelihood, scale = best_scale(&e, i * SHAPE_STEP, &likelihood);
        if (likelihood > top) {
            top = likelihood;
            t.shape = i * SHAPE_STEP;
            t.scale = scale;
        }
    }
    t.contamination = (1 - START) * contamination(&e, exp(log_survival(t.shape, t.scale, e.limit)));
    free(e.values);
    *tail = t;
}

enum status tail_fit(const double *scores, size_t count, struct tail *tail, struct error *err)
{
    if (count < 16)
        return error_set(err, ST_INVALID, "%zu scores are too few to fit a tail; at least 16 are needed",
                         count);
    for (size_t i = 0; i < count; i++)
        if (!isfinite(scores[i]))
            return error_set(err, ST_INVALID, "score %zu is not finite", i + 1);
    double *sorted = xmalloc(count * sizeof *sorted);
    memcpy(sorted, scores, count * sizeof *sorted);
    qsort(sorted, count, sizeof *sorted, ascending);
    if (sorted[0] == sorted[count - 1]) {
        free(sorted);
        return error_set(err, ST_INVALID, "all %zu scores are equal", count);
    }
    // Gross scores go, which may reveal more of them; never more than the far ones.
    size_t kept = count, gross;
    do {
        gross = count - kept;
        fit_sorted(sorted, kept, tail);
        while (kept > (size_t)ceil(FAR * (double)count) && sorted[kept - 1] > sorted[0] &&
               tail_score(tail, sorted[kept - 1]) > log10((double)count / GROSS))
            kept--;
    } while (count - kept > gross && sorted[kept - 1] > sorted[0]);
    free(sorted);
    return ST_OK;
}

// A share of all scores beyond a point as a share of the normal ones, and back:
// the contamination lies beyond every point up to the start.
static double of_normals(const struct tail *t, double share)
{
    return (share - t->contamination) / (1 - t->contamination);
}

static double of_all(const struct tail *t, double share)
{
    return share * (1 - t->contamination) + t->contamination;
}

// Where a tail of negative shape stops following the Pareto distribution, and
// the rate at which it goes on; INFINITY for the others.
static double bend(const struct tail *t, double *rate)
{
    if (t->shape >= -1e-9)
        return INFINITY;
    double end = t->scale * expm1(t->shape * log(of_normals(t, 1 - START) / ROUND_OFF)) / t->shape;
    *rate = 1 / (t->scale + t->shape * end);
    return end;
}

// Scores at the ends of the grid's cells that lie below the start; the last is the start.
enum { BODY = (int)(0.9 * TAIL_GRID - 0.5) + 1 };

static double body_score(const struct tail *t, int i)
{
    return i < BODY ? t->grid[i] : t->start;
}

static double body_share(int i)
{
    return i < BODY ? 1 - (i + 0.5) / TAIL_GRID : 1 - START;
}

double tail_score(const struct tail *t, double score)
{
    if (isnan(score))
        score = INFINITY;
    if (score >= t->start) {
        double y = score - t->start, rate = 0, end = bend(t, &rate), over = 0;
        if (y > end) {
            over = (y - end) * rate;
            y = end;
        }
        double p = log(of_normals(t, 1 - START)) + log_survival(t->shape, t->scale, y) - over;
        return fmin(-p / log(10), 1e6);
    }
    if (score <= t->grid[0])
        return -log10(of_normals(t, body_share(0)));
    int low = 0, high = BODY; // grid[low] < score <= grid[high]
    while (high - low > 1) {
        int middle = (low + high) / 2;
        *(body_score(t, middle) < score ? &low : &high) = middle;
    }
    double a = body_score(t, low), b = body_score(t, high), f = b > a ? (score - a) / (b - a) : 1;
    return -log10(of_normals(t, body_share(low) + f * (body_share(high) - body_share(low))));
}

double tail_probability(const struct tail *t, double score)
{
    return fmax(pow(10, -tail_score(t, score)), FLOOR);
}

double tail_quantile(const struct tail *t, double probability)
{
    double p = fmax(probability, FLOOR), beyond = of_normals(t, 1 - START);
    if (p <= beyond) {
        double fall = log(beyond / p), rate = 0, end = bend(t, &rate);
        if (isfinite(end) && p < ROUND_OFF)
            return t->start + end + log(ROUND_OFF / p) / rate;
        double z = fabs(t->shape) < 1e-9 ? fall : expm1(t->shape * fall) / t->shape;
        return t->start + t->scale * z;
    }
    double share = of_all(t, p);
    for (int i = 0; i < BODY; i++) {
        double a = body_share(i), b = body_share(i + 1);
        if (share >= b) {
            double f = share < a ? (a - share) / (a - b) : 0;
            return body_score(t, i) + f * (body_score(t, i + 1) - body_score(t, i));
        }
    }
    return t->start;
}
