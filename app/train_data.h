// What a round learns from: chosen from the database once, kept beside the round's checkpoint, so that a round that
// goes on after a crash learns from the same.
#ifndef APP_TRAIN_DATA_H
#define APP_TRAIN_DATA_H

#include "app/project.h"
#include "learn/adapt.h"

struct train_data {
    struct adapt_data data; // for adapt_train; load is safe on any thread
    json_t *summary;        // {labels, defects, normals, pool, classes, sha256; outlined, boxed: defects of which pixels or boxes are known}
    int64_t *pictures;      // (picture_count) all of them
    size_t picture_count;
    struct train_items *items;
};

// scene 0: all scenes. scale: of the inputs' sides. path: the list; what is there is read again, else it is chosen and written.
// Chosen: answers that stand on pictures of training groups (with_truth: what was imported as known, too), never unsure
// ones, audit draws, or pictures of validation and test groups; a sample of at most pool_most pictures that nobody answered
// and the active revision filtered.
// ST_INVALID: nothing was answered.
ASSAY_CHECKED enum status train_data_open(struct project *project, const struct base *base, int64_t scene, bool with_truth,
                                          int pool_most, double scale, const char *path, struct train_data *data, struct error *err);
void train_data_close(struct train_data *data);

#endif
