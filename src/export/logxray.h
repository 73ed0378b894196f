/*
 * The place that sends segments to the daemon of AWS X-Ray: one UDP datagram each, made of lines
 * (export/xray). Nothing waits and nothing is tried again: what the socket does not take at once is lost and
 * counted by its line. Thread: that of its place.
 */
#ifndef EXPORT_LOGXRAY_H
#define EXPORT_LOGXRAY_H

#include "conf/config.h"
#include "export/logplace.h"

/* `conf` is borrowed for the call; without an address it is that of $AWS_XRAY_DAEMON_ADDRESS, or the daemon's
 * usual one. Thread: control. */
struct logplace *logxray_new(const struct config_log *conf);

#endif
