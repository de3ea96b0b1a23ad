#include "config.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/intl.h"
#include "screen/rates.h"
#include "screen/threshold.h"

const char *threshold_rule_name(enum threshold_rule rule)
{
    static const char *const names[THRESHOLD_RULES] = {N_("filter-rate"), N_("partial"), N_("recall")};
    return names[rule];
}

static bool demonstrates(size_t count, size_t missed, double recall)
{
    return missed < count && rates_binomial(missed, count, 1 - recall) <= 1 - THRESHOLD_CONFIDENCE;
}

size_t threshold_needed(double recall, size_t missed)
{
    size_t low = missed, high = missed + 1; // low is too few
    while (!demonstrates(high, missed, recall)) {
        low = high;
        high *= 2;
    }
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        *(demonstrates(middle, missed, recall) ? &high : &low) = middle;
    }
    return high;
}

static int rising(const void *left, const void *right)
{
    const double *a = left, *b = right;
    return (*a > *b) - (*a < *b);
}

static size_t below(const double *scores, size_t count, double value)
{
    size_t n = 0;
    for (size_t i = 0; i < count; i++)
        n += scores[i] < value;
    return n;
}

// The highest threshold that demonstrates the goal; false when none does.
static bool tolerance_limit(const struct threshold_goal *g, double *value)
{
    size_t missed = 0;
    if (!demonstrates(g->count, 0, g->recall))
        return false;
    while (demonstrates(g->count, missed + 1, g->recall))
        missed++;
    double *sorted = xmalloc(g->count * sizeof *sorted);
    memcpy(sorted, g->scores, g->count * sizeof *sorted);
    qsort(sorted, g->count, sizeof *sorted, rising);
    *value = sorted[missed];
    free(sorted);
    return true;
}

static enum status check(const struct threshold_input *in, double *lowest, double *highest, struct error *err)
{
    *lowest = INFINITY;
    *highest = -INFINITY;
    if (!(in->flag_rate > 0 && in->flag_rate < 1) || !isfinite(in->budget))
        return error_set(err, ST_INVALID, "the share of normals that may be flagged is %g; it must lie between 0 and 1",
                         in->flag_rate);
    for (size_t i = 0; i < in->count; i++) {
        if (!isfinite(in->scores[i]))
            return error_set(err, ST_INVALID, "score %zu is not finite", i + 1);
        *lowest = fmin(*lowest, in->scores[i]);
        *highest = fmax(*highest, in->scores[i]);
    }
    if (!(*lowest < *highest))
        return error_set(err, ST_INVALID, "all %zu scores are equal: no threshold parts them", in->count);
    for (size_t i = 0; i < in->goal_count; i++) {
        const struct threshold_goal *g = &in->goals[i];
        if (!(g->recall > 0 && g->recall < 1))
            return error_set(err, ST_INVALID, "the recall asked for %s is %g; it must lie between 0 and 1", g->severity,
                             g->recall);
        for (size_t j = 0; j < g->count; j++)
            if (!isfinite(g->scores[j]))
                return error_set(err, ST_INVALID, "the score of %s defect %zu is not finite", g->severity, j + 1);
    }
    return ST_OK;
}

// --- the sentence ------------------------------------------------------------

static void say(struct threshold *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void say(struct threshold *t, const char *fmt, ...)
{
    size_t n = strlen(t->reason);
    va_list args;
    va_start(args, fmt);
    vsnprintf(t->reason + n, sizeof t->reason - n, fmt, args);
    va_end(args);
}

static void say_goals(struct threshold *t, const struct threshold_input *in, bool demonstrated)
{
    const char *between = ": ";
    for (size_t i = 0; i < in->goal_count; i++) {
        const struct threshold_goal *g = &in->goals[i];
        if (g->demonstrated != demonstrated)
            continue;
        say(t, "%s%s ", between, g->severity);
        between = ", ";
        if (demonstrated)
            say(t, "at least %.6g %% (%zu of %zu flagged)", 100 * g->recall, g->count - g->missed, g->count);
        else if (g->everything)
            say(t, "at %.6g %% would take showing every picture (%zu known)", 100 * g->recall, g->count);
        else
            say(t, "at %.6g %% needs %zu more (%zu known)", 100 * g->recall,
                g->more, g->count);
    }
}

static void explain(struct threshold *t, const struct threshold_input *in, int moved)
{
    double filtered = 100 * (1 - in->flag_rate);
    t->reason[0] = '\0';
    if (in->goal_count == 0)
        say(t, "a budget of %.6g %% of the normal pictures filtered sets it; recall not demonstrated: none was asked for",
            filtered);
    if (t->rule != THRESHOLD_BUDGET) {
        say(t, "recall demonstrated at 95 %% confidence");
        say_goals(t, in, true);
    }
    if (in->goal_count > 0 && t->rule != THRESHOLD_RECALL) {
        say(t, "%srecall not demonstrated on defects found independently of the score", t->rule == THRESHOLD_PARTIAL ? "; " : "");
        say_goals(t, in, false);
        say(t, t->rule == THRESHOLD_PARTIAL ? "; a budget of %.6g %% of the normal pictures filtered holds for the latter"
                                            : "; a budget of %.6g %% of the normal pictures filtered is used instead",
            filtered);
    }
    if (moved)
        say(t, moved > 0 ? "; moved so that at least one picture is filtered" : "; moved so that at least one picture is flagged");
}

enum status threshold_choose(const struct threshold_input *in, struct threshold *threshold, struct error *err)
{
    double lowest, highest, value = INFINITY;
    enum status status = check(in, &lowest, &highest, err);
    if (status != ST_OK)
        return status;
    struct threshold t = {.rule = THRESHOLD_BUDGET};
    size_t shown = 0;
    for (size_t i = 0; i < in->goal_count; i++) {
        struct threshold_goal *g = &in->goals[i];
        double own = in->budget;
        bool limit = tolerance_limit(g, &own);
        g->everything = limit && own <= lowest;
        g->demonstrated = limit && !g->everything;
        g->more = limit ? 0 : threshold_needed(g->recall, 0) - g->count;
        shown += g->demonstrated;
        value = fmin(value, g->demonstrated ? own : in->budget);
    }
    if (shown > 0)
        t.rule = shown == in->goal_count ? THRESHOLD_RECALL : THRESHOLD_PARTIAL;
    t.value = in->goal_count > 0 ? value : in->budget;
    int moved = t.value <= lowest ? 1 : t.value > highest ? -1 : 0;
    if (moved > 0) { // to the second lowest score
        t.value = highest;
        for (size_t i = 0; i < in->count; i++)
            if (in->scores[i] > lowest && in->scores[i] < t.value)
                t.value = in->scores[i];
    } else if (moved < 0) {
        t.value = highest;
    }
    for (size_t i = 0; i < in->goal_count; i++)
        in->goals[i].missed = below(in->goals[i].scores, in->goals[i].count, t.value);
    explain(&t, in, moved);
    *threshold = t;
    return ST_OK;
}
