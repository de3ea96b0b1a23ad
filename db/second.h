// The second review (second.c).
#ifndef DB_SECOND_H
#define DB_SECOND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "db/label.h"

struct db;

// A picture's label after a second look: what a lead said in the second review, whatever an inspector said before or says
// afterwards; without that, the last standing answer. Export, training, threshold and report all read that one (the
// table `verdict`). A later answer that contradicts the lead's is not the label; it brings the picture here again.
enum second_reason {
    SECOND_DISPUTE, // two people said different things, or an inspector contradicts the lead
    SECOND_UNSURE,  // the inspector asked for it
    SECOND_STOP,    // a defect of severity stop
    SECOND_DOUBT,   // the other answers contradict it (core/learn/acquire.h)
    SECOND_SHARE,   // drawn
};
const char *second_reason_name(enum second_reason reason);
struct second_row {
    int64_t picture, event;     // event: of the answer that stands
    enum second_reason reason;
};
// Pictures (of `scene`, 0 all) that wait for a lead's look, stop defects that an audit found among them, by reason, then by age: not those that `person` answered
// himself, apart from disputes. share: of all normals and defects, 0..1, drawn by the picture's number, so that it is the
// same ones each time. At most `limit`; *total: how many there are. Caller frees.
ASSAY_CHECKED enum status db_second(struct db *db, int64_t scene, int64_t person, double share, size_t limit,
                                    struct second_row **rows, size_t *count, int64_t *total, struct error *err);
struct word_row { // what one person said last about a picture, in the review or in an audit; text valid during the callback
    int64_t event, person_id, at_ms;
    const char *person, *class_name, *severity, *note;
    enum verdict verdict;
    bool lead, label;     // said in the second review; this is the picture's label
};
ASSAY_CHECKED enum status db_words(struct db *db, int64_t picture,
                                   void (*each)(void *context, const struct word_row *row), void *context,
                                   struct error *err); // oldest first
struct agree_row { // an inspector's answer and what a lead said to it; text valid during the callback
    int64_t picture, at_ms;
    const char *person, *lead, *classes[2]; // first, second
    enum verdict verdicts[2];
    bool blind;           // the second one was given without seeing the first
};
// From `since_ms` on, the last of each lead about each picture.
ASSAY_CHECKED enum status db_agreement(struct db *db, int64_t scene, int64_t since_ms,
                                       void (*each)(void *context, const struct agree_row *row), void *context,
                                       struct error *err);

#endif
