/*
 * How large the parts of an HTTP/1.1 message may be. Sizes in bytes.
 */
#ifndef PROTO_H1_LIMITS_H
#define PROTO_H1_LIMITS_H

#include <stdbool.h>
#include <stdint.h>

struct h1_limits {
    uint32_t start_line; /* bytes without CR LF */
    uint32_t head;       /* bytes of the whole head, with the final empty line */
    uint32_t fields;     /* field lines, at most HEAD_FIELDS_MAX */
    uint32_t trailer;    /* bytes of the trailer section; the receive buffer must hold as much */
    uint32_t trailer_fields;
    uint32_t chunk_extension;  /* bytes of the extensions of one chunk */
    uint32_t chunk_extensions; /* bytes of the extensions of all chunks of a message */
    uint32_t chunk_overhead;   /* bytes that are not payload, from where on payload must be a quarter of them;
                                  0: no limit */
    bool blank_line;           /* one empty line may precede the start line (RFC 9112 section 2.2) */
    bool allow_connect;        /* else CONNECT is METHOD_REFUSED */
    bool allow_trace;          /* else TRACE is METHOD_REFUSED */
};

/* The defaults: 8 KiB line, 32 KiB and 100 fields; 64 KiB and 200 fields. */
extern const struct h1_limits h1_request_limits;
extern const struct h1_limits h1_response_limits;

#endif
