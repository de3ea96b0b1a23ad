// What lies over a view: choosing class and severity, a note, help and logs.
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "base/alloc.h"
#include "base/intl.h"
#include "base/strbuf.h"
#include "ui/draw.h"
#include "ui/session.h"

static WINDOW *popup(struct session *s, int rows, int cols)
{
    rows = rows > LINES - 3 ? LINES - 3 : rows;
    cols = cols > COLS ? COLS : cols;
    // beside the picture where there is room, else on its lower right
    int x = COLS >= PANEL_FROM && cols <= PANEL_WIDTH ? s->pane.cols + 1 : COLS - cols;
    WINDOW *window = newwin(rows, cols, LINES - 2 - rows, x);
    wbkgd(window, COLOR_PAIR(2)); // an explicit background: else a sixel may show through
    werase(window);
    draw_frame(window, s->ascii_lines);
    return window;
}

// Of one height through both steps of a choice: what it covers of the picture
// stays covered until it closes.
static int choice_rows(const struct choice *c)
{
    int most = LINES - 9, rows = (int)c->count + 1;
    rows = c->related_count > 0 && rows < 9 ? 9 : rows; // room for what is known
    return rows > most ? most : rows < 3 ? 3 : rows;
}

// Beside the picture as wide as that place is, over it as classes need.
static int choice_cols(void)
{
    return COLS >= PANEL_FROM ? PANEL_WIDTH : 48;
}

static void draw_class(WINDOW *w, int y, int width, attr_t how, const struct choice *c, size_t place)
{
    const char *code = c->codes[place];
    // a long name gives way: code and severity decide
    char *severity = xasprintf(_("%s (%s)"), "", _(answer_severities[c->severities[place]]));
    char *name = xasprintf(c->likely && place == 0 ? _("likely: %s") : "%s", knowledge_name(c->names[place], c->zh[place]));
    int tail = draw_width(severity), used = draw_printf(w, y, 2, width - tail, how, "%s%s%s", code, code[0] ? "  " : "", name);
    draw_text(w, y, 2 + used, tail, how, severity);
    free(name);
    free(severity);
}

static WINDOW *draw_classes(struct session *s)
{
    const struct choice *c = &s->choice;
    size_t *places = xcalloc(c->count + 1, sizeof *places);
    size_t n = answer_matches(c, places, c->count + 1), marked = c->marked < n ? c->marked : n ? n - 1 : 0;
    int rows = choice_rows(c);
    WINDOW *w = popup(s, rows + 4, choice_cols());
    int width = getmaxx(w) - 4;
    size_t top = (int)marked >= rows ? marked - (size_t)rows + 1 : 0;
    draw_printf(w, 0, 2, width, A_BOLD, "%s%s", _(" What is wrong? "), top + (size_t)rows < n ? _(" (more below)") : "");
    int used = draw_printf(w, 1, 2, width, A_NORMAL, _("Search: %s"), c->search);
    draw_text(w, 1, 2 + used, 1, A_REVERSE, " ");
    for (int i = 0; i < rows && top + (size_t)i < n; i++) {
        size_t place = places[top + (size_t)i];
        attr_t how = top + (size_t)i == marked ? A_REVERSE : A_NORMAL;
        if (place == c->count)
            draw_printf(w, 3 + i, 2, width, how | A_BOLD, _("new class: %s"), c->search);
        else
            draw_class(w, 3 + i, width, how, c, place);
    }
    if (n == 0)
        draw_text(w, 3, 2, width, A_NORMAL, _("No class yet: type a name."));
    free(places);
    return w;
}

static WINDOW *draw_severities(struct session *s)
{
    static const struct {
        enum command command;
        const char *text;
    } lines[3] = {{COMMAND_STOP, N_("stop: pull it from service")}, {COMMAND_KEY, N_("key: repair it soon")},
                  {COMMAND_GENERAL, N_("general: note it")}};
    WINDOW *w = popup(s, choice_rows(&s->choice) + 4, choice_cols());
    int width = getmaxx(w) - 4;
    draw_text(w, 0, 2, width, A_BOLD, _(" How severe? "));
    draw_text(w, 1, 2, width, A_BOLD, knowledge_class(s, s->choice.taken));
    for (int i = 0; i < 3; i++)
        draw_printf(w, 3 + i, 2, width, s->choice.severity == i ? A_REVERSE : A_NORMAL, "%s  %s",
                    keymap_shown(s->keymap, CONTEXT_SEVERITY, lines[i].command), _(lines[i].text));
    knowledge_draw(s, w, 6, width);
    return w;
}

static size_t lines_of(const char *text)
{
    size_t count = 0;
    for (const char *p = text; *p; p += strcspn(p, "\n") + (p[strcspn(p, "\n")] != '\0'))
        count++;
    return count;
}

// The lines with what is looked for, below the headings they belong to; a heading that has it brings all of its lines.
// pictures: as in the session, NULL none; *left: those of the lines that stay, caller frees both.
static char *searched(const char *text, const char *search, const int64_t *pictures, int64_t **left)
{
    struct strbuf out = {0};
    char *copy = xstrdup(text), *rest = copy, *line, *heading = NULL;
    size_t at = 0, kept = 0;
    bool whole = false;
    *left = xcalloc(lines_of(text) + 1, sizeof **left);
    for (; (line = strsep(&rest, "\n")) && (line[0] || rest); at++) {
        bool has = !search[0] || strcasestr(line, search);
        if (line[0] != ' ') {
            heading = line;
            whole = has;
        }
        if (!whole && !has)
            continue;
        if (heading && heading != line) {
            strbuf_printf(&out, "%s\n", heading);
            kept++;
        }
        heading = NULL;
        strbuf_printf(&out, "%s\n", line);
        (*left)[kept++] = pictures ? pictures[at] : 0;
    }
    free(copy);
    return out.data ? out.data : xasprintf("%s\n", _("Nothing here has that word."));
}

static int page_of(int count) // lines of text in the popup
{
    return count + 2 > LINES - 3 ? LINES - 5 : count;
}

static WINDOW *draw_reading(struct session *s)
{
    int64_t *pictures;
    int width = (COLS < 100 ? COLS : 100) - 4;
    char *text = searched(s->text ? s->text : "", s->text_search, s->text_pictures, &pictures), *line;
    if (!s->text_pictures) { // each line of a list to go on from is one of the screen's
        char *folded = draw_folded(text, width);
        free(text);
        text = folded;
    }
    char *rest = text;
    attr_t how = A_NORMAL;
    int count = (int)lines_of(text), last = count - page_of(count);
    s->text_top = s->text_top > last ? last : s->text_top < 0 ? 0 : s->text_top;
    WINDOW *w = popup(s, count + 2, width + 4);
    for (int i = 0; i < count && (line = strsep(&rest, "\n")); i++) {
        bool here = s->text_pictures && i == s->text_at && pictures[i];
        int y = 1 + i - s->text_top;
        int in = line[0] == DRAW_GOES_ON[0] ? DRAW_INDENT : 0;
        if (!in)
            how = here ? A_REVERSE : line[0] == ' ' ? A_NORMAL : A_BOLD;
        if (i < s->text_top || y >= getmaxy(w) - 1)
            continue;
        draw_text(w, y, 2 + in, width - in, how, line + (in > 0));
        if (here)
            mvwaddch(w, y, 1, '>' | A_BOLD);
    }
    draw_printf(w, 0, 2, width, A_BOLD, " %s%s%s%s ", s->text_title, s->text_search[0] ? _(": ") : "", s->text_search, last > s->text_top ? _(" (more below)") : "");
    free(pictures);
    free(text);
    return w;
}

static WINDOW *draw_note(struct session *s)
{
    WINDOW *w = popup(s, 8, COLS < 80 ? COLS : 80);
    int width = getmaxx(w) - 4;
    draw_text(w, 0, 2, width, A_BOLD, _(" Note, kept with your answer "));
    char *shown = xasprintf("%s_", s->note);
    draw_wrapped(w, 1, 2, width, 6, A_NORMAL, shown);
    free(shown);
    return w;
}

static WINDOW *draw_line(struct session *s)
{
    WINDOW *w = popup(s, 5, COLS < 80 ? COLS : 80);
    int width = getmaxx(w) - 4;
    draw_printf(w, 0, 2, width, A_BOLD, " %s ", s->line_title);
    char *shown = xasprintf("%s_", s->line);
    draw_wrapped(w, 1, 2, width, 3, A_NORMAL, shown);
    free(shown);
    return w;
}

void popup_draw(struct session *s)
{
    WINDOW *over = s->context == CONTEXT_CLASS      ? draw_classes(s)
                   : s->context == CONTEXT_SEVERITY ? draw_severities(s)
                   : s->context == CONTEXT_LINE     ? draw_line(s)
                   : s->context == CONTEXT_NOTE     ? draw_note(s)
                   : s->context == CONTEXT_TEXT     ? draw_reading(s)
                   : s->context == CONTEXT_JUMPS    ? draw_reading(s)
                                                    : NULL;
    if (over) {
        wnoutrefresh(over);
        delwin(over);
    }
}

void popup_read(struct session *s, const char *title, char *text)
{
    free(s->text);
    free(s->text_pictures);
    s->text = text;
    s->text_pictures = NULL;
    snprintf(s->text_title, sizeof s->text_title, "%s", title);
    s->text_top = 0;
    s->text_search[0] = '\0';
    s->context = CONTEXT_TEXT;
}

// The first line with a picture from `from` on, downwards or upwards; where there is none it stays.
static void go_to_line(struct session *s, int from, int by)
{
    int64_t *pictures;
    char *text = searched(s->text, s->text_search, s->text_pictures, &pictures);
    int count = (int)lines_of(text), page = page_of(count), at = from < 0 ? 0 : from >= count ? count - 1 : from;
    while (at >= 0 && at < count && !pictures[at])
        at += by;
    if (at >= 0 && at < count)
        s->text_at = at;
    else if (by < 0)
        s->text_top = 0; // what stands above the first one
    if (s->text_at < s->text_top + 1)
        s->text_top = s->text_at > 0 && at >= 0 ? s->text_at - 1 : 0;
    if (s->text_at >= s->text_top + page)
        s->text_top = s->text_at - page + 1;
    if (at >= count)
        s->text_top = count; // the end, which has none
    free(pictures);
    free(text);
}

void popup_resized(struct session *s)
{
    if (s->context == CONTEXT_JUMPS)
        go_to_line(s, s->text_at, 1);
}

void popup_jumps(struct session *s, const char *title, char *text, int64_t *pictures)
{
    popup_read(s, title, text);
    s->text_pictures = pictures;
    s->context = CONTEXT_JUMPS;
    s->text_at = 0;
    go_to_line(s, 0, 1);
    s->text_top = s->text_at < page_of((int)lines_of(text)) ? 0 : s->text_top; // its beginning, if that shows the line, too
}

static void open_line(struct session *s)
{
    int64_t *pictures, id;
    struct error err;
    size_t index;
    char *text = searched(s->text, s->text_search, s->text_pictures, &pictures);
    id = s->text_at < (int)lines_of(text) ? pictures[s->text_at] : 0;
    free(pictures);
    free(text);
    if (id == 0 || !s->model->jump)
        return;
    if (s->model->jump(s->model->context, id, &index, &err)) {
        session_say(s, "%s", err.text);
        return;
    }
    s->context = s->view->context;
    s->index = index;
    view_switch(s, &view_review);
}

static void jumps_key(struct session *s, enum command command)
{
    int page = LINES - 6 > 1 ? LINES - 6 : 1;
    if (command == COMMAND_OPEN)
        open_line(s);
    else if (command == COMMAND_UP || command == COMMAND_DOWN)
        go_to_line(s, s->text_at + (command == COMMAND_UP ? -1 : 1), command == COMMAND_UP ? -1 : 1);
    else if (command == COMMAND_PAGE_NEXT || command == COMMAND_PAGE_PREVIOUS)
        go_to_line(s, s->text_at + (command == COMMAND_PAGE_NEXT ? page : -page), command == COMMAND_PAGE_NEXT ? 1 : -1);
}

static void search_done(struct session *s, const char *line)
{
    snprintf(s->text_search, sizeof s->text_search, "%s", line);
    s->text_top = s->text_at = 0;
    if (s->text_pictures)
        go_to_line(s, 0, 1);
}

void popup_note(struct session *s, int64_t id)
{
    if (s->note_id != id)
        s->note[0] = '\0';
    s->note_id = id;
    memcpy(s->note_before, s->note, sizeof s->note);
    s->context = CONTEXT_NOTE;
}

static void erase_letter(char *text)
{
    size_t len = strlen(text);
    while (len > 0 && (text[--len] & 0xc0) == 0x80)
        ;
    text[len] = '\0';
}

static void type(char text[NOTE_ROOM], int key)
{
    char bytes[8];
    mbstate_t state = {0};
    size_t len = strlen(text);
    if (key < ' ' || key >= KEYMAP_FUNCTION)
        return;
    size_t n = wcrtomb(bytes, (wchar_t)key, &state);
    if (n == (size_t)-1 || len + n >= NOTE_ROOM || (len == 0 && key == ' '))
        return;
    memcpy(text + len, bytes, n);
    text[len + n] = '\0';
}

static void note_key(struct session *s, enum command command, int key)
{
    if (command == COMMAND_BACK)
        memcpy(s->note, s->note_before, sizeof s->note);
    if (command == COMMAND_ACCEPT)
        session_say(s, s->note[0] ? _("The note is kept with your answer.") : _("No note."));
    if (command == COMMAND_BACK || command == COMMAND_ACCEPT)
        s->context = s->view->context;
    else if (command == COMMAND_ERASE)
        erase_letter(s->note);
    else
        type(s->note, key);
}

void popup_line(struct session *s, const char *title, const char *text, void (*done)(struct session *s, const char *line))
{
    snprintf(s->line_title, sizeof s->line_title, "%s", title);
    snprintf(s->line, sizeof s->line, "%s", text);
    s->line_done = done;
    s->context = CONTEXT_LINE;
}

static void line_key(struct session *s, enum command command, int key)
{
    if (command == COMMAND_BACK || command == COMMAND_ACCEPT) {
        s->context = !s->searching ? s->view->context : s->text_pictures ? CONTEXT_JUMPS : CONTEXT_TEXT;
        s->searching = false;
    }
    if (command == COMMAND_ACCEPT)
        s->line_done(s, s->line);
    else if (command == COMMAND_ERASE)
        erase_letter(s->line);
    else if (command == COMMAND_WHOLE)
        s->line[0] = '\0';
    else if (command == COMMAND_NONE)
        type(s->line, key);
}

void popup_key(struct session *s, enum command command, int key)
{
    if (s->context == CONTEXT_NOTE)
        note_key(s, command, key);
    else if (s->context == CONTEXT_LINE)
        line_key(s, command, key);
    else if (command == COMMAND_BACK)
        s->context = s->view->context;
    else if (command == COMMAND_FILTER) {
        popup_line(s, _("Look for"), s->text_search, search_done);
        s->searching = true;
    } else if (s->context == CONTEXT_JUMPS)
        jumps_key(s, command);
    else if (command != COMMAND_NONE)
        s->text_top += command == COMMAND_DOWN ? 5 : s->text_top > 0 ? -5 : 0;
}
