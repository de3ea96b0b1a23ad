#include "config.h"

#include "tests/unit/scratch.h"

#include "base/file.h"
#include "tests/unit/fake_review.h"
#include "ui/sixel.h"

int fake_begin(void **state)
{
    return make_scratch(state);
}

int fake_end(void **state)
{
    return remove_scratch(state);
}

// --- the model -----------------------------------------------------------

static enum status fake_item(void *context, size_t index, struct review_item *item, struct error *err)
{
    struct fake *f = context;
    static char name[64];
    if (index >= (size_t)(f->count - f->held))
        return error_set(err, ST_NOT_FOUND, "the end");
    snprintf(name, sizeof name, index == 2 ? "ev\033[31mil.png" : "belt/%zu.png", index);
    *item = (struct review_item){
        .id = 100 + (int64_t)index, .path = f->paths[index], .name = name, .scene = "belt",
        .score = {.score = 3.398, .parts = {[DETECTOR_WHOLE] = 2.5, [DETECTOR_PATCH] = 3.1}}, .threshold = 2.4, .percentile = 0.9925,
        .position = f->listed ? (int64_t)index + 1 : 0, .open = f->count, .heat = &f->heat, .box = {0, 0, 1, 1},
        .details = "camera 2\ngroup 17", .verdict = f->verdict[index], .class_name = f->class_name[index],
        .severity = f->severity[index], .width = 64, .height = 48, .blind = f->blind && !f->verdict[index][0],
        .likely = f->likely[index]};
    return ST_OK;
}

static enum status fake_bulk(void *context, const struct action *actions, size_t count, struct error *err)
{
    static const char *const kinds[] = {"normal", "defect", "unsure", "skip"};
    struct fake *f = context;
    if (f->refuse)
        return error_set(err, ST_BUSY, "another program holds the project");
    strbuf_printf(&f->log, "bulk");
    for (size_t k = 0; k < count; k++) {
        size_t i = (size_t)(actions[k].id - 100);
        strbuf_printf(&f->log, " %s %zu", kinds[actions[k].kind], i);
        if (actions[k].class_name)
            strbuf_printf(&f->log, " %s %s", actions[k].class_name, actions[k].severity);
        if (actions[k].kind != ACTION_SKIP)
            snprintf(f->verdict[i], 64, "%s", kinds[actions[k].kind]);
        f->bulk[k] = i;
    }
    f->bulk_count = count;
    strbuf_puts(&f->log, "\n");
    return ST_OK;
}

static size_t fake_concerned(void *context)
{
    struct fake *f = context;
    return f->bulk_count > 0 ? f->bulk_count : 1;
}

static void fake_reserve(void *context, size_t from, size_t count)
{
    struct fake *f = context;
    f->reserved = count ? from + count : 0;
}

static enum status fake_alike(void *context, int64_t id, const size_t **places, size_t *count, struct error *err)
{
    struct fake *f = context;
    if (f->alone)
        return error_set(err, ST_NOT_FOUND, "the features of this picture are not kept");
    f->alike[0] = (size_t)id - 100;
    f->alike[1] = 4;
    f->alike[2] = 1;
    *places = f->alike;
    *count = 3;
    return ST_OK;
}

static enum status fake_results(void *context, size_t number, bool anew, const struct review_results **results,
                                struct error *err)
{
    static int64_t all[400], normal[400], defect[400], stop[400], none[400];
    static struct review_results r;
    struct fake *f = context;
    if (number > 1)
        return error_set(err, ST_NOT_FOUND, "no such scene");
    f->asked = anew ? 0 : f->asked + 1;
    if (f->asked < 2)
        return ST_BUSY;
    memset(all, 0, sizeof all);
    memset(normal, 0, sizeof normal);
    all[0] = normal[0] = 900;
    all[40] = normal[40] = 60; // 2.00
    all[50] = 30;              // 2.50: the threshold
    all[70] = defect[70] = stop[70] = 10;
    stop[42] = defect[42] = all[42] = 2;
    r = (struct review_results){.scene = number ? "wa\033gon" : "belt", .scenes = 2, .revision = 4, .threshold = 2.5,
                                .reason = "a filter rate was asked for", .screened = 1002, .flagged = 40, .open = 7,
                                .step = 0.05, .bins = 400, .all = all, .normal = normal, .defect = defect, .severity_count = 4,
                                .severities = {{"stop", 10, 2, 3, stop}, {"key", 0, 0, 0, none}, {"general", 0, 0, 1, none},
                                               {"all", 10, 2, 4, stop}}};
    *results = &r;
    return ST_OK;
}

// One of ten pages looked through has a picture that fits.
static enum status fake_find(void *context, const char *text, const struct review_found **rows, size_t *count, bool *more,
                             struct error *err)
{
    static struct review_found found;
    struct fake *f = context;
    if (text && strcmp(text, "bad") == 0)
        return error_set(err, ST_INVALID, "nothing can be looked for by \"bad\"");
    f->asked = text ? 0 : f->asked + 1;
    if (text && strcmp(text, "long") == 0) {
        found = (struct review_found){.id = 101, .name = "line3_camera2_000123.jpg", .scene = "loading bay", .score = 3.398, .flagged = true,
                                      .verdict = "defect", .class_name = "longitudinal tear of the conveyor belt at its splice",
                                      .severity = "stop", .person = "Annemarie", .at = "2026-01-05 09:03"};
        *rows = &found;
        *count = 1;
        *more = false;
        return ST_OK;
    }
    found = (struct review_found){.id = 101, .name = "ev\033il.png", .scene = "belt", .score = 3.398, .flagged = true,
                                  .verdict = "", .class_name = "", .severity = "", .person = "", .at = ""};
    *rows = &found;
    *count = f->asked == 9;
    *more = f->asked < 20;
    return ST_OK;
}

static enum status fake_look(void *context, int64_t id, struct review_item *item, struct error *err)
{
    return fake_item(context, (size_t)id - 100, item, err);
}

static enum status fake_jump(void *context, int64_t id, size_t *index, struct error *err)
{
    (void)context;
    (void)err;
    *index = (size_t)id - 100;
    return ST_OK;
}

static enum status fake_saved(void *context, const char *const **pairs, size_t *count, struct error *err)
{
    static const char *const all[] = {"mine", "class:a", "other", "bad"};
    (void)context;
    (void)err;
    *pairs = all;
    *count = 2;
    return ST_OK;
}

static enum status fake_save(void *context, const char *name, const char *text, struct error *err)
{
    struct fake *f = context;
    (void)err;
    strbuf_printf(&f->log, "save %s=%s\n", name, text);
    return ST_OK;
}

static enum status fake_near(void *context, int64_t id, enum near kind, const struct review_near **rows, size_t *count,
                             struct error *err)
{
    struct fake *f = context;
    if (id == 102)
        return error_set(err, ST_NOT_FOUND, "the features of this picture are not kept");
    for (int i = 0; i < 3; i++)
        f->near[i] = (struct review_near){.id = 200 + i, .path = f->paths[1], .name = i ? "x\033y.png" : "plain.png",
                                          .words = kind == NEAR_NORMAL ? "Normal, by Bob" : "crack (stop)",
                                          .width = 64, .height = 48};
    *rows = f->near;
    *count = f->alone ? 0 : 3;
    return ST_OK;
}

static enum status fake_history(void *context, int64_t id, char **text, struct error *err)
{
    (void)context;
    (void)err;
    *text = xasprintf("2026-11-25 12:00  Bob  normal (%lld)\n    an oil\033 spot?", (long long)id);
    return ST_OK;
}

static void swap_verdict(struct fake *f, size_t step)
{
    size_t i = f->history[step];
    char *now[3] = {f->verdict[i], f->class_name[i], f->severity[i]};
    size_t room[3] = {64, 64, 16};
    for (int k = 0; k < 3; k++) {
        char keep[64];
        snprintf(keep, sizeof keep, "%s", now[k]);
        snprintf(now[k], room[k], "%s", f->old[step][k]);
        snprintf(f->old[step][k], 64, "%s", keep);
    }
}

static enum status fake_act(void *context, const struct action *a, size_t *index, struct error *err)
{
    static const char *const kinds[] = {"normal", "defect", "unsure", "skip", "undo", "redo"};
    struct fake *f = context;
    strbuf_printf(&f->log, "%s %lld", kinds[a->kind], (long long)a->id);
    if (a->kind == ACTION_DEFECT)
        strbuf_printf(&f->log, " %s %s", a->class_name, a->severity);
    if (a->note && a->note[0])
        strbuf_printf(&f->log, " \"%s\"", a->note);
    strbuf_puts(&f->log, "\n");
    if (f->refuse)
        return error_set(err, ST_BUSY, "another program holds the project");
    if (a->kind == ACTION_UNDO && f->bulk_count > 0) {
        *index = f->bulk[0];
        for (size_t k = 0; k < f->bulk_count; k++)
            f->verdict[f->bulk[k]][0] = '\0';
        return ST_OK;
    }
    size_t i = (size_t)(a->id - 100);
    if (a->kind == ACTION_UNDO) {
        if (f->taken_back == f->length)
            return error_set(err, ST_NOT_FOUND, "There is nothing to take back.");
        f->taken_back++;
        swap_verdict(f, f->length - f->taken_back);
        *index = f->history[f->length - f->taken_back];
    } else if (a->kind == ACTION_REDO) {
        if (f->taken_back == 0)
            return error_set(err, ST_NOT_FOUND, "Nothing was taken back.");
        swap_verdict(f, f->length - f->taken_back);
        *index = f->history[f->length - f->taken_back--];
    } else if (a->kind != ACTION_SKIP || !f->poor) {
        f->length -= f->taken_back;
        f->taken_back = 0;
        f->history[f->length] = i;
        snprintf(f->old[f->length][0], 64, "%s", kinds[a->kind]);
        snprintf(f->old[f->length][1], 64, "%s", a->class_name ? a->class_name : "");
        snprintf(f->old[f->length][2], 64, "%s", a->severity ? a->severity : "");
        if (a->kind == ACTION_SKIP) { // it changes nothing, and can be taken back
            memcpy(f->old[f->length][0], f->verdict[i], sizeof f->verdict[i]);
            memcpy(f->old[f->length][1], f->class_name[i], sizeof f->class_name[i]);
            memcpy(f->old[f->length][2], f->severity[i], sizeof f->severity[i]);
        }
        swap_verdict(f, f->length++);
    }
    return ST_OK;
}

static void fake_classes(void *context, const struct review_class **classes, size_t *count)
{
    struct fake *f = context;
    f->class_loads++;
    *classes = f->classes;
    *count = f->class_gone && f->class_loads >= f->class_gone ? 1 : f->class_count;
}

static enum status fake_change_class(void *context, int64_t id, enum class_action what, const char *value, struct error *err)
{
    struct fake *f = context;
    (void)err;
    strbuf_printf(&f->log, "class %lld %d %s\n", (long long)id, (int)what, value);
    return ST_OK;
}

static int64_t fake_open(void *context)
{
    struct fake *f = context;
    int64_t n = 0;
    for (int i = 0; i < f->count; i++)
        n += f->verdict[i][0] == '\0';
    f->held = 0;
    return n;
}

static const char *fake_news(void *context, size_t index, size_t last)
{
    struct fake *f = context;
    strbuf_printf(&f->heard, "%zu-%zu\n", index, last);
    return "news";
}

void fake_init_with(struct fake *f, int count)
{
    memset(f, 0, sizeof *f);
    f->count = count;
    f->heat = (struct heat){.rows = 2, .cols = 2, .cells = {0, 200, 0, 0}};
    f->classes[0] = (struct review_class){.id = 1, .name = "crack", .severity = "stop", .code = "cr"};
    f->classes[1] = (struct review_class){.id = 2, .name = "blowhole", .severity = "key"};
    f->class_count = 2;
    for (int i = 0; i < f->count; i++) {
        struct image picture;
        struct error err;
        char name[32];
        snprintf(name, sizeof name, "%d.png", i);
        f->paths[i] = file_join(scratch, name);
        image_init(&picture, 64, 48, 1);
        for (int k = 0; k < 64 * 48; k++)
            picture.pixels[k] = (uint8_t)(i == 1 ? 255 - k % 64 * 4 : k % 64 * 2 + k / 64 * 2);
        if (i == 3)
            assert_ok(file_write(f->paths[i], "not a picture", 13, &err), &err);
        else
            assert_ok(image_write_png(f->paths[i], &picture, &err), &err);
        image_clear(&picture);
    }
}

void fake_init(struct fake *f)
{
    fake_init_with(f, 4);
}

void fake_clear(struct fake *f)
{
    for (int i = 0; i < f->count; i++) {
        unlink(f->paths[i]);
        free(f->paths[i]);
    }
    strbuf_clear(&f->log);
    strbuf_clear(&f->heard);
}

// --- playing a script, and what it left -------------------------------------

char *play(struct fake *f, int graphics, const char *script, const char *name)
{
    struct review_model model = {.context = f, .item = fake_item, .act = fake_act, .classes = fake_classes,
                                 .change_class = fake_change_class,
                                 .open = fake_open, .near = fake_near, .history = fake_history,
                                 .bulk = fake_bulk, .concerned = fake_concerned, .reserve = fake_reserve,
                                 .alike = fake_alike, .results = fake_results,
                                 .find = fake_find, .look = fake_look, .jump = fake_jump, .saved = fake_saved,
                                 .save = fake_save, .news = fake_news};
    struct strbuf text = {0};
    struct error err;
    for (const char *p = script; *p; p++) {
        if (*p == '@')
            strbuf_puts(&text, scratch);
        else
            strbuf_add(&text, p, 1);
    }
    char *path = file_join(scratch, "script");
    assert_ok(file_write(path, text.data, text.len, &err), &err);
    struct review_config config = {.poor = f->poor, .title = "mine, inspector ann", .limits = image_limits_default,
                                   .graphics = graphics, .threads = 2, .script = path};
    assert_ok(review_run(&config, &model, &f->answers, &err), &err);
    unlink(path);
    free(path);
    strbuf_clear(&text);
    unsigned char *bytes = NULL;
    size_t count;
    if (name) {
        path = file_join(scratch, name);
        assert_ok(file_read(path, 1 << 22, &bytes, &count, &err), &err);
        unlink(path);
        free(path);
    }
    return (char *)bytes;
}

char *scratch_file(const char *name)
{
    char *path = file_join(scratch, name);
    unsigned char *bytes;
    size_t count;
    struct error err;
    assert_ok(file_read(path, 1 << 22, &bytes, &count, &err), &err);
    unlink(path);
    free(path);
    return (char *)bytes;
}

void assert_line(const char *dump, int number_of, const char *want)
{
    while (number_of-- > 0)
        dump = strchr(dump, '\n') + 1;
    char *line = xasprintf("%.*s", (int)strcspn(dump, "\n"), dump);
    assert_string_equal(line, want);
    free(line);
}

void assert_has(const char *text, const char *want)
{
    if (!strstr(text, want))
        fail_msg("\"%s\" is not in:\n%s", want, text);
}

void decode(const char *text, int width, int height, struct unsixel *to)
{
    const char *wrong = unsixel(text, width, height, to);
    if (wrong)
        fail_msg("%s", wrong);
}

void assert_frame(const char *sixel, int picture, const struct look *look, int width, int height)
{
    struct image image, frame;
    struct placement at;
    struct unsixel got;
    double box[4] = {0, 0, 1, 1};
    uint8_t palette[SIXEL_COLOURS * 3], *index = xcalloc((size_t)width * (size_t)height, 1);
    image_init(&image, 64, 48, 1);
    for (int k = 0; k < 64 * 48; k++)
        image.pixels[k] = (uint8_t)(picture == 1 ? 255 - k % 64 * 4 : k % 64 * 2 + k / 64 * 2);
    compose_look(&image, 64, look, width, height, &frame, &at, box);
    sixel_quantise(&frame, 256, index, palette);
    decode(sixel, width, height, &got);
    for (int i = 0; i < width * height * 3; i++) {
        int want = (palette[index[i / 3] * 3 + i % 3] * 100 + 127) / 255;
        assert_in_range(got.rgb[i] + 1, want, want + 2);
    }
    free(got.rgb);
    free(index);
    image_clear(&frame);
    image_clear(&image);
}
