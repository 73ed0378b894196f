/* The one calculation that a proxy needs of WebSocket. Pure; any thread. */
#ifndef NET_WEBSOCKET_H
#define NET_WEBSOCKET_H

#include "base/bug.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

enum { WEBSOCKET_KEY_LEN = 24 }; /* 16 bytes in base64 */

/* Writes a key of these 16 random bytes to `out`. */
void websocket_key(uint64_t a, uint64_t b, char *out);
/* Whether `accept`, the value of Sec-WebSocket-Accept, is the answer to `key`, that of Sec-WebSocket-Key.
 * False also where the library refuses SHA-1. Source: RFC 6455 section 4.2.2, point 5.4. */
MUST_CHECK bool websocket_accepts(struct str key, struct str accept);

#endif
