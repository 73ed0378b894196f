/*
 * Cookies, as far as a proxy needs them: the value of one by its name (RFC 6265 section 5.4), over all Cookie
 * lines.
 */
#ifndef PROXY_COOKIE_H
#define PROXY_COOKIE_H

#include "base/str.h"
#include "proto/head.h"

/* The value of the first cookie of that name, without the quotes around it; p is NULL when there is none.
 * Pure. */
struct str cookie_value(const struct head *head, struct str name);

#endif
