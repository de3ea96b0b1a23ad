// The table of a base's sizes on this machine (learn/frontier.h), kept between
// calls: in a project as models/frontier-<first 12 digits of the base's SHA-256>.json,
// outside of one in ~/.cache/assay (XDG_CACHE_HOME).
#ifndef APP_FRONTIER_H
#define APP_FRONTIER_H

#include "app/project.h"
#include "learn/frontier.h"

struct frontier_request {
    const char *images; // project whose pictures believed normal measure the quality; NULL the demo's
    bool measure;       // anew, whatever is kept
    bool quiet;
};

struct frontier_report {
    char *path;  // where the table is kept, NULL when there is no place for it; caller frees
    bool reused; // it was there
};

// `project` may be NULL. A kept table holds for the same base, the same machine and, where `images` names
// some, the same pictures.
ASSAY_CHECKED enum status frontier_get(const struct project *project, const struct tensor_file *file,
                                       const struct frontier_request *request, struct frontier *f,
                                       struct frontier_report *report, struct error *err);

// ---- pictures (frontier_pictures.c) ----

enum { FRONTIER_SCENES = 3 };

struct frontier_pictures {
    struct frontier_scene scenes[FRONTIER_SCENES];
    int count;
    char text[FRONTIER_TEXT]; // which they are; other pictures, other text
};

// The demo's.
void frontier_pictures_demo(struct frontier_pictures *pictures);
// Of the project in `dir`: the scenes with the most pictures believed normal, their regions of interest at no
// more than 512 pixels a side; ignore masks are not looked at. ST_INVALID when no scene has enough.
ASSAY_CHECKED enum status frontier_pictures_open(const char *dir, struct frontier_pictures *pictures,
                                                 struct error *err);
void frontier_pictures_clear(struct frontier_pictures *pictures);

#endif
