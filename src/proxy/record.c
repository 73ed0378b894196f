#include "proxy/record.h"

#include "proxy/accesslog.h"
#include "proxy/front.h"
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
    const struct front *front = txn->front;

    if (front->scan.end == 0)
        return front->in.len;
    return front->scan.end - front->scan.start + txn->body.received + txn->body.overhead +
           txn->tunnel.up.moved;
}

static size_t edge_of(int64_t duration_ns)
{
    size_t i = 0;

    while (i < SHARD_EDGES && (double)duration_ns > shard_edges_s[i] * (double)NS_PER_S)
        i++;
    return i;
}

static uint64_t span(int64_t from_ns, int64_t to_ns)
{
    return to_ns > from_ns ? (uint64_t)(to_ns - from_ns) : 0;
}

/* A tunnel has ended: its time is no time of an answer, and stands apart. */
static void count_tunnel(struct shard_side *side, int64_t ns)
{
    cell_sub(&side->tunnels, 1);
    cell_add(&side->tunnel_ns, (uint64_t)ns);
}

static void count(const struct txn *txn, int64_t now_ns)
{
    struct shard *shard = txn->worker->shard;
    bool upgraded = txn->outcome == OUTCOME_UPGRADED;
    int64_t duration_ns = (int64_t)span(txn->front->first_byte_ns, upgraded ? txn->reply_ns : now_ns);
    struct shard_side *side;

    cell_add(&shard->requests, 1);
    if (!txn->route) {
        cell_add(&shard->unrouted[txn->outcome], 1);
        return;
    }
    side = &txn->cells->side[txn->pick.side];
    cell_sub(&side->open, 1);
    if (upgraded)
        count_tunnel(side, now_ns - txn->reply_ns);
    cell_add(&side->ended[txn->outcome][logged_status(txn) / 100 % SHARD_CLASSES], 1);
    cell_add(&side->received, received(txn));
    cell_add(&side->sent, txn->down.sent);
    cell_add(&side->duration_ns, (uint64_t)duration_ns);
    cell_add(&side->buckets[edge_of(duration_ns)], 1);
    cell_add(&side->latency[hist_bucket(duration_ns)], 1);
    if (txn->target && (outcome_row(txn->outcome)->blame == BLAME_GROUP || txn->target_status >= 500))
        cell_add(&shard_target(shard, txn->target->conf->slot)->failures, 1);
}

static struct str tag_of(const struct config_group *group, struct str key)
{
    for (size_t i = 0; i < group->tags_len; i++)
        if (str_eq(str_from(group->tags[i].key), key))
            return str_from(group->tags[i].value);
    return STR_NULL;
}

static struct str severity_of(const struct txn *txn, unsigned status)
{
    enum blame blame = outcome_row(txn->outcome)->blame;

    if (status >= 500 || blame == BLAME_GROUP)
        return STR("error");
    return status >= 400 || blame != BLAME_NOBODY ? STR("warn") : STR("info");
}

static void fill_phases(struct accesslog_record *record, const struct txn *txn, int64_t now_ns)
{
    int64_t connected = txn->connect_ns ? txn->connect_ns : txn->head_ns;
    int64_t replied = txn->reply_ns ? txn->reply_ns : now_ns;

    record->duration_ns = span(txn->front->first_byte_ns, now_ns);
    record->head_ns = span(txn->front->first_byte_ns, txn->head_ns);
    record->connect_ns = span(txn->head_ns, connected);
    record->first_byte_ns = span(connected, replied);
    record->body_ns = span(replied, now_ns);
}

static void fill_route(struct accesslog_record *record, const struct txn *txn)
{
    const struct config_group *group;

    if (!txn->route)
        return;
    record->route = str_from(txn->route->conf->name);
    if (!txn->group)
        return;
    group = txn->group->conf;
    record->group = str_from(group->name);
    record->platform = str_from(group->platform);
    record->env = tag_of(group, STR("env"));
    record->version = tag_of(group, STR("version"));
    record->side = txn->pick.side == ROUTE_CANARY ? STR("canary") : STR("stable");
    record->weight = txn->route->weight;
    record->assignment = str_from(assignment_name(txn->pick.assignment));
    record->plan = str_from(txn->route->plan_name);
    record->step = txn->route->step < 0 ? 0 : (uint64_t)txn->route->step + 1;
    if (txn->target)
        record->target = str_from(txn->target->conf->address.text);
}

static void fill_request(struct accesslog_record *record, const struct txn *txn)
{
    const struct head *head = &txn->head;

    record->method = head->method_name;
    record->authority = head->authority.whole;
    record->path = head->path;
    record->query = head->query;
    record->http_version = head->minor == 0 && head->method_name.len ? STR("1.0") : STR("1.1");
    record->user_agent = head_value(head, FIELD_USER_AGENT);
    record->referer = head_value(head, FIELD_REFERER);
    record->request_id = txn->request_id;
    record->trace_id = txn->trace_id;
    record->span_id = txn->span_id;
    record->client_ip = txn->client;
    record->client_port = txn->front->port;
}

static void write_log(struct txn *txn, int64_t now_ns)
{
    struct worker *worker = txn->worker;
    const struct outcome_row *row = outcome_row(txn->outcome);
    struct accesslog_record record = {
        .wall_ns = worker_wall_ns(worker, txn->front->first_byte_ns),
        .service = str_from(worker->config->service),
        .host = str_from(worker->shared->host),
        .source = STR("penstock"),
        .severity = severity_of(txn, logged_status(txn)),
        .outcome = str_from(row->name),
        .blame = str_from(blame_name(row->blame)),
        .status = logged_status(txn),
        .target_status = txn->target_status,
        .bytes_read = received(txn),
        .bytes_written = txn->down.sent,
        .attempts = txn->attempts,
        .shield = txn->shielded && txn->pick.side == ROUTE_CANARY ? STR("failed") : STR_NULL,
        .error = str_from(txn->error),
    };

    fill_phases(&record, txn, now_ns);
    fill_request(&record, txn);
    fill_route(&record, txn);
    if (accesslog_add(&worker->log, &record, now_ns))
        cell_add(&worker->shard->log_lines, 1);
    else
        cell_add(&worker->shard->log_dropped, 1);
}

void record_txn(struct txn *txn)
{
    int64_t now_ns = txn->worker->now_ns;

    if (txn->route)
        score_end(&txn->score, txn->outcome, txn->target_status, now_ns);
    count(txn, now_ns);
    if (accesslog_wanted(&txn->worker->log))
        write_log(txn, now_ns);
}
