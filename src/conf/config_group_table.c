/* What a target group may have, from the leaves up. */
#include "conf/address.h"
#include "conf/config.h"
#include "conf/config_check.h"
#include "conf/config_table.h"
#include "conf/config_types.h"
#include "conf/types.h"

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
     .zero = "never leaves a target alone that does not answer",
     .fallback = "5",
     .example = "5",
     .text = "This many requests in a row without an answer (refused, reset, timed out, broken)."},
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
    .text = "A worker leaves it alone for a while. Each worker sees for itself; answers of any "
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
    .text = "A target counts as healthy until it is known; requests go on meanwhile.",
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
    .text = "Requests without it are spread as with leastRequest.",
};

static const struct setting concurrency_rows[] = {
    {.key = "target",
     .type = &type_count,
     FIELD(config_group, concurrency.target),
     .min = 1,
     .max = 1000000,
     .inherits = "any number",
     .example = "100",
     .text = "Requests in flight to each target."},
    {.key = "group",
     .type = &type_count,
     FIELD(config_group, concurrency.group),
     .min = 1,
     .max = 1000000,
     .inherits = "any number",
     .example = "400",
     .text = "Requests in flight to the group as a whole."},
    {.key = "queue",
     .type = &type_count,
     FIELD(config_group, concurrency.queue),
     .min = 0,
     .max = 65535,
     .fallback = "1024",
     .text = "Requests that may wait for a place; one more is answered with 503 at once. 0: none waits."},
    {.key = "wait",
     .type = &type_duration,
     FIELD(config_group, concurrency.wait_ns),
     .min = S / 1000,
     .max = 60 * S,
     .fallback = "1s",
     .text = "How long a request waits for a place at most; then it is answered with 503."},
};
static const struct section concurrency_section = {
    SECTION(concurrency_rows),
    .text =
        "Counted over all workers. A request has its place until its answer is through, a tunnel (WebSocket) "
        "until its end. Targets with a free place are preferred, also by consistentHash, which goes on to "
        "the "
        "next in its order. Where there is none, the request waits; who waits longest goes first, and no new "
        "request passes it. So it does where the worker has used up the target's maxConnections. The 503 has "
        "Retry-After, is never tried again, and is no error of the group to the judge of a rollout; the time "
        "of "
        "waiting is part of the answer time, so a plan with a latency metric sees a group that has too few "
        "places.",
};

static const struct word tls_version_words[] = {
    [CONFIG_TLS_1_2] = {"1.2", "TLS 1.2 or 1.3"},
    [CONFIG_TLS_1_3] = {"1.3", "TLS 1.3 only"},
};
const struct word_table config_tls_version_table = {tls_version_words, ARRAY_LEN(tls_version_words)};
static const struct setting tls_rows[] = {
    {.key = "verify",
     .type = &type_flag,
     FIELD(config_group, tls.verify),
     .fallback = "true",
     .text = "Whether a target has to show a certificate for its name from an authority that we trust."},
    {.key = "caFile",
     .type = &type_path,
     FIELD(config_group, tls.ca_file),
     .inherits = "the system's authorities",
     .example = "tls/targets-ca.pem",
     .text = "The authorities that are trusted, in PEM."},
    {.key = "serverName",
     .type = &type_host,
     FIELD(config_group, tls.server_name),
     .inherits = "the host of the target's address",
     .example = "api.internal",
     .text = "The name that is asked for (SNI) and that the certificate has to be for."},
    {.key = "certFile",
     .type = &type_path,
     FIELD(config_group, tls.cert_file),
     .example = "tls/penstock.pem",
     .text = "Our certificate with its chain, in PEM, for targets that ask for one."},
    {.key = "keyFile",
     .type = &type_path,
     FIELD(config_group, tls.key_file),
     .example = "tls/penstock.key",
     .text = "Its private key, in PEM."},
    {.key = "minVersion",
     .type = &type_word,
     FIELD(config_group, tls.min_version),
     .words = &config_tls_version_table,
     .fallback = "1.2",
     .text = "The oldest version of TLS that is spoken."},
};
static const struct section tls_section = {
    SECTION(tls_rows),
    .check = config_check_tls,
    .text =
        "For requests and health checks alike; {} for all defaults. The time to connect includes the "
        "handshake. Files are read again when they change; the system's authorities when the configuration "
        "is loaded.",
};

static const struct word speaks_words[] = {
    [CONFIG_SPEAKS_H1] = {"h1", "HTTP/1.1"},
    [CONFIG_SPEAKS_H2] = {"h2", "HTTP/2 over TLS (ALPN h2)"},
    [CONFIG_SPEAKS_H2C] = {"h2c", "HTTP/2 in clear text, without asking (prior knowledge)"},
    [CONFIG_SPEAKS_AUTO] = {"auto", "HTTP/2 or HTTP/1.1, as each target chooses (TLS, ALPN)"},
};
static const struct word_table speaks_table = {speaks_words, ARRAY_LEN(speaks_words)};
static const struct setting group_rows[] = {
    {.key = "platform",
     .shown = true,
     .type = &type_name,
     FIELD(config_group, platform),
     .inherits = "the group's name",
     .example = "fargate",
     .text = "The label of its requests in the header to the target, the access log and the metrics."},
    {.key = "service",
     .type = &type_string,
     FIELD(config_group, service),
     .max = 100,
     .inherits = "the configuration's `service`",
     .example = "web",
     .text = "The service that its targets are, in the access log, the metrics and the traces."},
    {.key = "env",
     .type = &type_string,
     FIELD(config_group, env),
     .max = 100,
     .inherits = "the tag env, then the configuration's `env`",
     .example = "prd-fargate",
     .text = "Their environment there: Datadog, for one, tells two platforms of one service apart by it."},
    {.key = "version",
     .type = &type_string,
     FIELD(config_group, version),
     .max = 100,
     .inherits = "the tag version, then the configuration's `version`",
     .example = "\"1.3.0\"",
     .text = "Their version there."},
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
    {.key = "protocol",
     .type = &type_word,
     FIELD(config_group, speaks),
     .words = &speaks_table,
     .fallback = "h1",
     .text =
         "What its targets are spoken to in. HTTP/2 carries many requests on one connection, and gRPC; "
         "`Upgrade` (WebSocket) is passed on with h1 and auto only, and copies (mirror) go to groups with "
         "these."},
    {.key = "maxConnections",
     .type = &type_count,
     FIELD(config_group, max_connections),
     .min = 1,
     .max = 65535,
     .fallback = "1024",
     .text = "Open connections to each target, from each worker; a request that needs one more waits, as "
             "`concurrency` says."},
    {.key = "poolIdle",
     .type = &type_duration,
     FIELD(config_group, pool_idle_ns),
     .min = S / 1000,
     .max = 3600 * S,
     .inherits = "timeouts.poolIdle",
     .example = "4s",
     .text = "How long a connection to one of its targets is kept unused; keep it below the target's own."},
    {.key = "concurrency",
     .type = &schema_map,
     .section = &concurrency_section,
     .text = "How many requests may be in flight at once, and how many more wait; without this key "
             "maxConnections alone is a cap."},
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
     .min = 0,
     .max = 3600 * S,
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
    {.key = "tls",
     .type = &schema_map,
     .section = &tls_section,
     .text = "TLS to the targets; without this key they are spoken to in clear text. It does not go "
             "with proxyProtocol."},
    {.key = "ejection",
     .type = &schema_map,
     .section = &ejection_section,
     .text = "What happens to a target that does not answer."},
};
const struct section config_group_section = {
    SECTION(group_rows),
    .size = sizeof(struct config_group),
    .name_offset = offsetof(struct config_group, name),
    .one_of = "proxyProtocol tls", /* its header would have to come before the handshake */
    .before = config_init_group,
    .check = config_check_group,
};
