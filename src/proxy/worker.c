#include "proxy/worker.h"

#include "base/log.h"
#include "proxy/front.h"
#include "proxy/mux.h"
#include "proxy/stream.h"
#include "proxy/txn.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum {
    DEAF_MS = 500, /* for handshakes under way when the listeners are to be closed: a long round trip */
    ACCEPTS_PER_WAKE = 8, /* so that new connections do not starve open ones */
    FRONTS_KEPT = 1024,   /* freed client connections kept for reuse */
    TXNS_KEPT = 256,
    CONNS_KEPT = 512,
    SPILLS_KEPT = 256,
    SPILLS_MIN = 64, /* that much more than client connections may be out: the session window of one */
    SWEEP_TICKS = 1000 / WHEEL_TICK_MS, /* waiting connections are looked at once a second */
    SHED_A_TICK = 16,                   /* idle connections that are closed while memory is short */
};

/* ---- what the files of proxy/ use ---- */

struct str worker_date(struct worker *worker)
{
    int64_t wall_ns = worker_wall_ns(worker, worker->now_ns);

    if (wall_ns / NS_PER_S != worker->date_s) {
        worker->date_s = wall_ns / NS_PER_S;
        clk_http_date(wall_ns, worker->date);
    }
    return (struct str){worker->date, sizeof worker->date};
}

/* Gives back what is kept for reuse. */
static void trim(struct worker *worker)
{
    mem_pool_trim(&worker->front_memory);
    mem_pool_trim(&worker->txn_memory);
    mem_pool_trim(&worker->conn_memory);
    mem_pool_trim(&worker->mux_memory);
    mem_pool_trim(&worker->stream_memory);
    mem_pool_trim(&worker->spill_memory);
    relay_memory_trim(&worker->relay_memory);
    h2_blocks_trim(&worker->h2_blocks);
    mem_pool_trim(&worker->mirrors.pool);
    relay_memory_trim(&worker->mirrors.memory);
}

bool worker_is_short(struct worker *worker)
{
    const struct budget *memory = &worker->shared->memory;

    if (!budget_is_short(memory))
        return false;
    trim(worker);
    return budget_is_short(memory);
}

bool worker_hold_buf(struct worker *worker, struct relay_buf *buf)
{
    if (relay_hold(buf, &worker->relay_memory))
        return true;
    trim(worker);
    return relay_hold(buf, &worker->relay_memory);
}

void *worker_draw(struct worker *worker, struct mem_pool *pool)
{
    void *block = mem_pool_get(pool);

    if (block)
        return block;
    trim(worker);
    return mem_pool_get(pool);
}

void worker_again(struct worker *worker, struct front *front)
{
    if (front->again)
        return;
    front->again = true;
    front->next_again = worker->again;
    worker->again = front;
}

static _Atomic uint32_t *users_of(const struct worker *worker, const struct routes *routes)
{
    return &((struct routes *)(uintptr_t)routes)
                ->users[worker->index]; /* the one part of a snapshot that is ours */
}

const struct routes *worker_hold_routes(struct worker *worker)
{
    _Atomic uint32_t *users = users_of(worker, worker->routes);

    atomic_store_explicit(users, atomic_load_explicit(users, memory_order_relaxed) + 1, memory_order_relaxed);
    return worker->routes;
}

void worker_drop_routes(struct worker *worker, const struct routes *routes)
{
    _Atomic uint32_t *users = users_of(worker, routes);

    /* Release: control, which reads 0 (acquire), must see all our reads of the snapshot done before it frees
     * it. */
    atomic_store_explicit(users, atomic_load_explicit(users, memory_order_relaxed) - 1, memory_order_release);
}

/* ---- adopting ---- */

static void make_targets(struct worker *worker, const struct config *config)
{
    for (size_t i = 0; i < config->groups_len; i++)
        for (size_t k = 0; k < config->groups[i].targets_len; k++) {
            uint32_t slot = config->groups[i].targets[k].slot;

            if (!worker->targets[slot]) {
                worker->targets[slot] = mem_zalloc(sizeof *worker->targets[slot]);
                pool_init(&worker->targets[slot]->pool, worker->base, &worker->conn_memory);
            }
            worker->targets[slot]->idle_ns = config->groups[i].pool_idle_ns;
        }
}

static void adopt(struct worker *worker, const struct routes *routes)
{
    make_targets(worker, routes->config);
    scorer_adopt(&worker->scorer, routes);
    worker->routes = routes;
    worker->config = routes->config;
    gates_adopt(worker);
    budget_limit(&worker->shared->memory, routes->config->limits.memory);
    atomic_store_explicit(&worker->seen, routes->version, memory_order_release);
}

static void start_drain(struct worker *worker)
{
    worker->draining = true;
    worker->deaf_ns = worker->now_ns;
    for (size_t i = 0; i < worker->listeners_len; i++)
        listen_deafen(worker->listeners[i].fd);
    for (struct front *front = worker->fronts, *next; front; front = next) {
        next = front->next;
        front_drain(front);
    }
}

static void look_at_mailbox(struct worker *worker)
{
    struct routes *routes = atomic_exchange_explicit(&worker->mailbox, NULL, memory_order_acquire);
    uint64_t one = 1;

    if (routes) {
        adopt(worker, routes);
        if (write(worker->shared->seen_fd, &one, sizeof one) < 0)
            log_debug("the acknowledgement counter is full");
    }
    if (atomic_load_explicit(&worker->drain, memory_order_acquire) && !worker->draining)
        start_drain(worker);
}

static void on_poke(evutil_socket_t fd, short what, void *arg)
{
    struct worker *worker = arg;
    uint64_t count;

    (void)what;
    if (read(fd, &count, sizeof count) < 0)
        return;
    worker_wake(worker);
    look_at_mailbox(worker);
    gates_look(worker);
}

static void on_look(evutil_socket_t fd, short what, void *arg)
{
    (void)fd, (void)what;
    gates_look(arg);
}

void worker_look_later(struct worker *worker)
{
    event_active(&worker->look_event, EV_TIMEOUT, 1);
}

void worker_poke_other(struct worker *worker, unsigned index)
{
    uint64_t one = 1;

    if (write(worker->shared->poke_fds[index], &one, sizeof one) < 0)
        log_debug("worker %u has been poked already", index);
}

void worker_poke(struct worker *worker)
{
    worker_poke_other(worker, worker->index);
}

/* ---- accepting ---- */

/* Out of descriptors: one is kept in reserve to take the connection and close it, else the listener would
 * spin. False when there is no reserve either: another thread was quicker. */
static bool refuse_one(struct worker *worker, int listen_fd)
{
    int fd;

    if (worker->spare_fd >= 0)
        close(worker->spare_fd);
    fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC);
    if (fd >= 0) {
        close(fd);
        cell_add(&worker->shard->refused, 1);
    }
    worker->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    return fd >= 0;
}

static void pause_accept(struct worker *worker)
{
    for (size_t i = 0; i < worker->listeners_len; i++)
        event_del(&worker->listeners[i].event);
    worker->accept_paused = true;
}

static void resume_accept(struct worker *worker)
{
    for (size_t i = 0; i < worker->listeners_len; i++)
        BUG_ON(event_add(&worker->listeners[i].event, NULL) < 0);
    worker->accept_paused = false;
}

/* Whether a failed accept would fail again at once. */
static bool is_lasting(struct worker *worker, int listen_fd, int error)
{
    if (error == EMFILE || error == ENFILE)
        return !front_shed(worker, false) && !refuse_one(worker, listen_fd);
    return error == ENOBUFS || error == ENOMEM;
}

/* A listener for the PROXY protocol takes connections from its proxies alone: anybody else could say
 * anything. */
static bool is_welcome(const struct config_listener *listener, const struct sockaddr *peer)
{
    struct ip ip;

    if (listener->proxies_len == 0)
        return true;
    return listen_addr_ip(peer, &ip) && ip_nets_have(listener->proxies, listener->proxies_len, &ip);
}

/* Whether there is room for one more beside `open` others, or an idle one has made it. */
static bool has_room(struct worker *worker, uint32_t open)
{
    return open < worker->config->limits.connections || front_shed(worker, false);
}

/* As well as can be told to somebody who is not listened to. */
static void turn_away(int fd)
{
    if (send(fd, FRONT_REFUSAL, sizeof FRONT_REFUSAL - 1, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
        log_debug("a client that was refused does not hear it: %s", strerror(errno));
}

static void take(struct worker *worker, size_t index, int fd, const struct sockaddr *peer)
{
    const struct config_listener *listener = &worker->config->listeners[index];
    struct worker_shared *shared = worker->shared;
    uint32_t open = atomic_fetch_add_explicit(&shared->connections, 1, memory_order_relaxed);

    cell_add(&worker->shard->accepted, 1);
    if (is_welcome(listener, peer)) {
        if (has_room(worker, open) && front_new(worker, index, fd, peer)) {
            cell_add(&worker->shard->connections, 1);
            return;
        }
        if (!listener->tls.server) /* a client of TLS would not understand it */
            turn_away(fd);
    }
    atomic_fetch_sub_explicit(&shared->connections, 1, memory_order_relaxed);
    cell_add(&worker->shard->refused, 1);
    close(fd);
}

/* False when there is nothing more to accept now. */
static bool accept_one(struct worker_listener *listener)
{
    struct worker *worker = listener->worker;
    struct sockaddr_storage peer = {0};
    socklen_t len = sizeof peer;
    int fd = accept4(listener->fd, (struct sockaddr *)&peer, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);

    if (fd >= 0) {
        take(worker, listener->index, fd, (struct sockaddr *)&peer);
        return true;
    }
    if (is_lasting(worker, listener->fd, errno))
        pause_accept(worker);
    return false;
}

static void on_accept(evutil_socket_t listen_fd, short what, void *arg)
{
    struct worker_listener *listener = arg;

    (void)listen_fd, (void)what;
    worker_wake(listener->worker);
    for (int i = 0; i < ACCEPTS_PER_WAKE; i++)
        if (!accept_one(listener))
            return;
}

/* Closing resets what waits to be accepted, so that is taken first. */
static void close_listeners(struct worker *worker)
{
    if (worker->listeners_len == 0)
        return;
    for (size_t i = 0; i < worker->listeners_len; i++) {
        while (accept_one(&worker->listeners[i]))
            ;
        event_del(&worker->listeners[i].event);
        close(worker->listeners[i].fd);
    }
    worker->listeners_len = 0;
    atomic_fetch_sub_explicit(&worker->shared->listening, 1, memory_order_relaxed);
}

/* ---- the loop ---- */

static void sweep_targets(struct worker *worker)
{
    for (size_t slot = 0; slot < CONFIG_TARGETS_MAX; slot++) {
        struct worker_target *target = worker->targets[slot];

        if (!target)
            continue;
        pool_expire(&target->pool, worker->now_ns, target->idle_ns);
        if (target->trunks)
            trunks_sweep(worker, (uint32_t)slot, target->idle_ns);
        cell_set(&shard_target(worker->shard, (uint32_t)slot)->open, target->pool.open);
        cell_set(&shard_target(worker->shard, (uint32_t)slot)->out,
                 worker->balance.out_until_ns[slot] > worker->now_ns);
    }
}

/* While memory is short: what other workers keep they give back likewise, and who has been idle longest
 * goes. */
static void relieve(struct worker *worker)
{
    for (int i = 0; i < SHED_A_TICK && worker_is_short(worker) && front_shed(worker, true); i++)
        ;
}

static void on_tick(evutil_socket_t fd, short what, void *arg)
{
    struct worker *worker = arg;

    (void)fd, (void)what;
    worker_wake(worker);
    worker->wall_off_ns = clk_wall_ns() - worker->now_ns;
    wheel_advance(&worker->wheel, worker->now_ns);
    accesslog_flush(&worker->log, worker->now_ns, false);
    gates_look(worker);
    relieve(worker);
    if (worker->accept_paused)
        resume_accept(worker);
    if (worker->draining && worker->now_ns - worker->deaf_ns >= DEAF_MS * NS_PER_MS)
        close_listeners(worker);
    if (++worker->ticks % SWEEP_TICKS == 0)
        sweep_targets(worker);
}

/* Frees what died in this turn; nobody on the stack can hold it any more. */
static void bury_txns(struct worker *worker)
{
    while (worker->dead_txns) {
        struct txn *txn = worker->dead_txns;

        worker->dead_txns = txn->next_dead;
        mem_pool_put(&worker->txn_memory, txn);
    }
}

static void bury_fronts(struct worker *worker)
{
    while (worker->dead_fronts) {
        struct front *front = worker->dead_fronts;

        worker->dead_fronts = front->next;
        if (front->is_mux)
            mux_free(front->mux);
        mem_pool_put(&worker->front_memory, front);
    }
}

/* A front that died while it waited here is not buried yet, and does nothing. */
static void go_on(struct worker *worker)
{
    struct front *front = worker->again;

    worker->again = NULL;
    while (front) {
        struct front *next = front->next_again;

        front->again = false;
        front_again(front);
        front = next;
    }
}

static void end_turn(struct worker *worker)
{
    int64_t busy_ns = worker->turn_ns ? clk_mono_ns() - worker->turn_ns : 0;

    cell_add(&worker->shard->turns, 1);
    cell_add(&worker->shard->busy_ns, (uint64_t)busy_ns);
    if ((uint64_t)busy_ns > cell_get(&worker->shard->slowest_ns))
        cell_set(&worker->shard->slowest_ns, (uint64_t)busy_ns);
    worker->turn_ns = 0;
}

/* Waits for events, unless there is something to go on with, and runs their callbacks. */
static void turn(struct worker *worker)
{
    event_base_loop(worker->base,
                    worker->again || worker->trunks_dirty ? EVLOOP_ONCE | EVLOOP_NONBLOCK : EVLOOP_ONCE);
    if (worker->trunks_dirty)
        trunks_turn(worker);
    bury_txns(worker);
    if (worker->again) {
        worker_wake(worker);
        go_on(worker);
        if (worker->trunks_dirty)
            trunks_turn(worker);
        bury_txns(worker);
    }
    if (worker->muxes) {
        muxes_flush(worker);
        bury_txns(worker);
    }
    bury_fronts(worker);
    end_turn(worker);
}

static void close_all(struct worker *worker)
{
    close_listeners(worker);
    while (worker->fronts)
        front_close(worker->fronts);
    bury_txns(worker);
    bury_fronts(worker);
    trunks_close(worker);
    mirrors_close(&worker->mirrors);
    scorer_fini(&worker->scorer);
    for (size_t slot = 0; slot < CONFIG_TARGETS_MAX; slot++)
        if (worker->targets[slot])
            pool_fini(&worker->targets[slot]->pool);
    event_del(&worker->poke_event);
    event_del(&worker->tick_event);
    event_del(&worker->look_event);
    accesslog_flush(&worker->log, worker->now_ns, true);
}

static void *run(void *arg)
{
    struct worker *worker = arg;
    sigset_t all;

    sigfillset(&all); /* signals are the control thread's */
    pthread_sigmask(SIG_BLOCK, &all, NULL);
    while (!atomic_load_explicit(&worker->stop, memory_order_acquire))
        turn(worker);
    close_all(worker);
    return NULL;
}

/* ---- life ---- */

static struct event_base *make_base(void)
{
    struct event_config *config = event_config_new();
    struct event_base *base;

    BUG_ON(!config || event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK) < 0);
    base = event_base_new_with_config(config);
    event_config_free(config);
    if (!base)
        BUG("no event base: %s", strerror(errno));
    return base;
}

static void add_events(struct worker *worker)
{
    const struct timeval tick = {.tv_usec = WHEEL_TICK_MS * 1000};

    for (size_t i = 0; i < worker->listeners_len; i++) {
        struct worker_listener *listener = &worker->listeners[i];

        event_assign(&listener->event, worker->base, listener->fd, EV_READ | EV_PERSIST, on_accept, listener);
        BUG_ON(event_add(&listener->event, NULL) < 0);
    }
    event_assign(&worker->poke_event, worker->base, worker->poke_fd, EV_READ | EV_PERSIST, on_poke, worker);
    event_assign(&worker->tick_event, worker->base, -1, EV_PERSIST, on_tick, worker);
    event_assign(&worker->look_event, worker->base, -1, 0, on_look, worker);
    BUG_ON(event_add(&worker->poke_event, NULL) < 0 || event_add(&worker->tick_event, &tick) < 0);
}

static void make_memory(struct worker *worker, uint32_t connections)
{
    struct budget *memory = &worker->shared->memory;

    /* those that were shed for others in a turn are freed at its end */
    mem_pool_init(&worker->front_memory, sizeof(struct front), FRONTS_KEPT, connections + ACCEPTS_PER_WAKE);
    mem_pool_init(&worker->txn_memory, sizeof(struct txn), TXNS_KEPT, 2 * connections);
    mem_pool_init(&worker->conn_memory, sizeof(struct pool_conn), CONNS_KEPT, 4 * connections + MIRRORS_MAX);
    mem_pool_init(&worker->mux_memory, sizeof(struct mux), FRONTS_KEPT, connections + ACCEPTS_PER_WAKE);
    mem_pool_init(&worker->stream_memory, sizeof(struct stream), TXNS_KEPT, 2 * connections);
    mem_pool_init(&worker->spill_memory, RELAY_SMALL, SPILLS_KEPT, SPILLS_MIN + connections);
    mem_pool_draw(&worker->front_memory, memory);
    mem_pool_draw(&worker->txn_memory, memory);
    mem_pool_draw(&worker->conn_memory, memory);
    mem_pool_draw(&worker->mux_memory, memory);
    mem_pool_draw(&worker->stream_memory, memory);
    mem_pool_draw(&worker->spill_memory, memory);
    relay_memory_init(&worker->relay_memory, connections, memory);
    h2_blocks_init(&worker->h2_blocks);
    mirrors_init(&worker->mirrors, memory);
    bulk_init(&worker->bulk_pipes);
}

struct worker *worker_new(struct worker_shared *shared, unsigned index, const int *listen_fds,
                          size_t listeners, struct routes *routes, int log_wake_fd)
{
    struct worker *worker = mem_zalloc(sizeof *worker);

    worker->index = index;
    worker->shared = shared;
    worker->poke_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    worker->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (worker->poke_fd < 0)
        BUG("no eventfd: %s", strerror(errno));
    shared->poke_fds[index] = worker->poke_fd;
    worker->base = make_base();
    worker->shard = shard_new();
    shard_cover(worker->shard, routes->config);
    rnd_init(&worker->rnd);
    rnd_init(&worker->ids);
    worker_wake(worker);
    worker->wall_off_ns = clk_wall_ns() - worker->now_ns;
    wheel_init(&worker->wheel, worker->now_ns);
    make_memory(worker, routes->config->limits.connections);
    scorer_init(&worker->scorer, &worker->wheel, &shared->unit_key);
    accesslog_pipe_init(&worker->pipe, log_wake_fd);
    accesslog_init(&worker->log, &worker->pipe);
    worker->listeners_len = listeners;
    atomic_fetch_add_explicit(&shared->listening, 1, memory_order_relaxed);
    for (size_t i = 0; i < listeners; i++)
        worker->listeners[i] = (struct worker_listener){.index = i, .worker = worker, .fd = listen_fds[i]};
    adopt(worker, routes);
    add_events(worker);
    return worker;
}

bool worker_start(struct worker *worker)
{
    return pthread_create(&worker->thread, NULL, run, worker) == 0;
}

void worker_join(struct worker *worker)
{
    pthread_join(worker->thread, NULL);
}

void worker_free(struct worker *worker)
{
    for (size_t slot = 0; slot < CONFIG_TARGETS_MAX; slot++)
        free(worker->targets[slot]);
    gates_fini(worker);
    event_base_free(worker->base);
    close(worker->poke_fd);
    close(worker->spare_fd);
    mem_pool_fini(&worker->front_memory);
    mem_pool_fini(&worker->txn_memory);
    mem_pool_fini(&worker->conn_memory);
    mem_pool_fini(&worker->mux_memory);
    mem_pool_fini(&worker->stream_memory);
    mem_pool_fini(&worker->spill_memory);
    relay_memory_fini(&worker->relay_memory);
    h2_blocks_fini(&worker->h2_blocks);
    mirrors_fini(&worker->mirrors);
    bulk_fini(&worker->bulk_pipes);
    accesslog_fini(&worker->log);
    accesslog_pipe_fini(&worker->pipe);
    shard_free(worker->shard);
    free(worker);
}
