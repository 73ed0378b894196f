/*
 * What a proxy has to know of gRPC (its "PROTOCOL-HTTP2" and "Statuses and their use"): requests by their
 * content type, the time that a client gives them, the status in the fields behind an answer, and answers
 * that are nothing but a status. Pure; any thread.
 */
#ifndef PROTO_GRPC_H
#define PROTO_GRPC_H

#include "base/str.h"

enum grpc_status {
#define GRPC(id, number, name) GRPC_##id = (number),
#include "proto/grpc.def"
#undef GRPC
    GRPC_STATUS_LEN
};

/* Whether this content type is one of gRPC itself; grpc-web is not. */
bool grpc_is_type(struct str type);
/* What a longer timeout is taken for: a year. */
#define GRPC_TIMEOUT_MAX_NS (INT64_C(365) * 24 * 3600 * 1000000000)
/* The nanoseconds of a grpc-timeout, at least 1; 0 when it is none. */
int64_t grpc_timeout_ns(struct str text);
/* What a grpc-status says; UNKNOWN when that is none. */
enum grpc_status grpc_status_from(struct str text);
/* As in the table. */
const char *grpc_status_name(enum grpc_status status);
/* What a status of HTTP means to a client of gRPC ("HTTP to gRPC Status Code Mapping"). */
enum grpc_status grpc_status_of_http(unsigned status);
/* The value of grpc-message: what is not visible ASCII, and '%', stands as %XX. */
void grpc_write_message(struct buf *buf, struct str text);

#endif
