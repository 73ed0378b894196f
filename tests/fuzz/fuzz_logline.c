/*
 * Lines of access logs as anybody may have written them, read in every format. What counts is a request with
 * values within their ranges.
 */
#include "base/bug.h"
#include "cli/logline.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct logentry *entry)
{
    BUG_ON(entry->status > 999 || entry->target_status > 999 || entry->weight > 10000);
    BUG_ON(entry->duration_ns < -1 || entry->sent < -1 || !(entry->kept > 0 && entry->kept <= 1));
}

static void read_as(const struct logreader *reader, enum config_log_format preset, struct str line)
{
    const struct logline_rule rule = {
        .reader = reader, .preset = preset, .stable = STR("ec2"), .canary = STR("fargate")};
    struct logentry entry;
    struct logline read;

    if (logreader_read(reader, preset, line, &entry))
        check(&entry);
    else
        BUG_ON(!entry.why);
    BUG_ON(logline_route(&rule, line).len > line.len);
    if (logline_read(&rule, line, &read) != LOGLINE_REQUEST)
        return;
    BUG_ON(read.status > 999 || !(read.ms >= 0));
    BUG_ON(read.weight > 10000 && read.weight != LOGLINE_WEIGHT_UNKNOWN);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct logreader *reader = logreader_new();
    struct str rest = {(const char *)data, size}, line;
    enum config_log_format preset;

    while (data && str_split(&rest, '\n', &line)) {
        for (int i = 0; i < LOGREADER_PRESETS; i++)
            read_as(reader, (enum config_log_format)i, line);
        if (logreader_guess(reader, line, &preset))
            BUG_ON((int)preset >= LOGREADER_PRESETS);
    }
    logreader_free(reader);
    return 0;
}
