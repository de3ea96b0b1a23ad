// The models as a tree of what began from what, and all that is known of one.
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "app/layout.h"
#include "app/review_flow.h"
#include "app/rounds.h"
#include "app/stored.h"
#include "base/alloc.h"
#include "base/intl.h"
#include "base/strbuf.h"
#include "db/model.h"
#include "db/round.h"
#include "db/scene.h"

enum { HISTORY = 20 };

static json_t *parsed(const char *text)
{
    json_t *j = json_loads(text, 0, NULL);
    return j ? j : json_object();
}

static void scene_name(struct review_flow *f, int64_t id, char *text, size_t room)
{
    struct scene scene;
    struct error unused;
    snprintf(text, room, "%s", id ? "?" : _("all scenes"));
    if (!id || db_scene_get(f->project->db, id, NULL, &scene, &unused) != ST_OK)
        return;
    snprintf(text, room, "%s", scene.name);
    scene_clear(&scene);
}

static struct flow_lineage row_of(struct review_flow *f, const struct model_row *m, const struct model_row *models, size_t count)
{
    char when[FLOW_TIME], scene[120];
    json_t *data = parsed(m->data);
    bool waits = m->scene && rounds_candidate(models, count, m->scene) == m;
    flow_time(m->created_ms, when);
    scene_name(f, m->scene, scene, sizeof scene);
    long long labels = json_integer_value(json_object_get(data, "labels")), found = json_integer_value(json_object_get(data, "defects"));
    char *told = rounds_reason(m), *reason = stored_text(told), *answers = xasprintf(labels == 1 ? _("%lld answer") : _("%lld answers"), labels);
    bool here = json_object_get(data, "labels") != NULL;
    char *defects = xasprintf(found == 1 ? _("%lld defect") : _("%lld defects"), found);
    struct flow_lineage row = {
        .id = m->id,
        .scene = m->scene,
        .level = m->scene ? 2 : 1,
        .active = m->active,
        .candidate = waits,
        .name = texts_keep(&f->models_texts, xasprintf("%.8s", m->sha256)),
        .words = texts_keep(&f->models_texts,
                            here ? xasprintf(_("%s, %s, %s, %s%s%s"), scene, when, answers, defects, reason[0] ? _(": ") : "", reason)
                                 : xasprintf("%s: %s", when, reason)),
        .state = m->active ? "active" : waits ? "waits" : texts_keep(&f->models_texts, xstrdup(model_standing(m))),
    };
    json_decref(data);
    free(reason);
    free(told);
    free(answers);
    free(defects);
    return row;
}

// Those that began from `parent` ("" or the base: those of no model that is there), each with what began from it.
static void add_below(struct review_flow *f, const struct model_row *models, size_t count, const char *parent, int depth, bool *put)
{
    for (size_t i = 0; i < count && depth <= (int)count; i++) {
        bool there = false;
        for (size_t k = 0; k < count; k++)
            there = there || (models[i].parent[0] && strcmp(models[k].sha256, models[i].parent) == 0);
        if (put[i] || (parent ? strcmp(models[i].parent, parent) != 0 : there))
            continue;
        put[i] = true;
        f->models[f->model_count++] = row_of(f, &models[i], models, count);
        add_below(f, models, count, models[i].sha256, depth + 1, put);
    }
}

// Read once: a network takes a while.
static enum status learn_base(struct review_flow *f, struct error *err)
{
    struct base *base;
    if (f->base.name[0])
        return ST_OK;
    enum status status = project_base(f->project, &base, err);
    if (status != ST_OK)
        return status;
    f->base = *base_info(base);
    base_free(base);
    return ST_OK;
}

static enum status gather(struct review_flow *f, struct error *err)
{
    struct model_row *models;
    size_t count;
    enum status status = db_model_list(f->project->db, &models, &count, err);
    if (status != ST_OK)
        return status;
    texts_clear(&f->models_texts);
    free(f->models);
    f->models = xcalloc(count + 2, sizeof *f->models);
    f->model_count = 0;
    status = learn_base(f, err);
    if (status == ST_OK) {
        f->models[f->model_count++] = (struct flow_lineage){
            .name = texts_keep(&f->models_texts, xasprintf("%.20s", f->base.name)), .state = "base",
            .words = texts_keep(&f->models_texts, xstrdup(_("what all models begin from; it never changes with answers")))};
        bool *put = xcalloc(count + 1, sizeof *put);
        add_below(f, models, count, NULL, 0, put);
        free(put);
    }
    model_free(models, count);
    return status;
}

enum status flow_models(void *context, const struct flow_lineage **rows, size_t *count, struct error *err)
{
    struct review_flow *f = context;
    enum status status = flow_changed(f, &f->models_version) || !f->models ? gather(f, err) : ST_OK;
    *rows = f->models;
    *count = f->model_count;
    if (status != ST_OK)
        f->models_version = 0;
    return status;
}

// --- details ----------------------------------------------------------------------------------------

// Names as models keep them, with blanks.
#define NOTE_WORDS                                                                                                        \
    N_("file") N_("labels") N_("defects") N_("normals") N_("pool") N_("classes") N_("outlined") N_("boxed") N_("strategy") N_("steps")     \
    N_("loss") N_("loss picture") N_("loss patch") N_("loss class") N_("seed") N_("threads") N_("adapter parameters")          \
    N_("head parameters") N_("base parameters") N_("options")

static const char *spoken(const char *name, char text[64])
{
    snprintf(text, 64, "%s", name);
    for (char *c = text; *c; c++)
        *c = *c == '_' ? ' ' : *c;
    return _(text);
}

static char *value_text(const json_t *value)
{
    struct strbuf out = {0};
    size_t i;
    json_t *item;
    if (json_is_string(value))
        return xstrdup(json_string_value(value));
    if (json_is_number(value))
        return xasprintf("%.6g", json_number_value(value));
    if (!json_is_array(value)) {
        char *dump = json_dumps(value, JSON_ENCODE_ANY);
        return dump ? dump : xstrdup("");
    }
    json_array_foreach((json_t *)(uintptr_t)value, i, item) {
        char *text = value_text(item);
        strbuf_printf(&out, "%s%s", i > 0 ? ", " : "", text);
        free(text);
    }
    return out.data ? out.data : xstrdup(_("none"));
}

// A JSON value as lines "  name  value", objects within below their name.
static void put_json(struct strbuf *out, const json_t *j, int indent)
{
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)j, name, value) {
        char room[64];
        const char *said = indent > 2 ? name : spoken(name, room); // options keep the names that --set takes
        if (json_is_object(value)) {
            strbuf_printf(out, "%*s%s\n", indent, "", said);
            put_json(out, value, indent + 2);
            continue;
        }
        char *text = value_text(value);
        strbuf_printf(out, "%*s%-*s %s\n", indent, "", CELL(said, 24 - indent), text);
        free(text);
    }
}

// The gate's comparison as people read it; a table by severity.
static void put_comparison(struct strbuf *out, const json_t *metrics)
{
    size_t i;
    json_t *row, *filtered = json_object_get(metrics, "filtered");
    const char *gate = json_string_value(json_object_get(metrics, "gate"));
    strbuf_printf(out, _("Compared with what was active then\n"));
    strbuf_printf(out, _("  gate                     %s\n"), gate ? _(gate) : "");
    strbuf_printf(out, _("  normals filtered         %.2f %% then, %.2f %% by this one (of %lld; change at least %+.2f points)\n"),
                  100 * json_number_value(json_array_get(filtered, 0)), 100 * json_number_value(json_array_get(filtered, 1)),
                  (long long)json_integer_value(json_object_get(metrics, "normals")),
                  100 * json_number_value(json_object_get(metrics, "change_bound")));
    json_array_foreach(json_object_get(metrics, "severities"), i, row) {
        const char *severity = json_string_value(json_object_get(row, "severity"));
        json_t *missed = json_object_get(row, "missed");
        strbuf_printf(out, _("  %-*s defects missed  %lld then, %lld by this one, %lld newly (of %lld)\n"),
                      CELL(severity ? _(severity) : "", 8), (long long)json_integer_value(json_array_get(missed, 0)),
                      (long long)json_integer_value(json_array_get(missed, 1)),
                      (long long)json_integer_value(json_object_get(row, "newly_missed")),
                      (long long)json_integer_value(json_object_get(row, "defects")));
    }
}

enum status flow_comparison(void *context, int64_t id, char **text, struct error *err)
{
    struct review_flow *f = context;
    struct model_row m;
    struct strbuf out = {0};
    enum status status = db_model_get(f->project->db, id, &m, err);
    if (status != ST_OK)
        return status;
    json_t *metrics = parsed(m.metrics);
    if (json_object_size(metrics) > 0)
        put_comparison(&out, metrics);
    *text = out.data;
    json_decref(metrics);
    model_clear(&m);
    return ST_OK;
}

static enum status put_history(struct review_flow *f, const struct model_row *m, struct strbuf *out, struct error *err)
{
    struct activation_row *rows;
    size_t count;
    if (!m->scene)
        return ST_OK;
    enum status status = db_activations(f->project->db, m->scene, HISTORY, &rows, &count, err);
    if (status != ST_OK)
        return status;
    strbuf_printf(out, _("What was active in its scene, newest first\n"));
    for (size_t i = 0; i < count; i++) {
        char when[FLOW_TIME];
        flow_time(rows[i].at_ms, when);
        strbuf_printf(out, _("  %-16s revision %d after %d, by %s%s%s%s%.8s%s\n"), when, rows[i].after, rows[i].before, rows[i].kind,
                      rows[i].who[0] ? ", " : "", rows[i].who, rows[i].learned[0] ? _(": model ") : "", rows[i].learned,
                      strcmp(rows[i].learned, m->sha256) == 0 ? _(" (this one)") : "");
    }
    activation_free(rows, count);
    return ST_OK;
}

static enum status base_details(struct review_flow *f, char **text, struct error *err)
{
    enum status status = learn_base(f, err);
    if (status == ST_OK)
        *text = xasprintf(_("The base, L0\n  name                     %s\n  SHA-256                  %s\n  parameters               %lld\n  numbers                  %s\n"),
                          f->base.name, f->base.sha256, f->base.parameters, f->base.precision);
    return status;
}

enum status flow_details(void *context, int64_t id, char **text, struct error *err)
{
    struct review_flow *f = context;
    struct model_row m;
    struct stat file;
    char when[FLOW_TIME], decided[FLOW_TIME], scene[120];
    struct strbuf out = {0};
    if (!id)
        return base_details(f, text, err);
    enum status status = db_model_get(f->project->db, id, &m, err);
    if (status != ST_OK)
        return status;
    char *path = project_model(f->project, m.sha256);
    json_t *notes = parsed(m.notes), *data = parsed(m.data), *metrics = parsed(m.metrics);
    flow_time(m.created_ms, when);
    flow_time(m.decided_ms, decided);
    scene_name(f, m.scene, scene, sizeof scene);
    strbuf_printf(&out, _("Model L%d of %s, %s%s\n"), m.scene ? 2 : 1, scene, flow_word(model_standing(&m)), !m.active ? "" : m.scene ? _(", active") : _(", rounds begin from it"));
    strbuf_printf(&out, _("  SHA-256                  %s\n  base                     %s\n  begun from               %s\n"), m.sha256,
                  m.base_sha256, m.parent[0] ? m.parent : _("the base alone"));
    strbuf_printf(&out, _("  trained                  %s\n  decided                  %s\n"), when, decided[0] ? decided : _("not yet"));
    if (stat(path, &file) == 0)
        strbuf_printf(&out, _("  file                     %lld kB\n"), (long long)(file.st_size + 512) / 1024);
    else
        strbuf_printf(&out, _("  file                     %s is missing\n"), path);
    if (m.reason[0]) {
        char *told = rounds_reason(&m), *reason = stored_text(told);
        strbuf_printf(&out, "  %s\n", reason);
        free(reason);
        free(told);
    }
    if (json_object_size(metrics) > 0)
        put_comparison(&out, metrics);
    strbuf_printf(&out, _("What it was trained on\n"));
    put_json(&out, data, 2);
    strbuf_printf(&out, _("Parameters\n"));
    put_json(&out, notes, 2);
    status = put_history(f, &m, &out, err);
    json_decref(metrics);
    json_decref(data);
    json_decref(notes);
    free(path);
    model_clear(&m);
    if (status == ST_OK)
        *text = out.data;
    else
        strbuf_clear(&out);
    return status;
}
