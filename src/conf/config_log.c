#include "conf/config_log.h"

#include "base/mem.h"

#include <string.h>

enum { LOG_SIZE = 256 << 20 }; /* of a file of the access log, when it is not written */

/* ---- the sections ---- */

void config_check_emf(struct schema_reader *reader, const struct tree *map, void *at)
{
    struct config *config = at;

    config->emf.enabled = true;
    for (size_t i = 0; i < config->emf.dimensions_len; i++)
        for (size_t k = 0; k < i; k++)
            if (config->emf.dimensions[i] == config->emf.dimensions[k])
                schema_problem(reader, CONF_ERROR, tree_find(map, "dimensions"),
                               "dimensions: one of them is there twice; remove it");
}

void config_init_log(struct schema_reader *reader, void *at)
{
    struct config_log *log = at;

    (void)reader;
    log->sample.share = CONFIG_WEIGHT_ONE;
}

static void check_sizes(struct schema_reader *reader, const struct tree *map, uint64_t *max_size,
                        uint64_t max_total)
{
    if (!tree_find(map, "maxSize"))
        *max_size = max_total / 8 < LOG_SIZE ? max_total / 8 : LOG_SIZE;
    if (max_total < 2 * *max_size)
        schema_problem(reader, CONF_ERROR, tree_within(map, "maxTotalSize"),
                       "maxTotalSize: is less than two files of maxSize; make it larger, or maxSize smaller");
}

void config_check_log_file(struct schema_reader *reader, const struct tree *map, void *at)
{
    struct config_log *log = at;

    check_sizes(reader, map, &log->max_size, log->max_total);
}

void config_check_log_partitions(struct schema_reader *reader, const struct tree *map, void *at)
{
    struct config_partitions *partitions = &((struct config_log *)at)->partitions;

    check_sizes(reader, map, &partitions->max_size, partitions->max_total);
}

/* Who has such a field in a log can act for its owner. */
static const char *const secret_headers[] = {"authorization", "cookie", "proxy-authorization", "set-cookie"};

static void check_headers(struct schema_reader *reader, const struct tree *list, char **names, size_t len)
{
    for (size_t i = 0; list && i < len && i < list->len; i++) {
        for (char *p = names[i]; p && *p; p++)
            *p = ascii_lower(*p);
        for (size_t k = 0; names[i] && k < ARRAY_LEN(secret_headers); k++)
            if (strcmp(names[i], secret_headers[k]) == 0)
                schema_problem(
                    reader, CONF_WARNING, &list->values[i],
                    "%s: has what lets its reader act for the client; whoever reads the log has it too",
                    names[i]);
    }
}

void config_check_log_record(struct schema_reader *reader, const struct tree *map, void *at)
{
    const struct config *config = at;
    const struct config_log_record *record = &config->log_record;

    check_headers(reader, tree_find(map, "requestHeaders"), record->request_headers,
                  record->request_headers_len);
    check_headers(reader, tree_find(map, "responseHeaders"), record->response_headers,
                  record->response_headers_len);
}

/* Those that the semantic conventions of OpenTelemetry take out of url.query, and what else is as good as a
 * password. */
static const char *const redacted[] = {
    "AWSAccessKeyId",
    "Signature",
    "sig",
    "X-Goog-Signature",
    "X-Amz-Signature",
    "X-Amz-Credential",
    "X-Amz-Security-Token",
    "access_token",
    "id_token",
    "token",
    "refresh_token",
    "client_secret",
    "password",
    "passwd",
    "secret",
    "api_key",
    "apikey",
};

static void redact_by_default(const struct tree *root, struct config_log_record *record)
{
    const struct tree *map = tree_find(root, "logRecord");

    if (map && tree_find(map, "redactQuery"))
        return;
    record->redacted = mem_zalloc(sizeof redacted);
    for (size_t i = 0; i < ARRAY_LEN(redacted); i++)
        record->redacted[i] = mem_strdup(redacted[i]);
    record->redacted_len = ARRAY_LEN(redacted);
}

/* "host:port", "[::1]:port" or "unix:/path". */
static bool is_peer(const char *text)
{
    const char *colon = strrchr(text, ':');
    uint64_t port;

    if (strncmp(text, "unix:", 5) == 0)
        return text[5] == '/';
    return colon && colon > text && str_to_u64(str_from(colon + 1), &port) && port > 0 && port < 65536 &&
           (text[0] == '[' || !memchr(text, ':', (size_t)(colon - text)));
}

static void check_peers(struct schema_reader *reader, const struct tree *list, char *const *peers, size_t len)
{
    for (size_t i = 0; list && i < len && i < list->len; i++)
        if (peers[i] && !is_peer(peers[i]))
            schema_problem(reader, CONF_ERROR, &list->values[i],
                           "servers: %s is no address; write host:port, [IPv6]:port or unix:/path", peers[i]);
}

void config_check_log_forward(struct schema_reader *reader, const struct tree *map, void *at)
{
    const struct config_log *log = at;

    check_peers(reader, tree_find(map, "servers"), log->forward.servers, log->forward.servers_len);
    if (!tree_find(map, "user") != !tree_find(map, "password") ||
        (tree_find(map, "user") && !tree_find(map, "sharedKey")))
        schema_problem(reader, CONF_ERROR, map,
                       "forward: user, password and sharedKey belong together; write all three");
}

void config_check_log_syslog(struct schema_reader *reader, const struct tree *map, void *at)
{
    const char *address = ((const struct config_log *)at)->syslog.address;
    bool inet = address && (strncmp(address, "udp:", 4) == 0 || strncmp(address, "tcp:", 4) == 0);

    if (address && !is_peer(inet ? address + 4 : strncmp(address, "unix:", 5) == 0 ? address : ""))
        schema_problem(reader, CONF_ERROR, tree_within(map, "address"),
                       "address: %s is none of udp:HOST:PORT, tcp:HOST:PORT and unix:/path", address);
}

void config_check_log_otlp(struct schema_reader *reader, const struct tree *map, void *at)
{
    const struct config_otlp *otlp = &((const struct config_log *)at)->otlp;
    struct str url = str_from(otlp->endpoint);

    if (url.len && !str_is_http_url(url))
        schema_problem(reader, CONF_ERROR, tree_within(map, "endpoint"),
                       "endpoint: an http:// or https:// address is needed, such as "
                       "http://127.0.0.1:4318/v1/traces");
    if (url.len && memchr(url.p, '@', url.len))
        schema_problem(reader, CONF_ERROR, tree_within(map, "endpoint"),
                       "endpoint: a user in the address would stand in logs and metrics; write headers");
    for (size_t i = 0; i < otlp->headers_len; i++)
        if (otlp->headers[i] && !strchr(otlp->headers[i], ':'))
            schema_problem(reader, CONF_ERROR, tree_within(map, "headers"), "headers: a line is Name: value");
}

void config_check_log_xray(struct schema_reader *reader, const struct tree *map, void *at)
{
    const char *address = ((const struct config_log *)at)->xray_address;

    if (address && (strncmp(address, "unix:", 5) == 0 || !is_peer(address)))
        schema_problem(reader, CONF_ERROR, tree_within(map, "address"),
                       "address: %s is no address; write host:port or [IPv6]:port", address);
}

/* FNV-1a over all that is written in a node. */
static uint64_t fingerprint(uint64_t hash, const struct tree *node)
{
    for (const char *p = node->text; p && *p; p++)
        hash = (hash ^ (unsigned char)*p) * UINT64_C(1099511628211);
    hash = (hash ^ (uint64_t)node->kind << 32 ^ node->len) * UINT64_C(1099511628211);
    for (size_t i = 0; i < node->len; i++) {
        if (node->keys)
            hash = fingerprint(hash, &node->keys[i]);
        hash = fingerprint(hash, &node->values[i]);
    }
    return hash;
}

/* Whoever reads such lines has to find them. */
static void check_content(struct schema_reader *reader, const struct tree *map, const struct config_log *log)
{
    const struct tree *node = tree_find(map, "content");

    if (log->kind == CONFIG_LOG_PARTITIONS)
        schema_problem(reader, CONF_ERROR, node, "content: partitions are made of lines of requests only");
    else if (log->kind == CONFIG_LOG_SYSLOG)
        schema_problem(
            reader, CONF_ERROR, node,
            "content: nobody finds metrics behind the header of a syslog message; use stdout, file "
            "or forward");
    else if (log->content == CONFIG_LOG_BOTH &&
             (log->format == CONFIG_LOG_ALB || log->format == CONFIG_LOG_COMBINED ||
              log->format == CONFIG_LOG_LTSV))
        schema_problem(reader, CONF_ERROR, node,
                       "content: metrics are lines of JSON: write format json, ecs or otel, or give them an "
                       "accessLog of their own with content emf");
}

/* Of the kind `key`. */
static void check_spans(struct schema_reader *reader, const struct tree *map, const char *key)
{
    if (tree_find(map, "format") || tree_find(map, "sample") || tree_find(map, "content"))
        schema_problem(
            reader, CONF_ERROR, map,
            "%s: spans have a form of their own, and tracing.sample; remove format, sample and content", key);
    if (!((const struct config *)reader->object)->tracing.on)
        schema_problem(reader, CONF_ERROR, map, "%s: there are no spans without tracing; write it", key);
}

void config_check_log(struct schema_reader *reader, const struct tree *map, void *at)
{
    struct config_log *log = at;

    log->fingerprint = fingerprint(UINT64_C(14695981039346656037), map);
    log->kind = tree_find(map, "file")         ? CONFIG_LOG_FILE
                : tree_find(map, "partitions") ? CONFIG_LOG_PARTITIONS
                : tree_find(map, "forward")    ? CONFIG_LOG_FORWARD
                : tree_find(map, "syslog")     ? CONFIG_LOG_SYSLOG
                : tree_find(map, "otlp")       ? CONFIG_LOG_OTLP
                : tree_find(map, "xray")       ? CONFIG_LOG_XRAY
                                               : CONFIG_LOG_STDOUT;
    if (log->kind == CONFIG_LOG_PARTITIONS && log->format != CONFIG_LOG_JSON)
        schema_problem(
            reader, CONF_ERROR, tree_find(map, "format"),
            "format: partitions have the format json, in which the platform and the time are found");
    if (log->content != CONFIG_LOG_REQUESTS)
        check_content(reader, map, log);
    if (log->kind == CONFIG_LOG_OTLP || log->kind == CONFIG_LOG_XRAY)
        check_spans(reader, map, log->kind == CONFIG_LOG_OTLP ? "otlp" : "xray");
}

/* ---- all of them ---- */

/* What a sink has on the disk; NULL: nothing. */
static const char *path_of_log(const struct config_log *log)
{
    switch (log->kind) {
    case CONFIG_LOG_FILE:
        return log->path;
    case CONFIG_LOG_PARTITIONS:
        return log->partitions.directory;
    case CONFIG_LOG_FORWARD:
        return log->forward.spool;
    case CONFIG_LOG_STDOUT:
    case CONFIG_LOG_SYSLOG:
    case CONFIG_LOG_OTLP:
    case CONFIG_LOG_XRAY:
        break;
    }
    return NULL;
}

static struct str without_slashes(struct str path)
{
    while (path.len > 1 && path.p[path.len - 1] == '/')
        path.len--;
    return path;
}

/* Two sinks would take each other's files for their own. */
static bool same_log(const struct config_log *a, const struct config_log *b)
{
    const char *x = path_of_log(a), *y = path_of_log(b);

    if (a->kind != b->kind)
        return false;
    return a->kind == CONFIG_LOG_STDOUT ||
           (x && y && str_eq(without_slashes(str_from(x)), without_slashes(str_from(y))));
}

static void check_places(struct schema_reader *reader, const struct tree *root, const struct config *config)
{
    for (size_t i = 1; i < config->logs_len; i++)
        for (size_t j = 0; j < i; j++)
            if (same_log(&config->logs[i], &config->logs[j]))
                schema_problem(reader, CONF_ERROR, tree_item(root, "accessLog", i),
                               "accessLog: %s the same place as the one at line %d; %s",
                               config->logs[i].kind == CONFIG_LOG_FORWARD ? "has its spool in" : "goes to",
                               tree_item(root, "accessLog", j)->line,
                               config->logs[i].kind == CONFIG_LOG_FORWARD ? "give each its own directory"
                                                                          : "remove one of the two");
}

/* Metrics as lines need a place, and a place for them needs metrics. */
static void check_emf(struct schema_reader *reader, const struct tree *root, const struct config *config)
{
    bool taken = false;

    for (size_t i = 0; i < config->logs_len; i++) {
        if (config->logs[i].content == CONFIG_LOG_REQUESTS)
            continue;
        taken = true;
        if (!config->emf.enabled)
            schema_problem(reader, CONF_ERROR, tree_within(tree_item(root, "accessLog", i), "content"),
                           "content: there are no metrics as lines; write metrics: { emf: {} }");
    }
    if (config->emf.enabled && !taken)
        schema_problem(reader, CONF_ERROR, tree_within(tree_find(root, "metrics"), "emf"),
                       "emf: nobody takes these lines; give one accessLog `content: both` or `content: emf`");
}

void config_check_logs(struct schema_reader *reader, const struct tree *root, struct config *config)
{
    redact_by_default(root, &config->log_record);
    check_places(reader, root, config);
    check_emf(reader, root, config);
}
