/*
 * Composes HTTP/1.1 messages in a bounded buffer. Whatever could break out of its line (CR, LF, NUL, other
 * control characters, a name that is not a token) is not written: the buffer is then marked full, as if it
 * had not fitted, so that one look at buf->full at the end covers both. Pure; any thread.
 */
#ifndef PROTO_H1_WRITE_H
#define PROTO_H1_WRITE_H

#include "proto/field.h"

/* "METHOD PATHQUERY HTTP/1.1". */
void h1_write_request_line(struct buf *buf, struct str method, struct str path, struct str query);
/* "HTTP/1.1 STATUS REASON"; the space before an empty reason stays (RFC 9112 section 4). Status 100 to 599.
 */
void h1_write_status_line(struct buf *buf, unsigned status, struct str reason);
/* "Name: value", any name and value. */
void h1_write_field(struct buf *buf, struct str name, struct str value);
/* The same for a field that a codec has parsed, which needs no check. */
void h1_write_parsed(struct buf *buf, const struct field *field);
/* "Name: value" with a number. */
void h1_write_number(struct buf *buf, struct str name, uint64_t value);
/* The empty line that ends a head or trailer section. */
void h1_write_end(struct buf *buf);

/* What stands before the `size` bytes of a chunk, which must not be 0; behind them comes h1_write_end. */
void h1_write_chunk(struct buf *buf, uint64_t size);
/* The last chunk; trailer fields may follow, and h1_write_end ends the message. */
void h1_write_last_chunk(struct buf *buf);

#endif
