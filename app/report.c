#include "config.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "app/audit.h"
#include "app/hook.h"
#include "app/review_lead.h"
#include "app/report.h"
#include "base/alloc.h"
#include "db/quality.h"
#include "db/scene.h"
#include "db/second.h"
#include "screen/rates.h"

static int bin_of(double score)
{
    double at = floor(score / REPORT_STEP + 1e-9);
    return at < 0 ? 0 : at > REPORT_BINS - 1 ? REPORT_BINS - 1 : (int)at;
}

// Keep the highest scores, most anomalous first.
static void pick(struct report_picks *picks, int64_t picture, double score)
{
    size_t at = picks->count;
    while (at > 0 && picks->scores[at - 1] < score)
        at--;
    if (at == REPORT_PICKS)
        return;
    size_t kept = picks->count < REPORT_PICKS ? picks->count++ : REPORT_PICKS - 1;
    memmove(&picks->pictures[at + 1], &picks->pictures[at], (kept - at) * sizeof *picks->pictures);
    memmove(&picks->scores[at + 1], &picks->scores[at], (kept - at) * sizeof *picks->scores);
    picks->pictures[at] = picture;
    picks->scores[at] = score;
}

static void scan(void *context, const struct scan_row *row)
{
    struct report *r = context;
    enum verdict known = row->review != VERDICT_NONE ? row->review : row->truth != VERDICT_NONE ? row->truth : row->audit;
    int bin = bin_of(row->score);
    r->all[bin]++;
    if (row->truth == VERDICT_NORMAL) {
        r->normals++;
        r->normals_filtered += !row->flagged;
    }
    if (known == VERDICT_NORMAL) {
        r->normal[bin]++;
        pick(&r->suspects, row->picture, row->score);
    } else if (known == VERDICT_DEFECT) {
        r->defect[bin]++;
        pick(row->flagged ? &r->hits : &r->misses, row->picture, row->score);
    }
}

static void count_defect(struct report_severity *s, const struct independent_defect *d)
{
    if (!d->screened) {
        s->unscreened++;
        return;
    }
    s->correct += d->flagged;
    s->missed += !d->flagged;
    s->bins[bin_of(d->score)]++;
}

static enum status gather_defects(struct db *db, int64_t scene, struct report *r, struct error *err)
{
    struct independent_defect *rows;
    size_t count;
    int64_t found[SEVERITIES] = {0};
    enum status status = db_independent_defects(db, scene, &rows, &count, err);
    for (size_t i = 0; status == ST_OK && i < count; i++) {
        if (rows[i].audited) // of the filtered ones only: no share of all defects; the audit's bound tells of them
            continue;
        count_defect(&r->severities[rows[i].severity], &rows[i]);
        count_defect(&r->severities[SEVERITIES], &rows[i]);
    }
    free(rows);
    if (status == ST_OK)
        status = db_found(db, scene, r->options.since_ms, found, err);
    for (int s = 0; s < SEVERITIES; s++) {
        r->severities[s].found = found[s];
        r->severities[SEVERITIES].found += found[s];
    }
    return status;
}

static enum status add_audit(struct project *project, struct report *r, const struct scene *scene, struct error *err)
{
    struct auditing a;
    enum status status = auditing_load(project, scene, &a, err);
    if (status != ST_OK || a.state == AUDITING_NONE)
        return status;
    if (!r->audit)
        r->audit = json_array();
    json_array_append_new(r->audit, auditing_json(scene, &a));
    return ST_OK;
}

static enum status gather_scenes(struct project *project, struct report *r, struct error *err)
{
    struct db *db = project->db;
    struct scene *scenes;
    size_t count;
    enum status status = db_scene_list(db, &scenes, &count, err);
    r->scenes = xcalloc(count + 1, sizeof *r->scenes);
    for (size_t i = 0; i < count; i++) {
        bool wanted = !r->options.scene || strcmp(r->options.scene, scenes[i].name) == 0;
        if (status == ST_OK && wanted) {
            struct report_scene *s = &r->scenes[r->scene_count++];
            s->name = xstrdup(scenes[i].name);
            s->screened = scenes[i].active_revision != 0;
            if (s->screened)
                status = db_revision_get(db, scenes[i].active_revision, &s->revision, err);
            if (status == ST_OK && s->screened && !r->options.shift)
                status = db_scan_scores(db, scenes[i].active_revision, scan, r, err);
            if (status == ST_OK && s->screened && !r->options.shift)
                status = add_audit(project, r, &scenes[i], err);
        }
        scene_clear(&scenes[i]);
    }
    free(scenes);
    return status;
}

static void add_poor(void *context, const char *kind, int64_t count, int64_t open)
{
    json_array_append_new(context, json_pack("{s:s, s:I, s:I}", "kind", kind, "count", (json_int_t)count, "open",
                                             (json_int_t)open));
}

// Of whoever is no lead's answers: person 0 answered none.
static enum status gather_second(struct project *project, int64_t scene, struct report *r, struct error *err)
{
    struct second_row *rows = NULL;
    size_t count;
    enum status status = db_second(project->db, scene, 0, settings_real(project->settings, SETTING_SECOND_SHARE), 1, &rows, &count,
                                   &r->waiting, err);
    free(rows);
    if (status == ST_OK && r->options.shift)
        return hook_sentence(project, r->hook, err);
    if (status == ST_OK)
        status = agreement_json(project, scene, r->options.since_ms, &r->second_json, err);
    if (status == ST_OK && json_integer_value(json_object_get(r->second_json, "blind")) +
                               json_integer_value(json_object_get(r->second_json, "seen")) > 0)
        status = agreement_text(project, scene, r->options.since_ms, &r->second, err);
    return status;
}

static enum status gather(struct project *project, struct report *r, struct error *err)
{
    struct db *db = project->db;
    int64_t scene = 0, since = r->options.since_ms;
    struct scene one = {0};
    struct base *base;
    enum status status = ST_OK;
    if (r->options.scene) {
        status = db_scene_get(db, 0, r->options.scene, &one, err);
        scene = one.id;
        scene_clear(&one);
    }
    if (status == ST_OK)
        status = project_base(project, &base, err);
    if (status != ST_OK)
        return status;
    r->base = xstrdup(base_info(base)->name);
    base_free(base);
    status = db_counts_said(db, scene, &r->counts, err);
    if (status == ST_OK)
        status = gather_scenes(project, r, err);
    if (status == ST_OK)
        status = db_people(db, scene, since, &r->people, &r->person_count, err);
    if (status == ST_OK)
        status = db_answer_time(db, scene, since, &r->timed, &r->median_ms, err);
    if (status == ST_OK)
        status = gather_defects(db, scene, r, err);
    if (status == ST_OK)
        status = gather_second(project, scene, r, err);
    if (status == ST_OK && r->options.shift) {
        status = db_finds(db, scene, since, REPORT_FINDS, &r->finds, &r->find_count, err);
        return status == ST_OK ? db_objects(db, scene, since, &r->objects, &r->object_count, err) : status;
    }
    if (status == ST_OK)
        status = db_pairs(db, scene, since, &r->pairs, &r->pair_count, err);
    if (status == ST_OK)
        status = db_unreadable_reasons(db, scene, 10, &r->reasons, &r->reason_count, err);
    r->poor = json_array();
    return status == ST_OK ? db_poor_tally(db, scene, add_poor, r->poor, err) : status;
}

enum status report_gather(struct project *project, const struct report_options *options, struct report *report,
                          struct error *err)
{
    *report = (struct report){.project = project->dir, .db = project->db, .options = *options, .at_ms = clock_unix_ms()};
    for (int s = 0; s < SEVERITIES; s++)
        report->severities[s].name = severity_name((enum severity)s);
    report->severities[SEVERITIES].name = "all";
    enum status status = gather(project, report, err);
    if (status != ST_OK)
        report_clear(report);
    return status;
}

void report_clear(struct report *r)
{
    for (size_t i = 0; i < r->scene_count; i++)
        free(r->scenes[i].name);
    free(r->scenes);
    free(r->base);
    person_free(r->people, r->person_count);
    pair_free(r->pairs, r->pair_count);
    reason_free(r->reasons, r->reason_count);
    find_free(r->finds, r->find_count);
    object_free(r->objects, r->object_count);
    json_decref(r->audit);
    json_decref(r->poor);
    json_decref(r->second_json);
    free(r->second);
    *r = (struct report){0};
}

// --- figures -------------------------------------------------------------------

int64_t report_total(const struct report_severity *severity)
{
    return severity->correct + severity->missed;
}

int64_t report_filtered(const struct report *r)
{
    return r->counts.screened - r->counts.flagged;
}

double report_filter_rate(const struct report *r)
{
    return r->counts.screened ? (double)report_filtered(r) / (double)r->counts.screened : NAN;
}

double report_hours_saved(const struct report *r)
{
    return r->timed ? (double)report_filtered(r) * (double)r->median_ms / 3.6e6 : NAN;
}

double report_kappa(const struct pair_row *pair, int64_t *pictures, int64_t *agreed)
{
    *pictures = *agreed = 0;
    for (int i = 0; i < 9; i++) {
        *pictures += pair->table[i];
        *agreed += i % 4 == 0 ? pair->table[i] : 0;
    }
    return rates_kappa(pair->table, 3);
}

static double share_from(const int64_t bins[REPORT_BINS], int bin)
{
    int64_t above = 0, total = 0;
    for (int i = 0; i < REPORT_BINS; i++) {
        total += bins[i];
        above += i >= bin ? bins[i] : 0;
    }
    return total ? (double)above / (double)total : NAN;
}

double report_filter_at(const struct report *r, int bin)
{
    return 1 - share_from(r->all, bin);
}

double report_recall_at(const struct report_severity *severity, int bin)
{
    return share_from(severity->bins, bin);
}

void report_time(int64_t unix_ms, char text[CLOCK_TEXT])
{
    time_t seconds = (time_t)(unix_ms / 1000);
    struct tm tm = {0};
    localtime_r(&seconds, &tm);
    strftime(text, CLOCK_TEXT, "%Y-%m-%d %H:%M", &tm);
}
