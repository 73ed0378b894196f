/*
 * What the fuzz targets of heads share: ways to feed a head, and what must hold of any head that a parser has
 * accepted or given up. A broken invariant is a BUG().
 */
#ifndef TESTS_FUZZ_HEADS_H
#define TESTS_FUZZ_HEADS_H

#include "base/mem.h"
#include "proto/h1.h"
#include "proto/octet.h"

#include <stdlib.h>

/* Small enough for a fuzzer to reach. */
static const struct h1_limits tight = {
    .start_line = 40,
    .head = 150,
    .fields = 5,
    .blank_line = true,
    .allow_connect = true,
    .allow_trace = true,
};

/* Scans the first `len` bytes in a block of just that size, so that a sanitizer sees what is read beyond. */
static inline enum h1_scan_result scan_copy(struct h1_scan *scan, const struct h1_limits *limits,
                                            const char *in, size_t len)
{
    char *copy = mem_alloc(len + 1);
    enum h1_scan_result result;

    memcpy(copy + 1, in, len);
    result = h1_scan(scan, limits, copy + 1, len);
    free(copy);
    return result;
}

/* Scans in two pieces and in single bytes: the answer must be that of the whole. */
static inline void check_cuts(const struct h1_limits *limits, const char *in, size_t len,
                              enum h1_scan_result whole, const struct h1_scan *whole_scan)
{
    struct h1_scan scan;
    enum h1_scan_result result = H1_SCAN_MORE;

    for (size_t cut = 0; cut < len && cut < 128; cut++) {
        h1_scan_init(&scan);
        if (scan_copy(&scan, limits, in, cut) == H1_SCAN_MORE)
            result = h1_scan(&scan, limits, in, len);
        else
            result = h1_scan(&scan, limits, in, cut);
        BUG_ON(result != whole || scan.end != whole_scan->end || scan.error != whole_scan->error);
    }
    h1_scan_init(&scan);
    result = H1_SCAN_MORE;
    for (size_t i = 0; i <= len && result == H1_SCAN_MORE; i++)
        result = h1_scan(&scan, limits, in, i);
    BUG_ON(result != whole || scan.end != whole_scan->end || scan.error != whole_scan->error);
}

/* Scans the whole and checks what the scan promises. */
static inline enum h1_scan_result scan_whole(struct h1_scan *scan, const struct h1_limits *limits,
                                             const char *in, size_t len)
{
    enum h1_scan_result result;

    h1_scan_init(scan);
    result = h1_scan(scan, limits, in, len);
    BUG_ON((result == H1_SCAN_BAD) != (scan->error != H1_OK));
    BUG_ON((result == H1_SCAN_DONE) != (scan->end != 0));
    BUG_ON(scan->end > len || scan->end > limits->head || scan->start > scan->line);
    BUG_ON(result == H1_SCAN_MORE && len >= limits->head);
    check_cuts(limits, in, len, result, scan);
    return result;
}

static inline bool is_inside(struct str s, const char *in, size_t len)
{
    return s.len == 0 || (s.p >= in && s.p + s.len <= in + len);
}

static inline void check_field(const struct field *field, const char *in, size_t len)
{
    BUG_ON(!is_inside(field->name, in, len) || !is_inside(field->value, in, len));
    BUG_ON(!octet_all(field->name, OCTET_TOKEN));
    BUG_ON(memchr(field->value.p, '\r', field->value.len) || memchr(field->value.p, '\n', field->value.len));
    BUG_ON(!str_eq(str_trim(field->value), field->value));
    BUG_ON(field->id >= FIELD_ID_LEN);
    BUG_ON(field->id && !str_eq_nocase(field->name, field_name(field->id)));
}

/* Each known field is found by its id, once, in order. */
static inline void check_chains(const struct head *head)
{
    size_t known = 0, found = 0;

    for (size_t i = 0; i < head->len; i++)
        known += head->fields[i].id != FIELD_OTHER;
    for (enum field_id id = FIELD_OTHER + 1; id < FIELD_ID_LEN; id++) {
        const struct field *last = NULL;

        for (const struct field *f = head_find(head, id); f; f = head_next(head, f)) {
            BUG_ON(f->id != id || (last && f <= last));
            last = f;
            found++;
        }
    }
    BUG_ON(known != found);
}

/* Holds also of a head that was given up. */
static inline void check_head(const struct head *head, const char *in, size_t len)
{
    BUG_ON(head->len > head->cap);
    for (size_t i = 0; i < head->len; i++)
        check_field(&head->fields[i], in, len);
    check_chains(head);
    BUG_ON(!is_inside(head->method_name, in, len) || !is_inside(head->target, in, len));
    BUG_ON(!is_inside(head->authority.whole, in, len) || !is_inside(head->authority.host, in, len));
    BUG_ON(!is_inside(head->query, in, len) || !is_inside(head->reason, in, len));
    BUG_ON(!is_inside(head->path, in, len) && !str_eq(head->path, STR("/")) && !str_eq(head->path, STR("*")));
}

#endif
