#include "config.h"

#include <errno.h>
#include <fts.h>
#include <inttypes.h>
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/parallel.h"
#include "base/strbuf.h"
#include "image/demo.h"
#include "image/resize.h"
#include "learn/crops_impl.h"

const struct crop_options crop_options_default = {
    .seed = 1,
    .side_max = 384,
    .memory = 1u << 30,
    .textures = 0.25,
    .mixes = 0.1,
    .demo = 0.1,
    .demo_pool = 240,
    .gray = 0.5,
    .crop_least = 80,
    .crop_most = 320,
};

// Not a seed that the demo command is likely to be given: its pictures are for tests.
static const uint64_t demo_seed = 0x63726f7073u;
static const double demo_defects = 0.2;
enum { LONG_MOST = 8 }; // a photo of more than this times side_max^2 pixels is shrunk further

// --- which files ---------------------------------------------------------

struct files {
    char **paths;
    size_t count, capacity, masks, broken;
    char *first_broken; // why, for the message when nothing can be read
};

static int by_name(const FTSENT **a, const FTSENT **b)
{
    return strcmp((*a)->fts_name, (*b)->fts_name);
}

static bool is_mask(const char *path)
{
    static const char *const endings[] = {".jpg", ".jpeg", ".JPG", ".JPEG"};
    size_t length = strlen(path);
    if (length < 4 || strcasecmp(path + length - 4, ".png") != 0)
        return false;
    bool mask = false;
    for (size_t i = 0; i < sizeof endings / sizeof *endings && !mask; i++) {
        char *beside = xasprintf("%.*s%s", (int)(length - 4), path, endings[i]);
        mask = file_exists(beside);
        free(beside);
    }
    return mask;
}

static void note_broken(struct files *files, const char *path, const char *why)
{
    files->broken++;
    if (!files->first_broken)
        files->first_broken = xasprintf("%s: %s", path, why);
}

static enum status list_files(const char *const *paths, size_t count, struct files *files, struct error *err)
{
    char **roots = xcalloc(count + 1, sizeof *roots);
    for (size_t i = 0; i < count; i++)
        roots[i] = xstrdup(paths[i]);
    FTS *fts = count ? fts_open(roots, FTS_PHYSICAL | FTS_COMFOLLOW | FTS_NOCHDIR, by_name) : NULL;
    enum status status = ST_OK;
    if (count && !fts)
        status = error_set(err, ST_IO, "%s: the folder cannot be walked: %s", paths[0], strerror(errno));
    for (FTSENT *e; fts && (e = fts_read(fts));) {
        bool below = e->fts_level > 0;
        if (below && e->fts_name[0] == '.') { // hidden
            if (e->fts_info == FTS_D)
                fts_set(fts, e, FTS_SKIP);
        } else if (e->fts_info == FTS_ERR || e->fts_info == FTS_DNR || e->fts_info == FTS_NS) {
            note_broken(files, e->fts_path, strerror(e->fts_errno));
        } else if (e->fts_info == FTS_F && below && is_mask(e->fts_path)) {
            files->masks++;
        } else if (e->fts_info == FTS_F) {
            GROW(files->paths, files->capacity, files->count + 1);
            files->paths[files->count++] = xstrdup(e->fts_path);
        }
    }
    if (fts)
        fts_close(fts);
    for (size_t i = 0; i < count; i++)
        free(roots[i]);
    free(roots);
    return status;
}

static void shuffle(char **list, size_t count, uint64_t seed)
{
    struct rng rng = rng_seed(seed);
    for (size_t i = count; i > 1; i--) {
        size_t k = (size_t)rng_below(&rng, i);
        char *held = list[i - 1];
        list[i - 1] = list[k];
        list[k] = held;
    }
}

// --- decoding ------------------------------------------------------------

struct job {
    const struct crop_source *source;
    struct files *files;
    struct image *photos; // (files->count), empty where unreadable
    uint64_t *sizes;      // bytes once scaled
    struct demo_item *plan;
    struct image *demo;
    pthread_mutex_t lock; // of what follows
    size_t next_photo, next_demo;
    uint64_t bytes;
};

static uint64_t bytes_of(const struct image *image)
{
    return (uint64_t)image->width * (uint64_t)image->height * (uint64_t)image->channels;
}

// Shrinks to the size that is kept; a smaller picture stays as it is.
static void shrink(struct image *image, int side_max)
{
    double w = image->width, h = image->height;
    double scale = fmin(1, side_max / fmin(w, h));
    scale = fmin(scale, sqrt((double)LONG_MOST * side_max * side_max / (w * h)));
    if (scale >= 1)
        return;
    struct image small;
    image_resize(image, (int)fmax(1, w * scale + 0.5), (int)fmax(1, h * scale + 0.5), &small);
    image_clear(image);
    *image = small;
}

// Files in the shuffled order until the budget is full. Which ones were tried beyond
// it depends on the threads; what fits is cut from the order afterwards.
static void load(void *context, int worker)
{
    (void)worker;
    struct job *job = context;
    const struct crop_options *o = &job->source->options;
    for (;;) {
        pthread_mutex_lock(&job->lock);
        bool more = job->next_photo < job->files->count && job->bytes <= o->memory;
        size_t i = more ? job->next_photo++ : 0;
        bool draw = !more && job->next_demo < job->source->counts.demo;
        size_t d = draw ? job->next_demo++ : 0;
        pthread_mutex_unlock(&job->lock);
        if (draw)
            demo_render(&job->plan[d], &job->demo[d], NULL);
        if (!more && !draw)
            return;
        if (!more)
            continue;
        struct image image = {0};
        struct error why = {0};
        // Twice the size that is kept: the decoder's own scaling is coarser than the resampling.
        enum status status = image_load(job->files->paths[i], &image_limits_default, 2 * o->side_max,
                                        2 * o->side_max, &image, NULL, &why);
        if (status == ST_OK)
            shrink(&image, o->side_max);
        pthread_mutex_lock(&job->lock);
        if (status == ST_OK) {
            job->photos[i] = image;
            job->bytes += bytes_of(&image);
        } else if (!job->files->first_broken) {
            job->files->first_broken = xstrdup(why.text);
        }
        pthread_mutex_unlock(&job->lock);
    }
}

// Keeps the first photos of the order that fit; the rest is freed.
static void keep_what_fits(struct crop_source *s, struct job *job)
{
    size_t i = 0;
    s->photos = xcalloc(job->files->count + 1, sizeof *s->photos);
    for (; i < job->next_photo; i++) {
        struct image *image = &job->photos[i];
        if (!image->pixels) {
            s->counts.skipped++;
            continue;
        }
        if (s->counts.bytes + bytes_of(image) > s->options.memory)
            break;
        s->counts.bytes += bytes_of(image);
        s->photos[s->counts.photos++] = *image;
        *image = (struct image){0};
    }
    s->counts.left_out = job->files->count - i;
    for (; i < job->next_photo; i++)
        image_clear(&job->photos[i]);
}

// --- a source ------------------------------------------------------------

static bool share(double x)
{
    return x >= 0 && x <= 1;
}

static enum status check_options(const struct crop_options *o, bool photos, struct error *err)
{
    if (!share(o->textures) || !share(o->mixes) || !share(o->demo) || !share(o->gray) ||
        o->textures + o->mixes + o->demo > 1 + 1e-9)
        return error_set(err, ST_INVALID,
                         "The shares of textures, mixes, demo and gray crops must lie in 0..1, "
                         "the first three together too");
    if (o->crop_least < 8 || o->crop_most < o->crop_least || o->side_max < 16 || o->side_max > 8192)
        return error_set(err, ST_INVALID,
                         "Crops of %d to %d pixels of photos of %d are out of range: 8 <= least <= most, "
                         "16..8192 for the photos",
                         o->crop_least, o->crop_most, o->side_max);
    if (o->demo_pool < 0 || o->demo_pool > 100000 || o->threads < 0)
        return error_set(err, ST_INVALID, "A demo pool of %d pictures or %d threads is out of range",
                         o->demo_pool, o->threads);
    if (!photos && o->textures <= 0 && (o->demo <= 0 || o->demo_pool == 0))
        return error_set(err, ST_INVALID,
                         "Without photos, textures and demo there is nothing to learn from: "
                         "name a folder with pictures");
    return ST_OK;
}

static char *summarise(const struct crop_counts *c)
{
    struct strbuf text = {0};
    strbuf_printf(&text, "%zu photos (%.1f MiB)", c->photos, (double)c->bytes / 1048576);
    if (c->left_out)
        strbuf_printf(&text, ", a random part of %zu: the memory for photos is full",
                      c->photos + c->left_out);
    if (c->masks)
        strbuf_printf(&text, ", %zu masks left aside", c->masks);
    if (c->skipped)
        strbuf_printf(&text, ", %zu files skipped that are not readable pictures", c->skipped);
    if (c->demo)
        strbuf_printf(&text, ", %zu demo pictures", c->demo);
    return text.data;
}

static enum status check_photos(const struct crop_source *s, const struct files *files, const char *path,
                                struct error *err)
{
    if (s->counts.photos > 0)
        return ST_OK;
    if (s->counts.left_out > 0)
        return error_set(err, ST_INVALID, "%" PRIu64 " bytes of memory do not hold one photo: allow more",
                         s->options.memory);
    if (files->first_broken)
        return error_set(err, ST_NOT_FOUND, "No readable picture among %zu files; the first failed with: %s",
                         files->count + files->broken, files->first_broken);
    return error_set(err, ST_NOT_FOUND, "%s: no PNG or JPEG picture there; name a folder with pictures",
                     path);
}

enum status crop_source_open(const char *const *paths, size_t path_count, const struct crop_options *o,
                             struct crop_source **source, struct error *err)
{
    o = o ? o : &crop_options_default;
    enum status status = check_options(o, path_count > 0, err);
    if (status != ST_OK)
        return status;
    struct files files = {0};
    struct crop_source *s = xcalloc(1, sizeof *s);
    s->options = *o;
    status = list_files(paths, path_count, &files, err);
    if (status == ST_OK) {
        shuffle(files.paths, files.count, o->seed);
        s->counts.demo = o->demo > 0 ? (size_t)o->demo_pool : 0;
        s->counts.masks = files.masks;
        s->demo = xcalloc(s->counts.demo + 1, sizeof *s->demo);
        struct job job = {.source = s, .files = &files, .demo = s->demo, .lock = PTHREAD_MUTEX_INITIALIZER};
        job.photos = xcalloc(files.count + 1, sizeof *job.photos);
        job.plan = demo_plan(demo_seed, s->counts.demo, demo_defects);
        parallel_run(o->threads ? o->threads : parallel_cores(), load, &job);
        keep_what_fits(s, &job);
        s->counts.skipped += files.broken;
        pthread_mutex_destroy(&job.lock);
        free(job.photos);
        free(job.plan);
        if (path_count > 0)
            status = check_photos(s, &files, paths[0], err);
        s->summary = summarise(&s->counts);
    }
    for (size_t i = 0; i < files.count; i++)
        free(files.paths[i]);
    free(files.paths);
    free(files.first_broken);
    if (status == ST_OK)
        *source = s;
    else
        crop_source_free(s);
    return status;
}

void crop_source_free(struct crop_source *source)
{
    if (!source)
        return;
    for (size_t i = 0; i < source->counts.photos; i++)
        image_clear(&source->photos[i]);
    for (size_t i = 0; i < source->counts.demo; i++)
        image_clear(&source->demo[i]);
    free(source->photos);
    free(source->demo);
    free(source->summary);
    free(source);
}

struct crop_counts crop_source_counts(const struct crop_source *source)
{
    return source->counts;
}

const char *crop_source_summary(const struct crop_source *source)
{
    return source->summary;
}
