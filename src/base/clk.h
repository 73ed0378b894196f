/*
 * Clocks. Read once per loop turn by the thread that owns the loop and handed down; nothing pure ever calls
 * these. Monotonic times are for durations and deadlines, wall times for what people and plans read.
 */
#ifndef BASE_CLK_H
#define BASE_CLK_H

#include <stddef.h>
#include <stdint.h>

#define NS_PER_S  INT64_C(1000000000)
#define NS_PER_MS INT64_C(1000000)

/* Nanoseconds since an arbitrary start; never goes back. Thread: any. */
int64_t clk_mono_ns(void);
/* Nanoseconds since 1970-01-01T00:00:00Z. Thread: any. */
int64_t clk_wall_ns(void);

enum { CLK_TEXT_LEN = 24 }; /* "2026-11-21T06:00:00.123Z", without NUL */
/* Writes exactly CLK_TEXT_LEN bytes of ISO 8601 in UTC with milliseconds, without NUL. Thread: any. */
void clk_text(int64_t wall_ns, char out[static CLK_TEXT_LEN]);

enum { CLK_HTTP_LEN = 29 }; /* "Sun, 06 Nov 1994 08:49:37 GMT", without NUL */
/* Writes exactly CLK_HTTP_LEN bytes of IMF-fixdate (RFC 9110 section 5.6.7), without NUL. Thread: any. */
void clk_http_date(int64_t wall_ns, char out[static CLK_HTTP_LEN]);

#endif
