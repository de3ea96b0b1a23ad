#include "config.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#include "app/audit.h"
#include "app/layout.h"
#include "base/alloc.h"
#include "base/intl.h"
#include "base/strbuf.h"
#include "db/audit.h"
#include "db/scene.h"

static const char *const names[] = {N_("none"), N_("running"), N_("answered"), N_("stopped"), N_("void")};

// What a bound is worth at this scene's own rate of defects: "" while no defect was confirmed.
static void say_worth(struct strbuf *text, const struct auditing *a)
{
    double found = (double)a->tally.flagged_defects;
    if (found > 0 && a->screened > 0)
        strbuf_printf(text, _(" At %.3g %% defects (%lld flagged and confirmed, of %lld screened) a miss bound of %.3g %% means only about"
                            " %.3g %% recall."),
                      100 * found / (double)a->screened, (long long)a->tally.flagged_defects, (long long)a->screened,
                      100 * a->row.bound, 100 * found / (found + a->row.bound * (double)a->row.size));
}

static void say_reader(struct strbuf *text, const struct auditing *a)
{
    const struct audit_tally *t = &a->tally;
    if (a->measured)
        strbuf_printf(text, _(" The reviewer recognised %lld of %lld known defects slipped in (a recall of at least %.3g %%), which is in"
                            " the bound; for one who recognises all of them it would be %lld."),
                      (long long)t->recognised, (long long)t->slipped_answered, 100 * a->reader, (long long)a->seen_most);
    else
        strbuf_printf(text, _(" It takes the reviewer to recognise every defect: %s."),
                      t->slipped > 0 ? _("no known defect that was slipped in is answered yet")
                                     : _("no known defect was there to be slipped in, so that his recall is not measured"));
}

// The bound rests on the draws in their order.
static void say_ahead(struct strbuf *text, const struct auditing *a)
{
    if (a->answered > a->used)
        strbuf_printf(text, a->answered - a->used == 1 ? _(" %lld more answer counts once the draws before it are answered.")
                                                       : _(" %lld more answers count once the draws before them are answered."),
                      (long long)(a->answered - a->used));
}

static void say_needed(struct strbuf *text, const struct auditing *a)
{
    if (a->needed == 0)
        strbuf_printf(text, _(" The asked bound of %.3g %% is reached."), 100 * a->row.bound);
    else if (a->needed < 0 && a->unproven)
        strbuf_printf(text, _(" The asked bound of %.3g %% takes more known defects than the %lld that are slipped in: further draws bring more,"
                            " while there are any."), 100 * a->row.bound, (long long)a->tally.slipped);
    else if (a->needed < 0)
        strbuf_printf(text, _(" The asked bound of %.3g %% cannot be reached any more with the pictures that are left."), 100 * a->row.bound);
    else
        strbuf_printf(text, _(" The asked bound of %.3g %% takes %lld more answers, none of them a defect (%lld are drawn and wait)."),
                      100 * a->row.bound, (long long)a->needed, (long long)a->ahead);
}

char *auditing_sentence(const struct scene *scene, const struct auditing *a)
{
    struct strbuf text = {0};
    double recall = auditing_recall(a);
    if (a->state == AUDITING_NONE) {
        strbuf_printf(&text, _("%s: no audit yet; `assay audit` begins one."), scene->name);
        return text.data;
    }
    if (a->state == AUDITING_VOID) {
        strbuf_printf(&text, _("%s: the audit was of revision %d, and revision %d filters differently: its bound is void. `assay audit`"
                             " begins anew and uses its %lld answered draws again."),
                      scene->name, a->row.revision_number, a->revision, (long long)(a->used + a->reused));
        return text.data;
    }
    if (a->row.fixed && a->used < a->draws) {
        strbuf_printf(&text, _("%s: %lld of the %lld draws of a plan fixed beforehand are answered; it is looked at when all are."), scene->name,
                      (long long)a->answered, (long long)a->draws);
        return text.data;
    }
    if (a->used + a->reused == 0) {
        strbuf_printf(&text, _("%s: an audit of the %lld filtered pictures of unknown content is under way (revision %d), and nothing is bounded yet."),
                      scene->name, (long long)a->row.size, a->row.revision_number);
        say_ahead(&text, a);
        say_needed(&text, a);
        return text.data;
    }
    strbuf_printf(&text, _("%s: of %lld filtered pictures of unknown content at most %lld (%.3g %%) are missed defects, at %g %% confidence%s:"
                         " revision %d, %lld draws answered%s, %lld missed defect%s found"),
                  scene->name, (long long)a->row.size, (long long)a->most, 100 * auditing_bound(a), 100 * a->row.confidence,
                  a->row.fixed ? "" : _(", whenever one looks"), a->row.revision_number, (long long)(a->used + a->reused),
                  a->reused > 0 ? _(" in this and earlier revisions") : "", (long long)a->missed, a->missed == 1 ? "" : "s");
    if (isnan(a->estimate))
        strbuf_puts(&text, _("."));
    else
        strbuf_printf(&text, _(", about %.3g expected in all."), a->estimate);
    if (a->unsure > 0)
        strbuf_printf(&text, _(" Of those found nobody is sure about %lld: they count as defects."), (long long)a->unsure);
    if (!isnan(recall))
        strbuf_printf(&text, _(" So at least %.3g %% of the defects are flagged: %lld / (%lld + %lld)%s."), 100 * floor(recall * 1000) / 1000,
                      (long long)a->tally.flagged_defects, (long long)a->tally.flagged_defects,
                      (long long)(a->most + a->tally.filtered_defects),
                      a->open > 0 ? _(", and what is open can only raise that") : "");
    say_ahead(&text, a);
    say_reader(&text, a);
    say_needed(&text, a);
    say_worth(&text, a);
    if (a->tally.later > 0)
        strbuf_printf(&text, a->tally.later == 1 ? _(" %lld picture filtered since it began is not covered.")
                                                : _(" %lld pictures filtered since it began are not covered."),
                      (long long)a->tally.later);
    return text.data;
}

char *auditing_line(const struct scene *scene, const struct auditing *a)
{
    if (a->state == AUDITING_NONE || a->state == AUDITING_VOID || (a->row.fixed && a->used < a->draws))
        return auditing_sentence(scene, a);
    return xasprintf(_("%s: audit of revision %d %s, %lld of %lld draws answered: at most %.3g %% missed (asked %.3g %%)%s"), scene->name,
                     a->row.revision_number, _(names[a->state]), (long long)a->answered, (long long)a->draws, 100 * auditing_bound(a),
                     100 * a->row.bound, a->measured ? "" : _(", the reviewer's recall not measured"));
}

static json_t *number(double value)
{
    return isnan(value) ? json_null() : json_real(value);
}

json_t *auditing_json(const struct scene *scene, const struct auditing *a)
{
    const struct audit_tally *t = &a->tally;
    char *sentence = auditing_sentence(scene, a);
    bool bounds = a->state != AUDITING_NONE && a->state != AUDITING_VOID && !(a->row.fixed && a->used < a->draws);
    json_t *o = json_pack("{s:o, s:s}", "scene", json_outside(scene->name), "state", names[a->state]);
    if (a->state != AUDITING_NONE)
        json_object_update_new(
            o, json_pack("{s:i, s:i, s:s, s:f, s:f, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "revision", a->row.revision_number,
                         "active_revision", a->revision, "plan", a->row.fixed ? "fixed" : "sequence", "bound_asked", a->row.bound,
                         "confidence", a->row.confidence, "filtered_unknown", (json_int_t)a->row.size, "draws", (json_int_t)a->draws,
                         "uniform", (json_int_t)a->uniform, "weighted", (json_int_t)(a->draws - a->uniform), "answered",
                         (json_int_t)a->answered, "used", (json_int_t)a->used, "reused", (json_int_t)a->reused, "missed_found",
                         (json_int_t)a->missed, "unsure", (json_int_t)a->unsure));
    if (bounds) {
        json_object_update_new(
            o, json_pack("{s:o, s:I, s:f, s:I, s:o, s:I, s:I, s:I, s:o}", "missed_estimate", number(a->estimate), "missed_at_most",
                         (json_int_t)a->most, "miss_bound", auditing_bound(a), "missed_at_most_if_all_recognised",
                         (json_int_t)a->seen_most, "recall_bound", number(auditing_recall(a)), "flagged_defects",
                         (json_int_t)t->flagged_defects, "filtered_defects_known", (json_int_t)t->filtered_defects, "not_covered",
                         (json_int_t)t->later, "answers_needed", a->needed < 0 ? json_null() : json_integer(a->needed)));
        json_object_set_new(o, "reviewer",
                            json_pack("{s:I, s:I, s:I, s:o}", "slipped_in", (json_int_t)t->slipped, "answered",
                                      (json_int_t)t->slipped_answered, "recognised", (json_int_t)t->recognised, "recall_at_least",
                                      a->measured ? json_real(a->reader) : json_null()));
    }
    json_object_set_new(o, "sentence", json_outside(sentence));
    free(sentence);
    return o;
}

static void put_line(FILE *out, const char *what, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

static void put_line(FILE *out, const char *what, const char *fmt, ...)
{
    va_list args;
    fprintf(out, "  %-*s ", CELL(_(what), 24));
    va_start(args, fmt);
    vfprintf(out, fmt, args);
    va_end(args);
    fputc('\n', out);
}

void auditing_text(const struct scene *scene, const struct auditing *a, FILE *out)
{
    const struct audit_tally *t = &a->tally;
    char *sentence = auditing_sentence(scene, a);
    put_wrapped(out, 0, sentence);
    free(sentence);
    if (a->state == AUDITING_NONE || a->state == AUDITING_VOID)
        return;
    put_line(out, N_("state"), _("%s, revision %d"), _(names[a->state]), a->row.revision_number);
    put_line(out, N_("draws answered"), _("%lld of %lld (%lld uniform, %lld near the threshold)"), (long long)a->answered, (long long)a->draws,
             (long long)a->uniform, (long long)(a->draws - a->uniform));
    if (a->answered > a->used)
        put_line(out, N_("of them in order"), _("%lld: what is said below rests on these"), (long long)a->used);
    if (a->reused > 0)
        put_line(out, N_("from earlier revisions"), "%" PRId64, a->reused);
    put_line(out, N_("missed defects found"), "%" PRId64, a->missed);
    if (!a->row.fixed || a->used == a->draws) {
        if (!isnan(a->estimate))
            put_line(out, N_("missed, estimated"), _("%.3g of %lld"), a->estimate, (long long)a->row.size);
        put_line(out, N_("missed at most"), _("%lld, or %.3g %% (asked: %.3g %%)"), (long long)a->most, 100 * auditing_bound(a), 100 * a->row.bound);
        if (!isnan(auditing_recall(a)))
            put_line(out, N_("recall at least"), "%.1f %%", floor(auditing_recall(a) * 1000) / 10);
    }
    if (a->measured)
        put_line(out, N_("reviewer's recall"), _("%lld of %lld recognised, at least %.3g %%"), (long long)t->recognised, (long long)t->slipped_answered,
                 100 * a->reader);
    else
        put_line(out, N_("reviewer's recall"), "%s", _("not measured yet"));
    if (a->needed >= 0)
        put_line(out, N_("answers still needed"), "%" PRId64, a->needed);
    else
        put_line(out, N_("answers still needed"), "%s",
                 a->unproven ? _("more known defects have to be slipped in first") : _("more than there are pictures"));
}
