#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "app/add.h"
#include "base/alloc.h"
#include "base/file.h"
#include "base/text.h"
#include "db/class.h"
#include "db/label.h"
#include "db/person.h"
#include "db/picture.h"
#include "db/project.h"

// --- folder layouts -------------------------------------------------------------

static bool has_suffix(const char *name, const char *suffix)
{
    size_t n = strlen(name), k = strlen(suffix);
    return n > k && strcasecmp(name + n - k, suffix) == 0;
}

// .../test/crack/007.png -> .../ground_truth/crack/007_mask.png or 007.png
static char *mask_below_ground_truth(const char *picture)
{
    const char *cut[3], *end = picture + strlen(picture); // the last three slashes, from the right
    for (int i = 0; i < 3; i++) {
        while (end > picture && *end != '/')
            end--;
        if (end == picture)
            return NULL;
        cut[i] = end--;
    }
    const char *dot = strrchr(cut[0], '.');
    int stem = (int)((dot ? dot : picture + strlen(picture)) - cut[1]);
    static const char *const ends[] = {"_mask.png", ".png"};
    for (int i = 0; i < 2; i++) {
        char *mask = xasprintf("%.*s/ground_truth%.*s%s", (int)(cut[2] - picture), picture, stem, cut[1], ends[i]);
        if (file_exists(mask))
            return mask;
        free(mask);
    }
    return NULL;
}

char *layout_mask(const char *picture)
{
    if (has_suffix(picture, ".jpg") || has_suffix(picture, ".jpeg")) {
        char *mask = xasprintf("%.*s.png", (int)(strrchr(picture, '.') - picture), picture);
        if (file_exists(mask))
            return mask;
        free(mask);
    }
    return mask_below_ground_truth(picture);
}

bool layout_is_mask(const char *path)
{
    static const char *const endings[] = {"jpg", "jpeg", "JPG"};
    if (strstr(path, "/ground_truth/"))
        return true;
    bool mask = false;
    for (size_t i = 0; i < sizeof endings / sizeof *endings && !mask && has_suffix(path, ".png"); i++) {
        char *jpeg = xasprintf("%.*s.%s", (int)(strrchr(path, '.') - path), path, endings[i]);
        mask = file_exists(jpeg);
        free(jpeg);
    }
    return mask;
}

char *layout_kind(const char *path, size_t root)
{
    static const char *const containers[] = {"imgs", "images", "img", "train", "test"};
    const char *end = strrchr(path, '/');
    while (end && end > path + root) {
        const char *start = end - 1;
        while (start > path && *start != '/')
            start--;
        char *name = strndup(start + 1, (size_t)(end - start - 1));
        bool container = false;
        for (size_t i = 0; i < sizeof containers / sizeof *containers; i++)
            container |= strcasecmp(name, containers[i]) == 0;
        if (!container)
            return name;
        free(name);
        end = start;
    }
    return NULL;
}

// --- known answers --------------------------------------------------------------

enum status truth_store(struct project *p, int64_t picture, enum verdict verdict, const char *kind,
                        const char *severity, const char *mask, bool *added, struct error *err)
{
    int64_t person, class_id;
    enum status status = db_person_ensure(p->db, "import", &person, err);
    if (status == ST_OK && verdict == VERDICT_DEFECT && kind[0])
        status = db_class_ensure(p->db, kind, severity[0] ? severity : "general", &class_id, err);
    struct label label = {.picture = picture, .person = person, .role = "import", .source = LABEL_TRUTH,
                          .verdict = verdict, .class_name = verdict == VERDICT_DEFECT ? kind : "",
                          .severity = verdict == VERDICT_DEFECT ? severity : "", .regions = "", .note = ""};
    return status == ST_OK ? db_truth_add(p->db, &label, mask ? mask : "", added, err) : status;
}

enum status truth_picture(const struct project *p, const char *path, const char *folder, int64_t *picture, struct error *err)
{
    char *joined = file_join(folder, path), *full = realpath(joined, NULL);
    enum status status = full ? db_picture_find(p->db, full, picture, err) : ST_NOT_FOUND;
    if (status == ST_NOT_FOUND)
        status = db_picture_find(p->db, path, picture, err);
    free(joined);
    free(full);
    return status;
}

// Fill row->picture.
static enum status find_picture(const struct project *p, const char *path, const char *file, const char *folder,
                                struct truth_row *row, struct error *err)
{
    enum status status = truth_picture(p, path, folder, &row->picture, err);
    if (status == ST_NOT_FOUND)
        status = error_set(err, ST_NOT_FOUND, "%s: line %zu: %s is not a picture of this project; add it first",
                           file, row->line, path);
    return status;
}

static enum status read_row(const struct project *p, const struct csv_table *t, size_t i, const char *file,
                            const char *folder, struct truth_row *row, struct error *err)
{
    const char *mask = csv_cell(t, i, csv_column(t, "mask"));
    *row = (struct truth_row){.line = t->lines[i],
                              .kind = csv_cell(t, i, csv_column(t, "class")),
                              .severity = csv_cell(t, i, csv_column(t, "severity")),
                              .group = csv_cell(t, i, csv_column(t, "group"))};
    if (!verdict_parse(csv_cell(t, i, csv_column(t, "verdict")), &row->verdict) ||
        (row->verdict != VERDICT_NORMAL && row->verdict != VERDICT_DEFECT))
        return error_set(err, ST_INVALID, "%s: line %zu: verdict must be normal or defect (unsure or empty is passed over)", file, row->line);
    if (row->severity[0] && !severity_known(row->severity))
        return error_set(err, ST_INVALID, "%s: line %zu: severity must be stop, key or general", file, row->line);
    if (!text_is_utf8(row->kind))
        return error_set(err, ST_INVALID, "%s: line %zu: the class is not UTF-8 text; save the table as UTF-8", file, row->line);
    row->mask = mask[0] ? file_join(folder, mask) : NULL;
    return find_picture(p, csv_cell(t, i, csv_column(t, "path")), file, folder, row, err);
}

enum status truth_read(const struct project *project, const char *file, struct truth *truth, struct error *err)
{
    *truth = (struct truth){0};
    enum status status = csv_read(file, &truth->table, err);
    if (status != ST_OK)
        return status;
    if (csv_column(&truth->table, "path") < 0 || csv_column(&truth->table, "verdict") < 0)
        status = error_set(err, ST_INVALID, "%s: needs the columns path and verdict", file);
    char *folder = truth_folder(file);
    truth->rows = xcalloc(truth->table.rows + 1, sizeof *truth->rows);
    for (size_t i = 0; i < truth->table.rows && status == ST_OK; i++) {
        const char *verdict = csv_cell(&truth->table, i, csv_column(&truth->table, "verdict"));
        if (!verdict[0] || strcmp(verdict, "unsure") == 0) // as `assay export` writes what is not answered
            truth->passed++;
        else
            status = read_row(project, &truth->table, i, file, folder, &truth->rows[truth->count++], err);
    }
    free(folder);
    if (status != ST_OK)
        truth_clear(truth);
    return status;
}

char *truth_folder(const char *file)
{
    const char *slash = strrchr(file, '/');
    return slash ? strndup(file, slash == file ? 1 : (size_t)(slash - file)) : xstrdup(".");
}

void truth_clear(struct truth *truth)
{
    for (size_t i = 0; i < truth->count; i++)
        free(truth->rows[i].mask);
    free(truth->rows);
    csv_clear(&truth->table);
    *truth = (struct truth){0};
}

static enum status store_row(struct project *p, const struct truth_row *row, struct add_report *r, struct error *err)
{
    bool added = false;
    enum status status = truth_store(p, row->picture, row->verdict, row->kind, row->severity, row->mask, &added, err);
    if (status == ST_OK && row->group[0])
        status = db_picture_set_group(p->db, row->picture, row->group, err);
    r->truths += added;
    return status;
}

enum status add_truth(struct project *project, const char *file, struct add_report *report, struct error *err)
{
    struct truth truth;
    enum status status = truth_read(project, file, &truth, err);
    if (status != ST_OK)
        return status;
    report->passed = (int64_t)truth.passed;
    // all rows or none: a file with one wrong line changes nothing
    status = db_begin(project->db, err);
    if (status == ST_OK) {
        for (size_t i = 0; i < truth.count && status == ST_OK; i++)
            status = store_row(project, &truth.rows[i], report, err);
        if (status == ST_OK)
            status = db_commit(project->db, err);
        else
            db_rollback(project->db);
    }
    truth_clear(&truth);
    return status;
}
