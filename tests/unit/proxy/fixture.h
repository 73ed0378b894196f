/*
 * The data path under test: a crew with real threads and real sockets, whose clients and targets are the test
 * itself. The test speaks bytes on both sides and says what it expects to hear; nothing answers by itself, so
 * every order of events can be played.
 *
 * Time does not pass by waiting: pass() moves the clock that the workers read. Reads of the test are bounded,
 * so that a proxy that stays silent fails the case.
 *
 * proxy_stop ends the threads and holds every case to the same sums: nothing is open or busy any more, and
 * the access log says exactly what the counters say.
 */
#ifndef TESTS_UNIT_PROXY_FIXTURE_H
#define TESTS_UNIT_PROXY_FIXTURE_H

#include "../unit.h"
#include "base/clk.h"
#include "base/str.h"
#include "proxy/crew.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ---- time ---- */

/* Lets `ns` pass for everybody who reads the clock, and the workers see it. Thread: the test's. */
void pass(int64_t ns);
/* The same without waiting until they have seen it. */
void skip(int64_t ns);
/* Holds the workers up where they next read the clock, so that several things happen before they look; until
 * thaw. */
void freeze(void);
void thaw(void);

/* ---- bytes on a socket; each call fails the case when nothing comes for some seconds ---- */

void say(int fd, const char *fmt, ...) PRINTF_LIKE(2, 3);
void say_bytes(int fd, const char *bytes, size_t len);
/* Writes `len` times 'x'. */
void say_x(int fd, size_t len);
/* Writes 'x' until the other side takes no more for a while, at most `max`; gives how many it took. */
size_t say_until_blocked(int fd, size_t max);
/* Reads up to and with `until`; what came so far, NUL-ended, valid until the next call of hear*. Reads no
 * byte beyond. */
const char *hear(int fd, const char *until);
/* Reads a head: up to the empty line. */
const char *hear_head(int fd);
/* Reads exactly `len` bytes. */
const char *hear_bytes(int fd, size_t len);
/* Reads `len` bytes of any length away, all of which must be 'x'. */
void hear_away(int fd, size_t len);
/* Reads to the end; `*reset_r` (may be NULL) says that it was a reset and no FIN. At most 64 KiB. */
const char *hear_end(int fd, bool *reset_r);
/* What comes first, some bytes or "" for the end. */
const char *hear_first(int fd);
/* Whether nothing comes for 50 ms: no proof, but a proxy that does what it must not is caught by it. */
bool is_silent(int fd);

/* ---- the proxy's end of a connection of the test (they are in one process) ---- */

/* Waits until the proxy has read all that was said on `fd`. */
void settle(int fd);
/* Gives the proxy the least send buffer on its end. With a narrow window on the other end
 * (target_open_narrow, proxy_connect_narrow) the way holds less than 12 KiB, and one of the proxy's buffers
 * more than that. */
void narrow(int fd);
/* Takes both back, so that what waits comes quickly. */
void widen(int fd);

/* ---- targets ---- */

struct origin {
    int fd; /* listens on 127.0.0.1 */
    uint16_t port;
};

void target_open(struct origin *target);
/* As target_open, with the least receive buffer: see narrow. */
void target_open_narrow(struct origin *target);
/* As target_open, but connections are refused. */
void target_refuse(struct origin *target);
int target_accept(struct origin *target);
/* Whether no connection comes for 50 ms. */
bool target_is_left_alone(struct origin *target);
void target_close(struct origin *target);

/* ---- a target that answers by itself, for load ---- */

struct server;

/* Takes the listening socket of `target` and answers every request without a body by 200 and `label`, on one
 * thread of its own. */
struct server *server_start(struct origin *target, const char *label);
/* Requests answered so far. Thread: any. */
unsigned long server_requests(const struct server *server);
/* Ends the thread and closes what is open. */
void server_stop(struct server *server);

/* ---- the proxy ---- */

struct proxy_setup {
    unsigned workers;         /* 0: one */
    uint32_t weight;          /* of the canary, hundredths of a percent */
    const char *top;          /* lines at the top level of the configuration */
    const char *route;        /* keys of the route, each followed by a comma */
    const char *group;        /* keys of both groups, likewise */
    const char *more_targets; /* of stable, quoted, each preceded by a comma */
    const struct plan *plan;
    bool no_log;
};

struct proxy {
    struct crew *crew;
    struct config *config;
    struct origin stable, canary;
    uint64_t version;
    uint32_t epoch;
    uint32_t weight;
    const struct plan *plan;
    int wake_fd;
    uint16_t port;
    json_t *log; /* array of the lines; after proxy_stop */
};

/* Opens the targets unless they are open, and starts a crew on them with one route, `web`. `setup` may be
 * NULL. */
void proxy_start(struct proxy *proxy, const struct proxy_setup *setup);
/* A client's connection. */
int proxy_connect(struct proxy *proxy);
/* The same with small buffers on the way to the client, so that the proxy is soon blocked. */
int proxy_connect_narrow(struct proxy *proxy);
/* The next snapshot, with proxy->weight; the caller's. */
struct routes *proxy_snapshot(struct proxy *proxy);
/* Publishes a snapshot with this weight and waits until all workers have it. */
void proxy_publish(struct proxy *proxy, uint32_t weight);
/* Publishes a configuration of this setup, but for its workers, with the weight and the plan of before, as
 * proxy_publish. Targets are told apart as control does, by address. */
void proxy_reload(struct proxy *proxy, const struct proxy_setup *setup);
/* Waits until `requests` have ended, as the counters say. */
void proxy_wait_ended(struct proxy *proxy, uint64_t requests);
/* The sum of a cell over the workers; `offset` is that of the cell in struct shard_side. */
uint64_t proxy_side_sum(struct proxy *proxy, enum route_side side, size_t offset);
/* The counters of a target: 0 is stable's first, then its others, then the canary's. */
struct shard_target *proxy_target_cells(struct proxy *proxy, size_t worker, uint32_t slot);
/* Takes the chunks that the workers have handed over and gives them back, as the exporter does. */
void proxy_take_log(struct proxy *proxy);
/* Ends the threads, collects the log, and checks the sums. The counters stay until proxy_free. */
void proxy_stop(struct proxy *proxy);
void proxy_free(struct proxy *proxy);

/* A text of line `i` of the log by its path ("http.url"), or "" when the line has no such field. */
const char *proxy_log_text(const struct proxy *proxy, size_t i, const char *path);
/* A number of line `i`, or -1. */
long long proxy_log_number(const struct proxy *proxy, size_t i, const char *path);

#endif
