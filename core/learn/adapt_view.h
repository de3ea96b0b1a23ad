// Views of the pictures a round learns from, as maps that enter the adapted part of the base.
#ifndef LEARN_ADAPT_VIEW_H
#define LEARN_ADAPT_VIEW_H

#include "learn/adapt.h"
#include "nn/graph.h"

enum adapt_side { ADAPT_NORMAL, ADAPT_DEFECT, ADAPT_POOL };

struct adapt_entry { // a picture
    int64_t id;
    enum adapt_side side;
    int class_index;
    const double (*boxes)[4];
    int box_count;
    bool gone; // it could not be read
};

// A view: the map that enters block `start`, or the taps where that is the base's end; and what its cells of stride 8 are.
struct adapt_view {
    int rows, cols;         // of the picture's input
    int16_t *values;        // the map / scale[0]; the taps, one after the other, each / its scale
    float scale[NET_TAPS];
    int8_t *target;         // (rows / 8, cols / 8): 1 defective, 0 not, -1 not known; NULL: nothing is known
    int flaw;               // enum flaw_kind, -1: none was drawn
};

struct adapt_views;

// `start`: block that the maps enter; base is kept by reference.
struct adapt_views *adapt_views_new(const struct net *base, int start, const struct adapt_data *data,
                                    const struct adapt_options *options, struct adapt_entry *entries, size_t count);
void adapt_views_free(struct adapt_views *views);

// Loads every picture once and keeps its views as far as the budget goes. stop: as adapt_watch.progress.
ASSAY_CHECKED enum status adapt_views_fill(struct adapt_views *views, bool (*go_on)(void *context, size_t done), void *context,
                                           struct error *err);
uint64_t adapt_views_bytes(const struct adapt_views *views);

int adapt_views_plain(const struct adapt_views *views, size_t entry);  // views without a drawn flaw: 0 ..
int adapt_views_flawed(const struct adapt_views *views, size_t entry); // those that follow

// A view for `worker`'s use until its next call. map: (rows / stride, ...), floats, of the worker; where views are taps those, one
// after the other, and the rows and columns of the first.
ASSAY_CHECKED enum status adapt_view_get(struct adapt_views *views, int worker, size_t entry, int view,
                                         const struct adapt_view **out, const float **map, int *map_rows, int *map_cols,
                                         struct error *err);

#endif
