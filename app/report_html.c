#include "config.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "app/class_word.h"
#include "app/report.h"
#include "app/stored.h"
#include "base/alloc.h"
#include "base/file.h"
#include "base/text.h"
#include "db/label.h"
#include "db/report.h"
#include "screen/rates.h"

// No "<", ">" or "&" in it: the page is XML as well as HTML.
static const char style[] =
    ":root{color-scheme:light dark;--ink:#1c1e21;--paper:#fff;--soft:#5d636b;--line:#d5d8dc;--all:#8a939e;--bad:#c22f2f;"
    "--good:#2b6cb0;--stop:#c22f2f;--key:#b7791f;--general:#2b6cb0}"
    "@media(prefers-color-scheme:dark){:root{--ink:#e4e6e9;--paper:#16181b;--soft:#9aa1aa;--line:#3a3f46;--all:#7b858f;"
    "--bad:#f07070;--good:#79b0ee;--stop:#f07070;--key:#e0b050;--general:#79b0ee}}"
    "@media print{:root{color-scheme:light;--ink:#000;--paper:#fff;--soft:#444;--line:#bbb;--all:#888;--bad:#b00;--good:#036;"
    "--stop:#b00;--key:#850;--general:#036}body{max-width:none;margin:0;font-size:10pt}"
    "figure,tr{break-inside:avoid}h2{break-after:avoid}}"
    "*{box-sizing:border-box}body{font:15px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--paper);"
    "max-width:64rem;margin:2rem auto;padding:0 1rem}"
    "h1{font-size:1.6rem;margin:0}h2{font-size:1.1rem;margin:2rem 0 .5rem}p{margin:.3rem 0}.soft{color:var(--soft)}"
    "td{white-space:nowrap}td.name,td.long{white-space:normal}.wide{overflow-x:auto}table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}"
    "th,td{padding:.3rem .6rem;text-align:right;border-bottom:1px solid var(--line)}"
    "th{font-weight:600;color:var(--soft)}th.name,td.name{text-align:left;overflow-wrap:break-word;max-width:24rem}"
    ".figures{display:flex;flex-wrap:wrap;gap:.75rem;margin:1rem 0}"
    ".figures div{flex:1 1 10rem;border:1px solid var(--line);border-radius:6px;padding:.6rem .8rem}"
    ".figures b{display:block;font-size:1.5rem;font-variant-numeric:tabular-nums}"
    ".charts{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(24rem,100%),1fr));gap:0 2rem}"
    "td.long{text-align:left;min-width:18rem}figure{margin:1rem 0}svg{width:100%;height:auto;font:14px system-ui,sans-serif}svg text{fill:var(--soft)}"
    "svg .mid{text-anchor:middle}svg .end{text-anchor:end}.axis{fill:none;stroke:var(--soft)}"
    "path.grid{stroke:var(--line);stroke-width:.6}path.all{fill:var(--all)}path.defect{fill:var(--bad)}"
    ".threshold{stroke:var(--ink);stroke-width:1.5;stroke-dasharray:5 3}.curve{fill:none;stroke-width:2.2}"
    ".curve.all{fill:none;stroke:var(--all);stroke-dasharray:2 2}.curve.stop{stroke:var(--stop)}.curve.key{stroke:var(--key);"
    "stroke-dasharray:8 3}.curve.general{stroke:var(--general);stroke-dasharray:12 3 2 3}"
    "div.grid{display:grid;grid-template-columns:repeat(auto-fill,minmax(11rem,1fr));gap:.75rem}"
    ".picture{margin:0;border:1px solid var(--line);border-radius:6px;padding:.5rem;font-size:.85rem;overflow-wrap:anywhere}"
    ".picture img{display:block;max-width:100%;height:auto;margin:0 auto .4rem}.gone{color:var(--soft)}";

void html_put(struct strbuf *page, const char *text)
{
    char *clean = text_cleaned(text);
    for (const char *c = clean; *c; c++) {
        switch (*c) {
        case '&': strbuf_puts(page, "&amp;"); break;
        case '<': strbuf_puts(page, "&lt;"); break;
        case '>': strbuf_puts(page, "&gt;"); break;
        case '"': strbuf_puts(page, "&quot;"); break;
        case '\'': strbuf_puts(page, "&#39;"); break;
        default:
            // U+FFFE and U+FFFF are UTF-8 but no characters of XML
            if (memcmp(c, "\xef\xbf", strnlen(c, 2)) == 0 && ((unsigned char)c[2] == 0xbe || (unsigned char)c[2] == 0xbf)) {
                strbuf_puts(page, "?");
                c += 2;
            } else {
                strbuf_add(page, c, 1);
            }
        }
    }
    free(clean);
}

static void put_number(struct strbuf *page, int64_t n)
{
    strbuf_printf(page, "<td>%" PRId64 "</td>", n);
}

static void put_name(struct strbuf *page, const char *text)
{
    strbuf_puts(page, "<td class=\"name\">");
    html_put(page, text);
    strbuf_puts(page, "</td>");
}

// `heads`: names separated by "|", those of columns with text after a "*".
static void open_table(struct strbuf *page, const char *title, const char *heads)
{
    strbuf_printf(page, "<section><h2>%s</h2><div class=\"wide\"><table><thead><tr>", title);
    while (*heads) {
        bool text = *heads == '*';
        heads += text;
        size_t n = strcspn(heads, "|");
        strbuf_printf(page, "<th%s>%.*s</th>", text ? " class=\"name\"" : "", (int)n, heads);
        heads += n + (heads[n] == '|');
    }
    strbuf_puts(page, "</tr></thead><tbody>\n");
}

static void close_table(struct strbuf *page)
{
    strbuf_puts(page, "</tbody></table></div></section>\n");
}

static void put_figure(struct strbuf *page, const char *what, const char *value, const char *more)
{
    strbuf_printf(page, "<div>%s<b>%s</b><span class=\"soft\">%s</span></div>\n", what, value, more);
}

static void put_figures(struct strbuf *page, const struct report *r)
{
    char value[64], more[128];
    strbuf_puts(page, "<section class=\"figures\">\n");
    if (r->counts.screened) {
        snprintf(value, sizeof value, "%.2f %%", 100 * report_filter_rate(r));
        snprintf(more, sizeof more, _("(%lld - %lld) / %lld pictures"), (long long)r->counts.screened,
                 (long long)r->counts.flagged, (long long)r->counts.screened);
        put_figure(page, _("filter rate"), value, more);
    } else {
        put_figure(page, _("filter rate"), "-", _("nothing screened yet"));
    }
    if (r->normals) {
        snprintf(value, sizeof value, "%.2f %%", 100.0 * (double)r->normals_filtered / (double)r->normals);
        snprintf(more, sizeof more, _("%lld of %lld"), (long long)r->normals_filtered, (long long)r->normals);
        put_figure(page, _("known normals filtered"), value, more);
    }
    if (r->timed) {
        snprintf(value, sizeof value, "%.1f h", report_hours_saved(r));
        snprintf(more, sizeof more, r->timed == 1 ? _("%lld pictures at %.1f s (%lld answer was timed)") : _("%lld pictures at %.1f s (median of %lld answers)"),
                 (long long)report_filtered(r),
                 (double)r->median_ms / 1000, (long long)r->timed);
        put_figure(page, _("work saved"), value, more);
    } else {
        put_figure(page, _("work saved"), _("not known"), _("no answer was timed yet"));
    }
    snprintf(value, sizeof value, "%" PRId64, r->counts.open);
    snprintf(more, sizeof more, _("%lld answered"), (long long)r->counts.answered);
    put_figure(page, _("open"), value, more);
    strbuf_puts(page, "</section>\n");
}

static void put_severities(struct strbuf *page, const struct report *r)
{
    open_table(page, _("Recognition by severity"), _("*severity|correct|missed|total|recognition rate|interval (95 %)|found in review"));
    for (int s = 0; s <= SEVERITIES; s++) {
        const struct report_severity *v = &r->severities[s];
        int64_t total = report_total(v);
        strbuf_printf(page, "<tr id=\"severity-%s\">", v->name);
        put_name(page, _(v->name));
        put_number(page, v->correct);
        put_number(page, v->missed);
        put_number(page, total);
        struct rates_interval i = rates_exact((size_t)v->correct, (size_t)total, 0.95);
        if (total)
            strbuf_printf(page, _("<td>%.2f %%</td><td>%.2f to %.2f %%</td>"), 100.0 * (double)v->correct / (double)total,
                          100 * i.low, 100 * i.high);
        else
            strbuf_puts(page, "<td>-</td><td>-</td>");
        put_number(page, v->found);
        strbuf_puts(page, "</tr>\n");
    }
    close_table(page);
    strbuf_printf(page, "<p class=\"soft\">%s", _("The rate is that of defects found independently of the score. Those found in review "
                                                  "were brought up by the filter or drawn by an audit and are no share of all defects. "
                                                  "What the filter loses is bounded by an audit."));
    if (r->severities[SEVERITIES].unscreened)
        strbuf_printf(page, r->severities[SEVERITIES].unscreened == 1 ? _(" %lld more is not screened and in no rate.")
                                                                      : _(" %lld more are not screened and in no rate."),
                      (long long)r->severities[SEVERITIES].unscreened);
    strbuf_puts(page, "</p>\n");
}

static void put_rules(struct strbuf *page, const struct report *r)
{
    open_table(page, _("Threshold"), _("*scene|revision|score|*rule|*why"));
    for (size_t i = 0; i < r->scene_count; i++) {
        const struct report_scene *s = &r->scenes[i];
        strbuf_puts(page, "<tr>");
        put_name(page, s->name);
        if (s->screened) {
            strbuf_printf(page, "<td>%d</td>", s->revision.number);
            strbuf_printf(page, "<td>%.3f</td>", s->revision.threshold);
            put_name(page, _(s->revision.rule));
        } else {
            strbuf_puts(page, "<td>-</td><td>-</td><td>-</td>");
        }
        strbuf_puts(page, "<td class=\"long\">");
        char *reason = stored_text(s->revision.reason);
        html_put(page, !s->screened ? _("not screened yet") : reason[0] ? reason : _("recall not demonstrated (made by an earlier assay)"));
        free(reason);
        strbuf_puts(page, "</td></tr>\n");
    }
    close_table(page);
}

static void put_audit(struct strbuf *page, const json_t *audit)
{
    size_t i;
    json_t *entry;
    strbuf_printf(page, "<section id=\"audit\"><h2>%s</h2>", _("Audit of what was filtered"));
    if (!audit)
        strbuf_printf(page, "<p>%s</p>", _("no audit yet"));
    json_array_foreach(audit, i, entry) {
        strbuf_puts(page, "<p>");
        html_put(page, json_string_value(json_object_get(entry, "sentence")));
        strbuf_puts(page, "</p>");
    }
    strbuf_puts(page, "</section>\n");
}

static void put_people(struct strbuf *page, const struct report *r)
{
    open_table(page, _("People"), _("*person|answers|normal|defect|unsure|skips|seconds a picture"));
    for (size_t i = 0; i < r->person_count; i++) {
        const struct person_row *p = &r->people[i];
        const int64_t numbers[] = {p->answers, p->normals, p->defects, p->unsure, p->skips};
        strbuf_puts(page, "<tr>");
        put_name(page, p->name);
        for (int k = 0; k < 5; k++)
            put_number(page, numbers[k]);
        if (p->timed)
            strbuf_printf(page, "<td>%.1f</td></tr>\n", (double)p->median_ms / 1000);
        else
            strbuf_puts(page, "<td>-</td></tr>\n");
    }
    close_table(page);
    if (!r->pair_count)
        return;
    open_table(page, _("Agreement where two answered"), _("*first|*second|pictures|agreed|kappa"));
    for (size_t i = 0; i < r->pair_count; i++) {
        int64_t pictures, agreed;
        double kappa = report_kappa(&r->pairs[i], &pictures, &agreed);
        strbuf_puts(page, "<tr>");
        put_name(page, r->pairs[i].first);
        put_name(page, r->pairs[i].second);
        put_number(page, pictures);
        put_number(page, agreed);
        if (isfinite(kappa))
            strbuf_printf(page, "<td>%.2f</td></tr>\n", kappa);
        else
            strbuf_printf(page, "<td>%s</td></tr>\n", _("not defined"));
    }
    close_table(page);
}

static void put_waiting(struct strbuf *page, const struct report *r)
{
    strbuf_puts(page, "<p id=\"waiting\">");
    strbuf_printf(page, r->waiting == 1 ? _("  %lld answer waits for a lead's look\n") : _("  %lld answers wait for a lead's look\n"),
                  (long long)r->waiting);
    strbuf_puts(page, "</p>\n");
}

static void put_second(struct strbuf *page, const struct report *r)
{
    strbuf_printf(page, "<section id=\"second\"><h2>%s</h2>", _("Second review"));
    put_waiting(page, r);
    for (const char *line = r->second; line && *line; line += strcspn(line, "\n") + (line[strcspn(line, "\n")] != '\0')) {
        char *one = xasprintf("%.*s", (int)strcspn(line, "\n"), line);
        strbuf_puts(page, "<p>");
        html_put(page, one + strspn(one, " "));
        strbuf_puts(page, "</p>\n");
        free(one);
    }
    strbuf_puts(page, "</section>\n");
}

static void put_bad(struct strbuf *page, const struct report *r)
{
    size_t i;
    json_t *kind;
    open_table(page, _("Pictures that cannot be judged"), _("*reason|pictures"));
    strbuf_puts(page, "<tr>");
    put_name(page, _("unreadable, all"));
    put_number(page, r->counts.unreadable);
    strbuf_puts(page, "</tr>\n");
    for (i = 0; i < r->reason_count; i++) {
        strbuf_puts(page, "<tr>");
        put_name(page, r->reasons[i].reason);
        put_number(page, r->reasons[i].count);
        strbuf_puts(page, "</tr>\n");
    }
    json_array_foreach(r->poor, i, kind) {
        strbuf_puts(page, "<tr>");
        put_name(page, _(json_string_value(json_object_get(kind, "kind"))));
        put_number(page, json_integer_value(json_object_get(kind, "count")));
        strbuf_puts(page, "</tr>\n");
    }
    close_table(page);
}

static void put_shift(struct strbuf *page, const struct report *r)
{
    char value[64];
    strbuf_puts(page, "<section class=\"figures\">\n");
    for (int s = 0; s <= SEVERITIES; s++) {
        snprintf(value, sizeof value, "%" PRId64, r->severities[s].found);
        put_figure(page, _(r->severities[s].name), value, _("Found"));
    }
    snprintf(value, sizeof value, "%" PRId64, r->counts.open);
    put_figure(page, _("open"), value, "");
    strbuf_puts(page, "</section>\n");
    put_waiting(page, r);
    if (r->hook[0]) {
        char *hook = stored_text(r->hook);
        strbuf_puts(page, "<p id=\"hook\">");
        html_put(page, hook);
        strbuf_puts(page, "</p>\n");
        free(hook);
    }
    open_table(page, _("By object"), _("*object|answered|stop|key|general|unsure|open"));
    for (size_t i = 0; i < r->object_count; i++) {
        const struct object_row *b = &r->objects[i];
        const int64_t numbers[] = {b->answered, b->found[SEVERITY_STOP], b->found[SEVERITY_KEY], b->found[SEVERITY_GENERAL],
                                   b->unsure, b->open};
        strbuf_puts(page, "<tr>");
        put_name(page, b->object[0] ? b->object : _("(none named)"));
        for (int k = 0; k < 6; k++)
            put_number(page, numbers[k]);
        strbuf_puts(page, "</tr>\n");
    }
    close_table(page);
    open_table(page, _("Found"), _("*severity|*class|*object|*position|*picture|*person|*when|*note"));
    for (size_t i = 0; i < r->find_count; i++) {
        const struct find_row *f = &r->finds[i];
        char at[CLOCK_TEXT], room[CLASS_WORD];
        report_time(f->at_ms, at);
        const char *cells[] = {_(severity_name(f->severity)), class_word(r->db, f->class_name, room), f->object, f->position,
                               f->path,                    f->person,     at,        f->note};
        strbuf_puts(page, "<tr>");
        for (int k = 0; k < 8; k++)
            put_name(page, cells[k]);
        strbuf_puts(page, "</tr>\n");
    }
    close_table(page);
    if (r->find_count == REPORT_FINDS)
        strbuf_printf(page, _("  only the first %d are listed\n"), REPORT_FINDS);
}

static void put_head(struct strbuf *page, const struct report *r)
{
    char at[CLOCK_TEXT], since[CLOCK_TEXT];
    const char *title = r->options.shift ? _("Handover") : _("Report");
    report_time(r->at_ms, at);
    report_time(r->options.since_ms, since);
    strbuf_printf(page, "<!DOCTYPE html>\n<html xmlns=\"http://www.w3.org/1999/xhtml\" lang=\"%s\"><head><meta charset=\"utf-8\"/>\n"
                        "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n<title>",
                  _("en")); // the language's own code, as lang= takes it
    strbuf_printf(page, "%s%s", title, _(", "));
    html_put(page, r->options.scene ? r->options.scene : _("all scenes"));
    strbuf_printf(page, "</title>\n<style>%s</style></head><body>\n<h1>%s%s", style, title, _(": "));
    html_put(page, r->options.scene ? r->options.scene : _("all scenes"));
    strbuf_puts(page, "</h1>\n<p class=\"soft\">");
    html_put(page, r->project);
    strbuf_puts(page, _(", base "));
    html_put(page, r->base);
    strbuf_printf(page, ", %s", at);
    if (r->options.since_ms)
        strbuf_printf(page, _(", answers from %s on"), since);
    strbuf_puts(page, "</p>\n");
}

enum status report_html(struct project *project, const struct report *r, const char *file, struct error *err)
{
    struct strbuf page = {0};
    put_head(&page, r);
    if (r->options.shift) {
        put_shift(&page, r);
        html_finds(&page, project, r);
        put_people(&page, r);
    } else {
        put_figures(&page, r);
        put_severities(&page, r);
        put_rules(&page, r);
        put_audit(&page, r->audit);
        html_charts(&page, r);
        html_picks(&page, project, r, _("Defects that were flagged"), &r->hits);
        html_picks(&page, project, r, _("Defects that were missed"), &r->misses);
        html_picks(&page, project, r, _("Most anomalous normals"), &r->suspects);
        put_people(&page, r);
        put_second(&page, r);
        put_bad(&page, r);
    }
    strbuf_puts(&page, "</body></html>\n");
    enum status status = file_write(file, page.data, page.len, err);
    strbuf_clear(&page);
    return status;
}
