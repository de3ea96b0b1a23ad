// `assay review` over a real pseudo-terminal: what the terminal shows, what it
// is asked, and how it is left.
#include "config.h"

#include "tests/unit/test.h"

#include <fcntl.h>
#include <locale.h>
#include <signal.h>
#include <sqlite3.h>
#include <spawn.h>
#include <sys/wait.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/file.h"
#include "tests/tui/pty.h"
#include "tests/tui/unkitty.h"
#include "tests/tui/unsixel.h"
#include "ui/compose.h"
#include "ui/sixel.h"

extern char **environ;

enum { PATIENCE_S = 60 }; // nothing waits this long but a broken program

static char *scratch, *project, *assay;

static int command(const char *out, const char *const *argv)
{
    posix_spawn_file_actions_t actions;
    pid_t pid;
    int status = -1;
    posix_spawn_file_actions_init(&actions);
    if (file_exists(project))
        posix_spawn_file_actions_addchdir_np(&actions, project);
    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, out, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    if (posix_spawn(&pid, assay, &actions, NULL, (char *const *)argv, environ) == 0)
        waitpid(pid, &status, 0);
    posix_spawn_file_actions_destroy(&actions);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static char *content(const char *path)
{
    unsigned char *bytes;
    size_t count;
    struct error err;
    assert_ok(file_read(path, 1 << 22, &bytes, &count, &err), &err);
    return (char *)bytes;
}

// --- one session ---------------------------------------------------------

static struct pty pty;

static int session_clear(void **state)
{
    (void)state;
    pty_clear(&pty);
    return 0;
}

static void start_in(const char *scene, enum vt_kind kind, const char *term, const char *graphics, int rows, int cols)
{
    char *argv[] = {assay, (char *)"review", (char *)"--as", (char *)"Ann", (char *)"--graphics", (char *)graphics,
                    scene ? (char *)"--scene" : NULL, (char *)scene, NULL};
    assert_true(pty_start(&pty, kind, term, rows, cols, project, argv));
}

static void start_as(enum vt_kind kind, const char *term, const char *graphics, int rows, int cols)
{
    start_in(NULL, kind, term, graphics, rows, cols);
}

static bool shows(const char *words)
{
    return vt_shows(&pty.vt, words);
}

static void until(const char *words)
{
    double end = clock_seconds() + PATIENCE_S;
    while (!shows(words)) {
        if (!pty_pump(&pty, 100) || clock_seconds() > end) {
            char *text = vt_text(&pty.vt);
            fail_msg("\"%s\" did not come; the screen:\n%s", words, text);
        }
    }
}

static void until_quiet(void)
{
    size_t before;
    do {
        before = pty.raw.len;
        assert_true(pty_pump(&pty, 200));
    } while (pty.raw.len != before);
}

// Until the picture is on the screen and nothing more comes.
static void until_shown(size_t pictures)
{
    double end = clock_seconds() + PATIENCE_S;
    until(" quit");
    for (;;) {
        size_t before = pty.raw.len;
        if (!pty_pump(&pty, 200) || clock_seconds() > end) {
            char *text = vt_text(&pty.vt);
            fail_msg("picture %zu did not come (%zu did); the screen:\n%s", pictures, pty.vt.pictures, text);
        }
        if (pty.raw.len == before && pty.vt.pictures >= pictures && !shows("Reading the picture"))
            return;
    }
}

// Until the scores of all are drawn, too, where there is room for them: they are counted on a thread of their own.
static void until_counted(void)
{
    if (pty.vt.rows >= 30 && pty.vt.cols >= 100)
        until("^ this one");
    until_quiet();
}

// Until a picture has arrived whole.
static void until_begun(size_t pictures)
{
    double end = clock_seconds() + PATIENCE_S;
    while (pty.vt.pictures < pictures)
        if (!pty_pump(&pty, 100) || clock_seconds() > end)
            fail_msg("picture %zu did not come", pictures);
}

static void type(const char *keys)
{
    pty_send(&pty, keys, strlen(keys));
}

static void until_ended(void)
{
    double end = clock_seconds() + PATIENCE_S;
    while (pty_pump(&pty, 100))
        if (clock_seconds() > end)
            fail_msg("the program did not end");
}

static void assert_clean(void)
{
    if (pty.vt.unknown > 0)
        fail_msg("not understood by the terminal:%s", pty.vt.unknown_text.data);
    assert_int_equal(pty.vt.scrolled, 0);
}

// The terminal is as it was before the program began.
static void assert_restored(void)
{
    struct termios now;
    assert_int_equal(tcgetattr(pty.slave, &now), 0);
    assert_int_equal(now.c_iflag, pty.before.c_iflag);
    assert_int_equal(now.c_oflag, pty.before.c_oflag);
    assert_int_equal(now.c_cflag, pty.before.c_cflag);
    assert_int_equal(now.c_lflag, pty.before.c_lflag);
    assert_memory_equal(now.c_cc, pty.before.c_cc, sizeof now.c_cc);
    assert_false(pty.vt.alternate);
    assert_false(pty.vt.cursor_hidden);
    assert_false(pty.vt.line_drawing);
}

static void leave(void)
{
    type("q");
    until_ended();
    assert_true(WIFEXITED(pty.status));
    assert_int_equal(WEXITSTATUS(pty.status), 0);
    assert_restored();
}

static void assert_same_text(const char *got, const char *want)
{
    if (strcmp(got, want) != 0) {
        fprintf(stderr, "--- got\n%s--- expected\n%s", got, want);
        fail_msg("another screen than expected");
    }
}

// What the program believes to be on the screen: `lines` of a script, then a dump.
static char *believed(const char *graphics, const char *lines)
{
    char *dump = file_join(scratch, "dump"), *script = file_join(scratch, "script"), *text, *out;
    struct error err;
    text = xasprintf("%s\ndump %s\nkey q\n", lines, dump);
    assert_ok(file_write(script, text, strlen(text), &err), &err);
    const char *argv[] = {assay, "review", "--as", "Ann", "--graphics", graphics, "--script", script, NULL};
    assert_int_equal(command("/dev/null", argv), 0);
    out = content(dump);
    unlink(dump);
    unlink(script);
    free(dump);
    free(script);
    free(text);
    return out;
}

// --- the cases -----------------------------------------------------------

static void same_screen(enum vt_kind kind, const char *graphics, const char *script_graphics, int rows, int cols)
{
    char *lines = xasprintf("size %d %d\nwait", cols, rows), *text;
    start_as(kind, "xterm-256color", graphics, rows, cols);
    until_shown(kind == VT_SIXEL);
    until_counted();
    text = vt_text(&pty.vt);
    char *foot = strrchr(text, '\n') ? strstr(text, "\n n normal  d defect  w unsure  s skip  h heatmap  ") : NULL; // then what there is room for
    assert_non_null(foot);
    assert_non_null(strstr(foot, "  u undo  ? help  q quit\n"));
    assert_clean();
    assert_int_equal(pty.vt.pictures, kind == VT_SIXEL);
    leave();
    session_clear(NULL);
    char *want = believed(script_graphics, lines);
    assert_same_text(text, want);
    free(want);
    free(text);
    free(lines);
}

static void the_terminal_shows_what_curses_has(void **state)
{
    (void)state;
    static const int sizes[][2] = {{24, 80}, {60, 200}};
    for (int i = 0; i < 2; i++) {
        same_screen(VT_SIXEL, "auto", "sixel", sizes[i][0], sizes[i][1]);
        same_screen(VT_PLAIN, "auto", "symbols", sizes[i][0], sizes[i][1]);
        same_screen(VT_PLAIN, "blocks", "blocks", sizes[i][0], sizes[i][1]);
        same_screen(VT_PLAIN, "ascii", "ascii", sizes[i][0], sizes[i][1]);
    }
}

// The file of the picture on an 80-column screen.
static char *picture_path(void)
{
    char *text = vt_text(&pty.vt), *line = text, scene[64] = "", name[64] = "";
    sscanf(line, " p, Ann %63s", scene);
    for (int i = 0; i < pty.vt.rows - 6; i++)
        line = strchr(line, '\n') + 1;
    sscanf(line, " %63s", name);
    char *path = xasprintf("%s/camera/%s/%s", project, scene, name);
    free(text);
    return path;
}

// What was sent is the picture, fitted to the pane, in the colours it was reduced to.
static void assert_picture(int width, int height)
{
    struct image picture, frame;
    struct placement place;
    struct unsixel got;
    struct error err;
    char *path = picture_path();
    uint8_t palette[SIXEL_COLOURS * 3], *index = xcalloc((size_t)width * (size_t)height, 1);
    assert_ok(image_load(path, &image_limits_default, width, height, &picture, NULL, &err), &err);
    compose_fit(&picture, width, height, &frame, &place);
    sixel_quantise(&frame, 256, index, palette);
    const char *wrong = unsixel(pty.vt.picture.data, width, height, &got);
    if (wrong)
        fail_msg("%s", wrong);
    assert_int_equal(got.width, width);
    assert_int_equal(got.height, height);
    for (int i = 0; i < width * height * 3; i++) {
        int want = (palette[index[i / 3] * 3 + i % 3] * 100 + 127) / 255;
        assert_in_range(got.rgb[i] + 1, want, want + 2);
    }
    assert_int_equal(pty.vt.picture_y, 1);
    assert_int_equal(pty.vt.picture_x, 0);
    free(got.rgb);
    free(index);
    free(path);
    image_clear(&frame);
    image_clear(&picture);
}

static void sixel_arrives_whole(void **state)
{
    (void)state;
    start_as(VT_SIXEL, "xterm-256color", "auto", 24, 80);
    until_shown(1);
    assert_picture(640, 270);
    type("j");
    until_shown(2);
    assert_picture(640, 270);
    type("j");
    until_shown(3);
    assert_picture(640, 270);
    assert_clean();
    leave();
}

// Lines beside a picture come and go without one being scrolled: the terminal would move the picture along.
static void a_picture_stays_where_it_was_put(void **state)
{
    (void)state;
    static const int sizes[][2] = {{40, 110}, {60, 200}};
    for (int i = 0; i < 2; i++) {
        start_as(VT_SIXEL, "xterm-256color", "auto", sizes[i][0], sizes[i][1]);
        until_shown(1);
        until_counted();
        for (const char *key = "jjjkkhhhcCCcvvj"; *key; key++) {
            char keys[2] = {*key, '\0'};
            type(keys);
            until_quiet();
            until(" quit");
        }
        for (const char *key = "hcvhcvjkhcvhcvjkCcCchvhv"; *key; key++) { // typed ahead of the screen
            char keys[2] = {*key, '\0'};
            type(keys);
            pty_pump(&pty, 3);
        }
        until_quiet();
        until(" quit");
        assert_true(pty.vt.pictures > 1);
        assert_clean();
        assert_int_equal(pty.vt.dragged, 0);
        leave();
        session_clear(NULL);
    }
}

// The same where the terminal has the kitty protocol and no sixel.
static void assert_kitty(int width, int height)
{
    struct image picture, frame;
    struct placement place;
    struct error err;
    char *path = picture_path(), want[64];
    uint8_t *rgb = xcalloc((size_t)width * (size_t)height, 3);
    assert_ok(image_load(path, &image_limits_default, width, height, &picture, NULL, &err), &err);
    compose_fit(&picture, width, height, &frame, &place);
    const char *wrong = unkitty(pty.vt.picture.data, rgb, (size_t)width * (size_t)height * 3);
    if (wrong)
        fail_msg("%s", wrong);
    snprintf(want, sizeof want, "f=24,o=z,s=%d,v=%d,i=1,", width, height);
    assert_non_null(strstr(pty.vt.kitty_keys.data, want));
    for (int i = 0; i < width * height * 3; i++)
        assert_int_equal(rgb[i], frame.pixels[frame.channels == 1 ? i / 3 : i]);
    assert_int_equal(pty.vt.picture_y, 1);
    assert_int_equal(pty.vt.picture_x, 0);
    assert_int_equal(pty.vt.kitty_live, 1u << 1);
    free(rgb);
    free(path);
    image_clear(&frame);
    image_clear(&picture);
}

static void kitty_arrives_whole(void **state)
{
    (void)state;
    start_as(VT_KITTY, "xterm-256color", "auto", 24, 80);
    until_shown(1);
    assert_kitty(640, 272);
    type("j");
    until_shown(2);
    assert_kitty(640, 272);
    type("?"); // over it, and away again: it lies below the text and is not sent again
    until("Esc");
    type("q");
    until_quiet();
    assert_int_equal(pty.vt.pictures, 2);
    type("2"); // a page of small ones
    until_shown(8);
    assert_true(pty.vt.kitty_live & 1u << 6);
    type("5"); // and a view without any
    until("classes: 0");
    assert_int_equal(pty.vt.kitty_live, 0);
    assert_clean();
    leave();
}

static void a_changed_size_is_followed(void **state)
{
    (void)state;
    static const int sizes[][2] = {{40, 99}, {60, 200}, {14, 44}, {24, 80}};
    char *texts[4];
    start_as(VT_SIXEL, "xterm-256color", "auto", 24, 80);
    until_shown(1);
    for (int i = 0; i < 4; i++) {
        size_t before = pty.vt.pictures;
        pty_resize(&pty, sizes[i][0], sizes[i][1]);
        until_shown(before + 1);
        until_counted();
        texts[i] = vt_text(&pty.vt);
    }
    assert_picture(640, 270);
    pty_resize(&pty, 8, 30);
    until("too small");
    pty_resize(&pty, 24, 80);
    until_shown(pty.vt.pictures + 1);
    if (pty.vt.unknown > 0)
        fail_msg("not understood by the terminal:%s", pty.vt.unknown_text.data);
    leave();
    session_clear(NULL);
    for (int i = 0; i < 4; i++) {
        char *lines = xasprintf("size %d %d\nwait", sizes[i][1], sizes[i][0]);
        char *want = believed("sixel", lines);
        assert_same_text(texts[i], want);
        free(want);
        free(lines);
        free(texts[i]);
    }
}

static void a_popup_comes_and_goes(void **state)
{
    (void)state;
    static const char *const lines[2] = {"size 80 24\nwait\nkey ?", "size 80 24\nwait\nkey d\ntext hair"};
    static const char *const keys[2] = {"?", "dhair"}, *const words[2] = {"Keys", "new class: hair"};
    for (int i = 0; i < 2; i++) {
        start_as(VT_SIXEL, "xterm-256color", "auto", 24, 80);
        until_shown(1);
        char *before = vt_text(&pty.vt);
        type(keys[i]);
        until(words[i]);
        until_quiet();
        char *text = vt_text(&pty.vt);
        type("\033");
        until_shown(2); // the popup wiped a part of the picture: it is sent again
        char *after = vt_text(&pty.vt);
        assert_same_text(after, before);
        assert_picture(640, 270);
        leave();
        session_clear(NULL);
        char *want = believed("sixel", lines[i]);
        assert_same_text(text, want);
        free(want);
        free(text);
        free(before);
        free(after);
    }
}

static char *count_in_status(const char *name)
{
    char *path = file_join(scratch, "status");
    const char *argv[] = {assay, "status", "--json", NULL};
    assert_int_equal(command(path, argv), 0);
    char *text = content(path), *at = strstr(text, "\"total\""), *key = xasprintf("\"%s\":", name);
    assert_non_null(at);
    assert_non_null(at = strstr(at, key));
    at += strlen(key);
    char *value = xasprintf("%.*s", (int)strspn(at, "0123456789"), at);
    unlink(path);
    free(path);
    free(text);
    free(key);
    return value;
}

static void assert_count(const char *name, const char *want)
{
    char *got = count_in_status(name);
    assert_string_equal(got, want);
    free(got);
}

// The line is slow when answers after pictures are: then a small one comes before the sharp one, of fewer colours, and
// an answer given before that one is there is asked for again.
static void a_slow_line_gets_small_ones_first(void **state)
{
    (void)state;
    struct unsixel got;
    start_as(VT_SIXEL, "xterm-256color", "auto", 24, 80);
    until("000"); // it has its answers to what it asked
    pty.hold = true;
    double end = clock_seconds() + 3.0;
    while (clock_seconds() < end)
        assert_true(pty_pump(&pty, 100));
    pty.hold = false;
    until_shown(1);
    size_t whole = pty.vt.picture.len;
    until_quiet();
    pty.hold = true;
    type("j");
    until_begun(2);
    assert_int_equal(pty.vt.pictures, 2);
    assert_in_range(pty.vt.picture.len, 1, whole / 3); // the small one, as large on the screen
    assert_null(unsixel(pty.vt.picture.data, 640, 270, &got));
    free(got.rgb);
    type("n");
    until("press again to answer without seeing it");
    pty.hold = false;
    until_shown(3);
    assert_null(unsixel(pty.vt.picture.data, 640, 270, &got));
    free(got.rgb);
    assert_null(strstr(pty.vt.picture.data, "#32;2;"));
    assert_count("answered", "0");
    assert_clean();
    leave();
}

// The same over a line that carries no more than a DSL of old: what it takes is measured, the small picture is there long
// before the sharp one, and what is typed ahead is asked for again.
static void a_throttled_line_is_noticed(void **state)
{
    (void)state;
    struct unsixel got;
    start_as(VT_SIXEL, "xterm-256color", "auto", 24, 80);
    until("000");
    pty.rate = 24000;
    until_shown(1);
    until_quiet();
    for (size_t picture = 2; picture <= 3; picture++) { // the first one may be on its way already
        type("j");
        until_begun(picture);
        until_quiet();
    }
    size_t before = pty.vt.pictures;
    type("j");
    until_begun(before + 1);
    size_t small = pty.vt.picture.len;
    type("n"); // before the sharp one
    until("press again to answer without seeing it");
    until_begun(before + 2);
    assert_true(small < pty.vt.picture.len);
    assert_null(unsixel(pty.vt.picture.data, 640, 270, &got));
    free(got.rgb);
    pty.rate = 0;
    until_quiet();
    assert_count("answered", "0");
    assert_clean();
    leave();
}

// --- the mouse, as a terminal sends it (SGR, in pixels: it says that it can) -------------------

static void mouse(int button, int column, int line, char end)
{
    char text[48];
    int x = (column - 1) * pty.vt.cell_width + pty.vt.cell_width / 2, y = (line - 1) * pty.vt.cell_height + pty.vt.cell_height / 2;
    snprintf(text, sizeof text, "\033[<%d;%d;%d%c", button, x, y, end);
    type(text);
}

static void the_mouse_draws_a_box(void **state)
{
    (void)state;
    start_as(VT_SIXEL, "xterm-256color", "auto", 24, 80);
    until_shown(1);
    type("b");
    until("regions");
    until_quiet();
    assert_non_null(strstr(pty.raw.data, "\033[?1002h"));
    mouse(0, 30, 6, 'M'); // press, drag, release
    mouse(32, 36, 9, 'M');
    mouse(32, 45, 12, 'M');
    mouse(0, 45, 12, 'm');
    until("1 drawn");
    until_quiet();
    type("u");
    until("0 drawn");
    assert_clean();
    leave();
}

static void the_mouse_marks_in_the_grid(void **state)
{
    (void)state;
    start_as(VT_PLAIN, "xterm-256color", "ascii", 24, 80);
    until_shown(0);
    type("2");
    until("0 marked");
    until_quiet();
    char *text = vt_text(&pty.vt), *second = strstr(text, "[ ]");
    second = second ? strstr(second + 3, "[ ]") : NULL;
    assert_non_null(second);
    char *line = second;
    while (line > text && line[-1] != '\n')
        line--;
    int column = (int)(second - line), row = 1;
    for (char *p = text; p < line; p++)
        row += *p == '\n';
    mouse(0, column + 3, row, 'M'); // the focus goes there, ...
    mouse(0, column + 3, row, 'm');
    until_quiet();
    assert_true(shows("0 marked"));
    mouse(0, column + 3, row - 1, 'M'); // ... and on its picture marks it
    mouse(0, column + 3, row - 1, 'm');
    until("1 marked");
    until_quiet(); // the foot may come before the tile
    free(text);
    text = vt_text(&pty.vt);
    assert_non_null(strstr(text, "[x]"));
    mouse(0, column + 3, row, 'M');
    until("0 marked");
    mouse(65, column, row, 'M'); // the wheel turns the page
    until_quiet();
    free(text);
    assert_clean();
    leave();
}

// A line that breaks while something is drawn: what was kept is there, what was not is not, at the same picture.
static void a_line_that_breaks_while_drawing_loses_nothing_kept(void **state)
{
    (void)state;
    static const char *const begun[2] = {"b\033[C\033[B", "m\033[C\033[B"}; // a box, a mask: not ended
    for (int i = 0; i < 2; i++) {
        start_as(VT_PLAIN, "xterm-256color", "ascii", 24, 80);
        until_shown(0);
        if (i == 0) {
            type("jb");
            until("regions");
        }
        until_quiet();
        char *name = picture_path();
        type("b\033[C\033[C\033[B\033[B\r"); // one that is kept
        until(i == 0 ? "1 drawn" : "2 drawn");
        type(begun[i]);
        until(i == 0 ? "Box: " : "Mask: ");
        kill(pty.pid, SIGHUP);
        until_ended();
        assert_restored();
        session_clear(NULL);
        start_as(VT_PLAIN, "xterm-256color", "ascii", 24, 80);
        until(i == 0 ? "1 drawn" : "2 drawn");
        until_quiet();
        char *again = picture_path();
        assert_string_equal(again, name);
        free(again);
        free(name);
        if (i == 0) {
            kill(pty.pid, SIGHUP);
            until_ended();
        } else {
            type("uu");
            until("0 drawn");
            leave();
        }
        session_clear(NULL);
    }
}

static void answers_are_stored(void **state)
{
    (void)state;
    start_as(VT_SIXEL, "xterm-256color", "auto", 24, 80);
    until_shown(1);
    type("n");
    until(": normal");
    until_shown(2);
    assert_count("answered", "1"); // while it runs
    type("d");
    until("What is wrong?");
    type("hair crack\r");
    until("How severe?");
    type("k");
    until(": defect, hair crack (key)");
    until_shown(3);
    type("u");
    until("The last answer was taken back.");
    until("not answered");
    until_shown(4);
    assert_count("answered", "1");
    type("r");
    until("The last answer was given again.");
    until("defect: hair crack (key)");
    until_shown(4); // the same picture lies there already
    assert_count("defects", "1");
    type("u");
    until("taken back");
    until_shown(4);
    type("u");
    until_shown(5);
    leave();
    assert_count("answered", "0");
}

// The write lock, as a backup or another program may hold it.
static void take_lock(sqlite3 **db)
{
    char *path = file_join(project, "project.db");
    assert_int_equal(sqlite3_open(path, db), SQLITE_OK);
    sqlite3_busy_timeout(*db, 20000);
    assert_int_equal(sqlite3_exec(*db, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    free(path);
}

static void give_lock(sqlite3 *db)
{
    assert_int_equal(sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
}

// A lock that passes is waited for. One that lasts is told of: the picture stays, and the answer is given again.
static void an_answer_outlasts_a_lock(void **state)
{
    (void)state;
    sqlite3 *db;
    start_as(VT_PLAIN, "xterm-256color", "ascii", 24, 120);
    until_shown(0);
    take_lock(&db);
    type("n");
    double end = clock_seconds() + 1;
    while (clock_seconds() < end) {
        assert_true(pty_pump(&pty, 100));
        assert_false(shows(": normal"));
    }
    give_lock(db);
    until(": normal");
    until_quiet();
    char *before = picture_path();
    take_lock(&db);
    type("n");
    until("locked by another program while");
    until_quiet();
    char *after = picture_path();
    assert_string_equal(before, after);
    give_lock(db);
    assert_count("answered", "1");
    type("n");
    until(": normal");
    assert_count("answered", "2");
    type("u");
    until("taken back");
    type("u");
    until_quiet();
    leave();
    assert_count("answered", "0");
    free(before);
    free(after);
}

static void a_crash_leaves_the_terminal_whole(void **state)
{
    (void)state;
    static const int numbers[] = {SIGSEGV, SIGABRT, SIGBUS, SIGFPE};
    for (int i = 0; i < 8; i++) {
        int number = numbers[i / 2];
        bool halfway = i % 2;
        start_as(VT_SIXEL, "xterm-256color", "auto", 60, 200);
        if (!halfway)
            until_shown(1);
        while (halfway && pty.vt.begun == pty.vt.pictures)
            assert_true(pty_pump(&pty, 1000));
        assert_true(pty.vt.alternate);
        kill(pty.pid, number);
        until_ended();
        assert_true(WIFSIGNALED(pty.status));
        assert_int_equal(WTERMSIG(pty.status), number);
        assert_int_equal(pty.vt.state, 0); // in no sequence or sixel
        assert_non_null(strstr(pty.raw.data, "\033\\\033[?2026l"));
        assert_non_null(strstr(pty.raw.data, "/cache/crash.log\r\n"));
        assert_restored();
        session_clear(NULL);
    }
    char *path = file_join(project, "cache/crash.log"), *log = content(path);
    assert_non_null(strstr(log, ": signal 11\n"));
    assert_non_null(strstr(log, "assay("));
    unlink(path);
    free(path);
    free(log);
}

static void an_end_from_outside_leaves_it_whole(void **state)
{
    (void)state;
    static const int numbers[] = {SIGTERM, SIGHUP, SIGINT};
    for (int i = 0; i < 3; i++) {
        start_as(VT_SIXEL, "xterm-256color", "auto", 24, 80);
        until_shown(1);
        kill(pty.pid, numbers[i]);
        until_ended();
        assert_true(WIFEXITED(pty.status));
        assert_restored();
        session_clear(NULL);
    }
}

// A person whose line broke is back in the view where it broke; one who left begins in the review.
static void a_broken_line_leads_back_to_the_view(void **state)
{
    (void)state;
    static const struct {
        const char *key, *words;
    } views[] = {{"6", "No round of training yet"}, {"7", "feed back"}, {"M", "L0 assay-base"}, {"S", "where it is said"}};
    for (size_t i = 0; i < sizeof views / sizeof *views; i++) {
        start_as(VT_PLAIN, "xterm-256color", "ascii", 24, 80);
        until_shown(0);
        type(views[i].key);
        until(views[i].words);
        kill(pty.pid, SIGHUP);
        until_ended();
        assert_restored();
        session_clear(NULL);
        start_as(VT_PLAIN, "xterm-256color", "ascii", 24, 80);
        until(views[i].words);
        leave();
        session_clear(NULL);
    }
    start_as(VT_PLAIN, "xterm-256color", "ascii", 24, 80);
    until_shown(0);
    assert_true(shows("n normal"));
    leave();
}

static char *scene_shown(void)
{
    char *text = vt_text(&pty.vt), scene[64] = "";
    sscanf(text, " p, Ann %63s", scene);
    free(text);
    return xstrdup(scene);
}

// Where the line broke, unless another scene is asked for now.
static void another_scene_begins_at_its_first(void **state)
{
    (void)state;
    start_as(VT_PLAIN, "xterm-256color", "ascii", 24, 80);
    until_shown(0);
    char *left = scene_shown();
    kill(pty.pid, SIGHUP);
    until_ended();
    session_clear(NULL);
    const char *other = strcmp(left, "belt") == 0 ? "fastener" : "belt";
    start_in(other, VT_PLAIN, "xterm-256color", "ascii", 24, 80);
    until_shown(0);
    char *now = scene_shown();
    assert_string_equal(now, other);
    free(now);
    free(left);
    leave();
}

static void say_as(const char *person, const char *keys)
{
    char *script = file_join(scratch, "script");
    struct error err;
    assert_ok(file_write(script, keys, strlen(keys), &err), &err);
    const char *argv[] = {assay, "review", "--as", person, "--graphics", "ascii", "--script", script, NULL};
    assert_int_equal(command("/dev/null", argv), 0);
    unlink(script);
    free(script);
}

static int make_project(void **state)
{
    (void)state;
    const char *demo[] = {assay, "demo", project, "--no-review", "--json", "--pictures", "150", NULL};
    const char *screen[] = {assay, "screen", "--flag-rate", "0.3", "--json", NULL};
    return command("/dev/null", demo) || command("/dev/null", screen);
}

// Two leads go through the same list: what the other one decides stays on the screen of the first, whose answer is about it.
static void what_another_lead_decides_stays(void **state)
{
    (void)state;
    char *others = project;
    project = file_join(scratch, "second"); // what the other cases answered is no part of its list
    assert_int_equal(make_project(NULL), 0);
    const char *ann[] = {assay, "user", "Ann", "--role", "lead", NULL};
    const char *lea[] = {assay, "user", "Lea", "--role", "lead", "--as", "Ann", NULL};
    assert_int_equal(command("/dev/null", ann), 0);
    assert_int_equal(command("/dev/null", lea), 0);
    say_as("Bob", "wait\nkey w\nwait\nkey w\nwait\nkey w\nwait\nkey q\n");
    start_as(VT_PLAIN, "xterm-256color", "ascii", 24, 80);
    until_shown(0);
    type("8");
    until("1 of 3");
    until_quiet();
    char *name = picture_path();
    say_as("Lea", "key 8\nwait\nkey n\nwait\nkey q\n");
    say_as("Bob", "wait\nkey w\nwait\nkey q\n");
    double end = clock_seconds() + PATIENCE_S;
    while (!shows("1 of 4")) { // the list is read anew a while after it was read
        assert_true(clock_seconds() < end);
        type("h");
        until_quiet();
    }
    char *now = picture_path();
    assert_string_equal(now, name);
    free(now);
    free(name);
    type("d");
    until("What is wrong?");
    type("dent\r");
    until("How severe?");
    type("g");
    until("Lea said: normal. Yours is the answer that counts");
    until("1 of 3");
    leave();
    free(project);
    project = others;
}

// Asked whether to go back, while somebody else did: the second press asks again, and goes no step further.
static void a_way_back_that_was_gone_is_asked_anew(void **state)
{
    (void)state;
    const char *again[] = {assay, "screen", "--scene", "belt", "--json", NULL}, *rollback[] = {assay, "rollback", "--scene", "belt", NULL};
    for (int revision = 3; revision <= 4; revision++)
        assert_int_equal(command("/dev/null", again), 0);
    start_in("belt", VT_PLAIN, "xterm-256color", "ascii", 24, 80);
    until_shown(0);
    type("6");
    until("revision 4, no trained model");
    type("b");
    until("Press again to go back");
    assert_int_equal(command("/dev/null", rollback), 0);
    until("revision 3, no trained model");
    until_quiet();
    type("b");
    until("Press again to go back");
    until_quiet();
    assert_true(shows("revision 3, no trained model"));
    type("b");
    until("belt: revision 2 is active again");
    leave();
}

static void late_answers_are_no_keys(void **state)
{
    (void)state;
    start_as(VT_PLAIN, "xterm-256color", "auto", 24, 80);
    pty.hold = true;
    until_shown(0);
    char *before = vt_text(&pty.vt);
    type("\033[?64;1;2;6;9;15;22c\033[6;16;8t\033[0n\033[1;2R");
    static const char *const pieces[] = {"\033[", "?64;", "1;2c", "\033", "[0", "n", "\033[?2026;2$", "y"};
    for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++) {
        type(pieces[i]);
        while (pty_pump(&pty, 60) && pty.raw.len > 0)
            strbuf_reset(&pty.raw);
    }
    until_shown(0);
    char *after = vt_text(&pty.vt);
    assert_same_text(after, before);
    assert_clean();
    assert_count("answered", "0");
    free(before);
    free(after);
    leave();
}

static void a_late_sixel_terminal_gets_its_picture(void **state)
{
    (void)state;
    start_as(VT_SIXEL, "xterm-256color", "auto", 24, 80);
    pty.hold = true;
    until_shown(0); // in symbols, after the wait for the answer
    assert_int_equal(pty.vt.pictures, 0);
    pty.hold = false;
    until_shown(1);
    assert_picture(640, 270);
    assert_clean();
    leave();
}

static void without_answers_there_are_symbols(void **state)
{
    (void)state;
    same_screen(VT_SILENT, "auto", "symbols", 24, 80);
}

static void fewer_colours_are_ascii(void **state)
{
    (void)state;
    static const char *const types[] = {"vt100", "xterm"};
    char *want = believed("ascii", "size 80 24\nwait");
    for (int i = 0; i < 2; i++) {
        start_as(VT_PLAIN, types[i], "auto", 24, 80);
        until_shown(0);
        char *text = vt_text(&pty.vt);
        assert_same_text(text, want);
        assert_clean();
        free(text);
        leave();
        session_clear(NULL);
    }
    free(want);
}

// Colours come as the theme says, or not at all; the words are the same.
static void themes_change_colours_only(void **state)
{
    (void)state;
    static const struct {
        const char *theme, *in_raw, *not_in_raw;
    } cases[] = {{"auto", "48;5;238", "48;5;252"}, {"light", "48;5;252", "48;5;238"},
                 {"none", ";7m", "48;5;2"}};
    char *want = NULL;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        setenv("ASSAY_THEME", cases[i].theme, 1);
        start_as(VT_PLAIN, "xterm-256color", "ascii", 24, 80);
        until_shown(0);
        char *screen = vt_text(&pty.vt), *text = xstrdup(strstr(screen, " n normal")); // which picture it is may differ
        free(screen);
        if (want)
            assert_same_text(text, want);
        assert_non_null(strstr(pty.raw.data, cases[i].in_raw));
        assert_null(strstr(pty.raw.data, cases[i].not_in_raw));
        if (want)
            free(text);
        want = want ? want : text;
        leave();
        session_clear(NULL);
    }
    unsetenv("ASSAY_THEME");
    free(want);
}

static void useless_terminals_get_a_sentence(void **state)
{
    (void)state;
    static const char *const types[] = {"dumb", "no-such-terminal", ""};
    for (int i = 0; i < 3; i++) {
        start_as(VT_PLAIN, types[i], "auto", 24, 80);
        until_ended();
        assert_true(WIFEXITED(pty.status));
        assert_int_equal(WEXITSTATUS(pty.status), 1);
        assert_null(strchr(pty.raw.data, '\033'));
        assert_true(shows("terminal"));
        assert_restored();
        session_clear(NULL);
    }
}

#define CASE(name) cmocka_unit_test_teardown(name, session_clear)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        CASE(the_terminal_shows_what_curses_has), CASE(sixel_arrives_whole), CASE(a_picture_stays_where_it_was_put), CASE(kitty_arrives_whole), CASE(a_slow_line_gets_small_ones_first), CASE(a_throttled_line_is_noticed),
        CASE(the_mouse_draws_a_box), CASE(the_mouse_marks_in_the_grid), CASE(a_line_that_breaks_while_drawing_loses_nothing_kept), CASE(a_changed_size_is_followed),
        CASE(a_popup_comes_and_goes), CASE(answers_are_stored), CASE(an_answer_outlasts_a_lock), CASE(a_broken_line_leads_back_to_the_view), CASE(another_scene_begins_at_its_first), CASE(late_answers_are_no_keys),
        CASE(a_late_sixel_terminal_gets_its_picture), CASE(without_answers_there_are_symbols),
        CASE(fewer_colours_are_ascii), CASE(themes_change_colours_only), CASE(useless_terminals_get_a_sentence),
        CASE(an_end_from_outside_leaves_it_whole), CASE(a_crash_leaves_the_terminal_whole), CASE(what_another_lead_decides_stays),
        CASE(a_way_back_that_was_gone_is_asked_anew),
    };
    char folder[] = "/tmp/test_session.XXXXXX";
    const char *program = getenv("ASSAY");
    setlocale(LC_CTYPE, "C.UTF-8");
    assay = realpath(program ? program : "./assay", NULL);
    scratch = mkdtemp(folder);
    if (!scratch || !assay) {
        printf("Bail out! no program or no temporary folder\n");
        return 1;
    }
    project = file_join(scratch, "p");
    cmocka_set_test_filter(getenv("TEST_ONLY")); // a pattern: "the_mouse*"
    int failed = cmocka_run_group_tests(tests, make_project, NULL);
    const char *rm[] = {"rm", "-rf", scratch, NULL};
    free(assay);
    assay = xstrdup("/bin/rm");
    command("/dev/null", rm);
    free(assay);
    free(project);
    return failed;
}
