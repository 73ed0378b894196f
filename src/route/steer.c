#include "route/steer.h"

#include "base/mem.h"

#include <regex.h>
#include <stdlib.h>
#include <string.h>

struct steer {
    struct plan_header_route plan;
    regex_t regex; /* HEADER_REGEX */
};

struct steer *steer_new(const struct plan_header_route *plan)
{
    struct steer *steer;

    if (!plan)
        return NULL;
    steer = mem_zalloc(sizeof *steer);
    steer->plan = *plan;
    if (plan->match == HEADER_REGEX)
        BUG_ON(regcomp(&steer->regex, plan->value, REG_EXTENDED | REG_NOSUB) != 0); /* the plan was checked */
    return steer;
}

void steer_free(struct steer *steer)
{
    if (steer && steer->plan.match == HEADER_REGEX)
        regfree(&steer->regex);
    free(steer);
}

struct str steer_header(const struct steer *steer)
{
    return str_from(steer->plan.header);
}

enum group_kind steer_to(const struct steer *steer)
{
    return steer->plan.to;
}

/* The length is bounded, since anybody may send any. */
static bool regex_matches(const struct steer *steer, struct str value)
{
    char text[PLAN_TEXT_MAX];

    if (value.len >= sizeof text)
        return false;
    memcpy(text, value.p, value.len);
    text[value.len] = '\0';
    return regexec(&steer->regex, text, 0, NULL, 0) == 0;
}

bool steer_matches(const struct steer *steer, struct str value)
{
    switch (steer->plan.match) {
    case HEADER_EXACT:
        return str_eq(value, str_from(steer->plan.value));
    case HEADER_PREFIX:
        return str_starts_with(value, str_from(steer->plan.value));
    case HEADER_REGEX:
        return regex_matches(steer, value);
    }
    BUG("header match %d", (int)steer->plan.match);
}

bool steer_admits(const struct steer *steer, const struct ip *client)
{
    if (steer->plan.networks_len == 0)
        return true;
    return client && ip_nets_have(steer->plan.networks, steer->plan.networks_len, client);
}
