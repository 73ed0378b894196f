/*
 * Errors of the admin API as application/problem+json. Thread: any; pure. Source: RFC 9457.
 */
#ifndef CONTROL_PROBLEM_H
#define CONTROL_PROBLEM_H

#include "base/str.h"

#include <jansson.h>

#define PROBLEM_TYPE "application/problem+json"

/* Appends one problem. `detail` says what was wrong and what would be right; `errors` (places in a file,
 * conf_report_json) may be NULL and is borrowed. */
void problem_write(struct text *out, unsigned status, const char *detail, const json_t *errors);

#endif
