#include "export/logwords.h"

#include "base/clk.h"
#include "base/scan.h"
#include "export/logreader.h"
#include "export/logvalue.h"

#include <math.h>
#include <string.h>

enum { WORDS_MAX = 40, UPGRADED = 101 /* then its line is written at the end of the connection */ };

/* The end of a word, which what closes it is not part of. */
static const char *word_end(const char *p, const char *end, char close)
{
    if (close != '"')
        return scan_either(p, end, close, close);
    for (p = scan_either(p, end, '"', '\\'); end - p >= 2 && *p == '\\';)
        p = scan_either(p + 2, end, '"', '\\');
    return p < end && *p == '\\' ? end : p;
}

/* Words apart by blanks; "..." and [...] are one word, given without what encloses them. */
static size_t split(struct str line, struct str words[static WORDS_MAX])
{
    const char *p = line.p, *end = line.p + line.len;
    size_t len = 0;

    while (p < end && len < WORDS_MAX) {
        char close = *p == '"' ? '"' : *p == '[' ? ']' : ' ';
        const char *from = close == ' ' ? p : p + 1;

        p = word_end(from, end, close);
        words[len++] = (struct str){from, (size_t)(p - from)};
        while (p < end && *p != ' ')
            p++;
        while (p < end && *p == ' ')
            p++;
    }
    return len;
}

static bool is_none(struct str word)
{
    return str_eq(word, STR("-"));
}

static struct str word_or_none(struct str word)
{
    return is_none(word) ? STR_NULL : word;
}

static bool status_of(struct str word, int32_t *status_r)
{
    double status;

    if (!logvalue_number(word, &status) || status > 999)
        return false;
    *status_r = (int32_t)status;
    return true;
}

static void sent_of(struct str word, struct logentry *entry)
{
    double sent;

    if (logvalue_number(word, &sent) && sent <= LOGREADER_SENT_MAX)
        entry->sent = (int64_t)sent;
}

static bool refuse(struct logentry *entry, const char *why)
{
    entry->why = why;
    return false;
}

/* ---- alb ---- */

/* The fields of an entry, in their order. */
enum {
    ALB_TIME = 1,
    ALB_CLIENT = 3,
    ALB_TARGET = 4,
    ALB_REQUEST_TIME = 5,
    ALB_RESPONSE_TIME = 7,
    ALB_STATUS = 8,
    ALB_TARGET_STATUS = 9,
    ALB_SENT = 11,
    ALB_GROUP = 16,
    ALB_CREATED = 21,
    ALB_LEAST = 17,
};

/* "10.0.0.1:3456" or "[::1]:3456" without the port; the words have lost the brackets of the latter. */
static struct str without_port(struct str address)
{
    const char *colon = address.len ? memrchr(address.p, ':', address.len) : NULL;

    if (!colon || address.p[-1] == '[')
        return address;
    return (struct str){address.p, (size_t)(colon - address.p)};
}

/* The times of the parts, in seconds; -1 where a part was not reached. -1 when none was. Behind the head of
 * an upgrade comes no answer. */
static int64_t alb_duration_ns(const struct str words[static WORDS_MAX], bool upgraded)
{
    size_t end = upgraded ? ALB_RESPONSE_TIME : ALB_RESPONSE_TIME + 1;
    double sum = -1;

    for (size_t i = ALB_REQUEST_TIME; i < end; i++) {
        double seconds;

        if (logvalue_number(words[i], &seconds))
            sum = fmax(sum, 0) + seconds;
    }
    return sum < 0 || sum > 1e9 ? -1 : llround(sum * 1e9);
}

/* "arn:aws:elasticloadbalancing:...:targetgroup/NAME/0123456789abcdef" is NAME; ours is a name. */
static struct str alb_group(struct str word)
{
    const struct str before = STR(":targetgroup/");
    const char *colon = word.len ? memchr(word.p, ':', word.len) : NULL, *end;
    const char *name =
        colon ? memmem(colon, (size_t)(word.p + word.len - colon), before.p, before.len) : NULL;

    if (!name)
        return word_or_none(word);
    name += before.len;
    end = memchr(name, '/', (size_t)(word.p + word.len - name));
    return (struct str){name, (size_t)((end ? end : word.p + word.len) - name)};
}

/* When it arrived; early entries have only the time of their end. */
static bool alb_time(const struct str words[static WORDS_MAX], size_t len, int64_t *wall_ns_r)
{
    return (len > ALB_CREATED && logvalue_time(words[ALB_CREATED], wall_ns_r)) ||
           logvalue_time(words[ALB_TIME], wall_ns_r);
}

bool logwords_alb(struct str line, struct logentry *entry)
{
    struct str words[WORDS_MAX];
    size_t len = split(line, words);

    if (len < ALB_LEAST)
        return refuse(entry, "it has fewer fields than a line of alb");
    if (!status_of(words[ALB_STATUS], &entry->status))
        return refuse(entry, "the ninth field of a line of alb is a status");
    if (!alb_time(words, len, &entry->wall_ns))
        return refuse(entry,
                      "the second field of a line of alb is a time such as 2026-11-21T06:00:00.123456Z");
    if (is_none(words[ALB_TARGET_STATUS]))
        entry->target_status = 0;
    else if (!status_of(words[ALB_TARGET_STATUS], &entry->target_status))
        return refuse(entry, "the tenth field of a line of alb is a status or -");
    entry->duration_ns = alb_duration_ns(words, entry->status == UPGRADED);
    entry->client = without_port(words[ALB_CLIENT]);
    entry->target = word_or_none(words[ALB_TARGET]);
    entry->group = alb_group(words[ALB_GROUP]);
    entry->behind = words[ALB_GROUP];
    sent_of(words[ALB_SENT], entry);
    return true;
}

/* ---- combined ---- */

/* Behind the time. */
enum {
    COMBINED_STATUS = 2,
    COMBINED_SENT = 3,
    COMBINED_BEHIND = 6,
    COMBINED_OURS = 4, /* words that we add */
};

static void combined_end(const struct str *words, size_t len, struct logentry *entry)
{
    double seconds;

    if (len == 0)
        return;
    if (entry->status != UPGRADED && logvalue_number(words[len - 1], &seconds) && seconds < 1e9)
        entry->duration_ns = llround(seconds * 1e9);
    if (len != COMBINED_OURS)
        return;
    entry->platform = word_or_none(words[0]);
    entry->group = word_or_none(words[1]);
    entry->target = word_or_none(words[2]);
}

bool logwords_combined(struct str line, struct logentry *entry)
{
    struct str words[WORDS_MAX];
    size_t len = split(line, words), at = 3;

    if (len >= 7 && !logvalue_time(words[at], &entry->wall_ns))
        at++; /* a host stands before it */
    if (len < at + 4)
        return refuse(entry, "it has fewer fields than a line of combined");
    if (!logvalue_time(words[at], &entry->wall_ns))
        return refuse(entry, "a time such as [21/Nov/2026:06:00:00 +0900] was expected before the request");
    if (!status_of(words[at + COMBINED_STATUS], &entry->status))
        return refuse(entry, "a status was expected behind the request");
    sent_of(words[at + COMBINED_SENT], entry);
    entry->client = words[at - 3];
    /* Before the time stand host and client, behind the client's own words what the server added. */
    entry->before = (struct str){line.p, (size_t)(words[at].p - line.p)};
    at += COMBINED_BEHIND;
    if (len > at) {
        entry->behind = (struct str){words[at].p, (size_t)(line.p + line.len - words[at].p)};
        combined_end(words + at, len - at, entry);
    }
    return true;
}
