#include "conf/config_table.h"

#include "base/clk.h"
#include "base/mem.h"
#include "conf/address.h"
#include "conf/config.h"
#include "conf/config_check.h"
#include "conf/config_rule.h"
#include "conf/template.h"
#include "conf/types.h"

#include <sched.h>
#include <stdlib.h>
#include <string.h>

#define KIB INT64_C(1024)
#define GIB (KIB * KIB * KIB)
#define S   NS_PER_S

/* ---- kinds of values that only the configuration has ---- */

/* The processors that this process may use, within what we can use. */
static unsigned allowed_processors(void)
{
    cpu_set_t set;
    int count = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;

    return count > CONFIG_WORKERS_MAX ? CONFIG_WORKERS_MAX : (unsigned)count;
}

static void workers_read(struct schema_reader *reader, const struct setting *setting,
                         const struct tree *value, void *at)
{
    if (value->kind == TREE_TEXT && strcmp(value->text, "auto") == 0)
        *(unsigned *)at = allowed_processors();
    else
        type_count.read(reader, setting, value, at);
}

static void workers_show(int64_t value, struct buf *out)
{
    buf_i64(out, value);
}

static const struct schema_type type_workers = {
    .name = "whole number",
    .form = "such as 4, or auto",
    .json = "{\"anyOf\": [{\"const\": \"auto\"}, {\"type\": \"integer\", \"minimum\": 1}]}",
    .read = workers_read,
    .show = workers_show,
};

/* A host name without port, in lower case: example.com, *.example.com or [::1]. */
static void host_read(struct schema_reader *reader, const struct setting *setting, const struct tree *value,
                      void *at)
{
    struct str text, name;

    if (!schema_text(reader, setting, value, &text))
        return;
    for (char *p = value->text; *p; p++)
        *p = ascii_lower(*p);
    name = str_starts_with(text, STR("*.")) ? (struct str){text.p + 2, text.len - 2} : text;
    if (name.len == 0 || text.len > 253)
        schema_refuse(reader, setting, value, "is no host name; remove the key to match any host");
    else if (name.p[0] != '[' && memchr(name.p, ':', name.len))
        schema_refuse(reader, setting, value, "has a port; a route matches the host only, on every listener");
    else if (name.p[strspn(name.p, name.p[0] == '[' ? "[0123456789abcdef:.]"
                                                    : "abcdefghijklmnopqrstuvwxyz0123456789.-_")])
        schema_refuse(reader, setting, value,
                      "is no host name; it may have letters, digits, '.' and '-', and begin "
                      "with \"*.\" (names beyond ASCII in their xn-- form)");
    else
        type_text_store(setting, at, text);
}

static void host_fini(const struct setting *setting, void *at)
{
    (void)setting;
    free(*(char **)at);
}

static const struct schema_type type_host = {
    .name = "host name",
    .form = "such as api.example.com, or *.example.com for all below",
    .json = "{\"type\": \"string\", \"pattern\": \"^(\\\\*\\\\.)?[^:/]+$|^\\\\[\"}",
    .read = host_read,
    .fini = host_fini,
};

/* The index of a target group that the rows above have read. */
static void group_read(struct schema_reader *reader, const struct setting *setting, const struct tree *value,
                       void *at)
{
    const struct config *config = reader->object;
    const char *names[CONFIG_GROUPS_MAX], *nearest;
    struct str text;
    size_t len = 0;

    if (!schema_text(reader, setting, value, &text))
        return;
    for (size_t i = 0; i < config->groups_len; i++) {
        if (!config->groups[i].name)
            continue;
        if (strcmp(config->groups[i].name, value->text) == 0) {
            schema_store(setting, at, (int64_t)i);
            return;
        }
        names[len++] = config->groups[i].name;
    }
    nearest = schema_nearest(value->text, names, len);
    if (nearest)
        schema_refuse(reader, setting, value, "is no target group; did you mean \"%s\"?", nearest);
    else
        schema_refuse(reader, setting, value, "is no target group; write one under targetGroups");
}

static const struct schema_type type_group = {
    .name = "target group",
    .form = "the name of one under targetGroups",
    .json = "{\"type\": \"string\"}",
    .read = group_read,
};

/* Free keys and values, for the log and the metrics. */
static void tags_read(struct schema_reader *reader, const struct setting *setting, const struct tree *value,
                      void *at)
{
    struct config_group *group = at; /* the row stands at the struct itself */
    const struct setting key = {.key = setting->key, .type = &type_name};
    const struct setting text = {.key = setting->key, .type = &type_string, .max = 200};

    if (value->broken)
        return;
    if (value->kind != TREE_MAP) {
        schema_refuse(reader, setting, value, "must be a map, %s", setting->type->form);
        return;
    }
    if (value->len > CONFIG_TAGS_MAX)
        schema_problem(reader, CONF_ERROR, &value->keys[CONFIG_TAGS_MAX], "%s: has %zu; at most %d are taken",
                       setting->key, value->len, CONFIG_TAGS_MAX);
    for (size_t i = 0; i < value->len && i < CONFIG_TAGS_MAX; i++) {
        key.type->read(reader, &key, &value->keys[i], &group->tags[i].key);
        text.type->read(reader, &text, &value->values[i], &group->tags[i].value);
        group->tags_len = i + 1;
    }
}

static void tags_fini(const struct setting *setting, void *at)
{
    struct config_group *group = at;

    (void)setting;
    for (size_t i = 0; i < group->tags_len; i++) {
        free(group->tags[i].key);
        free(group->tags[i].value);
    }
}

static const struct schema_type type_tags = {
    .name = "map of texts",
    .form = "such as { env: prd }",
    .json =
        "{\"type\": \"object\", \"additionalProperties\": {\"type\": [\"string\", \"number\", \"boolean\"]}}",
    .read = tags_read,
    .fini = tags_fini,
};

/* A key that is a choice by being there; it stores nothing. */
static void true_read(struct schema_reader *reader, const struct setting *setting, const struct tree *value,
                      void *at)
{
    struct str text;

    (void)at;
    if (schema_text(reader, setting, value, &text) && !str_eq(text, STR("true")))
        schema_refuse(reader, setting, value, "can only be true; remove the key otherwise");
}

static const struct schema_type type_true = {
    .name = "flag",
    .form = "true",
    .json = "{\"const\": true}",
    .read = true_read,
};

static void network_read(struct schema_reader *reader, const struct setting *setting,
                         const struct tree *value, void *at)
{
    struct str text;

    if (schema_text(reader, setting, value, &text) && !ip_net_parse(text, at))
        schema_refuse(
            reader, setting, value,
            "is no network: an address, '/' and the number of bits that count, and no bit set behind them "
            "(10.0.0.0/8, 2001:db8::/32), or one address");
}

static const struct schema_type type_network = {
    .name = "network",
    .form = "such as 10.0.0.0/8, 2001:db8::/32, or one address",
    .json = "{\"type\": \"string\", \"pattern\": \"^[0-9a-fA-F.:]+(/[0-9]+)?$\"}",
    .read = network_read,
};

/* ---- the table, from the leaves up ---- */

#define SECTION(rows) .settings = (rows), .len = ARRAY_LEN(rows)

static const struct setting proxy_row = {
    .key = "proxyProtocol", .type = &type_network, .width = sizeof(struct ip_net), .text = "A network."};
static const struct setting listener_rows[] = {
    {.key = "address",
     .type = &type_listen_address,
     FIELD(config_listener, address),
     .required = true,
     .example = "0.0.0.0:8080",
     .text = "Where to listen for HTTP; port 0 takes a free one."},
    {.key = "proxyProtocol",
     .type = &schema_list,
     LIST(config_listener, proxies),
     .max = 64,
     .item = &proxy_row,
     .example = "[10.0.0.0/8]",
     .text = "Networks of the load balancers that speak the PROXY protocol (1 or 2) here. Each connection "
             "from them must "
             "begin with its header, which says who the client is; connections from elsewhere are refused."},
};
static const struct section listener_section = {SECTION(listener_rows),
                                                .size = sizeof(struct config_listener)};

static const struct setting admin_host_row = {
    .key = "hosts",
    .type = &type_host,
    .width = sizeof(char *),
    .text = "A host name.",
};
static const struct setting admin_rows[] = {
    {.key = "address",
     .type = &type_admin_address,
     FIELD(config_admin, address),
     .fallback = "127.0.0.1:9901",
     .text = "Where the admin API, the metrics and the dashboard are; not for the public."},
    {.key = "tokenFile",
     .type = &type_secret_file,
     FIELD(config_admin, token),
     .example = "admin.token",
     .text = "A file with the bearer token that writes need; without a token they are refused."},
    {.key = "token",
     .type = &type_secret,
     FIELD(config_admin, token),
     .example = "${PENSTOCK_TOKEN}",
     .text = "The token itself, from the environment or as file:PATH, instead of tokenFile."},
    {.key = "hosts",
     .type = &schema_list,
     LIST(config_admin, hosts),
     .max = 32,
     .item = &admin_host_row,
     .example = "[penstock.internal]",
     .text = "Further names that requests may carry as Host, beside the address and localhost."},
};
static const struct section admin_section = {
    SECTION(admin_rows),
    .one_of = "tokenFile token",
    .check = config_check_admin,
    .text = "The admin side. Without this key there is none: no API, no metrics, no rollouts.",
};

static const struct setting state_rows[] = {
    {.key = "directory",
     .type = &type_path,
     FIELD(config, state_directory),
     .required = true,
     .example = "state",
     .text =
         "The folder of the database that keeps rollouts, decisions, evidence and history over restarts."},
};
static const struct section state_section = {
    SECTION(state_rows),
    .text = "What is kept. Without this key a restart forgets every rollout, its weights included.",
};

static const struct setting log_file_rows[] = {
    {.key = "path",
     .type = &type_path,
     FIELD(config_log, path),
     .required = true,
     .example = "logs/access.jsonl",
     .text = "The file, to which lines are added."},
};
static const struct section log_file_section = {SECTION(log_file_rows)};
static const struct section log_stdout_section = {.settings = NULL, .len = 0};
static const struct setting log_rows[] = {
    {.key = "file", .type = &schema_map, .section = &log_file_section, .text = "Lines go to a file."},
    {.key = "stdout",
     .type = &schema_map,
     .section = &log_stdout_section,
     .text = "Lines go to standard output: write {}."},
};
static const struct section log_section = {
    SECTION(log_rows),
    .size = sizeof(struct config_log),
    .one_of = "file stdout",
    .one_of_required = true,
    .check = config_check_log,
    .text = "One valid JSON line for each request. Without this key no access log is written.",
};

#define NO_LIMIT_TO(max_) .min = 0, .max = (max_)

static const struct setting timeout_rows[] = {
    {.key = "requestHead",
     .type = &type_duration,
     FIELD(config, timeouts.head_ns),
     NO_LIMIT_TO(3600 * S),
     .fallback = "10s",
     .text =
         "From the first byte of a request to its whole head; also for the first request of a connection."},
    {.key = "keepAlive",
     .type = &type_duration,
     FIELD(config, timeouts.keep_alive_ns),
     .min = S / 1000,
     .max = 24 * 3600 * S,
     .fallback = "60s",
     .text = "How long a client's connection may wait for its next request."},
    {.key = "clientWrite",
     .type = &type_duration,
     FIELD(config, timeouts.write_ns),
     NO_LIMIT_TO(3600 * S),
     .fallback = "30s",
     .text = "How long a client may take nothing of an answer."},
    {.key = "connect",
     .type = &type_duration,
     FIELD(config, route_timeouts.connect_ns),
     NO_LIMIT_TO(300 * S),
     .fallback = "3s",
     .text = "To connect to a target, for each try."},
    {.key = "firstByte",
     .type = &type_duration,
     FIELD(config, route_timeouts.first_byte_ns),
     NO_LIMIT_TO(24 * 3600 * S),
     .fallback = "30s",
     .text = "From the request sent to the head of the answer."},
    {.key = "body",
     .type = &type_duration,
     FIELD(config, route_timeouts.body_ns),
     NO_LIMIT_TO(24 * 3600 * S),
     .fallback = "30s",
     .text = "Between two reads of a body, from either side."},
    {.key = "tunnel",
     .type = &type_duration,
     FIELD(config, route_timeouts.tunnel_ns),
     NO_LIMIT_TO(7 * 24 * 3600 * S),
     .fallback = "1h",
     .text = "How long a tunnel (WebSocket) may stay silent in both directions."},
    {.key = "minBodyRate",
     .type = &type_size,
     FIELD(config, route_timeouts.min_body_rate),
     NO_LIMIT_TO(1024 * KIB),
     .fallback = "256B",
     .text = "Bytes of a request body that a client sends each second at least, once bodyGrace is used up; "
             "else 408."},
    {.key = "bodyGrace",
     .type = &type_duration,
     FIELD(config, route_timeouts.grace_ns),
     .min = S / 10,
     .max = 3600 * S,
     .fallback = "10s",
     .text = "How long a client may be slower than that in all."},
    {.key = "minWriteRate",
     .type = &type_size,
     FIELD(config, route_timeouts.min_write_rate),
     NO_LIMIT_TO(1024 * KIB),
     .fallback = "256B",
     .text = "Bytes of an answer that a client takes each second at least, over clientWrite; else it is cut."},
    {.key = "poolIdle",
     .type = &type_duration,
     FIELD(config, timeouts.pool_idle_ns),
     .min = S / 1000,
     .max = 3600 * S,
     .fallback = "4s",
     .text =
         "How long a connection to a target is kept unused; keep it below the target's own (5s in Node)."},
    {.key = "drain",
     .type = &type_duration,
     FIELD(config, timeouts.drain_ns),
     .min = 0,
     .max = 24 * 3600 * S,
     .fallback = "30s",
     .text = "How long requests may go on after the order to end; then they are cut. 0 cuts at once."},
};
static const struct section timeout_section = {
    SECTION(timeout_rows),
    .check = config_check_timeouts,
    .text =
        "Times of the edge, and what routes get that write none of their own. 0 is no limit, with a warning.",
};

static const struct setting exempt_row = {
    .key = "exempt", .type = &type_network, .width = sizeof(struct ip_net), .text = "A network."};
static const struct setting limit_rows[] = {
    {.key = "requestLine",
     .type = &type_size,
     FIELD(config, limits.request_line),
     .min = 256,
     .max = 64 * KIB,
     .fallback = "8KiB",
     .text = "The first line of a request; beyond it 414."},
    {.key = "requestHead",
     .type = &type_size,
     FIELD(config, limits.request_head),
     .min = KIB,
     .max = 96 * KIB, /* RELAY_LARGE, with room for trailers */
     .fallback = "32KiB",
     .text = "The whole head of a request; beyond it 431."},
    {.key = "requestFields",
     .type = &type_count,
     FIELD(config, limits.request_fields),
     .min = 1,
     .max = 100, /* TXN_FIELDS_MAX: what a transaction has room for */
     .fallback = "100",
     .text = "Header fields in a request; beyond it 431."},
    {.key = "responseHead",
     .type = &type_size,
     FIELD(config, limits.response_head),
     .min = KIB,
     .max = 96 * KIB, /* likewise */
     .fallback = "64KiB",
     .text = "The whole head of an answer; beyond it 502."},
    {.key = "responseFields",
     .type = &type_count,
     FIELD(config, limits.response_fields),
     .min = 1,
     .max = 200, /* TXN_RESPONSE_FIELDS_MAX */
     .fallback = "200",
     .text = "Header fields in an answer; beyond it 502."},
    {.key = "connections",
     .type = &type_count,
     FIELD(config, limits.connections),
     .min = 1,
     .max = 1000000,
     .fallback = "10000",
     .text = "Open connections of clients in all. Beyond it the connection that has been idle longest is closed, "
             "or the new one answered with 503; from half of it on, idle ones are closed sooner than keepAlive."},
    {.key = "connectionsPerAddress",
     .type = &type_count,
     FIELD(config, limits.address_connections),
     NO_LIMIT_TO(1000000),
     .fallback = "1000",
     .text = "Open connections of one client address (of one /64 in IPv6); further ones are closed at once. "
             "Proxies of forwarded.trusted and loopback are not counted."},
    {.key = "requestsPerAddress",
     .type = &type_count,
     FIELD(config, limits.address_requests),
     NO_LIMIT_TO(1000000),
     .fallback = "1000",
     .text = "Requests under way of one client address, whichever proxy they come through; beyond it 429. "
             "Loopback is not counted."},
    {.key = "exempt",
     .type = &schema_list,
     LIST(config, limits.exempt),
     .max = 64,
     .item = &exempt_row,
     .example = "[192.0.2.0/24]",
     .text = "Networks that these two do not count."},
};
static const struct section limit_section = {
    SECTION(limit_rows),
    .check = config_check_limits,
    .text = "What a client or a target may send.",
};

static const struct setting target_rows[] = {
    {.key = "address",
     .type = &type_target_address,
     FIELD(config_target, address),
     .required = true,
     .example = "10.0.1.10:3000",
     .text = "IP:port or host:port; a host name is resolved once, when the configuration is loaded."},
};
static const struct section target_section = {
    SECTION(target_rows),
    .size = sizeof(struct config_target),
    .shorthand = "address",
};
static const struct setting target_row = {
    .key = "targets",
    .type = &schema_map,
    .section = &target_section,
    .text = "A target: its address alone, or a map.",
};
static const struct setting ejection_rows[] = {
    {.key = "failures",
     .type = &type_count,
     FIELD(config_group, ejection.failures),
     .min = 0,
     .max = 1000,
     .fallback = "5",
     .example = "5",
     .text = "This many requests in a row without an answer (refused, reset, timed out, broken); 0: never."},
    {.key = "time",
     .type = &type_duration,
     FIELD(config_group, ejection.time_ns),
     .min = S,
     .max = 3600 * S,
     .fallback = "10s",
     .example = "10s",
     .text = "How long the first time; the second time twice as long, and so on."},
    {.key = "maxTime",
     .type = &type_duration,
     FIELD(config_group, ejection.max_time_ns),
     .min = S,
     .max = 24 * 3600 * S,
     .fallback = "5m",
     .example = "5m",
     .text = "The longest time."},
    {.key = "maxShare",
     .type = &type_count,
     FIELD(config_group, ejection.max_share),
     .min = 0,
     .max = 100,
     .fallback = "50",
     .example = "50",
     .text = "Percent of the group's targets that may be out at once; one may always, where there are two or "
             "more."},
};
static const struct section ejection_section = {
    SECTION(ejection_rows),
    .text = "When a worker leaves a target alone for a while. Each worker sees for itself; answers of any "
            "status are "
            "answers, and the judge's business.",
};

static const struct setting health_rows[] = {
    {.key = "path",
     .type = &type_string,
     FIELD(config_group, health.path),
     .max = 1024,
     .example = "/healthz",
     .text = "By a GET of this path, with query if any."},
    {.key = "connect", .type = &type_true, .example = "true", .text = "By a connection alone."},
    {.key = "host",
     .type = &type_host,
     FIELD(config_group, health.host),
     .example = "api.example.com",
     .text = "The Host of the GET; without this key the target's address."},
    {.key = "status",
     .type = &type_count,
     FIELD(config_group, health.status),
     .min = 200,
     .max = 599,
     .inherits = "any from 200 to 399",
     .example = "200",
     .text = "The status of a good answer."},
    {.key = "interval",
     .type = &type_duration,
     FIELD(config_group, health.interval_ns),
     .min = S / 10,
     .max = 3600 * S,
     .fallback = "5s",
     .text = "From the beginning of a check to that of the next."},
    {.key = "timeout",
     .type = &type_duration,
     FIELD(config_group, health.timeout_ns),
     .min = S / 100,
     .max = 300 * S,
     .fallback = "2s",
     .text = "For a whole check."},
    {.key = "healthy",
     .type = &type_count,
     FIELD(config_group, health.healthy),
     .min = 1,
     .max = 100,
     .fallback = "2",
     .text = "Good checks in a row that make an unhealthy target healthy."},
    {.key = "unhealthy",
     .type = &type_count,
     FIELD(config_group, health.unhealthy),
     .min = 1,
     .max = 100,
     .fallback = "3",
     .text = "Failed checks in a row that make a target unhealthy: it gets no requests, unless all of its "
             "group are "
             "unhealthy and no other group may serve."},
};
static const struct section health_section = {
    SECTION(health_rows),
    .one_of = "path connect",
    .one_of_required = true,
    .check = config_check_health,
    .text =
        "How each target is checked, apart from the requests. A target counts as healthy until it is known.",
};

static const struct word balance_words[] = {
    [CONFIG_BALANCE_LEAST_REQUEST] = {"leastRequest",
                                      "of two targets at random the one with fewer requests in flight"},
    [CONFIG_BALANCE_ROUND_ROBIN] = {"roundRobin", "one after the other, in each worker"},
    [CONFIG_BALANCE_CONSISTENT_HASH] = {"consistentHash",
                                        "by `hash`, so that equal requests go to the same target"},
};
static const struct word_table balance_table = {balance_words, ARRAY_LEN(balance_words)};
static const struct setting hash_rows[] = {
    {.key = "header",
     .type = &type_token,
     FIELD(config_group, hash_name),
     .max = CONFIG_NAME_MAX,
     .example = "X-User-Id",
     .text = "By the value of this request header."},
    {.key = "cookie",
     .type = &type_token,
     FIELD(config_group, hash_name),
     .max = CONFIG_NAME_MAX,
     .example = "session",
     .text = "By the value of this cookie."},
    {.key = "clientAddress", .type = &type_true, .example = "true", .text = "By the address of the client."},
};
static const struct section hash_section = {
    SECTION(hash_rows),
    .one_of = "header cookie clientAddress",
    .one_of_required = true,
    .check = config_check_hash,
    .text = "What consistentHash goes by; requests without it are spread as with leastRequest.",
};

static const struct setting group_rows[] = {
    {.key = "platform",
     .shown = true,
     .type = &type_name,
     FIELD(config_group, platform),
     .inherits = "the group's name",
     .example = "fargate",
     .text = "The label of its requests in the header to the target, the access log and the metrics."},
    {.key = "tags",
     .type = &type_tags,
     .max = CONFIG_TAGS_MAX,
     .example = "{ env: prd }",
     .text = "Further labels for the access log and the metrics."},
    {.key = "targets",
     .type = &schema_list,
     LIST(config_group, targets),
     .required = true,
     .min = 1,
     .max = CONFIG_TARGETS_MAX,
     .item = &target_row,
     .example = "[\"10.0.1.10:3000\", \"10.0.1.11:3000\"]",
     .text = "The servers of the group."},
    {.key = "maxConnections",
     .type = &type_count,
     FIELD(config_group, max_connections),
     .min = 1,
     .max = 65535,
     .fallback = "1024",
     .text = "Open connections to each target, from each worker."},
    {.key = "trailers",
     .type = &type_flag,
     FIELD(config_group, trailers),
     .fallback = "false",
     .text = "Whether its targets take trailer fields behind request bodies (as gRPC does); else these are "
             "dropped."},
    {.key = "balance",
     .type = &type_word,
     FIELD(config_group, balance),
     .words = &balance_table,
     .fallback = "leastRequest",
     .text = "How requests are spread over the targets."},
    {.key = "hash", .type = &schema_map, .section = &hash_section, .text = "What consistentHash goes by."},
    {.key = "slowStart",
     .type = &type_duration,
     FIELD(config_group, slow_start_ns),
     NO_LIMIT_TO(3600 * S),
     .fallback = "0",
     .example = "30s",
     .text = "A target that begins to take work while penstock runs (new, well again, or no longer draining) "
             "gets a tenth of "
             "its share at first and all of it after this time; 0: at once. It does not hold for "
             "consistentHash."},
    {.key = "proxyProtocol",
     .type = &type_count,
     FIELD(config_group, proxy_protocol),
     .min = 1,
     .max = 2,
     .inherits = "none",
     .example = "2",
     .text = "Version of the PROXY header that tells its targets the client's address. Each request then has "
             "a connection "
             "of its own, since a connection is about one client."},
    {.key = "healthCheck",
     .type = &schema_map,
     .section = &health_section,
     .text = "Active checks of the targets; without this key there are none."},
    {.key = "ejection",
     .type = &schema_map,
     .section = &ejection_section,
     .text = "What happens to a target that does not answer."},
};
static const struct section group_section = {
    SECTION(group_rows),
    .size = sizeof(struct config_group),
    .name_offset = offsetof(struct config_group, name),
    .check = config_check_group,
};

static const struct setting match_rows[] = {
    {.key = "host",
     .type = &type_host,
     FIELD(config_route, host),
     .example = "api.example.com",
     .text = "The host, without port; *.example.com for all names below it; without this key any."},
    {.key = "pathPrefix",
     .shown = true,
     .type = &type_prefix,
     FIELD(config_route, path_prefix),
     .max = 1024,
     .fallback = "/",
     .text = "The beginning of the path, by whole segments: /api matches /api and /api/x, not /apix."},
};
static const struct section match_section = {
    SECTION(match_rows),
    .text = "Which requests; the route with the most exact host wins, then the one with the longest prefix.",
};

static const struct word same_site_words[] = {
    [CONFIG_SAME_SITE_LAX] = {"lax", "they do when they lead here"},
    [CONFIG_SAME_SITE_STRICT] = {"strict", "they do not"},
    [CONFIG_SAME_SITE_NONE] = {"none", "they do; needs secure: true"},
};
static const struct word_table same_site_table = {same_site_words, ARRAY_LEN(same_site_words)};

static const struct setting affinity_rows[] = {
    {.key = "cookie",
     .type = &type_token,
     FIELD(config_route, affinity_name),
     .max = CONFIG_NAME_MAX,
     .example = "penstock",
     .text = "By a cookie of this name, which is set where it is missing."},
    {.key = "header",
     .type = &type_token,
     FIELD(config_route, affinity_name),
     .max = CONFIG_NAME_MAX,
     .example = "X-User-Id",
     .text = "By the value of this request header; requests without it are drawn anew each time."},
    {.key = "clientAddress", .type = &type_true, .example = "true", .text = "By the address of the client."},
    {.key = "maxAge",
     .type = &type_duration,
     FIELD(config_route, affinity_max_age_ns),
     .min = S,
     .max = 366 * 24 * 3600 * S,
     .fallback = "1h",
     .text = "The life of the cookie."},
    {.key = "path",
     .type = &type_prefix,
     FIELD(config_route, affinity_path),
     .max = 256,
     .fallback = "/",
     .text = "The path of the cookie; it is always HttpOnly."},
    {.key = "secure",
     .type = &type_flag,
     FIELD(config_route, affinity_secure),
     .fallback = "false",
     .text = "Whether the cookie goes over TLS only; write true where clients speak TLS to what stands before "
             "penstock."},
    {.key = "sameSite",
     .type = &type_word,
     FIELD(config_route, affinity_same_site),
     .words = &same_site_table,
     .fallback = "lax",
     .text = "Whether other sites' pages send the cookie."},
};
static const struct section affinity_section = {
    SECTION(affinity_rows),
    .one_of = "cookie header clientAddress",
    .one_of_required = true,
    .check = config_check_affinity,
    .text = "What keeps a client in its group. Without this key each request is drawn anew.",
};

static const struct setting retry_rows[] = {
    {.key = "attempts",
     .type = &type_count,
     FIELD(config_route, retries.attempts),
     .min = 0,
     .max = CONFIG_RETRIES_MAX,
     .fallback = "1",
     .example = "1",
     .text = "Further tries of a request of which nothing was sent, or whose method may be repeated and that "
             "has no body, "
             "on another target where there is one."},
    {.key = "budget",
     .type = &type_count,
     FIELD(config_route, retries.budget),
     .min = 0,
     .max = 100,
     .fallback = "20",
     .example = "20",
     .text = "Percent of the route's requests in flight that may be further tries, in each worker."},
    {.key = "minimum",
     .type = &type_count,
     FIELD(config_route, retries.minimum),
     .min = 0,
     .max = 1000,
     .fallback = "3",
     .example = "3",
     .text = "Further tries at a time that the budget never forbids, in each worker."},
    {.key = "shield",
     .type = &type_flag,
     FIELD(config_route, retries.shield),
     .fallback = "false",
     .example = "true",
     .text = "Whether a request that the canary fails (no answer, or a status from 500 on) is tried once on "
             "stable, if its "
             "method may be repeated and it has no body. It counts against the canary all the same, and has "
             "a line of "
             "its own in the access log."},
};
static const struct section retry_section = {
    SECTION(retry_rows),
    .text = "When a request is tried again. A limit of penstock's own is never a reason.",
};

static const struct setting route_timeout_rows[] = {
    {.key = "connect",
     .type = &type_duration,
     FIELD(config_route, timeouts.connect_ns),
     NO_LIMIT_TO(300 * S),
     .inherits = "timeouts.connect",
     .example = "3s",
     .text = "To connect to a target, for each try."},
    {.key = "firstByte",
     .type = &type_duration,
     FIELD(config_route, timeouts.first_byte_ns),
     NO_LIMIT_TO(24 * 3600 * S),
     .inherits = "timeouts.firstByte",
     .example = "30s",
     .text = "From the request sent to the head of the answer."},
    {.key = "body",
     .type = &type_duration,
     FIELD(config_route, timeouts.body_ns),
     NO_LIMIT_TO(24 * 3600 * S),
     .inherits = "timeouts.body",
     .example = "30s",
     .text = "Between two reads of a body, from either side."},
    {.key = "tunnel",
     .type = &type_duration,
     FIELD(config_route, timeouts.tunnel_ns),
     NO_LIMIT_TO(7 * 24 * 3600 * S),
     .inherits = "timeouts.tunnel",
     .example = "1h",
     .text = "How long a tunnel (WebSocket) may stay silent in both directions."},
    {.key = "minBodyRate",
     .type = &type_size,
     FIELD(config_route, timeouts.min_body_rate),
     NO_LIMIT_TO(1024 * KIB),
     .inherits = "timeouts.minBodyRate",
     .example = "256B",
     .text = "Bytes of a request body that a client sends each second at least, once bodyGrace is used up; "
             "else 408."},
    {.key = "bodyGrace",
     .type = &type_duration,
     FIELD(config_route, timeouts.grace_ns),
     .min = S / 10,
     .max = 3600 * S,
     .inherits = "timeouts.bodyGrace",
     .example = "10s",
     .text = "How long a client may be slower than that in all."},
    {.key = "minWriteRate",
     .type = &type_size,
     FIELD(config_route, timeouts.min_write_rate),
     NO_LIMIT_TO(1024 * KIB),
     .inherits = "timeouts.minWriteRate",
     .example = "256B",
     .text = "Bytes of an answer that a client takes each second at least, over clientWrite; else it is cut."},
};
static const struct section route_timeout_section = {SECTION(route_timeout_rows),
                                                     .check = config_check_timeouts};

static const struct setting slo_rows[] = {
    {.key = "threshold",
     .type = &type_duration,
     FIELD(config_route, slo_threshold_ns),
     .min = S / 1000,
     .max = 3600 * S,
     .required = true,
     .example = "300ms",
     .text = "An answer within this time is in time."},
    {.key = "objective",
     .type = &type_share,
     FIELD(config_route, slo_objective),
     .min = 500000,
     .max = 999999,
     .fallback = "0.99",
     .text = "The share of the answers that has to be in time."},
};
static const struct section slo_section = {
    SECTION(slo_rows),
    .text = "The promise about latency, for plans that name no metrics or no threshold of their own.",
};

/* The values that a text may have in braces. */
#define VALUES "values in braces: " TEMPLATE_NAMES

#define RULE_ROWS                                                                                            \
    {.key = "set",                                                                                           \
     .type = &type_token,                                                                                    \
     FIELD(config_rule, name),                                                                               \
     .max = 128,                                                                                             \
     .example = "X-Client",                                                                                  \
     .text = "The field that gets this value, in place of all of its name."},                                \
        {.key = "add",                                                                                       \
         .type = &type_token,                                                                                \
         FIELD(config_rule, name),                                                                           \
         .max = 128,                                                                                         \
         .example = "X-Client",                                                                              \
         .text = "The field that is added beside those of its name."},                                       \
        {.key = "remove",                                                                                    \
         .type = &type_token,                                                                                \
         FIELD(config_rule, name),                                                                           \
         .max = 128,                                                                                         \
         .example = "X-Client",                                                                              \
         .text = "The field of which all are removed."},                                                     \
    {                                                                                                        \
        .key = "value", .type = &type_string, FIELD(config_rule, value), .max = 1024,                        \
        .example = "\"{clientAddress}\"",                                                                    \
        .text = "The value, with " VALUES "; a field whose value is empty is not sent.",                     \
    }

static const struct setting request_rule_rows[] = {RULE_ROWS};
static const struct setting response_rule_rows[] = {RULE_ROWS};
static const struct section request_rule_section = {
    SECTION(request_rule_rows),
    .size = sizeof(struct config_rule),
    .one_of = "set add remove",
    .one_of_required = true,
    .check = config_check_request_rule,
    .text = "Rules come after penstock's own: what frames a message, what concerns a connection, and what "
            "penstock says itself cannot be touched.",
};
static const struct section response_rule_section = {
    SECTION(response_rule_rows), .size = sizeof(struct config_rule),  .one_of = "set add remove",
    .one_of_required = true,     .check = config_check_response_rule,
};
static const struct setting request_rule_row = {
    .key = "requestHeaders", .type = &schema_map, .section = &request_rule_section, .text = "A rule."};
static const struct setting response_rule_row = {
    .key = "responseHeaders", .type = &schema_map, .section = &response_rule_section, .text = "A rule."};

static const struct setting rewrite_rows[] = {
    {.key = "pathPrefix",
     .type = &type_prefix,
     FIELD(config_route, rewrite_prefix),
     .max = 1024,
     .example = "/v2",
     .text = "What the target gets in place of the route's own pathPrefix; / takes it away."},
    {.key = "host",
     .type = &type_host,
     FIELD(config_route, rewrite_host),
     .example = "internal.example.com",
     .text = "The Host that the target gets; the client's stands in X-Forwarded-Host."},
};
static const struct section rewrite_section = {
    SECTION(rewrite_rows),
    .check = config_check_rewrite,
    .text = "What the target is asked for instead. A path that is not in normal form is brought to it first.",
};

static const struct setting redirect_rows[] = {
    {.key = "to",
     .type = &type_string,
     FIELD(config_route, redirect.to),
     .max = 1024,
     .required = true,
     .example = "\"https://{host}{path}{query}\"",
     .text = "Where to, with " VALUES "."},
    {.key = "status",
     .type = &type_count,
     FIELD(config_route, redirect.status),
     .min = 301,
     .max = 308,
     .fallback = "308",
     .text = "308 and 301 are for ever, 307 and 302 for now, 303 for a GET; 307 and 308 keep the method."},
};
static const struct section redirect_section = {
    SECTION(redirect_rows),
    .shorthand = "to",
    .text = "Sends the client somewhere else; the route has no groups.",
};

static const struct setting answer_rows[] = {
    {.key = "status",
     .type = &type_count,
     FIELD(config_route, answer.status),
     .min = 200,
     .max = 599,
     .required = true,
     .example = "503",
     .text = "The status of the answer."},
    {.key = "type",
     .type = &type_string,
     FIELD(config_route, answer.type),
     .max = 200,
     .inherits = "text/plain; charset=utf-8",
     .example = "text/html",
     .text = "The Content-Type of the body."},
    {.key = "body",
     .type = &type_lines,
     FIELD(config_route, answer.body),
     .max = CONFIG_BODY_MAX,
     .example = "\"We are back at noon.\"",
     .text = "The body, as it is."},
};
static const struct section answer_section = {
    SECTION(answer_rows),
    .check = config_check_answer,
    .text = "Answers by itself; the route has no groups. Further fields stand in responseHeaders.",
};

static const struct setting upgrade_row = {
    .key = "upgrades",
    .type = &type_token,
    .width = CONFIG_UPGRADE_LEN,
    .inside = true,
    .max = CONFIG_UPGRADE_LEN - 1,
    .text = "The name of a protocol, as in Upgrade.",
};
static const struct setting route_rows[] = {
    {.key = "name",
     .type = &type_name,
     FIELD(config_route, name),
     .required = true,
     .example = "web",
     .text = "Its name in commands, in the API and in the access log."},
    {.key = "match",
     .shown = true,
     .type = &schema_map,
     .section = &match_section,
     .text = "Which requests take this route; without it all that no other route takes."},
    {.key = "stable",
     .type = &type_group,
     FIELD(config_route, stable),
     .example = "ec2",
     .text = "The group that serves today."},
    {.key = "canary",
     .shown = true,
     .type = &type_group,
     FIELD(config_route, canary),
     .example = "fargate",
     .text = "The group that shall serve tomorrow; without it all requests go to stable."},
    {.key = "weight",
     .shown = true,
     .type = &type_percent,
     FIELD(config_route, weight),
     .min = 0,
     .max = CONFIG_WEIGHT_ONE,
     .fallback = "0",
     .example = "0",
     .text = "Percent of the requests to the canary, while no rollout and no weight by hand is stored."},
    {.key = "affinity",
     .type = &schema_map,
     .section = &affinity_section,
     .text =
         "Keeps a client in its group while the weight stands; as the weight rises it moves at most once."},
    {.key = "timeouts",
     .type = &schema_map,
     .section = &route_timeout_section,
     .text = "Times of this route alone."},
    {.key = "retries",
     .type = &schema_map,
     .section = &retry_section,
     .text = "Further tries of this route's requests."},
    {.key = "maxBody",
     .type = &type_size,
     FIELD(config_route, max_body),
     .min = 0,
     .max = 1024 * GIB,
     .fallback = "1GiB",
     .text = "Bytes of a request body; beyond it 413. Bodies are streamed, never stored."},
    {.key = "upgrades",
     .type = &schema_list,
     LIST_INSIDE(config_route, upgrades),
     .max = CONFIG_UPGRADES_MAX,
     .item = &upgrade_row,
     .inherits = "[websocket]",
     .example = "[websocket]",
     .text = "Protocols that a connection may switch to when client and target agree; [] for none."},
    {.key = "slo", .type = &schema_map, .section = &slo_section, .text = "What counts as in time."},
    {.key = "requestHeaders",
     .type = &schema_list,
     LIST(config_route, request_rules),
     .max = CONFIG_RULES_MAX,
     .item = &request_rule_row,
     .text = "What happens to header fields on their way to the target, in this order."},
    {.key = "responseHeaders",
     .type = &schema_list,
     LIST(config_route, response_rules),
     .max = CONFIG_RULES_MAX,
     .item = &response_rule_row,
     .text = "The same on their way to the client; not for penstock's own errors and for 1xx."},
    {.key = "rewrite",
     .type = &schema_map,
     .section = &rewrite_section,
     .text = "What the target is asked for instead of what the client asks."},
    {.key = "redirect",
     .type = &schema_map,
     .section = &redirect_section,
     .text = "Instead of groups: where clients are sent, as a map or the place alone."},
    {.key = "answer",
     .type = &schema_map,
     .section = &answer_section,
     .text = "Instead of groups: the answer itself."},
};
static const struct section route_section = {
    SECTION(route_rows),     .size = sizeof(struct config_route), .one_of = "stable redirect answer",
    .one_of_required = true, .before = config_init_route,         .check = config_check_route,
};
static const struct setting listener_row = {
    .key = "listeners", .type = &schema_map, .section = &listener_section, .text = "A listener."};
static const struct setting log_row = {
    .key = "accessLog", .type = &schema_map, .section = &log_section, .text = "A place for the lines."};
static const struct setting route_row = {
    .key = "routes", .type = &schema_map, .section = &route_section, .text = "A route."};

static const struct word ambiguous_words[] = {
    [CONFIG_AMBIGUOUS_DROP] = {"drop", "the field is not passed on"},
    [CONFIG_AMBIGUOUS_REJECT] = {"reject", "the request is answered with 400"},
    [CONFIG_AMBIGUOUS_KEEP] = {"keep",
                               "it is passed on, unless it reads as a field that HTTP or penstock uses"},
};
static const struct word_table ambiguous_table = {ambiguous_words, ARRAY_LEN(ambiguous_words)};

static const struct word half_closed_words[] = {
    [CONFIG_HALF_CLOSED_LAST] = {"last",
                                 "a client that had said that this is its last request gets the answer"},
    [CONFIG_HALF_CLOSED_SERVE] = {"serve", "every client gets the answer"},
    [CONFIG_HALF_CLOSED_ABORT] = {"abort", "the client counts as gone, and the request is given up"},
};
static const struct word_table half_closed_table = {half_closed_words, ARRAY_LEN(half_closed_words)};

static const struct setting trusted_row = {
    .key = "trusted", .type = &type_network, .width = sizeof(struct ip_net), .text = "A network."};
static const struct word hops_words[] = {
    [CONFIG_HOPS_X_FORWARDED_FOR] = {"xForwardedFor", "X-Forwarded-For, with X-Forwarded-Proto and -Host"},
    [CONFIG_HOPS_FORWARDED] = {"forwarded", "Forwarded (RFC 7239)"},
    [CONFIG_HOPS_BOTH] = {"both", "both of them"},
};
static const struct word_table from_table = {hops_words, CONFIG_HOPS_BOTH};
static const struct word_table send_table = {hops_words, ARRAY_LEN(hops_words)};
static const struct setting forwarded_rows[] = {
    {.key = "trusted",
     .type = &schema_list,
     LIST(config, forwarded.trusted),
     .max = 64,
     .item = &trusted_row,
     .example = "[10.0.0.0/8]",
     .text = "Networks of the proxies and load balancers in front, and of nobody else: what they say of a "
             "client is "
             "believed. The client is the last address, from right to left, that is in none of them."},
    {.key = "from",
     .type = &type_word,
     FIELD(config, forwarded.from),
     .words = &from_table,
     .fallback = "xForwardedFor",
     .text = "The field in which they say it."},
    {.key = "send",
     .type = &type_word,
     FIELD(config, forwarded.send),
     .words = &send_table,
     .fallback = "xForwardedFor",
     .text = "The field that targets get. What a client says is replaced, what a trusted proxy says is "
             "continued."},
};
static const struct section forwarded_section = {
    SECTION(forwarded_rows),
    .text = "Which client a request is from: for the access log, for affinity, and for the targets.",
};

static const struct setting config_rows[] = {
    {.key = "workers",
     .type = &type_workers,
     FIELD(config, workers),
     .min = 1,
     .max = CONFIG_WORKERS_MAX,
     .fallback = "auto",
     .text = "Threads that serve; auto is one for each processor that the process may use."},
    {.key = "service",
     .type = &type_string,
     FIELD(config, service),
     .max = 100,
     .fallback = "penstock",
     .text = "The name of this service in the access log."},
    {.key = "labelHeader",
     .type = &type_token,
     FIELD(config, label_header),
     .max = CONFIG_NAME_MAX,
     .fallback = "X-Platform",
     .text = "The request header that tells the target its platform; the client's own is removed."},
    {.key = "viaName",
     .type = &type_token,
     FIELD(config, via_name),
     .max = CONFIG_NAME_MAX,
     .fallback = "penstock",
     .text = "What stands for this proxy in Via."},
    {.key = "ambiguousFields",
     .type = &type_word,
     FIELD(config, ambiguous_fields),
     .words = &ambiguous_table,
     .fallback = "drop",
     .text = "What is done with request fields whose name has '_' or '.', which some servers read as '-'."},
    {.key = "halfClosed",
     .type = &type_word,
     FIELD(config, half_closed),
     .words = &half_closed_table,
     .fallback = "last",
     .text =
         "What follows when a client closes its side behind a whole request: it may wait for the answer, or "
         "have left."},
    {.key = "forwarded",
     .type = &schema_map,
     .section = &forwarded_section,
     .text = "What proxies in front say about the client."},
    {.key = "listeners",
     .type = &schema_list,
     LIST(config, listeners),
     .required = true,
     .min = 1,
     .max = CONFIG_LISTENERS_MAX,
     .item = &listener_row,
     .text = "Where clients connect."},
    {.key = "admin",
     .shown = true,
     .type = &schema_map,
     FIELD(config, admin),
     .section = &admin_section,
     .text = "The API of the commands, the metrics and the dashboard."},
    {.key = "state",
     .shown = true,
     .type = &schema_map,
     .section = &state_section,
     .text = "What is kept over a restart."},
    {.key = "accessLog",
     .shown = true,
     .type = &schema_list,
     LIST(config, logs),
     .max = CONFIG_LOGS_MAX,
     .item = &log_row,
     .text = "Where the access log goes; several places may be listed."},
    {.key = "timeouts",
     .type = &schema_map,
     .section = &timeout_section,
     .text = "How long things may take."},
    {.key = "limits", .type = &schema_map, .section = &limit_section, .text = "How large things may be."},
    {.key = "targetGroups",
     .type = &schema_named,
     LIST(config, groups),
     .required = true,
     .min = 1,
     .max = CONFIG_GROUPS_MAX,
     .section = &group_section,
     .example = "fargate ec2",
     .text = "The groups of targets, each under its name."},
    {.key = "routes",
     .type = &schema_list,
     LIST(config, routes),
     .required = true,
     .min = 1,
     .max = CONFIG_ROUTES_MAX,
     .item = &route_row,
     .text = "Which requests go where. A request that no route takes is answered with 404."},
};
const struct section config_section = {
    SECTION(config_rows),
    .size = sizeof(struct config),
};
