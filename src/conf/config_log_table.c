/* What an entry of accessLog may have, from the leaves up. */
#include "conf/config.h"
#include "conf/config_log.h"
#include "conf/config_table.h"
#include "conf/config_types.h"
#include "conf/types.h"

static const struct setting file_rows[] = {
    {.key = "path",
     .type = &type_path,
     FIELD(config_log, path),
     .required = true,
     .example = "logs/access.jsonl",
     .text = "The file, to which lines are added. A pipe or a device is written to as it is."},
    {.key = "maxSize",
     .type = &type_size,
     FIELD(config_log, max_size),
     .min = 64 * KIB,
     .max = 1024 * GIB,
     .inherits = "256MiB, or an eighth of maxTotalSize where that is less",
     .example = "64MiB",
     .text = "A file that is as large is finished: it gets the time into its name "
             "(access-20261126T030405.123Z.jsonl), "
             "and another is begun."},
    {.key = "maxAge",
     .type = &type_duration,
     FIELD(config_log, max_age_ns),
     .min = S,
     .max = 366 * 24 * 3600 * S,
     .inherits = "any age",
     .example = "1d",
     .text = "So is a file that is as old."},
    {.key = "maxTotalSize",
     .type = &type_size,
     FIELD(config_log, max_total),
     .min = 1024 * KIB,
     .max = 64 * 1024 * GIB,
     .fallback = "2GiB",
     .text = "What the file, the finished ones and what is being packed take on the disk together, at any "
             "moment. The "
             "oldest finished files are removed for it, and for a disk that is full."},
    {.key = "compress",
     .type = &type_flag,
     FIELD(config_log, pack),
     .fallback = "true",
     .text = "Whether finished files are packed with gzip."},
    {.key = "awaitShipper",
     .type = &type_flag,
     FIELD(config_log, await_shipper),
     .fallback = "false",
     .text = "Whether somebody ships finished files, and says so for each by removing it, or by an empty "
             "file of its name "
             "with .shipped behind it. Shipped files are removed first; an alarm is raised when others fill "
             "80 % of "
             "maxTotalSize, and when one of them has to go, its lines are counted as lost."},
};
static const struct section file_section = {
    SECTION(file_rows),
    .check = config_check_log_file,
    .text = "On SIGUSR1 the file is opened again, for programs that move it themselves (logrotate).",
};
static const struct section stdout_section = {.settings = NULL, .len = 0};

static const struct setting partition_rows[] = {
    {.key = "directory",
     .type = &type_path,
     FIELD(config_log, partitions.directory),
     .required = true,
     .example = "logs/athena",
     .text = "The folder; files are in platform=P/dt=YYYY-MM-DD/hour=HH/ below it, by the time of the "
             "request in UTC. What is "
             "being written lies in its folder .open."},
    {.key = "interval",
     .type = &type_duration,
     FIELD(config_log, partitions.interval_ns),
     .min = S,
     .max = 3600 * S,
     .fallback = "5m",
     .text = "How long lines go to the same file; then it is packed and appears in its place."},
    {.key = "maxSize",
     .type = &type_size,
     FIELD(config_log, partitions.max_size),
     .min = 64 * KIB,
     .max = 16 * GIB,
     .inherits = "256MiB, or an eighth of maxTotalSize where that is less",
     .example = "64MiB",
     .text = "So does a file that is as large before it is packed."},
    {.key = "maxTotalSize",
     .type = &type_size,
     FIELD(config_log, partitions.max_total),
     .min = 1024 * KIB,
     .max = 64 * 1024 * GIB,
     .fallback = "2GiB",
     .text = "What all files take on the disk together, at any moment. Those that have been shipped "
             "(removed, or marked with an "
             "empty file of their name with .shipped behind it) go first; when another has to go, its lines "
             "are counted as "
             "lost."},
};
static const struct section partition_section = {
    SECTION(partition_rows),
    .check = config_check_log_partitions,
    .text = "For `aws s3 sync --exclude '.open/*'` or another uploader; contrib/athena has the table.",
};

static const struct setting server_row = {
    .key = "servers", .type = &type_string, .width = sizeof(char *), .max = 300, .text = "A server."};
static const struct setting spool_rows[] = {
    {.key = "directory",
     .type = &type_path,
     FIELD(config_log, forward.spool),
     .required = true,
     .example = "spool",
     .text = "A folder for them; it is made when it is not there."},
    {.key = "maxSize",
     .type = &type_size,
     FIELD(config_log, forward.spool_size),
     .min = 1024 * KIB,
     .max = 64 * 1024 * GIB,
     .fallback = "1GiB",
     .text = "What they take on the disk at most; beyond it the oldest are lost and counted."},
};
static const struct section spool_section = {SECTION(spool_rows)};
static const struct setting forward_rows[] = {
    {.key = "servers",
     .type = &schema_list,
     LIST(config_log, forward.servers),
     .required = true,
     .min = 1,
     .max = 16,
     .item = &server_row,
     .example = "[\"${FLUENT_HOST}:${FLUENT_PORT}\"]",
     .text = "host:port or unix:PATH. One is spoken to, any of them at first, and the next when it fails. "
             "FireLens sets "
             "FLUENT_HOST and FLUENT_PORT."},
    {.key = "tag",
     .type = &type_string,
     FIELD(config_log, forward.tag),
     .max = 200,
     .fallback = "penstock.access",
     .text = "The tag of the records."},
    {.key = "sharedKey",
     .type = &type_secret,
     FIELD(config_log, forward.shared_key),
     .example = "file:forward.key",
     .text = "The key that server and client prove to each other that they know."},
    {.key = "user",
     .type = &type_string,
     FIELD(config_log, forward.user),
     .max = 200,
     .example = "penstock",
     .text = "For servers that ask for a user beside the key."},
    {.key = "password",
     .type = &type_secret,
     FIELD(config_log, forward.password),
     .example = "file:forward.password",
     .text = "The user's."},
    {.key = "ackTimeout",
     .type = &type_duration,
     FIELD(config_log, forward.ack_timeout_ns),
     .min = S,
     .max = 3600 * S,
     .fallback = "60s",
     .text = "How long a message may stay without its acknowledgement; then it is sent again, to the next "
             "server."},
    {.key = "compress",
     .type = &type_flag,
     FIELD(config_log, forward.pack),
     .fallback = "false",
     .text = "Whether messages are packed with gzip."},
    {.key = "buffer",
     .type = &type_size,
     FIELD(config_log, forward.buffer),
     .min = 1024 * KIB,
     .max = GIB,
     .fallback = "8MiB",
     .text = "Memory for messages that have not been acknowledged; what goes beyond it goes to the spool, or "
             "is lost and "
             "counted."},
    {.key = "spool",
     .type = &schema_map,
     .section = &spool_section,
     .text =
         "Messages that memory has no room for, and those that are left at an orderly end, are kept on the "
         "disk."},
};
static const struct section forward_section = {
    SECTION(forward_rows),
    .check = config_check_log_forward,
    .text = "PackedForward messages, each acknowledged: a record arrives at least once, over restarts of "
            "either side when "
            "there is a spool. One that arrives twice has the same http.request_id.",
};

static const struct setting syslog_rows[] = {
    {.key = "address",
     .type = &type_string,
     FIELD(config_log, syslog.address),
     .required = true,
     .max = 300,
     .example = "udp:127.0.0.1:514",
     .text = "udp:HOST:PORT, tcp:HOST:PORT (with octet counting), or unix:/dev/log."},
    {.key = "facility",
     .type = &type_count,
     FIELD(config_log, syslog.facility),
     .min = 0,
     .max = 23,
     .fallback = "16",
     .text = "The facility's number; 16 is local0."},
    {.key = "app",
     .type = &type_name,
     FIELD(config_log, syslog.app),
     .fallback = "penstock",
     .text = "The APP-NAME; the MSGID is access."},
};
static const struct section syslog_section = {
    SECTION(syslog_rows),
    .check = config_check_log_syslog,
    .text = "Messages of RFC 5424 with the platform as structured data. Syslog acknowledges nothing; where "
            "records must not be "
            "lost, use forward.",
};

static const struct setting otlp_header_row = {
    .key = "headers",
    .type = &type_string,
    .width = sizeof(char *),
    .max = 2000,
    .text = "A line, as Name: value.",
};
static const struct setting otlp_rows[] = {
    {.key = "endpoint",
     .type = &type_string,
     FIELD(config_log, otlp.endpoint),
     .required = true,
     .max = 500,
     .example = "\"http://127.0.0.1:4318/v1/traces\"",
     .text = "The URL of the collector, its path included."},
    {.key = "headers",
     .type = &schema_list,
     LIST(config_log, otlp.headers),
     .max = 8,
     .item = &otlp_header_row,
     .example = "[\"Authorization: Bearer ${OTLP_TOKEN}\"]",
     .text = "Header lines that the collector asks for, such as a key, which belongs into the environment."},
    {.key = "interval",
     .type = &type_duration,
     FIELD(config_log, otlp.interval_ns),
     .min = S / 10,
     .max = 60 * S,
     .fallback = "1s",
     .text = "How long a span waits for others, to be sent with them."},
    {.key = "timeout",
     .type = &type_duration,
     FIELD(config_log, otlp.timeout_ns),
     .min = S / 10,
     .max = 30 * S,
     .fallback = "3s",
     .text = "Of a request to the collector."},
};
static const struct section otlp_section = {
    SECTION(otlp_rows),
    .check = config_check_log_otlp,
    .text =
        "OTLP over HTTP, as JSON: a server span for each request and a client span for each try, of traces "
        "that are recorded, and of every request that failed, whether its trace is or not; when the weight "
        "of "
        "a canary falls, also of all its requests in the half minute before and after. What the "
        "collector does not take is tried again, later each time, while the queue has room; then it is "
        "lost and counted.",
};

static const struct setting xray_rows[] = {
    {.key = "address",
     .type = &type_string,
     FIELD(config_log, xray_address),
     .max = 200,
     .inherits = "AWS_XRAY_DAEMON_ADDRESS of the environment, or 127.0.0.1:2000",
     .example = "\"127.0.0.1:2000\"",
     .text = "Where the daemon listens by UDP."},
};
static const struct section xray_section = {
    SECTION(xray_rows),
    .check = config_check_log_xray,
    .text =
        "A segment for each request with a subsegment for each try, of the same requests as for otlp, one "
        "datagram each. Nothing waits for the daemon: what cannot be sent is lost and counted. Platform, "
        "route, group, weight and outcome are annotations, by which X-Ray finds traces; a trace that "
        "began elsewhere should have been begun as X-Ray does, with the time in front of its id.",
};

static const struct setting sample_rows[] = {
    {.key = "share",
     .type = &type_percent,
     FIELD(config_log, sample.share),
     .min = 1,
     .max = CONFIG_WEIGHT_ONE,
     .required = true,
     .example = "10",
     .text = "Percent of them that are written, drawn by the trace id: places with the same share have the "
             "same requests."},
    {.key = "slow",
     .type = &type_duration,
     FIELD(config_log, sample.slow_ns),
     .min = S / 1000,
     .max = 3600 * S,
     .fallback = "1s",
     .text = "A request that takes so long is always written."},
};
static const struct section sample_section = {
    SECTION(sample_rows),
    .shorthand = "share",
    .text =
        "Errors, warnings, slow requests, those of a canary and whatever is not 2xx are always written. "
        "A line that "
        "stands for others has sample_rate, the share as a fraction; alb and combined have no place for it. "
        "`penstock replay` takes no lines that stand for others.",
};

static const struct word format_words[] = {
    [CONFIG_LOG_JSON] = {"json", "JSON with the names of Datadog, and all that there is"},
    [CONFIG_LOG_ECS] = {"ecs", "JSON with the names of the Elastic Common Schema"},
    [CONFIG_LOG_OTEL] = {"otel", "JSON with the names of OpenTelemetry: resource and attributes"},
    [CONFIG_LOG_ALB] =
        {"alb", "an AWS Application Load Balancer's 30 fields, with the group's name as target group"},
    [CONFIG_LOG_COMBINED] = {"combined",
                             "that of Apache and nginx; behind it platform, group, target and seconds"},
    [CONFIG_LOG_LTSV] = {"ltsv", "labels and values between tabs"},
};
const struct word_table config_log_format_table = {format_words, ARRAY_LEN(format_words)};

static const struct word content_words[] = {
    [CONFIG_LOG_REQUESTS] = {"requests", "a line for each request"},
    [CONFIG_LOG_EMF] = {"emf", "the metrics of metrics.emf, a line for each side of a route and interval"},
    [CONFIG_LOG_BOTH] = {"both", "both"},
};
static const struct word_table content_table = {content_words, ARRAY_LEN(content_words)};

static const struct setting log_rows[] = {
    {.key = "file", .type = &schema_map, .section = &file_section, .text = "Lines go to a file."},
    {.key = "stdout",
     .type = &schema_map,
     .section = &stdout_section,
     .text = "Lines go to standard output: write {}."},
    {.key = "partitions",
     .type = &schema_map,
     .section = &partition_section,
     .text = "Lines go to small packed files, laid out for S3 and Athena."},
    {.key = "forward",
     .type = &schema_map,
     .section = &forward_section,
     .text = "Lines go to fluentd, Fluent Bit or another server of Fluentd's forward protocol, as records."},
    {.key = "syslog",
     .type = &schema_map,
     .section = &syslog_section,
     .text = "Lines go to a syslog server."},
    {.key = "otlp",
     .type = &schema_map,
     .section = &otlp_section,
     .text = "No lines, but the spans that they tell of, go to a collector of OpenTelemetry, or to whoever "
             "speaks OTLP; tracing has to be on."},
    {.key = "xray",
     .type = &schema_map,
     .section = &xray_section,
     .text = "Likewise, the segments go to the daemon of AWS X-Ray."},
    {.key = "content",
     .type = &type_word,
     FIELD(config_log, content),
     .words = &content_table,
     .fallback = "requests",
     .example = "both",
     .text = "What goes there."},
    {.key = "format",
     .type = &type_word,
     FIELD(config_log, format),
     .words = &config_log_format_table,
     .fallback = "json",
     .text = "How a line is written. penstock report and penstock replay read all of them; json says most."},
    {.key = "sample",
     .type = &schema_map,
     .section = &sample_section,
     .text = "Only some of the requests that went well are written; without this key all are."},
    {.key = "queue",
     .type = &type_size,
     FIELD(config_log, queue),
     .min = 512 * KIB,
     .max = GIB,
     .fallback = "4MiB",
     .text = "Lines that may wait for this place; more of them are lost and counted. It never holds up a "
             "request or "
             "another place."},
};
const struct section config_log_section = {
    SECTION(log_rows),
    .size = sizeof(struct config_log),
    .one_of = "file stdout partitions forward syslog otlp xray",
    .one_of_required = true,
    .before = config_init_log,
    .check = config_check_log,
    .text = "One line for each request. Without this key no access log is written.",
};

static const struct setting request_header_row = {.key = "requestHeaders",
                                                  .type = &type_token,
                                                  .width = sizeof(char *),
                                                  .max = CONFIG_NAME_MAX,
                                                  .text = "A name."};
static const struct setting response_header_row = {.key = "responseHeaders",
                                                   .type = &type_token,
                                                   .width = sizeof(char *),
                                                   .max = CONFIG_NAME_MAX,
                                                   .text = "A name."};
static const struct setting redacted_row = {
    .key = "redactQuery", .type = &type_string, .width = sizeof(char *), .max = 100, .text = "A name."};
static const struct setting record_rows[] = {
    {.key = "requestHeaders",
     .type = &schema_list,
     LIST(config, log_record.request_headers),
     .max = 16,
     .item = &request_header_row,
     .example = "[X-Tenant, X-Amzn-Trace-Id]",
     .text =
         "Header fields of the request that are logged, under http.request_headers; 2 KiB of them at most. "
         "X-Amzn-Trace-Id has a place of its own in the format alb."},
    {.key = "responseHeaders",
     .type = &schema_list,
     LIST(config, log_record.response_headers),
     .max = 16,
     .item = &response_header_row,
     .example = "[X-Cache]",
     .text = "Header fields of the target's answer, likewise."},
    {.key = "redactQuery",
     .type = &schema_list,
     LIST(config, log_record.redacted),
     .max = 64,
     .item = &redacted_row,
     .inherits = "the signatures that OpenTelemetry names, tokens and passwords",
     .example = "[token, sig]",
     .text = "Query parameters whose values are logged as REDACTED, in the URL and in Referer, whatever the "
             "case of their "
             "letters; [] for none."},
};
const struct section config_log_record_section = {SECTION(record_rows), .check = config_check_log_record};
