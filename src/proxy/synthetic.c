#include "proxy/synthetic.h"

#include <string.h>

static bool begins_with_one(const struct config_synthetic *conf, struct str word)
{
    if (!config_synthetic_may_begin(conf, word.p[0]))
        return false;
    for (size_t i = 0; i < conf->agents_len; i++)
        if (conf->agents[i][0] == word.p[0] && str_starts_with(word, str_from(conf->agents[i])))
            return true;
    return false;
}

/* Monitors that drive a browser add their word at the end of what it says, others say nothing else. */
static bool is_agent(const struct config_synthetic *conf, struct str agent)
{
    struct str word;

    if (conf->agents_len == 0)
        return false;
    while (str_split(&agent, ' ', &word))
        if (word.len && begins_with_one(conf, word))
            return true;
    return false;
}

static bool has_field(const struct head *head, const struct config_synthetic_header *header)
{
    struct str name = str_from(header->name), prefix;
    const struct field *field = head_find_name(head, name, 0);

    if (!field)
        return false;
    prefix = str_from(header->prefix);
    for (; field; field = head_find_name(head, name, (size_t)(field - head->fields) + 1))
        if (str_starts_with(field->value, prefix))
            return true;
    return false;
}

static bool says_so(const struct config_synthetic *conf, const struct head *head)
{
    if (is_agent(conf, head_value(head, FIELD_USER_AGENT)))
        return true;
    for (size_t i = 0; i < conf->headers_len; i++)
        if (has_field(head, &conf->headers[i]))
            return true;
    return false;
}

static bool is_listed(const struct config_synthetic *conf, struct str client)
{
    struct ip ip;

    return ip_parse(client, &ip) && ip_nets_have(conf->trusted, conf->trusted_len, &ip);
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
