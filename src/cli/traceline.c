#include "cli/traceline.h"

#include <jansson.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const double ms_max = 1e9, t_max = 1e10;
static const double horizon_max = 366 * 86400; /* there is a look in each second of it */

/* ---- the scanner ---- */

struct scan {
    const char *p, *end;
};

static void skip_blanks(struct scan *scan)
{
    while (scan->p < scan->end && (*scan->p == ' ' || *scan->p == '\t'))
        scan->p++;
}

/* The next byte, NUL at the end. */
static char next(const struct scan *scan)
{
    return scan->p < scan->end ? *scan->p : '\0';
}

static bool skip(struct scan *scan, char c)
{
    skip_blanks(scan);
    if (scan->p == scan->end || *scan->p != c)
        return false;
    scan->p++;
    return true;
}

/* A string without escapes. */
static bool scan_text(struct scan *scan, struct str *text_r)
{
    const char *from;

    if (!skip(scan, '"'))
        return false;
    from = scan->p;
    while (scan->p < scan->end && *scan->p != '"') {
        if (*scan->p == '\\' || (unsigned char)*scan->p < ' ' || (unsigned char)*scan->p >= 0x80)
            return false;
        scan->p++;
    }
    if (scan->p == scan->end)
        return false;
    *text_r = (struct str){from, (size_t)(scan->p - from)};
    scan->p++;
    return true;
}

enum { DIGITS_MAX = 15 }; /* of a number: they and any power of ten up to it are exact in a double */

/* Appends digits, a few more than a number may have at most; how many there were. */
static size_t scan_digits(struct scan *scan, uint64_t *digits)
{
    const char *from = scan->p;

    while (next(scan) >= '0' && next(scan) <= '9' && scan->p - from <= DIGITS_MAX)
        *digits = *digits * 10 + (uint64_t)(*scan->p++ - '0');
    return (size_t)(scan->p - from);
}

/* A number without sign or exponent, with few digits: then the division rounds as strtod would (Clinger
 * 1990). */
static bool scan_number(struct scan *scan, double *value_r)
{
    static const double tens[] = {1,   1e1, 1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                  1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15};
    uint64_t digits = 0;
    size_t whole, decimals = 0;
    bool zero;

    skip_blanks(scan);
    zero = next(scan) == '0';
    whole = scan_digits(scan, &digits);
    if (whole == 0 || (zero && whole > 1))
        return false;
    if (next(scan) == '.') {
        scan->p++;
        decimals = scan_digits(scan, &digits);
        if (decimals == 0)
            return false;
    }
    if (whole + decimals > DIGITS_MAX || strchr("eE0123456789", next(scan) ? next(scan) : ' '))
        return false;
    *value_r = (double)digits / tens[decimals];
    return true;
}

static bool scan_outcome(struct scan *scan, struct trace_outcome *outcome_r)
{
    bool status = false, ms = false;
    struct str key;
    double value;

    if (!skip(scan, '{'))
        return false;
    do {
        if (!scan_text(scan, &key) || !skip(scan, ':') || !scan_number(scan, &value))
            return false;
        if (str_eq(key, STR("status")) && !status && value >= 0 && value <= 999 && value == floor(value)) {
            outcome_r->status = (uint32_t)value;
            status = true;
        } else if (str_eq(key, STR("ms")) && !ms && value <= ms_max) {
            outcome_r->ms = value;
            ms = true;
        } else {
            return false;
        }
    } while (skip(scan, ','));
    return status && ms && skip(scan, '}');
}

/* Which part of a request a key names. */
enum part { PART_T, PART_KEY, PART_STABLE, PART_CANARY, PART_ALT, PART_UNKNOWN };

static enum part part_of(const struct trace_head *head, struct str key)
{
    static const struct str alt = STR("_alt");
    struct str canary = {head->canary, strlen(head->canary)};

    if (str_eq(key, STR("t")))
        return PART_T;
    if (str_eq(key, STR("key")))
        return PART_KEY;
    if (str_eq(key, canary))
        return PART_CANARY;
    if (str_eq(key, (struct str){head->stable, strlen(head->stable)}))
        return PART_STABLE;
    if (key.len == canary.len + alt.len && str_starts_with(key, canary) && str_ends_with(key, alt))
        return PART_ALT;
    return PART_UNKNOWN;
}

static bool scan_part(struct scan *scan, enum part part, struct trace_request *request)
{
    struct str key;

    switch (part) {
    case PART_T:
        return scan_number(scan, &request->t) && request->t <= t_max;
    case PART_KEY:
        if (!scan_text(scan, &key))
            return false;
        request->key = trace_key(key);
        return true;
    case PART_STABLE:
        return scan_outcome(scan, &request->stable);
    case PART_CANARY:
        return scan_outcome(scan, &request->canary);
    case PART_ALT:
        return scan_outcome(scan, &request->alt);
    case PART_UNKNOWN:
        break;
    }
    return false;
}

static unsigned parts_needed(const struct trace_head *head)
{
    unsigned usual = 1u << PART_T | 1u << PART_KEY | 1u << PART_STABLE | 1u << PART_CANARY;

    return head->rule == TRACE_RULE_NONE ? usual : usual | 1u << PART_ALT;
}

bool traceline_scan(const struct trace_head *head, struct str line, struct trace_request *request_r)
{
    struct scan scan = {line.p, line.p + line.len};
    unsigned seen = 0;
    struct str key;

    if (!skip(&scan, '{'))
        return false;
    do {
        enum part part;

        if (!scan_text(&scan, &key) || !skip(&scan, ':'))
            return false;
        part = part_of(head, key);
        if (seen >> part & 1 || !scan_part(&scan, part, request_r))
            return false;
        seen |= 1u << part;
    } while (skip(&scan, ','));
    if (!skip(&scan, '}'))
        return false;
    skip_blanks(&scan);
    return scan.p == scan.end && (seen & parts_needed(head)) == parts_needed(head);
}

/* ---- jansson, for the rest ---- */

static bool fail(char *why, const char *fmt, ...) PRINTF_LIKE(2, 3);
static bool fail(char *why, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    vsnprintf(why, TRACELINE_WHY_MAX, fmt, args);
    va_end(args);
    return false;
}

static json_t *parse(struct str line, char *why)
{
    json_error_t error;
    json_t *json = json_loadb(line.p, line.len, JSON_REJECT_DUPLICATES, &error);

    if (json_is_object(json))
        return json;
    if (json)
        fail(why, "a JSON object is expected");
    else
        fail(why, "column %d: %s", error.column, error.text);
    json_decref(json);
    return NULL;
}

static bool number(const json_t *object, const char *key, double min, double max, double *value_r, char *why)
{
    const json_t *json = json_object_get(object, key);
    double value = json_number_value(json);

    if (!json_is_number(json))
        return fail(why, "%s: %s", key, json ? "a number is expected" : "is missing");
    if (!(value >= min && value <= max))
        return fail(why, "%s: %g is outside %g to %g", key, value, min, max);
    *value_r = value;
    return true;
}

static bool text(const json_t *object, const char *key, char *value_r, size_t size, char *why)
{
    const json_t *json = json_object_get(object, key);

    if (!json_is_string(json) || json_string_length(json) == 0)
        return fail(why, "%s: %s", key, json ? "a text is expected" : "is missing");
    if (json_string_length(json) >= size)
        return fail(why, "%s: at most %zu bytes", key, size - 1);
    memcpy(value_r, json_string_value(json), json_string_length(json) + 1);
    return true;
}

static bool outcome(const json_t *object, const char *group, struct trace_outcome *outcome_r, char *why)
{
    const json_t *json = json_object_get(object, group);
    char inner[TRACELINE_WHY_MAX];
    double status = 0;

    if (!json_is_object(json))
        return fail(why, "%s: %s", group, json ? "an object with status and ms is expected" : "is missing");
    if (!number(json, "status", 0, 999, &status, inner) ||
        !number(json, "ms", 0, ms_max, &outcome_r->ms, inner))
        return fail(why, "%s: %.80s", group, inner);
    outcome_r->status = (uint32_t)status;
    return true;
}

static bool request_from(const struct trace_head *head, const json_t *json, struct trace_request *request_r,
                         char *why)
{
    const json_t *key = json_object_get(json, "key");
    char alt[TRACE_NAME_MAX + 8];

    if (!number(json, "t", 0, t_max, &request_r->t, why))
        return false;
    if (!json_is_string(key))
        return fail(why, "key: %s", key ? "a text is expected" : "is missing");
    request_r->key = trace_key((struct str){json_string_value(key), json_string_length(key)});
    if (!outcome(json, head->stable, &request_r->stable, why) ||
        !outcome(json, head->canary, &request_r->canary, why))
        return false;
    snprintf(alt, sizeof alt, "%s_alt", head->canary);
    return head->rule == TRACE_RULE_NONE || outcome(json, alt, &request_r->alt, why);
}

bool traceline_request(const struct trace_head *head, struct str line, struct trace_request *request_r,
                       char why[static TRACELINE_WHY_MAX])
{
    json_t *json;
    bool ok;

    if (traceline_scan(head, line, request_r))
        return true;
    json = parse(line, why);
    ok = json && request_from(head, json, request_r, why);
    json_decref(json);
    return ok;
}

/* ---- the head ---- */

static bool rule_from(const json_t *alt, struct trace_head *head_r, char *why)
{
    const char *rule = json_string_value(json_object_get(alt, "rule"));

    head_r->rule = TRACE_RULE_NONE;
    if (!alt || json_is_null(alt))
        return true;
    if (rule && strcmp(rule, "cold") == 0) {
        head_r->rule = TRACE_RULE_COLD;
        return number(alt, "seconds", 0, t_max, &head_r->cold_s, why);
    }
    if (!rule || strcmp(rule, "capacity") != 0)
        return fail(why, "alt: null or an object with the rule cold or capacity is expected");
    head_r->rule = TRACE_RULE_CAPACITY;
    return number(alt, "weight", 0, 1, &head_r->capacity, why) &&
           number(alt, "scaleout_s", 0, t_max, &head_r->scaleout_s, why) &&
           (head_r->scaleout_s <= 0 ||
            number(alt, "scaleout_factor", 1, 1000, &head_r->scaleout_factor, why));
}

static bool head_from(const json_t *json, struct trace_head *head_r, char *why)
{
    static const struct trace_head reserved;
    char route[16];
    double version;

    if (!number(json, "trace", 1, 1, &version, why) ||
        !text(json, "id", head_r->id, sizeof head_r->id, why) ||
        !number(json, "slo_ms", 1, ms_max, &head_r->slo_ms, why) ||
        !number(json, "horizon", 0, horizon_max, &head_r->horizon_s, why) ||
        !text(json, "stable", head_r->stable, sizeof head_r->stable, why) ||
        !text(json, "canary", head_r->canary, sizeof head_r->canary, why) ||
        !text(json, "route", route, sizeof route, why))
        return false;
    head_r->sticky = strcmp(route, "key") == 0;
    if (!head_r->sticky && strcmp(route, "key+n") != 0)
        return fail(why, "route: %s is none of key, key+n", route);
    if (strcmp(head_r->stable, head_r->canary) == 0 ||
        part_of(&reserved, str_from(head_r->stable)) < PART_STABLE ||
        part_of(&reserved, str_from(head_r->canary)) < PART_STABLE)
        return fail(why, "stable, canary: two different names, and neither t nor key");
    return rule_from(json_object_get(json, "alt"), head_r, why);
}

bool traceline_head(struct str line, struct trace_head *head_r, char why[static TRACELINE_WHY_MAX])
{
    json_t *json = parse(line, why);
    bool ok;

    memset(head_r, 0, sizeof *head_r);
    ok = json && head_from(json, head_r, why);
    json_decref(json);
    return ok;
}
