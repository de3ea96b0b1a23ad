#include "config.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/background.h"
#include "base/alloc.h"
#include "base/file.h"

enum status background_start(const struct project *project, char *const argv[], const char *log, struct error *err)
{
    char *cache = file_join(project->dir, "cache"), *path = file_join(project->dir, log);
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t none;
    pid_t pid;
    enum status status = file_mkdirs(cache, err);
    sigemptyset(&none);
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&actions, 1, path, O_WRONLY | O_CREAT | O_APPEND, 0666);
    posix_spawn_file_actions_adddup2(&actions, 1, 2);
    posix_spawn_file_actions_addchdir_np(&actions, project->dir);
    if (status == ST_OK) {
        int code = posix_spawn(&pid, "/proc/self/exe", &actions, &attributes, argv, environ);
        if (code != 0)
            status = error_set(err, ST_IO, "`assay %s` cannot be started: %s", argv[1], strerror(code));
    }
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    free(path);
    free(cache);
    return status;
}
