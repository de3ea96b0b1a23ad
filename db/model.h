// Trained models, promotion, rollback (model.c).
#ifndef DB_MODEL_H
#define DB_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/hash.h"
#include "base/status.h"
#include "db/label.h"

struct db;

struct model_row {
    int64_t id, scene, revision; // scene 0: industry model; revision 0: not scored yet
    char sha256[HASH_HEX], base_sha256[HASH_HEX], parent[HASH_HEX];
    char state[16];              // "candidate", "promoted", "refused" as it was decided; of industry models: industry.h
    char *notes, *data, *metrics, *reason; // JSON: parameters; what it was trained on; the comparison. A sentence
    int64_t created_ms, decided_ms;
    bool pruned;                 // its revision is
    bool active;                 // of its scene; of an industry model: rounds begin from it
    char moved[16], *mover;      // of a scene: how it last became the active one, or another did in its place: "hand", "gate",
    int64_t moved_ms;            // "rollback", "screen", "" never; who did it, "" nobody; when
};
void model_clear(struct model_row *row);
// How it stands, which its scene's active revision says where it was decided: as `state`, or "rolled back" or "replaced".
const char *model_standing(const struct model_row *row);
void model_free(struct model_row *rows, size_t count);
// With the pictures it was trained on. Known already (same file, same scene): *id is that one's.
ASSAY_CHECKED enum status db_model_add(struct db *db, const struct model_row *row, const int64_t *pictures, size_t count,
                                       int64_t *id, struct error *err);
// Groups of the pictures that a model file was trained on, each once; text valid during the call.
ASSAY_CHECKED enum status db_model_groups(struct db *db, const char *sha256, void (*each)(void *context, const char *group),
                                          void *context, struct error *err);
ASSAY_CHECKED enum status db_model_get(struct db *db, int64_t id, struct model_row *row, struct error *err);
ASSAY_CHECKED enum status db_model_list(struct db *db, struct model_row **rows, size_t *count, struct error *err); // by id
ASSAY_CHECKED enum status db_model_scored(struct db *db, int64_t id, int64_t revision, struct error *err);
ASSAY_CHECKED enum status db_model_decide(struct db *db, int64_t id, const char *state, const char *reason,
                                          const char *metrics, struct error *err); // metrics NULL: as they are
// A finished revision becomes its scene's active one, at once. kind: "gate", "hand", "rollback".
ASSAY_CHECKED enum status db_revision_activate(struct db *db, int64_t revision, const char *kind, const char *who,
                                               const char *reason, struct error *err);
// The revision that was active before the scene's active one was made it; ST_NOT_FOUND.
ASSAY_CHECKED enum status db_revision_before(struct db *db, int64_t scene, int64_t *revision, struct error *err);
struct compare_row { // a picture scored by two revisions
    int64_t picture;
    const char *group;
    double scores[2];
    enum verdict known;     // review, else truth
    enum severity severity; // of a defect
    const char *class;      // of a defect, as it is called now; "": of none
    enum label_source source;
};
// By picture; text valid during the call. ST_CANCELLED from `each` stops.
ASSAY_CHECKED enum status db_compare(struct db *db, int64_t first, int64_t second,
                                     enum status (*each)(void *context, const struct compare_row *row), void *context,
                                     struct error *err);

#endif
