#include "config.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "learn/acquire_impl.h"

// LAPACK, inside OpenBLAS. Our factor, packed by rows, is its transpose packed by columns.
void dpptri_(const char *uplo, const int *n, double *ap, int *info);

enum { GROUP_MOST = 64, SIDE_LEAST = 5, PUT_LEAST = 5 };
static const double put_share =
    0.05; // of the answers are put up at a time, or PUT_LEAST: the worst first, then the rest

static double inverse_at(const double *packed, size_t i, size_t j)
{
    return i >= j ? packed[i * (i + 1) / 2 + j] : packed[j * (j + 1) / 2 + i];
}

// Solves the (n, n) symmetric positive definite system in place by Cholesky; x receives the solution.
static void solve(double *m, double *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j <= i; j++) {
            double sum = m[i * n + j];
            for (size_t k = 0; k < j; k++)
                sum -= m[i * n + k] * m[j * n + k];
            m[i * n + j] = i == j ? sqrt(fmax(sum, 1e-12)) : sum / m[j * n + j];
        }
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < i; k++)
            x[i] -= m[i * n + k] * x[k];
        x[i] /= m[i * n + i];
    }
    for (size_t i = n; i-- > 0;) {
        for (size_t k = i + 1; k < n; k++)
            x[i] -= m[k * n + i] * x[k];
        x[i] /= m[i * n + i];
    }
}

struct left_out {
    const struct acquire *a;
    double *inverse; // of K + noise, packed
    double *slope;   // (columns) inverse times (y - mean)
    double *defect;  // (columns) result
};

static const struct acquire_candidate *column(const struct left_out *l, size_t c)
{
    return &l->a->candidates[l->a->process.answered[c]];
}

// y_G - (C_GG)^-1 (C r)_G: what the others say of the members of a group.
static void leave_out(struct left_out *l, const size_t *members, size_t n)
{
    double block[GROUP_MOST * GROUP_MOST], x[GROUP_MOST];
    for (size_t i = 0; i < n; i++) {
        x[i] = l->slope[members[i]];
        for (size_t j = 0; j < n; j++)
            block[i * n + j] = inverse_at(l->inverse, members[i], members[j]);
    }
    solve(block, x, n);
    for (size_t i = 0; i < n; i++) {
        double p = (column(l, members[i])->answer == ACQUIRE_DEFECT) - x[i];
        l->defect[members[i]] = fmin(fmax(p, 0.001), 0.999);
    }
}

struct grouped {
    uint64_t group;
    size_t column;
};

static int by_group(const void *left, const void *right)
{
    const struct grouped *a = left, *b = right;
    if (a->group != b->group)
        return a->group < b->group ? -1 : 1;
    return (a->column > b->column) - (a->column < b->column);
}

static void leave_groups_out(struct left_out *l, size_t n)
{
    struct grouped *sorted = xcalloc(n, sizeof *sorted);
    size_t members[GROUP_MOST];
    for (size_t c = 0; c < n; c++)
        sorted[c] = (struct grouped){column(l, c)->group, c};
    qsort(sorted, n, sizeof *sorted, by_group);
    for (size_t first = 0, end; first < n; first = end) {
        for (end = first; end < n && sorted[end].group == sorted[first].group; end++)
            continue;
        size_t step = end - first > GROUP_MOST ? 1 : end - first; // so large a group is not one thing
        for (size_t at = first; at < end; at += step) {
            for (size_t i = 0; i < step; i++)
                members[i] = sorted[at + i].column;
            leave_out(l, members, step);
        }
    }
    free(sorted);
}

static bool leave_out_all(struct left_out *l)
{
    const struct acquire_process *p = &l->a->process;
    size_t n = p->columns;
    int order = (int)n, info;
    memcpy(l->inverse, p->factor, n * (n + 1) / 2 * sizeof *l->inverse);
    dpptri_("U", &order, l->inverse, &info);
    if (info != 0)
        return false;
    for (size_t i = 0; i < n; i++) {
        l->slope[i] = 0;
        for (size_t j = 0; j < n; j++)
            l->slope[i] += inverse_at(l->inverse, i, j) *
                           ((column(l, j)->answer == ACQUIRE_DEFECT) - p->mean[p->answered[j]]);
    }
    leave_groups_out(l, n);
    return true;
}

static size_t nearest_opposite(const struct acquire *a, size_t index)
{
    const struct acquire_candidate *c = &a->candidates[index];
    enum acquire_answer opposite = c->answer == ACQUIRE_DEFECT ? ACQUIRE_NORMAL : ACQUIRE_DEFECT;
    float least = INFINITY;
    size_t at = SIZE_MAX;
    for (size_t i = 0; i < a->count; i++) {
        if (a->candidates[i].answer != opposite || a->candidates[i].group == c->group)
            continue;
        float d = acquire_distance2(a->candidates[i].point, c->point);
        if (d < least) {
            least = d;
            at = i;
        }
    }
    return at;
}

static double against(const struct acquire *a, const struct acquire_doubt *d)
{
    return a->candidates[d->index].answer == ACQUIRE_DEFECT ? 1 - d->defect : d->defect;
}

struct ranked {
    struct acquire_doubt doubt;
    double against;
};

static int worst_first(const void *left, const void *right)
{
    const struct ranked *a = left, *b = right;
    if (a->against != b->against)
        return a->against > b->against ? -1 : 1;
    return a->doubt.index < b->doubt.index ? -1 : 1;
}

// An answer is doubted where the other one reaches the confidence that is usual for it and is the likelier of
// those that do (Northcutt et al. 2021, equations 1 and 2). Half of all right answers lie below the usual
// confidence: no more than `enough` is asked for, or half of the wrong ones would be passed over.
static const double enough = 0.65;

static bool contradicted(bool says_defect, double p, double usual_defect, double usual_normal)
{
    bool defect = p >= fmin(usual_defect, enough), normal = 1 - p >= fmin(usual_normal, enough);
    if (says_defect)
        return normal && !(defect && p >= 0.5);
    return defect && !(normal && p < 0.5);
}

void acquire_doubts(const struct acquire *a, struct acquire_doubt **doubts, size_t *count)
{
    size_t n = a->process.columns, normals = 0, defects = 0, found = 0;
    double usual_defect = 0, usual_normal = 0;
    struct left_out l = {.a = a,
                         .inverse = xcalloc(n * (n + 1) / 2 + 1, sizeof(double)),
                         .slope = xcalloc(n + 1, sizeof(double)),
                         .defect = xcalloc(n + 1, sizeof(double))};
    struct ranked *list = xcalloc(n + 1, sizeof *list);
    bool done = n > 0 && leave_out_all(&l);
    for (size_t c = 0; c < n && done; c++) {
        bool defect = column(&l, c)->answer == ACQUIRE_DEFECT;
        defects += defect;
        normals += !defect;
        usual_defect += defect ? l.defect[c] : 0;
        usual_normal += defect ? 0 : 1 - l.defect[c];
    }
    if (defects >= SIDE_LEAST && normals >= SIDE_LEAST)
        for (size_t c = 0; c < n; c++) {
            if (!contradicted(column(&l, c)->answer == ACQUIRE_DEFECT, l.defect[c],
                              usual_defect / (double)defects, usual_normal / (double)normals))
                continue;
            size_t index = a->process.answered[c];
            struct acquire_doubt doubt = {index, l.defect[c], nearest_opposite(a, index)};
            list[found++] = (struct ranked){doubt, against(a, &doubt)};
        }
    qsort(list, found, sizeof *list, worst_first);
    size_t limit = (size_t)(put_share * (double)n) > PUT_LEAST ? (size_t)(put_share * (double)n) : PUT_LEAST;
    found = found < limit ? found : limit;
    *doubts = xcalloc(found + 1, sizeof **doubts);
    *count = found;
    for (size_t i = 0; i < found; i++)
        (*doubts)[i] = list[i].doubt;
    free(list);
    free(l.inverse);
    free(l.slope);
    free(l.defect);
}
