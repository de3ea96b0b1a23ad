// Pictures of a scene that look like one of them, by the features that the screening kept. Reads beside a screening or
// a watcher; bounded in time by looking at no more than SIMILAR_MOST candidates.
#ifndef APP_SIMILAR_H
#define APP_SIMILAR_H

#include "app/project.h"
#include "db/picture.h"
#include "screen/nearest.h"

enum { SIMILAR_MOST = 3000 };

struct similar; // what is open of the features; starts as NULL

// The `most` of `ids` (count) that look most like `picture`, itself left out, nearest first, into `found` and
// *found_count. Ids without features are passed over. ST_NOT_FOUND with a sentence: `picture` has none here.
ASSAY_CHECKED enum status similar_find(struct similar **similar, struct project *project, const struct picture *picture,
                                       const int64_t *ids, size_t count, size_t most, int64_t *found,
                                       size_t *found_count, struct error *err);
void similar_close(struct similar *similar);

#endif
