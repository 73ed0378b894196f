/*
 * A health check by HTTP/2: one GET on a session of its own. Bytes in, bytes out; the connection is the
 * prober's. Thread: control.
 */
#ifndef CONTROL_PROBE_H2_H
#define CONTROL_PROBE_H2_H

#include "proto/h2.h"

struct probe_h2 {
    struct h2 *h2;   /* NULL: none is under way */
    bool done;       /* status or why is set */
    unsigned status; /* of the answer */
    const char *why; /* constant text: there is none */
};

/* Begins to ask. False without memory. */
MUST_CHECK bool probe_h2_begin(struct probe_h2 *probe, const char *path, const char *host, bool tls);
void probe_h2_hear(struct probe_h2 *probe, const char *in, size_t len);
/* What is to be written, at most `cap` bytes, which is at least H2_GATHER_MIN. */
MUST_CHECK size_t probe_h2_say(struct probe_h2 *probe, char *out, size_t cap);
void probe_h2_end(struct probe_h2 *probe);

#endif
