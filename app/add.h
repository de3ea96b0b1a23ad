// Adding pictures: walk, read, hash, decode, store.
#ifndef APP_ADD_H
#define APP_ADD_H

#include <regex.h>

#include "app/project.h"
#include "base/csv.h"
#include "db/label.h"

struct add_options {
    const char *scene;    // name
    const regex_t *group; // NULL none; the first sub-expression names the group, else the whole match
    bool folders;         // the folder's name is the known answer
    const regex_t *normal; // folder names that mean normal
    const struct metadata *metadata; // NULL none
    bool quiet;
    int threads;          // reading at once, 0 all cores
    bool live;            // files come and go: one that is gone by now is no bad picture; in the order given
    void (*took)(void *context, int64_t picture); // NULL none: called for each picture that is new and can be screened
    void (*stays)(void *context, int64_t scene); // NULL none: called for each file whose picture was known, with its scene
    void *context;
};

struct add_report {
    int64_t seen, added, known, moved, copies, changed, unreadable, truths;
    int64_t still_unreadable; // of the unreadable ones, those that were so before: no news for the log
    int64_t passed;    // rows of --truth without a verdict, or unsure
    int64_t described; // got a group or a field from --group, --sidecar or --pattern
    bool no_scene;     // the scene did not exist, and does not: nothing is of it
    json_t *bad; // array of {path, reason}
};

// Makes the scene where it is not there and something is of it.
ASSAY_CHECKED enum status add_paths(struct project *project, char *const *paths, size_t count,
                                    const struct add_options *options, struct add_report *report,
                                    struct error *err);

// A line in the log of what was added to `scene`, by whoever runs the program; nothing new: none.
ASSAY_CHECKED enum status add_log(struct project *project, const char *scene, const struct add_report *report,
                                  struct error *err);

// A file or folder that belongs to a project's own (its database, models/, cache/, pictures/).
bool add_is_project_part(const char *path);

// cmd_add.c: compile what a user gave as --group or --normal.
ASSAY_CHECKED enum status add_regex(regex_t *regex, const char *text, int flags, struct error *err);

// --- truth.c: known answers, from folder names or a table ---
// The folder that names a picture's kind: the nearest one that is not a mere container (Imgs, test ...),
// not above path[root]. NULL none; caller frees.
char *layout_kind(const char *path, size_t root);
// The mask of a picture: a .png beside a .jpg, or ground_truth/KIND/NAME_mask.png. NULL none; caller frees.
char *layout_mask(const char *picture);
bool layout_is_mask(const char *path);

// One known answer; the same as before adds nothing.
ASSAY_CHECKED enum status truth_store(struct project *project, int64_t picture, enum verdict verdict, const char *kind,
                                      const char *severity, const char *mask /* NULL none */, bool *added,
                                      struct error *err);
// A table of known answers: path, verdict, class, severity, mask, group. Paths are
// found as written, from the file's folder, or by their ending.
struct truth_row {
    size_t line; // of the file, from 1
    int64_t picture;
    enum verdict verdict; // normal or defect
    const char *kind, *severity, *group; // "" where not given; owned by the table
    char *mask; // path, NULL none
};
struct truth {
    struct csv_table table;
    struct truth_row *rows;
    size_t count, passed; // passed: rows over, without a verdict or unsure
};
// Read one without storing anything. A wrong line or an unknown picture is ST_INVALID or ST_NOT_FOUND naming the line.
ASSAY_CHECKED enum status truth_read(const struct project *project, const char *file, struct truth *truth,
                                     struct error *err);
void truth_clear(struct truth *truth);
// A picture by its name in a file of `folder`: as written, from there, or by its ending. ST_NOT_FOUND, err untouched.
ASSAY_CHECKED enum status truth_picture(const struct project *project, const char *path, const char *folder, int64_t *picture,
                                        struct error *err);
char *truth_folder(const char *file); // that its paths are relative to; caller frees
// Import one.
ASSAY_CHECKED enum status add_truth(struct project *project, const char *file, struct add_report *report,
                                    struct error *err);

// --- metadata.c: object, position, camera, time, group from beside the pictures ---
enum { META_OBJECT, META_POSITION, META_CAMERA, META_TIME, META_GROUP, META_FIELDS };

struct metadata;
// sidecar: CSV with a header or JSON array of objects, key "path"; pattern: "{object}/{camera}_{position}.jpg",
// matched against the end of the path. Either may be NULL.
ASSAY_CHECKED enum status metadata_open(const char *sidecar, const char *pattern, struct metadata **metadata,
                                        struct error *err);
void metadata_free(struct metadata *metadata);
// Fields found for `path` into fresh strings, NULL where unknown. Thread-safe.
void metadata_lookup(const struct metadata *metadata, const char *path, char *fields[META_FIELDS]);

#endif
