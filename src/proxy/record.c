#include "proxy/record.h"

#include "net/tls_server.h"
#include "proxy/accesslog.h"
#include "proxy/front.h"
#include "proxy/mirror.h"
#include "proxy/redact.h"
#include "proxy/tracing.h"
#include "proxy/txn.h"
#include "proxy/worker.h"

enum { STATUS_CLIENT_LEFT = 499 };

/* What was sent; for a client that left before, 499 says so. */
static unsigned logged_status(const struct txn *txn)
{
    unsigned status = outcome_row(txn->outcome)->status;

    return txn->status ? txn->status : status == STATUS_CLIENT_LEFT ? status : 0;
}

static uint64_t received(const struct txn *txn)
{
    const struct inbound *in = txn->in;

    if (in->scan.end == 0)
        return in->buf.len;
    return in->scan.end - in->scan.start + txn->body.received + txn->body.overhead + txn->tunnel.up.moved;
}

static size_t edge_of(int64_t duration_ns)
{
    size_t i = 0;

    while (i < SHARD_EDGES && (double)duration_ns > shard_edges_s[i] * (double)NS_PER_S)
        i++;
    return i;
}

/* The bucket of a duration: that of the nearest edge above it. */
static size_t bucket_of(const struct route_bounds *bounds, int64_t duration_ns)
{
    size_t edge = edge_of(duration_ns), bucket = edge;
    int64_t nearest_ns = INT64_MAX;

    if (bounds->len == 0)
        return bucket;
    if (edge < SHARD_EDGES)
        nearest_ns = (int64_t)(shard_edges_s[edge] * (double)NS_PER_S);
    for (size_t i = 0; i < bounds->len; i++)
        if (duration_ns <= bounds->ns[i] && bounds->ns[i] < nearest_ns) {
            nearest_ns = bounds->ns[i];
            bucket = SHARD_EDGES + 1 + i;
        }
    return bucket;
}

static uint64_t span(int64_t from_ns, int64_t to_ns)
{
    return to_ns > from_ns ? (uint64_t)(to_ns - from_ns) : 0;
}

static void put_exemplar(const struct txn *txn, size_t bucket, int64_t duration_ns, int64_t now_ns)
{
    const struct tracecontext *context = &txn->tracing->context;
    struct shard_exemplars *exemplars = shard_exemplars(txn->cells);

    if (exemplars)
        exemplar_put(&exemplars->side[txn->pick.side][bucket],
                     &(struct exemplar){.trace_high = context->high,
                                        .trace_low = context->low,
                                        .duration_ns = duration_ns,
                                        .wall_ns = worker_wall_ns(txn->worker, now_ns)});
}

/* A tunnel has ended: its time is no time of an answer, and stands apart. */
static void count_tunnel(struct shard_side *side, int64_t ns)
{
    cell_sub(&side->tunnels, 1);
    cell_add(&side->tunnel_ns, (uint64_t)ns);
}

/* A bad request of the canary, as an example of what it does. */
static void put_failure(const struct txn *txn, bool slow)
{
    struct shard_exemplars *exemplars = shard_exemplars(txn->cells);

    if (!exemplars)
        return;
    failures_put(&exemplars->failures, &(struct failure){
                                           .trace_high = txn->tracing->context.high,
                                           .trace_low = txn->tracing->context.low,
                                           .wall_ns = worker_wall_ns(txn->worker, txn->worker->now_ns),
                                           .target = txn->target ? txn->target->conf->slot : UINT32_MAX,
                                           .status = (uint16_t)txn->target_status,
                                           .outcome = (uint8_t)txn->outcome,
                                           .slow = slow,
                                           .sampled = txn->tracing->context.sampled == TRACECONTEXT_YES,
                                       });
}

void record_slow(struct score *score)
{
    put_failure(CONTAINER_OF(score, struct txn, score), true);
}

static void count(const struct txn *txn, int64_t now_ns)
{
    struct shard *shard = txn->worker->shard;
    bool upgraded = txn->outcome == OUTCOME_UPGRADED;
    int64_t duration_ns = (int64_t)span(txn->in->first_byte_ns, upgraded ? txn->reply_ns : now_ns);
    struct shard_side *side;
    size_t bucket;

    cell_add(&shard->requests, 1);
    if (!txn->route) {
        cell_add(&shard->unrouted[txn->outcome], 1);
        return;
    }
    side = &txn->cells->side[txn->pick.side];
    bucket = bucket_of(txn->route->bounds, duration_ns);
    cell_sub(&side->open, 1);
    if (txn->pick.assignment == ASSIGNMENT_OVERRIDE)
        cell_add(&side->overridden, 1);
    if (txn->synthetic)
        cell_add(&side->synthetic, 1);
    if (upgraded)
        count_tunnel(side, now_ns - txn->reply_ns);
    cell_add(&side->ended[txn->outcome][logged_status(txn) / 100 % SHARD_CLASSES], 1);
    cell_add(&side->received, received(txn));
    cell_add(&side->sent, txn->down.sent);
    cell_add(&side->duration_ns, (uint64_t)duration_ns);
    cell_add(&side->buckets[bucket], 1);
    if (txn->tracing && txn->tracing->context.sampled == TRACECONTEXT_YES)
        put_exemplar(txn, bucket, duration_ns, now_ns);
    cell_add(&side->latency[hist_bucket(duration_ns)], 1);
    if (txn->target && (outcome_row(txn->outcome)->blame == BLAME_GROUP || txn->target_status >= 500))
        cell_add(&shard_target(shard, txn->target->conf->slot)->failures, 1);
}

static bool has_failed(const struct txn *txn, unsigned status)
{
    return status >= 500 || outcome_row(txn->outcome)->blame == BLAME_GROUP;
}

static struct str severity_of(const struct txn *txn, unsigned status)
{
    enum blame blame = outcome_row(txn->outcome)->blame;

    if (has_failed(txn, status))
        return STR("error");
    return status >= 400 || blame != BLAME_NOBODY ? STR("warn") : STR("info");
}

static void fill_phases(struct accesslog_record *record, const struct txn *txn, int64_t now_ns)
{
    int64_t placed = txn->head_ns + txn->waited_ns;
    int64_t connected = txn->connect_ns ? txn->connect_ns : placed;
    int64_t replied = txn->reply_ns ? txn->reply_ns : now_ns;

    record->duration_ns = span(txn->in->first_byte_ns, now_ns);
    record->head_ns = span(txn->in->first_byte_ns, txn->head_ns);
    record->queue_ns = (uint64_t)txn->waited_ns;
    record->connect_ns = span(placed, connected);
    record->first_byte_ns = span(connected, replied);
    record->body_ns = span(replied, now_ns);
}

/* Whose line it is: what is said of the group, once there is one, takes its place. */
static void fill_origin(struct accesslog_record *record, const struct worker *worker)
{
    record->service = str_from(worker->config->service);
    record->env = str_from(worker->config->env);
    record->version = str_from(worker->config->version);
    record->host = str_from(worker->shared->host);
    record->source = STR("penstock");
}

static void fill_group(struct accesslog_record *record, const struct config_group *group)
{
    record->group = str_from(group->name);
    record->platform = str_from(group->platform);
    record->service = str_from(group->service);
    record->env = str_from(group->env);
    record->version = str_from(group->version);
}

static void fill_rollout(struct accesslog_record *record, const struct route *route)
{
    record->plan = str_from(route->plan_name);
    record->step = route->step < 0 ? 0 : (uint64_t)route->step + 1;
}

/* What all requests have in common that are served by the same target in the same way. */
static void fill_labels(struct accesslog_record *record, const struct txn *txn)
{
    const struct outcome_row *row = outcome_row(txn->outcome);

    record->severity = severity_of(txn, logged_status(txn));
    fill_origin(record, txn->worker);
    record->outcome = str_from(row->name);
    record->blame = str_from(blame_name(row->blame));
    if (!txn->route)
        return;
    record->route = str_from(txn->route->conf->name);
    if (!txn->group)
        return;
    fill_group(record, txn->group->conf);
    record->side = txn->pick.side == ROUTE_CANARY ? STR("canary") : STR("stable");
    record->assignment = str_from(assignment_name(txn->pick.assignment));
    record->weight = txn->route->weight;
    if (txn->target)
        record->target = str_from(txn->target->conf->address.text);
}

/* The service is that of the worker's snapshot: a request that has outlived its own has a line of its own. */
static struct accesslog_key labels_key(const struct txn *txn)
{
    bool lasting = txn->target && !txn->later && txn->routes == txn->worker->routes;

    return (struct accesslog_key){
        .version = lasting ? txn->routes->version : 0,
        .route = txn->route,
        .group = txn->group,
        .target = txn->target,
        .ending = (uint32_t)txn->outcome << 16 | (uint32_t)txn->pick.assignment << 8 |
                  (uint32_t)txn->pick.side << 4 | logged_status(txn) / 100 % SHARD_CLASSES,
    };
}

static void fill_tls(struct accesslog_record *record, const struct front *front)
{
    struct tls_facts facts;

    tls_server_facts(&front->conn, &facts);
    record->secure = true;
    record->tls_version = facts.version;
    record->tls_cipher = facts.cipher;
    record->tls_session = str_from(tls_end_name(facts.resumed ? TLS_END_RESUMED : TLS_END_FULL));
    record->tls_name = facts.name;
    record->tls_subject = tls_server_subject(&front->conn);
}

static struct str http_version(const struct txn *txn)
{
    if (txn->in->framed)
        return STR("2");
    return txn->head.minor == 0 && txn->head.method_name.len ? STR("1.0") : STR("1.1");
}

static void fill_request(struct accesslog_record *record, const struct txn *txn)
{
    const struct head *head = &txn->head;

    record->method = head->method_name;
    record->authority = head->authority.whole;
    record->path = head->path;
    record->query = head->query;
    record->http_version = http_version(txn);
    record->user_agent = head_value(head, FIELD_USER_AGENT);
    record->referer = head_value(head, FIELD_REFERER);
    record->request_id = txn->request_id;
    record->trace_id = txn->trace_id;
    record->span_id = txn->span_id;
    record->client_ip = txn->client;
    record->client_port = txn->front->port;
    if (txn->front->secure)
        fill_tls(record, txn->front);
}

/* What the record has of the texts that the configuration changes or adds. */
struct wanted_texts {
    char headers[ACCESSLOG_HEADERS_MAX], query[ACCESSLOG_QUERY_MAX], referer[ACCESSLOG_QUERY_MAX];
    char spans[TRACING_TEXT_MAX];
};

static struct str without_secrets(struct str text, const struct config_log_record *wanted,
                                  char block[static ACCESSLOG_QUERY_MAX])
{
    struct buf out;

    if (text.len == 0)
        return text;
    buf_init(&out, block, ACCESSLOG_QUERY_MAX);
    return redact_query(text, wanted->redacted, wanted->redacted_len, &out);
}

static void fill_wanted(struct accesslog_record *record, const struct txn *txn, struct wanted_texts *texts)
{
    const struct config_log_record *wanted = &txn->worker->config->log_record;
    struct buf headers;

    record->query = without_secrets(record->query, wanted, texts->query);
    record->referer = without_secrets(record->referer, wanted, texts->referer);
    record->response_headers = txn->answer_headers;
    if (wanted->request_headers_len == 0)
        return;
    buf_init(&headers, texts->headers, sizeof texts->headers);
    record->request_headers =
        redact_headers(&txn->head, wanted->request_headers, wanted->request_headers_len, &headers);
}

/* Whether somebody may export the spans (export/logspans), or they say what the line does not say anyway. */
static bool are_spans_told(const struct txn *txn, bool sampled)
{
    return sampled || txn->pick.side == ROUTE_CANARY || has_failed(txn, logged_status(txn)) ||
           txn->tracing->tries_len > 1;
}

static void fill_spans(struct accesslog_record *record, const struct txn *txn, struct wanted_texts *texts)
{
    struct buf spans;

    record->sampled = txn->tracing->context.sampled == TRACECONTEXT_YES;
    if (!are_spans_told(txn, record->sampled))
        return;
    buf_init(&spans, texts->spans, sizeof texts->spans);
    tracing_describe(txn, &spans);
    record->spans = spans.full ? STR_NULL : buf_str(&spans);
}

void record_answer(struct txn *txn, const struct head *head)
{
    const struct config_log_record *wanted = &txn->worker->config->log_record;
    char block[ACCESSLOG_HEADERS_MAX], *kept;
    struct buf headers;
    struct str text;

    buf_init(&headers, block, sizeof block);
    text = redact_headers(head, wanted->response_headers, wanted->response_headers_len, &headers);
    kept = text.len ? arena_copy(&txn->arena, text.p, text.len) : NULL;
    txn->answer_headers = kept ? (struct str){kept, text.len} : STR_NULL;
}

static void add_line(struct worker *worker, const struct accesslog_record *record,
                     const struct accesslog_key *key, int64_t now_ns)
{
    if (accesslog_add(&worker->log, record, key, now_ns))
        cell_add(&worker->shard->log_lines, 1);
    else
        cell_add(&worker->shard->log_dropped, 1);
}

static void write_log(struct txn *txn, int64_t now_ns)
{
    struct worker *worker = txn->worker;
    struct wanted_texts texts;
    struct accesslog_key key = labels_key(txn);
    struct accesslog_record record = {
        .labels = accesslog_labels(&worker->log, &key),
        .wall_ns = worker_wall_ns(worker, txn->in->first_byte_ns),
        .status = logged_status(txn),
        .target_status = txn->target_status,
        .bytes_read = received(txn),
        .bytes_written = txn->down.sent,
        .attempts = txn->attempts,
        .shield = txn->shielded && txn->pick.side == ROUTE_CANARY ? STR("failed") : STR_NULL,
        .error = str_from(txn->error),
        .grpc_status = txn->grpc_answered ? str_from(grpc_status_name(txn->grpc_status)) : STR_NULL,
    };

    fill_phases(&record, txn, now_ns);
    fill_request(&record, txn);
    fill_wanted(&record, txn, &texts);
    if (txn->tracing)
        fill_spans(&record, txn, &texts);
    if (!record.labels.len)
        fill_labels(&record, txn);
    if (txn->group)
        fill_rollout(&record, txn->route);
    if (txn->group && txn->override != OVERRIDE_NONE)
        record.override = str_from(override_row(txn->override)->name);
    if (txn->synthetic)
        record.synthetic = STR("test");
    add_line(worker, &record, &key, now_ns);
}

/* A bad request of the canary, which is not kept already: a slow one is as soon as it is known to be. One
 * that has failed then is another example. */
static bool is_example(const struct txn *txn)
{
    const struct score *score = &txn->score;

    return txn->tracing && score->scorer && txn->pick.side == ROUTE_CANARY &&
           (score->bad || (score->slow && !score->told));
}

void record_txn(struct txn *txn)
{
    int64_t now_ns = txn->worker->now_ns;

    txn->score.on_slow = NULL; /* what is kept of it comes now */
    if (txn->route)
        score_end(&txn->score, txn->outcome, txn->target_status, now_ns);
    if (is_example(txn))
        put_failure(txn, txn->score.slow);
    count(txn, now_ns);
    if (accesslog_wanted(&txn->worker->log))
        write_log(txn, now_ns);
}

/* ---- copies ---- */

void record_keep(const struct txn *txn, struct accesslog_record *record_r, struct arena *texts)
{
    struct str *const kept[] = {&record_r->method,     &record_r->authority,  &record_r->path,
                                &record_r->query,      &record_r->user_agent, &record_r->referer,
                                &record_r->request_id, &record_r->trace_id,   &record_r->span_id,
                                &record_r->client_ip,  &record_r->tls_name,   &record_r->tls_subject};
    struct wanted_texts wanted;

    *record_r = (struct accesslog_record){0};
    fill_request(record_r, txn);
    record_r->synthetic = txn->synthetic ? STR("test") : STR_NULL;
    fill_wanted(record_r, txn, &wanted);
    record_r->request_headers = record_r->response_headers = STR_NULL;
    for (size_t i = 0; i < ARRAY_LEN(kept); i++) {
        size_t len = kept[i]->len < MIRROR_TEXT_MAX ? kept[i]->len : MIRROR_TEXT_MAX;
        char *room = arena_copy(texts, kept[i]->p, len);

        *kept[i] = room ? (struct str){room, len} : STR_NULL;
    }
}

static void fill_first(struct accesslog_record *record, const struct mirror *mirror)
{
    const struct mirror_first *first = &mirror->first;

    record->agreement = str_from(mirror_agreement_name(mirror_agreement(mirror)));
    record->first_group = str_from(first->group->conf->name);
    record->first_outcome = first->ended ? str_from(outcome_row(first->outcome)->name) : STR_NULL;
    record->first_status = first->target_status;
    record->first_duration_ns = first->duration_ns;
}

/* Its trace is recorded. */
static void fill_copied(struct accesslog_record *record, const struct mirror *mirror, struct buf *spans)
{
    const struct tracing_try only = {
        .span = mirror->span,
        .begun_ns = record->wall_ns,
        .ended_ns = worker_wall_ns(mirror->worker, mirror->ended_ns),
        .target = mirror->target->conf->address.text,
        .status = mirror->status,
        .outcome = mirror->outcome,
    };

    tracing_describe_copy(spans, &only);
    record->spans = spans->full ? STR_NULL : buf_str(spans);
    record->sampled = true;
}

/* It has no side and nobody to blame: nobody got the answer. */
void record_mirror(const struct mirror *mirror)
{
    struct worker *worker = mirror->worker;
    struct accesslog_record record = mirror->record;
    int64_t connected = mirror->connect_ns ? mirror->connect_ns : mirror->ended_ns;
    int64_t replied = mirror->reply_ns ? mirror->reply_ns : mirror->ended_ns;
    char block[TRACING_TEXT_MAX];
    struct buf spans;

    if (!accesslog_wanted(&worker->log))
        return;
    record.wall_ns = worker_wall_ns(worker, mirror->begun_ns);
    fill_origin(&record, worker);
    record.severity = mirror_agreement(mirror) == MIRROR_AGREEMENT_DIFFERENT ? STR("warn") : STR("info");
    record.assignment = STR("mirror");
    record.outcome = str_from(outcome_row(mirror->outcome)->name);
    record.error = str_from(mirror->error);
    record.route = str_from(mirror->route->conf->name);
    record.target = str_from(mirror->target->conf->address.text);
    record.target_status = mirror->status;
    record.attempts = 1;
    record.duration_ns = span(mirror->begun_ns, mirror->ended_ns);
    record.connect_ns = span(mirror->begun_ns, connected);
    record.first_byte_ns = span(connected, replied);
    record.body_ns = span(replied, mirror->ended_ns);
    fill_group(&record, mirror->group->conf);
    record.weight = mirror->route->weight;
    fill_rollout(&record, mirror->route);
    fill_first(&record, mirror);
    if (mirror->span && mirror->sampled) {
        buf_init(&spans, block, sizeof block);
        fill_copied(&record, mirror, &spans);
    }
    add_line(worker, &record, &(struct accesslog_key){0}, worker->now_ns);
}
