#include "config.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "app/screening.h"
#include "base/alloc.h"
#include "base/text.h"
#include "db/label.h"
#include "db/picture.h"
#include "db/scene.h"
#include "screen/evaluate.h"
#include "screen/model.h"

enum { OPT_SCENE = OPT_OWN, OPT_SEEDS, OPT_RANDOM, OPT_PART, OPT_RESAMPLES, OPT_STATISTICS, OPT_FIRST, OPT_LIST };

struct options {
    const char *scene;
    int first, seeds, resamples, part; // part: 0 both taps, 1 the second only
    bool random, json;
    bool list; // print which pictures fit, measure nothing
    bool means; // without the standard deviations
    bool reach; // of tap 1, with how far its largest and least values are from them
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct options *o = state->input;
    switch (key) {
    case OPT_JSON: o->json = true; return 0;
    case OPT_SCENE: o->scene = arg; return 0;
    case OPT_RANDOM: o->random = true; return 0;
    case OPT_SEEDS: o->seeds = (int)option_number(state, arg, "--seeds", 1, 1000); return 0;
    case OPT_FIRST: o->first = (int)option_number(state, arg, "--first", 0, 1000000); return 0;
    case OPT_LIST: o->list = true; return 0;
    case OPT_RESAMPLES: o->resamples = (int)option_number(state, arg, "--resamples", 0, 100000); return 0;
    case OPT_PART: o->part = (int)option_number(state, arg, "--tap", 0, 2); return 0;
    case OPT_STATISTICS:
        o->means = strcmp(arg, "mean") == 0;
        o->reach = strcmp(arg, "reach") == 0;
        if (!o->means && !o->reach && strcmp(arg, "mean-sd") != 0)
            argp_error(state, _("--statistics is mean, mean-sd or reach, not '%s'"), arg);
        return 0;
    case ARGP_KEY_END:
        o->means |= o->part != 0; // one tap is compared by its means
        return 0;
    case ARGP_KEY_ARG: argp_error(state, _("takes no argument '%s'"), arg); return 0;
    default: return ARGP_ERR_UNKNOWN;
    }
}

struct summary {
    double auroc, sd, ap, filtered90, filtered95, filtered9824; // means over seeds; sd of auroc
    struct metrics_interval auroc_ci, filtered95_ci;            // mean of the seeds' interval ends
    size_t normals, defects;
};

static struct summary summarise(const struct metrics *m, int seeds, int stride)
{
    struct summary s = {.normals = m[0].normals, .defects = m[0].defects};
    double square = 0;
    for (int i = 0; i < seeds; i++) {
        const struct metrics *x = &m[i * stride];
        s.auroc += x->auroc / seeds;
        square += x->auroc * x->auroc / seeds;
        s.ap += x->ap / seeds;
        s.filtered90 += x->filtered90 / seeds;
        s.filtered95 += x->filtered95 / seeds;
        s.filtered9824 += x->filtered9824 / seeds;
        s.auroc_ci.low += x->auroc_ci.low / seeds;
        s.auroc_ci.high += x->auroc_ci.high / seeds;
        s.filtered95_ci.low += x->filtered95_ci.low / seeds;
        s.filtered95_ci.high += x->filtered95_ci.high / seeds;
    }
    s.sd = sqrt(fmax(0, square - s.auroc * s.auroc));
    return s;
}

static void print_summary(const struct options *o, const char *scene, const char *kind, const struct summary *s)
{
    const char *split = o->random ? "random" : "group";
    if (o->json) {
        print_json(json_pack(
            "{s:o, s:s, s:s, s:o, s:i, s:s, s:i, s:I, s:I, s:f, s:f, s:[f,f], s:f, s:f, s:f, s:[f,f], s:f}",
            "scene", json_outside(scene), "detector", "whole", "split", split, "kind", json_outside(kind), "tap", o->part, "statistics",
            o->reach   ? "reach"
            : o->means ? "mean"
                       : "mean-sd",
            "seeds", o->seeds, "normals", (json_int_t)s->normals, "defects", (json_int_t)s->defects, "auroc",
            s->auroc, "auroc_sd", s->sd, "auroc_ci", s->auroc_ci.low, s->auroc_ci.high, "ap", s->ap,
            "filtered_90", s->filtered90, "filtered_95", s->filtered95, "filtered_95_ci",
            s->filtered95_ci.low, s->filtered95_ci.high, "filtered_9824", s->filtered9824));
        return;
    }
    char *clean = text_cleaned(kind);
    printf("%-14s %7zu %.3f ± %.3f [%.3f, %.3f] %.3f %6.1f %6.1f %6.1f\n", clean, s->defects, s->auroc, s->sd,
           s->auroc_ci.low, s->auroc_ci.high, s->ap, 100 * s->filtered90, 100 * s->filtered95,
           100 * s->filtered9824);
    free(clean);
}

// --- one scene ---

// Columns `from` .. of the stored features, of answered pictures only. Caller: release.
static void gather(const struct dataset *set, int from, int dim, struct evaluate_set *out)
{
    float *rows = xcalloc(set->count + 1, (size_t)dim * sizeof *rows);
    bool *defect = xcalloc(set->count + 1, sizeof *defect);
    int *kinds = xcalloc(set->count + 1, sizeof *kinds);
    uint64_t *groups = xcalloc(set->count + 1, sizeof *groups);
    size_t n = 0;
    for (size_t i = 0; i < set->count; i++) {
        if (set->known[i] != VERDICT_NORMAL && set->known[i] != VERDICT_DEFECT)
            continue;
        memcpy(rows + n * (size_t)dim, set->inputs[i].embedding + from, (size_t)dim * sizeof *rows);
        defect[n] = set->known[i] == VERDICT_DEFECT;
        kinds[n] = set->kinds[i];
        groups[n] = set->groups[i];
        n++;
    }
    *out = (struct evaluate_set){.embeddings = rows, .count = n, .dim = dim, .defect = defect, .kinds = kinds,
                                 .kind_count = (int)set->kind_count, .groups = groups};
}

static void release(struct evaluate_set *set)
{
    free((void *)set->embeddings);
    free((void *)set->defect);
    free((void *)set->kinds);
    free((void *)set->groups);
}

static void print_result(const struct options *o, const struct scene *scene, const struct dataset *set,
                         const struct evaluate_result *result)
{
    struct summary s = summarise(result->overall, o->seeds, 1);
    char *name = text_cleaned(scene->name);
    if (!o->json)
        printf(_("%s: picture-level detector%s, %s split, %d seeds, %zu test normals\n%-14s %7s %s\n"),
               name,
               o->reach   ? " on means and reach"
               : o->means ? " on means alone"
                          : "",
               o->random ? "random (leaks where groups repeat)" : "grouped", o->seeds, s.normals, "kind",
               "defects",
               "AUROC ± sd    [95 % interval]  AP     normals filtered (%) at recall 90, 95, 98.24 %");
    free(name);
    print_summary(o, scene->name, "all", &s);
    for (size_t k = 0; k < set->kind_count; k++) {
        s = summarise(result->by_kind + k, o->seeds, (int)set->kind_count);
        print_summary(o, scene->name, set->kind_names[k], &s);
    }
}

static enum status list_fit(struct project *project, const struct scene *scene, const struct dataset *set, const struct options *o, struct error *err)
{
    struct evaluate_set input;
    gather(set, 0, 1, &input);
    bool *fit = xcalloc(input.count + 1, sizeof *fit);
    enum status status = ST_OK;
    evaluate_split(&input, o->first, !o->random, fit);
    for (size_t i = 0, n = 0; i < set->count && status == ST_OK; i++) {
        struct picture row;
        if (set->known[i] != VERDICT_NORMAL && set->known[i] != VERDICT_DEFECT)
            continue;
        if (!fit[n++] || (status = db_picture_get(project->db, set->ids[i], &row, err)) != ST_OK)
            continue;
        char *path = project_picture(project, &row);
        if (o->json)
            print_json(json_pack("{s:o, s:o}", "scene", json_outside(scene->name), "path", json_outside(path)));
        else
            puts(path);
        free(path);
        picture_clear(&row);
    }
    release(&input);
    free(fit);
    return status;
}

static enum status evaluate_dataset(const struct base *base, const struct scene *scene, const struct dataset *set,
                                    const struct options *o, struct error *err)
{
    const struct base_info *info = base_info(base);
    struct evaluate_set input;
    struct evaluate_result result;
    int both = info->channels[0] + info->channels[1], from = 0,
        dim = 2 * both; // deviations, means, and more (extract.h)
    if (o->reach)
        from = extract_from(base), dim = set->dim - from;
    else if (o->part)
        from = both + (o->part == 2 ? info->channels[0] : 0), dim = info->channels[o->part - 1];
    else if (o->means)
        from = both, dim = both;
    gather(set, from, dim, &input);
    enum status status = evaluate_whole(&input, o->first, o->seeds, !o->random, o->resamples, &result, err);
    if (status == ST_OK) {
        print_result(o, scene, set, &result);
        evaluate_clear(&result);
    } else {
        error_prefix(err, "scene %s", scene->name);
    }
    release(&input);
    return status;
}

static enum status evaluate_scene(struct project *project, const struct base *base, const struct scene *scene,
                                  const struct options *o, struct error *err)
{
    char sha256[HASH_HEX];
    struct store *store;
    struct dataset set;
    enum status status = screening_patch(project, scene, sha256, err);
    if (status == ST_OK && !sha256[0])
        status = error_set(err, ST_INVALID, "scene %s was not screened yet; run `assay screen` first", scene->name);
    if (status == ST_OK)
        status = screening_store(project, base, scene, sha256, &store, err);
    if (status != ST_OK)
        return status;
    status = store_refresh(store, err);
    if (status == ST_OK)
        status = dataset_load(project, scene, store, extract_dim(base), &set, err);
    if (status == ST_OK) {
        status = o->list ? list_fit(project, scene, &set, o, err) : evaluate_dataset(base, scene, &set, o, err);
        dataset_clear(&set);
    }
    store_close(store);
    return status;
}

int cmd_evaluate(int argc, char **argv)
{
    static const struct argp_option table[] = {
        {"scene", OPT_SCENE, "NAME", 0, N_("this scene only"), 0},
        {"seeds", OPT_SEEDS, "N", 0, N_("splits (default 5)"), 0},
        {"first", OPT_FIRST, "S", 0, N_("number of the first split (default 0)"), 0},
        {"list", OPT_LIST, NULL, 0,
         N_("print the pictures that fit in the first split, one a line, and measure nothing"), 0},
        {"random", OPT_RANDOM, NULL, 0,
         N_("split pictures, not groups: leaks, for comparison with published figures only"), 0},
        {"tap", OPT_PART, "0|1|2", 0,
         N_("features: both taps, the means of the finer, of the coarser (default 0)"), 0},
        {"statistics", OPT_STATISTICS, "mean|mean-sd|reach", 0,
         "mean of each feature over the picture alone; with its standard deviation (the default); or the "
         "coarser tap's means with how far the features reach from them (what `assay screen` looks at)",
         0},
        {"resamples", OPT_RESAMPLES, "N", 0,
         N_("bootstrap draws of whole groups for the intervals (default 200)"), 0},
        OPTION_JSON,
        {0}};
    static const struct argp argp = {table, parse, NULL,
                                     N_("Measure the picture-level detector alone against known answers: the normals of four fifths of the "
                                     "groups fit, the other normals and all defects test. The patch statistics of `assay "
                                     "screen` are fitted on a sample that may hold test normals, and take no part."), NULL, NULL, NULL};
    struct options o = {.seeds = 5, .resamples = 200};
    struct project project;
    struct base *base = NULL;
    struct scene *scenes = NULL;
    size_t count = 0, done = 0;
    struct error err;
    argp_parse(&argp, argc, argv, 0, NULL, &o);
    stop_on_signals();
    enum status status = project_open(NULL, &project, &err);
    if (status != ST_OK)
        return fail(&err);
    status = project_base(&project, &base, &err);
    if (status == ST_OK)
        status = db_scene_list(project.db, &scenes, &count, &err);
    for (size_t i = 0; i < count; i++) {
        if (status == ST_OK && (!o.scene || strcmp(o.scene, scenes[i].name) == 0)) {
            done++;
            status = evaluate_scene(&project, base, &scenes[i], &o, &err);
        }
        scene_clear(&scenes[i]);
    }
    if (status == ST_OK && done == 0)
        status = o.scene ? error_set(&err, ST_NOT_FOUND, "there is no scene '%s'", o.scene)
                         : error_set(&err, ST_NOT_FOUND, "there are no pictures yet; `assay add` adds some");
    free(scenes);
    if (base)
        base_free(base);
    project_close(&project);
    return status == ST_OK ? EXIT_OK : fail(&err);
}
