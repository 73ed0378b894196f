#include "export/logforward.h"

#include "base/clk.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/rnd.h"
#include "export/forwardwire.h"
#include "export/logpeer.h"
#include "export/logplace.h"
#include "export/logspool.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    IDLE_MS = 1000,
    BUSY_MS = 20,             /* a look at the connection while something is in flight */
    ENTRIES_MAX = 256 * 1024, /* bytes of entries in a message */
    HOST_MAX = 64,
    ALARM_PERCENT = 80,
};

#define GREET_NS (10 * NS_PER_S) /* until we are let in */

/* A message. */
struct chunk {
    struct chunk *next;
    char id[FORWARDWIRE_ID + 1];
    char *bytes;
    size_t len;
    uint32_t lines;
    bool spooled;    /* it is on the disk too */
    int64_t sent_ns; /* on this connection, the last byte of it so far; 0: not yet */
};

/* How far the connection is. */
enum link_state {
    LINK_DOWN,    /* there is none */
    LINK_GREETED, /* a shared key is configured: the server's HELO has to come */
    LINK_PROVEN,  /* our PING is sent: its PONG has to come */
    LINK_OPEN,    /* messages may be sent */
};

struct logforward {
    struct logplace place;
    struct config_forward conf; /* copies */
    struct logpeer peer;
    enum link_state state;
    int64_t since_ns; /* monotonic: when it was made */
    struct forwardwire_proof proof;
    char host[HOST_MAX];
    struct chunk *first, **last; /* oldest first */
    struct chunk *sending;       /* of it, `sent` bytes are out */
    size_t sent;
    uint64_t memory; /* bytes of all chunks */
    struct logspool *spool;
    struct rnd rnd;
    char answer[FORWARDWIRE_ANSWER_MAX];
    size_t answer_len;
    struct buf entries;
    uint32_t entries_len;
    bool alarmed;
};

/* ---- chunks ---- */

static void chunk_add(struct logforward *forward, struct chunk *chunk)
{
    chunk->next = NULL;
    *forward->last = chunk;
    forward->last = &chunk->next;
    forward->memory += chunk->len;
}

/* Takes it out of the list and frees it. */
static void chunk_free(struct logforward *forward, struct chunk *chunk)
{
    struct chunk **at = &forward->first;

    while (*at != chunk)
        at = &(*at)->next;
    *at = chunk->next;
    if (forward->last == &chunk->next)
        forward->last = at;
    forward->memory -= chunk->len;
    free(chunk->bytes);
    free(chunk);
}

static bool has_room(const struct logforward *forward, size_t len)
{
    return !forward->first || forward->memory + len <= forward->conf.buffer;
}

/* What does not fit into memory goes to the spool, and is lost without one. */
static void keep(struct logforward *forward, struct chunk *chunk)
{
    struct str id = str_from(chunk->id), bytes = {chunk->bytes, chunk->len};
    bool waits = forward->spool && logspool_has(forward->spool); /* behind those: they are older */

    if (!waits && has_room(forward, chunk->len)) {
        chunk_add(forward, chunk);
        return;
    }
    if (!forward->spool || !logspool_put(forward->spool, id, bytes, chunk->lines)) {
        logplace_count(&forward->place.counters.lost, chunk->lines);
        logplace_count(&forward->place.counters.errors, 1);
    }
    free(chunk->bytes);
    free(chunk);
}

/* Makes a message of the entries that have come together. */
static void close_entries(struct logforward *forward)
{
    struct chunk *chunk;
    struct buf id;

    if (forward->entries_len == 0)
        return;
    chunk = mem_zalloc(sizeof *chunk);
    buf_init(&id, chunk->id, FORWARDWIRE_ID);
    buf_hex(&id, rnd_u64(&forward->rnd), 16);
    buf_hex(&id, rnd_u64(&forward->rnd) >> 32, 8);
    chunk->lines = forward->entries_len;
    chunk->bytes = forwardwire_message(&forward->conf, buf_str(&forward->entries), forward->entries_len,
                                       (struct str){chunk->id, FORWARDWIRE_ID}, &chunk->len);
    keep(forward, chunk);
    forward->entries.len = 0;
    forward->entries_len = 0;
}

static void forward_take(struct logplace *place, struct str bytes, uint32_t lines)
{
    struct logforward *forward = (struct logforward *)place;
    int64_t wall_ns = clk_wall_ns();
    struct str line;

    (void)lines;
    while (str_split(&bytes, '\n', &line)) {
        if (line.len == 0)
            continue;
        if (forward->entries.len + forwardwire_entry_max(line.len) > forward->entries.cap)
            close_entries(forward);
        if (forwardwire_entry(&forward->entries, line, wall_ns))
            forward->entries_len++;
        else
            logplace_count(&place->counters.lost, 1);
    }
    close_entries(forward);
}

/* ---- the connection ---- */

/* The chunks in flight have to be sent again. */
static void link_reset(struct logforward *forward)
{
    forward->state = LINK_DOWN;
    forward->answer_len = 0;
    forward->sending = NULL;
    forward->sent = 0;
    for (struct chunk *chunk = forward->first; chunk; chunk = chunk->next)
        chunk->sent_ns = 0;
}

static void link_down(struct logforward *forward, const char *why)
{
    struct logplace *place = &forward->place;

    logplace_count(&place->counters.errors, 1);
    if (!place->failing)
        log_warn("access log: forward to %s: %s; lines wait", logpeer_name(&forward->peer), why);
    place->failing = true;
    logpeer_fail(&forward->peer, clk_mono_ns());
    link_reset(forward);
}

/* Nothing is on its way, so that a server may close the connection without a loss. */
static bool is_idle(const struct logforward *forward)
{
    return forward->state == LINK_OPEN && !forward->sending && (!forward->first || !forward->first->sent_ns);
}

static void link_works(struct logforward *forward)
{
    if (forward->place.failing)
        log_info("access log: forward to %s works", logpeer_name(&forward->peer));
    forward->place.failing = false;
    logpeer_works(&forward->peer);
}

static bool send_all(struct logforward *forward, const char *bytes, size_t len, size_t *sent)
{
    while (*sent < len) {
        ssize_t n = send(forward->peer.fd, bytes + *sent, len - *sent, MSG_NOSIGNAL);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EAGAIN)
            return true;
        if (n < 0) {
            link_down(forward, strerror(errno));
            return false;
        }
        *sent += (size_t)n;
        logplace_count(&forward->place.counters.bytes, (uint64_t)n);
    }
    return true;
}

static struct chunk *next_unsent(const struct logforward *forward)
{
    struct chunk *chunk = forward->first;

    while (chunk && chunk->sent_ns)
        chunk = chunk->next;
    return chunk;
}

/* Sends what waits, until the server takes no more. False: the connection is lost. */
static bool send_chunks(struct logforward *forward)
{
    while (forward->state == LINK_OPEN) {
        struct chunk *chunk = forward->sending ? forward->sending : next_unsent(forward);
        size_t before = forward->sent;

        if (!chunk)
            return true;
        forward->sending = chunk;
        if (!send_all(forward, chunk->bytes, chunk->len, &forward->sent))
            return false;
        if (!chunk->sent_ns || forward->sent > before)
            chunk->sent_ns = clk_mono_ns(); /* a server that takes no more of it is overdue, too */
        if (forward->sent < chunk->len)
            return true;
        forward->sending = NULL;
        forward->sent = 0;
    }
    return true;
}

static void acknowledged(struct logforward *forward, struct str id)
{
    struct chunk *chunk = forward->first;

    while (chunk && !str_eq(str_from(chunk->id), id))
        chunk = chunk->next;
    if (!chunk || !chunk->sent_ns || chunk == forward->sending)
        return; /* of a chunk that was sent before, on another connection */
    logplace_count(&forward->place.counters.lines, chunk->lines);
    if (chunk->spooled)
        logspool_remove(forward->spool, id);
    chunk_free(forward, chunk);
    link_works(forward);
}

/* False: the connection is lost. */
static bool prove(struct logforward *forward, const struct forwardwire_answer *helo)
{
    char block[FORWARDWIRE_PING_MAX];
    struct buf ping;
    size_t sent = 0;

    buf_init(&ping, block, sizeof block);
    if (!forwardwire_ping(&forward->conf, str_from(forward->host), helo, &forward->proof, &ping)) {
        link_down(forward, "its HELO cannot be answered");
        return false;
    }
    if (!send_all(forward, ping.p, ping.len, &sent))
        return false;
    if (sent < ping.len) {
        link_down(forward, "it takes nothing");
        return false;
    }
    forward->state = LINK_PROVEN;
    return true;
}

static bool admitted(struct logforward *forward, const struct forwardwire_answer *pong)
{
    if (!pong->flag)
        link_down(forward, "it does not take our shared key, user or password");
    else if (!forwardwire_is_genuine(&forward->conf, &forward->proof, pong))
        link_down(forward, "it does not know the shared key itself");
    else
        forward->state = LINK_OPEN;
    return forward->state == LINK_OPEN;
}

/* False: the connection is lost. */
static bool hear(struct logforward *forward, const struct forwardwire_answer *answer)
{
    switch (answer->kind) {
    case FORWARDWIRE_ACK:
        if (forward->state != LINK_OPEN)
            break;
        acknowledged(forward, answer->text);
        return true;
    case FORWARDWIRE_HELO:
        if (forward->state == LINK_OPEN && !forward->conf.shared_key) {
            link_down(forward, "it asks for a shared key, and none is configured");
            return false;
        }
        if (forward->state != LINK_GREETED)
            break;
        return prove(forward, answer);
    case FORWARDWIRE_PONG:
        if (forward->state != LINK_PROVEN)
            break;
        return admitted(forward, answer);
    case FORWARDWIRE_MORE:
    case FORWARDWIRE_BAD:
        break;
    }
    link_down(forward, "it does not keep to the forward protocol");
    return false;
}

/* False: the connection is lost. */
static bool hear_all(struct logforward *forward)
{
    for (;;) {
        struct forwardwire_answer answer =
            forwardwire_read((struct str){forward->answer, forward->answer_len});

        if (answer.kind == FORWARDWIRE_MORE)
            return true;
        if (!hear(forward, &answer))
            return false;
        forward->answer_len -= answer.len;
        memmove(forward->answer, forward->answer + answer.len, forward->answer_len);
    }
}

static bool receive(struct logforward *forward)
{
    for (;;) {
        ssize_t n = recv(forward->peer.fd, forward->answer + forward->answer_len,
                         sizeof forward->answer - forward->answer_len, 0);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EAGAIN)
            return true;
        if ((n == 0 || (n < 0 && errno == ECONNRESET)) && is_idle(forward)) {
            logpeer_close(&forward->peer);
            link_reset(forward);
            return false;
        }
        if (n <= 0) {
            link_down(forward, n == 0 ? "it has closed the connection" : strerror(errno));
            return false;
        }
        forward->answer_len += (size_t)n;
        if (!hear_all(forward))
            return false;
    }
}

static bool link_up(struct logforward *forward)
{
    const char *why;

    if (forward->state != LINK_DOWN)
        return true;
    if (!logpeer_connect(&forward->peer, clk_mono_ns(), &why)) {
        if (why)
            link_down(forward, why);
        return false;
    }
    forward->state = forward->conf.shared_key ? LINK_GREETED : LINK_OPEN;
    forward->since_ns = clk_mono_ns();
    return true;
}

/* An answer that does not come is a server that is gone. */
static bool is_overdue(const struct logforward *forward, int64_t now_ns)
{
    const struct chunk *chunk = forward->first;

    if (forward->state != LINK_OPEN)
        return now_ns - forward->since_ns > GREET_NS;
    return chunk && chunk->sent_ns && now_ns - chunk->sent_ns > forward->conf.ack_timeout_ns;
}

/* Fills memory from the spool. */
static void load(struct logforward *forward)
{
    while (forward->spool && logspool_has(forward->spool) && has_room(forward, 0) &&
           forward->memory < forward->conf.buffer / 2) {
        struct chunk *chunk = mem_zalloc(sizeof *chunk);

        chunk->bytes = logspool_take(forward->spool, chunk->id, sizeof chunk->id, &chunk->len, &chunk->lines);
        if (!chunk->bytes) {
            free(chunk);
            return;
        }
        chunk->spooled = true;
        chunk_add(forward, chunk);
    }
}

static void look(struct logforward *forward)
{
    struct logplace_counters *counters = &forward->place.counters;
    uint64_t disk = forward->spool ? logspool_disk(forward->spool) : 0;
    uint64_t most = forward->spool ? forward->conf.spool_size : forward->conf.buffer;
    uint64_t waits = forward->spool ? disk : forward->memory;
    bool alarm = waits > most / 100 * ALARM_PERCENT;

    logplace_set(&counters->held_bytes, disk);
    logplace_set(&counters->unshipped_bytes, forward->memory + disk);
    logplace_set(&counters->alarm, alarm);
    if (alarm && !forward->alarmed)
        log_warn(
            "access log: %s: what waits to be acknowledged fills 80 %% of its room; beyond it lines are lost",
            forward->place.name);
    forward->alarmed = alarm;
}

/* How long the server may be waited for: not while lines wait for us. */
static int patience_ms(struct logforward *forward)
{
    return forward->first && logqueue_bytes(&forward->place.queue) == 0 ? BUSY_MS : 0;
}

/* One round with the server: true when there is more to do. */
static bool drive(struct logforward *forward)
{
    struct pollfd pollfd;

    load(forward);
    if (is_idle(forward))
        (void)receive(forward); /* it may have closed the connection since */
    if (!forward->first && forward->state == LINK_DOWN)
        return false; /* a connection is made for something */
    if (!link_up(forward) || !send_chunks(forward))
        return false;
    pollfd =
        (struct pollfd){.fd = forward->peer.fd, .events = (short)(POLLIN | (forward->sending ? POLLOUT : 0))};
    if (poll(&pollfd, 1, patience_ms(forward)) > 0 && !receive(forward))
        return false;
    if (is_overdue(forward, clk_mono_ns())) {
        link_down(forward, forward->state == LINK_OPEN ? "it does not acknowledge" : "it does not greet us");
        return false;
    }
    return forward->first != NULL;
}

static unsigned forward_work(struct logplace *place)
{
    struct logforward *forward = (struct logforward *)place;
    bool more = drive(forward);

    look(forward);
    if (more)
        return 0;
    return forward->first ? BUSY_MS * 5 : IDLE_MS;
}

static void forward_finish(struct logplace *place, int64_t deadline_ns)
{
    struct logforward *forward = (struct logforward *)place;
    struct chunk *next;

    while (forward->first && clk_mono_ns() < deadline_ns)
        if (!drive(forward))
            poll(NULL, 0, BUSY_MS);
    for (struct chunk *chunk = forward->first; chunk; chunk = next) {
        next = chunk->next;
        if (!chunk->spooled &&
            (!forward->spool || !logspool_put(forward->spool, str_from(chunk->id),
                                              (struct str){chunk->bytes, chunk->len}, chunk->lines)))
            logplace_count(&place->counters.lost, chunk->lines);
    }
    if (atomic_load_explicit(&place->counters.lost, memory_order_relaxed))
        log_warn("access log: %s: %llu lines were lost in all", place->name,
                 (unsigned long long)atomic_load_explicit(&place->counters.lost, memory_order_relaxed));
}

/* ---- opening ---- */

static bool forward_open(struct logplace *place, char *why, size_t why_len)
{
    struct logforward *forward = (struct logforward *)place;

    if (!forward->conf.spool)
        return true;
    forward->spool = logspool_new(place, forward->conf.spool, forward->conf.spool_size);
    if (!forward->spool)
        snprintf(why, why_len, "%s: %s", forward->conf.spool, strerror(errno));
    return forward->spool != NULL;
}

static void forward_free(struct logplace *place)
{
    struct logforward *forward = (struct logforward *)place;

    while (forward->first)
        chunk_free(forward, forward->first);
    logpeer_fini(&forward->peer);
    logspool_free(forward->spool);
    free(forward->entries.p);
    free(forward->conf.tag);
    free(forward->conf.shared_key);
    free(forward->conf.user);
    free(forward->conf.password);
    free(forward->conf.spool);
    free(forward);
}

static const struct logplace_kind kind = {.open = forward_open,
                                          .take = forward_take,
                                          .work = forward_work,
                                          .finish = forward_finish,
                                          .free = forward_free};

struct logplace *logforward_new(const struct config_log *conf)
{
    struct logforward *forward = mem_zalloc(sizeof *forward);

    forward->place.kind = &kind;
    forward->place.name = mem_printf("forward:%s", conf->forward.servers[0]);
    forward->conf = conf->forward;
    forward->conf.servers = NULL;
    forward->conf.tag = mem_strdup_if(conf->forward.tag);
    forward->conf.shared_key = mem_strdup_if(conf->forward.shared_key);
    forward->conf.user = mem_strdup_if(conf->forward.user);
    forward->conf.password = mem_strdup_if(conf->forward.password);
    forward->conf.spool = mem_strdup_if(conf->forward.spool);
    logpeer_init(&forward->peer, conf->forward.servers, conf->forward.servers_len, SOCK_STREAM);
    forward->last = &forward->first;
    rnd_init(&forward->rnd);
    if (gethostname(forward->host, sizeof forward->host - 1) != 0)
        forward->host[0] = '\0';
    /* Many of us spread over several servers. */
    forward->peer.at = rnd_below(&forward->rnd, (uint32_t)conf->forward.servers_len);
    buf_init(&forward->entries, mem_alloc(ENTRIES_MAX), ENTRIES_MAX);
    return &forward->place;
}
