#include "base/log.h"

#include "base/clk.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { LINE_MAX_BYTES = 1024 };

enum log_level log_least_level = LOG_LEVEL_INFO; /* set once before threads start */

static const char *const level_names[] = {
    [LOG_LEVEL_DEBUG] = "debug",
    [LOG_LEVEL_INFO] = "info",
    [LOG_LEVEL_WARN] = "warn",
    [LOG_LEVEL_ERROR] = "error",
};

void log_set_level(enum log_level level)
{
    log_least_level = level;
}

void log_at(enum log_level level, const char *fmt, ...)
{
    char line[LINE_MAX_BYTES];
    int head, body;
    size_t len;
    va_list ap;

    if (level < log_least_level)
        return;
    clk_text(clk_wall_ns(), line);
    head =
        CLK_TEXT_LEN + snprintf(line + CLK_TEXT_LEN, sizeof line - CLK_TEXT_LEN, " %s ", level_names[level]);
    va_start(ap, fmt);
    body = vsnprintf(line + head, sizeof line - (size_t)head - 1, fmt, ap);
    va_end(ap);
    if (body < 0)
        return;
    len = strlen(line);
    for (size_t i = 0; i < len; i++)
        if ((unsigned char)line[i] < ' ' || line[i] == 0x7f)
            line[i] = ' ';
    line[len++] = '\n';
    if (write(STDERR_FILENO, line, len) < 0)
        return; /* there is no better place to say so */
}

bool log_limit_pass(struct log_limit *limit, int64_t now_ns, uint64_t *suppressed_r)
{
    if (now_ns < limit->next_ns) {
        limit->suppressed++;
        return false;
    }
    *suppressed_r = limit->suppressed;
    limit->suppressed = 0;
    limit->next_ns = now_ns + NS_PER_S;
    return true;
}
