#include "config.h"

#include <math.h>
#include <stdlib.h>

#include "app/calibrate.h"
#include "app/report.h"
#include "db/label.h"
#include "db/report.h"
#include "screen/rates.h"

static json_t *real_or_null(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

static json_t *time_or_null(int64_t ms)
{
    char text[CLOCK_TEXT];
    if (!ms)
        return json_null();
    clock_text(ms, text);
    return json_string(text);
}

// Adds <name>, <name>_low and <name>_high; null where there is nothing to count.
static void put_rate(json_t *object, const char *name, int64_t hits, int64_t total)
{
    static const char *const ends[] = {"", "_low", "_high"};
    struct rates_interval i = rates_exact((size_t)hits, (size_t)total, THRESHOLD_CONFIDENCE);
    const double values[] = {total ? (double)hits / (double)total : NAN, total ? i.low : NAN, total ? i.high : NAN};
    for (int k = 0; k < 3; k++) {
        char key[48];
        snprintf(key, sizeof key, "%s%s", name, ends[k]);
        json_object_set_new(object, key, real_or_null(values[k]));
    }
}

static json_t *severities(const struct report *r)
{
    json_t *list = json_array();
    for (int s = 0; s <= SEVERITIES; s++) {
        const struct report_severity *v = &r->severities[s];
        json_t *o = json_pack("{s:s, s:I, s:I, s:I, s:I, s:I}", "severity", v->name, "correct", (json_int_t)v->correct,
                              "missed", (json_int_t)v->missed, "total", (json_int_t)report_total(v), "unscreened",
                              (json_int_t)v->unscreened, "found_in_review", (json_int_t)v->found);
        put_rate(o, "recognition_rate", v->correct, report_total(v));
        json_array_append_new(list, o);
    }
    return list;
}

static json_t *scenes(const struct report *r)
{
    json_t *list = json_array();
    for (size_t i = 0; i < r->scene_count; i++) {
        const struct report_scene *s = &r->scenes[i];
        json_t *o = json_object();
        json_object_set_new(o, "scene", json_outside(s->name));
        json_object_set_new(o, "revision", s->screened ? json_integer(s->revision.number) : json_null());
        json_object_set_new(o, "threshold", s->screened ? calibrate_json(&s->revision) : json_null());
        json_array_append_new(list, o);
    }
    return list;
}

static json_t *people(const struct report *r)
{
    json_t *list = json_array();
    for (size_t i = 0; i < r->person_count; i++) {
        const struct person_row *p = &r->people[i];
        json_array_append_new(list, json_pack("{s:o, s:I, s:I, s:I, s:I, s:I, s:o}", "person", json_outside(p->name), "answers",
                                              (json_int_t)p->answers, "normals", (json_int_t)p->normals, "defects",
                                              (json_int_t)p->defects, "unsure", (json_int_t)p->unsure, "skips",
                                              (json_int_t)p->skips, "median_seconds",
                                              real_or_null(p->timed ? (double)p->median_ms / 1000 : NAN)));
    }
    return list;
}

static json_t *agreement(const struct report *r)
{
    json_t *list = json_array();
    for (size_t i = 0; i < r->pair_count; i++) {
        int64_t pictures, agreed;
        double kappa = report_kappa(&r->pairs[i], &pictures, &agreed);
        json_array_append_new(list, json_pack("{s:o, s:o, s:I, s:I, s:o}", "first", json_outside(r->pairs[i].first), "second",
                                              json_outside(r->pairs[i].second), "pictures", (json_int_t)pictures, "agreed",
                                              (json_int_t)agreed, "kappa", real_or_null(kappa)));
    }
    return list;
}

static json_t *bins(const int64_t counts[REPORT_BINS], int used)
{
    json_t *list = json_array();
    for (int i = 0; i < used; i++)
        json_array_append_new(list, json_integer(counts[i]));
    return list;
}

static json_t *scores(const struct report *r)
{
    int used = REPORT_BINS;
    while (used > 0 && r->all[used - 1] == 0)
        used--;
    json_t *curve = json_array();
    for (int i = 0; i < used; i++) {
        json_t *recall = json_object();
        for (int s = 0; s <= SEVERITIES; s++)
            if (report_total(&r->severities[s]))
                json_object_set_new(recall, r->severities[s].name, json_real(report_recall_at(&r->severities[s], i)));
        json_array_append_new(curve, json_pack("{s:f, s:f, s:o}", "threshold", i * REPORT_STEP, "filter_rate",
                                               report_filter_at(r, i), "recall", recall));
    }
    return json_pack("{s:f, s:o, s:o, s:o, s:o}", "bin_width", REPORT_STEP, "all", bins(r->all, used), "known_normal",
                     bins(r->normal, used), "known_defect", bins(r->defect, used), "curve", curve);
}

static json_t *reasons(const struct report *r)
{
    json_t *list = json_array();
    for (size_t i = 0; i < r->reason_count; i++)
        json_array_append_new(list, json_pack("{s:o, s:I}", "reason", json_outside(r->reasons[i].reason), "count",
                                              (json_int_t)r->reasons[i].count));
    return list;
}

static json_t *found_by_severity(const struct report *r)
{
    json_t *o = json_object();
    for (int s = 0; s <= SEVERITIES; s++)
        json_object_set_new(o, r->severities[s].name, json_integer(r->severities[s].found));
    return o;
}

static void put_shift(json_t *o, const struct report *r)
{
    json_t *finds = json_array(), *objects = json_array();
    for (size_t i = 0; i < r->find_count; i++) {
        const struct find_row *f = &r->finds[i];
        json_array_append_new(finds, json_pack("{s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "severity",
                                               severity_name(f->severity), "class", json_outside(f->class_name), "path",
                                               json_outside(f->path), "scene", json_outside(f->scene), "object", json_outside(f->object),
                                               "position", json_outside(f->position), "person", json_outside(f->person), "at",
                                               time_or_null(f->at_ms), "note", json_outside(f->note)));
    }
    for (size_t i = 0; i < r->object_count; i++) {
        const struct object_row *b = &r->objects[i];
        json_array_append_new(objects, json_pack("{s:o, s:I, s:I, s:I, s:I, s:I, s:I}", "object", json_outside(b->object),
                                                 "answered", (json_int_t)b->answered, "stop",
                                                 (json_int_t)b->found[SEVERITY_STOP], "key",
                                                 (json_int_t)b->found[SEVERITY_KEY], "general",
                                                 (json_int_t)b->found[SEVERITY_GENERAL], "unsure", (json_int_t)b->unsure,
                                                 "open", (json_int_t)b->open));
    }
    json_object_set_new(o, "found", found_by_severity(r));
    json_object_set_new(o, "defects", finds);
    json_object_set_new(o, "objects", objects);
    json_object_set_new(o, "open", json_integer(r->counts.open));
    json_object_set_new(o, "waiting_for_lead", json_integer(r->waiting));
    json_object_set_new(o, "hook", json_string(r->hook));
    json_object_set_new(o, "people", people(r));
}

json_t *report_json(const struct report *r)
{
    json_t *o = json_pack("{s:o, s:o, s:o, s:s, s:o, s:o}", "project", json_outside(r->project), "scene",
                          r->options.scene ? json_outside(r->options.scene) : json_null(), "base", json_outside(r->base), "report",
                          r->options.shift ? "shift" : "proof", "at", time_or_null(r->at_ms), "since",
                          time_or_null(r->options.since_ms));
    if (r->options.shift) {
        put_shift(o, r);
        return o;
    }
    json_object_set_new(o, "pictures", json_integer(r->counts.pictures));
    json_object_set_new(o, "screened", json_integer(r->counts.screened));
    json_object_set_new(o, "shown", json_integer(r->counts.flagged));
    json_object_set_new(o, "filtered", json_integer(report_filtered(r)));
    json_object_set_new(o, "filter_rate", real_or_null(report_filter_rate(r)));
    json_object_set_new(o, "open", json_integer(r->counts.open));
    json_object_set_new(o, "answered", json_integer(r->counts.answered));
    json_t *normals = json_pack("{s:I, s:I}", "total", (json_int_t)r->normals, "filtered", (json_int_t)r->normals_filtered);
    put_rate(normals, "filter_rate", r->normals_filtered, r->normals);
    json_object_set_new(o, "normals", normals);
    json_object_set_new(o, "severities", severities(r));
    json_object_set_new(o, "work",
                        json_pack("{s:I, s:o, s:o}", "timed_answers", (json_int_t)r->timed, "seconds_per_picture",
                                  real_or_null(r->timed ? (double)r->median_ms / 1000 : NAN), "hours_saved",
                                  real_or_null(report_hours_saved(r))));
    json_object_set_new(o, "scenes", scenes(r));
    json_object_set(o, "audit", r->audit ? r->audit : json_null());
    json_object_set_new(o, "unreadable", json_integer(r->counts.unreadable));
    json_object_set_new(o, "unreadable_reasons", reasons(r));
    json_object_set(o, "poor", r->poor ? r->poor : json_null());
    json_object_set_new(o, "people", people(r));
    json_object_set_new(o, "agreement", agreement(r));
    json_object_set_new(o, "waiting_for_lead", json_integer(r->waiting));
    json_object_set(o, "second_review", r->second_json ? r->second_json : json_null());
    json_object_set_new(o, "scores", scores(r));
    return o;
}
