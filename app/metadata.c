#include "config.h"

#include <regex.h>
#include <stdlib.h>
#include <string.h>

#include "app/add.h"
#include "base/alloc.h"
#include "base/csv.h"
#include "base/file.h"
#include "base/strbuf.h"

static const char *const field_names[META_FIELDS] = {"object", "position", "camera", "time", "group"};

struct row {
    char *path; // as written in the sidecar
    char *fields[META_FIELDS];
};

struct metadata {
    struct row *rows; // sorted by file name, so that a lookup is a search
    size_t count;
    bool has_pattern;
    regex_t pattern;
    int slots[META_FIELDS]; // sub-expression of each field, 0 none
};

static const char *file_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static int by_name(const void *a, const void *b)
{
    const struct row *x = a, *y = b;
    return strcmp(file_name(x->path), file_name(y->path));
}

static char *copy_or_null(const char *text)
{
    return text && text[0] ? xstrdup(text) : NULL;
}

static enum status read_csv(struct metadata *m, const char *file, struct error *err)
{
    struct csv_table table;
    enum status status = csv_read(file, &table, err);
    if (status != ST_OK)
        return status;
    int path = csv_column(&table, "path");
    if (path < 0) {
        csv_clear(&table);
        return error_set(err, ST_INVALID, "%s: has no column 'path'", file);
    }
    m->rows = xcalloc(table.rows + 1, sizeof *m->rows);
    m->count = table.rows;
    for (size_t i = 0; i < table.rows; i++) {
        m->rows[i].path = xstrdup(csv_cell(&table, i, path));
        for (int f = 0; f < META_FIELDS; f++)
            m->rows[i].fields[f] = copy_or_null(csv_cell(&table, i, csv_column(&table, field_names[f])));
    }
    csv_clear(&table);
    return ST_OK;
}

// Text or a number, as text; NULL for anything else.
static char *json_text(const json_t *value)
{
    if (json_is_integer(value))
        return xasprintf("%" JSON_INTEGER_FORMAT, json_integer_value(value));
    if (json_is_real(value))
        return xasprintf("%.10g", json_real_value(value));
    return copy_or_null(json_string_value(value));
}

static enum status read_json(struct metadata *m, const char *file, struct error *err)
{
    json_error_t why;
    json_t *root = json_load_file(file, JSON_REJECT_DUPLICATES, &why);
    if (!json_is_array(root)) {
        json_decref(root);
        return root ? error_set(err, ST_INVALID, "%s: must be an array of objects with a \"path\"", file)
                    : error_set(err, ST_INVALID, "%s: line %d: %s", file, why.line, why.text);
    }
    m->rows = xcalloc(json_array_size(root) + 1, sizeof *m->rows);
    enum status status = ST_OK;
    size_t i;
    json_t *entry;
    json_array_foreach(root, i, entry) {
        const char *path = json_string_value(json_object_get(entry, "path"));
        if (!path) {
            status = error_set(err, ST_INVALID, "%s: entry %zu has no \"path\"", file, i + 1);
            break;
        }
        m->rows[m->count].path = xstrdup(path);
        for (int f = 0; f < META_FIELDS; f++)
            m->rows[m->count].fields[f] = json_text(json_object_get(entry, field_names[f]));
        m->count++;
    }
    json_decref(root);
    return status;
}

// "{object}/{camera}_{position}.jpg" -> an extended regular expression tied to the path's end.
static enum status compile(struct metadata *m, const char *pattern, struct error *err)
{
    struct strbuf sb = {0};
    int slots = 1;
    strbuf_puts(&sb, "(^|/)");
    for (const char *p = pattern; *p; p++) {
        const char *end = *p == '{' ? strchr(p, '}') : NULL;
        if (end) {
            int f = 0;
            while (f < META_FIELDS && (strlen(field_names[f]) != (size_t)(end - p - 1) ||
                                       memcmp(field_names[f], p + 1, (size_t)(end - p - 1)) != 0))
                f++;
            if (f == META_FIELDS || m->slots[f]) {
                strbuf_clear(&sb);
                return error_set(err, ST_INVALID,
                                 "pattern '%s': each of {object} {position} {camera} {time} {group} once, "
                                 "nothing else in braces",
                                 pattern);
            }
            m->slots[f] = ++slots;
            strbuf_puts(&sb, "([^/_]+)");
            p = end;
        } else if (*p == '*') {
            strbuf_puts(&sb, "[^/]*");
        } else {
            if (strchr(".[]()+?^$|\\{}", *p))
                strbuf_puts(&sb, "\\");
            strbuf_add(&sb, p, 1);
        }
    }
    strbuf_puts(&sb, "$");
    int code = regcomp(&m->pattern, sb.data, REG_EXTENDED);
    strbuf_clear(&sb);
    if (code != 0)
        return error_set(err, ST_INVALID, "pattern '%s' cannot be used", pattern);
    m->has_pattern = true;
    return ST_OK;
}

enum status metadata_open(const char *sidecar, const char *pattern, struct metadata **metadata,
                          struct error *err)
{
    struct metadata *m = xcalloc(1, sizeof *m);
    enum status status = ST_OK;
    if (sidecar) {
        size_t n = strlen(sidecar);
        bool json = n > 5 && strcmp(sidecar + n - 5, ".json") == 0;
        status = json ? read_json(m, sidecar, err) : read_csv(m, sidecar, err);
        if (m->count)
            qsort(m->rows, m->count, sizeof *m->rows, by_name);
    }
    if (status == ST_OK && pattern)
        status = compile(m, pattern, err);
    if (status != ST_OK) {
        metadata_free(m);
        return status;
    }
    *metadata = m;
    return ST_OK;
}

void metadata_free(struct metadata *metadata)
{
    if (!metadata)
        return;
    for (size_t i = 0; i < metadata->count; i++) {
        free(metadata->rows[i].path);
        for (int f = 0; f < META_FIELDS; f++)
            free(metadata->rows[i].fields[f]);
    }
    free(metadata->rows);
    if (metadata->has_pattern)
        regfree(&metadata->pattern);
    free(metadata);
}

static bool ends_with_path(const char *path, const char *end)
{
    if (end[0] == '.' && end[1] == '/')
        end += 2;
    size_t n = strlen(path), k = strlen(end);
    return k <= n && strcmp(path + n - k, end) == 0 && (k == n || path[n - k - 1] == '/');
}

void metadata_lookup(const struct metadata *metadata, const char *path, char *fields[META_FIELDS])
{
    memset(fields, 0, META_FIELDS * sizeof *fields);
    if (!metadata)
        return;
    regmatch_t match[META_FIELDS + 2];
    if (metadata->has_pattern &&
        regexec(&metadata->pattern, path, META_FIELDS + 2, match, 0) == 0) {
        for (int f = 0; f < META_FIELDS; f++) {
            const regmatch_t *at = &match[metadata->slots[f]];
            if (metadata->slots[f] && at->rm_so >= 0)
                fields[f] = strndup(path + at->rm_so, (size_t)(at->rm_eo - at->rm_so));
        }
    }
    size_t low = 0, high = metadata->count;
    while (low < high) {
        size_t mid = (low + high) / 2;
        if (strcmp(file_name(metadata->rows[mid].path), file_name(path)) < 0)
            low = mid + 1;
        else
            high = mid;
    }
    for (; low < metadata->count && strcmp(file_name(metadata->rows[low].path), file_name(path)) == 0; low++) {
        const struct row *row = &metadata->rows[low];
        if (!ends_with_path(path, row->path))
            continue;
        for (int f = 0; f < META_FIELDS; f++) {
            if (row->fields[f]) {
                free(fields[f]);
                fields[f] = xstrdup(row->fields[f]);
            }
        }
        return;
    }
}
