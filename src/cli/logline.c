#include "cli/logline.h"

#include "base/clk.h"
#include "decide/trace.h"

#include <string.h>

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

struct str logline_route(const struct logline_rule *rule, struct str line)
{
    struct logentry entry;

    return logreader_read(rule->reader, rule->preset, line, &entry) ? entry.route : STR_NULL;
}

static bool was_drawn(struct str assignment)
{
    return str_eq(assignment, STR("random")) || str_eq(assignment, STR("sticky"));
}

static enum logline_kind take_named(const struct logline_rule *rule, const struct logentry *entry,
                                    struct logline *line_r)
{
    if (!entry->route.p || !entry->side.p)
        return LOGLINE_OTHER; /* it ended before a group was known */
    if (rule->route.len && !str_eq(entry->route, rule->route))
        return LOGLINE_OTHER;
    if (entry->weight < 0 || entry->duration_ns < 0 || entry->target_status < 0)
        return LOGLINE_BAD;
    line_r->weight = (uint16_t)entry->weight;
    line_r->status = (uint16_t)entry->target_status;
    line_r->canary = str_eq(entry->side, STR("canary"));
    line_r->failed = str_eq(entry->blame, STR("group"));
    if (entry->kept < 1)
        return LOGLINE_SAMPLED;
    if (!was_drawn(entry->assignment) || str_eq(entry->blame, STR("client")) ||
        str_eq(entry->blame, STR("self")) || entry->synthetic.len)
        return LOGLINE_LEFT;
    return LOGLINE_REQUEST;
}

static enum logline_kind take_alb(const struct logline_rule *rule, const struct logentry *entry,
                                  struct logline *line_r)
{
    int32_t status = entry->status;

    if (!find_side(rule, entry->behind, entry->target, &line_r->canary))
        return LOGLINE_OTHER;
    if (status == 460 || status == 463 || status == 464 || (status < 500 && !entry->target.p))
        return LOGLINE_LEFT; /* the client's doing, or the load balancer's own answer */
    line_r->failed = entry->target_status == 0;
    line_r->status = (uint16_t)entry->target_status;
    return LOGLINE_REQUEST;
}

static enum logline_kind take_combined(const struct logline_rule *rule, const struct logentry *entry,
                                       struct logline *line_r)
{
    if (!find_side(rule, entry->before, entry->behind, &line_r->canary))
        return LOGLINE_OTHER;
    if (entry->status == 499)
        return LOGLINE_LEFT; /* the client left first */
    line_r->status = (uint16_t)entry->status;
    return LOGLINE_REQUEST;
}

enum logline_kind logline_read(const struct logline_rule *rule, struct str line, struct logline *line_r)
{
    struct logentry entry;

    *line_r = (struct logline){.weight = LOGLINE_WEIGHT_UNKNOWN};
    if (!logreader_read(rule->reader, rule->preset, line, &entry))
        return LOGLINE_BAD;
    line_r->wall_ns = entry.wall_ns;
    line_r->ms = entry.duration_ns < 0 ? 0 : (double)entry.duration_ns / (double)NS_PER_MS;
    line_r->unit = trace_key(entry.client);
    if (logreader_is_named(rule->preset))
        return take_named(rule, &entry, line_r);
    return rule->preset == CONFIG_LOG_ALB ? take_alb(rule, &entry, line_r)
                                          : take_combined(rule, &entry, line_r);
}
