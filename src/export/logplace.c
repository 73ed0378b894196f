#include "export/logplace.h"

#include "base/clk.h"
#include "base/mem.h"
#include "decide/trace.h"
#include "export/logfile.h"
#include "export/logforward.h"
#include "export/logotlp.h"
#include "export/logparts.h"
#include "export/logstream.h"
#include "export/logsyslog.h"
#include "export/logxray.h"

#include <stdlib.h>
#include <string.h>

enum {
    ANEW_BYTES = 512 * 1024,
    IDLE_MS = 1000,
    FINISH_NS = 2 * NS_PER_S, /* for what waits at the end */
};

void logplace_count(_Atomic uint64_t *counter, uint64_t n)
{
    logplace_set(counter, atomic_load_explicit(counter, memory_order_relaxed) + n);
}

void logplace_set(_Atomic uint64_t *gauge, uint64_t n)
{
    atomic_store_explicit(gauge, n, memory_order_relaxed);
}

void logplace_failed(struct logplace *place, const char *why)
{
    logplace_count(&place->counters.errors, 1);
    if (!place->failing)
        log_error("access log: %s: %s; lines for it are lost and counted until it works again", place->name,
                  why);
    place->failing = true;
}

void logplace_works(struct logplace *place)
{
    if (place->failing)
        log_info("access log: %s works again", place->name);
    place->failing = false;
}

/* ---- lines that are written anew ---- */

/* A share of 10^4 as a hash is below it: the same requests in every place with the same share. */
static bool is_drawn(const struct logread *read, uint32_t share)
{
    struct str trace = read->at[LOGFIELD_TRACE_ID];

    return trace_key(trace.len ? trace : read->at[LOGFIELD_REQUEST_ID]) % CONFIG_WEIGHT_ONE < share;
}

/* Whether a request went well and fast on stable: of those there are many alike. */
static bool is_ordinary(const struct logplace *place, const struct logread *read)
{
    struct str status = read->at[LOGFIELD_STATUS];
    uint64_t duration;

    return status.len == 3 && status.p[0] == '2' && str_eq(read->at[LOGFIELD_SEVERITY], STR("\"info\"")) &&
           !str_eq(read->at[LOGFIELD_SIDE], STR("\"canary\"")) &&
           str_to_u64(read->at[LOGFIELD_DURATION], &duration) && (int64_t)duration < place->sample.slow_ns;
}

static void flush_anew(struct logplace *place)
{
    if (place->anew_lines)
        place->kind->take(place, buf_str(&place->anew), place->anew_lines);
    buf_init(&place->anew, place->anew.p, place->anew.cap);
    place->anew_lines = 0;
}

static void write_anew(struct logplace *place, struct str line)
{
    struct logread read;
    char rate[16];
    struct buf rate_text;
    size_t before;

    buf_init(&rate_text, rate, sizeof rate);
    if (!logread_line(line, &read)) {
        logplace_count(&place->counters.lost, 1);
        return;
    }
    if (place->sample.share < CONFIG_WEIGHT_ONE && is_ordinary(place, &read)) {
        if (!is_drawn(&read, place->sample.share)) {
            logplace_count(&place->counters.sampled, 1);
            return;
        }
        buf_fixed(&rate_text, place->sample.share, 4);
        read.at[LOGFIELD_SAMPLE_RATE] = buf_str(&rate_text);
    }
    logread_parts(&read);
    if (place->anew.cap - place->anew.len < LOGFORMAT_MAX)
        flush_anew(place);
    before = place->anew.len;
    logformat_write(place->format, line, &read, &place->anew);
    if (place->anew.full) {
        place->anew.len = before;
        place->anew.full = false;
        logplace_count(&place->counters.lost, 1);
        return;
    }
    place->anew_lines++;
}

static void take_block(struct logplace *place, const struct logblock *block)
{
    const char *p = block->bytes, *end = block->bytes + block->len;

    if (place->kind->take_marked) {
        place->kind->take_marked(place, block);
        return;
    }
    if (!place->format || block->metrics) {
        place->kind->take(place, (struct str){p, block->len}, block->lines);
        return;
    }
    while (p < end) {
        const char *lf = memchr(p, '\n', (size_t)(end - p));

        BUG_ON(!lf);
        write_anew(place, (struct str){p, (size_t)(lf + 1 - p)});
        p = lf + 1;
    }
    flush_anew(place);
}

/* ---- the thread ---- */

static void *run(void *arg)
{
    struct logplace *place = arg;
    struct logqueue_work work = {0};
    unsigned wait_ms = IDLE_MS;

    while (!work.stop) {
        work = logqueue_wait(&place->queue, wait_ms);
        if (work.reopen && place->kind->reopen)
            place->kind->reopen(place);
        if (work.block) {
            take_block(place, work.block);
            logblock_unref(work.block);
        }
        wait_ms = place->kind->work ? place->kind->work(place) : IDLE_MS;
    }
    if (place->kind->finish)
        place->kind->finish(place, clk_mono_ns() + FINISH_NS);
    return NULL;
}

void logplace_start(struct logplace *place)
{
    int error = pthread_create(&place->thread, NULL, run, place);

    if (error)
        BUG("no thread for the access log: %s", strerror(error));
    pthread_setname_np(place->thread, "log");
    place->running = true;
}

void logplace_push(struct logplace *place, struct logblock *block)
{
    uint64_t suppressed;

    if (place->content == (block->metrics ? CONFIG_LOG_REQUESTS : CONFIG_LOG_EMF))
        return;
    if (logqueue_push(&place->queue, block))
        return;
    logplace_count(&place->counters.crowded, block->lines);
    if (log_limit_pass(&place->crowding, clk_mono_ns(), &suppressed))
        log_warn("access log: %s takes lines too slowly; those that do not fit into its queue are lost and "
                 "counted",
                 place->name);
}

void logplace_reopen(struct logplace *place)
{
    logqueue_reopen(&place->queue);
}

void logplace_stop(struct logplace *place)
{
    logqueue_stop(&place->queue);
}

/* ---- opening ---- */

static struct logplace *place_new(const struct config_log *conf)
{
    switch (conf->kind) {
    case CONFIG_LOG_STDOUT:
        return logstream_new();
    case CONFIG_LOG_FILE:
        return logfile_new(conf);
    case CONFIG_LOG_PARTITIONS:
        return logparts_new(conf);
    case CONFIG_LOG_FORWARD:
        return logforward_new(conf);
    case CONFIG_LOG_SYSLOG:
        return logsyslog_new(conf);
    case CONFIG_LOG_OTLP:
        return logotlp_new(conf);
    case CONFIG_LOG_XRAY:
        return logxray_new(conf);
    }
    BUG("log %d", (int)conf->kind);
}

struct logplace *logplace_open(const struct config_log *conf, char *why, size_t why_len)
{
    struct logplace *place = place_new(conf);

    place->content = conf->content;
    place->sample = conf->sample;
    logqueue_init(&place->queue, conf->queue);
    if (conf->format != CONFIG_LOG_JSON || conf->sample.share < CONFIG_WEIGHT_ONE) {
        place->format = logformat_new(conf->format);
        buf_init(&place->anew, mem_alloc(ANEW_BYTES), ANEW_BYTES);
    }
    if (place->kind->open(place, why, why_len))
        return place;
    logplace_free(place);
    return NULL;
}

void logplace_free(struct logplace *place)
{
    if (place->running)
        pthread_join(place->thread, NULL);
    logqueue_fini(&place->queue);
    logformat_free(place->format);
    free(place->anew.p);
    free(place->name);
    place->kind->free(place);
}
