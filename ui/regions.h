// The view of regions: where on the picture its defects are. Drawn with the keyboard alone or with the mouse.
#ifndef UI_REGIONS_H
#define UI_REGIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "image/region.h"
#include "screen/patch.h"
#include "ui/compose.h"
#include "ui/review.h"

struct session;

enum { REGION_NAME = 400 }; // bytes of a class's name, as long as a line that is written

struct region_entry { // an owned copy of one
    struct region shape;
    struct spans pixels; // of a suggestion: what it encloses
    char class_name[REGION_NAME], severity[16], who[64];
    int64_t at_ms;
    bool dismissed;      // a suggestion that was erased
};

struct regions {
    int64_t id;                // the picture; 0 none
    struct region_entry *rows; // (count), as stored but for `changed`
    size_t count, room;
    struct region_entry *hints; // (hint_count) all suggestions
    size_t hint_count, hint_room;
    size_t *offered;           // (offer_count) places in hints: those that nothing drawn covers
    size_t offer_count;
    long at;                   // chosen: a row, behind them one that is offered; -1 none
    int corner;                // of the chosen one: what the arrows move; -1 all of it
    enum { DRAWING_NOT, DRAWING_BOX, DRAWING_POLYGON, DRAWING_MASK } drawing;
    int from[2];               // box: the pixel it begins with
    double *points;            // polygon so far: (point_count) numbers
    size_t point_count, point_room;
    struct spans paint;        // mask so far
    bool pen, rub;
    long again;                // the row that the mask takes the place of, -1 none
    int radius;                // of the brush
    int x, y;                  // the cursor's pixel
    bool fine;                 // arrows go pixel by pixel
    bool changed;              // the chosen one was moved and is not stored yet, ...
    double changed_at;         // since then
    char class_name[REGION_NAME], severity[16]; // given last: the next one's
    struct heat heat;          // of the picture
    struct marks *marks;       // what is drawn over it
    struct { // the mouse, while a button is down
        bool down, moved;
        int button;
        double x, y; // of the picture, where it was last
    } mouse;
};

enum { BRUSH_MOST = 200 };

// regions.c
void regions_show(struct session *s); // what is on the screen anew
bool regions_store(struct session *s); // all rows as they are now; false: they were read anew, the status line says why
void regions_settle(struct session *s); // what was moved is stored now
void regions_clear_all(struct session *s); // forget everything
bool regions_seen(const struct session *s, struct seen *seen); // which part is on the screen
struct region_entry *regions_chosen(struct session *s);        // of the rows; NULL
struct region_entry *regions_offer(struct session *s);         // of the suggestions; NULL
void regions_choose(struct session *s, long at);               // and go there
int regions_step(const struct session *s, bool other);         // pixels
// regions_edit.c
void regions_begin(struct session *s, int drawing); // or, in a polygon, the next point
void regions_give_up(struct session *s);      // what is being drawn
void regions_back_step(struct session *s);    // the last point of it
void regions_finish(struct session *s);       // what is being drawn, or take the suggestion
void regions_take_all(struct session *s);     // all suggestions
void regions_arrow(struct session *s, int right, int down); // so many pixels
void regions_size(struct session *s, int by); // the chosen one, or the brush
void regions_next_corner(struct session *s);
void regions_fit(struct session *s);          // to what the heatmap encloses
void regions_erase(struct session *s);
void regions_name(struct session *s, const char *class_name, const char *severity); // the chosen one
void regions_paint(struct session *s, int x, int y); // from the cursor to there, as the pen is
void regions_box(struct session *s, double x0, double y0, double x1, double y1);
// regions_draw.c
struct marks *regions_marks(struct session *s);
void regions_draw(struct session *s);
// regions_mouse.c
struct mouse { // one report of the terminal
    int button;       // 0 left, 2 right, 64 wheel up, 65 wheel down
    bool press, move; // neither: release
    double x, y;      // in cells, from the upper left
};
void regions_mouse(struct session *s, const struct mouse *mouse);

#endif
