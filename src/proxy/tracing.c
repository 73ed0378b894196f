#include "proxy/tracing.h"

#include "proxy/txn.h"
#include "proxy/worker.h"

#define LOW_56_BITS ((UINT64_C(1) << 56) - 1)

static bool is_believed(const struct txn *txn)
{
    const struct config_tracing *conf = &txn->worker->config->tracing;
    struct ip ip;

    switch (conf->trust) {
    case CONFIG_TRACING_EVERYBODY:
        return true;
    case CONFIG_TRACING_NOBODY:
        return false;
    case CONFIG_TRACING_LISTED:
        break;
    }
    if (conf->trusted_len == 0 || !ip_parse(txn->client, &ip))
        return false;
    for (size_t i = 0; i < conf->trusted_len; i++)
        if (ip_net_has(&conf->trusted[i], &ip))
            return true;
    return false;
}

static uint64_t new_span(struct txn *txn)
{
    uint64_t span;

    do
        span = rnd_u64(&txn->worker->ids);
    while (span == 0);
    return span;
}

/* A new trace: the time in front is what X-Ray asks for, and all that is random is what the W3C does. */
static void begin_trace(struct txn *txn, struct tracecontext *context)
{
    uint64_t seconds = (uint64_t)(worker_wall_ns(txn->worker, txn->worker->now_ns) / NS_PER_S);

    context->high = seconds << 32 | rnd_u64(&txn->worker->ids) >> 32;
    context->low = new_span(txn);
    context->random = true;
}

/* The share of the traces is drawn by their last 7 bytes, as every instance and every other part of a fleet
 * would (OpenTelemetry, "Consistent Probability Sampling"). */
static bool is_drawn(uint64_t low, uint32_t share)
{
    uint64_t threshold = LOW_56_BITS / CONFIG_WEIGHT_ONE * (CONFIG_WEIGHT_ONE - share);

    return share > 0 && (low & LOW_56_BITS) >= threshold;
}

static void write_ids(struct txn *txn, struct tracing *tracing)
{
    struct buf ids;

    buf_init(&ids, tracing->ids, sizeof tracing->ids);
    buf_hex(&ids, tracing->context.high, 16);
    buf_hex(&ids, tracing->context.low, 16);
    buf_hex(&ids, tracing->server, 16);
    txn->trace_id = (struct str){ids.p, 32};
    txn->span_id = (struct str){ids.p + 32, 16};
}

bool tracing_begin(struct txn *txn, bool known)
{
    const struct config_tracing *conf = &txn->worker->config->tracing;
    struct tracing *tracing = arena_alloc(&txn->arena, sizeof *tracing);
    bool believed = known && is_believed(txn);
    struct tracecontext *context;

    if (!tracing)
        return false;
    *tracing = (struct tracing){.formats = conf->send_bits};
    context = &tracing->context;
    if (!believed || !tracecontext_read(&txn->head, conf->read, conf->read_len, context))
        begin_trace(txn, context);
    tracing->formats |= context->came;
    if (known)
        tracecontext_drop(&txn->head, context, !believed);
    if (context->sampled == TRACECONTEXT_OPEN)
        context->sampled = is_drawn(context->low, conf->sample) ? TRACECONTEXT_YES : TRACECONTEXT_NO;
    tracing->server = new_span(txn);
    write_ids(txn, tracing);
    txn->tracing = tracing;
    return true;
}

void tracing_try(struct txn *txn)
{
    txn->tracing->client = new_span(txn);
}

void tracing_write(const struct txn *txn, struct buf *buf)
{
    const struct tracing *tracing = txn->tracing;

    tracecontext_write(buf, &tracing->context, tracing->client, tracing->formats);
}
