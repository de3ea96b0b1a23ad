// The review screen: one flagged picture after the other, a verdict each. The
// screen knows no SQL: it asks `model` for what to show and hands every action
// of the user to it; an action has been carried out, on disk, when the call returns.
#ifndef UI_REVIEW_H
#define UI_REVIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "image/image.h"
#include "image/region.h"
#include "screen/model.h"
#include "screen/patch.h"
#include "ui/flow.h"
#include "ui/keys.h"
#include "ui/knowledge.h"

struct review_item {
    int64_t id;
    const char *path;          // where its file can be read now
    const char *name;          // as shown (scene-relative or file name); cleaned by the screen
    const char *scene;
    struct screen_score score; // -log10 tail probabilities
    double threshold;          // of its revision, same unit
    double percentile;         // 0..1 place in the distribution
    int64_t position, open;    // 1-based place in a list that stays as it is, how many are in it; 0: of the queue, how many are open
    const struct heat *heat;   // NULL none
    double box[4];             // where the heatmap lies, fractions of the picture
    const char *details;       // lines separated by \n: group, camera, taken ...; "" none
    const char *verdict;       // what stands: "", "normal", "defect", "unsure"
    const char *class_name, *severity; // of a defect, else ""
    const char *likely;        // the class that it is likely of, as the classes are named, should it be a defect; NULL not known
    int width, height;         // of the picture, pixels; 0 unknown
    bool blind;                // until answered nothing of the model is shown: no score, heatmap, reason or place
    const char *why;           // why it is asked, a sentence; NULL or "" none
    const char *reason;        // why a poor picture was set aside, shown in place of scores; NULL or "" none
};

enum action_kind {
    ACTION_NORMAL, ACTION_DEFECT, ACTION_UNSURE, ACTION_SKIP, // about `id`
    ACTION_UNDO, ACTION_REDO,                                 // about the user's last
};

struct action {
    enum action_kind kind;
    int64_t id;             // the picture on screen when the key was read
    const char *class_name; // ACTION_DEFECT
    const char *severity;   // ACTION_DEFECT: "stop", "key", "general"
    const char *component;  // ACTION_DEFECT: on what; NULL or "" not said
    int64_t took_ms;        // picture shown -> key
    const char *note;       // NULL or "" none; not with undo and redo
};

enum near { NEAR_NORMAL, NEAR_DEFECT };

struct review_near { // a picture that looks like another one
    int64_t id;
    const char *path, *name;
    const char *words; // what is known of it: "normal, by Ann", "crack (stop)"
    int width, height;
};

struct review_class {
    const char *name, *severity;
    const char *code;    // what is typed for it; NULL or "" none
    const char *zh;      // its name in Chinese; NULL or "" none
    int64_t id, parent;  // parent: the class above it, 0 none
    int64_t uses;
    bool retired;        // not offered any more
};

struct review_region { // drawn on a picture, or suggested
    struct region shape;
    struct spans pixels;                     // of a suggestion: what it encloses, finer than its shape; may be empty
    const char *class_name, *severity, *who; // "" none
    int64_t at_ms;
};

enum class_action { CLASS_ACTION_RENAME, CLASS_ACTION_CODE, CLASS_ACTION_SEVERITY, CLASS_ACTION_PARENT,
                    CLASS_ACTION_RETIRE, CLASS_ACTION_MERGE, CLASS_ACTION_ZH, CLASS_ACTION_NEW };

struct review_found { // a picture that a filter lets through
    int64_t id;
    const char *name, *scene;
    double score;  // below 0: none
    bool flagged;
    bool blind;    // as of an item
    const char *verdict, *class_name, *severity, *person, *at; // what stands, by whom and when; "" none
};

struct review_second { // an answer that waits for a lead's look
    int64_t id, total;      // total: how many wait
    const char *why;        // a sentence that tells nothing of the answer
    const char *said;       // by whom what was said, lines
    const char *person;     // whose answer stands
    const char *verdict, *class_name, *severity;
};

struct review_logged { // what somebody did
    int64_t id;             // the picture it was about, 0 none
    const char *at, *person, *kind, *name, *text; // name: of the picture
};

struct review_place { // where somebody was when the line broke
    char view[32];
    int64_t id;             // picture, 0 none
};

struct review_severity { // defects found independently of the score, and screened
    const char *name;
    int64_t correct, missed; // flagged and filtered
    int64_t found;           // confirmed in review: they say nothing about what is lost
    const int64_t *bins;     // by score
};

struct review_results { // of one scene's active revision
    const char *scene;
    size_t scenes;           // how many there are to look at
    int revision;
    double threshold;
    const char *reason;      // why it lies there
    const char *audit;       // what an audit of the filtered pictures bounds, a sentence; NULL or "" none was made
    int64_t screened, flagged, open;
    double step;             // a bin holds the scores from i * step on, the last one all beyond
    size_t bins;
    const int64_t *all, *normal, *defect; // (bins) of all, of those known to be normal, and a defect
    struct review_severity severities[4]; // the last: all of them
    size_t severity_count;
};

struct review_scores { // how all scores of a revision are distributed
    double step;            // a bin holds those from i * step on, the last one all beyond
    size_t bins;
    const int64_t *counts;  // (bins)
};

enum lead_deed { LEAD_MERGE, LEAD_PROMOTE, LEAD_ROLLBACK };

struct review_model {
    void *context;
    // The item at place `index` of this session's list (0 first; earlier ones stay
    // reachable, answered or not). ST_NOT_FOUND past the end. Strings and heatmap live
    // until the next call of any function of the model.
    enum status (*item)(void *context, size_t index, struct review_item *item, struct error *err);
    // The same without its percentile and why it is asked, for showing many. NULL: `item`.
    enum status (*tile)(void *context, size_t index, struct review_item *item, struct error *err);
    // Carry out. For undo and redo *index receives the list place of the picture
    // concerned (appended to the list when it was not in it). A failed action
    // leaves the screen where it is with the sentence in the status line.
    enum status (*act)(void *context, const struct action *action, size_t *index, struct error *err);
    // Where the defects of picture `id` are: *count drawn ones, and behind them *suggested others. Valid until the next call;
    // may be NULL, and with it `draw`: the drawn ones are these from now on. ST_BUSY: others drew on it since `regions` was
    // called. Empty `who`, and whatever of a row changed: by the user, now.
    enum status (*regions)(void *context, int64_t id, const struct review_region **rows, size_t *count, size_t *suggested,
                           struct error *err);
    enum status (*draw)(void *context, int64_t id, const struct review_region *rows, size_t count, struct error *err);
    // Many at once (no undo or redo among them): all or none, and one undo takes all of them back. May be NULL.
    enum status (*bulk)(void *context, const struct action *actions, size_t count, struct error *err);
    // How many answers the last undo or redo was about, 0: what was drawn; NULL: one.
    size_t (*concerned)(void *context);
    // What the last undo or redo was about where that was no picture but a class: a sentence, valid until the next call;
    // NULL: a picture. May be NULL.
    const char *(*class_back)(void *context);
    // The list's places from `from` on, `count` of them, will be asked for soon; 0: none beyond `from` any more, they
    // are free for others. May be NULL.
    void (*reserve)(void *context, size_t from, size_t count);
    // Open pictures that look like picture `id`, itself first: their places in the list, most similar first; valid until
    // the next call of this function. May be NULL.
    enum status (*alike)(void *context, int64_t id, const size_t **places, size_t *count, struct error *err);
    // Change a class; value: new name, code or "", severity, name of the class above or "", "yes" or "" for retired, name
    // of the class to merge it into; name of a new one (id 0). May be NULL.
    enum status (*change_class)(void *context, int64_t id, enum class_action what, const char *value, struct error *err);
    // Whether whoever answers may do what is a lead's; err: who may. Asked before a key asks anything. NULL: everybody may.
    enum status (*leads)(void *context, enum lead_deed deed, struct error *err);
    // A class as the reader calls it, valid until the next call of this function. NULL: as it is called in English.
    const char *(*class_word)(void *context, const char *name);
    // Classes, most recently used first, retired ones too; valid until the next call.
    void (*classes)(void *context, const struct review_class **classes, size_t *count);
    // Pictures of the same scene that look like picture `id`: confirmed normals, or known defects, the most similar
    // first, a handful. Valid until the next call of this function; may be NULL.
    enum status (*near)(void *context, int64_t id, enum near kind, const struct review_near **rows, size_t *count,
                        struct error *err);
    // What was said about picture `id`, oldest first, lines; caller frees. May be NULL.
    enum status (*history)(void *context, int64_t id, char **text, struct error *err);
    // The `number`-th screened scene's results (they repeat), counted `anew` or as they were. ST_BUSY, err untouched: they
    // are being counted, ask again. Valid until the next call with `anew`; may be NULL.
    enum status (*results)(void *context, size_t number, bool anew, const struct review_results **results,
                           struct error *err);
    // The distribution that the picture's score is one of. ST_BUSY, err untouched: it is being counted, ask again. Valid
    // until the next call; may be NULL.
    enum status (*scores)(void *context, int64_t id, const struct review_scores **scores, struct error *err);
    // The first pictures that `text` (review_find.h) lets through, or, for NULL, the next ones; *more: it may be asked
    // again, also where *count is 0. Valid until the next call; may be NULL, and with it the four below.
    enum status (*find)(void *context, const char *text, const struct review_found **rows, size_t *count, bool *more,
                        struct error *err);
    enum status (*look)(void *context, int64_t id, struct review_item *item, struct error *err); // at one, as `item`
    enum status (*jump)(void *context, int64_t id, size_t *index, struct error *err); // its place in the list, made for it
    // Saved filters: name, text, name, text ...; *count pairs. Saving "" forgets one.
    enum status (*saved)(void *context, const char *const **pairs, size_t *count, struct error *err);
    enum status (*save)(void *context, const char *name, const char *text, struct error *err);
    // The second review. *index: which one; moved to a picture that an undo brought back, and to the last one where there
    // are fewer. ST_NOT_FOUND: none waits; ST_INVALID with a sentence: it is not this person's to do. Valid until the
    // next call; may be NULL, and with it the three below.
    enum status (*second)(void *context, size_t *index, struct review_second *row, struct error *err);
    // A lead's answer; blind: given without having seen what was said. *told: how it compares, a sentence, valid until
    // the next call.
    enum status (*decide)(void *context, const struct action *action, bool blind, const char **told, struct error *err);
    enum status (*comment)(void *context, int64_t id, const char *text, struct error *err); // to whose answer stands
    enum status (*agreement)(void *context, char **text, struct error *err);                // lines; caller frees
    // The log, as `find`; `text`: by:NAME kind:KIND since:TIME until:TIME. May be NULL.
    enum status (*log)(void *context, const char *text, const struct review_logged **rows, size_t *count, bool *more,
                       struct error *err);
    // Lines, and for each the picture that it is about, 0 none; caller frees both. May be NULL.
    enum status (*handover)(void *context, const char *since, char **text, int64_t **pictures, struct error *err);
    // What others wrote to this person since, lines (caller frees), "" nothing; told again until something was answered.
    // May be NULL.
    enum status (*greeting)(void *context, char **text, struct error *err);
    // Where this person was when the line broke last (view "": nowhere), and is now (NULL: left by himself). May be NULL.
    void (*place)(void *context, struct review_place *place);
    void (*keep_place)(void *context, const struct review_place *place);
    // How many pictures are open now, skipped and held by others included; may be NULL.
    int64_t (*open)(void *context);
    // Called about every 10 s while idle (renew leases); may be NULL.
    void (*tick)(void *context);
    // Called about twice a second while idle: did others change what there is to review? NULL no; else a sentence for
    // the status line ("" none), and the list may be another from `index` + 2 on, but for what is on the screen, up to
    // `last`. Valid until the next call; may be NULL.
    const char *(*news)(void *context, size_t index, size_t last);
    const struct knowledge_model *knowledge; // relations and templates; NULL: none are kept
    const struct flow_model *flow; // training, models, work; NULL: these views are not there
};

struct review_config {
    const char *title;           // project and person, for the header line
    struct image_limits limits;
    enum { GRAPHICS_AUTO, GRAPHICS_SIXEL, GRAPHICS_KITTY, GRAPHICS_SYMBOLS, GRAPHICS_BLOCKS, GRAPHICS_ASCII } graphics;
    int threads;                 // decoding ahead
    bool poor;                   // the pictures were set aside as poor: n means fine after all, w really poor
    const struct keymap *keymap; // NULL: the standard one
    const char *crash_log;       // where a fault is written to, NULL nowhere
    const char *theme;           // "auto", "dark", "light" or "none" (attributes only); NULL auto
    const char *script;          // keys from this file instead of the keyboard (tests), NULL none
};

// Run until `q` or the end of the script. Returns ST_OK also when the queue is
// empty (the screen says so). ST_INVALID when there is no terminal. *answers: how
// many of those given stand, however it ended.
ASSAY_CHECKED enum status review_run(const struct review_config *config, const struct review_model *model,
                                     size_t *answers, struct error *err);

#endif
