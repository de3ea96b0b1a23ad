#include "config.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "app/poor.h"
#include "app/progress.h"
#include "base/alloc.h"
#include "base/parallel.h"
#include "base/text.h"
#include "db/label.h"
#include "db/picture.h"
#include "db/project.h"
#include "db/quality.h"

enum { PAGE = 256, LEARN = 20000 }; // pictures that what is usual is learnt from: the latest

// ---- pictures that were added before there was a measure ----

struct measuring {
    const struct project *project;
    char **paths;
    struct quality *quality;
    bool *good;
    size_t count;
    atomic_size_t next;
};

static void measure_some(void *context, int worker)
{
    (void)worker;
    struct measuring *m = context;
    for (size_t i; (i = atomic_fetch_add(&m->next, 1)) < m->count;) {
        struct image image;
        struct error unread; // a picture that cannot be read any more is told when it is to be scored
        if (image_load(m->paths[i], &m->project->limits, QUALITY_SIDE, QUALITY_SIDE, &image, NULL, &unread) !=
            ST_OK)
            continue;
        quality_measure(&image, &m->quality[i]);
        m->good[i] = true;
        image_clear(&image);
    }
}

static enum status measure_page(struct project *p, const int64_t *ids, size_t count, int threads,
                                struct error *err)
{
    struct measuring m = {.project = p, .count = count};
    enum status status = ST_OK;
    m.paths = xcalloc(count, sizeof *m.paths);
    m.quality = xcalloc(count, sizeof *m.quality);
    m.good = xcalloc(count, sizeof *m.good);
    for (size_t i = 0; i < count && status == ST_OK; i++) {
        struct picture row;
        status = db_picture_get(p->db, ids[i], &row, err);
        if (status != ST_OK)
            break;
        m.paths[i] = project_picture(p, &row);
        picture_clear(&row);
    }
    if (status == ST_OK) {
        parallel_run(threads, measure_some, &m);
        status = db_begin(p->db, err);
        for (size_t i = 0; i < count && status == ST_OK; i++)
            if (m.good[i])
                status = db_quality_set(p->db, ids[i], &m.quality[i], err);
        if (status == ST_OK)
            status = db_commit(p->db, err);
        else
            db_rollback(p->db);
    }
    for (size_t i = 0; i < count; i++)
        free(m.paths[i]);
    free(m.paths);
    free(m.quality);
    free(m.good);
    return status;
}

static enum status measure_missing(struct project *p, const struct scene *scene, int threads, bool quiet,
                                   struct error *err)
{
    struct progress progress;
    char *what = xasprintf(_("measuring %s"), scene->name);
    enum status status = ST_OK;
    size_t count = 1;
    int64_t done = 0, after = 0;
    progress_start(&progress, what, 0, quiet);
    while (status == ST_OK && count > 0) {
        int64_t *ids;
        status = db_quality_missing(p->db, scene->id, after, PAGE, &ids, &count, err);
        if (status == ST_OK && count > 0) {
            after = ids[count - 1];
            status = measure_page(p, ids, count, threads, err);
            progress_step(&progress, done += (int64_t)count);
        }
        free(ids);
        if (status == ST_OK && count > 0 && stop_asked(NULL))
            status = error_set(err, ST_CANCELLED, "stopped; run it again and it goes on from here");
    }
    progress_end(&progress);
    free(what);
    return status;
}

// ---- learning and judging ----

struct all {
    struct quality_row *rows;
    size_t count, capacity;
};

static enum status load(struct project *p, const struct scene *scene, struct all *all, struct error *err)
{
    enum status status = ST_OK;
    size_t count = 1;
    while (status == ST_OK && count > 0) {
        struct quality_row *rows;
        int64_t after = all->count ? all->rows[all->count - 1].picture : 0;
        status = db_quality_page(p->db, scene->id, after, 4096, &rows, &count, err);
        if (status == ST_OK && count > 0) {
            GROW(all->rows, all->capacity, all->count + count);
            memcpy(all->rows + all->count, rows, count * sizeof *rows);
            all->count += count;
        }
        free(rows);
    }
    return status;
}

static void learn(const struct all *all, struct quality_range *range)
{
    size_t first = all->count > LEARN ? all->count - LEARN : 0, count = all->count - first;
    struct quality *latest = xcalloc(count + 1, sizeof *latest);
    for (size_t i = 0; i < count; i++)
        latest[i] = all->rows[first + i].quality;
    quality_learn(latest, count, range);
    free(latest);
}

static enum status judge_all(struct project *p, const struct all *all, const struct quality_range *range,
                             struct error *err)
{
    enum status status = ST_OK;
    for (size_t at = 0; at < all->count && status == ST_OK;) {
        size_t end = at + 2000 < all->count ? at + 2000 : all->count;
        status = db_begin(p->db, err);
        for (; at < end && status == ST_OK; at++) {
            const struct quality_row *row = &all->rows[at];
            char why[QUALITY_WHY] = "";
            bool aside;
            enum poor poor = row->known ? POOR_NOT : quality_judge(&row->quality, range, why);
            status = db_poor_judge(p->db, row->picture, poor, why, &aside, err);
        }
        if (status == ST_OK)
            status = db_commit(p->db, err);
        else
            db_rollback(p->db);
    }
    return status;
}

enum status poor_screen(struct project *project, const struct scene *scene, int threads, bool quiet,
                        struct error *err)
{
    struct all all = {0};
    struct quality_range range;
    enum status status = measure_missing(project, scene, threads, quiet, err);
    if (status == ST_OK)
        status = load(project, scene, &all, err);
    if (status == ST_OK) {
        learn(&all, &range);
        status = db_quality_range_set(project->db, scene->id, &range, err);
    }
    if (status == ST_OK)
        status = judge_all(project, &all, &range, err);
    free(all.rows);
    return status;
}

enum status poor_judge(struct project *project, const struct quality_range *range, int64_t picture,
                       bool *aside, char why[2 * QUALITY_WHY], struct error *err)
{
    struct quality quality;
    struct verdict_row said;
    char evidence[QUALITY_WHY] = "";
    bool known, answered = false;
    *aside = false;
    enum status status = db_quality_get(project->db, picture, &quality, &known, err);
    for (int source = LABEL_REVIEW; source <= LABEL_TRUTH && status == ST_OK; source++) {
        status = db_verdict_get(project->db, picture, (enum label_source)source, &said, err);
        answered |= status == ST_OK && said.verdict != VERDICT_NONE;
        verdict_clear(&said);
    }
    if (status != ST_OK || !known || answered)
        return status;
    enum poor poor = quality_judge(&quality, range, evidence);
    snprintf(why, 2 * QUALITY_WHY, "%s: %s", poor_name(poor), evidence);
    return db_poor_judge(project->db, picture, poor, evidence, aside, err);
}
