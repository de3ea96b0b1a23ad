// Inside of a normality model, shared by fitting (model.c) and its file (model_file.c).
#ifndef SCREEN_MODEL_STATE_H
#define SCREEN_MODEL_STATE_H

#include <stdbool.h>
#include <stddef.h>

#include "screen/known.h"
#include "screen/mixture.h"
#include "screen/model.h"
#include "screen/tail.h"

struct screen_model {
    int dim, from;                // of an embedding: its length, the first number in use
    bool used[DETECTORS];         // false: its measures were all equal, it says nothing
    struct mixture mixture;       // `whole`; empty when it is not used
    struct known known;           // confirmed pictures as `mixture` whitens them; no defect: not used
    struct tail tails[DETECTORS]; // of each used detector's measure; every number fits a float
    bool apart;                   // answers taught the learned detector: it speaks next to those that nothing taught
    struct tail others;           // of the norm of those others' parts, where apart
    double lead;                  // what the learned one counts for, 0..1, the others for the rest
    double offset;                // what the others say counts at least less this
    struct tail fused;            // of the fused parts
    double agreement;             // of the pictures of one group, 0..1
    struct tail together;         // of what they share, where agreement > 0
    double flag_rate, alone, aligned;
    size_t fit_count;
};

#endif
