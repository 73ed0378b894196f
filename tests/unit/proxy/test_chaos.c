/*
 * Clients and targets that do anything at any time: speak in pieces, stop reading, answer too early, twice or
 * with garbage, switch protocols, close one side or both, reset, or let minutes pass. Targets of HTTP/2 say
 * any frames in any order. Whatever happens, the proxy stays up, and when all clients are gone nothing is
 * left.
 */
#include "fixture.h"

#include "../proto/h2peer.h"
#include "base/rnd.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    CLIENTS = 12,
    TARGETS = 48,
    ROUNDS = 6,
    FIRST_H2 = 4,  /* in these the targets speak HTTP/2 */
    BODY = 40000,  /* more than a small buffer */
    BULK = 150000, /* what passes by a pipe */
};

static struct proxy proxy;
static struct rnd rnd;

static struct client {
    int fd; /* 0: none */
    struct str script;
    size_t said;
} clients[CLIENTS];

static struct backend {
    int fd;
    struct str script;
    size_t said;
    /* HTTP/2 */
    struct text frames; /* the script */
    char head[9];       /* of the frame that is heard */
    size_t head_len, skip;
    uint32_t streams;  /* begun, as far as was heard */
    uint32_t answered; /* of them; but for what is said of any stream */
    uint32_t open;     /* its answer has begun; 0: none */
} targets[TARGETS];
static bool is_h2;

static char long_post[BODY + 200], long_answer[BODY + 200], long_hint[9200], bulk_post[BULK + 200],
    bulk_answer[BULK + 200];

static const char *requests[] = {
    "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
    "GET /x HTTP/1.1\r\nHost: a\r\n\r\nGET /y HTTP/1.1\r\nHost: a\r\n\r\nHEAD /z HTTP/1.1\r\nHost: a\r\n\r\n",
    "HEAD / HTTP/1.1\r\nHost: a\r\n\r\n",
    "GET / HTTP/1.0\r\n\r\n",
    "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello",
    "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n1\r\nx\r\n0\r\nT: "
    "1\r\n\r\n",
    "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\nhello",
    "DELETE / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    "GET /none HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n",
    "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzzz",
    "\r\nOPTIONS * HTTP/1.1\r\nHost: a\r\nMax-Forwards: 0\r\n\r\n",
    "garbage\r\n\r\n",
    "GET /te HTTP/1.1\r\nHost: a\r\nTE: trailers\r\nConnection: TE\r\n\r\n",
    "GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\nframes and frames",
    long_post,
    bulk_post,
};

static const char *answers[] = {
    "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
    "HTTP/1.1 204 No Content\r\n\r\n",
    "HTTP/1.1 500 Oh\r\nContent-Length: 0\r\n\r\n",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n1\r\n!\r\n0\r\n\r\n",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n2\r\nok\r\n0\r\nT: 1\r\n\r\n",
    "HTTP/1.1 200 OK\r\n\r\nuntil the end",
    "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
    "HTTP/1.1 103 Hints\r\n\r\n",
    "HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
    "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok and more",
    "HTTP/1.1 200 OK\r\nContent-Length: 200\r\n\r\nshort",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    "HTTP/1.1 101 Switching\r\n\r\n",
    "HTTP/1.1 101 Switching\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\nmore frames",
    "nonsense\r\n\r\n",
    long_answer,
    bulk_answer,
    long_hint,
};

/* A start line, a length, and as many bytes. */
static void make_message(char *block, size_t cap, const char *start, int len)
{
    int at = snprintf(block, cap, "%sContent-Length: %d\r\n\r\n", start, len);

    memset(block + at, 'x', (size_t)len);
}

static void make_long(void)
{
    size_t at;

    make_message(long_post, sizeof long_post, "POST / HTTP/1.1\r\nHost: a\r\n", BODY);
    make_message(bulk_post, sizeof bulk_post, "POST / HTTP/1.1\r\nHost: a\r\n", BULK);
    make_message(long_answer, sizeof long_answer, "HTTP/1.1 200 OK\r\n", BODY);
    make_message(bulk_answer, sizeof bulk_answer, "HTTP/1.1 200 OK\r\n", BULK);
    at = (size_t)snprintf(long_hint, sizeof long_hint, "HTTP/1.1 103 Hints\r\nLink: ");
    memset(long_hint + at, 'x', 9000);
    snprintf(long_hint + at + 9000, 5, "\r\n\r\n");
}

static void end(int *fd)
{
    struct linger abort_it = {.l_onoff = rnd_below(&rnd, 2) == 0};

    setsockopt(*fd, SOL_SOCKET, SO_LINGER, &abort_it, sizeof abort_it);
    close(*fd);
    *fd = 0;
}

static void say_some(int fd, struct str script, size_t *said)
{
    size_t left = script.len - *said, n = rnd_below(&rnd, 4) ? left : rnd_below(&rnd, (uint32_t)left + 1);
    ssize_t sent = send(fd, script.p + *said, n, MSG_NOSIGNAL | MSG_DONTWAIT);

    if (sent > 0)
        *said += (size_t)sent;
}

static char bytes[60000];

/* How many bytes; 0: the other side is gone. */
static ssize_t hear_some(int fd)
{
    return recv(fd, bytes, 1 + rnd_below(&rnd, sizeof bytes), MSG_DONTWAIT);
}

static void client_step(struct client *client)
{
    int least = 1;

    if (!client->fd) {
        client->fd = proxy_connect(&proxy);
        client->script = str_from(requests[rnd_below(&rnd, ARRAY_LEN(requests))]);
        client->said = 0;
        if (rnd_below(&rnd, 3) == 0)
            setsockopt(client->fd, SOL_SOCKET, SO_RCVBUF, &least, sizeof least);
        return;
    }
    switch (rnd_below(&rnd, 8)) {
    case 0:
        if (rnd_below(&rnd, 4) == 0)
            end(&client->fd);
        else if (rnd_below(&rnd, 8) == 0)
            shutdown(client->fd, SHUT_WR);
        break;
    case 1:
    case 2:
    case 3:
        say_some(client->fd, client->script, &client->said);
        break;
    default:
        if (hear_some(client->fd) == 0)
            end(&client->fd);
        else if (client->said == client->script.len) {
            client->script = str_from(requests[rnd_below(&rnd, ARRAY_LEN(requests))]);
            client->said = 0;
        }
    }
}

/* ---- targets of HTTP/2 ---- */

static const char *const heads[] = {
    ":status=200",
    ":status=200|content-length=5",
    ":status=204",
    ":status=503|retry-after=1",
    ":status=103|link=</a>",
    ":status=100",
    ":status=200|Upper=case",
    ":status=200|content-length=x",
    ":status=101",
    "x-sum=42",
    "",
};

static uint32_t any_stream(const struct backend *target)
{
    uint32_t recent = target->streams < 6 ? target->streams : 6;

    if (recent == 0 || rnd_below(&rnd, 40) == 0)
        return rnd_below(&rnd, 20);
    return 2 * (target->streams - rnd_below(&rnd, recent)) - 1;
}

static void put_settings(struct text *out)
{
    static const char values[] = {0, 0, 1, 2, 3, 100};
    char entry[6] = {0, 3, 0, 0, 0, values[rnd_below(&rnd, sizeof values)]};

    put_frame(out, F_SETTINGS, 0, 0, entry, sizeof entry);
}

static void put_any_data(struct text *out, struct backend *target)
{
    static char xs[16384];
    size_t len = rnd_below(&rnd, 3) ? 5 : rnd_below(&rnd, sizeof xs);
    bool end = rnd_below(&rnd, 3) == 0;

    memset(xs, 'x', sizeof xs);
    put_frame(out, F_DATA, end ? END_STREAM : 0, target->open, xs, len);
    if (end)
        target->open = 0;
}

static void put_answer(struct text *out, struct backend *target)
{
    uint32_t stream = 2 * target->answered + 1;

    if (target->answered == target->streams)
        return;
    target->answered++;
    if (rnd_below(&rnd, 2) == 0) {
        put_headers(out, stream, ":status=200|content-type=a", false);
        target->open = stream;
        return;
    }
    put_headers(out, stream, ":status=200|content-length=5", false);
    put_frame(out, F_DATA, END_STREAM, stream, "whole", 5);
}

/* Most of them lead to an answer; now and then one breaks the rules. */
static void put_any_frame(struct text *out, struct backend *target)
{
    static const char pair[8];
    uint32_t stream = any_stream(target);

    switch (rnd_below(&rnd, 24)) {
    case 0:
        put_number_frame(out, F_RST_STREAM, stream, rnd_below(&rnd, 14));
        break;
    case 1:
        put_settings(out);
        break;
    case 2:
        put_number_frame(out, F_WINDOW_UPDATE, rnd_below(&rnd, 2) ? stream : 0, 1 + rnd_below(&rnd, 100000));
        break;
    case 3:
        put_frame(out, F_PING, 0, 0, pair, sizeof pair);
        break;
    case 4:
        if (rnd_below(&rnd, 4) == 0)
            put_frame(out, F_GOAWAY, 0, 0, (char[8]){0, 0, 0, (char)stream}, 8);
        break;
    case 5:
        if (rnd_below(&rnd, 4) == 0)
            put_headers(out, stream, heads[rnd_below(&rnd, ARRAY_LEN(heads))], rnd_below(&rnd, 2) == 0);
        break;
    case 6:
        if (rnd_below(&rnd, 8) == 0)
            put_frame(out, rnd_below(&rnd, 12), rnd_below(&rnd, 256), stream, pair, rnd_below(&rnd, 9));
        break;
    case 7:
        if (target->open)
            put_headers(out, target->open, "x-sum=42", true);
        target->open = 0;
        break;
    case 8:
    case 9:
    case 10:
    case 11:
    case 12:
    case 13:
        if (target->open)
            put_any_data(out, target);
        break;
    default:
        put_answer(out, target);
    }
}

static void write_frames(struct backend *target)
{
    target->frames.len = 0;
    for (uint32_t i = rnd_below(&rnd, 4) + 1; i > 0; i--)
        put_any_frame(&target->frames, target);
    target->script = (struct str){target->frames.p, target->frames.len};
}

static void count_streams(struct backend *target, size_t len)
{
    for (size_t at = 0; at < len;) {
        size_t n = len - at;

        if (target->skip) {
            n = n < target->skip ? n : target->skip;
            target->skip -= n;
            at += n;
            continue;
        }
        target->head[target->head_len++] = bytes[at++];
        if (target->head_len < sizeof target->head)
            continue;
        target->head_len = 0;
        target->skip = number_at(target->head) >> 8;
        target->streams += target->head[3] == F_HEADERS;
    }
}

static void greet(struct backend *target)
{
    text_init(&target->frames, 1 << 20);
    put_frame(&target->frames, F_SETTINGS, 0, 0, "", 0);
    put_frame(&target->frames, F_SETTINGS, ACK, 0, "", 0);
    if (rnd_below(&rnd, 3) == 0)
        put_settings(&target->frames);
    target->script = (struct str){target->frames.p, target->frames.len};
    target->skip = sizeof PREFACE - 1;
}

/* ---- both ---- */

static void begin_script(struct backend *target)
{
    target->said = 0;
    if (is_h2)
        write_frames(target);
    else
        target->script = str_from(answers[rnd_below(&rnd, ARRAY_LEN(answers))]);
}

static void drop_target(struct backend *target)
{
    end(&target->fd);
    if (is_h2)
        text_fini(&target->frames);
}

static void accept_all(struct origin *origin)
{
    for (size_t i = 0; i < TARGETS; i++) {
        if (targets[i].fd)
            continue;
        targets[i] = (struct backend){.fd = accept4(origin->fd, NULL, NULL, SOCK_CLOEXEC)};
        if (targets[i].fd < 0) {
            targets[i].fd = 0;
            return;
        }
        if (is_h2)
            greet(&targets[i]);
        else
            begin_script(&targets[i]);
    }
}

static void target_step(struct backend *target)
{
    ssize_t n;

    if (!target->fd)
        return;
    switch (rnd_below(&rnd, 6)) {
    case 0:
        if (rnd_below(&rnd, 6) == 0)
            drop_target(target);
        else if (rnd_below(&rnd, 12) == 0)
            shutdown(target->fd, SHUT_WR);
        break;
    case 1:
    case 2:
        say_some(target->fd, target->script, &target->said);
        if (target->said == target->script.len)
            begin_script(target);
        break;
    default:
        n = hear_some(target->fd);
        if (n == 0)
            drop_target(target);
        else if (is_h2 && n > 0)
            count_streams(target, (size_t)n);
    }
}

static void step(void)
{
    for (size_t i = 0; i < CLIENTS; i++)
        client_step(&clients[i]);
    accept_all(&proxy.stable);
    accept_all(&proxy.canary);
    for (size_t i = 0; i < TARGETS; i++)
        target_step(&targets[i]);
    if (rnd_below(&rnd, 20) == 0)
        skip((int64_t)rnd_below(&rnd, 40000) * NS_PER_MS);
    if (rnd_below(&rnd, 50) == 0)
        proxy_publish(&proxy, rnd_below(&rnd, 10001));
    if (rnd_below(&rnd, 50) == 0)
        crew_sweep(proxy.crew);
    if (rnd_below(&rnd, 4) == 0)
        poll(NULL, 0, 1);
    proxy_take_log(&proxy);
}

/* A front that waits for its target does not see its client leave, but no target has more than its time. */
static void wait_for_no_connection(void)
{
    for (int i = 0; i < 100 && !crew_idle(proxy.crew); i++)
        pass(10 * NS_PER_S);
    ck_assert(crew_idle(proxy.crew));
}

START_TEST(whatever_happens_nothing_is_left)
{
    static const char *const groups[] = {
        "trailers: true, maxConnections: 3,",
        "trailers: true, concurrency: { target: 2, group: 3, queue: 4 },",
        "protocol: h2c, trailers: true, maxConnections: 3,",
    };
    const struct proxy_setup setup = {
        .weight = 5000,
        .workers = 1 + (unsigned)_i % 2,
        .top = _i < 2 ? "timeouts: { tunnel: 20s }\n" : "timeouts: { tunnel: 20s }\nhalfClosed: serve\n",
        .group = groups[_i / 2],
        .route =
            _i == 0 || _i >= FIRST_H2
                ? ""
                : "mirror: { share: 70, methods: [GET, HEAD, POST, DELETE], maxInFlight: 9, timeout: 20s },",
    };

    is_h2 = _i >= FIRST_H2;
    make_long();
    rnd_seed(&rnd, (uint64_t)_i + 1);
    proxy = (struct proxy){0};
    proxy_start(&proxy, &setup);
    fcntl(proxy.stable.fd, F_SETFL, O_NONBLOCK);
    fcntl(proxy.canary.fd, F_SETFL, O_NONBLOCK);
    for (int i = 0; i < 600; i++)
        step();
    for (size_t i = 0; i < CLIENTS; i++)
        if (clients[i].fd)
            end(&clients[i].fd);
    wait_for_no_connection();
    proxy_stop(&proxy);
    ck_assert_uint_gt(json_array_size(proxy.log), 100);
    proxy_free(&proxy);
    for (size_t i = 0; i < TARGETS; i++)
        if (targets[i].fd)
            drop_target(&targets[i]);
}
END_TEST

Suite *unit_suite(void)
{
    Suite *suite = suite_create("chaos");
    TCase *tc = tcase_create("chaos");

    tcase_add_loop_test(tc, whatever_happens_nothing_is_left, 0, ROUNDS);
    suite_add_tcase(suite, tc);
    return suite;
}
