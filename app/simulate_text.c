#include "config.h"

#include <math.h>
#include <stdlib.h>

#include "app/calibrate.h"
#include "app/layout.h"
#include "app/simulate_impl.h"
#include "app/stored.h"
#include "base/alloc.h"
#include "base/intl.h"
#include "base/text.h"

static const char *strategy(const struct simulate_options *o)
{
    return o->random ? N_("random") : N_("queue");
}

// --- for people ---

void simulate_text_begin(const struct simulate_options *o, const struct simulate_set *set)
{
    if (o->json)
        return;
    size_t count[2][2] = {{0}};
    for (size_t i = 0; i < set->count; i++)
        count[set->pictures[i].held][set->pictures[i].defect]++;
    char *text = xasprintf(_("%zu pictures in %zu groups: %zu to ask about, %zu of them defects; %zu held out, %zu of "
                           "them defects, which nothing learns from and all figures below are about."),
                           set->count, set->groups, count[0][0] + count[0][1], count[0][1],
                           count[1][0] + count[1][1], count[1][1]);
    put_wrapped(stdout, 0, text);
    free(text);
    if (set->thinned)
        printf(set->thinned == 1 ? _("%zu defect is left out, so that %g %% of the pictures are some.\n")
                                 : _("%zu defects are left out, so that %g %% of the pictures are some.\n"),
               set->thinned,
               100 * o->defect_rate);
    if (set->unreadable)
        printf(set->unreadable == 1 ? _("%zu picture cannot be read and takes no part.\n") : _("%zu pictures cannot be read and take no part.\n"),
               set->unreadable);
    printf("\n%29s   %-*s   %s\n%-*s %*s %*s %7s %5s  %6s %6s %6s  %*s %*s\n", "", CELL(_("normals filtered (%)"), 20),
           _("at the own threshold"), CELL(_("round"), 5), CELL(_("answers"), 7), CELL(_("defects"), 7), "AUROC", "AP", "95 %", "98.24",
           "99 %", CELL(_("filtered"), 9), CELL(_("recall"), 9));
    fflush(stdout);
}

static void put_share(size_t hits, size_t total, int width)
{
    if (total)
        printf(" %*.2f %%", width, 100 * (double)hits / (double)total);
    else
        printf(" %*s  ", width, "-");
}

static void put_interval(double low, double high)
{
    char text[32] = "-";
    if (isfinite(low) && isfinite(high))
        snprintf(text, sizeof text, "%.1f..%.1f %%", 100 * low, 100 * high);
    printf(" %15s", text);
}

static void put_counted(const char *name, const struct simulate_share *s)
{
    printf(_("  %-*s %6zu of %6zu"), CELL(name, 17), s->hits, s->total);
    put_share(s->hits, s->total, 6);
    put_interval(s->exact.low, s->exact.high);
    put_interval(s->grouped.low, s->grouped.high);
    putchar('\n');
}

static void put_end(const struct simulate_options *o, const struct simulate_figures *f)
{
    printf(f->answers == 1 ? _("\nAfter %zu answer (%s), at the threshold the program chose, held out:\n")
                           : _("\nAfter %zu answers (%s), at the threshold the program chose, held out:\n"),
           f->answers, _(strategy(o)));
    printf("%*s %*s\n", CELL(_("95 %, exact"), 61), CELL(_("by groups"), 15));
    put_counted(_("filtered"), &f->filtered);
    put_counted(_("normals filtered"), &f->normals);
    for (int s = 0; s <= SEVERITIES; s++) {
        const struct simulate_severity *v = &f->severities[s];
        char name[64];
        snprintf(name, sizeof name, _("flagged, %s"), _(v->name));
        put_counted(name, &(struct simulate_share){v->found, v->total, v->exact, v->grouped});
    }
    char *text = xasprintf(f->answers == 1 ? _("Of %zu answer, %zu was flagged when asked%s; it found %zu of the %zu defects there.")
                                             : _("Of %zu answers, %zu were flagged when asked%s; they found %zu of the %zu defects there."),
                           f->answers, f->flagged,
                           f->flagged < f->answers && !o->random ? _(" and the rest came next by score") : "",
                           f->found, f->pool_defects);
    if (f->answers)
        put_wrapped(stdout, 2, text);
    free(text);
    if (f->pool_poor + f->held_poor + f->held_failed > 0)
        printf(_("  Apart from these: %zu poor pictures set aside, %zu that could not be read.\n"),
               f->pool_poor + f->held_poor, f->held_failed);
    for (size_t s = 0; s < f->scene_count; s++) {
        const struct simulate_scene *scene = &f->scenes[s];
        char *reason = stored_text(scene->revision.reason);
        text = xasprintf(_("%s, threshold %.3f: %s"), scene->name, scene->revision.threshold, reason);
        put_wrapped(stdout, 2, text);
        free(text);
        free(reason);
        if (scene->training[0]) {
            reason = stored_text(scene->training);
            text = xasprintf(_("%s, last training: %s"), scene->name, reason);
            free(reason);
            put_wrapped(stdout, 2, text);
            free(text);
        }
    }
}

static void print_round(const struct simulate_options *o, const struct simulate_figures *f)
{
    const struct simulate_severity *all = &f->severities[SEVERITIES];
    printf("%5d %7zu %7zu %7.3f %5.3f  %6.2f %6.2f %6.2f ", f->round, f->answers, f->found, f->metrics.auroc,
           f->metrics.ap, 100 * f->metrics.filtered95, 100 * f->metrics.filtered9824, 100 * f->metrics.filtered99);
    put_share(f->filtered.hits, f->filtered.total, 7);
    put_share(all->found, all->total, 7);
    putchar('\n');
    if (f->last)
        put_end(o, f);
    fflush(stdout);
}

// --- for programs ---

static json_t *real_or_null(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

static json_t *text_or_null(const char *text)
{
    return text[0] ? json_string(text) : json_null();
}

// name, name_exact, name_ci: a share with its intervals, null where there is nothing to count.
static void put_json_share(json_t *object, const char *name, const struct simulate_share *s)
{
    char key[48];
    json_object_set_new(object, name, real_or_null(s->total ? (double)s->hits / (double)s->total : NAN));
    snprintf(key, sizeof key, "%s_exact", name);
    json_object_set_new(object, key, json_pack("[f,f]", s->exact.low, s->exact.high));
    snprintf(key, sizeof key, "%s_ci", name);
    json_object_set_new(object, key, json_pack("[o,o]", real_or_null(s->grouped.low), real_or_null(s->grouped.high)));
}

static void put_json_figure(json_t *object, const char *name, double value, struct metrics_interval ci)
{
    char key[48];
    json_object_set_new(object, name, real_or_null(value));
    snprintf(key, sizeof key, "%s_ci", name);
    json_object_set_new(object, key, json_pack("[o,o]", real_or_null(ci.low), real_or_null(ci.high)));
}

static void put_json_metrics(json_t *o, const struct simulate_figures *f)
{
    const struct metrics *m = &f->metrics;
    put_json_figure(o, "auroc", m->auroc, m->auroc_ci);
    put_json_figure(o, "ap", m->ap, m->ap_ci);
    put_json_figure(o, "normals_filtered_95", m->filtered95, m->filtered95_ci);
    put_json_figure(o, "normals_filtered_9824", m->filtered9824, m->filtered9824_ci);
    put_json_figure(o, "normals_filtered_99", m->filtered99, m->filtered99_ci);
    static const char *const keys[SIMULATE_RECALLS] = {"filter_rate_95", "filter_rate_9824", "filter_rate_99"};
    for (int r = 0; r < SIMULATE_RECALLS; r++)
        json_object_set_new(o, keys[r], real_or_null(f->filter_rates[r]));
}

static json_t *chosen(const struct simulate_figures *f)
{
    json_t *o = json_pack("{s:I}", "shown", (json_int_t)(f->filtered.total - f->filtered.hits)), *list = json_array();
    put_json_share(o, "filter_rate", &f->filtered);
    put_json_share(o, "normals_filtered", &f->normals);
    for (int s = 0; s <= SEVERITIES; s++) {
        const struct simulate_severity *v = &f->severities[s];
        json_t *row = json_pack("{s:s, s:I, s:I, s:I, s:I}", "severity", v->name, "total", (json_int_t)v->total, "found",
                                (json_int_t)v->found, "missed", (json_int_t)(v->total - v->found), "groups",
                                (json_int_t)v->groups);
        put_json_share(row, "recall", &(struct simulate_share){v->found, v->total, v->exact, v->grouped});
        json_array_append_new(list, row);
    }
    json_object_set_new(o, "severities", list);
    return o;
}

static json_t *scenes(const struct simulate_figures *f)
{
    json_t *list = json_array();
    for (size_t i = 0; i < f->scene_count; i++) {
        const struct simulate_scene *s = &f->scenes[i];
        char *name = text_cleaned(s->name);
        json_array_append_new(
            list, json_pack("{s:s, s:I, s:I, s:I, s:I, s:o, s:o, s:o, s:o, s:o, s:o}", "scene", name, "pictures",
                            (json_int_t)s->pictures, "defects", (json_int_t)s->defects, "shown", (json_int_t)s->shown,
                            "found", (json_int_t)s->found, "auroc", real_or_null(s->metrics.auroc),
                            "normals_filtered_95", real_or_null(s->metrics.filtered95), "normals_filtered_9824",
                            real_or_null(s->metrics.filtered9824), "threshold", calibrate_json(&s->revision), "model",
                            text_or_null(s->revision.learned_sha256), "training", text_or_null(s->training)));
        free(name);
    }
    return list;
}

static void print_json_round(const struct simulate_options *o, const struct simulate_figures *f)
{
    json_t *line = json_pack(
        "{s:i, s:I, s:s, s:I, s:I, s:I, s:{s:I, s:I, s:I}, s:{s:I, s:I, s:I, s:I, s:I, s:I}}", "round", f->round, "seed",
        (json_int_t)o->seed, "strategy", strategy(o), "answers", (json_int_t)f->answers, "answers_flagged",
        (json_int_t)f->flagged, "defects_found", (json_int_t)f->found, "pool", "pictures", (json_int_t)f->pool,
        "defects", (json_int_t)f->pool_defects, "poor", (json_int_t)f->pool_poor, "held_out", "pictures",
        (json_int_t)f->held, "groups", (json_int_t)f->held_groups, "normals", (json_int_t)f->metrics.normals, "defects",
        (json_int_t)f->metrics.defects, "poor", (json_int_t)f->held_poor, "failed", (json_int_t)f->held_failed);
    put_json_metrics(line, f);
    json_object_set_new(line, "chosen", chosen(f));
    json_object_set_new(line, "scenes", scenes(f));
    json_object_set_new(line, "seconds", json_real(f->seconds));
    print_json(line);
    fflush(stdout);
}

void simulate_text_round(const struct simulate_options *options, const struct simulate_figures *figures)
{
    (options->json ? print_json_round : print_round)(options, figures);
}
