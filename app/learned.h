// A trained model at work on a scene: how pictures become its input, and what it says of each, kept in cache/ as derived
// data of the scene and the model.
#ifndef APP_LEARNED_H
#define APP_LEARNED_H

#include "app/project.h"
#include "db/scene.h"
#include "image/region.h"
#include "learn/adapt.h"
#include "screen/store.h"

// --- pixels -----------------------------------------------------------------
// A scene's pictures as a network sees them: region of interest, at the scene's size; what the ignore mask covers has
// the mean colour of the rest. scale: of the sides (adapt_scale).
struct learned_pixels;
ASSAY_CHECKED enum status learned_pixels_open(const struct project *project, const struct base *base, const struct scene *scene,
                                              double scale, struct learned_pixels **pixels, struct error *err);
void learned_pixels_close(struct learned_pixels *pixels);
// From any thread. mask: path of a picture of the same shape that is not black where the defect is; NULL none.
ASSAY_CHECKED enum status learned_pixels_load(const struct learned_pixels *pixels, const char *path, const char *mask,
                                              struct adapt_pixels *out, struct error *err);
// The pixels `spans` of a whole picture of width x height as such a mask of what was loaded; NULL where the network sees
// none of them. Caller frees.
float *learned_pixels_mask(const struct learned_pixels *pixels, const struct spans *spans, int width, int height, int rows, int cols);
// A box in pixels of the whole picture as fractions of what the network sees; false: outside of it.
bool learned_pixels_box(const struct learned_pixels *pixels, const double box[4], int width, int height, double out[4]);

// --- a model ------------------------------------------------------------------
struct learned;
struct learned_watch {
    void *context;
    bool (*go_on)(void *context, size_t done, size_t total); // one call at a time; false ends the run (ST_CANCELLED)
};
// The model of this name in models/. ST_NOT_FOUND, ST_CORRUPT, ST_INVALID (another base): the file, in one sentence.
ASSAY_CHECKED enum status learned_open(struct project *project, const struct base *base, const struct scene *scene,
                                       const char *sha256, struct learned **learned, struct error *err);
void learned_close(struct learned *learned);
// The kept scores are one process's between begin and end; ST_BUSY: another's. end: also when begin failed.
ASSAY_CHECKED enum status learned_begin(struct learned *learned, struct error *err);
void learned_end(struct learned *learned);
// Scores those of `ids` that have no score yet. A picture that cannot be read has none afterwards.
ASSAY_CHECKED enum status learned_run(struct learned *learned, const int64_t *ids, size_t count, int threads,
                                      const struct learned_watch *watch, struct error *err);
// What DETECTOR_LEARNED measures, NAN: no score. heat may be NULL.
float learned_get(const struct learned *learned, int64_t id, struct heat *heat);
// What the model said of the scene's pictures so far: their embeddings and measures, to be read beside whoever scores. ST_NOT_FOUND: nothing.
ASSAY_CHECKED enum status learned_reading(const struct project *project, const struct scene *scene, const char *sha256,
                                          struct store **store, struct error *err);
// Each cell the larger of both; where their shapes differ, `over` is looked up at each cell's middle.
void learned_lay_over(struct heat *heat, const struct heat *over);

#endif
