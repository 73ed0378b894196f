#include "cli/screen.h"

#include "base/mem.h"
#include "cli/term.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>

#define ENTER "\033[?1049h\033[?25l\033[?7l\033[H\033[2J" /* other screen, no cursor, no wrapping, empty */
#define LEAVE "\033[0m\033[?7h\033[?25h\033[?1049l"

struct screen {
    int signal_fd;
    sigset_t signals, old_mask;
    int fd; /* of the terminal; -1 while not entered */
    bool keys;
    struct termios usual; /* of standard input, with keys */
};

static const int fatal_signals[] = {SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGQUIT};

/* What the handler needs. Written only while it is not installed. */
static struct {
    int fd;
    bool keys;
    struct termios usual;
} rescue;

static void write_all(int fd, const char *bytes, size_t len)
{
    while (len > 0) {
        ssize_t n = write(fd, bytes, len);

        if (n < 0 && errno != EINTR)
            return; /* a terminal that is gone */
        if (n > 0) {
            bytes += n;
            len -= (size_t)n;
        }
    }
}

/* Only calls that are safe in a handler; SA_RESETHAND then lets the signal do what it does. */
static void on_fatal(int signal_number)
{
    write_all(rescue.fd, LEAVE, sizeof LEAVE - 1);
    if (rescue.keys)
        tcsetattr(STDIN_FILENO, TCSANOW, &rescue.usual);
    raise(signal_number);
}

static void catch_fatal(bool on)
{
    struct sigaction action = {.sa_flags = (int)(SA_RESETHAND | SA_NODEFER)};

    action.sa_handler = on ? on_fatal : SIG_DFL;
    for (size_t i = 0; i < ARRAY_LEN(fatal_signals); i++)
        sigaction(fatal_signals[i], &action, NULL);
}

struct screen *screen_new(void)
{
    static const int watched[] = {SIGINT, SIGTERM, SIGHUP, SIGWINCH, SIGTSTP};
    struct screen *screen = mem_zalloc(sizeof *screen);

    screen->fd = -1;
    sigemptyset(&screen->signals);
    for (size_t i = 0; i < ARRAY_LEN(watched); i++)
        sigaddset(&screen->signals, watched[i]);
    pthread_sigmask(SIG_BLOCK, &screen->signals, &screen->old_mask);
    screen->signal_fd = signalfd(-1, &screen->signals, SFD_CLOEXEC | SFD_NONBLOCK);
    if (screen->signal_fd < 0)
        BUG("signalfd: %s", strerror(errno));
    return screen;
}

void screen_free(struct screen *screen)
{
    if (!screen)
        return;
    screen_leave(screen);
    close(screen->signal_fd);
    pthread_sigmask(SIG_SETMASK, &screen->old_mask, NULL);
    free(screen);
}

static void take_keys(struct screen *screen)
{
    struct termios raw;

    screen->keys = isatty(STDIN_FILENO) && tcgetattr(STDIN_FILENO, &screen->usual) == 0 &&
                   tcgetpgrp(STDIN_FILENO) == getpgrp();
    if (!screen->keys)
        return;
    raw = screen->usual;
    raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO); /* Ctrl-C and Ctrl-Z stay signals */
    raw.c_cc[VMIN] = 1;
    raw.c_cc[VTIME] = 0;
    tcsetattr(STDIN_FILENO, TCSANOW, &raw);
}

void screen_enter(struct screen *screen, int fd)
{
    take_keys(screen);
    screen->fd = fd;
    rescue.fd = fd;
    rescue.keys = screen->keys;
    rescue.usual = screen->usual;
    catch_fatal(true);
    write_all(fd, ENTER, sizeof ENTER - 1);
}

void screen_leave(struct screen *screen)
{
    if (screen->fd < 0)
        return;
    write_all(screen->fd, LEAVE, sizeof LEAVE - 1);
    if (screen->keys)
        tcsetattr(STDIN_FILENO, TCSANOW, &screen->usual);
    catch_fatal(false);
    screen->fd = -1;
    screen->keys = false;
}

void screen_draw(struct screen *screen, struct str lines)
{
    struct text out;
    struct term term;
    struct str line;

    term_look(&term, screen->fd);
    text_init(&out, 1 << 20);
    text_printf(&out, "\033[H");
    for (size_t row = 0; row < term.rows && lines.len > 0 && str_split(&lines, '\n', &line); row++)
        text_printf(&out, "%s%.*s\033[K", row ? "\r\n" : "", STR_ARG(line));
    text_printf(&out, "\033[J");
    write_all(screen->fd, out.p, out.len);
    text_fini(&out);
}

/* Ctrl-Z: give the terminal back, sleep, take it again. */
static void stop_and_go_on(struct screen *screen)
{
    int fd = screen->fd;

    screen_leave(screen);
    raise(SIGSTOP);
    if (fd >= 0)
        screen_enter(screen, fd);
}

static enum screen_event read_signal(struct screen *screen)
{
    struct signalfd_siginfo info;

    if (read(screen->signal_fd, &info, sizeof info) != (ssize_t)sizeof info)
        return SCREEN_TIMEOUT;
    switch ((int)info.ssi_signo) {
    case SIGWINCH:
        return SCREEN_RESIZED;
    case SIGTSTP:
        stop_and_go_on(screen);
        return SCREEN_RESIZED;
    default:
        return SCREEN_END;
    }
}

enum screen_event screen_wait(struct screen *screen, int timeout_ms, char *key_r)
{
    struct pollfd fds[2] = {
        {.fd = screen->signal_fd, .events = POLLIN},
        {.fd = screen->keys ? STDIN_FILENO : -1, .events = POLLIN},
    };

    if (poll(fds, 2, timeout_ms) <= 0)
        return SCREEN_TIMEOUT;
    if (fds[0].revents)
        return read_signal(screen);
    return read(STDIN_FILENO, key_r, 1) == 1 ? SCREEN_KEY : SCREEN_END;
}
