#include "config.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "app/train.h"
#include "app/layout.h"
#include "base/alloc.h"
#include "base/file.h"
#include "base/strbuf.h"
#include "base/text.h"
#include "db/project.h"
#include "db/scene.h"
#include "db/strategy.h"
#include "learn/strategy.h"

enum { OPT_SCENE = OPT_OWN, OPT_EXPORT, OPT_IMPORT };
static const double import_most = 5; // rounds that another project's experience counts for, per strategy

struct options {
    const char *scene, *to, *from;
    bool json;
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct options *o = state->input;
    switch (key) {
    case OPT_JSON: o->json = true; return 0;
    case OPT_SCENE: o->scene = arg; return 0;
    case OPT_EXPORT: o->to = arg; return 0;
    case OPT_IMPORT: o->from = arg; return 0;
    case ARGP_KEY_ARG: argp_error(state, _("takes no argument '%s'"), arg); return 0;
    default: return ARGP_ERR_UNKNOWN;
    }
}

static json_t *list_json(const struct strategy_record records[STRATEGIES])
{
    json_t *list = json_array();
    for (int i = 0; i < STRATEGIES; i++) {
        json_t *options = json_array();
        for (int k = 0; k < STRATEGY_OPTIONS && strategies[i].options[k]; k++)
            json_array_append_new(options, json_string(strategies[i].options[k]));
        json_array_append_new(list, json_pack("{s:s, s:s, s:o, s:f, s:f, s:f, s:b}", "name", strategies[i].name, "about",
                                              strategies[i].about, "options", options, "rounds", records[i].count, "reward",
                                              records[i].count > 0 ? records[i].sum / records[i].count : 0.5, "rank",
                                              strategy_rank(records, i), "next", strategy_choose(records) == i));
    }
    return json_pack("{s:o}", "strategies", list);
}

static enum status export_file(const char *path, const struct strategy_record records[STRATEGIES], struct error *err)
{
    json_t *j = list_json(records);
    char *text = json_dumps(j, JSON_INDENT(2) | JSON_REAL_PRECISION(9));
    enum status status = file_write(path, text, strlen(text), err);
    free(text);
    json_decref(j);
    return status;
}

// ---- what another project learnt ----

// One entry of the file into what is learnt; ones of strategies that are not known here are named in `unknown`.
static enum status read_entry(const char *path, const json_t *entry, struct strategy_record learnt[STRATEGIES],
                              struct strbuf *unknown, struct error *err)
{
    const char *name = json_string_value(json_object_get(entry, "name"));
    const json_t *rounds = json_object_get(entry, "rounds"), *mean = json_object_get(entry, "reward");
    double count = json_number_value(rounds), reward = json_number_value(mean);
    if (!name)
        return error_set(err, ST_INVALID, "%s: not what `assay strategies --export` writes", path);
    int at = strategy_find(name);
    if (at < 0) {
        strbuf_printf(unknown, "%s%s", unknown->len ? ", " : "", name);
        return ST_OK;
    }
    if (!json_is_number(rounds) || count < 0)
        return error_set(err, ST_INVALID, "%s: the rounds of %s are no number from 0 on", path, name);
    if (!json_is_number(mean) || !(reward >= 0 && reward <= 1))
        return error_set(err, ST_INVALID, "%s: the reward of %s does not lie between 0 and 1", path, name);
    count = fmin(count, import_most);
    learnt[at].count += count;
    learnt[at].sum += count * reward;
    return ST_OK;
}

static enum status read_learnt(const char *path, struct strategy_record learnt[STRATEGIES], struct strbuf *unknown,
                               struct error *err)
{
    unsigned char *bytes;
    size_t size, i;
    json_t *entry;
    double total = 0;
    enum status status = file_read(path, 1 << 20, &bytes, &size, err);
    if (status != ST_OK)
        return status;
    size_t bom = text_bom(bytes, size);
    json_t *j = json_loadb((const char *)bytes + bom, size - bom, 0, NULL), *list = json_object_get(j, "strategies");
    free(bytes);
    if (!json_is_array(list))
        status = error_set(err, ST_INVALID, "%s: not what `assay strategies --export` writes", path);
    memset(learnt, 0, STRATEGIES * sizeof *learnt);
    json_array_foreach(list, i, entry)
        if (status == ST_OK)
            status = read_entry(path, entry, learnt, unknown, err);
    for (i = 0; i < STRATEGIES; i++)
        total += learnt[i].count;
    if (status == ST_OK && !(total > 0))
        status = error_set(err, ST_INVALID, "%s: nothing was learnt there of the strategies here; what was imported before stays", path);
    json_decref(j);
    return status;
}

// In place of what was imported before, all or nothing.
static enum status store_learnt(struct db *db, const struct strategy_record learnt[STRATEGIES], struct error *err)
{
    enum status status = db_begin(db, err);
    if (status != ST_OK)
        return status;
    status = db_strategy_forget(db, err);
    for (int i = 0; i < STRATEGIES; i++) {
        const struct strategy_record *r = &learnt[i];
        if (status == ST_OK && r->count > 0)
            status = db_strategy_add(db, 0, strategies[i].name, 0, fmin(r->count, import_most), r->sum / r->count, err);
    }
    if (status == ST_OK)
        return db_commit(db, err);
    db_rollback(db);
    return status;
}

static enum status import_file(struct project *project, const char *path, struct error *err)
{
    struct strategy_record learnt[STRATEGIES];
    struct strbuf unknown = {0};
    enum status status = read_learnt(path, learnt, &unknown, err);
    if (unknown.len) {
        text_clean(unknown.data);
        fprintf(stderr, _("assay: %s: there is no such strategy here, left out: %s\n"), path, unknown.data);
    }
    strbuf_clear(&unknown);
    return status == ST_OK ? store_learnt(project->db, learnt, err) : status;
}

static enum status run(struct project *project, const struct options *o, struct error *err)
{
    struct strategy_record records[STRATEGIES];
    struct scene scene = {0};
    enum status status = o->scene ? db_scene_get(project->db, 0, o->scene, &scene, err) : ST_OK;
    int64_t id = scene.id;
    scene_clear(&scene);
    if (status == ST_OK && o->from)
        status = import_file(project, o->from, err);
    if (status == ST_OK)
        status = train_records(project, id, records, err);
    if (status == ST_OK && o->to)
        status = export_file(o->to, records, err);
    if (status != ST_OK)
        return status;
    if (o->json) {
        print_json(list_json(records));
        return ST_OK;
    }
    printf("%-*s %*s %*s\n", CELL(_("strategy"), 10), CELL(_("rounds"), 6), CELL(_("reward"), 7));
    for (int i = 0; i < STRATEGIES; i++)
        printf("%-10s %6.2f %7.2f  %s%s\n", strategies[i].name, records[i].count,
               records[i].count > 0 ? records[i].sum / records[i].count : 0.5, _(strategies[i].about),
               strategy_choose(records) == i ? _(" (next)") : "");
    return ST_OK;
}

int cmd_strategies(int argc, char **argv)
{
    static const struct argp_option table[] = {
        {"scene", OPT_SCENE, "NAME", 0, N_("what was tried in this scene (default: in all)"), 0},
        {"export", OPT_EXPORT, "FILE", 0, N_("write what was learnt, for another project"), 0},
        {"import", OPT_IMPORT, "FILE", 0, N_("begin from what another project learnt"), 0},
        OPTION_JSON,
        {0}};
    static const struct argp argp = {table, parse, NULL,
                                     N_("Settings that rounds of training choose from, and what they brought: 0.5 is as good as what "
                                     "was active before, more is better. A round with fewer than 20 held-out defects counts for less (with 5 for "
                                     "a quarter), one with none or with settings of its own (train --set) not at all. "
                                     "The next round takes the most promising one."), NULL, NULL, NULL};
    struct options o = {0};
    struct project project;
    struct error err;
    argp_parse(&argp, argc, argv, 0, NULL, &o);
    enum status status = project_open(NULL, &project, &err);
    if (status != ST_OK)
        return fail(&err);
    status = run(&project, &o, &err);
    project_close(&project);
    return status == ST_OK ? EXIT_OK : fail(&err);
}
