/*
 * For tests that need a parsed head: from the text of a request.
 */
#ifndef TESTS_UNIT_PROXY_HEAD_H
#define TESTS_UNIT_PROXY_HEAD_H

#include "../unit.h"
#include "proto/h1.h"

/* Parses a request of these field lines (each with its CR LF); `text` must outlive the head. */
static inline void head_of(struct head *head, struct field *fields, size_t cap, const char *text)
{
    struct h1_scan scan;

    h1_scan_init(&scan);
    ck_assert_int_eq(h1_scan(&scan, &h1_request_limits, text, strlen(text)), H1_SCAN_DONE);
    head_init(head, fields, cap);
    ck_assert_int_eq(h1_request_parse(&scan, &h1_request_limits, text, head), H1_OK);
}

#define HEAD_GET "GET / HTTP/1.1\r\nHost: a\r\n"

#endif
