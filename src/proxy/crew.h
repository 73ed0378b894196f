/*
 * The crew: all worker threads as the control thread sees them. Control starts it, hands it snapshots, reads
 * its counters and lets it go home; nothing else of proxy/ is control's business.
 *
 * Thread: every function is called by control only.
 */
#ifndef PROXY_CREW_H
#define PROXY_CREW_H

#include "base/budget.h"
#include "base/bug.h"
#include "proxy/accesslog.h"
#include "proxy/shard.h"
#include "route/routes.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct crew;

/*
 * Binds every listener of the snapshot's config (one SO_REUSEPORT socket a worker; port 0 takes a free port,
 * the same for all workers) and starts the workers, which serve at once. `log_wake_fd` is the exporter's
 * eventfd (or -1 without a log). Ownership: takes `routes`. Errors: NULL, with the reason and the address in
 * `why`.
 */
MUST_CHECK struct crew *crew_start(struct routes *routes, int log_wake_fd, char *why, size_t why_len);

/* Hands a snapshot to all workers; it is in force at each worker's next request. Takes `routes`. */
void crew_publish(struct crew *crew, struct routes *routes);
/* The snapshot published last; valid until the next crew_publish. */
const struct routes *crew_routes(const struct crew *crew);
/* The least version that every worker has adopted: a weight is in force everywhere when this reaches its
 * version. */
uint64_t crew_seen(const struct crew *crew);
/* An eventfd that becomes readable when some worker has adopted a snapshot. Owned by the crew. */
int crew_seen_fd(const struct crew *crew);
/* Frees the snapshots that no worker can reach any more. Call it now and then (each tick). */
void crew_sweep(struct crew *crew);

size_t crew_size(const struct crew *crew);
/* What connections, requests and their buffers take, in all workers. */
const struct budget *crew_memory(const struct crew *crew);
struct shard *crew_shard(struct crew *crew, size_t worker);
struct accesslog_pipe *crew_log_pipe(struct crew *crew, size_t worker);
/* The address a listener is really bound to ("127.0.0.1:41235"), by its index in the config. */
const char *crew_listener_text(const struct crew *crew, size_t listener);

/*
 * Shutdown in two parts. crew_drain: no new connections (crew_listening says when the last one that had begun
 * to connect is in), answers carry Connection: close, idle connections are closed; crew_idle says when no
 * client connection is left. crew_stop: ends and joins the threads whatever is open, flushes their logs into
 * the rings, frees everything but the pipes' contents (crew_free does).
 */
void crew_drain(struct crew *crew);
bool crew_listening(const struct crew *crew);
bool crew_idle(const struct crew *crew);
void crew_stop(struct crew *crew);
void crew_free(struct crew *crew);

#endif
