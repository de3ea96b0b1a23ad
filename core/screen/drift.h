// Whether a scene's scores move, picture by picture in the order of arrival: a
// new lamp, dirt on the lens. A score is first turned into a standard normal
// number by the revision's own reference: it is -log10 of a tail probability
// under the normals that the revision was fitted on, so drift_normal() of it is
// standard normal while nothing has changed. Two cumulative sums (Page 1954)
// watch for a rise and a fall, each optimal in the worst case for a shift of
// twice its slack (Lorden 1971). Their level is far above what independent
// scores ask for (Siegmund 1985: a false finding in 10^12 pictures), because
// pictures come in bursts that show the same thing: where only every fourth says
// something new, it is still one in 10^5.
#ifndef SCREEN_DRIFT_H
#define SCREEN_DRIFT_H

#include <stdbool.h>
#include <stdint.h>

// z such that a standard normal number exceeds it with probability 10^-score, and back. Any score, 1e6 too.
double drift_normal(double score);
double drift_score(double z);

enum { DRIFT_START = 300 };

struct drift_arrival {
    int64_t picture;
    double score;        // of the revision, before any compensation
    double level, sharp; // what else may have moved: QUALITY_LEVEL, QUALITY_SHARP; NAN unknown
};

struct drift_sums {        // of arrivals
    int64_t count, looked; // looked: those with level and sharpness
    double z, level, sharp;
};

// Everything there is to know between two pictures: plain numbers, zero at the start of a revision.
struct drift {
    int64_t arrivals;                       // of the revision
    double rise, fall;                      // the cumulative sums
    int64_t rise_since, fall_since;         // the picture after which each was last zero
    struct drift_sums all, rising, falling; // since the base was set; since rise, fall were last zero
    double squares;                         // of z, among the first DRIFT_START
    double start, spread;                   // mean and standard deviation that those said are usual
    double base;         // the mean that is usual now: `start`, or where the scores went when they moved
    bool moved;          // the base is not `start`: a drift stands
    int64_t settling;    // pictures that still go into a new base
    double place, width; // running robust mean and mean deviation of z, for the compensation
};

struct drift_finding {
    int64_t since, at; // first picture after the change (as far as can be told), the one that made it certain
    int64_t after_count;
    double before, after;             // mean z
    double level_before, level_after; // NAN unknown
    double sharp_before, sharp_after;
};

// True when this picture makes a change certain; `finding` is filled then. What follows is compared with
// where the scores went, so the same change is told once, and so is its end.
bool drift_add(struct drift *drift, const struct drift_arrival *arrival, struct drift_finding *finding);

// While a drift stands, what the score would be without it: z less what its running mean is above `start`,
// and nearer to that where the scores have spread, both within bounds. Else the score itself.
#define DRIFT_BOUND  2.5 // standard deviations of the reference, both ways
#define DRIFT_SPREAD 1.5
double drift_compensate(const struct drift *drift, double score);
double
drift_shift(const struct drift *drift); // the first part: how much of z is the scene's and not the picture's

#endif
