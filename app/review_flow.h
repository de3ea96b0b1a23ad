// What the views of training (review_flow.c), models (review_models.c), settings (review_settings.c) and work (review_board.c) show, read from the
// database again when that has changed, and what they ask for.
#ifndef APP_REVIEW_FLOW_H
#define APP_REVIEW_FLOW_H

#include "app/project.h"
#include "db/round.h"
#include "ui/flow.h"

struct texts { // strings that are freed together
    char **items;
    size_t count, capacity;
};
const char *texts_keep(struct texts *texts, char *text); // takes it
void texts_clear(struct texts *texts);

struct review_flow {
    struct flow_model model;
    struct project *project;
    const char *person;
    int64_t only;                  // a scene, 0 all of them
    char state[160];
    int64_t state_version, version, models_version, board_version; // of the database when read
    struct texts texts, models_texts, board_texts;
    struct flow_training training;
    struct flow_round *rounds;
    struct flow_target *targets;
    struct flow_point *curve;
    struct base_info base;         // read once
    struct flow_lineage *models;
    size_t model_count;
    struct texts setting_texts;
    struct flow_setting settings[SETTINGS];
    struct flow_board *boards;
    size_t board_count;
    int64_t flagged, open;         // what promoting and rolling back here changed of the queue, until it is looked at (review_news.c)
};

// person, project: kept.
void review_flow_open(struct review_flow *flow, struct project *project, const char *person, int64_t scene);
void review_flow_clear(struct review_flow *flow);

// Local time: "14:02" of today, else "2026-11-24 14:02".
enum { FLOW_TIME = 24 };
void flow_time(int64_t at_ms, char text[FLOW_TIME]);
// "63 %", "1:10 left" ...: how a round stands, short. "" when it is over.
void flow_round_words(const struct round *round, bool lives, char text[120]);
// Whether what was read at *version may be another now; notes the present one.
bool flow_changed(struct review_flow *flow, int64_t *version);
void flow_settings(void *context, const struct flow_setting **rows, size_t *count, const char **files);
enum status flow_set(void *context, size_t index, const char *value, bool own, char **said, struct error *err);
enum status flow_models(void *context, const struct flow_lineage **rows, size_t *count, struct error *err);
enum status flow_details(void *context, int64_t model, char **text, struct error *err);
enum status flow_comparison(void *context, int64_t model, char **text, struct error *err);
enum status flow_board(void *context, const struct flow_board **rows, size_t *count, struct error *err);

#endif
