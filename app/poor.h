// Poor pictures of a scene: what is usual is learnt when the scene is screened; those far from it are set aside with
// the reason, neither fitted on, nor scored, nor counted as normal or defect, until a person has said what they are.
#ifndef APP_POOR_H
#define APP_POOR_H

#include "app/project.h"
#include "db/scene.h"
#include "image/quality.h"

// Measure what was never measured (pictures of older projects), learn what is usual, judge every picture anew.
// Pictures about which an answer stands, given or imported, are not set aside.
ASSAY_CHECKED enum status poor_screen(struct project *project, const struct scene *scene, int threads, bool quiet,
                                      struct error *err);
// Judge one picture by what is usual; *aside says whether it is set aside, `why` then holds kind and evidence.
ASSAY_CHECKED enum status poor_judge(struct project *project, const struct quality_range *range, int64_t picture,
                                     bool *aside, char why[2 * QUALITY_WHY], struct error *err);

#endif
