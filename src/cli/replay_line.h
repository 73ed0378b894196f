/*
 * A decision of a replay as a line: `t` and `weight` first, plain numbers, then action and reason, then what
 * else the decision rests on. The same decision is the same line, byte for byte.
 */
#ifndef CLI_REPLAY_LINE_H
#define CLI_REPLAY_LINE_H

#include "base/bug.h"
#include "decide/decision.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct replay_line {
    int64_t t;       /* seconds since the start */
    uint32_t weight; /* in force from t on */
    const struct decision *decision;
    bool open;      /* of a log: nobody followed the decision */
    bool estimated; /* open: the weight is the share that was seen */
};

void replay_line_print(const struct replay_line *line, FILE *out);

enum { REPLAY_PROGRESS_EVERY = 1 << 20 }; /* requests or lines; a power of two */
/* Shows on standard error how far it is, when that is a terminal; with `done` it wipes that out again. */
void replay_progress(uint64_t count, int64_t t, bool done);

#endif
