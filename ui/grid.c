// The view of many pictures at once: marking, and answers to many.
#include "config.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/intl.h"
#include "ui/session.h"

size_t grid_place(const struct grid *g, size_t at)
{
    return g->alike && at < g->alike_count ? g->alike[at] : g->alike ? SIZE_MAX : at;
}

size_t grid_last(const struct session *s)
{
    const struct grid *g = &s->grid;
    return g->alike || g->count == 0 ? s->index : g->top + g->count - 1;
}

bool grid_marked(const struct grid *g, int64_t id)
{
    for (size_t i = 0; i < g->mark_count; i++)
        if (g->marks[i].id == id)
            return true;
    return false;
}

static void mark(struct grid *g, int64_t id, bool on)
{
    for (size_t i = 0; i < g->mark_count; i++) {
        if (g->marks[i].id != id)
            continue;
        if (!on)
            g->marks[i] = g->marks[--g->mark_count];
        return;
    }
    if (on) {
        GROW(g->marks, g->mark_room, g->mark_count + 1);
        g->marks[g->mark_count++] = (struct grid_mark){id, SIGHT_NOT_YET};
    }
}

// Of the picture at `number` on the page.
static enum sight sight_of(const struct session *s, size_t number)
{
    return number < (size_t)s->shown_count ? picture_sight(&s->shown[number]) : SIGHT_NOT_YET;
}

// What is marked may have been shown since, and the page may go.
static void keep_sight(struct session *s)
{
    struct grid *g = &s->grid;
    for (size_t k = 0; k < g->mark_count; k++)
        for (size_t i = 0; i < g->count && g->marks[k].sight != SIGHT_SEEN; i++)
            if (g->entries[i].item.id == g->marks[k].id)
                g->marks[k].sight = sight_of(s, i);
}

static size_t page_size(const struct grid *g)
{
    return (size_t)g->cols * (size_t)g->rows;
}

static void forget_page(struct grid *g)
{
    for (size_t i = 0; i < g->count; i++)
        entry_clear(&g->entries[i]);
    g->count = 0;
}

static void leave_alike(struct grid *g)
{
    free(g->alike);
    g->alike = NULL;
    g->alike_count = 0;
}

static enum status item_at(struct session *s, size_t at, struct review_item *item)
{
    struct error err;
    size_t place = grid_place(&s->grid, at);
    if (place == SIZE_MAX)
        return ST_NOT_FOUND;
    enum status (*look)(void *, size_t, struct review_item *, struct error *) = s->model->tile ? s->model->tile : s->model->item;
    enum status status = look(s->model->context, place, item, &err);
    if (status != ST_OK && status != ST_NOT_FOUND)
        session_say(s, "%s", err.text);
    return status;
}

static struct look look_of(const struct session *s, const struct review_item *item)
{
    struct look look = {.heat = s->heat && !item->blind ? s->look.heat : 0, .stretch = s->look.stretch,
                        .invert = s->look.invert};
    return look;
}

// What is at s->index may have been set by another view, or by an undo.
static void follow(struct session *s)
{
    struct grid *g = &s->grid;
    if (grid_place(g, g->at) == s->index)
        return;
    size_t at = 0;
    while (g->alike && at < g->alike_count && g->alike[at] != s->index)
        at++;
    if (g->alike && at == g->alike_count)
        leave_alike(g);
    g->at = g->alike ? at : s->index;
}

static void load_page(struct session *s)
{
    struct grid *g = &s->grid;
    struct review_item item;
    size_t most = page_size(g);
    forget_page(g);
    GROW(g->entries, g->room, most);
    memset(g->entries, 0, most * sizeof *g->entries);
    if (!g->alike && s->model->reserve)
        s->model->reserve(s->model->context, g->top, most + 1);
    for (; g->count < most && item_at(s, g->top + g->count, &item) == ST_OK; g->count++) {
        struct look look = look_of(s, &item);
        struct rect tile = grid_tile(s, g->count);
        tile.x++;
        tile.cols -= 2;
        tile.rows--;
        entry_set(&g->entries[g->count], &item);
        picture_put(s, &tile, &item, &look);
    }
}

// How many there are from the first of the page on, where they leave room on it and no page is before it; else 0.
static size_t count_few(struct session *s)
{
    const struct grid *g = &s->grid;
    struct review_item item;
    size_t count = 0, most = page_size(g);
    if (g->top >= most)
        return 0;
    if (!g->alike && s->model->reserve)
        s->model->reserve(s->model->context, g->top, most + 1);
    while (count < most && item_at(s, g->top + count, &item) == ST_OK)
        count++;
    return count < most ? count : 0;
}

static void load(struct session *s)
{
    struct grid *g = &s->grid;
    keep_sight(s);
    grid_layout(s, 0);
    follow(s);
    size_t most = page_size(g);
    if (g->at < g->top)
        g->top = g->at > most ? g->at / most * most : 0;
    if (g->at >= g->top + most)
        g->top += (g->at - g->top) / most * most;
    size_t few = g->columns ? 0 : count_few(s);
    if (few > 0)
        grid_layout(s, few);
    load_page(s);
    if (g->count == 0 && g->top > 0) { // past the end: the last page that has something
        g->top = g->top > most ? g->top - most : 0;
        load_page(s);
    }
    if (g->at >= g->top + g->count)
        g->at = g->count > 0 ? g->top + g->count - 1 : g->top;
    s->index = grid_place(g, g->at) == SIZE_MAX ? 0 : grid_place(g, g->at);
    entry_clear(&s->entry); // what is in focus is what undo and the log are about
    if (g->count > 0)
        entry_set(&s->entry, &g->entries[g->at - g->top].item);
    s->item_seen = false;
    s->open = s->model->open ? s->model->open(s->model->context) : 0;
    g->since = clock_seconds();
}

static int ahead(struct session *s, struct want *wants, int room)
{
    struct grid *g = &s->grid;
    struct review_item item;
    int n = 0;
    size_t most = page_size(g);
    if (g->count < most)
        return 0;
    if (!g->alike && s->model->reserve)
        s->model->reserve(s->model->context, g->top + most, most);
    for (size_t i = 0; i < most && n < room && item_at(s, g->top + most + i, &item) == ST_OK; i++) {
        struct look look = look_of(s, &item);
        struct rect tile = grid_tile(s, i);
        tile.cols -= 2;
        tile.rows--;
        picture_want(s, &tile, &item, &look, &wants[n]);
        wants[n++].path = xstrdup(item.path ? item.path : "");
    }
    return n;
}

static void focus(struct session *s, size_t at)
{
    struct grid *g = &s->grid;
    g->at = at;
    s->index = grid_place(g, at);
    entry_clear(&s->entry);
    entry_set(&s->entry, &g->entries[at - g->top].item);
}

// The page that begins with `top`, if there is one.
static void page(struct session *s, size_t top, bool last)
{
    struct grid *g = &s->grid;
    struct review_item item;
    if (item_at(s, top, &item) != ST_OK) {
        session_say(s, _("This is the end."));
        return;
    }
    size_t most = page_size(g), at = last ? top + most - 1 : top;
    while (at > top && item_at(s, at, &item) != ST_OK)
        at--;
    g->top = top;
    g->at = at;
    s->index = grid_place(g, at);
    session_say(s, "%s", "");
    view_load(s);
}

static void step_to(struct session *s, enum command command)
{
    struct grid *g = &s->grid;
    size_t cols = (size_t)g->cols, most = page_size(g);
    size_t step = command == COMMAND_UP || command == COMMAND_DOWN ? cols : 1;
    bool forward = command == COMMAND_DOWN || command == COMMAND_RIGHT;
    if (g->count == 0)
        return;
    if (forward && g->at + step < g->top + g->count)
        focus(s, g->at + step);
    else if (!forward && g->at >= g->top + step)
        focus(s, g->at - step);
    else if (forward && g->count == most)
        page(s, g->top + most, false);
    else if (!forward && g->top > 0)
        page(s, g->top > most ? g->top - most : 0, true);
    else
        session_say(s, forward ? _("This is the end.") : _("This is the first picture."));
}

static void turn(struct session *s, bool forward)
{
    struct grid *g = &s->grid;
    size_t most = page_size(g);
    if (!forward && g->top == 0)
        session_say(s, _("This is the first page."));
    else
        page(s, forward ? g->top + most : g->top > most ? g->top - most : 0, false);
}

// What an answer is about: the marked ones on any page, else the one in focus; `rest`: all on the page that are neither
// marked nor answered, but for *left that cannot be shown. Returns how many; *sight: the least that was seen of one.
static size_t concerned(struct session *s, bool rest, int64_t **ids, enum sight *sight, size_t *left)
{
    struct grid *g = &s->grid;
    size_t n = 0;
    *ids = xcalloc(g->mark_count + g->count + 1, sizeof **ids);
    *sight = SIGHT_SEEN;
    *left = 0;
    if (!rest && g->mark_count > 0) {
        keep_sight(s);
        for (; n < g->mark_count; n++) {
            (*ids)[n] = g->marks[n].id;
            *sight = g->marks[n].sight < *sight ? g->marks[n].sight : *sight;
        }
        return n;
    }
    for (size_t i = 0; i < g->count; i++) {
        const struct review_item *item = &g->entries[i].item;
        bool meant = rest ? !item->verdict[0] && !grid_marked(g, item->id) : g->top + i == g->at;
        enum sight of = sight_of(s, i);
        *left += meant && rest && of == SIGHT_NONE;
        if (!meant || (rest && of == SIGHT_NONE))
            continue;
        (*ids)[n++] = item->id;
        *sight = of < *sight ? of : *sight;
    }
    return n;
}

// Behind what was said.
static void say_left(struct session *s, size_t left)
{
    size_t at = strlen(s->status);
    if (left > 0)
        snprintf(s->status + at, sizeof s->status - at, left > 1 ? _("%s%zu cannot be shown and stay open.") : _("%s%zu cannot be shown and stays open."),
                 at > 0 ? " " : "", left);
}

static void answer(struct session *s, enum action_kind kind, bool rest, const char *class_name, const char *severity)
{
    static const char *const said[] = {N_("normal"), N_("defect"), N_("unsure: the lead will see them"), N_("skipped")};
    struct grid *g = &s->grid;
    struct error err;
    int64_t *ids;
    enum sight sight;
    size_t left, n = concerned(s, rest, &ids, &sight, &left);
    struct action *actions = xcalloc(n + 1, sizeof *actions);
    int64_t took = (int64_t)((clock_seconds() - g->since) * 1000 / (double)(n > 0 ? n : 1));
    for (size_t i = 0; i < n; i++)
        actions[i] = (struct action){.kind = kind, .id = ids[i], .class_name = class_name, .severity = severity,
                                      .component = kind == ACTION_DEFECT ? knowledge_component(&s->choice) : "",
                                     .took_ms = took};
    if (n == 0) {
        session_say(s, "%s", left > 0 ? "" : _("Nothing on this page is open and without a mark."));
        say_left(s, left);
    } else if (kind != ACTION_SKIP && !answer_confirmed(s, sight, -2 - ids[0])) {
        ; // asked
    } else if (s->model->bulk(s->model->context, actions, n, &err)) {
        session_say(s, "%s", err.text);
    } else {
        for (size_t i = 0; i < n; i++)
            answer_count(s, kind);
        if (!rest && g->mark_count > 0)
            g->mark_count = 0;
        else if (!rest && g->at + 1 < g->top + g->count)
            focus(s, g->at + 1);
        struct review_item next;
        if (rest && g->count == page_size(g) && item_at(s, g->top + g->count, &next) == ST_OK)
            page(s, g->top + g->count, false);
        else
            view_load(s);
        if (class_name)
            session_say(s, n > 1 ? _("%zu: defect, %s (%s). %s takes all of them back.") : _("%zu: defect, %s (%s). %s takes it back."), n,
                        knowledge_class(s, class_name), _(severity), session_key(s, COMMAND_UNDO));
        else
            session_say(s, n > 1 ? _("%zu: %s. %s takes all of them back.") : _("%zu: %s. %s takes it back."), n, _(said[kind]),
                        session_key(s, COMMAND_UNDO));
        say_left(s, left);
    }
    free(actions);
    free(ids);
}

static void found_defect(struct session *s, const char *class_name, const char *severity)
{
    answer(s, ACTION_DEFECT, false, class_name, severity);
}

static void mark_key(struct session *s, enum command command)
{
    struct grid *g = &s->grid;
    if (g->count == 0)
        return;
    if (command == COMMAND_MARK) {
        int64_t id = g->entries[g->at - g->top].item.id;
        mark(g, id, !grid_marked(g, id));
        g->range = g->at;
        if (g->at + 1 < g->top + g->count)
            focus(s, g->at + 1);
        session_say(s, _("%zu marked."), g->mark_count);
        return;
    }
    bool all = true;
    size_t from = command == COMMAND_RANGE ? g->range : g->top, to = command == COMMAND_RANGE ? g->at : g->top + g->count - 1;
    if (from > to) {
        size_t other = from;
        from = to;
        to = other;
    }
    for (size_t i = 0; i < g->count; i++)
        all = all && grid_marked(g, g->entries[i].item.id);
    if (command == COMMAND_MARK_ALL && all) {
        g->mark_count = 0;
    } else {
        struct review_item item;
        for (size_t at = from; at <= to; at++) // a range may have begun on another page
            if (item_at(s, at, &item) == ST_OK)
                mark(g, item.id, true);
        g->range = g->at;
    }
    session_say(s, _("%zu marked."), g->mark_count);
}

static void alike(struct session *s)
{
    struct grid *g = &s->grid;
    const size_t *places;
    size_t count;
    struct error err;
    if (g->count == 0)
        return;
    const struct review_item *item = &g->entries[g->at - g->top].item;
    if (s->model->alike(s->model->context, item->id, &places, &count, &err)) {
        session_say(s, "%s", err.text);
        return;
    }
    snprintf(g->alike_name, sizeof g->alike_name, "%s", item->name);
    leave_alike(g);
    g->alike = xcalloc(count + 1, sizeof *g->alike);
    memcpy(g->alike, places, count * sizeof *g->alike);
    g->alike_count = count;
    g->top = g->at = g->range = 0;
    s->index = grid_place(g, 0);
    view_load(s);
    session_say(s, _("%zu open pictures, the most similar first. %s goes back."), count > 0 ? count - 1 : 0,
                session_key(s, COMMAND_BACK));
}

static void back(struct session *s)
{
    struct grid *g = &s->grid;
    session_say(s, "%s", "");
    if (g->mark_count > 0) {
        g->mark_count = 0;
    } else if (g->alike) {
        g->at = g->top = g->alike[0]; // the one it began with
        s->index = g->at;
        leave_alike(g);
        view_load(s);
    }
}

static void size_key(struct session *s, enum command command)
{
    struct grid *g = &s->grid;
    int step = g->cols < 4 ? 1 : g->cols / 4, cols = command == COMMAND_LARGER ? g->cols - step : g->cols + step;
    g->columns = s->pane.cols / (cols < 1 ? 1 : cols);
    g->top = g->at;
    s->repaint = true;
    view_load(s);
}

static bool key(struct session *s, enum command command, int pressed)
{
    (void)pressed;
    switch (command) {
    case COMMAND_MARK:
    case COMMAND_RANGE:
    case COMMAND_MARK_ALL:
        mark_key(s, command);
        return true;
    case COMMAND_ALL_NORMAL:
    case COMMAND_NORMAL:
        answer(s, ACTION_NORMAL, command == COMMAND_ALL_NORMAL, NULL, NULL);
        return true;
    case COMMAND_UNSURE:
        answer(s, ACTION_UNSURE, false, NULL, NULL);
        return true;
    case COMMAND_SKIP:
        answer(s, ACTION_SKIP, false, NULL, NULL);
        return true;
    case COMMAND_DEFECT:
        if (s->grid.count > 0)
            answer_choose(s, found_defect);
        return true;
    case COMMAND_ALIKE:
        alike(s);
        return true;
    case COMMAND_OPEN:
        view_switch(s, &view_review);
        return true;
    case COMMAND_LEFT:
    case COMMAND_RIGHT:
    case COMMAND_UP:
    case COMMAND_DOWN:
        step_to(s, command);
        return true;
    case COMMAND_PAGE_NEXT:
    case COMMAND_PAGE_PREVIOUS:
        turn(s, command == COMMAND_PAGE_NEXT);
        return true;
    case COMMAND_LARGER:
    case COMMAND_SMALLER:
        size_key(s, command);
        return true;
    case COMMAND_HEAT:
        s->heat = !s->heat;
        view_load(s);
        return true;
    case COMMAND_BACK:
        back(s);
        return true;
    default:
        return false;
    }
}

// A press puts the focus on a picture, one on that in focus marks it; the wheel turns pages.
static void point(struct session *s, const struct mouse *mouse)
{
    struct grid *g = &s->grid;
    if (!mouse->press || mouse->move)
        return;
    if (mouse->button == 64 || mouse->button == 65) {
        turn(s, mouse->button == 65);
        return;
    }
    for (size_t i = 0; i < g->count && mouse->button == 0; i++) {
        struct rect tile = grid_tile(s, i);
        if (mouse->x < tile.x || mouse->x >= tile.x + tile.cols || mouse->y < tile.y || mouse->y >= tile.y + tile.rows)
            continue;
        if (g->at == g->top + i)
            mark(g, g->entries[i].item.id, !grid_marked(g, g->entries[i].item.id));
        else
            focus(s, g->top + i);
        s->dirty = true;
        return;
    }
}

static const char *refuse(struct session *s)
{
    return s->model->bulk && s->model->alike ? NULL : _("There is no grid of these pictures.");
}

static void enter(struct session *s)
{
    struct grid *g = &s->grid;
    leave_alike(g);
    g->top = g->at = g->range = s->index;
    g->mark_count = 0;
    if (!s->config->script)
        term_mouse(&s->term, true);
}

static void leave(struct session *s)
{
    if (!s->config->script)
        term_mouse(&s->term, false);
    forget_page(&s->grid);
    if (s->model->reserve)
        s->model->reserve(s->model->context, s->index, 0);
}

void grid_clear(struct session *s)
{
    struct grid *g = &s->grid;
    forget_page(g);
    leave_alike(g);
    free(g->entries);
    free(g->marks);
}

const struct view view_grid = {.name = "grid", .context = CONTEXT_GRID, .answers = true, .refuse = refuse, .enter = enter,
                               .leave = leave, .load = load, .draw = grid_draw, .key = key, .ahead = ahead, .mouse = point};
