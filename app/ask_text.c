#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/ask.h"
#include "base/alloc.h"
#include "base/intl.h"
#include "base/text.h"
#include "db/acquire.h"
#include "db/label.h"
#include "db/picture.h"
#include "db/queue.h"

// "a.png", answered what, and in words; cleaned. "" for a picture that is not there, said "" for an open one.
static enum status name_of(struct project *project, int64_t id, char name[96], enum verdict *answer, char said[96],
                           struct error *err)
{
    struct picture picture;
    struct verdict_row verdict;
    name[0] = said[0] = '\0';
    *answer = VERDICT_NONE;
    if (!id)
        return ST_OK;
    enum status status = db_picture_get(project->db, id, &picture, err);
    if (status != ST_OK)
        return status;
    const char *slash = strrchr(picture.path, '/');
    char *clean = text_cleaned(slash ? slash + 1 : picture.path);
    snprintf(name, 96, "%s", clean);
    free(clean);
    picture_clear(&picture);
    status = db_verdict_get(project->db, id, LABEL_REVIEW, &verdict, err);
    if (status != ST_OK)
        return status;
    *answer = verdict.verdict;
    const char *class_name = verdict.class_name ? verdict.class_name : "";
    if (verdict.verdict != VERDICT_NONE)
        snprintf(said, 96, "%s",
                 verdict.verdict == VERDICT_DEFECT && class_name[0] ? class_name : _(verdict_name(verdict.verdict)));
    text_clean(said);
    verdict_clear(&verdict);
    return ST_OK;
}

enum status ask_why(struct project *project, const struct queue_item *item, char text[ASK_TEXT],
                    struct error *err)
{
    char name[96], said[96];
    enum verdict answer;
    text[0] = '\0';
    enum status status = name_of(project, item->about, name, &answer, said, err);
    if (status != ST_OK)
        return status;
    bool after_defect = item->reason == ACQUIRE_LIKE || item->reason == ACQUIRE_RARE || item->reason == ACQUIRE_URGENT;
    if (after_defect && answer != VERDICT_DEFECT)
        return ST_OK; // another answer since, or none any more: the next order has another reason
    switch ((enum acquire_reason)item->reason) {
    case ACQUIRE_ODD:
        snprintf(text, ASK_TEXT, _("Asked: among the likeliest defects."));
        break;
    case ACQUIRE_LIKE:
        snprintf(text, ASK_TEXT, _("Asked: like %s, answered %s."), name, said);
        break;
    case ACQUIRE_UNSURE:
        snprintf(text, ASK_TEXT, _("Asked: could be either; a defect with %.0f %%."), 100 * item->expected);
        break;
    case ACQUIRE_DISPUTED:
        snprintf(text, ASK_TEXT, _("Asked: the detectors disagree."));
        break;
    case ACQUIRE_NEW:
        snprintf(text, ASK_TEXT, _("Asked: unlike everything answered so far."));
        break;
    case ACQUIRE_RARE:
        snprintf(text, ASK_TEXT, name[0] ? _("Asked: may be of a rare class, like %s (%s).") : _("Asked: may be of a rare class."), name, said);
        break;
    case ACQUIRE_URGENT:
        snprintf(text, ASK_TEXT, _("Asked first: like %s, a stop defect (%s)."), name, said);
        break;
    case ACQUIRE_WAITS: // the other one may be skipped, with somebody else, or answered since
    case ACQUIRE_BEHIND:
        if (answer == VERDICT_NONE)
            snprintf(text, ASK_TEXT, _("Nearly the same as %s, which is not answered yet."), name);
        else
            snprintf(text, ASK_TEXT, _("Nearly the same as %s, answered %s."), name, said);
        break;
    case ACQUIRE_AUDIT:
        snprintf(text, ASK_TEXT, _("Asked: drawn by chance."));
        break;
    case ACQUIRE_BY_SCORE:
    case ACQUIRE_AGAIN:
    case ACQUIRE_REASONS:
        break;
    }
    return ST_OK;
}

enum status ask_why_again(struct project *project, const struct doubt_row *doubt, char text[ASK_TEXT],
                          struct error *err)
{
    char name[96], said[96], own[96], own_said[96];
    enum verdict answer;
    enum status status = name_of(project, doubt->about, name, &answer, said, err);
    if (status == ST_OK)
        status = name_of(project, doubt->picture, own, &answer, own_said, err);
    if (status != ST_OK)
        return status;
    bool defect = doubt->defect >= 0.5;
    int used =
        snprintf(text, ASK_TEXT, _("A second look: answered %s, but score and neighbours say %s (%.0f %%)"),
                 own_said, defect ? _("defect") : _("normal"), 100 * (defect ? doubt->defect : 1 - doubt->defect));
    if (said[0] && used < ASK_TEXT)
        used += snprintf(text + used, (size_t)(ASK_TEXT - used), _(", like %.60s, answered %.40s"), name, said);
    if (used < ASK_TEXT)
        snprintf(text + used, (size_t)(ASK_TEXT - used), "%s", _("."));
    return ST_OK;
}

enum status ask_gain(struct project *project, int64_t scene, struct acquire_gain *gain, bool *known,
                     struct error *err)
{
    struct asked_row *asked = NULL;
    struct ask_new *ahead = NULL;
    size_t asked_count = 0, ahead_count = 0;
    *known = false;
    enum status status = db_asked(project->db, scene, 1000, &asked, &asked_count, err);
    if (status == ST_OK)
        status = db_ask_ahead(project->db, scene, ASK_AHEAD, &ahead, &ahead_count, err);
    struct acquire_record *records = xcalloc(asked_count + 1, sizeof *records);
    double *expected = xcalloc(ahead_count + 1, sizeof *expected);
    for (size_t i = 0; i < asked_count; i++) {
        bool again = asked[i].reason == ACQUIRE_BEHIND || asked[i].reason == ACQUIRE_WAITS;
        // What is nearly the same as something answered brings nothing new.
        records[i] = (struct acquire_record){.expected = again ? 0 : asked[i].expected,
                                             .defect = !again && asked[i].defect,
                                             .class_index = (int)asked[i].class_id - 1};
    }
    *known = status == ST_OK && ahead_count > 0;
    for (size_t i = 0; i < ahead_count; i++) {
        bool again = ahead[i].reason == ACQUIRE_BEHIND || ahead[i].reason == ACQUIRE_WAITS;
        expected[i] = again ? 0 : ahead[i].expected;
        *known = *known && ahead[i].expected >= 0;
    }
    if (*known)
        acquire_gain(records, asked_count, expected, ahead_count, ASK_AHEAD, gain);
    free(expected);
    free(records);
    free(ahead);
    free(asked);
    return status;
}

enum status ask_gain_text(struct project *project, int64_t scene, char text[ASK_TEXT], struct error *err)
{
    struct acquire_gain gain;
    bool known;
    text[0] = '\0';
    enum status status = ask_gain(project, scene, &gain, &known, err);
    if (status != ST_OK || !known)
        return status;
    snprintf(text, ASK_TEXT,
             gain.next == 1 ? _("%.1f new defects expected in the next %zu answer, at most %zu (95 %%)")
                            : _("%.1f new defects expected in the next %zu answers, at most %zu (95 %%)"),
             gain.expected, gain.next, gain.most);
    return ST_OK;
}
