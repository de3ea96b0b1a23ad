// Where a revision's threshold lies, and why.
//
// A recall is demonstrated by a tolerance limit (Wilks 1941; the same numbers as
// Clopper and Pearson's bound): of n defects the (r + 1)-th lowest score leaves
// at most a share 1 - recall of all such defects below it, with confidence
// 1 - P(Bin(n, 1 - recall) <= r), whatever the scores' distribution. 98.24 % at
// 95 % takes n = 169, 268, 356 with r = 0, 1, 2 missed.
//
// What that assumes of the scores handed in, and the caller sees to:
// - the defects were found independently of the score (imported truth, audit
//   draws), not because the queue showed them;
// - the score is out of sample: the model, or the fold of it that scored the
//   defect, was not fitted on it;
// - one score for each physical thing (group), the lowest of its pictures:
//   pictures of one thing are no independent draws.
// Each severity's confidence is its own; it is not shared out among them.
#ifndef SCREEN_THRESHOLD_H
#define SCREEN_THRESHOLD_H

#include <stdbool.h>
#include <stddef.h>

#include "base/status.h"

#define THRESHOLD_CONFIDENCE 0.95
enum { THRESHOLD_TEXT = 640 };

enum threshold_rule {
    THRESHOLD_BUDGET,  // a share of the normals, from the tail of their scores; recall not demonstrated
    THRESHOLD_PARTIAL, // some recalls demonstrated; the budget holds for the others
    THRESHOLD_RECALL,  // every recall asked for is demonstrated
    THRESHOLD_RULES
};
const char *threshold_rule_name(enum threshold_rule rule); // "filter-rate", "partial", "recall"

struct threshold_goal { // one severity
    const char *severity;
    double recall;        // asked, 0 < recall < 1
    const double *scores; // (count) of its defects, in any order
    size_t count;
    // out:
    bool demonstrated;
    bool everything; // it could be, but only by showing every picture
    size_t missed;   // of count, below the chosen threshold
    size_t more;     // further defects, none of them missed, that would demonstrate it; 0 when it is
};

struct threshold_input {
    const double *scores; // (count) of all pictures
    size_t count;
    double flag_rate; // the budget: share of normals that may be flagged
    double budget;    // the score that share of normals exceeds
    struct threshold_goal *goals;
    size_t goal_count;
};

struct threshold {
    enum threshold_rule rule;
    double value;                // flagged: score >= value
    char reason[THRESHOLD_TEXT]; // one sentence for people
};

// The lowest score that a goal needs: what demonstrates it, or, where nothing
// does, the budget. At least one picture is flagged and at least one filtered.
// ST_INVALID with a sentence: a recall or rate outside of 0 .. 1, a score that
// is not finite, all scores equal.
ASSAY_CHECKED enum status threshold_choose(const struct threshold_input *input, struct threshold *threshold,
                                           struct error *err);

// Least number of defects that demonstrates `recall` when `missed` of them are below the threshold.
size_t threshold_needed(double recall, size_t missed);

#endif
