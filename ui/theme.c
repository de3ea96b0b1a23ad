// The colours of the screen. Every one of them stands beside a word, a sign, bold or reverse: without colours, or with
// sixteen of the user's own, nothing is lost.
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "ui/session.h"

enum { PANE = 1, POPUP, HEAD, KEY, MARGIN = 235 }; // of 256 colours: COMPOSE_MARGIN, that of a picture's own margins

struct colours {
    short popup[2], head[2], key[2]; // front and back
};

// Of 256 colours, and of the 8 that every terminal has: there bold black is gray on many, so that the front is white.
static const struct colours dark[2] = {{{255, 24}, {255, 238}, {16, 110}},
                                       {{COLOR_WHITE, COLOR_BLUE}, {COLOR_WHITE, COLOR_BLUE}, {COLOR_WHITE, COLOR_BLUE}}};
static const struct colours light[2] = {{{16, 254}, {16, 252}, {255, 25}},
                                        {{COLOR_WHITE, COLOR_BLUE}, {COLOR_WHITE, COLOR_BLACK}, {COLOR_WHITE, COLOR_BLUE}}};

static bool no_color(void)
{
    const char *set = getenv("NO_COLOR");
    return set && *set;
}

void theme_begin(struct session *s)
{
    const char *name = s->config->theme && s->config->theme[0] ? s->config->theme : "auto";
    bool plain = no_color() || strcmp(name, "none") == 0 || !has_colors();
    bool bright = strcmp(name, "light") == 0 || (strcmp(name, "auto") == 0 && s->term.background == TERM_BRIGHT);
    const struct colours *c = &(bright ? light : dark)[COLORS < 256];
    s->theme = (struct theme){A_REVERSE, A_REVERSE};
    if (!has_colors())
        return;
    // kitty draws pictures under the text, and under cells with a background of their own: the pane has none
    init_pair(PANE, COLOR_WHITE, s->bitmap == BITMAP_KITTY ? -1 : COLORS >= 256 && !plain ? MARGIN : COLOR_BLACK);
    init_pair(POPUP, plain ? COLOR_WHITE : c->popup[0], plain ? COLOR_BLACK : c->popup[1]);
    if (plain)
        return;
    init_pair(HEAD, c->head[0], c->head[1]);
    init_pair(KEY, c->key[0], c->key[1]);
    s->theme = (struct theme){(attr_t)COLOR_PAIR(HEAD), (attr_t)COLOR_PAIR(KEY) | A_BOLD};
}
