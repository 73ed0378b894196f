#include "base/clk.h"

#include "base/str.h"

#include <time.h>

static int64_t read_clock(clockid_t id)
{
    struct timespec ts;

    clock_gettime(id, &ts);
    return (int64_t)ts.tv_sec * NS_PER_S + ts.tv_nsec;
}

int64_t clk_mono_ns(void)
{
    return read_clock(CLOCK_MONOTONIC);
}

int64_t clk_wall_ns(void)
{
    return read_clock(CLOCK_REALTIME);
}

static void put_digits(char *out, int value, int digits)
{
    for (int i = digits - 1; i >= 0; i--) {
        out[i] = (char)('0' + value % 10);
        value /= 10;
    }
}

/* The second that `wall_ns` lies in, in UTC; gives the nanoseconds since its begin, before 1970 too. The
 * calendar is asked once a second: it takes a lock. */
static int64_t split(int64_t wall_ns, struct tm *tm_r)
{
    static _Thread_local struct tm last;
    static _Thread_local time_t last_seconds = INT64_MIN;
    int64_t rest = wall_ns % NS_PER_S;
    time_t seconds = (time_t)(wall_ns / NS_PER_S);

    if (rest < 0) {
        rest += NS_PER_S;
        seconds--;
    }
    if (seconds != last_seconds) {
        gmtime_r(&seconds, &last);
        last_seconds = seconds;
    }
    *tm_r = last;
    return rest;
}

void clk_text(int64_t wall_ns, char out[static CLK_TEXT_LEN])
{
    struct tm tm;
    int64_t rest = split(wall_ns, &tm);

    memcpy(out, "0000-00-00T00:00:00.000Z", CLK_TEXT_LEN);
    put_digits(out, tm.tm_year + 1900, 4);
    put_digits(out + 5, tm.tm_mon + 1, 2);
    put_digits(out + 8, tm.tm_mday, 2);
    put_digits(out + 11, tm.tm_hour, 2);
    put_digits(out + 14, tm.tm_min, 2);
    put_digits(out + 17, tm.tm_sec, 2);
    put_digits(out + 20, (int)(rest / NS_PER_MS), 3);
}

void clk_http_date(int64_t wall_ns, char out[static CLK_HTTP_LEN])
{
    static const char days[] = "SunMonTueWedThuFriSat";
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    struct tm tm;

    split(wall_ns, &tm);
    memcpy(out, "---, 00 --- 0000 00:00:00 GMT", CLK_HTTP_LEN);
    memcpy(out, days + 3 * tm.tm_wday, 3);
    put_digits(out + 5, tm.tm_mday, 2);
    memcpy(out + 8, months + 3 * tm.tm_mon, 3);
    put_digits(out + 12, tm.tm_year + 1900, 4);
    put_digits(out + 17, tm.tm_hour, 2);
    put_digits(out + 20, tm.tm_min, 2);
    put_digits(out + 23, tm.tm_sec, 2);
}
