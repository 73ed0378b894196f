/*
 * Metrics for a Datadog agent: the table of metrics (export/meter) as DogStatsD datagrams, over UDP or a unix
 * datagram socket. Counters go as increases, gauges as they are, and durations as distributions: the
 * histogram of a side tells how many answers lay in which bucket since the last time, and each bucket is one
 * line with the rate that makes the agent count it so often. So what is sent does not grow with the traffic,
 * and a request pays nothing for it.
 *
 * Tags are the labels, the tags of the group and of the configuration, and service, env and version: those of
 * the group where a metric has one, so that stable and canary stand apart.
 *
 * Sending never waits longer than DOGSTATSD_PATIENCE_MS in all; what the socket does not take is lost, and
 * counted. Thread: control.
 */
#ifndef EXPORT_DOGSTATSD_H
#define EXPORT_DOGSTATSD_H

#include "conf/config.h"
#include "export/meter.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    DOGSTATSD_UDP_BYTES = 1432,  /* fits a frame with every tunnel around it */
    DOGSTATSD_UNIX_BYTES = 8192, /* what the agent's buffers take */
    DOGSTATSD_PATIENCE_MS = 50,
};

struct dogstatsd;

/* Never NULL. */
struct dogstatsd *dogstatsd_new(void);
/* NULL is allowed. */
void dogstatsd_free(struct dogstatsd *statsd);

/* Whether its interval is over. False when nothing is to be sent at all. */
bool dogstatsd_is_due(const struct dogstatsd *statsd, const struct config_dogstatsd *conf, int64_t now_ns);
/* Sends everything; what has increased is what has done so since the last call, or since the start. */
void dogstatsd_tell(struct dogstatsd *statsd, const struct meter_view *view, int64_t now_ns);

struct meter_sent dogstatsd_stats(const struct dogstatsd *statsd);

#endif
