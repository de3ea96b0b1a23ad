// The controller behind the review screen: leases from the queue, answers into
// the database, copies of what was labelled into the project.
#ifndef APP_REVIEW_SESSION_H
#define APP_REVIEW_SESSION_H

#include "app/project.h"
#include "ui/review.h"

struct review_session;

// scene NULL: all. ST_INVALID when nothing was screened yet.
ASSAY_CHECKED enum status review_session_open(struct project *project, const char *person, const char *scene,
                                              struct review_session **session, struct error *err);
// Show the answers that are contradicted in place of the queue. ST_NOT_FOUND when none is. Before the screen opens.
ASSAY_CHECKED enum status review_session_second_look(struct review_session *session, struct error *err);
const struct review_model *review_session_model(struct review_session *session);
// Give back what is leased, wait for the copies.
// `kept` receives the first failure of a copy.
void review_session_close(struct review_session *session, struct error *kept);

// cmd_review.c: open the screen on a project. as NULL: ASSAY_AS, else asked.
ASSAY_CHECKED enum status review_project(struct project *project, const char *as, const char *scene, bool second_look,
                                         const char *script, struct error *err);

#endif
