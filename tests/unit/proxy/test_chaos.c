/*
 * Clients and targets that do anything at any time: speak in pieces, stop reading, answer too early, twice or
 * with garbage, switch protocols, close one side or both, reset, or let minutes pass. Whatever happens, the
 * proxy stays up, and when all clients are gone nothing is left.
 */
#include "fixture.h"

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
    ROUNDS = 4,
    BODY = 40000,  /* more than a small buffer */
    BULK = 150000, /* what passes by a pipe */
};

static struct proxy proxy;
static struct rnd rnd;

static struct client {
    int fd; /* 0: none */
    const char *script;
    size_t said;
} clients[CLIENTS];

static struct {
    int fd;
    const char *script;
    size_t said;
} targets[TARGETS];

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

static void say_some(int fd, const char *script, size_t *said)
{
    size_t left = strlen(script) - *said, n = rnd_below(&rnd, 4) ? left : rnd_below(&rnd, (uint32_t)left + 1);
    ssize_t sent = send(fd, script + *said, n, MSG_NOSIGNAL | MSG_DONTWAIT);

    if (sent > 0)
        *said += (size_t)sent;
}

/* Whether the other side is gone. */
static bool hear_some(int fd)
{
    static char bytes[60000];
    ssize_t n = recv(fd, bytes, 1 + rnd_below(&rnd, sizeof bytes), MSG_DONTWAIT);

    return n == 0;
}

static void client_step(struct client *client)
{
    int least = 1;

    if (!client->fd) {
        client->fd = proxy_connect(&proxy);
        client->script = requests[rnd_below(&rnd, ARRAY_LEN(requests))];
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
        if (hear_some(client->fd))
            end(&client->fd);
        else if (client->said == strlen(client->script)) {
            client->script = requests[rnd_below(&rnd, ARRAY_LEN(requests))];
            client->said = 0;
        }
    }
}

static void accept_all(struct origin *origin)
{
    for (size_t i = 0; i < TARGETS; i++) {
        if (targets[i].fd)
            continue;
        targets[i].fd = accept4(origin->fd, NULL, NULL, SOCK_CLOEXEC);
        if (targets[i].fd < 0) {
            targets[i].fd = 0;
            return;
        }
        targets[i].script = answers[rnd_below(&rnd, ARRAY_LEN(answers))];
        targets[i].said = 0;
    }
}

static void target_step(size_t i)
{
    if (!targets[i].fd)
        return;
    switch (rnd_below(&rnd, 6)) {
    case 0:
        if (rnd_below(&rnd, 6) == 0)
            end(&targets[i].fd);
        else if (rnd_below(&rnd, 12) == 0)
            shutdown(targets[i].fd, SHUT_WR);
        break;
    case 1:
    case 2:
        say_some(targets[i].fd, targets[i].script, &targets[i].said);
        if (targets[i].said < strlen(targets[i].script))
            break;
        targets[i].script = answers[rnd_below(&rnd, ARRAY_LEN(answers))];
        targets[i].said = 0;
        break;
    default:
        if (hear_some(targets[i].fd))
            end(&targets[i].fd);
    }
}

static void step(void)
{
    for (size_t i = 0; i < CLIENTS; i++)
        client_step(&clients[i]);
    accept_all(&proxy.stable);
    accept_all(&proxy.canary);
    for (size_t i = 0; i < TARGETS; i++)
        target_step(i);
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
    const struct proxy_setup setup = {
        .weight = 5000,
        .workers = 1 + (unsigned)_i % 2,
        .top = _i < 2 ? "timeouts: { tunnel: 20s }\n" : "timeouts: { tunnel: 20s }\nhalfClosed: serve\n",
        .group = _i < 2 ? "trailers: true, maxConnections: 3,"
                        : "trailers: true, concurrency: { target: 2, group: 3, queue: 4 },",
        .route =
            _i == 0
                ? ""
                : "mirror: { share: 70, methods: [GET, HEAD, POST, DELETE], maxInFlight: 9, timeout: 20s },",
    };

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
            close(targets[i].fd);
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
