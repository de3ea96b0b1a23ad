#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "base/alloc.h"
#include "tests/tui/vt.h"

enum { GROUND, ESCAPE, CHARSET, CONTROL, STRING, STRING_ESCAPE, UTF8 };

static wchar_t *cell(const struct vt *vt, int y, int x)
{
    return vt->cells + (size_t)y * (size_t)vt->cols + (size_t)x;
}

static void blank(struct vt *vt, int y, int from, int to)
{
    for (int x = from < 0 ? 0 : from; x < to && x < vt->cols; x++)
        *cell(vt, y, x) = L' ';
}

void vt_init(struct vt *vt, enum vt_kind kind, int rows, int cols, int cell_width, int cell_height)
{
    *vt = (struct vt){.kind = kind, .cell_width = cell_width, .cell_height = cell_height};
    vt_resize(vt, rows, cols);
}

void vt_clear(struct vt *vt)
{
    free(vt->cells);
    strbuf_clear(&vt->replies);
    strbuf_clear(&vt->picture);
    strbuf_clear(&vt->kitty_keys);
    strbuf_clear(&vt->sequence);
    strbuf_clear(&vt->unknown_text);
    *vt = (struct vt){0};
}

void vt_resize(struct vt *vt, int rows, int cols)
{
    struct vt old = *vt;
    vt->rows = rows;
    vt->cols = cols;
    vt->top = 0;
    vt->bottom = rows - 1;
    vt->cells = xcalloc((size_t)rows * (size_t)cols, sizeof *vt->cells);
    for (int y = 0; y < rows; y++) {
        blank(vt, y, 0, cols);
        for (int x = 0; x < cols && old.cells && y < old.rows && x < old.cols; x++)
            *cell(vt, y, x) = *cell(&old, y, x);
    }
    free(old.cells);
    vt->y = vt->y < rows ? vt->y : rows - 1;
    vt->x = vt->x < cols ? vt->x : cols - 1;
    vt->wrap_pending = false;
}

static void go(struct vt *vt, int y, int x)
{
    vt->y = y < 0 ? 0 : y < vt->rows ? y : vt->rows - 1;
    vt->x = x < 0 ? 0 : x < vt->cols ? x : vt->cols - 1;
    vt->wrap_pending = false;
}

// Move the lines top..bottom up by n (down for n < 0).
static void scroll(struct vt *vt, int top, int bottom, int n)
{
    int height = bottom - top + 1;
    n = n > height ? height : n < -height ? -height : n;
    size_t line = (size_t)vt->cols * sizeof *vt->cells;
    if (n > 0)
        memmove(cell(vt, top, 0), cell(vt, top + n, 0), (size_t)(height - n) * line);
    else
        memmove(cell(vt, top - n, 0), cell(vt, top, 0), (size_t)(height + n) * line);
    for (int i = 0; i < abs(n); i++)
        blank(vt, n > 0 ? bottom - i : top + i, 0, vt->cols);
    vt->dragged += n != 0 && vt->pictures > 0 && bottom >= vt->picture_y;
    vt->scrolled += n > 0 && top == 0 ? (size_t)n : 0;
}

static void line_feed(struct vt *vt)
{
    vt->wrap_pending = false;
    if (vt->y == vt->bottom)
        scroll(vt, vt->top, vt->bottom, 1);
    else if (vt->y + 1 < vt->rows)
        vt->y++;
}

static void put(struct vt *vt, wchar_t c)
{
    static const char from[] = "`afgjklmnopqrstuvwxyz{|}~";
    static const wchar_t to[] = L"◆▒°±┘┐┌└┼⎺⎻─⎼⎽├┤┴┬│≤≥π≠£·";
    const char *drawing = vt->line_drawing && c > 0 && c < 127 ? strchr(from, (char)c) : NULL;
    c = drawing ? to[drawing - from] : c;
    int width = wcwidth(c);
    if (width <= 0)
        return;
    if (vt->wrap_pending || vt->x + width > vt->cols) {
        vt->x = 0;
        line_feed(vt);
    }
    *cell(vt, vt->y, vt->x) = c;
    if (width > 1)
        *cell(vt, vt->y, vt->x + 1) = 0;
    vt->last = c;
    vt->wrap_pending = vt->x + width >= vt->cols;
    vt->x = vt->wrap_pending ? vt->cols - 1 : vt->x + width;
}

static void unknown(struct vt *vt)
{
    vt->unknown++;
    strbuf_puts(&vt->unknown_text, " ESC");
    for (size_t i = 0; i < vt->sequence.len && i < 32; i++)
        strbuf_printf(&vt->unknown_text, vt->sequence.data[i] < ' ' ? "\\%o" : "%c", vt->sequence.data[i]);
}

static void reply(struct vt *vt, enum vt_kind least, const char *text)
{
    if (vt->kind >= least)
        strbuf_puts(&vt->replies, text);
}

static void erase(struct vt *vt, char final, int how)
{
    blank(vt, vt->y, how == 0 ? vt->x : 0, how == 1 ? vt->x + 1 : vt->cols);
    if (final == 'J' && how == 2)
        vt->kitty_live = 0;
    for (int y = 0; final == 'J' && y < vt->rows; y++)
        if (how == 2 || how == 3 || (how == 0 && y > vt->y) || (how == 1 && y < vt->y))
            blank(vt, y, 0, vt->cols);
}

static void shift(struct vt *vt, int n) // n > 0: make room, n < 0: take out
{
    int room = vt->cols - vt->x, count = abs(n) > room ? room : abs(n);
    size_t keep = (size_t)(room - count) * sizeof *vt->cells;
    if (n > 0) {
        memmove(cell(vt, vt->y, vt->x) + count, cell(vt, vt->y, vt->x), keep);
        blank(vt, vt->y, vt->x, vt->x + count);
    } else {
        memmove(cell(vt, vt->y, vt->x), cell(vt, vt->y, vt->x) + count, keep);
        blank(vt, vt->y, vt->cols - count, vt->cols);
    }
}

static void set_mode(struct vt *vt, const int *v, int n, bool on)
{
    for (int i = 0; i < n; i++) {
        if (v[i] == 1049) {
            vt->alternate = on;
            for (int y = 0; y < vt->rows; y++)
                blank(vt, y, 0, vt->cols);
        } else if (v[i] == 25) {
            vt->cursor_hidden = !on;
        } else if (v[i] != 1 && v[i] != 7 && v[i] != 12 && v[i] != 1002 && v[i] != 1006 && v[i] != 1016 && v[i] != 2026) {
            unknown(vt);
        }
    }
}

// ESC [ ? ... : modes and the questions about the terminal.
static void private_control(struct vt *vt, const char *s, const int *v, int n, char final)
{
    char text[64];
    if (final == 'h' || final == 'l') {
        set_mode(vt, v, n, final == 'h');
    } else if (final == 'S') {
        snprintf(text, sizeof text, v[0] == 1 ? "\033[?1;0;1024S" : "\033[?2;0;%d;%dS", 1000, 1000);
        reply(vt, VT_SIXEL, text);
    } else if (final == 'p' && strchr(s, '$')) {
        snprintf(text, sizeof text, "\033[?%d;2$y", v[0]);
        reply(vt, VT_PLAIN, text);
    } else {
        unknown(vt);
    }
}

static void report(struct vt *vt, const int *v, char final)
{
    char text[64] = "";
    if (final == 'c')
        snprintf(text, sizeof text, vt->kind == VT_SIXEL ? "\033[?63;1;2;4;6;9;15;16;22;28c" : "\033[?64;1;2;6;9;15;22c");
    else if (final == 'n' && v[0] == 5)
        snprintf(text, sizeof text, "\033[0n");
    else if (final == 'n' && v[0] == 6)
        snprintf(text, sizeof text, "\033[%d;%dR", vt->y + 1, vt->x + 1);
    else if (final == 't' && v[0] == 16)
        snprintf(text, sizeof text, "\033[6;%d;%dt", vt->cell_height, vt->cell_width);
    else if (final == 't' && v[0] == 14)
        snprintf(text, sizeof text, "\033[4;%d;%dt", vt->cell_height * vt->rows, vt->cell_width * vt->cols);
    else if (final != 't' || v[0] < 22 || v[0] > 23) // 22 and 23: the title, put by and taken back
        unknown(vt);
    reply(vt, VT_PLAIN, text);
}

static void control(struct vt *vt)
{
    const char *s = vt->sequence.data;
    int v[16] = {0}, n = 0;
    bool private = s[1] == '?', extended = s[1] == '>' || s[1] == '=';
    for (const char *p = s + 1 + private; *p; p++) {
        if (*p == ';')
            n += n < 15;
        else if (*p >= '0' && *p <= '9' && v[n] < 100000)
            v[n] = v[n] * 10 + *p - '0';
    }
    n++;
    char final = s[vt->sequence.len - 1];
    int one = v[0] > 0 ? v[0] : 1;
    if (strcmp(s, "[>0q") == 0) {
        reply(vt, VT_PLAIN, "\033P>|memory 1.0\033\\");
        return;
    }
    if (private) {
        private_control(vt, s, v, n, final);
        return;
    }
    switch (extended ? '\0' : final) {
    case 'A': go(vt, vt->y - one, vt->x); break;
    case 'B': go(vt, vt->y + one, vt->x); break;
    case 'C': go(vt, vt->y, vt->x + one); break;
    case 'D': go(vt, vt->y, vt->x - one); break;
    case 'G': go(vt, vt->y, one - 1); break;
    case 'd': go(vt, one - 1, vt->x); break;
    case 'H': go(vt, one - 1, (v[1] > 0 ? v[1] : 1) - 1); break;
    case 'J':
    case 'K': erase(vt, final, v[0]); break;
    case 'L': scroll(vt, vt->y, vt->bottom, -one); break;
    case 'M': scroll(vt, vt->y, vt->bottom, one); break;
    case 'S': scroll(vt, vt->top, vt->bottom, one); break;
    case 'T': scroll(vt, vt->top, vt->bottom, -one); break;
    case '@': shift(vt, one); break;
    case 'P': shift(vt, -one); break;
    case 'X': blank(vt, vt->y, vt->x, vt->x + one); break;
    case 'Z': go(vt, vt->y, (vt->x - 1) / 8 * 8); break;
    case 'b':
        for (int i = 0; i < one; i++)
            put(vt, vt->last);
        break;
    case 'r':
        vt->top = one - 1;
        vt->bottom = v[1] > 0 && v[1] <= vt->rows ? v[1] - 1 : vt->rows - 1;
        go(vt, 0, 0);
        break;
    case 'm': // colours are not kept
    case 'h': // insert mode is not in use by curses where ICH is there
    case 'l': break;
    case 'c':
    case 'n':
    case 't': report(vt, v, final); break;
    default: unknown(vt);
    }
}

static void escape(struct vt *vt, char c)
{
    vt->state = GROUND;
    switch (c) {
    case '[': vt->state = CONTROL; break;
    case 'P':
    case ']':
    case '_':
        vt->state = STRING;
        break;
    case '(':
    case ')': vt->state = CHARSET; break;
    case '7':
        vt->saved_y = vt->y;
        vt->saved_x = vt->x;
        break;
    case '8': go(vt, vt->saved_y, vt->saved_x); break;
    case '\\': vt->resets++; break;
    case 'M':
        if (vt->y == vt->top)
            scroll(vt, vt->top, vt->bottom, -1);
        else
            go(vt, vt->y - 1, vt->x);
        break;
    case 'D': line_feed(vt); break;
    case '=':
    case '>': break;
    default: unknown(vt);
    }
}

static int kitty_key(const char *keys, char name)
{
    for (const char *p = keys; *p && *p != ';'; p += strcspn(p, ",;"), p += *p == ',')
        if (p[0] == name && p[1] == '=')
            return p[2] >= 'a' && p[2] <= 'z' ? p[2] : p[2] >= 'A' && p[2] <= 'Z' ? p[2] : atoi(p + 2);
    return 0;
}

// ESC _ G keys ; payload ESC "\"
static void kitty(struct vt *vt)
{
    const char *keys = vt->sequence.data + 2, *payload = strchr(keys, ';');
    int action = kitty_key(keys, 'a'), id = kitty_key(keys, 'i');
    if (action == 'q') {
        char text[64];
        snprintf(text, sizeof text, "\033_Gi=%d;OK\033\\", id);
        if (vt->kind == VT_KITTY)
            strbuf_puts(&vt->replies, text);
        return;
    }
    if (vt->kind != VT_KITTY) {
        unknown(vt);
        return;
    }
    if (action == 'd') {
        vt->kitty_live = kitty_key(keys, 'd') == 'A' ? 0 : vt->kitty_live & ~(1u << id);
        return;
    }
    if (action == 'T') {
        vt->begun++;
        vt->picture_y = vt->y;
        vt->picture_x = vt->x;
        strbuf_reset(&vt->kitty_keys);
        strbuf_add(&vt->kitty_keys, keys, payload ? (size_t)(payload - keys) : strlen(keys));
        strbuf_reset(&vt->picture);
    }
    if (payload)
        strbuf_puts(&vt->picture, payload + 1);
    if (!payload || strlen(payload + 1) > 4096 || !vt->kitty_keys.data) {
        unknown(vt);
    } else if (kitty_key(keys, 'm') == 0) {
        vt->pictures++;
        vt->kitty_live |= 1u << kitty_key(vt->kitty_keys.data, 'i');
    }
}

static void string_end(struct vt *vt)
{
    vt->state = GROUND;
    if (vt->sequence.data[0] == '_' && vt->sequence.data[1] == 'G') {
        kitty(vt);
        return;
    }
    if (strcmp(vt->sequence.data, "]11;?") == 0) {
        reply(vt, VT_PLAIN, "\033]11;rgb:1c1c/1c1c/1c1c\033\\");
        return;
    }
    if (vt->sequence.data[0] != 'P' || vt->kind != VT_SIXEL) {
        unknown(vt); // no other string is ever sent, and no sixel where nobody asked for it
        return;
    }
    vt->pictures++;
    vt->picture_y = vt->y;
    vt->picture_x = vt->x;
    strbuf_reset(&vt->picture);
    strbuf_puts(&vt->picture, "\033");
    strbuf_add(&vt->picture, vt->sequence.data, vt->sequence.len);
    strbuf_puts(&vt->picture, "\033\\");
}

static void ground(struct vt *vt, unsigned char c)
{
    if (c >= 0xc0) {
        vt->more = c >= 0xf0 ? 3 : c >= 0xe0 ? 2 : 1;
        vt->wide = c & (0x3fu >> vt->more);
        vt->state = UTF8;
    } else if (c >= ' ' && c < 127) {
        put(vt, (wchar_t)c);
    } else if (c == '\033') {
        vt->state = ESCAPE;
        strbuf_reset(&vt->sequence);
    } else if (c == '\r') {
        go(vt, vt->y, 0);
    } else if (c == '\n') {
        line_feed(vt);
    } else if (c == '\b') {
        go(vt, vt->y, vt->x - 1);
    } else if (c == '\t') {
        go(vt, vt->y, (vt->x / 8 + 1) * 8);
    } else if (c == 14 || c == 15) {
        vt->line_drawing = c == 14;
    } else if (c != '\a' && c != 0) {
        strbuf_reset(&vt->sequence);
        strbuf_printf(&vt->sequence, " byte %d", c);
        unknown(vt);
    }
}

static void take(struct vt *vt, char byte)
{
    unsigned char c = (unsigned char)byte;
    switch (vt->state) {
    case GROUND: ground(vt, c); return;
    case UTF8:
        vt->wide = vt->wide << 6 | (c & 0x3f);
        if (--vt->more == 0) {
            put(vt, (wchar_t)vt->wide);
            vt->state = GROUND;
        }
        return;
    case CHARSET:
        vt->line_drawing = byte == '0';
        vt->state = GROUND;
        return;
    case STRING:
        if (byte == '\033') {
            vt->state = STRING_ESCAPE;
            return;
        }
        strbuf_add(&vt->sequence, &byte, 1);
        vt->begun += byte == 'q' && vt->sequence.data[0] == 'P' && strspn(vt->sequence.data + 1, "0123456789;") + 2 == vt->sequence.len;
        return;
    case STRING_ESCAPE:
        string_end(vt);
        if (byte != '\\') // cut short by another sequence
            unknown(vt);
        return;
    case ESCAPE:
        strbuf_add(&vt->sequence, &byte, 1);
        escape(vt, byte);
        return;
    default: // CONTROL
        strbuf_add(&vt->sequence, &byte, 1);
        if (c >= 0x40 && c <= 0x7e) {
            vt->state = GROUND;
            control(vt);
        }
    }
}

void vt_feed(struct vt *vt, const char *bytes, size_t count)
{
    for (size_t i = 0; i < count; i++)
        take(vt, bytes[i]);
}

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

char *vt_text(const struct vt *vt)
{
    struct strbuf text = {0};
    for (int y = 0; y < vt->rows; y++) {
        int end = vt->cols;
        while (end > 0 && *cell(vt, y, end - 1) == L' ')
            end--;
        for (int x = 0; x < end; x++)
            if (*cell(vt, y, x))
                put_utf8(&text, *cell(vt, y, x));
        strbuf_puts(&text, "\n");
    }
    return text.data;
}

bool vt_shows(const struct vt *vt, const char *words)
{
    char *text = vt_text(vt);
    bool found = strstr(text, words);
    free(text);
    return found;
}
