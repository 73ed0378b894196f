#include "proxy/synthetic.h"

#include <string.h>

static bool begins_with_one(struct str word, char *const *agents, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (agents[i][0] == word.p[0] && str_starts_with(word, str_from(agents[i])))
            return true;
    return false;
}

/* Monitors that drive a browser add their word at the end of what it says, others say nothing else. */
static bool is_agent(struct str agent, char *const *agents, size_t len)
{
    struct str word;

    if (len == 0)
        return false;
    while (str_split(&agent, ' ', &word))
        if (word.len && begins_with_one(word, agents, len))
            return true;
    return false;
}

static bool has_field(const struct head *head, const struct config_synthetic_header *header)
{
    struct str name = str_from(header->name), prefix = str_from(header->prefix);
    const struct field *field = head_find_name(head, name, 0);

    for (; field; field = head_find_name(head, name, (size_t)(field - head->fields) + 1))
        if (str_starts_with(field->value, prefix))
            return true;
    return false;
}

static bool says_so(const struct config_synthetic *conf, const struct head *head)
{
    if (is_agent(head_value(head, FIELD_USER_AGENT), conf->agents, conf->agents_len))
        return true;
    for (size_t i = 0; i < conf->headers_len; i++)
        if (has_field(head, &conf->headers[i]))
            return true;
    return false;
}

static bool is_listed(const struct config_synthetic *conf, struct str client)
{
    struct ip ip;

    if (!ip_parse(client, &ip))
        return false;
    for (size_t i = 0; i < conf->trusted_len; i++)
        if (ip_net_has(&conf->trusted[i], &ip))
            return true;
    return false;
}

bool synthetic_is(const struct config_synthetic *conf, const struct head *head, struct str client)
{
    switch (conf->trust) {
    case CONFIG_SYNTHETIC_EVERYBODY:
        return says_so(conf, head);
    case CONFIG_SYNTHETIC_LISTED:
        return says_so(conf, head) && is_listed(conf, client);
    case CONFIG_SYNTHETIC_NOBODY:
        break;
    }
    return false;
}
