// Audits of what the filter lets through: drawn (audit_draw.c), reckoned (audit.c), told (audit_text.c). The statistics
// and the rule for old draws: learn/audit.h; what is stored: db/audit.h.
#ifndef APP_AUDIT_H
#define APP_AUDIT_H

#include "app/project.h"
#include "db/audit.h"
#include "db/scene.h"
#include "learn/audit.h"

#define AUDIT_BOUND 0.001
#define AUDIT_CONFIDENCE 0.95

enum auditing_state {
    AUDITING_NONE,     // the scene was never audited
    AUDITING_RUNNING,  // draws wait for an answer
    AUDITING_ANSWERED, // none does
    AUDITING_STOPPED,
    AUDITING_VOID      // of another revision than the active one: it bounds nothing now
};

struct auditing {
    enum auditing_state state;
    struct audit_row row;
    int revision;         // number of the active one
    int64_t screened, flagged, open; // of the scene
    int64_t draws, uniform, answered;
    int64_t used;         // answered from the first on without a gap: what the bound rests on
    int64_t reused;       // draws of the audits before that count on
    int64_t missed, unsure; // defects that the used draws of this audit and the reused ones found; of these nobody is sure
    int64_t left, left_fresh; // not drawn yet
    int64_t ahead, ahead_fresh; // drawn, but not among the used ones yet
    double estimate;      // missed defects among the pictures, NAN unknown
    int64_t seen_most;    // at most so many, for a reviewer who recognises every defect
    bool measured;        // his recall is: the next two say how many there are at most whatever he overlooks
    double reader;        // lower bound of his recall
    int64_t most;         // where not measured: as seen_most
    int64_t target;       // the asked bound in pictures
    int64_t needed;       // further answers without a miss, those `ahead` included, every known defect slipped in being
                          // recognised; -1 out of reach
    bool unproven;        // out of reach because too few known defects are slipped in to show that the reviewer sees any
    struct audit_tally tally;
};

// How the scene's audit stands; ST_OK with AUDITING_NONE where there is none.
ASSAY_CHECKED enum status auditing_load(struct project *project, const struct scene *scene, struct auditing *a,
                                        struct error *err);
double auditing_bound(const struct auditing *a);  // share of the filtered pictures that are missed defects at most
double auditing_recall(const struct auditing *a); // D / (D + U) at least; NAN while no flagged defect is confirmed

// The evidence of an audit and of those it carries on, from draws answered without a gap; caller audit_free.
ASSAY_CHECKED enum status auditing_replay(struct project *project, const struct audit_row *row, struct audit **evidence,
                                          struct auditing *a, struct error *err);

struct auditing_options {
    double bound, confidence; // 0: as before, else the defaults
    int64_t draws;            // 0: as many as are needed, though at most half of the pictures
    bool fixed;               // a plan fixed beforehand, all uniform, looked at once it is answered
    bool seeded;              // draw with `seed`, else with one that nobody chose
    uint64_t seed;
};
// Begin an audit, or draw more in the one that runs. ST_INVALID, ST_BUSY with a sentence.
ASSAY_CHECKED enum status auditing_start(struct project *project, const struct scene *scene,
                                         const struct auditing_options *options, int64_t *drawn, struct error *err);

// --- telling ---
char *auditing_sentence(const struct scene *scene, const struct auditing *a); // caller frees
char *auditing_line(const struct scene *scene, const struct auditing *a);     // short, for status; caller frees
json_t *auditing_json(const struct scene *scene, const struct auditing *a);
void auditing_text(const struct scene *scene, const struct auditing *a, FILE *out);

#endif
