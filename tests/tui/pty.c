#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include <utmp.h>

#include "base/clock.h"
#include "tests/tui/pty.h"

enum { LINE_PIECE = 1024 };

static struct winsize size_of(const struct pty *pty)
{
    return (struct winsize){.ws_row = (unsigned short)pty->vt.rows,
                            .ws_col = (unsigned short)pty->vt.cols,
                            .ws_xpixel = (unsigned short)(pty->vt.cols * pty->vt.cell_width),
                            .ws_ypixel = (unsigned short)(pty->vt.rows * pty->vt.cell_height)};
}

static void run(const struct pty *pty, const char *term, const char *cwd, char *const argv[])
{
    static const struct rlimit none = {0, 0}; // no core file of a crash that is meant
    close(pty->master);
    setrlimit(RLIMIT_CORE, &none);
    if (chdir(cwd) == 0 && login_tty(pty->slave) == 0) {
        setenv("TERM", term, 1);
        setenv("LC_ALL", "C.UTF-8", 1);
        unsetenv("NO_COLOR");
        unsetenv("COLUMNS");
        unsetenv("LINES");
        execv(argv[0], argv);
    }
    _exit(127);
}

bool pty_start(struct pty *pty, enum vt_kind kind, const char *term, int rows, int cols, const char *cwd,
               char *const argv[])
{
    *pty = (struct pty){.master = -1, .slave = -1};
    vt_init(&pty->vt, kind, rows, cols, 8, 16);
    struct winsize size = size_of(pty);
    if (openpty(&pty->master, &pty->slave, NULL, NULL, &size))
        return false;
    fcntl(pty->master, F_SETFD, FD_CLOEXEC);
    tcgetattr(pty->slave, &pty->before);
    pty->pid = fork();
    if (pty->pid == 0)
        run(pty, term, cwd, argv);
    return pty->pid > 0;
}

void pty_send(struct pty *pty, const char *bytes, size_t count)
{
    while (count > 0) {
        ssize_t n = write(pty->master, bytes, count);
        if (n < 0 && errno != EINTR)
            return;
        if (n > 0) {
            bytes += n;
            count -= (size_t)n;
        }
    }
}

void pty_resize(struct pty *pty, int rows, int cols)
{
    vt_resize(&pty->vt, rows, cols);
    struct winsize size = size_of(pty);
    ioctl(pty->master, TIOCSWINSZ, &size);
}

bool pty_pump(struct pty *pty, int ms)
{
    char bytes[65536];
    // The slave stays open here, so its hang-up does not tell the end of the program.
    if (!pty->ended && waitpid(pty->pid, &pty->status, WNOHANG) == pty->pid)
        pty->ended = true;
    struct pollfd wait = {pty->master, POLLIN, 0};
    int step = pty->ended ? 0 : ms;
    double busy = pty->rate > 0 ? pty->free_at - clock_seconds() : 0; // the program waits in write meanwhile
    if (busy > 0 && busy * 1000 > step) {
        poll(NULL, 0, step);
        return true;
    }
    if (busy > 0)
        poll(NULL, 0, (int)(busy * 1000) + 1);
    bool readable = poll(&wait, 1, step) > 0;
    ssize_t n = readable ? read(pty->master, bytes, pty->rate > 0 ? LINE_PIECE : sizeof bytes) : 0;
    if (n > 0 && pty->rate > 0)
        pty->free_at = clock_seconds() + (double)n / pty->rate;
    if (n > 0) {
        strbuf_add(&pty->raw, bytes, (size_t)n);
        vt_feed(&pty->vt, bytes, (size_t)n);
    }
    if (!pty->hold && pty->vt.replies.len > 0) {
        pty_send(pty, pty->vt.replies.data, pty->vt.replies.len);
        strbuf_reset(&pty->vt.replies);
    }
    return n > 0 || !pty->ended;
}

bool pty_settle(struct pty *pty, int ms)
{
    size_t before;
    do {
        before = pty->raw.len;
        if (!pty_pump(pty, ms))
            return false;
    } while (pty->raw.len != before || pty->vt.begun != pty->vt.pictures);
    strbuf_reset(&pty->raw);
    return true;
}

void pty_clear(struct pty *pty)
{
    if (pty->pid > 0 && !pty->ended) {
        kill(pty->pid, SIGKILL);
        waitpid(pty->pid, &pty->status, 0);
    }
    if (pty->master >= 0)
        close(pty->master);
    if (pty->slave >= 0)
        close(pty->slave);
    vt_clear(&pty->vt);
    strbuf_clear(&pty->raw);
    *pty = (struct pty){.master = -1, .slave = -1};
}
