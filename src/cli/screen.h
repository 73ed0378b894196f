/*
 * A live view: the terminal's other screen, redrawn in place, with keys read one at a time. Whatever ends the
 * program puts the terminal back as it was: screen_leave on the ordinary ways, a handler on the fatal
 * signals. One screen a process. Thread: the one that entered.
 */
#ifndef CLI_SCREEN_H
#define CLI_SCREEN_H

#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

struct screen;

/* What screen_wait saw. */
enum screen_event {
    SCREEN_TIMEOUT,
    SCREEN_KEY,
    SCREEN_RESIZED, /* draw again */
    SCREEN_END,     /* SIGINT, SIGTERM or SIGHUP, or no terminal any more */
};

/*
 * Blocks the signals that screen_wait reads (SIGINT, SIGTERM, SIGHUP, SIGWINCH, SIGTSTP) in this thread and
 * in those that it starts later. Begin with it, before any other thread.
 */
struct screen *screen_new(void);
/* Leaves, unblocks the signals and frees. NULL is allowed. */
void screen_free(struct screen *screen);

/* Turns to the other screen of the terminal `fd`, and reads keys from standard input when that is one too. */
void screen_enter(struct screen *screen, int fd);
void screen_leave(struct screen *screen);
/* Shows lines (ended by LF) from the top; what is below the last row is left out. */
void screen_draw(struct screen *screen, struct str lines);

/* Waits for at most `timeout_ms`; works without screen_enter too, for the signals alone. */
enum screen_event screen_wait(struct screen *screen, int timeout_ms, char *key_r);

#endif
