/*
 * MessagePack, as far as Fluentd's forward protocol needs it: a JSON line becomes a value, and the few small
 * messages of a server can be read. Written here since a line is turned in one pass, with the counts of its
 * maps filled in afterwards, which the library's packer cannot. Source: github.com/msgpack/msgpack, spec.md.
 * Thread: any; pure.
 */
#ifndef EXPORT_MSGPACK_H
#define EXPORT_MSGPACK_H

#include "base/bug.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ---- writing; out->full when there is no room ---- */

void msgpack_array(struct buf *out, uint32_t len);
void msgpack_map(struct buf *out, uint32_t len);
void msgpack_text(struct buf *out, struct str text);
/* The head of `len` bytes of binary, which follow. */
void msgpack_binary(struct buf *out, uint32_t len);
void msgpack_u64(struct buf *out, uint64_t value);
/* Fluentd's EventTime: an extension of type 0. */
void msgpack_event_time(struct buf *out, int64_t wall_ns);
/* A JSON value of at most MSGPACK_DEPTH levels. False when it is none; what was written then is to be thrown
 * away. */
enum { MSGPACK_DEPTH = 16 };
MUST_CHECK bool msgpack_json(struct buf *out, struct str json);

/* ---- reading ---- */

/* The bytes of the first value in `in`, however nested; 0: it is not whole yet. False: it is no value, or
 * nested too deeply. */
MUST_CHECK bool msgpack_whole(struct str in, size_t *len_r);
/* Each takes one thing from the front; false when something else stands there. */
MUST_CHECK bool msgpack_take_array(struct str *in, uint32_t *len_r);
MUST_CHECK bool msgpack_take_map(struct str *in, uint32_t *len_r);
/* Text or binary. */
MUST_CHECK bool msgpack_take_text(struct str *in, struct str *text_r);
MUST_CHECK bool msgpack_take_flag(struct str *in, bool *flag_r);
MUST_CHECK bool msgpack_skip(struct str *in);

#endif
