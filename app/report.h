// The report: gathered once (report.c), then printed as text, JSON or a page.
#ifndef APP_REPORT_H
#define APP_REPORT_H

#include "app/project.h"
#include "base/clock.h"
#include "base/strbuf.h"
#include "db/label.h"
#include "db/queue.h"
#include "db/report.h"
#include "db/revision.h"

enum { REPORT_BINS = 400, REPORT_PICKS = 12, REPORT_FINDS = 1000 };
#define REPORT_STEP 0.05 // width of a bin of scores; the last one holds everything beyond

struct report_options {
    const char *scene; // NULL: all
    int64_t since_ms;  // what people said from then on; 0 ever
    bool shift;        // the handover of a shift instead of the proof
    // Called before a line about a picture (or an object: one of its pictures) is printed at `out`; NULL none.
    void (*line)(void *context, FILE *out, int64_t picture);
    void *context;
};

struct report_severity { // defects found independently of the score, and screened
    const char *name;
    int64_t correct, missed; // flagged and filtered by the active revision
    int64_t unscreened;      // not screened: in no rate
    int64_t found;           // standing review verdicts: they support no rate
    int64_t bins[REPORT_BINS];
};
int64_t report_total(const struct report_severity *severity); // correct + missed

struct report_scene {
    char *name;
    bool screened;
    struct revision revision;
};

struct report_picks { // most anomalous first
    size_t count;
    int64_t pictures[REPORT_PICKS];
    double scores[REPORT_PICKS];
};

struct report {
    const char *project; // its folder
    struct db *db;       // the project's
    char *base;          // name of the base in use
    struct report_options options;
    int64_t at_ms;
    struct scene_counts counts;
    struct report_severity severities[SEVERITIES + 1]; // the last: all of them
    int64_t normals, normals_filtered;                 // imported as normal and screened; of those, filtered
    int64_t timed, median_ms;                          // answers with a time taken; their median
    struct report_scene *scenes;
    size_t scene_count;
    struct person_row *people;
    size_t person_count;
    struct pair_row *pairs;
    size_t pair_count;
    struct reason_row *reasons; // why pictures are unreadable, the most frequent ones
    size_t reason_count;
    int64_t all[REPORT_BINS], normal[REPORT_BINS], defect[REPORT_BINS]; // scores: of all, by what is known
    struct report_picks hits, misses, suspects; // known defects flagged, and filtered; known normals
    json_t *audit; // [{scene, sentence, ...}, ...]: what the audits of the filtered pictures bound; NULL: no audit yet
    char *second;          // how second answers agree, lines; NULL where there are none
    json_t *second_json;   // the same
    int64_t waiting;       // answers that wait for a lead's look
    json_t *poor;  // set aside: [{kind, count, open}, ...]; NULL in a shift's report
    // a shift's handover
    struct find_row *finds;
    size_t find_count;
    char hook[400];        // how the command for stop defects stands, "" fine
    struct object_row *objects;
    size_t object_count;
};

ASSAY_CHECKED enum status report_gather(struct project *project, const struct report_options *options,
                                        struct report *report, struct error *err);
void report_clear(struct report *report);

// Figures that all three forms print.
int64_t report_filtered(const struct report *report);
double report_filter_rate(const struct report *report);  // NAN before anything was screened
double report_hours_saved(const struct report *report);  // NAN while no answer was timed
double report_kappa(const struct pair_row *pair, int64_t *pictures, int64_t *agreed); // NAN undefined
// At threshold `bin` * REPORT_STEP: share of all pictures below, share of a severity's defects not below.
double report_filter_at(const struct report *report, int bin);
double report_recall_at(const struct report_severity *severity, int bin);
void report_time(int64_t unix_ms, char text[CLOCK_TEXT]); // local, to the minute

void report_text(const struct report *report, FILE *out);
json_t *report_json(const struct report *report);
// A page that needs nothing else, written atomically.
ASSAY_CHECKED enum status report_html(struct project *project, const struct report *report, const char *file,
                                      struct error *err);

// --- between the files of the page ---
void html_put(struct strbuf *page, const char *text); // text from outside, cleaned and escaped
void html_charts(struct strbuf *page, const struct report *report);
void html_picks(struct strbuf *page, struct project *project, const struct report *r, const char *title,
                const struct report_picks *picks);
void html_finds(struct strbuf *page, struct project *project, const struct report *report);

#endif
