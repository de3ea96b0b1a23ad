#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "app/class_word.h"
#include "app/log_text.h"
#include "app/report.h"
#include "app/review_find.h"
#include "app/review_lead.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "base/intl.h"
#include "db/live.h"
#include "db/person.h"
#include "db/project.h"
#include "db/scene.h"

enum { WAIT_MOST = 2000, LOG_PAGE = 200, KEY_ROOM = 40, REFRESH_S = 10 };

static void forget_log(struct review_lead *l)
{
    for (size_t i = 0; i < l->logged_count; i++)
        for (int k = 0; k < 5; k++)
            free(l->texts[i][k]);
    l->logged_count = 0;
}

void review_lead_clear(struct review_lead *l)
{
    forget_log(l);
    free(l->logged);
    free(l->texts);
    free(l->rows);
    strbuf_clear(&l->said);
    verdict_clear(&l->stands);
}

// --- the second review ---------------------------------------------------------

static const char *why(enum second_reason reason)
{
    static const char *const texts[] = {
        [SECOND_DISPUTE] = N_("Two people said different things about it."),
        [SECOND_UNSURE] = N_("Somebody could not tell, and asks for a second look."),
        [SECOND_STOP] = N_("Every defect of severity stop is looked at twice."),
        [SECOND_DOUBT] = N_("Its score and the answers to pictures like it contradict what was said."),
        [SECOND_SHARE] = N_("Drawn: a share of all answers is looked at twice."),
    };
    return _(texts[reason]);
}

static void put_word(void *context, const struct word_row *row)
{
    struct review_lead *l = context;
    struct strbuf *sb = &l->said;
    char room[CLASS_WORD];
    char at[CLOCK_TEXT];
    report_time(row->at_ms, at);
    strbuf_printf(sb, "%s%s%s", sb->len ? "\n" : "", row->person, _(": "));
    const char *what = row->class_name[0] ? class_word(l->project->db, row->class_name, room) : _(verdict_name(row->verdict));
    strbuf_printf(sb, row->class_name[0] && row->severity[0] ? _("%s (%s)") : "%s%s", what, row->class_name[0] ? _(row->severity) : "");
    strbuf_printf(sb, "%s%s%s", _(", "), at, row->lead ? _(", as lead") : "");
    if (row->note[0])
        strbuf_printf(sb, "\n  %s", row->note);
}

// The row of what is on the screen is in the list again at its place: another lead may have decided it meanwhile, but
// what is being said is said of it.
static void stay(struct review_lead *l, const struct second_row *row, size_t index)
{
    for (size_t i = 0; i < l->count; i++)
        if (l->rows[i].picture == row->picture)
            return;
    size_t at = index < l->count ? index : l->count;
    l->rows = xreallocarray(l->rows, l->count + 1, sizeof *l->rows);
    memmove(&l->rows[at + 1], &l->rows[at], (l->count - at) * sizeof *l->rows);
    l->rows[at] = *row;
    l->count++;
    l->total++;
}

static enum status refresh(struct review_lead *l, struct error *err)
{
    enum status status = db_lead_only(l->project->db, l->person, _("the second review"), err);
    if (status != ST_OK)
        return status;
    free(l->rows);
    l->rows = NULL;
    l->count = 0;
    status = db_second(l->project->db, l->scene, l->person, settings_real(l->project->settings, SETTING_SECOND_SHARE),
                       WAIT_MOST, &l->rows, &l->count, &l->total, err);
    l->fresh = status == ST_OK;
    l->read_at = clock_seconds();
    return status;
}

// Others answered since: the list grows behind what is on the screen, which stays there.
static void look_for_more(struct review_lead *l, size_t index)
{
    int64_t version = l->version;
    struct error unused;
    if (clock_seconds() - l->read_at < REFRESH_S || db_version(l->project->db, &version, &unused) != ST_OK || version == l->version)
        return;
    l->version = version;
    l->fresh = false;
    if (l->focus || index >= l->count)
        return; // it leads to the picture of an undo
    struct second_row shown = l->rows[index];
    if (refresh(l, &unused) != ST_OK)
        return;
    l->focus = shown.picture;
    stay(l, &shown, index);
}

void review_lead_decided(struct review_lead *l, int64_t picture)
{
    for (size_t i = 0; i < l->count; i++) {
        if (l->rows[i].picture != picture)
            continue;
        memmove(&l->rows[i], &l->rows[i + 1], (l->count - i - 1) * sizeof *l->rows);
        l->count--;
        l->total--;
    }
    if (l->count == 0)
        l->fresh = false; // there may be more than were read
}

// What was said last in the review, else in an audit.
static enum status get_stands(struct review_lead *l, int64_t picture, struct verdict_row *row, struct error *err)
{
    enum status status = db_verdict_get(l->project->db, picture, LABEL_REVIEW, row, err);
    if (status != ST_OK || row->verdict != VERDICT_NONE)
        return status;
    verdict_clear(row);
    return db_verdict_get(l->project->db, picture, LABEL_AUDIT, row, err);
}

enum status review_lead_second(struct review_lead *l, size_t *index, struct review_second *row, struct error *err)
{
    look_for_more(l, *index);
    enum status status = l->fresh ? ST_OK : refresh(l, err);
    if (status != ST_OK)
        return status;
    if (l->count == 0)
        return ST_NOT_FOUND;
    for (size_t i = 0; i < l->count && l->focus; i++)
        if (l->rows[i].picture == l->focus)
            *index = i;
    l->focus = 0;
    *index = *index < l->count ? *index : l->count - 1;
    const struct second_row *r = &l->rows[*index];
    strbuf_reset(&l->said);
    strbuf_puts(&l->said, "");
    verdict_clear(&l->stands);
    status = db_words(l->project->db, r->picture, put_word, l, err);
    if (status == ST_OK)
        status = get_stands(l, r->picture, &l->stands, err);
    if (status != ST_OK)
        return status;
    snprintf(l->why, sizeof l->why, "%s", why(r->reason));
    *row = (struct review_second){.id = r->picture, .total = l->total, .why = l->why, .said = l->said.data,
                                  .person = l->stands.person ? l->stands.person : "",
                                  .verdict = verdict_name(l->stands.verdict),
                                  .class_name = l->stands.class_name ? l->stands.class_name : "",
                                  .severity = l->stands.severity ? l->stands.severity : ""};
    return ST_OK;
}

struct other {
    int64_t person;
    bool label;
    struct verdict_row said;
};

// Of what others than `person` said: the label, else the last. Nobody is told of the own words.
static void find_other(void *context, const struct word_row *row)
{
    struct other *o = context;
    if (row->person_id == o->person || o->label)
        return;
    verdict_clear(&o->said);
    o->said = (struct verdict_row){.verdict = row->verdict, .class_name = xstrdup(row->class_name), .person = xstrdup(row->person)};
    o->label = row->label;
}

enum status review_lead_compare(struct review_lead *l, const struct action *a, const char **told, struct error *err)
{
    static const enum verdict verdicts[] = {[ACTION_NORMAL] = VERDICT_NORMAL, [ACTION_DEFECT] = VERDICT_DEFECT,
                                            [ACTION_UNSURE] = VERDICT_UNSURE};
    struct other other = {.person = l->person};
    enum status status = db_lead_only(l->project->db, l->person, _("the second review"), err);
    if (status == ST_OK)
        status = db_words(l->project->db, a->id, find_other, &other, err);
    if (status != ST_OK) {
        verdict_clear(&other.said);
        return status;
    }
    char room[CLASS_WORD];
    const char *class_name = other.said.class_name ? other.said.class_name : "", *person = other.said.person ? other.said.person : "?";
    bool same = other.said.verdict == verdicts[a->kind] && (a->kind != ACTION_DEFECT || strcmp(class_name, a->class_name) == 0);
    if (same)
        snprintf(l->told, sizeof l->told, _("You and %s agree."), person);
    else
        snprintf(l->told, sizeof l->told, _("%s said: %s. Yours is the answer that counts; it can be taken back."), person,
                 class_name[0] ? class_word(l->project->db, class_name, room) : _(verdict_name(other.said.verdict)));
    verdict_clear(&other.said);
    *told = l->told;
    return ST_OK;
}

struct author {
    int64_t person, other;
};

static void find_author(void *context, const struct word_row *row)
{
    struct author *a = context;
    if (row->person_id != a->person)
        a->other = row->person_id; // the last one who is not who asks
}

enum status review_lead_comment(struct review_lead *l, int64_t id, const char *text, struct error *err)
{
    struct author author = {.person = l->person};
    enum status status = db_words(l->project->db, id, find_author, &author, err);
    if (status == ST_OK && !author.other)
        status = error_set(err, ST_NOT_FOUND, "nobody but you answered this picture");
    return status == ST_OK ? db_comment_add(l->project->db, l->person, author.other, id, text, err) : status;
}

// --- the log -------------------------------------------------------------------

static enum status take_kind(struct review_lead *l, const char *kind, struct error *err)
{
    snprintf(l->filter.kind, sizeof l->filter.kind, "%s", kind);
    return kind[0] ? db_log_kind(kind, err) : ST_OK;
}

static enum status take_person(struct review_lead *l, const char *person, struct error *err)
{
    snprintf(l->filter.person, sizeof l->filter.person, "%s", person);
    return person[0] ? db_log_person(l->project->db, person, err) : ST_OK;
}

static enum status parse_log(struct review_lead *l, const char *text, struct error *err)
{
    char word[FILTER_WORD];
    enum status status = ST_OK;
    l->filter = (struct log_filter){.scene = l->scene};
    while (status == ST_OK && review_filter_word(&text, word)) {
        char *value = strchr(word, ':');
        int64_t *time = NULL;
        if (value)
            *value++ = '\0';
        if (value && strcmp(word, "by") == 0)
            status = take_person(l, value, err);
        else if (value && strcmp(word, "kind") == 0)
            status = take_kind(l, value, err);
        else if (value && strcmp(word, "since") == 0)
            time = &l->filter.since_ms;
        else if (value && strcmp(word, "until") == 0)
            time = &l->filter.until_ms;
        else
            status = error_set(err, ST_INVALID, "'%s' is none of by:NAME kind:KIND since:TIME until:TIME; a name with a blank is by:\"NAME\"", word);
        if (time && !clock_parse(value, clock_unix_ms(), time))
            status = error_set(err, ST_INVALID, "'%s' is no date (2026-01-31), time (2026-01-31T06:00) or age (8h, 30m, 2d)", value);
    }
    return status;
}

static void put_logged(void *context, const struct log_row *row)
{
    struct review_lead *l = context;
    char at[CLOCK_TEXT], text[LOG_TEXT];
    const char *slash = strrchr(row->path, '/');
    GROW(l->logged, l->logged_room, l->logged_count + 1);
    GROW(l->texts, l->texts_room, l->logged_count + 1);
    report_time(row->at_ms, at);
    log_sentence(l->project->db, row, text);
    char **t = l->texts[l->logged_count];
    t[0] = xstrdup(at);
    t[1] = xstrdup(row->person);
    t[2] = xstrdup(row->kind);
    t[3] = xstrdup(slash ? slash + 1 : row->path);
    t[4] = xstrdup(text);
    l->logged[l->logged_count++] =
        (struct review_logged){.id = row->picture, .at = t[0], .person = t[1], .kind = t[2], .name = t[3], .text = t[4]};
}

enum status review_lead_log(struct review_lead *l, const char *text, const struct review_logged **rows, size_t *count,
                            bool *more, struct error *err)
{
    enum status status = text ? parse_log(l, text, err) : ST_OK;
    if (text)
        l->after = (struct log_key){0};
    forget_log(l);
    if (status == ST_OK)
        status = db_log(l->project->db, &l->filter, &l->after, LOG_PAGE, put_logged, l, count, err);
    *rows = l->logged;
    *more = status == ST_OK && *count == LOG_PAGE;
    return status;
}

struct line_starts { // where lines about a picture begin
    struct line_start {
        long at;
        int64_t picture;
    } *rows;
    size_t count, room;
};

static void note_line(void *context, FILE *out, int64_t picture)
{
    struct line_starts *l = context;
    GROW(l->rows, l->room, l->count + 1);
    l->rows[l->count++] = (struct line_start){ftell(out), picture};
}

// (lines of `text`) the picture that each is about, 0 none.
static int64_t *pictures_of(const char *text, const struct line_starts *l)
{
    size_t lines = 1, line = 0, next = 0;
    for (const char *p = text; *p; p++)
        lines += *p == '\n';
    int64_t *pictures = xcalloc(lines, sizeof *pictures);
    for (const char *p = text; *p; line++) {
        if (next < l->count && l->rows[next].at == p - text)
            pictures[line] = l->rows[next++].picture;
        p += strcspn(p, "\n");
        p += *p == '\n';
    }
    return pictures;
}

enum status review_lead_handover(struct review_lead *l, const char *since, char **text, int64_t **pictures, struct error *err)
{
    struct line_starts lines = {0};
    struct report_options options = {.shift = true, .line = note_line, .context = &lines};
    struct report report;
    struct scene scene = {0};
    size_t size = 0;
    *text = NULL;
    if (!clock_parse(since, clock_unix_ms(), &options.since_ms) || options.since_ms < 0 || options.since_ms > clock_unix_ms())
        return error_set(err, ST_INVALID, "'%s' is no date (2026-01-31), time (2026-01-31T06:00) or age (8h, 30m, 2d)", since);
    enum status status = l->scene ? db_scene_get(l->project->db, l->scene, NULL, &scene, err) : ST_OK;
    options.scene = scene.name;
    if (status == ST_OK)
        status = report_gather(l->project, &options, &report, err);
    if (status == ST_OK) {
        FILE *out = open_memstream(text, &size);
        if (out) {
            report_text(&report, out);
            fclose(out);
        }
        if (!*text)
            *text = xstrdup("");
        *pictures = pictures_of(*text, &lines);
        report_clear(&report);
    }
    free(lines.rows);
    scene_clear(&scene);
    return status;
}

// --- from one to another ---------------------------------------------------------

struct letters {
    struct review_lead *lead;
    struct strbuf text;
};

static void put_comment(void *context, const struct comment_row *row)
{
    struct letters *c = context;
    char at[CLOCK_TEXT];
    const char *slash = strrchr(row->path, '/');
    report_time(row->at_ms, at);
    strbuf_printf(&c->text, "%s%s  %s  %s\n  %s", c->text.len ? "\n" : "", at, row->from, slash ? slash + 1 : row->path, row->text);
    c->lead->comment = row->id;
}

enum status review_lead_greeting(struct review_lead *l, char **text, struct error *err)
{
    struct letters letters = {.lead = l};
    strbuf_puts(&letters.text, "");
    enum status status = db_comments_new(l->project->db, l->person, put_comment, &letters, err);
    *text = letters.text.data;
    return status;
}

void review_lead_greeted(struct review_lead *l)
{
    struct error unused; // they are told again then
    if (l->comment && db_comments_seen(l->project->db, l->person, l->comment, &unused) == ST_OK)
        l->comment = 0;
}

// In the settings of the project: "second 123".
void review_lead_place(struct review_lead *l, struct review_place *place)
{
    char key[KEY_ROOM], *value = NULL;
    struct error unused;
    long long id = 0;
    *place = (struct review_place){0};
    snprintf(key, sizeof key, "place.%lld", (long long)l->person);
    if (db_setting_get(l->project->db, key, &value, &unused) != ST_OK || !value)
        return;
    if (sscanf(value, "%31s %lld", place->view, &id) < 1)
        place->view[0] = '\0';
    place->id = id;
    l->focus = strcmp(place->view, "second") == 0 ? id : 0;
    free(value);
}

void review_lead_keep_place(struct review_lead *l, const struct review_place *place)
{
    char key[KEY_ROOM], value[80] = "", *before = NULL;
    struct error unused; // the screen begins at its first picture then
    snprintf(key, sizeof key, "place.%lld", (long long)l->person);
    if (place)
        snprintf(value, sizeof value, "%s %lld", place->view, (long long)place->id);
    if (db_setting_get(l->project->db, key, &before, &unused) == ST_OK && strcmp(before ? before : "", value) != 0 &&
        db_setting_set(l->project->db, key, value, &unused) != ST_OK)
        value[0] = '\0';
    free(before);
}
