// The class that a scene's trained model takes a picture for, from what was kept when it scored the picture.
#ifndef APP_LIKELY_H
#define APP_LIKELY_H

#include "app/project.h"
#include "db/scene.h"

struct likely; // what is open; starts as NULL

struct likely_class {
    const char *name;  // as it is called now; NULL: the model knows no class. Valid until the next call
    double share;      // probability among the classes, given a defect
    bool unknown;      // the picture is like no class that the model knows
};
// False where the model learned no class or has not seen the picture; nothing is said then. Looks again after a while.
bool likely_get(struct likely **likely, struct project *project, const struct scene *scene, const char *model, int64_t picture,
                struct likely_class *out);
void likely_close(struct likely *likely);

#endif
