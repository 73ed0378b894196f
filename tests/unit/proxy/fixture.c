#include "fixture.h"

#include "base/mem.h"
#include "conf/load.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    PATIENCE_MS = 20000,
    QUIET_MS = 50,
    HEARD_MAX = 256 * 1024,
};

/* ---- time: the workers link this clock instead of base/clk ---- */

int64_t kernel_mono_ns(void);
int64_t kernel_wall_ns(void);
#define clk_mono_ns kernel_mono_ns
#define clk_wall_ns kernel_wall_ns
#include "base/clk.c"
#undef clk_mono_ns
#undef clk_wall_ns

/* Written by the test, read by all; relaxed: each reader may see it a moment later. */
static _Atomic int64_t skipped_ns;

static pthread_mutex_t frozen = PTHREAD_MUTEX_INITIALIZER;

int64_t clk_mono_ns(void)
{
    pthread_mutex_lock(&frozen);
    pthread_mutex_unlock(&frozen);
    return kernel_mono_ns() + atomic_load_explicit(&skipped_ns, memory_order_relaxed);
}

int64_t clk_wall_ns(void)
{
    return kernel_wall_ns() + atomic_load_explicit(&skipped_ns, memory_order_relaxed);
}

void freeze(void)
{
    pthread_mutex_lock(&frozen);
    poll(NULL, 0, QUIET_MS); /* all of them have come to their next tick */
}

void thaw(void)
{
    pthread_mutex_unlock(&frozen);
}

void skip(int64_t ns)
{
    atomic_fetch_add_explicit(&skipped_ns, ns, memory_order_relaxed);
}

void pass(int64_t ns)
{
    skip(ns);
    poll(NULL, 0, QUIET_MS); /* more than a tick of the workers' wheels */
}

/* ---- bytes ---- */

static char heard[HEARD_MAX + 1];
static size_t heard_len;

static bool is_ready(int fd, short what, int ms)
{
    struct pollfd wanted = {.fd = fd, .events = what};

    return poll(&wanted, 1, ms) > 0;
}

static void await(int fd, short what, const char *for_what)
{
    if (!is_ready(fd, what, PATIENCE_MS))
        ck_abort_msg("nothing came while waiting %s; so far: \"%.*s\"", for_what,
                     heard_len < 300 ? (int)heard_len : 300, heard);
}

void say_bytes(int fd, const char *bytes, size_t len)
{
    while (len > 0) {
        ssize_t n;

        await(fd, POLLOUT, "to say something");
        n = send(fd, bytes, len, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n < 0 && errno == EAGAIN)
            continue;
        if (n < 0)
            ck_abort_msg("cannot say \"%.*s\": %s", (int)(len < 100 ? len : 100), bytes, strerror(errno));
        bytes += n;
        len -= (size_t)n;
    }
}

void say(int fd, const char *fmt, ...)
{
    char text[4096];
    va_list ap;
    int len;

    va_start(ap, fmt);
    len = vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    ck_assert_int_lt(len, (int)sizeof text);
    say_bytes(fd, text, (size_t)len);
}

static char xs[16384];

void say_x(int fd, size_t len)
{
    memset(xs, 'x', sizeof xs);
    for (; len > sizeof xs; len -= sizeof xs)
        say_bytes(fd, xs, sizeof xs);
    say_bytes(fd, xs, len);
}

size_t say_until_blocked(int fd, size_t max)
{
    size_t said = 0;

    memset(xs, 'x', sizeof xs);
    while (said < max && is_ready(fd, POLLOUT, 4 * QUIET_MS)) {
        size_t len = max - said < sizeof xs ? max - said : sizeof xs;
        ssize_t n = send(fd, xs, len, MSG_NOSIGNAL | MSG_DONTWAIT);

        if (n < 0 && errno == EAGAIN)
            continue;
        ck_assert_int_gt(n, 0);
        said += (size_t)n;
    }
    return said;
}

/* Up to `len` more bytes into heard; 0 at the end, -1 at a reset. */
static ssize_t hear_some(int fd, size_t len, const char *for_what)
{
    ssize_t n;

    ck_assert_uint_le(heard_len + len, HEARD_MAX);
    await(fd, POLLIN, for_what);
    n = recv(fd, heard + heard_len, len, 0);
    if (n > 0)
        heard_len += (size_t)n;
    heard[heard_len] = '\0';
    return n;
}

static void hear_more(int fd, size_t len, const char *for_what)
{
    ssize_t n = hear_some(fd, len, for_what);

    if (n <= 0)
        ck_abort_msg("%s while waiting %s; so far: \"%.300s\"", n == 0 ? "the end" : strerror(errno),
                     for_what, heard);
}

const char *hear(int fd, const char *until)
{
    size_t len = strlen(until);

    heard_len = 0;
    heard[0] = '\0';
    while (heard_len < len || memcmp(heard + heard_len - len, until, len) != 0)
        hear_more(fd, 1, until);
    return heard;
}

const char *hear_head(int fd)
{
    return hear(fd, "\r\n\r\n");
}

const char *hear_bytes(int fd, size_t len)
{
    heard_len = 0;
    while (heard_len < len)
        hear_more(fd, len - heard_len, "for so many bytes");
    return heard;
}

void hear_away(int fd, size_t len)
{
    while (len > 0) {
        heard_len = 0;
        hear_more(fd, len < 65536 ? len : 65536, "for so many bytes");
        for (size_t i = 0; i < heard_len; i++)
            if (heard[i] != 'x')
                ck_abort_msg("no x, %zu bytes before the end: \"%.60s\"", len - i, heard + i);
        len -= heard_len;
    }
}

const char *hear_end(int fd, bool *reset_r)
{
    ssize_t n;

    heard_len = 0;
    heard[0] = '\0';
    do
        n = hear_some(fd, 16384, "for the end");
    while (n > 0);
    if (reset_r)
        *reset_r = n < 0;
    return heard;
}

const char *hear_first(int fd)
{
    heard_len = 0;
    heard[0] = '\0';
    (void)hear_some(fd, 1024, "for anything");
    return heard;
}

bool is_silent(int fd)
{
    return !is_ready(fd, POLLIN, QUIET_MS);
}

/* ---- the proxy's end ---- */

static void pause_briefly(void)
{
    poll(NULL, 0, 1);
}

/* The ports of a connection, ours and the peer's; false when it is none. One port alone may be that of
 * several connections to different places. */
static bool ports_of(int fd, in_port_t *own_r, in_port_t *peer_r)
{
    struct sockaddr_in own = {0}, peer = {0};
    socklen_t own_len = sizeof own, peer_len = sizeof peer;

    if (getsockname(fd, (struct sockaddr *)&own, &own_len) != 0 ||
        getpeername(fd, (struct sockaddr *)&peer, &peer_len) != 0)
        return false;
    *own_r = own.sin_port;
    *peer_r = peer.sin_port;
    return peer.sin_family == AF_INET;
}

static bool is_end_of(int fd, in_port_t own, in_port_t peer)
{
    in_port_t here, there;

    return ports_of(fd, &here, &there) && here == peer && there == own;
}

static int other_end(int fd)
{
    in_port_t own, peer;

    ck_assert(ports_of(fd, &own, &peer));
    for (int i = 0; i < PATIENCE_MS; i++) {
        for (int end = 3; end < 1024; end++)
            if (end != fd && is_end_of(end, own, peer))
                return end;
        pause_briefly();
    }
    ck_abort_msg("the proxy has no end of this connection");
}

void settle(int fd)
{
    int unread = 1, unsent = 1;

    for (int i = 0; i < PATIENCE_MS && (unread || unsent); i++) {
        ck_assert_int_eq(ioctl(fd, SIOCOUTQ, &unsent), 0);
        ck_assert_int_eq(ioctl(other_end(fd), SIOCINQ, &unread), 0);
        pause_briefly();
    }
    ck_assert_msg(!unread && !unsent, "the proxy has not read %d bytes", unread + unsent);
}

void widen(int fd)
{
    int much = 1 << 20;

    ck_assert_int_eq(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &much, sizeof much), 0);
    ck_assert_int_eq(setsockopt(other_end(fd), SOL_SOCKET, SO_SNDBUF, &much, sizeof much), 0);
}

void narrow(int fd)
{
    int least = 1;

    ck_assert_int_eq(setsockopt(other_end(fd), SOL_SOCKET, SO_SNDBUF, &least, sizeof least), 0);
}

/* ---- targets ---- */

static void no_delay(int fd)
{
    int one = 1;

    ck_assert_int_eq(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one), 0);
}

static void bind_origin(struct origin *target)
{
    struct sockaddr_in addr = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof addr;

    target->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_ge(target->fd, 0);
    ck_assert_int_eq(bind(target->fd, (struct sockaddr *)&addr, sizeof addr), 0);
    ck_assert_int_eq(getsockname(target->fd, (struct sockaddr *)&addr, &len), 0);
    target->port = ntohs(addr.sin_port);
}

void target_open(struct origin *target)
{
    bind_origin(target);
    ck_assert_int_eq(listen(target->fd, 1024), 0);
}

void target_open_narrow(struct origin *target)
{
    int least = 1;

    bind_origin(target);
    ck_assert_int_eq(setsockopt(target->fd, SOL_SOCKET, SO_RCVBUF, &least, sizeof least), 0);
    ck_assert_int_eq(listen(target->fd, 1024), 0);
}

void target_refuse(struct origin *target)
{
    bind_origin(target); /* and no more: nobody else gets the port */
}

int target_accept(struct origin *target)
{
    int fd;

    await(target->fd, POLLIN, "for a connection to the target");
    fd = accept4(target->fd, NULL, NULL, SOCK_CLOEXEC);
    ck_assert_int_ge(fd, 0);
    no_delay(fd);
    return fd;
}

bool target_is_left_alone(struct origin *target)
{
    return !is_ready(target->fd, POLLIN, QUIET_MS);
}

void target_close(struct origin *target)
{
    if (target->fd > 0)
        close(target->fd);
    target->fd = 0;
}

/* ---- a target that answers by itself ---- */

enum { SERVED_MAX = 256 };

struct server {
    int listener, stop_fd;
    pthread_t thread;
    char answer[128];
    size_t answer_len;
    _Atomic unsigned long requests; /* written by its thread, read by the test; relaxed: a count */
    struct pollfd fds[SERVED_MAX];
    char tail[SERVED_MAX][4]; /* the last bytes of each connection: a head may be cut anywhere */
    nfds_t len;
};

static bool server_answer(struct server *server, size_t i)
{
    char bytes[4096];
    ssize_t n = recv(server->fds[i].fd, bytes, sizeof bytes, 0);

    for (ssize_t k = 0; k < n; k++) {
        memmove(server->tail[i], server->tail[i] + 1, 3);
        server->tail[i][3] = bytes[k];
        if (memcmp(server->tail[i], "\r\n\r\n", 4) != 0)
            continue;
        atomic_fetch_add_explicit(&server->requests, 1, memory_order_relaxed);
        if (send(server->fds[i].fd, server->answer, server->answer_len, MSG_NOSIGNAL) !=
            (ssize_t)server->answer_len)
            return false;
    }
    return n > 0;
}

static void server_drop(struct server *server, size_t i)
{
    close(server->fds[i].fd);
    server->len--;
    server->fds[i] = server->fds[server->len];
    memcpy(server->tail[i], server->tail[server->len], 4);
}

static void server_take(struct server *server)
{
    int fd = accept4(server->listener, NULL, NULL, SOCK_CLOEXEC);

    if (fd < 0)
        return;
    no_delay(fd);
    server->fds[server->len] = (struct pollfd){.fd = fd, .events = POLLIN};
    memset(server->tail[server->len], 0, 4);
    server->len++;
}

static void *server_run(void *arg)
{
    struct server *server = arg;

    server->fds[0] = (struct pollfd){.fd = server->stop_fd, .events = POLLIN};
    server->fds[1] = (struct pollfd){.fd = server->listener, .events = POLLIN};
    server->len = 2;
    while (poll(server->fds, server->len, -1) > 0 && !server->fds[0].revents) {
        for (size_t i = server->len; i-- > 2;)
            if (server->fds[i].revents && !server_answer(server, i))
                server_drop(server, i);
        if (server->fds[1].revents && server->len < SERVED_MAX)
            server_take(server);
    }
    while (server->len > 1)
        server_drop(server, server->len - 1);
    return NULL;
}

struct server *server_start(struct origin *target, const char *label)
{
    struct server *server = mem_zalloc(sizeof *server);

    server->listener = target->fd;
    target->fd = -1;
    server->stop_fd = eventfd(0, EFD_CLOEXEC);
    server->answer_len =
        (size_t)snprintf(server->answer, sizeof server->answer,
                         "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n%s", strlen(label), label);
    ck_assert_int_eq(pthread_create(&server->thread, NULL, server_run, server), 0);
    return server;
}

unsigned long server_requests(const struct server *server)
{
    return atomic_load_explicit(&server->requests, memory_order_relaxed);
}

void server_stop(struct server *server)
{
    uint64_t one = 1;

    ck_assert_int_eq(write(server->stop_fd, &one, sizeof one), sizeof one);
    pthread_join(server->thread, NULL);
    close(server->stop_fd);
    free(server);
}

/* ---- the proxy ---- */

static struct config *load(const struct proxy *proxy, const struct proxy_setup *setup)
{
    struct conf_report report;
    struct config *config;
    struct text yaml;
    const char *group = setup->group ? setup->group : "";

    text_init(&yaml, 65536);
    text_printf(&yaml, "workers: %u\nlisteners: [ { address: \"127.0.0.1:0\" } ]\n%s",
                setup->workers ? setup->workers : 1, setup->top ? setup->top : "");
    text_printf(&yaml, "targetGroups:\n  ec2: { platform: ec2, %stargets: [ \"127.0.0.1:%u\" %s ] }\n", group,
                proxy->stable.port, setup->more_targets ? setup->more_targets : "");
    text_printf(&yaml,
                "  fargate: { platform: fargate, %stags: { env: test }, targets: [ \"127.0.0.1:%u\" ] }\n",
                group, proxy->canary.port);
    text_printf(&yaml, "routes: [ { name: web, %sstable: ec2, canary: fargate } ]\n",
                setup->route ? setup->route : "");
    conf_report_init(&report);
    config = config_load_bytes("test", (struct str){yaml.p, yaml.len}, ".", true, &report);
    if (!config)
        conf_report_print(&report, stderr);
    ck_assert_ptr_nonnull(config);
    conf_report_fini(&report);
    text_fini(&yaml);
    return config;
}

struct routes *proxy_snapshot(struct proxy *proxy)
{
    static const struct hash_key key = {1, 2};
    struct route_live live = {
        .weight = proxy->weight, .epoch = ++proxy->epoch, .plan = proxy->plan, .step = proxy->plan ? 0 : -1};

    return routes_build(proxy->config, &live, NULL, &key, ++proxy->version);
}

void proxy_start(struct proxy *proxy, const struct proxy_setup *setup)
{
    static const struct proxy_setup plain;
    const char *port;
    char why[256];

    setup = setup ? setup : &plain;
    if (proxy->stable.port == 0)
        target_open(&proxy->stable);
    if (proxy->canary.port == 0)
        target_open(&proxy->canary);
    proxy->config = load(proxy, setup);
    proxy->weight = setup->weight;
    proxy->plan = setup->plan;
    proxy->log = json_array();
    proxy->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    proxy->crew = crew_start(proxy_snapshot(proxy), setup->no_log ? -1 : proxy->wake_fd, why, sizeof why);
    ck_assert_msg(proxy->crew, "%s", why);
    port = strrchr(crew_listener_text(proxy->crew, 0), ':');
    proxy->port = (uint16_t)strtoul(port + 1, NULL, 10);
}

static int connect_to(uint16_t port, bool is_narrow)
{
    struct sockaddr_in addr = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), least = 1;

    ck_assert_int_ge(fd, 0);
    if (is_narrow)
        ck_assert_int_eq(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &least, sizeof least), 0);
    ck_assert_int_eq(connect(fd, (struct sockaddr *)&addr, sizeof addr), 0);
    no_delay(fd);
    return fd;
}

int proxy_connect(struct proxy *proxy)
{
    return connect_to(proxy->port, false);
}

int proxy_connect_narrow(struct proxy *proxy)
{
    int fd = connect_to(proxy->port, true);

    narrow(fd);
    return fd;
}

void proxy_publish(struct proxy *proxy, uint32_t weight)
{
    proxy->weight = weight;
    crew_publish(proxy->crew, proxy_snapshot(proxy));
    for (int i = 0; i < PATIENCE_MS && crew_seen(proxy->crew) < proxy->version; i++)
        pause_briefly();
    ck_assert_uint_eq(crew_seen(proxy->crew), proxy->version);
}

/* As control's slots: a target that was not there gets a number that nobody had. */
static void number_targets(struct config *config, const struct config *before)
{
    static uint32_t next = CONFIG_TARGETS_MAX / 2;

    for (size_t g = 0; g < config->groups_len; g++)
        for (size_t i = 0; i < config->groups[g].targets_len; i++) {
            struct config_target *target = &config->groups[g].targets[i];
            const struct config_group *old = &before->groups[g];

            target->slot = next;
            for (size_t k = 0; k < old->targets_len; k++)
                if (strcmp(old->targets[k].address.text, target->address.text) == 0)
                    target->slot = old->targets[k].slot;
            next += target->slot == next;
        }
}

void proxy_reload(struct proxy *proxy, const struct proxy_setup *setup)
{
    struct config *before = proxy->config;

    proxy->config = load(proxy, setup);
    number_targets(proxy->config, before);
    proxy_publish(proxy, proxy->weight);
    config_unref(before);
}

static uint64_t requests(struct proxy *proxy)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < crew_size(proxy->crew); i++)
        sum += cell_get(&crew_shard(proxy->crew, i)->requests);
    return sum;
}

void proxy_wait_ended(struct proxy *proxy, uint64_t ended)
{
    for (int i = 0; i < PATIENCE_MS && requests(proxy) < ended; i++)
        pause_briefly();
    ck_assert_uint_eq(requests(proxy), ended);
}

uint64_t proxy_side_sum(struct proxy *proxy, enum route_side side, size_t offset)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < crew_size(proxy->crew); i++)
        sum += cell_get_at(&shard_route(crew_shard(proxy->crew, i), 0)->side[side], offset);
    return sum;
}

struct shard_target *proxy_target_cells(struct proxy *proxy, size_t worker, uint32_t slot)
{
    return shard_target(crew_shard(proxy->crew, worker), slot);
}

/* ---- the log ---- */

static void read_lines(struct proxy *proxy, const struct accesslog_chunk *chunk)
{
    const char *at = chunk->bytes, *end = at + chunk->len;
    uint32_t lines = 0;

    while (at < end) {
        const char *lf = memchr(at, '\n', (size_t)(end - at));
        json_error_t error;
        json_t *line;

        ck_assert_ptr_nonnull(lf);
        line = json_loadb(at, (size_t)(lf - at), JSON_REJECT_DUPLICATES, &error);
        ck_assert_msg(line, "%s: %.*s", error.text, (int)(lf - at), at);
        json_array_append_new(proxy->log, line);
        lines++;
        at = lf + 1;
    }
    ck_assert_uint_eq(lines, chunk->lines);
}

void proxy_take_log(struct proxy *proxy)
{
    for (size_t i = 0; i < crew_size(proxy->crew); i++) {
        struct accesslog_pipe *pipe = crew_log_pipe(proxy->crew, i);
        struct accesslog_chunk *chunk;

        while ((chunk = ring_pop(&pipe->full))) {
            read_lines(proxy, chunk);
            ck_assert(ring_push(&pipe->empty, chunk));
        }
    }
}

static const json_t *log_field(const struct proxy *proxy, size_t i, const char *path)
{
    const json_t *at = json_array_get(proxy->log, i);
    struct str rest = str_from(path), name;

    ck_assert_msg(at, "the log has %zu lines, no line %zu", json_array_size(proxy->log), i);
    while (at && str_split(&rest, '.', &name)) {
        char key[64];

        snprintf(key, sizeof key, "%.*s", STR_ARG(name));
        at = json_object_get(at, key);
    }
    return at;
}

const char *proxy_log_text(const struct proxy *proxy, size_t i, const char *path)
{
    const char *text = json_string_value(log_field(proxy, i, path));

    return text ? text : "";
}

long long proxy_log_number(const struct proxy *proxy, size_t i, const char *path)
{
    const json_t *number = log_field(proxy, i, path);

    return json_is_number(number) ? (long long)json_number_value(number) : -1;
}

/* ---- the sums ---- */

static unsigned outcome_named(const char *name)
{
    for (unsigned i = 0; i < OUTCOMES; i++)
        if (strcmp(outcome_row((enum outcome)i)->name, name) == 0)
            return i;
    ck_abort_msg("no outcome is called %s", name);
}

/* Lines that went to a side, by outcome and status class. */
static void count_lines(const struct proxy *proxy, uint64_t counts[ROUTE_SIDES][OUTCOMES][SHARD_CLASSES])
{
    for (size_t i = 0; i < json_array_size(proxy->log); i++) {
        const char *side = proxy_log_text(proxy, i, "side");
        long long class = proxy_log_number(proxy, i, "http.status_code") / 100;

        if (*side)
            counts[strcmp(side, "canary") == 0][outcome_named(proxy_log_text(proxy, i, "outcome"))][class]++;
    }
}

static void check_ended(struct proxy *proxy)
{
    static uint64_t lines[ROUTE_SIDES][OUTCOMES][SHARD_CLASSES];

    memset(lines, 0, sizeof lines);
    count_lines(proxy, lines);
    for (unsigned side = 0; side < ROUTE_SIDES; side++)
        for (unsigned outcome = 0; outcome < OUTCOMES; outcome++)
            for (unsigned class = 0; class < SHARD_CLASSES; class ++) {
                size_t at = offsetof(struct shard_side, ended) +
                            (outcome * SHARD_CLASSES + class) * sizeof(struct cell);
                uint64_t counted = proxy_side_sum(proxy, (enum route_side)side, at);

                ck_assert_msg(counted == lines[side][outcome][class],
                              "side %u, %s %uxx: the counters say %llu, the log %llu", side,
                              outcome_row((enum outcome)outcome)->name, class, (unsigned long long)counted,
                              (unsigned long long)lines[side][outcome][class]);
            }
}

static uint64_t bytes_in_log(const struct proxy *proxy, const char *side, const char *path)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < json_array_size(proxy->log); i++)
        if (strcmp(proxy_log_text(proxy, i, "side"), side) == 0)
            sum += (uint64_t)proxy_log_number(proxy, i, path);
    return sum;
}

static void check_side(struct proxy *proxy, enum route_side side, const char *name)
{
    uint64_t ended = 0, timed = 0;

    for (size_t i = 0; i < OUTCOMES * SHARD_CLASSES; i++)
        ended += proxy_side_sum(proxy, side, offsetof(struct shard_side, ended) + i * sizeof(struct cell));
    for (size_t i = 0; i < HIST_BUCKETS; i++)
        timed += proxy_side_sum(proxy, side, offsetof(struct shard_side, latency) + i * sizeof(struct cell));
    ck_assert_uint_eq(ended, timed);
    ck_assert_uint_eq(proxy_side_sum(proxy, side, offsetof(struct shard_side, open)), 0);
    ck_assert_uint_eq(proxy_side_sum(proxy, side, offsetof(struct shard_side, received)),
                      bytes_in_log(proxy, name, "network.bytes_read"));
    ck_assert_uint_eq(proxy_side_sum(proxy, side, offsetof(struct shard_side, sent)),
                      bytes_in_log(proxy, name, "network.bytes_written"));
}

/* Copies that have a line of their own (proxy/mirror). */
static uint64_t mirrored(struct shard *shard)
{
    const struct shard_mirror *cells = &shard_route(shard, 0)->mirror;
    uint64_t answers = 0, agreed = 0;

    for (size_t i = 0; i < SHARD_CLASSES; i++)
        answers += cell_get(&cells->answers[i]);
    for (size_t i = 0; i < MIRROR_AGREEMENTS; i++)
        agreed += cell_get(&cells->agreed[i]);
    ck_assert_uint_eq(answers, agreed);
    ck_assert_uint_eq(cell_get(&cells->open), 0);
    return answers;
}

static void check_worker(struct proxy *proxy, size_t worker)
{
    struct shard *shard = crew_shard(proxy->crew, worker);

    ck_assert_uint_eq(cell_get(&shard->connections), 0);
    for (uint32_t slot = 0; slot < CONFIG_TARGETS_MAX; slot++)
        if (shard_target(shard, slot))
            ck_assert_uint_eq(cell_get(&shard_target(shard, slot)->busy), 0);
    for (uint32_t slot = 0; slot < CONFIG_GROUPS_MAX; slot++)
        if (shard_group(shard, slot))
            ck_assert_uint_eq(cell_get(&shard_group(shard, slot)->waiting), 0);
    ck_assert_uint_eq(cell_get(&shard->requests) + mirrored(shard),
                      cell_get(&shard->log_lines) + cell_get(&shard->log_dropped));
}

void proxy_stop(struct proxy *proxy)
{
    uint64_t dropped = 0;

    crew_stop(proxy->crew);
    proxy_take_log(proxy);
    for (size_t i = 0; i < crew_size(proxy->crew); i++) {
        check_worker(proxy, i);
        dropped += cell_get(&crew_shard(proxy->crew, i)->log_dropped);
    }
    ck_assert(crew_idle(proxy->crew));
    if (dropped)
        return;
    check_ended(proxy);
    check_side(proxy, ROUTE_STABLE, "stable");
    check_side(proxy, ROUTE_CANARY, "canary");
}

void proxy_free(struct proxy *proxy)
{
    crew_free(proxy->crew);
    config_unref(proxy->config);
    json_decref(proxy->log);
    close(proxy->wake_fd);
    target_close(&proxy->stable);
    target_close(&proxy->canary);
}
