// What the screen shows a lead: answers that wait for a second look, how they agree, the log, the handover, and what is
// written from one person to another.
#ifndef APP_REVIEW_LEAD_H
#define APP_REVIEW_LEAD_H

#include "app/project.h"
#include "base/strbuf.h"
#include "db/label.h"
#include "db/log.h"
#include "db/second.h"
#include "ui/review.h"

struct review_lead { // starts as {.project = ..., .person = ..., .scene = 0 or the only scene}
    struct project *project;
    int64_t person, scene;
    struct second_row *rows;
    size_t count;
    int64_t total;
    bool fresh;              // the rows are those of now; else, or when others wrote a while ago, they are read anew
    int64_t version;         // of the database then
    double read_at;
    int64_t focus;           // this picture is shown next, where it waits; 0 none
    struct strbuf said;
    char why[256], told[256];
    struct verdict_row stands;
    // the log
    struct log_filter filter;
    struct log_key after;
    struct review_logged *logged;
    char *(*texts)[5];
    size_t logged_count, logged_room, texts_room;
    int64_t comment;         // the last one that was told
};

void review_lead_clear(struct review_lead *lead);
// As the calls of struct review_model.
ASSAY_CHECKED enum status review_lead_second(struct review_lead *lead, size_t *index, struct review_second *row,
                                             struct error *err);
// How `action` compares with what stands before it is carried out; *told as of `decide`.
ASSAY_CHECKED enum status review_lead_compare(struct review_lead *lead, const struct action *action, const char **told,
                                              struct error *err);
void review_lead_decided(struct review_lead *lead, int64_t picture); // it waits no more
ASSAY_CHECKED enum status review_lead_comment(struct review_lead *lead, int64_t id, const char *text, struct error *err);
ASSAY_CHECKED enum status review_lead_log(struct review_lead *lead, const char *text, const struct review_logged **rows,
                                          size_t *count, bool *more, struct error *err);
ASSAY_CHECKED enum status review_lead_handover(struct review_lead *lead, const char *since, char **text, int64_t **pictures,
                                                struct error *err);
ASSAY_CHECKED enum status review_lead_greeting(struct review_lead *lead, char **text, struct error *err);
void review_lead_greeted(struct review_lead *lead); // something was answered: what was told counts as read
void review_lead_place(struct review_lead *lead, struct review_place *place);
void review_lead_keep_place(struct review_lead *lead, const struct review_place *place);

// --- agreement (agreement.c) -----------------------------------------------------
// Cohen's kappa between inspectors' answers and a lead's, with 95 % intervals (screen/rates.h), by inspector over the
// verdicts, and by class over "this class or not". Blind answers apart from those given with the first one in sight,
// which agree more easily.
ASSAY_CHECKED enum status agreement_text(struct project *project, int64_t scene, int64_t since_ms, char **text,
                                         struct error *err);
ASSAY_CHECKED enum status agreement_json(struct project *project, int64_t scene, int64_t since_ms, json_t **json,
                                         struct error *err);

#endif
