/* One HTTP/1 field line (RFC 9112 section 5), shared by head and trailer sections. Pure; any thread. */
#ifndef PROTO_H1_LINE_H
#define PROTO_H1_LINE_H

#include "base/str.h"
#include "proto/h1_error.h"

struct h1_line {
    struct str name;
    struct str value; /* without the white space around it */
    bool alias;       /* the name has '_' or '.' */
};

/* Takes apart a line without its CR LF, in which h1_scan has seen no control character. The slices lie in
 * `line`. */
MUST_CHECK enum h1_error h1_line_parse(struct str line, struct h1_line *parts_r);

#endif
