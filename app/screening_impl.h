// The parts of screening.h; for its files only.
#ifndef APP_SCREENING_IMPL_H
#define APP_SCREENING_IMPL_H

#include "app/screening.h"
#include "screen/patch.h"

// The patch statistics that the scene is screened by from now on; "" none (screening_patch says them).
ASSAY_CHECKED enum status screening_use_patch(struct project *project, const struct scene *scene, const char *sha256,
                                              struct error *err);

// From the store's features; the active one of its scene unless it is to be a candidate.
ASSAY_CHECKED enum status screening_revision(struct project *project, const struct base *base, const struct scene *scene,
                                             const struct screening_options *options, struct store *store,
                                             const struct patch_model *patch, const char *patch_sha256,
                                             struct screening_report *report, struct error *err);

#endif
