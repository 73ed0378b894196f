/* What the writers of metrics in export/ tell, taken from the board: /metrics, and what is sent. Thread:
 * control. */
#ifndef CONTROL_METRICS_H
#define CONTROL_METRICS_H

#include "base/str.h"

#include <stdbool.h>

struct board;

void metrics_write(struct text *out, const struct board *board, bool open_metrics);
/* Sends what is due. `board` has a crew. */
void metrics_tick(struct board *board);
/* Sends the last of it, when the workers have ended, and ends sending. */
void metrics_end(struct board *board);

#endif
