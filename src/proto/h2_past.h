/*
 * What became of the streams that a client has begun, the last few hundred of them: the library forgets a
 * stream when it is closed, and would pass over whatever still comes for it. What comes for older ones is
 * passed over. Pure.
 */
#ifndef PROTO_H2_PAST_H
#define PROTO_H2_PAST_H

#include "proto/h2_error.h"

#include <stdbool.h>
#include <stdint.h>

enum { H2_PAST_STREAMS = 256, H2_PAST_WORDS = H2_PAST_STREAMS / 64 };

/* Zeroed: none was begun. */
struct h2_past {
    int32_t highest;               /* id begun so far */
    uint64_t begun[H2_PAST_WORDS]; /* a bit each */
    uint64_t ended[H2_PAST_WORDS]; /* likewise: the client has said that nothing follows */
};

/* HEADERS have come with an odd id above the highest. Those between will never be begun. */
void h2_past_begin(struct h2_past *past, int32_t id);
/* The client has ended the stream, or reset it. */
void h2_past_end(struct h2_past *past, int32_t id);
/* Whether it has, as far as is remembered. */
bool h2_past_has_ended(const struct h2_past *past, int32_t id);
/* Whether HEADERS of this id, not above the highest, are for a stream that was begun, or is too old to tell.
 */
bool h2_past_has_begun(const struct h2_past *past, int32_t id);

#endif
