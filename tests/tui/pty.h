// A program on a pseudo-terminal whose other end is a struct vt.
#ifndef TESTS_TUI_PTY_H
#define TESTS_TUI_PTY_H

#include <stdbool.h>
#include <sys/types.h>
#include <termios.h>

#include "tests/tui/vt.h"

struct pty {
    int master, slave;      // the slave is kept open: its modes can be read when the program is gone
    pid_t pid;
    int status;             // of waitpid
    bool ended;
    bool hold;              // answers wait in vt.replies until this is false
    int rate;               // bytes a second that the line carries to the terminal; 0 as many as come
    double free_at;         // when it can take more
    struct termios before;
    struct vt vt;
    struct strbuf raw;      // everything the program wrote since the owner last emptied it
};

// Start argv (environment: the caller's with TERM=`term`, LC_ALL=C.UTF-8) in the
// folder `cwd` on a terminal of `rows` x `cols` cells. False with errno set.
bool pty_start(struct pty *pty, enum vt_kind kind, const char *term, int rows, int cols, const char *cwd,
               char *const argv[]);
void pty_send(struct pty *pty, const char *bytes, size_t count);
void pty_resize(struct pty *pty, int rows, int cols);

// Take what the program writes, for at most `ms`; returns after the first bytes.
// False when the program has ended and everything is read.
bool pty_pump(struct pty *pty, int ms);
// The same until nothing has come for `ms` and no picture is half there; `raw` is empty then.
bool pty_settle(struct pty *pty, int ms);

// End it (SIGKILL where it still runs) and free everything.
void pty_clear(struct pty *pty);

#endif
