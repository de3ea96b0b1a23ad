// What is typed: terminal answers told from keys, the key table, and how a class is found.
#include "config.h"

#include "tests/unit/test.h"

#include "base/strbuf.h"
#include "ui/keymap.h"
#include "ui/review.h"
#include "ui/session.h"
#include "ui/term.h"

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

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_are_told_from_keys),
        cmocka_unit_test(no_key_means_two_things),
        cmocka_unit_test(a_class_is_found_by_what_is_typed),
    };
    return cmocka_run_group_tests_name("keymap", tests, NULL, NULL);
}
