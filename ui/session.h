// The state of one run of the screen, shared by the files that handle its keys
// (input.c, view.c, answer.c), draw it (panel.c, popup.c, picture.c), make up the
// views and turn the loop (review.c).
#ifndef UI_SESSION_H
#define UI_SESSION_H

#include <curses.h>
#include <stdbool.h>

#include "ui/keymap.h"
#include "ui/prefetch.h"
#include "ui/regions.h"
#include "ui/review.h"
#include "ui/symbols.h"
#include "ui/term.h"
#include "ui/view.h"

enum { NOTE_ROOM = 400, CLASS_ROOM = NOTE_ROOM, COLUMNS_MIN = 40, LINES_MIN = 12, PANEL_FROM = 100, PANEL_WIDTH = 40,
       INFO_LINES = 4, LINE_SLOWEST = 3, SHOWN_MAX = 80, ITEM_TEXTS = 10 };

struct theme { // how the parts of the screen are told apart; never by colour alone
    attr_t head, key;
};

// How fast the line is, by when the terminal answers after a picture; pictures follow it.
struct line_speed {
    size_t bytes;  // sent since `sent`
    double rate;   // bytes a second, 0 unknown
    int level;     // 0 as good as the terminal can; from 1 on a small one comes first; LINE_SLOWEST the least
};

struct rect {
    int y, x, rows, cols;
};

struct entry { // an owned copy of an item
    bool present;
    struct review_item item; // its strings are those below; `heat` is not kept
    char *texts[ITEM_TEXTS];
};

// What has been seen of a picture: nothing yet; nothing, and nothing will be, for it cannot be read; the picture.
enum sight { SIGHT_NOT_YET, SIGHT_NONE, SIGHT_SEEN };

struct shown { // one picture on the screen
    struct rect pane;
    struct want want; // its path is owned
    bool ready;       // its cells were left free for a sixel that is ready
    bool drawn;       // the picture (or why it cannot be read) is drawn
    bool unreadable;  // ... the latter
    bool seen;        // ... and has arrived at the terminal
    bool drafted;     // the small picture was sent: the line is slow
    bool on_screen;   // a sixel lies on the pane
    bool stays;       // what lies there is the same picture, looked at otherwise: it stays until this is ready
    struct symbol *cells; // what lies there without sixel, (rows, cols); owned
};

struct related { // an owned copy
    struct knowledge_row row;
    char *texts[4];
};
struct choice { // class, then severity
    char search[CLASS_ROOM];
    size_t marked;
    char (*names)[CLASS_ROOM]; // (count), retired ones left out
    char (*codes)[CLASS_ROOM]; // (count)
    char (*zh)[CLASS_ROOM];    // (count) Chinese names
    int *severities;           // (count) 0 stop, 1 key, 2 general
    size_t count;
    bool likely;               // the first one is what the trained model takes the picture for, not the one used last
    char taken[CLASS_ROOM];
    int severity, class_severity; // the second: the class's own
    struct related *related;      // (related_count) what is known of the class taken
    size_t related_count, related_at; // at the count: no component
    int64_t picture;              // about which is answered, 0 several
    void (*done)(struct session *s, const char *class_name, const char *severity);
};

enum { COMPARE_MOST = 3 };
struct compare { // with what the picture of the review is compared
    enum { COMPARE_NOTHING, COMPARE_BESIDE, COMPARE_FLICKER, COMPARE_DEFECTS } how;
    bool loaded;         // for the picture `id`, then blind or not
    bool blind;
    int64_t id;
    size_t count;
    struct entry with[COMPARE_MOST];
    char why[sizeof((struct error *)0)->text]; // none: why
    bool stacked;        // beside: one above the other, where that leaves more room
    bool other;          // flicker: the other one is on the screen
    double turned_at;
};

struct grid_mark { // a picture, and what was seen of it when its page was left or asked about
    int64_t id;
    enum sight sight;
};
struct grid { // a contact sheet of the model's list, or of what is like one picture
    int tile_cols, tile_rows, cols, rows; // a tile in cells, with its line of words; tiles across and down
    int columns;              // a tile's, asked for; 0: as suits the screen and how many there are
    size_t top, at;           // first one on the page, and the one in focus
    size_t *alike, alike_count; // places in the list; NULL: all of it in its order
    char alike_name[128];
    struct entry *entries;    // (count) what is on the page
    size_t count, room;
    struct grid_mark *marks;  // (mark_count), in no order
    size_t mark_count, mark_room;
    size_t range;             // where a range begins: the last mark
    double since;             // when the page came
};

struct results { // a scene's results, and a line that can be moved over its scores
    const struct review_results *shown; // the model's; NULL while they are counted
    size_t scene;
    bool moved;  // else the line is the threshold in use
    bool curve;  // where there is room for one, recall against filter rate in place of the scores
    int line;    // a bin: scores from there on would be shown
    char why[sizeof((struct error *)0)->text]; // there are none: why
};

struct find_line { // an owned copy of what was found
    struct review_found found;
    char *texts[7];
};
struct find_columns { // of the terminal; 0 is left out
    int name, what, person, date, scene;
};
struct find { // pictures by a filter
    char filter[NOTE_ROOM];
    struct find_line *lines; // (count), what was read so far
    size_t count, room, at, top;
    struct find_columns wide; // the widest of what was read
    bool begun, more;        // more: not read to the end
    size_t applied;          // which of the saved filters comes next
    char why[sizeof((struct error *)0)->text]; // the filter is none: why
};

struct class_line {
    struct review_class row; // its texts are those below
    char *texts[4];
    int depth;
};
struct classes { // the tree of all classes
    struct class_line *lines; // (count), a class below the one it belongs to
    size_t count, at, top;
    int64_t about; // the class that a line is being written about, whatever is in focus by then
};

struct second { // what waits for a lead
    size_t at;
    bool present, last, told; // told: what was said of the picture is shown
    int64_t id, total;
    char why[256], person[128], verdict[16], class_name[CLASS_ROOM], severity[16];
    char *said;
    int64_t *known; // (known_count) pictures of which it was shown before: an answer to them is not blind any more
    size_t known_count, known_room;
    char none[sizeof((struct error *)0)->text]; // why there is nothing
};

struct log_line {
    struct review_logged row; // its texts are those below
    char *texts[5];
};
struct log {
    char filter[NOTE_ROOM];
    struct log_line *lines; // (count), what was read so far
    size_t count, room, at, top;
    bool begun, more;
    char why[sizeof((struct error *)0)->text]; // the filter is none: why
};

struct flow { // rounds, models, scenes: what is in focus, and a question that waits for the same key again
    char state[160];         // for every view
    int64_t round, model, scene; // in focus; 0 the first
    size_t top;
    enum command asked;      // ... about `asked_id`; COMMAND_NONE no question
    int64_t asked_id;
    const struct flow_training *training; // the model's
    const struct flow_point *curve;
    size_t curve_count;
    const struct flow_lineage *models;
    size_t model_count;
    const struct flow_board *boards;
    size_t board_count;
    const struct flow_setting *settings;
    size_t setting_count, setting; // setting: in focus
    const char *files;
    bool own;                // a setting goes into the user's own file
    char why[sizeof((struct error *)0)->text]; // there is nothing to show: why
};

struct session {
    const struct review_config *config;
    const struct review_model *model;
    const struct keymap *keymap;
    struct term term;
    WINDOW *keys;        // a pad: reading from it never refreshes the screen
    struct prefetch *prefetch;
    int64_t open;        // at the end of the list: what is open still
    bool look_ahead;     // the next pictures are to be asked for, after the drawing
    int pipe_read, pipe_write;
    bool ascii_lines, quit;
    enum bitmap bitmap;  // how pictures go to the terminal beside its cells
    struct theme theme;
    enum symbols symbols; // where there is no sixel

    // a sequence ESC [ ... of which the end has not come yet
    char control[64];
    size_t control_count;
    double control_at;   // when the last key came
    bool escaped;        // that was a lone ESC
    bool ended;          // in a string: the last key was ESC

    const struct view *view;
    enum context context;  // the view's, or that of what lies over it
    char status[512];

    // what lies over a view
    struct choice choice;
    char *text;            // help or a log, lines
    char text_title[64];
    int text_top;
    int64_t *text_pictures; // (lines of it) which picture each is about, 0 none; NULL: it is only read
    int text_at;           // then: the line in focus, of those that are shown
    char text_search[64];  // only lines with it are shown
    bool searching;        // the line written is that
    char note[NOTE_ROOM], note_before[NOTE_ROOM];
    char line[NOTE_ROOM], line_title[120];
    void (*line_done)(struct session *s, const char *line);

    // review: place in the model's list
    size_t index;
    struct entry entry;
    int64_t note_id;       // the picture that `note` is about
    struct look look;      // heat: what it is when it is on
    bool heat;
    struct compare compare;
    struct grid grid;
    struct results results;
    struct find find;
    struct classes classes;
    struct second second;
    struct log log;
    bool hung_up;          // the line broke: this person comes back to where he was
    struct flow flow;
    struct regions regions;
    const struct review_scores *scores; // the entry's, NULL not known (yet)
    bool scores_wait;      // they are being counted
    bool item_seen;        // the entry's picture has been on the terminal, ...
    double item_seen_at;   // ... since then

    // what is on the terminal
    bool dirty, repaint;       // repaint: the whole screen anew
    bool covered;              // a popup was in the last drawing
    struct shown shown[SHOWN_MAX];
    int shown_count, shown_next;
    int lift_from, lift_to;    // lines on which a sixel is to be taken away; from >= to: none
    double sent;               // when a report was asked for after a picture; 0 none is due
    struct line_speed line_speed;
    int64_t confirm;           // this picture's answer waits for a second press; -1 none
    struct rect pane;          // where a view's pictures go

    enum action_kind *done;    // (done_count) this session's answers and skips
    size_t done_count, done_room;
    int64_t undone;            // how many are taken back: more than there are, earlier sessions' too; below 0: some of those given again
};

// review.c
void session_say(struct session *s, const char *fmt, ...) ASSAY_PRINTF(2, 3); // {undo} in fmt: its key (keymap_expand)
bool session_leads(struct session *s, enum lead_deed deed); // may they? else it is said who may
const char *session_key(const struct session *s, enum command command); // of the view, as people read it
char *session_keyed(const struct session *s, const char *text); // keymap_expand in the view; caller frees
void session_resize(struct session *s, int columns, int lines);
void session_draw(struct session *s);
bool session_too_small(void); // the window: nothing is shown in it, and no key but those that leave or draw anew does anything
void session_wait(struct session *s, int ms);
bool session_ready(struct session *s);
void session_idle(struct session *s, double now);
void session_news(struct session *s); // ask the model what others did
void entry_set(struct entry *e, const struct review_item *item);
void entry_clear(struct entry *e);
// theme.c
void theme_begin(struct session *s); // colour pairs, after the terminal is open
// input.c
void input_take(struct session *s);     // all keys that are there
// answer.c
void answer_act(struct session *s, enum action_kind kind, const char *class_name, const char *severity);
void answer_count(struct session *s, enum action_kind kind);
size_t answer_standing(const struct session *s); // of `done`, how many are not taken back
bool answer_confirmed(struct session *s, enum sight sight, int64_t id); // an answer to what nobody can have seen is asked for twice
void answer_choose(struct session *s, void (*done)(struct session *s, const char *class_name, const char *severity));
void answer_key(struct session *s, enum command command, int key); // while choosing
size_t answer_matches(const struct choice *choice, size_t *places, size_t room); // into names; count for "new"
const char *answer_component(const struct session *s, int64_t id, const char *class_name); // chosen with it, "" none
bool answer_new(const struct choice *choice); // the search is the name of no class yet
extern const char *const answer_severities[3];
// popup.c
void popup_read(struct session *s, const char *title, char *text); // takes the text
// The same with lines to go to a picture from: `pictures` has one for each, 0 none. Takes it.
void popup_jumps(struct session *s, const char *title, char *text, int64_t *pictures);
void popup_key(struct session *s, enum command command, int key);  // while reading or writing a note
void popup_draw(struct session *s);
void popup_resized(struct session *s); // what it stands on stays in sight
void popup_note(struct session *s, int64_t id);
// One line, beginning as `text`; done: when it is taken.
void popup_line(struct session *s, const char *title, const char *text, void (*done)(struct session *s, const char *line));
// panel.c
void panel_layout(struct session *s);
void panel_head(struct session *s, const char *middle, const char *right);
void panel_foot(struct session *s);
void panel_item(struct session *s);  // what is known of the entry
void panel_scores(struct session *s, bool first); // asks for the distribution where it is shown; false `first`: again
void panel_end(struct session *s);   // nothing more to review
// review_view.c
bool entry_load(struct session *s, struct review_item *item); // the item at `index`; false: there is none, the status line says why
void look_key(struct session *s, enum command command); // how the pictures are looked at
void review_go(struct session *s, bool forward);
// compare.c
void compare_key(struct session *s, enum command command);
void compare_put(struct session *s, const struct review_item *item, const struct look *look); // all pictures of the review
struct rect compare_pane(const struct session *s); // where the next picture will be
void compare_draw(struct session *s); // what stands below them
int compare_ahead(struct session *s, const struct look *look, struct want *wants, int room);
void compare_idle(struct session *s, double now);
void compare_clear(struct session *s);
// classes.c
void classes_clear(struct session *s);
// second.c, log.c
void second_clear(struct session *s);
void second_agreement(struct session *s); // how the answers agree, to read
void log_clear(struct session *s);
// flow.c: what its views share
const char *flow_refuse(struct session *s);
void flow_tick(struct session *s);   // twice a second: the line for every view, and anew what a flow view shows
bool flow_sure(struct session *s, enum command command, int64_t id, const char *question); // asked for the second time
void flow_said(struct session *s, enum status status, const struct error *err, const char *said); // and loads anew
size_t flow_step(struct session *s, size_t at, size_t count, enum command command, int page); // a list's new place
void flow_promote(struct session *s, int64_t model, bool industry, const char *name);
void flow_rollback(struct session *s, int64_t scene, const char *name); // FLOW_INDUSTRY: without a name
void flow_train(struct session *s, int64_t scene, bool alone, const char *name);
// knowledge.c
void knowledge_ask(struct session *s, int64_t picture); // the class is taken: what is known of it?
void knowledge_turn(struct choice *c, bool forward);
const char *knowledge_component(const struct choice *c); // "" none
void knowledge_contradiction(const struct choice *c, const char *severity, char *text, size_t room);
void knowledge_draw(const struct session *s, WINDOW *w, int y, int width);
void knowledge_clear(struct choice *c);
void knowledge_show(struct session *s, const char *fault);
void knowledge_state(struct session *s, const char *fault, const char *line); // "component; cause; action; severity"
void knowledge_templates(struct session *s, bool apply);
const char *knowledge_name(const char *name, const char *zh); // that of the reader's language
// As the reader calls the class; valid until the next call of the model's class_word. Itself where it has no other name.
const char *knowledge_class(const struct session *s, const char *name);
void knowledge_defect(const struct session *s, const char *name, const char *severity, char *text, size_t room);
// find.c
void find_clear(struct session *s);
// grid.c, grid_draw.c
size_t grid_place(const struct grid *g, size_t at); // in the model's list
size_t grid_last(const struct session *s); // place of the last one on the page
bool grid_marked(const struct grid *g, int64_t id);
void grid_layout(struct session *s, size_t count); // tiles; count > 0: large enough for all of so many to be seen
struct rect grid_tile(const struct session *s, size_t number); // on the page
void grid_draw(struct session *s);
void grid_clear(struct session *s);
// picture.c
void picture_begin(struct session *s); // from here on `picture_put` says what is on the screen
struct shown *picture_put(struct session *s, const struct rect *pane, const struct review_item *item,
                          const struct look *look);
void picture_end(struct session *s);
void picture_want(const struct session *s, const struct rect *pane, const struct review_item *item,
                  const struct look *look, struct want *want); // path not set
const struct ready *picture_ready(struct session *s, const struct shown *shown); // NULL while it is not ready
void picture_again(struct session *s);  // the terminal has lost them: all are to be drawn again
bool picture_all_drawn(const struct session *s);
enum sight picture_sight(const struct shown *shown);
enum sight picture_item_sight(const struct session *s); // of the entry's
void picture_cells(struct session *s);  // into the cells before the refresh, and ...
void picture_send(struct session *s);   // ... what goes to the terminal after it
struct rect picture_corner(const struct session *s, const struct shown *shown); // a sixel's first cell
void picture_measure(struct session *s); // before that, when it has said so: how fast the line is
void picture_arrived(struct session *s); // the terminal has said that it has it, or never will
// script.c
enum status script_run(struct session *s, const char *path, struct error *err);

#endif
