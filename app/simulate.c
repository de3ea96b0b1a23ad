#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/progress.h"
#include "app/simulate_impl.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "base/file.h"
#include "learn/replay.h"

const double simulate_recalls[SIMULATE_RECALLS] = {0.95, 0.9824, 0.99};

struct simulation {
    const struct simulate_options *o;
    char *work; // folder of its own
    struct project source;
    struct simulate_set set;
    struct simulate_copy pool, held;
    struct simulate_asked asked;
    struct base *base;
    struct simulate_store *stores; // (scenes) of the pictures held out
    struct progress progress;
    double started;
};

// --- figures of the pictures held out ---

struct column { // those that were scored, aligned arrays
    double *scores;
    bool *defect, *flagged, *all, *some;
    uint64_t *groups;
    size_t count;
};

// scene -1: all.
static struct column gather(const struct simulate_set *set, int scene)
{
    size_t n = set->count + 1;
    struct column c = {.scores = xcalloc(n, sizeof *c.scores),
                       .defect = xcalloc(n, sizeof *c.defect),
                       .flagged = xcalloc(n, sizeof *c.flagged),
                       .all = xcalloc(n, sizeof *c.all),
                       .some = xcalloc(n, sizeof *c.some),
                       .groups = xcalloc(n, sizeof *c.groups)};
    for (size_t i = 0; i < set->count; i++) {
        const struct simulate_picture *p = &set->pictures[i];
        if (!p->held || p->state != HELD_SCORED || (scene >= 0 && p->scene != scene))
            continue;
        c.scores[c.count] = p->score;
        c.defect[c.count] = p->defect;
        c.flagged[c.count] = p->flagged;
        c.all[c.count] = true;
        c.groups[c.count++] = p->group_number;
    }
    return c;
}

static void column_clear(struct column *c)
{
    free(c->scores);
    free(c->defect);
    free(c->flagged);
    free(c->all);
    free(c->some);
    free(c->groups);
}

// Of the pictures `among`, those filtered (or flagged).
static struct simulate_share share_of(const struct column *c, const bool *among, bool flagged,
                                      const struct simulate_options *o)
{
    struct simulate_share s = {0};
    bool *hit = xcalloc(c->count + 1, sizeof *hit);
    for (size_t i = 0; i < c->count; i++) {
        hit[i] = c->flagged[i] == flagged;
        s.total += among[i];
        s.hits += among[i] && hit[i];
    }
    s.exact = rates_exact(s.hits, s.total, THRESHOLD_CONFIDENCE);
    if (s.hits > 0 && s.hits < s.total)
        s.grouped = metrics_share(among, hit, c->groups, c->count, o->resamples, o->seed);
    else // no draw can differ: it has nothing to say
        s.grouped = (struct metrics_interval){NAN, NAN};
    free(hit);
    return s;
}

static int rising(const void *left, const void *right)
{
    const uint64_t *a = left, *b = right;
    return (*a > *b) - (*a < *b);
}

static size_t groups_among(const struct column *c, const bool *among)
{
    uint64_t *names = xcalloc(c->count + 1, sizeof *names);
    size_t n = 0, groups = 0;
    for (size_t i = 0; i < c->count; i++)
        if (among[i])
            names[n++] = c->groups[i];
    qsort(names, n, sizeof *names, rising);
    for (size_t i = 0; i < n; i++)
        groups += i == 0 || names[i] != names[i - 1];
    free(names);
    return groups;
}

static void by_severity(const struct simulation *sim, struct column *c, struct simulate_figures *f)
{
    for (int s = 0; s <= SEVERITIES; s++) {
        size_t n = 0;
        for (size_t i = 0; i < sim->set.count; i++) {
            const struct simulate_picture *p = &sim->set.pictures[i];
            if (p->held && p->state == HELD_SCORED)
                c->some[n++] = p->defect && (s == SEVERITIES || p->severity == (enum severity)s);
        }
        struct simulate_share share = share_of(c, c->some, true, sim->o);
        f->severities[s] =
            (struct simulate_severity){.name = s == SEVERITIES ? "all" : severity_name((enum severity)s),
                                       .total = share.total,
                                       .found = share.hits,
                                       .groups = groups_among(c, c->some),
                                       .exact = share.exact,
                                       .grouped = share.grouped};
    }
}

static void of_scene(const struct simulation *sim, size_t s, struct simulate_scene *f)
{
    struct column c = gather(&sim->set, (int)s);
    f->name = sim->set.scenes[s].name;
    f->pictures = c.count;
    for (size_t i = 0; i < c.count; i++) {
        f->defects += c.defect[i];
        f->shown += c.flagged[i];
        f->found += c.defect[i] && c.flagged[i];
    }
    f->metrics = metrics_all(c.scores, c.defect, c.groups, c.count, 0, 0);
    column_clear(&c);
}

static enum status measure(struct simulation *sim, struct simulate_figures *f, struct error *err)
{
    struct column c = gather(&sim->set, -1);
    const struct simulate_options *o = sim->o;
    f->answers = sim->asked.answers;
    f->flagged = sim->asked.flagged;
    f->found = sim->asked.found;
    for (size_t i = 0; i < sim->set.count; i++) {
        const struct simulate_picture *p = &sim->set.pictures[i];
        f->pool += !p->held;
        f->pool_defects += !p->held && p->defect;
        f->held_poor += p->held && p->state == HELD_POOR;
        f->held_failed += p->held && p->state == HELD_FAILED;
    }
    f->held = c.count;
    f->held_groups = groups_among(&c, c.all);
    f->metrics = metrics_all(c.scores, c.defect, c.groups, c.count, o->resamples, o->seed);
    enum status status = ST_OK;
    if (f->metrics.normals == 0 || f->metrics.defects == 0)
        status = error_set(
            err, ST_INVALID,
            "of the pictures held out, %zu normal and %zu defect ones could be scored; both are needed",
            f->metrics.normals, f->metrics.defects);
    for (int r = 0; r < SIMULATE_RECALLS && status == ST_OK; r++) {
        double threshold = metrics_threshold(c.scores, c.defect, c.count, simulate_recalls[r]);
        size_t below = 0;
        for (size_t i = 0; i < c.count; i++)
            below += c.scores[i] < threshold;
        f->filter_rates[r] = (double)below / (double)c.count;
    }
    if (status == ST_OK) {
        f->filtered = share_of(&c, c.all, false, o);
        for (size_t i = 0; i < c.count; i++)
            c.some[i] = !c.defect[i];
        f->normals = share_of(&c, c.some, false, o);
        by_severity(sim, &c, f);
        for (size_t s = 0; s < f->scene_count; s++)
            of_scene(sim, s, &f->scenes[s]);
    }
    column_clear(&c);
    return status;
}

// --- rounds ---

// What a round changes, from the answers that the pool's database holds: a new revision of the scene, and a
// trained model's revision after it.
static enum status simulate_round(struct simulation *sim, size_t scene, int round, struct simulate_figures *f,
                                  struct error *err)
{
    struct screening_options screen = sim->o->screen;
    struct screening_report report = {.bad = json_array()};
    struct scene now;                         // with the revision that is active
    screen.quiet = sim->o->json || round > 0; // later rounds compute no features
    enum status status = db_scene_get(sim->pool.project.db, sim->pool.scenes[scene].id, NULL, &now, err);
    if (status == ST_OK) {
        status = screening_run(&sim->pool.project, sim->base, &now, &screen, &report, err);
        scene_clear(&now);
    }
    if (status == ST_OK && round > 0)
        status = simulate_train(&sim->pool, scene, sim->o, f->scenes[scene].training, err);
    f->pool_poor += (size_t)report.poor;
    screening_report_clear(&report);
    return status;
}

static enum status run_round(struct simulation *sim, int round, struct simulate_figures *f, struct error *err)
{
    enum status status = ST_OK;
    for (size_t s = 0; s < sim->set.scene_count && status == ST_OK; s++) {
        status = simulate_round(sim, s, round, f, err);
        if (status == ST_OK)
            status = simulate_held_score(&sim->pool, &sim->held, sim->base, s, sim->o, &sim->stores[s],
                                         &f->scenes[s].revision, err);
        if (status == ST_OK && stop_asked(NULL))
            status = error_set(err, ST_CANCELLED, "stopped");
    }
    return status == ST_OK ? measure(sim, f, err) : status;
}

static size_t budget_of(const struct simulate_options *o, int round)
{
    return (size_t)o->budgets[round < o->budget_count ? round - (round > 0) : o->budget_count - 1];
}

static enum status run_rounds(struct simulation *sim, struct error *err)
{
    enum status status = ST_OK;
    bool last = ferror(stdout); // nobody would hear of it; main says so
    progress_start(&sim->progress, _("simulating"), sim->o->rounds + 1, sim->o->json);
    for (int round = 0; !last && status == ST_OK; round++) {
        double started = clock_seconds();
        struct simulate_figures f = {.round = round, .scene_count = sim->set.scene_count};
        f.scenes = xcalloc(f.scene_count + 1, sizeof *f.scenes);
        size_t answers = sim->asked.answers, budget = budget_of(sim->o, round);
        if (round > 0)
            status = simulate_ask(&sim->pool, sim->o, budget, &sim->asked, err);
        if (status == ST_OK)
            status = run_round(sim, round, &f, err);
        // fewer answers than asked for: there is nothing left to ask
        last = round == sim->o->rounds || (round > 0 && sim->asked.answers - answers < budget);
        f.last = last;
        f.seconds = clock_seconds() - started;
        progress_end(&sim->progress);
        if (status == ST_OK)
            simulate_text_round(sim->o, &f);
        else if (status == ST_CANCELLED)
            status = round > 0 ? error_set(err, ST_CANCELLED,
                                           "stopped in round %d; the rounds before it stand", round)
                               : error_set(err, ST_CANCELLED, "stopped before there was anything to tell");
        last = last || ferror(stdout);
        progress_step(&sim->progress, round + 1);
        free(f.scenes);
    }
    progress_end(&sim->progress);
    return status;
}

// --- the folder of its own ---

static const char work_name[] = "assay-simulate-";

static void remove_work(char *work)
{
    char *roots[] = {work, NULL};
    FTS *fts = work ? fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, NULL) : NULL;
    for (FTSENT *e; fts && (e = fts_read(fts));) {
        if (e->fts_info == FTS_DP)
            rmdir(e->fts_accpath);
        else if (e->fts_info != FTS_D)
            unlink(e->fts_accpath);
    }
    if (fts)
        fts_close(fts);
    free(work);
}

static bool has(int folder, const char *name)
{
    return faccessat(folder, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

// Folders of processes that were killed: something is in them, which is put there under the lock, and nobody holds that.
static void remove_stale(const char *tmp)
{
    DIR *dir = opendir(tmp);
    for (struct dirent *e; dir && (e = readdir(dir));) {
        struct stat st;
        if (strncmp(e->d_name, work_name, strlen(work_name)) != 0)
            continue;
        int fd = openat(dirfd(dir), e->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0)
            continue;
        if (fstat(fd, &st) == 0 && st.st_uid == geteuid() && flock(fd, LOCK_EX | LOCK_NB) == 0 && (has(fd, "source") || has(fd, "pool")))
            remove_work(file_join(tmp, e->d_name));
        close(fd);
    }
    if (dir)
        closedir(dir);
}

// lock: to be closed when the folder is not used any more.
static enum status make_work(char **work, int *lock, struct error *err)
{
    const char *tmp = getenv("TMPDIR");
    tmp = tmp && tmp[0] == '/' ? tmp : "/tmp";
    remove_stale(tmp);
    *work = xasprintf("%s/%sXXXXXX", tmp, work_name);
    if (mkdtemp(*work)) {
        *lock = open(*work, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        flock(*lock, LOCK_EX); // on a file system without locks none is found stale either
        return ST_OK;
    }
    enum status status = error_set(err, ST_IO, "%s: cannot be made: %s; set TMPDIR to a folder with room",
                                   *work, strerror(errno));
    free(*work);
    *work = NULL;
    return status;
}

enum status simulate_run(const struct simulate_options *options, struct error *err)
{
    struct simulation sim = {.o = options, .asked = {.rng = rng_seed(options->seed)}};
    int lock = -1;
    enum status status = make_work(&sim.work, &lock, err);
    if (status == ST_OK)
        status = simulate_source(options, sim.work, &sim.source, err);
    if (status == ST_OK) {
        status = simulate_set_load(&sim.source, options, &sim.set, err);
        if (status == ST_OK)
            status = simulate_copy_make(&sim.source, sim.work, &sim.set, false, &sim.pool, err);
        if (status == ST_OK)
            status = simulate_copy_make(&sim.source, sim.work, &sim.set, true, &sim.held, err);
        project_close(&sim.source);
    }
    if (status == ST_OK)
        status = project_base(&sim.pool.project, &sim.base, err);
    if (status == ST_OK) {
        sim.stores = xcalloc(sim.set.scene_count + 1, sizeof *sim.stores);
        simulate_text_begin(options, &sim.set);
        status = run_rounds(&sim, err);
        for (size_t s = 0; s < sim.set.scene_count; s++)
            store_close(sim.stores[s].store);
        free(sim.stores);
    }
    if (sim.base)
        base_free(sim.base);
    simulate_copy_clear(&sim.held);
    simulate_copy_clear(&sim.pool);
    simulate_set_clear(&sim.set);
    remove_work(sim.work);
    if (lock >= 0)
        close(lock);
    return status;
}
