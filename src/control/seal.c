#include "control/seal.h"

#include <inttypes.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <string.h>

enum { DIGEST_LEN = 32, DIGEST_BASE64_MAX = 48 };

#define PREFIX "whsec_"

/* The bytes of the key; 0 when the secret makes none. */
static size_t key_of(const char *secret, unsigned char key_r[static SEAL_KEY_MAX])
{
    size_t len = strlen(secret);
    int decoded;

    if (len > SEAL_KEY_MAX)
        return 0;
    if (strncmp(secret, PREFIX, sizeof PREFIX - 1) != 0) {
        memcpy(key_r, secret, len);
        return len;
    }
    secret += sizeof PREFIX - 1;
    len -= sizeof PREFIX - 1;
    decoded = EVP_DecodeBlock(key_r, (const unsigned char *)secret, (int)len);
    for (size_t i = len; i > 0 && secret[i - 1] == '=' && decoded > 0; i--)
        decoded--; /* what the padding stands for is decoded as zeros */
    return decoded > 0 ? (size_t)decoded : 0;
}

static bool sign(const unsigned char *key, size_t key_len, struct str message,
                 unsigned char digest_r[static EVP_MAX_MD_SIZE])
{
    unsigned len = 0;

    return HMAC(EVP_sha256(), key, (int)key_len, (const unsigned char *)message.p, message.len, digest_r,
                &len) &&
           len == DIGEST_LEN;
}

static bool sign_body(struct seal *seal, const unsigned char *key, size_t key_len, struct str body)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    struct buf line;

    if (!sign(key, key_len, body, digest))
        return false;
    buf_init(&line, seal->lines[3], SEAL_LINE_MAX - 1);
    buf_lit(&line, "X-Hub-Signature-256: sha256=");
    for (size_t i = 0; i < DIGEST_LEN; i++)
        buf_hex(&line, digest[i], 2);
    seal->lines[3][line.len] = '\0';
    return true;
}

static bool sign_message(struct seal *seal, const unsigned char *key, size_t key_len, const char *id,
                         int64_t now_s, struct str body)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    char base64[DIGEST_BASE64_MAX];
    struct text message;
    bool ok;

    text_init(&message, body.len + SEAL_LINE_MAX);
    text_printf(&message, "%s.%" PRId64 ".", id, now_s);
    text_add(&message, body.p, body.len);
    ok = sign(key, key_len, (struct str){message.p, message.len}, digest);
    text_fini(&message);
    if (!ok)
        return false;
    EVP_EncodeBlock((unsigned char *)base64, digest, DIGEST_LEN);
    snprintf(seal->lines[2], SEAL_LINE_MAX, "webhook-signature: v1,%s", base64);
    return true;
}

bool seal_make(struct seal *seal_r, const char *secret, const char *id, int64_t now_s, struct str body)
{
    unsigned char key[SEAL_KEY_MAX];
    size_t key_len = key_of(secret, key);
    bool ok = key_len > 0 && strlen(id) < SEAL_LINE_MAX - 40;

    if (ok) {
        snprintf(seal_r->lines[0], SEAL_LINE_MAX, "webhook-id: %s", id);
        snprintf(seal_r->lines[1], SEAL_LINE_MAX, "webhook-timestamp: %" PRId64, now_s);
        ok = sign_message(seal_r, key, key_len, id, now_s, body) && sign_body(seal_r, key, key_len, body);
    }
    OPENSSL_cleanse(key, sizeof key);
    return ok;
}
