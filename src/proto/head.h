/*
 * One message head, whichever codec read it: start line, fields, and the facts that follow from them.
 *
 * A head borrows everything: the fields array is the caller's, and all slices point into the buffer that the
 * head was parsed from (or at constants), so they live until that buffer is reused. Pure; a head belongs to
 * one thread.
 *
 * Fields keep their order. Those of one known name are chained, so that finding them costs nothing:
 *
 *     for (const struct field *f = head_find(head, FIELD_COOKIE); f; f = head_next(head, f))
 */
#ifndef PROTO_HEAD_H
#define PROTO_HEAD_H

#include "proto/field.h"
#include "proto/method.h"
#include "proto/target.h"

/* Most fields that a head can hold: their indexes, plus one, are bytes. */
enum { HEAD_FIELDS_MAX = 254 };

/* How the content that follows is delimited (RFC 9112 section 6.3). */
enum framing {
    FRAMING_NONE,        /* no content */
    FRAMING_LENGTH,      /* content_length bytes */
    FRAMING_CHUNKED,     /* chunked, in HTTP/1.1 */
    FRAMING_UNTIL_CLOSE, /* a response that ends with its connection */
};

/* How the content is delimited where its end is told by other means, and it comes without chunks: by its
 * length or not at all. */
static inline enum framing framing_raw(enum framing framing)
{
    return framing == FRAMING_CHUNKED ? FRAMING_UNTIL_CLOSE : framing;
}

/* The protocol that both Upgrade and Connection ask for (request) or grant (response). */
enum upgrade {
    UPGRADE_NONE,
    UPGRADE_WEBSOCKET, /* GET without content, a valid key and version 13; in a response a 101 */
    UPGRADE_OTHER,     /* a request without content, or a 101; which protocol, the Upgrade field says */
};

struct head {
    struct field *fields; /* the caller's array */
    size_t cap;           /* its length, at most HEAD_FIELDS_MAX */
    size_t len;           /* fields in use */

    /* a request */
    enum method method;
    struct str method_name; /* as received */
    struct str target;      /* as received */
    enum target_form form;
    enum scheme scheme;
    /* The one authority to route, forward and log by: of the absolute or authority form, else of Host. Empty
     * in an HTTP/1.0 request without Host. The Host field itself must not be forwarded: write this one
     * instead. */
    struct authority authority;
    struct str path;  /* what to send on, without the query */
    struct str query; /* with its '?'; empty when there is none */

    /* a response */
    unsigned status;
    struct str reason;

    /* facts of both */
    unsigned minor; /* of HTTP/1.x as received; anything above 1 acts as 1 */
    enum framing framing;
    uint64_t content_length; /* 0 without has_length; of a response without content (HEAD, 304) what it would
                                be */
    bool has_length;
    bool keep_alive; /* the sender and the framing let the connection live on; false for any HTTP/1.0 request
                      */
    bool expect_continue;  /* the client waits for 100 (Continue) before it sends content */
    bool te_trailers;      /* the client takes trailers (TE: trailers) */
    bool extended_connect; /* HTTP/2: what is told here as a GET with upgrade was a CONNECT with :protocol
                              (RFC 8441) */
    bool may_alias;        /* some field has FIELD_ALIAS */
    enum upgrade upgrade;

    uint8_t first[FIELD_ID_LEN]; /* 1 + index of the first field of each known id, 0 for none */
};

/* Makes an empty head over an array of `cap` fields. */
void head_init(struct head *head, struct field *fields, size_t cap);
/* Appends a field, which must keep the invariant of struct field; `alias` as for field_set. False when the
 * array is full. */
MUST_CHECK bool head_add(struct head *head, struct str name, struct str value, bool alias);
/* The same for a field that field_set has filled, with the flags that it has. */
MUST_CHECK bool head_put(struct head *head, const struct field *field);

/* The first field of a known id, or NULL. */
static inline const struct field *head_find(const struct head *head, enum field_id id)
{
    return id != FIELD_OTHER && head->first[id] ? &head->fields[head->first[id] - 1] : NULL;
}

/* The next field of the same known id, or NULL. */
static inline const struct field *head_next(const struct head *head, const struct field *field)
{
    return field->next ? &head->fields[field->next - 1] : NULL;
}

/* The value of the first field of a known id; p is NULL when there is none. */
static inline struct str head_value(const struct head *head, enum field_id id)
{
    const struct field *field = head_find(head, id);

    return field ? field->value : STR_NULL;
}

/* The first field at or after index `from` with this name in any case, or NULL; for names that are not in the
 * table. */
const struct field *head_find_name(const struct head *head, struct str name, size_t from);

/* Whether a comma-separated list has this element, without regard to case. */
bool list_has(struct str list, struct str element);
/* Whether a comma-separated list over all fields of `id` has this element, without regard to case. */
bool head_lists(const struct head *head, enum field_id id, struct str element);

/* Marks all fields of a known id with FIELD_HOP. */
void head_drop(struct head *head, enum field_id id);
/*
 * Marks with FIELD_HOP every field whose name is alike (field_name_alike): removes all spellings of a field
 * that only we may send. Returns how many.
 */
size_t head_drop_alike(struct head *head, struct str name);

/* Whether Connection names this field or trailer (RFC 9110 section 7.6.1). Fields are marked already; for
 * trailers. */
bool head_connection_names(const struct head *head, struct str name);

#endif
