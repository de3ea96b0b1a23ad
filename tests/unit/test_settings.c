// Settings from files, the environment and options: which one counts, mistakes with their line, and changing a file.
#include "config.h"

#include <sys/stat.h>

#include "app/settings.h"
#include "base/file.h"
#include "tests/unit/scratch.h"

static char *user_file, *project_file, *project;

static void put(const char *path, const char *text)
{
    struct error err;
    assert_ok(file_write(path, text, strlen(text), &err), &err);
}

static void gone(void)
{
    unlink(user_file);
    unlink(project_file);
    for (int i = 0; i < SETTINGS; i++)
        unsetenv(setting_about((enum setting)i)->environment);
}

static char *content(const char *path)
{
    unsigned char *bytes;
    size_t count;
    struct error err;
    assert_ok(file_read(path, 100000, &bytes, &count, &err), &err);
    return (char *)bytes;
}

static struct settings *loaded(void)
{
    struct settings *s;
    struct error err;
    assert_ok(settings_load(project, &s, &err), &err);
    return s;
}

static void test_defaults(void **state)
{
    (void)state;
    struct error err;
    gone();
    struct settings *s = loaded();
    for (int i = 0; i < SETTINGS; i++) {
        enum setting found;
        const struct setting_about *about = setting_about((enum setting)i);
        assert_true(setting_find(about->name, &found));
        assert_int_equal(found, i);
        assert_non_null(strstr(about->environment, "ASSAY_"));
        assert_ok(setting_valid((enum setting)i, about->standard, &err), &err);
        assert_int_equal(settings_origin(s, (enum setting)i), SETTING_DEFAULT);
        assert_string_equal(settings_text(s, (enum setting)i), about->standard);
    }
    assert_string_equal(settings_file(s, SETTING_PROJECT), project_file);
    assert_string_equal(settings_file(s, SETTING_USER), user_file);
    settings_free(s);
    assert_ok(settings_load(NULL, &s, &err), &err);
    assert_null(settings_file(s, SETTING_PROJECT));
    settings_free(s);
}

static void test_order(void **state)
{
    (void)state;
    struct error err;
    gone();
    put(user_file, "# mine\nperson = Ann\n threads=2\t\n\ngraphics = ascii\n");
    struct settings *s = loaded();
    assert_string_equal(settings_text(s, SETTING_PERSON), "Ann");
    assert_int_equal(settings_whole(s, SETTING_THREADS), 2);
    settings_free(s);
    put(project_file, "\xef\xbb\xbfperson = Bob\r\ngraphics=sixel\n");
    s = loaded();
    assert_string_equal(settings_text(s, SETTING_PERSON), "Bob");
    assert_int_equal(settings_origin(s, SETTING_PERSON), SETTING_PROJECT);
    assert_non_null(strstr(settings_where(s, SETTING_PERSON), "p/assay.conf:1"));
    assert_int_equal(settings_origin(s, SETTING_THREADS), SETTING_USER);
    assert_non_null(strstr(settings_where(s, SETTING_THREADS), "assay.conf:3"));
    settings_free(s);
    setenv("ASSAY_AS", "Eve", 1);
    setenv("ASSAY_GRAPHICS", "", 1); // unset
    s = loaded();
    assert_string_equal(settings_text(s, SETTING_PERSON), "Eve");
    assert_string_equal(settings_where(s, SETTING_PERSON), "ASSAY_AS");
    assert_string_equal(settings_text(s, SETTING_GRAPHICS), "sixel");
    assert_ok(settings_option(s, SETTING_PERSON, "Oli", "--as", &err), &err);
    assert_ok(settings_option(s, SETTING_GRAPHICS, NULL, "--graphics", &err), &err);
    assert_string_equal(settings_text(s, SETTING_PERSON), "Oli");
    assert_int_equal(settings_origin(s, SETTING_PERSON), SETTING_OPTION);
    assert_string_equal(settings_text(s, SETTING_GRAPHICS), "sixel");
    settings_free(s);
}

static void test_paths(void **state)
{
    (void)state;
    gone();
    setenv("HOME", "/home/ann", 1);
    put(project_file, "backup.dir = saved\nkeys = ~/k\nhook.stop = tell me\n");
    struct settings *s = loaded();
    char *saved = file_join(project, "saved");
    assert_string_equal(settings_text(s, SETTING_BACKUP_DIR), saved);
    assert_string_equal(settings_text(s, SETTING_KEYS), "/home/ann/k");
    assert_string_equal(settings_text(s, SETTING_HOOK_STOP), "tell me");
    free(saved);
    settings_free(s);
    put(project_file, "hook.stop =\n");
    put(user_file, "hook.stop = mine\n");
    s = loaded();
    assert_string_equal(settings_text(s, SETTING_HOOK_STOP), ""); // said, and none
    assert_int_equal(settings_origin(s, SETTING_HOOK_STOP), SETTING_PROJECT);
    settings_free(s);
}

static void test_mistakes(void **state)
{
    (void)state;
    static const struct {
        const char *text, *said;
    } cases[] = {
        {"person = a\nnonsense\n", "assay.conf:2: a line is"},
        {"\n\npersn = a\n", "assay.conf:3: there is no setting 'persn'"},
        {"threads = many\n", "assay.conf:1: threads is a number"},
        {"threads = 1.5\n", "assay.conf:1: threads is a whole number"},
        {"threads = -1\n", "assay.conf:1: threads is a number"},
        {"threads = nan\n", "assay.conf:1: threads is a number"},
        {"graphics = oil\n", "assay.conf:1: graphics is one of"},
        {"graphics = auto sixel\n", "assay.conf:1: graphics is one of"},
        {"graphics =\n", "assay.conf:1: graphics is one of"},
        {"person = \033[31mred\n", "assay.conf:1: person: control"},
        {"person = \xff\n", "assay.conf:1: person: control"},
        {"= 3\n", "assay.conf:1: a line is"},
    };
    gone();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct settings *s;
        struct error err;
        put(project_file, cases[i].text);
        assert_status(settings_load(project, &s, &err), ST_INVALID, &err);
        if (!strstr(err.text, cases[i].said))
            fail_msg("%s: said %s", cases[i].text, err.text);
    }
    struct settings *s;
    struct error err;
    assert_ok(file_write(project_file, "person\0= a\n", 11, &err), &err);
    assert_status(settings_load(project, &s, &err), ST_INVALID, &err);
    gone();
    setenv("ASSAY_THREADS", "all", 1);
    assert_status(settings_load(project, &s, &err), ST_INVALID, &err);
    assert_non_null(strstr(err.text, "ASSAY_THREADS: threads"));
    gone();
}

static void test_trust(void **state)
{
    (void)state;
    struct settings *s;
    struct error err;
    gone();
    put(project_file, "hook.stop = tell\n");
    assert_int_equal(chmod(project_file, 0666), 0);
    assert_status(settings_load(project, &s, &err), ST_INVALID, &err);
    assert_non_null(strstr(err.text, "is not run"));
    put(project_file, "person = Ann\n"); // no command: nothing to be careful about
    assert_int_equal(chmod(project_file, 0666), 0);
    settings_free(loaded());
    gone();
}

static void test_store(void **state)
{
    (void)state;
    struct error err;
    gone();
    put(project_file, "# ours\nperson = Ann\n\nthreads = 2\nperson = Bob\n# end");
    struct settings *s = loaded();
    assert_ok(settings_option(s, SETTING_GRAPHICS, "ascii", "--graphics", &err), &err);
    assert_ok(settings_store(s, SETTING_PERSON, "Eve", SETTING_PROJECT, &err), &err);
    assert_string_equal(settings_text(s, SETTING_PERSON), "Eve");
    assert_string_equal(settings_text(s, SETTING_GRAPHICS), "ascii");
    char *text = content(project_file);
    assert_string_equal(text, "# ours\nperson = Eve\n\nthreads = 2\n# end\n");
    free(text);
    assert_ok(settings_store(s, SETTING_THREADS, NULL, SETTING_PROJECT, &err), &err);
    assert_int_equal(settings_origin(s, SETTING_THREADS), SETTING_DEFAULT);
    assert_ok(settings_store(s, SETTING_TRAIN_EVERY, "40", SETTING_PROJECT, &err), &err);
    text = content(project_file);
    assert_string_equal(text, "# ours\nperson = Eve\n\n# end\ntrain.every = 40\n");
    free(text);
    assert_status(settings_store(s, SETTING_THREADS, "x", SETTING_PROJECT, &err), ST_INVALID, &err);
    assert_status(settings_store(s, SETTING_THREADS, "1", SETTING_SYSTEM, &err), ST_INVALID, &err);
    assert_status(settings_store(s, SETTING_PERSON, "a\nthreads = 3", SETTING_PROJECT, &err), ST_INVALID, &err);
    assert_ok(settings_store(s, SETTING_THREADS, "3", SETTING_USER, &err), &err); // makes its folder
    assert_int_equal(settings_origin(s, SETTING_THREADS), SETTING_USER);
    settings_free(s);
    gone();
}

static int set_up(void **state)
{
    struct error err;
    if (make_scratch(state) != 0)
        return -1;
    char *config = file_join(scratch, "config");
    setenv("XDG_CONFIG_HOME", config, 1);
    user_file = file_join(config, "assay.conf");
    project = file_join(scratch, "p");
    project_file = file_join(project, "assay.conf");
    int failed = file_mkdirs(project, &err) != ST_OK || file_mkdirs(config, &err) != ST_OK;
    free(config);
    return failed;
}

static int tear_down(void **state)
{
    free(user_file);
    free(project_file);
    free(project);
    return remove_scratch(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults), cmocka_unit_test(test_order),    cmocka_unit_test(test_paths),
        cmocka_unit_test(test_mistakes), cmocka_unit_test(test_trust),    cmocka_unit_test(test_store),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
