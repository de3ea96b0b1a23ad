#include "config.h"

#include <math.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "screen/rates.h"

// Continued fraction of the incomplete beta function (DLMF 8.17.22), by the
// modified Lentz method.
static double fraction(double a, double b, double x)
{
    enum { STEPS = 100000 };
    const double tiny = 1e-300;
    double c = 1, d = 1 - (a + b) * x / (a + 1);
    d = 1 / (fabs(d) < tiny ? tiny : d);
    double value = d;
    for (int m = 1; m <= STEPS; m++) {
        double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
        double odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)), step = 1;
        for (int half = 0; half < 2; half++) {
            double term = half ? odd : even;
            d = 1 + term * d;
            d = 1 / (fabs(d) < tiny ? tiny : d);
            c = 1 + term / c;
            c = fabs(c) < tiny ? tiny : c;
            step = c * d;
            value *= step;
        }
        if (fabs(step - 1) < 1e-15)
            break;
    }
    return value;
}

static double log_gamma(double x)
{
    int sign;
    return lgamma_r(x, &sign);
}

// Regularised incomplete beta function I_x(a, b), a and b > 0.
static double incomplete_beta(double a, double b, double x)
{
    if (x <= 0 || x >= 1)
        return x >= 1;
    double front = exp(log_gamma(a + b) - log_gamma(a) - log_gamma(b) + a * log(x) + b * log1p(-x));
    // the fraction converges fast below the mean; above it, the mirror image does
    return x < (a + 1) / (a + b + 2) ? front * fraction(a, b, x) / a : 1 - front * fraction(b, a, 1 - x) / b;
}

double rates_binomial(size_t most, size_t trials, double p)
{
    return most >= trials ? 1 : incomplete_beta((double)(trials - most), (double)most + 1, 1 - p);
}

// The p at which P(at most `most` hits) falls to `share`.
static double solve(size_t most, size_t trials, double share)
{
    double low = 0, high = 1;
    for (int i = 0; i < 60; i++) {
        double p = (low + high) / 2;
        *(rates_binomial(most, trials, p) > share ? &low : &high) = p;
    }
    return (low + high) / 2;
}

struct rates_interval rates_exact(size_t hits, size_t trials, double confidence)
{
    struct rates_interval i = {0, 1};
    double tail = (1 - confidence) / 2;
    if (hits > 0 && trials > 0)
        i.low = solve(hits - 1, trials, 1 - tail);
    if (hits < trials)
        i.high = solve(hits, trials, tail);
    return i;
}

double rates_kappa(const int64_t *table, int kinds)
{
    double total = 0, same = 0, chance = 0;
    for (int i = 0; i < kinds; i++) {
        double first = 0, second = 0;
        for (int j = 0; j < kinds; j++) {
            first += (double)table[i * kinds + j];
            second += (double)table[j * kinds + i];
        }
        total += first;
        same += (double)table[i * kinds + i];
        chance += first * second;
    }
    if (!(total > 0) || chance >= total * total)
        return NAN;
    chance /= total * total;
    return (same / total - chance) / (1 - chance);
}

double rates_kappa_error(const int64_t *table, int kinds)
{
    double kappa = rates_kappa(table, kinds), total = 0, chance = 0, diagonal = 0, off = 0;
    double *rows = xcalloc((size_t)kinds, sizeof *rows), *columns = xcalloc((size_t)kinds, sizeof *columns);
    for (int i = 0; i < kinds * kinds; i++) {
        total += (double)table[i];
        rows[i / kinds] += (double)table[i];
        columns[i % kinds] += (double)table[i];
    }
    for (int i = 0; i < kinds; i++)
        chance += rows[i] * columns[i] / (total * total);
    for (int i = 0; i < kinds; i++) {
        for (int j = 0; j < kinds; j++) {
            double p = (double)table[i * kinds + j] / total;
            double both = i == j ? 1 - (rows[i] + columns[i]) / total * (1 - kappa) : (columns[i] + rows[j]) / total;
            *(i == j ? &diagonal : &off) += p * both * both;
        }
    }
    free(rows);
    free(columns);
    double last = kappa - chance * (1 - kappa);
    double variance = (diagonal + (1 - kappa) * (1 - kappa) * off - last * last) / (total * (1 - chance) * (1 - chance));
    return isfinite(kappa) ? sqrt(fmax(variance, 0)) : NAN;
}

struct rates_interval rates_kappa_interval(const int64_t *table, int kinds, double z)
{
    double kappa = rates_kappa(table, kinds), reach = z * rates_kappa_error(table, kinds);
    return (struct rates_interval){fmax(kappa - reach, -1), fmin(kappa + reach, 1)};
}
