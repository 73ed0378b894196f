/*
 * One field line of a head or trailer section, and the field names that penstock knows (field.def).
 * The slices are borrowed: they live as long as the bytes that the field was parsed from. Pure; any thread.
 */
#ifndef PROTO_FIELD_H
#define PROTO_FIELD_H

#include "base/str.h"

enum field_id {
    FIELD_OTHER, /* not in the table */
#define FIELD(id, name, first, last_but_one, flags) FIELD_##id,
#include "proto/field.def"
#undef FIELD
    FIELD_ID_LEN
};

enum field_flag {
    FIELD_HOP = 1,   /* not to be forwarded: of this connection only, named by Connection, or redundant */
    FIELD_FIXED = 2, /* frames or routes: Connection may not name it */
    FIELD_NO_TRAILER = 4, /* forbidden in trailers */
    FIELD_ALIAS = 8,      /* the name has '_' or '.': some servers read it as another field */
    FIELD_PART = 16,      /* a part of the value is not to be forwarded; who sets this knows which */
};

/* Invariant, whoever fills it: the name is a token, the value has no control character but HTAB, and no white
 * space at its ends. */
struct field {
    struct str name; /* as received */
    struct str value;
    uint8_t id;    /* enum field_id */
    uint8_t flags; /* enum field_flag */
    uint8_t next;  /* head.h: 1 + index of the next field of the same known id, 0 at the last */
};

/* The id of a name in any case; FIELD_OTHER when the table lacks it. `name` must have no control
 * character. */
enum field_id field_id(struct str name);
/* In lower case; empty for FIELD_OTHER. */
struct str field_name(enum field_id id);
/* The flags of field.def. */
uint8_t field_flags(enum field_id id);

/* Fills `*field_r` from a name and a value that keep the invariant. `alias` says whether the name has
 * '_' or '.'. */
void field_set(struct field *field_r, struct str name, struct str value, bool alias);

/*
 * Whether two field names are one and the same for a server that folds '-', '_' and '.' and letter case
 * together, as CGI, WSGI, Rack and PHP do. Used to remove every spelling of a field that only we may send.
 */
bool field_name_alike(struct str a, struct str b);

#endif
