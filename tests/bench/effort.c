#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "db/project.h"
#include "db/queue.h"
#include "db/scene.h"
#include "tests/bench/effort.h"
#include "tests/bench/must.h"
#include "tests/tui/pty.h"

enum { LINES_ALL = 60, COLUMNS_ALL = 200, TILES = 200, CLASSES = 64, NAME = 64, QUIET_MS = 60 };

struct truth {
    char name[NAME], scene[NAME], class_name[NAME], severity[NAME];
};

struct inspector {
    struct pty pty;
    const char *scene;
    struct truth *defects;
    size_t defect_count, keys, for_defects;
};

static void give_up(struct inspector *in, const char *what)
{
    char *text = vt_text(&in->pty.vt);
    fprintf(stderr, "bench-tui: %s; the screen:\n%s", what, text);
    free(text);
    exit(1);
}

// Columns of a line of truth.csv: path, verdict, class, severity, group, scene; the demo needs no quotes.
static void read_truth(struct inspector *in, const char *dir)
{
    char *path = xasprintf("%s/truth.csv", dir), line[512];
    FILE *f = fopen(path, "r");
    size_t room = 0;
    while (f && fgets(line, sizeof line, f)) {
        char *fields[6] = {0}, *rest = line;
        line[strcspn(line, "\r\n")] = '\0';
        for (int i = 0; i < 6 && rest; i++)
            fields[i] = strsep(&rest, ",");
        if (!fields[5] || strcmp(fields[1], "defect") != 0)
            continue;
        const char *slash = strrchr(fields[0], '/');
        GROW(in->defects, room, in->defect_count + 1);
        struct truth *t = &in->defects[in->defect_count++];
        snprintf(t->name, NAME, "%s", slash ? slash + 1 : fields[0]);
        snprintf(t->class_name, NAME, "%s", fields[2]);
        snprintf(t->severity, NAME, "%s", fields[3]);
        snprintf(t->scene, NAME, "%s", fields[5]);
    }
    if (f)
        fclose(f);
    free(path);
}

static const struct truth *known(const struct inspector *in, const char *name)
{
    for (size_t i = 0; i < in->defect_count; i++)
        if (strcmp(in->defects[i].name, name) == 0 && strcmp(in->defects[i].scene, in->scene) == 0)
            return &in->defects[i];
    return NULL;
}

// Until the screen is still and its pictures are there.
static char *look(struct inspector *in)
{
    for (;;) {
        size_t before = in->pty.raw.len;
        if (!pty_pump(&in->pty, QUIET_MS))
            give_up(in, "the review ended before it was asked to");
        if (in->pty.raw.len != before)
            continue;
        char *text = vt_text(&in->pty.vt);
        if (!strstr(text, "Reading the picture"))
            return text;
        free(text);
    }
}

static char *press(struct inspector *in, const char *keys, size_t count)
{
    in->keys += count;
    pty_send(&in->pty, keys, strlen(keys));
    return look(in);
}

static void hit(struct inspector *in, const char *keys)
{
    free(press(in, keys, 1));
}

// Whether the first class that the popup offers is this one.
static bool offered(const char *screen, const char *class_name)
{
    const char *at = strstr(screen, "Search:");
    size_t length = strlen(class_name);
    for (int line = 0; at && line < 2; line++)
        at = strchr(at + 1, '\n');
    at = at ? strchr(at, '|') : NULL;
    return at && strncmp(at + 2, class_name, length) == 0 && at[2 + length] == ' ' && at[3 + length] == '(';
}

// d, as many letters as it takes until the class comes first (or its name, when it is new), Enter, the severity.
static void say_defect(struct inspector *in, const struct truth *t)
{
    size_t before = in->keys;
    char *screen = press(in, "d", 1);
    for (const char *letter = t->class_name; !offered(screen, t->class_name) && *letter; letter++) {
        char key[2] = {*letter, '\0'};
        free(screen);
        screen = press(in, key, 1);
    }
    free(screen);
    hit(in, "\r");
    char severity[2] = {t->severity[0], '\0'}; // s, k, g
    hit(in, severity);
    in->for_defects += in->keys - before;
}

struct grid_page {
    const struct truth *defects[TILES]; // NULL: normal
    bool open[TILES];
    size_t count, cols, at;
};

// Tiles are captioned "[ ] 2.3 000012.jpg", those answered "[-]".
static void read_page(struct inspector *in, const char *screen, struct grid_page *page)
{
    *page = (struct grid_page){0};
    for (const char *line = screen; line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL) {
        const char *end = line + strcspn(line, "\n");
        size_t on_line = 0;
        for (const char *at = line; (at = strstr(at, "[")) && at < end && page->count < TILES; at += 3) {
            char name[NAME];
            const char *word = at + 4 + strcspn(at + 4, " ");
            if (at[2] != ']' || sscanf(word, " %63[^ \n]", name) != 1 || !strstr(name, ".jpg"))
                continue;
            page->open[page->count] = at[1] == ' ';
            page->defects[page->count++] = known(in, name);
            on_line++;
        }
        page->cols = on_line > page->cols ? on_line : page->cols;
    }
}

// As few arrows as lead there: columns down or up, then along the row, which goes on in the next.
static void go(struct inspector *in, struct grid_page *page, size_t to)
{
    while (page->at != to) {
        size_t cols = page->cols;
        bool down = to > page->at && to - page->at > cols / 2 && page->at + cols < page->count;
        bool up = to < page->at && page->at - to > cols / 2 && page->at >= cols;
        in->for_defects++;
        hit(in, down ? "\033[B" : up ? "\033[A" : to > page->at ? "\033[C" : "\033[D");
        page->at = down ? page->at + cols : up ? page->at - cols : to > page->at ? page->at + 1 : page->at - 1;
    }
}

static void defects_of_class(struct inspector *in, struct grid_page *page, const struct truth *t)
{
    size_t count = 0, only = 0;
    for (size_t i = 0; i < page->count; i++)
        if (page->open[i] && page->defects[i] && strcmp(page->defects[i]->class_name, t->class_name) == 0) {
            only = i;
            count++;
        }
    for (size_t i = 0; i < page->count && count > 1; i++)
        if (page->open[i] && page->defects[i] && strcmp(page->defects[i]->class_name, t->class_name) == 0) {
            go(in, page, i);
            in->for_defects++;
            hit(in, " ");
            page->open[i] = false;
            page->at += page->at + 1 < page->count;
        }
    if (count == 1) {
        go(in, page, only);
        page->open[only] = false;
    }
    say_defect(in, t);
    if (count == 1)
        page->at += page->at + 1 < page->count;
}

// A page: its defects, then the rest. False at the end.
static bool clear_page(struct inspector *in, const char *screen)
{
    struct grid_page page;
    bool rest = false, any = false;
    read_page(in, screen, &page);
    for (size_t i = 0; i < page.count; i++) {
        any = any || page.open[i];
        if (page.open[i] && page.defects[i])
            defects_of_class(in, &page, page.defects[i]);
        rest = rest || page.open[i];
    }
    if (any)
        hit(in, rest ? "N" : "\033[6~");
    return any;
}

// The name of the picture in review; false where there is none any more: then nothing is counted above.
static bool shown(const char *screen, char name[NAME])
{
    const char *dot = strstr(screen, ".jpg"), *end = strchr(screen, '\n'), *of = strstr(screen, " open");
    if (!dot || !of || of > end)
        return false;
    const char *begin = dot;
    while (begin > screen && begin[-1] != ' ' && begin[-1] != '\n' && begin[-1] != '|')
        begin--;
    snprintf(name, NAME, "%.*s.jpg", (int)(dot - begin), begin);
    return true;
}

static void clear_scene(struct inspector *in, const char *assay, const char *dir, bool one_by_one)
{
    char *argv[] = {(char *)assay, (char *)"review", (char *)"--as", (char *)"ideal", (char *)"--scene", (char *)in->scene,
                    (char *)"--graphics", (char *)"ascii", NULL};
    if (!pty_start(&in->pty, VT_PLAIN, "xterm-256color", LINES_ALL, COLUMNS_ALL, dir, argv)) {
        fputs("bench-tui: no pseudo-terminal is to be had\n", stderr);
        exit(1);
    }
    char *screen = look(in);
    while (!strstr(screen, "quit")) {
        free(screen);
        screen = look(in);
    }
    if (!one_by_one) {
        free(screen);
        screen = press(in, "2", 1);
    }
    for (bool more = true; more;) {
        char name[NAME];
        if (one_by_one) {
            const struct truth *t = NULL;
            more = shown(screen, name);
            if (more && (t = known(in, name)))
                say_defect(in, t);
            else if (more)
                hit(in, "n");
        } else {
            more = clear_page(in, screen);
        }
        free(screen);
        screen = look(in);
    }
    free(screen);
    pty_send(&in->pty, "q", 1);
    while (pty_pump(&in->pty, 2000))
        continue;
    pty_clear(&in->pty);
}

static void counts(const char *dir, struct scene_counts *c, struct scene **scenes, size_t *count)
{
    char *path = xasprintf("%s/project.db", dir);
    struct error err;
    struct db *db;
    if (db_open(path, &db, &err) != ST_OK || db_counts(db, 0, c, &err) != ST_OK ||
        (scenes && db_scene_list(db, scenes, count, &err) != ST_OK))
        die(&err);
    db_close(db);
    free(path);
}

void effort_measure(const char *assay, const char *dir, bool one_by_one, bool json)
{
    struct inspector in = {0};
    struct scene_counts before, after;
    struct scene *scenes;
    size_t count;
    read_truth(&in, dir);
    counts(dir, &before, &scenes, &count);
    for (size_t i = 0; i < count; i++) {
        in.scene = scenes[i].name;
        clear_scene(&in, assay, dir, one_by_one);
        scene_clear(&scenes[i]);
    }
    free(scenes);
    counts(dir, &after, NULL, NULL);
    free(in.defects);
    long long answers = (long long)(after.answered - before.answered), defects = (long long)(after.defects - before.defects);
    const char *how = one_by_one ? "one by one" : "grid";
    double each = answers > 0 ? (double)in.keys / (double)answers : 0;
    if (json)
        printf("{\"bench\":\"effort\",\"how\":\"%s\",\"open\":%lld,\"left\":%lld,\"answers\":%lld,\"defects\":%lld,\"keys\":%zu,"
               "\"keys_for_defects\":%zu,\"keys_per_picture\":%.3f}\n",
               how, (long long)before.open, (long long)after.open, answers, defects, in.keys, in.for_defects, each);
    else
        printf("effort, %-10s: %lld open, %lld left; %lld answers (%lld defects) in %zu keys (%zu of them for the defects), %.2f keys per picture\n", how,
               (long long)before.open, (long long)after.open, answers, defects, in.keys, in.for_defects, each);
    fflush(stdout);
}
