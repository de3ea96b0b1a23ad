#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/rng.h"
#include "db/label.h"
#include "db/person.h"
#include "db/picture.h"
#include "db/project.h"
#include "db/queue.h"
#include "db/revision.h"
#include "db/scene.h"
#include "tests/bench/big.h"
#include "tests/bench/must.h"

enum { BATCH = 5000, TRUTH_SHARE = 10, CLASSES = 40, PEOPLE = 3 };

static struct error err;

static void add_picture(struct db *db, int64_t scene, int64_t number)
{
    char path[96], group[32];
    enum picture_outcome outcome;
    int64_t id;
    snprintf(path, sizeof path, "/camera/%" PRId64 "/%04" PRId64 "/%09" PRId64 ".jpg", scene, number / 1000, number);
    snprintf(group, sizeof group, "wagon-%" PRId64, number / 8);
    struct picture_new p = {.scene = scene, .path = path, .bytes = 300000 + (uint64_t)number, .mtime_ns = number,
                            .width = 1920, .height = 1080, .channels = 3, .format = "jpeg", .group = group,
                            .camera = "left", .taken = "2026-01-01T00:00:00"};
    hash_bytes(&number, sizeof number, p.sha256);
    if (number % 5000 == 17)
        p.unreadable = "the file ends early";
    must(db_picture_add(db, &p, &id, &outcome, &err), &err);
}

static void add_pictures(struct db *db, int64_t scene, int64_t first, int64_t count)
{
    for (int64_t i = 0; i < count; i += BATCH) {
        must(db_begin(db, &err), &err);
        for (int64_t k = i; k < i + BATCH && k < count; k++)
            add_picture(db, scene, first + k);
        must(db_commit(db, &err), &err);
    }
}

static void import_answers(struct db *db, const struct picture *rows, size_t count)
{
    int64_t person;
    bool added;
    must(db_person_ensure(db, "import", &person, &err), &err);
    for (size_t i = 0; i < count; i++) {
        if (rows[i].id % TRUTH_SHARE)
            continue;
        struct label l = {.picture = rows[i].id, .person = person, .role = "import", .source = LABEL_TRUTH,
                          .verdict = VERDICT_NORMAL, .class_name = "", .severity = ""};
        must(db_truth_add(db, &l, "", &added, &err), &err);
    }
}

static void screen_scene(struct db *db, int64_t scene, double flag_rate)
{
    struct revision r = {.scene = scene, .threshold = 2.4, .flag_rate = flag_rate, .believed = 1};
    struct rng rng = rng_seed((uint64_t)scene);
    struct score_new *scores = xcalloc(BATCH, sizeof *scores);
    struct heat heat = {.rows = 24, .cols = 32};
    int64_t id, after = 0;
    must(db_revision_begin(db, &r, &id, &err), &err);
    for (;;) {
        struct picture *rows;
        size_t count;
        must(db_picture_page(db, scene, false, after, BATCH, &rows, &count, &err), &err);
        for (size_t i = 0; i < count; i++) {
            double score = 10 * rng_uniform(&rng);
            scores[i] = (struct score_new){.picture = rows[i].id, .score = {.score = score},
                                           .flagged = score > 10 * (1 - flag_rate), .heat = &heat};
            after = rows[i].id;
        }
        must(db_begin(db, &err), &err);
        must(db_revision_scores(db, id, scores, count, &err), &err);
        import_answers(db, rows, count);
        must(db_commit(db, &err), &err);
        for (size_t i = 0; i < count; i++)
            picture_clear(&rows[i]);
        free(rows);
        if (count < BATCH)
            break;
    }
    free(scores);
    double started = clock_seconds();
    must(db_revision_finish(db, id, &err), &err);
    fprintf(stderr, "scene %" PRId64 ": revision active after %.0f ms\n", scene, 1000 * (clock_seconds() - started));
}

// Every fourth flagged one stays open, in the order of the scores.
static void answer(struct db *db, int64_t scene)
{
    static const char *const names[PEOPLE] = {"Ann", "Bob", "Wang Fang"}, *const severities[] = {"general", "key", "stop"};
    int64_t people[PEOPLE], *ids, event;
    size_t count;
    for (int i = 0; i < PEOPLE; i++)
        must(db_person_ensure(db, names[i], &people[i], &err), &err);
    must(db_queue_ids(db, "fill", scene, 1000000, &ids, &count, &err), &err);
    must(db_begin(db, &err), &err);
    for (size_t i = 0; i < count; i++) {
        char name[32] = "";
        bool defect = i % 40 == 1;
        if (i % BIG_ANSWERED == 0)
            continue;
        if (defect)
            snprintf(name, sizeof name, "class %02zu", i / 40 % CLASSES);
        struct label l = {.picture = ids[i], .person = people[i % PEOPLE], .role = "inspector", .took_ms = 900, .class_name = name,
                          .verdict = defect ? VERDICT_DEFECT : i % 100 == 2 ? VERDICT_UNSURE : VERDICT_NORMAL,
                          .severity = defect ? severities[i / 40 % 3] : ""};
        must(db_label_add(db, &l, &event, &err), &err);
    }
    must(db_commit(db, &err), &err);
    free(ids);
}

void big_fill(const char *file, int64_t pictures, int64_t flagged)
{
    struct db *db;
    must(db_open(file, &db, &err), &err);
    for (int s = 0; s < BIG_SCENES; s++) {
        char name[32];
        int64_t scene, part = pictures / BIG_SCENES + (s < pictures % BIG_SCENES);
        snprintf(name, sizeof name, "scene%d", s + 1);
        must(db_scene_ensure(db, name, &scene, &err), &err);
        add_pictures(db, scene, s * (pictures / BIG_SCENES + 1), part);
        screen_scene(db, scene, (double)flagged / (double)pictures);
        answer(db, scene);
    }
    db_close(db);
}
