/* /metrics: what export/prometheus shows, taken from the board. Thread: control. */
#ifndef CONTROL_METRICS_H
#define CONTROL_METRICS_H

#include "base/str.h"

#include <stdbool.h>

struct board;

void metrics_write(struct text *out, const struct board *board, bool open_metrics);

#endif
