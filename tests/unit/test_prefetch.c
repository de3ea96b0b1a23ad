// Pictures made ready ahead: one that flickers with another is moved on it (ui/prefetch).
#include "config.h"

#include <poll.h>

#include "tests/unit/scratch.h"

#include "base/rng.h"
#include "image/align.h"
#include "image/resize.h"
#include "ui/prefetch.h"

enum { WIDTH = 640, HEIGHT = 480, RIGHT = 24, DOWN = -10 };

static char *in_dir(const char *name)
{
    return xasprintf("%s/%s", scratch, name);
}

static int setup(void **state)
{
    struct error err;
    struct image small = {0}, picture = {0};
    struct rng rng = rng_seed(7);
    if (make_scratch(state))
        return 1;
    image_init(&small, WIDTH / 10, HEIGHT / 10, 1);
    for (int i = 0; i < small.width * small.height; i++)
        small.pixels[i] = (uint8_t)(30 + 200 * rng_uniform(&rng));
    image_resize(&small, WIDTH, HEIGHT, &picture);
    char *still = in_dir("still.png"), *moved = in_dir("moved.png");
    int failed = image_write_png(still, &picture, &err) != ST_OK;
    align_shift(&picture, -RIGHT, -DOWN, 0);
    failed = failed || image_write_png(moved, &picture, &err) != ST_OK;
    free(still);
    free(moved);
    image_clear(&picture);
    image_clear(&small);
    return failed;
}

static struct want want_of(const char *name, const char *onto, double scale)
{
    return (struct want){.id = 1, .path = in_dir(name), .full_width = WIDTH, .width = 320, .height = 240, .bitmap = BITMAP_SIXEL,
                         .registers = 64, .look = {.scale = scale, .x = 0.5, .y = 0.5, .onto = onto ? in_dir(onto) : NULL}};
}

static struct want copy_of(const struct want *want)
{
    struct want copy = *want;
    copy.path = xstrdup(want->path);
    copy.look.onto = want->look.onto ? xstrdup(want->look.onto) : NULL;
    return copy;
}

static const struct ready *made(struct prefetch *p, int fd, struct want *want)
{
    const struct ready *ready = NULL;
    struct want asked = copy_of(want);
    char byte;
    prefetch_want(p, &asked, 1);
    while (prefetch_get(p, want, &ready) && !ready) {
        struct pollfd wait = {fd, POLLIN, 0};
        assert_true(poll(&wait, 1, 20000) == 1);
        assert_true(read(fd, &byte, 1) == 1);
    }
    assert_non_null(ready);
    assert_ok(ready->status, &ready->err);
    return ready;
}

static void what_flickers_is_moved_on_the_other(void **state)
{
    (void)state;
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    struct prefetch *p = prefetch_new(2, &image_limits_default, ends[1]);
    static const double scales[] = {0, 1};
    for (size_t i = 0; i < 2; i++) { // fitted, and one pixel for one
        struct want plain = want_of("still.png", NULL, scales[i]), moved = want_of("moved.png", "still.png", scales[i]);
        const struct ready *ready = made(p, ends[0], &plain);
        assert_int_equal(ready->moved[0], 0);
        size_t length = ready->bytes.len;
        char *bytes = xcalloc(length + 1, 1);
        memcpy(bytes, ready->bytes.data, length);
        ready = made(p, ends[0], &moved);
        assert_true(abs(ready->moved[0] - RIGHT) <= 2);
        assert_true(abs(ready->moved[1] - DOWN) <= 2);
        if (scales[i] > 0) { // the middle shows the very same pixels
            assert_int_equal(ready->moved[0], RIGHT);
            assert_int_equal(ready->moved[1], DOWN);
            assert_int_equal(ready->bytes.len, length);
            assert_memory_equal(ready->bytes.data, bytes, length);
        }
        struct want apart = want_of("moved.png", NULL, scales[i]);
        assert_false(want_same(&apart, &moved));
        free(apart.path);
        free(bytes);
        free(plain.path);
        free(moved.path);
        free(moved.look.onto);
    }
    struct want lost = want_of("moved.png", "gone.png", 0); // nothing to move it on: it is shown as it is
    assert_int_equal(made(p, ends[0], &lost)->moved[0], 0);
    free(lost.path);
    free(lost.look.onto);
    prefetch_free(p);
    close(ends[0]);
    close(ends[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(what_flickers_is_moved_on_the_other)};
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("prefetch", tests, setup, remove_scratch);
}
