#include "conf/config_table.h"

#include "conf/address.h"
#include "conf/config.h"
#include "conf/config_check.h"
#include "conf/config_log.h"
#include "conf/config_notice.h"
#include "conf/config_types.h"
#include "conf/types.h"

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
    .text = "Without this key there is none of it, and so no rollout.",
};

static const struct setting state_rows[] = {
    {.key = "directory",
     .type = &type_path,
     FIELD(config, state_directory),
     .required = true,
     .example = "state",
     .text = "The folder of the database that keeps rollouts, decisions, evidence and history over restarts, "
             "and of "
             "reports, with a page for each rollout that is over."},
};
static const struct section state_section = {
    SECTION(state_rows),
    .text = "Without this key a restart forgets every rollout, its weights included.",
};

static const struct setting statsd_tag_row = {
    .key = "tags",
    .type = &type_string,
    .width = sizeof(char *),
    .max = 200,
    .text = "A tag, as key:value.",
};
static const struct setting statsd_rows[] = {
    {.key = "address",
     .type = &type_admin_address,
     FIELD(config, dogstatsd.address),
     .required = true,
     .example = "127.0.0.1:8125",
     .text = "Where the agent listens: IP:port for UDP, or unix:PATH for a datagram socket such as "
             "unix:/var/run/datadog/dsd.socket."},
    {.key = "interval",
     .type = &type_duration,
     FIELD(config, dogstatsd.interval_ns),
     .min = S,
     .max = 300 * S,
     .fallback = "10s",
     .text = "How often what has been counted is sent."},
    {.key = "tags",
     .type = &schema_list,
     LIST(config, dogstatsd.tags),
     .max = 16,
     .item = &statsd_tag_row,
     .example = "[team:web]",
     .text = "Tags of every metric, beside service, env and version of the group (or of all) and its tags."},
};
static const struct section statsd_section = {
    SECTION(statsd_rows),
    .check = config_check_dogstatsd,
    .text = "Counters as increases, gauges, and durations as distributions. It costs a request nothing; what "
            "the agent does not take is lost and counted.",
};
static const struct word emf_dimension_words[] = {
    [CONFIG_EMF_ROUTE] = {"route", "the route"},
    [CONFIG_EMF_GROUP] = {"group", "the target group, as TargetGroup"},
    [CONFIG_EMF_PLATFORM] = {"platform", "the platform of the group"},
    [CONFIG_EMF_SIDE] = {"side", "stable or canary"},
    [CONFIG_EMF_SERVICE] = {"service", "`service` of the group, or of all"},
    [CONFIG_EMF_ENV] = {"env", "`env` likewise, as Environment"},
    [CONFIG_EMF_VERSION] = {"version", "`version` likewise"},
};
static const struct word_table emf_dimension_table = {emf_dimension_words, ARRAY_LEN(emf_dimension_words)};
static const struct setting emf_dimension_row = {
    .key = "dimensions",
    .type = &type_word,
    .width = sizeof(enum config_emf_dimension),
    .words = &emf_dimension_table,
    .text = "A dimension.",
};
static const struct setting emf_rows[] = {
    {.key = "namespace",
     .type = &type_string,
     FIELD(config, emf.name_space),
     .min = 1,
     .max = 255,
     .fallback = "Penstock",
     .text = "The namespace in CloudWatch."},
    {.key = "interval",
     .type = &type_duration,
     FIELD(config, emf.interval_ns),
     .min = S,
     .max = 3600 * S,
     .fallback = "60s",
     .text = "How often what has been counted is written."},
    {.key = "dimensions",
     .type = &schema_list,
     LIST(config, emf.dimensions),
     .max = CONFIG_EMF_DIMENSIONS,
     .item = &emf_dimension_row,
     .inherits = "route, group, platform, side",
     .example = "[route, platform]",
     .text = "By what CloudWatch keeps the metrics apart; each combination costs. Lines have all of them as "
             "members."},
};
static const struct section emf_section = {
    SECTION(emf_rows),
    .check = config_check_emf,
    .text = "For each side of a route on which a request has ended, a line with Requests, Errors (5xx, and "
            "what failed by fault of the group) and Latency in milliseconds: each of up to 100 answers, else "
            "100 quantiles of them. Write {} for the defaults.",
};
static const struct setting metric_rows[] = {
    {.key = "dogstatsd",
     .type = &schema_map,
     .section = &statsd_section,
     .text = "They are sent to a Datadog agent, or to whoever speaks DogStatsD."},
    {.key = "emf",
     .type = &schema_map,
     .section = &emf_section,
     .text = "They are written as lines of CloudWatch's Embedded Metric Format to each accessLog whose "
             "`content` says so."},
};
static const struct section metric_section = {
    SECTION(metric_rows),
    .text = "GET /metrics of the admin API is always there.",
};

static const struct setting timeout_rows[] = {
    {.key = "requestHead",
     .type = &type_duration,
     FIELD(config, timeouts.head_ns),
     NO_LIMIT_TO(3600 * S),
     .fallback = "10s",
     .text =
         "From the first byte of a request to its whole head; also for the first request of a connection."},
    {.key = "tlsHandshake",
     .type = &type_duration,
     FIELD(config, timeouts.handshake_ns),
     .min = S / 10,
     .max = 300 * S,
     .fallback = "10s",
     .text = "For a whole TLS handshake with a client."},
    {.key = "keepAlive",
     .type = &type_duration,
     FIELD(config, timeouts.keep_alive_ns),
     .min = S / 1000,
     .max = 24 * 3600 * S,
     .fallback = "60s",
     .text = "How long a client's connection may wait for its next request."},
    {.key = "http2Idle",
     .type = &type_duration,
     FIELD(config, timeouts.http2_idle_ns),
     .min = S / 1000,
     .max = 24 * 3600 * S,
     .fallback = "180s",
     .text = "The same for one that speaks HTTP/2, of which a client has a single one."},
    {.key = "linger",
     .type = &type_duration,
     FIELD(config, timeouts.linger_ns),
     .min = S / 10,
     .max = 60 * S,
     .fallback = "2s",
     .text =
         "How long a client whose connection is being closed may still send, so that it can read the last "
         "answer."},
    {.key = "clientWrite",
     .type = &type_duration,
     FIELD(config, route_timeouts.write_ns),
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
    {.key = "total",
     .type = &type_duration,
     FIELD(config, route_timeouts.total_ns),
     .min = S / 100,
     .max = 7 * 24 * 3600 * S,
     .inherits = "none: what goes on within the other limits may go on",
     .example = "5m",
     .text = "From the head of a request to the end of its answer, over all tries."},
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
     .text =
         "Bytes of an answer that a client takes each second at least, over clientWrite; else it is cut."},
    {.key = "poolIdle",
     .type = &type_duration,
     FIELD(config, timeouts.pool_idle_ns),
     .min = S / 1000,
     .max = 3600 * S,
     .fallback = "4s",
     .text =
         "How long a connection to a target is kept unused; keep it below the target's own (5s in Node)."},
    {.key = "lameDuck",
     .type = &type_duration,
     FIELD(config, timeouts.lame_ns),
     .min = 0,
     .max = 600 * S,
     .zero = "lets load balancers send to a penstock that does not listen any more",
     .fallback = "5s",
     .text = "How long, after the order to end, readiness fails while everybody is served still."},
    {.key = "drain",
     .type = &type_duration,
     FIELD(config, timeouts.drain_ns),
     .min = 0,
     .max = 24 * 3600 * S,
     .zero = "cuts whatever is under way",
     .fallback = "30s",
     .text = "How long requests may go on after that; then they are cut."},
};
static const struct section timeout_section = {
    SECTION(timeout_rows),
    .text =
        "Times of the edge, and what routes and groups get that write none of their own. requestHead, "
        "keepAlive, linger, lameDuck and drain are for all routes alike: while they run, no route is known.",
};

static const struct setting exempt_row = {
    .key = "exempt", .type = &type_network, .width = sizeof(struct ip_net), .text = "A network."};
static const struct setting limit_rows[] = {
    {.key = "requestLine",
     .type = &type_size,
     FIELD(config, limits.request.start_line),
     .min = 256,
     .max = 64 * KIB,
     .fallback = "8KiB",
     .text = "The first line of a request; beyond it 414."},
    {.key = "requestHead",
     .type = &type_size,
     FIELD(config, limits.request.head),
     .min = KIB,
     .max = 96 * KIB, /* RELAY_LARGE, with room for trailers */
     .fallback = "32KiB",
     .text = "The whole head of a request; beyond it 431."},
    {.key = "requestFields",
     .type = &type_count,
     FIELD(config, limits.request.fields),
     .min = 1,
     .max = 100, /* TXN_FIELDS_MAX: what a transaction has room for */
     .fallback = "100",
     .text = "Header fields in a request; beyond it 431."},
    {.key = "maxBody",
     .type = &type_size,
     FIELD(config, limits.max_body),
     .min = 0,
     .max = 1024 * GIB,
     .zero = CONFIG_NO_BODY,
     .fallback = "1GiB",
     .text = "Bytes of a request body; beyond it 413. Bodies are streamed, never stored."},
    {.key = "responseHead",
     .type = &type_size,
     FIELD(config, limits.response.head),
     .min = KIB,
     .max = 96 * KIB, /* likewise */
     .fallback = "64KiB",
     .text = "The whole head of an answer; beyond it 502."},
    {.key = "responseFields",
     .type = &type_count,
     FIELD(config, limits.response.fields),
     .min = 1,
     .max = 200, /* TXN_RESPONSE_FIELDS_MAX */
     .fallback = "200",
     .text = "Header fields in an answer; beyond it 502."},
    {.key = "trailers",
     .type = &type_size,
     FIELD(config, limits.request.trailer),
     .min = 64,
     .max = 8 * KIB, /* what a receive buffer has room for behind a head */
     .fallback = "8KiB",
     .text = "The trailers behind a body, of either side; beyond it 431, or a cut answer."},
    {.key = "trailerFields",
     .type = &type_count,
     FIELD(config, limits.request.trailer_fields),
     .min = 1,
     .max = 32,
     .fallback = "32",
     .text = "Trailer fields behind a body, likewise."},
    {.key = "chunkExtension",
     .type = &type_size,
     FIELD(config, limits.request.chunk_extension),
     .min = 0,
     .max = 4 * KIB,
     .zero = CONFIG_NO_EXTENSION,
     .fallback = "256B",
     .text = "The extensions of one chunk, of either side, which are read and dropped."},
    {.key = "chunkExtensions",
     .type = &type_size,
     FIELD(config, limits.request.chunk_extensions),
     .min = 0,
     .max = 1024 * KIB,
     .zero = CONFIG_NO_EXTENSION,
     .fallback = "4KiB",
     .text = "The extensions of all chunks of a body."},
    {.key = "chunkOverhead",
     .type = &type_size,
     FIELD(config, limits.request.chunk_overhead),
     .min = 0,
     .max = GIB,
     .zero = "is no limit: a client may send chunks of one byte each",
     .fallback = "100KiB",
     .text = "Bytes of a request's chunk lines, from where on they may be at most four times the payload."},
    {.key = "connections",
     .type = &type_count,
     FIELD(config, limits.connections),
     .min = 1,
     .max = 1000000,
     .fallback = "10000",
     .text =
         "Open connections of clients in all. Beyond it the connection that has been idle longest is closed, "
         "or the new one answered with 503; from half of it on, idle ones are closed sooner than keepAlive."},
    {.key = "memory",
     .type = &type_memory,
     FIELD(config, limits.memory),
     .min = KIB * KIB,
     .max = 1024 * GIB,
     .fallback = "auto",
     .text = "Memory for connections, requests and their buffers, in all workers. When it is nearly used up, "
             "what is kept for reuse is given back, the connections that have been idle longest are closed, "
             "and new requests get 503. auto is half of the machine's memory, or of what the control group "
             "may have where that is less."},
    {.key = "connectionsPerAddress",
     .type = &type_count,
     FIELD(config, limits.address_connections),
     .min = 0,
     .max = 1000000,
     .zero = "is no limit: one client can take everything",
     .fallback = "1000",
     .text = "Open connections of one client address (of one /64 in IPv6); further ones are closed at once. "
             "Proxies of forwarded.trusted and loopback are not counted."},
    {.key = "requestsPerAddress",
     .type = &type_count,
     FIELD(config, limits.address_requests),
     .min = 0,
     .max = 1000000,
     .zero = "is no limit: one client can take everything",
     .fallback = "1000",
     .text = "Requests under way of one client address, whichever proxy they come through; beyond it 429. "
             "Loopback is not counted."},
    {.key = "tlsHandshakes",
     .type = &type_count,
     FIELD(config, limits.handshakes),
     .min = 1,
     .max = 1000000,
     .fallback = "1000",
     .text =
         "TLS handshakes with clients that are under way in all. Beyond it the oldest of them is closed for "
         "the new one."},
    {.key = "exempt",
     .type = &schema_list,
     LIST(config, limits.exempt),
     .max = 64,
     .item = &exempt_row,
     .example = "[192.0.2.0/24]",
     .text = "Networks that these two do not count."},
};
static const struct setting http2_rows[] = {
    {.key = "maxStreams",
     .type = &type_count,
     FIELD(config, http2.streams),
     .min = 1,
     .max = 1000,
     .fallback = "100",
     .text = "Requests that one connection may have under way."},
    {.key = "maxRequests",
     .type = &type_count,
     FIELD(config, http2.requests),
     .min = 0,
     .max = 1000000000,
     .zero = "is no limit",
     .fallback = "10000",
     .text = "Requests of one connection; then its client is told to open another one (GOAWAY)."},
    {.key = "streamWindow",
     .type = &type_size,
     FIELD(config, http2.stream_window),
     .min = 65535,
     .max = 96 * KIB,
     .fallback = "64KiB",
     .text = "How much of a request's content a client may send ahead of what its target has taken."},
    {.key = "window",
     .type = &type_size,
     FIELD(config, http2.window),
     .min = 65535,
     .max = 1024 * 1024 * KIB,
     .fallback = "1MiB",
     .text = "The same for all requests of a connection together."},
};
static const struct section http2_section = {
    SECTION(http2_rows),
    .text = "What of these clients abuse is beyond what may be set: who resets streams, or sends control "
            "frames, by "
            "the hundred, or makes no room for answer after answer, is cut off with ENHANCE_YOUR_CALM, and "
            "counted in penstock_http2_ended.",
};

static const struct section limit_section = {
    SECTION(limit_rows),
    .before = config_init_limits,
    .check = config_check_limits,
    .text =
        "They are for what clients and targets send, and for routes that write none of their own. Those of a "
        "request's line, head and fields are for all routes alike: they hold before the route is known.",
};

static const struct setting listener_row = {
    .key = "listeners", .type = &schema_map, .section = &config_listener_section, .text = "A listener."};
static const struct setting log_row = {.key = "accessLog",
                                       .type = &schema_map,
                                       .section = &config_log_section,
                                       .text = "A place for the lines."};
static const struct setting notice_row = {
    .key = "notify", .type = &schema_map, .section = &config_notice_section, .text = "Somebody to tell."};
static const struct setting source_row = {.key = "metricSources",
                                          .type = &schema_map,
                                          .section = &config_source_section,
                                          .text = "Somebody to ask."};
static const struct setting route_row = {
    .key = "routes", .type = &schema_map, .section = &config_route_section, .text = "A route."};

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
    {.key = "trustedHops",
     .type = &type_count,
     FIELD(config, forwarded.trusted_hops),
     .min = 0,
     .max = 16,
     .fallback = "0",
     .example = "1",
     .text =
         "How many proxies stand in front, where their addresses are not known: with 1 the peer is believed, "
         "with 2 also the proxy that it names, and so on, beside those of trusted. Only where nobody can "
         "connect but through them; their connections are then not counted by address."},
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
    .text = "It counts in the access log, for affinity, for what one address may have, and for the targets.",
};

static const struct setting tls_rows[] = {
    {.key = "ticketKeyFile",
     .type = &type_path,
     FIELD(config, ticket_key_file),
     .inherits = "keys made here, a new one each hour",
     .example = "tls/tickets.key",
     .text =
         "Keys of session tickets, so that a client resumes its session with any instance of a fleet: 80 "
         "random bytes each (openssl rand 80), up to 12 of them. The first is used for new tickets; put a "
         "new key in front each hour or day, and the file is read again."},
    {.key = "clientSubjectHeader",
     .type = &type_token,
     FIELD(config, subject_header),
     .max = CONFIG_NAME_MAX,
     .fallback = "X-Client-Subject",
     .text =
         "The request header that tells the target the subject of a client's certificate (RFC 4514), where a "
         "listener asks for them; the client's own is removed everywhere then."},
};
static const struct section tls_section = {SECTION(tls_rows)};

static const struct setting webhook_rows[] = {
    {.key = "secret",
     .type = &type_secret,
     FIELD(config, webhook_secret),
     .example = "file:hook.secret",
     .text = "Signs each question with HMAC-SHA256, as the secret of notify does. Every webhook that a plan "
             "names gets such questions, so the key is one for penstock and not one for a receiver."},
};
static const struct section webhook_section = {SECTION(webhook_rows), .check = config_check_webhooks};

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
     .text = "The name of this service in logs, metrics and traces, of groups that write none."},
    {.key = "env",
     .type = &type_string,
     FIELD(config, env),
     .max = 100,
     .example = "prd",
     .text = "Its environment there, likewise."},
    {.key = "version",
     .type = &type_string,
     FIELD(config, version),
     .max = 100,
     .example = "\"1.2.0\"",
     .text = "Its version there, likewise."},
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
    {.key = "tls",
     .type = &schema_map,
     .section = &tls_section,
     .text = "What all listeners with TLS share."},
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
    {.key = "tracing",
     .type = &schema_map,
     .section = &config_tracing_section,
     .text = "Traces are continued and begun here."},
    {.key = "synthetic",
     .type = &schema_map,
     .section = &config_synthetic_section,
     .text = "Requests of monitors and load tests, which say nothing about what people get."},
    {.key = "accessLog",
     .shown = true,
     .type = &schema_list,
     LIST(config, logs),
     .max = CONFIG_LOGS_MAX,
     .item = &log_row,
     .text = "Where the access log goes; several places may be listed."},
    {.key = "logRecord",
     .type = &schema_map,
     .section = &config_log_record_section,
     .text = "What its lines have beside the fields of all, and what they must not have."},
    {.key = "metrics",
     .type = &schema_map,
     .section = &metric_section,
     .text = "Where metrics are sent, beside /metrics."},
    {.key = "notify",
     .type = &schema_list,
     LIST(config, notices),
     .max = CONFIG_NOTICES_MAX,
     .item = &notice_row,
     .text = "Who is told of the decisions of rollouts, by a webhook."},
    {.key = "webhooks",
     .type = &schema_map,
     .section = &webhook_section,
     .text = "How the webhooks of plans are asked."},
    {.key = "metricSources",
     .type = &schema_list,
     LIST(config, sources),
     .max = CONFIG_SOURCES_MAX,
     .item = &source_row,
     .text = "Who answers the queries of plans, whose metrics of the type external name them."},
    {.key = "timeouts",
     .type = &schema_map,
     .section = &timeout_section,
     .text = "How long things may take."},
    {.key = "limits", .type = &schema_map, .section = &limit_section, .text = "How large things may be."},
    {.key = "http2",
     .type = &schema_map,
     .section = &http2_section,
     .text = "How HTTP/2 is spoken with clients. Answers take turns on a connection, unless the field "
             "priority of a request (RFC 9218) says otherwise; PRIORITY and PRIORITY_UPDATE frames change "
             "nothing."},
    {.key = "targetGroups",
     .type = &schema_named,
     LIST(config, groups),
     .required = true,
     .min = 1,
     .max = CONFIG_GROUPS_MAX,
     .section = &config_group_section,
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
