/* What a route may have, from the leaves up. */
#include "conf/config.h"
#include "conf/config_check.h"
#include "conf/config_override.h"
#include "conf/config_rule.h"
#include "conf/config_table.h"
#include "conf/config_types.h"
#include "conf/template.h"
#include "conf/types.h"

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
    .text = "The route with the most exact host wins, then the one with the longest prefix.",
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
     .text =
         "Whether the cookie goes over TLS only; write true where clients speak TLS to what stands before "
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
    .text =
        "Without this key each request is drawn anew. Routes with the same cookie or header keep a client on "
        "the same side "
        "at the same weight; at different weights, whoever gets the canary of the lower gets that of the "
        "higher too.",
};

static const struct word side_words[] = {
    [CONFIG_SIDE_STABLE] = {"stable", "the group that serves today"},
    [CONFIG_SIDE_CANARY] = {"canary", "the group that shall serve tomorrow"},
};
static const struct word_table side_table = {side_words, ARRAY_LEN(side_words)};

static const struct setting secret_row = {
    .key = "secrets",
    .type = &type_secret,
    .width = sizeof(char *),
    .text = "The secret itself, or file:PATH.",
};
static const struct setting override_network_row = {
    .key = "networks",
    .type = &type_network,
    .width = sizeof(struct ip_net),
    .text = "A network of clients.",
};
static const struct setting override_rows[] = {
    {.key = "header",
     .type = &type_token,
     FIELD(config_override, header),
     .max = 128,
     .example = "X-Penstock-Override",
     .text = "The request header with the value."},
    {.key = "cookie",
     .type = &type_token,
     FIELD(config_override, cookie),
     .max = CONFIG_NAME_MAX,
     .example = "penstock_override",
     .text = "The cookie with the value, for people with a browser."},
    {.key = "secrets",
     .type = &schema_list,
     LIST(config_override, secrets),
     .max = CONFIG_SECRETS_MAX,
     .item = &secret_row,
     .example = "[\"file:override.key\"]",
     .text = "The value is one of `penstock override sign`, made with one of these: it says the side, the "
             "route and "
             "until when. The first secret signs; the others are still taken, so that a new one can come "
             "before the "
             "old one goes."},
    {.key = "value",
     .type = &type_string,
     FIELD(config_override, value),
     .max = 256,
     .example = "\"yes\"",
     .text = "Instead of secrets: the value as it is, from these networks only."},
    {.key = "networks",
     .type = &schema_list,
     LIST(config_override, networks),
     .max = 256,
     .item = &override_network_row,
     .example = "[\"192.0.2.0/28\"]",
     .text = "Clients in these networks only, as trusted proxies name them; such a proxy itself is in none. "
             "Without header and cookie, all their requests."},
    {.key = "to",
     .type = &type_word,
     FIELD(config_override, to),
     .words = &side_table,
     .example = "canary",
     .text = "The side, of an override without secrets."},
};
static const struct section override_section = {
    SECTION(override_rows),
    .size = sizeof(struct config_override),
    .one_of = "header cookie",
    .check = config_check_override,
    .text =
        "Sends testers to one side, whatever the weight, the affinity and the rollout. The first override "
        "that takes "
        "a request counts. While no target of the canary takes work, testers go to stable like everybody. "
        "Such requests are logged and counted as "
        "any others, with the assignment override, but no judge and no share sees them, they get no affinity "
        "cookie, and no shield stands in for the canary. A signed value is never sent on to the targets.",
};
static const struct setting override_row = {
    .key = "overrides", .type = &schema_map, .section = &override_section, .text = "An override."};

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
    .text = "A limit of penstock's own is never a reason.",
};

static const struct setting mirror_method_row = {
    .key = "methods",
    .type = &type_token,
    .width = CONFIG_METHOD_LEN,
    .inside = true,
    .max = CONFIG_METHOD_LEN - 1,
    .text = "A method.",
};
static const struct setting mirror_rows[] = {
    {.key = "share",
     .type = &type_percent,
     FIELD(config_route, mirror.share),
     .min = 0,
     .max = CONFIG_WEIGHT_ONE,
     .fallback = "0",
     .example = "10",
     .text =
         "Percent of the requests that are copied, drawn for each, whatever their group. A plan's setMirror "
         "takes its place while the rollout lasts."},
    {.key = "group",
     .type = &type_group,
     FIELD(config_route, mirror.group),
     .inherits = "canary",
     .example = "fargate",
     .text = "The group that gets the copies. Requests that it serves itself are not copied to it."},
    {.key = "methods",
     .type = &schema_list,
     LIST_INSIDE(config_route, mirror.methods),
     .min = 1,
     .max = CONFIG_METHODS_MAX,
     .item = &mirror_method_row,
     .inherits = "[GET, HEAD]",
     .example = "[GET, HEAD]",
     .text =
         "Of which methods. With others the copy has effects a second time, unless the group keeps data of "
         "its own."},
    {.key = "maxBody",
     .type = &type_size,
     FIELD(config_route, mirror.max_body),
     .min = 1,
     .max = 1024 * KIB,
     .fallback = "64KiB",
     .text = "Bytes of a request body that are kept for the copy; a request with more is not copied."},
    {.key = "maxAnswer",
     .type = &type_size,
     FIELD(config_route, mirror.max_answer),
     .min = 1,
     .max = GIB,
     .fallback = "1MiB",
     .text = "Bytes of the body of its answer that are read; with more the connection is closed."},
    {.key = "maxInFlight",
     .type = &type_count,
     FIELD(config_route, mirror.max_in_flight),
     .min = 1,
     .max = 1000,
     .fallback = "100",
     .text = "Copies at a time, in each worker; requests beyond are not copied."},
    {.key = "timeout",
     .type = &type_duration,
     FIELD(config_route, mirror.timeout_ns),
     .min = S / 100,
     .max = 3600 * S,
     .fallback = "30s",
     .text = "From the beginning of a copy to the end of its answer."},
};
static const struct section mirror_section = {
    SECTION(mirror_rows),
    .shorthand = "share",
    .check = config_check_mirror,
    .text =
        "A copy is sent when the whole request has been sent to its own target, with the field "
        "X-Penstock-Mirror: 1. Its answer is discarded: the access log has a line for it (assignment "
        "mirror), "
        "with what became of the request itself beside it. It waits for nothing, is never tried again, and "
        "counts neither for plans nor for the ejection of targets.",
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
    {.key = "total",
     .type = &type_duration,
     FIELD(config_route, timeouts.total_ns),
     .min = S / 100,
     .max = 7 * 24 * 3600 * S,
     .inherits = "timeouts.total",
     .example = "5m",
     .text = "From the head of a request to the end of its answer, over all tries."},
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
    {.key = "clientWrite",
     .type = &type_duration,
     FIELD(config_route, timeouts.write_ns),
     NO_LIMIT_TO(3600 * S),
     .inherits = "timeouts.clientWrite",
     .example = "30s",
     .text = "How long a client may take nothing of an answer."},
    {.key = "minWriteRate",
     .type = &type_size,
     FIELD(config_route, timeouts.min_write_rate),
     NO_LIMIT_TO(1024 * KIB),
     .inherits = "timeouts.minWriteRate",
     .example = "256B",
     .text =
         "Bytes of an answer that a client takes each second at least, over clientWrite; else it is cut."},
};
static const struct section route_timeout_section = {SECTION(route_timeout_rows)};

static const struct setting route_limit_rows[] = {
    {.key = "responseHead",
     .type = &type_size,
     FIELD(config_route, response.head),
     .min = KIB,
     .max = 96 * KIB, /* as limits.responseHead */
     .inherits = "limits.responseHead",
     .example = "64KiB",
     .text = "The whole head of an answer; beyond it 502."},
    {.key = "responseFields",
     .type = &type_count,
     FIELD(config_route, response.fields),
     .min = 1,
     .max = 200,
     .inherits = "limits.responseFields",
     .example = "200",
     .text = "Header fields in an answer; beyond it 502."},
    {.key = "trailers",
     .type = &type_size,
     FIELD(config_route, request.trailer),
     .min = 64,
     .max = 8 * KIB,
     .inherits = "limits.trailers",
     .example = "8KiB",
     .text = "The trailers behind a body, of either side; beyond it 431, or a cut answer."},
    {.key = "trailerFields",
     .type = &type_count,
     FIELD(config_route, request.trailer_fields),
     .min = 1,
     .max = 32,
     .inherits = "limits.trailerFields",
     .example = "32",
     .text = "Trailer fields behind a body, likewise."},
    {.key = "chunkExtension",
     .type = &type_size,
     FIELD(config_route, request.chunk_extension),
     .min = 0,
     .max = 4 * KIB,
     .zero = CONFIG_NO_EXTENSION,
     .inherits = "limits.chunkExtension",
     .example = "256B",
     .text = "The extensions of one chunk, of either side, which are read and dropped."},
    {.key = "chunkExtensions",
     .type = &type_size,
     FIELD(config_route, request.chunk_extensions),
     .min = 0,
     .max = 1024 * KIB,
     .zero = CONFIG_NO_EXTENSION,
     .inherits = "limits.chunkExtensions",
     .example = "4KiB",
     .text = "The extensions of all chunks of a body."},
    {.key = "chunkOverhead",
     .type = &type_size,
     FIELD(config_route, request.chunk_overhead),
     .min = 0,
     .max = GIB,
     .zero = "is no limit: a client may send chunks of one byte each",
     .inherits = "limits.chunkOverhead",
     .example = "100KiB",
     .text = "Bytes of a request's chunk lines, from where on they may be at most four times the payload."},
};
static const struct section route_limit_section = {SECTION(route_limit_rows),
                                                   .check = config_check_route_limits};

static const struct setting slo_rows[] = {
    {.key = "threshold",
     .type = &type_duration,
     FIELD(config_route, slo_threshold_ns),
     .min = S / 1000,
     .max = 3600 * S,
     .required = true,
     .example = "300ms",
     .text =
         "An answer within this time is in time. The histogram of /metrics has a bucket that ends at it."},
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
    .text = "It is the promise for plans that name no metrics or no threshold of their own.",
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
    .text = "A path that is not in normal form is brought to it first.",
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
    .text = "Further fields stand in responseHeaders.",
};

static const struct setting upgrade_row = {
    .key = "upgrades",
    .type = &type_token,
    .width = CONFIG_UPGRADE_LEN,
    .inside = true,
    .max = CONFIG_UPGRADE_LEN - 1,
    .text = "The name of a protocol, as in Upgrade.",
};
static const struct setting grpc_error_row = {
    .key = "grpcErrors",
    .type = &type_token,
    .width = CONFIG_GRPC_ERROR_LEN,
    .inside = true,
    .max = CONFIG_GRPC_ERROR_LEN - 1,
    .text = "The name of a status, as in the specification of gRPC.",
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
    {.key = "overrides",
     .type = &schema_list,
     LIST(config_route, overrides),
     .max = CONFIG_OVERRIDES_MAX,
     .item = &override_row,
     .text = "Who may choose a side: testers, before the first step and at any weight."},
    {.key = "timeouts",
     .type = &schema_map,
     .section = &route_timeout_section,
     .text = "Times of this route alone."},
    {.key = "retries",
     .type = &schema_map,
     .section = &retry_section,
     .text = "Further tries of this route's requests."},
    {.key = "mirror",
     .type = &schema_map,
     .section = &mirror_section,
     .text = "Copies of requests to a group whose answers nobody gets, as a map or the share alone."},
    {.key = "maxBody",
     .type = &type_size,
     FIELD(config_route, max_body),
     .min = 0,
     .max = 1024 * GIB,
     .zero = CONFIG_NO_BODY,
     .inherits = "limits.maxBody",
     .example = "1GiB",
     .text = "Bytes of a request body; beyond it 413. Bodies are streamed, never stored."},
    {.key = "limits",
     .type = &schema_map,
     .section = &route_limit_section,
     .text = "Sizes of this route alone."},
    {.key = "upgrades",
     .type = &schema_list,
     LIST_INSIDE(config_route, upgrades),
     .max = CONFIG_UPGRADES_MAX,
     .item = &upgrade_row,
     .inherits = "[websocket]",
     .example = "[websocket]",
     .text = "Protocols that a connection may switch to when client and target agree; [] for none."},
    {.key = "grpcErrors",
     .type = &schema_list,
     LIST_INSIDE(config_route, grpc_error_names),
     .max = CONFIG_GRPC_ERRORS_MAX,
     .item = &grpc_error_row,
     .inherits = "[UNKNOWN, DEADLINE_EXCEEDED, INTERNAL, UNAVAILABLE, DATA_LOSS]",
     .example = "[UNKNOWN, INTERNAL, UNAVAILABLE]",
     .text = "The statuses of gRPC that are errors of the group, whatever the status of HTTP is; [] for none. "
             "A call without one has that which its status of HTTP means to clients of gRPC (429 and 503 are "
             "UNAVAILABLE, 400 is INTERNAL), and with 200 it is UNKNOWN."},
    {.key = "synthetic",
     .type = &schema_map,
     .section = &config_route_synthetic_section,
     .text = "How this route alone knows requests of monitors and load tests."},
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
const struct section config_route_section = {
    SECTION(route_rows),     .size = sizeof(struct config_route), .one_of = "stable redirect answer",
    .one_of_required = true, .before = config_init_route,         .check = config_check_route,
};
