#include "config.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "app/class_word.h"
#include "app/layout.h"
#include "app/report.h"
#include "app/stored.h"
#include "base/alloc.h"
#include "base/intl.h"
#include "base/text.h"
#include "db/label.h"
#include "db/queue.h"
#include "db/report.h"
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
        fprintf(out, _(" %8.2f %%  %6.2f to %6.2f %%"), 100.0 * (double)hits / (double)total, 100 * i.low, 100 * i.high);
    } else {
        fprintf(out, " %10s  %18s", "-", "-");
    }
}

static void put_head(FILE *out, const struct report *r)
{
    char at[CLOCK_TEXT], since[CLOCK_TEXT];
    report_time(r->at_ms, at);
    report_time(r->options.since_ms, since);
    fputs(r->options.shift ? _("Handover") : _("Report"), out);
    char *line = xasprintf(_(" of %s%s, base %s, %s"), r->options.scene ? _("scene ") : _("all scenes"),
                           r->options.scene ? r->options.scene : "", r->base, at);
    char *clean = text_cleaned(line);
    fprintf(out, "%s\n", clean);
    free(clean);
    free(line);
    put_wrapped(out, INDENT, r->project);
    if (r->options.since_ms)
        fprintf(out, _("  answers from %s on\n"), since);
}

static void put_filter(FILE *out, const struct report *r)
{
    const struct scene_counts *c = &r->counts;
    put_heading(out, _("Filter"));
    fprintf(out, "  %-*s %12" PRId64 "\n", CELL(_("pictures"), 22), c->pictures);
    fprintf(out, "  %-*s %12" PRId64 "\n", CELL(_("screened"), 22), c->screened);
    fprintf(out, "  %-*s %12" PRId64 "\n", CELL(_("shown to a person"), 22), c->flagged);
    if (c->screened)
        fprintf(out, "  %-*s %12" PRId64 "  %.2f %% = (%" PRId64 " - %" PRId64 ") / %" PRId64 "\n", CELL(_("filtered"), 22),
                report_filtered(r), 100 * report_filter_rate(r), c->screened, c->flagged, c->screened);
    if (r->normals)
        fprintf(out, _("  %-*s %12lld  %.2f %% of %lld\n"), CELL(_("known normals filtered"), 22), (long long)r->normals_filtered,
                100.0 * (double)r->normals_filtered / (double)r->normals, (long long)r->normals);
    else
        fprintf(out, "  %-*s %*s\n", CELL(_("known normals filtered"), 22), CELL(_("none known"), 12));
    fprintf(out, "  %-*s %12" PRId64 "\n", CELL(_("open"), 22), c->open);
    fprintf(out, "  %-*s %12" PRId64 "\n", CELL(_("answered"), 22), c->answered);
    if (r->timed)
        fprintf(out, _("  %-*s %12.1f  hours at %.1f s a picture (median of %lld)\n"), CELL(_("work saved"), 22),
                report_hours_saved(r), (double)r->median_ms / 1000, (long long)r->timed);
    else
        fprintf(out, _("  %-*s %*s  no answer was timed yet\n"), CELL(_("work saved"), 22), CELL(_("not known"), 12));
}

static void put_severities(FILE *out, const struct report *r)
{
    put_heading(out, _("Recognition by severity, of defects found independently of the score"));
    fprintf(out, "  %-*s %*s %*s %*s %*s  %*s %*s\n", CELL(_("severity"), 8), CELL(_("correct"), 8), CELL(_("missed"), 8),
            CELL(_("total"), 8), CELL(_("rate"), 10), CELL(_("95 % interval"), 18), CELL(_("in review"), 9));
    for (int s = 0; s <= SEVERITIES; s++) {
        const struct report_severity *v = &r->severities[s];
        fprintf(out, "  %-*s %8" PRId64 " %8" PRId64 " %8" PRId64, CELL(_(v->name), 8), v->correct, v->missed, report_total(v));
        put_percent(out, v->correct, report_total(v));
        fprintf(out, " %9" PRId64 "\n", v->found);
    }
    if (r->severities[SEVERITIES].unscreened)
        fprintf(out, r->severities[SEVERITIES].unscreened == 1 ? _("  %lld more is not screened and in no rate\n")
                                                               : _("  %lld more are not screened and in no rate\n"),
                (long long)r->severities[SEVERITIES].unscreened);
    put_wrapped(out, INDENT,
                _("\"in review\" counts the defects that people confirmed; the filter brought them up or an audit drew them, so they "
                  "are no share of all defects. What the filter loses is bounded by an audit."));
}

static void put_rules(FILE *out, const struct report *r)
{
    put_heading(out, _("Threshold"));
    for (size_t i = 0; i < r->scene_count; i++) {
        const struct report_scene *s = &r->scenes[i];
        char *reason = stored_text(s->revision.reason);
        char *line = s->screened ? xasprintf(_("%s, revision %d, by %s, at score %.3f: %s"), s->name, s->revision.number,
                                             _(s->revision.rule), s->revision.threshold,
                                             reason[0] ? reason : _("recall not demonstrated (made by an earlier assay)"))
                                 : xasprintf(_("%s: not screened yet"), s->name);
        put_wrapped(out, INDENT, line);
        free(line);
        free(reason);
    }
}

static void put_audit(FILE *out, const json_t *audit)
{
    size_t i;
    json_t *entry;
    put_heading(out, _("Audit of what was filtered"));
    if (!audit)
        put_wrapped(out, INDENT, _("no audit yet"));
    json_array_foreach(audit, i, entry)
        put_wrapped(out, INDENT, json_string_value(json_object_get(entry, "sentence")));
}

static void put_bad(FILE *out, const struct report *r)
{
    size_t i;
    json_t *kind;
    put_heading(out, _("Pictures that cannot be judged"));
    fprintf(out, "  %-*s %12" PRId64 "\n", CELL(_("unreadable"), 22), r->counts.unreadable);
    for (i = 0; i < r->reason_count; i++) {
        fprintf(out, "    %8" PRId64 "  ", r->reasons[i].count);
        put_cell(out, r->reasons[i].reason, LAYOUT_COLUMNS - 14);
        fputc('\n', out);
    }
    json_array_foreach(r->poor, i, kind)
        fprintf(out, _("  %-*s %12lld  %lld to look at\n"), CELL(_(json_string_value(json_object_get(kind, "kind"))), 22),
                (long long)json_integer_value(json_object_get(kind, "count")),
                (long long)json_integer_value(json_object_get(kind, "open")));
}

static void put_people(FILE *out, const struct report *r)
{
    put_heading(out, _("People"));
    if (!r->person_count) {
        fputs(_("  no answers\n"), out);
        return;
    }
    fprintf(out, "  %-*s %*s %*s %*s %*s %*s %*s\n", CELL(_("person"), 20), CELL(_("answers"), 8), CELL(_("normal"), 8),
            CELL(_("defect"), 8), CELL(_("unsure"), 7), CELL(_("skips"), 6), CELL(_("s/picture"), 9));
    for (size_t i = 0; i < r->person_count; i++) {
        const struct person_row *p = &r->people[i];
        fputs("  ", out);
        put_cell(out, p->name, 20);
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
        char *names = xasprintf(_("%s and %s"), r->pairs[i].first, r->pairs[i].second);
        fputs("  ", out);
        put_cell(out, names, 33);
        fprintf(out, _(" agree on %lld of %lld pictures, "), (long long)agreed, (long long)pictures);
        if (isfinite(kappa))
            fprintf(out, _("kappa %.2f\n"), kappa);
        else
            fputs(_("kappa not defined\n"), out);
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
    put_heading(out, _("Scores (3: one normal picture in 1,000 scores as high)"));
    fprintf(out, "  %-*s %*s %*s %*s\n", CELL(_("score"), 10), CELL(_("pictures"), 10), CELL(_("known normal"), 12), CELL(_("known defect"), 12));
    for (int i = 0; i < ROWS; i++) {
        int bar = all[i] ? 1 + (int)((BAR - 2) * log((double)all[i]) / log((double)most + 1)) : 0;
        fprintf(out, "  %4.1f %-*s %10" PRId64 " %12" PRId64 " %12" PRId64 "%s", 0.5 * i, CELL(i == ROWS - 1 ? _("on") : "", 5), all[i],
                normal[i], defect[i], bar ? "  " : "");
        while (bar-- > 0)
            fputc('#', out);
        fputc('\n', out);
    }
}

static const char *find_class(const struct report *r, const struct find_row *f, char room[CLASS_WORD])
{
    return f->class_name[0] ? class_word(r->db, f->class_name, room) : _("defect");
}

static const char *find_file(const struct find_row *f)
{
    const char *slash = strrchr(f->path, '/');
    return slash ? slash + 1 : f->path;
}

static void widen(int *width, const char *text, int most)
{
    int columns = (int)strlen(text) - layout_width(text, 0);
    columns = columns > most ? most : columns;
    *width = columns > *width ? columns : *width;
}

static void put_finds(FILE *out, const struct report *r)
{
    enum { ROOM = 46 }; // for class, object and file
    int object = 4, file = 4, class = 6;
    char room[CLASS_WORD];
    put_heading(out, _("Found"));
    for (size_t i = 0; i < r->find_count; i++) {
        const struct find_row *f = &r->finds[i];
        widen(&object, f->object[0] ? f->object : f->scene, 12);
        widen(&file, find_file(f), 18);
        widen(&class, find_class(r, f, room), ROOM);
    }
    class = class > ROOM - object - file ? ROOM - object - file : class;
    for (int s = 0; s <= SEVERITIES; s++)
        fprintf(out, "  %-*s %6" PRId64 "\n", CELL(_(r->severities[s].name), 8), r->severities[s].found);
    for (size_t i = 0; i < r->find_count; i++) {
        const struct find_row *f = &r->finds[i];
        char at[CLOCK_TEXT];
        report_time(f->at_ms, at);
        if (r->options.line)
            r->options.line(r->options.context, out, f->picture);
        fprintf(out, "  %-*s ", CELL(_(severity_name(f->severity)), 8));
        put_cell(out, find_class(r, f, room), class);
        fputc(' ', out);
        put_cell(out, f->object[0] ? f->object : f->scene, object);
        fputc(' ', out);
        put_cell(out, find_file(f), file);
        fprintf(out, " %s\n", at);
        if (f->note[0])
            put_wrapped(out, 11, f->note);
    }
    if (r->find_count == REPORT_FINDS)
        fprintf(out, _("  only the first %d are listed\n"), REPORT_FINDS);
}

static void put_waiting(FILE *out, const struct report *r)
{
    fprintf(out, r->waiting == 1 ? _("  %lld answer waits for a lead's look\n") : _("  %lld answers wait for a lead's look\n"), (long long)r->waiting);
}

static void put_objects(FILE *out, const struct report *r)
{
    put_heading(out, _("By object"));
    fprintf(out, "  %-*s %*s %*s %*s %*s %*s %*s\n", CELL(_("object"), 24), CELL(_("answered"), 8), CELL(_("stop"), 7), CELL(_("key"), 7),
            CELL(_("general"), 7), CELL(_("unsure"), 7), CELL(_("open"), 7));
    for (size_t i = 0; i < r->object_count; i++) {
        const struct object_row *b = &r->objects[i];
        if (r->options.line)
            r->options.line(r->options.context, out, b->picture);
        fputs("  ", out);
        put_cell(out, b->object[0] ? b->object : _("(none named)"), 24);
        fprintf(out, " %8" PRId64 " %7" PRId64 " %7" PRId64 " %7" PRId64 " %7" PRId64 " %7" PRId64 "\n", b->answered,
                b->found[SEVERITY_STOP], b->found[SEVERITY_KEY], b->found[SEVERITY_GENERAL], b->unsure, b->open);
    }
    fprintf(out, r->counts.open == 1 ? _("  %lld picture is open\n") : _("  %lld pictures are open\n"), (long long)r->counts.open);
    put_waiting(out, r);
    if (r->hook[0]) {
        char *hook = stored_text(r->hook);
        put_wrapped(out, INDENT, hook);
        free(hook);
    }
}

static void put_second(FILE *out, const struct report *r)
{
    put_heading(out, _("Second review"));
    put_waiting(out, r);
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
