#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "app/screening.h"
#include "app/similar.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "db/scene.h"

static const double stale_s = 5; // so long a picture without features is not looked for again

struct similar {
    int64_t scene;
    char patch[HASH_HEX];
    struct store *store;
    double opened;
};

void similar_close(struct similar *s)
{
    if (s)
        store_close(s->store);
    free(s);
}

static enum status open_store(struct project *project, int64_t scene, struct similar **similar, struct error *err)
{
    struct scene row;
    struct base_info base;
    struct similar *s = xcalloc(1, sizeof *s);
    s->scene = scene;
    s->opened = clock_seconds();
    enum status status = db_scene_get(project->db, scene, NULL, &row, err);
    if (status == ST_OK) {
        status = screening_patch(project, &row, s->patch, err);
        if (status == ST_OK)
            status = project_base_kept(project, &base, err);
        if (status == ST_OK)
            status = screening_store_reading(project, &base, &row, s->patch, &s->store, err);
        scene_clear(&row);
    }
    if (status != ST_OK) {
        free(s);
        return status;
    }
    similar_close(*similar);
    *similar = s;
    return ST_OK;
}

// Open, and what it has of `picture`.
static enum status look_up(struct similar **similar, struct project *project, const struct picture *picture,
                           struct store_record *record, struct error *err)
{
    struct similar *s = *similar;
    enum status status = ST_OK;
    bool known = s && s->scene == picture->scene && store_get(s->store, picture->id, record);
    if (!known && (!s || s->scene != picture->scene || clock_seconds() - s->opened > stale_s))
        status = open_store(project, picture->scene, similar, err);
    if (status == ST_OK && !known && !store_get((*similar)->store, picture->id, record))
        status = ST_NOT_FOUND;
    if (status == ST_NOT_FOUND)
        return error_set(err, ST_NOT_FOUND, "the features of this picture are not kept (cache/); the next `assay screen` computes them");
    return status;
}

enum status similar_find(struct similar **similar, struct project *project, const struct picture *picture,
                         const int64_t *ids, size_t count, size_t most, int64_t *found, size_t *found_count,
                         struct error *err)
{
    struct store_record query, row;
    *found_count = 0;
    enum status status = look_up(similar, project, picture, &query, err);
    if (status != ST_OK)
        return status;
    const float **rows = xcalloc(count + 1, sizeof *rows);
    size_t *from = xcalloc(count + 1, sizeof *from), kept = 0;
    for (size_t i = 0; i < count && kept < SIMILAR_MOST; i++) {
        if (ids[i] == picture->id || !store_get((*similar)->store, ids[i], &row))
            continue;
        from[kept] = i;
        rows[kept++] = row.embedding;
    }
    struct nearest *near = xcalloc(most + 1, sizeof *near);
    *found_count = nearest_find(query.embedding, rows, kept, store_dim((*similar)->store), most, near);
    for (size_t i = 0; i < *found_count; i++)
        found[i] = ids[from[near[i].row]];
    free(near);
    free(from);
    free(rows);
    return ST_OK;
}
