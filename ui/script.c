#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/file.h"
#include "ui/draw.h"
#include "ui/session.h"

enum { WAIT_MS = 20000 };

static void put_utf8(struct strbuf *out, wchar_t c)
{
    unsigned char b[4];
    size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    static const unsigned char first[5] = {0, 0, 0xc0, 0xe0, 0xf0};
    for (size_t i = n; i-- > 1; c >>= 6)
        b[i] = (unsigned char)(0x80 | (c & 0x3f));
    b[0] = (unsigned char)(first[n] | c);
    strbuf_add(out, b, n);
}

// The screen as ncurses has put it on the terminal: popups are in it too.
static enum status dump(const char *path, struct error *err)
{
    struct strbuf text = {0};
    for (int y = 0; y < LINES; y++) {
        size_t end = text.len;
        for (int x = 0; x < COLS; x++) {
            cchar_t cell;
            wchar_t wide[CCHARW_MAX + 1] = {0};
            attr_t attributes;
            short pair;
            mvwin_wch(curscr, y, x, &cell);
            getcchar(&cell, wide, &attributes, &pair, NULL);
            for (wchar_t *c = wide; *c; c++)
                put_utf8(&text, *c);
            x += wcwidth(wide[0]) > 1;
            end = wide[0] && wide[0] != L' ' ? text.len : end;
        }
        text.len = end;
        strbuf_puts(&text, "\n");
    }
    enum status status = file_write(path, text.data, text.len, err);
    strbuf_clear(&text);
    return status;
}

// "PATH" the first picture on the screen, "N PATH" another one, from 0 on.
static enum status frame(struct session *s, const char *rest, struct error *err)
{
    char *path;
    long number = strtol(rest, &path, 10);
    bool numbered = path != rest && *path == ' ';
    if (!numbered)
        number = 0;
    const struct ready *ready = number >= 0 && number < s->shown_count ? picture_ready(s, &s->shown[number]) : NULL;
    if (!ready || ready->status || !ready->bytes.data)
        return error_set(err, ST_INVALID, "frame: no such sixel picture is ready");
    return file_write(numbered ? path + 1 : rest, ready->bytes.data, ready->bytes.len, err);
}

static enum status wait_ready(struct session *s, struct error *err)
{
    double end = clock_seconds() + WAIT_MS / 1000.0;
    session_draw(s);
    while (!session_ready(s)) {
        if (clock_seconds() > end)
            return error_set(err, ST_BUSY, "wait: the picture was not ready after %d s", WAIT_MS / 1000);
        session_wait(s, 100);
        session_idle(s, 0);
        session_draw(s);
    }
    return ST_OK;
}

static enum status command(struct session *s, char *line, struct error *err)
{
    char *word = strsep(&line, " ");
    const char *rest = line ? line : "";
    int a, b;
    if (strcmp(word, "key") == 0) {
        int key = keymap_key(rest);
        if (key == 0)
            return error_set(err, ST_INVALID, "no key is called \"%s\"", rest);
        view_key(s, key);
    } else if (strcmp(word, "text") == 0) {
        size_t room = strlen(rest) + 1;
        wchar_t *wide = xcalloc(room, sizeof *wide);
        size_t n = draw_decode(rest, wide, room);
        for (size_t i = 0; i < n; i++)
            view_key(s, (int)wide[i]);
        free(wide);
    } else if (strcmp(word, "resize") == 0 || strcmp(word, "size") == 0) {
        if (sscanf(rest, "%d %d", &a, &b) != 2 || a < 1 || b < 1 || a > 1000 || b > 1000)
            return error_set(err, ST_INVALID, "%s COLUMNS LINES", word);
        session_resize(s, a, b);
    } else if (strcmp(word, "wait") == 0) {
        return wait_ready(s, err);
    } else if (strcmp(word, "idle") == 0) {
        session_idle(s, strtod(rest, NULL)); // as if the clock showed so many seconds
    } else if (strcmp(word, "news") == 0) {
        session_news(s);
    } else if (strcmp(word, "mouse") == 0) { // press, drag or release, at a place in cells
        char what[16];
        struct mouse mouse = {0};
        if (sscanf(rest, "%15s %lf %lf %d", what, &mouse.x, &mouse.y, &mouse.button) < 3 || !s->view->mouse)
            return error_set(err, ST_INVALID, "mouse press|drag|release COLUMN LINE [BUTTON], in a view that has one");
        mouse.press = strcmp(what, "release") != 0;
        mouse.move = strcmp(what, "drag") == 0;
        s->view->mouse(s, &mouse);
    } else if (strcmp(word, "dump") == 0) {
        session_draw(s);
        return dump(rest, err);
    } else if (strcmp(word, "frame") == 0) {
        return frame(s, rest, err);
    } else if (word[0] && word[0] != '#') {
        return error_set(err, ST_INVALID, "no command is called \"%s\"", word);
    }
    session_draw(s);
    return ST_OK;
}

enum status script_run(struct session *s, const char *path, struct error *err)
{
    unsigned char *bytes;
    size_t count;
    enum status status = file_read(path, 1 << 20, &bytes, &count, err);
    if (status)
        return status;
    char *rest = (char *)bytes, *line;
    for (int number = 1; !s->quit && !status && (line = strsep(&rest, "\n")); number++) {
        status = command(s, line, err);
        if (status)
            error_prefix(err, "%s line %d", path, number);
    }
    free(bytes);
    return status;
}
