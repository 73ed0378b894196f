/*
 * A report as text for people: a table for each route, its weight against the share over time, residual
 * traffic, decisions, and what the logs do not say. Times are UTC. Thread: any.
 */
#ifndef CLI_REPORT_TEXT_H
#define CLI_REPORT_TEXT_H

#include <stdio.h>

struct report;
struct term;

void report_text_print(const struct report *report, const struct term *term, FILE *out);

#endif
