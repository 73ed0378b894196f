#include "proxy/tracing.h"

#include "proxy/inbound.h"
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
    return conf->trusted_len > 0 && ip_parse(txn->client, &ip) &&
           ip_nets_have(conf->trusted, conf->trusted_len, &ip);
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
    struct tracing *tracing = txn->tracing;

    tracing->client = new_span(txn);
    if (tracing->tries_len < TRACING_TRIES_MAX)
        tracing->tries_len++;
    tracing->tries[tracing->tries_len - 1] = (struct tracing_try){
        .span = tracing->client,
        .begun_ns = txn->worker->now_ns,
        .target = txn->target->conf->address.text,
    };
}

void tracing_try_failed(struct txn *txn, enum outcome outcome)
{
    struct tracing *tracing = txn->tracing;
    struct tracing_try *last;

    if (tracing->tries_len == 0)
        return;
    last = &tracing->tries[tracing->tries_len - 1];
    last->ended_ns = txn->worker->now_ns;
    last->status = txn->target_status;
    last->outcome = outcome;
}

void tracing_shielded(struct txn *txn)
{
    txn->tracing->tries_len = 0;
}

uint64_t tracing_copy(struct txn *txn, uint64_t *kept_r)
{
    *kept_r = txn->tracing->client;
    txn->tracing->client = new_span(txn);
    return txn->tracing->client;
}

void tracing_copied(struct txn *txn, uint64_t kept)
{
    txn->tracing->client = kept;
}

void tracing_write(const struct txn *txn, struct buf *buf)
{
    const struct tracing *tracing = txn->tracing;

    tracecontext_write(buf, &tracing->context, tracing->client, tracing->formats);
}

/* ---- what the log says ---- */

static void describe_try(struct buf *out, const struct tracing_try *try, int64_t begun_ns, int64_t ended_ns)
{
    buf_char(out, '"');
    buf_hex(out, try->span, 16);
    buf_lit(out, "\":{\"target\":\"");
    buf_json(out, str_from(try->target));
    buf_lit(out, "\",\"start\":");
    buf_i64(out, begun_ns);
    buf_lit(out, ",\"end\":");
    buf_i64(out, ended_ns);
    buf_lit(out, ",\"status\":");
    buf_u64(out, try->status);
    buf_lit(out, ",\"outcome\":\"");
    buf_str_add(out, str_from(outcome_row(try->outcome)->name));
    buf_lit(out, "\"}");
}

static void describe_sampled(struct buf *out, bool sampled)
{
    buf_str_add(out, sampled ? STR("\"sampled\":true,\"tries\":{") : STR("\"sampled\":false,\"tries\":{"));
}

/* A try that has not failed ends as the request does. */
static void describe_open(struct buf *out, const struct txn *txn, const struct tracing_try *try)
{
    struct tracing_try whole = *try;
    struct worker *worker = txn->worker;

    if (!whole.ended_ns) {
        whole.ended_ns = worker->now_ns;
        whole.status = txn->target_status;
        whole.outcome = txn->outcome;
    }
    describe_try(out, &whole, worker_wall_ns(worker, whole.begun_ns), worker_wall_ns(worker, whole.ended_ns));
}

void tracing_describe(const struct txn *txn, struct buf *out)
{
    const struct tracing *tracing = txn->tracing;

    buf_lit(out, "{\"start\":");
    buf_i64(out, worker_wall_ns(txn->worker, txn->in->first_byte_ns));
    if (tracing->context.span) {
        buf_lit(out, ",\"parent\":\"");
        buf_hex(out, tracing->context.span, 16);
        buf_char(out, '"');
    }
    buf_char(out, ',');
    describe_sampled(out, tracing->context.sampled == TRACECONTEXT_YES);
    for (unsigned i = 0; i < tracing->tries_len; i++) {
        if (i > 0)
            buf_char(out, ',');
        describe_open(out, txn, &tracing->tries[i]);
    }
    buf_lit(out, "}}");
}

void tracing_describe_copy(struct buf *out, const struct tracing_try *only)
{
    buf_char(out, '{');
    describe_sampled(out, true);
    describe_try(out, only, only->begun_ns, only->ended_ns);
    buf_lit(out, "}}");
}
