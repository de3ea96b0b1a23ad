// Synthetic defects: what may be wrong with a surface, drawn over a picture of it.
#ifndef LEARN_FLAW_H
#define LEARN_FLAW_H

#include <stdbool.h>

#include "base/rng.h"

enum flaw_kind {
    FLAW_SCAR,  // a thin bar of one tone or of another place (CutPaste-Scar, Li et al. 2021)
    FLAW_BLOB,  // foreign material under a noise mask (DRAEM, Zavrtanik et al. 2021)
    FLAW_PASTE, // a piece from elsewhere with soft edges (NSA, Schlueter et al. 2022)
    FLAW_LINE,  // a wandering line, mostly dark: crack, hair, scratch
    FLAW_LOCAL, // a place out of focus, darker, brighter or flatter than it should be
    FLAW_ZONE,  // another tone or grain from an edge of the picture on
    FLAW_KINDS
};

const char *flaw_name(int kind); // one word
bool flaw_needs_other(int kind);

// Draws one over rgb: (side, side, 3), 0..255, in place; mask: (side, side), 0..1, how much of each
// pixel is the defect's, is written whole. Where mask is 0, rgb is untouched. The defect covers at least
// 12 pixels, at most half of the picture (a zone: 0.65), and changes what it covers by at
// least 8 levels in the mean, whatever the ground; where five attempts fail to, it is a plain stain.
// `other`: foreign material (side, side, 3), not changed; may be NULL for kinds that do not need it.
void flaw_add(int kind, struct rng *rng, int side, const float *other, float *rgb, float *mask);

#endif
