// Labels: what was said about pictures, one event for each answer (label.c).
#ifndef DB_LABEL_H
#define DB_LABEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

struct db;

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

#endif
