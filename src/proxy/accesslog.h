/*
 * The access-log record and its way out. A worker formats each record once, as one JSON line, into a chunk of
 * 64 KiB; a full chunk, or one that is a second old, goes to the exporter through a bounded ring and comes
 * back empty through another. When the exporter is behind and no empty chunk is left, lines are dropped and
 * counted: a slow disk never slows a request.
 *
 * The fields are the rows of logfield.def. Whatever bytes a client sends, a line is valid JSON.
 */
#ifndef PROXY_ACCESSLOG_H
#define PROXY_ACCESSLOG_H

#include "base/ring.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    ACCESSLOG_CHUNK_BYTES = 64 * 1024,
    ACCESSLOG_CHUNK_LINES = 512,    /* short ones: with the usual fields it holds less than half of them */
    ACCESSLOG_CHUNKS = 32,          /* a worker: 2 MiB of lines may wait for a slow exporter */
    ACCESSLOG_LINE_MAX = 16 * 1024, /* a longer line has its client-given texts cut to ACCESSLOG_CUT bytes */
    ACCESSLOG_CUT = 256,
    ACCESSLOG_QUERY_MAX = 4096,   /* of a query or a Referer that something was taken out of */
    ACCESSLOG_HEADERS_MAX = 2048, /* of either side's headers, as JSON */
    ACCESSLOG_LABELS = 64,        /* a worker; by hash, a newer one takes the place of an older one */
    ACCESSLOG_LABELS_MAX = 1000,
};

/* What can be known of a line without a look at its text, as bits. */
enum {
    ACCESSLOG_CANARY = 1,  /* its side */
    ACCESSLOG_FAILED = 2,  /* severity error */
    ACCESSLOG_SPANS = 4,   /* it tells of its spans */
    ACCESSLOG_SAMPLED = 8, /* and they are recorded */
};

/* Beside each line, so that who takes few of them need not read the others. */
struct accesslog_mark {
    uint64_t route;  /* accesslog_route */
    uint32_t weight; /* in force when the side was drawn, hundredths of a percent */
    uint32_t facts;
    uint32_t len; /* of the line with its LF */
};

/* Whole lines, each ended by LF. */
struct accesslog_chunk {
    size_t len;
    uint32_t lines;
    struct accesslog_mark marks[ACCESSLOG_CHUNK_LINES];
    char bytes[ACCESSLOG_CHUNK_BYTES];
};

/* The two rings between one worker and the exporter. */
struct accesslog_pipe {
    struct ring full;  /* worker pushes, exporter pops */
    struct ring empty; /* exporter pushes, worker pops */
    int wake_fd; /* an eventfd of the exporter: the worker writes to it after a push; -1: nobody takes a log
                  */
};

void accesslog_pipe_init(struct accesslog_pipe *pipe, int wake_fd);
/* Frees the chunks that lie in the rings. Call when both threads have ended. */
void accesslog_pipe_fini(struct accesslog_pipe *pipe);

/* What the labels of a record follow from. The pointers are only compared: they mean the same as long as the
 * snapshot is the same. */
struct accesslog_key {
    uint64_t version; /* of the snapshot; 0: the labels are not to be kept */
    const void *route, *group, *target;
    uint32_t ending; /* side, assignment, outcome and class of the status, as the caller packs them */
};

/* The part of a line that requests with the same key have in common, as it stands in the line. */
struct accesslog_labels {
    struct accesslog_key key;
    struct accesslog_mark mark; /* what it says that follows from them */
    size_t len;
    char bytes[ACCESSLOG_LABELS_MAX];
};

/* One request; see logfield.def for the meaning of each member. Slices are borrowed for the call. */
struct accesslog_record {
    struct str labels; /* those of LOG_LABELS, formatted; absent: as the members say */
    int64_t wall_ns;
    struct str severity, service, env, version, host, source, platform, route, group, side, target;
    uint32_t weight;
    struct str assignment, outcome, blame;
    uint64_t duration_ns, head_ns, queue_ns, connect_ns, first_byte_ns, body_ns;
    struct str method, authority, path, query, http_version, user_agent, referer, request_id;
    bool secure;                                  /* https */
    struct str request_headers, response_headers; /* JSON objects, of ACCESSLOG_HEADERS_MAX bytes at most */
    struct str tls_version, tls_cipher, tls_session, tls_name, tls_subject;
    uint64_t status, target_status;
    struct str client_ip;
    uint64_t client_port, bytes_read, bytes_written;
    struct str trace_id, span_id;
    struct str plan;
    struct str shield, override, synthetic;
    uint64_t step, attempts;
    struct str grpc_status;
    struct str error;
    struct str spans;       /* a JSON object, of TRACING_TEXT_MAX bytes at most */
    bool sampled;           /* they are recorded */
    struct str sample_rate; /* the worker's record has none */
    /* Of a copy alone (proxy/mirror). */
    struct str agreement, first_group, first_outcome;
    uint64_t first_status, first_duration_ns;
};

/* Tells routes apart by a hash of their names, which is never 0. */
uint64_t accesslog_route(struct str name);
/* Formats one record as a JSON line with its LF; sets line->full when it does not fit. `cut` bytes at most of
 * each text that a client chose. Gives the labels as they stand in the line. Pure. */
struct str accesslog_format(struct buf *line, const struct accesslog_record *record, size_t cut);

/* The worker's end. */
struct accesslog {
    struct accesslog_pipe *pipe;
    struct accesslog_chunk *chunk; /* being filled, or NULL */
    unsigned chunks;               /* made so far, at most ACCESSLOG_CHUNKS */
    int64_t since_ns;              /* when the chunk got its first line */
    struct accesslog_labels *labels;
};

void accesslog_init(struct accesslog *log, struct accesslog_pipe *pipe);
/* Frees a chunk that was not handed over. */
void accesslog_fini(struct accesslog *log);
/* Whether anybody takes the log: else no record need be made. */
static inline bool accesslog_wanted(const struct accesslog *log)
{
    return log->pipe->wake_fd >= 0;
}
/* The labels of the key, if they are kept, for record.labels; else absent. Thread: the worker's. */
struct str accesslog_labels(const struct accesslog *log, const struct accesslog_key *key);
/* Adds a line; false when it had to be dropped. Labels that the record spells out are kept under `key`, if it
 * has a version. Thread: the worker's. */
MUST_CHECK bool accesslog_add(struct accesslog *log, const struct accesslog_record *record,
                              const struct accesslog_key *key, int64_t now_ns);
/* Hands over what is there when it is a second old, or at once with `all`. Thread: the worker's. */
void accesslog_flush(struct accesslog *log, int64_t now_ns, bool all);

#endif
