#include "config.h"

#include <curses.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "base/alloc.h"
#include "base/strbuf.h"
#include "base/text.h"
#include "ui/draw.h"

size_t draw_decode(const char *text, wchar_t *to, size_t room)
{
    const unsigned char *s = (const unsigned char *)text;
    size_t count = 0;
    while (*s && count < room) {
        int more = *s < 0x80 ? 0 : *s >= 0xf0 ? 3 : *s >= 0xe0 ? 2 : *s >= 0xc0 ? 1 : -1;
        wchar_t c = more <= 0 ? *s : (wchar_t)(*s & (0x3f >> more));
        s++;
        if (more < 0)
            continue;
        while (more > 0 && (*s & 0xc0) == 0x80) {
            c = (c << 6) | (*s++ & 0x3f);
            more--;
        }
        if (more == 0)
            to[count++] = c;
    }
    return count;
}

static int columns(wchar_t c)
{
    int n = wcwidth(c);
    return n < 0 ? 1 : n;
}

// `count` characters of one line.
static int put(WINDOW *window, int y, int x, int width, attr_t attributes, const wchar_t *text, size_t count)
{
    int all = 0, used = 0;
    for (size_t i = 0; i < count; i++)
        all += columns(text[i]);
    int room = all > width ? width - 1 : width;
    if (width <= 0)
        return 0;
    wattron(window, (int)attributes);
    for (size_t i = 0; i < count && used + columns(text[i]) <= room; i++) {
        // what the locale cannot show must not reach the terminal
        wchar_t one[2] = {wcwidth(text[i]) < 0 ? L'?' : text[i], 0};
        mvwaddwstr(window, y, x + used, one);
        used += columns(text[i]);
    }
    if (all > width) {
        mvwaddch(window, y, x + used, '~');
        used++;
    }
    wattroff(window, (int)attributes);
    return used;
}

int draw_text(WINDOW *window, int y, int x, int width, attr_t attributes, const char *text)
{
    char *clean = text_cleaned(text);
    size_t room = strlen(clean) + 1;
    wchar_t *wide = xcalloc(room, sizeof *wide);
    size_t count = draw_decode(clean, wide, room);
    int used = put(window, y, x, width, attributes, wide, count);
    free(wide);
    free(clean);
    return used;
}

int draw_end(WINDOW *window, int y, int x, int width, attr_t attributes, const char *text)
{
    bool cut = draw_width(text) > width;
    while (*text && draw_width(text) > width - cut)
        do
            text++;
        while ((*text & 0xc0) == 0x80);
    if (!cut || width < 1)
        return draw_text(window, y, x, width, attributes, text);
    return draw_text(window, y, x, 1, attributes, "~") + draw_text(window, y, x + 1, width - 1, attributes, text);
}

int draw_width(const char *text)
{
    char *clean = text_cleaned(text);
    size_t room = strlen(clean) + 1;
    wchar_t *wide = xcalloc(room, sizeof *wide);
    size_t count = draw_decode(clean, wide, room);
    int all = 0;
    for (size_t i = 0; i < count; i++)
        all += columns(wide[i]);
    free(wide);
    free(clean);
    return all;
}

int draw_right(WINDOW *window, int y, int x, int width, attr_t attributes, const char *text)
{
    int needed = draw_width(text), before = needed < width ? width - needed : 0;
    return before + draw_text(window, y, x + before, width - before, attributes, text);
}

int draw_printf(WINDOW *window, int y, int x, int width, attr_t attributes, const char *fmt, ...)
{
    char *text;
    va_list args;
    va_start(args, fmt);
    int n = vasprintf(&text, fmt, args);
    va_end(args);
    if (n < 0)
        abort();
    n = draw_text(window, y, x, width, attributes, text);
    free(text);
    return n;
}

// Where the path ends that `text` begins with; at the beginning of a sentence it may have blanks.
static size_t path_length(const char *text, bool first)
{
    static const char *const ends[] = {": ", "\uff1a", ", ", "\uff0c", "; ", "\uff1b", ")", "\uff09", "\u3002", "\n", " "};
    size_t all = strlen(text), length = all;
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        const char *end = strstr(text, ends[i]);
        if (end && (size_t)(end - text) < length)
            length = (size_t)(end - text);
        if (first && i == 1 && length < all)
            return length;
    }
    return length;
}

// At most `count` columns from the beginning of `text`, in bytes.
static size_t bytes_of(const char *text, int count)
{
    const char *at = text;
    wchar_t c;
    while (*at && (draw_decode(at, &c, 1) == 0 || (count -= columns(c)) >= 0))
        do
            at++;
        while ((*at & 0xc0) == 0x80);
    return (size_t)(at - text);
}

// `over` columns less of it, as far as its last part still shows.
static void put_path(struct strbuf *out, const char *path, size_t length, int *over)
{
    char *whole = xasprintf("%.*s", (int)length, path);
    const char *slash = strrchr(whole, '/');
    int all = draw_width(whole), last = draw_width(slash), least = last + 1 < 24 ? last + 1 : 24;
    int width = all - *over > least ? all - *over : least;
    if (*over <= 0 || width >= all) {
        strbuf_puts(out, whole);
    } else {
        int tail = last > width / 2 ? last : width / 2, head;
        tail = tail > width - 1 ? width - 1 : tail;
        head = width - 1 - tail;
        size_t from = bytes_of(whole, all - tail), to = bytes_of(whole, head);
        strbuf_add(out, whole, to);
        strbuf_printf(out, "~%s", whole + from);
        *over -= all - width;
    }
    free(whole);
}

char *draw_shortened(const char *text, int width)
{
    struct strbuf out = {0};
    int over = draw_width(text) - width;
    strbuf_puts(&out, "");
    for (const char *at = text; *at;) {
        bool begins = *at == '/' && (at == text || strchr(" (\n", at[-1]) || (unsigned char)at[-1] >= 0x80);
        size_t length = begins ? path_length(at, at == text) : 1;
        if (begins && over > 0 && memchr(at + 1, '/', length - 1))
            put_path(&out, at, length, &over);
        else
            strbuf_add(&out, at, length);
        at += length;
    }
    return out.data;
}

// Signs that stay with what stands before them: a line does not begin with one.
static bool closes(wchar_t c)
{
    return wcschr(L"\u3001\u3002\uff0c\uff1a\uff1b\uff09\uff01\uff1f\u300b\u300d\u201d\u2019", c) != NULL;
}

// How many characters of `text` fit into `width` columns.
static size_t fitting(const wchar_t *text, size_t count, int width)
{
    size_t fits = 0;
    for (int used = 0; fits < count && used + columns(text[fits]) <= width; fits++)
        used += columns(text[fits]);
    return fits;
}

// Between two characters of which one is wide: Chinese has no blanks.
static bool between_wide(const wchar_t *text, size_t at)
{
    return at > 0 && (columns(text[at]) > 1 || columns(text[at - 1]) > 1) && !closes(text[at]);
}

// How many of them go on a line: up to a blank, or between two of which one is wide; all that fit where there is neither.
static size_t line_length(const wchar_t *text, size_t count, int width)
{
    size_t fits = fitting(text, count, width);
    if (fits == count)
        return fits;
    for (size_t at = fits; at > 0; at--)
        if (text[at] == L' ' || between_wide(text, at))
            return at;
    return fits;
}

static int wrap_line(WINDOW *window, int y, int x, int width, int lines, attr_t attributes, const char *line)
{
    char *clean = text_cleaned(line);
    size_t room = strlen(clean) + 1, at = 0;
    wchar_t *wide = xcalloc(room, sizeof *wide);
    size_t count = draw_decode(clean, wide, room);
    int taken = 0;
    do {
        size_t n = line_length(wide + at, count - at, width);
        n = n == 0 || taken == lines - 1 ? count - at : n; // the last line is cut
        put(window, y + taken++, x, width, attributes, wide + at, n);
        for (at += n; at < count && wide[at] == L' ';)
            at++;
    } while (at < count && taken < lines);
    free(wide);
    free(clean);
    return taken;
}

int draw_wrapped(WINDOW *window, int y, int x, int width, int lines, attr_t attributes, const char *text)
{
    enum { LEFT_FREE = 12 }; // of a line, at most, as its last word is long
    int room = width * lines - (lines - 1) * LEFT_FREE;
    char *copy = strchr(text, '\n') || lines > 3 ? xstrdup(text) : draw_shortened(text, room), *rest = copy, *line;
    int taken = 0;
    while (width > 0 && taken < lines && (line = strsep(&rest, "\n")))
        taken += wrap_line(window, y + taken, x, width, lines - taken, attributes, line);
    free(copy);
    return taken;
}

// Where the character `count` characters on begins.
static const char *characters_on(const char *text, size_t count)
{
    while (*text && count > 0) {
        while ((*++text & 0xc0) == 0x80)
            ;
        count--;
    }
    return text;
}

char *draw_folded(const char *text, int width)
{
    struct strbuf out = {0};
    char *copy = xstrdup(text), *rest = copy, *line;
    while ((line = strsep(&rest, "\n")) && (line[0] || rest)) {
        char *clean = text_cleaned(line);
        size_t room = strlen(clean) + 1, at = 0;
        wchar_t *wide = xcalloc(room, sizeof *wide);
        size_t count = draw_decode(clean, wide, room);
        const char *from = clean;
        do {
            int room_here = at > 0 ? width - DRAW_INDENT : width;
            size_t n = line_length(wide + at, count - at, room_here), most = fitting(wide + at, count - at, room_here);
            n = n < most / 2 ? most : n; // a long word (a path, a hash) behind its name begins beside it
            n = n == 0 ? count - at : n;
            const char *to = characters_on(from, n);
            strbuf_printf(&out, "%s%.*s\n", at > 0 ? DRAW_GOES_ON : "", (int)(to - from), from);
            from = to;
            for (at += n; at < count && wide[at] == L' '; from++)
                at++;
        } while (at < count);
        free(wide);
        free(clean);
    }
    free(copy);
    return out.data ? out.data : xstrdup("");
}

void draw_bar(WINDOW *window, int y, int x, int width, double share, bool ascii)
{
    share = share > 0 ? share < 1 ? share : 1 : 0;
    int full = (int)(share * width + 0.5);
    for (int i = 0; i < width; i++) {
        if (ascii)
            mvwaddch(window, y, x + i, i < full ? '#' : '.');
        else
            mvwaddwstr(window, y, x + i, i < full ? L"\u2588" : L"\u2591");
    }
}

void draw_frame(WINDOW *window, bool ascii)
{
    if (ascii)
        wborder(window, '|', '|', '-', '-', '+', '+', '+', '+');
    else
        box_set(window, NULL, NULL);
}
