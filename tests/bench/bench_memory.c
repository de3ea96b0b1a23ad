// bench_memory PROJECT PICTURES: adds so many pictures to the only scene of a screened project, without files: rows
// that count as looked at, and in the store of features copies of its own pictures' records with a little noise. What
// `assay screen` then does is all of its work but reading pictures.
#include "config.h"

#include <fcntl.h>
#include <glob.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/rng.h"
#include "db/picture.h"
#include "db/project.h"
#include "db/quality.h"
#include "db/scene.h"
#include "screen/store.h"
#include "tests/bench/must.h"

enum { BATCH = 5000, MODELS = 64, KEY_AT = 16, KEY = 200 }; // the key's place in a store's header

static struct error err;

static struct store *open_store(const char *project)
{
    char *pattern = file_join(project, "cache/scene-*.features"), key[KEY + 1] = "";
    struct store *reading, *store;
    glob_t found;
    if (glob(pattern, 0, NULL, &found) != 0 || found.gl_pathc != 1) {
        fprintf(stderr, "bench-memory: %s has not one screened scene\n", project);
        exit(1);
    }
    const char *path = found.gl_pathv[0];
    int fd = open(path, O_RDONLY);
    if (fd < 0 || pread(fd, key, KEY, KEY_AT) != KEY)
        exit(1);
    close(fd);
    must(store_open_reading(path, key, &reading, &err), &err);
    int dim = store_dim(reading);
    store_close(reading);
    must(store_open(path, key, dim, &store, &err), &err);
    must(store_refresh(store, &err), &err);
    globfree(&found);
    free(pattern);
    return store;
}

static int64_t add(struct db *db, int64_t scene, int64_t number, const struct quality *quality)
{
    char path[96], group[32];
    enum picture_outcome outcome;
    int64_t id;
    snprintf(path, sizeof path, "/camera/%" PRId64 "/%04" PRId64 "/%09" PRId64 ".jpg", scene, number / 1000, number);
    snprintf(group, sizeof group, "wagon-%" PRId64, number / 8);
    struct picture_new p = {.scene = scene, .path = path, .bytes = 300000 + (uint64_t)number, .mtime_ns = number,
                            .width = 1920, .height = 1080, .channels = 3, .format = "jpeg", .group = group};
    hash_bytes(&number, sizeof number, p.sha256);
    must(db_picture_add(db, &p, &id, &outcome, &err), &err);
    must(db_quality_set(db, id, quality, &err), &err);
    return id;
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "usage: bench_memory PROJECT PICTURES\n");
        return 2;
    }
    char *path = file_join(argv[1], "project.db");
    struct db *db;
    struct scene *scenes;
    struct quality_row *rows;
    size_t scene_count, count;
    must(db_open(path, &db, &err), &err);
    must(db_scene_list(db, &scenes, &scene_count, &err), &err);
    must(db_quality_page(db, scenes[0].id, 0, MODELS, &rows, &count, &err), &err);
    struct store *store = open_store(argv[1]);
    int dim = store_dim(store);
    float *noisy = xcalloc((size_t)dim, sizeof *noisy);
    struct rng rng = rng_seed(1);
    int64_t wanted = strtoll(argv[2], NULL, 10);
    for (int64_t at = 0; at < wanted;) {
        must(db_begin(db, &err), &err);
        for (int64_t end = at + BATCH; at < end && at < wanted; at++) {
            const struct quality_row *like = &rows[rng_below(&rng, count)];
            struct store_record record;
            if (!store_get(store, like->picture, &record))
                continue;
            record.id = add(db, scenes[0].id, at, &like->quality);
            for (int j = 0; j < dim; j++)
                noisy[j] = record.embedding[j] * (float)(1 + 0.05 * (rng_uniform(&rng) - 0.5));
            record.embedding = noisy;
            for (int d = 0; d < DETECTORS_MEASURED; d++)
                record.measures[d] *= (float)(1 + 0.1 * rng_uniform(&rng));
            must(store_append(store, &record, &err), &err);
        }
        must(db_commit(db, &err), &err);
    }
    must(store_flush(store, &err), &err);
    store_close(store);
    db_close(db);
    return 0;
}
