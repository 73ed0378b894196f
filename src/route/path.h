/*
 * The path as routes see it. A request's target is never changed on its way to the target group (RFC 9110
 * section 7.7); for matching, and only for that, it is brought to one form, so that `/a/../admin`, `//admin`
 * and `/%61dmin` meet the same route as `/admin`.
 */
#ifndef ROUTE_PATH_H
#define ROUTE_PATH_H

#include "base/str.h"

#include <stdbool.h>

/*
 * Writes the normal form of an absolute path (no query) into `out` and gives it back as a slice of `out`:
 * escapes of unreserved characters are decoded and other escapes get upper-case digits (RFC 3986
 * section 6.2.2), empty segments are merged, dot segments are removed (section 5.2.4). `out` needs room for
 * path.len + 1 bytes. An empty path or `*` gives
 * `/`. Never fails: an escape that is not two hex digits stays as it is. Thread: any.
 */
struct str path_normalise(struct str path, char *out);

/* Whether a path in normal form is the prefix or below it: /api and /api/x are, /apix is not. The prefix ends
 * in no '/' but for "/" itself, below which everything is. Thread: any. */
bool path_is_below(struct str path, struct str prefix);

#endif
