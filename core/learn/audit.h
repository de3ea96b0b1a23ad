// How many defects lie among the filtered pictures: a bound from random draws, valid at every look.
//
// The bound is a betting confidence sequence (Waudby-Smith & Ramdas 2023, "Estimating means of bounded random variables
// by betting"; drawn without replacement and weighted: Shekhar, Xu, Lipton, Liang & Ramdas 2023, "Risk-limiting financial
// audits via weighted sampling without replacement"). Were u defects among the pictures, a draw with probability q (of
// those not drawn yet) that shows one pays X = 1/q, else X = 0, and on average u - found, `found` being the defects
// drawn before. So the fortune of one who bets on fewer,
//     K(u) = product of 1 + c/B (u - found - X),   B the largest X that was possible, 0 < c < 1 chosen before the draw,
// is a fair game where u is the truth, and exceeds 1/alpha at any time at all with probability alpha at most (Ville).
// K rises with u: the bound is the largest u with K(u) < 1/alpha. It holds at every look, for any c, and for any way of
// choosing when to stop; c only decides how soon it is tight, and is tuned for the asked bound and few misses.
//
// What a new revision keeps (the rule). The old draws say something about the pictures filtered THEN, D', and that stays
// true however the new revision came about, be it because of these very draws (they set its threshold). Of the pictures
// filtered NOW, D, some were in D' and the others are the fresh ones, M. With `caught` defects that the audit found in D'
// and that are flagged now: if D holds u defects, v of them in D' and m in M, then D' held at least v + caught. So
//     E(u) = least over v + m = u of  E'(v + caught) K_M(m)      times K_D(u)
// does not exceed a fair game where u is the truth: E' as it stood when the revision changed, K_M from draws among M, K_D
// from later draws among all of D. Nothing is asked about the old draws but that they were drawn as stored. Draws are
// needed in M only; with M empty the bound stands at once. Conditioning the old draws on being filtered still would be
// wrong: the threshold was moved below the defects that they found.
//
// Pictures are counted in whole numbers throughout; a bound may be up to 1 % too high where it exceeds 256 pictures.
#ifndef LEARN_AUDIT_H
#define LEARN_AUDIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/rng.h"
#include "base/status.h"

// How the error budget alpha = 1 - confidence is shared out, beforehand and always alike: the draws, the reviewer's
// recall, and the luck of which missed defects the reviewer recognises. Each may fail; together alpha at most.
#define AUDIT_DRAWS 0.90
#define AUDIT_READER 0.05
#define AUDIT_SIGHT 0.05

struct audit; // evidence about one set of pictures after the other

struct audit_scope { // one audit: of the pictures that a revision filtered when it began
    double bound;    // asked: share of `size`, 0 < bound < 1; the bets are tuned for it
    double alpha;    // likewise
    int64_t size;    // pictures, those drawn by audits before included; what is known otherwise is not
    int64_t fresh;   // of these, not among the pictures of the audit before (all of them in the first)
    int64_t caught;  // defects drawn before that were among the pictures of the audit before and are not now
    int64_t known, known_fresh; // defects drawn before that are among these, and among the fresh ones
};

struct audit_draw {
    bool whole;         // from all pictures, else from the fresh ones
    int64_t remaining;  // pictures it was drawn from
    double probability; // of this one, among those
    double least;       // no picture's was less
    bool miss;          // a defect; what nobody is sure about counts as one
};

// most: no scope is larger. Caller audit_free.
struct audit *audit_new(int64_t most);
void audit_free(struct audit *audit);
// The next audit begins; what was learnt before is kept by the rule above.
void audit_begin(struct audit *audit, const struct audit_scope *scope);
// The next draw's answer, in the order of drawing. False, and nothing taken, when the draw's numbers contradict each other.
bool audit_answer(struct audit *audit, const struct audit_draw *draw);

// The most defects that the scope's pictures hold, with confidence 1 - alpha.
int64_t audit_most(const struct audit *audit, double alpha);
// Unbiased estimate of the same number (Des Raj 1956 over the draws); NAN without a draw.
double audit_estimate(const struct audit *audit);
// Draws among the fresh pictures that the audit before would have made among as many.
int64_t audit_fresh_wanted(const struct audit *audit);
// Further draws, none of them a miss, until audit_most is at most `target`; -1 when all pictures would not do.
// place: of the next draw; left: not drawn yet of all, left_fresh of the fresh ones.
int64_t audit_needed(const struct audit *audit, double alpha, int64_t target, int64_t place, int64_t left,
                     int64_t left_fresh);

// --- drawing -----------------------------------------------------------------
// Every third place is weighted: half uniform, half in proportion to the weights, so that none is drawn with less than
// half of a uniform probability. The others are uniform.
bool audit_weighted(int64_t place);
struct audit_pick {
    size_t index; // into weights
    int64_t remaining;
    double probability, least;
};
// `count` <= `size` picks without replacement for the places from `place` on. weights: (size) > 0, NULL: all uniform.
void audit_pick(const double *weights, size_t size, int64_t place, size_t count, struct rng *rng,
                struct audit_pick *picks);

// --- the reviewer ---------------------------------------------------------------
// Lower bound of a reviewer's recall, valid at every look: of `shown` known defects `recognised` were. (A fair game
// against each recall: half of the stake on a perfect reviewer, half spread evenly; Robbins 1970's mixture.) 0 for none.
double audit_reader(int64_t shown, int64_t recognised, double alpha);
// The most defects there are, when at most `most` are such that the reviewer would recognise them and he recognises
// each with probability `recall` at least; never above `limit`. Assumes that a missed defect is recognised as often as
// a known one that was slipped in.
int64_t audit_unrecognised(int64_t most, double recall, double alpha, int64_t limit);
// The largest `most` for which that stays at `target` or below; -1 none.
int64_t audit_recognised(int64_t target, double recall, double alpha, int64_t limit);

// --- a plan fixed beforehand, all draws uniform, looked at once (Clopper & Pearson 1934) ----
double audit_fixed(int64_t draws, int64_t misses, double alpha); // upper bound of the share
int64_t audit_fixed_draws(double bound, double alpha); // least number without a miss that gives it: 299 for 1 % at 0.05

#endif
