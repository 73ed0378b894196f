/*
 * A field section of HTTP/2 while its fields are decoded, and the block that it becomes. Private to proto/h2.
 *
 *     h2_section_begin(&section, mem, limits, trailers)
 *     h2_section_add(&section, name, value)             for each field, in order
 *     h2_section_finish(&section, ...)                  a block of just the size that is needed
 *     h2_section_fini(&section)
 *
 * What exceeds the limits is decoded on, since HPACK has a state, but not kept; a section that is far larger
 * than what may be sent is a bomb. Thread: the session's.
 */
#ifndef PROTO_H2_SECTION_H
#define PROTO_H2_SECTION_H

#include "proto/h1_error.h"
#include "proto/h1_limits.h"
#include "proto/h2_error.h"
#include "proto/h2_mem.h"
#include "proto/head.h"

enum {
    H2_SECTION_FIELDS_MAX = HEAD_FIELDS_MAX + 8, /* fields kept, with pseudo-fields and cookie crumbs */
    H2_SECTION_FIELD_COST = 4, /* what a field counts beside its name and value: ": " and CR LF */
    H2_SECTION_BOMB = 8,       /* times its limits: from there on the session ends with FIELD_BOMB */
};

/* Lengths of what stands in the text, name and value behind one another. */
struct h2_piece {
    uint32_t name, value;
    bool alias; /* the name has '_' or '.' */
};

struct h2_section {
    struct h2_mem *mem;
    const struct h1_limits *limits; /* borrowed */
    bool trailers;
    char *text; /* cap bytes */
    size_t len, cap;
    struct h2_piece *pieces; /* H2_SECTION_FIELDS_MAX of them */
    size_t pieces_len;
    size_t crumbs;       /* of them cookies */
    size_t size;         /* of all that has come, kept or not */
    enum h1_error error; /* what is wrong with it so far */
};

/* The pseudo-fields; p is NULL for those that are not there (RFC 9113 section 8.3). */
struct h2_pseudo {
    struct str method, scheme, authority, path, protocol, status;
};

/* A field section in one piece of memory: fields, and behind them the text. */
struct h2_block {
    struct head head;
    struct h2_pseudo pseudo;
    struct field fields[];
};

/* Nothing is allocated before the first field. A section that was begun or finished already may be begun
 * again, and uses its memory again. */
void h2_section_begin(struct h2_section *section, struct h2_mem *mem, const struct h1_limits *limits,
                      bool trailers);
/* H2_OK, H2_FIELD_BOMB or H2_MEMORY. */
MUST_CHECK enum h2_error h2_section_add(struct h2_section *section, struct str name, struct str value);
/*
 * The block, freed with h2_mem_free; NULL when there is no memory. `*error_r` is what was found wrong: H1_OK
 * or a row about limits, bytes or names. Cookies are joined to one field (RFC 9113 section 8.2.3).
 */
MUST_CHECK struct h2_block *h2_section_finish(struct h2_section *section, enum h1_error *error_r);
/* Frees its memory; it may be begun again. */
void h2_section_fini(struct h2_section *section);

#endif
