// How each scene's round stands: answers, training, the gate, what is fed back, what is deployed; and what is next.
#include "config.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "app/ask.h"
#include "app/audit.h"
#include "app/review_flow.h"
#include "app/rounds.h"
#include "app/worker.h"
#include "base/alloc.h"
#include "base/intl.h"
#include "base/strbuf.h"
#include "base/text.h"
#include "db/acquire.h"
#include "db/model.h"
#include "db/queue.h"
#include "db/report.h"
#include "db/revision.h"
#include "db/round.h"
#include "db/scene.h"

enum { ENOUGH = 20 }; // new answers that are worth a round where no number is set

struct stand { // of one scene
    const struct scene *scene;
    struct scene_counts counts;
    struct round round;     // the latest, id 0 none
    bool lives;
    struct round_answers answers;
    const struct model_row *active, *candidate, *latest; // NULL none
    struct revision revision;
    struct auditing audit;
    struct acquire_gain gain;
    bool gain_known;
    size_t doubts;
    int64_t needed;         // new answers until a round is worth it; 0: it is
};

static enum status stand_load(struct review_flow *f, const struct scene *scene, const struct model_row *models, size_t count,
                              struct stand *s, struct error *err)
{
    struct db *db = f->project->db;
    struct doubt_row *doubts = NULL;
    *s = (struct stand){.scene = scene, .lives = worker_lives(f->project)};
    enum status status = db_counts_said(db, scene->id, &s->counts, err);
    if (status != ST_OK || !scene->active_revision)
        return status;
    status = db_round_latest(db, scene->id, ROUND_RUNNING, &s->round, err);
    if (status == ST_OK || status == ST_NOT_FOUND)
        status = db_round_answers(db, scene->id, s->round.answers, &s->answers, err);
    if (status == ST_OK)
        status = db_revision_get(db, scene->active_revision, &s->revision, err);
    if (status == ST_OK)
        status = auditing_load(f->project, scene, &s->audit, err);
    if (status == ST_OK)
        status = ask_gain(f->project, scene->id, &s->gain, &s->gain_known, err);
    if (status == ST_OK)
        status = db_doubt_list(db, scene->id, &doubts, &s->doubts, err);
    free(doubts);
    s->active = rounds_active(models, count, scene->id);
    s->candidate = rounds_candidate(models, count, scene->id);
    for (size_t i = 0; i < count; i++)
        s->latest = models[i].scene == scene->id && models[i].revision ? &models[i] : s->latest;
    int64_t enough = settings_whole(f->project->settings, SETTING_TRAIN_EVERY);
    enough = enough ? enough : ENOUGH;
    s->needed = s->answers.fresh < enough ? enough - s->answers.fresh : 0;
    return status;
}

static void put(struct strbuf *out, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void put(struct strbuf *out, const char *fmt, ...)
{
    char line[200];
    va_list args;
    va_start(args, fmt);
    vsnprintf(line, sizeof line, fmt, args);
    va_end(args);
    strbuf_printf(out, "%s%s", out->len ? "\n" : "", line);
}

static void put_time(struct strbuf *out, int64_t ms) // without the year: a column is narrow
{
    char when[FLOW_TIME];
    flow_time(ms, when);
    put(out, "%s", strlen(when) > 5 ? when + 5 : when);
}

static void put_label(const struct stand *s, struct strbuf *out)
{
    put(out, _("%lld answered"), (long long)s->counts.answered);
    put(out, s->counts.defects == 1 ? _("%lld defect") : _("%lld defects"), (long long)s->counts.defects);
    put(out, _("%lld new"), (long long)s->answers.fresh);
    if (s->needed)
        put(out, _("%lld to go"), (long long)s->needed);
}

static void put_train(const struct stand *s, struct strbuf *out)
{
    const struct round_progress *p = &s->round.progress;
    int left = (int)(p->left + 0.5);
    if (!s->round.id) {
        put(out, _("no round yet"));
        return;
    }
    put(out, _("round %lld"), (long long)s->round.id);
    if (s->round.state == ROUND_RUNNING && !s->lives)
        put(out, _("its process\nended"));
    else if (s->round.state == ROUND_RUNNING && !s->round.wish)
        put(out, "%s", p->stage[0] ? flow_word(p->stage) : _("begins"));
    else
        put(out, "%s", flow_word(round_standing(&s->round, s->lives)));
    if (s->round.state < ROUND_DONE && p->steps > 0)
        put(out, "%d %%", (int)(100.0 * p->step / p->steps));
    if (s->round.state == ROUND_RUNNING && s->lives && p->steps > 0)
        put(out, _("%d:%02d left"), left / 60, left % 60);
    if (s->round.ended_ms) {
        put_time(out, s->round.ended_ms);
    }
}

static void put_evaluate(const struct stand *s, struct strbuf *out)
{
    const struct model_row *m = s->candidate ? s->candidate : s->latest;
    json_t *metrics = m ? json_loads(m->metrics, 0, NULL) : NULL, *filtered = json_object_get(metrics, "filtered"), *row;
    size_t i;
    if (!m) {
        put(out, _("no model yet"));
        json_decref(metrics);
        return;
    }
    put(out, "%.8s", m->sha256);
    put(out, "%s", m == s->candidate ? _("you decide") : flow_word(model_standing(m)));
    if (json_is_array(filtered)) {
        long long missed[2] = {0, 0};
        json_array_foreach(json_object_get(metrics, "severities"), i, row)
            for (int k = 0; k < 2; k++)
                missed[k] += json_integer_value(json_array_get(json_object_get(row, "missed"), (size_t)k));
        put(out, "%.1f>%.1f %%", 100 * json_number_value(json_array_get(filtered, 0)), 100 * json_number_value(json_array_get(filtered, 1)));
        put(out, _("missed %lld>%lld"), missed[0], missed[1]);
    }
    json_decref(metrics);
}

static void put_feedback(const struct stand *s, struct strbuf *out)
{
    put(out, _("%lld open"), (long long)s->counts.open);
    if (s->gain_known)
        put(out, _("%.1f defects\nin next %lld"), s->gain.expected, (long long)s->gain.next);
    if (s->doubts)
        put(out, _("%zu doubtful"), s->doubts);
}

static void put_deploy(const struct stand *s, struct strbuf *out)
{
    if (!s->scene->active_revision) {
        put(out, _("not screened"));
        return;
    }
    put(out, _("revision %d"), s->revision.number);
    if (s->active)
        put(out, "%.8s", s->active->sha256);
    else
        put(out, _("no model"));
    put_time(out, s->active ? s->active->decided_ms : s->revision.created_ms);
    if (s->audit.state == AUDITING_RUNNING)
        put(out, _("audit %lld/%lld"), (long long)s->audit.answered, (long long)s->audit.draws);
    else if (s->audit.state == AUDITING_ANSWERED || s->audit.state == AUDITING_STOPPED)
        put(out, _("miss<%.2g %%"), 100 * auditing_bound(&s->audit));
    else
        put(out, "%s", s->audit.state == AUDITING_VOID ? _("audit void") : _("no audit"));
}

// Caller frees.
static char *choose_next(const struct stand *s, struct flow_board *b)
{
    char *name = text_quoted(s->scene->name), *text;
    b->go = FLOW_NOTHING;
    if (!s->scene->active_revision) {
        b->at = FLOW_LABEL;
        text = xasprintf(s->counts.pictures > s->counts.unreadable ? _("Not screened yet: `assay screen --scene %s` flags what to look at.")
                                                                 : _("No readable picture yet: `assay add --scene %s` adds some."),
                         name);
    } else if (s->round.id && s->round.state < ROUND_DONE) {
        char words[120];
        b->at = FLOW_TRAIN;
        b->go = FLOW_TRAINING;
        flow_round_words(&s->round, s->lives, words);
        text = xasprintf(_("Round %lld: %s."), (long long)s->round.id, words);
    } else if (s->candidate) {
        b->at = FLOW_EVALUATE;
        b->go = FLOW_TRAINING;
        text = xstrdup(_("A model waits for your decision."));
    } else if (s->audit.state == AUDITING_RUNNING) {
        b->at = FLOW_DEPLOY;
        b->go = FLOW_REVIEW;
        // with what was slipped in: that may be left where one person found it all, and is not to be told apart
        long long open = s->audit.draws - s->audit.answered + s->audit.tally.slipped - s->audit.tally.slipped_answered;
        text = xasprintf(open == 1 ? _("An audit runs: %lld picture waits for an answer.") : _("An audit runs: %lld pictures wait for an answer."), open);
    } else if (s->counts.open > 0 && (!s->answers.normals || !s->answers.defects)) {
        b->at = FLOW_LABEL;
        b->go = FLOW_REVIEW;
        text = xasprintf(_("Answer: a round needs %s."), s->answers.normals ? _("a defect") : s->answers.defects ? _("a normal") : _("normals and defects"));
    } else if (!s->needed && s->answers.normals && s->answers.defects) {
        b->at = FLOW_TRAIN;
        b->go = FLOW_BEGIN;
        text = xasprintf(_("%lld new answers: a round is worth it."), (long long)s->answers.fresh);
    } else if (s->counts.open > 0) {
        b->at = s->active ? FLOW_FEEDBACK : FLOW_LABEL;
        b->go = FLOW_REVIEW;
        text = xasprintf(_("Answer %lld more, then a round is worth it."), (long long)s->needed);
    } else if (s->audit.state == AUDITING_NONE || s->audit.state == AUDITING_VOID) {
        b->at = FLOW_DEPLOY;
        text = xasprintf(_("Bound what is missed: `assay audit --scene %s`."), name);
    } else {
        b->at = FLOW_DEPLOY;
        b->go = FLOW_RESULTS;
        text = xstrdup(_("Nothing waits here; the results tell what it keeps."));
    }
    free(name);
    return text;
}

static void fill(struct review_flow *f, const struct stand *s, struct flow_board *b)
{
    static void (*const columns[FLOW_COLUMNS])(const struct stand *s, struct strbuf *out) = {put_label, put_train, put_evaluate,
                                                                                            put_feedback, put_deploy};
    *b = (struct flow_board){.scene = s->scene->id, .name = texts_keep(&f->board_texts, xstrdup(s->scene->name))};
    for (int i = 0; i < FLOW_COLUMNS; i++) {
        struct strbuf text = {0};
        columns[i](s, &text);
        b->lines[i] = texts_keep(&f->board_texts, text.data ? text.data : xstrdup(""));
    }
    b->next = texts_keep(&f->board_texts, choose_next(s, b));
}

static enum status gather(struct review_flow *f, struct error *err)
{
    struct scene *scenes = NULL;
    struct model_row *models = NULL;
    size_t count = 0, model_count = 0;
    enum status status = db_scene_list(f->project->db, &scenes, &count, err);
    if (status == ST_OK)
        status = db_model_list(f->project->db, &models, &model_count, err);
    texts_clear(&f->board_texts);
    free(f->boards);
    f->boards = xcalloc(count + 1, sizeof *f->boards);
    f->board_count = 0;
    for (size_t i = 0; i < count; i++) {
        struct stand stand = {0};
        if (status == ST_OK && (!f->only || f->only == scenes[i].id)) {
            status = stand_load(f, &scenes[i], models, model_count, &stand, err);
            if (status == ST_OK)
                fill(f, &stand, &f->boards[f->board_count++]);
            round_clear(&stand.round);
        }
        scene_clear(&scenes[i]);
    }
    free(scenes);
    model_free(models, model_count);
    return status;
}

enum status flow_board(void *context, const struct flow_board **rows, size_t *count, struct error *err)
{
    struct review_flow *f = context;
    enum status status = flow_changed(f, &f->board_version) || !f->boards ? gather(f, err) : ST_OK;
    *rows = f->boards;
    *count = f->board_count;
    if (status != ST_OK)
        f->board_version = 0;
    return status;
}
