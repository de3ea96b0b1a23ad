#include "config.h"

#include <curses.h>

#include "base/clock.h"
#include "ui/session.h"

// Seconds within which a sequence that came in pieces is still one.
static const double whole_s = 1.0;

// A finished sequence that curses does not know: an answer of the terminal, late
// or awaited, or a key with no meaning here.
static void take_answer(struct session *s)
{
    int before = s->term.cell_width * 1000 + s->term.cell_height;
    bool sixel = s->term.sixel;
    enum bitmap bitmap = s->bitmap;
    struct strbuf rest = {0};
    term_parse(&s->term, s->control, s->control_count, &rest);
    strbuf_clear(&rest);
    if (s->term.report && s->sent > 0) {
        picture_measure(s);
        picture_arrived(s);
    }
    s->term.report = false;
    if (s->term.sixel && !sixel && s->config->graphics == GRAPHICS_AUTO)
        s->bitmap = BITMAP_SIXEL; // it answered after all
    bool resized = s->term.cell_width * 1000 + s->term.cell_height != before;
    if (s->bitmap && (resized || s->bitmap != bitmap)) {
        s->repaint = true;
        view_load(s);
    }
}

// ESC [ < button ; x ; y M or m: the mouse.
static void take_mouse(struct session *s)
{
    int v[3] = {0}, n = 0, width, height;
    for (size_t i = 3; i + 1 < s->control_count && n < 3; i++) {
        if (s->control[i] == ';')
            n++;
        else if (s->control[i] >= '0' && s->control[i] <= '9' && v[n] < 100000)
            v[n] = v[n] * 10 + s->control[i] - '0';
    }
    if (n != 2 || session_too_small() || !s->view->mouse || !keymap_is_view(s->context))
        return;
    struct mouse mouse = {.button = v[0] & ~(32 | 28), .press = s->control[s->control_count - 1] == 'M', .move = (v[0] & 32) != 0,
                          .x = v[1] - 0.5, .y = v[2] - 0.5}; // the middle of a cell, from 1 on
    term_cell(&s->term, &width, &height);
    if (s->term.mouse_pixels) {
        mouse.x = (v[1] - 0.5) / width;
        mouse.y = (v[2] - 0.5) / height;
    }
    s->dirty = true;
    s->view->mouse(s, &mouse);
}

static void control_begin(struct session *s, int kind)
{
    s->control[0] = '\033';
    s->control[1] = (char)kind;
    s->control_count = 2;
}

// What may follow ESC: '[', and, while answers are due, what begins a string.
static bool begins(const struct session *s, int key)
{
    return key == '[' || (s->term.late && (key == ']' || key == 'P' || key == '_'));
}

// Whether `key` is part of a sequence ESC [ ... ; a slow line delivers it in
// pieces, and its last letter may be one that answers a picture.
static bool control_key(struct session *s, int key, double now)
{
    bool late = now - s->control_at > whole_s;
    s->control_at = now;
    if (s->control_count == 0 && s->escaped && !late && begins(s, key)) {
        control_begin(s, key);
        return true;
    }
    s->escaped = false;
    if (s->control_count == 0 || late || key >= KEYMAP_FUNCTION) {
        s->control_count = 0;
        return false;
    }
    if (s->control_count < sizeof s->control)
        s->control[s->control_count++] = (char)key;
    bool string = s->control[1] != '[', end = key == '\a' || (key == '\\' && s->ended);
    s->ended = key == '\033';
    if (string ? end : key >= 0x40 && key <= 0x7e) {
        if (!string && s->control_count > 3 && s->control[2] == '<')
            take_mouse(s);
        else
            take_answer(s);
        s->control_count = 0;
    }
    return true;
}

// After ESC: true when that was the key itself.
static bool escape_key(struct session *s)
{
    wint_t c;
    wtimeout(s->keys, 30);
    int kind = wget_wch(s->keys, &c);
    wtimeout(s->keys, 0);
    if (kind == OK && begins(s, (int)c)) {
        control_begin(s, (int)c);
        return false;
    }
    s->escaped = true; // the rest may come yet
    return kind == ERR || (kind == OK && unget_wch((wchar_t)c) == OK);
}

void input_take(struct session *s)
{
    wint_t c;
    int kind;
    bool asking = false;
    while (!s->quit && (kind = wget_wch(s->keys, &c)) != ERR) {
        int key = kind == KEY_CODE_YES ? KEYMAP_FUNCTION + (int)c : (int)c;
        if (key == KEYMAP_FUNCTION + KEY_RESIZE || control_key(s, key, clock_seconds()))
            continue;
        if (key == '\r' || key == KEYMAP_FUNCTION + KEY_ENTER)
            key = KEYMAP_ENTER;
        if (key == '\b' || key == KEYMAP_FUNCTION + KEY_BACKSPACE)
            key = KEYMAP_BACKSPACE;
        int64_t asked = s->confirm;
        if ((key != KEYMAP_ESCAPE || escape_key(s)) && !asking)
            view_key(s, key);
        // what was typed before the question is on the screen does not answer it
        asking = asking || (s->confirm != asked && s->confirm >= 0);
    }
}
