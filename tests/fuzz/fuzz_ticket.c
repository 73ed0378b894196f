/*
 * Signed values of overrides. What is read lies inside the input and is written again as it was; a cut value
 * is none; and nothing but the right signature is taken.
 */
#include "proxy/ticket.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool is_within(struct str part, const char *p, size_t len)
{
    return part.p >= p && part.p + part.len <= p + len;
}

static void write_again(const struct ticket *ticket, struct str value)
{
    char block[TICKET_LEN];
    struct buf buf;

    buf_init(&buf, block, sizeof block);
    ticket_write(&buf, ticket->side, ticket->expires_s, ticket->route, "a-secret");
    BUG_ON(buf.full || buf.len != value.len || memcmp(block, value.p, ticket->body.len + 1) != 0);
    BUG_ON(ticket_is_signed(ticket, "a-secret") != str_eq(buf_str(&buf), value));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *copy = malloc(size ? size : 1); /* of just that size */
    struct str value = {copy, size};
    struct ticket ticket, part;

    if (size)
        memcpy(copy, data, size);
    if (ticket_parse(value, &ticket)) {
        BUG_ON(!is_within(ticket.route, copy, size) || !is_within(ticket.body, copy, size) ||
               !is_within(ticket.mac, copy, size));
        BUG_ON(ticket_parse((struct str){copy, size - 1}, &part) && part.route.len >= ticket.route.len);
        write_again(&ticket, value);
    }
    free(copy);
    return 0;
}
