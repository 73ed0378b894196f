#include "control/prober.h"

#include "base/clk.h"
#include "base/log.h"
#include "base/mem.h"
#include "control/probe_h2.h"
#include "net/conn.h"
#include "net/tls.h"
#include "proto/h1.h"
#include "proto/proxyline.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    REQUEST_MAX = 4096,    /* longer than any path and host that a configuration may have */
    ANSWER_MAX = 8192,     /* of an answer's head */
    FIELDS_MAX = 100,      /* likewise */
    FIRST_WITHIN_MS = 500, /* the first checks are spread over this time */
};

enum probe_state {
    PROBE_RESTS, /* until the next check */
    PROBE_CONNECTS,
    PROBE_ASKS, /* the request is on its way, or the answer */
};

struct probe {
    struct prober *prober;
    const struct config_group *group;
    const struct config_target *target;
    enum probe_state state;
    struct conn conn;
    struct tls_session session;
    struct event timer; /* the next check, or the end of this one's time */
    int64_t began_ns;
    uint32_t good, bad; /* checks in a row */
    char request[REQUEST_MAX];
    size_t request_len, sent;
    char answer[ANSWER_MAX];
    size_t answer_len;
    struct h1_scan scan;
    struct probe_h2 h2; /* instead, where the group speaks HTTP/2 */
};

struct prober {
    struct event_base *base;
    struct board *board;
    struct config *config; /* a reference: that of the probes */
    struct probe *probes;
    size_t probes_len;
    struct rnd rnd;
};

static void arm(struct probe *probe, int64_t ns)
{
    struct timeval time = {.tv_sec = ns / NS_PER_S, .tv_usec = ns % NS_PER_S / 1000};

    event_add(&probe->timer, &time);
}

/* ---- verdicts ---- */

static void set_health(struct probe *probe, enum health_state state, const char *why)
{
    struct board *board = probe->prober->board;
    struct health *health = &board->health[probe->target->slot];
    bool changes = (health->state == HEALTH_BAD) != (state == HEALTH_BAD);

    health->state = state;
    if (!changes)
        return;
    if (state == HEALTH_BAD)
        log_warn("group %s: target %s is unhealthy: %u checks in a row failed, the last one: %s",
                 probe->group->name, probe->target->address.text, probe->bad, why);
    else
        log_info("group %s: target %s is healthy again", probe->group->name, probe->target->address.text);
    board_now(board);
    board->changed = true;
    board_publish(board);
}

/* The check is over; `why` is NULL when it was good. */
static void end(struct probe *probe, const char *why)
{
    const struct config_health *conf = &probe->group->health;
    struct health *health = &probe->prober->board->health[probe->target->slot];
    int64_t took_ns = clk_mono_ns() - probe->began_ns;

    conn_close(&probe->conn);
    probe_h2_end(&probe->h2);
    probe->state = PROBE_RESTS;
    probe->good = why ? 0 : probe->good + 1;
    probe->bad = why ? probe->bad + 1 : 0;
    snprintf(health->why, sizeof health->why, "%s", why ? why : "");
    if (!why && (health->state == HEALTH_UNKNOWN || probe->good >= conf->healthy))
        set_health(probe, HEALTH_GOOD, "");
    else if (probe->bad >= conf->unhealthy)
        set_health(probe, HEALTH_BAD, why);
    arm(probe, took_ns < conf->interval_ns ? conf->interval_ns - took_ns : 0);
}

static void end_broken(struct probe *probe, const char *what)
{
    char why[HEALTH_WHY_MAX];

    const char *tls = tls_why(&probe->conn);

    snprintf(why, sizeof why, "%s: %s", what, tls ? tls : strerror(probe->conn.error));
    end(probe, why);
}

static bool is_good_status(const struct config_health *conf, unsigned status)
{
    return conf->status ? status == conf->status : status >= 200 && status < 400;
}

static void end_by_status(struct probe *probe, unsigned status)
{
    char why[HEALTH_WHY_MAX];

    snprintf(why, sizeof why, "status %u", status);
    end(probe, is_good_status(&probe->group->health, status) ? NULL : why);
}

/* The head of the answer is whole. */
static void judge(struct probe *probe)
{
    struct field fields[FIELDS_MAX];
    struct head head;
    enum h1_error error;
    char why[HEALTH_WHY_MAX];

    head_init(&head, fields, FIELDS_MAX);
    error = h1_response_parse(&probe->scan, probe->answer, METHOD_GET, &head);
    if (!error) {
        end_by_status(probe, head.status);
        return;
    }
    snprintf(why, sizeof why, "the answer breaks the rules of HTTP: %s", h1_error_text(error));
    end(probe, why);
}

/* ---- a check ---- */

static void hear(struct probe *probe)
{
    struct h1_limits limits = h1_response_limits;
    ssize_t n =
        conn_recv(&probe->conn, probe->answer + probe->answer_len, sizeof probe->answer - probe->answer_len);

    if (n == CONN_AGAIN)
        return;
    if (n == CONN_FAILED) {
        end_broken(probe, "the connection broke");
        return;
    }
    probe->answer_len += (size_t)n;
    limits.head = sizeof probe->answer;
    limits.fields = FIELDS_MAX;
    switch (h1_scan(&probe->scan, &limits, probe->answer, probe->answer_len)) {
    case H1_SCAN_DONE:
        judge(probe);
        return;
    case H1_SCAN_BAD:
        end(probe, h1_error_text(probe->scan.error));
        return;
    case H1_SCAN_MORE:
        if (n == 0)
            end(probe, "the target closed the connection before it answered");
        else if (probe->answer_len == sizeof probe->answer)
            end(probe, "the head of the answer is too long");
    }
}

static void say(struct probe *probe);

/* HTTP/2: what has been heard is told to the session, which may have something to say to it. */
static void hear_h2(struct probe *probe)
{
    ssize_t n = conn_recv(&probe->conn, probe->answer, sizeof probe->answer);

    if (n == CONN_AGAIN)
        return;
    if (n <= 0) {
        end(probe, "the target closed the connection before it answered");
        return;
    }
    probe_h2_hear(&probe->h2, probe->answer, (size_t)n);
    say(probe);
}

/* True when there is something to write. */
static bool gather_h2(struct probe *probe)
{
    probe->sent = 0;
    probe->request_len = probe_h2_say(&probe->h2, probe->request, sizeof probe->request);
    if (!probe->h2.done)
        return probe->request_len > 0;
    if (probe->h2.why)
        end(probe, probe->h2.why);
    else
        end_by_status(probe, probe->h2.status);
    return false;
}

static void say(struct probe *probe)
{
    struct iovec rest;
    ssize_t n;

    if (probe->h2.h2 && probe->sent == probe->request_len && !gather_h2(probe))
        return;
    rest = (struct iovec){probe->request + probe->sent, probe->request_len - probe->sent};
    n = rest.iov_len ? conn_writev(&probe->conn, &rest, 1) : 0;
    if (n == CONN_FAILED) {
        end_broken(probe, "the connection broke");
        return;
    }
    if (n > 0)
        probe->sent += (size_t)n;
    if (probe->sent < probe->request_len)
        conn_write_wait(&probe->conn);
    else
        conn_write_done(&probe->conn);
}

static const char *host_of(const struct probe *probe)
{
    const struct config_health *conf = &probe->group->health;

    return conf->host ? conf->host : probe->target->address.text;
}

static bool asks_h2(const struct probe *probe)
{
    return probe->group->health.path && config_group_is_h2(probe->group);
}

/* False when the check is over. */
static bool begin_h2(struct probe *probe)
{
    bool tls = probe->group->tls.context != NULL;

    probe->request_len = 0;
    if (tls && !tls_speaks_http2(&probe->conn)) {
        end(probe, "the target does not speak HTTP/2 (ALPN h2)");
        return false;
    }
    if (probe_h2_begin(&probe->h2, probe->group->health.path, host_of(probe), tls))
        return true;
    end(probe, "no memory for HTTP/2");
    return false;
}

static void connected(struct probe *probe)
{
    if (!conn_connected(&probe->conn)) {
        end_broken(probe, "no connection");
        return;
    }
    if (asks_h2(probe) && !begin_h2(probe))
        return;
    if (probe->request_len == 0 && !probe->h2.h2) {
        end(probe, NULL);
        return;
    }
    probe->state = PROBE_ASKS;
    say(probe);
}

static void on_ready(struct conn *conn, unsigned ready)
{
    struct probe *probe = CONTAINER_OF(conn, struct probe, conn);

    if (probe->state == PROBE_CONNECTS)
        connected(probe);
    else if (ready & CONN_READABLE && probe->h2.h2)
        hear_h2(probe);
    else if (ready & CONN_READABLE)
        hear(probe);
    else
        say(probe);
}

static void begin(struct probe *probe)
{
    struct tls_context *tls = probe->group->tls.context;

    probe->began_ns = clk_mono_ns();
    probe->sent = probe->answer_len = 0;
    h1_scan_init(&probe->scan);
    probe->state = PROBE_CONNECTS;
    arm(probe, probe->group->health.timeout_ns);
    if (!conn_connect(&probe->conn, probe->prober->base, &probe->target->address, on_ready))
        end_broken(probe, "no connection");
    else if (tls && (!tls_start(&probe->conn, tls, &probe->target->address, &probe->session) ||
                     (asks_h2(probe) && !tls_offer_http2(&probe->conn, false))))
        end(probe, "no memory for TLS");
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
    struct probe *probe = arg;

    (void)fd, (void)what;
    switch (probe->state) {
    case PROBE_RESTS:
        begin(probe);
        return;
    case PROBE_CONNECTS:
        end(probe, "no connection in time");
        return;
    case PROBE_ASKS:
        end(probe, "no answer in time");
        return;
    }
}

/* ---- all of them ---- */

static void compose(struct probe *probe)
{
    const struct config_health *conf = &probe->group->health;
    const char *host = host_of(probe);
    struct buf buf;

    if (!conf->path || asks_h2(probe))
        return; /* to connect is all, or there is another way to ask */
    buf_init(&buf, probe->request, sizeof probe->request);
    if (probe->group->proxy_protocol)
        proxyline_write(&buf, probe->group->proxy_protocol, &(struct proxyline){.known = false});
    buf_printf(
        &buf, "GET %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: penstock-health-check\r\nConnection: close\r\n\r\n",
        conf->path, host);
    BUG_ON(buf.full);
    probe->request_len = buf.len;
}

static void add(struct prober *prober, const struct config_group *group, const struct config_target *target)
{
    struct probe *probe = &prober->probes[prober->probes_len++];

    *probe = (struct probe){.prober = prober, .group = group, .target = target, .conn.fd = -1};
    compose(probe);
    event_assign(&probe->timer, prober->base, -1, 0, on_timer, probe);
    arm(probe, (int64_t)rnd_below(&prober->rnd, FIRST_WITHIN_MS) * NS_PER_MS);
}

static void drop_all(struct prober *prober)
{
    for (size_t i = 0; i < prober->probes_len; i++) {
        conn_close(&prober->probes[i].conn);
        probe_h2_end(&prober->probes[i].h2);
        tls_session_drop(&prober->probes[i].session);
        event_del(&prober->probes[i].timer);
    }
    free(prober->probes);
    prober->probes = NULL;
    prober->probes_len = 0;
    config_unref(prober->config);
}

static size_t count(const struct config *config)
{
    size_t n = 0;

    for (size_t i = 0; i < config->groups_len; i++)
        if (config->groups[i].health.wanted)
            n += config->groups[i].targets_len;
    return n;
}

static void add_all(struct prober *prober)
{
    struct config *config = config_ref(prober->board->config);

    prober->config = config;
    prober->probes = mem_alloc(count(config) * sizeof *prober->probes);
    for (size_t i = 0; i < config->groups_len; i++) {
        const struct config_group *group = &config->groups[i];

        for (size_t k = 0; k < group->targets_len; k++)
            if (group->health.wanted)
                add(prober, group, &group->targets[k]);
            else
                prober->board->health[group->targets[k].slot] = (struct health){HEALTH_UNKNOWN, ""};
    }
}

struct prober *prober_new(struct event_base *base, struct board *board)
{
    struct prober *prober = mem_zalloc(sizeof *prober);

    prober->base = base;
    prober->board = board;
    rnd_init(&prober->rnd);
    add_all(prober);
    return prober;
}

void prober_look(struct prober *prober)
{
    if (prober->config == prober->board->config)
        return;
    drop_all(prober);
    add_all(prober);
}

void prober_free(struct prober *prober)
{
    if (!prober)
        return;
    drop_all(prober);
    free(prober);
}
