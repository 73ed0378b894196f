#include "net/websocket.h"

#include <openssl/evp.h>

enum {
    ACCEPT_LEN = 28, /* 20 bytes */
    SHA1_LEN = 20,
};

static const char guid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

void websocket_key(uint64_t a, uint64_t b, char *out)
{
    unsigned char text[WEBSOCKET_KEY_LEN + 1], bytes[16];

    memcpy(bytes, &a, sizeof a);
    memcpy(bytes + sizeof a, &b, sizeof b);
    EVP_EncodeBlock(text, bytes, sizeof bytes);
    memcpy(out, text, WEBSOCKET_KEY_LEN);
}

bool websocket_accepts(struct str key, struct str accept)
{
    unsigned char text[WEBSOCKET_KEY_LEN + sizeof guid - 1], digest[SHA1_LEN], expected[ACCEPT_LEN + 1];

    if (key.len != WEBSOCKET_KEY_LEN || accept.len != ACCEPT_LEN)
        return false;
    memcpy(text, key.p, WEBSOCKET_KEY_LEN);
    memcpy(text + WEBSOCKET_KEY_LEN, guid, sizeof guid - 1);
    if (EVP_Digest(text, sizeof text, digest, NULL, EVP_sha1(), NULL) != 1)
        return false;
    EVP_EncodeBlock(expected, digest, SHA1_LEN);
    return memcmp(expected, accept.p, ACCEPT_LEN) == 0;
}
