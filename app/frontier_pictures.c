#include "config.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "app/frontier.h"
#include "base/alloc.h"
#include "base/parallel.h"
#include "base/rng.h"
#include "base/strbuf.h"
#include "db/export.h"
#include "db/label.h"
#include "db/picture.h"
#include "db/scene.h"
#include "image/demo.h"
#include "image/resize.h"

enum { DEMO_SEED = 70001, SIDE_MOST = 512, SIDE_LEAST = 32 };

void frontier_pictures_demo(struct frontier_pictures *p)
{
    _Static_assert((int)DEMO_SCENES <= (int)FRONTIER_SCENES, "the demo has more scenes than are compared on");
    *p = (struct frontier_pictures){.count = DEMO_SCENES};
    snprintf(p->text, sizeof p->text, "the demo's pictures");
    frontier_demo(DEMO_SEED, parallel_cores(), p->scenes);
}

void frontier_pictures_clear(struct frontier_pictures *p)
{
    for (int i = 0; i < p->count; i++)
        frontier_scene_clear(&p->scenes[i]);
    *p = (struct frontier_pictures){0};
}

// ---- a project's ----

struct drawn {
    int64_t id;
    uint64_t group;
    char sha256[HASH_HEX];
};

struct sample { // of a scene's pictures believed normal
    const struct scene *scene;
    struct drawn rows[FRONTIER_MOST];
    size_t count, seen;
    struct rng rng;
};

static uint64_t name_hash(const char *text)
{
    uint64_t h = 0xcbf29ce484222325u; // FNV-1a
    for (; *text; text++)
        h = (h ^ (unsigned char)*text) * 0x100000001b3u;
    return h;
}

// Reservoir sampling (Vitter 1985, algorithm R).
static enum status draw(void *context, const struct export_row *row, struct error *err)
{
    (void)err;
    struct sample *s = context;
    enum verdict known = row->verdict != VERDICT_NONE ? row->verdict : row->truth;
    if ((row->unreadable && row->unreadable[0]) || (known != VERDICT_NONE && known != VERDICT_NORMAL))
        return ST_OK;
    size_t at = s->count < FRONTIER_MOST ? s->count++ : (size_t)rng_below(&s->rng, s->seen + 1);
    s->seen++;
    if (at >= FRONTIER_MOST)
        return ST_OK;
    struct drawn *d = &s->rows[at];
    *d = (struct drawn){.id = row->picture, .group = name_hash(row->group ? row->group : "")};
    snprintf(d->sha256, sizeof d->sha256, "%s", row->sha256 ? row->sha256 : "");
    return ST_OK;
}

static int by_id(const void *left, const void *right)
{
    const struct drawn *a = left, *b = right;
    return (a->id > b->id) - (a->id < b->id);
}

static int most_first(const void *left, const void *right)
{
    const struct sample *a = left, *b = right;
    if (a->seen != b->seen)
        return (a->seen < b->seen) - (a->seen > b->seen);
    return (a->scene->id > b->scene->id) - (a->scene->id < b->scene->id);
}

struct loading {
    const struct project *project;
    const struct scene *scene;
    char **paths;
    struct image *images; // empty: unreadable now, or too small
    size_t count;
    int threads;
};

static void load_one(const struct loading *l, size_t i)
{
    struct image whole, region;
    const double *roi = l->scene->settings.roi;
    if (image_load(l->paths[i], &l->project->limits, SIDE_MOST, SIDE_MOST, &whole, NULL, NULL) != ST_OK)
        return;
    int x = (int)(roi[0] * whole.width), y = (int)(roi[1] * whole.height);
    int w = (int)ceil(roi[2] * whole.width) - x, h = (int)ceil(roi[3] * whole.height) - y;
    image_crop(&whole, x, y, w, h, &region);
    image_clear(&whole);
    double factor = (double)SIDE_MOST / (w > h ? w : h);
    if (factor < 1) {
        struct image large = region;
        w = (int)fmax(1, round(w * factor));
        h = (int)fmax(1, round(h * factor));
        image_resize(&large, w, h, &region);
        image_clear(&large);
    }
    if (w < SIDE_LEAST || h < SIDE_LEAST)
        image_clear(&region);
    l->images[i] = region;
}

static void load_some(void *context, int worker)
{
    const struct loading *l = context;
    for (size_t i = (size_t)worker; i < l->count; i += (size_t)l->threads)
        if (!stop_asked(NULL))
            load_one(l, i);
}

static enum status load(const struct project *project, struct sample *s, struct frontier_scene *out,
                        struct strbuf *contents, struct error *err)
{
    struct loading l = {
        .project = project, .scene = s->scene, .count = s->count, .threads = parallel_cores()};
    enum status status = ST_OK;
    l.paths = xcalloc(s->count + 1, sizeof *l.paths);
    l.images = xcalloc(s->count + 1, sizeof *l.images);
    *out = (struct frontier_scene){.squash = s->scene->settings.squash};
    out->pictures = xcalloc(s->count + 1, sizeof *out->pictures);
    out->groups = xcalloc(s->count + 1, sizeof *out->groups);
    snprintf(out->name, sizeof out->name, "%s", s->scene->name);
    qsort(s->rows, s->count, sizeof *s->rows, by_id);
    for (size_t i = 0; i < s->count && status == ST_OK; i++) {
        struct picture row;
        status = db_picture_get(project->db, s->rows[i].id, &row, err);
        if (status != ST_OK)
            break;
        l.paths[i] = project_picture(project, &row);
        picture_clear(&row);
    }
    if (status == ST_OK)
        parallel_run(l.threads, load_some, &l);
    if (status == ST_OK && stop_asked(NULL))
        status = error_set(err, ST_CANCELLED, "stopped");
    strbuf_printf(contents, "%s", s->scene->name);
    for (size_t i = 0; i < s->count; i++) {
        free(l.paths[i]);
        if (!l.images[i].pixels)
            continue;
        strbuf_printf(contents, " %s", s->rows[i].sha256);
        out->groups[out->count] = s->rows[i].group;
        out->pictures[out->count++] = l.images[i];
    }
    free(l.images);
    free(l.paths);
    return status;
}

static enum status take_scenes(const struct project *project, struct sample *samples, size_t count,
                               struct frontier_pictures *p, struct error *err)
{
    struct strbuf contents = {0};
    enum status status = ST_OK;
    qsort(samples, count, sizeof *samples, most_first);
    for (size_t i = 0; i < count && p->count < FRONTIER_SCENES && status == ST_OK; i++) {
        if (samples[i].count < FRONTIER_LEAST)
            continue;
        struct frontier_scene *scene = &p->scenes[p->count++];
        status = load(project, &samples[i], scene, &contents, err);
        if (status == ST_OK && scene->count < FRONTIER_LEAST)
            frontier_scene_clear(&p->scenes[--p->count]);
    }
    if (status == ST_OK && p->count == 0)
        status = error_set(
            err, ST_INVALID,
            "%s: no scene has %d readable pictures believed normal; add more, or compare on the demo's",
            project->dir, FRONTIER_LEAST);
    if (status == ST_OK) {
        char hash[HASH_HEX];
        hash_bytes(contents.data, contents.len, hash);
        size_t pictures = 0;
        for (int i = 0; i < p->count; i++)
            pictures += p->scenes[i].count;
        snprintf(p->text, sizeof p->text,
                 p->count == 1 ? "%zu pictures of %d scene of a project (%.12s)" : "%zu pictures of %d scenes of a project (%.12s)",
                 pictures, p->count, hash);
    }
    strbuf_clear(&contents);
    return status;
}

enum status frontier_pictures_open(const char *dir, struct frontier_pictures *p, struct error *err)
{
    struct project project;
    struct scene *scenes = NULL;
    size_t count = 0;
    *p = (struct frontier_pictures){0};
    enum status status = project_open(dir, &project, err);
    if (status != ST_OK)
        return status;
    status = db_scene_list(project.db, &scenes, &count, err);
    struct sample *samples = xcalloc(count + 1, sizeof *samples);
    for (size_t i = 0; i < count && status == ST_OK; i++) {
        samples[i].scene = &scenes[i];
        samples[i].rng = rng_seed((uint64_t)scenes[i].id);
        status = db_export(project.db, scenes[i].id, draw, &samples[i], err);
    }
    if (status == ST_OK)
        status = take_scenes(&project, samples, count, p, err);
    free(samples);
    for (size_t i = 0; i < count; i++)
        scene_clear(&scenes[i]);
    free(scenes);
    project_close(&project);
    if (status != ST_OK)
        frontier_pictures_clear(p);
    return status;
}
