#include "cli/figure.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* At most three digits that count, without zeros at the end of the decimals. */
static void write_number(double value, char out[static FIGURE_LEN])
{
    int decimals = value >= 100 || value <= 0 ? 0 : value >= 10 ? 1 : value >= 1 ? 2 : 3;

    snprintf(out, FIGURE_LEN, "%.*f", decimals, value);
    if (!memchr(out, '.', strlen(out)))
        return;
    for (size_t len = strlen(out); len > 1 && (out[len - 1] == '0' || out[len - 1] == '.'); len--) {
        bool point = out[len - 1] == '.';

        out[len - 1] = '\0';
        if (point)
            break;
    }
}

const char *figure_percent(double percent, char out[static FIGURE_LEN])
{
    size_t len;

    write_number(percent, out);
    len = strlen(out);
    snprintf(out + len, FIGURE_LEN - len, " %%");
    return out;
}

const char *figure_count(uint64_t count, char out[static FIGURE_LEN])
{
    char digits[FIGURE_LEN];
    size_t len, at = 0;

    snprintf(digits, sizeof digits, "%" PRIu64, count);
    len = strlen(digits);
    if (len + (len - 1) / 3 >= FIGURE_LEN) { /* beyond 10^18 */
        snprintf(out, FIGURE_LEN, "%.3g", (double)count);
        return out;
    }
    for (size_t i = 0; i < len; i++) {
        if (i > 0 && (len - i) % 3 == 0)
            out[at++] = ',';
        out[at++] = digits[i];
    }
    out[at] = '\0';
    return out;
}

const char *figure_latency(double ms, char out[static FIGURE_LEN])
{
    if (ms <= 0)
        snprintf(out, FIGURE_LEN, "-");
    else if (ms < 1)
        snprintf(out, FIGURE_LEN, "%.2f ms", ms);
    else if (ms < 10)
        snprintf(out, FIGURE_LEN, "%.1f ms", ms);
    else if (ms < 1000)
        snprintf(out, FIGURE_LEN, "%.0f ms", ms);
    else
        snprintf(out, FIGURE_LEN, "%.2f s", ms / 1000);
    return out;
}

const char *figure_rate(double rate, char out[static FIGURE_LEN])
{
    snprintf(out, FIGURE_LEN, rate < 100 ? "%.1f" : "%.0f", rate);
    return out;
}

const char *figure_span(int64_t seconds, char out[static FIGURE_LEN])
{
    int64_t minutes = seconds / 60, hours = minutes / 60;

    if (seconds < 120)
        snprintf(out, FIGURE_LEN, "%" PRId64 " s", seconds);
    else if (minutes < 120)
        snprintf(out, FIGURE_LEN, "%" PRId64 " min", minutes);
    else if (hours < 48)
        snprintf(out, FIGURE_LEN, "%" PRId64 " h %" PRId64 " min", hours, minutes % 60);
    else
        snprintf(out, FIGURE_LEN, "%" PRId64 " d %" PRId64 " h", hours / 24, hours % 24);
    return out;
}

const char *figure_evidence(double e, char out[static FIGURE_LEN])
{
    if (!(e >= 0))
        snprintf(out, FIGURE_LEN, "-");
    else if (e >= 1e6)
        snprintf(out, FIGURE_LEN, "%.0e", e);
    else if (e > 0 && e < 0.001)
        snprintf(out, FIGURE_LEN, "<0.001");
    else
        write_number(e, out);
    return out;
}

const char *figure_clock(const char *time, char out[static FIGURE_LEN])
{
    struct tm tm = {0};
    time_t at;

    if (!strptime(time, "%Y-%m-%dT%H:%M:%S", &tm)) {
        snprintf(out, FIGURE_LEN, "%s", time);
        return out;
    }
    at = timegm(&tm);
    localtime_r(&at, &tm);
    strftime(out, FIGURE_LEN, "%H:%M:%S", &tm);
    return out;
}
