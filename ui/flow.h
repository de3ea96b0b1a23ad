// What the views of training, models and work show, and what they ask for. The screen knows neither the database nor the
// worker: `context` does. Rows and strings live until the next call of the same function. A call that changes something
// has been carried out, on disk, when it returns.
#ifndef UI_FLOW_H
#define UI_FLOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

// A word of the data (state of a round or a model, stage of a round) as people read it in their language.
const char *flow_word(const char *word);

struct flow_round {
    int64_t id;
    const char *scene;        // or what stands for all of them
    const char *state;        // "queued", "running", "paused", "done", "failed", "cancelled", "stopped" (its process ended), "pausing", "cancelling"
    bool open, running;       // not over; a worker that lives has it
    const char *stage;        // "training", ...; "" not begun
    int step, steps;          // of the stage; of a round that is over the steps and the loss of what it trained, 0 nothing
    double loss, rate, left;  // pictures a second; seconds to the end of the stage
    const char *begun, *took; // local time; "3:12"
    const char *strategy;     // "" the most promising one
    const char *sentence;     // how it stands, or ended, and what became of its model since
    int64_t model;            // what it trained, 0 none yet
};

struct flow_point {
    double step, loss;
};

struct flow_target { // a scene that can be trained
    int64_t scene;
    const char *name;
    int64_t fresh, normals, defects; // answers since the last round, and all that stand
    const char *active;  // what is active in it
    int64_t candidate;   // a model that waits for a decision, 0 none
    const char *gate;    // its name and the gate's sentence; without one that of the latest decision; "" none
};

struct flow_training {
    const struct flow_round *rounds; // (round_count) newest first
    size_t round_count;
    const struct flow_target *targets;
    size_t target_count;
    bool worker;             // one lives
    int every;               // a round by itself after so many new answers; 0 never
};

enum flow_wish { FLOW_PAUSE, FLOW_RESUME, FLOW_CANCEL };

enum { FLOW_INDUSTRY = -1 };
struct flow_lineage { // a model, below what it began from
    int64_t id, scene;   // id 0: the base
    int level;           // 0 base, 1 of all scenes, 2 of a scene
    const char *name;    // first digits of its SHA-256
    const char *words;   // scene, when, how many answers
    const char *state;   // "active", "candidate", "promoted", "refused", "rolled back", ...
    bool active, candidate;
};

enum flow_column { FLOW_LABEL, FLOW_TRAIN, FLOW_EVALUATE, FLOW_FEEDBACK, FLOW_DEPLOY, FLOW_COLUMNS };
enum flow_next { FLOW_NOTHING, FLOW_REVIEW, FLOW_BEGIN, FLOW_TRAINING, FLOW_RESULTS };
struct flow_board { // how a scene's round stands
    int64_t scene;
    const char *name;
    const char *lines[FLOW_COLUMNS]; // each up to six, separated by \n
    enum flow_column at;             // what is next
    const char *next;                // the same as a sentence
    enum flow_next go;               // and where it is done
};

struct flow_setting {
    const char *name, *value, *help;   // help: a sentence
    const char *origin, *where;        // "project", "/home/ann/p/assay.conf:3"
    const char *environment, *standard; // variable that sets it; default, "" none
    const char *choices;               // words, "" any
};

struct flow_model {
    void *context;
    // One line for every view, "" none. Cheap: asked for twice a second.
    const char *(*state)(void *context);
    enum status (*training)(void *context, const struct flow_training **training, struct error *err);
    enum status (*curve)(void *context, int64_t round, const struct flow_point **points, size_t *count, struct error *err);
    // What a round's model was found to do beside what was active then, lines; NULL where nothing was. Caller frees.
    enum status (*comparison)(void *context, int64_t model, char **text, struct error *err);
    // Begin a round; scene 0: over all of them. alone: without the industry model.
    enum status (*train)(void *context, int64_t scene, bool alone, struct error *err);
    enum status (*wish)(void *context, int64_t round, enum flow_wish wish, struct error *err);
    enum status (*every)(void *context, int answers, struct error *err); // 0 never by itself
    enum status (*models)(void *context, const struct flow_lineage **rows, size_t *count, struct error *err);
    enum status (*details)(void *context, int64_t model, char **text, struct error *err); // lines; caller frees
    // said: a sentence where the goal of the threshold changes with it, else NULL; caller frees.
    enum status (*promote)(void *context, int64_t model, char **said, struct error *err);
    // What a way back would leave, as a number that nothing else has: of a scene, or FLOW_INDUSTRY; 0 nothing.
    int64_t (*active)(void *context, int64_t scene);
    // Of a scene; FLOW_INDUSTRY: of the industry model. said: a sentence; goal: as of promote. Caller frees both.
    enum status (*rollback)(void *context, int64_t scene, char **said, char **goal, struct error *err);
    // The settings; files: which there are, lines. May be NULL, and the next one.
    void (*settings)(void *context, const struct flow_setting **rows, size_t *count, const char **files);
    // Into the project's file, or the user's `own`; value NULL: take it out. said: what counts now (caller frees).
    enum status (*set)(void *context, size_t index, const char *value, bool own, char **said, struct error *err);
    enum status (*board)(void *context, const struct flow_board **rows, size_t *count, struct error *err);
};

#endif
