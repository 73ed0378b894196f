/*
 * For tests of heads: feeds a message in cuts of all kinds, and writes what the parser found as one line of
 * text, so that a row of a table says the message and the answer side by side.
 */
#ifndef TESTS_UNIT_PROTO_HEADS_H
#define TESTS_UNIT_PROTO_HEADS_H

#include "base/mem.h"
#include "proto/h1.h"

#include <stdlib.h>

enum { LINE_MAX_LEN = 1 << 16 };

static inline const char *framing_text(enum framing framing)
{
    switch (framing) {
    case FRAMING_NONE:
        return "none";
    case FRAMING_LENGTH:
        return "length";
    case FRAMING_CHUNKED:
        return "chunked";
    case FRAMING_UNTIL_CLOSE:
        return "close";
    }
    return "?";
}

static inline void describe_hops(struct text *out, const struct head *head)
{
    const char *lead = " hop:";

    for (size_t i = 0; i < head->len; i++) {
        if (!(head->fields[i].flags & FIELD_HOP))
            continue;
        text_printf(out, "%s%.*s", lead, STR_ARG(head->fields[i].name));
        lead = ",";
    }
}

static inline const char *upgrade_text(enum upgrade upgrade)
{
    switch (upgrade) {
    case UPGRADE_NONE:
        return "";
    case UPGRADE_WEBSOCKET:
        return " websocket";
    case UPGRADE_OTHER:
        return " upgrade";
    }
    return "?";
}

static inline void describe_facts(struct text *out, const struct head *head)
{
    text_printf(out, " %s", framing_text(head->framing));
    if (head->has_length || head->content_length)
        text_printf(out, "=%llu", (unsigned long long)head->content_length);
    text_printf(out, "%s%s%s%s", head->keep_alive ? " alive" : "", head->expect_continue ? " expect" : "",
                head->te_trailers ? " te" : "", upgrade_text(head->upgrade));
    describe_hops(out, head);
}

/* "METHOD PATH QUERY AUTHORITY FRAMING ...", with - for what is empty. */
static inline char *describe_request(const struct head *head)
{
    struct str dash = STR("-");
    struct str query = head->query.len ? head->query : dash;
    struct str authority = head->authority.whole.len ? head->authority.whole : dash;
    struct text out;

    text_init(&out, LINE_MAX_LEN);
    text_printf(&out, "%.*s %.*s %.*s %.*s", STR_ARG(head->method_name), STR_ARG(head->path), STR_ARG(query),
                STR_ARG(authority));
    describe_facts(&out, head);
    return text_take(&out);
}

/* "STATUS [REASON] FRAMING ...". */
static inline char *describe_response(const struct head *head)
{
    struct text out;

    text_init(&out, LINE_MAX_LEN);
    text_printf(&out, "%u [%.*s]", head->status, STR_ARG(head->reason));
    describe_facts(&out, head);
    return text_take(&out);
}

/* Feeds the first `cut` bytes, and then the rest in pieces of `step`. */
static inline enum h1_scan_result scan_cut(struct h1_scan *scan, const struct h1_limits *limits,
                                           struct str text, size_t cut, size_t step)
{
    enum h1_scan_result result = H1_SCAN_MORE;
    size_t len = cut;

    h1_scan_init(scan);
    for (;;) {
        result = h1_scan(scan, limits, text.p, len);
        if (result != H1_SCAN_MORE || len == text.len)
            return result;
        len = len + step < text.len ? len + step : text.len;
    }
}

#endif
