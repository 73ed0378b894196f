#include "proxy/outcome.h"

#include "base/bug.h"

#include <errno.h>

static const struct outcome_row rows[] = {
#define OUTCOME(id, name, blame, status, retry, text)                                                        \
    [OUTCOME_##id] = {name, text, BLAME_##blame, RETRY_##retry, status},
#include "proxy/outcome.def"
#undef OUTCOME
};

const struct outcome_row *outcome_row(enum outcome outcome)
{
    BUG_ON(outcome >= OUTCOMES);
    return &rows[outcome];
}

enum outcome outcome_of_connect(int error)
{
    switch (error) {
    case EMFILE:
    case ENFILE:
    case ENOMEM:
    case ENOBUFS:
    case EADDRNOTAVAIL:
        return OUTCOME_OVERLOAD; /* which says nothing about the target */
    case ECONNREFUSED:
        return OUTCOME_CONNECT_REFUSED;
    case ETIMEDOUT:
        return OUTCOME_CONNECT_TIMEOUT;
    }
    return OUTCOME_CONNECT_FAILED;
}

const char *blame_name(enum blame blame)
{
    static const char *const names[] = {
        [BLAME_NOBODY] = "nobody",
        [BLAME_CLIENT] = "client",
        [BLAME_GROUP] = "group",
        [BLAME_SELF] = "self",
    };

    return names[blame];
}
