// A scene whose pictures show the same thing a little beside its place: how far each is from the scene's mean
// picture.
//
// Pictures are compared by their detail: gray levels at half the network's input, less their surroundings'
// mean, over their surroundings' deviation, so that light and contrast do not count. The shift is the one
// with the largest correlation with the mean of the normal pictures' details, each moved to where it fits
// best (three rounds).
//
// Whether a scene is of that kind is found, not asked. Two means are made of different halves of the sample,
// and every picture is registered to both. Where both tell (nearly) all pictures the same shift there is
// something common to register to; what has nothing in common, or moves along one direction without an edge
// to hold to, is told two different ones. Where no picture is moved there is nothing to do either.
#ifndef SCREEN_REGISTER_H
#define SCREEN_REGISTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    REGISTER_REACH = 12,  // pixels of the network's input, each way
    REGISTER_LEAST = 100, // pictures that a scene's kind is found by
    REGISTER_MOST = 400,
    REGISTER_LEVEL = 960, // no value of a mean is larger
};

struct registration {
    int rows, cols; // of the network's input; 0: the pictures are left where they are
    int16_t *mean;  // (rows / 2, cols / 2)
    float typical;  // median correlation of the sample's pictures with it
};
void registration_clear(struct registration *registration);

// One thread's buffers.
struct register_work;
struct register_work *register_work_new(void);
void register_work_free(struct register_work *work);

// How far what picture rgb (rows, cols, 3), 0..255, shows lies beside its place in the mean picture, in
// pixels of the input: what belongs at (x, y) is at (x + *dx, y + *dy). 0 for pictures of another shape and
// for what is not like the mean at all.
void register_find(const struct registration *registration, struct register_work *work, const float *rgb,
                   int rows, int cols, int *dx, int *dy);
// `out` (rows, cols, 3) with everything back at its place; beyond the picture's edge its last pixels are
// repeated.
void register_move(const float *rgb, int rows, int cols, int dx, int dy, float *out);

// The pictures that a scene's kind is found by, in any order; the result depends on their numbers only.
struct register_sample;
struct register_sample *register_sample_new(void);
void register_sample_free(struct register_sample *sample);
void register_sample_add(struct register_sample *sample, struct register_work *work, size_t number,
                         const float *rgb, int rows,
                         int cols); // not thread-safe
// False, registration empty: the scene is not of that kind, or there are too few pictures of one shape.
// agreed (may be NULL): share of the pictures that both halves tell the same shift.
bool register_fit(struct register_sample *sample, struct registration *registration, double *agreed);

#endif
