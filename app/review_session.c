#include "config.h"

#include <stdint.h>
#include <stdlib.h>
#include <sys/random.h>
#include <unistd.h>

#include "app/review_session_impl.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "base/intl.h"
#include "db/find.h"
#include "db/hook.h"
#include "db/person.h"

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
        s->shown_classes[i] = (struct review_class){.name = s->classes[i].name,
                                                    .severity = s->classes[i].severity,
                                                    .code = s->classes[i].code,
                                                    .zh = s->classes[i].zh,
                                                    .id = s->classes[i].id,
                                                    .parent = s->classes[i].parent,
                                                    .uses = s->classes[i].uses,
                                                    .retired = s->classes[i].retired};
    *classes = s->shown_classes;
    *count = s->class_count;
}

static const char *on_class_word(void *context, const char *name)
{
    struct review_session *s = context;
    return class_word(s->project->db, name, s->class_word);
}

static enum status on_near(void *context, int64_t id, enum near kind, const struct review_near **rows,
                           size_t *count, struct error *err)
{
    struct review_session *s = context;
    bool hides;
    enum status status = review_audit_hides(&s->audit, id, &hides, err);
    *count = 0;
    if (status != ST_OK || hides)
        return status;
    return review_known_near(&s->known, id, kind, rows, count, err);
}

static enum status on_regions(void *context, int64_t id, const struct review_region **rows, size_t *count,
                              size_t *suggested, struct error *err)
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

static enum status on_draw(void *context, int64_t id, const struct review_region *rows, size_t count,
                           struct error *err)
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

static enum status on_scores(void *context, int64_t id, const struct review_scores **scores, struct error *err)
{
    struct review_session *s = context;
    size_t at = session_place(s, id);
    bool hides;
    enum status status = review_audit_hides(&s->audit, id, &hides, err);
    if (status == ST_OK && (hides || at == s->count))
        status = error_set(err, ST_NOT_FOUND, "no distribution is known of this picture's score");
    return status == ST_OK ? score_counter_get(s->scores, s->items[at].revision, scores, err) : status;
}

static enum status on_find(void *context, const char *text, const struct review_found **rows, size_t *count,
                           bool *more, struct error *err)
{
    struct review_session *s = context;
    s->finder.blind = s->audit.blind;
    return review_finder_page(&s->finder, text, rows, count, more, err);
}

static enum status on_saved(void *context, const char *const **pairs, size_t *count, struct error *err)
{
    struct review_session *s = context;
    return review_finder_saved(&s->finder, pairs, count, err);
}

static enum status on_save(void *context, const char *name, const char *text, struct error *err)
{
    struct review_session *s = context;
    struct find_filter unused;
    enum status status = review_filter_parse(s->project->db, text, clock_unix_ms(), &unused, err); // nothing that finds nothing ever
    return status == ST_OK ? db_filter_save(s->project->db, name, text, err) : status;
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

static enum status on_leads(void *context, enum lead_deed deed, struct error *err)
{
    const struct review_session *s = context;
    const char *const words[] = {[LEAD_MERGE] = _("merging classes"), [LEAD_PROMOTE] = _("promoting a model"), [LEAD_ROLLBACK] = _("rolling back")};
    return db_lead_only(s->project->db, s->person, words[deed], err);
}

static enum status on_change_class(void *context, int64_t id, enum class_action what, const char *value,
                                   struct error *err)
{
    static const enum class_change changes[] = {[CLASS_ACTION_RENAME] = CLASS_RENAME,
                                                [CLASS_ACTION_CODE] = CLASS_CODE,
                                                [CLASS_ACTION_SEVERITY] = CLASS_SEVERITY,
                                                [CLASS_ACTION_PARENT] = CLASS_PARENT,
                                                [CLASS_ACTION_RETIRE] = CLASS_RETIRE,
                                                [CLASS_ACTION_MERGE] = CLASS_MERGE,
                                                [CLASS_ACTION_ZH] = CLASS_ZH,
                                                [CLASS_ACTION_NEW] = CLASS_NEW};
    struct review_session *s = context;
    enum status status = what == CLASS_ACTION_MERGE ? on_leads(s, LEAD_MERGE, err) : ST_OK;
    if (status != ST_OK)
        return status;
    return db_class_change(s->project->db, s->person, id, changes[what], value, err);
}

static enum status on_second(void *context, size_t *index, struct review_second *row, struct error *err)
{
    struct review_session *s = context;
    return review_lead_second(&s->lead, index, row, err);
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

static enum status on_log(void *context, const char *text, const struct review_logged **rows, size_t *count,
                          bool *more, struct error *err)
{
    struct review_session *s = context;
    return review_lead_log(&s->lead, text, rows, count, more, err);
}

static enum status on_handover(void *context, const char *since, char **text, int64_t **pictures, struct error *err)
{
    struct review_session *s = context;
    return review_lead_handover(&s->lead, since, text, pictures, err);
}

static enum status on_greeting(void *context, char **text, struct error *err)
{
    struct review_session *s = context;
    return review_lead_greeting(&s->lead, text, err);
}

static void on_place(void *context, struct review_place *place)
{
    struct review_session *s = context;
    struct picture picture = {0};
    struct error unused; // the screen begins at its first picture then
    review_lead_place(&s->lead, place);
    if (s->scene && place->id && (db_picture_get(s->project->db, place->id, &picture, &unused) != ST_OK || picture.scene != s->scene))
        place->id = 0; // another scene was asked for
    picture_clear(&picture);
}

static void on_keep_place(void *context, const struct review_place *place)
{
    struct review_session *s = context;
    review_lead_keep_place(&s->lead, place);
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
    s->model = (struct review_model){.context = s,
                                     .classes = on_classes,
                                     .class_word = on_class_word,
                                     .change_class = on_change_class,
                                     .leads = on_leads,
                                     .near = on_near,
                                     .regions = on_regions,
                                     .draw = on_draw,
                                     .history = on_history,
                                     .results = on_results,
                                     .scores = on_scores,
                                     .find = on_find,
                                     .saved = on_saved,
                                     .save = on_save,
                                     .second = on_second,
                                     .comment = on_comment,
                                     .agreement = on_agreement,
                                     .log = on_log,
                                     .handover = on_handover,
                                     .greeting = on_greeting,
                                     .place = on_place,
                                     .keep_place = on_keep_place};
    review_list_bind(s);
    review_answer_bind(s);
    review_news_bind(s);
    if (getrandom(&random, sizeof random, 0) != (ssize_t)sizeof random)
        random = (uint64_t)getpid();
    snprintf(s->name, sizeof s->name, "%ld-%016llx", (long)getpid(), (unsigned long long)random);
    enum status status = db_person_ensure(project->db, person, &s->person, err);
    s->audit.person = s->person;
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
        status = counts.pictures > 0 ? error_set(err, ST_INVALID, "nothing was screened yet; run `assay screen` first")
                                     : error_set(err, ST_NOT_FOUND, "there are no pictures yet; `assay add` adds some");
    if (status != ST_OK) {
        free(s);
        return status;
    }
    s->flagged = counts.flagged; // what comes from now on is new
    s->open = counts.open;
    s->regions = (struct review_regions){.db = project->db, .person = s->person, .name = xstrdup(person)};
    s->finder = (struct review_finder){.project = project, .scene = s->scene};
    s->person_name = xstrdup(person);
    review_flow_open(&s->flow, project, s->person_name, s->scene);
    s->model.flow = &s->flow.model;
    review_knowledge_open(&s->knowledge, project, s->person);
    s->model.knowledge = &s->knowledge.model;
    s->lead = (struct review_lead){.project = project, .person = s->person, .scene = s->scene};
    s->counter = review_counter_new(project, scene);
    s->scores = score_counter_new(project);
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
        status = error_set(err, ST_NOT_FOUND,
                           "no answer is contradicted by the others; there is nothing to look at again");
    for (size_t i = 0; i < s->doubt_count && status == ST_OK; i++) {
        GROW(s->items, s->capacity, s->count + 1);
        status = db_queue_item(s->project->db, s->doubts[i].picture, &s->items[s->count++], err);
    }
    return status;
}

const struct review_model *review_session_model(struct review_session *session)
{
    return &session->model;
}

void review_session_close(struct review_session *s, struct error *kept)
{
    struct error unused;
    bool released = db_queue_release(s->project->db, s->name, 0, &unused) == ST_OK;
    (void)released; // else the leases run out by themselves
    keeper_stop(s->keeper, kept);
    asker_stop(s->asker);
    review_finder_clear(&s->finder);
    review_flow_clear(&s->flow);
    review_knowledge_clear(&s->knowledge);
    free(s->person_name);
    review_counter_free(s->counter);
    score_counter_free(s->scores);
    review_known_clear(&s->known);
    likely_close(s->likely);
    review_lead_clear(&s->lead);
    review_regions_clear(&s->regions);
    session_forget_row(s);
    forget_classes(s);
    review_audit_clear(&s->audit);
    strbuf_clear(&s->details);
    free(s->alike);
    free(s->doubts);
    free(s->items);
    free(s);
}
