#include "config.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "app/ask.h"
#include "app/review_audit.h"
#include "app/review_find.h"
#include "app/review_flow.h"
#include "app/hook.h"
#include "app/review_keeper.h"
#include "app/review_knowledge.h"
#include "app/review_known.h"
#include "app/review_lead.h"
#include "app/review_regions.h"
#include "app/review_results.h"
#include "app/review_session.h"
#include "app/scoring.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/intl.h"
#include "base/strbuf.h"

enum { AHEAD = 6, LEASE_MS = 120000, RETRY_S = 2, ALIKE_MOST = 400 };

struct review_session {
    struct project *project;
    struct review_model model;
    struct keeper *keeper;
    struct asker *asker;
    unsigned orders;          // of the queue, when something arrived last
    bool arrived;             // and is not in its place yet
    struct review_known known;
    struct review_audit audit;
    struct review_regions regions;
    struct review_counter *counter;
    struct review_finder finder;
    struct review_flow flow;
    struct review_knowledge knowledge;
    char *person_name;
    struct doubt_row *doubts; // a second look at these (doubt_count), in place of the queue; NULL not
    size_t doubt_count;
    char why[ASK_TEXT];
    int64_t person, scene;
    char name[64];
    struct queue_item *items; // this session's list: answered ones, the current one, leased ones ahead
    size_t count, capacity;
    size_t answers, concerned;
    size_t *alike;
    double ask_again;         // when the queue had nothing more: not before this time
    struct review_lead lead;
    bool deciding, blind_answer; // a lead's second answer is being stored
    char hook[HOOK_TEXT];     // what was last said of commands that are due
    size_t front;             // the furthest place that was on the screen
    int64_t version, flagged, open; // of the database and the queue, when last looked at
    char drift[DRIFT_TEXT];   // what was last said about it
    char news[DRIFT_TEXT + HOOK_TEXT + 80];
    // of the item handed out last:
    struct picture row;
    struct verdict_row verdict;
    struct revision revision;
    struct scene row_scene;
    char *path;
    struct strbuf details;
    struct class_row *classes;
    struct review_class *shown_classes;
    size_t class_count;
};

static size_t place(const struct review_session *s, int64_t picture)
{
    size_t i = 0;
    while (i < s->count && s->items[i].picture != picture)
        i++;
    return i;
}

static enum status lease_more(struct review_session *s, size_t want, struct error *err)
{
    int64_t *known = xcalloc(s->count + 1, sizeof *known);
    struct queue_item *fresh = xcalloc(want, sizeof *fresh);
    size_t count = 0, draws = 0;
    for (size_t i = 0; i < s->count; i++)
        known[i] = s->items[i].picture;
    enum status status = review_audit_lease(&s->audit, s->name, s->person, (want + 1) / 2, LEASE_MS, known, s->count, fresh,
                                            &draws, err);
    if (status == ST_OK)
        status = db_queue_lease(s->project->db, s->name, s->person, s->scene, want - draws, LEASE_MS, known, s->count,
                                fresh + draws, &count, err);
    count += draws;
    review_audit_mix(&s->audit, s->count, fresh, count);
    free(known);
    s->ask_again = count > 0 ? 0 : clock_seconds() + RETRY_S;
    for (size_t i = 0; i < count && status == ST_OK; i++) {
        GROW(s->items, s->capacity, s->count + 1);
        s->items[s->count++] = fresh[i];
    }
    free(fresh);
    return status;
}

static void forget_row(struct review_session *s)
{
    picture_clear(&s->row);
    verdict_clear(&s->verdict);
    scene_clear(&s->row_scene);
    free(s->path);
    s->path = NULL;
    s->row = (struct picture){0};
    s->verdict = (struct verdict_row){0};
    s->row_scene = (struct scene){0};
}

static void add_detail(struct strbuf *sb, const char *what, const char *value)
{
    if (value && value[0])
        strbuf_printf(sb, "%s%s: %s", sb->len ? "\n" : "", what, value);
}

static enum status load_item(struct review_session *s, struct queue_item *item, struct error *err)
{
    struct db *db = s->project->db;
    forget_row(s);
    enum status status = db_picture_get(db, item->picture, &s->row, err);
    enum label_source source;
    if (status == ST_OK)
        status = review_audit_source(&s->audit, item->picture, &source, err);
    if (status == ST_OK)
        status = db_verdict_get(db, item->picture, source, &s->verdict, err);
    if (status == ST_OK)
        status = db_scene_get(db, s->row.scene, NULL, &s->row_scene, err);
    if (status == ST_OK)
        status = db_revision_get(db, item->revision, &s->revision, err);
    if (status == ST_OK)
        s->path = project_picture(s->project, &s->row);
    return status;
}

static enum status say_why(struct review_session *s, const struct queue_item *item, struct error *err)
{
    if (s->verdict.lead) {
        snprintf(s->why, sizeof s->why, _("%s decided this one as a lead. Another answer changes no label; the lead sees it."),
                 s->verdict.person);
        return ST_OK;
    }
    for (size_t i = 0; i < s->doubt_count; i++)
        if (s->doubts[i].picture == item->picture)
            return s->doubts[i].event == s->verdict.event ? ask_why_again(s->project, &s->doubts[i], s->why, err)
                                                          : ask_why(s->project, item, s->why, err);
    return ask_why(s->project, item, s->why, err);
}

// index: its place in the list, SIZE_MAX when it is looked at elsewhere.
static enum status show(struct review_session *s, struct queue_item *item, size_t index, struct review_item *out,
                        struct error *err)
{
    struct scene_counts counts;
    enum status status = load_item(s, item, err);
    if (status == ST_OK)
        status = db_counts(s->project->db, s->scene, &counts, err);
    if (status == ST_OK)
        status = say_why(s, item, err);
    if (status != ST_OK)
        return status;
    bool again = s->doubts && index < s->doubt_count;
    const char *slash = strrchr(s->row.path, '/');
    strbuf_reset(&s->details);
    strbuf_puts(&s->details, "");
    strbuf_printf(&s->details, "%d x %d", s->row.width, s->row.height);
    if (item->score.alone)
        add_detail(&s->details,
                   _("carried by one detector"), _(detector_name((enum detector)(item->score.alone - 1))));
    add_detail(&s->details, _("object"), s->row.object);
    add_detail(&s->details, _("position"), s->row.position);
    add_detail(&s->details, _("camera"), s->row.camera);
    add_detail(&s->details, _("taken"), s->row.taken);
    if (s->row.group && strncmp(s->row.group, "content:", 8) != 0)
        add_detail(&s->details, "group", s->row.group);
    *out = (struct review_item){
        .id = item->picture,
        .path = s->path,
        .name = slash ? slash + 1 : s->row.path,
        .scene = s->row_scene.name,
        .score = item->score,
        .threshold = s->revision.threshold,
        .percentile = item->percentile,
        .position = again ? (int64_t)index + 1 : item->position,
        .open = again ? (int64_t)s->doubt_count : counts.open + s->audit.open,
        .blind = s->audit.blind && s->verdict.verdict == VERDICT_NONE,
        .why = s->why,
        .heat = item->heat.rows > 0 ? &item->heat : NULL,
        .width = s->row.width,
        .height = s->row.height,
        .details = s->details.data,
        .verdict = verdict_name(s->verdict.verdict),
        .class_name = s->verdict.class_name ? s->verdict.class_name : "",
        .severity = s->verdict.severity ? s->verdict.severity : "",
    };
    memcpy(out->box, item->box, sizeof out->box);
    return ST_OK;
}

static enum status item_at(struct review_session *s, size_t index, bool placed, struct review_item *out, struct error *err)
{
    if (!s->doubts && index + 2 >= s->count && clock_seconds() >= s->ask_again) {
        enum status status = lease_more(s, AHEAD, err);
        if (status != ST_OK)
            return status;
    }
    if (index >= s->count)
        return error_set(err, ST_NOT_FOUND, "nothing more to review");
    struct queue_item fresh;
    int64_t picture = s->items[index].picture;
    enum status status = placed ? db_queue_item(s->project->db, s->scene, picture, &fresh, err)
                                : db_queue_tile(s->project->db, picture, &fresh, err);
    if (status != ST_OK)
        return status;
    s->items[index] = fresh;
    return show(s, &s->items[index], index, out, err);
}

static enum status on_item(void *context, size_t index, struct review_item *out, struct error *err)
{
    return item_at(context, index, true, out, err);
}

static enum status on_tile(void *context, size_t index, struct review_item *out, struct error *err)
{
    return item_at(context, index, false, out, err);
}

static void look_at_audits(struct review_session *s)
{
    struct error unused; // what was said is on disk; until one can look again nothing more is told
    if (review_audit_look(&s->audit, &unused) != ST_OK)
        s->audit.blind = true;
}

static struct label label_of(struct review_session *s, const struct action *a)
{
    static const enum verdict verdicts[] = {[ACTION_NORMAL] = VERDICT_NORMAL, [ACTION_DEFECT] = VERDICT_DEFECT,
                                            [ACTION_UNSURE] = VERDICT_UNSURE, [ACTION_SKIP] = VERDICT_SKIP};
    bool defect = a->kind == ACTION_DEFECT;
    struct label label = {.picture = a->id, .person = s->person, .role = "inspector", .source = LABEL_REVIEW,
                          .verdict = verdicts[a->kind], .class_name = defect ? a->class_name : "",
                          .severity = defect ? a->severity : "",
                          .component = defect ? a->component : "", .regions = "", .note = a->note ? a->note : "",
                          .took_ms = a->took_ms};
    size_t at = place(s, a->id);
    s->front = at < s->count && at + 1 > s->front ? at + 1 : s->front;
    if (s->deciding) {
        label.role = "lead";
        label.blind = s->blind_answer;
    }
    if (at < s->count) {
        label.revision = s->items[at].revision;
        label.score = s->items[at].score.score;
    }
    return label;
}

// Commands for what was said after event `before`, in the transaction of the answers. *due: there are some.
static enum status note_hooks(struct review_session *s, int64_t before, bool *due, struct error *err)
{
    int64_t count = 0;
    enum status status = ST_OK;
    if (settings_text(s->project->settings, SETTING_HOOK_STOP)[0])
        status = db_hook_add(s->project->db, "stop", before + 1, &count, err);
    *due = count > 0;
    return status;
}

// All or none. One is not a batch: it is taken back alone.
static enum status say(struct review_session *s, const struct action *actions, size_t count, struct error *err)
{
    int64_t event, class_id, before = 0;
    bool due = false;
    enum status status = db_begin(s->project->db, err); // class and answers: one transaction, one fsync
    if (status != ST_OK)
        return status;
    status = db_ask_last(s->project->db, &before, err);
    struct label *labels = xcalloc(count + 1, sizeof *labels);
    for (size_t i = 0; i < count; i++) {
        labels[i] = label_of(s, &actions[i]);
        if (status == ST_OK && !s->deciding)
            status = review_audit_source(&s->audit, actions[i].id, &labels[i].source, err);
        if (status == ST_OK && actions[i].kind == ACTION_DEFECT)
            status = db_class_ensure(s->project->db, actions[i].class_name, actions[i].severity, &class_id, err);
    }
    if (status == ST_OK)
        status = count == 1 ? db_label_add(s->project->db, &labels[0], &event, err)
                            : db_label_batch(s->project->db, labels, count, err);
    free(labels);
    if (status == ST_OK)
        status = note_hooks(s, before, &due, err);
    if (status == ST_OK)
        status = db_commit(s->project->db, err);
    else
        db_rollback(s->project->db);
    if (status == ST_OK) {
        asker_wake(s->asker);
        if (s->deciding)
            review_lead_decided(&s->lead, actions[0].id);
        else
            s->lead.fresh = false;
        review_lead_greeted(&s->lead);
        if (due)
            keeper_hook(s->keeper);
    }
    for (size_t i = 0; i < count && status == ST_OK; i++) {
        if (actions[i].kind != ACTION_SKIP) {
            s->answers++;
            keeper_add(s->keeper, actions[i].id);
        }
    }
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
static enum status go_back(struct review_session *s, bool redo, int64_t *picture, int64_t *count, struct error *err)
{
    int64_t before = 0;
    bool due = false;
    enum status status = db_begin(s->project->db, err);
    if (status != ST_OK)
        return status;
    status = db_ask_last(s->project->db, &before, err);
    if (status == ST_OK)
        status = db_label_back(s->project->db, s->person, redo, picture, count, err);
    if (status == ST_OK)
        status = note_hooks(s, before, &due, err);
    if (status == ST_OK)
        status = db_commit(s->project->db, err);
    else
        db_rollback(s->project->db);
    if (status == ST_OK && due)
        keeper_hook(s->keeper);
    s->lead.fresh = false;
    s->lead.focus = status == ST_OK ? *picture : 0;
    return status;
}

static enum status on_act(void *context, const struct action *a, size_t *index, struct error *err)
{
    struct review_session *s = context;
    int64_t picture, count;
    if (a->kind != ACTION_UNDO && a->kind != ACTION_REDO)
        return say(s, a, 1, err);
    enum status status = go_back(s, a->kind == ACTION_REDO, &picture, &count, err);
    if (status != ST_OK)
        return status;
    bool drawn;
    status = db_region_last(s->project->db, s->person, &drawn, err);
    if (status != ST_OK)
        return status;
    s->concerned = drawn ? 0 : (size_t)count;
    s->ask_again = 0; // there is more in the queue again
    asker_wake(s->asker);
    size_t at = place(s, picture);
    if (at == s->count) { // answered in an earlier session
        struct queue_item item;
        status = db_queue_item(s->project->db, s->scene, picture, &item, err);
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

static void forget_classes(struct review_session *s)
{
    if (s->classes)
        class_free(s->classes, s->class_count);
    free(s->shown_classes);
    s->classes = NULL;
    s->shown_classes = NULL;
    s->class_count = 0;
}

static void on_classes(void *context, const struct review_class **classes, size_t *count)
{
    struct review_session *s = context;
    struct error unused;
    forget_classes(s);
    *classes = NULL;
    *count = 0;
    if (db_class_list(s->project->db, &s->classes, &s->class_count, &unused) != ST_OK)
        return;
    s->shown_classes = xcalloc(s->class_count + 1, sizeof *s->shown_classes);
    for (size_t i = 0; i < s->class_count; i++)
        s->shown_classes[i] = (struct review_class){
            .name = s->classes[i].name, .severity = s->classes[i].severity, .code = s->classes[i].code, .zh = s->classes[i].zh,
            .id = s->classes[i].id, .parent = s->classes[i].parent, .uses = s->classes[i].uses, .retired = s->classes[i].retired};
    *classes = s->shown_classes;
    *count = s->class_count;
}

static enum status on_near(void *context, int64_t id, enum near kind, const struct review_near **rows, size_t *count,
                           struct error *err)
{
    struct review_session *s = context;
    bool hides;
    enum status status = review_audit_hides(&s->audit, id, &hides, err);
    *count = 0;
    if (status != ST_OK || hides)
        return status;
    return review_known_near(&s->known, id, kind, rows, count, err);
}

static enum status on_regions(void *context, int64_t id, const struct review_region **rows, size_t *count, size_t *suggested,
                              struct error *err)
{
    struct review_session *s = context;
    struct queue_item item;
    struct picture picture;
    bool hides;
    enum status status = review_audit_hides(&s->audit, id, &hides, err);
    if (status == ST_OK)
        status = db_queue_tile(s->project->db, id, &item, err);
    if (status == ST_OK)
        status = db_picture_get(s->project->db, id, &picture, err);
    if (status != ST_OK)
        return status;
    status = review_regions_get(&s->regions, &picture, &item, hides, rows, count, suggested, err);
    picture_clear(&picture);
    return status;
}

static enum status on_draw(void *context, int64_t id, const struct review_region *rows, size_t count, struct error *err)
{
    struct review_session *s = context;
    enum status status = review_regions_put(&s->regions, id, rows, count, err);
    if (status == ST_OK)
        keeper_add(s->keeper, id);
    return status;
}

static enum status on_results(void *context, size_t number, bool anew, const struct review_results **results,
                              struct error *err)
{
    struct review_session *s = context;
    return review_counter_results(s->counter, number, anew, results, err);
}

static enum status on_find(void *context, const char *text, const struct review_found **rows, size_t *count, bool *more,
                           struct error *err)
{
    struct review_session *s = context;
    s->finder.blind = s->audit.blind;
    return review_finder_page(&s->finder, text, rows, count, more, err);
}

static enum status on_look(void *context, int64_t id, struct review_item *out, struct error *err)
{
    struct review_session *s = context;
    struct queue_item item;
    enum status status = db_queue_item(s->project->db, s->scene, id, &item, err);
    return status == ST_OK ? show(s, &item, SIZE_MAX, out, err) : status;
}

static enum status on_jump(void *context, int64_t id, size_t *index, struct error *err)
{
    struct review_session *s = context;
    struct queue_item item;
    enum status status = db_queue_item(s->project->db, s->scene, id, &item, err);
    if (status != ST_OK)
        return status;
    *index = place(s, id);
    if (*index == s->count) {
        GROW(s->items, s->capacity, s->count + 1);
        s->items[s->count++] = item;
    }
    s->front = *index + 1 > s->front ? *index + 1 : s->front; // it stays where it is
    return ST_OK;
}

static enum status on_saved(void *context, const char *const **pairs, size_t *count, struct error *err)
{
    struct review_session *s = context;
    return review_finder_saved(&s->finder, pairs, count, err);
}

static enum status on_save(void *context, const char *name, const char *text, struct error *err)
{
    struct review_session *s = context;
    return db_filter_save(s->project->db, name, text, err);
}

static enum status on_history(void *context, int64_t id, char **text, struct error *err)
{
    struct review_session *s = context;
    bool hides;
    enum status status = review_audit_hides(&s->audit, id, &hides, err);
    if (status != ST_OK)
        return status;
    if (hides) { // a known defect would be told by it
        *text = xstrdup(_("An audit runs: what was said is shown after your answer."));
        return ST_OK;
    }
    return review_known_history(s->project, id, text, err);
}

static enum status on_change_class(void *context, int64_t id, enum class_action what, const char *value, struct error *err)
{
    static const enum class_change changes[] = {
        [CLASS_ACTION_RENAME] = CLASS_RENAME, [CLASS_ACTION_CODE] = CLASS_CODE, [CLASS_ACTION_SEVERITY] = CLASS_SEVERITY,
        [CLASS_ACTION_PARENT] = CLASS_PARENT, [CLASS_ACTION_RETIRE] = CLASS_RETIRE, [CLASS_ACTION_MERGE] = CLASS_MERGE, [CLASS_ACTION_ZH] = CLASS_ZH};
    struct review_session *s = context;
    enum status status = what == CLASS_ACTION_MERGE ? db_lead_only(s->project->db, s->person, _("merging classes"), err) : ST_OK;
    if (status != ST_OK)
        return status;
    return db_class_change(s->project->db, s->person, id, changes[what], value, err);
}

static enum status on_second(void *context, size_t *index, struct review_second *row, struct error *err)
{
    struct review_session *s = context;
    return review_lead_second(&s->lead, index, row, err);
}

static enum status on_decide(void *context, const struct action *action, bool blind, const char **told, struct error *err)
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

static enum status on_comment(void *context, int64_t id, const char *text, struct error *err)
{
    struct review_session *s = context;
    return review_lead_comment(&s->lead, id, text, err);
}

static enum status on_agreement(void *context, char **text, struct error *err)
{
    struct review_session *s = context;
    return agreement_text(s->project, s->scene, 0, text, err);
}

static enum status on_log(void *context, const char *text, const struct review_logged **rows, size_t *count, bool *more,
                          struct error *err)
{
    struct review_session *s = context;
    return review_lead_log(&s->lead, text, rows, count, more, err);
}

static enum status on_handover(void *context, const char *since, char **text, struct error *err)
{
    struct review_session *s = context;
    return review_lead_handover(&s->lead, since, text, err);
}

static enum status on_greeting(void *context, char **text, struct error *err)
{
    struct review_session *s = context;
    return review_lead_greeting(&s->lead, text, err);
}

static void on_place(void *context, struct review_place *place)
{
    struct review_session *s = context;
    review_lead_place(&s->lead, place);
}

static void on_keep_place(void *context, const struct review_place *place)
{
    struct review_session *s = context;
    review_lead_keep_place(&s->lead, place);
}

static int64_t on_open(void *context)
{
    struct review_session *s = context;
    struct scene_counts counts;
    struct error unused;
    if (s->doubts) {
        struct doubt_row *left;
        size_t count = 0;
        if (db_doubt_list(s->project->db, s->scene, &left, &count, &unused) == ST_OK)
            free(left);
        return (int64_t)count;
    }
    return db_counts(s->project->db, s->scene, &counts, &unused) == ST_OK ? counts.open + s->audit.open : 0;
}

static void on_tick(void *context)
{
    struct review_session *s = context;
    struct error unused; // a missed renewal is made up for by the next one
    if (db_queue_renew(s->project->db, s->name, LEASE_MS, &unused) != ST_OK)
        return;
}

// What is leased ahead and was not on the screen yet goes back, so that more anomalous ones come before it.
static void lease_anew(struct review_session *s, size_t index)
{
    struct error unused; // what cannot be given back now runs out by itself
    s->front = index > s->front ? index : s->front;
    while (s->count > s->front + 2 &&
           db_queue_release(s->project->db, s->name, s->items[s->count - 1].picture, &unused) == ST_OK)
        s->count--;
    s->ask_again = 0;
}

static void on_reserve(void *context, size_t from, size_t count)
{
    struct review_session *s = context;
    struct error unused; // what cannot be leased now is missing at the end of the list, and asked for again
    if (s->doubts)
        return;
    if (count == 0)
        lease_anew(s, from);
    else if (from + count > s->count && clock_seconds() >= s->ask_again &&
             lease_more(s, from + count - s->count, &unused) != ST_OK)
        s->ask_again = clock_seconds() + RETRY_S;
}

static enum status alike_places(struct review_session *s, const struct picture *picture, size_t *count, struct error *err)
{
    struct db *db = s->project->db;
    int64_t *ids, *found = xcalloc(ALIKE_MOST, sizeof *found);
    size_t open;
    enum status status = db_queue_ids(db, s->name, picture->scene, SIMILAR_MOST, &ids, &open, err);
    if (status == ST_OK)
        status = similar_find(&s->known.similar, s->project, picture, ids, open, ALIKE_MOST, found, count, err);
    free(ids);
    if (status == ST_OK)
        status = db_queue_claim(db, s->name, s->person, LEASE_MS, found, count, err);
    s->alike = xreallocarray(s->alike, *count + 1, sizeof *s->alike);
    s->alike[0] = place(s, picture->id);
    for (size_t i = 0; i < *count && status == ST_OK; i++) {
        size_t at = place(s, found[i]);
        if (at == s->count) {
            GROW(s->items, s->capacity, s->count + 1);
            s->items[s->count++] = (struct queue_item){.picture = found[i]};
        }
        s->alike[i + 1] = at;
    }
    free(found);
    ++*count;
    s->front = s->count; // their places must stay
    return status;
}

static enum status on_alike(void *context, int64_t id, const size_t **places, size_t *count, struct error *err)
{
    struct review_session *s = context;
    struct picture picture;
    if (s->audit.blind) // those like it are flagged ones all: the others would be told apart
        return error_set(err, ST_INVALID, "an audit runs: pictures are not brought together by likeness until its draws are answered");
    enum status status = db_picture_get(s->project->db, id, &picture, err);
    if (status != ST_OK)
        return status;
    status = alike_places(s, &picture, count, err);
    picture_clear(&picture);
    *places = s->alike;
    return status;
}

// The first scene's drift, "" none.
static void find_drift(struct review_session *s, char text[DRIFT_TEXT])
{
    struct scene *scenes = NULL;
    size_t count = 0;
    struct error unused;
    text[0] = '\0';
    if (db_scene_list(s->project->db, &scenes, &count, &unused) != ST_OK)
        return;
    for (size_t i = 0; i < count; i++) {
        if (!text[0] && (s->scene == 0 || s->scene == scenes[i].id) &&
            drift_sentence(s->project, &scenes[i], true, text, &unused) != ST_OK)
            text[0] = '\0';
        scene_clear(&scenes[i]);
    }
    free(scenes);
}

// Whether there is something new to say of the commands that are due.
static bool hook_news(struct review_session *s)
{
    char text[HOOK_TEXT];
    struct error unused;
    if (hook_sentence(s->project, text, &unused) != ST_OK || strcmp(text, s->hook) == 0)
        return false;
    memcpy(s->hook, text, sizeof text);
    return text[0] != '\0';
}

static const char *on_news(void *context, size_t index)
{
    struct review_session *s = context;
    struct scene_counts counts;
    struct error unused;
    int64_t version;
    char drift[DRIFT_TEXT];
    bool first = s->version == 0;
    if (s->doubts)
        return NULL;
    bool ordered = s->arrived && asker_orders(s->asker) != s->orders;
    if (ordered) { // what arrived is in its place now
        s->arrived = false;
        lease_anew(s, index);
    }
    if (db_version(s->project->db, &version, &unused) != ST_OK || version == s->version ||
        db_counts(s->project->db, s->scene, &counts, &unused) != ST_OK ||
        review_audit_look(&s->audit, &unused) != ST_OK)
        return ordered ? "" : NULL;
    int64_t more = counts.flagged - s->flagged;
    bool same = counts.flagged == s->flagged && counts.open == s->open;
    bool told = hook_news(s);
    s->version = version;
    s->flagged = counts.flagged;
    s->open = counts.open;
    find_drift(s, drift);
    bool drifts = drift[0] && strcmp(drift, s->drift) != 0 && (!s->drift[0] || more > 0 || first);
    memcpy(s->drift, drift, sizeof drift);
    if (!same && !first) {
        s->arrived = s->arrived || more != 0;
        s->orders = asker_orders(s->asker);
        asker_wake(s->asker);
    }
    if (same && !drifts)
        return told ? s->hook : ordered ? "" : NULL;
    if (more != 0 && !first)
        lease_anew(s, index);
    s->news[0] = '\0';
    if (more > 0 && !first)
        snprintf(s->news, sizeof s->news, more == 1 ? _("%lld new picture flagged.%s") : _("%lld new pictures flagged.%s"), (long long)more,
                 drifts ? " " : "");
    if (drifts)
        snprintf(s->news + strlen(s->news), sizeof s->news - strlen(s->news), "%s.", drift);
    if (told)
        snprintf(s->news + strlen(s->news), sizeof s->news - strlen(s->news), "%s%s", s->news[0] ? " " : "", s->hook);
    return s->news;
}

enum status review_session_open(struct project *project, const char *person, const char *scene,
                                struct review_session **session, struct error *err)
{
    struct review_session *s = xcalloc(1, sizeof *s);
    struct scene_counts counts;
    uint64_t random = 0;
    s->project = project;
    s->known.project = project;
    s->audit.db = project->db;
    s->model = (struct review_model){.context = s, .item = on_item, .tile = on_tile, .act = on_act, .bulk = on_bulk, .concerned = on_concerned,
                                     .reserve = on_reserve, .alike = on_alike, .classes = on_classes, .change_class = on_change_class,
                                     .near = on_near, .regions = on_regions, .draw = on_draw,
                                     .history = on_history, .results = on_results,
                                     .find = on_find, .look = on_look, .jump = on_jump, .saved = on_saved, .save = on_save, .open = on_open, .tick = on_tick, .news = on_news,
                                     .second = on_second, .decide = on_decide, .comment = on_comment, .agreement = on_agreement,
                                     .log = on_log, .handover = on_handover, .greeting = on_greeting, .place = on_place,
                                     .keep_place = on_keep_place};
    if (getrandom(&random, sizeof random, 0) != (ssize_t)sizeof random)
        random = (uint64_t)getpid();
    snprintf(s->name, sizeof s->name, "%ld-%016llx", (long)getpid(), (unsigned long long)random);
    enum status status = db_person_ensure(project->db, person, &s->person, err);
    if (status == ST_OK && scene) {
        struct scene row;
        status = db_scene_get(project->db, 0, scene, &row, err);
        if (status == ST_OK) {
            s->scene = s->audit.scene = row.id;
            scene_clear(&row);
        }
    }
    if (status == ST_OK)
        status = db_counts(project->db, s->scene, &counts, err);
    if (status == ST_OK && counts.screened == 0)
        status = error_set(err, ST_INVALID, "nothing was screened yet; run `assay screen` first");
    if (status != ST_OK) {
        free(s);
        return status;
    }
    s->regions = (struct review_regions){.db = project->db, .person = s->person, .name = xstrdup(person)};
    s->finder = (struct review_finder){.project = project, .scene = s->scene};
    s->person_name = xstrdup(person);
    review_flow_open(&s->flow, project, s->person_name, s->scene);
    s->model.flow = &s->flow.model;
    review_knowledge_open(&s->knowledge, project, s->person);
    s->model.knowledge = &s->knowledge.model;
    s->lead = (struct review_lead){.project = project, .person = s->person, .scene = s->scene};
    s->counter = review_counter_new(project, scene);
    s->keeper = keeper_start(project);
    struct hook_counts hooks;
    if (db_hook_counts(project->db, &hooks, err) == ST_OK && hooks.due > 0)
        keeper_hook(s->keeper); // left over by a crash
    s->asker = asker_start(project, s->scene);
    *session = s;
    return ST_OK;
}

enum status review_session_second_look(struct review_session *s, struct error *err)
{
    enum status status = db_doubt_list(s->project->db, s->scene, &s->doubts, &s->doubt_count, err);
    if (status == ST_OK && s->doubt_count == 0)
        status = error_set(err, ST_NOT_FOUND, "no answer is contradicted by the others; there is nothing to look at again");
    for (size_t i = 0; i < s->doubt_count && status == ST_OK; i++) {
        GROW(s->items, s->capacity, s->count + 1);
        status = db_queue_item(s->project->db, s->scene, s->doubts[i].picture, &s->items[s->count++], err);
    }
    return status;
}

const struct review_model *review_session_model(struct review_session *session)
{
    return &session->model;
}

size_t review_session_close(struct review_session *s, struct error *kept)
{
    size_t answers = s->answers;
    struct error unused;
    if (db_queue_release(s->project->db, s->name, 0, &unused) != ST_OK)
        answers = s->answers; // the leases run out by themselves
    keeper_stop(s->keeper, kept);
    asker_stop(s->asker);
    review_finder_clear(&s->finder);
    review_flow_clear(&s->flow);
    review_knowledge_clear(&s->knowledge);
    free(s->person_name);
    review_counter_free(s->counter);
    review_known_clear(&s->known);
    review_lead_clear(&s->lead);
    review_regions_clear(&s->regions);
    forget_row(s);
    forget_classes(s);
    review_audit_clear(&s->audit);
    strbuf_clear(&s->details);
    free(s->alike);
    free(s->doubts);
    free(s->items);
    free(s);
    return answers;
}
