#include "config.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "app/report.h"
#include "app/review_find.h"
#include "base/alloc.h"
#include "db/label.h"
#include "db/scene.h"

enum { PAGE = 100, DAY_MS = 24 * 3600 * 1000 };

static bool number(const char *text, double *value)
{
    char *end;
    *value = strtod(text, &end);
    return end != text && !*end && isfinite(*value);
}

// "X..Y" in two; false when there is no "..".
static bool span(char *text, char **from, char **to)
{
    char *dots = strstr(text, "..");
    if (!dots)
        return false;
    *dots = '\0';
    *from = text;
    *to = dots + 2;
    return true;
}

static bool take_score(struct find_filter *f, char *value)
{
    char *from = NULL, *to = NULL;
    if (!span(value, &from, &to)) {
        from = value[0] == '<' ? NULL : value + (value[0] == '>');
        to = value[0] == '<' ? value + 1 : NULL;
    }
    f->has_least = from && *from;
    f->has_most = to && *to;
    return (f->has_least || f->has_most) && (!f->has_least || number(from, &f->least)) &&
           (!f->has_most || number(to, &f->most));
}

static bool whole_day(const char *text)
{
    return strlen(text) == 10;
}

static bool take_date(struct find_filter *f, char *value, int64_t now_ms)
{
    char *from = NULL, *to = NULL;
    if (!span(value, &from, &to)) {
        from = value[0] == '<' ? NULL : value + (value[0] == '>');
        to = value[0] == '>' ? NULL : value + (value[0] == '<');
    }
    bool days = to && *to && whole_day(to) && value[0] != '<'; // up to and with that day
    if (from && *from && !clock_parse(from, now_ms, &f->since_ms))
        return false;
    if (to && *to && !clock_parse(to, now_ms, &f->until_ms))
        return false;
    f->until_ms += days ? DAY_MS : 0;
    return f->since_ms || f->until_ms;
}

static bool take_verdict(struct find_filter *f, const char *value)
{
    f->has_verdict = true;
    f->verdict = VERDICT_NONE;
    return strcmp(value, "open") == 0 || (verdict_parse(value, &f->verdict) && f->verdict != VERDICT_SKIP);
}

static bool take_order(struct find_filter *f, const char *value, bool *ordered)
{
    static const char *const names[] = {[FIND_ANSWERED] = "answered", [FIND_SCORE] = "score", [FIND_ADDED] = "added"};
    for (int i = 0; i < 3; i++) {
        if (strcmp(names[i], value) == 0) {
            f->order = (enum find_order)i;
            *ordered = true;
            return true;
        }
    }
    return false;
}

static enum status take_scene(struct db *db, struct find_filter *f, const char *value, struct error *err)
{
    struct scene scene;
    enum status status = db_scene_get(db, 0, value, &scene, err);
    if (status == ST_OK) {
        f->scene = scene.id;
        scene_clear(&scene);
    }
    return status;
}

static enum status take_word(struct db *db, struct find_filter *f, char *word, int64_t now_ms, bool *ordered,
                             struct error *err)
{
    struct {
        const char *name;
        char *text;
        size_t room;
    } parts[] = {{"class", f->class_name, sizeof f->class_name}, {"by", f->person, sizeof f->person},
                 {"path", f->path, sizeof f->path}, {"severity", f->severity, sizeof f->severity}};
    static const char *const may[][2] = {{"verdict", "normal, defect, unsure, open"},
                                         {"severity", "stop, key, general"},
                                         {"sort", "answered, score, added"}};
    char *colon = strchr(word, ':');
    if (!colon) {
        snprintf(f->path, sizeof f->path, "%s", word);
        return ST_OK;
    }
    *colon = '\0';
    char *value = colon + 1;
    bool known = false, good = true;
    for (size_t i = 0; i < sizeof parts / sizeof *parts && !known; i++) {
        known = strcmp(parts[i].name, word) == 0;
        if (known)
            snprintf(parts[i].text, parts[i].room, "%s", value);
    }
    if (strcmp(word, "severity") == 0)
        good = severity_known(value);
    else if (strcmp(word, "scene") == 0)
        return take_scene(db, f, value, err);
    else if (strcmp(word, "score") == 0)
        good = take_score(f, value);
    else if (strcmp(word, "date") == 0)
        good = take_date(f, value, now_ms);
    else if (strcmp(word, "verdict") == 0)
        good = take_verdict(f, value);
    else if (strcmp(word, "sort") == 0)
        good = take_order(f, value, ordered);
    else if (!known)
        return error_set(err, ST_INVALID, "nothing can be looked for by \"%s\"; there are class, severity, verdict, by, date, score, scene, path, sort", word);
    if (good)
        return ST_OK;
    for (size_t i = 0; i < sizeof may / sizeof *may; i++)
        if (strcmp(may[i][0], word) == 0)
            return error_set(err, ST_INVALID, "\"%s\" is no %s that can be looked for; there are %s", value, word, may[i][1]);
    return error_set(err, ST_INVALID, "\"%s\" is no %s that can be looked for", value, word);
}

bool review_filter_word(const char **text, char word[FILTER_WORD])
{
    size_t n = 0;
    bool quoted = false;
    const char *p = *text;
    while (*p == ' ')
        p++;
    if (!*p)
        return false;
    for (; *p && (quoted || *p != ' '); p++) {
        if (*p == '"')
            quoted = !quoted;
        else if (n + 1 < FILTER_WORD)
            word[n++] = *p;
    }
    word[n] = '\0';
    *text = p;
    return true;
}

enum status review_filter_parse(struct db *db, const char *text, int64_t now_ms, struct find_filter *f, struct error *err)
{
    char word[FILTER_WORD];
    bool ordered = false;
    enum status status = ST_OK;
    *f = (struct find_filter){0};
    while (status == ST_OK && review_filter_word(&text, word))
        status = take_word(db, f, word, now_ms, &ordered, err);
    bool said = f->class_name[0] || f->person[0] || f->severity[0] || f->since_ms || f->until_ms ||
                (f->has_verdict && f->verdict != VERDICT_NONE);
    if (!ordered) // a name is looked for among those that were filtered, too
        f->order = said ? FIND_ANSWERED : f->path[0] && !f->has_verdict && !f->has_least && !f->has_most ? FIND_ADDED : FIND_SCORE;
    return status;
}

static void forget(struct review_finder *r)
{
    for (size_t i = 0; i < r->count; i++) {
        free((char *)r->found[i].at);
    }
    find_result_free(r->rows, r->count);
    free(r->found);
    r->rows = NULL;
    r->found = NULL;
    r->count = 0;
}

static void forget_saved(struct review_finder *r)
{
    for (size_t i = 0; i < r->saved_count; i++)
        free(r->saved[i]);
    r->saved_count = 0;
}

void review_finder_clear(struct review_finder *r)
{
    forget(r);
    forget_saved(r);
    free(r->saved);
}

static struct review_found found_of(const struct find_result *row)
{
    const char *slash = strrchr(row->path, '/');
    char at[CLOCK_TEXT] = "";
    if (row->at_ms)
        report_time(row->at_ms, at);
    return (struct review_found){.id = row->picture,
                                 .name = slash ? slash + 1 : row->path,
                                 .scene = row->scene_name,
                                 .score = row->score,
                                 .flagged = row->flagged,
                                 .verdict = verdict_name(row->verdict),
                                 .class_name = row->class_name,
                                 .severity = row->severity,
                                 .person = row->person,
                                 .at = xstrdup(at)};
}

enum status review_finder_page(struct review_finder *r, const char *text, const struct review_found **rows, size_t *count,
                               bool *more, struct error *err)
{
    enum status status = ST_OK;
    if (text) {
        status = review_filter_parse(r->project->db, text, clock_unix_ms(), &r->filter, err);
        if (r->scene)
            r->filter.scene = r->scene;
        if (r->blind)
            r->filter.order = FIND_ANSWERED;
        r->after = FIND_BEGIN(&r->filter);
    }
    forget(r);
    if (status == ST_OK)
        status = db_find(r->project->db, &r->filter, &r->after, PAGE, &r->rows, &r->count, more, err);
    if (status != ST_OK)
        return status;
    r->found = xcalloc(r->count + 1, sizeof *r->found);
    for (size_t i = 0; i < r->count; i++)
        r->found[i] = found_of(&r->rows[i]);
    *rows = r->found;
    *count = r->count;
    return ST_OK;
}

static void add_saved(void *context, const char *name, const char *text)
{
    struct review_finder *r = context;
    GROW(r->saved, r->saved_room, r->saved_count + 2);
    r->saved[r->saved_count++] = xstrdup(name);
    r->saved[r->saved_count++] = xstrdup(text);
}

enum status review_finder_saved(struct review_finder *r, const char *const **pairs, size_t *count, struct error *err)
{
    forget_saved(r);
    enum status status = db_filters(r->project->db, add_saved, r, err);
    *pairs = (const char *const *)r->saved;
    *count = r->saved_count / 2;
    return status;
}
