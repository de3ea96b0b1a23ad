#include "config.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#include "app/app.h"
#include "app/calibrate.h"
#include "app/template.h"
#include "base/alloc.h"
#include "base/file.h"
#include "base/intl.h"
#include "base/strbuf.h"
#include "base/text.h"
#include "db/project.h"

enum { FILE_MOST = 1 << 20, CODE_MOST = 8, NAME_MOST = 63 };
static const char languages[2][3] = {"en", "zh"};

char *template_folder(void)
{
    const char *other = getenv("ASSAY_DATADIR");
    char *built = other && other[0] ? NULL : file_beside_program("../assets/templates");
    return built ? built : file_join(other && other[0] ? other : PKGDATADIR, "templates");
}

static enum status not_there(const char *dir, struct error *err)
{
    return error_set(err, ST_NOT_FOUND, "%s: the templates are not there: install the program, or let ASSAY_DATADIR name the folder \"assets\" of its source",
                     dir);
}

// --- reading --------------------------------------------------------------------------

struct reader {
    const char *path;
    struct error *err;
};

static enum status wrong(const struct reader *r, const char *what, size_t number, const char *why, const char *value)
{
    return error_set(r->err, ST_INVALID, "%s: %s %zu: %s%s%s%s", r->path, what, number + 1, why, value ? " \"" : "", value ? value : "",
                     value ? "\"" : "");
}

static bool code_fits(const char *code)
{
    size_t n = strlen(code);
    return n >= 1 && n <= CODE_MOST && strspn(code, "abcdefghijklmnopqrstuvwxyz0123456789") == n;
}

static enum status read_class(const struct reader *r, struct template *t, const json_t *entry, size_t i)
{
    const char *name = json_string_at(entry, "name"), *code = json_string_at(entry, "code"), *severity = json_string_at(entry, "severity");
    const char *below = json_string_at(entry, "below");
    bool above = !below[0];
    if (!name[0] || strlen(name) > NAME_MOST)
        return wrong(r, "class", i, "has no name, or one of more than 63 bytes", NULL);
    if (!code_fits(code))
        return wrong(r, "class", i, "its code is not 1 to 8 of a-z and 0-9:", code);
    if (!severity_known(severity))
        return wrong(r, "class", i, "its severity is none of stop, key, general:", severity);
    if (!json_string_at(entry, "zh")[0])
        return wrong(r, "class", i, "has no Chinese name (\"zh\")", NULL);
    for (size_t k = 0; k < t->class_count; k++) {
        if (strcmp(t->classes[k].name, name) == 0)
            return wrong(r, "class", i, "is there twice:", name);
        if (strcmp(t->classes[k].code, code) == 0)
            return wrong(r, "class", i, "another class has the code", code);
        above = above || strcmp(t->classes[k].name, below) == 0;
    }
    if (!above)
        return wrong(r, "class", i, "no class before it is called", below);
    t->parents[t->class_count] = xstrdup(below);
    t->classes[t->class_count++] = (struct class_row){.name = xstrdup(name), .code = xstrdup(code), .severity = xstrdup(severity),
                                                      .zh = xstrdup(json_string_at(entry, "zh"))};
    return ST_OK;
}

static enum status read_relation(const struct reader *r, struct template *t, const json_t *entry, size_t i)
{
    const char *component = json_string_at(entry, "component"), *fault = json_string_at(entry, "fault"), *severity = json_string_at(entry, "severity");
    bool known = false;
    if (!component[0] || strlen(component) > NAME_MOST)
        return wrong(r, "relation", i, "has no component, or one of more than 63 bytes", NULL);
    for (size_t k = 0; k < t->class_count; k++)
        known = known || strcmp(t->classes[k].name, fault) == 0;
    if (!known)
        return wrong(r, "relation", i, "its fault is no class of this file:", fault);
    if (severity[0] && !severity_known(severity))
        return wrong(r, "relation", i, "its severity is none of stop, key, general:", severity);
    for (size_t k = 0; k < t->relation_count; k++)
        if (strcmp(t->relations[k].component, component) == 0 && strcmp(t->relations[k].fault, fault) == 0)
            return wrong(r, "relation", i, "component and fault are there twice:", fault);
    t->relations[t->relation_count++] =
        (struct relation_row){.component = xstrdup(component), .fault = xstrdup(fault), .cause = xstrdup(json_string_at(entry, "cause")),
                              .action = xstrdup(json_string_at(entry, "action")), .severity = xstrdup(severity)};
    return ST_OK;
}

static enum status read_recall(const struct reader *r, struct template *t, const json_t *recall)
{
    for (int s = 0; s < SEVERITIES; s++) {
        const json_t *value = json_object_get(recall, severity_name((enum severity)s));
        t->recall[s] = json_number_value(value);
        if (value && !(t->recall[s] >= RECALL_LEAST && t->recall[s] <= RECALL_MOST))
            return error_set(r->err, ST_INVALID, "%s: the recall of %s is not a number from %g to %g", r->path,
                             severity_name((enum severity)s), RECALL_LEAST, RECALL_MOST);
    }
    return ST_OK;
}

static enum status read_all(const struct reader *r, struct template *t, const json_t *j)
{
    const json_t *classes = json_object_get(j, "classes"), *relations = json_object_get(j, "relations");
    if (strcmp(json_string_at(j, "format"), "assay-template 1") != 0)
        return error_set(r->err, ST_INVALID, "%s: not a template (\"format\" is not \"assay-template 1\")", r->path);
    if (!json_string_at(j, "template")[0] || !json_is_array(classes) || json_array_size(classes) == 0)
        return error_set(r->err, ST_INVALID, "%s: a template has a name (\"template\") and an array of \"classes\"", r->path);
    t->name = xstrdup(json_string_at(j, "template"));
    for (int l = 0; l < 2; l++) {
        t->title[l] = xstrdup(json_string_at(json_object_get(j, "name"), languages[l]));
        t->about[l] = xstrdup(json_string_at(json_object_get(j, "about"), languages[l]));
    }
    t->classes = xcalloc(json_array_size(classes) + 1, sizeof *t->classes);
    t->parents = xcalloc(json_array_size(classes) + 1, sizeof *t->parents);
    t->relations = xcalloc(json_array_size(relations) + 1, sizeof *t->relations);
    enum status status = read_recall(r, t, json_object_get(j, "recall"));
    for (size_t i = 0; i < json_array_size(classes) && status == ST_OK; i++)
        status = read_class(r, t, json_array_get(classes, i), i);
    for (size_t i = 0; i < json_array_size(relations) && status == ST_OK; i++)
        status = read_relation(r, t, json_array_get(relations, i), i);
    return status;
}

void template_clear(struct template *t)
{
    class_free(t->classes, t->class_count);
    relation_free(t->relations, t->relation_count);
    for (size_t i = 0; i < t->class_count; i++)
        free(t->parents[i]);
    free(t->parents);
    free(t->name);
    for (int l = 0; l < 2; l++) {
        free(t->title[l]);
        free(t->about[l]);
    }
    *t = (struct template){0};
}

enum status template_load(const char *which, struct template *t, struct error *err)
{
    unsigned char *bytes;
    size_t count, length = strlen(which);
    json_error_t at;
    *t = (struct template){0};
    bool file = strchr(which, '/') || (length > 5 && strcmp(which + length - 5, ".json") == 0);
    char *dir = template_folder(), *name = xasprintf("%s.json", which), *path = file ? xstrdup(which) : file_join(dir, name);
    enum status status;
    if (file || file_exists(path))
        status = file_read(path, FILE_MOST, &bytes, &count, err);
    else if (!file_exists(dir))
        status = not_there(dir, err);
    else
        status = error_set(err, ST_NOT_FOUND, "there is no template '%s'; `assay scene --templates` lists them", which);
    if (status == ST_OK) {
        size_t bom = text_bom(bytes, count);
        json_t *j = json_loadb((const char *)bytes + bom, count - bom, JSON_REJECT_DUPLICATES, &at);
        struct reader reader = {path, err};
        if (!j)
            status = error_set(err, ST_INVALID, "%s line %d: %s", path, at.line, at.text);
        else
            status = read_all(&reader, t, j);
        json_decref(j);
        free(bytes);
    }
    if (status != ST_OK)
        template_clear(t);
    free(path);
    free(name);
    free(dir);
    return status;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

enum status template_names(char ***names, size_t *count, struct error *err)
{
    size_t capacity = 0;
    struct dirent *entry;
    char *path = template_folder();
    DIR *dir = opendir(path);
    enum status status = ST_OK;
    *names = NULL;
    *count = 0;
    if (!dir)
        status = not_there(path, err);
    while (dir && (entry = readdir(dir))) {
        size_t length = strlen(entry->d_name);
        if (length <= 5 || entry->d_name[0] == '.' || strcmp(entry->d_name + length - 5, ".json") != 0)
            continue;
        GROW(*names, capacity, *count + 1);
        (*names)[*count] = xstrdup(entry->d_name);
        (*names)[(*count)++][length - 5] = '\0';
    }
    if (dir)
        closedir(dir);
    if (*count > 0)
        qsort(*names, *count, sizeof **names, by_name);
    free(path);
    return status;
}

enum status template_text(char **text, struct error *err)
{
    char **names;
    size_t count;
    struct strbuf out = {0};
    enum status status = template_names(&names, &count, err);
    for (size_t i = 0; i < count; i++) {
        struct template t;
        if (status == ST_OK)
            status = template_load(names[i], &t, err);
        if (status == ST_OK) {
            strbuf_printf(&out, "%-18s %s  %s\n", t.name, t.title[0], t.title[1]);
            strbuf_printf(&out, "  %s\n  %s\n", t.about[0], t.about[1]);
            strbuf_printf(&out, _("  %zu classes, %zu relations; recall stop %g, key %g, general %g\n"), t.class_count,
                          t.relation_count, t.recall[SEVERITY_STOP], t.recall[SEVERITY_KEY], t.recall[SEVERITY_GENERAL]);
            template_clear(&t);
        }
        free(names[i]);
    }
    free(names);
    if (status == ST_OK)
        *text = out.data ? out.data : xstrdup("");
    else
        strbuf_clear(&out);
    return status;
}

// --- into a project ---------------------------------------------------------------------------

enum status template_ask_recall(struct project *project, int64_t scene, double all, const double recall[SEVERITIES],
                                struct error *err)
{
    json_t *j = json_object();
    if (all > 0)
        json_object_set_new(j, "all", json_real(all));
    for (int s = 0; s < SEVERITIES; s++)
        if (recall[s] > 0)
            json_object_set_new(j, severity_name((enum severity)s), json_real(recall[s]));
    char *text = json_dumps(j, JSON_COMPACT | JSON_REAL_PRECISION(6)), *key = xasprintf("scene.recall.%lld", (long long)scene);
    enum status status = db_setting_set(project->db, key, text, err);
    free(key);
    free(text);
    json_decref(j);
    return status;
}

static enum status apply(struct project *project, const struct template *t, int64_t scene, int64_t person,
                         struct template_report *report, struct error *err)
{
    enum status status = ST_OK;
    char before[16];
    bool added;
    for (size_t i = 0; i < t->class_count && status == ST_OK; i++) {
        status = db_class_offer(project->db, &t->classes[i], t->parents[i], &added, err);
        report->classes += status == ST_OK && added;
    }
    for (size_t i = 0; i < t->relation_count && status == ST_OK; i++) {
        status = db_relation_state(project->db, person, &t->relations[i], true, before, &added, err);
        report->relations += status == ST_OK && added;
    }
    return status == ST_OK && scene ? template_ask_recall(project, scene, 0, t->recall, err) : status;
}

enum status template_apply(struct project *project, const struct template *t, int64_t scene, int64_t person,
                           struct template_report *report, struct error *err)
{
    *report = (struct template_report){0};
    enum status status = db_begin(project->db, err);
    if (status != ST_OK)
        return status;
    char *came = NULL;
    status = db_class_begin(project->db, err);
    if (status == ST_OK)
        status = apply(project, t, scene, person, report, err);
    if (status == ST_OK) {
        came = xasprintf("%s, %zu new classes and %zu relations", t->name, report->classes, report->relations);
        status = db_class_end(project->db, person, "template", came, err);
    }
    free(came);
    if (status == ST_OK)
        return db_commit(project->db, err);
    db_rollback(project->db);
    return status;
}

enum status template_recall(struct project *project, int64_t scene, double *all, double recall[SEVERITIES], struct error *err)
{
    *all = 0;
    char *text, *key = xasprintf("scene.recall.%lld", (long long)scene);
    memset(recall, 0, SEVERITIES * sizeof *recall);
    enum status status = db_setting_get(project->db, key, &text, err);
    free(key);
    if (status != ST_OK || !text)
        return status;
    json_t *j = json_loads(text, 0, NULL);
    *all = json_number_value(json_object_get(j, "all"));
    for (int s = 0; s < SEVERITIES; s++)
        recall[s] = json_number_value(json_object_get(j, severity_name((enum severity)s)));
    json_decref(j);
    free(text);
    return ST_OK;
}
