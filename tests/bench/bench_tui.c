// bench_tui ASSAY [--json] [--pictures N] [--pace MS] [--dir DIR] [--training yes|no|both] [--effort yes|no|only]: how long after a key the next picture
// begins to arrive, over a pseudo-terminal that answers as a terminal with sixel, or without, does; and how long an answer
// that is stored waits for its lock, is written, and reaches the disk. Each while nothing else happens, and while the
// project's worker goes through one round of training after the other: pictures, steps, scores, a new revision, the gate.
#include "config.h"

#include <argp.h>
#include <fcntl.h>
#include <locale.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "db/label.h"
#include "db/person.h"
#include "db/project.h"
#include "tests/bench/effort.h"
#include "tests/tui/pty.h"

extern char **environ;

struct options {
    const char *assay, *parent;
    int pictures, pace;
    bool json, calm, trains, effort;
};

struct series {
    const char *graphics, *key;
    bool training;
    int cols, rows;
    double *ms;
    size_t count;
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct options *o = state->input;
    switch (key) {
    case 'j': o->json = true; return 0;
    case 'n': o->pictures = atoi(arg); return 0;
    case 'p': o->pace = atoi(arg); return 0;
    case 'd': o->parent = arg; return 0;
    case 't':
        o->calm = strcmp(arg, "yes") != 0;
        o->trains = strcmp(arg, "no") != 0;
        return 0;
    case 'e':
        o->calm = o->calm && strcmp(arg, "only") != 0;
        o->trains = o->trains && strcmp(arg, "only") != 0;
        o->effort = strcmp(arg, "no") != 0;
        return 0;
    case ARGP_KEY_ARG: o->assay = arg; return 0;
    case ARGP_KEY_END:
        if (!o->assay || o->pictures < 1)
            argp_usage(state);
        return 0;
    default: return ARGP_ERR_UNKNOWN;
    }
}

static char *folder; // for what runs at exit

static void remove_folder(void)
{
    char *argv[] = {(char *)"rm", (char *)"-rf", folder, NULL};
    pid_t pid;
    if (folder && posix_spawn(&pid, "/bin/rm", NULL, NULL, argv, environ) == 0)
        waitpid(pid, NULL, 0);
}

static void give_up(const char *what)
{
    fprintf(stderr, "bench-tui: %s\n", what);
    exit(1);
}

static void command(const char *dir, char *const argv[])
{
    posix_spawn_file_actions_t actions;
    pid_t pid;
    int status = -1;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addchdir_np(&actions, dir);
    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    if (posix_spawn(&pid, argv[0], &actions, NULL, argv, environ) == 0)
        waitpid(pid, &status, 0);
    posix_spawn_file_actions_destroy(&actions);
    if (status != 0)
        give_up("a command failed");
}

static int rising(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

// Nearest rank.
static double quantile(const struct series *s, double q)
{
    size_t rank = (size_t)(q * (double)s->count + 0.999999);
    return s->ms[(rank < 1 ? 1 : rank) - 1];
}

static void print(struct series *s, const struct options *o, int pace)
{
    qsort(s->ms, s->count, sizeof *s->ms, rising);
    double p50 = quantile(s, .5), p90 = quantile(s, .9), p99 = quantile(s, .99), most = s->ms[s->count - 1];
    if (o->json)
        printf("{\"bench\":\"tui\",\"training\":%s,\"graphics\":\"%s\",\"key\":\"%s\",\"columns\":%d,\"lines\":%d,\"pace_ms\":%d,"
               "\"count\":%zu,\"p50_ms\":%.2f,\"p90_ms\":%.2f,\"p99_ms\":%.2f,\"max_ms\":%.2f}\n",
               s->training ? "true" : "false", s->graphics, s->key, s->cols, s->rows, pace, s->count, p50, p90, p99, most);
    else
        printf("%-8s %-8s %-10s %3d x %-2d %5d %6zu %8.2f %8.2f %8.2f %8.2f\n", s->training ? "training" : "calm", s->graphics, s->key,
               s->cols, s->rows, pace, s->count, p50, p90, p99, most);
    fflush(stdout);
}

static void settle(struct pty *pty, int ms)
{
    if (!pty_settle(pty, ms))
        give_up("the review ended before it was asked to");
}

// One key; the time until the first byte of the next picture. In cells the
// picture comes with everything else, unless the screen says that it is read still.
static double press(struct pty *pty, char key, bool sixel)
{
    size_t begun = pty->vt.begun;
    double start = clock_seconds(), at = 0;
    pty_send(pty, &key, 1);
    while (at == 0) {
        size_t before = pty->raw.len;
        if (!pty_pump(pty, 10000) || clock_seconds() - start > 10)
            give_up("no picture came after a key");
        double now = clock_seconds();
        if (sixel ? pty->vt.begun > begun : pty->raw.len > before)
            at = now;
        if (at > 0 && !sixel) {
            settle(pty, 3);
            at = vt_shows(&pty->vt, "Reading the picture") ? 0 : at;
        }
    }
    return (at - start) * 1000;
}

static void session(const struct options *o, const char *dir, bool training, bool sixel, int rows, int cols, int pace)
{
    char *argv[] = {(char *)o->assay, "review", "--as", "bench", NULL};
    static const struct {
        char key;
        const char *name;
    } kinds[] = {{'j', "look"}, {'n', "answer"}};
    struct pty pty;
    if (!pty_start(&pty, sixel ? VT_SIXEL : VT_PLAIN, "xterm-256color", rows, cols, dir, argv))
        give_up("no pseudo-terminal is to be had");
    double start = clock_seconds();
    while (sixel ? pty.vt.pictures == 0 : !vt_shows(&pty.vt, "quit") || vt_shows(&pty.vt, "Reading"))
        if (!pty_pump(&pty, 1000) || clock_seconds() - start > 20)
            give_up("the review did not start");
    settle(&pty, 300);
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
        struct series s = {sixel ? "sixel" : "symbols", kinds[k].name, training, cols, rows, NULL, 0};
        int count = k == 0 ? o->pictures / 4 + 1 : o->pictures;
        s.ms = xcalloc((size_t)count, sizeof *s.ms);
        while ((int)s.count < count) {
            s.ms[s.count++] = press(&pty, kinds[k].key, sixel);
            settle(&pty, pace > 5 ? pace : 5);
        }
        if (s.count > 0)
            print(&s, o, pace);
        free(s.ms);
    }
    pty_send(&pty, "q", 1);
    while (pty_pump(&pty, 1000))
        continue;
    pty_clear(&pty);
}

// What it costs where the project lies to append four pages and have them on the
// disk, as the log of the database does for an answer: no answer can be faster.
static void disk(const struct options *o, const char *dir)
{
    struct series s = {"none", "fdatasync", false, 0, 0, NULL, 200};
    char pages[4 * 4096] = {1}, *path = xasprintf("%s/sync", dir);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    s.ms = xcalloc(s.count, sizeof *s.ms);
    for (size_t i = 0; i < s.count; i++) {
        double start = clock_seconds();
        if (pwrite(fd, pages, sizeof pages, (off_t)(i * sizeof pages)) < 0 || fdatasync(fd))
            give_up("a file cannot be written");
        s.ms[i] = (clock_seconds() - start) * 1000;
    }
    print(&s, o, 0);
    close(fd);
    unlink(path);
    free(path);
    free(s.ms);
}

// Whether the trainer's first round has ended, the writing of its revision and the gate among it.
static bool round_ended(const char *dir)
{
    char *path = xasprintf("%s/rounds", dir), line[512];
    FILE *f = fopen(path, "r");
    bool ended = false;
    while (f && fgets(line, sizeof line, f))
        ended = ended || strstr(line, ": done: ");
    if (f)
        fclose(f);
    free(path);
    return ended;
}

// Answers as the review stores them, on a handle of its own: the wait for the lock, the writing, and the commit, which
// waits for the disk, each apart. While rounds run, until one has gone through all its stages.
static void answers(const struct options *o, const char *dir, bool training)
{
    enum { LOCK, WRITE, SYNC, PARTS, MOST = 20000, PACE = 20 };
    static const char *const names[PARTS] = {"lock", "write", "commit"};
    char *path = xasprintf("%s/project.db", dir);
    struct series s[PARTS];
    struct db *db;
    struct error err;
    int64_t person, event;
    size_t i;
    if (db_open(path, &db, &err) != ST_OK || db_person_ensure(db, "bench", &person, &err) != ST_OK)
        give_up(err.text);
    for (int p = 0; p < PARTS; p++)
        s[p] = (struct series){"none", names[p], training, 0, 0, xcalloc(MOST, sizeof(double)), 0};
    for (i = 0; i < MOST && (i < (size_t)o->pictures * 5 || (training && !round_ended(dir))); i++) {
        struct label label = {.picture = 1 + (int64_t)i % o->pictures, .person = person, .role = "inspector", .source = LABEL_REVIEW,
                              .verdict = VERDICT_NORMAL, .class_name = "", .severity = "", .regions = "", .note = ""};
        double begun = clock_seconds();
        if (db_begin(db, &err) != ST_OK)
            give_up(err.text);
        double locked = clock_seconds();
        if (db_label_add(db, &label, &event, &err) != ST_OK)
            give_up(err.text);
        double written = clock_seconds();
        if (db_commit(db, &err) != ST_OK)
            give_up(err.text);
        s[LOCK].ms[i] = 1000 * (locked - begun);
        s[WRITE].ms[i] = 1000 * (written - locked);
        s[SYNC].ms[i] = 1000 * (clock_seconds() - written);
        nanosleep(&(struct timespec){.tv_nsec = PACE * 1000000}, NULL);
    }
    for (int p = 0; p < PARTS; p++) {
        s[p].count = i;
        print(&s[p], o, PACE);
        free(s[p].ms);
    }
    db_close(db);
    free(path);
}

// One round after the other, each with a seed of its own and so another model.
static pid_t trainer(const struct options *o, const char *dir)
{
    char *script = xasprintf("cd '%s' && while '%s' train --scene belt --with-truth --set steps=60; do :; done >rounds 2>&1", dir, o->assay);
    char *argv[] = {(char *)"sh", (char *)"-c", script, NULL};
    posix_spawnattr_t attributes;
    pid_t pid;
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
    if (posix_spawn(&pid, "/bin/sh", NULL, &attributes, argv, environ) != 0)
        give_up("no training can be started");
    posix_spawnattr_destroy(&attributes);
    free(script);
    return pid;
}

static void end_trainer(const struct options *o, const char *dir, pid_t pid)
{
    char *script = xasprintf("'%s' train --cancel >/dev/null; [ -s rounds ] && grep -c ' done: ' rounds >&2", o->assay);
    char *argv[] = {(char *)"/bin/sh", (char *)"-c", script, NULL};
    kill(-pid, SIGTERM);
    waitpid(pid, NULL, 0);
    fprintf(stderr, "rounds of training that ended meanwhile: ");
    command(dir, argv);
    free(script);
}

// What is known of the first pictures, as a person would have imported it: a round has both sides to learn from.
static void import(const struct options *o, const char *dir)
{
    char *head[] = {(char *)"/bin/sh", (char *)"-c", (char *)"head -n 201 truth.csv >known.csv", NULL};
    char *add[] = {(char *)o->assay, "add", "--truth", "known.csv", "--json", NULL};
    command(dir, head);
    command(dir, add);
}

static void measure(const struct options *o, const char *dir, bool training)
{
    pid_t pid = training ? trainer(o, dir) : 0;
    answers(o, dir, training);
    session(o, dir, training, true, 40, 110, o->pace);
    session(o, dir, training, true, 60, 200, o->pace);
    session(o, dir, training, false, 60, 200, o->pace);
    session(o, dir, training, true, 40, 110, 0);
    if (training)
        end_trainer(o, dir, pid);
}

int main(int argc, char **argv)
{
    static const struct argp_option table[] = {
        {"json", 'j', NULL, 0, "JSON lines", 0},
        {"pictures", 'n', "N", 0, "answers per row (default 200)", 0},
        {"pace", 'p', "MS", 0, "pause between a picture and the next key (default 250)", 0},
        {"dir", 'd', "DIR", 0, "where the project is made (default /tmp)", 0},
        {"training", 't', "yes|no|both", 0, "while rounds of training run in the background (default: both)", 0},
        {"effort", 'e', "yes|no|only", 0, "keys that an ideal inspector presses to clear the queue (default yes)", 0},
        {0}};
    static const struct argp argp = {table, parse, "ASSAY", NULL, NULL, NULL, NULL};
    struct options o = {.pictures = 200, .pace = 250, .parent = "/tmp", .calm = true, .trains = true, .effort = true};
    argp_parse(&argp, argc, argv, 0, NULL, &o);
    setlocale(LC_CTYPE, "C.UTF-8");
    if (!(o.assay = realpath(o.assay, NULL)))
        give_up("there is no such program");
    char *dir = xasprintf("%s/bench-tui.XXXXXX", o.parent), *wanted = xasprintf("%d", o.pictures * 20 + 300);
    if (!mkdtemp(dir))
        give_up("the folder for the project cannot be made");
    folder = dir;
    atexit(remove_folder);
    char *project = xasprintf("%s/p", dir);
    char *demo[] = {(char *)o.assay, "demo", project, "--no-review", "--json", "--pictures", wanted, "--defect-rate", "0.02", NULL};
    char *screen[] = {(char *)o.assay, "screen", "--json", "--flag-rate", "0.5", NULL};
    char *few[] = {(char *)o.assay, "screen", "--json", "--flag-rate", "0.05", NULL};
    char *copy[] = {"/bin/cp", "-r", project, "q", NULL};
    fprintf(stderr, "making %s pictures ...\n", wanted);
    command("/", demo);
    if (o.effort) {
        char *other = xasprintf("%s/q", dir);
        command(project, few);
        command(dir, copy);
        effort_measure(o.assay, other, false, o.json);
        effort_measure(o.assay, project, true, o.json);
        free(other);
    }
    if (!o.calm && !o.trains)
        return 0;
    command(project, screen);
    import(&o, project);
    if (!o.json)
        printf("%-8s %-8s %-10s %8s %5s %6s %8s %8s %8s %8s  (key to the picture's first byte, ms)\n", "worker", "graphics", "key", "size",
               "pace", "count", "p50", "p90", "p99", "max");
    disk(&o, project);
    if (o.calm)
        measure(&o, project, false);
    if (o.trains)
        measure(&o, project, true);
    free(project);
    free(wanted);
    return 0;
}
