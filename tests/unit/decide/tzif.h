/* Time zone files for the tests, made from a footer rule and a few changes. */
#ifndef UNIT_DECIDE_TZIF_H
#define UNIT_DECIDE_TZIF_H

#include "base/str.h"

#include <stddef.h>
#include <stdint.h>

struct tzif_change {
    int64_t at_s;
    uint8_t type;
};

enum { TZIF_MAX = 1024 };

static inline void tzif_be(struct buf *buf, uint64_t value, int bytes)
{
    for (int i = bytes - 1; i >= 0; i--)
        buf_char(buf, (char)(value >> 8 * i & 0xff));
}

static inline void tzif_header(struct buf *buf, size_t changes_len, size_t types_len)
{
    buf_lit(buf, "TZif2");
    for (int i = 0; i < 15; i++)
        buf_char(buf, '\0');
    tzif_be(buf, 0, 4);
    tzif_be(buf, 0, 4);
    tzif_be(buf, 0, 4);
    tzif_be(buf, changes_len, 4);
    tzif_be(buf, types_len, 4);
    tzif_be(buf, 4, 4);
}

static inline void tzif_block(struct buf *buf, const struct tzif_change *changes, size_t changes_len,
                              const int32_t *offsets, size_t types_len, int width)
{
    for (size_t i = 0; i < changes_len; i++)
        tzif_be(buf, (uint64_t)changes[i].at_s, width);
    for (size_t i = 0; i < changes_len; i++)
        buf_char(buf, (char)changes[i].type);
    for (size_t i = 0; i < types_len; i++) {
        tzif_be(buf, (uint32_t)offsets[i], 4);
        buf_char(buf, '\0');
        buf_char(buf, '\0');
    }
    buf_add(buf, "XXX", 4);
}

/* A version 2 file as zic writes it in the slim form: an empty first block, then times of 64 bits. */
static inline struct str tzif(char block[static TZIF_MAX], const struct tzif_change *changes,
                              size_t changes_len, const int32_t *offsets, size_t types_len, const char *rule)
{
    const int32_t utc = 0;
    struct buf buf;

    buf_init(&buf, block, TZIF_MAX);
    tzif_header(&buf, 0, 1);
    tzif_block(&buf, NULL, 0, &utc, 1, 4);
    tzif_header(&buf, changes_len, types_len);
    tzif_block(&buf, changes, changes_len, offsets, types_len, 8);
    buf_char(&buf, '\n');
    buf_str_add(&buf, str_from(rule));
    buf_char(&buf, '\n');
    return buf_str(&buf);
}

/* A file that is its rule alone; `offset_s` is the standard time's. */
static inline struct str tzif_rule(char block[static TZIF_MAX], int32_t offset_s, const char *rule)
{
    return tzif(block, NULL, 0, &offset_s, 1, rule);
}

#define TZIF_BERLIN "CET-1CEST,M3.5.0,M10.5.0/3"
#define TZIF_TOKYO  "JST-9"

#endif
