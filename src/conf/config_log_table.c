/* What an entry of accessLog may have, from the leaves up. */
#include "conf/config.h"
#include "conf/config_check.h"
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
    .text = "Errors, warnings, slow requests, those of a canary and whatever is not 2xx are always written. "
            "A line that "
            "stands for others has sample_rate, the share as a fraction.",
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
static const struct word_table format_table = {format_words, ARRAY_LEN(format_words)};

static const struct setting log_rows[] = {
    {.key = "file", .type = &schema_map, .section = &file_section, .text = "Lines go to a file."},
    {.key = "stdout",
     .type = &schema_map,
     .section = &stdout_section,
     .text = "Lines go to standard output: write {}."},
    {.key = "format",
     .type = &type_word,
     FIELD(config_log, format),
     .words = &format_table,
     .fallback = "json",
     .text = "How a line is written. Penstock's own commands read json."},
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
    .one_of = "file stdout",
    .one_of_required = true,
    .before = config_init_log,
    .check = config_check_log,
    .text = "One line for each request. Without this key no access log is written.",
};
