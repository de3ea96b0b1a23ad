// The embedded demo: inspection pictures made by code, the same on every
// machine for the same seed. Looks of three lines: a coal conveyor belt, rail
// fasteners seen from a track car, insulator strings on a pylon. Normal
// pictures vary in light, position, dirt, blur and sensor noise; a few carry a
// defect of one of several kinds and sizes.
#ifndef IMAGE_DEMO_H
#define IMAGE_DEMO_H

#include <stddef.h>
#include <stdint.h>

#include "image/image.h"

struct demo_kind {
    const char *name;     // "tear", "missing clip", ...
    const char *severity; // "stop", "key", "general"
};

struct demo_scene {
    const char *name;              // folder and scene name: "belt", "fastener", "insulator"
    const struct demo_kind *kinds; // what can go wrong here
    int kind_count;                // at least 3
    int width, height;             // of its pictures
};

enum { DEMO_SCENES = 3 };
extern const struct demo_scene demo_scenes[DEMO_SCENES];

struct demo_item {
    int scene;     // index into demo_scenes
    int kind;      // index into its kinds, -1 for a normal picture
    int number;    // 0.. within the scene, in the order of the "camera"
    int group;     // burst: consecutive numbers that show the same physical place (1..3 pictures)
    uint64_t seed; // everything about the picture follows from it and the fields above
};

// `count` pictures split evenly over the scenes, round(count * defect_rate) of
// them with a defect (at least one per kind while that many are to be had),
// spread at random. Caller frees. Order: scene by scene, number rising.
struct demo_item *demo_plan(uint64_t seed, size_t count, double defect_rate);

// Draw one picture; `mask` (may be NULL) receives a gray picture of the same
// size, 255 where the defect is. Caller clears both.
void demo_render(const struct demo_item *item, struct image *picture, struct image *mask);

#endif
