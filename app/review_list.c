#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "app/review_session_impl.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "base/intl.h"
#include "db/project.h"

enum { AHEAD = 6, ALIKE_MOST = 400 };

size_t session_place(const struct review_session *s, int64_t picture)
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
    enum status status = review_audit_lease(&s->audit, s->name, (want + 1) / 2, REVIEW_LEASE_MS,
                                            known, s->count, fresh, &draws, err);
    if (status == ST_OK)
        status = db_queue_lease(s->project->db, s->name, s->person, s->scene, want - draws, REVIEW_LEASE_MS,
                                known, s->count, fresh + draws, &count, err);
    count += draws;
    review_audit_mix(&s->audit, s->count, fresh, count);
    free(known);
    s->ask_again = count > 0 ? 0 : clock_seconds() + REVIEW_RETRY_S;
    for (size_t i = 0; i < count && status == ST_OK; i++) {
        GROW(s->items, s->capacity, s->count + 1);
        s->items[s->count++] = fresh[i];
    }
    free(fresh);
    return status;
}

void session_forget_row(struct review_session *s)
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
        strbuf_printf(sb, "%s%s%s%s", sb->len ? "\n" : "", what, _(": "), value);
}

static enum status load_item(struct review_session *s, struct queue_item *item, struct error *err)
{
    struct db *db = s->project->db;
    session_forget_row(s);
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
        snprintf(s->why, sizeof s->why,
                 _("%s decided this one as a lead. Another answer changes no label."),
                 s->verdict.person);
        return ST_OK;
    }
    for (size_t i = 0; i < s->doubt_count; i++)
        if (s->doubts[i].picture == item->picture)
            return s->doubts[i].event == s->verdict.event
                       ? ask_why_again(s->project, &s->doubts[i], s->why, err)
                       : ask_why(s->project, item, s->why, err);
    return ask_why(s->project, item, s->why, err);
}

// What the trained model takes it for, should it be a defect. Returns the class that is likelier than all others together,
// NULL none; valid until the next call.
static const char *add_likely(struct review_session *s, int64_t picture)
{
    struct likely_class likely;
    char room[CLASS_WORD], *text;
    if (!s->revision.learned_sha256[0] ||
        !likely_get(&s->likely, s->project, &s->row_scene, s->revision.learned_sha256, picture, &likely))
        return NULL;
    const char *name = class_word(s->project->db, likely.name, room);
    text = likely.unknown ? xasprintf(_("like none known (nearest: %s)"), name) : xasprintf(_("%s (%.0f %%)"), name, 100 * likely.share);
    add_detail(&s->details, _("class, if a defect"), text);
    free(text);
    return !likely.unknown && likely.share > 0.5 ? likely.name : NULL;
}

// index: its place in the list, SIZE_MAX when it is looked at elsewhere.
static enum status show(struct review_session *s, struct queue_item *item, size_t index,
                        struct review_item *out, struct error *err)
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
    bool blind = s->audit.blind && s->verdict.verdict == VERDICT_NONE;
    if (item->score.alone && !blind) // draws are filtered: it would tell them apart
        add_detail(&s->details, _("carried by one detector"),
                   _(detector_name((enum detector)(item->score.alone - 1))));
    const char *likely = blind ? NULL : add_likely(s, item->picture);
    add_detail(&s->details, _("object"), s->row.object);
    add_detail(&s->details, _("position"), s->row.position);
    add_detail(&s->details, _("camera"), s->row.camera);
    add_detail(&s->details, _("taken"), s->row.taken);
    if (s->row.group && strncmp(s->row.group, "content:", 8) != 0)
        add_detail(&s->details, _("group"), s->row.group);
    *out = (struct review_item){
        .id = item->picture,
        .path = s->path,
        .name = slash ? slash + 1 : s->row.path,
        .scene = s->row_scene.name,
        .score = item->score,
        .threshold = s->revision.threshold,
        .percentile = item->percentile,
        .position = again ? (int64_t)index + 1 : 0, // the queue is ordered anew after each answer
        .open = again ? (int64_t)s->doubt_count : counts.open + s->audit.open,
        .blind = blind,
        .why = s->why,
        .heat = item->heat.rows > 0 ? &item->heat : NULL,
        .width = s->row.width,
        .height = s->row.height,
        .details = s->details.data,
        .verdict = verdict_name(s->verdict.verdict),
        .class_name = s->verdict.class_name ? s->verdict.class_name : "",
        .severity = s->verdict.severity ? s->verdict.severity : "",
        .likely = likely,
    };
    memcpy(out->box, item->box, sizeof out->box);
    return ST_OK;
}

static enum status item_at(struct review_session *s, size_t index, bool placed, struct review_item *out,
                           struct error *err)
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
    enum status status = placed ? db_queue_item(s->project->db, picture, &fresh, err)
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

static enum status on_look(void *context, int64_t id, struct review_item *out, struct error *err)
{
    struct review_session *s = context;
    enum status status = db_queue_item(s->project->db, id, &s->looked, err);
    return status == ST_OK ? show(s, &s->looked, SIZE_MAX, out, err) : status;
}

static enum status on_jump(void *context, int64_t id, size_t *index, struct error *err)
{
    struct review_session *s = context;
    struct queue_item item;
    enum status status = db_queue_item(s->project->db, id, &item, err);
    if (status != ST_OK)
        return status;
    *index = session_place(s, id);
    if (*index == s->count) {
        GROW(s->items, s->capacity, s->count + 1);
        s->items[s->count++] = item;
    }
    s->front = *index + 1 > s->front ? *index + 1 : s->front; // it stays where it is
    return ST_OK;
}

void session_lease_anew(struct review_session *s, size_t index, size_t last)
{
    struct error unused; // what cannot be given back now runs out by itself
    s->front = index > s->front ? index : s->front;
    s->ask_again = 0;
    size_t stay = last + 1 > s->front + 2 ? last + 1 : s->front + 2;
    if (s->count <= stay || db_begin(s->project->db, &unused) != ST_OK) // the grid may have leased hundreds
        return;
    size_t kept = s->count;
    while (kept > stay && db_queue_release(s->project->db, s->name, s->items[kept - 1].picture, &unused) == ST_OK)
        kept--;
    if (db_commit(s->project->db, &unused) == ST_OK)
        s->count = kept;
}

static void on_reserve(void *context, size_t from, size_t count)
{
    struct review_session *s = context;
    struct error unused; // what cannot be leased now is missing at the end of the list, and asked for again
    if (s->doubts)
        return;
    if (count == 0)
        session_lease_anew(s, from, from);
    else if (from + count > s->count && clock_seconds() >= s->ask_again &&
             lease_more(s, from + count - s->count, &unused) != ST_OK)
        s->ask_again = clock_seconds() + REVIEW_RETRY_S;
}

static enum status alike_places(struct review_session *s, const struct picture *picture, size_t *count,
                                struct error *err)
{
    struct db *db = s->project->db;
    int64_t *ids, *found = xcalloc(ALIKE_MOST, sizeof *found);
    size_t open;
    enum status status = db_queue_ids(db, s->name, picture->scene, SIMILAR_MOST, &ids, &open, err);
    if (status == ST_OK)
        status =
            similar_find(&s->known.similar, s->project, picture, ids, open, ALIKE_MOST, found, count, err);
    free(ids);
    if (status == ST_OK)
        status = db_queue_claim(db, s->name, s->person, REVIEW_LEASE_MS, found, count, err);
    s->alike = xreallocarray(s->alike, *count + 1, sizeof *s->alike);
    s->alike[0] = session_place(s, picture->id);
    for (size_t i = 0; i < *count && status == ST_OK; i++) {
        size_t at = session_place(s, found[i]);
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

static enum status on_alike(void *context, int64_t id, const size_t **places, size_t *count,
                            struct error *err)
{
    struct review_session *s = context;
    struct picture picture;
    if (s->audit.blind) // those like it are flagged ones all: the others would be told apart
        return error_set(
            err, ST_INVALID,
            "an audit runs: pictures are not brought together by likeness until its draws are answered");
    enum status status = db_picture_get(s->project->db, id, &picture, err);
    if (status != ST_OK)
        return status;
    status = alike_places(s, &picture, count, err);
    picture_clear(&picture);
    *places = s->alike;
    return status;
}

void review_list_bind(struct review_session *s)
{
    s->model.item = on_item;
    s->model.tile = on_tile;
    s->model.look = on_look;
    s->model.jump = on_jump;
    s->model.reserve = on_reserve;
    s->model.alike = on_alike;
}
