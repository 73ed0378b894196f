/*
 * weights.json as a value: the last weight of each route and the key of sticky assignment, in plain JSON that
 * is still there when the database is not. Where it is kept is control/store's business. Thread: control.
 */
#ifndef CONTROL_STORE_WEIGHTS_H
#define CONTROL_STORE_WEIGHTS_H

#include "base/bug.h"
#include "base/rnd.h"
#include "control/store.h"

#include <jansson.h>
#include <stdbool.h>

/* An empty one; a new reference. */
json_t *store_weights_new(void);
/* Takes the later of what is known and `weight`. True when that changes the file. */
bool store_weights_set(json_t *file, const struct store_weight *weight);
/* Calls `each` for every weight that makes sense. */
void store_weights_each(json_t *file, void (*each)(void *arg, const struct store_weight *weight), void *arg);

enum { STORE_KEY_LEN = 33 }; /* 32 hex digits and NUL */
void store_key_text(const struct hash_key *key, char out[static STORE_KEY_LEN]);
/* False when `text` is no such text; *key_r is then untouched. */
MUST_CHECK bool store_key_parse(const char *text, struct hash_key *key_r);

#endif
