#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "app/scoring.h"
#include "app/watch.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "base/text.h"
#include "db/live.h"
#include "db/picture.h"
#include "db/scene.h"

enum { IDLE_MS = 500, PAUSE_MS = 30, PAGE = 1000, LOG_S = 600, AGAIN_S = 2 };
static const double TELL_EVERY = 10; // seconds, while a backlog is worked off

struct watch {
    struct project *project;
    const struct watch_options *options;
    struct watch_report *report;
    struct base *base;
    struct scene scene;
    struct scoring *scoring;
    struct follow *follow;
    int64_t *pending; // added, not scored yet
    size_t pending_count, pending_room;
    int64_t version; // of the database, when last looked at
    double again;    // not to be scored before
    double told;
    double look;     // what is wrong with the models is not looked at anew before
    bool said_busy, faulty; // faulty: pictures wait for models that should be there
    struct error fault; // why pictures are added and not scored, as it was told last; code ST_OK: nothing was
    struct add_report unlogged; // what came since the log told last
    double log_at;
};

// ---- what is told ----

static void line(const struct watch *w, const char *kind, const char *path, const char *why)
{
    char *clean = text_cleaned(path), *reason = text_cleaned(why);
    if (w->options->json)
        print_json(json_pack("{s:s, s:s, s:s}", "event", kind, "path", clean, "why", reason));
    else if (!w->options->quiet || strcmp(kind, "fault") == 0)
        printf("%s: %s%s%s\n", kind, clean, clean[0] && reason[0] ? ": " : "", reason);
    fflush(stdout);
    free(clean);
    free(reason);
}

static void say(void *context, const char *sentence)
{
    line(context, "note", "", sentence);
}

static void tell(void *context, int64_t picture, const char *what, const char *why)
{
    struct watch *w = context;
    struct picture row;
    struct error unused;
    if (picture == 0) {
        line(w, what, w->scene.name, why);
    } else if (db_picture_get(w->project->db, picture, &row, &unused) == ST_OK) {
        size_t n = strlen(row.path);
        line(w, what, row.path, n > 0 && strncmp(why, row.path, n) == 0 && why[n] == ':' ? why + n + 2 : why);
        picture_clear(&row);
    }
}

static void tell_progress(struct watch *w)
{
    size_t left = follow_backlog(w->follow) + w->pending_count;
    double now = clock_seconds();
    if (left == 0 || now - w->told < TELL_EVERY || w->options->json || w->options->quiet)
        return;
    w->told = now;
    printf("%lld screened, %lld flagged, %zu to go\n", (long long)w->report->scored,
           (long long)w->report->flagged, left);
    fflush(stdout);
}

// ---- pictures to score ----

static void put_pending(void *context, int64_t picture)
{
    struct watch *w = context;
    GROW(w->pending, w->pending_room, w->pending_count + 1);
    w->pending[w->pending_count++] = picture;
}

static enum status find_pending(struct watch *w, enum live_pending which, struct error *err)
{
    enum status status = ST_OK;
    int64_t after = 0;
    size_t count = PAGE;
    while (status == ST_OK && count == PAGE) {
        int64_t *ids;
        status = db_live_pending(w->project->db, w->scene.id, which, after, PAGE, &ids, &count, err);
        for (size_t i = 0; i < count; i++)
            put_pending(w, ids[i]);
        after = count ? ids[count - 1] : 0;
        free(ids);
    }
    return status;
}

static void close_scoring(struct watch *w)
{
    scoring_close(w->scoring);
    w->scoring = NULL;
    if (w->base)
        base_free(w->base);
    w->base = NULL;
}

// Said once: pictures are added, and not scored.
static void tell_fault(struct watch *w, const struct error *why)
{
    bool news = w->fault.code == ST_OK || strcmp(w->fault.text, why->text) != 0;
    w->fault = *why;
    w->look = clock_seconds() + AGAIN_S;
    w->faulty = w->scene.active_revision != 0;
    if (!news)
        return;
    if (!w->faulty) {
        say(w, why->text);
        return;
    }
    struct error sentence;
    error_set(&sentence, why->code, "scene %s: new pictures are added and wait, none is screened: %s", w->scene.name, why->text);
    line(w, "fault", "", sentence.text);
}

static void tell_mended(struct watch *w)
{
    struct error sentence;
    if (w->faulty) {
        error_set(&sentence, ST_OK, "scene %s: its models are there; the %zu pictures that wait are screened now", w->scene.name, w->pending_count);
        say(w, sentence.text);
    }
    w->fault = (struct error){0};
    w->faulty = false;
}

// The active revision's models; a new revision leaves to score what was added while it was made. Where a model's file is
// missing or altered, none takes its place: what it would have flagged would be filtered unseen.
static enum status get_scoring(struct watch *w, struct error *err)
{
    struct error why = {0};
    scene_clear(&w->scene);
    enum status status = db_scene_get(w->project->db, 0, w->options->add.scene, &w->scene, err);
    if (status != ST_OK || (w->scoring && scoring_revision(w->scoring) == w->scene.active_revision))
        return status;
    close_scoring(w);
    w->pending_count = 0;
    if (w->scene.active_revision) {
        status = project_base(w->project, &w->base, err);
        if (status != ST_OK)
            return status;
        status = scoring_open(w->project, w->base, &w->scene, w->options->threads, &w->scoring, &why);
    } else {
        error_set(&why, ST_NOT_FOUND,
                  "scene %s was never screened: new pictures are added; run `assay screen` once, and they"
                  " are scored from then on",
                  w->scene.name);
    }
    if (!w->scoring) {
        tell_fault(w, &why);
        return ST_OK;
    }
    status = find_pending(w, LIVE_ALL, err);
    if (status == ST_OK)
        tell_mended(w);
    return status;
}

static enum status score_some(struct watch *w, size_t most, struct error *err)
{
    struct scoring_report r = {.tell = tell, .context = w};
    size_t count = w->pending_count < most ? w->pending_count : most;
    if (!w->scoring || count == 0 || clock_seconds() < w->again)
        return ST_OK;
    enum status status = scoring_run(w->scoring, w->pending, count, &r, err);
    if (status == ST_BUSY) {
        if (!w->said_busy && !w->options->follow.once)
            say(w, "a screening is running: new pictures are added now and scored after it");
        w->said_busy = true;
        w->again = clock_seconds() + IDLE_MS / 1000.0;
        return w->options->follow.once ? status : ST_OK;
    }
    if (status != ST_OK)
        return status;
    w->said_busy = false;
    w->pending_count -= count;
    memmove(w->pending, w->pending + count, w->pending_count * sizeof *w->pending);
    w->report->scored += r.scored;
    w->report->flagged += r.flagged;
    w->report->poor += r.poor;
    w->report->failed += r.failed;
    if (w->pending_count > 0) // so that a screening that waits for the features gets them
        nanosleep(&(struct timespec){.tv_nsec = PAUSE_MS * 1000000L}, NULL);
    return ST_OK;
}

// ---- new files ----

// Leaves those that the database does not know as they are now; all that are not looked at where it fails.
static enum status drop_known(struct watch *w, char **paths, size_t *count, struct error *err)
{
    size_t left = 0;
    enum status status = ST_OK;
    for (size_t i = 0; i < *count; i++) {
        struct stat st;
        bool known = status == ST_OK && stat(paths[i], &st) != 0;
        if (status == ST_OK && !known)
            status = db_picture_unchanged(w->project->db, paths[i], (uint64_t)st.st_size,
                                          (int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec,
                                          &known, err);
        if (known)
            free(paths[i]);
        else
            paths[left++] = paths[i];
    }
    *count = left;
    return status;
}

static enum status add_some(struct watch *w, size_t most, bool *any, struct error *err)
{
    char **paths = xcalloc(most, sizeof *paths);
    size_t count = follow_take(w->follow, paths, most);
    *any = count > 0;
    enum status status = drop_known(w, paths, &count, err);
    if (status == ST_OK && count > 0) {
        struct add_options add = w->options->add;
        struct add_report added = {.bad = json_array()};
        add.quiet = add.live = true;
        add.threads = w->options->threads;
        add.took = put_pending;
        add.context = w;
        status = add_paths(w->project, paths, count, &add, &added, err);
        w->report->added += added.added + added.changed;
        w->unlogged.added += added.added;
        w->unlogged.changed += added.changed;
        w->unlogged.moved += added.moved;
        w->unlogged.copies += added.copies;
        w->unlogged.unreadable += added.unreadable;
        w->unlogged.still_unreadable += added.still_unreadable;
        size_t i;
        json_t *bad;
        json_array_foreach(added.bad, i, bad)
            line(w, "unreadable", json_string_value(json_object_get(bad, "path")),
                 json_string_value(json_object_get(bad, "reason")));
        json_decref(added.bad);
    }
    if (status == ST_BUSY) { // the loop goes on, and nobody would name them again
        follow_give_back(w->follow, paths, count);
        count = 0;
    }
    for (size_t i = 0; i < count; i++)
        free(paths[i]);
    free(paths);
    return status;
}

// What came, now and then: not a line for each picture.
static enum status log_some(struct watch *w, bool end, struct error *err)
{
    double now = clock_seconds();
    if (!end && now < w->log_at)
        return ST_OK;
    enum status status = add_log(w->project, w->options->add.scene, &w->unlogged, err);
    if (status == ST_OK) {
        w->unlogged = (struct add_report){0};
        w->log_at = now + LOG_S;
    }
    return status;
}

// ---- the loop ----

// What others did: a new revision, a poor picture said to be fine.
static enum status notice(struct watch *w, struct error *err)
{
    int64_t version;
    enum status status = db_version(w->project->db, &version, err);
    bool look = w->faulty && clock_seconds() >= w->look;
    if (status != ST_OK || (version == w->version && !look))
        return status;
    status = get_scoring(w, err);
    if (status == ST_OK && w->scoring && w->pending_count == 0)
        status = find_pending(w, LIVE_FINE, err);
    if (status == ST_OK)
        w->version = version;
    return status;
}

static enum status turn(struct watch *w, bool *busy, struct error *err)
{
    size_t most = 8 * (size_t)w->options->threads;
    follow_wait(w->follow, *busy ? 0 : IDLE_MS);
    enum status status = notice(w, err);
    if (status == ST_OK)
        status = add_some(w, most < 16 ? 16 : most, busy, err);
    if (status == ST_OK)
        status = score_some(w, most < 16 ? 16 : most, err);
    *busy |= w->scoring && w->pending_count > 0 && clock_seconds() >= w->again;
    tell_progress(w);
    if (status == ST_OK)
        status = log_some(w, false, err);
    return status;
}

static enum status loop(struct watch *w, struct error *err)
{
    struct scene before = {0};
    struct error unused;
    int64_t scene = 0;
    bool busy = true, dropped;
    bool made = db_scene_get(w->project->db, 0, w->options->add.scene, &before, &unused) == ST_NOT_FOUND;
    scene_clear(&before);
    enum status status = db_scene_ensure(w->project->db, w->options->add.scene, &scene, err);
    if (status == ST_OK)
        status = db_version(w->project->db, &w->version, err);
    if (status == ST_OK)
        status = get_scoring(w, err);
    while (status == ST_OK && !stop_asked(NULL)) {
        status = turn(w, &busy, err);
        if (status == ST_BUSY && !w->options->follow.once) { // the database was held for long by another
            say(w, err->text);
            nanosleep(&(struct timespec){.tv_nsec = IDLE_MS * 1000000L}, NULL);
            status = ST_OK;
        }
        if (w->options->follow.once && !busy)
            break;
    }
    w->report->unfinished = (int64_t)follow_unfinished(w->follow);
    if (status == ST_OK && w->options->follow.once && w->faulty) // told to whoever runs it
        status = error_set(err, w->fault.code, "scene %s: nothing was screened: %s", w->scene.name, w->fault.text);
    if (made && scene)
        made = db_scene_drop_empty(w->project->db, scene, &dropped, &unused) != ST_OK; // or an empty one stays
    return status;
}

static enum status check_folders(const struct project *p, char *const *folders, size_t count, char **full,
                                 struct error *err)
{
    for (size_t i = 0; i < count; i++) {
        full[i] = realpath(folders[i], NULL);
        if (!full[i])
            return error_set(err, errno == ENOENT ? ST_NOT_FOUND : ST_IO, "%s: %s", folders[i],
                             strerror(errno));
        size_t n = strlen(p->dir);
        const char *inner = strncmp(full[i], p->dir, n) == 0 && full[i][n] == '/' ? full[i] + n + 1 : "";
        char *part = xasprintf("%s/%.*s", p->dir, (int)strcspn(inner, "/"), inner);
        bool own = inner[0] && add_is_project_part(part);
        free(part);
        if (own)
            return error_set(err, ST_INVALID,
                             "%s: belongs to the project itself; name the folder that the camera writes to",
                             folders[i]);
    }
    return ST_OK;
}

enum status watch_run(struct project *project, char *const *folders, size_t count,
                      const struct watch_options *options, struct watch_report *report, struct error *err)
{
    struct watch w = {.project = project, .options = options, .report = report, .told = clock_seconds()};
    struct watch_lock *lock = NULL;
    struct follow_options follow = options->follow;
    char **full = xcalloc(count + 1, sizeof *full);
    follow.passes = add_is_project_part;
    follow.say = say;
    follow.context = &w;
    enum status status = check_folders(project, folders, count, full, err);
    if (status == ST_OK)
        status = follow_open(folders, count, &follow, &w.follow, err);
    if (status == ST_OK)
        status = watch_lock_take(project, full, count, &lock, err);
    w.log_at = clock_seconds() + LOG_S;
    if (status == ST_OK) {
        struct error late;
        status = loop(&w, err);
        enum status logged = log_some(&w, true, &late);
        if (status == ST_OK && logged != ST_OK)
            status = error_set(err, logged, "%s", late.text);
    }
    close_scoring(&w);
    scene_clear(&w.scene);
    follow_close(w.follow);
    watch_lock_free(lock);
    free(w.pending);
    for (size_t i = 0; i < count; i++)
        free(full[i]);
    free(full);
    return status;
}
