#include "proto/method.h"

enum { SAFE = 1, IDEMPOTENT = 2 };

struct known {
    struct str name;
    unsigned flags;
};

static const struct known known[METHOD_LEN] = {
#define METHOD(id, name, flags) [METHOD_##id] = {{name, sizeof(name) - 1}, flags},
#include "proto/method.def"
#undef METHOD
};

enum method method_from(struct str name)
{
    for (enum method method = METHOD_OTHER + 1; method < METHOD_LEN; method++)
        if (str_eq(name, known[method].name))
            return method;
    return METHOD_OTHER;
}

struct str method_name(enum method method)
{
    return known[method].name;
}

bool method_is_safe(enum method method)
{
    return known[method].flags & SAFE;
}

bool method_is_idempotent(enum method method)
{
    return known[method].flags & IDEMPOTENT;
}
