#include "config.h"

#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "tests/unit/scratch.h"

#include "base/base64.h"
#include "base/clock.h"
#include "base/csv.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/rng.h"
#include "base/strbuf.h"
#include "base/text.h"

static char *put(const char *name, const char *content)
{
    struct error err;
    char *path = file_join(scratch, name);
    assert_ok(file_write(path, content, strlen(content), &err), &err);
    return path;
}

static void error_text_is_cleaned(void **state)
{
    (void)state;
    struct error err = {0};
    assert_int_equal(error_set(&err, ST_INVALID, "a\033[31mb\xc2\x9b%d\xff\xe2\x80\xae", 7), ST_INVALID);
    assert_string_equal(err.text, "a?[31mb?7??");
    assert_int_equal(error_prefix(&err, "there"), ST_INVALID);
    assert_string_equal(err.text, "there: a?[31mb?7??");
}

static void a_long_path_leaves_room_for_the_reason(void **state)
{
    (void)state;
    struct error err = {0};
    char path[1200];
    for (size_t n = 0; n < sizeof path; n += 6)
        memcpy(path + n, "/\xe5\xb8\xa6xy", 6);
    path[sizeof path - 1] = '\0';
    error_set(&err, ST_IO, "%s: the disk is full; make room and try again", path);
    assert_int_equal(strncmp(err.text, "/\xe5\xb8\xa6xy/", 7), 0);
    assert_non_null(strchr(err.text, '~'));
    assert_null(strchr(err.text, '?')); // no character was cut in two
    assert_non_null(strstr(err.text, ": the disk is full; make room and try again"));
    assert_true(strlen(err.text) > sizeof err.text - 10);
}

static void utf8_survives_cleaning(void **state)
{
    (void)state;
    char *text = text_cleaned("裂纹 é 🚆\n");
    assert_string_equal(text, "裂纹 é 🚆?");
    free(text);
    // what is not seen, but changes how the rest is: right-to-left marks, a line separator, a space of no width
    text = text_cleaned("a\u200eb\u200fc\u061cd\u2028e\u2066f\u200bg\ufeffh");
    assert_string_equal(text, "a?b?c?d?e?f?g?h");
    free(text);
    assert_true(text_is_utf8("裂纹"));
    assert_false(text_is_utf8("\xc0\xaf"));
    assert_false(text_is_utf8("\xed\xa0\x80"));
}

// What a shell makes of it is the text again.
static void quoted_text_is_one_word(void **state)
{
    (void)state;
    static const char *const texts[][2] = {{"belt", "belt"}, {"../base-1.safetensors", "../base-1.safetensors"}, {"带3", "带3"},
                                           {"belt 3", "'belt 3'"}, {"", "''"}, {"Förder'band", "'Förder'\\''band'"}, {"'", "''\\'''"},
                                           {"~", "'~'"}, {"$HOME`id`", "'$HOME`id`'"}, {"a\nb", "'a?b'"}};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        char *quoted = text_quoted(texts[i][0]), *command = xasprintf("printf %%s %s", quoted), *clean = text_cleaned(texts[i][0]);
        char said[64] = "";
        FILE *shell = popen(command, "r");
        assert_non_null(shell);
        said[fread(said, 1, sizeof said - 1, shell)] = '\0';
        assert_int_equal(pclose(shell), 0);
        assert_string_equal(quoted, texts[i][1]);
        assert_string_equal(said, clean);
        free(clean);
        free(command);
        free(quoted);
    }
}

static void sha256_matches_fips_180(void **state)
{
    (void)state;
    char hex[HASH_HEX], of_file[HASH_HEX];
    uint64_t size;
    struct error err;
    hash_bytes("abc", 3, hex);
    assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    char *path = put("abc", "abc");
    assert_ok(hash_file(path, of_file, &size, &err), &err);
    assert_string_equal(hex, of_file);
    assert_int_equal(size, 3);
    free(path);
    assert_status(hash_file("/nonexistent/x", hex, NULL, &err), ST_IO, &err);
}

static void file_read_goes_to_the_end_of_files_that_tell_no_size(void **state)
{
    (void)state;
    struct error err;
    unsigned char *bytes;
    size_t count;
    assert_ok(file_read("/proc/self/stat", 4096, &bytes, &count, &err), &err);
    assert_true(count > 10 && strrchr((char *)bytes, ')') && bytes[count] == 0);
    free(bytes);
    assert_status(file_read("/proc/self/stat", 4, &bytes, &count, &err), ST_INVALID, &err);
    assert_non_null(strstr(err.text, "more than the limit"));
    assert_ok(file_read("/proc/self/maps", 1 << 24, &bytes, &count, &err), &err); // longer than what is read at once
    assert_true(count > 4096 && bytes[count] == 0 && strlen((char *)bytes) == count);
    free(bytes);
}

static void file_write_replaces_and_leaves_nothing_behind(void **state)
{
    (void)state;
    struct error err;
    unsigned char *bytes;
    size_t count;
    char *path = put("replaced", "old");
    free(put("replaced", "new"));
    assert_ok(file_read(path, 10, &bytes, &count, &err), &err);
    assert_int_equal(count, 3);
    assert_string_equal((char *)bytes, "new");
    free(bytes);
    assert_status(file_read(path, 2, &bytes, &count, &err), ST_INVALID, &err);
    assert_status(file_write("/nonexistent/x", "", 0, &err), ST_IO, &err);
    assert_status(file_read(scratch, 10, &bytes, &count, &err), ST_INVALID, &err);
    char *pipe = file_join(scratch, "pipe"), *link = file_join(scratch, "link"), hex[HASH_HEX];
    struct stat st;
    assert_int_equal(mkfifo(pipe, 0600), 0);
    assert_status(file_write(pipe, "x", 1, &err), ST_IO, &err);
    assert_true(stat(pipe, &st) == 0 && S_ISFIFO(st.st_mode));
    alarm(20); // nobody ever writes to it: it is refused, not waited for
    assert_status(file_read(pipe, 10, &bytes, &count, &err), ST_INVALID, &err);
    assert_ok(hash_file(pipe, hex, NULL, &err), &err);
    alarm(0);
    assert_int_equal(symlink(path, link), 0);
    assert_ok(file_write(link, "by a link", 9, &err), &err);
    assert_true(lstat(link, &st) == 0 && S_ISLNK(st.st_mode));
    assert_ok(file_read(path, 10, &bytes, &count, &err), &err);
    assert_string_equal((char *)bytes, "by a link");
    free(bytes);
    free(link);
    free(pipe);
    free(path);
    char *deep = file_join(scratch, "a/b/c");
    assert_ok(file_mkdirs(deep, &err), &err);
    assert_ok(file_mkdirs(deep, &err), &err);
    assert_true(file_exists(deep));
    free(deep);
}

static void csv_reads_quotes_and_names_bad_lines(void **state)
{
    (void)state;
    struct error err;
    struct csv_table table;
    char *path = put("a.csv", "\xef\xbb\xbfPath; Kind\n\"x;1\";\"say \"\"hi\"\"\n2nd line\"\n\nlast\n");
    assert_ok(csv_read(path, &table, &err), &err);
    assert_int_equal(table.rows, 2);
    assert_int_equal(csv_column(&table, "kind"), 1);
    assert_int_equal(csv_column(&table, "none"), -1);
    assert_string_equal(csv_cell(&table, 0, 0), "x;1");
    assert_string_equal(csv_cell(&table, 0, 1), "say \"hi\"\n2nd line");
    assert_string_equal(csv_cell(&table, 1, 1), "");
    assert_int_equal(table.lines[1], 5);
    csv_clear(&table);
    free(path);
    path = put("b.csv", "a,b\n1,2\n1,2,3\n");
    assert_status(csv_read(path, &table, &err), ST_INVALID, &err);
    assert_non_null(strstr(err.text, "line 3"));
    free(path);
    path = put("c.csv", "");
    assert_status(csv_read(path, &table, &err), ST_INVALID, &err);
    free(path);
    path = put("d.csv", "a,b\n1,2\n\"3,4\n5,6\n"); // else all that follows it would be gone
    assert_status(csv_read(path, &table, &err), ST_INVALID, &err);
    assert_non_null(strstr(err.text, "line 3: a quote begins there that does not end"));
    free(path);
    static const struct {
        const char *text;
        size_t lines[3];
    } rows[] = {{"a,b\r1,2\r3,4\r5,6\r", {2, 3, 4}},      // line ends of an old Macintosh
                {"a,b\n5\" pipe,2\n3,4\n5,\"6\"", {2, 3, 4}}, // a quote within a cell is a letter
                {"a,b\r\n \r\n\"1\r\n\",2\r\n3,4\r\n5,6", {3, 5, 6}}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        path = put("e.csv", rows[i].text);
        assert_ok(csv_read(path, &table, &err), &err);
        assert_int_equal(table.rows, 3);
        for (size_t k = 0; k < 3; k++)
            assert_int_equal(table.lines[k], rows[i].lines[k]);
        csv_clear(&table);
        free(path);
    }
}

static void csv_cells_are_quoted_and_formulas_defused(void **state)
{
    (void)state;
    char *text;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    csv_put(out, "a,\"b\"", 0);
    csv_put(out, "=1+1", 0);
    csv_put(out, "-12.5", 1);
    fclose(out);
    assert_string_equal(text, "\"a,\"\"b\"\"\",\"'=1+1\",-12.5\n");
    free(text);
}

static void random_numbers_repeat_and_spread(void **state)
{
    (void)state;
    struct rng a = rng_seed(1), b = rng_seed(1), c = rng_seed(2);
    assert_true(rng_u64(&a) == rng_u64(&b));
    assert_true(rng_u64(&a) != rng_u64(&c));
    double sum = 0, squares = 0;
    int seen[10] = {0};
    for (int i = 0; i < 20000; i++) {
        double z = rng_normal(&a);
        sum += z;
        squares += z * z;
        seen[rng_below(&a, 10)]++;
    }
    assert_true(fabs(sum / 20000) < 0.03 && fabs(squares / 20000 - 1) < 0.05);
    for (int i = 0; i < 10; i++)
        assert_in_range(seen[i], 1800, 2200);
}

static void times_print_as_utc(void **state)
{
    (void)state;
    char text[CLOCK_TEXT];
    clock_text(1767225599999, text);
    assert_string_equal(text, "2025-12-31T23:59:59.999Z");
}

static void times_are_read_as_people_write_them(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t ms; // -1: none
    } known[] = {{"1970-01-02Z", 86400000},
                 {"2026-01-31T12:34Z", 1769862840000},
                 {"2026-01-31 12:34:56Z", 1769862896000},
                 {"2024-02-29T00:00:00Z", 1709164800000},
                 {"8h", 1000000000000 - 8 * 3600000},
                 {"30m", 1000000000000 - 30 * 60000},
                 {"2d", 1000000000000 - 2 * 86400000},
                 {"2026-02-30", -1},
                 {"2026-13-01", -1},
                 {"2026-01-31T25:00", -1},
                 {"2026-01-31x", -1},
                 {"yesterday", -1},
                 {"-8h", -1},
                 {"8", -1},
                 {"8hh", -1},
                 {"", -1}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        int64_t ms = -1;
        assert_int_equal(clock_parse(known[i].text, 1000000000000, &ms), known[i].ms >= 0);
        assert_int_equal(ms, known[i].ms);
    }
    struct tm tm = {.tm_year = 126, .tm_mday = 31, .tm_hour = 12, .tm_isdst = -1}; // local without a Z
    int64_t ms;
    assert_true(clock_parse("2026-01-31T12:00", 0, &ms) && ms == (int64_t)mktime(&tm) * 1000);
}

static void base64_is_that_of_rfc_4648(void **state)
{
    (void)state;
    static const char *const known[][2] = {{"", ""}, {"f", "Zg=="}, {"fo", "Zm8="}, {"foo", "Zm9v"}, {"foobar", "Zm9vYmFy"}};
    for (size_t i = 0; i < 5; i++) {
        struct strbuf sb = {0};
        strbuf_puts(&sb, "");
        base64_add(&sb, known[i][0], strlen(known[i][0]));
        assert_string_equal(sb.data, known[i][1]);
        strbuf_clear(&sb);
    }
    unsigned char *many = xcalloc(10000, 1);
    struct strbuf sb = {0};
    base64_add(&sb, many, 10000); // over several steps, padded only at the end
    assert_int_equal(sb.len, 13336);
    assert_int_equal(strspn(sb.data, "A"), 13334);
    strbuf_clear(&sb);
    free(many);
}

static void strbuf_grows(void **state)
{
    (void)state;
    struct strbuf sb = {0};
    for (int i = 0; i < 1000; i++)
        strbuf_printf(&sb, "%d,", i % 10);
    assert_int_equal(sb.len, 2000);
    assert_memory_equal(sb.data + 1996, "8,9,", 5);
    strbuf_clear(&sb);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(error_text_is_cleaned),
        cmocka_unit_test(a_long_path_leaves_room_for_the_reason),
        cmocka_unit_test(utf8_survives_cleaning),
        cmocka_unit_test(quoted_text_is_one_word),
        cmocka_unit_test(sha256_matches_fips_180),
        cmocka_unit_test(file_read_goes_to_the_end_of_files_that_tell_no_size),
        cmocka_unit_test(file_write_replaces_and_leaves_nothing_behind),
        cmocka_unit_test(csv_reads_quotes_and_names_bad_lines),
        cmocka_unit_test(csv_cells_are_quoted_and_formulas_defused),
        cmocka_unit_test(random_numbers_repeat_and_spread),
        cmocka_unit_test(times_print_as_utc),
        cmocka_unit_test(times_are_read_as_people_write_them),
        cmocka_unit_test(base64_is_that_of_rfc_4648),
        cmocka_unit_test(strbuf_grows),
    };
    return cmocka_run_group_tests_name("base", tests, make_scratch, remove_scratch);
}
