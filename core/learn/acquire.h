// What to ask next. Open pictures are ordered by sources that each want something else (the likeliest defect,
// what the model is unsure of, what is unlike everything answered, the rarest class); how often each has its
// say follows from what its questions brought. Nothing here changes which pictures are flagged.
//
// Pictures are points: embeddings brought down to a few numbers (acquire_point), so that distances to
// thousands of others cost microseconds. What is believed of an open picture is a Gaussian process over these
// points around a mean that the score gives, of which a trained model has its part; an answer adds one
// column to it. A handle belongs to one thread.
#ifndef LEARN_ACQUIRE_H
#define LEARN_ACQUIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/rng.h"
#include "base/status.h"

enum { ACQUIRE_POINT = 64, ACQUIRE_PARTS = 8, ACQUIRE_CLASSES = 64 };

enum acquire_answer {
    ACQUIRE_OPEN,
    ACQUIRE_NORMAL,
    ACQUIRE_DEFECT,
    ACQUIRE_ASIDE
}; // aside: answered, says nothing

struct acquire_candidate {
    float point[ACQUIRE_POINT];
    double score, threshold;     // fused, -log10 of a tail probability; flagged from threshold on
    double parts[ACQUIRE_PARTS]; // of the detectors, same unit; the committee
    int part_count;
    uint64_t group;       // pictures of the same thing
    enum acquire_answer answer;
    int class_index; // of an answered defect, -1 unknown
    bool urgent;     // of an answered defect: its severity is the worst
};

enum acquire_source {
    ACQUIRE_ANOMALOUS,
    ACQUIRE_UNCERTAIN,
    ACQUIRE_DIVERSE,
    ACQUIRE_BALANCED,
    ACQUIRE_SOURCES
};
const char *
acquire_source_name(enum acquire_source source); // "anomalous", "uncertain", "diverse", "balanced"

// Why a picture is asked, where it is asked. Numbers are stored: never reuse one.
enum acquire_reason {
    ACQUIRE_BY_SCORE, // no more than its place by likelihood
    ACQUIRE_ODD,      // among the likeliest defects, by its score
    ACQUIRE_LIKE,     // among the likeliest defects, being like `about`, an answered defect
    ACQUIRE_UNSURE,   // could be either
    ACQUIRE_DISPUTED, // the detectors contradict each other
    ACQUIRE_NEW,      // unlike every answered picture
    ACQUIRE_RARE,     // may be of the class of `about`, of which there are few
    ACQUIRE_URGENT,   // like `about`, a defect of the worst severity
    ACQUIRE_WAITS,    // nearly the same as `about`, which comes before it
    ACQUIRE_BEHIND,   // nearly the same as `about`, which was answered
    ACQUIRE_AUDIT,    // drawn by chance
    ACQUIRE_AGAIN,    // its answer is contradicted (acquire_doubts)
    ACQUIRE_REASONS
};

// --- points (acquire_point.c) --------------------------------------------------
// Embeddings in their leading principal components (of standardised features), each scaled to variance one.
// Whitening all directions instead drowns what pictures have in common in noise: on the magnetic tiles the
// nearest picture is then of the same tile in 76 % of cases, here in 90 %, and a random projection of it
// keeps 13 %. Few pictures get fewer axes, an eighth of their number.
struct acquire_projection {
    int dim;
    float *map;    // (ACQUIRE_POINT, dim)
    float *offset; // (ACQUIRE_POINT), subtracted
};
// rows: (count, dim), some hundred to some thousand pictures, those to be told apart among them. ST_INVALID:
// fewer than two, or not finite. Caller: acquire_projection_clear.
ASSAY_CHECKED enum status acquire_projection_fit(const float *rows, size_t count, int dim,
                                                 struct acquire_projection *projection, struct error *err);
void acquire_projection_clear(struct acquire_projection *projection);
void acquire_point(const struct acquire_projection *projection, const float *embedding,
                   float point[ACQUIRE_POINT]);

// --- shares (acquire_mix.c) ----------------------------------------------------
// Thompson sampling over the sources (Agrawal & Goyal 2012) with discounted counts (Raj & Kalyani 2017),
// since what brought defects at first runs dry. The reward of an answer, 0 .. 1, is how much it surprised:
// -log2 of the probability that was given to it, at most REWARD_BITS, over REWARD_BITS.
struct acquire_mix {
    double gain[ACQUIRE_SOURCES],
        loss[ACQUIRE_SOURCES]; // discounted sums of rewards and of what was missing to 1
};
double acquire_surprise(double probability_of_defect, bool defect); // 0 .. 1
void acquire_mix_learn(struct acquire_mix *mix, enum acquire_source source, double reward);
// Draw one of the sources in use.
enum acquire_source acquire_mix_draw(const struct acquire_mix *mix, const bool use[ACQUIRE_SOURCES],
                                     struct rng *rng);
// Share of each source in the questions to come, by `draws` draws; adds up to one.
void acquire_mix_shares(const struct acquire_mix *mix, const bool use[ACQUIRE_SOURCES], int draws,
                        uint64_t seed, double shares[ACQUIRE_SOURCES]);

// --- the order (acquire.c) -----------------------------------------------------
struct acquire;
// Copies the candidates; open ones and answered ones together, the answered in the order of their answers
// (the belief rests on the last thousand). class_count: of all class indices.
struct acquire *acquire_new(const struct acquire_candidate *candidates, size_t count, int class_count);
void acquire_free(struct acquire *a);
// An answer came in (or was changed or taken back: ACQUIRE_OPEN, which costs as much as acquire_new).
void acquire_answer(struct acquire *a, size_t index, enum acquire_answer answer, int class_index,
                    bool urgent);
double acquire_expected(const struct acquire *a,
                        size_t index); // probability of a defect as believed now, 0 .. 1

struct acquire_ask {
    enum acquire_source source; // whose question it is; meaningless past the horizon
    enum acquire_reason reason;
    size_t about; // index of the candidate that the reason names, SIZE_MAX none
    double place; // larger = earlier; > 1 within the horizon, else within (0, 1), below 0 near-duplicates
    double expected;
};
// Orders every open candidate: asks (count), index by index; answered ones are left untouched. The first
// `horizon` places are given out by the sources in turns of chance (rng), the rest follows by what is
// believed.
void acquire_order(const struct acquire *a, const struct acquire_mix *mix, size_t horizon, struct rng rng,
                   struct acquire_ask *asks);

// --- audit draws between the questions (acquire_audit.c) -------------------------
// Whether the next question, after `asked` of which `audits` were audit draws, is to be one so that they make
// up `quota`.
bool acquire_audit_due(size_t asked, size_t audits, double quota);

// --- when to stop (acquire_gain.c) ----------------------------------------------
struct acquire_record { // of an answer: what was expected when it was asked, what came
    double expected;
    bool defect;
    int class_index; // of a defect, -1 unknown
};
struct acquire_gain {
    size_t next;     // answers looked ahead
    double expected; // defects among them
    size_t most;     // no more than this with 95 % probability
    double
        new_kind; // probability that a defect is of a class not seen yet (Good 1953); NAN before there is one
};
// records: in the order they were given. expected: of the open pictures in the order they will be asked
// (count).
void acquire_gain(const struct acquire_record *records, size_t record_count, const double *expected,
                  size_t count, size_t next, struct acquire_gain *gain);

// --- a second look (acquire_doubt.c) ---------------------------------------------
struct acquire_doubt {
    size_t index;  // of the answered candidate
    double defect; // probability from everything but its group's answers
    size_t about;  // nearest answered candidate of another group that says the opposite, SIZE_MAX none
};
// Answers that the model and the neighbours contradict, worst first (confident learning: Northcutt, Jiang &
// Chuang 2021, with leave-group-out probabilities of the Gaussian process, Rasmussen & Williams 2006, 5.4.2);
// one answer in twenty at most, since people look at them in turn. Caller frees.
void acquire_doubts(const struct acquire *a, struct acquire_doubt **doubts, size_t *count);

#endif
