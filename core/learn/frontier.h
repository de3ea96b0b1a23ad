// Smaller bases inside an elastic one (net_elastic.h) and what each costs and
// tells: the table from which `assay base extract` chooses. A candidate is a
// cut of the network (width, depth) at one input side.
//
//   ms       of one picture of side x side pixels through the inference engine, one thread: processor
//            time, the median of several runs, each after one that warms the caches
//   quality  mean over scenes of the AUROC between normal pictures and the same ones with a synthetic flaw
//            (flaw.h), scored as the product does: a model (screen/model.h) of pooled taps and patch
//            statistics, fitted on normal pictures of other groups. To be compared within one table only.
//            Of assay-base-1's 45 candidates it gives nearly the order that real defects give (magnetic tiles,
//            AUROC by group: Spearman's rank correlation 0.94); the values themselves are lower, the flaws fainter.
#ifndef LEARN_FRONTIER_H
#define LEARN_FRONTIER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/hash.h"
#include "base/status.h"
#include "image/image.h"
#include "nn/net_elastic.h"

enum { FRONTIER_SIDES = 5, FRONTIER_ROWS = ELASTIC_CUTS * FRONTIER_SIDES, FRONTIER_TEXT = 160 };
extern const int frontier_sides[FRONTIER_SIDES]; // 128, 160, 192, 224, 256

struct frontier_row {
    int index; // of the cut in the file
    struct net_cut cut;
    int side;
    long long parameters;
    double megabytes; // of its file in half precision, at most (10^6 bytes)
    double ms;        // to 0.001
    double quality;   // to 0.001: finer differences are chance
    bool best;        // on the frontier: no other is as good and as fast, and better in one of the two
};

struct frontier {
    char base[64], sha256[HASH_HEX]; // of the elastic base
    char machine[FRONTIER_TEXT];     // what the milliseconds hold for
    char pictures[FRONTIER_TEXT];    // what the quality was measured on
    double seconds;                  // that measuring took
    int count;
    struct frontier_row rows[FRONTIER_ROWS]; // rising ms
};

// ---- choosing (frontier.c) ----

struct frontier_limit {
    double ms, megabytes; // 0: no limit
    long long parameters;
};

// Sorts the rows and marks those on the frontier.
void frontier_mark(struct frontier *f);

// The best quality within all limits; among equals the fastest, then the one of fewest parameters, then of
// the smallest side. ST_NOT_FOUND when none fits, with a sentence that names the nearest and what it needs.
ASSAY_CHECKED enum status frontier_choose(const struct frontier *f, const struct frontier_limit *limit,
                                          const struct frontier_row **row, struct error *err);

// The row of the whole network at its own side (the largest side for 0), NULL when it is not there.
const struct frontier_row *frontier_whole(const struct frontier *f);

// ---- its file (frontier_file.c) ----

// JSON; caller frees.
char *frontier_text(const struct frontier *f);
// `name` stands for the path in messages. ST_CORRUPT when the text is not such a table.
ASSAY_CHECKED enum status frontier_parse(const char *text, const char *name, struct frontier *f,
                                         struct error *err);

// What milliseconds depend on: the processor's name and the kernels in use.
void frontier_machine(char text[FRONTIER_TEXT]);

// ---- measuring (frontier_measure.c) ----

// Believed-normal pictures of one scene, as they come from the camera.
struct frontier_scene {
    char name[64];
    struct image *pictures;
    uint64_t *groups; // pictures of one group fit or test, never both
    size_t count;     // FRONTIER_LEAST at least; about FRONTIER_MOST are used
    bool squash;      // as in struct screen_settings
};
enum { FRONTIER_LEAST = 48, FRONTIER_MOST = 200 };

// The demo's scenes, normal pictures only. Caller clears each of the DEMO_SCENES.
void frontier_demo(uint64_t seed, int threads, struct frontier_scene *scenes);
void frontier_scene_clear(struct frontier_scene *scene);

struct frontier_options {
    uint64_t seed; // which pictures test and what flaws they get
    int threads;
    void (*progress)(void *context, int done, int total); // may be NULL
    bool (*stop)(void *context);                          // true: ST_CANCELLED; may be NULL
    void *context;
};

// Fills base, sha256, machine, seconds and rows, marked; `pictures` is the caller's. Quality is the same for
// the same file, pictures and seed, whatever the number of threads. ST_INVALID when `file` has no smaller
// networks or a scene has too few pictures; what is wrong with the file names it.
ASSAY_CHECKED enum status frontier_measure(const struct tensor_file *file,
                                           const struct frontier_scene *scenes, int scene_count,
                                           const struct frontier_options *options, struct frontier *f,
                                           struct error *err);

// ST_INVALID when frontier_measure would refuse the file for having no smaller networks; quick.
ASSAY_CHECKED enum status frontier_check(const struct tensor_file *file, struct error *err);

// The network of a row, with its side in the plan and a name of its own. Caller: net_free.
ASSAY_CHECKED enum status frontier_net(const struct tensor_file *file, const struct frontier_row *row,
                                       struct net **net, struct error *err);
// That network in half precision, where it was cut from ("cut_from") and the table ("frontier") into a
// writer.
void frontier_put(const struct net *net, const struct frontier *f, struct tensor_writer *writer);

#endif
