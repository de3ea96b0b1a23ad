#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "app/trained.h"
#include "base/alloc.h"
#include "base/file.h"
#include "base/intl.h"

static const char *advice(enum trained_use use)
{
    switch (use) {
    case TRAINED_SCORE:
        return N_("put it back from a backup, or go on without it: `assay rollback` where it is active, else `assay train`");
    case TRAINED_BEGIN:
        return N_("put it back from a backup, or begin from another (`assay train --from`) or from nothing (`--alone`)");
    case TRAINED_PROMOTE:
        return N_("put it back from a backup, or promote another (`assay models` shows them); what is active stays");
    case TRAINED_BACK:
        return N_("put it back from a backup, or promote another (`assay promote MODEL`); what is active stays");
    }
    return "";
}

// The path last: on the screen a line ends where the screen does.
static enum status check(const char *path, const char *sha256, enum trained_use use, struct error *err)
{
    char found[HASH_HEX];
    if (!file_exists(path))
        return error_set(err, ST_NOT_FOUND, "trained model %.12s: its file is missing; %s (%s)", sha256, _(advice(use)), path);
    enum status status = hash_file(path, found, NULL, err);
    if (status == ST_OK && strcmp(found, sha256) != 0)
        return error_set(err, ST_CORRUPT, "trained model %.12s: its file was altered; %s (%s)", sha256, _(advice(use)), path);
    return status;
}

enum status trained_check(const struct project *project, const char *sha256, enum trained_use use, struct error *err)
{
    char *path = project_model(project, sha256);
    enum status status = check(path, sha256, use, err);
    free(path);
    return status;
}

enum status trained_open(const struct project *project, const char *sha256, enum trained_use use, const struct net *net,
                         struct adapt_model **model, struct error *err)
{
    char *path = project_model(project, sha256);
    struct error why;
    enum status status = adapt_open(path, net, model, err); // hashes it, and its name is its hash
    if (status != ST_OK && check(path, sha256, use, &why) != ST_OK) {
        *err = why;
        status = why.code;
    }
    free(path);
    return status;
}

size_t trained_named(const struct model_row *rows, size_t count, const char *digits, int64_t scene, const struct model_row **newest)
{
    size_t n = strlen(digits), found = 0;
    *newest = NULL;
    for (size_t i = 0; i < count && n >= MODEL_DIGITS; i++) {
        if (strncmp(rows[i].sha256, digits, n) != 0 || (scene && rows[i].scene != scene))
            continue;
        found += !*newest || strcmp((*newest)->sha256, rows[i].sha256) != 0;
        *newest = &rows[i];
    }
    return found;
}

char *trained_share(const struct model_row *row)
{
    json_t *notes = json_loads(row->notes, 0, NULL);
    double adapter = json_number_value(json_object_get(notes, "adapter_parameters"));
    double base = json_number_value(json_object_get(notes, "base_parameters"));
    char *text = xasprintf(_("adapter %.0f numbers (%.1f %% of the base), heads %.0f"), adapter, base > 0 ? 100 * adapter / base : 0,
                           json_number_value(json_object_get(notes, "head_parameters")));
    json_decref(notes);
    return text;
}
