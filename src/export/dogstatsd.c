#include "export/dogstatsd.h"

#include "base/clk.h"
#include "base/hist.h"
#include "base/mem.h"
#include "base/rnd.h"
#include "base/str.h"

#include <errno.h>
#include <math.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* What has been sent of a counter, or of the durations of a side, by the hash of name and tags. */
struct memory {
    uint64_t id; /* 0: free */
    double told;
    uint64_t *counts; /* HIST_BUCKETS, of durations; else NULL */
};

struct dogstatsd {
    int fd;        /* -1: none */
    char *address; /* that fd is for */
    int64_t told_ns;
    struct meter_sent sent;
    struct hash_key key;
    struct memory *memory; /* open addressing; cap is a power of two, at most half of it is used */
    size_t memory_cap, memory_len;
};

/* What is being sent. */
struct round {
    struct dogstatsd *statsd;
    const struct config *config;
    size_t room;      /* bytes of a datagram */
    int64_t until_ns; /* how long the socket may be waited for */
    struct buf datagram, line;
    char datagram_block[DOGSTATSD_UNIX_BYTES], line_block[2048], tags_block[1536];
};

struct dogstatsd *dogstatsd_new(void)
{
    struct dogstatsd *statsd = mem_zalloc(sizeof *statsd);

    statsd->fd = -1;
    hash_key_init(&statsd->key);
    return statsd;
}

static void hang_up(struct dogstatsd *statsd)
{
    if (statsd->fd >= 0)
        close(statsd->fd);
    statsd->fd = -1;
    free(statsd->address);
    statsd->address = NULL;
}

void dogstatsd_free(struct dogstatsd *statsd)
{
    if (!statsd)
        return;
    hang_up(statsd);
    for (size_t i = 0; i < statsd->memory_cap; i++)
        free(statsd->memory[i].counts);
    free(statsd->memory);
    free(statsd);
}

struct meter_sent dogstatsd_stats(const struct dogstatsd *statsd)
{
    return statsd->sent;
}

/* ---- what has been told
 * ---------------------------------------------------------------------------------- */

static struct memory *find(struct memory *memory, size_t cap, uint64_t id)
{
    size_t i = id & (cap - 1);

    while (memory[i].id != 0 && memory[i].id != id)
        i = (i + 1) & (cap - 1);
    return &memory[i];
}

static void grow(struct dogstatsd *statsd)
{
    size_t cap = statsd->memory_cap ? 2 * statsd->memory_cap : 1024;
    struct memory *memory = mem_zalloc(cap * sizeof *memory);

    for (size_t i = 0; i < statsd->memory_cap; i++)
        if (statsd->memory[i].id)
            *find(memory, cap, statsd->memory[i].id) = statsd->memory[i];
    free(statsd->memory);
    statsd->memory = memory;
    statsd->memory_cap = cap;
}

/* Of what `series` names. Its number is bounded by what the configurations of this process have named. */
static struct memory *remember(struct dogstatsd *statsd, struct str series)
{
    uint64_t id = hash_keyed(&statsd->key, series) | 1;
    struct memory *found;

    if (statsd->memory_len >= statsd->memory_cap / 2)
        grow(statsd);
    found = find(statsd->memory, statsd->memory_cap, id);
    if (found->id == 0) {
        found->id = id;
        statsd->memory_len++;
    }
    return found;
}

/* ---- the socket
 * ------------------------------------------------------------------------------------------ */

/* An agent may come later than we do, or come again: a socket that is not connected is made anew. */
static bool dial(struct dogstatsd *statsd, const struct config_address *address)
{
    if (statsd->address && strcmp(statsd->address, address->text) != 0)
        hang_up(statsd);
    if (statsd->fd >= 0)
        return true;
    statsd->fd = socket(address->addr.any.sa_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (statsd->fd < 0)
        return false;
    if (connect(statsd->fd, &address->addr.any, address->addr_len)) {
        hang_up(statsd);
        return false;
    }
    free(statsd->address);
    statsd->address = mem_strdup(address->text);
    return true;
}

static bool may_wait(const struct round *round)
{
    struct pollfd poll_fd = {.fd = round->statsd->fd, .events = POLLOUT};
    int64_t left_ms = (round->until_ns - clk_mono_ns()) / NS_PER_MS;

    return left_ms > 0 && poll(&poll_fd, 1, (int)left_ms) == 1 && (poll_fd.revents & POLLOUT);
}

/* ECONNREFUSED on UDP is about a datagram before this one, so it is tried once more. */
static bool put(const struct round *round, struct str bytes)
{
    for (unsigned tries = 0; tries < 3; tries++) {
        if (send(round->statsd->fd, bytes.p, bytes.len, MSG_NOSIGNAL) >= 0)
            return true;
        if (errno == EINTR || errno == ECONNREFUSED)
            continue;
        if (errno != EAGAIN || !may_wait(round))
            return false;
    }
    return false;
}

static void flush(struct round *round)
{
    struct dogstatsd *statsd = round->statsd;
    struct str bytes = buf_str(&round->datagram);

    if (bytes.len == 0)
        return;
    round->datagram.len = 0;
    if (dial(statsd, &round->config->dogstatsd.address) && put(round, bytes)) {
        statsd->sent.messages++;
        statsd->sent.bytes += bytes.len;
        return;
    }
    statsd->sent.lost++;
    hang_up(statsd);
}

/* The finished line goes into the datagram, or first the datagram on its way. */
static void add_line(struct round *round)
{
    struct str line = buf_str(&round->line);

    if (line.len > round->room || round->line.full) {
        round->statsd->sent.lost++;
        return;
    }
    if (round->datagram.len + 1 + line.len > round->room)
        flush(round);
    if (round->datagram.len)
        buf_char(&round->datagram, '\n');
    buf_str_add(&round->datagram, line);
}

/* ---- lines
 * ----------------------------------------------------------------------------------------------- */

/* The format has no way to write these characters. */
static void add_word(struct buf *tags, const char *word)
{
    for (; *word; word++)
        buf_char(tags, strchr(",|#", *word) || (unsigned char)*word < ' ' ? '_' : *word);
}

static void add_tag(struct buf *tags, const char *key, const char *value)
{
    if (!value || !*value)
        return;
    if (tags->len)
        buf_char(tags, ',');
    add_word(tags, key);
    buf_char(tags, ':');
    add_word(tags, value);
}

static bool is_unified(const char *key)
{
    return strcmp(key, "service") == 0 || strcmp(key, "env") == 0 || strcmp(key, "version") == 0;
}

static void fill_tags(const struct round *round, const struct meter_sample *sample, struct buf *tags)
{
    const struct config_group *group = sample->place->group;
    const struct config *config = round->config;

    for (size_t i = 0; i < sample->labels->len; i++)
        add_tag(tags, sample->labels->labels[i].name, sample->labels->labels[i].value);
    add_tag(tags, "service", group ? group->service : config->service);
    add_tag(tags, "env", group ? group->env : config->env);
    add_tag(tags, "version", group ? group->version : config->version);
    for (size_t i = 0; group && i < group->tags_len; i++)
        if (!is_unified(group->tags[i].key))
            add_tag(tags, group->tags[i].key, group->tags[i].value);
    for (size_t i = 0; i < config->dogstatsd.tags_len; i++) {
        buf_char(tags, ',');
        add_word(tags, config->dogstatsd.tags[i]);
    }
}

/* penstock.requests of penstock_requests, penstock.process_open_fds of process_open_fds. */
static void add_name(struct buf *line, const char *name)
{
    static const char prefix[] = "penstock_";
    size_t skip = strncmp(name, prefix, sizeof prefix - 1) == 0 ? sizeof prefix - 1 : 0;

    buf_printf(line, "penstock.%s", name + skip);
}

static void tell(struct round *round, const struct meter_sample *sample, double value, const char *kind,
                 double rate, struct str tags)
{
    buf_init(&round->line, round->line_block, sizeof round->line_block);
    add_name(&round->line, sample->meter->name);
    buf_printf(&round->line, ":%.9g|%s", value, kind);
    if (rate < 1)
        buf_printf(&round->line, "|@%.9g", rate);
    buf_printf(&round->line, "|#%.*s", (int)tags.len, tags.p);
    add_line(round);
}

/* A bucket's middle, so often as there are new answers in it. A route that gets another canary has new cells,
 * which begin at 0 under the name that is remembered: then all that is in them is new. */
static void tell_durations(struct round *round, const struct meter_sample *sample, struct memory *memory,
                           struct str tags)
{
    if (!memory->counts)
        memory->counts = mem_zalloc(HIST_BUCKETS * sizeof *memory->counts);
    for (size_t i = 0; i < HIST_BUCKETS; i++) {
        uint64_t count = meter_sum(sample->place, METER_SIDE,
                                   offsetof(struct shard_side, latency) + i * sizeof(struct cell));
        uint64_t before = memory->counts[i], fresh = count >= before ? count - before : count;
        int64_t low = i > 0 ? hist_upper_ns(i - 1) : 0;
        int64_t high = i + 1 < HIST_BUCKETS ? hist_upper_ns(i) : low;

        memory->counts[i] = count;
        if (fresh)
            tell(round, sample, ((double)low + (double)high) / 2 / NS_PER_S, "d", 1.0 / (double)fresh, tags);
    }
}

/* Likewise of a counter. */
static void tell_increase(struct round *round, const struct meter_sample *sample, struct memory *memory,
                          struct str tags)
{
    double increase = sample->value >= memory->told ? sample->value - memory->told : sample->value;

    memory->told = sample->value;
    if (increase > 0)
        tell(round, sample, increase, "c", 1, tags);
}

static void tell_sample(const struct meter_sample *sample, void *arg)
{
    struct round *round = arg;
    struct memory *memory;
    struct buf tags;

    buf_init(&tags, round->tags_block, sizeof round->tags_block);
    fill_tags(round, sample, &tags);
    if (tags.full) {
        round->statsd->sent.lost++;
        return;
    }
    if (sample->meter->kind == METER_GAUGE) {
        if (isfinite(sample->value))
            tell(round, sample, sample->value, "g", 1, buf_str(&tags));
        return;
    }
    buf_init(&round->line, round->line_block, sizeof round->line_block);
    buf_printf(&round->line, "%s|%.*s", sample->meter->name, (int)tags.len, tags.p);
    memory = remember(round->statsd, buf_str(&round->line));
    if (sample->meter->kind == METER_HISTOGRAM)
        tell_durations(round, sample, memory, buf_str(&tags));
    else
        tell_increase(round, sample, memory, buf_str(&tags));
}

/* ---- the round
 * ------------------------------------------------------------------------------------------- */

bool dogstatsd_is_due(const struct dogstatsd *statsd, const struct config_dogstatsd *conf, int64_t now_ns)
{
    return conf->address.text && (statsd->told_ns == 0 || now_ns - statsd->told_ns >= conf->interval_ns);
}

void dogstatsd_tell(struct dogstatsd *statsd, const struct meter_view *view, int64_t now_ns)
{
    const struct config *config = view->routes->config;
    bool is_unix = config->dogstatsd.address.addr.any.sa_family == AF_UNIX;
    struct round *round = mem_alloc(sizeof *round);
    const struct meter *meter;

    round->statsd = statsd;
    round->config = config;
    round->room = is_unix ? DOGSTATSD_UNIX_BYTES : DOGSTATSD_UDP_BYTES;
    round->until_ns = clk_mono_ns() + DOGSTATSD_PATIENCE_MS * NS_PER_MS;
    buf_init(&round->datagram, round->datagram_block, sizeof round->datagram_block);
    for (size_t i = 0; (meter = meter_row(i)) != NULL; i++)
        meter_each(view, meter, tell_sample, round);
    flush(round);
    free(round);
    statsd->told_ns = now_ns;
}
