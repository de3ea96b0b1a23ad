// The view of training: the round that is in focus with its curve, the scenes with what waits for a decision, and the
// rounds that were.
#include "config.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/intl.h"
#include "base/strbuf.h"
#include "ui/braille.h"
#include "ui/draw.h"
#include "ui/session.h"

enum { TWO_COLUMNS = 130, CURVE_MOST = 20, AXIS = 8 };

static const struct flow_round *round_at(const struct session *s, size_t *at)
{
    const struct flow_training *t = s->flow.training;
    *at = 0;
    if (!t || t->round_count == 0)
        return NULL;
    for (size_t i = 0; i < t->round_count; i++)
        if (t->rounds[i].id == s->flow.round)
            *at = i;
    return &t->rounds[*at];
}

static const struct flow_target *target_at(const struct session *s, size_t *at)
{
    const struct flow_training *t = s->flow.training;
    *at = 0;
    if (!t || t->target_count == 0)
        return NULL;
    for (size_t i = 0; i < t->target_count; i++)
        if (t->targets[i].scene == s->flow.scene)
            *at = i;
    return &t->targets[*at];
}

static void load(struct session *s)
{
    const struct flow_model *flow = s->model->flow;
    struct error err;
    size_t at;
    s->flow.why[0] = '\0';
    s->flow.training = NULL;
    s->flow.curve_count = 0;
    if (flow->training(flow->context, &s->flow.training, &err) != ST_OK) {
        snprintf(s->flow.why, sizeof s->flow.why, "%s", err.text);
        return;
    }
    const struct flow_round *round = round_at(s, &at);
    if (round && flow->curve(flow->context, round->id, &s->flow.curve, &s->flow.curve_count, &err) != ST_OK)
        snprintf(s->flow.why, sizeof s->flow.why, "%s", err.text);
}

// How it stands, or ended; fresh.
static char *sentence_of(const struct session *s, const struct flow_round *round)
{
    return strcmp(round->state, "stopped") == 0 ? session_keyed(s, _("Its process ended; {pause} lets it go on where it was."))
                                                : xstrdup(round->sentence);
}

// --- drawing ----------------------------------------------------------------------------

static int draw_round(const struct session *s, const struct rect *r)
{
    size_t at;
    int y = r->y;
    const struct flow_round *round = round_at(s, &at);
    if (!round) {
        char *none = session_keyed(s, _("No round of training yet. {train} begins one on the answers of the scene that is marked below."));
        y += draw_wrapped(stdscr, y, r->x, r->cols, 3, A_NORMAL, none);
        free(none);
        return y;
    }
    double share = round->steps > 0 ? (double)round->step / round->steps : strcmp(round->state, "done") == 0;
    int left = (int)(round->left + 0.5);
    draw_printf(stdscr, y++, r->x, r->cols, A_BOLD, _("Round %lld of %s: %s%s%s"), (long long)round->id, round->scene, flow_word(round->state),
                round->open && round->stage[0] ? _(", ") : "", round->open ? flow_word(round->stage) : "");
    if (round->open && round->steps > 0) {
        draw_bar(stdscr, y, r->x, r->cols - 6, share, s->ascii_lines);
        draw_printf(stdscr, y++, r->x + r->cols - 5, 5, A_BOLD, "%3.0f %%", floor(share * 100));
    }
    if (round->running && strcmp(round->stage, "training") == 0)
        draw_printf(stdscr, y++, r->x, r->cols, A_NORMAL, _("%d of %d steps   loss %.3f   %.0f pictures/s   %d:%02d left"), round->step,
                    round->steps, round->loss, round->rate, left / 60, left % 60);
    else if (round->running && round->steps > 0)
        draw_printf(stdscr, y++, r->x, r->cols, A_NORMAL, _("%d of %d   %.0f pictures/s   %d:%02d left"), round->step, round->steps,
                    round->rate, left / 60, left % 60);
    else {
        char *sentence = sentence_of(s, round);
        if (sentence[0])
            y += draw_wrapped(stdscr, y, r->x, r->cols, 3, A_NORMAL, sentence);
        free(sentence);
    }
    return y;
}

// The lowest and the highest loss of the curve; a high beginning does not press the rest flat.
static struct braille_range range_of(const struct session *s, const struct flow_round *round)
{
    const struct flow_point *p = s->flow.curve;
    size_t n = s->flow.curve_count;
    struct braille_range range = {.x_low = 0, .y_low = INFINITY, .y_high = -INFINITY};
    for (size_t i = 0; i < n; i++) {
        range.y_low = fmin(range.y_low, p[i].loss);
        range.x_high = p[i].step;
        if (i >= n / 20)
            range.y_high = fmax(range.y_high, p[i].loss);
    }
    if (round->open && strcmp(round->stage, "training") == 0)
        range.x_high = fmax(range.x_high, round->steps);
    if (!(range.y_high > range.y_low))
        range.y_high = range.y_low + 1e-6;
    return range;
}

static int draw_curve(const struct session *s, const struct rect *r, int rows)
{
    size_t at;
    int cols = r->cols - AXIS;
    const struct flow_round *round = round_at(s, &at);
    if (!round || rows < 3 || cols < 10 || s->flow.curve_count < 2)
        return r->y;
    struct braille_range range = range_of(s, round);
    struct braille_point *points = xcalloc(s->flow.curve_count, sizeof *points);
    wchar_t *cells = xcalloc((size_t)((rows - 1) * cols) + 1, sizeof *cells);
    for (size_t i = 0; i < s->flow.curve_count; i++)
        points[i] = (struct braille_point){s->flow.curve[i].step, s->flow.curve[i].loss};
    braille_plot(points, s->flow.curve_count, &range, rows - 1, cols, s->symbols == SYMBOLS_ASCII || s->ascii_lines, cells);
    for (int y = 0; y < rows - 1; y++)
        mvaddnwstr(r->y + y, r->x + AXIS, cells + y * cols, cols);
    draw_printf(stdscr, r->y, r->x, AXIS - 1, A_NORMAL, "%7.3f", range.y_high);
    draw_text(stdscr, r->y + (rows - 1) / 2, r->x, AXIS - 1, A_DIM, _("   loss"));
    draw_printf(stdscr, r->y + rows - 2, r->x, AXIS - 1, A_NORMAL, "%7.3f", range.y_low);
    char end[32];
    snprintf(end, sizeof end, "%.0f", range.x_high);
    draw_text(stdscr, r->y + rows - 1, r->x + AXIS, cols, A_NORMAL, "0");
    draw_text(stdscr, r->y + rows - 1, r->x + AXIS + cols / 2 - 3, cols / 2, A_DIM, _("steps"));
    draw_text(stdscr, r->y + rows - 1, r->x + r->cols - (int)strlen(end), (int)strlen(end), A_NORMAL, end);
    free(cells);
    free(points);
    return r->y + rows;
}

static int draw_targets(const struct session *s, const struct rect *r)
{
    const struct flow_training *t = s->flow.training;
    size_t at;
    int y = r->y, end = r->y + r->rows, name = 12;
    const struct flow_target *marked = target_at(s, &at);
    if (!marked) {
        draw_text(stdscr, y, r->x, r->cols, A_NORMAL, _("Nothing was screened yet."));
        return y + 1;
    }
    for (size_t i = 0; i < t->target_count; i++)
        name = draw_width(t->targets[i].name) > name ? draw_width(t->targets[i].name) : name;
    name = name > r->cols / 3 ? r->cols / 3 : name;
    draw_printf(stdscr, y, r->x + 2, r->cols - 2, A_BOLD, _("scene"));
    draw_text(stdscr, y++, r->x + name + 4, r->cols - name - 4, A_BOLD, _(" new normals defects  active"));
    int below = marked->gate[0] ? 3 : 0;
    size_t most = (size_t)(end - y - below > 1 ? end - y - below : 1), top = at >= most ? at - most + 1 : 0;
    for (size_t i = top; i < t->target_count && i < top + most && y < end; i++, y++) {
        const struct flow_target *row = &t->targets[i];
        attr_t how = i == at ? A_BOLD : A_NORMAL;
        draw_text(stdscr, y, r->x, 1, how, i == at ? ">" : " ");
        draw_text(stdscr, y, r->x + 2, name, how, row->name);
        int used = draw_printf(stdscr, y, r->x + name + 3, r->cols - name - 3, how, "%5" PRId64 " %7" PRId64 " %7" PRId64 "  ", row->fresh,
                               row->normals, row->defects);
        if (row->candidate)
            used += draw_printf(stdscr, y, r->x + name + 3 + used, r->cols - name - 3 - used, how, _("one waits (%s); "),
                                session_key(s, COMMAND_PROMOTE));
        draw_text(stdscr, y, r->x + name + 3 + used, r->cols - name - 3 - used, how, row->active);
    }
    if (marked->gate[0] && y < end)
        y += draw_wrapped(stdscr, y, r->x + 2, r->cols - 2, end - y < 3 ? end - y : 3, marked->candidate ? A_BOLD : A_DIM, marked->gate);
    return y;
}

static void draw_rounds(const struct session *s, const struct rect *r)
{
    const struct flow_training *t = s->flow.training;
    size_t at;
    int y = r->y, end = r->y + r->rows;
    if (!round_at(s, &at) || r->rows < 2)
        return;
    draw_printf(stdscr, y++, r->x + 2, r->cols - 2, A_BOLD, "%5s  %-12s %-11s %7s  %-10s %s", _("round"), _("scene"), _("begun"), _("took"), _("state"),
                _("how it ended"));
    size_t rows = (size_t)(end - y), top = at >= rows ? at - rows + 1 : 0;
    for (size_t i = top; i < t->round_count && y < end; i++, y++) {
        const struct flow_round *row = &t->rounds[i];
        attr_t how = i == at ? A_REVERSE : A_NORMAL;
        draw_text(stdscr, y, r->x, 1, A_BOLD, i == at ? ">" : " ");
        attron(how);
        mvhline(y, r->x + 1, ' ', r->cols - 1);
        attroff(how);
        draw_printf(stdscr, y, r->x + 2, 6, how, "%5" PRId64, row->id);
        draw_text(stdscr, y, r->x + 9, 12, how, row->scene);
        draw_text(stdscr, y, r->x + 22, 11, how, row->begun);
        draw_printf(stdscr, y, r->x + 34, 7, how, "%7s", row->took);
        draw_text(stdscr, y, r->x + 43, 10, how, flow_word(row->state));
        char *sentence = sentence_of(s, row);
        draw_text(stdscr, y, r->x + 54, r->cols - 54, how, sentence);
        free(sentence);
    }
}

// A worker that lives, or why there is none.
static const char *worker_word(const struct flow_training *t)
{
    bool due = t->every > 0;
    for (size_t i = 0; i < t->round_count; i++)
        due = due || (t->rounds[i].open && strcmp(t->rounds[i].state, "paused") != 0);
    return t->worker ? _("there") : due ? _("not there") : _("not needed now");
}

static void draw(struct session *s)
{
    const struct flow_training *t = s->flow.training;
    char right[80] = "";
    if (t && t->every)
        snprintf(right, sizeof right, _("by itself every %d new answers   worker %s"), t->every, worker_word(t));
    else if (t)
        snprintf(right, sizeof right, _("worker %s"), worker_word(t));
    panel_head(s, _("training"), right);
    if (!t) {
        draw_wrapped(stdscr, 2, 1, COLS - 2, 3, A_NORMAL, s->flow.why);
        return;
    }
    bool two = COLS >= TWO_COLUMNS;
    int last = LINES - 3, room = last - 2, list = t->round_count < 4 ? (int)t->round_count + 1 : two ? room / 3 : room / 4;
    struct rect left = {2, 1, room, two ? COLS * 3 / 5 - 2 : COLS - 2};
    left.y = draw_round(s, &left);
    int scenes = t->target_count > 4 && t->round_count ? 4 : (int)t->target_count, targets = two ? 0 : scenes + 4, curve = last - left.y - list - targets;
    left.y = draw_curve(s, &left, curve > CURVE_MOST ? CURVE_MOST : curve);
    struct rect right_part = {two ? 2 : left.y + (LINES > 26), two ? COLS * 3 / 5 + 2 : 1, two ? room - list : targets, two ? COLS * 2 / 5 - 3 : COLS - 2};
    int y = draw_targets(s, &right_part);
    y = y > left.y ? y : left.y;
    struct rect below = {y + (LINES > 26), 1, last - y - (LINES > 26) + 1, COLS - 2};
    draw_rounds(s, &below);
}

// --- keys ---------------------------------------------------------------------------------

static void took_every(struct session *s, const char *line)
{
    struct error err;
    char *end, said[80];
    long every = strtol(line, &end, 10);
    if (end == line || *end || every < 0 || every > 1000000) {
        session_say(s, _("A whole number of answers, or 0 for never."));
        return;
    }
    snprintf(said, sizeof said, every ? _("A round begins by itself after %ld new answers.") : _("No round begins by itself."), every);
    enum status status = s->model->flow->every(s->model->flow->context, (int)every, &err);
    flow_said(s, status, &err, said);
}

static void pause_or_go_on(struct session *s, const struct flow_round *round)
{
    const struct flow_model *flow = s->model->flow;
    struct error err;
    if (!round || !round->open) {
        session_say(s, _("There is no round to pause; {train} begins one."));
        return;
    }
    bool pause = round->running || (s->flow.training->worker && strcmp(round->state, "queued") == 0);
    enum status status = flow->wish(flow->context, round->id, pause ? FLOW_PAUSE : FLOW_RESUME, &err);
    char *paused = session_keyed(s, _("It pauses after this step; {pause} lets it go on."));
    flow_said(s, status, &err, pause ? paused : _("It goes on where it was."));
    free(paused);
}

static void cancel(struct session *s, const struct flow_round *round)
{
    char text[80];
    struct error err;
    if (!round || !round->open) {
        session_say(s, _("There is no round to cancel; {train} begins one."));
        return;
    }
    snprintf(text, sizeof text, _("Press again to give round %lld up."), (long long)round->id);
    if (!flow_sure(s, COMMAND_CANCEL, round->id, text))
        return;
    enum status status = s->model->flow->wish(s->model->flow->context, round->id, FLOW_CANCEL, &err);
    flow_said(s, status, &err, _("It is given up; what was active stays."));
}

// Of one that is over nothing of its last stage, but what it came to.
static void read_all(struct session *s, const struct flow_round *r)
{
    const struct flow_model *flow = s->model->flow;
    const char *stage = strcmp(r->state, "done") == 0 ? "" : r->stage;
    struct error err;
    struct strbuf out = {0};
    char *compared = NULL, *sentence = sentence_of(s, r);
    if (r->model && flow->comparison(flow->context, r->model, &compared, &err) != ST_OK)
        compared = xstrdup(err.text);
    strbuf_printf(&out, _("Round %lld of %s\n  state      %s%s%s\n"), (long long)r->id, r->scene, flow_word(r->state), stage[0] ? _(", ") : "",
                  flow_word(stage));
    if (r->open && r->steps > 0)
        strbuf_printf(&out, _("  step       %d of %d\n"), r->step, r->steps);
    else if (r->steps > 0)
        strbuf_printf(&out, _("  steps      %d\n"), r->steps);
    if (r->loss > 0)
        strbuf_printf(&out, _("  loss       %.4f\n"), r->loss);
    strbuf_printf(&out, _("  begun      %s\n"), r->begun);
    if (r->took[0])
        strbuf_printf(&out, _("  took       %s\n"), r->took);
    strbuf_printf(&out, _("  strategy   %s\n%s"), r->strategy[0] ? r->strategy : _("the most promising one"), sentence);
    if (compared)
        strbuf_printf(&out, "\n%s", compared);
    free(compared);
    free(sentence);
    popup_read(s, _("Round"), out.data);
}

static bool key(struct session *s, enum command command, int pressed)
{
    size_t round_place, target_place;
    const struct flow_round *round = round_at(s, &round_place);
    const struct flow_target *target = target_at(s, &target_place);
    char number[16];
    (void)pressed;
    if (command != s->flow.asked)
        s->flow.asked = COMMAND_NONE;
    switch (command) {
    case COMMAND_TRAIN:
    case COMMAND_TRAIN_ALONE:
        if (target)
            flow_train(s, target->scene, command == COMMAND_TRAIN_ALONE, target->name);
        else
            session_say(s, _("Nothing was screened yet; `assay screen` does that."));
        return true;
    case COMMAND_PAUSE:
        pause_or_go_on(s, round);
        return true;
    case COMMAND_CANCEL:
        cancel(s, round);
        return true;
    case COMMAND_SCENE:
        if (target)
            s->flow.scene = s->flow.training->targets[(target_place + 1) % s->flow.training->target_count].scene;
        session_say(s, "%s", "");
        return true;
    case COMMAND_PROMOTE: {
        char *name = xstrdup(target ? target->gate : "");
        name[strcspn(name, ":")] = '\0';
        flow_promote(s, target ? target->candidate : 0, false, name);
        free(name);
        return true;
    }
    case COMMAND_ROLLBACK:
        flow_rollback(s, target ? target->scene : 0, target ? target->name : "");
        return true;
    case COMMAND_EVERY:
        snprintf(number, sizeof number, "%d", s->flow.training ? s->flow.training->every : 0);
        popup_line(s, _("Train by itself after so many new answers (0: never)"), number, took_every);
        return true;
    case COMMAND_OPEN:
        if (round)
            read_all(s, round);
        return true;
    case COMMAND_UP:
    case COMMAND_DOWN:
        if (round)
            s->flow.round = s->flow.training->rounds[flow_step(s, round_place, s->flow.training->round_count, command, 0)].id;
        view_load(s);
        return true;
    default:
        return false;
    }
}

const struct view view_training = {.name = "training", .context = CONTEXT_TRAINING, .refuse = flow_refuse, .load = load,
                                   .draw = draw, .key = key};
