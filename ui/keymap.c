#include "config.h"

#include <curses.h>
#include <string.h>

#include "base/strbuf.h"
#include "ui/draw.h"
#include "ui/keymap.h"
#include "ui/review.h"

#define FN(key) (KEYMAP_FUNCTION + (key))

static const struct binding table[] = {
    {CONTEXT_REVIEW, {'n'}, COMMAND_NORMAL, "n", "normal", "Nothing is wrong; go on to the next picture."},
    {CONTEXT_REVIEW, {'d'}, COMMAND_DEFECT, "d", "defect", "A defect: choose its class, then how severe it is."},
    {CONTEXT_REVIEW, {'w'}, COMMAND_UNSURE, "w", "unsure", "You cannot tell: ask the lead, and go on."},
    {CONTEXT_REVIEW, {'s'}, COMMAND_SKIP, "s", "skip", "Leave the picture open and go on."},
    {CONTEXT_REVIEW, {'j', FN(KEY_NPAGE)}, COMMAND_NEXT, "j, PgDn", NULL,
     "Look at the next picture without answering."},
    {CONTEXT_REVIEW, {'k', FN(KEY_PPAGE)}, COMMAND_PREVIOUS, "k, PgUp", NULL,
     "Look at the one before; it can be answered anew."},
    {CONTEXT_REVIEW, {FN(KEY_UP)}, COMMAND_UP, "Up", NULL, "Magnified: move up; else the picture before."},
    {CONTEXT_REVIEW, {FN(KEY_DOWN)}, COMMAND_DOWN, "Down", NULL, "Magnified: move down; else the next picture."},
    {CONTEXT_REVIEW, {FN(KEY_LEFT)}, COMMAND_LEFT, "Left", NULL, "Magnified: move left; else the picture before."},
    {CONTEXT_REVIEW, {FN(KEY_RIGHT)}, COMMAND_RIGHT, "Right", NULL, "Magnified: move right; else the next picture."},
    {CONTEXT_REVIEW, {'h'}, COMMAND_HEAT, "h", "heatmap", "Show or hide where the model finds the picture odd."},
    {CONTEXT_REVIEW, {'H'}, COMMAND_STRENGTH, "H", NULL, "The heatmap in its three strengths, in turn."},
    {CONTEXT_REVIEW, {'+', '='}, COMMAND_IN, "+, =", NULL, "Look closer."},
    {CONTEXT_REVIEW, {'-'}, COMMAND_OUT, "-", NULL, "Look from further away."},
    {CONTEXT_REVIEW, {'0'}, COMMAND_WHOLE, "0", NULL, "The whole picture again, as it is."},
    {CONTEXT_REVIEW, {'o'}, COMMAND_PIXELS, "o", NULL, "One pixel of the picture is one of the screen."},
    {CONTEXT_REVIEW, {'x'}, COMMAND_CONTRAST, "x", NULL, "More contrast: for pictures that are dark or pale."},
    {CONTEXT_REVIEW, {'i'}, COMMAND_INVERT, "i", NULL, "Invert: dark becomes bright."},
    {CONTEXT_REVIEW, {'c'}, COMMAND_COMPARE, "c", "compare", "The most similar normal picture beside it."},
    {CONTEXT_REVIEW, {'C'}, COMMAND_FLICKER, "C", NULL, "The same in its place, back and forth."},
    {CONTEXT_REVIEW, {'v'}, COMMAND_DEFECTS, "v", NULL, "The nearest known defects beside it."},
    {CONTEXT_REVIEW, {'l'}, COMMAND_HISTORY, "l", NULL, "Log: what was said about this picture, by whom."},
    {CONTEXT_REVIEW, {'m'}, COMMAND_NOTE, "m", NULL, "Memo: write a note; it is kept with your answer."},

    {CONTEXT_GRID, {' '}, COMMAND_MARK, "Space", "mark", "Mark this one, or take its mark away; go on."},
    {CONTEXT_GRID, {'b'}, COMMAND_RANGE, "b", NULL, "Block: mark all from the last mark to here."},
    {CONTEXT_GRID, {'A'}, COMMAND_MARK_ALL, "A", NULL, "Mark the whole page, or take all marks away."},
    {CONTEXT_GRID, {'N'}, COMMAND_ALL_NORMAL, "N", "rest normal", "All on the page that are not marked are normal."},
    {CONTEXT_GRID, {'n'}, COMMAND_NORMAL, "n", "normal", "The marked ones, or this one, are normal."},
    {CONTEXT_GRID, {'d'}, COMMAND_DEFECT, "d", "defect", "The marked ones, or this one, show a defect."},
    {CONTEXT_GRID, {'w'}, COMMAND_UNSURE, "w", NULL, "The marked ones, or this one: ask the lead."},
    {CONTEXT_GRID, {'s'}, COMMAND_SKIP, "s", NULL, "Leave the marked ones, or this one, open."},
    {CONTEXT_GRID, {'a'}, COMMAND_ALIKE, "a", "alike", "Open pictures like this one, most similar first."},
    {CONTEXT_GRID, {KEYMAP_ENTER}, COMMAND_OPEN, "Enter", NULL, "This one in the review, large."},
    {CONTEXT_GRID, {FN(KEY_LEFT), 'k'}, COMMAND_LEFT, "Left, k", NULL, "The picture before."},
    {CONTEXT_GRID, {FN(KEY_RIGHT), 'j'}, COMMAND_RIGHT, "Right, j", NULL, "The next picture."},
    {CONTEXT_GRID, {FN(KEY_UP)}, COMMAND_UP, "Up", NULL, "The row above."},
    {CONTEXT_GRID, {FN(KEY_DOWN)}, COMMAND_DOWN, "Down", NULL, "The row below."},
    {CONTEXT_GRID, {FN(KEY_NPAGE), 'f'}, COMMAND_PAGE_NEXT, "PgDn, f", NULL, "Forward: the next page."},
    {CONTEXT_GRID, {FN(KEY_PPAGE), 'p'}, COMMAND_PAGE_PREVIOUS, "PgUp, p", NULL, "The page before."},
    {CONTEXT_GRID, {'+', '='}, COMMAND_LARGER, "+, =", NULL, "Larger pictures."},
    {CONTEXT_GRID, {'-'}, COMMAND_SMALLER, "-", NULL, "Smaller pictures, more of them."},
    {CONTEXT_GRID, {'h'}, COMMAND_HEAT, "h", NULL, "Heatmaps on or off."},
    {CONTEXT_GRID, {KEYMAP_ESCAPE}, COMMAND_BACK, "Esc", NULL, "Take the marks away; then back from alike ones."},

    {CONTEXT_RESULTS, {FN(KEY_LEFT)}, COMMAND_LEFT, "Left", "line left", "The line lower: more pictures are shown."},
    {CONTEXT_RESULTS, {FN(KEY_RIGHT)}, COMMAND_RIGHT, "Right", "line right", "The line higher: more are filtered."},
    {CONTEXT_RESULTS, {FN(KEY_PPAGE), '<'}, COMMAND_PAGE_PREVIOUS, "PgUp, <", NULL, "The line lower by ten steps."},
    {CONTEXT_RESULTS, {FN(KEY_NPAGE), '>'}, COMMAND_PAGE_NEXT, "PgDn, >", NULL, "The line higher by ten steps."},
    {CONTEXT_RESULTS, {'0', KEYMAP_ESCAPE}, COMMAND_BACK, "0, Esc", "threshold", "The line back to the threshold in use."},
    {CONTEXT_RESULTS, {'s'}, COMMAND_SCENE, "s", "scene", "The next scene."},

    {CONTEXT_FIND, {'/', 'f'}, COMMAND_FILTER, "/, f", "filter", "Write what to look for (below)."},
    {CONTEXT_FIND, {'o'}, COMMAND_ORDER, "o", "order", "Order: by score, by answer, by when it was added."},
    {CONTEXT_FIND, {KEYMAP_ENTER}, COMMAND_OPEN, "Enter", "open", "This one in the review; it can be answered anew."},
    {CONTEXT_FIND, {FN(KEY_UP), 'k'}, COMMAND_UP, "Up, k", NULL, "The one above."},
    {CONTEXT_FIND, {FN(KEY_DOWN), 'j'}, COMMAND_DOWN, "Down, j", NULL, "The one below."},
    {CONTEXT_FIND, {FN(KEY_PPAGE), 'p'}, COMMAND_PAGE_PREVIOUS, "PgUp, p", NULL, "A page up."},
    {CONTEXT_FIND, {FN(KEY_NPAGE), ' '}, COMMAND_PAGE_NEXT, "PgDn, Space", NULL, "A page down."},
    {CONTEXT_FIND, {'s'}, COMMAND_SAVE, "s", "save", "Save the filter under a name; no name: forget it."},
    {CONTEXT_FIND, {'a'}, COMMAND_SAVED, "a", "saved", "Apply a saved filter; again: the next one."},
    {CONTEXT_FIND, {'h'}, COMMAND_HEAT, "h", NULL, "Heatmap on or off."},
    {CONTEXT_FIND, {KEYMAP_ESCAPE}, COMMAND_BACK, "Esc", NULL, "Without a filter again."},

    {CONTEXT_CLASSES, {'e'}, COMMAND_RENAME, "e", "rename", "Edit the name; what was said so far goes with it."},
    {CONTEXT_CLASSES, {'c'}, COMMAND_CODE, "c", "code", "The code to type for it (cr for crack)."},
    {CONTEXT_CLASSES, {'s'}, COMMAND_LEVEL, "s", "severity", "The severity proposed for it, in turn."},
    {CONTEXT_CLASSES, {'b'}, COMMAND_BELOW, "b", "below", "Put it below another class in the tree."},
    {CONTEXT_CLASSES, {'m'}, COMMAND_MERGE, "m", "merge", "Merge it into another, with all that was said."},
    {CONTEXT_CLASSES, {'x'}, COMMAND_RETIRE, "x", "retire", "Offer it no more, or again; answers keep it."},
    {CONTEXT_CLASSES, {KEYMAP_ENTER}, COMMAND_OPEN, "Enter", NULL, "Find its pictures."},
    {CONTEXT_CLASSES, {FN(KEY_UP), 'k'}, COMMAND_UP, "Up, k", NULL, "The class above."},
    {CONTEXT_CLASSES, {FN(KEY_DOWN), 'j'}, COMMAND_DOWN, "Down, j", NULL, "The class below."},
    {CONTEXT_CLASSES, {FN(KEY_PPAGE), 'p'}, COMMAND_PAGE_PREVIOUS, "PgUp, p", NULL, "A page up."},
    {CONTEXT_CLASSES, {FN(KEY_NPAGE), ' '}, COMMAND_PAGE_NEXT, "PgDn, Space", NULL, "A page down."},

    {CONTEXT_ALL, {'1'}, COMMAND_VIEW_REVIEW, "1", "review", "One picture after the other."},
    {CONTEXT_ALL, {'2'}, COMMAND_VIEW_GRID, "2", "grid", "Many pictures at once."},
    {CONTEXT_ALL, {'3'}, COMMAND_VIEW_RESULTS, "3", "results", "What is found and lost, and what a threshold costs."},
    {CONTEXT_ALL, {'4'}, COMMAND_VIEW_FIND, "4", "find", "Find pictures by what is known of them."},
    {CONTEXT_ALL, {'5'}, COMMAND_VIEW_CLASSES, "5", "classes", "The classes of defects: names, codes, a tree."},
    {CONTEXT_ALL, {'\t'}, COMMAND_VIEW_NEXT, "Tab", NULL, "The next view."},
    {CONTEXT_ALL, {'u'}, COMMAND_UNDO, "u", "undo", "Take back your last answers and show the picture."},
    {CONTEXT_ALL, {'r', 'R' - '@'}, COMMAND_REDO, "r, Ctrl-R", NULL, "Give again what was taken back."},
    {CONTEXT_ALL, {'L' - '@'}, COMMAND_REDRAW, "Ctrl-L", NULL, "Draw the whole screen again."},
    {CONTEXT_ALL, {'?', FN(KEY_F(1))}, COMMAND_HELP, "?, F1", "help", "Show these keys."},
    {CONTEXT_ALL, {'q'}, COMMAND_QUIT, "q", "quit", "Leave. Every answer is already stored."},

    {CONTEXT_CLASS, {FN(KEY_UP)}, COMMAND_UP, "Up", NULL, "The class above."},
    {CONTEXT_CLASS, {FN(KEY_DOWN), '\t'}, COMMAND_DOWN, "Down, Tab", "next", "The class below."},
    {CONTEXT_CLASS, {KEYMAP_BACKSPACE}, COMMAND_ERASE, "Backspace", NULL, "Erase the last letter of the search."},
    {CONTEXT_CLASS, {KEYMAP_ENTER}, COMMAND_ACCEPT, "Enter", "take it",
     "Take it; an unlisted name becomes a new class."},
    {CONTEXT_CLASS, {KEYMAP_ESCAPE}, COMMAND_BACK, "Esc", "back", "Go back to the picture, nothing is stored."},

    {CONTEXT_SEVERITY, {'s', '1'}, COMMAND_STOP, "s, 1", NULL, "Stop: pull it from service."},
    {CONTEXT_SEVERITY, {'k', '2'}, COMMAND_KEY, "k, 2", NULL, "Key: repair it soon."},
    {CONTEXT_SEVERITY, {'g', '3'}, COMMAND_GENERAL, "g, 3", NULL, "General: note it."},
    {CONTEXT_SEVERITY, {FN(KEY_UP)}, COMMAND_UP, "Up", NULL, "The severity above."},
    {CONTEXT_SEVERITY, {FN(KEY_DOWN), '\t'}, COMMAND_DOWN, "Down, Tab", "next", "The severity below."},
    {CONTEXT_SEVERITY, {KEYMAP_ENTER}, COMMAND_ACCEPT, "Enter", "take it",
     "Take it; at first the one this class had last."},
    {CONTEXT_SEVERITY, {KEYMAP_ESCAPE}, COMMAND_BACK, "Esc", "back", "Go back to the classes."},

    {CONTEXT_LINE, {KEYMAP_ENTER}, COMMAND_ACCEPT, "Enter", "take it", "Take the line."},
    {CONTEXT_LINE, {KEYMAP_BACKSPACE}, COMMAND_ERASE, "Backspace", NULL, "Erase the last letter."},
    {CONTEXT_LINE, {'U' - '@'}, COMMAND_WHOLE, "Ctrl-U", NULL, "Erase the line."},
    {CONTEXT_LINE, {KEYMAP_ESCAPE}, COMMAND_BACK, "Esc", "back", "Leave it as it was."},

    {CONTEXT_NOTE, {KEYMAP_ENTER}, COMMAND_ACCEPT, "Enter", "keep it", "Keep the note; an empty one is none."},
    {CONTEXT_NOTE, {KEYMAP_BACKSPACE}, COMMAND_ERASE, "Backspace", NULL, "Erase the last letter."},
    {CONTEXT_NOTE, {KEYMAP_ESCAPE}, COMMAND_BACK, "Esc", "back", "Leave the note as it was."},

    {CONTEXT_TEXT, {KEYMAP_ESCAPE, 'q', '?', KEYMAP_ENTER}, COMMAND_BACK, "Esc, q, ?, Enter", "back",
     "Leave what is being read."},
    {CONTEXT_TEXT, {FN(KEY_DOWN), 'j', ' ', FN(KEY_NPAGE)}, COMMAND_DOWN, "Down, j, Space, PgDn", "further",
     "Read on."},
    {CONTEXT_TEXT, {FN(KEY_UP), 'k', FN(KEY_PPAGE)}, COMMAND_UP, "Up, k, PgUp", NULL, "Read back."},
};

const struct binding *keymap_table(size_t *count)
{
    *count = sizeof table / sizeof *table;
    return table;
}

const char *keymap_context(enum context context)
{
    static const char *const names[CONTEXTS] = {
        "Review: one picture after the other", "Grid: many pictures at once", "Results: what is found, and at what cost", "Find", "Classes", "In every view",
        "Choosing the class", "Choosing the severity", "Writing a line", "Writing a note", "Reading help or a log"};
    return names[context];
}

bool keymap_is_view(enum context context)
{
    return context < CONTEXT_ALL;
}

static enum command find(enum context context, int key)
{
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        for (int k = 0; k < KEYMAP_KEYS && table[i].context == context && table[i].keys[k]; k++)
            if (table[i].keys[k] == key)
                return table[i].command;
    return COMMAND_NONE;
}

enum command keymap_find(enum context context, int key)
{
    enum command command = find(context, key);
    return command == COMMAND_NONE && keymap_is_view(context) ? find(CONTEXT_ALL, key) : command;
}

int keymap_key(const char *name)
{
    static const struct {
        const char *name;
        int key;
    } named[] = {
        {"Enter", KEYMAP_ENTER},      {"Escape", KEYMAP_ESCAPE},    {"Backspace", KEYMAP_BACKSPACE},
        {"Up", FN(KEY_UP)},           {"Down", FN(KEY_DOWN)},       {"Left", FN(KEY_LEFT)},
        {"Right", FN(KEY_RIGHT)},     {"PageUp", FN(KEY_PPAGE)},    {"PageDown", FN(KEY_NPAGE)},
        {"F1", FN(KEY_F(1))},         {"Space", ' '},               {"Tab", '\t'},
    };
    for (size_t i = 0; i < sizeof named / sizeof *named; i++)
        if (strcmp(named[i].name, name) == 0)
            return named[i].key;
    if (name[0] == 'C' && name[1] == '-' && name[2] >= 'a' && name[2] <= 'z' && !name[3])
        return name[2] - 'a' + 1;
    wchar_t wide[2];
    return draw_decode(name, wide, 2) == 1 ? (int)wide[0] : 0;
}

static void put_context(struct strbuf *text, enum context context, int mode)
{
    bool begun = false;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        if (table[i].context != context)
            continue;
        if (!begun)
            strbuf_printf(text, mode ? ".SS %s\n" : "%s:\n", keymap_context(context));
        strbuf_printf(text, mode ? ".TP\n.B %s\n%s\n" : "  %-22s %s\n", table[i].shown, table[i].help);
        begun = true;
    }
}

char *keymap_text(enum context first)
{
    struct strbuf text = {0};
    put_context(&text, first, 0);
    if (keymap_is_view(first))
        put_context(&text, CONTEXT_ALL, 0);
    for (int context = 0; context < CONTEXTS; context++)
        if (context != (int)first && (context != CONTEXT_ALL || !keymap_is_view(first)))
            put_context(&text, (enum context)context, 0);
    return text.data;
}

char *review_keys(int mode)
{
    struct strbuf text = {0};
    for (int context = 0; context < CONTEXTS; context++)
        put_context(&text, (enum context)context, mode);
    return text.data;
}
