#include "config.h"

#include <curses.h>

#include "base/intl.h"
#include "base/strbuf.h"
#include "ui/keymap.h"
#include "ui/keymap_impl.h"

#define FN(key) (KEYMAP_FUNCTION + (key))

static const struct binding table[] = {
    {CONTEXT_REVIEW, {'n'}, COMMAND_NORMAL, "n", N_("normal"), N_("Nothing is wrong; go on to the next picture.")},
    {CONTEXT_REVIEW, {'d'}, COMMAND_DEFECT, "d", N_("defect"), N_("A defect: choose its class, then how severe it is.")},
    {CONTEXT_REVIEW, {'w'}, COMMAND_UNSURE, "w", N_("unsure"), N_("You cannot tell: ask the lead, and go on.")},
    {CONTEXT_REVIEW, {'s'}, COMMAND_SKIP, "s", N_("skip"), N_("Leave the picture open and go on.")},
    {CONTEXT_REVIEW, {'j', FN(KEY_NPAGE)}, COMMAND_NEXT, "j, PgDn", NULL,
     N_("Look at the next picture without answering.")},
    {CONTEXT_REVIEW, {'k', FN(KEY_PPAGE)}, COMMAND_PREVIOUS, "k, PgUp", NULL,
     N_("Look at the one before; it can be answered anew.")},
    {CONTEXT_REVIEW, {FN(KEY_UP)}, COMMAND_UP, "Up", NULL, N_("Magnified: move up; else the picture before.")},
    {CONTEXT_REVIEW, {FN(KEY_DOWN)}, COMMAND_DOWN, "Down", NULL, N_("Magnified: move down; else the next picture.")},
    {CONTEXT_REVIEW, {FN(KEY_LEFT)}, COMMAND_LEFT, "Left", NULL, N_("Magnified: move left; else the picture before.")},
    {CONTEXT_REVIEW, {FN(KEY_RIGHT)}, COMMAND_RIGHT, "Right", NULL, N_("Magnified: move right; else the next picture.")},
    {CONTEXT_REVIEW, {'h'}, COMMAND_HEAT, "h", N_("heatmap"), N_("Show or hide where the model finds the picture odd.")},
    {CONTEXT_REVIEW, {'H'}, COMMAND_STRENGTH, "H", NULL, N_("The heatmap in its three strengths, in turn.")},
    {CONTEXT_REVIEW, {'+', '='}, COMMAND_IN, "+, =", NULL, N_("Look closer.")},
    {CONTEXT_REVIEW, {'-'}, COMMAND_OUT, "-", NULL, N_("Look from further away.")},
    {CONTEXT_REVIEW, {'0'}, COMMAND_WHOLE, "0", NULL, N_("The whole picture again, as it is.")},
    {CONTEXT_REVIEW, {'o'}, COMMAND_PIXELS, "o", NULL, N_("One pixel of the picture is one of the screen.")},
    {CONTEXT_REVIEW, {'x'}, COMMAND_CONTRAST, "x", NULL, N_("More contrast: for pictures that are dark or pale.")},
    {CONTEXT_REVIEW, {'i'}, COMMAND_INVERT, "i", NULL, N_("Invert: dark becomes bright.")},
    {CONTEXT_REVIEW, {'b'}, COMMAND_VIEW_REGIONS, "b", N_("regions"), N_("Draw boxes, polygons and masks on this picture.")},
    {CONTEXT_REVIEW, {'c'}, COMMAND_COMPARE, "c", N_("compare"), N_("The most similar normal picture beside it.")},
    {CONTEXT_REVIEW, {'C'}, COMMAND_FLICKER, "C", NULL, N_("The same in its place, moved to fit, in turn.")},
    {CONTEXT_REVIEW, {'v'}, COMMAND_DEFECTS, "v", NULL, N_("The nearest known defects beside it.")},
    {CONTEXT_REVIEW, {'l'}, COMMAND_HISTORY, "l", NULL, N_("Log: what was said about this picture, by whom.")},
    {CONTEXT_REVIEW, {'m'}, COMMAND_NOTE, "m", NULL, N_("Memo: write a note; it is kept with your answer.")},

    {CONTEXT_GRID, {' '}, COMMAND_MARK, "Space", N_("mark"), N_("Mark this one, or take its mark away; go on.")},
    {CONTEXT_GRID, {'b'}, COMMAND_RANGE, "b", NULL, N_("Block: mark all from the last mark to here.")},
    {CONTEXT_GRID, {'A'}, COMMAND_MARK_ALL, "A", NULL, N_("Mark the whole page, or take all marks away.")},
    {CONTEXT_GRID, {'N'}, COMMAND_ALL_NORMAL, "N", N_("rest normal"), N_("All on the page that are not marked are normal.")},
    {CONTEXT_GRID, {'n'}, COMMAND_NORMAL, "n", N_("normal"), N_("The marked ones, or this one, are normal.")},
    {CONTEXT_GRID, {'d'}, COMMAND_DEFECT, "d", N_("defect"), N_("The marked ones, or this one, show a defect.")},
    {CONTEXT_GRID, {'w'}, COMMAND_UNSURE, "w", NULL, N_("The marked ones, or this one: ask the lead.")},
    {CONTEXT_GRID, {'s'}, COMMAND_SKIP, "s", NULL, N_("Leave the marked ones, or this one, open.")},
    {CONTEXT_GRID, {'a'}, COMMAND_ALIKE, "a", N_("alike"), N_("Open pictures like this one, most similar first.")},
    {CONTEXT_GRID, {KEYMAP_ENTER}, COMMAND_OPEN, "Enter", NULL, N_("This one in the review, large.")},
    {CONTEXT_GRID, {FN(KEY_LEFT), 'k'}, COMMAND_LEFT, "Left, k", NULL, N_("The picture before.")},
    {CONTEXT_GRID, {FN(KEY_RIGHT), 'j'}, COMMAND_RIGHT, "Right, j", NULL, N_("The next picture.")},
    {CONTEXT_GRID, {FN(KEY_UP)}, COMMAND_UP, "Up", NULL, N_("The row above.")},
    {CONTEXT_GRID, {FN(KEY_DOWN)}, COMMAND_DOWN, "Down", NULL, N_("The row below.")},
    {CONTEXT_GRID, {FN(KEY_NPAGE), 'f'}, COMMAND_PAGE_NEXT, "PgDn, f", NULL, N_("Forward: the next page.")},
    {CONTEXT_GRID, {FN(KEY_PPAGE), 'p'}, COMMAND_PAGE_PREVIOUS, "PgUp, p", NULL, N_("The page before.")},
    {CONTEXT_GRID, {'+', '='}, COMMAND_LARGER, "+, =", NULL, N_("Larger pictures.")},
    {CONTEXT_GRID, {'-'}, COMMAND_SMALLER, "-", NULL, N_("Smaller pictures, more of them.")},
    {CONTEXT_GRID, {'h'}, COMMAND_HEAT, "h", NULL, N_("Heatmaps on or off.")},
    {CONTEXT_GRID, {KEYMAP_ESCAPE}, COMMAND_BACK, "Esc", NULL, N_("Take the marks away; then back from alike ones.")},

    {CONTEXT_RESULTS, {FN(KEY_LEFT)}, COMMAND_LEFT, "Left", N_("line left"), N_("The line lower: more pictures are shown.")},
    {CONTEXT_RESULTS, {FN(KEY_RIGHT)}, COMMAND_RIGHT, "Right", N_("line right"), N_("The line higher: more are filtered.")},
    {CONTEXT_RESULTS, {FN(KEY_PPAGE), '<'}, COMMAND_PAGE_PREVIOUS, "PgUp, <", NULL, N_("The line lower by ten steps.")},
    {CONTEXT_RESULTS, {FN(KEY_NPAGE), '>'}, COMMAND_PAGE_NEXT, "PgDn, >", NULL, N_("The line higher by ten steps.")},
    {CONTEXT_RESULTS, {'0', KEYMAP_ESCAPE}, COMMAND_BACK, "0, Esc", N_("threshold"), N_("The line back to the threshold in use.")},
    {CONTEXT_RESULTS, {'c'}, COMMAND_COMPARE, "c", N_("curve"), N_("Recall against filter rate, or the scores.")},
    {CONTEXT_RESULTS, {'g'}, COMMAND_KAPPA, "g", N_("confusion"), N_("Which classes are confused; how answers agree.")},
    {CONTEXT_RESULTS, {'s'}, COMMAND_SCENE, "s", N_("scene"), N_("The next scene.")},

    {CONTEXT_FIND, {'/', 'f'}, COMMAND_FILTER, "/, f", N_("filter"), N_("Write what to look for (below).")},
    {CONTEXT_FIND, {'o'}, COMMAND_ORDER, "o", N_("order"), N_("Order: by score, by answer, by when it was added.")},
    {CONTEXT_FIND, {KEYMAP_ENTER}, COMMAND_OPEN, "Enter", N_("show"), N_("This one in the review; it can be answered anew.")},
    {CONTEXT_FIND, {FN(KEY_UP), 'k'}, COMMAND_UP, "Up, k", NULL, N_("The one above.")},
    {CONTEXT_FIND, {FN(KEY_DOWN), 'j'}, COMMAND_DOWN, "Down, j", NULL, N_("The one below.")},
    {CONTEXT_FIND, {FN(KEY_PPAGE), 'p'}, COMMAND_PAGE_PREVIOUS, "PgUp, p", NULL, N_("A page up.")},
    {CONTEXT_FIND, {FN(KEY_NPAGE), ' '}, COMMAND_PAGE_NEXT, "PgDn, Space", NULL, N_("A page down.")},
    {CONTEXT_FIND, {'s'}, COMMAND_SAVE, "s", N_("save"), N_("Save the filter under a name; no name: forget it.")},
    {CONTEXT_FIND, {'a'}, COMMAND_SAVED, "a", N_("saved"), N_("Apply a saved filter; again: the next one.")},
    {CONTEXT_FIND, {'h'}, COMMAND_HEAT, "h", NULL, N_("Heatmap on or off.")},
    {CONTEXT_FIND, {KEYMAP_ESCAPE}, COMMAND_BACK, "Esc", NULL, N_("Without a filter again.")},

    {CONTEXT_CLASSES, {'n'}, COMMAND_CLASS_NEW, "n", N_("new"), N_("A new class.")},
    {CONTEXT_CLASSES, {'e'}, COMMAND_RENAME, "e", N_("rename"), N_("Edit the name; what was said so far goes with it.")},
    {CONTEXT_CLASSES, {'c'}, COMMAND_CODE, "c", N_("code"), N_("The code to type for it (cr for crack).")},
    {CONTEXT_CLASSES, {'s'}, COMMAND_LEVEL, "s", N_("severity"), N_("The severity proposed for it, in turn.")},
    {CONTEXT_CLASSES, {'b'}, COMMAND_BELOW, "b", N_("below"), N_("Put it below another class in the tree.")},
    {CONTEXT_CLASSES, {'m'}, COMMAND_MERGE, "m", N_("merge"), N_("Merge it into another, with all that was said.")},
    {CONTEXT_CLASSES, {'x'}, COMMAND_RETIRE, "x", N_("retire"), N_("Offer it no more, or again; answers keep it.")},
    {CONTEXT_CLASSES, {'l'}, COMMAND_RELATIONS, "l", N_("relations"), N_("On what it is found, why, and what to do.")},
    {CONTEXT_CLASSES, {'a'}, COMMAND_STATE, "a", N_("state"), N_("State: component; cause; action; severity.")},
    {CONTEXT_CLASSES, {'z'}, COMMAND_ZH, "z", NULL, N_("Its name in Chinese.")},
    {CONTEXT_CLASSES, {'t'}, COMMAND_TEMPLATE, "t", N_("template"), N_("Take the classes of a template.")},
    {CONTEXT_CLASSES, {'T'}, COMMAND_TEMPLATES, "T", NULL, N_("The templates there are.")},
    {CONTEXT_CLASSES, {KEYMAP_ENTER}, COMMAND_OPEN, "Enter", NULL, N_("Find its pictures.")},
    {CONTEXT_CLASSES, {FN(KEY_UP), 'k'}, COMMAND_UP, "Up, k", NULL, N_("The class above.")},
    {CONTEXT_CLASSES, {FN(KEY_DOWN), 'j'}, COMMAND_DOWN, "Down, j", NULL, N_("The class below.")},
    {CONTEXT_CLASSES, {FN(KEY_PPAGE), 'p'}, COMMAND_PAGE_PREVIOUS, "PgUp, p", NULL, N_("A page up.")},
    {CONTEXT_CLASSES, {FN(KEY_NPAGE), ' '}, COMMAND_PAGE_NEXT, "PgDn, Space", NULL, N_("A page down.")},

    {CONTEXT_SECOND, {'n'}, COMMAND_NORMAL, "n", N_("normal"), N_("Nothing is wrong; yours is the answer that counts.")},
    {CONTEXT_SECOND, {'d'}, COMMAND_DEFECT, "d", N_("defect"), N_("A defect: choose its class, then how severe it is.")},
    {CONTEXT_SECOND, {'w'}, COMMAND_UNSURE, "w", N_("unsure"), N_("Nobody can tell from this picture.")},
    {CONTEXT_SECOND, {'t'}, COMMAND_TELL, "t", N_("tell"), N_("Show what was said: your answer is not blind then.")},
    {CONTEXT_SECOND, {'a'}, COMMAND_AGREE, "a", N_("agree"), N_("Show what was said; again: agree with it.")},
    {CONTEXT_SECOND, {'c'}, COMMAND_COMMENT, "c", N_("comment"), N_("Write to the one whose answer it is.")},
    {CONTEXT_SECOND, {'g'}, COMMAND_KAPPA, "g", N_("agreement"), N_("How the answers agree, by class and inspector.")},
    {CONTEXT_SECOND, {'j', FN(KEY_NPAGE), FN(KEY_DOWN), 's'}, COMMAND_NEXT, "j, PgDn, Down, s", NULL, N_("The next one; this one waits on.")},
    {CONTEXT_SECOND, {'k', FN(KEY_PPAGE), FN(KEY_UP)}, COMMAND_PREVIOUS, "k, PgUp, Up", NULL, N_("The one before.")},
    {CONTEXT_SECOND, {'h'}, COMMAND_HEAT, "h", NULL, N_("Heatmap on or off.")},
    {CONTEXT_SECOND, {'x'}, COMMAND_CONTRAST, "x", NULL, N_("More contrast: for pictures that are dark or pale.")},
    {CONTEXT_SECOND, {'i'}, COMMAND_INVERT, "i", NULL, N_("Invert: dark becomes bright.")},
    {CONTEXT_SECOND, {'l'}, COMMAND_HISTORY, "l", NULL, N_("Log: what was said about this picture, by whom.")},
    {CONTEXT_SECOND, {'m'}, COMMAND_NOTE, "m", NULL, N_("Memo: write a note; it is kept with your answer.")},
    {CONTEXT_SECOND, {KEYMAP_ENTER}, COMMAND_OPEN, "Enter", NULL, N_("This one in the review, with all its means.")},

    {CONTEXT_LOG, {'/', 'f'}, COMMAND_FILTER, "/, f", N_("filter"), N_("Write what to look for (below).")},
    {CONTEXT_LOG, {KEYMAP_ENTER}, COMMAND_OPEN, "Enter", N_("show"), N_("The line's picture in the review.")},
    {CONTEXT_LOG, {'o'}, COMMAND_HANDOVER, "o", N_("handover"), N_("What a shift found and leaves open.")},
    {CONTEXT_LOG, {FN(KEY_UP), 'k'}, COMMAND_UP, "Up, k", NULL, N_("The one above.")},
    {CONTEXT_LOG, {FN(KEY_DOWN), 'j'}, COMMAND_DOWN, "Down, j", NULL, N_("The one below.")},
    {CONTEXT_LOG, {FN(KEY_PPAGE), 'p'}, COMMAND_PAGE_PREVIOUS, "PgUp, p", NULL, N_("A page up.")},
    {CONTEXT_LOG, {FN(KEY_NPAGE), ' '}, COMMAND_PAGE_NEXT, "PgDn, Space", NULL, N_("A page down.")},
    {CONTEXT_LOG, {KEYMAP_ESCAPE}, COMMAND_BACK, "Esc", NULL, N_("Without a filter again.")},

    {CONTEXT_TRAINING, {'t'}, COMMAND_TRAIN, "t", N_("train"), N_("Begin a round; it goes on when you leave.")},
    {CONTEXT_TRAINING, {'T'}, COMMAND_TRAIN_ALONE, "T", NULL, N_("A round that begins without the industry model.")},
    {CONTEXT_TRAINING, {'p'}, COMMAND_PAUSE, "p", N_("pause"), N_("Pause the round, or let a paused one go on.")},
    {CONTEXT_TRAINING, {'x'}, COMMAND_CANCEL, "x", N_("end"), N_("Give the round up; asks once more.")},
    {CONTEXT_TRAINING, {'a'}, COMMAND_PROMOTE, "a", N_("promote"), N_("Make the waiting model active; asks once more.")},
    {CONTEXT_TRAINING, {'b'}, COMMAND_ROLLBACK, "b", N_("rollback"), N_("Back to what was active before; asks once more.")},
    {CONTEXT_TRAINING, {'e'}, COMMAND_EVERY, "e", N_("auto"), N_("Train by itself after so many new answers; 0 never.")},
    {CONTEXT_TRAINING, {'s'}, COMMAND_SCENE, "s", N_("scene"), N_("The next scene.")},
    {CONTEXT_TRAINING, {KEYMAP_ENTER}, COMMAND_OPEN, "Enter", NULL, N_("All that is known of this round.")},
    {CONTEXT_TRAINING, {FN(KEY_UP), 'k'}, COMMAND_UP, "Up, k", NULL, N_("The round above: its curve.")},
    {CONTEXT_TRAINING, {FN(KEY_DOWN), 'j'}, COMMAND_DOWN, "Down, j", NULL, N_("The round below: its curve.")},

    {CONTEXT_MODELS, {KEYMAP_ENTER}, COMMAND_OPEN, "Enter", N_("details"), N_("Parameters, data, figures and history of this one.")},
    {CONTEXT_MODELS, {'a'}, COMMAND_PROMOTE, "a", N_("promote"), N_("Make it active in its scene; asks once more.")},
    {CONTEXT_MODELS, {'b'}, COMMAND_ROLLBACK, "b", N_("rollback"), N_("Back to what was active before; asks once more.")},
    {CONTEXT_MODELS, {FN(KEY_UP), 'k'}, COMMAND_UP, "Up, k", NULL, N_("The one above.")},
    {CONTEXT_MODELS, {FN(KEY_DOWN), 'j'}, COMMAND_DOWN, "Down, j", NULL, N_("The one below.")},
    {CONTEXT_MODELS, {FN(KEY_PPAGE), 'p'}, COMMAND_PAGE_PREVIOUS, "PgUp, p", NULL, N_("A page up.")},
    {CONTEXT_MODELS, {FN(KEY_NPAGE), ' '}, COMMAND_PAGE_NEXT, "PgDn, Space", NULL, N_("A page down.")},

    {CONTEXT_WORKFLOW, {KEYMAP_ENTER}, COMMAND_OPEN, "Enter", N_("do it"), N_("Do what is next in this scene.")},
    {CONTEXT_WORKFLOW, {'t'}, COMMAND_TRAIN, "t", N_("train"), N_("Begin a round of training in this scene.")},
    {CONTEXT_WORKFLOW, {FN(KEY_UP), 'k'}, COMMAND_UP, "Up, k", NULL, N_("The scene above.")},
    {CONTEXT_WORKFLOW, {FN(KEY_DOWN), 'j'}, COMMAND_DOWN, "Down, j", NULL, N_("The scene below.")},

    {CONTEXT_REGIONS, {'n'}, COMMAND_NORMAL, "n", N_("normal"), N_("Nothing is wrong; go on to the next picture.")},
    {CONTEXT_REGIONS, {'d'}, COMMAND_DEFECT, "d", N_("defect"), N_("A defect, of the worst class drawn; go on.")},
    {CONTEXT_REGIONS, {KEYMAP_ENTER}, COMMAND_ACCEPT, "Enter", N_("take"), N_("Take the suggestion; end what is being drawn.")},
    {CONTEXT_REGIONS, {'b'}, COMMAND_BOX, "b", N_("box"), N_("Begin a box at the cursor; again: end it.")},
    {CONTEXT_REGIONS, {'p'}, COMMAND_POLYGON, "p", N_("polygon"), N_("Begin a polygon, or set its next point.")},
    {CONTEXT_REGIONS, {'m'}, COMMAND_BRUSH, "m", N_("mask"), N_("Paint a mask, or on the chosen one; again: end it.")},
    {CONTEXT_REGIONS, {'f'}, COMMAND_FIT, "f", N_("fit"), N_("Fit the chosen one, or a new box, to the heatmap.")},
    {CONTEXT_REGIONS, {'c'}, COMMAND_CLASS, "c", N_("class"), N_("Its class; those drawn next get it, too.")},
    {CONTEXT_REGIONS, {'j'}, COMMAND_DOWN_LIST, "j", NULL, N_("Choose the next one, drawn or suggested.")},
    {CONTEXT_REGIONS, {'k'}, COMMAND_UP_LIST, "k", NULL, N_("Choose the one before.")},
    {CONTEXT_REGIONS, {' '}, COMMAND_MARK, "Space", NULL, N_("Choose what lies there; painting: lift the brush.")},
    {CONTEXT_REGIONS, {'a'}, COMMAND_MARK_ALL, "a", NULL, N_("Take all suggestions.")},
    {CONTEXT_REGIONS, {FN(KEY_LEFT)}, COMMAND_LEFT, "Left", NULL, N_("Move the cursor, the chosen one or its corner.")},
    {CONTEXT_REGIONS, {FN(KEY_RIGHT)}, COMMAND_RIGHT, "Right", NULL, N_("The same, to the right.")},
    {CONTEXT_REGIONS, {FN(KEY_UP)}, COMMAND_UP, "Up", NULL, N_("The same, up.")},
    {CONTEXT_REGIONS, {FN(KEY_DOWN)}, COMMAND_DOWN, "Down", NULL, N_("The same, down.")},
    {CONTEXT_REGIONS, {FN(KEY_SLEFT)}, COMMAND_FAR_LEFT, "Shift-Left", NULL, N_("To the left in the other step.")},
    {CONTEXT_REGIONS, {FN(KEY_SRIGHT)}, COMMAND_FAR_RIGHT, "Shift-Right", NULL, N_("To the right in the other step.")},
    {CONTEXT_REGIONS, {FN(KEY_SR)}, COMMAND_FAR_UP, "Shift-Up", NULL, N_("Up in the other step.")},
    {CONTEXT_REGIONS, {FN(KEY_SF)}, COMMAND_FAR_DOWN, "Shift-Down", NULL, N_("Down in the other step.")},
    {CONTEXT_REGIONS, {'.'}, COMMAND_STEP, ".", NULL, N_("Steps of one pixel, or of many.")},
    {CONTEXT_REGIONS, {'e'}, COMMAND_CORNER, "e", NULL, N_("Edit a corner with the arrows; again: the next one.")},
    {CONTEXT_REGIONS, {'>', ']'}, COMMAND_LARGER, ">, ]", NULL, N_("The chosen one, or the brush, larger.")},
    {CONTEXT_REGIONS, {'<', '['}, COMMAND_SMALLER, "<, [", NULL, N_("The chosen one, or the brush, smaller.")},
    {CONTEXT_REGIONS, {'t'}, COMMAND_RUB, "t", NULL, N_("The brush takes away, or paints again.")},
    {CONTEXT_REGIONS, {KEYMAP_BACKSPACE, FN(KEY_DC)}, COMMAND_ERASE, "Backspace, Del", NULL, N_("Erase the chosen one, or the polygon's last point.")},
    {CONTEXT_REGIONS, {'w'}, COMMAND_UNSURE, "w", NULL, N_("You cannot tell: ask the lead, and go on.")},
    {CONTEXT_REGIONS, {'s'}, COMMAND_SKIP, "s", NULL, N_("Leave the picture open and go on.")},
    {CONTEXT_REGIONS, {FN(KEY_NPAGE)}, COMMAND_NEXT, "PgDn", NULL, N_("Look at the next picture without answering.")},
    {CONTEXT_REGIONS, {FN(KEY_PPAGE)}, COMMAND_PREVIOUS, "PgUp", NULL, N_("Look at the one before; it can be answered anew.")},
    {CONTEXT_REGIONS, {'+', '='}, COMMAND_IN, "+, =", NULL, N_("Look closer.")},
    {CONTEXT_REGIONS, {'-'}, COMMAND_OUT, "-", NULL, N_("Look from further away.")},
    {CONTEXT_REGIONS, {'0'}, COMMAND_WHOLE, "0", NULL, N_("The whole picture again, as it is.")},
    {CONTEXT_REGIONS, {'o'}, COMMAND_PIXELS, "o", NULL, N_("One pixel of the picture is one of the screen.")},
    {CONTEXT_REGIONS, {'h'}, COMMAND_HEAT, "h", NULL, N_("Show or hide where the model finds the picture odd.")},
    {CONTEXT_REGIONS, {'H'}, COMMAND_STRENGTH, "H", NULL, N_("The heatmap in its three strengths, in turn.")},
    {CONTEXT_REGIONS, {'x'}, COMMAND_CONTRAST, "x", NULL, N_("More contrast: for pictures that are dark or pale.")},
    {CONTEXT_REGIONS, {'i'}, COMMAND_INVERT, "i", NULL, N_("Invert: dark becomes bright.")},
    {CONTEXT_REGIONS, {KEYMAP_ESCAPE}, COMMAND_BACK, "Esc", N_("back"), N_("Let go of what is drawn or chosen; then the review.")},

    {CONTEXT_SETTINGS, {KEYMAP_ENTER, 'e'}, COMMAND_OPEN, "Enter, e", N_("change"), N_("Change it for this project.")},
    {CONTEXT_SETTINGS, {'o'}, COMMAND_OWN, "o", N_("own"), N_("Change it for yourself, in all projects.")},
    {CONTEXT_SETTINGS, {'x'}, COMMAND_UNSET, "x", N_("take out"), N_("Take it out of the project's file.")},
    {CONTEXT_SETTINGS, {'X'}, COMMAND_UNSET_OWN, "X", NULL, N_("Take it out of your own file.")},
    {CONTEXT_SETTINGS, {FN(KEY_UP), 'k'}, COMMAND_UP, "Up, k", NULL, N_("The one above.")},
    {CONTEXT_SETTINGS, {FN(KEY_DOWN), 'j'}, COMMAND_DOWN, "Down, j", NULL, N_("The one below.")},

    {CONTEXT_ALL, {'1'}, COMMAND_VIEW_REVIEW, "1", N_("review"), N_("One picture after the other.")},
    {CONTEXT_ALL, {'2'}, COMMAND_VIEW_GRID, "2", N_("grid"), N_("Many pictures at once.")},
    {CONTEXT_ALL, {'3'}, COMMAND_VIEW_RESULTS, "3", N_("results"), N_("What is found and lost, and what a threshold costs.")},
    {CONTEXT_ALL, {'4'}, COMMAND_VIEW_FIND, "4", N_("find"), N_("Find pictures by what is known of them.")},
    {CONTEXT_ALL, {'5'}, COMMAND_VIEW_CLASSES, "5", N_("classes"), N_("The classes of defects: names, codes, a tree.")},
    {CONTEXT_ALL, {'6'}, COMMAND_VIEW_TRAINING, "6", N_("training"), N_("Rounds of training: how they run, what came of it.")},
    {CONTEXT_ALL, {'7'}, COMMAND_VIEW_WORKFLOW, "7", N_("work"), N_("What stands where in every scene, and what is next.")},
    {CONTEXT_ALL, {'M'}, COMMAND_VIEW_MODELS, "M", N_("models"), N_("What was trained from what, and what is active.")},
    {CONTEXT_ALL, {'S'}, COMMAND_VIEW_SETTINGS, "S", NULL, N_("Settings: each with its value and where it is said.")},
    {CONTEXT_ALL, {'8'}, COMMAND_VIEW_SECOND, "8", NULL, N_("A lead's second look at answers.")},
    {CONTEXT_ALL, {'9'}, COMMAND_VIEW_LOG, "9", NULL, N_("Who did what when; the handover of a shift.")},
    {CONTEXT_ALL, {'\t'}, COMMAND_VIEW_NEXT, "Tab", NULL, N_("The next view.")},
    {CONTEXT_ALL, {'u'}, COMMAND_UNDO, "u", N_("undo"), N_("Take back your last answers and show the picture.")},
    {CONTEXT_ALL, {'r', 'R' - '@'}, COMMAND_REDO, "r, Ctrl-R", NULL, N_("Give again what was taken back.")},
    {CONTEXT_ALL, {'L' - '@'}, COMMAND_REDRAW, "Ctrl-L", NULL, N_("Draw the whole screen again.")},
    {CONTEXT_ALL, {'?', FN(KEY_F(1))}, COMMAND_HELP, "?, F1", N_("help"), N_("Show these keys.")},
    {CONTEXT_ALL, {'q'}, COMMAND_QUIT, "q", N_("quit"), N_("Leave. Every answer is already stored.")},

    {CONTEXT_CLASS, {FN(KEY_UP)}, COMMAND_UP, "Up", NULL, N_("The class above.")},
    {CONTEXT_CLASS, {FN(KEY_DOWN), '\t'}, COMMAND_DOWN, "Down, Tab", N_("next"), N_("The class below.")},
    {CONTEXT_CLASS, {KEYMAP_BACKSPACE}, COMMAND_ERASE, "Backspace", NULL, N_("Erase the last letter of the search.")},
    {CONTEXT_CLASS, {KEYMAP_ENTER}, COMMAND_ACCEPT, "Enter", N_("take it"),
     N_("Take it; an unlisted name becomes a new class.")},
    {CONTEXT_CLASS, {KEYMAP_ESCAPE}, COMMAND_BACK, "Esc", N_("back"), N_("Go back to the picture, nothing is stored.")},

    {CONTEXT_SEVERITY, {'s', '1'}, COMMAND_STOP, "s, 1", NULL, N_("Stop: pull it from service.")},
    {CONTEXT_SEVERITY, {'k', '2'}, COMMAND_KEY, "k, 2", NULL, N_("Key: repair it soon.")},
    {CONTEXT_SEVERITY, {'g', '3'}, COMMAND_GENERAL, "g, 3", NULL, N_("General: note it.")},
    {CONTEXT_SEVERITY, {FN(KEY_RIGHT)}, COMMAND_RIGHT, "Right", NULL, N_("The next component it may be on; then none.")},
    {CONTEXT_SEVERITY, {FN(KEY_LEFT)}, COMMAND_LEFT, "Left", NULL, N_("The component before.")},
    {CONTEXT_SEVERITY, {FN(KEY_UP)}, COMMAND_UP, "Up", NULL, N_("The severity above.")},
    {CONTEXT_SEVERITY, {FN(KEY_DOWN), '\t'}, COMMAND_DOWN, "Down, Tab", N_("next"), N_("The severity below.")},
    {CONTEXT_SEVERITY, {KEYMAP_ENTER}, COMMAND_ACCEPT, "Enter", N_("take it"),
     N_("Take it; at first the one this class had last.")},
    {CONTEXT_SEVERITY, {KEYMAP_ESCAPE}, COMMAND_BACK, "Esc", N_("back"), N_("Go back to the classes.")},

    {CONTEXT_LINE, {KEYMAP_ENTER}, COMMAND_ACCEPT, "Enter", N_("take it"), N_("Take the line.")},
    {CONTEXT_LINE, {KEYMAP_BACKSPACE}, COMMAND_ERASE, "Backspace", NULL, N_("Erase the last letter.")},
    {CONTEXT_LINE, {'U' - '@'}, COMMAND_WHOLE, "Ctrl-U", NULL, N_("Erase the line.")},
    {CONTEXT_LINE, {KEYMAP_ESCAPE}, COMMAND_BACK, "Esc", N_("back"), N_("Leave it as it was.")},

    {CONTEXT_NOTE, {KEYMAP_ENTER}, COMMAND_ACCEPT, "Enter", N_("keep it"), N_("Keep the note; an empty one is none.")},
    {CONTEXT_NOTE, {KEYMAP_BACKSPACE}, COMMAND_ERASE, "Backspace", NULL, N_("Erase the last letter.")},
    {CONTEXT_NOTE, {KEYMAP_ESCAPE}, COMMAND_BACK, "Esc", N_("back"), N_("Leave the note as it was.")},

    {CONTEXT_TEXT, {KEYMAP_ESCAPE, 'q', '?', KEYMAP_ENTER}, COMMAND_BACK, "Esc, q, ?, Enter", N_("back"),
     N_("Leave what is being read.")},
    {CONTEXT_TEXT, {'/'}, COMMAND_FILTER, "/", N_("search"), N_("Only what has a word in it; nothing: all of it.")},
    {CONTEXT_TEXT, {FN(KEY_DOWN), 'j', ' ', FN(KEY_NPAGE)}, COMMAND_DOWN, "Down, j, Space, PgDn", N_("further"),
     N_("Read on.")},
    {CONTEXT_TEXT, {FN(KEY_UP), 'k', FN(KEY_PPAGE)}, COMMAND_UP, "Up, k, PgUp", NULL, N_("Read back.")},

    {CONTEXT_JUMPS, {KEYMAP_ENTER}, COMMAND_OPEN, "Enter", N_("show"), N_("The line's picture in the review.")},
    {CONTEXT_JUMPS, {FN(KEY_DOWN), 'j'}, COMMAND_DOWN, "Down, j", N_("next"), N_("The next line with a picture.")},
    {CONTEXT_JUMPS, {FN(KEY_UP), 'k'}, COMMAND_UP, "Up, k", NULL, N_("The one before.")},
    {CONTEXT_JUMPS, {FN(KEY_NPAGE), ' '}, COMMAND_PAGE_NEXT, "PgDn, Space", N_("further"), N_("A page down.")},
    {CONTEXT_JUMPS, {FN(KEY_PPAGE)}, COMMAND_PAGE_PREVIOUS, "PgUp", NULL, N_("A page up.")},
    {CONTEXT_JUMPS, {'/'}, COMMAND_FILTER, "/", N_("search"), N_("Only what has a word in it; nothing: all of it.")},
    {CONTEXT_JUMPS, {KEYMAP_ESCAPE, 'q'}, COMMAND_BACK, "Esc, q", N_("back"), N_("Leave the list.")},
};

const struct binding *keymap_standard(size_t *count)
{
    *count = sizeof table / sizeof *table;
    return table;
}

const char *keymap_context(enum context context)
{
    static const char *const names[CONTEXTS] = {
        N_("Review: one picture after the other"), N_("Grid: many pictures at once"), N_("Results: what is found, and at what cost"), N_("Find"), N_("Classes"), N_("Regions: where the defects are"), N_("Second review: a lead looks again"), N_("Log"),
        N_("Training: rounds and what came out"), N_("Models: what was trained from what"), N_("Work: what stands where"), N_("Settings"),
        N_("In every view"),
        N_("Choosing the class"), N_("Choosing the severity"), N_("Writing a line"), N_("Writing a note"), N_("Reading help or a log"), N_("A list to go on from")};
    return _(names[context]);
}

bool keymap_is_view(enum context context)
{
    return context < CONTEXT_ALL;
}

const struct binding *keymap_table(const struct keymap *map, size_t *count)
{
    *count = map->count;
    return map->bindings;
}

static enum command find(const struct keymap *map, enum context context, int key)
{
    for (size_t i = 0; i < map->count; i++)
        for (int k = 0; k < KEYMAP_KEYS && map->bindings[i].context == context && map->bindings[i].keys[k]; k++)
            if (map->bindings[i].keys[k] == key)
                return map->bindings[i].command;
    return COMMAND_NONE;
}

enum command keymap_find(const struct keymap *map, enum context context, int key)
{
    enum command command = find(map, context, key);
    return command == COMMAND_NONE && keymap_is_view(context) ? find(map, CONTEXT_ALL, key) : command;
}

// The count where it has no place.
static size_t place(const struct keymap *map, enum context context, enum command command)
{
    for (int all = 0; all < 2; all++)
        for (size_t i = 0; i < map->count; i++)
            if (map->bindings[i].command == command && map->bindings[i].context == (all ? CONTEXT_ALL : context))
                return i;
    return map->count;
}

const char *keymap_first(const struct keymap *map, enum context context, enum command command)
{
    size_t at = place(map, context, command);
    return at < map->count ? map->first[at] : "-";
}

const char *keymap_shown(const struct keymap *map, enum context context, enum command command)
{
    size_t at = place(map, context, command);
    return at < map->count && map->bindings[at].shown[0] ? map->bindings[at].shown : "-";
}

static void put_context(const struct keymap *map, struct strbuf *text, enum context context, int mode)
{
    bool begun = false;
    for (size_t i = 0; i < map->count; i++) {
        const struct binding *b = &map->bindings[i];
        if (b->context != context)
            continue;
        if (!begun)
            strbuf_printf(text, mode ? ".SS %s\n" : _("%s:\n"), keymap_context(context));
        strbuf_printf(text, mode ? ".TP\n.B %s\n%s\n" : "  %-22s %s\n", b->shown[0] ? b->shown : "-", _(b->help));
        begun = true;
    }
}

char *keymap_text(const struct keymap *map, enum context first)
{
    struct strbuf text = {0};
    put_context(map, &text, first, 0);
    if (keymap_is_view(first))
        put_context(map, &text, CONTEXT_ALL, 0);
    for (int context = 0; context < CONTEXTS; context++)
        if (context != (int)first && (context != CONTEXT_ALL || !keymap_is_view(first)))
            put_context(map, &text, (enum context)context, 0);
    return text.data;
}

char *keymap_all(const struct keymap *map, bool man)
{
    struct strbuf text = {0};
    for (int context = 0; context < CONTEXTS; context++)
        put_context(map, &text, (enum context)context, man);
    return text.data;
}
