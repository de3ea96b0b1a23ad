#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/app.h"
#include "app/cmd_base.h"
#include "app/project.h"
#include "app/stored.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/parallel.h"
#include "base/text.h"
#include "db/export.h"
#include "db/label.h"
#include "learn/base_file.h"
#include "learn/pretrain.h"

enum {
    OPT_IMAGES = OPT_OWN,
    OPT_TEACHER,
    OPT_MINUTES,
    OPT_STEPS,
    OPT_SEED,
    OPT_FROM,
    OPT_OUT,
    OPT_BATCH,
    OPT_SIDE,
    OPT_RATE,
    OPT_THREADS,
    OPT_FIXED,
    OPT_CONTINUE,
    OPT_SAVE,
    OPT_DEMO,
    OPT_TEXTURES,
};

struct options {
    char **images; // folders, files, projects as given
    size_t image_count, image_capacity;
    const char *teacher, *from, *out;
    bool json, again, none;
    double save_every; // seconds
    double demo, textures; // shares of the crops, < 0 the default
    struct pretrain_options train;
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct options *o = state->input;
    struct pretrain_options *t = &o->train;
    switch (key) {
    case OPT_JSON: o->json = true; return 0;
    case OPT_IMAGES:
        GROW(o->images, o->image_capacity, o->image_count + 1);
        o->images[o->image_count++] = arg;
        return 0;
    case OPT_TEACHER:
        o->none = strcmp(arg, "none") == 0;
        o->teacher = o->none ? NULL : arg;
        return 0;
    case OPT_FROM: o->from = arg; return 0;
    case OPT_OUT: o->out = arg; return 0;
    case OPT_CONTINUE: o->again = true; return 0;
    case OPT_SAVE: o->save_every = option_real(state, arg, "--save-every", 0, 1e6); return 0;
    case OPT_DEMO: o->demo = option_real(state, arg, "--demo", 0, 1); return 0;
    case OPT_TEXTURES: o->textures = option_real(state, arg, "--textures", 0, 1); return 0;
    case OPT_FIXED: t->elastic = false; return 0;
    case OPT_MINUTES: t->minutes = option_real(state, arg, "--minutes", 0.01, 1e6); return 0;
    case OPT_STEPS: t->steps = option_number(state, arg, "--steps", 1, 1000000000); return 0;
    case OPT_SEED: t->seed = (uint64_t)option_number(state, arg, "--seed", 0, INT64_MAX); return 0;
    case OPT_BATCH: t->batch = (int)option_number(state, arg, "--batch", 2, 1024); return 0;
    case OPT_SIDE: t->side = (int)option_number(state, arg, "--side", 32, 512); return 0;
    case OPT_RATE: t->rate = option_real(state, arg, "--rate", 1e-7, 1); return 0;
    case OPT_THREADS: t->threads = (int)option_number(state, arg, "--threads", 1, 256); return 0;
    case ARGP_KEY_ARG: argp_error(state, _("takes no argument '%s'; pictures come with --images"), arg); return 0;
    case ARGP_KEY_END:
        if (!o->teacher && !o->none && !o->again)
            argp_error(state, _("name a --teacher FILE, or say --teacher none"));
        if (o->again && o->from)
            argp_error(state, _("--continue starts from the project's base; leave --from out"));
        if (t->steps > 0 && t->minutes > 0)
            argp_error(state, _("give --steps or --minutes, not both"));
        if (t->steps == 0 && t->minutes == 0)
            argp_error(state, _("say how long: --minutes M or --steps N"));
        if (t->side % 16)
            argp_error(state, _("--side must be a multiple of 16"));
        if (!t->threads) { // as many cores as can share the batch
            t->threads = parallel_cores();
            while (t->threads > 1 && t->batch % (4 * t->threads))
                t->threads--;
        }
        if (t->batch % (4 * t->threads))
            argp_error(state, _("--batch must be a multiple of four times the threads (%d)"), 4 * t->threads);
        return 0;
    default: return ARGP_ERR_UNKNOWN;
    }
}

// ---- progress ----

struct show {
    double shown;
    bool terminal;
};

static void show(struct show *s, const struct options *o, const struct pretrain_report *r, long long first, double started,
                 bool last)
{
    double now = clock_seconds();
    if (!last && now - s->shown < (s->terminal ? 0.5 : 30))
        return;
    s->shown = now;
    double speed = (double)((r->step - first) * o->train.batch) / (now - started + 1e-9);
    double left = r->progress > 0 ? r->seconds * (1 - r->progress) / r->progress : 0;
    char bar[25];
    for (int i = 0; i < 24; i++)
        bar[i] = i < 24 * r->progress ? '#' : '.';
    bar[24] = '\0';
    fputs(s->terminal ? "\r\033[K" : "", stderr);
    fprintf(stderr, _("training [%s] %5.1f %%  step %lld  crops %lld  loss %.4f + %.4f"), bar, 100 * r->progress, r->step, r->crops,
            r->loss[0], r->loss[1]);
    if (o->train.elastic)
        fprintf(stderr, _("  smallest %.4f"), r->smallest);
    if (r->spot > 0)
        fprintf(stderr, _("  defects %.4f"), r->spot);
    fprintf(stderr, _("  %.0f/s  %d:%02d:%02d left"), speed, (int)left / 3600, (int)left / 60 % 60, (int)left % 60);
    fputs(s->terminal && !last ? "" : "\n", stderr);
    fflush(stderr);
}

static enum status train(const struct options *o, struct pretrain *p, const char *checkpoint, struct pretrain_report *report,
                         struct error *err)
{
    struct show screen = {.terminal = isatty(STDERR_FILENO)};
    double saved = clock_seconds(), started = saved;
    enum status status = ST_OK;
    long long first = -1;
    bool more = true;
    while (status == ST_OK && more && !stop_asked(NULL)) {
        more = pretrain_step(p, report);
        first = first < 0 ? report->step - more : first;
        show(&screen, o, report, first, started, false);
        if (clock_seconds() - saved >= o->save_every) {
            status = pretrain_save(p, checkpoint, err);
            saved = clock_seconds();
        }
    }
    show(&screen, o, report, first < 0 ? 0 : first, started, true);
    if (status == ST_OK)
        status = pretrain_save(p, checkpoint, err);
    return status;
}

static enum status write_result(const struct options *o, struct pretrain *p, const struct pretrain_report *r,
                                char sha256[HASH_HEX], struct error *err)
{
    char *note = xasprintf("steps %lld, crops %lld, seed %llu, losses %.4f and %.4f of the teacher's variance", r->step,
                           r->crops, (unsigned long long)o->train.seed, r->loss[0], r->loss[1]);
    enum status status = base_file_write(p, o->train.elastic, note, o->out, sha256, err);
    free(note);
    return status;
}

// ---- what it starts from, and on which pictures ----

struct paths {
    char **list;
    size_t count, capacity;
};

static void add_path(struct paths *paths, const char *path)
{
    GROW(paths->list, paths->capacity, paths->count + 1);
    paths->list[paths->count++] = xstrdup(path);
}

static void paths_clear(struct paths *paths)
{
    for (size_t i = 0; i < paths->count; i++)
        free(paths->list[i]);
    free(paths->list);
}

// Pictures that are believed normal: a network that is to find defects should not get used to them.
static enum status each_picture(void *context, const struct export_row *row, struct error *err)
{
    (void)err;
    enum verdict known = row->verdict != VERDICT_NONE ? row->verdict : row->truth;
    bool readable = !row->unreadable || !row->unreadable[0];
    if (readable && !row->audited && (known == VERDICT_NONE || known == VERDICT_NORMAL))
        add_path(context, row->path);
    return ST_OK;
}

static bool is_project(const char *dir)
{
    char *file = file_join(dir, "project.db");
    bool found = file_exists(file);
    free(file);
    return found;
}

// A project gives its pictures and, where nothing else is said, its base.
static enum status read_sources(const struct options *o, struct paths *paths, struct net **base, struct error *err)
{
    enum status status = ST_OK;
    *base = NULL;
    for (size_t i = 0; i < o->image_count && status == ST_OK; i++) {
        struct project project;
        if (!is_project(o->images[i])) {
            add_path(paths, o->images[i]);
            continue;
        }
        status = project_open(o->images[i], &project, err);
        if (status != ST_OK)
            break;
        size_t before = paths->count;
        status = db_export(project.db, 0, each_picture, paths, err);
        if (status == ST_OK && paths->count == before)
            status = error_set(err, ST_NOT_FOUND, "%s: no picture in this project is believed normal; add some first",
                               o->images[i]);
        if (status == ST_OK && o->again && !*base)
            status = project_net(&project, NULL, base, err);
        project_close(&project);
    }
    if (status == ST_OK && o->again && !*base)
        status = project_net(NULL, NULL, base, err);
    return status;
}

// The network of --from, the project's, or a fresh one of the default plan. A start with another plan is inherited
// block by block; --continue keeps the plan.
static enum status start_net(const struct options *o, struct net *base, struct net **out, struct error *err)
{
    struct net_plan plan;
    if (base) {
        *out = net_copy(base);
        return ST_OK;
    }
    base_file_plan(&plan);
    struct net *net = net_new(&plan), *from;
    net_init(net, o->train.seed);
    if (o->from) {
        enum status status = net_open(o->from, &from, err);
        if (status != ST_OK) {
            net_free(net);
            return status;
        }
        int copied = net_inherit(net, from);
        fprintf(stderr, _("%d of %d blocks start from %s\n"), copied, plan.count, o->from);
        net_free(from);
    }
    *out = net;
    return ST_OK;
}

// ---- the run ----

static void tell(const struct options *o, const struct pretrain_report *r, const char *sha256)
{
    if (o->json)
        print_json(json_pack("{s:s, s:s, s:I, s:I, s:f, s:f, s:f}", "file", o->out, "sha256", sha256, "steps",
                             (json_int_t)r->step, "crops", (json_int_t)r->crops, "loss_0", r->loss[0], "loss_1",
                             r->loss[1], "seconds", r->seconds));
    if (o->json)
        return;
    char *file = text_quoted(o->out);
    printf(_("%s: %lld crops, losses %.4f and %.4f; use it with `assay init DIR --base %s`\n"), o->out, r->crops, r->loss[0], r->loss[1], file);
    free(file);
}

static enum status learn(const struct options *o, struct pretrain *p, struct error *err)
{
    struct pretrain_report report = {0};
    char *checkpoint = xasprintf("%s.checkpoint", o->out), sha256[HASH_HEX];
    enum status status = ST_OK;
    if (!file_exists(checkpoint))
        status = pretrain_save(p, checkpoint, err); // what cannot be written there is told before hours of training
    else if ((status = pretrain_load(p, checkpoint, err)) == ST_OK)
        fprintf(stderr, _("going on from %s\n"), checkpoint);
    if (status == ST_OK)
        status = train(o, p, checkpoint, &report, err);
    if (status == ST_OK && stop_asked(NULL)) {
        fprintf(stderr, _("stopped; the same command goes on from %s\n"), checkpoint);
    } else if (status == ST_OK) {
        status = write_result(o, p, &report, sha256, err);
        if (status == ST_OK)
            tell(o, &report, sha256);
    }
    free(checkpoint);
    return status;
}

static enum status run(struct options *o, struct error *err)
{
    struct base *teacher = NULL;
    struct crop_source *source = NULL;
    struct net *start = NULL, *base = NULL;
    struct paths paths = {0};
    struct crop_options crops = crop_options_default;
    crops.seed = o->train.seed;
    crops.threads = o->train.threads;
    if (o->again) // this project's cameras and nothing else
        crops.textures = crops.mixes = crops.demo = 0;
    crops.textures = o->textures >= 0 ? o->textures : crops.textures;
    crops.demo = o->demo >= 0 ? o->demo : crops.demo;
    crops.demo_pool = crops.demo > 0 ? crops.demo_pool : 0;
    o->train.objective = o->teacher ? PRETRAIN_DISTIL : o->none ? PRETRAIN_VIEWS : PRETRAIN_ADAPT;
    enum status status = read_sources(o, &paths, &base, err);
    if (status == ST_OK)
        status = start_net(o, base, &start, err);
    if (status == ST_OK && o->teacher)
        status = base_open(o->teacher, &teacher, err);
    else if (status == ST_OK && o->train.objective == PRETRAIN_ADAPT)
        status = base_new(start, &teacher, err);
    if (status == ST_OK)
        status = crop_source_open((const char *const *)paths.list, paths.count, &crops, &source, err);
    if (status == ST_OK) {
        char *summary = stored_text(crop_source_summary(source));
        fprintf(stderr, "%s\n", summary);
        free(summary);
        struct pretrain *p = pretrain_new(start, teacher, source, &o->train);
        status = learn(o, p, err);
        pretrain_free(p);
    }
    crop_source_free(source);
    net_free(start);
    net_free(base);
    if (teacher)
        base_free(teacher);
    paths_clear(&paths);
    return status;
}

int cmd_base_train(int argc, char **argv)
{
    static const struct argp_option table[] = {
        {"images", OPT_IMAGES, "DIR", 0, N_("pictures to learn from, a folder or a project; may be repeated"), 0},
        {"teacher", OPT_TEACHER, "FILE|none", 0,
         N_("network whose maps are matched; none: learn from the pictures alone (two views of a place agree)"), 0},
        {"continue", OPT_CONTINUE, NULL, 0,
         N_("go on with the base in use, on the given pictures only: what it knows is kept, and it learns to see synthetic defects there"), 0},
        {"from", OPT_FROM, "FILE", 0, N_("start from these weights, not at random"), 0},
        {"out", OPT_OUT, "FILE", 0, N_("where the base goes (default base.safetensors); FILE.checkpoint beside it"), 0},
        {"minutes", OPT_MINUTES, "M", 0, N_("length of the whole run, all stretches together"), 0},
        {"steps", OPT_STEPS, "N", 0, N_("the same in steps: the result is then the same bit for bit"), 0},
        {"seed", OPT_SEED, "S", 0, N_("of everything random (default 1)"), 0},
        {"batch", OPT_BATCH, "N", 0, N_("crops a step (default 32)"), 0},
        {"side", OPT_SIDE, "N", 0, N_("side of a crop (default 160)"), 0},
        {"rate", OPT_RATE, "X", 0, N_("peak learning rate (default 0.002)"), 0},
        {"textures", OPT_TEXTURES, "X", 0, N_("share of crops that show procedural textures (default 0.25; 0 with --continue)"), 0},
        {"demo", OPT_DEMO, "X", 0, N_("share of crops of the demo's pictures (default 0.1; 0 with --continue)"), 0},
        {"save-every", OPT_SAVE, "S", 0, N_("seconds from checkpoint to checkpoint (default 120)"), 0},
        {"threads", OPT_THREADS, "N", 0, N_("default: as many processors as the batch divides among"), 0},
        {"fixed", OPT_FIXED, NULL, 0, N_("train the one network only, none of smaller size inside it"), 0},
        OPTION_JSON,
        {0}};
    static const struct argp argp = {table, parse, NULL,
                                     N_("Train a base. Measure with `assay evaluate` what it is worth before it is used. ^C saves a checkpoint and stops; the same command goes "
                                     "on from there."),
                                     NULL, NULL, NULL};
    struct options o = {.out = "base.safetensors", .save_every = 120, .demo = -1, .textures = -1, .train = pretrain_defaults};
    struct error err;
    o.train.threads = 0;
    o.train.elastic = true;
    argp_parse(&argp, argc, argv, 0, NULL, &o);
    stop_on_signals();
    enum status status = run(&o, &err);
    free(o.images);
    return status == ST_OK ? EXIT_OK : fail(&err);
}
