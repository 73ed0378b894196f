/*
 * The control side of a running proxy: it owns the configuration, the snapshots that the workers serve from,
 * the rollouts, the store and the admin server, and looks at everything once a second (control/tick). It is
 * one event loop in the thread that calls control_run; the workers and the log exporter are started from
 * there and have ended when it returns.
 */
#ifndef CONTROL_CONTROL_H
#define CONTROL_CONTROL_H

#include "base/bug.h"
#include "conf/config.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Where everything really listens, ports taken by port 0 included. Borrowed for the call that hands it out.
 */
struct control_ready {
    const char *const *listeners; /* "127.0.0.1:41235", in the order of the config */
    size_t listeners_len;
    const char *admin; /* "127.0.0.1:33211" or "unix:/run/x.sock"; NULL without an admin server */
    size_t workers;
};

/* All callbacks run in the control thread and must not block; each may be NULL. */
struct control_options {
    /* The configuration: a file, read at the start and again at each reload ... */
    const char *config_path;
    /* ... or, with config_path NULL, a finished one. One reference is taken over. A reload is then refused.
     */
    struct config *config;

    bool quiet;      /* only errors on standard error, no ready line */
    bool signals;    /* SIGTERM and SIGINT end it, SIGHUP reloads, SIGUSR1 reopens the logs */
    int stop_fd;     /* an eventfd that ends it as SIGTERM does (control_stop); -1 for none. Borrowed. */
    int64_t tick_ns; /* between two looks; 0 for the usual second */
    int64_t
        lame_ns; /* between failing readiness and refusing connections; 0: none; negative: as configured */

    void *arg;
    /* Called once, when every listener accepts and the admin server answers. */
    void (*ready)(void *arg, const struct control_ready *ready);
    /* Each decision, as it goes to the store (decide/record). Borrowed for the call. */
    void (*decision)(void *arg, const json_t *record);
    /* After each tick, what GET /v1/status answers. Borrowed for the call. */
    void (*status)(void *arg, const json_t *status);
};

/*
 * Serves until it is told to end, then drains: readiness fails first, the listeners close after lame_ns, open
 * requests may end within the config's drain_ns, what is left is cut. Returns the exit status: 0 after an
 * orderly end, 1 when it could not start; the reason was then logged. Blocks; one call at a time in a process
 * that handles signals.
 */
int control_run(const struct control_options *options);

/* Ends the control_run that was given this eventfd; a second call cuts the drain short. Thread: any. */
void control_stop(int stop_fd);

#endif
