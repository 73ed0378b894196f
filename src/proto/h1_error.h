/* Why the HTTP/1 codec refused something (h1_error.def). Pure; any thread. */
#ifndef PROTO_H1_ERROR_H
#define PROTO_H1_ERROR_H

#include "base/str.h"

enum h1_error {
    H1_OK,
#define H1_ERROR(id, status, text) H1_##id,
#include "proto/h1_error.def"
#undef H1_ERROR
    H1_ERROR_LEN
};

/* The status that answers a request refused for this; 0 for H1_OK. */
unsigned h1_error_status(enum h1_error error);
/* The name as in the table. */
const char *h1_error_name(enum h1_error error);
/* A sentence for log and body, without a period. */
const char *h1_error_text(enum h1_error error);

#endif
