// Writes the demo's pictures of one scene as a camera would: make_ramp DIR SCENE FROM COUNT GAIN0 GAIN1 [SEED]. The
// light goes from GAIN0 to GAIN1 over the COUNT normal pictures that begin with number FROM, in file names and time.
#include "config.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/file.h"
#include "image/demo.h"

static void multiply(struct image *image, double gain)
{
    size_t count = (size_t)image->width * (size_t)image->height * (size_t)image->channels;
    for (size_t i = 0; i < count; i++) {
        double v = image->pixels[i] * gain + 0.5;
        image->pixels[i] = (uint8_t)(v > 255 ? 255 : v);
    }
}

int main(int argc, char **argv)
{
    struct error err;
    if (argc < 7)
        return 2;
    const char *dir = argv[1];
    size_t from = strtoul(argv[3], NULL, 10), count = strtoul(argv[4], NULL, 10), made = 0, seen = 0;
    double first = strtod(argv[5], NULL), last = strtod(argv[6], NULL);
    uint64_t seed = argc > 7 ? strtoull(argv[7], NULL, 10) : 1;
    size_t all = 12000; // one plan for all calls: what is made piece by piece fits together
    if (file_mkdirs(dir, &err) != ST_OK) {
        fprintf(stderr, "%s\n", err.text);
        return 1;
    }
    struct demo_item *items = demo_plan(seed, all, 0);
    for (size_t i = 0; i < all && made < count; i++) {
        struct image picture;
        if (items[i].kind >= 0 || strcmp(demo_scenes[items[i].scene].name, argv[2]) != 0 || seen++ < from)
            continue;
        char *path = xasprintf("%s/%06zu.jpg", dir, from + made);
        demo_render(&items[i], &picture, NULL);
        multiply(&picture, first + (last - first) * (double)made / (double)(count > 1 ? count - 1 : 1));
        enum status status = image_write_jpeg(path, &picture, 90, &err);
        struct timespec times[2] = {{1700000000 + (time_t)(from + made), 0}, {1700000000 + (time_t)(from + made), 0}};
        if (status == ST_OK)
            utimensat(AT_FDCWD, path, times, 0);
        image_clear(&picture);
        free(path);
        if (status != ST_OK) {
            fprintf(stderr, "%s\n", err.text);
            return 1;
        }
        made++;
    }
    free(items);
    return made == count ? 0 : 1;
}
