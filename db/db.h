// The project's database: the one handle behind which all SQL lives. A handle
// belongs to one thread; open one per thread, after any exec. Calls return
// within milliseconds and write in short transactions (BEGIN IMMEDIATE).
// Text handed out in rows is owned by the row; ROW_clear functions free it.
#ifndef DB_DB_H
#define DB_DB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/hash.h"
#include "base/status.h"
#include "image/phash.h"
#include "image/quality.h"
#include "screen/drift.h"
#include "screen/model.h"
#include "screen/patch.h"
#include "screen/settings.h"
#include "screen/threshold.h"

struct db;

// --- life (db.c, migrate.c) -------------------------------------------------
// Make project.db (ST_INVALID when it exists). Refuses network file systems.
ASSAY_CHECKED enum status db_create(const char *path, struct db **db, struct error *err);
// Open an existing one, migrating it to this program's version; newer: ST_NEWER;
// not ours (application_id) or damaged: ST_CORRUPT.
ASSAY_CHECKED enum status db_open(const char *path, struct db **db, struct error *err);
void db_close(struct db *db);

// Group several calls into one transaction (no nesting). db_rollback never fails.
ASSAY_CHECKED enum status db_begin(struct db *db, struct error *err);
ASSAY_CHECKED enum status db_commit(struct db *db, struct error *err);
void db_rollback(struct db *db);

// Project settings by key; *value NULL when unset (caller frees).
ASSAY_CHECKED enum status db_setting_get(struct db *db, const char *key, char **value, struct error *err);
ASSAY_CHECKED enum status db_setting_set(struct db *db, const char *key, const char *value, struct error *err);
#define DB_SCENE_SIZE "scene.size" // settings.size of scenes made from now on, "" the program's default

// --- scenes (scene.c) --------------------------------------------------------
struct scene {
    int64_t id;
    char *name;
    struct screen_settings settings;
    char *ignore_path;       // ignore mask, "" none
    int64_t active_revision; // 0 before the first screening
};
void scene_clear(struct scene *scene);

ASSAY_CHECKED enum status db_scene_ensure(struct db *db, const char *name, int64_t *id, struct error *err);
// id 0: by name. ST_NOT_FOUND when there is none.
ASSAY_CHECKED enum status db_scene_get(struct db *db, int64_t id, const char *name, struct scene *scene,
                                       struct error *err);
ASSAY_CHECKED enum status db_scene_list(struct db *db, struct scene **scenes, size_t *count,
                                        struct error *err); // by id; caller clears each and frees the array
ASSAY_CHECKED enum status db_scene_set(struct db *db, const struct scene *scene, struct error *err); // settings, ignore_path

// --- pictures (picture.c) -----------------------------------------------------
struct picture_new {
    int64_t scene;
    const char *path;             // absolute
    char sha256[HASH_HEX];        // "" when the file could not be read at all
    uint64_t bytes;
    int64_t mtime_ns;
    int width, height, channels;
    const char *format;           // "png", "jpeg", "unknown"
    const char *unreadable;       // reason, NULL when the picture is fine
    const char *group;            // NULL: "content:<sha256>" unless a near-duplicate lends its own
    struct phash phash;           // zero when unreadable
    const char *object, *position, *camera, *taken; // NULL unknown
};

enum picture_outcome {
    PICTURE_ADDED,     // new content, or what could not be read before and now can
    PICTURE_KNOWN,     // same path, same content: nothing changed
    PICTURE_MOVED,     // known content; its old path is gone, this one replaces it
    PICTURE_COPY,      // known content at a further path
    PICTURE_CHANGED,   // same path, other content: a new picture, the path now belongs to it (an unreadable one is
                       // replaced: it was still being written)
    PICTURE_UNREADABLE // recorded with its reason (again: the reason is refreshed)
};

// True when `path` is stored with this size and mtime: no need to read it again.
ASSAY_CHECKED enum status db_picture_unchanged(struct db *db, const char *path, uint64_t bytes,
                                               int64_t mtime_ns, bool *unchanged, struct error *err);
// Metadata that is not NULL is filled in on known pictures too (group only while unset by the user).
// Which old paths are gone is looked up on disk only when content is already known.
ASSAY_CHECKED enum status db_picture_add(struct db *db, const struct picture_new *picture, int64_t *id,
                                         enum picture_outcome *outcome, struct error *err);

struct picture {
    int64_t id, scene;
    char *path;    // first location that exists in the database
    char *kept;    // copy inside the project (relative to it), "" none
    char *group, *object, *position, *camera, *taken, *unreadable, *format;
    char sha256[HASH_HEX];
    int width, height, channels;
    uint64_t bytes;
    struct phash phash;
};
void picture_clear(struct picture *picture);
ASSAY_CHECKED enum status db_picture_get(struct db *db, int64_t id, struct picture *picture, struct error *err);
// By exact path, else by path suffix after '/', else by file name if unique; ST_NOT_FOUND otherwise.
ASSAY_CHECKED enum status db_picture_find(struct db *db, const char *path, int64_t *id, struct error *err);
// Keyset paging: readable (or unreadable) pictures with id > after, at most `limit`. scene 0: all.
ASSAY_CHECKED enum status db_picture_page(struct db *db, int64_t scene, bool unreadable, int64_t after,
                                          size_t limit, struct picture **rows, size_t *count,
                                          struct error *err);
ASSAY_CHECKED enum status db_picture_set_group(struct db *db, int64_t id, const char *group, struct error *err);
ASSAY_CHECKED enum status db_picture_set_kept(struct db *db, int64_t id, const char *kept, struct error *err);
// Labelled pictures that have no copy inside the project yet.
ASSAY_CHECKED enum status db_picture_unkept(struct db *db, int64_t **ids, size_t *count, struct error *err);

// --- revisions and scores (revision.c) -----------------------------------------
enum { REVISION_GOALS = 1024 };
struct revision {
    int64_t id, scene;
    int number;              // 1.. within the scene
    char base_sha256[HASH_HEX], model_sha256[HASH_HEX], patch_sha256[HASH_HEX];
    char learned_sha256[HASH_HEX]; // the trained model that took part, "" none
    double threshold, flag_rate;
    int64_t screened, flagged, believed; // pictures scored, flagged, in the fit
    int64_t created_ms;
    char rule[16];                // threshold_rule_name of where the threshold came from
    char reason[THRESHOLD_TEXT];  // the sentence that says why
    char goals[REVISION_GOALS];   // JSON array, one object for each severity with a recall asked for
};
struct score_new {
    int64_t picture;
    struct screen_score score;
    bool flagged;
    const struct heat *heat; // stored for flagged pictures; NULL none
    double box[4];
};
// A revision is built in the background of the active one: begin (a building one
// of the scene, left by a crash, is thrown away), put scores in batches (each
// one short transaction), finish (becomes the scene's active one, at once).
ASSAY_CHECKED enum status db_revision_begin(struct db *db, const struct revision *revision, int64_t *id,
                                            struct error *err);
ASSAY_CHECKED enum status db_revision_scores(struct db *db, int64_t revision, const struct score_new *scores,
                                             size_t count, struct error *err);
// Flagged pictures that a single detector carries (screen_score's `alone`), by detector.
ASSAY_CHECKED enum status db_revision_alone(struct db *db, int64_t revision, int64_t counts[DETECTORS],
                                            struct error *err);
ASSAY_CHECKED enum status db_revision_finish(struct db *db, int64_t id, struct error *err);
// Complete, but not the active one: a candidate (db_revision_activate).
ASSAY_CHECKED enum status db_revision_ready(struct db *db, int64_t id, struct error *err);
ASSAY_CHECKED enum status db_revision_get(struct db *db, int64_t id, struct revision *revision,
                                          struct error *err);

// counts: (bins), how many scores of the revision lie from i * step on; the last one takes all beyond.
ASSAY_CHECKED enum status db_score_bins(struct db *db, int64_t revision, double step, int bins, int64_t *counts,
                                        struct error *err);

// --- people (person.c, lead.c) and classes (class.c) -----------------------------------------------
ASSAY_CHECKED enum status db_person_ensure(struct db *db, const char *name, int64_t *id, struct error *err);
// Roles are by user name; they say who decides, they do not keep anybody out. Where no lead is named everybody may do
// what a lead may.
ASSAY_CHECKED enum status db_lead(struct db *db, int64_t person, bool *may, struct error *err);
// ST_INVALID with a sentence where `may` is false; `what`: "promoting a model".
ASSAY_CHECKED enum status db_lead_only(struct db *db, int64_t person, const char *what, struct error *err);
// ST_INVALID: `by` is no lead, or the last one would be taken away.
ASSAY_CHECKED enum status db_role_set(struct db *db, int64_t by, int64_t person, bool lead, struct error *err);
struct user_row {
    int64_t id, answers; // review events, whether they stand or not
    char *name;
    bool lead;
};
ASSAY_CHECKED enum status db_users(struct db *db, struct user_row **rows, size_t *count, struct error *err); // by name
void user_free(struct user_row *rows, size_t count);
// From one person to another, about a picture. Nothing of it is changed later.
ASSAY_CHECKED enum status db_comment_add(struct db *db, int64_t from, int64_t to, int64_t picture, const char *text,
                                         struct error *err);
struct comment_row { // text valid during the callback
    int64_t id, at_ms, picture;
    const char *from, *to, *path, *text;
};
// To `person` and not seen yet, oldest first; those about a picture.
ASSAY_CHECKED enum status db_comments_new(struct db *db, int64_t person,
                                          void (*each)(void *context, const struct comment_row *row), void *context,
                                          struct error *err);
ASSAY_CHECKED enum status db_comments_about(struct db *db, int64_t picture,
                                            void (*each)(void *context, const struct comment_row *row), void *context,
                                            struct error *err);
ASSAY_CHECKED enum status db_comments_seen(struct db *db, int64_t person, int64_t last, struct error *err); // up to id `last`
struct class_row {
    int64_t id;
    char *name, *severity; // severity used last for it: "stop", "key", "general"
    char *code;            // what is typed for it, "" none
    char *zh;              // its name in Chinese, "" none
    int64_t uses, parent;  // parent: the class above it, 0 none
    bool retired;          // not offered any more
};
ASSAY_CHECKED enum status db_class_ensure(struct db *db, const char *name, const char *severity, int64_t *id,
                                          struct error *err);
ASSAY_CHECKED enum status db_class_list(struct db *db, struct class_row **rows, size_t *count,
                                        struct error *err); // most recently used first; class_free
void class_free(struct class_row *rows, size_t count);
// The name that one has now, after renaming and merging; itself where nothing leads on. Caller frees.
ASSAY_CHECKED enum status db_class_now(struct db *db, const char *name, char **now, struct error *err);
// Its name in Chinese, "" none. Caller frees.
ASSAY_CHECKED enum status db_class_zh(struct db *db, const char *name, char **zh, struct error *err);
// What was said keeps the name it was said with; where it is read, that leads to the name of now.
enum class_change { CLASS_RENAME, CLASS_CODE, CLASS_SEVERITY, CLASS_PARENT, CLASS_RETIRE, CLASS_MERGE, CLASS_ZH, CLASS_NEW };
// value: the new name, code ("" none), severity, name of the class above ("" none), "yes" or "" for retired, name of the
// class to merge into, name of the new class (id is not used). ST_INVALID with a sentence where that cannot be; nothing is changed then.
ASSAY_CHECKED enum status db_class_change(struct db *db, int64_t person, int64_t id, enum class_change what,
                                          const char *value, struct error *err);

// --- taking back, across answers and changes of classes (class_back.c) --------------------------
struct back {
    int64_t picture, count;   // of answers, as db_label_back; picture 0: a change of classes
    char *what, *name, *value; // of a change: "rename", ...; the class as it was called; as in db_class_change
    bool kept;                // ... that stays as it is, for others have built on it; the next call goes on before it
};
// What this person did last and stands (again: took back last, unless something was done since). back_clear.
// ST_NOT_FOUND: nothing.
ASSAY_CHECKED enum status db_back(struct db *db, int64_t person, bool again, struct back *back, struct error *err);
void back_clear(struct back *back);

// Changes between these two calls are one: "template", its name and how much came of it. Inside of a transaction.
ASSAY_CHECKED enum status db_class_begin(struct db *db, struct error *err);
ASSAY_CHECKED enum status db_class_end(struct db *db, int64_t person, const char *what, const char *value, struct error *err);

// As a template has it: one that is there already (under this name or an earlier one) stays as it is, a code that another
// one has is left out. parent: name of the class above, "" none. zh may be "".
ASSAY_CHECKED enum status db_class_offer(struct db *db, const struct class_row *class, const char *parent, bool *added,
                                         struct error *err);

// --- relations (relation.c): what is known of a fault on a component ----------------------------
struct relation_row {
    int64_t id;
    char *component, *fault;         // the fault is a class
    char *cause, *action, *severity; // "" not stated
    int64_t contradicted;            // labels that stand with this component and fault, and another severity
};
void relation_free(struct relation_row *rows, size_t count);
// State one; what stood of the same component and fault is retired (keep: it stays instead). before: the severity that
// stood, "" none. added false: it stood just so.
ASSAY_CHECKED enum status db_relation_state(struct db *db, int64_t person, const struct relation_row *row, bool keep,
                                            char before[16], bool *added, struct error *err);
ASSAY_CHECKED enum status db_relation_retire(struct db *db, int64_t person, int64_t id, struct error *err);
// Of a fault (by its name now; NULL: all), by fault and component; relation_free.
ASSAY_CHECKED enum status db_relation_list(struct db *db, const char *fault, struct relation_row **rows, size_t *count,
                                           struct error *err);

// --- labels (label.c) ---------------------------------------------------------------
enum verdict { VERDICT_NONE, VERDICT_NORMAL, VERDICT_DEFECT, VERDICT_UNSURE, VERDICT_SKIP,
               VERDICT_POOR, VERDICT_FINE, // about the picture, not what it shows: LABEL_QUALITY
               VERDICT_REGIONS }; // none: where its defects are, LABEL_REGION
const char *verdict_name(enum verdict verdict); // "normal", "defect", "unsure", "skip", "poor", "fine", "regions"; "" for none
bool verdict_parse(const char *text, enum verdict *verdict);
bool severity_known(const char *text); // stop, key, general
enum severity { SEVERITY_STOP, SEVERITY_KEY, SEVERITY_GENERAL, SEVERITIES };
const char *severity_name(enum severity severity);
bool severity_parse(const char *text, enum severity *severity);

// Said in front of the picture; imported as known; said about how good the picture is; said in an audit (apart from the
// others, so that an audit's answers are never learnt from); drawn into the picture (region.c).
enum label_source { LABEL_REVIEW, LABEL_TRUTH, LABEL_QUALITY, LABEL_AUDIT, LABEL_REGION };

struct label {
    int64_t picture;
    int64_t person;          // who
    const char *role;        // "inspector"; "lead" in the second review: then it is the picture's label; "import"
    bool blind;              // given without seeing what was said before
    enum label_source source;
    enum verdict verdict;
    const char *class_name;  // "" for none
    const char *severity;    // "" for none
    const char *regions;     // JSON array (app/regions.h), "" none
    const char *note;        // "" none
    const char *component;   // on which the defect is; NULL or "" not said
    int64_t took_ms;
    int64_t revision;        // whose score was on the screen, 0 none
    double score;            // that score
};
// Appends one event; returns when it is on disk (synchronous=FULL).
ASSAY_CHECKED enum status db_label_add(struct db *db, const struct label *label, int64_t *event,
                                       struct error *err);
// Many of one person, of one source, in one transaction: all or none, taken back and given again together.
ASSAY_CHECKED enum status db_label_batch(struct db *db, const struct label *labels, size_t count, struct error *err);
// As db_label_undo, or db_label_redo; *count: how many answers, *picture the first one's.
ASSAY_CHECKED enum status db_label_back(struct db *db, int64_t person, bool redo, int64_t *picture, int64_t *count,
                                        struct error *err);
// Take back this person's latest review, audit or region event that stands (answers and skips),
// without limit and across restarts; ST_NOT_FOUND when there is none. *picture: which one.
ASSAY_CHECKED enum status db_label_undo(struct db *db, int64_t person, int64_t *picture, struct error *err);
// Say the latest undone event again, unless the person answered something since.
ASSAY_CHECKED enum status db_label_redo(struct db *db, int64_t person, int64_t *picture, struct error *err);

struct verdict_row {
    int64_t picture, event, at_ms;
    enum verdict verdict;
    char *class_name, *severity, *person, *note;
    bool lead; // said in the second review
};
void verdict_clear(struct verdict_row *row);
// The verdict that stands; ST_OK with verdict NONE when there is none.
ASSAY_CHECKED enum status db_verdict_get(struct db *db, int64_t picture, enum label_source source,
                                         struct verdict_row *row, struct error *err);
// Same import as before (truth with equal verdict, class, severity) adds nothing: *added false.
ASSAY_CHECKED enum status db_truth_add(struct db *db, const struct label *label, const char *mask_path,
                                       bool *added, struct error *err);

// --- regions (region.c): each event holds all regions of its picture after a change ------
struct region_set {
    int64_t event;            // 0: nothing was ever drawn or imported
    enum label_source source; // LABEL_REGION, or LABEL_TRUTH where nobody drew
    char *json;               // "" none
};
// What stands. Caller frees set->json.
ASSAY_CHECKED enum status db_region_get(struct db *db, int64_t picture, struct region_set *set, struct error *err);
// Whether the latest that this person said, took back or gave again was about regions.
ASSAY_CHECKED enum status db_region_last(struct db *db, int64_t person, bool *regions, struct error *err);
// label: of source LABEL_REGION and VERDICT_REGIONS. before: the drawn event that stood when the picture was looked at (0
// none). ST_BUSY naming who, and nothing stored, when others drew since.
ASSAY_CHECKED enum status db_region_put(struct db *db, const struct label *label, int64_t before, int64_t *event,
                                        struct error *err);
// --- second review (second.c) -----------------------------------------------------------
// A picture's label after a second look: what a lead said in the second review, whatever an inspector said before or says
// afterwards; without that, the last standing answer. Export, training, threshold and report all read that one (the
// table `verdict`). A later answer that contradicts the lead's is not the label; it brings the picture here again.
enum second_reason {
    SECOND_DISPUTE, // two people said different things, or an inspector contradicts the lead
    SECOND_UNSURE,  // the inspector asked for it
    SECOND_STOP,    // a defect of severity stop
    SECOND_DOUBT,   // the other answers contradict it (core/learn/acquire.h)
    SECOND_SHARE,   // drawn
};
const char *second_reason_name(enum second_reason reason);
struct second_row {
    int64_t picture, event;     // event: of the answer that stands
    enum second_reason reason;
};
// Pictures (of `scene`, 0 all) that wait for a lead's look, by reason, then by age: not those that `person` answered
// himself, apart from disputes. share: of all normals and defects, 0..1, drawn by the picture's number, so that it is the
// same ones each time. At most `limit`; *total: how many there are. Caller frees.
ASSAY_CHECKED enum status db_second(struct db *db, int64_t scene, int64_t person, double share, size_t limit,
                                    struct second_row **rows, size_t *count, int64_t *total, struct error *err);
struct word_row { // what one person said last about a picture; text valid during the callback
    int64_t event, person_id, at_ms;
    const char *person, *class_name, *severity, *note;
    enum verdict verdict;
    bool lead, label;     // said in the second review; this is the picture's label
};
ASSAY_CHECKED enum status db_words(struct db *db, int64_t picture,
                                   void (*each)(void *context, const struct word_row *row), void *context,
                                   struct error *err); // oldest first
struct agree_row { // an inspector's answer and what a lead said to it; text valid during the callback
    int64_t picture, at_ms;
    const char *person, *lead, *classes[2]; // first, second
    enum verdict verdicts[2];
    bool blind;           // the second one was given without seeing the first
};
// From `since_ms` on, the last of each lead about each picture.
ASSAY_CHECKED enum status db_agreement(struct db *db, int64_t scene, int64_t since_ms,
                                       void (*each)(void *context, const struct agree_row *row), void *context,
                                       struct error *err);

// --- the review queue (queue.c) -------------------------------------------------------
struct queue_item {
    int64_t picture, revision;
    struct screen_score score;
    double percentile;   // share of the revision's pictures with a lower score, 0..1
    int64_t position;    // 1 = the first still open (of the scene, where one was asked for)
    struct heat heat;
    double box[4];
    int reason;          // why it is asked, enum acquire_reason; ACQUIRE_BY_SCORE where it is not open
    int64_t about;       // the picture which that names, 0 none
    double expected;     // probability of a defect, < 0 unknown
};
// Lease up to `want` flagged pictures without a standing review verdict that
// nobody else holds, in order: not skipped by this person first, then by place
// (acquire.c), score falling, id. `session` (any text unique to the running program) keeps
// what it holds; leases end `ttl_ms` after the last lease/renew call. Items
// already held by this session are returned again unless in `known`. Without their place, as db_queue_tile.
ASSAY_CHECKED enum status db_queue_lease(struct db *db, const char *session, int64_t person, int64_t scene,
                                         size_t want, int64_t ttl_ms, const int64_t *known,
                                         size_t known_count, struct queue_item *items, size_t *count,
                                         struct error *err);
ASSAY_CHECKED enum status db_queue_renew(struct db *db, const char *session, int64_t ttl_ms, struct error *err);
ASSAY_CHECKED enum status db_queue_release(struct db *db, const char *session, int64_t picture /* 0 all */,
                                           struct error *err);
// Open pictures of a scene that nobody else holds, most anomalous first, at most `limit`. Caller frees.
ASSAY_CHECKED enum status db_queue_ids(struct db *db, const char *session, int64_t scene, size_t limit, int64_t **ids,
                                       size_t *count, struct error *err);
// Lease those of `ids` that are open and that nobody else holds; the others are taken out of the array.
ASSAY_CHECKED enum status db_queue_claim(struct db *db, const char *session, int64_t person, int64_t ttl_ms, int64_t *ids,
                                         size_t *count, struct error *err);
// One picture as a queue item without its place (percentile, position): the same however many come before it.
ASSAY_CHECKED enum status db_queue_tile(struct db *db, int64_t picture, struct queue_item *item, struct error *err);
// One picture as a queue item, open or not (after undo); scene as in db_queue_lease.
ASSAY_CHECKED enum status db_queue_item(struct db *db, int64_t scene, int64_t picture, struct queue_item *item,
                                        struct error *err);

// Kept as numbers: reading them costs the same with ten pictures and with a million.
struct scene_counts { // of the active revision, or of the whole project for scene 0
    int64_t pictures, unreadable, screened, flagged, open, answered, normals, defects, unsure, truths;
    int64_t poor, poor_open; // set aside as poor pictures, not answered of those
};
ASSAY_CHECKED enum status db_counts(struct db *db, int64_t scene, struct scene_counts *counts,
                                    struct error *err);

// --- export and screening input (export.c) ----------------------------------------------
struct export_row { // one picture with everything known about it; text valid during the callback
    int64_t picture;
    const char *path, *scene, *group, *sha256, *unreadable;
    int width, height;
    const char *object, *position, *camera, *taken;
    int revision_number;       // 0 not screened
    struct screen_score score;
    bool flagged;
    bool poor;                 // set aside: neither fitted on nor scored
    bool audited;              // drawn by an audit and answered there: never to be fitted on, whatever was said since
    enum verdict audit;        // that answer, also about a known defect slipped in
    const char *audit_stratum; // of the latest draw: "uniform", "weighted", "slipped"; "" not drawn
    int64_t audit_remaining;   // how many it was drawn from; 0 not drawn
    double audit_probability;  // with which probability
    enum verdict verdict;      // review
    const char *class_name, *severity, *person, *note;
    const char *component, *cause, *action; // of the review: what it was on, and what the relations say of that
    const char *regions;       // drawn, else imported
    int64_t at_ms;
    enum verdict truth;        // imported
    const char *truth_class, *truth_severity;
    const char *truth_mask;
};
// Walk pictures (by id, readable or not, of `scene` or all for 0). ST_CANCELLED from `each` stops.
ASSAY_CHECKED enum status db_export(struct db *db, int64_t scene,
                                    enum status (*each)(void *context, const struct export_row *row,
                                                        struct error *err),
                                    void *context, struct error *err);

// --- what the threshold and the report rest on (report.c) ---------------------------------
struct independent_defect { // a picture of a defect that was found independently of the score
    int64_t picture;
    enum severity severity; // as said, else its class's, else general
    double score;           // of the active revision; meaningless where !screened
    bool screened, flagged;
    bool audited;           // drawn by an audit: from the filtered ones, so that it lowers what can be shown, never raises it
};
// Imported defects of a scene (0: all) whatever they scored, and those that audits drew, by picture; caller frees.
// Defects that the queue brought up are not among them: they say nothing about what the filter loses.
ASSAY_CHECKED enum status db_independent_defects(struct db *db, int64_t scene, struct independent_defect **rows,
                                                 size_t *count, struct error *err);

// Every score of a finished revision with what is known of its picture, by picture.
struct scan_row {
    int64_t picture;
    double score;
    bool flagged;
    enum verdict review, truth, audit; // the last: of a draw
};
ASSAY_CHECKED enum status db_scan_scores(struct db *db, int64_t revision,
                                         void (*each)(void *context, const struct scan_row *row), void *context,
                                         struct error *err);

// What people said, from `since_ms` on (0: ever). A person's answer on a picture counts once, as last said.
struct person_row {
    char *name;
    int64_t answers, normals, defects, unsure, skips, timed, median_ms; // median of the `timed` answers, 0 without
};
ASSAY_CHECKED enum status db_people(struct db *db, int64_t scene, int64_t since_ms, struct person_row **rows,
                                    size_t *count, struct error *err); // by name; person_free
void person_free(struct person_row *rows, size_t count);
// The same median over all people.
ASSAY_CHECKED enum status db_answer_time(struct db *db, int64_t scene, int64_t since_ms, int64_t *timed,
                                         int64_t *median_ms, struct error *err);
struct pair_row { // two people who answered the same pictures
    char *first, *second;
    int64_t table[9]; // [first's verdict][second's verdict]: normal, defect, unsure
};
ASSAY_CHECKED enum status db_pairs(struct db *db, int64_t scene, int64_t since_ms, struct pair_row **rows,
                                   size_t *count, struct error *err); // by name; pair_free
void pair_free(struct pair_row *rows, size_t count);
// Standing review verdicts that say defect, by severity.
ASSAY_CHECKED enum status db_found(struct db *db, int64_t scene, int64_t since_ms, int64_t found[SEVERITIES],
                                   struct error *err);

struct reason_row {
    char *reason;
    int64_t count;
};
ASSAY_CHECKED enum status db_unreadable_reasons(struct db *db, int64_t scene, size_t limit, struct reason_row **rows,
                                                size_t *count, struct error *err); // most frequent first; reason_free
void reason_free(struct reason_row *rows, size_t count);

// --- handing over a shift (report_shift.c) -------------------------------------------------
struct find_row { // a defect that a person found
    int64_t picture, at_ms;
    char *path, *scene, *object, *position, *class_name, *person, *note;
    enum severity severity;
};
// Standing defects said from `since_ms` on, worst severity first, then by object and time; at most `limit`. find_free
ASSAY_CHECKED enum status db_finds(struct db *db, int64_t scene, int64_t since_ms, size_t limit,
                                   struct find_row **rows, size_t *count, struct error *err);
void find_free(struct find_row *rows, size_t count);
struct object_row {
    char *object; // "" where the pictures name none
    int64_t answered, found[SEVERITIES], unsure, open; // since then; open: now
    int64_t picture; // one of it: the most anomalous open one, else one that was answered
};
// Objects with an answer from `since_ms` on or with an open picture, by name. object_free
ASSAY_CHECKED enum status db_objects(struct db *db, int64_t scene, int64_t since_ms, struct object_row **rows,
                                     size_t *count, struct error *err);
void object_free(struct object_row *rows, size_t count);
// --- poor pictures (quality.c) ------------------------------------------------------------
ASSAY_CHECKED enum status db_quality_set(struct db *db, int64_t picture, const struct quality *quality,
                                         struct error *err);
// *known false: never measured.
ASSAY_CHECKED enum status db_quality_get(struct db *db, int64_t picture, struct quality *quality, bool *known,
                                         struct error *err);
// Readable pictures of a scene that were never measured, id > after, at most `limit`; caller frees.
ASSAY_CHECKED enum status db_quality_missing(struct db *db, int64_t scene, int64_t after, size_t limit, int64_t **ids,
                                             size_t *count, struct error *err);
struct quality_row {
    int64_t picture;
    struct quality quality;
    bool known;         // an answer about what it shows stands, given or imported: it is not set aside
};
// Measured pictures of a scene, id > after, at most `limit`; caller frees.
ASSAY_CHECKED enum status db_quality_page(struct db *db, int64_t scene, int64_t after, size_t limit,
                                          struct quality_row **rows, size_t *count, struct error *err);
ASSAY_CHECKED enum status db_quality_range_set(struct db *db, int64_t scene, const struct quality_range *range,
                                               struct error *err);
// count 0 when nothing was learnt yet.
ASSAY_CHECKED enum status db_quality_range_get(struct db *db, int64_t scene, struct quality_range *range,
                                               struct error *err);
// The program's judgement; POOR_NOT takes an earlier one back. What a person said about it stays. *aside: whether the
// picture is set aside now.
ASSAY_CHECKED enum status db_poor_judge(struct db *db, int64_t picture, enum poor poor, const char *why, bool *aside,
                                        struct error *err);
enum poor_state { POOR_OPEN, POOR_FINE, POOR_CONFIRMED, POOR_ANSWERED }; // the last: what it shows was answered
struct poor_row {
    int64_t picture;
    char kind[24], why[QUALITY_WHY];
    enum poor_state state;
};
// Open ones (of `scene`, 0 all) with id > after, rising.
ASSAY_CHECKED enum status db_poor_page(struct db *db, int64_t scene, int64_t after, size_t limit, struct poor_row **rows,
                                       size_t *count, struct error *err); // caller frees
ASSAY_CHECKED enum status db_poor_get(struct db *db, int64_t picture, struct poor_row *row, struct error *err); // ST_NOT_FOUND
ASSAY_CHECKED enum status db_poor_tally(struct db *db, int64_t scene,
                                        void (*each)(void *context, const char *kind, int64_t count, int64_t open),
                                        void *context, struct error *err); // those set aside, by kind
// Take back / give again this person's last answer about a poor picture, as db_label_undo and db_label_redo.
ASSAY_CHECKED enum status db_poor_undo(struct db *db, int64_t person, bool redo, int64_t *picture, struct error *err);

// --- live (live.c) ----------------------------------------------------------------------------
// Readable pictures of a scene, not set aside, without a score in its active revision, id > after, at most `limit`;
// `fine`: only those that a person said are no poor pictures after all (few to look through). Caller frees.
ASSAY_CHECKED enum status db_live_pending(struct db *db, int64_t scene, bool fine, int64_t after, size_t limit,
                                          int64_t **ids, size_t *count, struct error *err);
struct live_score {
    struct score_new score;     // as it counts, compensated
    double raw, shift;          // before that; shift 0 none
    bool told;
    struct drift_finding finding; // where `told`
};
// Put scores into the scene's ACTIVE revision, in one transaction with the state of its drift: flagged ones are in the
// queue when the call returns. A picture that has a score already keeps it. ST_BUSY, and nothing stored, when
// `revision` is not the active one any more.
ASSAY_CHECKED enum status db_live_scores(struct db *db, int64_t scene, int64_t revision, const struct live_score *scores,
                                         size_t count, const struct drift *drift, struct error *err);
// Zero for a revision without any.
ASSAY_CHECKED enum status db_drift_get(struct db *db, int64_t scene, int64_t revision, struct drift *drift,
                                       struct error *err);
struct drift_row {
    struct drift_finding finding;
    int64_t at_ms;
    char *since_path; // cleaned by nobody; caller frees
};
// The latest finding of the scene's active revision; ST_NOT_FOUND.
ASSAY_CHECKED enum status db_drift_last(struct db *db, int64_t scene, struct drift_row *row, struct error *err);
// A number that changes when another connection has changed the database: costs next to nothing.
ASSAY_CHECKED enum status db_version(struct db *db, int64_t *version, struct error *err);

// --- rounds of training and the worker (round.c) ---------------------------------------------
enum round_state { ROUND_QUEUED, ROUND_RUNNING, ROUND_PAUSED, ROUND_DONE, ROUND_FAILED, ROUND_CANCELLED };
enum round_wish { WISH_NONE, WISH_PAUSE, WISH_CANCEL }; // what a person asked of it meanwhile
const char *round_state_name(enum round_state state);
struct round_progress {
    char stage[32]; // "pictures", "training", "scoring", "comparing"
    int step, steps;
    double loss, rate, left; // pictures a second; seconds to the end of the stage
};
struct round {
    int64_t id, scene;       // scene 0: over all of them
    enum round_state state;
    enum round_wish wish;
    struct round_progress progress;
    int64_t answers;         // newest label event when it was asked for
    int64_t created_ms, started_ms, updated_ms, ended_ms, model;
    char *options, *sentence; // JSON; how it ended
};
void round_clear(struct round *round);
// ST_BUSY: one of the scene is under way (*id: which).
ASSAY_CHECKED enum status db_round_add(struct db *db, int64_t scene, const char *options, int64_t *id, struct error *err);
ASSAY_CHECKED enum status db_round_get(struct db *db, int64_t id, struct round *round, struct error *err);
// The one to work on: begun before queued, by age; ST_NOT_FOUND.
ASSAY_CHECKED enum status db_round_next(struct db *db, struct round *round, struct error *err);
// The newest of a scene (-1: of all); ST_NOT_FOUND.
ASSAY_CHECKED enum status db_round_latest(struct db *db, int64_t scene, struct round *round, struct error *err);
ASSAY_CHECKED enum status db_round_move(struct db *db, int64_t id, enum round_state state, const char *sentence,
                                        struct error *err); // takes the wish back, but for ROUND_RUNNING
ASSAY_CHECKED enum status db_round_ask(struct db *db, int64_t id, enum round_wish wish, struct error *err);
ASSAY_CHECKED enum status db_round_tell(struct db *db, int64_t id, const struct round_progress *progress,
                                        enum round_wish *wish, struct error *err);
ASSAY_CHECKED enum status db_round_result(struct db *db, int64_t id, int64_t model, struct error *err);
// Answers (of `scene`, 0 all) given after label event `since`, and all that stand of each side; imported ones apart.
struct round_answers {
    int64_t fresh, normals, defects;
};
ASSAY_CHECKED enum status db_round_answers(struct db *db, int64_t scene, int64_t since, struct round_answers *answers,
                                           struct error *err);

struct worker_row { // who works; started: boot and start time of the process, which no later process shares
    int64_t pid, heartbeat_ms;
    char started[96];
};
ASSAY_CHECKED enum status db_worker_get(struct db *db, struct worker_row *row, struct error *err); // ST_NOT_FOUND
// Become the worker in place of `dead` (pid 0: of nobody). ST_BUSY: another was first.
ASSAY_CHECKED enum status db_worker_take(struct db *db, const struct worker_row *own, const struct worker_row *dead,
                                         struct error *err);
// ST_BUSY: the place was taken by another.
ASSAY_CHECKED enum status db_worker_beat(struct db *db, const struct worker_row *own, struct error *err);
ASSAY_CHECKED enum status db_worker_leave(struct db *db, const struct worker_row *own, struct error *err);

// --- trained models, promotion, rollback (model.c) ---------------------------------------------
struct model_row {
    int64_t id, scene, revision; // scene 0: industry model; revision 0: not scored yet
    char sha256[HASH_HEX], base_sha256[HASH_HEX], parent[HASH_HEX];
    char state[16];              // "candidate", "promoted", "refused"
    char *notes, *data, *metrics, *reason; // JSON: parameters; what it was trained on; the comparison. A sentence
    int64_t created_ms, decided_ms;
    bool active;                 // of its scene
};
void model_clear(struct model_row *row);
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
    enum label_source source;
};
// By picture; text valid during the call. ST_CANCELLED from `each` stops.
ASSAY_CHECKED enum status db_compare(struct db *db, int64_t first, int64_t second,
                                     enum status (*each)(void *context, const struct compare_row *row), void *context,
                                     struct error *err);

// --- looking back at rounds and activations (round_view.c) ---------------------------------------
// Newest first, at most `limit`; caller round_clear each and frees the array.
ASSAY_CHECKED enum status db_round_list(struct db *db, size_t limit, struct round **rows, size_t *count, struct error *err);
struct round_point {
    int step;
    double loss;
};
// The loss as it was told while the round trained, by step. Caller frees.
ASSAY_CHECKED enum status db_round_curve(struct db *db, int64_t round, struct round_point **points, size_t *count,
                                         struct error *err);
struct activation_row { // a revision that became its scene's active one
    int64_t scene, at_ms;
    int before, after;  // numbers of the revisions, before: 0 none
    char learned[HASH_HEX]; // the trained model of the one after, "" none
    char *kind, *who, *reason; // "screen", "gate", "hand", "rollback"
};
// Of a scene, newest first, at most `limit`; activation_free.
ASSAY_CHECKED enum status db_activations(struct db *db, int64_t scene, size_t limit, struct activation_row **rows,
                                         size_t *count, struct error *err);
void activation_free(struct activation_row *rows, size_t count);

// --- what is known of pictures, for comparing (known.c) -----------------------------------
// Pictures of a scene that are known to be `verdict`, by review or, where nobody reviewed them, by import; the latest
// `limit` at most. Caller frees.
ASSAY_CHECKED enum status db_known(struct db *db, int64_t scene, enum verdict verdict, size_t limit, int64_t **ids,
                                   size_t *count, struct error *err);
// Filtered pictures of a revision, those whose numbers are nearest to `picture`; at most `limit`. Caller frees.
ASSAY_CHECKED enum status db_filtered_near(struct db *db, int64_t revision, int64_t picture, size_t limit, int64_t **ids,
                                           size_t *count, struct error *err);
// Everything that was said about a picture, oldest first; text valid during the callback.
struct said_row {
    int64_t at_ms;
    const char *kind; // "answer", "skip", "undo", "redo", "truth"
    int64_t regions;  // how many the event holds
    const char *person, *class_name, *severity, *note;
    enum verdict verdict;
};
ASSAY_CHECKED enum status db_history(struct db *db, int64_t picture,
                                     void (*each)(void *context, const struct said_row *row), void *context,
                                     struct error *err);

// --- audits (audit.c, audit_review.c) -----------------------------------------------------------
// An audit is about the pictures that a revision had filtered, and whose label was neither given nor imported, when it
// began. Rows are only ever added: a new revision leaves an audit as it is, and void.
struct audit_row {
    int64_t id, scene, revision, previous; // previous: audit of the scene before, 0 none
    int64_t previous_used; // how many of the previous one's draws, from its first on, were answered when this began
    bool fixed;            // a plan fixed beforehand, else a sequence
    double bound, confidence;
    uint64_t seed;
    int64_t size, fresh;   // pictures; of them not among those of the audit before
    int64_t at_ms;
    bool active, stopped;  // of the scene's active revision; ended by hand
    int revision_number;
};
// Where nothing is drawn yet (a crash in between leaves nothing behind that counts): then db_audit_pool, and
// db_audit_draw with what was drawn. Of the scene's active revision; previous is the scene's latest audit.
ASSAY_CHECKED enum status db_audit_begin(struct db *db, const struct audit_row *row, int64_t *id, struct error *err);
struct audit_member {
    int64_t picture;
    double score;
    bool fresh;
    bool answered; // drawn and answered before this audit began
    bool drawn;    // by this audit
};
// The pictures that an audit is about, by picture; caller frees.
ASSAY_CHECKED enum status db_audit_pool(struct db *db, int64_t audit, struct audit_member **rows, size_t *count,
                                        struct error *err);
struct audit_drawn {
    int64_t picture, place, turn; // place in the order of drawing, -1 for a known defect slipped in; turn of asking
    const char *stratum;          // "uniform", "weighted" or "slipped"
    bool whole;                   // drawn from all, else from the fresh ones
    int64_t remaining;
    double probability, least;
    int64_t event;                // its answer, 0 none yet
    enum verdict verdict;
};
// Add draws, in one transaction; size and fresh are stored with the first ones. ST_BUSY when the scene has a new
// revision, or the audit was stopped.
ASSAY_CHECKED enum status db_audit_draw(struct db *db, const struct audit_row *audit, const struct audit_drawn *draws,
                                        size_t count, struct error *err);
ASSAY_CHECKED enum status db_audit_stop(struct db *db, int64_t audit, struct error *err);
// The latest audit of the scene's active revision, else the scene's latest one; ST_NOT_FOUND.
ASSAY_CHECKED enum status db_audit_last(struct db *db, int64_t scene, struct audit_row *row, struct error *err);
ASSAY_CHECKED enum status db_audit_get(struct db *db, int64_t id, struct audit_row *row, struct error *err);
// All draws, by turn; caller frees.
ASSAY_CHECKED enum status db_audit_draws(struct db *db, int64_t audit, struct audit_drawn **rows, size_t *count,
                                         struct error *err);
struct audit_carried {                // drawn and answered by audits before
    int64_t drawn, drawn_fresh;       // among this one's pictures, and among its fresh ones
    int64_t known, known_fresh;       // of these, defects or unsure
    int64_t caught;                   // defects or unsure: pictures of the audit before, and not of this one
};
ASSAY_CHECKED enum status db_audit_carried(struct db *db, int64_t audit, struct audit_carried *carried, struct error *err);
// Known defects of a scene that can be slipped in: not open in the queue, never drawn or slipped in. Caller frees.
ASSAY_CHECKED enum status db_audit_defects(struct db *db, int64_t scene, int64_t **pictures, size_t *count,
                                           struct error *err);
struct audit_tally {
    int64_t slipped, slipped_answered, recognised; // known defects slipped into a scene's audits, ever
    int64_t flagged_defects;  // flagged by the active revision and said to be defects
    int64_t filtered_defects; // filtered by it and known as defects otherwise than by an audit
    int64_t later;            // filtered by it since the audit began: not covered
};
ASSAY_CHECKED enum status db_audit_tally(struct db *db, const struct audit_row *audit, struct audit_tally *tally,
                                         struct error *err);
// For the review. Draws that wait for an answer, of running audits (scene 0: of all); *seed: the latest one's.
ASSAY_CHECKED enum status db_audit_open(struct db *db, int64_t scene, int64_t *open, uint64_t *seed, struct error *err);
// As db_queue_lease, for draws that are open, in the order of their turns; what a person found himself is not slipped in
// to him.
ASSAY_CHECKED enum status db_audit_lease(struct db *db, const char *session, int64_t person, int64_t scene, size_t want,
                                         int64_t ttl_ms, const int64_t *known, size_t known_count, int64_t *pictures,
                                         size_t *count, struct error *err);
// Whether an answer about this picture is an audit's: drawn and filtered still, or slipped into one that runs.
ASSAY_CHECKED enum status db_audit_asks(struct db *db, int64_t picture, bool *asks, struct error *err);

// --- what is asked next (acquire.c) -------------------------------------------------------------
// This handle writes what can be computed again: a commit does not wait for the disk.
ASSAY_CHECKED enum status db_derived(struct db *db, struct error *err);
struct ask_row {          // text valid during the callback
    int64_t picture, event; // event: of the standing review verdict, 0 open
    const char *group;
    struct screen_score score;
    enum verdict verdict;
    const char *class_name;
    bool urgent;          // a defect of the severity stop
    double place;         // open ones: as stored
    int reason;           // enum acquire_reason, as stored
};
// The open pictures of a scene, most anomalous first, then those answered in review that the active revision scored,
// latest first; at most `limit` of each. What an audit drew is not among the answered: nothing learns from it.
ASSAY_CHECKED enum status db_ask_pool(struct db *db, int64_t scene, size_t limit,
                                      void (*each)(void *context, const struct ask_row *row), void *context,
                                      struct error *err);
struct ask_change {
    int64_t picture, event; // what stands now; event 0: nothing
    enum verdict verdict;
    char *class_name;
    bool urgent;
};
// Review events of a scene with id > after, oldest first; *last: the latest of them, untouched without. ask_change_free
ASSAY_CHECKED enum status db_ask_changes(struct db *db, int64_t scene, int64_t after, struct ask_change **changes,
                                         size_t *count, int64_t *last, struct error *err);
void ask_change_free(struct ask_change *changes, size_t count);
ASSAY_CHECKED enum status db_ask_last(struct db *db, int64_t *event, struct error *err); // latest event of all
struct ask_new {
    int64_t picture;
    double place, expected; // expected < 0: not ordered yet
    int reason, source;
    int64_t about;          // picture, 0 none
};
// Give open pictures their places; those answered meanwhile are passed over. ST_BUSY, and nothing stored, when
// `revision` is not the active one any more.
ASSAY_CHECKED enum status db_ask_put(struct db *db, int64_t scene, int64_t revision, const struct ask_new *asks,
                                     size_t count, struct error *err);
// What scores below `score` and was never ordered comes after all that was.
ASSAY_CHECKED enum status db_ask_beyond(struct db *db, int64_t scene, double score, struct error *err);
ASSAY_CHECKED enum status db_ask_ahead(struct db *db, int64_t scene, size_t limit, struct ask_new **rows, size_t *count,
                                       struct error *err); // in the queue's order; caller frees
struct asked_row { // an answer (normal or defect) that stands, to what was asked
    int source, reason;
    double expected;
    bool defect;
    int64_t class_id;
};
ASSAY_CHECKED enum status db_asked(struct db *db, int64_t scene, size_t limit, struct asked_row **rows, size_t *count,
                                   struct error *err); // the latest `limit`, oldest first; caller frees
struct doubt_row {
    int64_t picture, event;
    double defect;
    int64_t about; // picture, 0 none
};
// Answers of a scene to be looked at again, in place of those noted before. What was said twice is left out.
ASSAY_CHECKED enum status db_doubt_put(struct db *db, int64_t scene, const struct doubt_row *rows, size_t count,
                                       struct error *err);
// Those (of `scene`, 0 all) that nobody answered since; caller frees.
ASSAY_CHECKED enum status db_doubt_list(struct db *db, int64_t scene, struct doubt_row **rows, size_t *count,
                                        struct error *err);
// --- what settings of rounds brought (strategy.c) -----------------------------------------------
// scene 0: from elsewhere, counts everywhere; model 0: none. A model counts once.
ASSAY_CHECKED enum status db_strategy_add(struct db *db, int64_t scene, const char *strategy, int64_t model, double count,
                                          double reward, struct error *err);
// By name, of a scene and from elsewhere (0: all).
ASSAY_CHECKED enum status db_strategy_each(struct db *db, int64_t scene,
                                           void (*each)(void *context, const char *name, double count, double sum),
                                           void *context, struct error *err);
ASSAY_CHECKED enum status db_strategy_forget(struct db *db, struct error *err); // what came from elsewhere

// --- finding pictures (find.c) ------------------------------------------------------------
struct find_filter { // everything given has to fit
    enum find_order {
        FIND_ANSWERED, // the latest answer first: those with a review verdict
        FIND_SCORE,    // most anomalous first: those flagged in a scene's active revision
        FIND_ADDED,    // added last first: all readable ones
    } order;
    int64_t scene;                        // 0 any
    bool has_least, has_most, has_verdict;
    double least, most;                   // score
    enum verdict verdict;                 // of the review; NONE: not answered
    char severity[16], class_name[128], person[128], path[256]; // "" any; the last three: a part of it, any case
    int64_t since_ms, until_ms;           // of the answer; 0 any
};
struct find_key { // where a page ended; begin with FIND_BEGIN
    double score;
    int64_t id;
};
#define FIND_BEGIN(filter) ((struct find_key){1e300, (filter)->order == FIND_SCORE ? 0 : INT64_MAX})
struct find_result {
    int64_t picture, scene, at_ms;
    char *path, *scene_name, *class_name, *severity, *person;
    double score; // -1 without
    bool flagged;
    enum verdict verdict;
};
void find_result_free(struct find_result *rows, size_t count);
// The next pictures after `after`, which becomes the place where looking ended; at most `limit`. A call looks on for some
// hundredths of a second: *more says that there are others to look at, also where *count is 0.
ASSAY_CHECKED enum status db_find(struct db *db, const struct find_filter *filter, struct find_key *after, size_t limit,
                                  struct find_result **rows, size_t *count, bool *more, struct error *err);
// Filters as people write them, by name. text "": forget it.
ASSAY_CHECKED enum status db_filter_save(struct db *db, const char *name, const char *text, struct error *err);
ASSAY_CHECKED enum status db_filters(struct db *db, void (*each)(void *context, const char *name, const char *text),
                                     void *context, struct error *err); // by name

// --- the log: who did what when (log.c) -----------------------------------------------------
// What is in no other table: pictures added, answers imported, backups. kind: one word.
ASSAY_CHECKED enum status db_log_add(struct db *db, const char *person, const char *kind, const char *scene,
                                     const char *text, struct error *err);
struct log_filter { // everything given has to fit
    int64_t scene;            // 0 any
    char person[128], kind[32]; // "" any; the person's name, any case
    int64_t since_ms, until_ms; // 0 any
};
struct log_key { // where a page ended; begin with {0}
    int64_t at_ms, source, id;
};
struct log_row { // text valid during the callback
    int64_t at_ms, picture;   // picture 0 none
    const char *kind;         // "answer", "skip", "undo", "redo", "comment", "class", "role", "screening", "round",
                              // "model", "audit", "hook", "relation", or as in db_log_add
    const char *person, *scene, *path;
    const char *what;         // "normal" ..; what of a class; how a model became active; a round's state
    const char *first, *second; // class and severity; name and value; revision and reason; sentence
    const char *note;
    bool lead, quality, audited; // of an answer: in the second review, about how good the picture is, in an audit
};
// Latest first, the next ones after `after`, which becomes the last one's; at most `limit`. Imported answers are one row
// for each import.
ASSAY_CHECKED enum status db_log(struct db *db, const struct log_filter *filter, struct log_key *after, size_t limit,
                                 void (*each)(void *context, const struct log_row *row), void *context, size_t *count,
                                 struct error *err);

// --- commands that are due (hook.c) ----------------------------------------------------------
enum hook_state { HOOK_DUE, HOOK_DONE, HOOK_FAILED, HOOK_TAKEN_BACK };
// Of the events from `first` on, those that make a picture's label a stop defect; not where a command is due or was run
// for what stands of the same picture already. In the transaction of the answers; *count: how many are due now.
ASSAY_CHECKED enum status db_hook_add(struct db *db, const char *name, int64_t first, int64_t *count, struct error *err);
struct hook_row {
    int64_t event, picture, at_ms, next_ms, tries; // at_ms: of the answer
    char *path, *object, *position, *scene, *class_name, *person, *note;
    bool stands;          // it was not taken back since
};
void hook_clear(struct hook_row *row);
// The one that is due first, whether its time has come or not; ST_NOT_FOUND.
ASSAY_CHECKED enum status db_hook_next(struct db *db, struct hook_row *row, struct error *err);
// One more try, begun (`sentence` NULL) or ended.
ASSAY_CHECKED enum status db_hook_try(struct db *db, int64_t event, int64_t next_ms, struct error *err);
ASSAY_CHECKED enum status db_hook_tell(struct db *db, int64_t event, enum hook_state state, const char *sentence,
                                       struct error *err);
ASSAY_CHECKED enum status db_hook_again(struct db *db, int64_t *count, struct error *err); // those that wait or were given up: now
struct hook_counts {
    int64_t due, failed;
    char sentence[256]; // of the latest that failed, "" none
};
ASSAY_CHECKED enum status db_hook_counts(struct db *db, struct hook_counts *counts, struct error *err);

// --- copies of the whole database (backup.c) --------------------------------------------------
// As it is at one moment, while others go on writing, into a new file at `path`; checked (integrity, references) and on
// disk when the call returns. A file that cannot be finished is removed. going: asked now and then, false ends with
// ST_CANCELLED; may be NULL.
ASSAY_CHECKED enum status db_backup(struct db *db, const char *path, bool (*going)(void *context, double done), void *context,
                                    struct error *err);
// Whether a file is a whole database of ours that this program can read; nothing is written.
ASSAY_CHECKED enum status db_inspect(const char *path, struct error *err);

// --- check (check.c) -----------------------------------------------------------------------
// SQLite's integrity_check and foreign_key_check, verdicts against events, counts
// against rows. Each finding is handed over as a sentence; ST_OK when the check
// itself could run.
ASSAY_CHECKED enum status db_check(struct db *db, void (*finding)(void *context, const char *sentence),
                                   void *context, struct error *err);

#endif
