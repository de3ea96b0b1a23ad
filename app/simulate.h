// Replaying a fully labelled set as if a person's answers came from it, one
// round after the other: what would assay have saved? Everything happens in a
// folder of its own that is removed at the end; a project it is asked in is only
// read.
#ifndef APP_SIMULATE_H
#define APP_SIMULATE_H

#include "app/screening.h"
#include "db/label.h"
#include "db/revision.h"
#include "screen/metrics.h"
#include "screen/rates.h"

enum simulate_train {
    SIMULATE_TRAIN_NEVER,
    SIMULATE_TRAIN_GATE,   // a trained model takes over where the gate promotes it
    SIMULATE_TRAIN_ALWAYS, // and where it leaves that to a person
};
enum { SIMULATE_BUDGETS = 32, SIMULATE_TEXT = 512 };

struct simulate_options {
    const char *truth; // table of known answers (truth_read)
    const char *scene; // this one only, NULL all
    const char *base;  // of pictures without a project; NULL the embedded one
    int rounds;
    int budgets[SIMULATE_BUDGETS], budget_count; // answers a round; the last one goes on
    int resamples;                               // bootstrap draws
    uint64_t seed;                               // of the split, of the thinning and of random questions
    double defect_rate;                          // share that the defects are thinned to, 0 as they are
    double held_out;                             // share of the groups that is only measured on
    bool random;                                 // ask at random instead of in the queue's order
    enum simulate_train train;
    char **train_options; // "name=value" of learn/adapt.h
    size_t train_option_count;
    bool json;
    struct screening_options screen;
};

struct simulate_severity { // of the defects held out, at the threshold that the program chose
    const char *name;      // "all" last
    size_t total, found, groups;
    struct rates_interval exact;     // of found / total, as if pictures were independent
    struct metrics_interval grouped; // by whole groups; NAN where all or none is found
};

struct simulate_scene {
    const char *name;
    size_t pictures, defects, shown, found; // held out
    struct metrics metrics;                 // without intervals
    struct revision revision;               // with threshold, rule and reason
    char training[SIMULATE_TEXT];           // how the round's training ended, "" where there was none
};

struct simulate_share {
    size_t hits, total;
    struct rates_interval exact;
    struct metrics_interval grouped;
};

enum { SIMULATE_RECALLS = 3 };
extern const double simulate_recalls[SIMULATE_RECALLS]; // 0.95, 0.9824, 0.99

struct simulate_figures { // after a round
    int round;
    size_t answers, flagged, found; // so far: given, of those flagged when asked, defects among them
    size_t pool, pool_defects, pool_poor;
    size_t held, held_groups, held_poor, held_failed; // held: those that the figures are about
    struct metrics metrics;                           // held out, all scenes
    double filter_rates[SIMULATE_RECALLS]; // share of all pictures filtered where that recall is just reached
    struct simulate_share filtered, normals; // at the chosen threshold: of all, of the normals
    struct simulate_severity severities[SEVERITIES + 1];
    struct simulate_scene *scenes;
    size_t scene_count;
    double seconds;
    bool last; // no round follows
};

ASSAY_CHECKED enum status simulate_run(const struct simulate_options *options, struct error *err);

// --- simulate_text.c: what is printed, for people and for programs ---
struct simulate_set;
void simulate_text_begin(const struct simulate_options *options, const struct simulate_set *set);
void simulate_text_round(const struct simulate_options *options, const struct simulate_figures *figures);

#endif
