#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "app/hook.h"
#include "app/review_session_impl.h"
#include "base/alloc.h"
#include "base/intl.h"
#include "db/back.h"
#include "db/project.h"
#include "db/region.h"

static void look_at_audits(struct review_session *s)
{
    struct error unused; // what was said is on disk; until one can look again nothing more is told
    if (review_audit_look(&s->audit, &unused) != ST_OK)
        s->audit.blind = true;
}

static struct label label_of(struct review_session *s, const struct action *a)
{
    static const enum verdict verdicts[] = {[ACTION_NORMAL] = VERDICT_NORMAL,
                                            [ACTION_DEFECT] = VERDICT_DEFECT,
                                            [ACTION_UNSURE] = VERDICT_UNSURE,
                                            [ACTION_SKIP] = VERDICT_SKIP};
    bool defect = a->kind == ACTION_DEFECT;
    struct label label = {.picture = a->id,
                          .person = s->person,
                          .role = "inspector",
                          .source = LABEL_REVIEW,
                          .verdict = verdicts[a->kind],
                          .class_name = defect ? a->class_name : "",
                          .severity = defect ? a->severity : "",
                          .component = defect ? a->component : "",
                          .regions = "",
                          .note = a->note ? a->note : "",
                          .took_ms = a->took_ms};
    size_t at = session_place(s, a->id);
    s->front = at < s->count && at + 1 > s->front ? at + 1 : s->front;
    if (s->deciding) {
        label.role = "lead";
        label.blind = s->blind_answer;
    }
    struct queue_item later; // marked on a page that was given back since
    struct error unused;
    if (at < s->count || db_queue_item(s->project->db, a->id, &later, &unused) == ST_OK) {
        label.revision = at < s->count ? s->items[at].revision : later.revision;
        label.score = at < s->count ? s->items[at].score.score : later.score.score;
    }
    return label;
}

// *open: what is open now, less what it is.
static enum status since_open(struct review_session *s, int64_t *open, struct error *err)
{
    struct scene_counts counts;
    enum status status = db_counts(s->project->db, s->scene, &counts, err);
    if (status == ST_OK)
        *open = counts.open - *open;
    return status;
}

// All or none. One is not a batch: it is taken back alone.
static enum status say(struct review_session *s, const struct action *actions, size_t count,
                       struct error *err)
{
    int64_t event, class_id, before = 0, open = 0;
    bool due = false;
    enum status status = db_begin(s->project->db, err); // class and answers: one transaction, one fsync
    if (status != ST_OK)
        return status;
    status = db_ask_last(s->project->db, &before, err);
    if (status == ST_OK)
        status = since_open(s, &open, err);
    struct label *labels = xcalloc(count + 1, sizeof *labels);
    for (size_t i = 0; i < count; i++) {
        labels[i] = label_of(s, &actions[i]);
        if (status == ST_OK && !s->deciding)
            status = review_audit_source(&s->audit, actions[i].id, &labels[i].source, err);
        if (status == ST_OK && actions[i].kind == ACTION_DEFECT)
            status =
                db_class_ensure(s->project->db, actions[i].class_name, actions[i].severity, &class_id, err);
    }
    if (status == ST_OK)
        status = count == 1 ? db_label_add(s->project->db, &labels[0], &event, err)
                            : db_label_batch(s->project->db, labels, count, err);
    free(labels);
    if (status == ST_OK)
        status = hook_note(s->project, before, &due, err);
    if (status == ST_OK)
        status = since_open(s, &open, err);
    if (status == ST_OK)
        status = db_commit(s->project->db, err);
    else
        db_rollback(s->project->db);
    if (status == ST_OK) {
        s->open += open; // no news
        asker_wake(s->asker);
        if (s->deciding)
            review_lead_decided(&s->lead, actions[0].id);
        else
            s->lead.fresh = false;
        review_lead_greeted(&s->lead);
        if (due)
            keeper_hook(s->keeper);
    }
    for (size_t i = 0; i < count && status == ST_OK; i++)
        if (actions[i].kind != ACTION_SKIP)
            keeper_add(s->keeper, actions[i].id);
    look_at_audits(s);
    return status;
}

static enum status on_bulk(void *context, const struct action *actions, size_t count, struct error *err)
{
    return count > 0 ? say(context, actions, count, err) : ST_OK;
}

static size_t on_concerned(void *context)
{
    struct review_session *s = context;
    return s->concerned;
}

// Taking back, or giving again with the commands that go with it.
static enum status go_back(struct review_session *s, bool redo, struct back *back, struct error *err)
{
    int64_t before = 0, open = 0;
    bool due = false;
    enum status status = db_begin(s->project->db, err);
    if (status != ST_OK)
        return status;
    status = db_ask_last(s->project->db, &before, err);
    if (status == ST_OK)
        status = since_open(s, &open, err);
    if (status == ST_OK)
        status = db_back(s->project->db, s->person, redo, back, err);
    if (status == ST_OK)
        status = hook_note(s->project, before, &due, err);
    if (status == ST_OK)
        status = since_open(s, &open, err);
    if (status == ST_OK)
        status = db_commit(s->project->db, err);
    else
        db_rollback(s->project->db);
    if (status == ST_OK)
        s->open += open;
    if (status == ST_OK && due)
        keeper_hook(s->keeper);
    s->lead.fresh = false;
    s->lead.focus = status == ST_OK ? back->picture : 0;
    return status;
}

// What was done to a class, as people read it.
static void say_class(struct review_session *s, bool redo, const struct back *back)
{
    char words[CLASS_WORD], room[CLASS_WORD];
    class_deed(s->project->db, back->what, back->value, words);
    const char *name = back->name[0] ? class_word(s->project->db, back->name, room) : _("classes");
    snprintf(s->class_back, sizeof s->class_back,
             back->kept ? _("%s (%s) stays: others have built on it. Once more goes on with what was before.")
             : redo     ? _("Given again: %s, %s.")
                        : _("Taken back: %s, %s."),
             name, words);
}

static const char *on_class_back(void *context)
{
    struct review_session *s = context;
    return s->class_back[0] ? s->class_back : NULL;
}

static enum status on_act(void *context, const struct action *a, size_t *index, struct error *err)
{
    struct review_session *s = context;
    struct back back;
    s->class_back[0] = '\0';
    if (a->kind != ACTION_UNDO && a->kind != ACTION_REDO)
        return say(s, a, 1, err);
    enum status status = go_back(s, a->kind == ACTION_REDO, &back, err);
    if (status != ST_OK)
        return status;
    int64_t picture = back.picture, count = back.count;
    if (picture == 0)
        say_class(s, a->kind == ACTION_REDO, &back);
    back_clear(&back);
    if (picture == 0)
        return ST_OK;
    bool drawn;
    status = db_region_last(s->project->db, s->person, &drawn, err);
    if (status != ST_OK)
        return status;
    s->concerned = drawn ? 0 : (size_t)count;
    s->ask_again = 0; // there is more in the queue again
    asker_wake(s->asker);
    size_t at = session_place(s, picture);
    if (at == s->count) { // answered in an earlier session
        struct queue_item item;
        status = db_queue_item(s->project->db, picture, &item, err);
        if (status != ST_OK)
            return status;
        GROW(s->items, s->capacity, s->count + 1);
        s->items[s->count++] = item;
    }
    if (index)
        *index = at;
    look_at_audits(s);
    return ST_OK;
}

static enum status on_decide(void *context, const struct action *action, bool blind, const char **told,
                             struct error *err)
{
    struct review_session *s = context;
    enum status status = review_lead_compare(&s->lead, action, told, err);
    if (status != ST_OK)
        return status;
    s->deciding = true;
    s->blind_answer = blind;
    status = say(s, action, 1, err);
    s->deciding = false;
    return status;
}

void review_answer_bind(struct review_session *s)
{
    s->model.act = on_act;
    s->model.bulk = on_bulk;
    s->model.concerned = on_concerned;
    s->model.class_back = on_class_back;
    s->model.decide = on_decide;
}
