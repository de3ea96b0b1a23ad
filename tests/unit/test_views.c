// The grid, finding and results over a model in memory.
#include "config.h"

#include "tests/unit/fake_review.h"

// 80 x 24 has 5 x 3 tiles of 16 x 7 cells, the last line of each for words; 7 pictures fit into 4 x 2 of 20 x 10.
static void a_grid_shows_many(void **state)
{
    (void)state;
    struct fake f;
    struct look whole = {0};
    fake_init_with(&f, 8);
    char *d = play(&f, GRAPHICS_SIXEL, "size 80 24\nkey n\nkey n\nwait\nkey 2\nwait\nframe 0 @/a\nframe 1 @/b\ndump @/d\n"
                                       "key Right\nkey Enter\nwait\ndump @/e\nkey 2\nkey a\nwait\ndump @/g\nkey Escape\nkey +\nwait\n"
                                       "dump @/h\nkey 1\n", "d"); // begins with the one that was in the review
    assert_line(d, 0, " mine, inspector ann   belt                                   0 marked   7 open");
    assert_line(d, 4, ">                                        cannot be shown");
    assert_line(d, 10, ">[ ] 3.4 belt/1      [ ] 3.4 ev?[31mil   [ ] 3.4 belt/3      [ ] 3.4 belt/4");
    assert_line(d, 20, " [ ] 3.4 belt/5      [ ] 3.4 belt/6      [ ] 3.4 belt/7");
    assert_line(d, 23, " Space mark  N rest normal  n normal  d defect  a alike  u undo  ? help  q quit");
    free(d);
    d = scratch_file("a");
    assert_frame(d, 1, &whole, 18 * 8, 9 * 16);
    free(d);
    d = scratch_file("b");
    assert_frame(d, 0, &whole, 18 * 8, 9 * 16);
    free(d);
    d = scratch_file("e");
    assert_line(d, 18, " ev?[31mil.png                                                     not answered");
    free(d);
    d = scratch_file("g");
    assert_line(d, 0, " mine, inspector ann   like ev?[31mil.png                     0 marked   7 open");
    assert_line(d, 10, ">[ ] 3.4 ev?[31mil         [ ] 3.4 belt/4            [ ] 3.4 belt/1");
    assert_line(d, 22, " 2 open pictures, the most similar first. Esc goes back.");
    free(d);
    d = scratch_file("h"); // two tiles across
    assert_line(d, 21, ">[ ] 3.4 ev?[31mil                       [ ] 3.4 belt/3");
    free(d);
    assert_int_equal(f.reserved, 0); // what was looked at only is free for others
    assert_string_equal(f.log.data, "normal 100\n");
    fake_clear(&f);
}

static void a_grid_bears_every_size(void **state)
{
    (void)state;
    static const char *const sizes[] = {"1 1", "4 3", "20 5", "250 3", "250 80", "460 60", "1000 100"};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct fake f;
        fake_init_with(&f, 8);
        char *script = xasprintf("size 80 24\nkey 2\nwait\nresize %s\nkey -\nkey -\nkey -\nresize 80 24\nwait\ndump @/d\nkey 1\n", sizes[i]);
        char *d = play(&f, GRAPHICS_SIXEL, script, "d");
        assert_line(d, 23, " Space mark  N rest normal  n normal  d defect  a alike  u undo  ? help  q quit");
        free(d);
        free(script);
        fake_clear(&f);
    }
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
                   "wait\nkey A\nkey w\ndump @/h\nkey w\nkey A\nkey A\nkey s\ndump @/g\nkey 1\n", "d");
    assert_line(d, 0, " mine, inspector ann   belt                                   2 marked   3 open");
    assert_line(d, 10, " [-] normal belt/0         [x] 3.4 belt/1            [x] 3.4 ev?[31mil");
    assert_line(d, 20, " [ ] 3.4 belt/3           >[-] normal belt/4         [-] normal belt/5");
    assert_line(d, 22, " 3: normal. u takes all of them back. 1 cannot be shown and stays open.");
    free(d);
    d = scratch_file("e");
    assert_line(d, 10, " [ ] 3.4 belt/0            [x] 3.4 belt/1            [x] 3.4 ev?[31mil");
    assert_line(d, 20, " [ ] 3.4 belt/3           >[ ] 3.4 belt/4            [ ] 3.4 belt/5");
    free(d);
    d = scratch_file("f");
    assert_line(d, 10, ">[ ] 3.4 belt/0            [x] 3.4 belt/1            [x] 3.4 ev?[31mil");
    assert_line(d, 22, " The last 3 answers were taken back.");
    free(d);
    d = scratch_file("g");
    assert_line(d, 0, " mine, inspector ann   belt                                   0 marked   0 open");
    free(d);
    d = scratch_file("h");
    assert_line(d, 22, " The picture cannot be shown - press again to answer without seeing it.");
    free(d);
    assert_string_equal(f.log.data, "bulk normal 0 normal 4 normal 5\nundo 104\nbulk normal 1 normal 2\n"
                                    "bulk defect 0 crack stop\nbulk unsure 0 unsure 1 unsure 2 unsure 3 unsure 4 unsure 5\n"
                                    "bulk skip 1\n");
    f.count = 8;
    fake_clear(&f);
}

// What is on the screen, or lies under a popup, stays when others change the queue.
static void news_leave_what_is_shown(void **state)
{
    (void)state;
    struct fake f;
    fake_init_with(&f, 8);
    char *d = play(&f, GRAPHICS_ASCII, "size 80 24\nwait\nkey j\nwait\nnews\nkey k\nwait\nkey 2\nwait\nkey Right\nkey Right\nnews\n"
                                       "key d\nnews\ntext crack\nnews\nkey Enter\nnews\ndump @/d\nkey Enter\nkey ?\nnews\nkey Escape\n"
                                       "key a\nwait\nnews\nkey q\n", "d");
    assert_string_equal(f.heard.data, "1-1\n2-7\n3-3\n"); // a page of eight; those alike are the model's
    free(d);
    fake_clear(&f);
}

static void what_an_undo_is_about_is_shown(void **state)
{
    (void)state;
    static const char *const views[] = {"3", "4", "5"}; // results, find, classes
    struct fake f;
    fake_init(&f);
    for (int i = 0; i < 3; i++) {
        char *script = xasprintf("size 80 24\nwait\nkey n\nwait\nkey %s\nwait\nkey u\nwait\ndump @/d\nkey r\nwait\nkey u\n", views[i]);
        char *d = play(&f, GRAPHICS_ASCII, script, "d");
        assert_line(d, 18, " belt/0.png                                                        not answered");
        assert_line(d, 22, " The last answer was taken back.");
        free(d);
        free(script);
    }
    fake_clear(&f);
}

static void a_line_is_about_the_class_it_was_begun_for(void **state)
{
    (void)state;
    static const char *const keys[] = {"e", "c", "b", "m", "z"};
    for (int i = 0; i < 5; i++) {
        struct fake f;
        fake_init(&f);
        char *script = xasprintf("size 80 24\nkey 5\nkey %s\ntext x\nsize 100 30\nkey Enter\ndump @/d\n", keys[i]);
        free(play(&f, GRAPHICS_ASCII, script, "d"));
        assert_non_null(strstr(f.log.data, "class 2 ")); // blowhole, the first by name
        strbuf_reset(&f.log);
        f.class_loads = 0;
        f.class_gone = 2; // somebody else's merge
        char *d = play(&f, GRAPHICS_ASCII, script, "d");
        assert_has(d, "That class is not there any more: nothing was changed.");
        assert_int_equal(f.log.len, 0);
        free(d);
        free(script);
        fake_clear(&f);
    }
}

static void unseen_pictures_of_a_grid_ask_first(void **state)
{
    (void)state;
    struct fake f;
    fake_init(&f);
    char *d = play(&f, GRAPHICS_ASCII, "size 80 24\ntext 2N\nwait\ndump @/d\n", "d");
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
    assert_has(d, " [-] normal belt/0        >[ ] open belt/1           [ ] open ");
    assert_null(strstr(d, "3.4"));
    free(d);
    fake_clear(&f);
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
    assert_line(d, 3, ">ev?il.png  3.40 open                                         belt");
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
    assert_has(d, "4 open");
    free(d);
    assert_string_equal(f.log.data, "save it=class:a sort:answered\n");
    fake_clear(&f);
}

// What there is no room for: the date's time, the scene, the date; then the class is cut, and its severity is not.
static void found_classes_and_severities_can_be_read(void **state)
{
    (void)state;
    static const struct {
        int columns;
        const char *line;
    } sizes[] = {
        {300, ">line3_camera2_000123.jpg  3.40 longitudinal tear of the conveyor belt at its splice (stop) Annemarie 2026-01-05 09:03 loading bay"},
        {80, ">~_000123.jpg  3.40 longitudinal tear of the conveyor belt at its splice (stop)"},
        {110, ">~_000123.jpg  3.40 longitudinal tear of the c~ (stop)"},
    };
    struct fake f;
    fake_init(&f);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        char *script = xasprintf("size %d 24\nkey 4\nkey /\ntext long\nkey Enter\nwait\ndump @/d\nkey Escape\n", sizes[i].columns);
        char *d = play(&f, GRAPHICS_ASCII, script, "d");
        assert_has(d, sizes[i].line);
        free(d);
        free(script);
    }
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
    assert_line(d, 2, " severity flagged  missed   total       rate     95 % interval in review");
    assert_line(d, 3, " stop          10       2      12    83.33 %   51.59 to  97.91         3");
    assert_line(d, 4, " key            0       0       0          -                 -         0");
    assert_line(d, 6, " all           10       2      12    83.33 %   51.59 to  97.91         4");
    assert_line(d, 8, " Threshold at 2.500: 40 shown, 96.01 % filtered");
    assert_line(d, 9, " 960 of 960 known normals lie below, 0 above");
    assert_line(d, 10, " a filter rate was asked for");
    char *again = scratch_file("c"); // 0 puts the line back
    assert_string_equal(d, again);
    free(again);
    free(d);
    d = scratch_file("b"); // nine steps of 0.05 lower
    assert_line(d, 2, " severity   above   below   total       rate     95 % interval in review change");
    assert_line(d, 3, " stop          12       0      12   100.00 %   73.54 to 100.00         3     +2");
    assert_line(d, 8, " With the line at 2.05 (now 2.500): 42 shown (+2), 95.81 % filtered (-0.20)");
    assert_line(d, 9, " 960 of 960 known normals lie below, 0 above");
    assert_has(d, "`assay screen --scene belt --filter-rate 0.9581`");
    free(d);
    d = scratch_file("e"); // one step higher: those at the threshold are lost
    assert_line(d, 8, " With the line at 2.55 (now 2.500): 10 shown (-30), 99.00 % filtered (+2.99)");
    free(d);
    free(scratch_file("g"));
    strbuf_clear(&script);
    fake_clear(&f);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_grid_shows_many),
        cmocka_unit_test(a_grid_bears_every_size),
        cmocka_unit_test(answers_to_many_are_one),
        cmocka_unit_test(news_leave_what_is_shown),
        cmocka_unit_test(what_an_undo_is_about_is_shown),
        cmocka_unit_test(a_line_is_about_the_class_it_was_begun_for),
        cmocka_unit_test(unseen_pictures_of_a_grid_ask_first),
        cmocka_unit_test(what_fits_is_looked_for_until_the_page_is_full),
        cmocka_unit_test(found_classes_and_severities_can_be_read),
        cmocka_unit_test(a_threshold_can_be_tried),
    };
    return cmocka_run_group_tests_name("views", tests, fake_begin, fake_end);
}
