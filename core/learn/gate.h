// Whether a newly scored revision may take the place of the active one.
//
// Both are compared on the same held-out pictures, each at its own threshold:
// - the change in the share of normals filtered: one-sided 90 % bound by a bootstrap over groups (pictures of one thing
//   are drawn together), above -1 point; where it is not, though no fewer normals are filtered, a person decides;
// - no severity newly misses more than max(1, 2 %) of its defects, nor does any kind (class) of them, so that one with few
//   is not forgotten for the many; a newly missed *stop* within that needs a person;
// - with fewer than 20 defects, or where neither flags any of the pictures, there is too little to compare: a person decides;
// - nor may it be refused by the same against round 0, what the scene was before any trained model (gate_floor).
// Source of the bound: Efron 1979, percentile bootstrap, groups as the sampling unit.
#ifndef LEARN_GATE_H
#define LEARN_GATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { GATE_SEVERITIES = 3, GATE_DEFECTS = 20, GATE_TEXT = 400 };
enum { GATE_STOP, GATE_KEY, GATE_GENERAL };

struct gate_item { // a picture
    uint64_t group;
    bool defect;
    int severity;     // of a defect
    int kind;         // of a defect, into `kinds`; -1: of none
    bool flagged[2];  // by the active revision, by the candidate
};

enum gate_decision { GATE_PROMOTE, GATE_REFUSE, GATE_BY_HAND };
const char *gate_decision_name(enum gate_decision decision); // "promote", "refuse", "by hand"

struct gate_result {
    enum gate_decision decision;
    size_t normals, defects[GATE_SEVERITIES];
    size_t missed[2][GATE_SEVERITIES], newly[GATE_SEVERITIES]; // newly: by the candidate and not by the active one
    int forgotten;      // the kind that newly misses the largest share beyond what is allowed; -1: none does
    size_t kind_defects, kind_newly; // of it
    double filtered[2]; // share of the normals
    double bound;       // of the change
    bool other_goal;    // of the threshold: the figures tell nothing of the model
    char reason[GATE_TEXT]; // one sentence
};

// kinds (kind_count): their names.
void gate_judge(const struct gate_item *items, size_t count, const char *const *kinds, size_t kind_count, uint64_t seed,
                struct gate_result *result);
// A chain of promotions, each within what is allowed, must not end below where it began: what was judged is refused where it is
// refused against round 0, too, `revision` from before any trained model. The figures stay those against the active one.
void gate_floor(struct gate_result *result, const struct gate_result *against_zero, int revision);
// Both were made for other goals of the threshold: what was judged says nothing of the model, a person decides.
void gate_other_goal(struct gate_result *result);

// What a group is for, by a stable hash of its name: 70 % train, 20 % compare, 10 % test and nothing else, ever.
enum gate_part { GATE_TRAIN, GATE_VALIDATE, GATE_TEST };
enum gate_part gate_part_of(const char *group);
uint64_t gate_group(const char *group); // FNV-1a

#endif
