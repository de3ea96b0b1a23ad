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
    bool apart;                   // the learned detector decides, what is unlike anything has its own share
    struct tail others;           // of the norm of the other detectors' parts, where apart
    double offset;                // that share is 10^-offset of the learned detector's
    struct tail fused;            // of the fused parts
    double agreement;             // of the pictures of one group, 0..1
    struct tail together;         // of what they share, where agreement > 0
    double flag_rate, alone, aligned;
    size_t fit_count;
};

#endif
