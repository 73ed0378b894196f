#include "export/logvalue.h"

#include "base/clk.h"
#include "decide/zone.h"

#include <string.h>

/* Digits of a number, the first `most` of them; moves *p behind all of them. */
static uint64_t take_digits(const char **p, const char *end, size_t most, size_t *digits_r)
{
    const char *from = *p, *at = from;
    uint64_t value = 0;

    for (; at < end && *at >= '0' && *at <= '9'; at++)
        if ((size_t)(at - from) < most)
            value = value * 10 + (uint64_t)(*at - '0');
    *digits_r = (size_t)(at - from);
    *p = at;
    return value;
}

bool logvalue_number(struct str s, double *value_r)
{
    enum { DIGITS_MAX = 18 };
    static const double tens[DIGITS_MAX + 1] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8, 1e9,
                                                1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18};
    const char *p = s.p, *end = s.p + s.len;
    size_t digits, decimals;

    *value_r = (double)take_digits(&p, end, DIGITS_MAX, &digits);
    if (digits == 0 || digits > DIGITS_MAX)
        return false;
    if (p < end && *p == '.') {
        p++;
        uint64_t part = take_digits(&p, end, DIGITS_MAX, &decimals);

        *value_r += (double)part / tens[decimals < DIGITS_MAX ? decimals : DIGITS_MAX];
    }
    return p == end;
}

/* Pairs of digits at these places. */
static bool pairs_at(struct str s, const size_t *places, size_t len, int *values_r)
{
    for (size_t i = 0; i < len; i++) {
        const char *p = s.p + places[i];

        if (places[i] + 2 > s.len || p[0] < '0' || p[0] > '9' || p[1] < '0' || p[1] > '9')
            return false;
        values_r[i] = (p[0] - '0') * 10 + p[1] - '0';
    }
    return true;
}

/* Nanoseconds since 1970 fit into 64 bits for 292 years. */
static bool is_time(const struct civil *civil)
{
    return civil->year >= 1970 && civil->year < 2200 && civil->month >= 1 && civil->month <= 12 &&
           civil->day >= 1 && civil->day <= 31;
}

/* Behind an ISO time: "Z", "+09:00" or "+0900". */
static bool iso_east(struct str s, int64_t *east_s_r)
{
    static const size_t with_colon[] = {1, 4}, without[] = {1, 3};
    int parts[2];

    *east_s_r = 0;
    if (str_eq(s, STR("Z")))
        return true;
    if (s.len < 5 || s.len > 6 || (s.p[0] != '+' && s.p[0] != '-') || (s.len == 6 && s.p[3] != ':') ||
        !pairs_at(s, s.len == 6 ? with_colon : without, 2, parts))
        return false;
    *east_s_r = (parts[0] * 60 + parts[1]) * 60 * (s.p[0] == '-' ? -1 : 1);
    return true;
}

/* Takes ".123" off the front: the decimals of a second. */
static int64_t take_decimals(struct str *s)
{
    int64_t ns = 0, unit = NS_PER_S;
    size_t i = 1;

    if (s->len == 0 || s->p[0] != '.')
        return 0;
    for (; i < s->len && s->p[i] >= '0' && s->p[i] <= '9'; i++)
        ns += (s->p[i] - '0') * (unit /= 10);
    *s = (struct str){s->p + i, s->len - i};
    return ns;
}

static bool iso_time(struct str s, int64_t *wall_ns_r)
{
    enum { CENTURY, YEAR, MONTH, DAY, HOUR, MINUTE, SECOND, PARTS };
    static const size_t places[PARTS] = {0, 2, 5, 8, 11, 14, 17};
    int parts[PARTS];
    int64_t ns, east_s;

    if (s.len < 20 || s.p[4] != '-' || s.p[10] != 'T' || !pairs_at(s, places, PARTS, parts))
        return false;
    struct str rest = {s.p + 19, s.len - 19};
    ns = take_decimals(&rest);
    if (!iso_east(rest, &east_s))
        return false;
    struct civil civil = {.year = parts[CENTURY] * 100 + parts[YEAR],
                          .month = parts[MONTH],
                          .day = parts[DAY],
                          .hour = parts[HOUR],
                          .minute = parts[MINUTE],
                          .second = parts[SECOND]};
    if (!is_time(&civil))
        return false;
    *wall_ns_r = (civil_to_s(&civil) - east_s) * NS_PER_S + ns;
    return *wall_ns_r >= 0;
}

static bool clf_time(struct str s, int64_t *wall_ns_r)
{
    enum { DAY, CENTURY, YEAR, HOUR, MINUTE, SECOND, EAST_HOUR, EAST_MINUTE, PARTS };
    static const size_t places[PARTS] = {0, 7, 9, 12, 15, 18, 22, 24};
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    int parts[PARTS];
    const char *month;
    int64_t east_s;

    if (s.len != 26 || (s.p[21] != '+' && s.p[21] != '-') || !pairs_at(s, places, PARTS, parts))
        return false;
    month = memmem(months, sizeof months - 1, s.p + 3, 3);
    if (!month || (month - months) % 3)
        return false;
    struct civil civil = {.year = parts[CENTURY] * 100 + parts[YEAR],
                          .month = (int)((month - months) / 3) + 1,
                          .day = parts[DAY],
                          .hour = parts[HOUR],
                          .minute = parts[MINUTE],
                          .second = parts[SECOND]};
    if (!is_time(&civil))
        return false;
    east_s = (parts[EAST_HOUR] * 60 + parts[EAST_MINUTE]) * 60;
    *wall_ns_r = (civil_to_s(&civil) - (s.p[21] == '-' ? -east_s : east_s)) * NS_PER_S;
    return *wall_ns_r >= 0;
}

bool logvalue_time(struct str s, int64_t *wall_ns_r)
{
    if (s.len == 28 && s.p[0] == '[' && s.p[27] == ']')
        s = (struct str){s.p + 1, 26};
    return iso_time(s, wall_ns_r) || clf_time(s, wall_ns_r);
}
