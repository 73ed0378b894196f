/*
 * A loaded configuration: plain values, already checked, with every default filled in. conf/load makes it
 * from a file by the table of settings in conf/schema; nobody changes it afterwards.
 *
 * A config is shared by the routing snapshots that were built from it. The reference count is touched by the
 * control thread only; workers read through a snapshot and never outlive it.
 */
#ifndef CONF_CONFIG_H
#define CONF_CONFIG_H

#include "base/ip.h"
#include "conf/secret.h"
#include "proto/h1_limits.h"
#include "proto/traceformat.h"

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/un.h>

enum {
    CONFIG_WORKERS_MAX = 64,
    CONFIG_LISTENERS_MAX = 32,
    CONFIG_CERTIFICATES_MAX = 256, /* a listener */
    CONFIG_PROTOCOLS_MAX = 4,      /* a listener */
    CONFIG_ROUTES_MAX = 1024,
    CONFIG_GROUPS_MAX = 512,
    CONFIG_TARGETS_MAX = 4096, /* over all groups */
    CONFIG_TAGS_MAX = 16,      /* a group */
    CONFIG_LOGS_MAX = 8,
    CONFIG_RETRIES_MAX = 5,
    CONFIG_GRPC_ERRORS_MAX = 17,
    CONFIG_GRPC_ERROR_LEN = 20, /* of the name of a status of gRPC, with NUL */
    CONFIG_SYNTHETIC_MAX = 32,  /* signs of each kind by which a request of a monitor is known */
    CONFIG_UPGRADES_MAX = 4,    /* protocols that a route switches to */
    CONFIG_UPGRADE_LEN = 32,    /* of a protocol's name, with NUL */
    CONFIG_METHODS_MAX = 8,     /* methods that a route's mirror takes */
    CONFIG_METHOD_LEN = 16,     /* of a method's name, with NUL */
    CONFIG_RULES_MAX = 32,      /* header rules of a route, for each direction */
    CONFIG_RULES_BYTES = 1024,  /* of literal text that they add */
    CONFIG_BODY_MAX = 8192,     /* bytes of a fixed answer's body */
    CONFIG_OVERRIDES_MAX = 16,  /* a route */
    CONFIG_NOTICES_MAX = 8,     /* who is told of decisions */
    CONFIG_SOURCES_MAX = 16,    /* of external metrics */
    CONFIG_NOTICE_ACTIONS = 8,  /* words in a list of actions */
    CONFIG_NOTICE_HOLDS = 32,   /* words in a list of reasons */
    CONFIG_SECRETS_MAX = 4,     /* an override: the present one, and those that it replaces */
    CONFIG_SECRET_MIN = 16,     /* bytes; who has seen one signed value can try shorter ones at home */
    CONFIG_NAME_MAX = 63,       /* bytes in the name of a route, group or platform: [A-Za-z0-9._-] */
    CONFIG_WEIGHT_ONE = 10000,  /* 100 %: weights are hundredths of a percent */
};

/* Where something listens or is reached. */
struct config_address {
    char *text; /* as written: "127.0.0.1:8080", "[::1]:80", "unix:/run/x.sock" */
    union {
        struct sockaddr any;
        struct sockaddr_in in;
        struct sockaddr_in6 in6;
        struct sockaddr_un un;
        struct sockaddr_storage storage;
    } addr;
    socklen_t addr_len;
};

enum config_tls_version {
    CONFIG_TLS_1_2,
    CONFIG_TLS_1_3,
};

/* What is spoken over TLS, as agreed by ALPN (RFC 7301). */
enum config_protocol {
    CONFIG_PROTOCOL_HTTP_1_1,
    CONFIG_PROTOCOL_HTTP_2,
};

/* What a group's targets are spoken to in. */
enum config_speaks {
    CONFIG_SPEAKS_H1,
    CONFIG_SPEAKS_H2,
    CONFIG_SPEAKS_H2C,
    CONFIG_SPEAKS_AUTO,
};

/* A certificate that a listener shows; which one, the client's SNI and what it can verify decide. */
struct config_certificate {
    char *cert_file; /* PEM: the certificate, then its chain */
    char *key_file;
    char *ocsp_file; /* DER; NULL: nothing is stapled */
};

/* What is asked of clients that have a certificate, or not. */
enum config_client_mode {
    CONFIG_CLIENT_REQUIRED,
    CONFIG_CLIENT_OPTIONAL,
};

struct tls_server;

/* Whether the kernel encrypts and decrypts (kTLS). */
enum config_ktls {
    CONFIG_KTLS_OFF,
    CONFIG_KTLS_AUTO, /* where the kernel can */
};

/* How clients are spoken to over TLS. */
struct config_listener_tls {
    bool wanted;                             /* false: clear text */
    struct config_certificate *certificates; /* the first one is for names that none is for */
    size_t certificates_len;
    enum config_tls_version min_version;
    enum config_protocol protocols[CONFIG_PROTOCOLS_MAX]; /* the preferred one first */
    size_t protocols_len;
    char *client_ca_file; /* who has signed the certificates of clients; NULL: none is asked for */
    enum config_client_mode client_mode;
    int64_t hsts_max_age_ns;
    bool hsts_subdomains, hsts_preload;
    enum config_ktls ktls;
    char *hsts; /* the field line made of them, with its line end; NULL: none */
    /* Made of it by net/tls after the load, and freed with the configuration. */
    struct tls_server *server;
    void (*server_free)(struct tls_server *server);
};

struct config_listener {
    struct config_address address;
    struct ip_net
        *proxies; /* who must begin with a PROXY header; all others are refused. None: it is not spoken */
    size_t proxies_len;
    bool h2c; /* HTTP/2 in clear text too */
    struct config_listener_tls tls;
};

struct config_admin {
    bool enabled; /* false when `admin` was not written */
    struct config_address address;
    char *token;  /* the secret itself, without line end; NULL when none was given: writes are then refused */
    char **hosts; /* further names that the Host header may carry (DNS rebinding) */
    size_t hosts_len;
};

struct config_tag {
    char *key;
    char *value;
};

struct config_target {
    struct config_address address;
    uint32_t
        slot; /* identity in the counters: the index over all groups at load; kept over reloads by control */
};

/* When a worker leaves a target alone for a while. */
struct config_ejection {
    uint32_t failures; /* in a row; 0: never */
    int64_t time_ns;   /* the first time; the n-th time n times as long */
    int64_t max_time_ns;
    uint32_t max_share; /* percent of a group's targets that may be out at once */
};

/* How the control thread finds out whether a target is well. */
struct config_health {
    bool wanted; /* false: it does not */
    int64_t interval_ns;
    int64_t timeout_ns;
    char *path;         /* of a GET; NULL: to connect is enough */
    char *host;         /* in the Host field; NULL: the target's address */
    uint32_t status;    /* that a good answer has; 0: any from 200 to 399 */
    uint32_t healthy;   /* good checks in a row until an unhealthy target is healthy */
    uint32_t unhealthy; /* failed checks in a row until it is not */
};

/* How many requests may be in flight over all workers, and how many wait for one of these places. */
struct config_concurrency {
    uint32_t target, group; /* to one target, to the whole group; 0: any number */
    uint32_t queue;         /* may wait; 0: none */
    int64_t wait_ns;        /* the longest that a request waits, > 0 */
};

/* How a group's requests are spread over its targets. */
enum config_balance {
    CONFIG_BALANCE_LEAST_REQUEST,
    CONFIG_BALANCE_ROUND_ROBIN,
    CONFIG_BALANCE_CONSISTENT_HASH,
};
enum config_hash {
    CONFIG_HASH_NONE,
    CONFIG_HASH_HEADER,
    CONFIG_HASH_COOKIE,
    CONFIG_HASH_CLIENT,
};

struct tls_context;

/* How targets are spoken to over TLS. */
struct config_tls {
    bool wanted;       /* false: clear text */
    bool verify;       /* the target's certificate and name */
    char *ca_file;     /* NULL: the system's authorities */
    char *server_name; /* NULL: the host of the target's address */
    char *cert_file;   /* ours, for the target; NULL: none */
    char *key_file;
    enum config_tls_version min_version;
    /* Made of it by net/tls after the load, and freed with the configuration. */
    struct tls_context *context;
    void (*context_free)(struct tls_context *context);
};

struct config_group {
    char *name;
    char *platform; /* the label; the group's name unless written */
    /* What logs, metrics and traces call what it runs; the configuration's unless written. */
    char *service;
    char *env;     /* NULL: not said */
    char *version; /* NULL: not said */
    uint32_t slot; /* identity in the counters, as above */
    struct config_tag tags[CONFIG_TAGS_MAX];
    size_t tags_len;
    struct config_target *targets;
    size_t targets_len;
    enum config_speaks speaks;
    uint32_t max_connections; /* open connections a target and worker, 0 < n */
    bool trailers;            /* its targets take trailer fields of requests; else these are dropped */
    uint32_t proxy_protocol;  /* version of the header to its targets, 1 or 2; 0: none */
    enum config_balance balance;
    enum config_hash hash; /* what requests are told apart by; NONE but for CONSISTENT_HASH */
    char *hash_name;       /* of the header or cookie */
    int64_t slow_start_ns; /* until a target that begins to take work has its full share; 0: at once */
    int64_t pool_idle_ns;  /* idle connection to one of its targets; > 0 */
    struct config_concurrency concurrency;
    struct config_ejection ejection;
    struct config_health health;
    struct config_tls tls;
};

/* Whether its targets are spoken to in HTTP/2 and nothing else. */
static inline bool config_group_is_h2(const struct config_group *group)
{
    return group->speaks == CONFIG_SPEAKS_H2 || group->speaks == CONFIG_SPEAKS_H2C;
}

/* Whether requests to the group may have to wait for a place. */
static inline bool config_group_is_capped(const struct config_group *group)
{
    return group->concurrency.target > 0 || group->concurrency.group > 0;
}

/* When a failed request is tried again (http.md U8, U9). */
struct config_retries {
    uint32_t attempts; /* further tries of a request; 0: none */
    uint32_t budget;   /* percent of the route's requests in flight that may be such tries */
    uint32_t minimum;  /* and this many always, in each worker */
    bool shield;       /* a failed idempotent request to the canary is tried once on stable */
};

/* Copies of requests to a group whose answers nobody gets. */
struct config_mirror {
    int32_t group;  /* index in groups; -1: the canary */
    uint32_t share; /* of the requests, in hundredths of a percent; 0: none */
    char methods[CONFIG_METHODS_MAX][CONFIG_METHOD_LEN];
    size_t methods_len;
    uint32_t max_body;      /* bytes; a request with a longer body is not copied */
    uint32_t max_answer;    /* bytes that are read of an answer's body */
    uint32_t max_in_flight; /* copies at a time, in each worker */
    int64_t timeout_ns;     /* from the beginning of a copy to the end of its answer */
};

/* How a client sticks to a group while the weight stands. */
enum config_affinity {
    CONFIG_AFFINITY_NONE,   /* each request is drawn anew */
    CONFIG_AFFINITY_COOKIE, /* a cookie that we set where it is missing */
    CONFIG_AFFINITY_HEADER, /* a request header, for example a user id */
    CONFIG_AFFINITY_CLIENT, /* the client's address */
};

/* Who says which client a request is from, when a proxy in front of us has sent it. */
enum config_hops {
    CONFIG_HOPS_X_FORWARDED_FOR,
    CONFIG_HOPS_FORWARDED,
    CONFIG_HOPS_BOTH, /* to send */
};
struct config_forwarded {
    struct ip_net *trusted; /* proxies whose word is taken */
    size_t trusted_len;
    uint32_t trusted_hops; /* and so many from the right, whatever their addresses are */
    enum config_hops from; /* which field is read: the other one may be the client's own */
    enum config_hops send;
};

enum config_rule_kind {
    CONFIG_RULE_SET,    /* in place of all fields of this name */
    CONFIG_RULE_ADD,    /* beside them */
    CONFIG_RULE_REMOVE, /* all of them */
};

/* What happens to a header field, on its way to the target or to the client. */
struct config_rule {
    enum config_rule_kind kind;
    char *name;
    char *value; /* a template (conf/template) */
};

/* An answer that sends the client somewhere else. */
struct config_redirect {
    char *to; /* a template; NULL: none */
    uint32_t status;
};

/* An answer that stands in the configuration. */
struct config_answer {
    uint32_t status; /* 0: none */
    char *type;      /* Content-Type; NULL: text/plain */
    char *body;      /* NULL: empty */
};

enum config_side {
    CONFIG_SIDE_STABLE,
    CONFIG_SIDE_CANARY,
};

/* What sends a request to one side, whatever the weight: a value that is signed, or a client network, or
 * both. */
struct config_override {
    char *header; /* where the value stands; this, the cookie, or neither */
    char *cookie;
    char **secrets; /* any of them may have signed it; none: a plain value */
    size_t secrets_len;
    char *value;             /* that a plain one has to have */
    struct ip_net *networks; /* of the client; none: any, which needs a secret */
    size_t networks_len;
    enum config_side to; /* of those without a secret; a signed value says it itself */
};

enum config_same_site {
    CONFIG_SAME_SITE_LAX,
    CONFIG_SAME_SITE_STRICT,
    CONFIG_SAME_SITE_NONE,
};

/* What is done with request fields whose name has '_' or '.'. */
enum config_ambiguous {
    CONFIG_AMBIGUOUS_DROP,
    CONFIG_AMBIGUOUS_REJECT,
    CONFIG_AMBIGUOUS_KEEP,
};

/* Who still gets an answer after closing its side of the connection behind a whole request. */
enum config_half_closed {
    CONFIG_HALF_CLOSED_LAST, /* who has said that this is the last request */
    CONFIG_HALF_CLOSED_SERVE,
    CONFIG_HALF_CLOSED_ABORT,
};

/* 0 is no limit (the load warns). */
struct config_timeouts {
    int64_t connect_ns;                     /* to a target, a try */
    int64_t first_byte_ns;                  /* from the request sent to the head of the answer */
    int64_t body_ns;                        /* between two reads of a body, either side */
    int64_t write_ns;                       /* in which a client takes nothing of an answer */
    int64_t total_ns;                       /* from the request's head to the end of the answer */
    int64_t tunnel_ns;                      /* in which nobody speaks in a tunnel (WebSocket) */
    int64_t grace_ns;                       /* that a client may be slower than min_body_rate in all; > 0 */
    uint32_t min_body_rate, min_write_rate; /* bytes a second from and to a client; 0: any */
};

#define CONFIG_NO_GROUP UINT32_MAX

/* Whose word that a request is synthetic counts. */
enum config_synthetic_trust {
    CONFIG_SYNTHETIC_EVERYBODY,
    CONFIG_SYNTHETIC_LISTED,
    CONFIG_SYNTHETIC_NOBODY,
};

struct config_synthetic_header {
    char *name;
    char *prefix; /* of its value; NULL: any value */
};

/* How requests of monitors and load tests are known (proxy/synthetic). */
struct config_synthetic {
    enum config_synthetic_trust trust;
    struct ip_net *trusted;
    size_t trusted_len;
    char **agents; /* what a word of the User-Agent begins with */
    size_t agents_len;
    uint64_t firsts[4]; /* a bit for each byte that an agent begins with: most words are none of them */
    struct config_synthetic_header *headers;
    size_t headers_len;
};

struct config_route {
    char *name;
    uint32_t slot;     /* identity in the counters, as above */
    char *host;        /* lower case, without port; "*.example.com" for all below; NULL for any */
    char *path_prefix; /* begins with '/', matches whole segments; ends in no '/' but for "/" itself */
    uint32_t stable;   /* index in groups; CONFIG_NO_GROUP of a route that answers by itself */
    int32_t canary;    /* index in groups; -1 for none */
    uint32_t weight;   /* hundredths of a percent to the canary at start, when no rollout is stored */
    enum config_affinity affinity;
    char *affinity_name;         /* cookie or header name */
    int64_t affinity_max_age_ns; /* cookie life */
    char *affinity_path;         /* of the cookie */
    bool affinity_secure;        /* the cookie goes over TLS only */
    enum config_same_site affinity_same_site;
    struct config_override *overrides;
    size_t overrides_len;
    struct config_timeouts timeouts; /* the global ones unless written */
    struct config_retries retries;
    struct config_mirror mirror;
    struct h1_limits request, response; /* of bodies and of answers; a request's head came before the route */
    uint64_t max_body;                  /* bytes of a request body */
    char upgrades[CONFIG_UPGRADES_MAX][CONFIG_UPGRADE_LEN]; /* protocols that may be switched to */
    size_t upgrades_len;
    char grpc_error_names[CONFIG_GRPC_ERRORS_MAX][CONFIG_GRPC_ERROR_LEN];
    size_t grpc_error_names_len;
    uint32_t grpc_errors;     /* a bit for each status of gRPC that is an error of the group */
    int64_t slo_threshold_ns; /* what a plan without own metrics judges latency by; 0: no SLO */
    double slo_objective;     /* share of the answers that has to be within it */
    struct config_rule *request_rules, *response_rules;
    size_t request_rules_len, response_rules_len;
    char *rewrite_prefix;            /* in place of path_prefix in what the target gets; NULL: unchanged */
    char *rewrite_host;              /* the Host that the target gets; NULL: the client's */
    struct config_redirect redirect; /* this or `answer` without groups */
    struct config_answer answer;
    bool own_synthetic; /* `synthetic` is written, and whole; else the configuration's holds */
    struct config_synthetic synthetic;
};

/* Whether the route answers by itself and has no groups. */
static inline bool config_route_answers(const struct config_route *route)
{
    return route->redirect.to != NULL || route->answer.status != 0;
}

enum config_log_kind {
    CONFIG_LOG_STDOUT,
    CONFIG_LOG_FILE,
    CONFIG_LOG_PARTITIONS,
    CONFIG_LOG_FORWARD,
    CONFIG_LOG_SYSLOG,
    CONFIG_LOG_OTLP,
    CONFIG_LOG_XRAY,
};

/* How a line is written. */
enum config_log_format {
    CONFIG_LOG_JSON, /* as the workers write it */
    CONFIG_LOG_ECS,
    CONFIG_LOG_OTEL,
    CONFIG_LOG_ALB,
    CONFIG_LOG_COMBINED,
    CONFIG_LOG_LTSV,
};

/* Of requests that went well: which of them a place gets. */
struct config_log_sample {
    uint32_t share;  /* in hundredths of a percent */
    int64_t slow_ns; /* who takes so long is never left out */
};

/* Servers of Fluentd's forward protocol. */
struct config_forward {
    char **servers; /* host:port or unix:path */
    size_t servers_len;
    char *tag;
    char *shared_key; /* NULL: none */
    char *user, *password;
    int64_t ack_timeout_ns;
    bool pack;
    uint64_t buffer; /* bytes of messages that have not been acknowledged */
    char *spool;     /* a folder for more of them; NULL: none */
    uint64_t spool_size;
};

/* A folder of packed files. */
struct config_partitions {
    char *directory;
    uint64_t max_size, max_total;
    int64_t interval_ns;
};

struct config_syslog {
    char *address; /* udp:host:port, tcp:host:port or unix:/path */
    uint32_t facility;
    char *app;
};

/* What a place gets. */
enum config_log_content {
    CONFIG_LOG_REQUESTS, /* the lines of requests */
    CONFIG_LOG_EMF,      /* metrics as lines (struct config_emf) */
    CONFIG_LOG_BOTH,
};

/* Spans for a collector. */
struct config_otlp {
    char *endpoint; /* a URL */
    char **headers; /* whole lines */
    size_t headers_len;
    int64_t interval_ns; /* a span waits so long at most to be sent with others */
    int64_t timeout_ns;  /* of a request to the collector */
};

struct config_log {
    uint64_t fingerprint; /* of all that is written of it */
    enum config_log_kind kind;
    enum config_log_content content;
    enum config_log_format format;
    struct config_log_sample sample;
    uint32_t queue; /* bytes of lines that may wait for it */
    char *path;     /* for CONFIG_LOG_FILE */
    /* Of files. */
    uint64_t max_size;  /* of one; a full one is finished, and another begun */
    int64_t max_age_ns; /* likewise; 0: any */
    uint64_t max_total; /* of all of them */
    bool pack;          /* finished files, with gzip */
    bool await_shipper; /* finished files are kept until they have been shipped, while there is room */
    struct config_partitions partitions;
    struct config_forward forward;
    struct config_syslog syslog;
    struct config_otlp otlp;
    char *xray_address; /* host:port of the daemon; NULL: that of the environment, or the usual one */
};

/* What a line of the access log has beside its fields, and what it must not have; names in lower case. */
struct config_log_record {
    char **request_headers, **response_headers;
    size_t request_headers_len, response_headers_len;
    char **redacted; /* query parameters */
    size_t redacted_len;
};

/* Metrics that are sent to an agent (export/dogstatsd). */
struct config_dogstatsd {
    struct config_address address; /* text NULL: nothing is sent */
    int64_t interval_ns;
    char **tags; /* key:value, on each metric */
    size_t tags_len;
};

/* How a notice is written. */
enum config_notice_kind {
    CONFIG_NOTICE_GENERIC, /* the record of the decision */
    CONFIG_NOTICE_SLACK,
    CONFIG_NOTICE_PAGERDUTY,
    CONFIG_NOTICE_SNS,
};

/* Who is told of decisions (control/notifier). */
struct config_notice {
    char *name;
    enum config_notice_kind kind;
    char *url;
    char *secret;                        /* that signs; NULL: nothing is signed */
    char *routing_key;                   /* of PagerDuty */
    char *topic;                         /* of SNS */
    uint32_t on[CONFIG_NOTICE_ACTIONS];  /* enum action */
    size_t on_len;                       /* 0: all but none */
    uint32_t holds[CONFIG_NOTICE_HOLDS]; /* enum reason, of holds */
    size_t holds_len;                    /* 0: those that a person should know of */
    char **routes;                       /* names; none: all */
    size_t routes_len;
    int64_t timeout_ns;   /* of an attempt */
    int64_t retry_for_ns; /* of a notice, from the decision on */
};

/* How a source of external metrics is asked. */
enum config_source_kind {
    CONFIG_SOURCE_PROMETHEUS,
    CONFIG_SOURCE_CLOUDWATCH,
    CONFIG_SOURCE_DATADOG,
};

/* Who is asked the queries of external metrics (control/surveyor). */
struct config_source {
    char *name;
    enum config_source_kind kind;
    char *url; /* without a slash at its end */
    char *user, *password;
    struct kept_secret token; /* sent as a bearer token */
    char *region;
    char *access_key_id, *secret_access_key, *session_token; /* NULL: found by control/awskeys */
    char *api_key, *application_key;
    int64_t lookback_ns; /* the oldest point that counts */
    char *ca_file;       /* NULL: the system's authorities */
    int64_t timeout_ns;
};

/* Whose trace context is believed. */
enum config_tracing_trust {
    CONFIG_TRACING_LISTED,
    CONFIG_TRACING_EVERYBODY,
    CONFIG_TRACING_NOBODY,
};

/* Traces are continued and begun (proxy/tracing). */
struct config_tracing {
    bool on; /* the rest is set with it only */
    enum config_tracing_trust trust;
    struct ip_net *trusted;
    size_t trusted_len;
    enum traceformat read[TRACEFORMAT_LEN]; /* in the order of trust, each once */
    size_t read_len;
    enum traceformat send[TRACEFORMAT_LEN];
    size_t send_len;
    uint8_t send_bits; /* the same */
    uint32_t sample;   /* hundredths of a percent of the traces that begin here */
};

/* What tells the metrics of one line from those of another. */
enum config_emf_dimension {
    CONFIG_EMF_ROUTE,
    CONFIG_EMF_GROUP,
    CONFIG_EMF_PLATFORM,
    CONFIG_EMF_SIDE,
    CONFIG_EMF_SERVICE,
    CONFIG_EMF_ENV,
    CONFIG_EMF_VERSION,
    CONFIG_EMF_DIMENSIONS,
};

/* Metrics as lines for CloudWatch (export/emf), which go to the places of the access log that take them. */
struct config_emf {
    bool enabled;
    char *name_space;
    int64_t interval_ns;
    enum config_emf_dimension *dimensions; /* none: route, group, platform and side */
    size_t dimensions_len;
};

/* What may be sent; sizes in bytes (http.md section 2.2 has the peers' figures). */
struct config_limits {
    struct h1_limits request, response;
    uint64_t max_body;                              /* of a request, what a route gets that writes none */
    uint32_t connections;                           /* open client connections in all */
    uint64_t memory;                                /* of connections, requests and buffers in all; auto is
                                                       resolved */
    uint32_t address_connections, address_requests; /* open and under way for one client address; 0: any */
    uint32_t handshakes;                            /* of TLS under way, over all workers */
    struct ip_net *exempt;                          /* addresses that these two do not count */
    size_t exempt_len;
};

/* With clients that speak HTTP/2. */
struct config_http2 {
    uint32_t streams;       /* at a time on one connection */
    uint32_t requests;      /* on one connection, which then ends; 0: any number */
    uint64_t stream_window; /* bytes of content that may wait for their target, of a stream */
    uint64_t window;        /* and of all streams of a connection */
};

struct config_edge_timeouts {
    int64_t head_ns;       /* first byte to whole request head; 0: no limit (the load warns) */
    int64_t handshake_ns;  /* of TLS, whole; > 0 */
    int64_t keep_alive_ns; /* idle client connection; > 0 */
    int64_t http2_idle_ns; /* the same of one that speaks HTTP/2; > 0 */
    int64_t linger_ns;     /* a closed connection is read away; > 0 */
    int64_t pool_idle_ns;  /* idle connection to a target, what a group gets that writes none; > 0 */
    int64_t lame_ns;       /* at the end: not ready, but serving still; 0: not at all */
    int64_t drain_ns;      /* open work at the end: after it, cut; 0: at once */
};

struct config {
    uint32_t refs;
    char *path;       /* the file it came from; "-" for standard input */
    unsigned workers; /* auto is resolved: 1 to CONFIG_WORKERS_MAX */
    char *service;    /* what logs and metrics call this service; "penstock" unless written */
    char *env;        /* and its environment and version; NULL: not said */
    char *version;
    char *label_header; /* request header that carries the platform to the target: "X-Platform" */
    char *via_name;     /* our pseudonym in Via */
    enum config_ambiguous ambiguous_fields;
    enum config_half_closed half_closed;
    struct config_forwarded forwarded;
    struct config_listener *listeners;
    size_t listeners_len;
    char *ticket_key_file; /* NULL: keys are made here */
    char
        *subject_header; /* request header that carries the subject of a client's certificate to the target */
    bool asks_clients;   /* some listener has client_ca_file */
    struct config_admin admin;
    char *state_directory; /* NULL: nothing is kept over a restart (loudly) */
    struct config_log *logs;
    size_t logs_len;
    struct config_log_record log_record;
    struct config_dogstatsd dogstatsd;
    struct config_notice *notices;
    size_t notices_len;
    char *webhook_secret; /* that signs what the webhooks of plans are asked; NULL: nothing is signed */
    struct config_source *sources; /* of external metrics */
    size_t sources_len;
    struct config_tracing tracing;
    struct config_synthetic synthetic;
    struct config_emf emf;
    struct config_edge_timeouts timeouts;
    struct config_timeouts route_timeouts; /* what a route gets that writes none */
    struct config_limits limits;
    struct config_http2 http2;
    struct config_group *groups;
    size_t groups_len;
    struct config_route *routes;
    size_t routes_len;
};

/* How the route knows synthetic requests. Thread: any. */
static inline const struct config_synthetic *config_synthetic(const struct config *config,
                                                              const struct config_route *route)
{
    return route->own_synthetic ? &route->synthetic : &config->synthetic;
}

/* False: no agent begins with this byte. Thread: any. */
static inline bool config_synthetic_may_begin(const struct config_synthetic *synthetic, char first)
{
    return synthetic->firsts[(uint8_t)first / 64] >> ((uint8_t)first % 64) & 1;
}

/* Whether a hop is one of the proxies in front, by its address or by its number: the peer is 1, who it says
 * it speaks for 2, and so on. `forwarded` is a struct config_forwarded. Thread: any. */
bool config_trusts(const void *forwarded, const struct ip *ip, unsigned number);

/* The source of external metrics with that name; NULL when there is none. Thread: any. */
const struct config_source *config_source(const struct config *config, const char *name);

/* One more owner; gives `config` back. Thread: control. */
struct config *config_ref(struct config *config);
/* One owner less; the last frees it. NULL is allowed. Thread: control. */
void config_unref(struct config *config);

#endif
