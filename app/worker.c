#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "app/background.h"
#include "app/rounds.h"
#include "app/scoring.h"
#include "app/train.h"
#include "app/worker.h"
#include "app/stored.h"
#include "base/alloc.h"
#include "base/intl.h"
#include "base/clock.h"
#include "base/file.h"
#include "db/acquire.h"
#include "db/live.h"
#include "db/project.h"
#include "db/scene.h"

enum { STALE_MS = 60000, BEAT_MS = 5000, BUSY_TRIES = 60 };
static const double tell_every = 0.5, look_every = 2;

// ---- who ----

// Where process numbers mean what they mean here: this boot of the machine, and the namespace of processes (a container's).
// "-" for what cannot be read.
static void here(char boot[64], char space[64])
{
    unsigned char *bytes;
    char link[63];
    size_t count;
    struct error unused;
    ssize_t n = readlink("/proc/self/ns/pid", link, sizeof link);
    snprintf(space, 64, "%.*s", n > 0 ? (int)n : 1, n > 0 ? link : "-");
    snprintf(boot, 64, "-");
    if (file_read("/proc/sys/kernel/random/boot_id", 64, &bytes, &count, &unused) == ST_OK) {
        bytes[strcspn((char *)bytes, "\n")] = '\0';
        snprintf(boot, 64, "%s", (char *)bytes);
        free(bytes);
    }
}

// Which file the project's database is: a copy of the folder holds the row of who works in the original.
static void which(const struct project *project, char file[64])
{
    struct stat st;
    char *path = file_join(project->dir, "project.db");
    snprintf(file, 64, "-");
    if (stat(path, &st) == 0)
        snprintf(file, 64, "%llu:%llu", (unsigned long long)st.st_dev, (unsigned long long)st.st_ino);
    free(path);
}

// When a process began, in ticks after the boot; 0: there is none with this number, -1: it is hidden from this account.
static int64_t process_start(int64_t pid)
{
    unsigned char *stat = NULL;
    size_t count;
    struct error unused;
    int64_t start = 0;
    char *path = xasprintf("/proc/%lld/stat", (long long)pid), *save, state = '?';
    if (file_read(path, 4096, &stat, &count, &unused) == ST_OK) {
        char *after = strrchr((char *)stat, ')'); // the name may hold anything
        int field = 2;
        for (char *word = after ? strtok_r(after + 1, " ", &save) : NULL; word; word = strtok_r(NULL, " ", &save)) {
            if (++field == 3)
                state = word[0];
            if (field == 22)
                start = strtoll(word, NULL, 10);
        }
        if (state == 'Z' || state == 'X')
            start = 0;
    } else if (kill((pid_t)pid, 0) == 0 || errno == EPERM) {
        start = -1;
    }
    free(stat);
    free(path);
    return start;
}

// A process that is there is the worker, however long it was not heard of: another program may hold the database, or somebody
// has stopped it. Of another boot none is left: a project lies on a local disk (db_create), so that no other machine has it
// open. Where its number cannot be looked up - another container, a /proc that hides it - it is heard of, or gone.
static bool lives(const struct project *project, const struct worker_row *row)
{
    char boot[64], space[64], file[64], its_boot[64] = "", its_space[64] = "", its_file[64] = "";
    long long began = 0;
    int fields = sscanf(row->started, "%63s %63s %lld %63s", its_boot, its_space, &began, its_file);
    here(boot, space);
    which(project, file);
    bool seen = fields >= 3 && strcmp(space, its_space) == 0;
    if (row->pid <= 0 || strcmp(boot, its_boot) != 0 || (seen && fields == 4 && strcmp(file, its_file) != 0))
        return false;
    int64_t start = seen ? process_start(row->pid) : -1;
    return start >= 0 ? start > 0 && start == began : llabs(clock_unix_ms() - row->heartbeat_ms) < STALE_MS;
}

bool worker_lives(struct project *project)
{
    struct worker_row row;
    struct error unused;
    return db_worker_get(project->db, &row, &unused) == ST_OK && lives(project, &row);
}

// ---- the heart ----

struct heart { // beats on a thread with a handle of its own, also while a stage tells nothing
    char *path;
    struct worker_row own;
    atomic_bool ended, lost;
    pthread_t thread;
    bool started;
};

static void pause_ms(long ms)
{
    nanosleep(&(struct timespec){ms / 1000, ms % 1000 * 1000000}, NULL);
}

static void *beat(void *context)
{
    struct heart *h = context;
    struct db *db;
    struct error err;
    if (db_open(h->path, &db, &err) != ST_OK)
        return NULL; // the work goes on; its own writes are heard, too
    if (db_derived(db, &err) != ST_OK)
        fprintf(stderr, "assay: %s\n", err.text);
    for (int ms = 0; !atomic_load(&h->ended); ms += 100) {
        if (ms % BEAT_MS == 0 && db_worker_beat(db, &h->own, &err) == ST_NOT_FOUND)
            atomic_store(&h->lost, true);
        pause_ms(100);
    }
    db_close(db);
    return NULL;
}

static void start_heart(struct heart *h)
{
    sigset_t all, old;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    h->started = pthread_create(&h->thread, NULL, beat, h) == 0;
    pthread_sigmask(SIG_SETMASK, &old, NULL);
}

static void end_heart(struct heart *h)
{
    atomic_store(&h->ended, true);
    if (h->started)
        pthread_join(h->thread, NULL);
    free(h->path);
}

static enum status take_place(struct project *project, struct worker_row *own, struct error *err)
{
    struct worker_row before;
    char boot[64], space[64], file[64];
    *own = (struct worker_row){.pid = getpid()};
    here(boot, space);
    which(project, file);
    snprintf(own->started, sizeof own->started, "%s %s %lld %s", boot, space, (long long)process_start(own->pid), file);
    enum status status = db_worker_get(project->db, &before, err);
    if (status != ST_OK && status != ST_NOT_FOUND)
        return status;
    if (status == ST_OK && lives(project, &before))
        return error_set(err, ST_BUSY, "a worker of this project lives already (process %lld)", (long long)before.pid);
    return db_worker_take(project->db, own, &before, err);
}

// ---- rounds ----

struct shift {
    struct project *project;
    struct heart *heart;
    int64_t round;
    double told;
    char stage[32];
    enum round_wish wish;
    int64_t active; // which revisions were active when score_rest looked
};

static bool tell(void *context, const struct round_progress *p)
{
    struct shift *s = context;
    struct error err;
    bool due = clock_seconds() - s->told >= tell_every || strcmp(p->stage, s->stage) != 0;
    if (due) {
        s->told = clock_seconds();
        snprintf(s->stage, sizeof s->stage, "%s", p->stage);
        if (db_round_tell(s->project->db, s->round, p, &s->wish, &err) == ST_NOT_FOUND)
            s->wish = WISH_CANCEL;
    }
    return s->wish == WISH_NONE && !stop_asked(NULL) && !atomic_load(&s->heart->lost);
}

static enum status end_round(struct shift *s, const struct round *round, enum round_state state, const char *sentence, struct error *err)
{
    fprintf(stderr, _("round %lld %s: %s\n"), (long long)s->round, round_state_name(state), sentence);
    if (state >= ROUND_DONE) // first: whoever sees that it is over finds nothing of it; killed in between, it ends again
        train_forget(s->project, s->round);
    enum status status = state == ROUND_CANCELLED ? rounds_cancel(s->project, round, ROUND_RUNNING, err)
                                                  : db_round_move(s->project->db, s->round, ROUND_RUNNING, state, sentence, err);
    return status == ST_NOT_FOUND ? ST_OK : status; // as somebody has said meanwhile
}

static enum status place_lost(struct error *err)
{
    return error_set(err, ST_NOT_FOUND, "another process took this worker's place; it ends");
}

static enum status work_on(struct shift *s, const struct round *round, const struct worker_options *o, struct error *err)
{
    struct train_watch watch = {s, tell};
    char *sentence = NULL;
    struct error why;
    enum status status = db_round_move(s->project->db, round->id, round->state, ROUND_RUNNING, "", err);
    if (status != ST_OK)
        return status == ST_NOT_FOUND ? ST_OK : status; // paused or cancelled just now
    status = train_round(s->project, round, o->threads, &watch, &sentence, &why);
    for (int i = 0; status == ST_BUSY && i < BUSY_TRIES && tell(s, &(struct round_progress){.stage = "waiting"}); i++) {
        pause_ms(1000); // another program holds the database or the features for a moment
        status = train_round(s->project, round, o->threads, &watch, &sentence, &why);
    }
    if (atomic_load(&s->heart->lost))
        return place_lost(err);
    if (status == ST_OK)
        status = end_round(s, round, ROUND_DONE, sentence, err);
    else if (status == ST_CANCELLED && s->wish == WISH_CANCEL)
        status = end_round(s, round, ROUND_CANCELLED, "cancelled", err);
    else if (status == ST_CANCELLED && s->wish == WISH_PAUSE)
        status = end_round(s, round, ROUND_PAUSED, "paused; `assay train --resume` goes on", err);
    else if (status == ST_CANCELLED)
        *err = why; // told to stop: the next worker goes on
    else if (status == ST_IO || status == ST_BUSY) { // nothing is wrong with the round itself
        char *text = xasprintf("%s; `assay train --resume` goes on", why.text);
        status = end_round(s, round, ROUND_PAUSED, text, err);
        free(text);
    } else
        status = end_round(s, round, ROUND_FAILED, why.text, err);
    free(sentence);
    return status;
}

// A round for every scene with enough new answers and both sides.
static enum status ask_rounds(struct project *project, int every, struct error *err)
{
    struct scene *scenes = NULL;
    size_t count = 0;
    enum status status = db_scene_list(project->db, &scenes, &count, err);
    for (size_t i = 0; i < count; i++) {
        struct round last = {0};
        struct round_answers answers;
        int64_t id;
        if (status == ST_OK && scenes[i].active_revision) {
            status = db_round_latest(project->db, scenes[i].id, ROUND_RUNNING, &last, err);
            if (status == ST_OK || status == ST_NOT_FOUND)
                status = db_round_answers(project->db, scenes[i].id, last.answers, &answers, err);
            if (status == ST_OK && answers.fresh >= every && answers.normals && answers.defects) {
                char *text;
                status = train_request_text(&(struct train_request){0}, &text, err);
                if (status == ST_OK)
                    status = db_round_add(project->db, scenes[i].id, text, &id, err);
                if (status == ST_BUSY)
                    status = ST_OK;
                free(text);
            }
            round_clear(&last);
        }
        scene_clear(&scenes[i]);
    }
    free(scenes);
    return status;
}

// As an option says, else as the settings do now: they may be changed while it works.
static int every_of(const struct project *project, const struct worker_options *o)
{
    struct settings *settings;
    struct error unused;
    if (o->every || settings_load(project->dir, &settings, &unused) != ST_OK)
        return o->every;
    int every = (int)settings_whole(settings, SETTING_TRAIN_EVERY);
    settings_free(settings);
    return every;
}

// A scene whose active revision is another one than when this was last looked at: what came under the one before is
// scored with it, so that no open picture is lost to a promotion. Where someone else holds the features: next time.
static enum status score_rest(struct shift *s, const struct worker_options *o, struct error *err)
{
    struct scene *scenes = NULL;
    size_t count = 0;
    int64_t active = 0;
    enum status status = db_scene_list(s->project->db, &scenes, &count, err);
    for (size_t i = 0; i < count; i++)
        active = 31 * active + scenes[i].active_revision;
    bool look = status == ST_OK && active != s->active;
    for (size_t i = 0; i < count; i++) {
        struct scoring_report report = {0};
        struct error why;
        enum status scored = look ? scoring_pending(s->project, &scenes[i], LIVE_KNOWN, o->threads, &report, &why) : ST_OK;
        if (scored == ST_BUSY)
            active = -1;
        else if (scored != ST_OK)
            fprintf(stderr, "assay: %s\n", why.text); // of this scene: what it can do for others is done
        scene_clear(&scenes[i]);
    }
    free(scenes);
    s->active = active;
    return status;
}

static enum status work(struct shift *s, const struct worker_options *o, struct error *err)
{
    int64_t seen = -1, version;
    int busy = 0;
    enum status status = ST_OK;
    while (status == ST_OK && !stop_asked(NULL) && !atomic_load(&s->heart->lost)) {
        struct round round;
        int every = every_of(s->project, o);
        status = db_version(s->project->db, &version, err);
        if (status == ST_OK && every && version != seen)
            status = ask_rounds(s->project, every, err);
        seen = version;
        if (status == ST_OK)
            status = score_rest(s, o, err);
        if (status == ST_OK)
            status = db_round_next(s->project->db, &round, err);
        if (status == ST_NOT_FOUND && !every)
            return ST_OK;
        if (status == ST_NOT_FOUND) {
            pause_ms((long)(look_every * 1000));
            status = ST_OK;
            continue;
        }
        if (status == ST_OK) {
            s->round = round.id;
            s->stage[0] = '\0';
            s->wish = WISH_NONE;
            status = work_on(s, &round, o, err);
            round_clear(&round);
        }
        busy = status == ST_BUSY ? busy + 1 : 0;
        if (busy && busy < BUSY_TRIES && !atomic_load(&s->heart->lost)) { // another program holds the database: the round stands
            pause_ms(1000);
            status = ST_OK;
        }
    }
    if (atomic_load(&s->heart->lost))
        return place_lost(err);
    return status == ST_CANCELLED ? ST_OK : status;
}

// Takes the place, works, leaves it.
static enum status run_shift(struct project *project, const struct worker_options *options, struct error *err)
{
    struct heart heart = {0};
    struct error unused;
    enum status status = take_place(project, &heart.own, err);
    if (status != ST_OK)
        return status;
    heart.path = file_join(project->dir, "project.db");
    struct shift shift = {.project = project, .heart = &heart};
    start_heart(&heart);
    status = work(&shift, options, err);
    end_heart(&heart);
    if (db_worker_leave(project->db, &heart.own, &unused) != ST_OK)
        fprintf(stderr, "assay: %s\n", unused.text); // its process start tells that it is gone
    return status;
}

bool worker_wanted(struct project *project)
{
    struct round round;
    struct error unused;
    if (db_round_next(project->db, &round, &unused) != ST_OK)
        return false;
    round_clear(&round);
    return true;
}

enum status worker_run(struct project *project, const struct worker_options *options, struct error *err)
{
    bool told = false;
    int busy = 0;
    setpriority(PRIO_PROCESS, 0, options->niceness);
    enum status status = db_derived(project->db, err);
    while (status == ST_OK) {
        status = run_shift(project, options, err);
        while (status == ST_BUSY && !stop_asked(NULL)) {
            bool taken = worker_lives(project); // who has it may end by itself; else another program holds the database
            if (taken ? !every_of(project, options) : ++busy > BUSY_TRIES)
                break;
            if (taken && !told)
                fprintf(stderr, _("assay: %s; waiting for it to end\n"), err->text);
            told = told || taken;
            pause_ms(500);
            status = run_shift(project, options, err);
        }
        // Who asked for a round between the last look and the leaving saw a worker, and started none.
        if (status != ST_OK || stop_asked(NULL) || !worker_wanted(project))
            break;
    }
    return status == ST_BUSY && stop_asked(NULL) ? ST_OK : status;
}

// ---- starting one ----

enum status worker_spawn(struct project *project, int threads, struct error *err)
{
    if (worker_lives(project))
        return ST_OK;
    char count[16];
    snprintf(count, sizeof count, "%d", threads);
    char *argv[] = {"assay", "worker", threads ? "--threads" : NULL, count, NULL};
    return background_start(project, argv, "cache/worker.log", err);
}

// ---- what is said of a round ----

void worker_text(struct db *db, const struct round *r, bool alive, char text[WORKER_TEXT])
{
    const struct round_progress *p = &r->progress;
    struct model_row model;
    rounds_model(db, r, &model);
    char *told = rounds_sentence(r, &model), *sentence = stored_text(told);
    int left = (int)(p->left + 0.5);
    size_t n = (size_t)snprintf(text, WORKER_TEXT, _("round %lld: "), (long long)r->id);
    if (r->state == ROUND_RUNNING && !alive && r->wish == WISH_CANCEL)
        snprintf(text + n, WORKER_TEXT - n, _("its process ended before it heard that the round is cancelled; `assay train --cancel` gives it up"));
    else if (r->state == ROUND_RUNNING && !alive)
        snprintf(text + n, WORKER_TEXT - n, _("its process ended at %s %d/%d; `assay train --resume` goes on"), _(p->stage), p->step,
                 p->steps);
    else if (r->state == ROUND_RUNNING && r->wish)
        snprintf(text + n, WORKER_TEXT - n, "%s", _(round_standing(r, alive)));
    else if (r->state == ROUND_RUNNING && strcmp(p->stage, "training") == 0)
        snprintf(text + n, WORKER_TEXT - n, _("training %d/%d, loss %.3f, %.0f pictures/s, %d:%02d left"), p->step, p->steps, p->loss,
                 p->rate, left / 60, left % 60);
    else if (r->state == ROUND_RUNNING && p->steps)
        snprintf(text + n, WORKER_TEXT - n, _("%s %d/%d, %.0f pictures/s, %d:%02d left"), _(p->stage), p->step, p->steps, p->rate,
                 left / 60, left % 60);
    else if (r->state == ROUND_RUNNING)
        snprintf(text + n, WORKER_TEXT - n, "%s", p->stage[0] ? _(p->stage) : _("begins"));
    else if (r->state == ROUND_QUEUED && !alive)
        snprintf(text + n, WORKER_TEXT - n, _("queued, but no worker runs; `assay train --resume` starts one"));
    else if (rounds_says(told, round_state_name(r->state)))
        snprintf(text + n, WORKER_TEXT - n, "%s", sentence);
    else
        snprintf(text + n, WORKER_TEXT - n, "%s%s%s%s", _(round_state_name(r->state)), told[0] ? _(": ") : "", sentence,
                 rounds_unscored(r, &model) ? _("; `assay train --resume` then goes on with its model") : "");
    free(sentence);
    free(told);
    model_clear(&model);
}

// Of one that is over nothing of its last stage, but what it came to.
static json_t *progress_json(const struct round *r, const struct model_row *model)
{
    const struct round_progress *p = &r->progress;
    int steps;
    double loss;
    if (r->state < ROUND_DONE)
        return json_pack("{s:s, s:i, s:i, s:f, s:f, s:f}", "stage", p->stage, "step", p->step, "steps", p->steps, "loss", p->loss,
                         "pictures_per_second", p->rate, "seconds_left", p->left);
    json_t *j = json_pack("{s:f}", "seconds", r->started_ms ? (double)(r->ended_ms - r->started_ms) / 1000 : 0.0);
    rounds_trained(model, &steps, &loss);
    if (steps) {
        json_object_set_new(j, "steps", json_integer(steps));
        json_object_set_new(j, "loss", json_real(loss));
    }
    return j;
}

json_t *worker_json(struct db *db, const struct round *r, bool alive)
{
    static const char *const wishes[] = {[WISH_NONE] = "", [WISH_PAUSE] = "pause", [WISH_CANCEL] = "cancel"};
    struct model_row model;
    rounds_model(db, r, &model);
    char *told = rounds_sentence(r, &model);
    json_t *progress = progress_json(r, &model);
    json_t *j = json_pack("{s:I, s:I, s:s}", "round", (json_int_t)r->id, "scene_id", (json_int_t)r->scene, "state", round_state_name(r->state));
    json_object_update(j, progress);
    json_object_set_new(j, "asked", json_string(wishes[r->wish]));
    json_object_set_new(j, "worker", json_boolean(alive));
    json_object_set_new(j, "sentence", json_outside(told));
    json_object_set_new(j, "model", json_integer(r->model));
    json_decref(progress);
    free(told);
    model_clear(&model);
    return j;
}
