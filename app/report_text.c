#include "config.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "app/layout.h"
#include "app/report.h"
#include "base/alloc.h"
#include "base/text.h"
#include "screen/rates.h"
#include "screen/threshold.h"

enum { INDENT = 2 };

static void put_heading(FILE *out, const char *text)
{
    fprintf(out, "\n%s\n", text);
}

static void put_percent(FILE *out, int64_t hits, int64_t total)
{
    if (total) {
        struct rates_interval i = rates_exact((size_t)hits, (size_t)total, THRESHOLD_CONFIDENCE);
        fprintf(out, " %8.2f %%  %6.2f to %6.2f %%", 100.0 * (double)hits / (double)total, 100 * i.low, 100 * i.high);
    } else {
        fprintf(out, " %10s  %18s", "-", "-");
    }
}

static void put_head(FILE *out, const struct report *r)
{
    char at[CLOCK_TEXT], since[CLOCK_TEXT];
    report_time(r->at_ms, at);
    report_time(r->options.since_ms, since);
    fputs(r->options.shift ? "Handover" : "Report", out);
    char *line = xasprintf(" of %s%s, base %s, %s", r->options.scene ? "scene " : "all scenes",
                           r->options.scene ? r->options.scene : "", r->base, at);
    char *clean = text_cleaned(line);
    fprintf(out, "%s\n", clean);
    free(clean);
    free(line);
    put_wrapped(out, INDENT, r->project);
    if (r->options.since_ms)
        fprintf(out, "  answers from %s on\n", since);
}

static void put_filter(FILE *out, const struct report *r)
{
    const struct scene_counts *c = &r->counts;
    put_heading(out, "Filter");
    fprintf(out, "  %-22s %12" PRId64 "\n", "pictures", c->pictures);
    fprintf(out, "  %-22s %12" PRId64 "\n", "screened", c->screened);
    fprintf(out, "  %-22s %12" PRId64 "\n", "shown to a person", c->flagged);
    if (c->screened)
        fprintf(out, "  %-22s %12" PRId64 "  %.2f %% = (%" PRId64 " - %" PRId64 ") / %" PRId64 "\n", "filtered",
                report_filtered(r), 100 * report_filter_rate(r), c->screened, c->flagged, c->screened);
    if (r->normals)
        fprintf(out, "  %-22s %12" PRId64 "  %.2f %% of %" PRId64 "\n", "known normals filtered", r->normals_filtered,
                100.0 * (double)r->normals_filtered / (double)r->normals, r->normals);
    else
        fprintf(out, "  %-22s %12s\n", "known normals filtered", "none known");
    fprintf(out, "  %-22s %12" PRId64 "\n", "open", c->open);
    fprintf(out, "  %-22s %12" PRId64 "\n", "answered", c->answered);
    if (r->timed)
        fprintf(out, "  %-22s %12.1f  hours at %.1f s a picture (median of %" PRId64 ")\n", "work saved",
                report_hours_saved(r), (double)r->median_ms / 1000, r->timed);
    else
        fprintf(out, "  %-22s %12s  no answer was timed yet\n", "work saved", "not known");
}

static void put_severities(FILE *out, const struct report *r)
{
    put_heading(out, "Recognition by severity, of defects found independently of the score");
    fprintf(out, "  %-8s %8s %8s %8s %10s  %18s %9s\n", "severity", "correct", "missed", "total", "rate", "95 % interval",
            "in review");
    for (int s = 0; s <= SEVERITIES; s++) {
        const struct report_severity *v = &r->severities[s];
        fprintf(out, "  %-8s %8" PRId64 " %8" PRId64 " %8" PRId64, v->name, v->correct, v->missed, report_total(v));
        put_percent(out, v->correct, report_total(v));
        fprintf(out, " %9" PRId64 "\n", v->found);
    }
    if (r->severities[SEVERITIES].unscreened)
        fprintf(out, "  %" PRId64 " more are not screened and in no rate\n", r->severities[SEVERITIES].unscreened);
    put_wrapped(out, INDENT,
                "\"in review\" counts the defects that people confirmed; the filter brought them up, so they say nothing "
                "about what it loses.");
}

static void put_rules(FILE *out, const struct report *r)
{
    put_heading(out, "Threshold");
    for (size_t i = 0; i < r->scene_count; i++) {
        const struct report_scene *s = &r->scenes[i];
        char *line = s->screened ? xasprintf("%s, revision %d, by %s, at score %.3f: %s", s->name, s->revision.number,
                                             s->revision.rule, s->revision.threshold,
                                             s->revision.reason[0] ? s->revision.reason
                                                                   : "recall not demonstrated (made by an earlier assay)")
                                 : xasprintf("%s: not screened yet", s->name);
        put_wrapped(out, INDENT, line);
        free(line);
    }
}

static void put_audit(FILE *out, const json_t *audit)
{
    size_t i;
    json_t *entry;
    put_heading(out, "Audit of what was filtered");
    if (!audit)
        put_wrapped(out, INDENT, "no audit yet");
    json_array_foreach(audit, i, entry)
        put_wrapped(out, INDENT, json_string_value(json_object_get(entry, "sentence")));
}

static void put_bad(FILE *out, const struct report *r)
{
    size_t i;
    json_t *kind;
    put_heading(out, "Pictures that cannot be judged");
    fprintf(out, "  %-22s %12" PRId64 "\n", "unreadable", r->counts.unreadable);
    for (i = 0; i < r->reason_count; i++) {
        fprintf(out, "    %8" PRId64 "  ", r->reasons[i].count);
        put_cell(out, r->reasons[i].reason, LAYOUT_COLUMNS - 14);
        fputc('\n', out);
    }
    json_array_foreach(r->poor, i, kind)
        fprintf(out, "  %-22s %12lld  %lld to look at\n", json_string_value(json_object_get(kind, "kind")),
                (long long)json_integer_value(json_object_get(kind, "count")),
                (long long)json_integer_value(json_object_get(kind, "open")));
}

static void put_people(FILE *out, const struct report *r)
{
    put_heading(out, "People");
    if (!r->person_count) {
        fputs("  no answers\n", out);
        return;
    }
    fprintf(out, "  %-24s %8s %8s %8s %7s %6s %9s\n", "person", "answers", "normal", "defect", "unsure", "skips", "s/picture");
    for (size_t i = 0; i < r->person_count; i++) {
        const struct person_row *p = &r->people[i];
        fputs("  ", out);
        put_cell(out, p->name, 24);
        fprintf(out, " %8" PRId64 " %8" PRId64 " %8" PRId64 " %7" PRId64 " %6" PRId64, p->answers, p->normals, p->defects,
                p->unsure, p->skips);
        if (p->timed)
            fprintf(out, " %9.1f\n", (double)p->median_ms / 1000);
        else
            fprintf(out, " %9s\n", "-");
    }
    for (size_t i = 0; i < r->pair_count; i++) {
        int64_t pictures, agreed;
        double kappa = report_kappa(&r->pairs[i], &pictures, &agreed);
        char *names = xasprintf("%s and %s", r->pairs[i].first, r->pairs[i].second);
        fputs("  ", out);
        put_cell(out, names, 33);
        fprintf(out, " agree on %" PRId64 " of %" PRId64 " pictures, ", agreed, pictures);
        if (isfinite(kappa))
            fprintf(out, "kappa %.2f\n", kappa);
        else
            fputs("kappa not defined\n", out);
        free(names);
    }
}

// Scores in steps of one half, one bar each; the bars grow with the logarithm.
static void put_scores(FILE *out, const struct report *r)
{
    enum { WIDE = 10, ROWS = 12, BAR = 30 };
    int64_t all[ROWS] = {0}, normal[ROWS] = {0}, defect[ROWS] = {0}, most = 1;
    for (int i = 0; i < REPORT_BINS; i++) {
        int row = i / WIDE < ROWS ? i / WIDE : ROWS - 1;
        all[row] += r->all[i];
        normal[row] += r->normal[i];
        defect[row] += r->defect[i];
    }
    for (int i = 0; i < ROWS; i++)
        most = all[i] > most ? all[i] : most;
    put_heading(out, "Scores (3: one normal picture in 1,000 scores as high)");
    fprintf(out, "  %-10s %10s %12s %12s\n", "score", "pictures", "known normal", "known defect");
    for (int i = 0; i < ROWS; i++) {
        int bar = all[i] ? 1 + (int)((BAR - 2) * log((double)all[i]) / log((double)most + 1)) : 0;
        fprintf(out, "  %4.1f %-5s %10" PRId64 " %12" PRId64 " %12" PRId64 "%s", 0.5 * i, i == ROWS - 1 ? "on" : "", all[i],
                normal[i], defect[i], bar ? "  " : "");
        while (bar-- > 0)
            fputc('#', out);
        fputc('\n', out);
    }
}

static void put_finds(FILE *out, const struct report *r)
{
    put_heading(out, "Found");
    for (int s = 0; s <= SEVERITIES; s++)
        fprintf(out, "  %-8s %6" PRId64 "\n", r->severities[s].name, r->severities[s].found);
    for (size_t i = 0; i < r->find_count; i++) {
        const struct find_row *f = &r->finds[i];
        const char *slash = strrchr(f->path, '/');
        char at[CLOCK_TEXT];
        report_time(f->at_ms, at);
        if (r->options.line)
            r->options.line(r->options.context, out, f->picture);
        fprintf(out, "  %-8s ", severity_name(f->severity));
        put_cell(out, f->class_name[0] ? f->class_name : "defect", 16);
        fputc(' ', out);
        put_cell(out, f->object[0] ? f->object : f->scene, 14);
        fputc(' ', out);
        put_cell(out, slash ? slash + 1 : f->path, 20);
        fprintf(out, " %s\n", at);
        if (f->note[0])
            put_wrapped(out, 11, f->note);
    }
    if (r->find_count == REPORT_FINDS)
        fprintf(out, "  only the first %d are listed\n", REPORT_FINDS);
}

static void put_objects(FILE *out, const struct report *r)
{
    put_heading(out, "By object");
    fprintf(out, "  %-28s %8s %7s %7s %7s %7s %7s\n", "object", "answered", "stop", "key", "general", "unsure", "open");
    for (size_t i = 0; i < r->object_count; i++) {
        const struct object_row *b = &r->objects[i];
        if (r->options.line)
            r->options.line(r->options.context, out, b->picture);
        fputs("  ", out);
        put_cell(out, b->object[0] ? b->object : "(none named)", 28);
        fprintf(out, " %8" PRId64 " %7" PRId64 " %7" PRId64 " %7" PRId64 " %7" PRId64 " %7" PRId64 "\n", b->answered,
                b->found[SEVERITY_STOP], b->found[SEVERITY_KEY], b->found[SEVERITY_GENERAL], b->unsure, b->open);
    }
    fprintf(out, "  %" PRId64 " pictures are open\n  %" PRId64 " answers wait for a lead's look\n", r->counts.open, r->waiting);
    if (r->hook[0])
        put_wrapped(out, INDENT, r->hook);
}

static void put_second(FILE *out, const struct report *r)
{
    put_heading(out, "Second review");
    fprintf(out, "  %" PRId64 " answers wait for a lead's look\n", r->waiting);
    for (const char *line = r->second; line && *line; line += strcspn(line, "\n") + (line[strcspn(line, "\n")] != '\0')) {
        char *one = xasprintf("%.*s", (int)strcspn(line, "\n"), line);
        put_wrapped(out, one[0] == ' ' ? 2 * INDENT : INDENT, one + strspn(one, " "));
        free(one);
    }
}

void report_text(const struct report *r, FILE *out)
{
    put_head(out, r);
    if (r->options.shift) {
        put_finds(out, r);
        put_objects(out, r);
        put_people(out, r);
        return;
    }
    put_filter(out, r);
    put_severities(out, r);
    put_rules(out, r);
    put_audit(out, r->audit);
    put_people(out, r);
    put_second(out, r);
    put_bad(out, r);
    put_scores(out, r);
}
