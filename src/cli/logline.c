#include "cli/logline.h"

#include "base/clk.h"
#include "decide/trace.h"
#include "decide/zone.h"

#include <math.h>
#include <string.h>

/* ---- small parts ---- */

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

static bool number(struct str s, double *value_r)
{
    double value = 0, unit = 1;
    size_t i = 0;

    for (; i < s.len && s.p[i] >= '0' && s.p[i] <= '9'; i++)
        value = value * 10 + (s.p[i] - '0');
    if (i == 0 || i > 18)
        return false;
    if (i < s.len && s.p[i] == '.') {
        for (i++; i < s.len && s.p[i] >= '0' && s.p[i] <= '9'; i++)
            value += (s.p[i] - '0') * (unit /= 10);
    }
    *value_r = value;
    return i == s.len;
}

/* Nanoseconds since 1970 fit into 64 bits for 292 years. */
static bool is_time(const struct civil *civil)
{
    return civil->year >= 1970 && civil->year < 2200 && civil->month >= 1 && civil->month <= 12 &&
           civil->day >= 1 && civil->day <= 31;
}

/* "2026-11-21T06:00:00.123Z", with any number of decimals or none. */
static bool iso_time(struct str s, int64_t *wall_ns_r)
{
    enum { CENTURY, YEAR, MONTH, DAY, HOUR, MINUTE, SECOND, PARTS };
    static const size_t places[PARTS] = {0, 2, 5, 8, 11, 14, 17};
    int parts[PARTS];
    double fraction = 0;

    if (s.len < 20 || s.p[4] != '-' || s.p[10] != 'T' || s.p[s.len - 1] != 'Z' ||
        !pairs_at(s, places, PARTS, parts))
        return false;
    if (s.len > 20 && (s.p[19] != '.' || !number((struct str){s.p + 18, s.len - 19}, &fraction)))
        return false;
    struct civil civil = {.year = parts[CENTURY] * 100 + parts[YEAR],
                          .month = parts[MONTH],
                          .day = parts[DAY],
                          .hour = parts[HOUR],
                          .minute = parts[MINUTE],
                          .second = parts[SECOND]};
    if (!is_time(&civil))
        return false;
    *wall_ns_r = civil_to_s(&civil) * NS_PER_S + llround((fraction - floor(fraction)) * 1e9);
    return true;
}

static bool is_known_by(struct str haystack, struct str text)
{
    return text.len > 0 && haystack.len > 0 && memmem(haystack.p, haystack.len, text.p, text.len) != NULL;
}

/* The group by the texts of the rule, in one of two places; where a text is empty, that group has the rest.
 */
static bool find_side(const struct logline_rule *rule, struct str a, struct str b, bool *canary_r)
{
    bool canary = is_known_by(a, rule->canary) || is_known_by(b, rule->canary);
    bool stable = is_known_by(a, rule->stable) || is_known_by(b, rule->stable);

    if (rule->canary.len == 0)
        canary = !stable;
    else if (rule->stable.len == 0)
        stable = !canary;
    *canary_r = canary;
    return canary != stable;
}

/* ---- penstock ---- */

/*
 * The value behind a key, searched from *from on, which moves behind it: the fields stand in one order, and a
 * quote inside a text always has a backslash before it, so that no text can look like a key. Without the
 * quotes when it is a text.
 */
static bool member(struct str line, const char **from, struct str key, struct str *value_r)
{
    const char *end = line.p + line.len, *p = memmem(*from, (size_t)(end - *from), key.p, key.len), *q;
    bool text;

    if (!p)
        return false;
    p += key.len;
    text = p < end && *p == '"';
    if (text)
        p++;
    for (q = p; q < end && (text ? *q != '"' : *q != ',' && *q != '}'); q++)
        ;
    if (q == end)
        return false;
    *value_r = (struct str){p, (size_t)(q - p)};
    *from = q;
    return true;
}

struct str logline_route(struct str line)
{
    const char *from = line.p;
    struct str route = STR_NULL;

    if (!member(line, &from, STR("\"route\":"), &route))
        return STR_NULL;
    return route;
}

/* What became of it. False when it says nothing about the group. */
static bool ending(struct str blame, struct logline *line_r)
{
    line_r->failed = str_eq(blame, STR("group"));
    return !str_eq(blame, STR("client")) && !str_eq(blame, STR("self"));
}

/* The fields behind the side, in their order. */
enum { OWN_WEIGHT, OWN_ASSIGNMENT, OWN_BLAME, OWN_DURATION, OWN_STATUS, OWN_IP, OWN_FIELDS };
static const struct str own_keys[OWN_FIELDS] = {
    STR("\"weight\":"),   STR("\"assignment\":"),         STR("\"blame\":"),
    STR("\"duration\":"), STR("\"target_status_code\":"), STR("\"ip\":")};

static bool read_own(struct str line, const char *from, struct str fields[static OWN_FIELDS],
                     struct logline *line_r)
{
    double percent, ns, status;

    for (size_t i = 0; i < OWN_FIELDS; i++) {
        if (!member(line, &from, own_keys[i], &fields[i]))
            return false;
    }
    if (!number(fields[OWN_WEIGHT], &percent) || percent > 100 || !number(fields[OWN_DURATION], &ns) ||
        !number(fields[OWN_STATUS], &status) || status > 999)
        return false;
    line_r->weight = (uint16_t)lround(percent * 100);
    line_r->ms = ns / 1e6;
    line_r->status = (uint16_t)status;
    line_r->unit = trace_key(fields[OWN_IP]);
    return true;
}

static bool was_drawn(struct str assignment)
{
    return str_eq(assignment, STR("random")) || str_eq(assignment, STR("sticky"));
}

/* The sink that left out others has put it at the end. */
static bool is_sampled(struct str line)
{
    const char *comma = line.len ? memrchr(line.p, ',', line.len) : NULL;

    return comma && str_starts_with((struct str){comma, (size_t)(line.p + line.len - comma)},
                                    STR(",\"sample_rate\":"));
}

static enum logline_kind read_penstock(const struct logline_rule *rule, struct str line,
                                       struct logline *line_r)
{
    struct str time, route, side, fields[OWN_FIELDS];
    const char *from = line.p;

    if (!member(line, &from, STR("\"timestamp\":"), &time) || !iso_time(time, &line_r->wall_ns))
        return LOGLINE_BAD;
    if (!member(line, &from, STR("\"route\":"), &route) || !member(line, &from, STR("\"side\":"), &side))
        return LOGLINE_OTHER; /* it ended before a group was known */
    if (rule->route.len && !str_eq(route, rule->route))
        return LOGLINE_OTHER;
    if (!read_own(line, from, fields, line_r))
        return LOGLINE_BAD;
    line_r->canary = str_eq(side, STR("canary"));
    if (is_sampled(line))
        return LOGLINE_SAMPLED;
    if (!was_drawn(fields[OWN_ASSIGNMENT]) || !ending(fields[OWN_BLAME], line_r))
        return LOGLINE_LEFT;
    return LOGLINE_REQUEST;
}

/* ---- fields between blanks ---- */

enum { WORDS_MAX = 40 };

/* Words apart by blanks; "..." and [...] are one word, given without what encloses them. */
static size_t split(struct str line, struct str words[static WORDS_MAX])
{
    const char *p = line.p, *end = line.p + line.len;
    size_t len = 0;

    while (p < end && len < WORDS_MAX) {
        char close = *p == '"' ? '"' : *p == '[' ? ']' : ' ';
        const char *from = close == ' ' ? p : p + 1;

        for (p = from; p < end && *p != close; p++)
            p += close == '"' && *p == '\\' && p + 1 < end;
        words[len++] = (struct str){from, (size_t)(p - from)};
        while (p < end && *p != ' ')
            p++;
        while (p < end && *p == ' ')
            p++;
    }
    return len;
}

/* "10.0.0.1:3456" or "[::1]:3456" without the port. */
static struct str without_port(struct str address)
{
    const char *colon = address.len ? memrchr(address.p, ':', address.len) : NULL;

    return colon ? (struct str){address.p, (size_t)(colon - address.p)} : address;
}

/* ---- alb ---- */

/* The fields of an entry, in their order (AWS, access logs for your Application Load Balancer). */
enum {
    ALB_CLIENT = 3,
    ALB_TARGET = 4,
    ALB_REQUEST_TIME = 5,
    ALB_TARGET_TIME = 6,
    ALB_RESPONSE_TIME = 7,
    ALB_STATUS = 8,
    ALB_TARGET_STATUS = 9,
    ALB_GROUP = 16,
    ALB_CREATED = 21,
    ALB_LEAST = 17,
};

/* The times of the parts, in seconds; -1 where a part was not reached. */
static double alb_ms(const struct str words[static WORDS_MAX])
{
    double sum = 0;

    for (size_t i = ALB_REQUEST_TIME; i <= ALB_RESPONSE_TIME; i++) {
        double seconds;

        if (number(words[i], &seconds))
            sum += seconds;
    }
    return sum * 1000;
}

static enum logline_kind read_alb(const struct logline_rule *rule, struct str line, struct logline *line_r)
{
    struct str words[WORDS_MAX];
    size_t len = split(line, words);
    double status, target_status = 0;

    if (len < ALB_LEAST || !number(words[ALB_STATUS], &status) || status > 999)
        return LOGLINE_BAD;
    if (!iso_time(words[len > ALB_CREATED ? ALB_CREATED : 1], &line_r->wall_ns) &&
        !iso_time(words[1], &line_r->wall_ns))
        return LOGLINE_BAD;
    if (!find_side(rule, words[ALB_GROUP], words[ALB_TARGET], &line_r->canary))
        return LOGLINE_OTHER;
    if (status == 460 || status == 463 || status == 464 ||
        (status < 500 && str_eq(words[ALB_TARGET], STR("-"))))
        return LOGLINE_LEFT; /* the client's doing, or the load balancer's own answer */
    if (!number(words[ALB_TARGET_STATUS], &target_status))
        line_r->failed = true;
    if (target_status > 999)
        return LOGLINE_BAD;
    line_r->status = (uint16_t)target_status;
    line_r->ms = alb_ms(words);
    line_r->unit = trace_key(without_port(words[ALB_CLIENT]));
    return LOGLINE_REQUEST;
}

/* ---- combined ---- */

/* "21/Nov/2026:06:00:00 +0900". */
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
    return true;
}

static enum logline_kind read_combined(const struct logline_rule *rule, struct str line,
                                       struct logline *line_r)
{
    struct str words[WORDS_MAX];
    size_t len = split(line, words), at = 3;
    double status, seconds;

    if (len >= 7 && !clf_time(words[at], &line_r->wall_ns))
        at++; /* a host stands before it */
    if (len < at + 4 || !clf_time(words[at], &line_r->wall_ns) || !number(words[at + 2], &status) ||
        status > 999)
        return LOGLINE_BAD;
    /* Before the time stand host and client, behind the client's own words what the server added. */
    struct str before = {line.p, (size_t)(words[at].p - line.p)}, behind = STR_NULL;
    if (len > at + 6)
        behind = (struct str){words[at + 6].p, (size_t)(line.p + line.len - words[at + 6].p)};
    if (!find_side(rule, before, behind, &line_r->canary))
        return LOGLINE_OTHER;
    if (status == 499)
        return LOGLINE_LEFT; /* the client left first */
    line_r->status = (uint16_t)status;
    if (len > at + 6 && number(words[len - 1], &seconds))
        line_r->ms = seconds * 1000;
    line_r->unit = trace_key(words[at - 3]);
    return LOGLINE_REQUEST;
}

/* ---- all ---- */

bool logline_guess(struct str line, enum logline_format *format_r)
{
    struct str words[WORDS_MAX];
    struct logline read = {0};
    const struct logline_rule any = {.format = LOGLINE_COMBINED, .canary = STR("\n")};

    if (line.len && line.p[0] == '{' && is_known_by(line, STR("\"timestamp\":"))) {
        *format_r = LOGLINE_PENSTOCK;
        return true;
    }
    if (split(line, words) >= ALB_LEAST && iso_time(words[1], &read.wall_ns)) {
        *format_r = LOGLINE_ALB;
        return true;
    }
    *format_r = LOGLINE_COMBINED;
    return read_combined(&any, line, &read) != LOGLINE_BAD;
}

enum logline_kind logline_read(const struct logline_rule *rule, struct str line, struct logline *line_r)
{
    *line_r = (struct logline){.weight = LOGLINE_WEIGHT_UNKNOWN};
    switch (rule->format) {
    case LOGLINE_PENSTOCK:
        return read_penstock(rule, line, line_r);
    case LOGLINE_ALB:
        return read_alb(rule, line, line_r);
    case LOGLINE_COMBINED:
        return read_combined(rule, line, line_r);
    }
    return LOGLINE_BAD;
}
