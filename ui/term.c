#include "config.h"

#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <langinfo.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/intl.h"
#include "ui/kitty.h"
#include "ui/term.h"

enum { PROBE_MS = 2000 };

// ESC \ first: the crash may have come in the middle of a sixel.
static const char rescue[] = "\033\\\033[?2026l\033[?1002l\033[?1006l\033[0m\033[?25h\033[?1049l\r\n";
static const char no_pictures[] = KITTY_DELETE_ALL;
static const int fatal[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};
enum { FATAL = sizeof fatal / sizeof *fatal };

// A signal handler has no context argument, so this one state is the file's.
static struct {
    volatile sig_atomic_t fd;
    struct termios modes;
    struct sigaction old[FATAL];
    const char *log;
    char message[4096];
    volatile sig_atomic_t kitty; // pictures are to be taken away
} guard = {.fd = -1};

// Where the program was, for who repairs it.
static void put_log(int number)
{
    void *frames[64];
    static const char head[] = "assay " PACKAGE_VERSION ": signal ";
    char digits[4] = {(char)('0' + number / 10), (char)('0' + number % 10), '\n', 0};
    int fd = guard.log ? open(guard.log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600) : -1;
    if (fd < 0)
        return;
    ssize_t written = write(fd, head, sizeof head - 1);
    written = write(fd, digits, 3);
    (void)written;
    backtrace_symbols_fd(frames, backtrace(frames, 64), fd);
    close(fd);
}

static void on_fatal(int number)
{
    if (guard.fd >= 0) {
        ssize_t written = write(guard.fd, "\033\\", 2);
        if (guard.kitty)
            written = write(guard.fd, no_pictures, sizeof no_pictures - 1);
        written = write(guard.fd, rescue, sizeof rescue - 1);
        written = write(guard.fd, guard.message, strlen(guard.message));
        (void)written;
        tcsetattr(guard.fd, TCSANOW, &guard.modes);
        put_log(number);
    }
    raise(number); // SA_RESETHAND: now with its usual effect
}

void term_guard(const struct term *term, const char *log)
{
    void *first[1];
    struct sigaction action = {.sa_handler = on_fatal, .sa_flags = (int)(SA_RESETHAND | SA_NODEFER)};
    guard.modes = term->saved;
    guard.kitty = term->kitty;
    guard.log = log;
    snprintf(guard.message, sizeof guard.message, "%s%s\r\n", _("assay: a fault in the program ended it. Every answer is stored; what is known of the fault: "),
             log ? log : "-");
    backtrace(first, 1); // loads what it needs: not for the handler to do
    guard.fd = term->fd;
    for (int i = 0; i < FATAL; i++)
        sigaction(fatal[i], &action, &guard.old[i]);
}

void term_unguard(void)
{
    if (guard.fd < 0)
        return;
    for (int i = 0; i < FATAL; i++)
        sigaction(fatal[i], &guard.old[i], NULL);
    guard.fd = -1;
}

void term_write(const struct term *term, const void *bytes, size_t count)
{
    const char *p = bytes;
    while (count > 0) {
        ssize_t n = write(term->fd, p, count);
        if (n < 0 && errno == EAGAIN) {
            struct pollfd wait = {term->fd, POLLOUT, 0};
            poll(&wait, 1, 1000);
        } else if (n < 0 && errno != EINTR) {
            return; // the terminal is gone: the next read says so
        } else if (n > 0) {
            p += n;
            count -= (size_t)n;
        }
    }
}

void term_mouse(const struct term *term, bool on)
{
    struct strbuf text = {0};
    strbuf_puts(&text, on ? "\033[?1002h\033[?1006h" : "\033[?1016l\033[?1006l\033[?1002l");
    if (on && term->mouse_pixels)
        strbuf_puts(&text, "\033[?1016h");
    term_write(term, text.data, text.len);
    strbuf_clear(&text);
}

static void answer(struct term *term, bool private, const int *v, int n, char final)
{
    if (private && final == 'c') {
        term->answered = true;
        term->late = false;
        for (int i = 1; i < n; i++)
            term->sixel = term->sixel || v[i] == 4;
    } else if (private && final == 'S' && v[1] == 0) {
        if (v[0] == 1)
            term->registers = v[2];
        if (v[0] == 2) {
            term->max_width = v[2];
            term->max_height = v[3];
        }
    } else if (private && final == 'y') {
        if (v[0] == 2026)
            term->sync = v[1] == 1 || v[1] == 2;
        if (v[0] == 1016)
            term->mouse_pixels = v[1] == 1 || v[1] == 2;
    } else if (final == 't' && v[0] == 6) {
        term->cell_height = v[1];
        term->cell_width = v[2];
    } else if (final == 't' && v[0] == 4) {
        term->area_height = v[1];
        term->area_width = v[2];
    } else if (final == 'R') {
        term->wide_lines = v[1] > 2;
    } else if (final == 'n') {
        term->report = true;
    }
}

// One sequence ESC [ ... final at `s`; its length, 0 when unfinished.
static size_t control(struct term *term, const char *s, size_t count, struct strbuf *keys)
{
    int v[16] = {0}, n = 0;
    bool private = count > 2 && s[2] == '?';
    size_t i = private ? 3 : 2;
    for (; i < count && (s[i] < 0x40 || s[i] > 0x7e); i++) {
        if (s[i] == ';')
            n += n < 15;
        else if (s[i] >= '0' && s[i] <= '9' && v[n] < 100000)
            v[n] = v[n] * 10 + s[i] - '0';
    }
    if (i >= count)
        return 0;
    if (private || (strchr("tRn", s[i]) && i > 2))
        answer(term, private, v, n + 1, s[i]);
    else
        strbuf_add(keys, s, i + 1);
    return i + 1;
}

// "]11;rgb:rrrr/gggg/bbbb": bright where the mean is above the half.
static void take_background(struct term *term, const char *text)
{
    unsigned v[3];
    char digits[8];
    if (sscanf(text, "%4x/%4x/%4x", &v[0], &v[1], &v[2]) != 3 || sscanf(text, "%7[0-9a-fA-F]", digits) != 1)
        return;
    unsigned most = (1u << (4 * (strlen(digits) < 4 ? strlen(digits) : 4))) - 1;
    term->background = (v[0] + v[1] + v[2]) * 2 > 3 * most ? TERM_BRIGHT : TERM_DARK;
}

// What stands in a sequence ESC P, ESC ] or ESC _, that letter first.
static void string(struct term *term, const char *s, size_t count)
{
    char text[64];
    snprintf(text, sizeof text, "%.*s", count < sizeof text ? (int)count : (int)sizeof text - 1, s);
    text[strcspn(text, "\033")] = '\0';
    if (strncmp(text, "]11;rgb:", 8) == 0)
        take_background(term, text + 8);
    else if (strncmp(text, "P>|", 3) == 0)
        snprintf(term->name, sizeof term->name, "%.31s", text + 3);
    else if (strncmp(text, "_G", 2) == 0 && strstr(text, ";OK"))
        term->kitty = true;
}

void term_parse(struct term *term, const char *bytes, size_t count, struct strbuf *keys)
{
    for (size_t i = 0; i < count;) {
        if (bytes[i] == '\033' && i + 1 < count && bytes[i + 1] == '[') {
            size_t used = control(term, bytes + i, count - i, keys);
            if (used == 0)
                return;
            i += used;
        } else if (bytes[i] == '\033' && i + 1 < count && strchr("P]_", bytes[i + 1])) {
            size_t begin = i + 1;
            while (i < count && bytes[i] != '\a' && !(bytes[i] == '\\' && bytes[i - 1] == '\033'))
                i++;
            string(term, bytes + begin, i - begin);
            i++;
        } else {
            strbuf_add(keys, bytes + i++, 1);
        }
    }
}

// Where the answer to DA1 ends in what has been read so far.
static bool finished(const struct strbuf *read_so_far)
{
    struct term scratch = {0};
    struct strbuf keys = {0};
    term_parse(&scratch, read_so_far->data, read_so_far->len, &keys);
    strbuf_clear(&keys);
    return scratch.answered;
}

// Write the questions, device attributes last, and take the answers in.
static void ask(struct term *term, const char *questions, struct strbuf *keys)
{
    struct strbuf got = {0};
    term_write(term, questions, strlen(questions));
    double end = clock_seconds() + PROBE_MS / 1000.0;
    bool done = false;
    while (!done && got.len < 8192) {
        int left = (int)((end - clock_seconds()) * 1000);
        struct pollfd wait = {term->fd, POLLIN, 0};
        int ready = left > 0 ? poll(&wait, 1, left) : 0;
        if (ready < 0 && errno == EINTR)
            continue;
        char bytes[512];
        ssize_t n = ready > 0 ? read(term->fd, bytes, sizeof bytes) : 0;
        if (n <= 0)
            break;
        strbuf_add(&got, bytes, (size_t)n);
        done = finished(&got);
    }
    term->late = !done;
    if (got.len)
        term_parse(term, got.data, got.len, keys);
    strbuf_clear(&got);
}

enum status term_open(struct term *term, struct strbuf *keys, struct error *err)
{
    memset(term, 0, sizeof *term);
    term->fd = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (term->fd < 0 || tcgetattr(term->fd, &term->saved)) {
        if (term->fd >= 0)
            close(term->fd);
        return error_set(err, ST_INVALID, "there is no terminal here; run this from one (over ssh: ssh -t)");
    }
    struct termios raw = term->saved;
    raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
    raw.c_cc[VMIN] = 0;
    raw.c_cc[VTIME] = 0;
    tcsetattr(term->fd, TCSANOW, &raw);

    struct strbuf questions = {0};
    if (strcmp(nl_langinfo(CODESET), "UTF-8") == 0) // one box character, then where the cursor went
        strbuf_puts(&questions, "\r\xe2\x94\x80\033[6n\r\033[K");
    else
        term->wide_lines = true;
    strbuf_puts(&questions, "\033[?1;1;0S\033[?2;4;0S\033[16t\033[14t\033[?2026$p\033[?1016$p\033]11;?\033\\\033[>0q\033[c");
    ask(term, questions.data, keys);
    strbuf_clear(&questions);
    // tmux and screen make a title of it
    if (term->answered && !term->sixel && strncmp(term->name, "tmux", 4) != 0 && !getenv("TMUX") && !getenv("STY"))
        ask(term, "\033_Gi=31,s=1,v=1,a=q,t=d,f=24;AAAA\033\\\033[c", keys);
    term_write(term, "\r\033[K", 4); // what a terminal that does not know the questions made of them
    tcsetattr(term->fd, TCSANOW, &term->saved);
    return ST_OK;
}

void term_close(struct term *term)
{
    if (term->fd >= 0)
        close(term->fd);
    term->fd = -1;
}

void term_cell(const struct term *term, int *width, int *height)
{
    struct winsize size = {0};
    *width = term->cell_width;
    *height = term->cell_height;
    if (*width > 0 && *height > 0)
        return;
    if (ioctl(term->fd, TIOCGWINSZ, &size) == 0 && size.ws_col && size.ws_row) {
        bool area = term->area_width > 0 && term->area_height > 0;
        *width = (area ? term->area_width : size.ws_xpixel) / size.ws_col;
        *height = (area ? term->area_height : size.ws_ypixel) / size.ws_row;
    }
    if (*width <= 0 || *height <= 0) {
        *width = 8;
        *height = 16;
    }
}
