#include "config.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/add.h"
#include "app/progress.h"
#include "app/review_session.h"
#include "app/screening.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "base/csv.h"
#include "base/file.h"
#include "base/parallel.h"
#include "base/text.h"
#include "db/export.h"
#include "db/scene.h"
#include "image/demo.h"

enum { OPT_COUNT = OPT_OWN, OPT_RATE, OPT_SEED, OPT_NO_REVIEW, OPT_NO_PROJECT, OPT_BASE };

struct options {
    const char *dir, *base;
    size_t count;
    double rate;
    uint64_t seed;
    bool json, no_review, no_project;
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct options *o = state->input;
    switch (key) {
    case OPT_JSON: o->json = o->no_review = true; return 0;
    case OPT_COUNT: o->count = (size_t)option_number(state, arg, "--pictures", 150, 1000000); return 0;
    case OPT_RATE: o->rate = option_real(state, arg, "--defect-rate", 0, 0.5); return 0;
    case OPT_SEED: o->seed = (uint64_t)option_number(state, arg, "--seed", 0, INT64_MAX); return 0;
    case OPT_BASE: o->base = arg; return 0;
    case OPT_NO_REVIEW: o->no_review = true; return 0;
    case OPT_NO_PROJECT: o->no_project = true; return 0;
    case ARGP_KEY_ARG:
        if (o->dir)
            argp_error(state, _("one folder only"));
        if (!arg[0])
            argp_error(state, _("name the folder of the new project"));
        o->dir = arg;
        return 0;
    default: return ARGP_ERR_UNKNOWN;
    }
}

struct making {
    const struct demo_item *items;
    size_t count;
    const char *dir;
    atomic_size_t next, done;
    atomic_bool failed;
    struct error *errors; // one per worker
    struct progress *progress;
};

static char *picture_path(const char *dir, const struct demo_item *item)
{
    return xasprintf("%s/camera/%s/%06d.jpg", dir, demo_scenes[item->scene].name, item->number);
}

static void make_some(void *context, int worker)
{
    struct making *m = context;
    for (size_t i; !m->failed && !stop_asked(NULL) && (i = atomic_fetch_add(&m->next, 1)) < m->count;) {
        struct image picture;
        char *path = picture_path(m->dir, &m->items[i]);
        demo_render(&m->items[i], &picture, NULL);
        if (image_write_jpeg(path, &picture, 90, &m->errors[worker]) != ST_OK)
            m->failed = true;
        image_clear(&picture);
        free(path);
        size_t done = atomic_fetch_add(&m->done, 1) + 1;
        if (worker == 0)
            progress_step(m->progress, (int64_t)done);
    }
}

static enum status make_pictures(const char *dir, const struct demo_item *items, size_t count, bool quiet,
                                 struct error *err)
{
    enum status status = ST_OK;
    for (int s = 0; s < DEMO_SCENES && status == ST_OK; s++) {
        char *folder = xasprintf("%s/camera/%s", dir, demo_scenes[s].name);
        status = file_mkdirs(folder, err);
        free(folder);
    }
    if (status != ST_OK)
        return status;
    struct progress progress;
    int threads = parallel_cores();
    progress_start(&progress, _("making pictures"), (int64_t)count, quiet);
    struct making m = {.items = items, .count = count, .dir = dir, .progress = &progress};
    m.errors = xcalloc((size_t)threads, sizeof *m.errors);
    parallel_run(threads, make_some, &m);
    progress_end(&progress);
    for (int i = 0; i < threads && status == ST_OK; i++)
        if (m.errors[i].code != ST_OK)
            status = error_set(err, m.errors[i].code, "%s", m.errors[i].text);
    if (status == ST_OK && stop_asked(NULL))
        status = error_set(err, ST_CANCELLED, "stopped");
    free(m.errors);
    return status;
}

// The answers, for those who want to import them later; the demo itself screens without.
static enum status write_truth(const char *dir, const struct demo_item *items, size_t count, struct error *err)
{
    char *text, *path = file_join(dir, "truth.csv");
    size_t size;
    FILE *out = open_memstream(&text, &size);
    if (!out)
        abort();
    fputs("path,verdict,class,severity,group,scene\n", out);
    for (size_t i = 0; i < count; i++) {
        const struct demo_scene *scene = &demo_scenes[items[i].scene];
        bool defect = items[i].kind >= 0;
        char *picture = picture_path(".", &items[i]);
        csv_put(out, picture + 2, 0);
        csv_put(out, defect ? "defect" : "normal", 0);
        csv_put(out, defect ? scene->kinds[items[i].kind].name : "", 0);
        csv_put(out, defect ? scene->kinds[items[i].kind].severity : "", 0);
        fprintf(out, "%s-%d,%s\n", scene->name, items[i].group, scene->name);
        free(picture);
    }
    fclose(out);
    enum status status = file_write(path, text, size, err);
    free(text);
    free(path);
    return status;
}

struct tally {
    const struct demo_item *items; // by scene, number rising
    size_t count;
    int64_t defects, found;
    double *scores; // of all pictures screened
    double *planted; // of the defects among them
    size_t score_count, planted_count;
};

static enum status tally_row(void *context, const struct export_row *row, struct error *err)
{
    (void)err;
    struct tally *t = context;
    bool scored = row->revision_number > 0 && t->score_count < t->count;
    if (scored)
        t->scores[t->score_count++] = row->score.score;
    const char *slash = strrchr(row->path, '/');
    int number = slash ? atoi(slash + 1) : -1;
    for (size_t i = 0; i < t->count; i++) {
        const struct demo_item *item = &t->items[i];
        if (item->kind >= 0 && item->number == number && strcmp(demo_scenes[item->scene].name, row->scene) == 0) {
            t->defects++;
            t->found += row->flagged;
            if (scored)
                t->planted[t->planted_count++] = row->score.score;
        }
    }
    return ST_OK;
}

static int falling(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x < y) - (x > y);
}

// Of the defects, those among the `most` pictures that score highest.
static int64_t planted_on_top(struct tally *t, size_t most)
{
    int64_t found = 0;
    qsort(t->scores, t->score_count, sizeof *t->scores, falling);
    for (size_t i = 0; i < t->planted_count && most > 0 && most <= t->score_count; i++)
        found += t->planted[i] >= t->scores[most - 1];
    return found;
}

static enum status screen_scene(struct project *project, const struct base *base, const char *dir, int s, bool quiet,
                                struct screening_report *report, struct error *err)
{
    char *folder = xasprintf("%s/camera/%s", dir, demo_scenes[s].name);
    struct add_options add = {.scene = demo_scenes[s].name, .quiet = quiet};
    struct add_report added = {.bad = json_array()};
    enum status status = add_paths(project, &folder, 1, &add, &added, err);
    json_decref(added.bad);
    if (status == ST_OK)
        status = add_log(project, demo_scenes[s].name, &added, err);
    free(folder);
    struct scene scene;
    if (status == ST_OK)
        status = db_scene_get(project->db, 0, demo_scenes[s].name, &scene, err);
    if (status != ST_OK)
        return status;
    struct screening_options options = {.flag_rate = 0.004, .threads = parallel_cores(), .quiet = quiet};
    status = screening_run(project, base, &scene, &options, report, err);
    scene_clear(&scene);
    return status;
}

static enum status run_scenes(struct project *project, const struct options *o, const struct demo_item *items,
                              size_t count, double started, struct error *err)
{
    struct base *base;
    enum status status = project_base(project, &base, err);
    if (status != ST_OK)
        return status;
    int64_t screened = 0, flagged = 0, poor = 0;
    for (int s = 0; s < DEMO_SCENES && status == ST_OK; s++) {
        struct screening_report report = {.bad = json_array()};
        status = screen_scene(project, base, o->dir, s, o->json, &report, err);
        screened += report.screened;
        flagged += report.flagged;
        poor += report.poor;
        if (status == ST_OK && !o->json)
            printf(_("%-10s %6" PRId64 " pictures, %4" PRId64 " flagged, %6.2f %% filtered\n"), demo_scenes[s].name,
                   report.screened, report.flagged,
                   report.screened ? 100.0 * (double)(report.screened - report.flagged) / (double)report.screened : 0);
        screening_report_clear(&report);
    }
    struct tally tally = {.items = items, .count = count, .scores = xcalloc(count + 1, sizeof *tally.scores),
                          .planted = xcalloc(count + 1, sizeof *tally.planted)};
    if (status == ST_OK)
        status = db_export(project->db, 0, tally_row, &tally, err);
    size_t most = (tally.score_count + 19) / 20; // what a person looks through in a few minutes
    int64_t on_top = planted_on_top(&tally, most);
    double seconds = clock_seconds() - started, filtered = screened ? 1 - (double)flagged / (double)screened : 0;
    if (status == ST_OK && o->json)
        print_json(json_pack("{s:o, s:I, s:I, s:I, s:f, s:I, s:I, s:I, s:f, s:s}", "project", json_outside(project->dir), "screened",
                             (json_int_t)screened, "flagged", (json_int_t)flagged, "poor", (json_int_t)poor, "filter_rate", filtered,
                             "planted_defects", (json_int_t)tally.defects, "planted_defects_flagged",
                             (json_int_t)tally.found, "planted_defects_in_top_5_percent", (json_int_t)on_top, "seconds", seconds, "base", base_info(base)->name));
    else if (status == ST_OK)
        printf(_("\n%" PRId64 " pictures screened, %" PRId64 " left to look at: %.2f %% filtered, in %.0f s, pictures made included.\n"
               "Planted defects: %" PRId64 " in all, %" PRId64 " of them flagged, %" PRId64 " among the %zu pictures that score highest\n"
               "(base %s, nothing labelled yet).\n"
               "The project is %s: `cd` there and run `assay`.\n"),
               screened, flagged, 100 * filtered, seconds, tally.defects, tally.found, on_top, most, base_info(base)->name, project->dir);
    free(tally.scores);
    free(tally.planted);
    base_free(base);
    return status;
}

int cmd_demo(int argc, char **argv)
{
    static const struct argp_option table[] = {
        {"pictures", OPT_COUNT, "N", 0, N_("how many pictures to make (default 2400)"), 0},
        {"defect-rate", OPT_RATE, "R", 0, N_("share that gets a defect (default 0.005)"), 0},
        {"seed", OPT_SEED, "N", 0, N_("another set (default 1)"), 0},
        {"base", OPT_BASE, "FILE|filter-bank", 0, N_("another base than the one inside the program"), 0},
        {"no-project", OPT_NO_PROJECT, NULL, 0, N_("only the pictures and the table of their answers, truth.csv"), 0},
        {"no-review", OPT_NO_REVIEW, NULL, 0, N_("do not open the review screen"), 0},
        OPTION_JSON,
        {0}};
    static const struct argp argp = {table, parse, "[DIR]",
                                     N_("Make inspection pictures of three lines in DIR (default: assay-demo), screen them, "
                                     "print what was filtered, and open the review screen when there is a terminal."), NULL, NULL, NULL};
    struct options o = {.count = 2400, .rate = 0.005, .seed = 1};
    struct project project;
    struct error err;
    argp_parse(&argp, argc, argv, 0, NULL, &o);
    if (!o.dir)
        o.dir = "assay-demo";
    stop_on_signals();
    double started = clock_seconds();
    char *database = file_join(o.dir, "project.db");
    bool exists = file_exists(database);
    free(database);
    enum status status;
    if (exists) {
        char *dir = text_quoted(o.dir);
        status = error_set(&err, ST_INVALID, "%s: there is a project already; `cd %s` and run `assay`, or name another folder", o.dir, dir);
        free(dir);
        return fail(&err);
    }
    if (project_check_base(o.base, &err) != ST_OK) // before all the pictures are made
        return fail(&err);
    struct demo_item *items = demo_plan(o.seed, o.count, o.rate);
    status = make_pictures(o.dir, items, o.count, o.json, &err);
    if (status == ST_OK)
        status = write_truth(o.dir, items, o.count, &err);
    if (status == ST_OK && o.no_project) {
        if (o.json)
            print_json(json_pack("{s:o, s:I}", "folder", json_outside(o.dir), "pictures", (json_int_t)o.count));
        free(items);
        return EXIT_OK;
    }
    if (status == ST_OK)
        status = project_create(o.dir, o.base, &project, &err);
    if (status == ST_OK) {
        status = run_scenes(&project, &o, items, o.count, started, &err);
        fflush(stdout);
        if (status == ST_OK && !o.no_review && isatty(STDIN_FILENO) && isatty(STDOUT_FILENO)) {
            fputs(_("Press Enter to review what was flagged. "), stdout);
            fflush(stdout);
            int c;
            while ((c = getchar()) != '\n' && c != EOF)
                continue;
            status = review_project(&project, NULL, NULL, false, NULL, &err);
        }
        project_close(&project);
    }
    free(items);
    return status == ST_OK ? EXIT_OK : fail(&err);
}
