#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "app/background.h"
#include "app/hook.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/text.h"
#include "db/hook.h"
#include "db/picture.h"

enum { LOCK_FD = 9, RUN_S = 60, LOG_MOST = 1 << 20 };
static const int waits_s[] = {2, 15, 60, 300, 1800}; // after the first try, the second ...
enum { TRIES = sizeof waits_s / sizeof *waits_s + 1 };

// The shell keeps the lock (fd 9) while the command runs, so that nobody runs it a second time when this process is
// killed, and leaves a file when it came to a good end. The command itself does not hold the lock: it may leave
// something behind that lives on.
static const char wrapper[] = "sh -c \"$ASSAY_HOOK \\\"\\$@\\\"\" hook \"$@\" 9>&-; s=$?; [ $s = 0 ] && : >\"$ASSAY_HOOK_DONE\"; exit $s";

struct running {
    struct project *project;
    char *command; // as it is set now
    char *log, *done;
    off_t before; // length of the log when the command began
};

static void wait_ms(int64_t ms)
{
    nanosleep(&(struct timespec){ms / 1000, ms % 1000 * 1000000}, NULL);
}

enum status hook_note(const struct project *project, int64_t before, bool *due, struct error *err)
{
    int64_t count = 0;
    enum status status = ST_OK;
    if (settings_text(project->settings, SETTING_HOOK_STOP)[0])
        status = db_hook_add(project->db, "stop", before + 1, &count, err);
    *due = count > 0;
    return status;
}

enum status hook_start(const struct project *project, struct error *err)
{
    if (!settings_text(project->settings, SETTING_HOOK_STOP)[0])
        return ST_OK;
    char *argv[] = {"assay", "hook", "--run", NULL};
    return background_start(project, argv, "cache/hook.log", err);
}

enum status hook_corrected(struct project *project, struct error *err)
{
    int64_t count;
    if (!settings_text(project->settings, SETTING_HOOK_STOP)[0])
        return ST_OK;
    enum status status = db_hook_again(project->db, &count, err);
    return status == ST_OK && count > 0 ? hook_start(project, err) : status;
}

// --- one command ---------------------------------------------------------------

// The setting may be corrected while something waits for another try; where it cannot be read now, it stays as it was.
static void take_command(struct running *r)
{
    struct settings *settings;
    struct error unused;
    if (settings_load(r->project->dir, &settings, &unused) != ST_OK)
        return;
    free(r->command);
    r->command = xstrdup(settings_text(settings, SETTING_HOOK_STOP));
    settings_free(settings);
}

// NAME=value, for putenv's sake owned by the environment's array.
static void put(char ***environment, size_t *count, size_t *capacity, const char *name, const char *value)
{
    GROW(*environment, *capacity, *count + 2);
    (*environment)[(*count)++] = xasprintf("%s=%s", name, value ? value : "");
    (*environment)[*count] = NULL;
}

static char **environment_of(const struct running *r, const struct hook_row *row, const char *path)
{
    char **all = NULL, at[CLOCK_TEXT], number[4][32];
    size_t count = 0, capacity = 0;
    clock_text(row->at_ms, at);
    snprintf(number[0], sizeof number[0], "%lld", (long long)row->event);
    snprintf(number[1], sizeof number[1], "%lld", (long long)row->picture);
    snprintf(number[2], sizeof number[2], "%lld", (long long)row->tries + 1);
    const char *const pairs[][2] = {
        {"ASSAY_HOOK", r->command},       {"ASSAY_HOOK_DONE", r->done},   {"ASSAY_EVENT", number[0]},
        {"ASSAY_PICTURE_ID", number[1]},  {"ASSAY_TRY", number[2]},       {"ASSAY_TIME", at},
        {"ASSAY_PICTURE", path},          {"ASSAY_OBJECT", row->object},  {"ASSAY_POSITION", row->position},
        {"ASSAY_SCENE", row->scene},      {"ASSAY_CLASS", row->class_name}, {"ASSAY_SEVERITY", "stop"},
        {"ASSAY_PERSON", row->person},    {"ASSAY_NOTE", row->note},      {"ASSAY_PROJECT", r->project->dir}};
    for (char **e = environ; *e; e++) {
        GROW(all, capacity, count + 2);
        if (strncmp(*e, "ASSAY_", 6) != 0)
            all[count++] = xstrdup(*e);
    }
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
        put(&all, &count, &capacity, pairs[i][0], pairs[i][1]);
    return all;
}

static void free_all(char **texts)
{
    for (char **t = texts; t && *t; t++)
        free(*t);
    free(texts);
}

static int begin(const struct running *r, const struct hook_row *row, const char *path, pid_t *pid)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t none;
    char *const argv[] = {"sh", "-c", (char *)wrapper, "hook", (char *)path, row->object, row->class_name, row->person, NULL};
    char **environment = environment_of(r, row, path);
    sigemptyset(&none);
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&actions, 1, r->log, O_WRONLY | O_CREAT | O_APPEND, 0666);
    posix_spawn_file_actions_adddup2(&actions, 1, 2);
    posix_spawn_file_actions_addchdir_np(&actions, r->project->dir);
    int code = posix_spawn(pid, "/bin/sh", &actions, &attributes, argv, environment);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    free_all(environment);
    return code;
}

// The last thing that it said.
static void last_line(const struct running *r, char text[160])
{
    unsigned char *bytes = NULL;
    size_t count = 0;
    struct error unused;
    text[0] = '\0';
    if (file_read(r->log, LOG_MOST * 8, &bytes, &count, &unused) != ST_OK)
        return;
    size_t from = (size_t)r->before < count ? (size_t)r->before : count;
    while (count > from && strchr(" \r\n", bytes[count - 1]))
        bytes[--count] = '\0';
    char *line = memrchr(bytes + from, '\n', count - from);
    snprintf(text, 160, "%s", line ? line + 1 : (char *)bytes + from);
    text_clean(text);
    free(bytes);
}

// true: it came to a good end. `sentence`: what else.
static bool execute(struct running *r, const struct hook_row *row, const char *path, char sentence[HOOK_TEXT])
{
    char said[160];
    struct stat st;
    pid_t pid, ended = 0;
    int code = 0;
    r->before = stat(r->log, &st) == 0 ? st.st_size : 0;
    if (r->before > LOG_MOST && truncate(r->log, 0) == 0)
        r->before = 0;
    code = begin(r, row, path, &pid);
    if (code != 0) {
        snprintf(sentence, HOOK_TEXT, "/bin/sh cannot be started: %s", strerror(code));
        return false;
    }
    double until = clock_seconds() + RUN_S;
    while ((ended = waitpid(pid, &code, WNOHANG)) == 0 && clock_seconds() < until)
        wait_ms(20);
    bool late = ended == 0;
    if (late) {
        kill(-pid, SIGKILL);
        waitpid(pid, &code, 0);
    }
    last_line(r, said);
    const char *colon = said[0] ? ": " : "";
    if (late)
        snprintf(sentence, HOOK_TEXT, "not done after %d s, ended%s%s", RUN_S, colon, said);
    else if (WIFSIGNALED(code))
        snprintf(sentence, HOOK_TEXT, "killed by signal %d%s%s", WTERMSIG(code), colon, said);
    else if (WEXITSTATUS(code) != 0)
        snprintf(sentence, HOOK_TEXT, "exit status %d%s%s", WEXITSTATUS(code), colon, said);
    else
        snprintf(sentence, HOOK_TEXT, "%s", said);
    return !late && WIFEXITED(code) && WEXITSTATUS(code) == 0;
}

static char *path_of(const struct project *project, int64_t picture)
{
    struct picture row;
    struct error unused;
    if (db_picture_get(project->db, picture, &row, &unused) != ST_OK)
        return xstrdup("");
    char *path = project_picture(project, &row);
    picture_clear(&row);
    return path;
}

// *wait_ms_: how long to the next try.
static enum status run_one(struct running *r, const struct hook_row *row, struct error *err)
{
    char sentence[HOOK_TEXT] = "", text[HOOK_TEXT + 80];
    bool last = row->tries + 1 >= TRIES;
    int64_t next = clock_unix_ms() + 1000 * (last ? 0 : waits_s[row->tries]);
    r->done = xasprintf("%s/cache/hook-%lld.done", r->project->dir, (long long)row->event);
    enum status status = ST_OK;
    take_command(r);
    if (file_exists(r->done)) { // whoever ran it was killed before it could say so
        status = db_hook_tell(r->project->db, row->event, HOOK_DONE, "", err);
    } else if (!row->stands) {
        status = db_hook_tell(r->project->db, row->event, HOOK_TAKEN_BACK, "the answer was taken back before", err);
    } else if (!r->command[0]) {
        status = db_hook_tell(r->project->db, row->event, HOOK_FAILED, "hook.stop is not set any more", err);
    } else {
        char *path = path_of(r->project, row->picture);
        status = db_hook_try(r->project->db, row->event, next, err);
        if (status == ST_OK && execute(r, row, path, sentence)) {
            status = db_hook_tell(r->project->db, row->event, HOOK_DONE, sentence, err);
        } else if (status == ST_OK) {
            snprintf(text, sizeof text, "%s, try %lld of %d", sentence, (long long)row->tries + 1, (int)TRIES);
            status = db_hook_tell(r->project->db, row->event, last ? HOOK_FAILED : HOOK_DUE, text, err);
        }
        free(path);
    }
    if (status == ST_OK)
        unlink(r->done);
    free(r->done);
    r->done = NULL;
    return status;
}

// --- all that is due -------------------------------------------------------------

static enum status run_all(struct running *r, bool once, struct error *err)
{
    int64_t began = clock_unix_ms();
    for (;;) {
        struct hook_row row;
        enum status status = db_hook_next(r->project->db, &row, err);
        if (status != ST_OK)
            return status == ST_NOT_FOUND ? ST_OK : status;
        int64_t left = row.next_ms - clock_unix_ms();
        if (once && row.next_ms > began) { // tried in this run, or not due yet
            hook_clear(&row);
            return ST_OK;
        }
        if (left <= 0)
            status = run_one(r, &row, err);
        else
            wait_ms(left < 500 ? left : 500);
        hook_clear(&row);
        if (status != ST_OK || stop_asked(NULL))
            return status;
    }
}

enum status hook_run(struct project *project, bool once, struct error *err)
{
    struct running r = {.project = project, .command = xstrdup(settings_text(project->settings, SETTING_HOOK_STOP))};
    char *cache = file_join(project->dir, "cache"), *path = file_join(project->dir, "cache/hook.lock");
    enum status status = file_mkdirs(cache, err);
    int fd = status == ST_OK ? open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666) : -1, lock = -1;
    if (status == ST_OK && (fd < 0 || (lock = dup2(fd, LOCK_FD)) < 0)) // the command's shell inherits this one
        status = error_set(err, ST_IO, "%s: %s", path, strerror(errno));
    if (status == ST_OK && flock(lock, LOCK_EX | LOCK_NB) != 0)
        status = error_set(err, ST_BUSY, "another `assay hook` of this project runs");
    r.log = file_join(project->dir, "cache/hook.log");
    if (status == ST_OK)
        status = run_all(&r, once, err);
    free(r.log);
    free(r.command);
    if (fd >= 0)
        close(fd);
    if (lock >= 0)
        close(lock);
    free(path);
    free(cache);
    return status;
}

enum status hook_sentence(struct project *project, char text[HOOK_TEXT], struct error *err)
{
    struct hook_counts counts;
    enum status status = db_hook_counts(project->db, &counts, err);
    text[0] = '\0';
    if (status == ST_OK && counts.failed)
        snprintf(text, HOOK_TEXT, "The stop command failed for %lld: %s; `assay hook --again` tries it anew.", (long long)counts.failed,
                 counts.sentence);
    else if (status == ST_OK && counts.due && counts.sentence[0])
        snprintf(text, HOOK_TEXT, "The stop command waits for another try (%lld due): %s.", (long long)counts.due, counts.sentence);
    return status;
}
