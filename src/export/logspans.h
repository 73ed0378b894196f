/*
 * The lines of which a place of the access log exports spans (otlp, xray): those that are recorded or have
 * failed, and around the moment that a canary's weight falls also what it did before and after. The others
 * are counted as sampled, as far as nothing can come of them any more. What a worker logs of spans is what
 * may be exported by these rules (proxy/record).
 *
 * Thread: its place's.
 */
#ifndef EXPORT_LOGSPANS_H
#define EXPORT_LOGSPANS_H

#include "export/logplace.h"
#include "export/logread.h"
#include "export/otlphold.h"

struct logspans {
    struct logplace *place; /* whose counters are counted up */
    void (*export_line)(struct logplace *place, struct logread *read);
    struct otlphold *hold; /* owned */
    char *line;            /* taken from there, owned */
};

/* `place` is borrowed. Its export_line counts what it exports or loses; the parts of `read` are not filled
 * in. */
void logspans_init(struct logspans *spans, struct logplace *place,
                   void (*export_line)(struct logplace *place, struct logread *read));
void logspans_fini(struct logspans *spans);
/* Takes the lines of requests, by their marks: only those that are exported are read. */
void logspans_take(struct logspans *spans, const struct logblock *block);

#endif
