// Shared by the files of `assay simulate`.
#ifndef APP_SIMULATE_IMPL_H
#define APP_SIMULATE_IMPL_H

#include "app/simulate.h"
#include "base/rng.h"

enum simulate_state { HELD_SCORED, HELD_POOR, HELD_FAILED };

struct simulate_picture {
    int64_t source, pool; // ids; pool 0 where it is held out
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
ASSAY_CHECKED enum status simulate_source(const struct simulate_options *o, const char *work, struct project *source,
                                          struct error *err);
// The pictures of the table, checked, split into those to ask about and those held out, thinned.
ASSAY_CHECKED enum status simulate_set_load(const struct project *source, const struct simulate_options *o,
                                            struct simulate_set *set, struct error *err);
void simulate_set_clear(struct simulate_set *set);

// --- simulate_pool.c ---
struct simulate_pool { // a project of the pictures to ask about, without an answer
    struct project project;
    struct scene *scenes; // as the set's
    struct simulate_set *set;
    int64_t person;
    size_t *at; // (last id + 1) picture of the set
    int64_t last;
    struct rng rng;
    size_t pictures, defects, answers, flagged, found;
};
ASSAY_CHECKED enum status simulate_pool_make(const struct project *source, const struct simulate_options *o,
                                             const char *work, struct simulate_set *set, struct simulate_pool *pool,
                                             struct error *err);
void simulate_pool_clear(struct simulate_pool *pool);
// Ask about `budget` pictures in the queue's order, or at random, and store what is known of them as said.
ASSAY_CHECKED enum status simulate_ask(struct simulate_pool *pool, const struct simulate_options *o, struct error *err);

// --- simulate_held.c ---
struct simulate_held { // features of one scene's pictures held out
    struct store *store;
    char patch_sha256[HASH_HEX]; // under which they were computed
};
// Score the pictures of a scene that are held out with its active revision.
ASSAY_CHECKED enum status simulate_held_score(struct simulate_pool *pool, const struct base *base, size_t scene,
                                              const struct simulate_options *o, const char *work,
                                              struct simulate_held *held, struct revision *revision,
                                              struct error *err);

#endif
