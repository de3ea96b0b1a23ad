#include "config.h"

#include <stdlib.h>

#include "app/calibrate.h"
#include "base/alloc.h"
#include "db/report.h"

bool calibrate_option(const char *text, double recall[SEVERITIES])
{
    const char *equals = strchr(text, '=');
    char name[16] = "", *end;
    enum severity severity;
    if (!equals || (size_t)(equals - text) >= sizeof name)
        return false;
    memcpy(name, text, (size_t)(equals - text));
    double value = strtod(equals + 1, &end);
    if (!severity_parse(name, &severity) || end == equals + 1 || *end || !(value >= RECALL_LEAST && value <= RECALL_MOST))
        return false;
    recall[severity] = value;
    return true;
}

struct thing { // a defect of one severity, in the pictures of one group
    uint64_t group;
    double score;
};

static int by_group(const void *left, const void *right)
{
    const struct thing *a = left, *b = right;
    return a->group != b->group ? (a->group > b->group) - (a->group < b->group)
                                : (a->score > b->score) - (a->score < b->score);
}

static int by_id(const void *key, const void *element)
{
    int64_t a = *(const int64_t *)key, b = *(const int64_t *)element;
    return (a > b) - (a < b);
}

// The lowest score of each group's pictures of this severity, into `scores`; returns how many.
static size_t lowest_of_groups(const struct dataset *set, const struct screen_score *scores,
                               const struct independent_defect *rows, size_t count, enum severity severity,
                               double *lowest)
{
    struct thing *things = xcalloc(count + 1, sizeof *things);
    size_t n = 0, kept = 0;
    for (size_t i = 0; i < count; i++) {
        const int64_t *id = rows[i].severity == severity
                                ? bsearch(&rows[i].picture, set->ids, set->count, sizeof *set->ids, by_id)
                                : NULL;
        if (id && !set->inputs[id - set->ids].trained) // what was trained on says nothing of what is missed
            things[n++] = (struct thing){set->groups[id - set->ids], scores[id - set->ids].score};
    }
    qsort(things, n, sizeof *things, by_group);
    for (size_t i = 0; i < n; i++)
        if (i == 0 || things[i].group != things[i - 1].group)
            lowest[kept++] = things[i].score;
    free(things);
    return kept;
}

static void write_goals(const struct threshold_goal *goals, size_t count, char text[REVISION_GOALS])
{
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(list, json_pack("{s:s, s:f, s:I, s:I, s:b, s:I}", "severity", goals[i].severity, "target",
                                              goals[i].recall, "defects", (json_int_t)goals[i].count, "missed",
                                              (json_int_t)goals[i].missed, "demonstrated", goals[i].demonstrated,
                                              "more_needed", (json_int_t)goals[i].more));
    char *dump = json_dumps(list, JSON_COMPACT | JSON_REAL_PRECISION(9));
    snprintf(text, REVISION_GOALS, "%s", dump);
    free(dump);
    json_decref(list);
}

enum status calibrate_threshold(struct project *project, const struct scene *scene,
                                const struct screening_options *o, const struct dataset *set,
                                const struct screen_score *scores, double budget, struct revision *revision,
                                struct error *err)
{
    struct independent_defect *rows;
    size_t count, known[SEVERITIES], total = 0, goal_count = 0;
    double *lowest[SEVERITIES], *all = xcalloc(set->count + 1, sizeof *all);
    struct threshold_goal goals[SEVERITIES];
    struct threshold t;
    enum status status = db_independent_defects(project->db, scene->id, &rows, &count, err);
    if (status != ST_OK) {
        free(all);
        free(rows);
        return status;
    }
    for (size_t i = 0; i < set->count; i++)
        all[i] = scores[i].score;
    for (int s = 0; s < SEVERITIES; s++) {
        lowest[s] = xcalloc(count + 1, sizeof **lowest);
        known[s] = lowest_of_groups(set, scores, rows, count, (enum severity)s, lowest[s]);
        total += known[s];
    }
    for (int s = 0; s < SEVERITIES; s++) {
        // a target for all is one for every severity that is known to occur; before any is, for each there may be
        double recall = o->recall[s] > 0 ? o->recall[s] : known[s] > 0 || total == 0 ? o->target_recall : 0;
        if (recall > 0)
            goals[goal_count++] = (struct threshold_goal){
                .severity = severity_name((enum severity)s), .recall = recall, .scores = lowest[s], .count = known[s]};
    }
    struct threshold_input input = {.scores = all, .count = set->count, .flag_rate = o->flag_rate, .budget = budget,
                                    .goals = goals, .goal_count = goal_count};
    status = threshold_choose(&input, &t, err);
    if (status == ST_OK) {
        revision->threshold = t.value;
        snprintf(revision->rule, sizeof revision->rule, "%s", threshold_rule_name(t.rule));
        snprintf(revision->reason, sizeof revision->reason, "%s", t.reason);
        write_goals(goals, goal_count, revision->goals);
    }
    for (int s = 0; s < SEVERITIES; s++)
        free(lowest[s]);
    free(rows);
    free(all);
    return status;
}

void calibrate_asked(const struct revision *revision, double recall[SEVERITIES])
{
    json_t *goals = json_loads(revision->goals, 0, NULL), *goal;
    size_t i;
    enum severity severity;
    memset(recall, 0, SEVERITIES * sizeof *recall);
    json_array_foreach(goals, i, goal) {
        const char *name = json_string_value(json_object_get(goal, "severity"));
        if (name && severity_parse(name, &severity))
            recall[severity] = json_number_value(json_object_get(goal, "target"));
    }
    json_decref(goals);
}

json_t *calibrate_json(const struct revision *revision)
{
    json_t *goals = json_loads(revision->goals, 0, NULL);
    return json_pack("{s:s, s:s, s:f, s:f, s:f, s:o}", "rule", revision->rule, "reason", revision->reason, "value",
                     revision->threshold, "filter_rate_budget", 1 - revision->flag_rate, "confidence",
                     THRESHOLD_CONFIDENCE, "severities", goals ? goals : json_array());
}
