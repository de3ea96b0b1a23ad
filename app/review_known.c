#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "app/class_word.h"
#include "app/report.h"
#include "app/review_known.h"
#include "base/alloc.h"
#include "base/intl.h"
#include "base/strbuf.h"
#include "db/known.h"
#include "db/label.h"
#include "db/person.h"
#include "db/scene.h"

static void forget(struct review_known *k)
{
    for (size_t i = 0; i < k->count; i++) {
        free(k->paths[i]);
        free(k->words[i]);
        picture_clear(&k->pictures[i]);
    }
    k->count = 0;
}

void review_known_clear(struct review_known *k)
{
    forget(k);
    similar_close(k->similar);
    k->similar = NULL;
}

// What stands about a picture: by review, else by import.
static enum status words_of(struct project *project, int64_t id, char **words, struct error *err)
{
    char room[CLASS_WORD];
    struct verdict_row row;
    enum label_source source = LABEL_REVIEW;
    enum status status = db_verdict_get(project->db, id, source, &row, err);
    if (status == ST_OK && row.verdict == VERDICT_NONE) {
        verdict_clear(&row);
        source = LABEL_TRUTH;
        status = db_verdict_get(project->db, id, source, &row, err);
    }
    if (status != ST_OK)
        return status;
    if (row.verdict == VERDICT_DEFECT)
        *words = xasprintf(row.severity[0] ? _("%s (%s)") : "%s%s", row.class_name[0] ? class_word(project->db, row.class_name, room) : _("defect"),
                           _(row.severity));
    else if (row.verdict == VERDICT_NORMAL)
        *words = source == LABEL_REVIEW ? xasprintf(_("Normal, by %s"), row.person) : xstrdup(_("Normal, imported"));
    else
        *words = xstrdup(_("Taken for normal by the filter"));
    verdict_clear(&row);
    return ST_OK;
}

static enum status add(struct review_known *k, int64_t id, struct error *err)
{
    size_t i = k->count;
    enum status status = db_picture_get(k->project->db, id, &k->pictures[i], err);
    if (status != ST_OK)
        return status;
    status = words_of(k->project, id, &k->words[i], err);
    if (status != ST_OK) {
        picture_clear(&k->pictures[i]);
        return status;
    }
    const struct picture *p = &k->pictures[i];
    const char *slash = strrchr(p->path, '/');
    k->paths[i] = project_picture(k->project, p);
    k->rows[i] = (struct review_near){.id = id, .path = k->paths[i], .name = slash ? slash + 1 : p->path,
                                      .words = k->words[i], .width = p->width, .height = p->height};
    k->count++;
    return ST_OK;
}

static enum status find(struct review_known *k, const struct picture *picture, enum near kind, int64_t found[REVIEW_NEAR],
                        size_t *count, struct error *err)
{
    struct db *db = k->project->db;
    int64_t *ids;
    size_t candidates;
    struct scene scene;
    enum verdict verdict = kind == NEAR_DEFECT ? VERDICT_DEFECT : VERDICT_NORMAL;
    enum status status = db_known(db, picture->scene, verdict, SIMILAR_MOST, &ids, &candidates, err);
    if (status == ST_OK)
        status = similar_find(&k->similar, k->project, picture, ids, candidates, REVIEW_NEAR, found, count, err);
    free(ids);
    if (status != ST_OK || *count > 0 || kind == NEAR_DEFECT)
        return status;
    status = db_scene_get(db, picture->scene, NULL, &scene, err);
    if (status != ST_OK)
        return status;
    status = db_filtered_near(db, scene.active_revision, picture->id, SIMILAR_MOST, &ids, &candidates, err);
    scene_clear(&scene);
    if (status == ST_OK)
        status = similar_find(&k->similar, k->project, picture, ids, candidates, REVIEW_NEAR, found, count, err);
    free(ids);
    return status;
}

enum status review_known_near(struct review_known *k, int64_t id, enum near kind, const struct review_near **rows,
                              size_t *count, struct error *err)
{
    struct picture picture;
    int64_t found[REVIEW_NEAR];
    size_t most = 0;
    forget(k);
    enum status status = db_picture_get(k->project->db, id, &picture, err);
    if (status != ST_OK)
        return status;
    status = find(k, &picture, kind, found, &most, err);
    picture_clear(&picture);
    for (size_t i = 0; i < most && status == ST_OK; i++)
        status = add(k, found[i], err);
    *rows = k->rows;
    *count = k->count;
    return status;
}

struct history {
    struct db *db;
    struct strbuf lines;
};

static void put_event(void *context, const struct said_row *row)
{
    struct history *history = context;
    struct strbuf *text = &history->lines;
    char at[CLOCK_TEXT], room[CLASS_WORD];
    report_time(row->at_ms, at);
    const char *kind = strcmp(row->kind, "undo") == 0    ? _("took back: ")
                       : strcmp(row->kind, "redo") == 0  ? _("again: ")
                       : strcmp(row->kind, "truth") == 0 ? _("imported: ")
                                                         : "";
    strbuf_printf(text, "%s%s  %s  %s%s", text->len ? "\n" : "", at, row->person, kind, _(verdict_name(row->verdict)));
    if (row->regions > 0 || row->verdict == VERDICT_REGIONS)
        strbuf_printf(text, row->verdict == VERDICT_REGIONS ? ": %lld" : _(", %lld regions"), (long long)row->regions);
    if (row->class_name[0])
        strbuf_printf(text, ", %s%s%s%s", class_word(history->db, row->class_name, room), row->severity[0] ? " (" : "", _(row->severity),
                      row->severity[0] ? ")" : "");
    if (row->note[0])
        strbuf_printf(text, "\n    %s", row->note);
}

static void put_comment(void *context, const struct comment_row *row)
{
    struct strbuf *text = context;
    char at[CLOCK_TEXT];
    report_time(row->at_ms, at);
    strbuf_printf(text, "%s%s  %s  ", text->len ? "\n" : "", at, row->from);
    strbuf_printf(text, _("to %s: %s"), row->to, row->text);
}

enum status review_known_history(struct project *project, int64_t id, char **text, struct error *err)
{
    struct history history = {.db = project->db};
    enum status status = db_history(project->db, id, put_event, &history, err);
    if (status == ST_OK)
        status = db_comments_about(project->db, id, put_comment, &history.lines, err);
    if (status == ST_OK && history.lines.len == 0)
        strbuf_puts(&history.lines, _("Nothing was said about it yet."));
    *text = history.lines.data;
    return status;
}
