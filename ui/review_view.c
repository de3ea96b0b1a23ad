// The view of one picture after the other.
#include "config.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/intl.h"
#include "ui/draw.h"
#include "ui/session.h"

enum { AHEAD = 3, SCALE_STEPS = 9 };
static const double scales[SCALE_STEPS] = {1 / 16.0, 1 / 8.0, 1 / 4.0, 1 / 2.0, 1, 2, 4, 8, 16};

static struct look look_of(const struct session *s, const struct review_item *item)
{
    struct look look = s->look;
    look.heat = s->heat && !item->blind ? look.heat : 0;
    return look;
}

bool entry_load(struct session *s, struct review_item *item)
{
    struct error err;
    enum status status = s->model->item(s->model->context, s->index, item, &err);
    panel_layout(s);
    if (status != ST_OK) {
        entry_clear(&s->entry);
        s->open = s->model->open ? s->model->open(s->model->context) : 0;
        if (status != ST_NOT_FOUND)
            session_say(s, "%s", err.text);
        return false;
    }
    if (!s->entry.present || s->entry.item.id != item->id) {
        s->look.scale = 0; // what is looked at closely is this picture's
        s->item_seen = false;
    }
    entry_set(&s->entry, item);
    return true;
}

static void load(struct session *s)
{
    struct review_item item;
    if (!entry_load(s, &item))
        return;
    struct look look = look_of(s, &item);
    compare_put(s, &item, &look);
    panel_scores(s, true);
}

static bool ready(struct session *s)
{
    return !s->scores_wait;
}

static void idle(struct session *s, double now)
{
    compare_idle(s, now);
    panel_scores(s, false);
}

static void draw(struct session *s)
{
    char place[160] = "", scale[32] = "", where[64] = "";
    if (s->entry.present && s->look.scale > 0)
        snprintf(scale, sizeof scale, "%g:%g   ", fmax(s->look.scale, 1), fmax(1 / s->look.scale, 1));
    bool placed = !s->entry.item.blind; // the place follows the score
    if (s->entry.present && placed && s->entry.item.position > 0)
        snprintf(where, sizeof where, _("%lld of %lld"), (long long)s->entry.item.position, (long long)s->entry.item.open);
    else if (s->entry.present)
        snprintf(where, sizeof where, _("%lld open"), (long long)s->entry.item.open);
    if (s->entry.present)
        snprintf(place, sizeof place, "%s%s%s%s%s", scale, s->look.stretch ? _("contrast   ") : "",
                 s->look.invert ? _("inverted   ") : "", s->heat && placed ? _("heatmap on   ") : "", where);
    panel_head(s, s->entry.present ? s->entry.item.scene : "", place);
    if (!s->entry.present) {
        panel_end(s);
        return;
    }
    panel_item(s);
    compare_draw(s);
}

static int want_next(struct session *s, size_t index, bool other_heat, struct want *want)
{
    struct review_item item;
    struct error err;
    enum status (*read)(void *, size_t, struct review_item *, struct error *) = s->model->tile ? s->model->tile : s->model->item;
    if (read(s->model->context, index, &item, &err)) // its place is counted when it is shown
        return 0;
    struct look look = look_of(s, &item);
    if (index != s->index)
        look.scale = 0;
    if (other_heat) {
        if (!item.heat || item.blind)
            return 0;
        look.heat = look.heat ? 0 : s->look.heat;
    }
    struct rect pane = compare_pane(s);
    picture_want(s, &pane, &item, &look, want);
    want->path = xstrdup(item.path ? item.path : "");
    return 1;
}

// The next pictures, this one's other view and the one before.
static int ahead(struct session *s, struct want *wants, int room)
{
    int n = 0;
    if (room < AHEAD + 3)
        return 0;
    if (s->entry.present) {
        struct look look = look_of(s, &s->entry.item);
        n += compare_ahead(s, &look, &wants[n], room);
        n += want_next(s, s->index + 1, false, &wants[n]);
        n += want_next(s, s->index, true, &wants[n]);
        for (size_t i = 2; i <= AHEAD && want_next(s, s->index + i, false, &wants[n]); i++)
            n++;
    }
    if (s->index > 0)
        n += want_next(s, s->index - 1, false, &wants[n]);
    return n;
}

void review_go(struct session *s, bool forward)
{
    if (forward ? !s->entry.present : s->index == 0) {
        session_say(s, forward ? _("This is the end.") : _("This is the first picture."));
        return;
    }
    s->index = forward ? s->index + 1 : s->index - 1;
    session_say(s, "%s", "");
    view_load(s);
}

// Pixels of the frame for one of the picture when it is fitted.
static double fitted(const struct session *s)
{
    const struct review_item *item = &s->entry.item;
    const struct want *want = &s->shown[0].want;
    if (s->shown_count == 0 || item->width < 1 || item->height < 1)
        return 1;
    return fmin((double)want->width / item->width, (double)want->height / item->height);
}

static void zoom(struct session *s, enum command command)
{
    double fit = fitted(s), now = s->look.scale > 0 ? s->look.scale : fit, next = 0;
    for (int i = 0; i < SCALE_STEPS; i++) {
        if (command == COMMAND_IN && scales[i] > now * 1.001 && (next == 0 || scales[i] < next))
            next = scales[i];
        if (command == COMMAND_OUT && scales[i] < now * 0.999 && scales[i] > fit * 1.001)
            next = scales[i];
    }
    if (command == COMMAND_IN && next == 0)
        next = now;
    if (s->look.scale == 0)
        s->look.x = s->look.y = 0.5;
    s->look.scale = command == COMMAND_PIXELS ? 1 : next;
    if (s->look.scale == 0)
        session_say(s, _("The whole picture."));
    else
        session_say(s, _("{Arrows} move over the picture, {whole} shows the whole one."));
}

// By a quarter of what is seen; the rim is the end.
static void pan(struct session *s, double right, double down)
{
    const struct review_item *item = &s->entry.item;
    const struct want *want = &s->shown[0].want;
    if (s->shown_count == 0 || item->width < 1 || item->height < 1)
        return;
    double w = fmin(want->width / s->look.scale / item->width, 1), h = fmin(want->height / s->look.scale / item->height, 1);
    s->look.x = fmin(fmax(s->look.x + right * w / 4, w / 2), 1 - w / 2);
    s->look.y = fmin(fmax(s->look.y + down * h / 4, h / 2), 1 - h / 2);
}

static void arrow(struct session *s, enum command command)
{
    bool forward = command == COMMAND_DOWN || command == COMMAND_RIGHT;
    if (s->look.scale == 0 || !s->entry.present) {
        review_go(s, forward);
        return;
    }
    bool across = command == COMMAND_LEFT || command == COMMAND_RIGHT;
    pan(s, across ? forward ? 1 : -1 : 0, across ? 0 : forward ? 1 : -1);
    view_load(s);
}

void look_key(struct session *s, enum command command)
{
    static const char *const strengths[COMPOSE_STRENGTHS + 1] = {"", N_("faint"), N_("middle"), N_("strong")};
    if (!s->entry.present)
        return;
    if ((command == COMMAND_HEAT || command == COMMAND_STRENGTH) && s->entry.item.blind) {
        session_say(s, _("Hidden while an audit runs, until you have answered."));
        return;
    }
    if (command == COMMAND_HEAT) {
        s->heat = !s->heat;
        session_say(s, s->heat ? _("Heatmap on.") : _("Heatmap off."));
    } else if (command == COMMAND_STRENGTH) {
        s->look.heat = s->heat ? s->look.heat % COMPOSE_STRENGTHS + 1 : s->look.heat;
        s->heat = true;
        session_say(s, _("Heatmap: %s."), _(strengths[s->look.heat]));
    } else if (command == COMMAND_CONTRAST) {
        s->look.stretch = !s->look.stretch;
        session_say(s, s->look.stretch ? _("Contrast stretched.") : _("Contrast as it is."));
    } else if (command == COMMAND_INVERT) {
        s->look.invert = !s->look.invert;
        session_say(s, s->look.invert ? _("Inverted.") : _("Not inverted."));
    } else if (command == COMMAND_WHOLE) {
        s->look.scale = 0;
        s->look.stretch = s->look.invert = false;
        session_say(s, _("The whole picture, as it is."));
    } else {
        zoom(s, command);
    }
    view_load(s);
}

static void history(struct session *s)
{
    char *text = NULL;
    struct error err;
    if (!s->entry.present || !s->model->history)
        session_say(s, _("There is no log of this picture."));
    else if (s->model->history(s->model->context, s->entry.item.id, &text, &err))
        session_say(s, "%s", err.text);
    else
        popup_read(s, _("What was said about this picture"), text);
}

static void found_defect(struct session *s, const char *class_name, const char *severity)
{
    answer_act(s, ACTION_DEFECT, class_name, severity);
}

static bool key(struct session *s, enum command command, int pressed)
{
    (void)pressed;
    bool about = command == COMMAND_NORMAL || command == COMMAND_DEFECT || command == COMMAND_UNSURE;
    bool fine = s->config->poor && command == COMMAND_NORMAL; // which nobody can say of what cannot be read
    if (!s->entry.present && command != COMMAND_QUIT && command != COMMAND_HELP) {
        view_load(s); // freed pictures may be there by now
        if (s->entry.present && (about || command == COMMAND_SKIP || command == COMMAND_NEXT)) {
            session_say(s, _("There is a picture again: look at it first."));
            return true;
        }
    }
    if (fine && picture_item_sight(s) == SIGHT_NONE) {
        session_say(s, _("It cannot be shown, so nobody can call it fine: {unsure} really poor, {skip} skips it."));
        return true;
    }
    if (about && (!s->entry.present || !answer_confirmed(s, picture_item_sight(s), s->entry.item.id)))
        return true;
    switch (command) {
    case COMMAND_NORMAL:
        answer_act(s, ACTION_NORMAL, NULL, NULL);
        return true;
    case COMMAND_UNSURE:
        answer_act(s, ACTION_UNSURE, NULL, NULL);
        return true;
    case COMMAND_DEFECT:
        answer_choose(s, found_defect);
        return true;
    case COMMAND_SKIP:
        if (s->entry.present)
            answer_act(s, ACTION_SKIP, NULL, NULL);
        return true;
    case COMMAND_NEXT:
    case COMMAND_PREVIOUS:
        review_go(s, command == COMMAND_NEXT);
        return true;
    case COMMAND_UP:
    case COMMAND_DOWN:
    case COMMAND_LEFT:
    case COMMAND_RIGHT:
        arrow(s, command);
        return true;
    case COMMAND_COMPARE:
    case COMMAND_FLICKER:
    case COMMAND_DEFECTS:
        compare_key(s, command);
        return true;
    case COMMAND_HISTORY:
        history(s);
        return true;
    case COMMAND_NOTE:
        if (s->entry.present)
            popup_note(s, s->entry.item.id);
        return true;
    case COMMAND_HEAT:
    case COMMAND_STRENGTH:
    case COMMAND_CONTRAST:
    case COMMAND_INVERT:
    case COMMAND_WHOLE:
    case COMMAND_IN:
    case COMMAND_OUT:
    case COMMAND_PIXELS:
        look_key(s, command);
        return true;
    default:
        return false;
    }
}

const struct view view_review = {
    .name = "review", .context = CONTEXT_REVIEW, .answers = true, .load = load, .draw = draw, .key = key, .ahead = ahead,
    .ready = ready, .idle = idle, .leave = compare_clear};
