// The options of a round by name: on the command line, in strategies, in a model's notes.
#include "config.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/strbuf.h"
#include "learn/adapt.h"

struct knob {
    const char *name;
    size_t at;
    bool whole;
    double low, high;
};

#define WHOLE(field, low, high) {#field, offsetof(struct adapt_options, field), true, low, high}
#define REAL(field, low, high) {#field, offsetof(struct adapt_options, field), false, low, high}

static const struct knob knobs[ADAPT_OPTIONS] = {
    WHOLE(kind, ADAPTER_NONE, ADAPTER_LOW_RANK), WHOLE(rank, 0, 64), REAL(adapter_share, 0.01, 0.05), WHOLE(hidden, 4, 512), WHOLE(wide, 4, 512),
    REAL(top_share, 0, 1), WHOLE(steps, 1, 100000), WHOLE(batch, 2, 256), REAL(rate, 0, 0.1),
    REAL(rate_adapter, 0, 0.1), REAL(decay, 0, 10), REAL(decay_adapter, 0, 10), REAL(dropout, 0, 0.9),
    REAL(ema, 0, 0.9999), WHOLE(views, 1, 64), WHOLE(flaws, 0, 64), REAL(gain, 0, 1), REAL(gamma, 0, 1),
    REAL(defects, 0, 1), REAL(pool, 0, 1), REAL(synthetic, 0, 1), REAL(pool_weight, 0, 10),
    REAL(synthetic_weight, 0, 10), REAL(patch_weight, 0, 10), REAL(class_weight, 0, 10), WHOLE(pool_most, 0, 100000),
    REAL(adjustment, 0, 4), REAL(class_balance, 0, 1), REAL(scale, 0.25, 4), WHOLE(mirrors, 1, 4),
};

static double get(const struct adapt_options *o, const struct knob *k)
{
    const char *field = (const char *)o + k->at;
    return k->whole ? *(const int *)(const void *)field : *(const double *)(const void *)field;
}

static void put(struct adapt_options *o, const struct knob *k, double value)
{
    char *field = (char *)o + k->at;
    if (k->whole && k->at == offsetof(struct adapt_options, kind))
        o->kind = (enum adapter_kind)value;
    else if (k->whole)
        *(int *)(void *)field = (int)value;
    else
        *(double *)(void *)field = value;
}

static enum status unknown(const char *text, struct error *err)
{
    struct strbuf names = {0};
    for (int i = 0; i < ADAPT_OPTIONS; i++)
        strbuf_printf(&names, "%s%s", i ? ", " : "", knobs[i].name);
    enum status status = error_set(err, ST_INVALID, "%.60s: not NAME=NUMBER with one of %s", text, names.data);
    strbuf_clear(&names);
    return status;
}

enum status adapt_option_set(struct adapt_options *options, const char *text, struct error *err)
{
    const char *equals = strchr(text, '=');
    char *end;
    for (int i = 0; equals && i < ADAPT_OPTIONS; i++) {
        const struct knob *k = &knobs[i];
        size_t n = strlen(k->name);
        if (n != (size_t)(equals - text) || strncmp(k->name, text, n) != 0)
            continue;
        double value = strtod(equals + 1, &end);
        if (end == equals + 1 || *end || !(value >= k->low && value <= k->high) || (k->whole && value != floor(value)))
            return error_set(err, ST_INVALID, "%.60s: %s is %s from %g to %g", text, k->name,
                             k->whole ? "a whole number" : "a number", k->low, k->high);
        put(options, k, value);
        return ST_OK;
    }
    return unknown(text, err);
}

void adapt_option_text(const struct adapt_options *options, char text[ADAPT_OPTIONS][ADAPT_OPTION_TEXT])
{
    for (int i = 0; i < ADAPT_OPTIONS; i++)
        snprintf(text[i], ADAPT_OPTION_TEXT, "%s=%.9g", knobs[i].name, get(options, &knobs[i]));
}
