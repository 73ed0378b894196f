/*
 * Texts of the configuration with values of the request in them: "{platform}/{requestId}". A brace that is
 * meant is doubled. Not to be taken for ${NAME}, which is replaced once, when the file is read.
 *
 * A template stays the text that it is and is walked each time, without memory. Thread: any; pure.
 */
#ifndef CONF_TEMPLATE_H
#define CONF_TEMPLATE_H

#include "base/bug.h"
#include "base/str.h"

#include <stdbool.h>

enum template_value {
    TEMPLATE_PLATFORM, /* the first four are empty where no group is chosen */
    TEMPLATE_GROUP,
    TEMPLATE_SIDE,
    TEMPLATE_TARGET,
    TEMPLATE_ROUTE,
    TEMPLATE_REQUEST_ID,
    TEMPLATE_TRACE_ID,
    TEMPLATE_CLIENT_ADDRESS,
    TEMPLATE_CLIENT_PORT,
    TEMPLATE_METHOD,
    TEMPLATE_HOST,      /* without port */
    TEMPLATE_AUTHORITY, /* with it */
    TEMPLATE_PATH,      /* as received */
    TEMPLATE_QUERY,     /* with its '?'; empty when there is none */
    TEMPLATE_VALUES,    /* how many there are; of a piece: it is literal text */
};

/* The names of all values, with ", " between them, for messages and the manual. */
#define TEMPLATE_NAMES                                                                                       \
    "platform, group, side, target, route, requestId, traceId, clientAddress, clientPort, method, host, "    \
    "authority, path, query"

struct template_piece {
    enum template_value value; /* TEMPLATE_VALUES: `text` */
    struct str text;           /* a slice of the template */
};

enum template_result {
    TEMPLATE_PIECE,
    TEMPLATE_END,
    TEMPLATE_BROKEN, /* at *rest begins a brace without its other half, or an unknown name */
};

/* Takes the next piece off `rest`. */
MUST_CHECK enum template_result template_next(struct str *rest, struct template_piece *piece_r);
/* True when every brace is right; else `bad_r` is where it is not. */
MUST_CHECK bool template_check(struct str text, struct str *bad_r);
/* Bytes of literal text in a template that is right. */
size_t template_literals(struct str text);

#endif
