// The order of a scene's queue: which flagged picture is asked about next, and why. Joins core/learn/acquire
// with the features that the screening kept and with the queue.
#ifndef APP_ASK_H
#define APP_ASK_H

#include "app/project.h"
#include "db/acquire.h"
#include "db/queue.h"
#include "learn/acquire.h"

struct asking;

// Read a scene's pool. `project`, with a handle of the calling thread, is kept. ST_NOT_FOUND: the features
// are gone or nothing was screened; the queue then keeps the order it has.
ASSAY_CHECKED enum status asking_open(struct project *project, int64_t scene, struct asking **asking, struct error *err);
void asking_close(struct asking *asking);
// Take in what was answered, flagged or screened since, and put the new order into the queue. *changed: rows
// that moved.
ASSAY_CHECKED enum status asking_update(struct asking *asking, size_t *changed, struct error *err);
// Note which answers are to be looked at again.
ASSAY_CHECKED enum status asking_doubt(struct asking *asking, struct error *err);

// The whole of it once, after a screening. Where there is nothing to go by, the queue's order stays.
ASSAY_CHECKED enum status ask_scene(struct project *project, int64_t scene, struct error *err);

// --- beside a review (ask_thread.c) ---
// Keeps the queue ordered on a thread with a handle of its own, so that no answer waits for it.
struct asker;
struct asker *asker_start(const struct project *project, int64_t scene /* 0 all */);
void asker_wake(struct asker *asker);       // something was answered or flagged
unsigned asker_orders(struct asker *asker); // how many times the order has changed
void asker_stop(struct asker *asker);       // after what it was woken for

// --- in words (ask_text.c) ---
enum { ASK_TEXT = 240, ASK_AHEAD = 50 };
// Why a queue item is asked; "" where there is no more to say than its score.
ASSAY_CHECKED enum status ask_why(struct project *project, const struct queue_item *item, char text[ASK_TEXT],
                                  struct error *err);
// Why an answer is put up for a second look.
ASSAY_CHECKED enum status ask_why_again(struct project *project, const struct doubt_row *doubt,
                                        char text[ASK_TEXT], struct error *err);
// What the next answers are expected to bring. *known false: the queue was not ordered yet, or is empty.
ASSAY_CHECKED enum status ask_gain(struct project *project, int64_t scene, struct acquire_gain *gain,
                                   bool *known, struct error *err);
// "1.3 new defects expected in the next 50 answers, at most 4 (95 %)"; "" where nothing is known.
ASSAY_CHECKED enum status ask_gain_text(struct project *project, int64_t scene, char text[ASK_TEXT],
                                        struct error *err);

#endif
