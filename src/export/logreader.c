#include "export/logreader.h"

#include "base/clk.h"
#include "base/mem.h"
#include "conf/config_table.h"
#include "decide/words.h"
#include "export/logread.h"
#include "export/logshape.h"
#include "export/logvalue.h"
#include "export/logwords.h"

#include <math.h>
#include <stdlib.h>

struct logreader {
    struct logshape shapes[LOGREADER_PRESETS];
};

struct logreader *logreader_new(void)
{
    struct logreader *reader = mem_alloc(sizeof *reader);

    for (size_t i = 0; i < LOGREADER_PRESETS; i++)
        logshape_init(&reader->shapes[i], (enum config_log_format)i);
    return reader;
}

void logreader_free(struct logreader *reader)
{
    free(reader);
}

const char *logreader_name(enum config_log_format preset)
{
    return word_name(&config_log_format_table, preset);
}

bool logreader_named(const char *name, enum config_log_format *preset_r)
{
    size_t at;

    if (!word_parse(&config_log_format_table, str_from(name), &at))
        return false;
    *preset_r = (enum config_log_format)at;
    return true;
}

bool logreader_is_named(enum config_log_format preset)
{
    return preset != CONFIG_LOG_ALB && preset != CONFIG_LOG_COMBINED;
}

bool logreader_is_metrics(struct str line)
{
    return str_starts_with(line, STR("{\"_aws\":"));
}

/* ---- named fields ---- */

static struct str text_at(const struct logread *read, enum logfield field)
{
    return logread_text(read->at[field]);
}

/* A number of at most `max`; false when there is none. */
static bool number_at(const struct logread *read, enum logfield field, double max, double *value_r)
{
    return logvalue_number(text_at(read, field), value_r) && *value_r <= max;
}

static void times_of(const struct logread *read, struct logentry *entry)
{
    double value;

    if (number_at(read, LOGFIELD_DURATION, 1e18, &value))
        entry->duration_ns = (int64_t)value;
    else if (number_at(read, LOGFIELD_REQUEST_TIME, 1e9, &value))
        entry->duration_ns = llround(value * 1e9);
}

static void numbers_of(const struct logread *read, struct logentry *entry)
{
    double value;

    if (number_at(read, LOGFIELD_TARGET_STATUS, 999, &value))
        entry->target_status = (int32_t)value;
    if (number_at(read, LOGFIELD_WEIGHT, 100, &value))
        entry->weight = (int32_t)lround(value * 100);
    if (number_at(read, LOGFIELD_BYTES_WRITTEN, LOGREADER_SENT_MAX, &value))
        entry->sent = (int64_t)value;
    if (number_at(read, LOGFIELD_SAMPLE_RATE, 1, &value) && value > 0)
        entry->kept = value;
}

/* A line of an upgrade is written at the end of the connection. */
static void leave_tunnel_out(const struct logread *read, struct logentry *entry)
{
    double body;

    if (entry->status != 101 && !str_eq(entry->outcome, STR("upgraded")))
        return;
    if (number_at(read, LOGFIELD_BODY_NS, 1e18, &body) && (int64_t)body <= entry->duration_ns)
        entry->duration_ns -= (int64_t)body;
    else
        entry->duration_ns = -1;
}

static bool take_named(const struct logread *read, struct logentry *entry)
{
    double status;
    bool answered;

    if (!logvalue_time(text_at(read, LOGFIELD_TIMESTAMP), &entry->wall_ns)) {
        entry->why = "it has no time such as 2026-11-21T06:00:00.123Z";
        return false;
    }
    times_of(read, entry);
    numbers_of(read, entry);
    answered = number_at(read, LOGFIELD_STATUS, 999, &status);
    if (!answered && entry->target_status < 0) {
        entry->why = "it has no status of an answer";
        return false;
    }
    if (answered)
        entry->status = (int32_t)status;
    entry->platform = text_at(read, LOGFIELD_PLATFORM);
    entry->route = text_at(read, LOGFIELD_ROUTE);
    entry->group = text_at(read, LOGFIELD_GROUP);
    entry->side = text_at(read, LOGFIELD_SIDE);
    entry->target = text_at(read, LOGFIELD_TARGET);
    entry->assignment = text_at(read, LOGFIELD_ASSIGNMENT);
    entry->synthetic = text_at(read, LOGFIELD_SYNTHETIC);
    entry->outcome = text_at(read, LOGFIELD_OUTCOME);
    entry->blame = text_at(read, LOGFIELD_BLAME);
    entry->client = text_at(read, LOGFIELD_CLIENT_IP);
    leave_tunnel_out(read, entry);
    return true;
}

static bool take_json(const struct logshape_row *rows, struct str line, struct logentry *entry)
{
    struct logread read;

    if (!logread_shaped(rows, line, &read)) {
        entry->why = "it is no JSON object up to its end: cut, or of another format";
        return false;
    }
    return take_named(&read, entry);
}

static bool take_ltsv(const struct logshape_row *rows, struct str line, struct logentry *entry)
{
    struct logread read;

    if (!logread_ltsv(rows, line, &read)) {
        entry->why = "it has no labels, as a line of ltsv has";
        return false;
    }
    return take_named(&read, entry);
}

/* ---- all ---- */

bool logreader_read(const struct logreader *reader, enum config_log_format preset, struct str line,
                    struct logentry *entry_r)
{
    *entry_r = (struct logentry){
        .duration_ns = -1, .sent = -1, .status = -1, .target_status = -1, .weight = -1, .kept = 1};
    switch (preset) {
    case CONFIG_LOG_JSON:
        return take_json(logshape_native, line, entry_r);
    case CONFIG_LOG_ECS:
    case CONFIG_LOG_OTEL:
        return take_json(reader->shapes[preset].rows, line, entry_r);
    case CONFIG_LOG_LTSV:
        return take_ltsv(reader->shapes[preset].rows, line, entry_r);
    case CONFIG_LOG_ALB:
        return logwords_alb(line, entry_r);
    case CONFIG_LOG_COMBINED:
        return logwords_combined(line, entry_r);
    }
    return false;
}

bool logreader_guess(const struct logreader *reader, struct str line, enum config_log_format *preset_r)
{
    struct logentry entry;

    for (size_t i = 0; i < LOGREADER_PRESETS; i++) {
        *preset_r = (enum config_log_format)i;
        if (logreader_read(reader, *preset_r, line, &entry))
            return true;
    }
    return false;
}
