#include "config.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "tests/unit/scratch.h"

#include "base/file.h"
#include "screen/store.h"

enum { DIM = 7 };

static char *fresh(const char *name)
{
    return file_join(scratch, name);
}

static void add(struct store *store, int64_t id, int salt)
{
    struct error err;
    float embedding[DIM];
    for (int j = 0; j < DIM; j++)
        embedding[j] = (float)(id * 10 + j + salt);
    struct store_record r = {.id = id,
                             .measures = {(float)id + 0.5f, (float)salt},
                             .heat = {.rows = 2, .cols = 3},
                             .box = {0, 0.25, 1, (double)id},
                             .embedding = embedding};
    memset(r.heat.cells, (int)(id & 127), sizeof r.heat.cells);
    assert_ok(store_append(store, &r, &err), &err);
}

static bool holds(struct store *store, int64_t id, int salt)
{
    struct store_record r;
    if (!store_get(store, id, &r))
        return false;
    assert_int_equal(r.id, id);
    assert_true(r.measures[0] == (float)id + 0.5f && r.measures[1] == (float)salt && r.box[3] == (double)id);
    assert_int_equal(r.heat.rows, 2);
    assert_int_equal(r.heat.cells[sizeof r.heat.cells - 1], id & 127);
    for (int j = 0; j < DIM; j++)
        assert_true(r.embedding[j] == (float)(id * 10 + j + salt));
    return true;
}

static struct store *open_store(const char *path)
{
    struct error err;
    struct store *store;
    assert_ok(store_open(path, "base/settings", DIM, &store, &err), &err);
    return store;
}

static void records_survive_closing(void **state)
{
    (void)state;
    struct error err;
    char *path = fresh("survive");
    for (int64_t round = 0; round < 4; round++) {
        struct store *store = open_store(path);
        assert_int_equal(store_count(store), round * 333);
        for (int64_t id = 0; id < round * 333; id++)
            assert_true(holds(store, id - 100, 0));
        for (int64_t id = round * 333; id < (round + 1) * 333; id++) // crosses buffers and chunks
            add(store, id - 100, 0);
        assert_true(store_has(store, round * 333 + 332 - 100));
        assert_false(store_has(store, 5000));
        assert_false(holds(store, round * 333 + 332 - 100, 0)); // not before refreshing
        assert_ok(store_refresh(store, &err), &err);
        assert_true(holds(store, round * 333 + 332 - 100, 0));
        store_close(store);
    }
    free(path);
}

static void an_id_appended_again_is_replaced(void **state)
{
    (void)state;
    struct error err;
    char *path = fresh("again");
    struct store *store = open_store(path);
    add(store, 1, 0);
    add(store, 2, 0);
    add(store, 1, 7);
    assert_ok(store_refresh(store, &err), &err);
    assert_true(holds(store, 1, 7));
    assert_int_equal(store_count(store), 2);
    store_close(store);
    store = open_store(path);
    assert_true(holds(store, 1, 7));
    assert_true(holds(store, 2, 0));
    store_close(store);
    free(path);
}

// Three records, the file cut to `cut` bytes or byte `flip` of it changed.
// `append`: go on writing, which waits for the disk.
static void reopen_damaged(const unsigned char *bytes, size_t count, size_t cut, size_t flip, bool append)
{
    struct error err;
    char *path = fresh("torn");
    FILE *out = fopen(path, "w");
    assert_non_null(out);
    assert_int_equal(fwrite(bytes, 1, cut, out), cut);
    if (flip < cut) {
        assert_int_equal(fseek(out, (long)flip, SEEK_SET), 0);
        fputc(bytes[flip] ^ 0x40, out);
    }
    assert_int_equal(fclose(out), 0);
    struct store *store = open_store(path);
    assert_true(holds(store, 1, 0) && holds(store, 2, 0));
    assert_false(store_has(store, 3));
    assert_int_equal(store_count(store), 2);
    if (append) {
        struct stat st;
        add(store, 4, 0);
        assert_ok(store_refresh(store, &err), &err);
        assert_true(holds(store, 4, 0));
        store_close(store);
        assert_int_equal(stat(path, &st), 0);
        assert_int_equal(st.st_size, count); // written over the damaged record
        store = open_store(path);
        assert_true(holds(store, 1, 0) && holds(store, 4, 0));
        assert_int_equal(store_count(store), 3);
    }
    store_close(store);
    free(path);
}

static void a_torn_last_record_is_ignored(void **state)
{
    (void)state;
    struct error err;
    char *path = fresh("whole");
    unsigned char *bytes;
    size_t count, record = (1088 + DIM * 4 + 7) / 8 * 8, slots = 4096;
    struct store *store = open_store(path);
    for (int64_t id = 1; id <= 3; id++)
        add(store, id, 0);
    store_close(store);
    assert_ok(file_read(path, 1 << 20, &bytes, &count, &err), &err);
    assert_int_equal(count, 4096 + 256 * 16 + 3 * record);
    for (size_t cut = count - record; cut < count; cut++)
        reopen_damaged(bytes, count, cut, SIZE_MAX, cut % 97 == 0);
    for (size_t i = 0; i < record; i++)
        reopen_damaged(bytes, count, count, count - 1 - i, i % 97 == 0);
    for (size_t i = 0; i < 16; i++)
        reopen_damaged(bytes, count, count, slots + 2 * 16 + i, true);
    free(bytes);
    free(path);
}

static void a_crash_leaves_what_was_flushed(void **state)
{
    (void)state;
    struct error err;
    char *path = fresh("crash"), *copy = fresh("crash-copy");
    unsigned char *bytes;
    size_t count;
    struct store *store = open_store(path);
    for (int64_t id = 0; id < 700; id++)
        add(store, id, 0);
    assert_ok(store_flush(store, &err), &err);
    assert_ok(file_read(path, 1 << 24, &bytes, &count, &err), &err); // as a killed process leaves it
    size_t record = (1088 + DIM * 4 + 7) / 8 * 8;
    memset(bytes + 4096 + 4096 + 10 * record, 0, 2 * record); // two in the middle never reached the disk
    assert_ok(file_write(copy, bytes, count, &err), &err);
    store_close(store);
    store = open_store(copy);
    assert_int_equal(store_count(store), 698);
    assert_false(store_has(store, 10) || store_has(store, 11));
    assert_true(holds(store, 9, 0) && holds(store, 12, 0) && holds(store, 699, 0));
    add(store, 10, 3);
    store_close(store);
    store = open_store(copy);
    assert_true(holds(store, 10, 3));
    store_close(store);
    free(bytes);
    free(path);
    free(copy);
}

static void a_record_gone_bad_is_not_handed_out(void **state)
{
    (void)state;
    char *path = fresh("rot");
    struct store *store = open_store(path);
    for (int64_t id = 0; id < 600; id++)
        add(store, id, 0);
    store_close(store);
    int fd = open(path, O_RDWR);
    assert_int_equal(pwrite(fd, "x", 1, 4096 + 4096 + 500), 1); // in record 0, long since trusted
    close(fd);
    store = open_store(path);
    assert_false(holds(store, 0, 0));
    assert_true(holds(store, 1, 0));
    add(store, 0, 5);
    store_close(store);
    store = open_store(path);
    assert_true(holds(store, 0, 5));
    store_close(store);
    free(path);
}

static void foreign_files_are_refused(void **state)
{
    (void)state;
    struct error err;
    struct store *store, *second;
    char *path = fresh("foreign"), *text = fresh("text");
    store = open_store(path);
    add(store, 1, 0);
    assert_status(store_open(path, "base/settings", DIM, &second, &err), ST_BUSY, &err);
    store_close(store);
    assert_status(store_open(path, "base/other", DIM, &second, &err), ST_CORRUPT, &err);
    assert_non_null(strstr(err.text, "deleted"));
    assert_status(store_open(path, "base/settings", DIM + 1, &second, &err), ST_CORRUPT, &err);
    assert_ok(file_write(text, "not a store", 11, &err), &err);
    assert_status(store_open(text, "base/settings", DIM, &second, &err), ST_CORRUPT, &err);
    assert_status(store_open("/nonexistent/x", "k", DIM, &second, &err), ST_IO, &err);
    char key[202];
    memset(key, 'k', 201);
    key[201] = 0;
    assert_status(store_open(path, key, DIM, &second, &err), ST_INVALID, &err);
    store = open_store(path); // none of this harmed it
    assert_true(holds(store, 1, 0));
    store_close(store);
    assert_int_equal(unlink(path), 0);
    store = open_store(path);
    assert_int_equal(store_count(store), 0);
    store_close(store);
    free(path);
    free(text);
}

// All of it can be had anew; a program of that version may still have it open.
static void what_an_earlier_version_made_is_begun_anew(void **state)
{
    (void)state;
    struct error err;
    char *path = fresh("earlier"), *kept = xasprintf("%s.kept", path);
    struct store *store = open_store(path), *reader;
    add(store, 1, 0);
    store_close(store);
    int fd = open(path, O_WRONLY);
    uint32_t version = 2;
    assert_int_equal(pwrite(fd, &version, sizeof version, 8), sizeof version); // behind the magic
    close(fd);
    assert_int_equal(link(path, kept), 0);
    assert_status(store_open_reading(path, "base/settings", &reader, &err), ST_CORRUPT, &err);
    store = open_store(path);
    assert_int_equal(store_count(store), 0);
    add(store, 2, 0);
    store_close(store);
    store = open_store(path);
    assert_true(holds(store, 2, 0) && !store_has(store, 1));
    store_close(store);
    struct stat st;
    assert_true(stat(kept, &st) == 0 && st.st_nlink == 1 && st.st_size > 4096); // as it was
    assert_int_equal(unlink(kept), 0);
    free(kept);
    free(path);
}

static void a_full_disk_is_a_sentence_and_nothing_is_lost(void **state)
{
    (void)state;
    struct error err = {0};
    char *path = fresh("full");
    struct store *store = open_store(path);
    for (int64_t id = 0; id < 60; id++)
        add(store, id, 0);
    struct rlimit limit, tight;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    tight = (struct rlimit){.rlim_cur = 20000, .rlim_max = limit.rlim_max};
    signal(SIGXFSZ, SIG_IGN); // writing beyond is then EFBIG, after a part
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &tight), 0);
    enum status status = store_flush(store, &err);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    assert_int_equal(status, ST_IO);
    assert_non_null(strstr(err.text, path));
    add(store, 60, 0);
    assert_ok(store_refresh(store, &err), &err); // there is room again
    for (int64_t id = 0; id <= 60; id++)
        assert_true(holds(store, id, 0));
    store_close(store);
    free(path);
}

static void a_reader_sees_what_was_flushed_beside_the_writer(void **state)
{
    (void)state;
    struct error err;
    char *path = fresh("reader");
    struct store *reader, *writer;
    assert_status(store_open_reading(path, "base/settings", &reader, &err), ST_NOT_FOUND, &err);
    writer = open_store(path);
    for (int64_t id = 0; id < 300; id++)
        add(writer, id, 0);
    assert_ok(store_flush(writer, &err), &err);
    assert_ok(store_open_reading(path, "base/settings", &reader, &err), &err);
    assert_int_equal(store_dim(reader), DIM);
    assert_int_equal(store_count(reader), 300);
    for (int64_t id = 300; id < 700; id++)
        add(writer, id, 0);
    assert_ok(store_refresh(writer, &err), &err);
    for (int64_t id = 0; id < 700; id++)
        assert_int_equal(holds(reader, id, 0), id < 300);
    struct store_record record;
    assert_true(store_get(reader, 5, &record));
    assert_status(store_append(reader, &record, &err), ST_INVALID, &err);
    store_close(reader); // and leaves no trace: the writer's file opens as one that was not closed
    store_close(writer);
    writer = open_store(path);
    assert_int_equal(store_count(writer), 700);
    store_close(writer);
    assert_status(store_open_reading(path, "other", &reader, &err), ST_CORRUPT, &err);
    assert_ok(store_open_reading(path, "base/settings", &reader, &err), &err);
    assert_true(holds(reader, 699, 0));
    store_close(reader);
    free(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records_survive_closing),
        cmocka_unit_test(an_id_appended_again_is_replaced),
        cmocka_unit_test(a_torn_last_record_is_ignored),
        cmocka_unit_test(a_crash_leaves_what_was_flushed),
        cmocka_unit_test(a_record_gone_bad_is_not_handed_out),
        cmocka_unit_test(foreign_files_are_refused),
        cmocka_unit_test(what_an_earlier_version_made_is_begun_anew),
        cmocka_unit_test(a_reader_sees_what_was_flushed_beside_the_writer),
        cmocka_unit_test(a_full_disk_is_a_sentence_and_nothing_is_lost),
    };
    return cmocka_run_group_tests_name("store", tests, make_scratch, remove_scratch);
}
