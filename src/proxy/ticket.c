#include "proxy/ticket.h"

#include <openssl/crypto.h>
#include <openssl/hmac.h>
#include <string.h>

enum { DIGEST_LEN = 32 };

static const struct str side_names[] = {
    [CONFIG_SIDE_STABLE] = STR("stable"), [CONFIG_SIDE_CANARY] = STR("canary")};

static bool parse_side(struct str text, enum config_side *side_r)
{
    for (size_t i = 0; i < ARRAY_LEN(side_names); i++)
        if (str_eq(text, side_names[i])) {
            *side_r = (enum config_side)i;
            return true;
        }
    return false;
}

/* In the one way of writing it: without leading zeros. */
static bool parse_expiry(struct str text, int64_t *expires_s_r)
{
    uint64_t seconds;

    if (text.len == 0 || text.len > TICKET_EXPIRY_LEN || text.p[0] == '0' || !str_to_u64(text, &seconds))
        return false;
    *expires_s_r = (int64_t)seconds;
    return true;
}

static bool is_route(struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = ascii_lower(text.p[i]);

        if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '.' && c != '_' && c != '-')
            return str_eq(text, STR("*"));
    }
    return text.len > 0 && text.len <= CONFIG_NAME_MAX;
}

static bool is_mac(struct str text)
{
    for (size_t i = 0; i < text.len; i++)
        if (!(text.p[i] >= '0' && text.p[i] <= '9') && !(text.p[i] >= 'a' && text.p[i] <= 'f'))
            return false;
    return text.len == TICKET_MAC_LEN;
}

bool ticket_parse(struct str value, struct ticket *ticket_r)
{
    struct ticket ticket = {0};
    struct str rest, side, expiry;

    if (value.len <= TICKET_MAC_LEN + 1 || value.len > TICKET_LEN ||
        value.p[value.len - TICKET_MAC_LEN - 1] != '.')
        return false;
    ticket.body = (struct str){value.p, value.len - TICKET_MAC_LEN - 1};
    ticket.mac = (struct str){value.p + value.len - TICKET_MAC_LEN, TICKET_MAC_LEN};
    rest = ticket.body;
    if (!str_split(&rest, '.', &side) || !str_split(&rest, '.', &expiry) || !rest.p)
        return false;
    ticket.route = rest;
    if (!parse_side(side, &ticket.side) || !parse_expiry(expiry, &ticket.expires_s) ||
        !is_route(ticket.route) || !is_mac(ticket.mac))
        return false;
    *ticket_r = ticket;
    return true;
}

/* The signature of a body; the prefix keeps it apart from whatever else the secret may sign. */
static bool sign(struct str body, const char *secret, char mac_r[static TICKET_MAC_LEN])
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    char block[TICKET_LEN + 32];
    unsigned len = 0;
    struct buf message, hex;

    buf_init(&message, block, sizeof block);
    buf_lit(&message, "penstock-override:");
    buf_str_add(&message, body);
    BUG_ON(message.full);
    if (!HMAC(EVP_sha256(), secret, (int)strlen(secret), (const unsigned char *)block, message.len, digest,
              &len) ||
        len != DIGEST_LEN)
        return false;
    buf_init(&hex, mac_r, TICKET_MAC_LEN);
    for (size_t i = 0; i < DIGEST_LEN; i++)
        buf_hex(&hex, digest[i], 2);
    return true;
}

bool ticket_is_signed(const struct ticket *ticket, const char *secret)
{
    char mac[TICKET_MAC_LEN];

    return sign(ticket->body, secret, mac) && CRYPTO_memcmp(mac, ticket->mac.p, TICKET_MAC_LEN) == 0;
}

bool ticket_is_for(const struct ticket *ticket, const char *route)
{
    return str_eq(ticket->route, STR("*")) || str_eq(ticket->route, str_from(route));
}

void ticket_write(struct buf *buf, enum config_side side, int64_t expires_s, struct str route,
                  const char *secret)
{
    size_t start = buf->len;
    char mac[TICKET_MAC_LEN];

    buf_str_add(buf, side_names[side]);
    buf_char(buf, '.');
    buf_u64(buf, (uint64_t)expires_s);
    buf_char(buf, '.');
    buf_str_add(buf, route);
    if (buf->full || !sign((struct str){buf->p + start, buf->len - start}, secret, mac)) {
        buf->full = true;
        return;
    }
    buf_char(buf, '.');
    buf_add(buf, mac, sizeof mac);
}
