// Scores of old revisions: one of 1,080,000 pictures takes some 80 MB of the database and 10 MB of models/.
#ifndef APP_PRUNE_H
#define APP_PRUNE_H

#include "app/project.h"
#include "db/scene.h"

// Of a scene that has a new revision: what the setting revisions.keep leaves (db_revision_prune) loses its scores, its statistics
// in models/ and what is in cache/ for it; trained models stay. The caller holds the scene's store, so that nobody else makes
// a revision of it meanwhile. May be stopped (stop_asked): the next call goes on.
ASSAY_CHECKED enum status prune_revisions(struct project *project, const struct scene *scene, struct error *err);

#endif
