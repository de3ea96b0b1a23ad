#include "config.h"

#include <stdlib.h>

#include "app/screening.h"
#include "base/alloc.h"
#include "db/project.h"
#include "db/revision.h"
#include "db/scene.h"
#include "screen/model.h"

static char *key_of(const struct scene *scene)
{
    return xasprintf("scene.%lld.alone", (long long)scene->id);
}

enum status screening_alone(struct project *project, const struct scene *scene, double *share,
                            struct error *err)
{
    char *key = key_of(scene), *value = NULL, *end = NULL;
    enum status status = db_setting_get(project->db, key, &value, err);
    *share = status == ST_OK && value && value[0] ? strtod(value, &end) : SCREEN_ALONE;
    if (status == ST_OK && end && (*end || !(*share >= 0 && *share <= 0.9)))
        status = error_set(err, ST_CORRUPT, "setting %s is '%s'; set it again with `assay scene --alone`",
                           key, value);
    free(value);
    free(key);
    return status;
}

enum status screening_set_alone(struct project *project, const struct scene *scene, double share,
                                struct error *err)
{
    char *key = key_of(scene), value[32];
    snprintf(value, sizeof value, "%.6g", share);
    enum status status = db_setting_set(project->db, key, value, err);
    free(key);
    return status;
}

enum status screening_alone_json(struct project *project, int64_t revision, json_t **json, struct error *err)
{
    int64_t counts[DETECTORS];
    enum status status = db_revision_alone(project->db, revision, counts, err);
    if (status != ST_OK)
        return status;
    *json = json_object();
    for (int d = 0; d < DETECTORS; d++)
        if (counts[d])
            json_object_set_new(*json, detector_name((enum detector)d), json_integer(counts[d]));
    return ST_OK;
}
