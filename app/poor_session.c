#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "app/class_word.h"
#include "app/hook.h"
#include "app/poor_session.h"
#include "app/review_known.h"
#include "app/stored.h"
#include "base/alloc.h"
#include "base/intl.h"
#include "base/strbuf.h"
#include "db/acquire.h"
#include "db/class.h"
#include "db/label.h"
#include "db/person.h"
#include "db/picture.h"
#include "db/project.h"
#include "db/quality.h"
#include "db/queue.h"
#include "db/scene.h"
#include "ui/review.h"

enum { PAGE = 64 };

// The controller behind `assay review --poor`. Poor pictures are few and nobody's work: no leases, each is
// asked for anew before it is shown or answered.
struct poor_session {
    struct project *project;
    struct review_model model;
    int64_t person, scene;
    struct poor_row *rows;
    size_t count, capacity;
    size_t unkept; // labelled pictures that could not be copied; `check --repair` tries again
    size_t undone; // of `defects`, behind the end
    bool *defects; // this session's answers that stand: a defect (else about the picture)
    size_t said, said_room;
    // of the item handed out last:
    struct picture row;
    struct scene row_scene;
    struct verdict_row verdict;
    char *path, *reason;
    struct strbuf details;
    struct class_row *classes;
    struct review_class *shown;
    size_t class_count;
    char class_word[CLASS_WORD];
};

static enum status load_more(struct poor_session *s, struct error *err)
{
    struct poor_row *rows;
    size_t count;
    int64_t after = s->count ? s->rows[s->count - 1].picture : 0;
    enum status status = db_poor_page(s->project->db, s->scene, after, PAGE, &rows, &count, err);
    for (size_t i = 0; i < count && status == ST_OK; i++) {
        GROW(s->rows, s->capacity, s->count + 1);
        s->rows[s->count++] = rows[i];
    }
    free(rows);
    return status;
}

static void forget_row(struct poor_session *s)
{
    picture_clear(&s->row);
    scene_clear(&s->row_scene);
    verdict_clear(&s->verdict);
    free(s->path);
    free(s->reason);
    s->path = s->reason = NULL;
}

static enum status load_row(struct poor_session *s, struct poor_row *row, struct error *err)
{
    struct db *db = s->project->db;
    forget_row(s);
    enum status status = db_poor_get(db, row->picture, row, err);
    if (status == ST_OK)
        status = db_picture_get(db, row->picture, &s->row, err);
    if (status == ST_OK)
        status = db_scene_get(db, s->row.scene, NULL, &s->row_scene, err);
    if (status == ST_OK)
        status = db_verdict_get(db, row->picture, row->state == POOR_ANSWERED ? LABEL_REVIEW : LABEL_QUALITY,
                                &s->verdict, err);
    if (status != ST_OK)
        return status;
    s->path = project_picture(s->project, &s->row);
    char *why = stored_text(row->why);
    s->reason = xasprintf(_("Poor picture: %s. %s"), _(row->kind), why);
    free(why);
    return ST_OK;
}

static enum status on_item(void *context, size_t index, struct review_item *out, struct error *err)
{
    struct poor_session *s = context;
    struct scene_counts counts;
    enum status status = index >= s->count ? load_more(s, err) : ST_OK;
    if (status == ST_OK && index >= s->count)
        return error_set(err, ST_NOT_FOUND, "nothing more to review");
    if (status == ST_OK)
        status = load_row(s, &s->rows[index], err);
    if (status == ST_OK)
        status = db_counts(s->project->db, s->scene, &counts, err);
    if (status != ST_OK)
        return status;
    const char *slash = strrchr(s->row.path, '/');
    strbuf_reset(&s->details);
    strbuf_printf(&s->details, "%d x %d", s->row.width, s->row.height);
    if (s->row.camera && s->row.camera[0])
        strbuf_printf(&s->details, "\n%s%s%s", _("camera"), _(": "), s->row.camera);
    if (s->row.taken && s->row.taken[0])
        strbuf_printf(&s->details, "\n%s%s%s", _("taken"), _(": "), s->row.taken);
    *out = (struct review_item){
        .id = s->rows[index].picture,
        .path = s->path,
        .name = slash ? slash + 1 : s->row.path,
        .scene = s->row_scene.name,
        .open = counts.poor_open,
        .width = s->row.width,
        .height = s->row.height,
        .details = s->details.data,
        .verdict = verdict_name(s->verdict.verdict),
        .class_name = s->verdict.class_name ? s->verdict.class_name : "",
        .severity = s->verdict.severity ? s->verdict.severity : "",
        .reason = s->reason,
    };
    return ST_OK;
}

static enum status begin(struct poor_session *s, int64_t *before, struct error *err)
{
    enum status status = db_begin(s->project->db, err);
    return status == ST_OK ? db_ask_last(s->project->db, before, err) : status;
}

// With the commands that go with what was said after event `before`.
static enum status end(struct poor_session *s, int64_t before, enum status status, struct error *err)
{
    bool due = false;
    struct error unused; // what cannot be started now is started by the next review
    if (status == ST_OK)
        status = hook_note(s->project, before, &due, err);
    if (status == ST_OK)
        status = db_commit(s->project->db, err);
    else
        db_rollback(s->project->db);
    if (status == ST_OK && due && hook_start(s->project, &unused) != ST_OK)
        due = false;
    return status;
}

static enum status say(struct poor_session *s, const struct action *a, struct error *err)
{
    int64_t event, class_id;
    bool defect = a->kind == ACTION_DEFECT;
    struct label label = {.picture = a->id,
                          .person = s->person,
                          .role = "inspector",
                          .source = defect ? LABEL_REVIEW : LABEL_QUALITY,
                          .verdict = defect                     ? VERDICT_DEFECT
                                     : a->kind == ACTION_NORMAL ? VERDICT_FINE
                                                                : VERDICT_POOR,
                          .class_name = defect ? a->class_name : "",
                          .severity = defect ? a->severity : "",
                          .regions = "",
                          .note = a->note ? a->note : "",
                          .took_ms = a->took_ms};
    int64_t before = 0;
    enum status status = begin(s, &before, err);
    if (status == ST_OK && defect)
        status = db_class_ensure(s->project->db, a->class_name, a->severity, &class_id, err);
    if (status == ST_OK)
        status = db_label_add(s->project->db, &label, &event, err);
    status = end(s, before, status, err);
    if (status != ST_OK)
        return status;
    GROW(s->defects, s->said_room, s->said + 1);
    s->defects[s->said++] = defect;
    s->undone = 0;
    struct error unused;
    if (defect && project_keep(s->project, s->project->db, a->id, &unused) != ST_OK)
        s->unkept++;
    return ST_OK;
}

static enum status on_act(void *context, const struct action *a, size_t *index, struct error *err)
{
    struct poor_session *s = context;
    int64_t picture;
    if (a->kind == ACTION_SKIP)
        return ST_OK;
    if (a->kind != ACTION_UNDO && a->kind != ACTION_REDO)
        return say(s, a, err);
    bool undo = a->kind == ACTION_UNDO;
    if (undo && s->said == 0)
        return error_set(err, ST_NOT_FOUND, "nothing to undo in this session");
    if (!undo && s->undone == 0)
        return error_set(err, ST_NOT_FOUND, "nothing to redo in this session");
    bool defect = s->defects[undo ? s->said - 1 : s->said];
    int64_t before = 0;
    enum status status = begin(s, &before, err);
    if (status == ST_OK)
        status = !defect ? db_poor_undo(s->project->db, s->person, !undo, &picture, err)
                 : undo  ? db_label_undo(s->project->db, s->person, &picture, err)
                         : db_label_redo(s->project->db, s->person, &picture, err);
    status = end(s, before, status, err);
    if (status != ST_OK)
        return status;
    s->said = undo ? s->said - 1 : s->said + 1;
    s->undone = undo ? s->undone + 1 : s->undone - 1;
    for (size_t i = 0; i < s->count && index; i++)
        if (s->rows[i].picture == picture)
            *index = i;
    return ST_OK;
}

static void forget_classes(struct poor_session *s)
{
    if (s->classes)
        class_free(s->classes, s->class_count);
    free(s->shown);
    s->classes = NULL;
    s->shown = NULL;
    s->class_count = 0;
}

static void on_classes(void *context, const struct review_class **classes, size_t *count)
{
    struct poor_session *s = context;
    struct error unused;
    forget_classes(s);
    *classes = NULL;
    *count = 0;
    if (db_class_list(s->project->db, &s->classes, &s->class_count, &unused) != ST_OK)
        return;
    s->shown = xcalloc(s->class_count + 1, sizeof *s->shown);
    for (size_t i = 0; i < s->class_count; i++)
        s->shown[i] = (struct review_class){
            .name = s->classes[i].name, .severity = s->classes[i].severity, .code = s->classes[i].code, .zh = s->classes[i].zh,
            .id = s->classes[i].id, .parent = s->classes[i].parent, .uses = s->classes[i].uses, .retired = s->classes[i].retired};
    *classes = s->shown;
    *count = s->class_count;
}

static const char *on_class_word(void *context, const char *name)
{
    struct poor_session *s = context;
    return class_word(s->project->db, name, s->class_word);
}

static enum status on_history(void *context, int64_t id, char **text, struct error *err)
{
    struct poor_session *s = context;
    return review_known_history(s->project, id, text, err);
}

static int64_t on_open(void *context)
{
    struct poor_session *s = context;
    struct scene_counts counts;
    struct error unused;
    return db_counts(s->project->db, s->scene, &counts, &unused) == ST_OK ? counts.poor_open : 0;
}

// ---- those that are fine after all ----

enum status poor_screen_fine(struct project *project, struct scoring_report *report, struct error *err)
{
    struct scene *scenes = NULL;
    size_t count = 0;
    enum status status = db_scene_list(project->db, &scenes, &count, err);
    for (size_t i = 0; i < count; i++) {
        if (status == ST_OK)
            status = scoring_pending(project, &scenes[i], LIVE_FINE, 0, report, err);
        scene_clear(&scenes[i]);
    }
    free(scenes);
    return status;
}

enum status poor_review(struct project *project, const char *person, const char *scene,
                        struct review_config *config, size_t *answers, struct error *err)
{
    struct poor_session s = {.project = project};
    s.model = (struct review_model){
        .context = &s, .item = on_item, .act = on_act, .classes = on_classes, .class_word = on_class_word, .history = on_history, .open = on_open};
    config->poor = true;
    enum status status = db_person_ensure(project->db, person, &s.person, err);
    if (status == ST_OK && scene) {
        struct scene row;
        status = db_scene_get(project->db, 0, scene, &row, err);
        if (status == ST_OK) {
            s.scene = row.id;
            scene_clear(&row);
        }
    }
    if (status == ST_OK)
        status = review_run(config, &s.model, answers, err);
    forget_row(&s);
    forget_classes(&s);
    strbuf_clear(&s.details);
    free(s.rows);
    free(s.defects);
    return status;
}
