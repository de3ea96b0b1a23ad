#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/strbuf.h"
#include "tests/bench/big.h"
#include "tests/tui/pty.h"

enum { OPENINGS = 20, LOOKS = 200, PAGES = 40, ROWS = 60, COLUMNS_WIDE = 200, PATIENCE_S = 60 };

static void give_up(const char *what, struct pty *pty)
{
    char *text = vt_text(&pty->vt);
    fprintf(stderr, "bench-db: %s; the screen:\n%s", what, text);
    free(text);
    exit(1);
}

static void settle(struct pty *pty, int ms)
{
    if (!pty_settle(pty, ms))
        give_up("the review ended before it was asked to", pty);
}

static void type(struct pty *pty, const char *keys)
{
    pty_send(pty, keys, strlen(keys));
}

// Keys; until the screen shows something else than before: milliseconds.
static double press(struct pty *pty, const char *keys)
{
    char *before = vt_text(&pty->vt);
    double started = clock_seconds();
    bool same = true;
    type(pty, keys);
    while (same) {
        if (!pty_pump(pty, 1000) || clock_seconds() - started > PATIENCE_S)
            give_up("nothing came after a key", pty);
        char *now = vt_text(&pty->vt);
        same = strcmp(before, now) == 0;
        free(now);
    }
    double ms = 1000 * (clock_seconds() - started);
    free(before);
    return ms;
}

static void start(struct pty *pty, const char *assay, const char *dir)
{
    char *argv[] = {(char *)assay, (char *)"review", (char *)"--as", (char *)"bench", (char *)"--graphics", (char *)"blocks", NULL};
    if (!pty_start(pty, VT_PLAIN, "xterm-256color", ROWS, COLUMNS_WIDE, dir, argv)) {
        fputs("bench-db: no pseudo-terminal is to be had\n", stderr);
        exit(1);
    }
}

static void end(struct pty *pty)
{
    type(pty, "q");
    while (pty_pump(pty, 2000))
        continue;
    pty_clear(pty);
}

// From the start of the program to the first picture's name on the screen.
static void opening(const char *assay, const char *dir)
{
    static double ms[OPENINGS];
    for (int i = 0; i < OPENINGS; i++) {
        struct pty pty;
        double started = clock_seconds();
        start(&pty, assay, dir);
        while (!vt_shows(&pty.vt, ".jpg"))
            if (!pty_pump(&pty, 1000) || clock_seconds() - started > PATIENCE_S)
                give_up("the review did not start", &pty);
        ms[i] = 1000 * (clock_seconds() - started);
        settle(&pty, 100);
        end(&pty);
    }
    big_report("screen: review started", ms, OPENINGS, 200);
}

static void keys(struct pty *pty, const char *what, const char *key, int count)
{
    double *ms = xcalloc((size_t)count, sizeof *ms);
    for (int i = 0; i < count; i++) {
        ms[i] = press(pty, key);
        settle(pty, 30);
    }
    big_report(what, ms, (size_t)count, 50);
    free(ms);
}

// The filter's line is written, then Enter: until the first page or a first word is there, until everything was looked
// through where that comes later, and the keys that go on in it.
static void find(struct pty *pty, const char *filter)
{
    enum { TIMES = 9 };
    double first[TIMES], whole[TIMES], page[TIMES];
    size_t pages = 0;
    for (int i = 0; i < TIMES; i++) {
        type(pty, "/");
        settle(pty, 30);
        type(pty, "\025"); // Ctrl-U
        type(pty, filter);
        settle(pty, 30);
        double started = clock_seconds();
        first[i] = press(pty, "\r");
        while (vt_shows(&pty->vt, "looking on"))
            if (!pty_pump(pty, 1000) || clock_seconds() - started > PATIENCE_S)
                break;
        whole[i] = 1000 * (clock_seconds() - started);
        settle(pty, 150);
        // Enter may show in two parts: where nothing is found yet there is no page, and that is what the screen says.
        if (vt_shows(&pty->vt, "and more found") && !vt_shows(&pty->vt, "looking on"))
            page[pages++] = press(pty, "\033[6~");
        settle(pty, 200);
    }
    char *name = xasprintf("screen: find %s", filter[0] ? filter : "(no filter)");
    big_report(name, first, TIMES, 50);
    if (whole[TIMES / 2] > first[TIMES - 1] + 1)
        big_report("    the first one, or that there is none", whole, TIMES, 0);
    if (pages > 0)
        big_report("    a page on", page, pages, 50);
    free(name);
}

void big_screen(const char *assay, const char *dir)
{
    static const char *const filters[] = {
        "", "sort:score", "sort:added", "sort:answered", "class:\"class 07\"", "class:\"class 07\" sort:score",
        "class:\"class 07\" sort:added", "severity:stop", "severity:stop sort:score", "score:9.7..9.8", "score:9.7..9.8 sort:added",
        "score:9.7..9.8 sort:answered", "date:>2026-01-01", "date:>2026-01-01 sort:score", "scene:scene2", "scene:scene2 sort:added",
        "by:wang", "by:wang sort:added", "verdict:defect", "verdict:defect sort:added", "verdict:open", "verdict:open sort:added", "0007.jpg",
        "0007.jpg sort:added", "000001234.jpg sort:added", "class:class severity:key by:wang scene:scene3", "class:\"no such\"",
        "\"no such path\"", "\"no such path\" sort:added", "date:<2001-01-01", "date:<2001-01-01 sort:score", "by:nobody sort:added", "score:>99",
        "score:>99 sort:added"};
    struct pty pty;
    opening(assay, dir);
    start(&pty, assay, dir);
    while (!vt_shows(&pty.vt, ".jpg"))
        pty_pump(&pty, 1000);
    settle(&pty, 500);
    keys(&pty, "screen: next picture (look)", "j", LOOKS / 4);
    keys(&pty, "screen: next picture (answer)", "n", LOOKS);
    keys(&pty, "screen: undo", "u", LOOKS / 4);
    type(&pty, "2");
    settle(&pty, 500);
    keys(&pty, "screen: grid, a page on", "\033[6~", PAGES);
    keys(&pty, "screen: grid, a page back", "\033[5~", PAGES);
    type(&pty, "4");
    settle(&pty, 500);
    for (size_t i = 0; i < sizeof filters / sizeof *filters; i++)
        find(&pty, filters[i]);
    end(&pty);
}
