#include "config.h"

#include <stdlib.h>

#include "app/review_audit.h"
#include "base/alloc.h"
#include "base/rng.h"
#include "db/audit.h"

void review_audit_clear(struct review_audit *audit)
{
    free(audit->drawn);
    audit->drawn = NULL;
    audit->count = audit->capacity = 0;
}

enum status review_audit_look(struct review_audit *audit, struct error *err)
{
    enum status status = db_audit_open(audit->db, audit->scene, audit->person, &audit->open, &audit->seed, err);
    audit->blind = status == ST_OK ? audit->open > 0 : audit->blind;
    return status;
}

enum status review_audit_lease(struct review_audit *audit, const char *session, size_t room,
                               int64_t ttl_ms, const int64_t *known, size_t known_count, struct queue_item *items,
                               size_t *count, struct error *err)
{
    *count = 0;
    enum status status = review_audit_look(audit, err);
    if (status != ST_OK || !audit->blind)
        return status;
    int64_t *pictures = xcalloc(room + 1, sizeof *pictures);
    size_t n = 0;
    status = db_audit_lease(audit->db, session, audit->person, audit->scene, room, ttl_ms, known, known_count, pictures, &n, err);
    for (size_t i = 0; i < n && status == ST_OK; i++) {
        status = db_queue_item(audit->db, pictures[i], &items[i], err);
        GROW(audit->drawn, audit->capacity, audit->count + 1);
        audit->drawn[audit->count++] = pictures[i];
        *count += status == ST_OK;
    }
    free(pictures);
    return status;
}

void review_audit_mix(const struct review_audit *audit, size_t place, struct queue_item *items, size_t count)
{
    struct rng rng = rng_seed(audit->seed ^ (uint64_t)place);
    for (size_t i = count; audit->blind && i > 1; i--) {
        size_t j = (size_t)rng_below(&rng, i);
        struct queue_item item = items[i - 1];
        items[i - 1] = items[j];
        items[j] = item;
    }
}

enum status review_audit_source(const struct review_audit *audit, int64_t picture, enum label_source *source, struct error *err)
{
    bool asks = false;
    for (size_t i = 0; i < audit->count && !asks; i++)
        asks = audit->drawn[i] == picture;
    enum status status = asks ? ST_OK : db_audit_asks(audit->db, picture, &asks, err);
    *source = asks ? LABEL_AUDIT : LABEL_REVIEW;
    return status;
}

enum status review_audit_hides(const struct review_audit *audit, int64_t picture, bool *hides, struct error *err)
{
    enum label_source source;
    struct verdict_row verdict = {0};
    *hides = false;
    if (!audit->blind)
        return ST_OK;
    enum status status = review_audit_source(audit, picture, &source, err);
    if (status == ST_OK)
        status = db_verdict_get(audit->db, picture, source, &verdict, err);
    *hides = status != ST_OK || verdict.verdict == VERDICT_NONE;
    verdict_clear(&verdict);
    return status;
}
