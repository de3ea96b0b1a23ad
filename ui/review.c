#include "config.h"

#include <curses.h>
#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/intl.h"
#include "base/text.h"
#include "ui/draw.h"
#include "ui/kitty.h"
#include "ui/session.h"
#include "ui/terminfo.h"

enum { TICK_MS = 10000, NEWS_MS = 500, REPORT_MS = 3000, IDLE_MS = 100,
       LINE_LEAST = 5000, LINE_LONGEST = 30 }; // the slowest line thought of, bytes a second; seconds waited for a picture

// Signals reach the loop as bytes in its pipe; a handler has no other context.
static volatile sig_atomic_t signal_pipe = -1;
static const int caught[] = {SIGWINCH, SIGCONT, SIGTERM, SIGHUP, SIGINT};
enum { CAUGHT = sizeof caught / sizeof *caught };

static void on_signal(int number)
{
    int saved = errno;
    char byte = number == SIGWINCH ? 'w' : number == SIGCONT ? 'c' : 'q';
    ssize_t written = write(signal_pipe, &byte, 1);
    (void)written;
    errno = saved;
}

void session_say(struct session *s, const char *fmt, ...)
{
    va_list args;
    const char *const keyed = keymap_expand(s->keymap, s->view ? s->view->context : CONTEXT_ALL, fmt, true);
    va_start(args, fmt);
    vsnprintf(s->status, sizeof s->status, keyed, args);
    va_end(args);
    free((char *)keyed);
    text_clean(s->status);
    s->dirty = true;
}

bool session_leads(struct session *s, enum lead_deed deed)
{
    struct error err;
    if (!s->model->leads || s->model->leads(s->model->context, deed, &err) == ST_OK)
        return true;
    session_say(s, "%s", err.text);
    return false;
}

const char *session_key(const struct session *s, enum command command)
{
    return keymap_first(s->keymap, s->view->context, command);
}

char *session_keyed(const struct session *s, const char *text)
{
    return keymap_expand(s->keymap, s->view->context, text, false);
}

void entry_clear(struct entry *e)
{
    for (size_t i = 0; i < sizeof e->texts / sizeof *e->texts; i++)
        free(e->texts[i]);
    memset(e, 0, sizeof *e);
}

void entry_set(struct entry *e, const struct review_item *item)
{
    const char **fields[] = {&e->item.path, &e->item.name, &e->item.scene, &e->item.details,
                             &e->item.verdict, &e->item.class_name, &e->item.severity, &e->item.reason, &e->item.why,
                             &e->item.likely};
    entry_clear(e);
    e->item = *item;
    e->item.heat = NULL;
    e->present = true;
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        *fields[i] = e->texts[i] = xstrdup(*fields[i] ? *fields[i] : "");
}

bool session_too_small(void)
{
    return COLS < COLUMNS_MIN || LINES < LINES_MIN;
}

static void draw_all(struct session *s)
{
    werase(stdscr);
    if (session_too_small()) {
        draw_wrapped(stdscr, 0, 0, COLS, LINES, A_NORMAL, _("This window is too small; it needs 40 x 12."));
        wnoutrefresh(stdscr);
        return;
    }
    picture_cells(s);
    s->view->draw(s);
    panel_foot(s);
    wnoutrefresh(stdscr);
    popup_draw(s);
}

// As doupdate(), line after line where a picture may lie: curses would move lines
// that it finds again elsewhere by scrolling, and the terminal moves the picture along.
static void update(bool pictures)
{
    WINDOW *wanted = pictures ? dupwin(newscr) : NULL;
    if (wanted)
        overwrite(curscr, newscr);
    for (int y = 0; wanted && y < LINES; y++) {
        if (!is_linetouched(wanted, y))
            continue;
        copywin(wanted, newscr, y, 0, y, 0, y, COLS - 1, FALSE);
        doupdate();
    }
    if (wanted)
        delwin(wanted);
    else
        doupdate();
}

void session_draw(struct session *s)
{
    if (!s->dirty && !s->repaint)
        return;
    bool afresh = s->repaint;
    if (afresh) {
        clearok(curscr, TRUE);
        picture_again(s);
        for (int i = 0; i < s->shown_count; i++)
            s->shown[i].on_screen = false;
    }
    s->dirty = s->repaint = false;
    bool over = !keymap_is_view(s->context);
    if (s->covered && !over && s->bitmap != BITMAP_KITTY)
        picture_again(s); // the popup has wiped what lay under it
    s->covered = over;
    bool before = picture_all_drawn(s);
    draw_all(s);
    update(s->bitmap != BITMAP_NONE && !afresh);
    if (session_too_small())
        return;
    picture_send(s);
    if (s->bitmap == BITMAP_SIXEL && !before && picture_all_drawn(s) && over) {
        redrawwin(newscr); // a picture went over the popup: write that again
        wredrawln(curscr, 0, LINES);
        doupdate();
    }
    if (s->look_ahead)
        view_look_ahead(s);
}

bool session_ready(struct session *s)
{
    if (session_too_small())
        return true; // nothing will be drawn
    if (s->view->ready && !s->view->ready(s))
        return false;
    for (int i = 0; i < s->shown_count; i++)
        if (!s->shown[i].drawn || !s->shown[i].seen)
            return false;
    return true;
}

void session_idle(struct session *s, double now)
{
    if (s->view->idle)
        s->view->idle(s, now);
}

void session_resize(struct session *s, int columns, int lines)
{
    resizeterm(lines, columns);
    s->repaint = true;
    view_load(s);
    popup_resized(s);
}

static void window_changed(struct session *s)
{
    struct winsize size = {0};
    if (s->term.answered)
        term_write(&s->term, "\033[16t", 5); // the answer comes among the keys
    if (ioctl(s->term.fd, TIOCGWINSZ, &size) == 0 && size.ws_col && size.ws_row)
        session_resize(s, size.ws_col, size.ws_row);
}

static void take_pipe(struct session *s)
{
    char bytes[64];
    ssize_t n;
    while ((n = read(s->pipe_read, bytes, sizeof bytes)) > 0) {
        for (ssize_t i = 0; i < n; i++) {
            if (bytes[i] == 'w')
                window_changed(s);
            else if (bytes[i] == 'c')
                s->repaint = true;
            else if (bytes[i] == 'q')
                s->quit = s->hung_up = true;
        }
        s->dirty = true;
    }
}

void session_wait(struct session *s, int ms)
{
    struct pollfd wait = {s->pipe_read, POLLIN, 0};
    if (poll(&wait, 1, ms) > 0)
        take_pipe(s);
}

static void tick(struct session *s)
{
    if (s->model->tick)
        s->model->tick(s->model->context);
    if (!s->entry.present && keymap_is_view(s->context))
        view_load(s);
}

// Others added to the queue or took from it.
void session_news(struct session *s)
{
    struct review_item item;
    struct error err;
    if (!keymap_is_view(s->context))
        return; // what lies over the view is about what is in it now: others are heard when it has closed
    size_t last = s->view == &view_grid ? grid_last(s) : s->index;
    const char *text = s->model->news ? s->model->news(s->model->context, s->index, last) : NULL;
    if (!text)
        return;
    if (text[0])
        session_say(s, "%s", text);
    if (!s->entry.present || s->view != &view_review) {
        view_load(s);
    } else if (s->model->item(s->model->context, s->index, &item, &err) == ST_OK && item.id == s->entry.item.id) {
        s->entry.item.position = item.position;
        s->entry.item.open = item.open;
        s->look_ahead = s->dirty = true;
    }
}

static void loop(struct session *s)
{
    double ticked = clock_seconds(), heard = ticked;
    while (!s->quit) {
        input_take(s);
        session_draw(s);
        if (s->quit)
            break;
        struct pollfd wait[2] = {{s->term.fd, POLLIN, 0}, {s->pipe_read, POLLIN, 0}};
        bool busy = s->view->busy && s->view->busy(s);
        int ready = poll(wait, 2, busy ? 0 : s->view->idle ? IDLE_MS : s->model->news ? NEWS_MS : s->sent > 0 ? REPORT_MS / 4 : TICK_MS);
        double now = clock_seconds();
        if (ready == 0)
            session_idle(s, now);
        if (s->model->news && now - heard >= NEWS_MS / 1000.0) {
            session_news(s);
            flow_tick(s);
            heard = now;
        }
        double patience = REPORT_MS / 1000.0 + fmin((double)s->line_speed.bytes / LINE_LEAST, LINE_LONGEST);
        if (s->sent > 0 && now - s->sent > patience) { // it was swallowed on the way
            picture_arrived(s);
        }
        if (now - ticked >= TICK_MS / 1000.0) {
            tick(s);
            ticked = now;
        }
        if (ready > 0 && wait[1].revents)
            take_pipe(s);
        if (ready > 0 && (wait[0].revents & (POLLHUP | POLLERR | POLLNVAL)))
            s->quit = s->hung_up = true;
    }
}

static void setup_screen(struct session *s)
{
    cbreak();
    noecho();
    nonl();
    curs_set(0);
    set_escdelay(25);
    idcok(stdscr, FALSE);
    idlok(stdscr, FALSE);
    leaveok(stdscr, TRUE);
    typeahead(-1); // an update that a key puts off meets the next one, and lines are scrolled (update() above)
    s->keys = newpad(1, 1);
    keypad(s->keys, TRUE);
    // the answer to where the cursor is, late, is not Shift-F3
    define_key("\033[1;2R", 0);
    define_key("\033[1;3R", 0);
    define_key(NULL, KEY_MOUSE); // its reports are read here, one after the other
    nodelay(s->keys, TRUE);
    if (has_colors()) {
        start_color(); // COLORS is known from here on
        use_default_colors();
    }
    const char *no_color = getenv("NO_COLOR");
    int graphics = s->config->graphics;
    s->ascii_lines = s->term.wide_lines || graphics == GRAPHICS_ASCII || COLORS < 16;
    s->bitmap = graphics == GRAPHICS_SIXEL || (graphics == GRAPHICS_AUTO && s->term.sixel)  ? BITMAP_SIXEL
                : graphics == GRAPHICS_KITTY || (graphics == GRAPHICS_AUTO && s->term.kitty) ? BITMAP_KITTY
                                                                                              : BITMAP_NONE;
    theme_begin(s);
    bool ascii = graphics == GRAPHICS_ASCII || COLORS < 256 || s->term.wide_lines || (no_color && *no_color);
    s->symbols = ascii ? SYMBOLS_ASCII : graphics == GRAPHICS_BLOCKS ? SYMBOLS_BLOCKS : SYMBOLS_FINE;
}

// Where the line broke last, with what others wrote since over it.
static void begin_where_left(struct session *s)
{
    struct review_place place = {0};
    struct error unused;
    char *text = NULL;
    if (s->model->place)
        s->model->place(s->model->context, &place);
    const struct view *view = place.view[0] ? view_named(place.view) : NULL;
    if (view && place.id && s->model->jump &&
        s->model->jump(s->model->context, place.id, &s->index, &unused) != ST_OK)
        s->index = 0;
    view_open(s, &view_review);
    if (view && view != &view_review)
        view_switch(s, view);
    if (s->model->greeting && s->model->greeting(s->model->context, &text, &unused) == ST_OK && text[0])
        popup_read(s, _("Written to you"), text);
    else
        free(text);
}

static void keep_place(struct session *s)
{
    struct review_place place = {.id = s->entry.present ? s->entry.item.id : 0};
    snprintf(place.view, sizeof place.view, "%s", s->view->name);
    if (s->model->keep_place)
        s->model->keep_place(s->model->context, s->hung_up ? &place : NULL);
}

static void run_screen(struct session *s, enum status *status, struct error *err)
{
    s->look.heat = 2;
    s->prefetch = prefetch_new(s->config->threads, &s->config->limits, s->pipe_write);
    s->repaint = true;
    begin_where_left(s);
    flow_tick(s);
    if (s->config->script)
        *status = script_run(s, s->config->script, err);
    else
        loop(s);
    keep_place(s);
    if (s->view->leave)
        s->view->leave(s);
    picture_begin(s);
    picture_end(s);
    prefetch_free(s->prefetch);
    grid_clear(s);
    classes_clear(s);
    regions_clear_all(s);
    find_clear(s);
    second_clear(s);
    log_clear(s);
    entry_clear(&s->entry);
    free(s->text);
    free(s->text_pictures);
    free(s->choice.names);
    free(s->choice.codes);
    free(s->choice.severities);
    free(s->choice.zh);
    knowledge_clear(&s->choice);
    delwin(s->keys);
}

static enum status run_terminal(struct session *s, struct error *err)
{
    bool script = s->config->script != NULL;
    struct strbuf typed = {0};
    enum status status = script ? ST_OK : terminfo_check(getenv("TERM"), err);
    if (status)
        return status;
    if (script)
        s->term = (struct term){.fd = open("/dev/null", O_RDWR | O_CLOEXEC), .cell_width = 8, .cell_height = 16};
    else if ((status = term_open(&s->term, &typed, err)))
        return status;
    const char *tty = script ? "/dev/null" : "/dev/tty";
    FILE *in = fopen(tty, "re"), *out = fopen(tty, "we");
    SCREEN *screen = in && out ? newterm(script ? "xterm-256color" : NULL, out, in) : NULL;
    if (screen) {
        struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART}, old[CAUGHT];
        set_term(screen);
        if (script)
            resizeterm(24, 80);
        signal_pipe = s->pipe_write;
        for (int i = 0; i < CAUGHT && !script; i++)
            sigaction(caught[i], &action, &old[i]);
        if (!script)
            term_guard(&s->term, s->config->crash_log);
        setup_screen(s);
        for (size_t i = typed.len; i > 0; i--)
            ungetch((unsigned char)typed.data[i - 1]);
        run_screen(s, &status, err);
        if (s->bitmap == BITMAP_KITTY)
            term_write(&s->term, KITTY_DELETE_ALL, sizeof KITTY_DELETE_ALL - 1);
        endwin();
        term_unguard();
        for (int i = 0; i < CAUGHT && !script; i++)
            sigaction(caught[i], &old[i], NULL);
        signal_pipe = -1;
        delscreen(screen);
    } else {
        status = error_set(err, ST_IO, "the terminal cannot be opened: %s", strerror(errno));
    }
    if (in)
        fclose(in);
    if (out)
        fclose(out);
    strbuf_clear(&typed);
    term_close(&s->term);
    return status;
}

enum status review_run(const struct review_config *config, const struct review_model *model, size_t *answers, struct error *err)
{
    *answers = 0;
    struct keymap *standard = config->keymap ? NULL : keymap_new();
    struct session s = {.config = config, .model = model, .keymap = standard ? standard : config->keymap};
    int ends[2];
    if (pipe2(ends, O_CLOEXEC | O_NONBLOCK)) {
        keymap_free(standard);
        return error_set(err, ST_IO, "a pipe cannot be made: %s", strerror(errno));
    }
    s.pipe_read = ends[0];
    s.pipe_write = ends[1];
    // characters are drawn by the locale; a script's screen is the same everywhere
    char *locale = xstrdup(setlocale(LC_CTYPE, NULL));
    setlocale(LC_CTYPE, config->script ? "C.UTF-8" : "");
    enum status status = run_terminal(&s, err);
    for (size_t i = 0; i < answer_standing(&s); i++)
        *answers += s.done[i] != ACTION_SKIP;
    free(s.done);
    setlocale(LC_CTYPE, locale);
    free(locale);
    close(ends[0]);
    close(ends[1]);
    keymap_free(standard);
    return status;
}
