#include "config.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "tests/tui/unsixel.h"

struct pen {
    uint8_t palette[256][3];
    int colour, x, y;
};

static int number(const char **p)
{
    int v = 0;
    while (isdigit((unsigned char)**p) && v < 100000)
        v = v * 10 + *(*p)++ - '0';
    return v;
}

// "…;…: raster attributes, #…: choose a colour or define it.
static const char *attribute(const char **p, struct pen *pen, const struct unsixel *to)
{
    int v[5] = {0}, n = 0;
    char what = **p;
    do {
        (*p)++;
        v[n++] = number(p);
    } while (**p == ';' && n < 5);
    if (what == '"')
        return n == 4 && v[2] == to->room_width && v[3] == to->room_height ? NULL : "another raster than expected";
    if (v[0] > 255)
        return "a colour above 255";
    pen->colour = v[0];
    if (n == 1)
        return NULL;
    if (n != 5 || v[1] != 2 || v[2] > 100 || v[3] > 100 || v[4] > 100)
        return "a colour that is not RGB in percent";
    for (int c = 0; c < 3; c++)
        pen->palette[v[0]][c] = (uint8_t)v[2 + c];
    return NULL;
}

static const char *column(struct pen *pen, int bits, struct unsixel *to)
{
    for (int bit = 0; bit < 6; bit++) {
        int y = pen->y + bit;
        if (!(bits >> bit & 1))
            continue;
        if (pen->x >= to->room_width || y >= to->room_height)
            return "painted outside of its raster";
        memcpy(to->rgb + ((size_t)y * (size_t)to->room_width + (size_t)pen->x) * 3, pen->palette[pen->colour], 3);
        to->width = pen->x >= to->width ? pen->x + 1 : to->width;
        to->height = y >= to->height ? y + 1 : to->height;
    }
    pen->x++;
    return NULL;
}

const char *unsixel(const char *p, int room_width, int room_height, struct unsixel *to)
{
    struct pen pen = {0};
    const char *wrong = NULL;
    *to = (struct unsixel){.room_width = room_width, .room_height = room_height};
    to->rgb = xcalloc((size_t)room_width * (size_t)room_height, 3);
    if (strncmp(p, "\033P", 2) != 0 || !(p = strchr(p, 'q')))
        return "no sixel introducer";
    for (p++; *p && *p != '\033' && !wrong;) {
        int repeat = 1;
        if (*p == '"' || *p == '#') {
            wrong = attribute(&p, &pen, to);
            continue;
        }
        if (*p == '!') {
            p++;
            repeat = number(&p);
        }
        if (*p == '$') {
            pen.x = 0;
        } else if (*p == '-') {
            pen.x = 0;
            pen.y += 6;
        } else if (*p >= '?' && *p <= '~') {
            for (int k = 0; k < repeat && !wrong; k++)
                wrong = column(&pen, *p - '?', to);
        } else if (*p != '\n') {
            wrong = "a byte that is no sixel";
        }
        p += *p != '\0';
    }
    return wrong ? wrong : strcmp(p, "\033\\") == 0 ? NULL : "no end of the sixel text";
}
