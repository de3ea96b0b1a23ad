// What the views of training, models and work share: questions before what cannot be undone by a key, and the line that
// tells in every view how the training stands.
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/intl.h"
#include "ui/draw.h"
#include "ui/session.h"

const char *flow_word(const char *word)
{
    static const char *const words[] = {N_("queued"), N_("running"), N_("paused"), N_("done"), N_("failed"), N_("cancelled"),
                                        N_("pictures"), N_("training"), N_("scoring"), N_("comparing"), N_("waiting"),
                                        N_("candidate"), N_("promoted"), N_("refused"), N_("rolled back"), N_("replaced"), N_("foreign"), N_("active"), N_("waits"),
                                        N_("base"), N_("stopped"), N_("pausing"), N_("cancelling")};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcmp(words[i], word) == 0)
            return _(words[i]);
    return word;
}

const char *flow_refuse(struct session *s)
{
    return s->model->flow ? NULL : _("Nothing is trained here.");
}

void flow_tick(struct session *s)
{
    const struct flow_model *flow = s->model->flow;
    if (!flow)
        return;
    const char *state = flow->state(flow->context);
    if (strcmp(state, s->flow.state) != 0) {
        snprintf(s->flow.state, sizeof s->flow.state, "%s", state);
        s->dirty = true;
    }
    if (s->view == &view_training || s->view == &view_models || s->view == &view_workflow)
        view_load(s);
}

bool flow_sure(struct session *s, enum command command, int64_t id, const char *question)
{
    if (s->flow.asked == command && s->flow.asked_id == id) {
        s->flow.asked = COMMAND_NONE;
        return true;
    }
    s->flow.asked = command;
    s->flow.asked_id = id;
    session_say(s, "%s", question);
    return false;
}

void flow_said(struct session *s, enum status status, const struct error *err, const char *said)
{
    session_say(s, "%s", status == ST_OK ? said : err->text);
    flow_tick(s);
}

size_t flow_step(struct session *s, size_t at, size_t count, enum command command, int page)
{
    long by = command == COMMAND_UP ? -1 : command == COMMAND_DOWN ? 1 : command == COMMAND_PAGE_PREVIOUS ? -page : page;
    long to = (long)at + by;
    session_say(s, "%s", "");
    return to < 0 || count == 0 ? 0 : to >= (long)count ? count - 1 : (size_t)to;
}

void flow_promote(struct session *s, int64_t model, bool industry, const char *name)
{
    char text[200], *goal = NULL;
    struct error err;
    if (!model) {
        session_say(s, _("No model waits for a decision here."));
        return;
    }
    if (!session_leads(s, LEAD_PROMOTE))
        return;
    snprintf(text, sizeof text, industry ? _("Press again to let rounds of all scenes begin from model %s.")
                                         : _("Press again to make model %s the active one of its scene, at once."), name);
    if (!flow_sure(s, COMMAND_PROMOTE, model, text))
        return;
    snprintf(text, sizeof text, industry ? _("Rounds begin from model %s.") : _("Model %s is active."), name);
    enum status status = s->model->flow->promote(s->model->flow->context, model, &goal, &err);
    flow_said(s, status, &err, text);
    if (goal) // longer than the line below
        popup_read(s, _("Promoted"), goal);
}

void flow_rollback(struct session *s, int64_t scene, const char *name)
{
    char text[200], *said = NULL, *goal = NULL;
    struct error err;
    if (!scene) {
        session_say(s, _("There is no scene to roll back."));
        return;
    }
    if (!session_leads(s, LEAD_ROLLBACK))
        return;
    snprintf(text, sizeof text, scene == FLOW_INDUSTRY ? _("Press again to let rounds begin from the industry model before.")
                                                       : _("Press again to go back to what was active before in %s, at once."), name);
    if (!flow_sure(s, COMMAND_ROLLBACK, s->model->flow->active(s->model->flow->context, scene), text)) // anew where somebody else went back meanwhile
        return;
    enum status status = s->model->flow->rollback(s->model->flow->context, scene, &said, &goal, &err);
    flow_said(s, status, &err, said ? said : "");
    free(said);
    if (goal)
        popup_read(s, _("Rolled back"), goal);
}

void flow_train(struct session *s, int64_t scene, bool alone, const char *name)
{
    char text[200];
    struct error err;
    snprintf(text, sizeof text, alone ? _("A round of %s begins without the industry model; it goes on without this screen.")
                                      : _("A round of %s begins; it goes on without this screen."), name);
    enum status status = s->model->flow->train(s->model->flow->context, scene, alone, &err);
    s->flow.round = 0; // the newest
    flow_said(s, status, &err, text);
}
