/*
 * Variables in values: ${NAME} and the escape $$. Pure but for the lookup that it is given.
 */
#ifndef CONF_ENV_H
#define CONF_ENV_H

#include "base/bug.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>

/* The value of a variable, or NULL. getenv is one. */
typedef char *env_lookup(const char *name);

/*
 * `text` with its variables replaced, at most `max` bytes. A '$' before anything but '{' and '$' stands for
 * itself. Ownership: the result is the caller's heap memory. Errors: NULL with a reason in `why_r`, which the
 * caller frees. With `lookup` NULL any variable is an error. Thread: that of `lookup`.
 */
MUST_CHECK char *env_expand(struct str text, size_t max, env_lookup *lookup, char **why_r);

#endif
