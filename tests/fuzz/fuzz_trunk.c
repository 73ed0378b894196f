/*
 * A whole worker between clients and a hostile target of HTTP/2. The input is a script: clients come, ask,
 * send content, leave, stop reading; the target says frames and bytes of any kind, closes, stops reading; and
 * time passes. Nothing runs by itself: the worker takes turns where the script says so, and the clock is the
 * script's, so that a finding can be replayed.
 *
 * Whatever the target does, a client gets valid HTTP: those of HTTP/1.1 are read by the codec and those of
 * HTTP/2 by a session of ours (as long as they have not broken the rules themselves); and at the end nothing
 * is held any more and each request has a line in the access log.
 */
#define clk_mono_ns kernel_mono_ns
#define clk_wall_ns kernel_wall_ns
#include "base/clk.h"

int64_t kernel_mono_ns(void);
int64_t kernel_wall_ns(void);
#include "base/clk.c"
#undef clk_mono_ns
#undef clk_wall_ns

int64_t clk_mono_ns(void);
int64_t clk_wall_ns(void);
#include "proxy/worker.c" /* its turns are taken here */

#include "conf/load.h"
#include "proto/h1.h"
#include "proto/h1_body.h"
#include "proto/h2.h"

#include <jansson.h>
#include <stdio.h>
#include <sys/socket.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
    CLIENTS = 4,
    TARGETS = 4, /* connections to it */
    ASKED = 8,   /* by a client at a time */
    TURNS = 6,
    STEPS = 400, /* of a script */
    IN_MAX = 160 * 1024,
    FRAME_HEAD = 9,
    FRAME_MAX = 16384,
    BIG = 60000,
};
#define BEGIN_NS (1000 * NS_PER_S)

static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
static char xs[BIG];

/* ---- the clock ---- */

static int64_t now_ns;

int64_t clk_mono_ns(void)
{
    return now_ns;
}

int64_t clk_wall_ns(void)
{
    return now_ns;
}

/* ---- the script ---- */

struct script {
    const uint8_t *at, *end;
};

static unsigned next(struct script *script)
{
    return script->at < script->end ? *script->at++ : 0;
}

/* A length and as many bytes. */
static struct str next_bytes(struct script *script)
{
    size_t len = next(script), left = (size_t)(script->end - script->at);
    struct str bytes = {(const char *)script->at, len < left ? len : left};

    script->at += bytes.len;
    return bytes;
}

/* ---- sockets: what the other side does not take is lost, and its end comes with it ---- */

static void say(int *fd, const char *bytes, size_t len)
{
    if (*fd < 0 || send(*fd, bytes, len, MSG_NOSIGNAL | MSG_DONTWAIT) == (ssize_t)len)
        return;
    close(*fd);
    *fd = -1;
}

static void leave(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

/* ---- a client ---- */

struct client {
    int fd; /* -1: none */
    bool deaf;
    bool wild; /* has sent bytes of the script: nothing is expected of the answers */
    /* HTTP/1.1 */
    enum method asked[ASKED];
    unsigned asked_len;
    size_t owes; /* content of its last request */
    char *in;
    size_t in_len;
    bool in_body;
    struct h1_body body;
    /* HTTP/2 */
    struct h2 *h2;
    struct ask {
        struct h2_stream *stream;
        size_t owes, ready; /* content: still to be sent, and of it what may be */
    } asks[ASKED];
};

static struct client clients[CLIENTS];

static void client_leave(struct client *client)
{
    leave(&client->fd);
    h2_free(&client->h2);
    free(client->in);
    *client = (struct client){.fd = -1};
}

/* -- HTTP/2 -- */

static void drop_ask(struct h2_stream *stream)
{
    *(struct ask *)stream->user = (struct ask){.stream = NULL};
    h2_release(stream);
}

static void on_head(void *owner, struct h2_stream *stream, enum h1_error error)
{
    const struct client *client = owner;

    (void)stream;
    BUG_ON(error && !client->wild);
}

static void on_data(void *owner, struct h2_stream *stream, struct str data)
{
    (void)owner;
    h2_consume(stream, (uint32_t)data.len);
}

static void on_end(void *owner, struct h2_stream *stream)
{
    (void)owner;
    drop_ask(stream);
}

static void on_reset(void *owner, struct h2_stream *stream, uint32_t code, bool by_peer)
{
    const struct client *client = owner;

    (void)code;
    BUG_ON(!by_peer && !client->wild && !h2_ended(client->h2));
    drop_ask(stream);
}

static size_t on_content(void *owner, struct h2_stream *stream, char *out, size_t max, bool *end_r)
{
    struct ask *ask = stream->user;
    size_t n = ask->ready < max ? ask->ready : max;

    (void)owner;
    memset(out, 'x', n);
    ask->ready -= n;
    ask->owes -= n;
    *end_r = ask->owes == 0;
    return n;
}

static const struct h2_events client_events = {
    .head = on_head, .data = on_data, .end = on_end, .reset = on_reset, .content = on_content};

static void client_flush(struct client *client)
{
    char out[4096];

    while (client->fd >= 0 && h2_has_output(client->h2)) {
        size_t n = h2_gather(client->h2, out, sizeof out);

        if (n == 0)
            break;
        say(&client->fd, out, n);
    }
}

static void client_hear_h2(struct client *client, const char *bytes, size_t len)
{
    enum h2_error error = h2_feed(client->h2, bytes, len, now_ns);

    if (error && h2_error_is_peers(error) && !client->wild)
        BUG("the proxy has broken a session: %s", h2_error_name(error));
    client_flush(client);
    if (error)
        client_leave(client);
}

static void client_ask_h2(struct client *client, const char *method, size_t content)
{
    const struct h2_request request = {
        .method = str_from(method), .scheme = STR("http"), .authority = STR("a"), .path = STR("/")};

    for (size_t i = 0; i < ASKED; i++) {
        struct ask *ask = &client->asks[i];

        if (ask->stream)
            continue;
        *ask = (struct ask){.owes = content};
        ask->stream = h2_request(client->h2, &request, NULL, 0, content > 0, ask);
        client_flush(client);
        return;
    }
}

/* -- HTTP/1.1 -- */

/* What of the next answer is there; false when more has to come. */
static bool read_answer(struct client *client, size_t *at)
{
    struct field fields[HEAD_FIELDS_MAX];
    struct h1_scan scan;
    struct head head;
    enum method method = client->asked_len ? client->asked[0] : METHOD_GET;

    h1_scan_init(&scan);
    switch (h1_scan(&scan, &h1_response_limits, client->in + *at, client->in_len - *at)) {
    case H1_SCAN_MORE:
        return false;
    case H1_SCAN_BAD:
        BUG("the head of an answer is wrong: %s", h1_error_name(scan.error));
    case H1_SCAN_DONE:
        break;
    }
    head_init(&head, fields, HEAD_FIELDS_MAX);
    BUG_ON(h1_response_parse(&scan, client->in + *at, method, &head) != H1_OK);
    BUG_ON(head.status == 101);
    *at += scan.end;
    if (head.status < 200)
        return true;
    if (client->asked_len)
        memmove(client->asked, client->asked + 1, --client->asked_len * sizeof client->asked[0]);
    h1_body_init(&client->body, head.framing, head.content_length, &h1_response_limits);
    client->in_body = true;
    return true;
}

static bool read_content(struct client *client, size_t *at)
{
    enum h1_body_event event;
    struct str data;
    size_t n;

    event = h1_body_feed(&client->body, client->in + *at, client->in_len - *at, &data, &n);
    *at += n;
    BUG_ON(event == H1_BODY_BAD);
    client->in_body = event != H1_BODY_DONE;
    return event != H1_BODY_MORE;
}

static void client_hear_h1(struct client *client, const char *bytes, size_t len)
{
    size_t at = 0;

    if (client->wild)
        return;
    BUG_ON(len > IN_MAX - client->in_len);
    memcpy(client->in + client->in_len, bytes, len);
    client->in_len += len;
    while (client->in_body ? read_content(client, &at) : read_answer(client, &at))
        ;
    memmove(client->in, client->in + at, client->in_len - at);
    client->in_len -= at;
}

static void client_ask_h1(struct client *client, const char *method, enum method id, size_t content,
                          bool chunked)
{
    char head[128];
    int len;

    if (client->owes || client->asked_len == ASKED)
        return;
    if (chunked)
        len = snprintf(head, sizeof head,
                       "%s / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
                       "3\r\nxxx\r\n0\r\n\r\n",
                       method);
    else
        len = snprintf(head, sizeof head, "%s / HTTP/1.1\r\nHost: a\r\nContent-Length: %zu\r\n\r\n", method,
                       content);
    client->owes = chunked ? 0 : content;
    client->asked[client->asked_len++] = id;
    say(&client->fd, head, (size_t)len);
}

/* -- both -- */

static void client_come(struct worker *worker, struct client *client, bool h2)
{
    struct sockaddr_in peer = {.sin_family = AF_INET, .sin_port = 1, .sin_addr.s_addr = htonl(0x7f000001)};
    int fds[2];

    client_leave(client);
    BUG_ON(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0);
    BUG_ON(fcntl(fds[1], F_SETFL, O_NONBLOCK) < 0);
    client->fd = fds[0];
    client->in = mem_alloc(IN_MAX);
    if (h2) {
        client->h2 = h2_new(&h2_client_config, &client_events, client, now_ns);
        BUG_ON(!client->h2);
    }
    take(worker, 0, fds[1], (struct sockaddr *)&peer);
    if (h2)
        client_flush(client);
}

static void client_ask(struct client *client, unsigned how, size_t content)
{
    static const struct {
        const char *name;
        enum method id;
    } methods[] = {{"GET", METHOD_GET}, {"POST", METHOD_POST}, {"HEAD", METHOD_HEAD}, {"PUT", METHOD_PUT}};
    unsigned i = how % ARRAY_LEN(methods);

    if (client->fd < 0)
        return;
    if (client->h2)
        client_ask_h2(client, methods[i].name, i % 2 ? content : 0);
    else
        client_ask_h1(client, methods[i].name, methods[i].id, i % 2 ? content : 0, i % 2 && how & 4);
}

static void client_send(struct client *client, unsigned which, size_t len)
{
    struct ask *ask = &client->asks[which % ASKED];

    if (client->fd < 0)
        return;
    if (!client->h2) {
        len = len < client->owes ? len : client->owes;
        client->owes -= len;
        say(&client->fd, xs, len);
    } else if (ask->stream) {
        ask->ready = ask->ready + len < ask->owes ? ask->ready + len : ask->owes;
        h2_wake(ask->stream);
        client_flush(client);
    }
}

static void client_cancel(struct client *client, unsigned which)
{
    struct ask *ask = &client->asks[which % ASKED];

    if (!client->h2 || which >= 128) {
        client_leave(client);
    } else if (ask->stream) {
        drop_ask(ask->stream);
        client_flush(client);
    }
}

/* True when something has come. */
static bool client_read(struct client *client)
{
    static char bytes[16384];
    ssize_t n;

    if (client->fd < 0 || client->deaf)
        return false;
    n = recv(client->fd, bytes, sizeof bytes, MSG_DONTWAIT);
    if (n == 0 || (n < 0 && errno != EAGAIN))
        client_leave(client);
    else if (n > 0 && client->h2)
        client_hear_h2(client, bytes, (size_t)n);
    else if (n > 0)
        client_hear_h1(client, bytes, (size_t)n);
    return n > 0;
}

/* ---- the target ---- */

struct peer {
    int fd;
    bool deaf;
    size_t preface; /* bytes of it that have come */
    unsigned char head[FRAME_HEAD];
    size_t head_len, left; /* of the frame in progress */
};

static struct peer peers[TARGETS];
static int listener = -1;

static void peer_leave(struct peer *peer)
{
    leave(&peer->fd);
    *peer = (struct peer){.fd = -1};
}

/* What we say to a target is the preface and frames. */
static void peer_hear(struct peer *peer, const char *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (peer->preface < sizeof preface - 1) {
            BUG_ON(bytes[i] != preface[peer->preface++]);
        } else if (peer->left) {
            size_t n = peer->left < len - i ? peer->left : len - i;

            peer->left -= n;
            i += n - 1;
        } else {
            peer->head[peer->head_len++] = (unsigned char)bytes[i];
            if (peer->head_len < FRAME_HEAD)
                continue;
            peer->head_len = 0;
            peer->left = (size_t)peer->head[0] << 16 | (size_t)peer->head[1] << 8 | peer->head[2];
            BUG_ON(peer->left > FRAME_MAX || peer->head[3] > 9);
        }
    }
}

static bool peer_read(struct peer *peer)
{
    static char bytes[16384];
    ssize_t n;

    if (peer->fd < 0 || peer->deaf)
        return false;
    n = recv(peer->fd, bytes, sizeof bytes, MSG_DONTWAIT);
    if (n == 0 || (n < 0 && errno != EAGAIN))
        peer_leave(peer);
    else if (n > 0)
        peer_hear(peer, bytes, (size_t)n);
    return n > 0;
}

static void peer_take(void)
{
    for (size_t i = 0; i < TARGETS; i++)
        if (peers[i].fd < 0)
            peers[i].fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
}

static void peer_frame(struct peer *peer, unsigned type, unsigned flags, uint32_t stream, const char *payload,
                       size_t len)
{
    char head[FRAME_HEAD] = {(char)(len >> 16),    (char)(len >> 8),    (char)len,
                             (char)type,           (char)flags,         (char)(stream >> 24),
                             (char)(stream >> 16), (char)(stream >> 8), (char)stream};

    say(&peer->fd, head, sizeof head);
    say(&peer->fd, payload, len);
}

/* Well-formed, more or less: a status and a length, content, an end. */
static void peer_answer(struct peer *peer, uint32_t stream, unsigned how)
{
    static const char ok[] = "\x88",
                      early[] = "\x08\x03"
                                "103",
                      four[] = "\x88\x0f\x0d\x01"
                               "4",
                      no[] = "\x89";

    switch (how % 8) {
    case 0:
        peer_frame(peer, 1, 5, stream, ok, sizeof ok - 1);
        break;
    case 1:
        peer_frame(peer, 1, 4, stream, ok, sizeof ok - 1);
        break;
    case 2:
        peer_frame(peer, 1, 4, stream, early, sizeof early - 1);
        break;
    case 3:
        peer_frame(peer, 1, 4, stream, four, sizeof four - 1);
        peer_frame(peer, 0, 1, stream, xs, 4);
        break;
    case 4:
        peer_frame(peer, 1, 5, stream, no, sizeof no - 1);
        break;
    case 5:
        peer_frame(peer, 0, how & 8 ? 1 : 0, stream, xs, how * 64U);
        break;
    case 6:
        peer_frame(peer, 3, 0, stream, how & 8 ? "\0\0\0\7" : "\0\0\0\0", 4);
        break;
    case 7:
        peer_frame(peer, 7, 0, 0, how & 8 ? "\0\0\0\0\0\0\0\0" : "\x7f\xff\xff\xff\0\0\0\0", 8);
        break;
    }
}

/* ---- the proxy ---- */

static struct worker_shared shared;
static struct config *config;
static struct routes *routes;
static int log_fd;

static const char yaml[] =
    "listeners: [ { address: \"127.0.0.1:1\", h2c: true } ]\n"
    "limits: { connections: 50, memory: 64MiB }\n"
    "targetGroups: { t: { platform: ec2, protocol: h2c, trailers: true, targets: [ \"127.0.0.1:1\" ] } }\n"
    "routes: [ { name: web, stable: t } ]\n";

/* An abstract unix socket: nothing of TCP stands in the way of so many connections. */
static void open_target(struct config_address *address)
{
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    socklen_t len = sizeof(sa_family_t); /* the kernel finds a name */

    listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    BUG_ON(bind(listener, (struct sockaddr *)&un, len) < 0 || listen(listener, TARGETS) < 0);
    len = sizeof un;
    BUG_ON(getsockname(listener, (struct sockaddr *)&un, &len) < 0);
    address->addr.un = un;
    address->addr_len = len;
}

static void prepare(void)
{
    static const struct hash_key key = {1, 2};
    const struct route_live live = {.step = -1, .epoch = 1};
    struct conf_report report;

    log_set_level(LOG_LEVEL_ERROR);
    conf_report_init(&report);
    config = config_load_bytes("fuzz", STR(yaml), ".", true, &report);
    if (!config)
        conf_report_print(&report, stderr);
    BUG_ON(!config);
    conf_report_fini(&report);
    open_target(&config->groups[0].targets[0].address);
    routes = routes_build(config, &live, NULL, &key, 1);
    shared.workers = 1;
    shared.seen_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    log_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    crowd_init(&shared.crowd);
    memset(xs, 'x', sizeof xs);
    for (size_t i = 0; i < CLIENTS; i++)
        clients[i].fd = -1;
    for (size_t i = 0; i < TARGETS; i++)
        peers[i].fd = -1;
}

/* As long as something moves, and at least one turn. */
static void run_turns(struct worker *worker)
{
    bool moved = true;

    for (int i = 0; i < TURNS && moved; i++) {
        worker_look_later(worker); /* so that the loop does not wait */
        turn(worker);
        peer_take();
        moved = worker->again || worker->trunks_dirty || worker->muxes;
        for (size_t k = 0; k < CLIENTS; k++)
            moved |= client_read(&clients[k]);
        for (size_t k = 0; k < TARGETS; k++)
            moved |= peer_read(&peers[k]);
    }
}

static void pass(struct worker *worker, int64_t ns)
{
    now_ns += ns;
    on_tick(-1, 0, worker);
    if (ns >= NS_PER_S)
        sweep_targets(worker);
}

static void read_log(struct worker *worker, uint64_t *lines)
{
    struct accesslog_chunk *chunk;

    accesslog_flush(&worker->log, worker->now_ns, true);
    while ((chunk = ring_pop(&worker->pipe.full))) {
        const char *at = chunk->bytes, *end = at + chunk->len;

        for (; at < end; (*lines)++) {
            const char *lf = memchr(at, '\n', (size_t)(end - at));
            json_t *line = json_loadb(at, (size_t)(lf - at), JSON_REJECT_DUPLICATES, NULL);

            BUG_ON(!line);
            json_decref(line);
            at = lf + 1;
        }
        BUG_ON(!ring_push(&worker->pipe.empty, chunk));
    }
}

static void check_end(struct worker *worker)
{
    uint64_t lines = 0;

    read_log(worker, &lines);
    BUG_ON(cell_get(&worker->shard->requests) != lines + cell_get(&worker->shard->log_dropped));
    BUG_ON(cell_get(&worker->shard->connections) != 0);
    BUG_ON(cell_get(&shard_target(worker->shard, 0)->busy) != 0);
    BUG_ON(atomic_load_explicit(&shared.connections, memory_order_relaxed) != 0);
    BUG_ON(atomic_load_explicit(&routes->users[0], memory_order_relaxed) != 0);
}

static void step(struct worker *worker, struct script *script)
{
    unsigned op = next(script), arg, more;
    struct client *client = &clients[op >> 4 & 3];
    struct peer *peer = &peers[op >> 4 & 3];
    struct str bytes;

    switch (op & 15) {
    case 0:
    case 1:
        client_come(worker, client, op & 1);
        break;
    case 2:
        arg = next(script);
        client_ask(client, arg, next(script) * 256);
        break;
    case 3:
        arg = next(script);
        client_send(client, arg, next(script) * 128);
        break;
    case 4:
        client_cancel(client, next(script));
        break;
    case 5:
        client->deaf = !client->deaf;
        break;
    case 6:
        client->wild = true;
        bytes = next_bytes(script);
        say(&client->fd, bytes.p, bytes.len);
        break;
    case 7:
        arg = next(script);
        more = next(script);
        peer_frame(peer, arg, more, next(script), "", 0);
        break;
    case 8:
        arg = next(script);
        more = next(script);
        op = next(script);
        bytes = next_bytes(script);
        peer_frame(peer, arg, more, op, bytes.p, bytes.len);
        break;
    case 9:
        bytes = next_bytes(script);
        say(&peer->fd, bytes.p, bytes.len);
        break;
    case 10:
        peer_frame(peer, 4, 0, 0, "", 0);
        peer_frame(peer, 4, 1, 0, "", 0);
        break;
    case 11:
        arg = next(script);
        peer_answer(peer, arg, next(script));
        break;
    case 12:
        peer->deaf = !peer->deaf;
        break;
    case 13:
        peer_leave(peer);
        break;
    case 14:
        arg = next(script);
        pass(worker, arg < 128 ? arg * NS_PER_MS : (int64_t)(arg - 127) * NS_PER_S);
        break;
    case 15:
        arg = next(script);
        if (arg < 128) /* as if others had taken the rest */
            budget_limit(&shared.memory, budget_used(&shared.memory) + arg * 4096);
        else
            budget_limit(&shared.memory, config->limits.memory);
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct script script = {data, data + size};
    struct worker *worker;

    if (!config)
        prepare();
    now_ns = BEGIN_NS;
    worker = worker_new(&shared, 0, NULL, 0, routes, log_fd);
    event_del(&worker->tick_event); /* the script has the time */
    rnd_seed(&worker->rnd, 1);
    shard_cover(worker->shard, config);
    for (int i = 0; i < STEPS && script.at < script.end; i++) {
        step(worker, &script);
        run_turns(worker);
    }
    for (size_t i = 0; i < CLIENTS; i++)
        client_leave(&clients[i]);
    run_turns(worker);
    close_all(worker);
    check_end(worker);
    worker_free(worker);
    BUG_ON(budget_used(&shared.memory) != 0);
    peer_take(); /* what nobody has accepted yet */
    for (size_t i = 0; i < TARGETS; i++)
        peer_leave(&peers[i]);
    return 0;
}
