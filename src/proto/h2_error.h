/* The error codes of HTTP/2 and the reasons to end a session (h2_error.def). Pure; any thread. */
#ifndef PROTO_H2_ERROR_H
#define PROTO_H2_ERROR_H

#include "base/str.h"

enum h2_code {
#define H2_CODE(id, number, name) H2_CODE_##id = (number),
#include "proto/h2_error.def"
#undef H2_CODE
};

enum h2_error {
    H2_OK,
#define H2_ERROR(id, name, code, text) H2_##id,
#include "proto/h2_error.def"
#undef H2_ERROR
    H2_ERROR_LEN
};

/* The name of a code as in RFC 9113 section 7; "UNKNOWN" for one that is not there: a peer may send any
 * number. */
const char *h2_code_name(uint32_t code);

/* What GOAWAY says when a session ends for this. */
enum h2_code h2_error_code(enum h2_error error);
/* Whether it is the peer that has broken a rule or a limit. */
bool h2_error_is_peers(enum h2_error error);
/* The name as in the table. */
const char *h2_error_name(enum h2_error error);
/* A sentence for the log, without a period. */
const char *h2_error_text(enum h2_error error);

#endif
