// Inside of crops.h: crop_source.c fills a source, crops.c draws from it.
#ifndef LEARN_CROPS_IMPL_H
#define LEARN_CROPS_IMPL_H

#include "image/image.h"
#include "learn/crops.h"

struct crop_source {
    struct crop_options options;
    struct crop_counts counts;
    struct image *photos; // (counts.photos)
    struct image *demo;   // (counts.demo)
    char *summary;
};

#endif
