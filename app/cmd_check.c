#include "config.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#include "app/project.h"
#include "base/alloc.h"
#include "base/file.h"
#include "db/check.h"
#include "db/export.h"
#include "db/label.h"
#include "db/picture.h"
#include "db/revision.h"
#include "db/scene.h"

enum { OPT_REPAIR = OPT_OWN };

struct options {
    bool json, repair;
};

struct findings {
    struct project *project;
    json_t *problems, *warnings;
    int64_t missing; // locations that are gone
    int64_t *lost;   // labelled pictures whose copy in the project is gone
    size_t lost_count, lost_capacity;
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct options *o = state->input;
    switch (key) {
    case OPT_JSON: o->json = true; return 0;
    case OPT_REPAIR: o->repair = true; return 0;
    case ARGP_KEY_ARG: argp_error(state, _("takes no argument '%s'"), arg); return 0;
    default: return ARGP_ERR_UNKNOWN;
    }
}

static void problem(void *context, const char *sentence)
{
    struct findings *f = context;
    json_array_append_new(f->problems, json_string(sentence));
}

static void problemf(struct findings *f, const char *what, const char *which)
{
    struct error text;
    error_set(&text, ST_CORRUPT, "%s: %s", which, what);
    problem(f, text.text);
}

static enum status each(void *context, const struct export_row *row, struct error *err)
{
    struct findings *f = context;
    struct picture picture;
    if (!row->path || !file_exists(row->path))
        f->missing++;
    if (row->verdict == VERDICT_NONE && row->audit == VERDICT_NONE)
        return ST_OK;
    enum status status = db_picture_get(f->project->db, row->picture, &picture, err);
    if (status != ST_OK)
        return status;
    if (picture.kept && picture.kept[0]) {
        char sha256[HASH_HEX], *path = file_join(f->project->dir, picture.kept);
        struct error why;
        if (!file_exists(path)) {
            GROW(f->lost, f->lost_capacity, f->lost_count + 1);
            f->lost[f->lost_count++] = row->picture;
        } else if (hash_file(path, sha256, NULL, &why) != ST_OK) {
            problem(f, why.text);
        } else if (strcmp(sha256, picture.sha256) != 0) {
            problemf(f, "the project's copy was altered; put the original back", path);
        }
        free(path);
    }
    picture_clear(&picture);
    return ST_OK;
}

// Every weight file carries its hash as its name.
static void check_models(struct findings *f)
{
    char *folder = file_join(f->project->dir, "models");
    DIR *dir = opendir(folder);
    if (!dir)
        problemf(f, "the folder of the models is missing", folder);
    for (struct dirent *e; dir && (e = readdir(dir));) {
        char sha256[HASH_HEX];
        struct error why;
        size_t n = strlen(e->d_name);
        if (n != HASH_HEX - 1 + strlen(".safetensors") || strcmp(e->d_name + HASH_HEX - 1, ".safetensors") != 0)
            continue;
        char *path = file_join(folder, e->d_name);
        if (hash_file(path, sha256, NULL, &why) != ST_OK)
            problem(f, why.text);
        else if (strncmp(sha256, e->d_name, HASH_HEX - 1) != 0)
            problemf(f, "altered or damaged: its content no longer fits its name", path);
        free(path);
    }
    if (dir)
        closedir(dir);
    free(folder);
}

static enum status check_revisions(struct findings *f, struct error *err)
{
    struct scene *scenes = NULL;
    size_t count = 0;
    enum status status = db_scene_list(f->project->db, &scenes, &count, err);
    for (size_t i = 0; i < count; i++) {
        struct revision revision;
        if (status == ST_OK && scenes[i].active_revision) {
            status = db_revision_get(f->project->db, scenes[i].active_revision, &revision, err);
            const char *names[] = {revision.model_sha256, revision.patch_sha256, revision.learned_sha256};
            for (int k = 0; k < 3 && status == ST_OK && names[k][0]; k++) {
                char *path = project_model(f->project, names[k]);
                if (!file_exists(path))
                    problemf(f, k < 2 ? "a model of the active revision is missing; `assay screen --refit` makes it anew"
                                      : "the trained model of the active revision is missing; restore it, or `assay rollback`", path);
                free(path);
            }
        }
        scene_clear(&scenes[i]);
    }
    free(scenes);
    return status;
}

static enum status check_lost(struct findings *f, bool repair, struct error *err)
{
    enum status status = ST_OK;
    for (size_t i = 0; i < f->lost_count && status == ST_OK && repair; i++)
        status = db_picture_set_kept(f->project->db, f->lost[i], "", err); // and made again with the others
    if (f->lost_count > 0 && !repair) {
        struct error text;
        error_set(&text, ST_CORRUPT,
                  "copies of labelled pictures that are gone from the project: %zu; `assay check --repair` makes them again",
                  f->lost_count);
        problem(f, text.text);
    }
    free(f->lost);
    return status;
}

static enum status check_kept(struct findings *f, bool repair, struct error *err)
{
    int64_t *ids = NULL;
    size_t count = 0, left = 0;
    struct error why;
    enum status status = db_picture_unkept(f->project->db, &ids, &count, err);
    for (size_t i = 0; i < count && status == ST_OK; i++) {
        if (repair && project_keep(f->project, f->project->db, ids[i], &why) == ST_OK)
            continue;
        left++;
        if (repair && json_array_size(f->warnings) < 20)
            json_array_append_new(f->warnings, json_string(why.text));
    }
    free(ids);
    if (left > 0) {
        struct error text;
        error_set(&text, ST_CORRUPT, "labelled pictures without a copy in the project: %zu; `assay check --repair` makes them", left);
        json_array_append_new(f->warnings, json_string(text.text));
    }
    return status;
}

static enum status run(struct findings *f, bool repair, struct error *err)
{
    struct base *base;
    struct error why;
    enum status status = db_check(f->project->db, problem, f, err);
    if (status == ST_OK)
        status = db_export(f->project->db, 0, each, f, err);
    check_models(f);
    if (project_base(f->project, &base, &why) == ST_OK)
        base_free(base);
    else
        problem(f, why.text);
    if (status == ST_OK)
        status = check_revisions(f, err);
    if (status == ST_OK)
        status = check_lost(f, repair, err);
    if (status == ST_OK)
        status = check_kept(f, repair, err);
    if (f->missing > 0) {
        struct error text;
        error_set(&text, ST_OK, "pictures no longer at their path: %lld", (long long)f->missing);
        json_array_append_new(f->warnings, json_string(text.text));
    }
    return status;
}

int cmd_check(int argc, char **argv)
{
    static const struct argp_option table[] = {
        {"repair", OPT_REPAIR, NULL, 0, N_("copy labelled pictures that have no copy in the project, or no longer"), 0},
        OPTION_JSON,
        {0}};
    static const struct argp argp = {table, parse, NULL, N_("Check database, files and models against each other."), NULL, NULL, NULL};
    struct options o = {0};
    struct project project;
    struct error err;
    argp_parse(&argp, argc, argv, 0, NULL, &o);
    if (project_open(NULL, &project, &err) != ST_OK)
        return fail(&err);
    struct findings f = {.project = &project, .problems = json_array(), .warnings = json_array()};
    enum status status = run(&f, o.repair, &err);
    size_t problems = json_array_size(f.problems), i;
    json_t *text;
    if (status == ST_OK && o.json) {
        print_json(json_pack("{s:b, s:O, s:O}", "ok", problems == 0, "problems", f.problems, "warnings", f.warnings));
    } else if (status == ST_OK) {
        json_array_foreach(f.problems, i, text)
            printf(_("problem: %s\n"), json_string_value(text));
        json_array_foreach(f.warnings, i, text)
            printf(_("note: %s\n"), json_string_value(text));
        printf(_("%s: %zu problem%s\n"), project.dir, problems, problems == 1 ? "" : "s");
    }
    json_decref(f.problems);
    json_decref(f.warnings);
    project_close(&project);
    if (status != ST_OK)
        return fail(&err);
    return problems ? EXIT_FAILED : EXIT_OK;
}
