/*
 * The points of a report: its time in pieces of one width. A point is told by its number since 1970 in that
 * width, and lies at that number modulo REPORT_POINTS_MAX, so that earlier ones may still be added. When they
 * do not reach, the next width is taken, which is a multiple, and points are put together.
 */
#ifndef REPORT_POINTS_H
#define REPORT_POINTS_H

#include "report/report.h"

#include <stdint.h>

void points_init(struct report *report);
/* The point of a time, which is in use from now on. Numbers of points that were got before may be void. */
int64_t points_reach(struct report *report, int64_t wall_ns);
/* The cell of a point, made when there was none. */
struct report_cell *points_cell(struct report_series *series, int64_t point);
/* Counts `n` answers of so many bytes. Sums stay at INT64_MAX, the most that JSON has, as counts of answer
 * times do at UINT32_MAX. */
void points_send(struct report_cell *cell, uint64_t sent, uint64_t n);
/* Counts `n` answer times. The cell stays where it is; points may only be made wider at the next
 * points_reach. */
void points_measure(struct report *report, struct report_cell *cell, int64_t duration_ns, uint64_t n);

#endif
