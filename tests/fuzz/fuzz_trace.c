/*
 * A trace as somebody might send it: the first line is the head, the rest are requests. Whatever the scanner
 * takes, jansson takes too, with the same meaning.
 */
#include "base/bug.h"
#include "cli/traceline.h"

#include <jansson.h>
#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A member that nobody knows is too odd for the scanner: with one the same line goes to jansson. */
static void compare(const struct trace_head *head, struct str line)
{
    struct trace_request quick = {0}, slow = {0};
    char copy[4096], why[TRACELINE_WHY_MAX];
    size_t end = line.len;

    if (!traceline_scan(head, line, &quick) || line.len + 8 > sizeof copy)
        return;
    while (end > 0 && line.p[end - 1] != '}')
        end--;
    if (end == 0)
        BUG("the scanner took a line without an end");
    memcpy(copy, line.p, end - 1);
    memcpy(copy + end - 1, ",\"x\":0}", 7);
    if (!traceline_request(head, (struct str){copy, end + 6}, &slow, why))
        BUG("the scanner took what jansson refuses: %s", why);
    BUG_ON(quick.t != slow.t || quick.key != slow.key || quick.stable.ms != slow.stable.ms ||
           quick.canary.status != slow.canary.status || quick.canary.ms != slow.canary.ms);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str rest = {(const char *)data, size}, line;
    struct trace_request request = {0};
    char why[TRACELINE_WHY_MAX];
    struct trace_head head;

    if (!data || !str_split(&rest, '\n', &line) || !traceline_head(line, &head, why))
        return 0;
    while (str_split(&rest, '\n', &line)) {
        if (traceline_request(&head, line, &request, why))
            BUG_ON(!(request.t >= 0) || !(request.canary.ms >= 0) || request.stable.status > 999);
        compare(&head, line);
    }
    return 0;
}
