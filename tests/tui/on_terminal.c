// on_terminal COLUMNS [EXPECT SEND]... -- COMMAND...: run a command on a
// terminal of its own (24 lines), type SEND once EXPECT was printed, copy to
// stdout all that it prints; ends with the command's status, 124 after a minute.
// A single key is typed again after two seconds of silence: a screen may throw
// away what was typed while it was drawn.
#include "config.h"

#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/strbuf.h"

enum { LIMIT_S = 60, SILENCE_MS = 2000 };

static int start(int columns, char **command, pid_t *pid)
{
    struct winsize size = {.ws_row = 24, .ws_col = (unsigned short)columns};
    int fd = -1;
    *pid = forkpty(&fd, NULL, NULL, &size);
    if (*pid == 0) {
        execvp(command[0], command);
        perror(command[0]);
        _exit(127);
    }
    return fd;
}

int main(int argc, char **argv)
{
    int at = 2;
    while (at < argc && strcmp(argv[at], "--") != 0)
        at += 2;
    if (argc < 4 || at + 1 >= argc) {
        fprintf(stderr, "usage: %s COLUMNS [EXPECT SEND]... -- COMMAND...\n", argv[0]);
        return 2;
    }
    pid_t pid;
    int fd = start(atoi(argv[1]), argv + at + 1, &pid), next = 2, status;
    if (pid < 0) {
        perror("forkpty");
        return 125;
    }
    struct strbuf seen = {0}; // since the last answer
    double end = clock_seconds() + LIMIT_S;
    for (;;) {
        char bytes[4096];
        struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
        if (clock_seconds() > end) {
            kill(pid, SIGKILL);
            waitpid(pid, &status, 0);
            return 124;
        }
        if (poll(&poll_fd, 1, SILENCE_MS) <= 0) {
            if (next > 2 && strlen(argv[next - 1]) == 1 && write(fd, argv[next - 1], 1) != 1)
                break;
            continue;
        }
        ssize_t n = read(fd, bytes, sizeof bytes);
        if (n <= 0) // the other side is closed
            break;
        fwrite(bytes, 1, (size_t)n, stdout);
        fflush(stdout); // whoever reads along sees it at once
        strbuf_add(&seen, bytes, (size_t)n);
        if (next < at && strstr(seen.data, argv[next])) {
            size_t size = strlen(argv[next + 1]);
            if (write(fd, argv[next + 1], size) != (ssize_t)size)
                break;
            strbuf_reset(&seen);
            next += 2;
        }
    }
    strbuf_clear(&seen);
    fflush(stdout);
    waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
