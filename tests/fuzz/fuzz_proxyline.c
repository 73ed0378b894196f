/*
 * PROXY headers. The cut does not matter; the header lies inside the input; what was read and is written
 * again means the same.
 */
#include "proto/proxyline.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* In a block of just that size. */
static enum proxyline_result parse(const char *in, size_t len, struct proxyline *line)
{
    char *copy = malloc(len ? len : 1);
    enum proxyline_result result;
    const char *why;

    memcpy(copy, in, len);
    result = proxyline_parse(copy, len, line, &why);
    BUG_ON((result == PROXYLINE_BAD) != (why != NULL));
    free(copy);
    return result;
}

static void write_again(const struct proxyline *line, unsigned version)
{
    struct proxyline again;
    char block[PROXYLINE_V1_MAX];
    struct buf buf;

    buf_init(&buf, block, sizeof block);
    proxyline_write(&buf, version, line);
    BUG_ON(buf.full || parse(buf.p, buf.len, &again) != PROXYLINE_DONE || again.len != buf.len);
    BUG_ON(again.known != line->known);
    if (line->known)
        BUG_ON(memcmp(&again.source, &line->source, sizeof again.source) != 0 ||
               memcmp(&again.destination, &line->destination, sizeof again.destination) != 0 ||
               again.source_port != line->source_port || again.destination_port != line->destination_port);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *in = (const char *)data;
    struct proxyline line, part;
    enum proxyline_result result = parse(in, size, &line);

    for (size_t len = 0; len < size && len < PROXYLINE_V2_MAX; len++) {
        enum proxyline_result early = parse(in, len, &part);

        if (early == PROXYLINE_MORE)
            continue;
        BUG_ON(early != result || (early == PROXYLINE_DONE && part.len != line.len));
        break;
    }
    if (result != PROXYLINE_DONE)
        return 0;
    BUG_ON(line.len > size || line.len > PROXYLINE_V2_MAX);
    write_again(&line, 1);
    write_again(&line, 2);
    return 0;
}
