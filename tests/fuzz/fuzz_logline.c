/*
 * Lines of access logs as anybody may have written them, read in every format. What counts is a request with
 * values within their ranges.
 */
#include "base/bug.h"
#include "cli/logline.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_as(enum logline_format format, struct str line)
{
    const struct logline_rule rule = {.format = format, .stable = STR("ec2"), .canary = STR("fargate")};
    struct logline read;

    if (logline_read(&rule, line, &read) != LOGLINE_REQUEST)
        return;
    BUG_ON(read.status > 999 || !(read.ms >= 0));
    BUG_ON(read.weight > 10000 && read.weight != LOGLINE_WEIGHT_UNKNOWN);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str rest = {(const char *)data, size}, line;
    enum logline_format format;

    while (data && str_split(&rest, '\n', &line)) {
        read_as(LOGLINE_PENSTOCK, line);
        read_as(LOGLINE_ALB, line);
        read_as(LOGLINE_COMBINED, line);
        if (logline_guess(line, &format))
            BUG_ON(format > LOGLINE_COMBINED);
        BUG_ON(logline_route(line).len > line.len);
    }
    return 0;
}
