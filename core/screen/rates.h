// Shares that were counted, and how sure they are.
#ifndef SCREEN_RATES_H
#define SCREEN_RATES_H

#include <stddef.h>
#include <stdint.h>

// P(at most `most` hits) among `trials` independent ones of probability p (0 .. 1).
double rates_binomial(size_t most, size_t trials, double p);

struct rates_interval {
    double low, high;
};

// Clopper and Pearson 1934: two-sided exact interval of the probability behind
// hits <= trials. 0 .. 1 where trials is 0.
struct rates_interval rates_exact(size_t hits, size_t trials, double confidence);

// Cohen 1960: agreement of two people beyond chance. table[i * kinds + j] counts
// what the first called i and the second j. NAN where there is nothing, or where
// both gave one and the same answer throughout (chance explains it all).
double rates_kappa(const int64_t *table, int kinds);
// Fleiss, Cohen and Everitt 1969 (Psychological Bulletin 72, 323), eq. 13: its large-sample standard error. NAN where
// kappa is.
double rates_kappa_error(const int64_t *table, int kinds);
// kappa -+ z errors, cut to -1 .. 1; z 1.96 for 95 %. Too narrow below about 20 pictures, and a point where the two
// agree throughout: then read the number of pictures instead.
struct rates_interval rates_kappa_interval(const int64_t *table, int kinds, double z);

#endif
