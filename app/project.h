// A project on disk: DIR/project.db, models/, cache/, pictures/ (copies of what
// was labelled).
#ifndef APP_PROJECT_H
#define APP_PROJECT_H

#include "app/app.h"

struct project {
    char *dir; // absolute
    struct db *db;
    struct image_limits limits;
};

// Make DIR and an empty project in it. base: weight file, copied into models/; NULL the filter bank.
ASSAY_CHECKED enum status project_create(const char *dir, const char *base, struct project *project,
                                         struct error *err);
// Open the project in `dir`, or, for NULL, in the current folder or the nearest one above.
ASSAY_CHECKED enum status project_open(const char *dir, struct project *project, struct error *err);
void project_close(struct project *project);

// The base the project was made with; caller base_free.
ASSAY_CHECKED enum status project_base(const struct project *project, struct base **base, struct error *err);

// dir/models/<sha256>.safetensors (caller frees).
char *project_model(const struct project *project, const char *sha256);

// Where picture `row` can be read: its path, or the copy in the project when that is gone. Caller frees.
char *project_picture(const struct project *project, const struct picture *row);

// Copy a labelled picture into the project (verified by its hash); one that has a copy is left alone.
ASSAY_CHECKED enum status project_keep(const struct project *project, struct db *db, int64_t picture,
                                       struct error *err);

#endif
