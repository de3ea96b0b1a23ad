// An audit's share of the review: its draws among the flagged pictures, and what is hidden while it runs.
#ifndef APP_REVIEW_AUDIT_H
#define APP_REVIEW_AUDIT_H

#include "app/project.h"
#include "db/label.h"
#include "db/queue.h"

struct review_audit { // starts as {.db = ...}
    struct db *db;
    int64_t scene;      // 0: all of them
    int64_t person;
    bool blind;         // one asks this person: nothing is told about a picture before its answer
    int64_t open;       // pictures of it that wait for this person's answer
    uint64_t seed;
    int64_t *drawn;     // (count) what this session was given: asked by an audit, even when that is stopped meanwhile
    size_t count, capacity;
};

void review_audit_clear(struct review_audit *audit);
ASSAY_CHECKED enum status review_audit_look(struct review_audit *audit, struct error *err);
// Up to `room` draws that are to be answered now, as queue items; none while no audit runs. As in db_audit_lease.
ASSAY_CHECKED enum status review_audit_lease(struct review_audit *audit, const char *session, size_t room,
                                             int64_t ttl_ms, const int64_t *known, size_t known_count,
                                             struct queue_item *items, size_t *count, struct error *err);
// An order of what comes next that does not tell which of them an audit drew; `place`: how many came before.
void review_audit_mix(const struct review_audit *audit, size_t place, struct queue_item *items, size_t count);
// What an answer about this picture is: LABEL_AUDIT when an audit asks.
ASSAY_CHECKED enum status review_audit_source(const struct review_audit *audit, int64_t picture, enum label_source *source,
                                              struct error *err);
// Whether everything known of a picture is to be hidden still.
ASSAY_CHECKED enum status review_audit_hides(const struct review_audit *audit, int64_t picture, bool *hides, struct error *err);

#endif
