// Inside of acquisition: one strategy per file behind `value`.
#ifndef LEARN_ACQUIRE_IMPL_H
#define LEARN_ACQUIRE_IMPL_H

#include "learn/acquire.h"

enum { ACQUIRE_COLUMNS = 1024 }; // answers that the process is conditioned on; the latest beyond that

struct acquire_process { // acquire_process.c
    size_t count;        // candidates
    double scale;        // 1 / (2 length^2), also how far an answered defect lends its class
    double length2;      // mean of |point|^2, of the linear part
    double bend[2]; // log-odds of the mean: constant, per unit of score above the threshold
    double *mean; // (count) prior mean, probability
    size_t columns;
    size_t *answered; // (columns) indices
    float *rows;      // (columns, count): L^-1 K(answered, all)
    double *factor;   // (columns, columns) lower triangle, packed by rows: L with L L' = K + noise
    float *weights;   // (columns) L^-1 (y - mean)
    float *posterior; // (count) mean, not kept within 0 .. 1
};

struct acquire {
    size_t count;
    int class_count;
    struct acquire_candidate *candidates;
    struct acquire_process process;
    double near_any, near_group; // squared distances within which pictures are the same thing
    // Of each candidate, kept with every answer; SIZE_MAX none:
    float *distance;                      // (count) squared, to the nearest answered
    float *defect_distance;               // (count) squared, to the nearest answered defect
    size_t *defect_nearest;               // that one
    size_t *twin;                         // an answered one that is nearly the same
    float *class_weight;                  // (count, class_count) of answered defects nearby
    float *defect_weight, *urgent_weight; // (count) the same over all classes, over the worst severity
    size_t normals, defects, class_answers[ACQUIRE_CLASSES];
    size_t class_latest[ACQUIRE_CLASSES]; // answered defect of that class, SIZE_MAX none
};

static inline float acquire_distance2(const float *a, const float *b)
{
    enum { LANES = 16 }; // sums of their own, so that the compiler may use vectors
    float sums[LANES] = {0}, sum = 0;
    for (int i = 0; i < ACQUIRE_POINT; i += LANES)
        for (int k = 0; k < LANES; k++)
            sums[k] += (a[i + k] - b[i + k]) * (a[i + k] - b[i + k]);
    for (int k = 0; k < LANES; k++)
        sum += sums[k];
    return sum;
}

static inline double acquire_logistic(double x)
{
    return 1 / (1 + __builtin_exp(-x));
}

// --- near-duplicates (acquire_near.c) ---
// Both radii, from how far apart pictures of one group and of different groups are.
void acquire_near_measure(struct acquire *a);
static inline bool acquire_near(const struct acquire *a, size_t i, size_t j, float distance2)
{
    return (double)distance2 <=
           (a->candidates[i].group == a->candidates[j].group ? a->near_group : a->near_any);
}

// --- the process (acquire_process.c) ---
void acquire_process_init(struct acquire *a); // without answers
void acquire_process_clear(struct acquire_process *p);
void acquire_process_add(struct acquire *a,
                         size_t index);          // condition on an answered one; then acquire_process_believe
void acquire_process_believe(struct acquire *a); // mean and posterior by the answers as they are now

// --- strategies: what one more question about `i` is worth ---
struct acquire_choice {    // what was chosen so far in this order
    const float *distance; // (count) squared, to the nearest answered or chosen
    size_t left;           // open candidates not chosen
};
struct acquire_value {
    double value;
    enum acquire_reason reason;
    size_t about;
};
struct acquire_strategy {
    const char *name;
    bool moves;                             // the value depends on what was chosen before
    bool (*ready)(const struct acquire *a); // has an opinion
    struct acquire_value (*value)(const struct acquire *a, const struct acquire_choice *choice, size_t i);
};
extern const struct acquire_strategy acquire_anomalous, acquire_uncertain, acquire_diverse, acquire_balanced;
extern const struct acquire_strategy *const acquire_strategies[ACQUIRE_SOURCES];

double acquire_entropy(double p); // bits, of yes or no
double acquire_score_chance(const struct acquire *a,
                            double above); // of a defect, by so much score above the threshold alone

#endif
