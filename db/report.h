// What the threshold and the report rest on (report.c), and the handover of a shift (report_shift.c).
#ifndef DB_REPORT_H
#define DB_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "db/label.h"

struct db;

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

struct scene_counts;
// Of a scene (0: all) db_counts(), and to its answers what was said of audits' draws where nothing was said in the review.
ASSAY_CHECKED enum status db_counts_said(struct db *db, int64_t scene, struct scene_counts *counts, struct error *err);

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
// Standing verdicts that say defect, of the review and of what audits drew, by severity.
ASSAY_CHECKED enum status db_found(struct db *db, int64_t scene, int64_t since_ms, int64_t found[SEVERITIES],
                                   struct error *err);

struct reason_row {
    char *reason;
    int64_t count;
};
ASSAY_CHECKED enum status db_unreadable_reasons(struct db *db, int64_t scene, size_t limit, struct reason_row **rows,
                                                size_t *count, struct error *err); // most frequent first; reason_free
void reason_free(struct reason_row *rows, size_t count);

// --- handing over a shift (report_shift.c) ---
struct find_row { // a defect that a person found
    int64_t picture, at_ms;
    char *path, *scene, *object, *position, *class_name, *person, *note;
    enum severity severity;
};
// Standing defects, of the review and of what audits drew, said from `since_ms` on, worst severity first, then by object and time; at most `limit`. find_free
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

#endif
