/*
 * The text of an external metric's query: what stands in double braces is a variable of the rollout. Single
 * braces belong to the query languages. Thread: any; pure.
 */
#ifndef DECIDE_QUERY_H
#define DECIDE_QUERY_H

#include "base/bug.h"
#include "base/str.h"
#include "decide/words.h"

#include <stdbool.h>

/* Between them those of the table. */
enum query_variable {
    QUERY_NONE,                                   /* the end of the query */
    QUERY_VARIABLES(WORD_CONSTANT) QUERY_UNKNOWN, /* none of them */
};
#define QUERY_LISTED(constant, name, text) "{{" name "}}, "
/* For texts, which go on behind the last comma: "{{route}}, {{stable}}, ". */
#define QUERY_VARIABLE_LIST QUERY_VARIABLES(QUERY_LISTED)

/* Some text, and the variable behind it. */
struct query_part {
    struct str text;
    enum query_variable variable;
    struct str name; /* as it is written */
};

/* Takes the first part off `rest`. False when nothing is left. */
MUST_CHECK bool query_next(struct str *rest, struct query_part *part_r);

#endif
