#include "proxy/crew.h"

#include "base/mem.h"
#include "net/listen.h"
#include "proxy/worker.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* Snapshots that have been published and not yet freed, the newest first. */
struct published {
    struct routes *routes;
    struct published *older;
};

struct crew {
    struct worker_shared shared;
    struct worker *workers[CONFIG_WORKERS_MAX];
    struct published *published;
    char listener_text[CONFIG_LISTENERS_MAX][LISTEN_TEXT_LEN];
    bool joined;
};

static void keep(struct crew *crew, struct routes *routes)
{
    struct published *entry = mem_alloc(sizeof *entry);

    *entry = (struct published){.routes = routes, .older = crew->published};
    crew->published = entry;
}

/* Cells and unit tables must be there before a worker can meet the snapshot that uses them. */
static void prepare(struct crew *crew, const struct routes *routes)
{
    for (size_t i = 0; i < crew->shared.workers; i++)
        shard_cover(crew->workers[i]->shard, routes->config);
    for (size_t i = 0; i < routes->routes_len; i++) {
        uint32_t slot = routes->routes[i].conf->slot;

        if (routes->routes[i].judging)
            unit_tables_cover(&crew->shared.units[slot], routes->routes[i].judging->guards != 0);
    }
}

/* ---- start ---- */

/* Opens every listener; fds[listener][worker]. */
static bool open_listeners(struct crew *crew, const struct config *config, int fds[][CONFIG_WORKERS_MAX],
                           char *why, size_t why_len)
{
    for (size_t i = 0; i < config->listeners_len; i++) {
        if (!listen_open(&config->listeners[i].address, crew->shared.workers, fds[i], why, why_len)) {
            while (i-- > 0)
                for (size_t k = 0; k < crew->shared.workers; k++)
                    close(fds[i][k]);
            return false;
        }
        listen_text(fds[i][0], crew->listener_text[i]);
    }
    return true;
}

static void make_workers(struct crew *crew, struct routes *routes, int fds[][CONFIG_WORKERS_MAX],
                         int log_wake_fd)
{
    for (unsigned k = 0; k < crew->shared.workers; k++) {
        int own[CONFIG_LISTENERS_MAX];

        for (size_t i = 0; i < routes->config->listeners_len; i++)
            own[i] = fds[i][k];
        crew->workers[k] =
            worker_new(&crew->shared, k, own, routes->config->listeners_len, routes, log_wake_fd);
    }
}

struct crew *crew_start(struct routes *routes, int log_wake_fd, char *why, size_t why_len)
{
    int fds[CONFIG_LISTENERS_MAX][CONFIG_WORKERS_MAX];
    struct crew *crew = mem_zalloc(sizeof *crew);

    crew->shared.workers = routes->config->workers;
    BUG_ON(crew->shared.workers == 0 || crew->shared.workers > CONFIG_WORKERS_MAX);
    hash_key_init(&crew->shared.unit_key);
    crowd_init(&crew->shared.crowd);
    if (gethostname(crew->shared.host, sizeof crew->shared.host - 1) < 0)
        snprintf(crew->shared.host, sizeof crew->shared.host, "unknown");
    if (!open_listeners(crew, routes->config, fds, why, why_len)) {
        routes_free(routes);
        free(crew);
        return NULL;
    }
    crew->shared.seen_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    keep(crew, routes);
    make_workers(crew, routes, fds, log_wake_fd);
    prepare(crew, routes);
    for (size_t k = 0; k < crew->shared.workers; k++)
        if (!worker_start(crew->workers[k]))
            BUG("cannot start worker %zu: %s", k, strerror(errno)); /* nothing is served yet */
    return crew;
}

/* ---- snapshots ---- */

void crew_publish(struct crew *crew, struct routes *routes)
{
    BUG_ON(routes->version <= crew->published->routes->version);
    prepare(crew, routes);
    keep(crew, routes);
    for (size_t i = 0; i < crew->shared.workers; i++) {
        /* Release: the worker that takes it out (acquire) sees the whole snapshot. One that lay there still
         * is simply replaced; crew_sweep frees it. */
        atomic_store_explicit(&crew->workers[i]->mailbox, routes, memory_order_release);
        worker_poke(crew->workers[i]);
    }
}

const struct routes *crew_routes(const struct crew *crew)
{
    return crew->published->routes;
}

uint64_t crew_seen(const struct crew *crew)
{
    uint64_t least = UINT64_MAX;

    for (size_t i = 0; i < crew->shared.workers; i++) {
        uint64_t seen = atomic_load_explicit(&crew->workers[i]->seen, memory_order_acquire);

        least = seen < least ? seen : least;
    }
    return least;
}

int crew_seen_fd(const struct crew *crew)
{
    return crew->shared.seen_fd;
}

static bool has_users(const struct crew *crew, const struct routes *routes)
{
    for (size_t i = 0; i < crew->shared.workers; i++)
        if (atomic_load_explicit(&routes->users[i], memory_order_acquire) != 0)
            return true;
    return false;
}

void crew_sweep(struct crew *crew)
{
    uint64_t seen = crew_seen(crew);
    struct published **at = &crew->published->older;

    while (*at) {
        struct published *entry = *at;

        if (entry->routes->version >= seen || has_users(crew, entry->routes)) {
            at = &entry->older;
            continue;
        }
        *at = entry->older;
        routes_free(entry->routes);
        free(entry);
    }
}

/* ---- looks ---- */

size_t crew_size(const struct crew *crew)
{
    return crew->shared.workers;
}

const struct budget *crew_memory(const struct crew *crew)
{
    return &crew->shared.memory;
}

struct shard *crew_shard(struct crew *crew, size_t worker)
{
    return crew->workers[worker]->shard;
}

struct accesslog_pipe *crew_log_pipe(struct crew *crew, size_t worker)
{
    return &crew->workers[worker]->pipe;
}

const char *crew_listener_text(const struct crew *crew, size_t listener)
{
    return crew->listener_text[listener];
}

/* ---- the end ---- */

void crew_drain(struct crew *crew)
{
    for (size_t i = 0; i < crew->shared.workers; i++) {
        atomic_store_explicit(&crew->workers[i]->drain, true, memory_order_release);
        worker_poke(crew->workers[i]);
    }
}

bool crew_listening(const struct crew *crew)
{
    return atomic_load_explicit(&crew->shared.listening, memory_order_relaxed) > 0;
}

bool crew_idle(const struct crew *crew)
{
    return atomic_load_explicit(&crew->shared.connections, memory_order_relaxed) == 0;
}

void crew_stop(struct crew *crew)
{
    for (size_t i = 0; i < crew->shared.workers; i++) {
        atomic_store_explicit(&crew->workers[i]->stop, true, memory_order_release);
        worker_poke(crew->workers[i]);
    }
    for (size_t i = 0; i < crew->shared.workers; i++)
        worker_join(crew->workers[i]);
    crew->joined = true;
}

void crew_free(struct crew *crew)
{
    if (!crew)
        return;
    BUG_ON(!crew->joined);
    for (size_t i = 0; i < crew->shared.workers; i++)
        worker_free(crew->workers[i]);
    BUG_ON(budget_used(&crew->shared.memory) != 0);
    while (crew->published) {
        struct published *entry = crew->published;

        crew->published = entry->older;
        routes_free(entry->routes);
        free(entry);
    }
    for (size_t i = 0; i < CONFIG_ROUTES_MAX; i++)
        unit_tables_fini(&crew->shared.units[i]);
    close(crew->shared.seen_fd);
    free(crew);
}
