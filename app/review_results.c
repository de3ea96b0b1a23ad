#include "config.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "app/review_results.h"
#include "app/stored.h"
#include "base/alloc.h"
#include "base/file.h"
#include "db/label.h"
#include "db/project.h"
#include "db/scene.h"

struct review_counter {
    struct project project; // its handle belongs to the thread that counts
    char *only;
    char **names;           // of the screened scenes, (count)
    size_t count, number;   // number: the one counted
    pthread_t thread;
    bool running, done;     // done: `report` holds what was counted
    atomic_bool ended;
    enum status status;
    struct error error;
    struct report report;
    struct review_results results;
    char *reason;           // the revision's, in the reader's language
};

struct review_counter *review_counter_new(const struct project *project, const char *scene)
{
    struct review_counter *c = xcalloc(1, sizeof *c);
    c->project = *project;
    c->project.db = NULL;
    c->only = scene ? xstrdup(scene) : NULL;
    return c;
}

static void forget(struct review_counter *c)
{
    if (c->running)
        pthread_join(c->thread, NULL);
    if (c->running || c->done)
        report_clear(&c->report);
    c->running = c->done = false;
    for (size_t i = 0; i < c->count; i++)
        free(c->names[i]);
    free(c->names);
    c->names = NULL;
    c->count = 0;
}

void review_counter_free(struct review_counter *c)
{
    if (!c)
        return;
    forget(c);
    free(c->only);
    free(c->reason);
    free(c);
}

static enum status scene_names(struct review_counter *c, struct error *err)
{
    struct scene *scenes = NULL;
    size_t count = 0;
    enum status status = db_scene_list(c->project.db, &scenes, &count, err);
    c->names = xcalloc(count + 1, sizeof *c->names);
    for (size_t i = 0; i < count; i++) {
        if (scenes[i].active_revision && (!c->only || strcmp(c->only, scenes[i].name) == 0))
            c->names[c->count++] = xstrdup(scenes[i].name);
        scene_clear(&scenes[i]);
    }
    free(scenes);
    if (status == ST_OK && c->count == 0)
        return error_set(err, ST_NOT_FOUND, "nothing was screened yet");
    return status;
}

static void *count_scores(void *context)
{
    struct review_counter *c = context;
    char *path = file_join(c->project.dir, "project.db");
    c->status = db_open(path, &c->project.db, &c->error);
    free(path);
    if (c->status == ST_OK) {
        c->status = scene_names(c, &c->error);
        if (c->status == ST_OK) {
            struct report_options options = {.scene = c->names[c->number % c->count]};
            c->status = report_gather(&c->project, &options, &c->report, &c->error);
        }
        db_close(c->project.db);
        c->project.db = NULL;
    }
    atomic_store(&c->ended, true);
    return NULL;
}

static enum status start(struct review_counter *c, size_t number, struct error *err)
{
    forget(c);
    c->number = number;
    c->status = ST_OK;
    c->report = (struct report){0};
    atomic_store(&c->ended, false);
    sigset_t all, old;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    c->running = pthread_create(&c->thread, NULL, count_scores, c) == 0;
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    return c->running ? ST_OK : error_set(err, ST_IO, "no thread can be started to count the scores");
}

static void fill(struct review_counter *c)
{
    const struct report *r = &c->report;
    const struct report_scene *scene = &r->scenes[0];
    free(c->reason);
    c->reason = stored_text(scene->revision.reason);
    const char *audit = json_string_value(json_object_get(json_array_get(r->audit, 0), "sentence"));
    c->results = (struct review_results){
        .scene = scene->name,
        .scenes = c->count,
        .revision = scene->revision.number,
        .threshold = scene->revision.threshold,
        .reason = c->reason,
        .audit = audit ? audit : "",
        .screened = r->counts.screened,
        .flagged = r->counts.flagged,
        .open = r->counts.open,
        .step = REPORT_STEP,
        .bins = REPORT_BINS,
        .all = r->all,
        .normal = r->normal,
        .defect = r->defect,
        .severity_count = SEVERITIES + 1,
    };
    for (int s = 0; s <= SEVERITIES; s++) {
        const struct report_severity *v = &r->severities[s];
        c->results.severities[s] = (struct review_severity){v->name, v->correct, v->missed, v->found, v->bins};
    }
}

enum status review_counter_results(struct review_counter *c, size_t number, bool anew,
                                   const struct review_results **results, struct error *err)
{
    enum status status = ST_OK;
    if (anew || (!c->running && !c->done))
        status = start(c, number, err);
    if (status != ST_OK)
        return status;
    if (c->running && !atomic_load(&c->ended))
        return ST_BUSY;
    if (c->running) {
        pthread_join(c->thread, NULL);
        c->running = false;
        c->done = c->status == ST_OK && c->report.scene_count > 0;
        if (!c->done)
            return error_set(err, c->status == ST_OK ? ST_NOT_FOUND : c->status, "%s",
                             c->status == ST_OK ? "there is no such scene any more" : c->error.text);
        fill(c);
    }
    *results = &c->results;
    return ST_OK;
}
