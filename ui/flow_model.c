// The view of the models: what was trained from what, and what is active.
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/intl.h"
#include "ui/draw.h"
#include "ui/session.h"

static int page_rows(void)
{
    return LINES > 8 ? LINES - 6 : 2;
}

static const struct flow_lineage *focused(const struct session *s, size_t *at)
{
    *at = 0;
    for (size_t i = 0; i < s->flow.model_count; i++)
        if (s->flow.models[i].id == s->flow.model)
            *at = i;
    return s->flow.model_count ? &s->flow.models[*at] : NULL;
}

static void load(struct session *s)
{
    const struct flow_model *flow = s->model->flow;
    struct error err;
    s->flow.why[0] = '\0';
    s->flow.models = NULL;
    s->flow.model_count = 0;
    if (flow->models(flow->context, &s->flow.models, &s->flow.model_count, &err) != ST_OK)
        snprintf(s->flow.why, sizeof s->flow.why, "%s", err.text);
}

static void draw(struct session *s)
{
    char right[64];
    size_t at, rows = (size_t)page_rows();
    int y = 3, name = 26;
    const struct flow_lineage *in_focus = focused(s, &at);
    snprintf(right, sizeof right, _("models: %zu"), s->flow.model_count > 0 ? s->flow.model_count - 1 : 0);
    panel_head(s, _("models"), right);
    if (!in_focus) {
        draw_wrapped(stdscr, 2, 1, COLS - 2, 3, A_NORMAL, s->flow.why);
        return;
    }
    draw_text(stdscr, 1, 2, name, A_BOLD, _("model"));
    draw_text(stdscr, 1, name + 3, 10, A_BOLD, _("state"));
    draw_text(stdscr, 1, name + 15, COLS - name - 16, A_BOLD, _("of what"));
    s->flow.top = at < s->flow.top ? at : at >= s->flow.top + rows ? at - rows + 1 : s->flow.top;
    for (size_t i = s->flow.top; i < s->flow.model_count && y < LINES - 2; i++, y++) {
        const struct flow_lineage *row = &s->flow.models[i];
        attr_t how = i == at ? A_REVERSE : row->active ? A_BOLD : A_NORMAL;
        mvaddch(y, 0, (i == at ? '>' : ' ') | A_BOLD);
        attron(how);
        mvhline(y, 1, ' ', COLS - 2);
        attroff(how);
        draw_printf(stdscr, y, 2 + row->level * 2, name - row->level * 2, how, "L%d %s", row->level, row->name);
        draw_text(stdscr, y, name + 3, 11, how, flow_word(row->state));
        draw_text(stdscr, y, name + 15, COLS - name - 16, how, row->words);
    }
    if (s->flow.model_count == 1 && y < LINES - 3) {
        char *none = session_keyed(s, _("Nothing was trained yet; a round of training ({training}) learns from the answers."));
        draw_wrapped(stdscr, y + 1, 2, COLS - 4, 2, A_NORMAL, none);
        free(none);
    }
}

static void details(struct session *s, int64_t model)
{
    struct error err;
    char *text;
    if (s->model->flow->details(s->model->flow->context, model, &text, &err) != ST_OK)
        session_say(s, "%s", err.text);
    else
        popup_read(s, _("Model"), text);
}

static bool key(struct session *s, enum command command, int pressed)
{
    size_t at;
    const struct flow_lineage *row = focused(s, &at);
    (void)pressed;
    if (command != s->flow.asked)
        s->flow.asked = COMMAND_NONE;
    switch (command) {
    case COMMAND_OPEN:
        if (row)
            details(s, row->id);
        return true;
    case COMMAND_PROMOTE:
        flow_promote(s, row ? row->id : 0, row && row->level == 1, row ? row->name : "");
        return true;
    case COMMAND_ROLLBACK:
        flow_rollback(s, row && row->level == 1 ? FLOW_INDUSTRY : row ? row->scene : 0, _("its scene"));
        return true;
    case COMMAND_UP:
    case COMMAND_DOWN:
    case COMMAND_PAGE_PREVIOUS:
    case COMMAND_PAGE_NEXT:
        if (row)
            s->flow.model = s->flow.models[flow_step(s, at, s->flow.model_count, command, page_rows())].id;
        return true;
    default:
        return false;
    }
}

const struct view view_models = {.name = "models", .context = CONTEXT_MODELS, .refuse = flow_refuse, .load = load,
                                 .draw = draw, .key = key};
