// Screening a scene: patch statistics, features of every picture, normality
// model, scores, a new revision. Each step is kept on disk, so that a run that
// was killed goes on where it stopped.
#ifndef APP_SCREENING_H
#define APP_SCREENING_H

#include "app/project.h"
#include "db/label.h"
#include "db/scene.h"
#include "screen/extract.h"
#include "screen/store.h"

struct screening_options {
    double flag_rate; // share of normals that may be flagged
    double target_recall, recall[SEVERITIES]; // asked of every severity known to occur, of one; 0 none
    int threads;
    bool refit;       // fit the patch statistics anew
    bool quiet;
    char learned[HASH_HEX]; // the trained model that takes part; "": the active revision's, if any
    bool learned_rests;     // the active revision's was made with another base
    bool candidate;         // the revision does not become the active one
    bool (*learned_go_on)(void *context, size_t done, size_t total); // of its scoring; may be NULL
    void *learned_context;
};

struct screening_report {
    int64_t screened, flagged, extracted, failed, believed;
    int64_t poor; // set aside, damaged files included
    double threshold, shrinkage, seconds;
    int looks; // that its normal pictures have (core/screen/looks.h)
    int revision;
    int64_t revision_id;
    json_t *rule; // where the threshold came from (calibrate_json); NULL before there is one
    json_t *alone; // screening_alone_json
    const char *without_learned, *without_drawn; // screening_without_*
    json_t *bad; // array of {path, reason}: readable when added, not now
};
void screening_report_clear(struct screening_report *report);

ASSAY_CHECKED enum status screening_run(struct project *project, const struct base *base,
                                        const struct scene *scene, const struct screening_options *options,
                                        struct screening_report *report, struct error *err);

// A revision of the pictures that have features, with options->learned, not made the active one. Takes little longer than
// a second where learned_run was done before.
ASSAY_CHECKED enum status screening_candidate(struct project *project, const struct base *base, const struct scene *scene,
                                              const struct screening_options *options, struct screening_report *report,
                                              struct error *err);

// What the store keeps of a result, and what the model wants of that: the same for a whole scene and for one picture.
struct store_record screening_record(const struct extract_result *result);
struct screen_input screening_input(const struct store_record *record);

// Everything known about a scene's pictures that have features, aligned arrays.
struct dataset {
    struct store *store;
    size_t count, capacity;
    int dim;
    int64_t *ids;
    struct screen_input *inputs; // embeddings point into the store
    bool *believed;              // neither said nor known to be other than normal
    uint64_t *groups;            // hash of the group's name
    enum verdict *known;         // review verdict, else imported truth
    int *kinds;                  // index into kind_names, -1 none
    char **kind_names;
    size_t kind_count;
};

ASSAY_CHECKED enum status dataset_load(struct project *project, const struct scene *scene,
                                       struct store *store, int dim, struct dataset *set, struct error *err);
void dataset_clear(struct dataset *set);

// The scene's ignore mask, gray; without pixels where there is none. Caller: image_clear.
ASSAY_CHECKED enum status screening_ignore(const struct project *project, const struct scene *scene,
                                           struct image *mask, struct error *err);

// The store of a scene's features under the given patch statistics. Caller closes. ST_BUSY: another process holds it;
// the first waits some seconds for it, the second does not.
ASSAY_CHECKED enum status screening_store(const struct project *project, const struct base *base,
                                          const struct scene *scene, const char *patch_sha256,
                                          struct store **store, struct error *err);
ASSAY_CHECKED enum status screening_store_now(const struct project *project, const struct base *base,
                                              const struct scene *scene, const char *patch_sha256,
                                              struct store **store, struct error *err);
// For reading only, beside whoever holds it. ST_NOT_FOUND: nothing was computed yet.
ASSAY_CHECKED enum status screening_store_reading(const struct project *project, const struct base_info *base,
                                                  const struct scene *scene, const char *patch_sha256,
                                                  struct store **store, struct error *err);
// Every scene's patch statistics are out of use (another base): the next screening learns and computes anew.
// Inside the caller's transaction. Answers and finished revisions stay.
ASSAY_CHECKED enum status screening_forget(struct project *project, struct error *err);
// project_use_base and screening_forget in one transaction.
ASSAY_CHECKED enum status screening_change_base(struct project *project, const char *name, struct error *err);
// Share of the normals that may be flagged which a single detector may claim (SCREEN_ALONE unless chosen).
ASSAY_CHECKED enum status screening_alone(struct project *project, const struct scene *scene, double *share,
                                          struct error *err);
ASSAY_CHECKED enum status screening_set_alone(struct project *project, const struct scene *scene,
                                              double share, struct error *err);
// {detector: flagged pictures that it alone carries} of a revision, those with any. Caller: json_decref.
ASSAY_CHECKED enum status screening_alone_json(struct project *project, int64_t revision, json_t **json,
                                               struct error *err);
// Why a detector takes no part that could: words to be looked up with _(); NULL where it does, or there is nothing to.
// trained: a trained model was asked; other_base: one rests since the base is another.
struct screen_model;
const char *screening_without_learned(const struct screen_model *model, bool trained, bool other_base);
const char *screening_without_drawn(const struct screen_model *model, const struct patch_model *patch);
// Name of the patch statistics in use, "" none.
ASSAY_CHECKED enum status screening_patch(struct project *project, const struct scene *scene,
                                          char sha256[HASH_HEX], struct error *err);
// ST_INVALID, with the sentence that says so and what to do.
enum status screening_other_base(const struct scene *scene, struct error *err);
// Whether these statistics, made with `base`, are for the scene's settings as they are now; ST_INVALID: a sentence that says what to do.
ASSAY_CHECKED enum status screening_fits(const struct project *project, const struct base_info *base, const struct scene *scene,
                                         const char *sha256, struct error *err);
// Whether a candidate can be made: the scene was screened as it is now. The name of its patch statistics.
ASSAY_CHECKED enum status screening_begun(struct project *project, const struct scene *scene, char sha256[HASH_HEX], struct error *err);

#endif
