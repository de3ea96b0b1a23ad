// The keys in force: the table, changed by a file; and the names that such a file uses.
#include "config.h"

#include <curses.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/strbuf.h"
#include "base/text.h"
#include "ui/draw.h"
#include "ui/keymap_impl.h"

#define FN(key) (KEYMAP_FUNCTION + (key))
enum { FILE_MOST = 1 << 16 };

static const char *const contexts[CONTEXTS] = {
    [CONTEXT_REVIEW] = "review", [CONTEXT_GRID] = "grid", [CONTEXT_RESULTS] = "results", [CONTEXT_FIND] = "find",
    [CONTEXT_CLASSES] = "classes", [CONTEXT_REGIONS] = "regions", [CONTEXT_SECOND] = "second", [CONTEXT_LOG] = "log",
    [CONTEXT_TRAINING] = "training", [CONTEXT_MODELS] = "models", [CONTEXT_WORKFLOW] = "workflow", [CONTEXT_SETTINGS] = "settings", [CONTEXT_ALL] = "all", [CONTEXT_CLASS] = "class", [CONTEXT_SEVERITY] = "severity",
    [CONTEXT_LINE] = "line", [CONTEXT_NOTE] = "note", [CONTEXT_TEXT] = "text", [CONTEXT_JUMPS] = "jumps",
};

static const struct {
    enum command command;
    const char *name;
} commands[] = {
    {COMMAND_NORMAL, "normal"}, {COMMAND_DEFECT, "defect"}, {COMMAND_UNSURE, "unsure"}, {COMMAND_UNDO, "undo"},
    {COMMAND_REDO, "redo"}, {COMMAND_SKIP, "skip"}, {COMMAND_NEXT, "next"}, {COMMAND_PREVIOUS, "previous"},
    {COMMAND_HEAT, "heatmap"}, {COMMAND_STRENGTH, "strength"}, {COMMAND_HELP, "help"}, {COMMAND_REDRAW, "redraw"},
    {COMMAND_QUIT, "quit"}, {COMMAND_ACCEPT, "accept"}, {COMMAND_BACK, "back"}, {COMMAND_UP, "up"},
    {COMMAND_DOWN, "down"}, {COMMAND_LEFT, "left"}, {COMMAND_RIGHT, "right"}, {COMMAND_ERASE, "erase"},
    {COMMAND_STOP, "stop"}, {COMMAND_KEY, "key"}, {COMMAND_GENERAL, "general"}, {COMMAND_COMPARE, "compare"},
    {COMMAND_FLICKER, "flicker"}, {COMMAND_DEFECTS, "defects"}, {COMMAND_IN, "in"}, {COMMAND_OUT, "out"},
    {COMMAND_WHOLE, "whole"}, {COMMAND_PIXELS, "pixels"}, {COMMAND_CONTRAST, "contrast"}, {COMMAND_INVERT, "invert"},
    {COMMAND_HISTORY, "log"}, {COMMAND_NOTE, "memo"}, {COMMAND_MARK, "mark"}, {COMMAND_RANGE, "block"},
    {COMMAND_MARK_ALL, "mark-all"}, {COMMAND_ALL_NORMAL, "rest-normal"}, {COMMAND_ALIKE, "alike"},
    {COMMAND_PAGE_NEXT, "page-next"}, {COMMAND_PAGE_PREVIOUS, "page-previous"}, {COMMAND_OPEN, "open"},
    {COMMAND_LARGER, "larger"}, {COMMAND_SMALLER, "smaller"}, {COMMAND_RENAME, "rename"}, {COMMAND_CLASS_NEW, "new"}, {COMMAND_CODE, "code"},
    {COMMAND_LEVEL, "severity"}, {COMMAND_BELOW, "below"}, {COMMAND_RETIRE, "retire"}, {COMMAND_MERGE, "merge"},
    {COMMAND_SCENE, "scene"}, {COMMAND_FILTER, "filter"}, {COMMAND_SAVE, "save"}, {COMMAND_SAVED, "saved"},
    {COMMAND_ORDER, "order"}, {COMMAND_VIEW_REVIEW, "review"}, {COMMAND_VIEW_GRID, "grid"},
    {COMMAND_VIEW_RESULTS, "results"}, {COMMAND_VIEW_FIND, "find"}, {COMMAND_VIEW_CLASSES, "classes"},
    {COMMAND_VIEW_SECOND, "second"}, {COMMAND_VIEW_LOG, "log"}, {COMMAND_AGREE, "agree"}, {COMMAND_TELL, "tell"},
    {COMMAND_COMMENT, "comment"}, {COMMAND_KAPPA, "agreement"}, {COMMAND_HANDOVER, "handover"},
    {COMMAND_VIEW_TRAINING, "training"}, {COMMAND_VIEW_MODELS, "models"}, {COMMAND_VIEW_WORKFLOW, "workflow"},
    {COMMAND_TRAIN, "train"}, {COMMAND_TRAIN_ALONE, "train-alone"}, {COMMAND_PAUSE, "pause"}, {COMMAND_CANCEL, "cancel"}, {COMMAND_PROMOTE, "promote"},
    {COMMAND_ROLLBACK, "rollback"}, {COMMAND_EVERY, "every"}, {COMMAND_VIEW_NEXT, "view-next"}, {COMMAND_VIEW_SETTINGS, "settings"}, {COMMAND_OWN, "own"}, {COMMAND_STATE, "state"},
    {COMMAND_RELATIONS, "relations"}, {COMMAND_TEMPLATE, "template"}, {COMMAND_TEMPLATES, "templates"},
    {COMMAND_UNSET, "unset"}, {COMMAND_UNSET_OWN, "unset-own"}, {COMMAND_ZH, "chinese"},
    {COMMAND_VIEW_REGIONS, "regions"}, {COMMAND_BOX, "box"}, {COMMAND_POLYGON, "polygon"}, {COMMAND_BRUSH, "mask"},
    {COMMAND_CORNER, "corner"}, {COMMAND_STEP, "step"}, {COMMAND_FIT, "fit"}, {COMMAND_RUB, "rub"}, {COMMAND_CLASS, "class"},
    {COMMAND_UP_LIST, "list-up"}, {COMMAND_DOWN_LIST, "list-down"}, {COMMAND_FAR_LEFT, "far-left"},
    {COMMAND_FAR_RIGHT, "far-right"}, {COMMAND_FAR_UP, "far-up"}, {COMMAND_FAR_DOWN, "far-down"},
};

// The first of a key's names is how it is shown.
static const struct {
    const char *name;
    int key;
} named[] = {
    {"Enter", KEYMAP_ENTER},    {"Esc", KEYMAP_ESCAPE},      {"Escape", KEYMAP_ESCAPE}, {"Backspace", KEYMAP_BACKSPACE},
    {"Up", FN(KEY_UP)},         {"Down", FN(KEY_DOWN)},      {"Left", FN(KEY_LEFT)},    {"Right", FN(KEY_RIGHT)},
    {"PgUp", FN(KEY_PPAGE)},    {"PgDn", FN(KEY_NPAGE)},     {"Home", FN(KEY_HOME)},    {"End", FN(KEY_END)},
    {"PageUp", FN(KEY_PPAGE)},  {"PageDown", FN(KEY_NPAGE)}, {"Insert", FN(KEY_IC)},    {"Delete", FN(KEY_DC)},
    {"Shift-Left", FN(KEY_SLEFT)}, {"Shift-Right", FN(KEY_SRIGHT)}, {"Shift-Up", FN(KEY_SR)}, {"Shift-Down", FN(KEY_SF)},
    {"S-Left", FN(KEY_SLEFT)},  {"S-Right", FN(KEY_SRIGHT)}, {"S-Up", FN(KEY_SR)},      {"S-Down", FN(KEY_SF)},
    {"Space", ' '},             {"Tab", '\t'},               {"Comma", ','},            {"Backtab", FN(KEY_BTAB)},
};

int keymap_key(const char *name)
{
    char *end;
    for (size_t i = 0; i < sizeof named / sizeof *named; i++)
        if (strcmp(named[i].name, name) == 0)
            return named[i].key;
    const char *letter = strncmp(name, "C-", 2) == 0 ? name + 2 : strncmp(name, "Ctrl-", 5) == 0 ? name + 5 : "";
    if (((letter[0] | 0x20) >= 'a' && (letter[0] | 0x20) <= 'z') && !letter[1])
        return (letter[0] | 0x20) - 'a' + 1;
    long number = name[0] == 'F' && name[1] >= '1' && name[1] <= '9' ? strtol(name + 1, &end, 10) : 0;
    if (number >= 1 && number <= 12 && !*end)
        return FN(KEY_F((int)number));
    wchar_t wide[2];
    return draw_decode(name, wide, 2) == 1 && text_is_utf8(name) ? (int)wide[0] : 0;
}

static void key_text(int key, char text[KEYMAP_NAME])
{
    mbstate_t state = {0};
    char bytes[MB_LEN_MAX + 1] = "";
    for (size_t i = 0; i < sizeof named / sizeof *named; i++) {
        if (named[i].key == key) {
            snprintf(text, KEYMAP_NAME, "%s", named[i].name);
            return;
        }
    }
    if (key > FN(KEY_F0) && key <= FN(KEY_F(12)))
        snprintf(text, KEYMAP_NAME, "F%d", key - FN(KEY_F0));
    else if (key > 0 && key < ' ')
        snprintf(text, KEYMAP_NAME, "Ctrl-%c", key + '@');
    else if (wcrtomb(bytes, (wchar_t)key, &state) != (size_t)-1)
        snprintf(text, KEYMAP_NAME, "%s", bytes);
    else
        snprintf(text, KEYMAP_NAME, "U+%04X", (unsigned)key);
}

static void set_first(struct keymap *map, size_t i)
{
    snprintf(map->first[i], KEYMAP_NAME, "-");
    if (map->bindings[i].keys[0])
        key_text(map->bindings[i].keys[0], map->first[i]);
}

struct keymap *keymap_new(void)
{
    struct keymap *map = xcalloc(1, sizeof *map);
    const struct binding *standard = keymap_standard(&map->count);
    map->bindings = xcalloc(map->count, sizeof *map->bindings);
    map->shown = xcalloc(map->count, sizeof *map->shown);
    map->first = xcalloc(map->count, sizeof *map->first);
    memcpy(map->bindings, standard, map->count * sizeof *map->bindings);
    for (size_t i = 0; i < map->count; i++)
        set_first(map, i);
    return map;
}

void keymap_free(struct keymap *map)
{
    if (!map)
        return;
    free(map->bindings);
    free(map->shown);
    free(map->first);
    free(map);
}

const char *keymap_context_name(enum context context)
{
    return contexts[context] ? contexts[context] : "?";
}

const char *keymap_command_name(enum command command)
{
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        if (commands[i].command == command)
            return commands[i].name;
    return "?";
}

// Its place in the table; `count` where "review.normal" names none.
static size_t place_of(const struct keymap *map, const char *name)
{
    size_t i = 0;
    const char *dot = strchr(name, '.');
    for (; dot && i < map->count; i++) {
        const char *context = contexts[map->bindings[i].context];
        if (context && strncmp(context, name, (size_t)(dot - name)) == 0 && context[dot - name] == '\0' &&
            strcmp(keymap_command_name(map->bindings[i].command), dot + 1) == 0)
            return i;
    }
    return map->count;
}

// What is typed there is text.
static bool takes_text(enum context context)
{
    return context == CONTEXT_CLASS || context == CONTEXT_LINE || context == CONTEXT_NOTE;
}

static enum status set_keys(struct keymap *map, size_t i, char *keys, const char *path, size_t line, struct error *err)
{
    struct binding *b = &map->bindings[i];
    char *rest, *word, name[KEYMAP_NAME];
    int n = 0, set[KEYMAP_KEYS] = {0};
    for (word = strtok_r(keys, " \t", &rest); word; word = strtok_r(NULL, " \t", &rest)) {
        int key = keymap_key(word);
        if (strcmp(word, "none") == 0)
            continue;
        if (key == 0)
            return error_set(err, ST_INVALID, "%s:%zu: no key is called '%s'; `assay keys` shows how keys are written", path, line, word);
        if (n == KEYMAP_KEYS)
            return error_set(err, ST_INVALID, "%s:%zu: a command takes at most %d keys", path, line, KEYMAP_KEYS);
        if (takes_text(b->context) && key >= ' ' && key < KEYMAP_FUNCTION && key != KEYMAP_BACKSPACE)
            return error_set(err, ST_INVALID, "%s:%zu: '%s' is text there; take a control or function key", path, line, word);
        set[n++] = key;
    }
    memcpy(b->keys, set, sizeof set);
    map->shown[i][0] = '\0';
    for (int k = 0; k < n; k++) {
        size_t used = strlen(map->shown[i]);
        key_text(set[k], name);
        snprintf(map->shown[i] + used, KEYMAP_SHOWN - used, "%s%s", k ? ", " : "", name);
    }
    b->shown = map->shown[i];
    set_first(map, i);
    return ST_OK;
}

// What holds in all views meets what holds in one.
static bool meet(enum context a, enum context b)
{
    return a == b || (a == CONTEXT_ALL && keymap_is_view(b)) || (b == CONTEXT_ALL && keymap_is_view(a));
}

// lines: (count), where a file said it; 0 the table's.
static enum status check(const struct keymap *map, const size_t *lines, const char *path, struct error *err)
{
    char name[KEYMAP_NAME];
    for (size_t i = 0; i < map->count; i++)
        for (size_t j = 0; j < map->count; j++)
            for (int k = 0; k < KEYMAP_KEYS && map->bindings[i].keys[k] && i != j && lines[i] >= lines[j]; k++)
                for (int l = 0; l < KEYMAP_KEYS && map->bindings[j].keys[l]; l++) {
                    const struct binding *a = &map->bindings[i], *b = &map->bindings[j];
                    if (a->keys[k] != b->keys[l] || !meet(a->context, b->context) || lines[i] == 0)
                        continue;
                    key_text(a->keys[k], name);
                    return error_set(err, ST_INVALID, "%s:%zu: %s is the key of %s.%s already; give that another one", path, lines[i],
                                     name, keymap_context_name(b->context), keymap_command_name(b->command));
                }
    return ST_OK;
}

static enum status take_line(struct keymap *map, char *text, const char *path, size_t line, size_t *lines, struct error *err)
{
    char *equals = strchr(text, '='), *name = text + strspn(text, " \t");
    if (!name[0] || name[0] == '#')
        return ST_OK;
    if (!equals || equals == name)
        return error_set(err, ST_INVALID, "%s:%zu: a line is `view.command = key ...` or begins with #", path, line);
    *equals = '\0';
    name[strcspn(name, " \t")] = '\0';
    size_t i = place_of(map, name);
    if (i == map->count)
        return error_set(err, ST_INVALID, "%s:%zu: there is no command '%s'; `assay keys --file` lists them", path, line, name);
    lines[i] = line;
    return set_keys(map, i, equals + 1, path, line, err);
}

static void move_into(struct keymap *map, struct keymap *from)
{
    struct keymap old = *map;
    *map = *from;
    *from = old;
    keymap_free(from);
}

enum status keymap_read(struct keymap *map, const char *path, struct error *err)
{
    unsigned char *bytes;
    size_t count;
    enum status status = file_read(path, FILE_MOST, &bytes, &count, err);
    if (status)
        return status;
    struct keymap *next = keymap_new();
    size_t *lines = xcalloc(next->count, sizeof *lines), number = 0;
    char *rest = (char *)bytes, *line;
    if (strlen(rest) != count || !text_is_utf8(rest))
        status = error_set(err, ST_INVALID, "%s: not a file of key bindings; `assay keys --file` writes one", path);
    while (status == ST_OK && (line = strsep(&rest, "\n"))) {
        line[strcspn(line, "\r")] = '\0';
        status = take_line(next, line, path, ++number, lines, err);
    }
    if (status == ST_OK)
        status = check(next, lines, path, err);
    if (status == ST_OK)
        move_into(map, next);
    else
        keymap_free(next);
    free(lines);
    free(bytes);
    return status;
}

char *keymap_file(const struct keymap *map)
{
    struct strbuf text = {0};
    enum context context = CONTEXTS;
    char name[KEYMAP_NAME];
    for (size_t i = 0; i < map->count; i++) {
        const struct binding *b = &map->bindings[i];
        if (b->context != context)
            strbuf_printf(&text, "%s# %s\n", text.len ? "\n" : "", keymap_context(b->context));
        context = b->context;
        strbuf_printf(&text, "%s.%s =", keymap_context_name(context), keymap_command_name(b->command));
        for (int k = 0; k < KEYMAP_KEYS && b->keys[k]; k++) {
            key_text(b->keys[k], name);
            strbuf_printf(&text, " %s", name);
        }
        strbuf_puts(&text, b->keys[0] ? "\n" : " none\n");
    }
    return text.data;
}
