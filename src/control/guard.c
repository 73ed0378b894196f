#include "control/guard.h"

#include <string.h>

#define CHALLENGE "WWW-Authenticate: Bearer realm=\"penstock\"\r\n"

static const struct guard_refusal host_is_strange = {
    403,
    "this Host is not one of penstock's: use its address, or list the name under admin.hosts in the "
    "configuration",
    NULL};
static const struct guard_refusal other_site = {
    403, "a page of another site may not ask penstock: open penstock's own address", NULL};
static const struct guard_refusal no_token_configured = {
    403, "nothing can be changed by this API, because no token is configured: set admin.tokenFile and reload",
    NULL};
static const struct guard_refusal token_missing = {401,
                                                   "this needs the admin token: send it as Authorization: "
                                                   "Bearer TOKEN (the configuration's admin.tokenFile)",
                                                   CHALLENGE};
static const struct guard_refusal token_wrong = {
    401, "the token is not the one of the configuration's admin.tokenFile", CHALLENGE};
static const struct guard_refusal remote_read = {
    401, "from another machine reading needs the admin token too: send it as Authorization: Bearer TOKEN",
    CHALLENGE};

/* A name with or without port, against the host of an authority. */
static bool same_host(const struct authority *authority, const char *name)
{
    struct authority ours;

    return name[0] && authority_parse(str_from(name), &ours) && str_eq_nocase(authority->host, ours.host);
}

static struct str without_brackets(struct str host)
{
    return host.len > 2 && host.p[0] == '[' ? (struct str){host.p + 1, host.len - 2} : host;
}

static bool same_address(const struct authority *authority, const char *address)
{
    return address[0] &&
           str_eq_nocase(without_brackets(authority->host), without_brackets(str_from(address)));
}

static bool host_is_ours(const struct guard *guard, const struct authority *authority)
{
    static const char *const loopback[] = {"localhost", "127.0.0.1", "[::1]"};

    /* HTTP/1.0 without Host: no browser sends that. */
    if (authority->whole.len == 0)
        return true;
    for (size_t i = 0; i < ARRAY_LEN(loopback); i++)
        if (same_host(authority, loopback[i]))
            return true;
    if (same_address(authority, guard->server_host))
        return true;
    for (size_t i = 0; i < guard->hosts_len; i++)
        if (same_host(authority, guard->hosts[i]))
            return true;
    return false;
}

/* "http://" or "https://" and our own authority. */
static bool origin_is_ours(struct str origin, const struct authority *authority)
{
    static const char *const schemes[] = {"http://", "https://"};

    for (size_t i = 0; i < ARRAY_LEN(schemes); i++) {
        struct str scheme = str_from(schemes[i]);

        if (str_starts_with(origin, scheme))
            return str_eq_nocase((struct str){origin.p + scheme.len, origin.len - scheme.len},
                                 authority->whole);
    }
    return false;
}

static bool same_site(const struct head *head)
{
    const struct field *origin = head_find(head, FIELD_ORIGIN);
    const struct field *fetch = head_find_name(head, STR("Sec-Fetch-Site"), 0);

    if (origin && (head_next(head, origin) || !origin_is_ours(origin->value, &head->authority)))
        return false;
    return !fetch || str_eq_nocase(fetch->value, STR("same-origin")) ||
           str_eq_nocase(fetch->value, STR("none"));
}

/* Takes as long whatever the bytes are; only the length can be told from the time. */
static bool same_secret(struct str given, struct str secret)
{
    unsigned differs = given.len != secret.len;

    for (size_t i = 0; i < given.len; i++)
        differs |= (unsigned char)given.p[i] ^ (unsigned char)secret.p[i % (secret.len ? secret.len : 1)];
    return !differs;
}

/* The token of `Authorization: Bearer TOKEN`; NULL when there is none. */
static struct str bearer(const struct head *head)
{
    const struct field *field = head_find(head, FIELD_AUTHORIZATION);
    struct str value;

    if (!field || head_next(head, field) || field->value.len < 7)
        return STR_NULL;
    value = field->value;
    if (!str_eq_nocase((struct str){value.p, 7}, STR("Bearer ")))
        return STR_NULL;
    return str_trim((struct str){value.p + 7, value.len - 7});
}

const struct guard_refusal *guard_check_host(const struct guard *guard, const struct head *head)
{
    return host_is_ours(guard, &head->authority) ? NULL : &host_is_strange;
}

const struct guard_refusal *guard_check(const struct guard *guard, const struct head *head, bool write)
{
    struct str token = bearer(head);

    if (!host_is_ours(guard, &head->authority))
        return &host_is_strange;
    if (!same_site(head))
        return &other_site;
    if (!write && guard->local)
        return NULL;
    if (!guard->token || !guard->token[0])
        return write ? &no_token_configured : &remote_read;
    if (!token.p)
        return write ? &token_missing : &remote_read;
    return same_secret(token, str_from(guard->token)) ? NULL : &token_wrong;
}
