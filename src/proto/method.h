/* Request methods (method.def). Pure; any thread. */
#ifndef PROTO_METHOD_H
#define PROTO_METHOD_H

#include "base/str.h"

enum method {
    METHOD_OTHER, /* a token that method.def lacks; neither safe nor idempotent as far as we know */
#define METHOD(id, name, flags) METHOD_##id,
#include "proto/method.def"
#undef METHOD
    METHOD_LEN
};

/* Methods are case-sensitive (RFC 9110 section 9.1). */
enum method method_from(struct str name);
/* Empty for METHOD_OTHER. */
struct str method_name(enum method method);
bool method_is_safe(enum method method);
/* Whether a request may be sent again after a connection failed (RFC 9110 section 9.2.2). */
bool method_is_idempotent(enum method method);

#endif
