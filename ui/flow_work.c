// The view of the work: a board for each scene, from the answers to what is deployed, and what is next.
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/intl.h"
#include "ui/draw.h"
#include "ui/session.h"

enum { BOARDS_FROM = 70 };

static const char *const titles[FLOW_COLUMNS] = {N_("label"), N_("train"), N_("evaluate"), N_("feed back"), N_("deploy")};
static const enum command keys[] = {[FLOW_REVIEW] = COMMAND_VIEW_REVIEW, [FLOW_BEGIN] = COMMAND_TRAIN,
                                    [FLOW_TRAINING] = COMMAND_VIEW_TRAINING, [FLOW_RESULTS] = COMMAND_VIEW_RESULTS};

static const struct flow_board *focused(const struct session *s, size_t *at)
{
    *at = 0;
    for (size_t i = 0; i < s->flow.board_count; i++)
        if (s->flow.boards[i].scene == s->flow.scene)
            *at = i;
    return s->flow.board_count ? &s->flow.boards[*at] : NULL;
}

static void load(struct session *s)
{
    const struct flow_model *flow = s->model->flow;
    struct error err;
    s->flow.why[0] = '\0';
    s->flow.boards = NULL;
    s->flow.board_count = 0;
    if (flow->board(flow->context, &s->flow.boards, &s->flow.board_count, &err) != ST_OK)
        snprintf(s->flow.why, sizeof s->flow.why, "%s", err.text);
}

static int lines_of(const char *text)
{
    int count = text[0] != '\0';
    for (; *text; text++)
        count += *text == '\n';
    return count;
}

// Rows between the frame's lines.
static int board_rows(const struct flow_board *b)
{
    int most = 0;
    for (int i = 0; i < FLOW_COLUMNS; i++)
        most = lines_of(b->lines[i]) > most ? lines_of(b->lines[i]) : most;
    return most;
}

// Rows of the screen that a scene takes: below that width its columns would say nothing, one line does.
static int height_of(const struct flow_board *b)
{
    return COLS < BOARDS_FROM ? 1 : board_rows(b) + 4;
}

static void put_lines(int y, int x, int width, attr_t how, const char *text)
{
    char *copy = xstrdup(text), *rest = copy, *line;
    while ((line = strsep(&rest, "\n")))
        draw_text(stdscr, y++, x, width, how, line);
    free(copy);
}

// A scene in one line: what is next there; false where that does not fit.
static bool draw_name(const struct session *s, const struct flow_board *b, int y, bool in_focus)
{
    draw_text(stdscr, y, 0, 1, A_BOLD, in_focus ? ">" : " ");
    int used = draw_text(stdscr, y, 2, COLS / 3, A_BOLD | (in_focus ? A_REVERSE : 0), b->name);
    bool fits = draw_width(b->next) <= COLS - used - 5;
    used += 4 + draw_text(stdscr, y, used + 4, COLS - used - 5, A_NORMAL, b->next);
    if (b->go != FLOW_NOTHING && used + 8 < COLS)
        draw_printf(stdscr, y, used + 2, COLS - used - 3, A_BOLD, "[%s]", session_key(s, keys[b->go]));
    return fits;
}

static bool draw_board(const struct session *s, const struct flow_board *b, int y, bool in_focus)
{
    int rows = board_rows(b), column = (COLS - 3) / FLOW_COLUMNS;
    column = column > 34 ? 34 : column;
    bool fits = draw_name(s, b, y, in_focus);
    WINDOW *w = derwin(stdscr, rows + 2, column * FLOW_COLUMNS + 1, y + 1, 1);
    if (!w)
        return fits;
    draw_frame(w, s->ascii_lines);
    for (int i = 0; i < FLOW_COLUMNS; i++) {
        attr_t how = b->at == (enum flow_column)i ? A_BOLD : A_NORMAL;
        for (int row = 1; i > 0 && row <= rows; row++)
            mvwaddwstr(w, row, i * column, s->ascii_lines ? L"|" : L"\u2502");
        draw_printf(w, 0, i * column + 2, column - 2, how, " %s%s ", b->at == (enum flow_column)i ? "> " : "", _(titles[i]));
        put_lines(y + 2, 1 + i * column + 2, column - 3, how, b->lines[i]);
    }
    delwin(w);
    return fits;
}

static void draw(struct session *s)
{
    char right[64];
    size_t at, first = 0;
    int y = 2, need = 0;
    bool fits = true; // what is next in the scene in focus
    const struct flow_board *boards = s->flow.boards, *in_focus = focused(s, &at);
    size_t i = 0, count = s->flow.board_count;
    for (; in_focus && i <= at; i++)
        need += height_of(&boards[i]);
    while (first < at && need > LINES - 4)
        need -= height_of(&boards[first++]);
    for (i = first; i < count && y + height_of(&boards[i]) - 1 <= LINES - 2 && COLS >= BOARDS_FROM; i++) {
        fits = (draw_board(s, &boards[i], y, i == at) || i != at) && fits;
        y += height_of(&boards[i]);
    }
    for (; i < count && y < LINES - 2; i++) // no room for its board
        fits = (draw_name(s, &boards[i], y++, i == at) || i != at) && fits;
    if (!fits && y + 1 < LINES - 2)
        draw_wrapped(stdscr, y + 1, 2, COLS - 4, LINES - 3 - y, A_BOLD, in_focus->next);
    snprintf(right, sizeof right, _("scenes: %zu"), count);
    if (i < count)
        snprintf(right + strlen(right), sizeof right - strlen(right), "%s", _(" (more below)"));
    panel_head(s, _("work"), right);
    if (!in_focus)
        draw_wrapped(stdscr, 2, 1, COLS - 2, 3, A_NORMAL, s->flow.why[0] ? s->flow.why : _("There are no pictures yet; `assay add` adds some."));
}

static void go_on(struct session *s, const struct flow_board *b)
{
    if (b->go == FLOW_BEGIN)
        flow_train(s, b->scene, false, b->name);
    else if (b->go == FLOW_REVIEW)
        view_switch(s, &view_review);
    else if (b->go == FLOW_TRAINING)
        view_switch(s, &view_training);
    else if (b->go == FLOW_RESULTS)
        view_switch(s, &view_results);
    else
        session_say(s, "%s", b->next);
}

static bool key(struct session *s, enum command command, int pressed)
{
    size_t at;
    const struct flow_board *board = focused(s, &at);
    (void)pressed;
    if (command == COMMAND_OPEN || command == COMMAND_TRAIN) {
        if (board)
            s->flow.scene = board->scene;
        if (board && command == COMMAND_TRAIN)
            flow_train(s, board->scene, false, board->name);
        else if (board)
            go_on(s, board);
        return true;
    }
    if (command != COMMAND_UP && command != COMMAND_DOWN)
        return false;
    if (board)
        s->flow.scene = s->flow.boards[flow_step(s, at, s->flow.board_count, command, 0)].scene;
    return true;
}

const struct view view_workflow = {.name = "work", .context = CONTEXT_WORKFLOW, .refuse = flow_refuse, .load = load,
                                   .draw = draw, .key = key};
