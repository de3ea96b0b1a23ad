// Shared by the files of `assay simulate`.
#ifndef APP_SIMULATE_IMPL_H
#define APP_SIMULATE_IMPL_H

#include "app/simulate.h"
#include "base/rng.h"
#include "db/label.h"
#include "db/revision.h"
#include "db/scene.h"
#include "image/quality.h"

enum simulate_state { HELD_SCORED, HELD_POOR, HELD_FAILED };

struct simulate_picture {
    int64_t source, id; // in the source; in the project that it was copied to
    char *path, *group, *kind;
    uint64_t group_number;
    int scene; // index into the set's
    bool defect, held;
    enum severity severity;
    struct quality quality;
    bool measured; // quality is known
    // held out, after a round:
    enum simulate_state state;
    double score;
    bool flagged;
};

struct simulate_set {
    struct scene *scenes; // of the source, those that pictures are of
    size_t scene_count;
    struct simulate_picture *pictures; // by id in the source
    size_t count, unreadable, thinned, groups;
};

// --- simulate_set.c ---
// The project here or above, or, where there is none, a new one in `work` with the pictures of the table.
ASSAY_CHECKED enum status simulate_source(const struct simulate_options *o, const char *work,
                                          struct project *source, struct error *err);
// The pictures of the table, checked, split into those to ask about and those held out, thinned.
ASSAY_CHECKED enum status simulate_set_load(const struct project *source, const struct simulate_options *o,
                                            struct simulate_set *set, struct error *err);
void simulate_set_clear(struct simulate_set *set);

// --- simulate_copy.c ---
struct simulate_copy { // a project of one part of the set, without an answer
    struct project project;
    struct scene *scenes; // as the set's
    size_t scene_count;
    struct simulate_picture **at; // (last + 1) by id, NULL none
    int64_t last;
};
// Below `work`. Both parts use the models of the one to ask about, which comes first.
ASSAY_CHECKED enum status simulate_copy_make(const struct project *source, const char *work,
                                             struct simulate_set *set, bool held, struct simulate_copy *copy,
                                             struct error *err);
void simulate_copy_clear(struct simulate_copy *copy);

// --- simulate_ask.c ---
struct simulate_asked {
    struct rng rng;
    size_t answers, flagged, found;
};
// Ask about `budget` pictures in the queue's order, or at random, and store what is known of them as said.
ASSAY_CHECKED enum status simulate_ask(struct simulate_copy *pool, const struct simulate_options *o, size_t budget,
                                       struct simulate_asked *asked, struct error *err);

// --- simulate_train.c ---
// A round of training on the scene's answers, where there are new ones; text: how it ended, untouched where
// none was.
ASSAY_CHECKED enum status simulate_train(struct simulate_copy *pool, size_t scene,
                                         const struct simulate_options *o, char text[SIMULATE_TEXT],
                                         struct error *err);

// --- simulate_held.c ---
struct simulate_store { // features of one scene's pictures held out
    struct store *store;
    char patch_sha256[HASH_HEX]; // under which they were computed
};
// Score the pictures of a scene that are held out with the pool's active revision.
ASSAY_CHECKED enum status simulate_held_score(struct simulate_copy *pool, struct simulate_copy *held,
                                              const struct base *base, size_t scene,
                                              const struct simulate_options *o, struct simulate_store *store,
                                              struct revision *revision, struct error *err);

#endif
