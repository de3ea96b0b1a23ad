// The review screen over a model in memory.
#include "config.h"

#include <locale.h>

#include "tests/unit/fake_review.h"
#include "ui/draw.h"

static void the_small_screen(void **state)
{
    (void)state;
    struct fake f;
    fake_init(&f);
    char *d = play(&f, GRAPHICS_ASCII, "size 80 24\nwait\ndump @/d\nkey q\n", "d");
    assert_line(d, 0, " mine, inspector ann   belt                                              4 open");
    assert_line(d, 18, " belt/0.png                                                        not answered");
    assert_line(d, 19, " 1 normal in 2,500 looks this odd; flagged from 1 in 250 on");
    assert_line(d, 20, " ######## above 99.2 %   patch 1 in 1,300   whole 1 in 320");
    assert_line(d, 21, " camera 2  group 17");
    assert_line(d, 23, " n normal  d defect  w unsure  s skip  h heatmap  u undo  ? help  q quit");
    assert_has(d, "::::");
    free(d);
    f.listed = true;
    d = play(&f, GRAPHICS_ASCII, "size 80 24\nkey j\nwait\ndump @/d\n", "d");
    assert_line(d, 0, " mine, inspector ann   belt                                              2 of 4");
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
    d = scratch_file("h");
    assert_has(d, "Take back your last answers and show the picture.");
    free(d);
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
    d = scratch_file("c");
    assert_has(d, "new class: oil spot");
    free(d);
    fake_clear(&f);
}

// First in the list, so that one key takes it; without a likely one the one used last is.
static void the_likely_class_stands_first(void **state)
{
    (void)state;
    struct fake f;
    fake_init(&f);
    f.likely[0] = "blowhole";
    f.likely[1] = "a class of before";
    char *d = play(&f, GRAPHICS_ASCII, "wait\nkey d\ndump @/c\nkey Enter\nkey Enter\nwait\nkey d\ndump @/d\nkey Enter\nkey Enter\n", "c");
    assert_has(d, "likely: blowhole (key)");
    assert_has(d, "cr  crack (stop)");
    assert_true(strstr(d, "blowhole (key)") < strstr(d, "crack (stop)"));
    free(d);
    d = scratch_file("d");
    assert_null(strstr(d, "likely"));
    assert_true(strstr(d, "crack (stop)") < strstr(d, "blowhole (key)"));
    free(d);
    assert_string_equal(f.log.data, "defect 100 blowhole key\ndefect 101 crack stop\n");
    fake_clear(&f);
}

static void what_was_taken_back_is_not_counted(void **state)
{
    (void)state;
    static const struct {
        const char *keys;
        size_t answers;
        bool poor;
    } runs[] = {{"n", 1, false}, {"nu", 0, false}, {"nuu", 0, false}, {"nuur", 0, false}, {"nuurr", 1, false}, {"nnu", 1, false},
                {"nnur", 2, false}, {"nsu", 1, false}, {"nsuu", 0, false}, {"uun", 1, false}, {"urn", 1, false}, {"nsu", 0, true}};
    for (size_t i = 0; i < sizeof runs / sizeof *runs; i++) {
        struct fake f;
        struct strbuf script = {0};
        fake_init(&f);
        f.poor = runs[i].poor;
        f.length = 2; // answered in an earlier session, the first picture
        for (const char *key = runs[i].keys; *key; key++)
            strbuf_printf(&script, "wait\nkey %c\n", *key);
        strbuf_puts(&script, "dump @/d\n");
        free(play(&f, GRAPHICS_ASCII, script.data, "d"));
        if (f.answers != runs[i].answers)
            fail_msg("%s: %zu answers", runs[i].keys, f.answers);
        strbuf_clear(&script);
        fake_clear(&f);
    }
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

static void a_long_path_gives_way_to_the_words(void **state)
{
    (void)state;
    static const struct {
        const char *text, *shown; // in 60 columns
    } sentences[] = {
        {"/srv/line 3/plant/inspection/pictures/2026/p/project.db: locked by another program; try again",
         "/srv/line ~/project.db: locked by another program; try again"},
        {"/srv/p/project.db: locked by another program", "/srv/p/project.db: locked by another program"},
        {"/srv/line3/plant/inspection/project.db\xef\xbc\x9a\xe6\xad\xa3\xe8\xa2\xab\xe5\x85\xb6\xe4\xbb\x96\xe7\xa8\x8b\xe5\xba\x8f\xe9\x94\x81\xe5\xae\x9a\xef\xbc\x9b\xe8\xaf\xb7\xe9\x87\x8d\xe8\xaf\x95",
         "/srv/line3/plant~ection/project.db\xef\xbc\x9a\xe6\xad\xa3\xe8\xa2\xab\xe5\x85\xb6\xe4\xbb\x96\xe7\xa8\x8b\xe5\xba\x8f\xe9\x94\x81\xe5\xae\x9a\xef\xbc\x9b\xe8\xaf\xb7\xe9\x87\x8d\xe8\xaf\x95"},
        {"cannot write /home/somebody/exports/of/this/week/answers.csv: Permission denied",
         "cannot write /home/somebod~ek/answers.csv: Permission denied"},
        {"60 / 100, 1/2,800: no path is here, and none of these words are shortened", "60 / 100, 1/2,800: no path is here, and none of these words are shortened"},
    };
    char *before = xstrdup(setlocale(LC_ALL, NULL));
    assert_non_null(setlocale(LC_ALL, "C.UTF-8")); // in which Chinese is two columns wide
    for (size_t i = 0; i < sizeof sentences / sizeof *sentences; i++) {
        char *text = draw_shortened(sentences[i].text, 60);
        assert_string_equal(text, sentences[i].shown);
        free(text);
    }
    setlocale(LC_ALL, before);
    free(before);
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
    fake_clear(&f);
}

static void what_cannot_be_shown_is_not_answered_by_the_way(void **state)
{
    (void)state;
    static const char *const answers[] = {"n", "w", "d"};
    struct fake f;
    fake_init(&f);
    for (int i = 0; i < 3; i++) {
        char *script = xasprintf("key j\nkey j\nkey j\nwait\ndump @/c\nkey %s\ndump @/d\n", answers[i]);
        char *d = play(&f, i == 0 ? GRAPHICS_ASCII : GRAPHICS_SIXEL, script, "d");
        assert_null(f.log.data);
        assert_has(d, " The picture cannot be shown - press again to answer without seeing it.");
        assert_null(strstr(d, "new class"));
        free(d);
        d = scratch_file("c");
        assert_has(d, "This picture cannot be shown: ");
        free(d);
        free(script);
    }
    char *d = play(&f, GRAPHICS_ASCII, "key j\nkey j\nkey j\nwait\nkey n\nkey n\nkey k\nwait\nkey s\ndump @/d\n", "d");
    assert_string_equal(f.log.data, "normal 103\nskip 103\n");
    free(d);
    strbuf_reset(&f.log);
    f.poor = true;
    d = play(&f, GRAPHICS_ASCII, "size 80 24\nkey j\nkey j\nkey j\nwait\nkey n\nkey n\ndump @/d\nkey w\nkey w\nkey k\nkey k\nwait\nkey n\n", "d");
    assert_string_equal(f.log.data, "unsure 103\nnormal 102\n");
    assert_line(d, 22, " It cannot be shown, so nobody can call it fine: w really poor, s skips it.");
    free(d);
    fake_clear(&f);
}

static void an_unseen_picture_asks_first(void **state)
{
    (void)state;
    struct fake f;
    fake_init(&f);
    // nothing is drawn between the keys of a text
    char *d = play(&f, GRAPHICS_ASCII, "text n\nkey s\nwait\ndump @/d\ntext jn\ndump @/e\n", "d");
    assert_string_equal(f.log.data, "skip 100\n");
    free(d);
    d = scratch_file("e");
    assert_has(d, "The picture is not shown yet - press again to answer without seeing it.");
    free(d);
    strbuf_reset(&f.log);
    d = play(&f, GRAPHICS_ASCII, "text nn\ndump @/d\n", "d");
    assert_string_equal(f.log.data, "normal 100\n");
    free(d);
    fake_clear(&f);
}

// Nothing is shown, so that nothing can be meant.
static void at_the_end_no_key_passes_what_came_back(void **state)
{
    (void)state;
    static const char *const keys[] = {"s", "j", "n"};
    for (int i = 0; i < 3; i++) {
        struct fake f;
        fake_init_with(&f, 3);
        f.held = 1;
        char *script = xasprintf("size 80 24\nwait\nkey w\nwait\nkey w\nkey %s\ndump @/d\nwait\nkey s\n", keys[i]);
        char *d = play(&f, GRAPHICS_ASCII, script, "d");
        assert_has(d, "There is a picture again: look at it first.");
        assert_has(d, "il.png");
        assert_string_equal(f.log.data, "unsure 100\nunsure 101\nskip 102\n");
        free(d);
        free(script);
        fake_clear(&f);
    }
}

static void in_a_window_too_small_no_key_answers(void **state)
{
    (void)state;
    struct fake f;
    fake_init(&f);
    char *d = play(&f, GRAPHICS_ASCII,
                   "size 80 24\nwait\nsize 30 10\nkey n\nkey n\nkey n\nkey w\nkey u\nkey j\nkey 2\nkey d\ntext crack\nkey Enter\n"
                   "key Enter\nkey C-l\nsize 80 24\nwait\ndump @/d\nkey d\nsize 30 10\nkey Enter\nkey Enter\nsize 80 24\nkey Escape\n"
                   "key s\nsize 30 10\nkey q\nkey n\nsize 80 24\nkey n\nkey n\n", "d");
    assert_string_equal(f.log.data, "skip 100\n"); // q left
    assert_has(d, "belt/0.png");
    assert_null(strstr(d, "new class"));
    free(d);
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
    assert_line(d, 0, " mine, inspector ann   belt                                        1:1   4 open");
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
    assert_line(d, 0, " mine, inspector ann   belt                 16:1   contrast   inverted   4 open");
    free(d);
    d = scratch_file("h");
    assert_null(strstr(d, ":1  "));
    free(d);
    d = scratch_file("i"); // another picture is seen whole
    assert_line(d, 0, " mine, inspector ann   belt                        contrast   inverted   4 open");
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
    f.blind = f.listed = true;
    for (int i = 0; i < 2; i++) {
        char *script = xasprintf("size %s\nwait\nkey h\nwait\nframe @/f\ndump @/d\nkey n\nwait\nkey k\nwait\ndump @/e\nkey u\n",
                                 sizes[i]);
        char *d = play(&f, GRAPHICS_SIXEL, script, "d");
        assert_has(d, "An audit runs");
        assert_has(d, "Hidden while an audit runs");
        assert_null(strstr(d, "1 in"));
        assert_null(strstr(d, "above"));
        assert_null(strstr(d, " of 4"));
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
    text = scratch_file("f");
    decode(text, 640, 270, &got);
    assert_int_equal(got.height, 270);
    assert_string_equal(f.verdict[0], "");
    free(got.rgb);
    free(text);
    strbuf_clear(&script);
    fake_clear(&f);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_small_screen),
        cmocka_unit_test(the_large_screen),
        cmocka_unit_test(answers_reach_the_model),
        cmocka_unit_test(the_likely_class_stands_first),
        cmocka_unit_test(what_was_taken_back_is_not_counted),
        cmocka_unit_test(backing_out_stores_nothing),
        cmocka_unit_test(a_refused_answer_stays),
        cmocka_unit_test(a_long_path_gives_way_to_the_words),
        cmocka_unit_test(foreign_text_is_harmless),
        cmocka_unit_test(what_cannot_be_shown_is_not_answered_by_the_way),
        cmocka_unit_test(an_unseen_picture_asks_first),
        cmocka_unit_test(at_the_end_no_key_passes_what_came_back),
        cmocka_unit_test(in_a_window_too_small_no_key_answers),
        cmocka_unit_test(sixel_fills_the_pane),
        cmocka_unit_test(what_it_is_compared_with_lies_beside),
        cmocka_unit_test(flicker_takes_turns_in_one_place),
        cmocka_unit_test(a_close_look_moves_and_ends),
        cmocka_unit_test(notes_go_with_the_answer),
        cmocka_unit_test(nothing_of_the_model_is_told_to_the_blind),
        cmocka_unit_test(a_quick_hand_gets_the_last_view),
    };
    return cmocka_run_group_tests_name("review", tests, fake_begin, fake_end);
}
