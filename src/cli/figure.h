/*
 * Numbers as people read them. Each writes into the caller's buffer and gives it back, so that several fit
 * into one printf. Pure but for figure_clock, which knows the local time zone.
 */
#ifndef CLI_FIGURE_H
#define CLI_FIGURE_H

#include <stdint.h>

enum { FIGURE_LEN = 56 };

/* 12.5 as "12.5 %", 0.004 as "0.004 %": three digits that count, no zeros behind. */
const char *figure_percent(double percent, char out[static FIGURE_LEN]);
/* 12345 as "12,345". */
const char *figure_count(uint64_t count, char out[static FIGURE_LEN]);
/* A time to answer: "0.84 ms", "41 ms", "1.24 s"; "-" for none. */
const char *figure_latency(double ms, char out[static FIGURE_LEN]);
/* "39.6" a second. */
const char *figure_rate(double rate, char out[static FIGURE_LEN]);
/* A span for people: "42 s", "3 min", "5 h 20 min", "2 d 4 h". */
const char *figure_span(int64_t seconds, char out[static FIGURE_LEN]);
/* Evidence: "0.004", "0.41", "12.3", "131". */
const char *figure_evidence(double e, char out[static FIGURE_LEN]);
/* The local time of day of "2026-11-21T06:00:00.123Z": "15:00:00"; the text itself when it is no time. */
const char *figure_clock(const char *time, char out[static FIGURE_LEN]);

#endif
