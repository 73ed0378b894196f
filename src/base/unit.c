#include "base/unit.h"

#include "base/clk.h"

#include <inttypes.h>
#include <stdio.h>

struct scale {
    const char *name;
    uint64_t factor;
};

/* Falling order: the printer takes the largest first, and the parser wants them so. */
static const struct scale durations[] = {
    {"d", UINT64_C(86400000000000)},
    {"h", UINT64_C(3600000000000)},
    {"m", UINT64_C(60000000000)},
    {"s", UINT64_C(1000000000)},
    {"ms", UINT64_C(1000000)},
    {"us", UINT64_C(1000)},
    {"ns", UINT64_C(1)},
};

static const struct scale sizes[] = {
    {"TiB", UINT64_C(1) << 40}, {"GiB", UINT64_C(1) << 30},      {"MiB", UINT64_C(1) << 20},
    {"KiB", UINT64_C(1) << 10}, {"TB", UINT64_C(1000000000000)}, {"GB", UINT64_C(1000000000)},
    {"MB", UINT64_C(1000000)},  {"KB", UINT64_C(1000)},          {"B", 1},
};

static const uint64_t duration_max_ns = UINT64_C(10) * 366 * 86400 * 1000000000;
static const uint64_t size_max = UINT64_C(1) << 53;

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Digits with an optional fraction of at most 9 digits, from the front of *s: the value times 10^9. */
static bool take_number(struct str *s, uint64_t *whole_r, uint64_t *nano_r)
{
    uint64_t nano = 0, unit = 1000000000;
    size_t n = 0;

    while (n < s->len && is_digit(s->p[n]))
        n++;
    if (!str_to_u64((struct str){s->p, n}, whole_r))
        return false;
    *s = (struct str){s->p + n, s->len - n};
    if (s->len && s->p[0] == '.') {
        for (n = 1; n < s->len && is_digit(s->p[n]); n++) {
            if (unit == 1)
                return false;
            unit /= 10;
            nano += (uint64_t)(s->p[n] - '0') * unit;
        }
        if (n == 1)
            return false;
        *s = (struct str){s->p + n, s->len - n};
    }
    *nano_r = nano;
    return true;
}

static const struct scale *take_scale(struct str *s, const struct scale *table, size_t count)
{
    size_t n = 0;

    while (n < s->len && !is_digit(s->p[n]))
        n++;
    for (size_t i = 0; i < count; i++)
        if (str_eq((struct str){s->p, n}, str_from(table[i].name))) {
            *s = (struct str){s->p + n, s->len - n};
            return &table[i];
        }
    return NULL;
}

bool unit_duration_parse(struct str s, int64_t *ns_r)
{
    uint64_t total = 0, last = UINT64_MAX;

    if (str_eq(s, STR("0"))) {
        *ns_r = 0;
        return true;
    }
    do {
        uint64_t whole, nano;
        const struct scale *scale;

        if (!take_number(&s, &whole, &nano))
            return false;
        scale = take_scale(&s, durations, ARRAY_LEN(durations));
        if (!scale || scale->factor >= last || whole > duration_max_ns / scale->factor)
            return false;
        last = scale->factor;
        total += whole * scale->factor + (uint64_t)((double)nano * 1e-9 * (double)scale->factor + 0.5);
        if (total > duration_max_ns)
            return false;
    } while (s.len);
    *ns_r = (int64_t)total;
    return true;
}

bool unit_size_parse(struct str s, uint64_t *bytes_r)
{
    static const struct scale bare = {"", 1};
    const struct scale *scale = &bare;
    uint64_t whole, nano, total;

    if (!take_number(&s, &whole, &nano))
        return false;
    if (s.len)
        scale = take_scale(&s, sizes, ARRAY_LEN(sizes));
    if (!scale || s.len || (nano && scale->factor == 1) || whole > size_max / scale->factor)
        return false;
    total = whole * scale->factor + (uint64_t)((double)nano * 1e-9 * (double)scale->factor);
    if (total > size_max)
        return false;
    *bytes_r = total;
    return true;
}

const char *unit_duration_text(int64_t ns, char out[static UNIT_TEXT_LEN])
{
    uint64_t left = ns < 0 ? 0 : (uint64_t)ns;
    struct buf buf;

    buf_init(&buf, out, UNIT_TEXT_LEN - 1);
    for (size_t i = 0; i < ARRAY_LEN(durations); i++) {
        uint64_t n = left / durations[i].factor;

        if (!n)
            continue;
        left -= n * durations[i].factor;
        buf_u64(&buf, n);
        buf_str_add(&buf, str_from(durations[i].name));
    }
    if (buf.len == 0)
        buf_lit(&buf, "0");
    out[buf.len] = '\0';
    return out;
}

const char *unit_size_text(uint64_t bytes, char out[static UNIT_TEXT_LEN])
{
    for (size_t i = 0; i < 4; i++) /* the powers of 1024 only */
        if (bytes && bytes % sizes[i].factor == 0) {
            snprintf(out, UNIT_TEXT_LEN, "%" PRIu64 "%s", bytes / sizes[i].factor, sizes[i].name);
            return out;
        }
    snprintf(out, UNIT_TEXT_LEN, "%" PRIu64 "B", bytes);
    return out;
}
