/*
 * How requests end: the rows of outcome.def as an enum and a table. Each transaction has exactly one outcome;
 * the access log, the metrics, the judge, the retry rule and the error body are all read from its row.
 */
#ifndef PROXY_OUTCOME_H
#define PROXY_OUTCOME_H

#include <stdint.h>

enum outcome {
#define OUTCOME(id, name, blame, status, retry, text) OUTCOME_##id,
#include "proxy/outcome.def"
#undef OUTCOME
    OUTCOMES,
};

enum blame {
    BLAME_NOBODY,
    BLAME_CLIENT,
    BLAME_GROUP,
    BLAME_SELF,
};

enum retry_rule {
    RETRY_NEVER,
    RETRY_UNSENT,
    RETRY_IDEMPOTENT,
};

struct outcome_row {
    const char *name;
    const char *text;
    enum blame blame;
    enum retry_rule retry;
    uint16_t status;
};

/* The row of an outcome. Thread: any, constant. */
const struct outcome_row *outcome_row(enum outcome outcome);
/* How a connection to a target failed, by the errno of it; OVERLOAD: something ran out on this machine. */
enum outcome outcome_of_connect(int error);
/* "client", "group", "self" or "nobody". */
const char *blame_name(enum blame blame);

#endif
