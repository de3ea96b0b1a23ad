// What the files of the controller behind the review share: its state. review_list.c: the session's list of
// pictures; review_answer.c: what is said of them; review_news.c: what happens meanwhile; review_session.c:
// the rest.
#ifndef APP_REVIEW_SESSION_IMPL_H
#define APP_REVIEW_SESSION_IMPL_H

#include "app/ask.h"
#include "app/class_word.h"
#include "app/likely.h"
#include "app/hook.h"
#include "app/review_audit.h"
#include "app/review_find.h"
#include "app/review_flow.h"
#include "app/review_keeper.h"
#include "app/review_knowledge.h"
#include "app/review_known.h"
#include "app/review_lead.h"
#include "app/review_regions.h"
#include "app/review_results.h"
#include "app/review_scores.h"
#include "app/review_session.h"
#include "app/scoring.h"
#include "base/strbuf.h"
#include "db/acquire.h"
#include "db/class.h"
#include "db/label.h"
#include "db/picture.h"
#include "db/queue.h"
#include "db/revision.h"
#include "db/scene.h"

enum { REVIEW_LEASE_MS = 120000, REVIEW_RETRY_S = 2 };

struct review_session {
    struct project *project;
    struct review_model model;
    struct keeper *keeper;
    struct asker *asker;
    unsigned orders; // of the queue, when something arrived last
    bool arrived;    // and is not in its place yet
    struct review_known known;
    struct likely *likely;
    struct review_audit audit;
    struct review_regions regions;
    struct review_counter *counter;
    struct score_counter *scores;
    struct review_finder finder;
    struct review_flow flow;
    struct review_knowledge knowledge;
    char *person_name;
    struct doubt_row *doubts; // a second look at these (doubt_count), in place of the queue; NULL not
    size_t doubt_count;
    char why[ASK_TEXT];
    int64_t person, scene;
    char name[64];
    struct queue_item looked; // what on_look told of last: its heatmap is not copied
    struct queue_item *items; // this session's list: answered ones, the current one, leased ones ahead
    size_t count, capacity;
    size_t concerned;
    char class_word[CLASS_WORD];
    char class_back[400]; // what the last undo or redo was about, "" a picture
    size_t *alike;
    double ask_again; // when the queue had nothing more: not before this time
    struct review_lead lead;
    bool deciding, blind_answer;    // a lead's second answer is being stored
    char hook[HOOK_TEXT];           // what was last said of commands that are due
    size_t front;                   // the furthest place that was on the screen
    int64_t version, flagged, open; // of the database and the queue, when last looked at
    char drift[DRIFT_TEXT];         // what was last said about it
    char news[DRIFT_TEXT + HOOK_TEXT + 80];
    // of the item handed out last:
    struct picture row;
    struct verdict_row verdict;
    struct revision revision;
    struct scene row_scene;
    char *path;
    struct strbuf details;
    struct class_row *classes;
    struct review_class *shown_classes;
    size_t class_count;
};

// Each sets its callbacks in s->model.
void review_list_bind(struct review_session *s);
void review_answer_bind(struct review_session *s);
void review_news_bind(struct review_session *s);

// Where a picture is in the list; s->count when it is not.
size_t session_place(const struct review_session *s, int64_t picture);
void session_forget_row(struct review_session *s);
// What is leased ahead and was not on the screen yet goes back, so that more anomalous ones come before it.
void session_lease_anew(struct review_session *s, size_t index, size_t last);

#endif
