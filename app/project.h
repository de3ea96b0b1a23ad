// A project on disk: DIR/project.db, models/, cache/, pictures/ (copies of what
// was labelled).
#ifndef APP_PROJECT_H
#define APP_PROJECT_H

#include "app/app.h"
#include "app/settings.h"
#include "db/picture.h"
#include "db/scene.h"
#include "nn/net.h"

struct project {
    char *dir; // absolute
    struct db *db;
    struct settings *settings;
    struct image_limits limits;
};

// Make DIR and an empty project in it. base: as in project_take_base.
ASSAY_CHECKED enum status project_create(const char *dir, const char *base, struct project *project,
                                         struct error *err);
// Open the project in `dir`, or, for NULL, in the current folder or the nearest one above.
ASSAY_CHECKED enum status project_open(const char *dir, struct project *project, struct error *err);
void project_close(struct project *project);
int project_threads(const struct project *project, int given); // given, else the setting, else all cores
char *project_nearest(void); // the folder of the nearest project from here upwards; NULL none, caller frees

// The scene of this name, or, for NULL, the only one there is. ST_NOT_FOUND; ST_INVALID: there are several. Caller: scene_clear.
ASSAY_CHECKED enum status project_scene(const struct project *project, const char *name, struct scene *scene,
                                        struct error *err);

// --- its base (project_base.c) -------------------------------------------------
#define BASE_EMBEDDED "embedded"
#define BASE_FILTERS "filter-bank"

// The base in use; caller base_free.
ASSAY_CHECKED enum status project_base(const struct project *project, struct base **base, struct error *err);

// What its features are kept under, info->sha256 and info->precision, without reading its file; the rest is empty.
ASSAY_CHECKED enum status project_base_kept(const struct project *project, struct base_info *info, struct error *err);

// Copy a base into models/ after validating it. which: NULL or BASE_EMBEDDED the one inside the program,
// BASE_FILTERS the filter bank (nothing to copy), else a weight file. `name` receives what the copy is
// called: its SHA-256, or BASE_FILTERS.
ASSAY_CHECKED enum status project_take_base(const struct project *project, const char *which, char name[HASH_HEX],
                                            struct error *err);
// Whether project_take_base would take it.
ASSAY_CHECKED enum status project_check_base(const char *which, struct error *err);
// Make the base of this name the project's; for one with screened scenes call screening_forget in the same
// transaction. Scenes made from then on have the size that the base was made for.
ASSAY_CHECKED enum status project_use_base(struct project *project, const char *name, struct error *err);
// Name of the base in use (caller frees); BASE_FILTERS where nothing is set.
ASSAY_CHECKED enum status project_base_name(const struct project *project, char **name, struct error *err);

// A base as a weight file. which: NULL the project's (without a project: the embedded one), BASE_EMBEDDED, the
// first 6 or more digits of the SHA-256 of one in models/, or a file. Caller tensor_close.
ASSAY_CHECKED enum status project_weights(const struct project *project, const char *which,
                                          struct tensor_file **file, struct error *err);
// The same as a network. Caller net_free.
ASSAY_CHECKED enum status project_net(const struct project *project, const char *which, struct net **net,
                                      struct error *err);

// dir/models/<sha256>.safetensors (caller frees).
char *project_model(const struct project *project, const char *sha256);

// Where picture `row` can be read: its path, or the copy in the project when that is gone. Caller frees.
char *project_picture(const struct project *project, const struct picture *row);

// Copy a labelled picture into the project (verified by its hash); one that has a copy is left alone.
ASSAY_CHECKED enum status project_keep(const struct project *project, struct db *db, int64_t picture,
                                       struct error *err);

#endif
