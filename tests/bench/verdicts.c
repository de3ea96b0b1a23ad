#include "config.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "tests/bench/verdicts.h"

static int rising(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

static double *heard_together(const struct mtd *mtd, const double *values)
{
    double *sums = xcalloc(mtd->groups, sizeof *sums), *sizes = xcalloc(mtd->groups, sizeof *sizes);
    double *out = xcalloc(mtd->count, sizeof *out);
    for (size_t i = 0; i < mtd->count; i++) {
        sums[mtd->pictures[i].group] += values[i];
        sizes[mtd->pictures[i].group]++;
    }
    for (size_t i = 0; i < mtd->count; i++)
        out[i] = (values[i] + sums[mtd->pictures[i].group] / sizes[mtd->pictures[i].group]) / 2;
    free(sums);
    free(sizes);
    return out;
}

// The score that a tenth of the normals is above.
static double tenth(const double *scores, const bool *defect, size_t n)
{
    double *normals = xcalloc(n + 1, sizeof *normals);
    size_t count = 0;
    for (size_t i = 0; i < n; i++)
        if (!defect[i])
            normals[count++] = scores[i];
    qsort(normals, count, sizeof *normals, rising);
    double threshold = count ? normals[count - 1 - count / 10] : NAN;
    free(normals);
    return threshold;
}

struct verdicts verdicts_of(const struct mtd *mtd, const bool *fit, const double *values, bool together)
{
    struct verdicts v = {0};
    double *heard = together ? heard_together(mtd, values) : NULL,
           *scores = xcalloc(mtd->count, sizeof *scores);
    bool *defect = xcalloc(mtd->count, sizeof *defect);
    uint64_t *groups = xcalloc(mtd->count, sizeof *groups);
    double of_kind[MTD_KINDS] = {0}, found[MTD_KINDS] = {0}, hits = 0, called = 0, defects = 0;
    size_t n = 0;
    for (size_t i = 0; i < mtd->count; i++)
        if (!fit[i]) {
            scores[n] = heard ? heard[i] : values[i];
            groups[n] = mtd->pictures[i].group;
            defect[n++] = mtd_defect(mtd, i);
        }
    struct metrics m = metrics_all(scores, defect, groups, n, 200, 1);
    v.auroc = m.auroc, v.auroc_ci = m.auroc_ci;
    v.filtered95 = m.filtered95, v.filtered95_ci = m.filtered95_ci;
    v.filtered98 = m.filtered9824, v.filtered98_ci = m.filtered9824_ci;
    for (size_t i = 0; i < n; i++) {
        called += scores[i] > 0;
        hits += scores[i] > 0 && defect[i];
        defects += defect[i];
    }
    v.recall = hits / fmax(defects, 1);
    v.precision = hits / fmax(called, 1);
    double threshold = tenth(scores, defect, n);
    for (size_t i = 0, k = 0; i < mtd->count; i++)
        if (!fit[i]) {
            of_kind[mtd->pictures[i].kind]++;
            found[mtd->pictures[i].kind] += scores[k++] > threshold;
        }
    for (int k = 0; k < MTD_KINDS; k++)
        v.found[k] = of_kind[k] > 0 ? found[k] / of_kind[k] : NAN;
    free(heard);
    free(scores);
    free(defect);
    free(groups);
    return v;
}

// A number as JSON knows it.
static void put(const char *name, const char *what, double value)
{
    if (isfinite(value))
        printf(",\"%s%s\":%.4f", name, what, value);
    else
        printf(",\"%s%s\":null", name, what);
}

static void put_interval(const char *name, const char *what, struct metrics_interval i)
{
    printf(",\"%s%s_ci\":[%.4f,%.4f]", name, what, i.low, i.high);
}

void verdicts_print(const char *name, const struct verdicts *v)
{
    put(name, "auroc", v->auroc);
    put(name, "filtered95", v->filtered95);
    put(name, "filtered9824", v->filtered98);
    put_interval(name, "auroc", v->auroc_ci);
    put_interval(name, "filtered95", v->filtered95_ci);
    put_interval(name, "filtered9824", v->filtered98_ci);
    put(name, "recall", v->recall);
    put(name, "precision", v->precision);
    for (int k = 0; k < MTD_KINDS; k++)
        if (k != MTD_FREE)
            put(name, mtd_kind_key(k), v->found[k]);
}
