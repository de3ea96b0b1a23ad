#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/review_session_impl.h"
#include "app/stored.h"
#include "base/intl.h"
#include "db/live.h"

// The first scene's drift, "" none.
static void find_drift(struct review_session *s, char text[DRIFT_TEXT])
{
    struct scene *scenes = NULL;
    size_t count = 0;
    struct error unused;
    text[0] = '\0';
    if (db_scene_list(s->project->db, &scenes, &count, &unused) != ST_OK)
        return;
    for (size_t i = 0; i < count; i++) {
        if (!text[0] && (s->scene == 0 || s->scene == scenes[i].id) &&
            drift_sentence(s->project, &scenes[i], true, text, &unused) != ST_OK)
            text[0] = '\0';
        scene_clear(&scenes[i]);
    }
    free(scenes);
}

// Whether there is something new to say of the commands that are due.
static bool hook_news(struct review_session *s)
{
    char text[HOOK_TEXT];
    struct error unused;
    if (hook_sentence(s->project, text, &unused) != ST_OK)
        return false;
    char *words = stored_text(text);
    snprintf(text, sizeof text, "%s", words);
    free(words);
    if (strcmp(text, s->hook) == 0)
        return false;
    memcpy(s->hook, text, sizeof text);
    return text[0] != '\0';
}

static const char *on_news(void *context, size_t index, size_t last)
{
    struct review_session *s = context;
    struct scene_counts counts;
    struct error unused;
    int64_t version;
    char drift[DRIFT_TEXT];
    if (s->doubts)
        return NULL;
    bool ordered = s->arrived && asker_orders(s->asker) != s->orders;
    if (ordered) { // what arrived is in its place now
        s->arrived = false;
        session_lease_anew(s, index, last);
    }
    if (db_version(s->project->db, &version, &unused) != ST_OK || version == s->version ||
        db_counts(s->project->db, s->scene, &counts, &unused) != ST_OK ||
        review_audit_look(&s->audit, &unused) != ST_OK)
        return ordered ? "" : NULL;
    int64_t more = counts.flagged - s->flagged, fresh = counts.open - s->open; // others may be answered already
    int64_t others = more - s->flow.flagged; // the session's own deed is no news, its confirmation stays
    fresh = fresh - s->flow.open < others ? fresh - s->flow.open : others;
    s->flow.flagged = s->flow.open = 0;
    bool same = counts.flagged == s->flagged && counts.open == s->open;
    bool told = hook_news(s);
    s->version = version;
    s->flagged = counts.flagged;
    s->open = counts.open;
    find_drift(s, drift);
    bool drifts = drift[0] && strcmp(drift, s->drift) != 0 && (!s->drift[0] || others > 0);
    memcpy(s->drift, drift, sizeof drift);
    if (!same) {
        s->arrived = s->arrived || more != 0;
        s->orders = asker_orders(s->asker);
        asker_wake(s->asker);
    }
    if (same && !drifts)
        return told ? s->hook : ordered ? "" : NULL;
    if (more != 0)
        session_lease_anew(s, index, last);
    s->news[0] = '\0';
    if (fresh > 0)
        snprintf(s->news, sizeof s->news,
                 fresh == 1 ? _("%lld new picture flagged.%s") : _("%lld new pictures flagged.%s"),
                 (long long)fresh, drifts ? " " : "");
    if (drifts)
        snprintf(s->news + strlen(s->news), sizeof s->news - strlen(s->news), "%s.", drift);
    if (told)
        snprintf(s->news + strlen(s->news), sizeof s->news - strlen(s->news), "%s%s", s->news[0] ? " " : "",
                 s->hook);
    return s->news;
}

static int64_t on_open(void *context)
{
    struct review_session *s = context;
    struct scene_counts counts;
    struct error unused;
    if (s->doubts) {
        struct doubt_row *left;
        size_t count = 0;
        if (db_doubt_list(s->project->db, s->scene, &left, &count, &unused) == ST_OK)
            free(left);
        return (int64_t)count;
    }
    return db_counts(s->project->db, s->scene, &counts, &unused) == ST_OK ? counts.open + s->audit.open : 0;
}

static void on_tick(void *context)
{
    struct review_session *s = context;
    struct error unused; // a missed renewal is made up for by the next one
    if (db_queue_renew(s->project->db, s->name, REVIEW_LEASE_MS, &unused) != ST_OK)
        return;
}

void review_news_bind(struct review_session *s)
{
    s->model.news = on_news;
    s->model.open = on_open;
    s->model.tick = on_tick;
}
