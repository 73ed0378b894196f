/* The two halves of the table of metrics (export/meter.h). Constant. Thread: any. */
#ifndef EXPORT_METER_ROWS_H
#define EXPORT_METER_ROWS_H

#include "export/meter.h"

extern const struct meter meter_traffic_rows[]; /* requests, routes, rollouts, groups, targets */
extern const size_t meter_traffic_rows_len;
extern const struct meter meter_self_rows[]; /* the proxy itself */
extern const size_t meter_self_rows_len;

#endif
