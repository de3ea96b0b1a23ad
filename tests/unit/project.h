// A project's database for a test program: made in a fresh folder, with what was added and screened.
#ifndef TESTS_UNIT_PROJECT_H
#define TESTS_UNIT_PROJECT_H

#include "base/file.h"
#include "base/hash.h"
#include "db/picture.h"
#include "db/project.h"
#include "db/revision.h"
#include "tests/unit/test.h"

// The folder and the database in it, both the caller's: remove_project.
static inline struct db *make_project(char **dir, char **path)
{
    struct db *db;
    struct error err;
    char name[] = "/tmp/assay-test-XXXXXX";
    assert_non_null(mkdtemp(name));
    *dir = xstrdup(name);
    *path = file_join(name, "project.db");
    assert_ok(db_create(*path, &db, &err), &err);
    return db;
}

static inline int remove_project(char *dir, char *path, struct db *db)
{
    db_close(db);
    int failed = remove_tree(dir);
    free(path);
    free(dir);
    return failed;
}

// Its content is told by the number.
static inline struct picture_new numbered_picture(int64_t scene, const char *path, int number)
{
    struct picture_new p = {.scene = scene, .path = path, .bytes = 100, .mtime_ns = number, .width = 4, .height = 3,
                            .channels = 1, .format = "png"};
    hash_bytes(&number, sizeof number, p.sha256);
    return p;
}

static inline int64_t add_picture(struct db *db, const struct picture_new *p, enum picture_outcome want)
{
    struct error err;
    enum picture_outcome outcome;
    int64_t id;
    assert_ok(db_picture_add(db, p, &id, &outcome, &err), &err);
    assert_int_equal(outcome, want);
    return id;
}

// A finished revision of these pictures: scores from `best` falling by `step`, the first `flagged` of them flagged.
static inline int64_t add_revision(struct db *db, const struct revision *r, const int64_t *pictures, int count, int flagged,
                                   double best, double step)
{
    struct error err;
    struct score_new *scores = xcalloc((size_t)count, sizeof *scores);
    int64_t id;
    for (int i = 0; i < count; i++)
        scores[i] = (struct score_new){.picture = pictures[i], .score = {.score = best - i * step}, .flagged = i < flagged};
    assert_ok(db_revision_begin(db, r, &id, &err), &err);
    assert_ok(db_revision_scores(db, id, scores, (size_t)count, &err), &err);
    assert_ok(db_revision_finish(db, id, &err), &err);
    free(scores);
    return id;
}

#endif
