#include "net/websocket.h"

#include <openssl/evp.h>

enum {
    KEY_LEN = 24,    /* 16 bytes in base64 */
    ACCEPT_LEN = 28, /* 20 bytes */
    SHA1_LEN = 20,
};

static const char guid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

bool websocket_accepts(struct str key, struct str accept)
{
    unsigned char text[KEY_LEN + sizeof guid - 1], digest[SHA1_LEN], expected[ACCEPT_LEN + 1];

    if (key.len != KEY_LEN || accept.len != ACCEPT_LEN)
        return false;
    memcpy(text, key.p, KEY_LEN);
    memcpy(text + KEY_LEN, guid, sizeof guid - 1);
    if (EVP_Digest(text, sizeof text, digest, NULL, EVP_sha1(), NULL) != 1)
        return false;
    EVP_EncodeBlock(expected, digest, SHA1_LEN);
    return memcmp(expected, accept.p, ACCEPT_LEN) == 0;
}
