#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/add.h"
#include "app/coco.h"
#include "app/people.h"
#include "base/alloc.h"
#include "base/parallel.h"
#include "base/text.h"
#include "db/log.h"
#include "db/project.h"

enum { OPT_TRUTH = OPT_OWN, OPT_COCO, OPT_GROUP, OPT_SIDECAR, OPT_PATTERN, OPT_LAYOUT, OPT_NORMAL, OPT_SCENE, OPT_PIXELS, OPT_BYTES };

struct options {
    char **paths;
    size_t count;
    const char *truth, *coco, *group, *sidecar, *pattern, *normal, *scene;
    long long megapixels, megabytes;
    bool folders, json;
};

// Files whose pictures were known, by the scene that they are of.
struct staying {
    struct staying_scene {
        int64_t scene, count;
        char *name; // NULL: the scene that was asked for
    } *rows;
    size_t count, room;
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct options *o = state->input;
    switch (key) {
    case OPT_JSON: o->json = true; return 0;
    case OPT_TRUTH: o->truth = arg; return 0;
    case OPT_COCO: o->coco = arg; return 0;
    case OPT_GROUP: o->group = arg; return 0;
    case OPT_SIDECAR: o->sidecar = arg; return 0;
    case OPT_PATTERN: o->pattern = arg; return 0;
    case OPT_NORMAL: o->normal = arg; return 0;
    case OPT_SCENE: o->scene = arg; return 0;
    case OPT_PIXELS: o->megapixels = option_number(state, arg, "--max-megapixels", 1, 10000); return 0;
    case OPT_BYTES: o->megabytes = option_number(state, arg, "--max-megabytes", 1, 65536); return 0;
    case OPT_LAYOUT:
        if (strcmp(arg, "folders") != 0)
            argp_error(state, _("--layout knows 'folders' only, not '%s'"), arg);
        o->folders = true;
        return 0;
    case ARGP_KEY_ARGS:
        o->paths = state->argv + state->next;
        o->count = (size_t)(state->argc - state->next);
        return 0;
    case ARGP_KEY_END:
        if (o->count == 0 && !o->truth && !o->coco)
            argp_error(state, _("name the folders or files to add, or --truth FILE or --coco FILE"));
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

enum status add_regex(regex_t *regex, const char *text, int flags, struct error *err)
{
    int code = regcomp(regex, text, REG_EXTENDED | flags);
    if (code == 0)
        return ST_OK;
    char why[128];
    regerror(code, regex, why, sizeof why);
    return error_set(err, ST_INVALID, "'%s' is not an extended regular expression: %s", text, why);
}

// A damaged file may claim any size up to the limit, on every core at once: it must not end the program.
static enum status check_pixels(long long megapixels, struct error *err)
{
    double bytes = 3e6 * (double)megapixels * parallel_cores();
    double memory = (double)sysconf(_SC_PHYS_PAGES) * (double)sysconf(_SC_PAGESIZE);
    if (bytes <= memory / 2)
        return ST_OK;
    return error_set(err, ST_INVALID,
                     "pictures of %lld megapixels would take up to %.1f GB on %d cores; at most half of this machine's"
                     " %.1f GB may be used",
                     megapixels, bytes / 1e9, parallel_cores(), memory / 1e9);
}

static enum status set_limit(struct project *p, const char *key, long long unit, long long value, uint64_t *limit,
                             struct error *err)
{
    if (value == 0)
        return ST_OK;
    char *text = xasprintf("%lld", value * unit);
    enum status status = db_setting_set(p->db, key, text, err);
    free(text);
    *limit = (uint64_t)(value * unit);
    return status;
}

static const char *plural(int64_t count)
{
    return count == 1 ? "" : "s";
}

static void count_staying(void *context, int64_t scene)
{
    struct staying *s = context;
    size_t i = 0;
    while (i < s->count && s->rows[i].scene != scene)
        i++;
    if (i == s->count) {
        GROW(s->rows, s->room, s->count + 1);
        s->rows[s->count++] = (struct staying_scene){.scene = scene};
    }
    s->rows[i].count++;
}

static enum status name_staying(struct project *project, struct staying *s, const char *asked, struct error *err)
{
    enum status status = ST_OK;
    for (size_t i = 0; i < s->count && status == ST_OK; i++) {
        struct scene scene = {0};
        status = db_scene_get(project->db, s->rows[i].scene, NULL, &scene, err);
        if (status == ST_OK && strcmp(scene.name, asked) != 0)
            s->rows[i].name = xstrdup(scene.name);
        scene_clear(&scene);
    }
    return status;
}

static void print_staying(const struct staying *s)
{
    for (size_t i = 0; i < s->count; i++) {
        if (!s->rows[i].name)
            continue;
        char *clean = text_cleaned(s->rows[i].name);
        printf(s->rows[i].count == 1 ? _("%lld of them is of scene %s and stays there\n") : _("%lld of them are of scene %s and stay there\n"),
               (long long)s->rows[i].count, clean);
        free(clean);
    }
}

static json_t *staying_json(const struct staying *s)
{
    json_t *all = json_array();
    for (size_t i = 0; i < s->count; i++)
        if (s->rows[i].name)
            json_array_append_new(all, json_pack("{s:o, s:I}", "scene", json_outside(s->rows[i].name), "files", (json_int_t)s->rows[i].count));
    return all;
}

static void staying_clear(struct staying *s)
{
    for (size_t i = 0; i < s->count; i++)
        free(s->rows[i].name);
    free(s->rows);
}

static void print_files(const struct add_report *r, const struct staying *staying, const char *scene)
{
    size_t i;
    json_t *bad;
    json_array_foreach(r->bad, i, bad)
        printf(_("unreadable: %s: %s\n"), json_string_value(json_object_get(bad, "path")),
               json_string_value(json_object_get(bad, "reason")));
    if (r->added + r->changed + r->moved + r->copies > 0)
        printf(_("%lld file%s: %lld added, %lld known, %lld moved, %lld further copies, %lld changed, %lld unreadable\n"),
               (long long)r->seen, plural(r->seen), (long long)r->added, (long long)r->known, (long long)r->moved,
               (long long)r->copies, (long long)r->changed, (long long)r->unreadable);
    else if (r->unreadable > 0)
        printf(_("%lld file%s, nothing added: %lld known already, %lld unreadable\n"), (long long)r->seen, plural(r->seen),
               (long long)r->known, (long long)r->unreadable);
    else if (r->seen > 0)
        printf(_("%lld file%s, all known already: nothing added\n"), (long long)r->seen, plural(r->seen));
    else
        printf(_("no files found: nothing added\n"));
    print_staying(staying);
    if (r->no_scene && r->known + r->moved + r->copies > 0)
        printf(_("nothing is of scene %s: it is not made\n"), scene);
}

static void print_report(const struct add_report *r, const struct staying *staying, const struct options *o)
{
    if (o->json) {
        print_json(json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:O, s:o}", "files", (json_int_t)r->seen, "added",
                             (json_int_t)r->added, "known", (json_int_t)r->known, "moved", (json_int_t)r->moved,
                             "copies", (json_int_t)r->copies, "changed", (json_int_t)r->changed, "unreadable",
                             (json_int_t)r->unreadable, "described", (json_int_t)r->described, "answers",
                             (json_int_t)r->truths, "bad", r->bad, "stay", staying_json(staying)));
        return;
    }
    if (o->count > 0)
        print_files(r, staying, o->scene);
    if (o->group || o->sidecar || o->pattern)
        printf(_("%lld of them described by --group, --sidecar or --pattern\n"), (long long)r->described);
    if (r->truths > 0)
        printf(_("%lld known answer%s imported\n"), (long long)r->truths, plural(r->truths));
    else if (o->truth || o->coco || o->folders)
        printf(_("no new known answers\n"));
    if (r->passed > 0)
        printf(r->passed == 1 ? _("%lld row without a verdict, or unsure, passed over\n")
                              : _("%lld rows without a verdict, or unsure, passed over\n"), (long long)r->passed);
}

static enum status log_it(struct project *project, const struct options *o, const struct add_report *r, struct error *err)
{
    char *person = person_now(project, NULL), text[160];
    enum status status = add_log(project, o->scene, r, err);
    if (status == ST_OK && r->truths > 0) {
        snprintf(text, sizeof text, "%lld known answers imported", (long long)r->truths);
        status = db_log_add(project->db, person, "import", o->count > 0 ? o->scene : "", text, err);
    }
    free(person);
    return status;
}

static enum status run(struct options *o, struct add_report *report, struct staying *staying, struct error *err)
{
    struct project project;
    regex_t group, normal;
    bool has_group = false, has_normal = false;
    struct metadata *metadata = NULL;
    enum status status = project_open(NULL, &project, err);
    if (status != ST_OK)
        return status;
    if (o->megapixels > 0)
        status = check_pixels(o->megapixels, err);
    if (status == ST_OK)
        status = set_limit(&project, "limit.pixels", 1000000, o->megapixels, &project.limits.pixels, err);
    if (status == ST_OK)
        status = set_limit(&project, "limit.bytes", 1 << 20, o->megabytes, &project.limits.file_bytes, err);
    if (status == ST_OK && o->group)
        has_group = (status = add_regex(&group, o->group, 0, err)) == ST_OK;
    if (status == ST_OK)
        has_normal = (status = add_regex(&normal, o->normal, REG_ICASE | REG_NOSUB, err)) == ST_OK;
    if (status == ST_OK && (o->sidecar || o->pattern))
        status = metadata_open(o->sidecar, o->pattern, &metadata, err);
    struct add_options options = {.scene = o->scene, .group = has_group ? &group : NULL, .folders = o->folders,
                                  .normal = &normal, .metadata = metadata, .quiet = o->json,
                                  .stays = count_staying, .context = staying};
    if (status == ST_OK && o->count > 0)
        status = add_paths(&project, o->paths, o->count, &options, report, err);
    if (status == ST_OK)
        status = name_staying(&project, staying, o->scene, err);
    if (status == ST_OK && o->truth)
        status = add_truth(&project, o->truth, report, err);
    if (status == ST_OK && o->coco)
        status = coco_import(&project, o->coco, report, err);
    if (status == ST_OK)
        status = log_it(&project, o, report, err);
    metadata_free(metadata);
    if (has_group)
        regfree(&group);
    if (has_normal)
        regfree(&normal);
    project_close(&project);
    return status;
}

int cmd_add(int argc, char **argv)
{
    static const struct argp_option table[] = {
        {"scene", OPT_SCENE, "NAME", 0, N_("scene the pictures belong to (default: main)"), 0},
        {"layout", OPT_LAYOUT, "folders", 0, N_("read known answers from folder names: good/, crack/ ...; masks are a .png beside a .jpg, or below ground_truth/"), 0},
        {"normal", OPT_NORMAL, "REGEX", 0, N_("folder names that mean normal (default: good, normal, ok, free, ..._free)"), 0},
        {"truth", OPT_TRUTH, "FILE.csv", 0, N_("import known answers: path, verdict, class, severity, mask, group"), 0},
        {"coco", OPT_COCO, "FILE.json", 0, N_("import boxes, polygons and masks of known defects from COCO JSON"), 0},
        {"group", OPT_GROUP, "REGEX", 0, N_("group pictures by this part of their path (first parenthesis, else the match)"), 0},
        {"sidecar", OPT_SIDECAR, "FILE", 0, N_("CSV or JSON with path and object, position, camera, time, group"), 0},
        {"pattern", OPT_PATTERN, "TEXT", 0, N_("the same from the path's end, e.g. '{object}/{camera}_{position}.jpg'"), 0},
        {"max-megapixels", OPT_PIXELS, "N", 0, N_("largest picture (default 120)"), 0},
        {"max-megabytes", OPT_BYTES, "N", 0, N_("largest file (default 256)"), 0},
        OPTION_JSON,
        {0}};
    static const struct argp argp = {table, parse, "[PATH...]",
                                     N_("Add pictures (PNG, JPEG) to the project of the current folder."), NULL, NULL, NULL};
    struct options o = {.scene = "main", .normal = "^(good|normal|ok|free|.*_free)$"};
    struct add_report report = {.bad = json_array()};
    struct error err;
    argp_parse(&argp, argc, argv, 0, NULL, &o);
    stop_on_signals();
    struct staying staying = {0};
    enum status status = run(&o, &report, &staying, &err);
    if (status == ST_OK || report.seen > 0)
        print_report(&report, &staying, &o);
    staying_clear(&staying);
    json_decref(report.bad);
    return status == ST_OK ? EXIT_OK : fail(&err);
}
