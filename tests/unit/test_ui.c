#include "config.h"

#include "tests/unit/scratch.h"

#include <math.h>

#include <wchar.h>

#include "base/file.h"
#include "base/rng.h"
#include "base/strbuf.h"
#include "tests/tui/unsixel.h"
#include "ui/compose.h"
#include "ui/keymap.h"
#include "ui/review.h"
#include "ui/session.h"
#include "ui/sixel.h"
#include "ui/symbols.h"
#include "ui/term.h"

// --- sixel, decoded back -------------------------------------------------

static void decode(const char *text, int width, int height, struct unsixel *to)
{
    const char *wrong = unsixel(text, width, height, to);
    if (wrong)
        fail_msg("%s", wrong);
}

static void sixel_holds_the_quantised_frame(void **state)
{
    (void)state;
    static const int sizes[][3] = {{1, 6, 1}, {7, 6, 1}, {33, 18, 1}, {300, 12, 1}, {7, 6, 3}, {61, 48, 3}, {33, 19, 1}, {61, 47, 3}};
    static const int registers[] = {256, 32, 16};
    struct rng rng = rng_seed(3);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        for (int r = 0; r < 3; r++) {
            int w = sizes[i][0], h = sizes[i][1], channels = sizes[i][2];
            size_t count = (size_t)w * (size_t)h;
            struct image frame;
            struct error err;
            struct strbuf out = {0};
            struct unsixel got;
            uint8_t palette[SIXEL_COLOURS * 3], *index = xcalloc(count, 1);
            image_init(&frame, w, h, channels);
            for (size_t k = 0; k < count * (size_t)channels; k++)
                frame.pixels[k] = (uint8_t)rng_below(&rng, 256);
            int colours = sixel_quantise(&frame, registers[r], index, palette);
            assert_in_range(colours, 1, registers[r] < SIXEL_COLOURS ? registers[r] : SIXEL_COLOURS);
            assert_ok(sixel_encode_frame(&frame, registers[r], &out, &err), &err);
            decode(out.data, w, h, &got);
            assert_int_equal(got.width, w);
            assert_int_equal(got.height, h);
            for (size_t k = 0; k < count * 3; k++) { // sixel colours are percentages
                int want = (palette[index[k / 3] * 3 + k % 3] * 100 + 127) / 255;
                assert_in_range(got.rgb[k] + 1, want, want + 2);
            }
            int far = channels == 1 ? 255 / (registers[r] < 64 ? registers[r] - 1 : 63) : 255;
            for (size_t k = 0; k < count && channels == 1; k++)
                assert_true(abs(palette[index[k] * 3] - frame.pixels[k]) <= far / 2 + 1);
            free(got.rgb);
            free(index);
            strbuf_clear(&out);
            image_clear(&frame);
        }
    }
}

static void colours_are_chosen_for_the_picture(void **state)
{
    (void)state;
    struct image frame;
    enum { W = 256, H = 120 };
    uint8_t *index = xcalloc(W * H, 1), palette[SIXEL_COLOURS * 3];
    image_init(&frame, W, H, 3);
    for (int i = 0; i < W * H; i++) // sky above, rust below, one odd spot
        memcpy(frame.pixels + i * 3,
               i / W < 60 ? (uint8_t[]){(uint8_t)(90 + i % W / 4), (uint8_t)(140 + i % W / 4), 230}
                          : (uint8_t[]){(uint8_t)(80 + i % W / 8), (uint8_t)(50 + i / W / 4), 30}, 3);
    memcpy(frame.pixels + (100 * W + 50) * 3, (uint8_t[]){20, 200, 20}, 3);
    int n = sixel_quantise(&frame, 256, index, palette);
    assert_in_range(n, 16, 128);
    int most = 0;
    for (int i = 0; i < W * H * 3; i++) {
        int far = abs(palette[index[i / 3] * 3 + i % 3] - frame.pixels[i]);
        most = far > most ? far : most;
    }
    assert_in_range(most, 0, 8);
    // few registers: coarser, and still within them
    assert_in_range(sixel_quantise(&frame, 16, index, palette), 4, 16);
    // one colour stays what it is
    for (int i = 0; i < W * H; i++)
        memcpy(frame.pixels + i * 3, (uint8_t[]){30, 120, 200}, 3);
    assert_int_equal(sixel_quantise(&frame, 256, index, palette), 1);
    assert_memory_equal(palette, ((uint8_t[]){30, 120, 200}), 3);
    image_clear(&frame);
    free(index);
}

static void grays_keep_their_levels_beside_a_tint(void **state)
{
    (void)state;
    struct image frame;
    uint8_t index[256 * 6], palette[SIXEL_COLOURS * 3];
    image_init(&frame, 256, 6, 3);
    for (int i = 0; i < 256 * 6; i++)
        memset(frame.pixels + i * 3, i % 256, 3);
    frame.pixels[0] = 255; // one red pixel
    int colours = sixel_quantise(&frame, 256, index, palette);
    assert_int_equal(colours, 65);
    for (int i = 1; i < 256 * 6; i++)
        assert_in_range(palette[index[i] * 3 + 1] + 3, i % 256, i % 256 + 6);
    assert_true(palette[index[0] * 3] > 200 && palette[index[0] * 3 + 1] == 0);
    image_clear(&frame);
}

// --- compose -------------------------------------------------------------

static void a_picture_is_letterboxed(void **state)
{
    (void)state;
    struct image picture, frame;
    struct placement at;
    image_init(&picture, 40, 10, 3);
    memset(picture.pixels, 200, 40 * 10 * 3);
    compose_fit(&picture, 80, 60, &frame, &at);
    assert_int_equal(at.x, 0);
    assert_int_equal(at.y, 20);
    assert_int_equal(at.width, 80);
    assert_int_equal(at.height, 20);
    assert_int_equal(frame.channels, 1); // RGB of equal parts is gray
    for (int y = 0; y < 60; y++)
        for (int x = 0; x < 80; x++)
            assert_int_equal(frame.pixels[y * 80 + x], y >= 20 && y < 40 ? 200 : COMPOSE_MARGIN);
    image_clear(&frame);
    picture.pixels[0] = 10;
    compose_fit(&picture, 10, 90, &frame, &at);
    assert_int_equal(frame.channels, 3);
    assert_int_equal(at.height, 2);
    image_clear(&frame);
    image_clear(&picture);
}

static void the_overlay_lies_on_its_box(void **state)
{
    (void)state;
    struct image picture, frame;
    struct placement at;
    struct heat heat = {.rows = 4, .cols = 4};
    double box[4] = {0.5, 0, 1, 0.5}; // the upper right quarter
    heat.cells[0] = heat.cells[1] = heat.cells[4] = heat.cells[5] = 255;
    image_init(&picture, 100, 100, 1);
    memset(picture.pixels, 100, 100 * 100);
    compose_fit(&picture, 100, 120, &frame, &at);
    compose_heat(&frame, &at, &heat, box, 2, 2);
    assert_int_equal(frame.channels, 3);
    int white = 0, black = 0;
    for (int y = 0; y < 120; y++) {
        for (int x = 0; x < 100; x++) {
            const uint8_t *p = frame.pixels + (y * 100 + x) * 3;
            bool in_box = x >= 50 && y >= 10 && y < 60, in_picture = y >= 10 && y < 110;
            white += p[0] == 255 && p[1] == 255 && p[2] == 255;
            black += p[0] == 0 && p[1] == 0 && p[2] == 0;
            if (!in_picture)
                assert_int_equal(p[0], COMPOSE_MARGIN);
            else if (!in_box && (x < 48 || y > 62))
                assert_int_equal(p[0], 100);
        }
    }
    assert_true(white > 60 && black > 30); // round a region of some 25 x 25 pixels
    const uint8_t *hot = frame.pixels + (20 * 100 + 60) * 3;
    assert_true(hot[0] > hot[2] + 40); // reddened
    image_clear(&frame);
    image_clear(&picture);
}

static void colours_of_the_256(void **state)
{
    (void)state;
    assert_int_equal(symbols_colour(0, 0, 0), 16);
    assert_int_equal(symbols_colour(255, 255, 255), 231);
    assert_int_equal(symbols_colour(255, 0, 0), 196);
    assert_int_equal(symbols_colour(118, 118, 118), 243);
    assert_int_equal(symbols_colour(95, 135, 175), 67);
}

// Pixel (y, x) of 8 x 4 in a cell holding `c`: in the front colour?
static bool in_front(wchar_t c, int y, int x)
{
    static const wchar_t quads[] = L" \u2598\u259d\u2580\u2596\u258c\u259e\u259b\u2597\u259a\u2590\u259c\u2584\u2599\u259f\u2588";
    const wchar_t *at = wcschr(quads, c);
    if (!c || !at)
        fail_msg("another character than a quarter: U+%04X", (unsigned)c);
    return (at - quads) >> (y / 4 * 2 + x / 2) & 1;
}

// Every pattern of quarters in two colours comes out as drawn, the same each time.
static void fine_symbols_hold_quarters(void **state)
{
    (void)state;
    struct image frame;
    struct symbol cells[16], again[16];
    static const int gray[2] = {58, 198}, index[2] = {237, 251};
    int width, height;
    symbols_size(SYMBOLS_FINE, 1, 16, &width, &height);
    assert_int_equal(width, 16 * 4);
    assert_int_equal(height, 8);
    image_init(&frame, width, height, 1);
    for (int i = 0; i < width * height; i++)
        frame.pixels[i] = (uint8_t)gray[(i % width / 4) >> (i / width / 4 * 2 + i % 4 / 2) & 1];
    symbols_make(&frame, SYMBOLS_FINE, 1, 16, cells);
    for (int i = 0; i < width * height; i++) {
        const struct symbol *cell = &cells[i % width / 4];
        int seen = in_front(cell->c, i / width, i % 4) ? cell->front : cell->back;
        assert_int_equal(seen, index[frame.pixels[i] == gray[1]]);
    }
    symbols_make(&frame, SYMBOLS_FINE, 1, 16, again);
    for (int i = 0; i < 16; i++)
        assert_true(again[i].c == cells[i].c && again[i].front == cells[i].front && again[i].back == cells[i].back);
    image_clear(&frame);
}

static void blocks_hold_two_pixels_a_cell(void **state)
{
    (void)state;
    struct image frame;
    struct symbol cells[2];
    image_init(&frame, 2, 2, 3);
    memcpy(frame.pixels, (uint8_t[]){255, 0, 0, 0, 0, 0, 0, 0, 255, 0, 0, 0}, 12);
    symbols_make(&frame, SYMBOLS_BLOCKS, 1, 2, cells);
    assert_true(cells[0].c == L'\u2580' && cells[0].front == 196 && cells[0].back == 21);
    assert_true(cells[1].c == L' ' && cells[1].back == 16);
    symbols_make(&frame, SYMBOLS_ASCII, 1, 2, cells);
    assert_true(cells[0].c == L':' && cells[0].front == -1 && cells[1].c == L' ');
    image_clear(&frame);
}

// --- terminal answers and keys -------------------------------------------

static void answers_are_told_from_keys(void **state)
{
    (void)state;
    static const char text[] = "n\033[5;2R\033[?1;0;1024S\033[?2;0;1000;900S\033[6;18;9t\033[?2026;2$yd"
                               "\033[A\033P1$r\033\\\033[?63;1;2;4;6c\033[?1";
    struct term term = {0};
    struct strbuf keys = {0};
    term_parse(&term, text, sizeof text - 1, &keys);
    assert_string_equal(keys.data, "nd\033[A");
    assert_true(term.answered && term.sixel && term.sync && !term.wide_lines);
    assert_int_equal(term.registers, 1024);
    assert_int_equal(term.max_width, 1000);
    assert_int_equal(term.max_height, 900);
    assert_int_equal(term.cell_width, 9);
    assert_int_equal(term.cell_height, 18);
    strbuf_clear(&keys);
    struct term other = {0};
    term_parse(&other, "\033[1;3R\033[?64;1;40c", 17, &keys);
    assert_true(other.wide_lines && other.answered && !other.sixel);
    assert_int_equal(keys.len, 0);
}

static void no_key_means_two_things(void **state)
{
    (void)state;
    size_t count;
    struct keymap *map = keymap_new();
    const struct binding *t = keymap_table(map, &count);
    char *help = keymap_all(map, false), *man = keymap_all(map, true), *file = keymap_file(map);
    assert_null(strstr(file, "?.")); // every view and command has a name there
    assert_null(strstr(file, ".?"));
    free(file);
    for (size_t i = 0; i < count; i++) {
        assert_non_null(strstr(help, t[i].shown));
        assert_non_null(strstr(help, t[i].help));
        assert_non_null(strstr(man, t[i].help));
        for (int k = 0; k < KEYMAP_KEYS && t[i].keys[k]; k++) {
            assert_int_equal(keymap_find(map, t[i].context, t[i].keys[k]), t[i].command);
            for (int view = 0; view < CONTEXT_ALL && t[i].context == CONTEXT_ALL; view++) // no view takes it away
                assert_int_equal(keymap_find(map, (enum context)view, t[i].keys[k]), t[i].command);
        }
    }
    for (const char *line = help; *line; line += strcspn(line, "\n") + 1)
        assert_in_range(strcspn(line, "\n"), 1, 76); // fits the popup of an 80-column screen
    assert_memory_equal(strstr(man, ".TP"), ".TP\n.B n\n", 9);
    keymap_free(map);
    free(help);
    free(man);
}

// --- the whole screen over a model in memory -----------------------------

struct fake {
    int count;
    char verdict[8][64], class_name[8][64], severity[8][16];
    struct review_class classes[8];
    char names[8][64], severities[8][16];
    size_t class_count, history[32], length, taken_back;
    char old[32][3][64];
    struct strbuf log;
    char *paths[8];
    bool refuse, blind, alone; // alone: nothing looks like anything
    struct heat heat;
    struct review_near near[3];
    size_t bulk[8], bulk_count, reserved; // what the last bulk answer was about, while it stands
    size_t alike[8];
    int asked;
};

static enum status fake_item(void *context, size_t index, struct review_item *item, struct error *err)
{
    struct fake *f = context;
    static char name[64];
    if (index >= (size_t)f->count)
        return error_set(err, ST_NOT_FOUND, "the end");
    snprintf(name, sizeof name, index == 2 ? "ev\033[31mil.png" : "belt/%zu.png", index);
    *item = (struct review_item){
        .id = 100 + (int64_t)index, .path = f->paths[index], .name = name, .scene = "belt",
        .score = {.score = 3.398, .parts = {[DETECTOR_WHOLE] = 2.5, [DETECTOR_PATCH] = 3.1}}, .threshold = 2.4, .percentile = 0.9925,
        .position = (int64_t)index + 1, .open = f->count, .heat = &f->heat, .box = {0, 0, 1, 1},
        .details = "camera 2\ngroup 17", .verdict = f->verdict[index], .class_name = f->class_name[index],
        .severity = f->severity[index], .width = 64, .height = 48, .blind = f->blind && !f->verdict[index][0]};
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
    } else if (a->kind != ACTION_SKIP) {
        f->length -= f->taken_back;
        f->taken_back = 0;
        f->history[f->length] = i;
        snprintf(f->old[f->length][0], 64, "%s", kinds[a->kind]);
        snprintf(f->old[f->length][1], 64, "%s", a->class_name ? a->class_name : "");
        snprintf(f->old[f->length][2], 64, "%s", a->severity ? a->severity : "");
        swap_verdict(f, f->length++);
    }
    return ST_OK;
}

static void fake_classes(void *context, const struct review_class **classes, size_t *count)
{
    struct fake *f = context;
    *classes = f->classes;
    *count = f->class_count;
}

static int64_t fake_open(void *context)
{
    struct fake *f = context;
    int64_t n = 0;
    for (int i = 0; i < f->count; i++)
        n += f->verdict[i][0] == '\0';
    return n;
}

static void fake_init_with(struct fake *f, int count)
{
    memset(f, 0, sizeof *f);
    f->count = count;
    f->heat = (struct heat){.rows = 2, .cols = 2, .cells = {0, 200, 0, 0}};
    f->classes[0] = (struct review_class){.name = "crack", .severity = "stop", .code = "cr"};
    f->classes[1] = (struct review_class){.name = "blowhole", .severity = "key"};
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

static void fake_init(struct fake *f)
{
    fake_init_with(f, 4);
}

static void fake_clear(struct fake *f)
{
    for (int i = 0; i < f->count; i++) {
        unlink(f->paths[i]);
        free(f->paths[i]);
    }
    strbuf_clear(&f->log);
}

// Run `script` ("@" stands for the scratch folder); the text of `name` from there.
static char *play(struct fake *f, int graphics, const char *script, const char *name)
{
    struct review_model model = {.context = f, .item = fake_item, .act = fake_act, .classes = fake_classes,
                                 .open = fake_open, .near = fake_near, .history = fake_history,
                                 .bulk = fake_bulk, .concerned = fake_concerned, .reserve = fake_reserve,
                                 .alike = fake_alike, .results = fake_results,
                                 .find = fake_find, .look = fake_look, .jump = fake_jump, .saved = fake_saved,
                                 .save = fake_save};
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
    struct review_config config = {.title = "mine, inspector ann", .limits = image_limits_default,
                                   .graphics = graphics, .threads = 2, .script = path};
    assert_ok(review_run(&config, &model, &err), &err);
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

// Line `number_of` (0 first) of a dump.
static void assert_line(const char *dump, int number_of, const char *want)
{
    while (number_of-- > 0)
        dump = strchr(dump, '\n') + 1;
    char *line = xasprintf("%.*s", (int)strcspn(dump, "\n"), dump);
    assert_string_equal(line, want);
    free(line);
}

static void assert_has(const char *text, const char *want)
{
    if (!strstr(text, want))
        fail_msg("\"%s\" is not in:\n%s", want, text);
}

static void the_small_screen(void **state)
{
    (void)state;
    struct fake f;
    fake_init(&f);
    char *d = play(&f, GRAPHICS_ASCII, "size 80 24\nwait\ndump @/d\nkey q\n", "d");
    assert_line(d, 0, " mine, inspector ann   belt                                         1 of 4 open");
    assert_line(d, 18, " belt/0.png                                                        not answered");
    assert_line(d, 19, " 1 normal in 2,500 looks this odd; flagged from 1 in 250 on");
    assert_line(d, 20, " ################ above 99.2 %   patch 1 in 1,300   whole 1 in 320");
    assert_line(d, 21, " camera 2 group 17");
    assert_line(d, 23, " n normal  d defect  w unsure  s skip  h heatmap  u undo  ? help  q quit");
    assert_has(d, "::::");
    free(d);
    fake_clear(&f);
}

static void the_large_screen(void **state)
{
    (void)state;
    struct fake f;
    fake_init(&f);
    char *d = play(&f, GRAPHICS_BLOCKS, "size 200 60\nwait\ndump @/d\nkey ?\ndump @/h\n", "d");
    assert_has(d, "   belt/0.png\n");
    assert_has(d, " 1 normal in 2,500 looks this odd\n");
    assert_has(d, " flagged from 1 in 250 on\n");
    assert_null(strstr(d, " tile ")); // no tiles in this scene: its line would say nothing
    assert_has(d, " camera 2\n");
    assert_has(d, " Answer: not answered\n");
    assert_has(d, "▀ ");
    free(d);
    d = file_join(scratch, "h");
    unsigned char *bytes;
    size_t count;
    struct error err;
    assert_ok(file_read(d, 1 << 20, &bytes, &count, &err), &err);
    assert_has((char *)bytes, "Take back your last answers and show the picture.");
    unlink(d);
    free(d);
    free(bytes);
    fake_clear(&f);
}

static void answers_reach_the_model(void **state)
{
    (void)state;
    struct fake f;
    fake_init(&f);
    char *d = play(&f, GRAPHICS_ASCII,
                   "wait\nkey n\nwait\nkey d\ntext CRA\nkey Enter\nkey Enter\nwait\nkey d\ntext oil spot\ndump @/c\n"
                   "key Enter\nkey k\nwait\nkey u\nkey u\nwait\nkey C-r\nkey r\nwait\nkey j\nwait\nkey s\ndump @/d\n",
                   "d");
    assert_string_equal(f.log.data, "normal 100\ndefect 101 crack stop\ndefect 102 oil spot key\nundo 103\n"
                                    "undo 102\nredo 101\nredo 101\nskip 103\n");
    assert_string_equal(f.class_name[2], "oil spot");
    assert_has(d, "Nothing more to review");
    assert_has(d, "1 normal, 2 defect, 0 unsure.");
    assert_has(d, "1 still open: skipped");
    assert_null(strstr(d, "Reading"));
    free(d);
    d = file_join(scratch, "c");
    unsigned char *bytes;
    size_t count;
    struct error err;
    assert_ok(file_read(d, 1 << 20, &bytes, &count, &err), &err);
    assert_has((char *)bytes, "new class: oil spot");
    unlink(d);
    free(d);
    free(bytes);
    fake_clear(&f);
}

static void backing_out_stores_nothing(void **state)
{
    (void)state;
    struct fake f;
    fake_init(&f);
    char *d = play(&f, GRAPHICS_ASCII,
                   "wait\nkey d\nkey Down\nkey Enter\nkey Escape\nkey Escape\nkey w\nwait\ndump @/d\n", "d");
    assert_string_equal(f.log.data, "unsure 100\n");
    assert_has(d, "belt/1.png");
    free(d);
    fake_clear(&f);
}

static void a_refused_answer_stays(void **state)
{
    (void)state;
    struct fake f;
    fake_init(&f);
    f.refuse = true;
    char *d = play(&f, GRAPHICS_ASCII, "wait\nkey n\nwait\ndump @/d\n", "d");
    assert_has(d, "belt/0.png");
    assert_has(d, "another program holds the project");
    free(d);
    fake_clear(&f);
}

static void foreign_text_is_harmless(void **state)
{
    (void)state;
    struct fake f;
    fake_init(&f);
    char *d = play(&f, GRAPHICS_ASCII, "wait\nkey j\nkey j\nwait\ndump @/d\n", "d");
    assert_has(d, "ev?[31mil.png");
    assert_null(strchr(d, '\033'));
    free(d);
    d = play(&f, GRAPHICS_ASCII, "key j\nkey j\nkey j\nwait\ndump @/d\nkey n\n", "d");
    assert_has(d, "This picture cannot be shown: ");
    assert_string_equal(f.log.data, "normal 103\n");
    free(d);
    fake_clear(&f);
}

static void an_unseen_picture_asks_first(void **state)
{
    (void)state;
    struct fake f;
    fake_init(&f);
    f.count = 1;
    // in a window too small to draw anything the picture cannot have been seen
    char *d = play(&f, GRAPHICS_ASCII, "size 30 8\nkey n\nresize 80 24\nkey s\ndump @/d\n", "d");
    assert_string_equal(f.log.data, "skip 100\n");
    free(d);
    strbuf_reset(&f.log);
    d = play(&f, GRAPHICS_ASCII, "size 30 8\nkey n\nkey n\ndump @/d\n", "d");
    assert_string_equal(f.log.data, "normal 100\n");
    free(d);
    f.count = 4;
    fake_clear(&f);
}

static void sixel_fills_the_pane(void **state)
{
    (void)state;
    struct fake f;
    fake_init(&f);
    // 80 x 17 cells of 8 x 16 pixels, down to a multiple of six
    char *d = play(&f, GRAPHICS_SIXEL, "size 80 24\nwait\nkey h\nwait\nframe @/f\n", "f");
    struct unsixel got;
    decode(d, 640, 270, &got);
    assert_int_equal(got.width, 640);
    assert_int_equal(got.height, 270);
    int coloured = 0;
    for (int i = 0; i < 640 * 270; i++)
        coloured += got.rgb[i * 3] > got.rgb[i * 3 + 2];
    assert_true(coloured > 2000); // the heatmap is on
    free(got.rgb);
    free(d);
    fake_clear(&f);
}

// The frame of 64 x 48 pixels as `look` shows it is what `frame` says.
static void assert_frame(const char *sixel, int picture, const struct look *look, int width, int height)
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

static char *scratch_file(const char *name)
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

static void what_it_is_compared_with_lies_beside(void **state)
{
    (void)state;
    struct fake f;
    struct look whole = {0};
    fake_init(&f);
    char *d = play(&f, GRAPHICS_SIXEL, "size 80 24\nwait\nkey c\nwait\nframe 0 @/a\nframe 1 @/b\ndump @/d\n", "d");
    assert_line(d, 17, " This picture                            Normal, by Bob: plain.png");
    free(d);
    d = scratch_file("a"); // 39 and 40 columns, 16 lines, down to a multiple of six pixels
    assert_frame(d, 0, &whole, 39 * 8, 252);
    free(d);
    d = scratch_file("b");
    assert_frame(d, 1, &whole, 40 * 8, 252);
    free(d);
    d = play(&f, GRAPHICS_SIXEL, "size 80 24\nkey v\nwait\nframe 3 @/b\ndump @/d\nkey v\nwait\ndump @/e\n", "d");
    assert_line(d, 5, "                                         crack (stop): plain.png");
    assert_line(d, 10, "                                         crack (stop): x?y.png");
    free(d);
    d = scratch_file("b"); // one of three: four lines, 64 pixels
    assert_frame(d, 1, &whole, 40 * 8, 60);
    free(d);
    d = scratch_file("e");
    assert_null(strstr(d, "This picture"));
    free(d);
    f.alone = true;
    d = play(&f, GRAPHICS_ASCII, "key c\nwait\ndump @/d\nkey j\nkey j\nwait\ndump @/e\n", "d");
    assert_has(d, "No picture of this scene is known to be normal yet.");
    free(d);
    d = scratch_file("e");
    assert_has(d, "the features of this picture are not kept");
    free(d);
    fake_clear(&f);
}

static void flicker_takes_turns_in_one_place(void **state)
{
    (void)state;
    struct fake f;
    struct look whole = {0};
    fake_init(&f);
    char *d = play(&f, GRAPHICS_SIXEL, "size 80 24\nwait\nkey C\nwait\nframe @/a\nidle 1\nwait\nframe @/b\ndump @/d\nidle 1.1\n"
                                       "idle 2\nwait\nframe @/c\ndump @/e\nkey n\nkey C\nwait\ndump @/g\n", "d");
    assert_line(d, 17, " Normal, by Bob: plain.png");
    free(d);
    static const char *const names[3] = {"a", "b", "c"};
    for (int i = 0; i < 3; i++) {
        d = scratch_file(names[i]);
        assert_frame(d, i % 2, &whole, 640, 252);
        free(d);
    }
    d = scratch_file("e");
    assert_line(d, 17, " This picture");
    free(d);
    d = scratch_file("g");
    assert_null(strstr(d, "This picture"));
    free(d);
    assert_string_equal(f.log.data, "normal 100\n");
    fake_clear(&f);
}

static void a_close_look_moves_and_ends(void **state)
{
    (void)state;
    struct fake f;
    struct look look = {.scale = 1, .x = .5, .y = .5};
    fake_init(&f);
    char *d = play(&f, GRAPHICS_SIXEL,
                   "size 80 24\nwait\nkey o\nwait\nframe @/a\ndump @/d\nkey +\nkey +\nkey +\nkey +\nwait\nframe @/b\n"
                   "key Left\nkey Left\nkey Left\nkey Left\nkey Left\nkey Up\nwait\nframe @/c\nkey x\nkey i\nwait\nframe @/e\n"
                   "dump @/g\nkey -\nkey -\nkey -\nkey -\nwait\ndump @/h\nkey +\nkey j\nwait\ndump @/i\n", "d");
    assert_line(d, 0, " mine, inspector ann   belt                                   1:1   1 of 4 open");
    free(d);
    d = scratch_file("a"); // pixel for pixel, in the middle
    assert_frame(d, 0, &look, 640, 270);
    free(d);
    look.scale = 16;
    d = scratch_file("b");
    assert_frame(d, 0, &look, 640, 270);
    free(d);
    look.x = 40 / 64.0 / 2; // 640 pixels show 40 of the picture's: the left rim
    look.y = .5 - 270 / 16.0 / 48 / 4;
    d = scratch_file("c");
    assert_frame(d, 0, &look, 640, 270);
    free(d);
    look.stretch = look.invert = true;
    d = scratch_file("e");
    assert_frame(d, 0, &look, 640, 270);
    free(d);
    d = scratch_file("g");
    assert_line(d, 0, " mine, inspector ann   belt            16:1   contrast   inverted   1 of 4 open");
    free(d);
    d = scratch_file("h");
    assert_null(strstr(d, ":1  "));
    free(d);
    d = scratch_file("i"); // another picture is seen whole
    assert_line(d, 0, " mine, inspector ann   belt                   contrast   inverted   2 of 4 open");
    free(d);
    fake_clear(&f);
}

static void notes_go_with_the_answer(void **state)
{
    (void)state;
    struct fake f;
    fake_init(&f);
    char *d = play(&f, GRAPHICS_ASCII,
                   "size 80 24\nwait\nkey m\ntext oil? q\nkey Backspace\ntext 二\ndump @/d\nkey Enter\nkey n\nwait\n"
                   "key m\ntext no\nkey Escape\nkey n\nwait\nkey k\nkey m\ntext x\nkey Escape\nkey n\nwait\nkey l\ndump @/e\n"
                   "key Escape\nkey s\n", "d");
    assert_has(d, "Note, kept with your answer");
    assert_has(d, "oil? 二_");
    free(d);
    d = scratch_file("e");
    assert_has(d, "What was said about this picture");
    assert_has(d, "2026-11-25 12:00  Bob  normal (102)");
    assert_has(d, "an oil? spot?");
    free(d);
    assert_string_equal(f.log.data, "normal 100 \"oil? 二\"\nnormal 101\nnormal 101\nskip 102\n");
    fake_clear(&f);
}

static void nothing_of_the_model_is_told_to_the_blind(void **state)
{
    (void)state;
    static const char *const sizes[2] = {"80 24", "200 60"};
    struct fake f;
    fake_init(&f);
    f.blind = true;
    for (int i = 0; i < 2; i++) {
        char *script = xasprintf("size %s\nwait\nkey h\nwait\nframe @/f\ndump @/d\nkey n\nwait\nkey k\nwait\ndump @/e\nkey u\n",
                                 sizes[i]);
        char *d = play(&f, GRAPHICS_SIXEL, script, "d");
        assert_has(d, "An audit runs");
        assert_has(d, "Hidden while an audit runs");
        assert_null(strstr(d, "1 in"));
        assert_null(strstr(d, "above"));
        assert_null(strstr(d, "1 of 4"));
        assert_has(d, "4 open");
        free(d);
        d = scratch_file("f");
        if (i == 0)
            assert_frame(d, 0, &(struct look){0}, 640, 270); // no heatmap
        free(d);
        d = scratch_file("e");
        assert_has(d, "1 normal in 2,500 looks this odd");
        free(d);
        free(script);
    }
    fake_clear(&f);
}

// 80 x 24 has 5 x 3 tiles of 16 x 7 cells, the last line of each for words.
static void a_grid_shows_many(void **state)
{
    (void)state;
    struct fake f;
    struct look whole = {0};
    fake_init_with(&f, 8);
    char *d = play(&f, GRAPHICS_SIXEL, "size 80 24\nkey n\nkey n\nwait\nkey 2\nwait\nframe 0 @/a\nframe 1 @/b\ndump @/d\n"
                                       "key Right\nkey Enter\nwait\ndump @/e\nkey 2\nkey a\nwait\ndump @/g\nkey Escape\nkey +\nkey +\nwait\n"
                                       "dump @/h\nkey 1\n", "d"); // begins with the one that was in the review
    assert_line(d, 0, " mine, inspector ann   belt                                   0 marked   7 open");
    assert_line(d, 2, ">                                cannot be");
    assert_line(d, 7, ">[ ] 3.4 ~1.png  [ ] 3.4 ~l.png  [ ] 3.4 ~3.png  [ ] 3.4 ~4.png  [ ] 3.4 ~5.png");
    assert_line(d, 14, " [ ] 3.4 ~6.png  [ ] 3.4 ~7.png");
    assert_line(d, 23, " Space mark  N rest normal  n normal  d defect  a alike  u undo  ? help  q quit");
    free(d);
    d = scratch_file("a");
    assert_frame(d, 1, &whole, 14 * 8, 6 * 16);
    free(d);
    d = scratch_file("b");
    assert_frame(d, 0, &whole, 14 * 8, 6 * 16);
    free(d);
    d = scratch_file("e");
    assert_line(d, 18, " ev?[31mil.png                                                     not answered");
    free(d);
    d = scratch_file("g");
    assert_line(d, 0, " mine, inspector ann   like ev?[31mil.png                     0 marked   7 open");
    assert_line(d, 7, ">[ ] 3.4 ~l.png  [ ] 3.4 ~4.png  [ ] 3.4 ~1.png");
    assert_line(d, 22, " 2 open pictures, the most similar first. Esc goes back.");
    free(d);
    d = scratch_file("h"); // two tiles across
    assert_line(d, 21, ">[ ] 3.4 ev?[31mil.png                   [ ] 3.4 belt/3.png");
    free(d);
    assert_int_equal(f.reserved, 0); // what was looked at only is free for others
    assert_string_equal(f.log.data, "normal 100\n");
    fake_clear(&f);
}

static void answers_to_many_are_one(void **state)
{
    (void)state;
    struct fake f;
    fake_init_with(&f, 8);
    f.count = 6; // of which the fourth cannot be read
    char *d = play(&f, GRAPHICS_SIXEL,
                   "size 80 24\nwait\nkey 2\nwait\nkey Right\nkey Space\nkey Right\nkey b\nkey Space\n"
                   "dump @/e\nkey N\nwait\ndump @/d\nkey u\nwait\ndump @/f\nkey n\nkey Escape\nkey d\ntext crack\nkey Enter\nkey Enter\n"
                   "wait\nkey A\nkey w\nkey A\nkey A\nkey s\ndump @/g\nkey 1\n", "d");
    assert_line(d, 0, " mine, inspector ann   belt                                   2 marked   2 open");
    assert_line(d, 7, " [-] normal ~ng  [x] 3.4 ~1.png  [x] 3.4 ~l.png  [-] normal ~ng >[-] normal ~ng");
    assert_line(d, 22, " 4: normal. u takes all of them back.");
    free(d);
    d = scratch_file("e");
    assert_line(d, 7, " [ ] 3.4 ~0.png  [x] 3.4 ~1.png  [x] 3.4 ~l.png  [ ] 3.4 ~3.png >[ ] 3.4 ~4.png");
    free(d);
    d = scratch_file("f");
    assert_line(d, 7, ">[ ] 3.4 ~0.png  [x] 3.4 ~1.png  [x] 3.4 ~l.png  [ ] 3.4 ~3.png  [ ] 3.4 ~4.png");
    assert_line(d, 22, " The last 4 answers were taken back.");
    free(d);
    d = scratch_file("g");
    assert_line(d, 0, " mine, inspector ann   belt                                   0 marked   0 open");
    free(d);
    assert_string_equal(f.log.data, "bulk normal 0 normal 3 normal 4 normal 5\nundo 104\nbulk normal 1 normal 2\n"
                                    "bulk defect 0 crack stop\nbulk unsure 0 unsure 1 unsure 2 unsure 3 unsure 4 unsure 5\n"
                                    "bulk skip 1\n");
    f.count = 8;
    fake_clear(&f);
}

static void unseen_pictures_of_a_grid_ask_first(void **state)
{
    (void)state;
    struct fake f;
    fake_init(&f);
    char *d = play(&f, GRAPHICS_ASCII, "size 30 8\nkey 2\nkey N\nresize 80 24\nwait\ndump @/d\n", "d");
    assert_null(f.log.data);
    assert_has(d, "[ ] 3.4");
    free(d);
    f.refuse = true;
    d = play(&f, GRAPHICS_ASCII, "size 80 24\nkey 2\nwait\nkey N\ndump @/d\n", "d");
    assert_has(d, "another program holds the project");
    assert_has(d, ">[ ] 3.4");
    free(d);
    f.refuse = false;
    f.blind = true; // an audit runs: no scores
    d = play(&f, GRAPHICS_ASCII, "size 80 24\nkey 2\nwait\nkey h\nkey n\nwait\ndump @/d\nkey 1\n", "d");
    assert_has(d, " [-] normal ~ng >[ ] open ~.png  [ ] open ");
    assert_null(strstr(d, "3.4"));
    free(d);
    fake_clear(&f);
}

static void a_class_is_found_by_what_is_typed(void **state)
{
    (void)state;
    static const struct {
        const char *search, *first;
        size_t count;
    } cases[] = {{"", "hair crack", 5},      {"cr", "crack", 5}, // its code; a word, two parts, then the new class
                 {"hc", "hair crack", 2},    {"crack", "crack", 3},
                 {"line", "scratch line", 2}, {"LINE", "scratch line", 2},
                 {"soot", NULL, 1},           {"sclin", NULL, 2}, // a new name, before what only holds its letters
                 {"p", "pit", 2}};
    char names[5][CLASS_ROOM] = {"hair crack", "pit", "scratch line", "microcrack", "crack"};
    char codes[5][CLASS_ROOM] = {"", "", "", "", "cr"};
    struct choice choice = {.names = names, .codes = codes, .count = 5};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        size_t places[8], n;
        snprintf(choice.search, sizeof choice.search, "%s", cases[i].search);
        n = answer_matches(&choice, places, 8);
        if (n != cases[i].count || strcmp(places[0] == 5 ? "new" : names[places[0]], cases[i].first ? cases[i].first : "new") != 0)
            fail_msg("\"%s\": %zu, first %s", cases[i].search, n, places[0] == 5 ? "new" : names[places[0]]);
    }
}

static void what_fits_is_looked_for_until_the_page_is_full(void **state)
{
    (void)state;
    struct fake f;
    struct look whole = {0};
    fake_init(&f);
    char *d = play(&f, GRAPHICS_SIXEL,
                   "size 140 40\nwait\nkey 4\ndump @/a\nwait\ndump @/d\nframe @/f\nkey /\ntext bad\nkey Enter\ndump @/b\nkey a\ndump @/c\n"
                   "wait\nkey o\nwait\nkey o\nkey s\ntext it\nkey Enter\nwait\nkey Enter\nwait\ndump @/e\n", "d");
    assert_line(d, 1, " Filter: none; / writes one");
    assert_line(d, 3, ">ev?il.png         3.40  open");
    assert_has(d, "   1 found\n");
    free(d);
    d = scratch_file("a");
    assert_has(d, "Nothing so far; looking on ...");
    free(d);
    d = scratch_file("f"); // beside the list: 69 of 140 columns, 37 lines
    assert_frame(d, 1, &whole, 69 * 8, 37 * 16 / 6 * 6);
    free(d);
    d = scratch_file("b");
    assert_line(d, 1, " nothing can be looked for by \"bad\"");
    free(d);
    d = scratch_file("c");
    assert_line(d, 1, " Filter: class:a");
    assert_has(d, "mine (1 of 2)");
    free(d);
    d = scratch_file("e"); // in the review
    assert_has(d, "2 of 4 open");
    free(d);
    assert_string_equal(f.log.data, "save it=class:a sort:answered\n");
    fake_clear(&f);
}

static void a_threshold_can_be_tried(void **state)
{
    (void)state;
    struct fake f;
    struct strbuf script = {0};
    fake_init(&f);
    strbuf_puts(&script, "size 80 24\nkey 3\ndump @/w\nwait\ndump @/a\n");
    for (int i = 0; i < 9; i++)
        strbuf_puts(&script, "key Left\n");
    strbuf_puts(&script, "dump @/b\nkey <\nkey 0\ndump @/c\nkey Right\ndump @/e\nkey s\nwait\ndump @/g\nsize 200 60\nwait\ndump @/d\n");
    char *d = play(&f, GRAPHICS_ASCII, script.data, "d");
    assert_has(d, "   wa?gon ");
    assert_has(d, "   ^ threshold ");
    assert_has(d, "Recall against filter rate");
    assert_has(d, "threshold: 83.3 % recall, 96.0 % filtered");
    free(d);
    d = scratch_file("w");
    assert_has(d, "Counting the scores ...");
    free(d);
    d = scratch_file("a");
    assert_line(d, 0, " mine, inspector ann   belt                 revision 4   1002 screened   7 open");
    assert_line(d, 2, " severity flagged  missed   total      rate     95 % interval  in review");
    assert_line(d, 3, " stop          10       2      12    83.33 %   51.59 to  97.91         3");
    assert_line(d, 4, " key            0       0       0          -          -                0");
    assert_line(d, 6, " all           10       2      12    83.33 %   51.59 to  97.91         4");
    assert_line(d, 8, " Threshold at 2.500: 40 shown, 96.01 % filtered");
    assert_line(d, 9, " 960 of 960 known normals lie below, 0 above");
    assert_line(d, 10, " a filter rate was asked for");
    char *again = scratch_file("c"); // 0 puts the line back
    assert_string_equal(d, again);
    free(again);
    free(d);
    d = scratch_file("b"); // nine steps of 0.05 lower
    assert_line(d, 2, " severity   above   below   total      rate     95 % interval  in review change");
    assert_line(d, 3, " stop          12       0      12   100.00 %   73.54 to 100.00         3   +2");
    assert_line(d, 8, " With the line at 2.05 (now 2.500): 42 shown (+2), 95.81 % filtered (-0.20)");
    assert_line(d, 9, " 960 of 960 known normals lie below, 0 above");
    assert_has(d, "`assay screen --filter-rate 0.9581`");
    free(d);
    d = scratch_file("e"); // one step higher: those at the threshold are lost
    assert_line(d, 8, " With the line at 2.55 (now 2.500): 10 shown (-30), 99.00 % filtered (+2.99)");
    free(d);
    free(scratch_file("g"));
    strbuf_clear(&script);
    fake_clear(&f);
}

static void the_heatmap_has_three_strengths(void **state)
{
    (void)state;
    struct image picture, frame;
    struct placement at;
    struct heat heat = {.rows = 1, .cols = 1, .cells = {120}};
    const double box[4] = {0, 0, 1, 1};
    int red[COMPOSE_STRENGTHS + 1] = {100};
    image_init(&picture, 16, 16, 1);
    memset(picture.pixels, 100, 256);
    for (int k = 1; k <= COMPOSE_STRENGTHS; k++) {
        compose_fit(&picture, 16, 16, &frame, &at);
        compose_heat(&frame, &at, &heat, box, 0, k);
        red[k] = frame.pixels[(8 * 16 + 8) * 3];
        assert_true(red[k] > red[k - 1]);
        image_clear(&frame);
    }
    image_clear(&picture);
}

static void a_part_of_the_picture_keeps_its_heat(void **state)
{
    (void)state;
    struct image picture, frame;
    struct placement at;
    double box[4] = {0.25, 0.5, 0.75, 1};
    struct look look = {.scale = 2, .x = 0.75, .y = 0.75}; // of 100 x 80 pixels, 50 x 40 are seen, from (50, 40) on
    image_init(&picture, 50, 40, 1);                       // decoded at half its size
    for (int i = 0; i < 50 * 40; i++)
        picture.pixels[i] = (uint8_t)(i % 50 * 4);
    compose_look(&picture, 100, &look, 100, 80, &frame, &at, box);
    assert_int_equal(at.width, 100);
    assert_int_equal(at.height, 80);
    assert_in_range(frame.pixels[0], 25 * 4, 25 * 4 + 1);
    assert_in_range(frame.pixels[99], 49 * 4 - 1, 49 * 4);
    assert_int_equal(lround(box[0] * 100), -50);
    assert_int_equal(lround(box[1] * 100), 0);
    assert_int_equal(lround(box[2] * 100), 50);
    assert_int_equal(lround(box[3] * 100), 100);
    image_clear(&frame);
    look = (struct look){.stretch = true};
    compose_look(&picture, 0, &look, 50, 40, &frame, &at, box);
    assert_int_equal(frame.pixels[0], 0);
    assert_int_equal(frame.pixels[49], 255);
    image_clear(&frame);
    look = (struct look){.invert = true};
    compose_look(&picture, 0, &look, 50, 40, &frame, &at, box);
    assert_int_equal(frame.pixels[10], 215);
    image_clear(&frame);
    image_clear(&picture);
}

// Views that change before the workers have made them: the last one is shown, whole.
static void a_quick_hand_gets_the_last_view(void **state)
{
    (void)state;
    struct fake f;
    struct strbuf script = {0};
    struct unsixel got;
    fake_init(&f);
    for (int i = 0; i < 12; i++)
        strbuf_printf(&script, "resize %d 24\nkey j\nkey h\nkey j\nkey k\nkey h\nkey k\n%s", 60 + i,
                      i % 3 ? "" : "wait\nkey n\nkey u\n");
    strbuf_puts(&script, "resize 80 24\nwait\ndump @/d\n");
    char *text = play(&f, GRAPHICS_SYMBOLS, script.data, "d");
    assert_has(text, "belt/0.png");
    free(text);
    strbuf_puts(&script, "frame @/f\n");
    text = play(&f, GRAPHICS_SIXEL, script.data, "d");
    assert_has(text, "belt/0.png");
    free(text);
    char *path = file_join(scratch, "f");
    unsigned char *bytes;
    size_t count;
    struct error err;
    assert_ok(file_read(path, 1 << 22, &bytes, &count, &err), &err);
    decode((char *)bytes, 640, 270, &got);
    assert_int_equal(got.height, 270);
    assert_string_equal(f.verdict[0], "");
    free(got.rgb);
    free(bytes);
    unlink(path);
    free(path);
    strbuf_clear(&script);
    fake_clear(&f);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(sixel_holds_the_quantised_frame), cmocka_unit_test(colours_are_chosen_for_the_picture),
        cmocka_unit_test(grays_keep_their_levels_beside_a_tint),
        cmocka_unit_test(a_picture_is_letterboxed),        cmocka_unit_test(the_overlay_lies_on_its_box),
        cmocka_unit_test(fine_symbols_hold_quarters),      cmocka_unit_test(blocks_hold_two_pixels_a_cell),
        cmocka_unit_test(colours_of_the_256),              cmocka_unit_test(answers_are_told_from_keys),
        cmocka_unit_test(no_key_means_two_things),         cmocka_unit_test(the_small_screen),
        cmocka_unit_test(the_large_screen),                cmocka_unit_test(answers_reach_the_model),
        cmocka_unit_test(backing_out_stores_nothing),      cmocka_unit_test(a_refused_answer_stays),
        cmocka_unit_test(foreign_text_is_harmless),        cmocka_unit_test(an_unseen_picture_asks_first),
        cmocka_unit_test(sixel_fills_the_pane),
        cmocka_unit_test(what_it_is_compared_with_lies_beside), cmocka_unit_test(flicker_takes_turns_in_one_place),
        cmocka_unit_test(a_close_look_moves_and_ends), cmocka_unit_test(notes_go_with_the_answer),
        cmocka_unit_test(nothing_of_the_model_is_told_to_the_blind),
        cmocka_unit_test(a_grid_shows_many), cmocka_unit_test(answers_to_many_are_one),
        cmocka_unit_test(unseen_pictures_of_a_grid_ask_first),
        cmocka_unit_test(a_class_is_found_by_what_is_typed), cmocka_unit_test(a_threshold_can_be_tried),
        cmocka_unit_test(what_fits_is_looked_for_until_the_page_is_full),
        cmocka_unit_test(the_heatmap_has_three_strengths), cmocka_unit_test(a_part_of_the_picture_keeps_its_heat),
                   cmocka_unit_test(a_quick_hand_gets_the_last_view),
    };
    return cmocka_run_group_tests_name("ui", tests, make_scratch, remove_scratch);
}
