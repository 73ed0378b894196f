#include "decide/zone.h"

#include <stdio.h>
#include <string.h>

enum {
    DAY_S = 24 * 60 * 60,
    HEADER_LEN = 44, /* of each of the two data blocks */
    TYPES_MAX = 256,
    RULE_HOURS_MAX = 167, /* of a change's time in the footer (RFC 9636 section 3.3.2) */
};

#define WALL_END_S INT64_C(7258118400) /* 2200-01-01 */

/* ---- civil time ---- */

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b != 0 && (a < 0) != (b < 0));
}

/*
 * Days since 1970-01-01. Years begin in March here, so that the day of leap is the last one: then the days
 * before a month are a straight line with slope 153/5.
 */
static int64_t days_from_date(int64_t year, int month, int day)
{
    int64_t y = month > 2 ? year : year - 1;
    int64_t m = month > 2 ? month - 3 : month + 9;

    return y * 365 + floor_div(y, 4) - floor_div(y, 100) + floor_div(y, 400) + (153 * m + 2) / 5 + day - 1 -
           719468;
}

static bool is_leap(int64_t year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static int days_in_month(int64_t year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

    return month == 2 && is_leap(year) ? 29 : days[month - 1];
}

static int64_t year_of_days(int64_t days)
{
    int64_t year = 1970 + floor_div(days * 400, 146097);

    while (days_from_date(year, 1, 1) > days)
        year--;
    while (days_from_date(year + 1, 1, 1) <= days)
        year++;
    return year;
}

struct civil civil_from_s(int64_t local_s)
{
    int64_t days = floor_div(local_s, DAY_S);
    int second = (int)(local_s - days * DAY_S);
    int64_t year = year_of_days(days);
    int64_t rest = days - days_from_date(year, 1, 1);
    int month = 1;

    while (rest >= days_in_month(year, month))
        rest -= days_in_month(year, month++);
    return (struct civil){.year = (int32_t)year,
                          .month = month,
                          .day = (int)rest + 1,
                          .hour = second / 3600,
                          .minute = second / 60 % 60,
                          .second = second % 60,
                          .weekday = (int)(days + 3 - floor_div(days + 3, 7) * 7)};
}

int64_t civil_to_s(const struct civil *civil)
{
    return days_from_date(civil->year, civil->month, civil->day) * DAY_S + civil->hour * 3600 +
           civil->minute * 60 + civil->second;
}

/* Takes `digits` digits and, unless `behind` is NUL, that character. */
static bool take_number(struct str *s, size_t digits, char behind, int *value_r)
{
    uint64_t value;
    size_t len = digits + (behind != '\0');

    if (s->len < len || !str_to_u64((struct str){s->p, digits}, &value) || (behind && s->p[digits] != behind))
        return false;
    s->p += len;
    s->len -= len;
    *value_r = (int)value;
    return true;
}

static bool take_time(struct str *s, struct civil *civil)
{
    if (s->len == 0 || (s->p[0] != 'T' && s->p[0] != ' '))
        return false;
    s->p++;
    s->len--;
    if (!take_number(s, 2, ':', &civil->hour) || !take_number(s, 2, '\0', &civil->minute))
        return false;
    if (s->len && s->p[0] == ':') {
        s->p++;
        s->len--;
        if (!take_number(s, 2, '\0', &civil->second))
            return false;
    }
    return civil->hour < 24 && civil->minute < 60 && civil->second < 60;
}

bool civil_parse(struct str s, int64_t *local_s_r, bool *date_only_r)
{
    struct civil civil = {0};
    int year;

    if (!take_number(&s, 4, '-', &year) || !take_number(&s, 2, '-', &civil.month) ||
        !take_number(&s, 2, '\0', &civil.day))
        return false;
    civil.year = year;
    if (civil.month < 1 || civil.month > 12 || civil.day < 1 || civil.day > days_in_month(year, civil.month))
        return false;
    bool date_only = s.len == 0;
    if (!date_only && (!take_time(&s, &civil) || s.len))
        return false;
    *local_s_r = civil_to_s(&civil);
    *date_only_r = date_only;
    return true;
}

bool civil_wall_ns(struct str s, int64_t *wall_ns_r)
{
    int64_t utc_s;
    bool date_only;

    if (s.len && s.p[s.len - 1] == 'Z')
        s.len--;
    if (!civil_parse(s, &utc_s, &date_only) || utc_s < 0 || utc_s >= WALL_END_S)
        return false;
    *wall_ns_r = utc_s * INT64_C(1000000000);
    return true;
}

/* ---- the rule behind the last change: a POSIX TZ string such as CET-1CEST,M3.5.0,M10.5.0/3 ---- */

static bool take_char(struct str *s, char c)
{
    if (s->len == 0 || s->p[0] != c)
        return false;
    s->p++;
    s->len--;
    return true;
}

static bool is_letter(char c)
{
    return ascii_lower(c) >= 'a' && ascii_lower(c) <= 'z';
}

/* A name such as CEST or <+0330>. */
static bool take_zone_name(struct str *s)
{
    size_t len = 0;

    if (take_char(s, '<')) {
        while (s->len && s->p[0] != '>') {
            s->p++;
            s->len--;
        }
        return take_char(s, '>');
    }
    while (s->len > len && is_letter(s->p[len]))
        len++;
    s->p += len;
    s->len -= len;
    return len >= 3;
}

/* One to three digits, at most `max`. */
static bool take_small(struct str *s, int max, int *value_r)
{
    int value = 0;
    size_t len = 0;

    while (len < s->len && len < 3 && s->p[len] >= '0' && s->p[len] <= '9')
        value = value * 10 + (s->p[len++] - '0');
    if (len == 0 || value > max)
        return false;
    s->p += len;
    s->len -= len;
    *value_r = value;
    return true;
}

/* [+-]hh[:mm[:ss]] in seconds. */
static bool take_clock(struct str *s, int32_t *seconds_r)
{
    int sign = take_char(s, '-') ? -1 : 1, hour, minute = 0, second = 0;

    if (sign > 0)
        (void)take_char(s, '+');
    if (!take_small(s, RULE_HOURS_MAX, &hour))
        return false;
    if (take_char(s, ':') && !take_small(s, 59, &minute))
        return false;
    if (take_char(s, ':') && !take_small(s, 59, &second))
        return false;
    *seconds_r = sign * (hour * 3600 + minute * 60 + second);
    return true;
}

static bool take_rule_day(struct str *s, struct zone_rule_date *date)
{
    if (take_char(s, 'M')) {
        date->form = ZONE_DATE_MONTH;
        return take_small(s, 12, &date->month) && date->month > 0 && take_char(s, '.') &&
               take_small(s, 5, &date->week) && date->week > 0 && take_char(s, '.') &&
               take_small(s, 6, &date->day);
    }
    if (take_char(s, 'J')) {
        date->form = ZONE_DATE_JULIAN;
        return take_small(s, 365, &date->day) && date->day > 0;
    }
    date->form = ZONE_DATE_DAY;
    return take_small(s, 365, &date->day);
}

static bool take_rule_date(struct str *s, struct zone_rule_date *date)
{
    date->time_s = 2 * 3600;
    return take_char(s, ',') && take_rule_day(s, date) &&
           (!take_char(s, '/') || take_clock(s, &date->time_s));
}

static bool parse_rule(struct zone *zone, struct str s)
{
    int32_t west;

    if (!take_zone_name(&s) || !take_clock(&s, &west))
        return false;
    zone->rule_offset_s = -west;
    zone->rule_summer_s = -west + 3600;
    if (s.len == 0)
        return true;
    if (!take_zone_name(&s))
        return false;
    if (s.len && s.p[0] != ',') {
        if (!take_clock(&s, &west))
            return false;
        zone->rule_summer_s = -west;
    }
    return take_rule_date(&s, &zone->summer) && take_rule_date(&s, &zone->winter) && s.len == 0;
}

static int64_t rule_day(const struct zone_rule_date *date, int64_t year)
{
    int64_t january = days_from_date(year, 1, 1);

    switch (date->form) {
    case ZONE_DATE_NONE:
    case ZONE_DATE_DAY:
        return january + date->day;
    case ZONE_DATE_JULIAN: /* 29 February is never counted */
        return january + date->day - 1 + (is_leap(year) && date->day >= 60);
    case ZONE_DATE_MONTH:
        break;
    }
    int64_t first = days_from_date(year, date->month, 1);
    int64_t weekday = (first + 4) - floor_div(first + 4, 7) * 7; /* 0 is Sunday */
    int64_t day = (date->day - weekday + 7) % 7 + (date->week - 1) * 7;
    if (day >= days_in_month(year, date->month))
        day -= 7; /* the fifth means the last */
    return first + day;
}

static int32_t rule_offset_until_s(const struct zone *zone, int64_t utc_s, int64_t *until_r)
{
    int64_t year, last = INT64_MIN;
    int32_t offset = zone->rule_offset_s;

    *until_r = INT64_MAX;
    if (zone->summer.form == ZONE_DATE_NONE)
        return offset;
    year = year_of_days(floor_div(utc_s, DAY_S));
    for (int64_t y = year - 1; y <= year + 1; y++) {
        const int64_t at[2] = {
            rule_day(&zone->summer, y) * DAY_S + zone->summer.time_s - zone->rule_offset_s,
            rule_day(&zone->winter, y) * DAY_S + zone->winter.time_s - zone->rule_summer_s,
        };
        for (int i = 0; i < 2; i++) {
            if (at[i] > utc_s && at[i] < *until_r)
                *until_r = at[i];
            if (at[i] > utc_s || at[i] < last)
                continue;
            last = at[i];
            offset = i == 0 ? zone->rule_summer_s : zone->rule_offset_s;
        }
    }
    return offset;
}

/* ---- TZif ---- */

struct tzif_counts {
    uint32_t is_utc, is_std, leap, time, type, abbreviation;
};

static uint32_t be32(const char *p)
{
    const uint8_t *u = (const uint8_t *)p;

    return (uint32_t)u[0] << 24 | (uint32_t)u[1] << 16 | (uint32_t)u[2] << 8 | u[3];
}

static int64_t be64(const char *p)
{
    return (int64_t)((uint64_t)be32(p) << 32 | be32(p + 4));
}

static bool read_header(struct str bytes, struct tzif_counts *counts)
{
    if (bytes.len < HEADER_LEN || memcmp(bytes.p, "TZif", 4) != 0)
        return false;
    *counts = (struct tzif_counts){be32(bytes.p + 20), be32(bytes.p + 24), be32(bytes.p + 28),
                                   be32(bytes.p + 32), be32(bytes.p + 36), be32(bytes.p + 40)};
    return true;
}

/* Bytes of a data block whose times have `width` bytes. The counts have 32 bits each: no overflow. */
static uint64_t block_len(const struct tzif_counts *counts, uint64_t width)
{
    return counts->time * (width + 1) + counts->type * UINT64_C(6) + counts->abbreviation +
           counts->leap * (width + 4) + counts->is_std + (uint64_t)counts->is_utc;
}

static const char *read_block(struct zone *zone, const struct tzif_counts *counts, const char *p,
                              size_t width)
{
    const char *types = p + counts->time * (width + 1);

    if (counts->leap)
        return "time zones with leap seconds are not supported";
    if (counts->type == 0 || counts->type > TYPES_MAX)
        return "the time zone file has no types";
    if (counts->time > ZONE_CHANGES_MAX)
        return "the time zone file has too many changes";
    zone->changes_len = counts->time;
    zone->first_offset_s = (int32_t)be32(types);
    for (size_t i = 0; i < counts->time; i++) {
        size_t type = (uint8_t)p[counts->time * width + i];

        if (type >= counts->type)
            return "the time zone file names a type that it does not have";
        zone->at_s[i] = width == 8 ? be64(p + i * 8) : (int32_t)be32(p + i * 4);
        zone->offset_s[i] = (int32_t)be32(types + type * 6);
        if (i && zone->at_s[i] <= zone->at_s[i - 1])
            return "the changes in the time zone file do not rise";
    }
    zone->rule_offset_s = counts->time ? zone->offset_s[counts->time - 1] : zone->first_offset_s;
    return NULL;
}

/* "\n<rule>\n" at the end; an empty rule means that nothing changes any more. */
static const char *read_footer(struct zone *zone, struct str footer)
{
    static const char broken[] = "the rule at the end of the time zone file is broken";

    if (footer.len < 2 || footer.p[0] != '\n' || footer.p[footer.len - 1] != '\n')
        return broken;
    if (footer.len == 2)
        return NULL;
    return parse_rule(zone, (struct str){footer.p + 1, footer.len - 2}) ? NULL : broken;
}

static const char *parse_tzif(struct zone *zone, struct str bytes)
{
    static const char none[] = "it is no time zone file (TZif)", cut[] = "the time zone file is cut off";
    struct tzif_counts counts;
    uint64_t len;

    if (!read_header(bytes, &counts))
        return none;
    len = HEADER_LEN + block_len(&counts, 4);
    if (len > bytes.len)
        return cut;
    if (bytes.p[4] == '\0')
        return read_block(zone, &counts, bytes.p + HEADER_LEN, 4);
    bytes = (struct str){bytes.p + len, bytes.len - len};
    if (!read_header(bytes, &counts))
        return none;
    len = HEADER_LEN + block_len(&counts, 8);
    if (len > bytes.len)
        return cut;
    const char *why = read_block(zone, &counts, bytes.p + HEADER_LEN, 8);
    return why ? why : read_footer(zone, (struct str){bytes.p + len, bytes.len - len});
}

bool zone_parse(struct zone *zone, struct str name, struct str bytes, const char **why_r)
{
    memset(zone, 0, sizeof(*zone));
    if (name.len == 0 || name.len >= sizeof(zone->name)) {
        *why_r = "the name of the time zone is empty or too long";
        return false;
    }
    memcpy(zone->name, name.p, name.len);
    *why_r = parse_tzif(zone, bytes);
    return *why_r == NULL;
}

void zone_utc(struct zone *zone)
{
    memset(zone, 0, sizeof(*zone));
    snprintf(zone->name, sizeof(zone->name), "UTC");
}

int32_t zone_offset_until_s(const struct zone *zone, int64_t utc_s, int64_t *until_r)
{
    size_t low = 0, high = zone->changes_len;

    while (low < high) { /* low becomes the number of changes at or before utc_s */
        size_t middle = (low + high) / 2;

        if (zone->at_s[middle] <= utc_s)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == zone->changes_len)
        return rule_offset_until_s(zone, utc_s, until_r);
    *until_r = zone->at_s[low];
    return low ? zone->offset_s[low - 1] : zone->first_offset_s;
}

int32_t zone_offset_s(const struct zone *zone, int64_t utc_s)
{
    int64_t until;

    return zone_offset_until_s(zone, utc_s, &until);
}
