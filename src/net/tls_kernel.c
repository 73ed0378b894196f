#include "net/tls_kernel.h"

#include "base/log.h"
#include "base/str.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#ifndef SOL_TLS
#define SOL_TLS 282
#endif

enum {
    KEY_MAX = 32,
    NONCE = 12,
    SALT = 4, /* of the nonce, what is the same in all records of TLS 1.2 */
    TAG = 16,
    RECORD_MAX = 16384,
    AAD_MAX = 13,
    ALERT = SSL3_RT_ALERT,
};

/* Relaxed: nothing follows from it. */
static _Atomic uint64_t gone_over;

uint64_t tls_kernel_count(void)
{
    return atomic_load_explicit(&gone_over, memory_order_relaxed);
}

/* ---- the kernel ---- */

static bool hand_over(int fd, const void *keys, size_t len)
{
    return setsockopt(fd, IPPROTO_TCP, TCP_ULP, "tls", sizeof "tls") == 0 &&
           setsockopt(fd, SOL_TLS, TLS_TX, keys, (socklen_t)len) == 0;
}

/* A connection to ourselves; the listening socket in fds[0]. False when there is none. */
static bool dial(int fds[static 2])
{
    struct sockaddr_in addr = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof addr;

    fds[0] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    fds[1] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    return fds[0] >= 0 && fds[1] >= 0 && bind(fds[0], (struct sockaddr *)&addr, len) == 0 &&
           listen(fds[0], 1) == 0 && getsockname(fds[0], (struct sockaddr *)&addr, &len) == 0 &&
           connect(fds[1], (struct sockaddr *)&addr, len) == 0;
}

bool tls_kernel_is_there(int *error_r)
{
    static const struct tls12_crypto_info_aes_gcm_128 keys = {
        .info = {.version = TLS_1_3_VERSION, .cipher_type = TLS_CIPHER_AES_GCM_128}};
    int fds[2];
    bool ok = dial(fds) && hand_over(fds[1], &keys, sizeof keys);

    *error_r = errno;
    for (int i = 0; i < 2; i++)
        if (fds[i] >= 0)
            close(fds[i]);
    return ok;
}

/* The two ciphers have the same parts at other places. */
static bool is_128(const struct tls_kernel *kernel)
{
    return kernel->keys.any.cipher_type == TLS_CIPHER_AES_GCM_128;
}

static void put_number(unsigned char out[static 8], uint64_t number)
{
    for (int i = 0; i < 8; i++)
        out[i] = (unsigned char)(number >> (56 - 8 * i));
}

void tls_kernel_begin(struct tls_kernel *kernel, int fd)
{
    bool ok;

    put_number(is_128(kernel) ? kernel->keys.gcm128.rec_seq : kernel->keys.gcm256.rec_seq, kernel->records);
    ok = hand_over(fd, &kernel->keys,
                   is_128(kernel) ? sizeof kernel->keys.gcm128 : sizeof kernel->keys.gcm256);
    if (ok)
        atomic_fetch_add_explicit(&gone_over, 1, memory_order_relaxed);
    else
        log_debug("the kernel does not encrypt for a connection: %s", strerror(errno));
    tls_kernel_fini(kernel);
    kernel->state = ok ? TLS_KERNEL_ON : TLS_KERNEL_NEVER;
}

bool tls_kernel_goodbye(int fd)
{
    unsigned char alert[2] = {SSL3_AL_WARNING, SSL_AD_CLOSE_NOTIFY};
    union {
        struct cmsghdr head;
        char room[CMSG_SPACE(1)];
    } control = {.room = {0}};
    struct iovec iov = {alert, sizeof alert};
    struct msghdr msg = {
        .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control.room};

    control.head =
        (struct cmsghdr){.cmsg_level = SOL_TLS, .cmsg_type = TLS_SET_RECORD_TYPE, .cmsg_len = CMSG_LEN(1)};
    *CMSG_DATA(&control.head) = ALERT;
    return sendmsg(fd, &msg, MSG_NOSIGNAL | MSG_DONTWAIT) == sizeof alert;
}

void tls_kernel_fini(struct tls_kernel *kernel)
{
    OPENSSL_cleanse(kernel, sizeof *kernel);
}

/* ---- what OpenSSL tells ---- */

static unsigned nibble(char c)
{
    return c <= '9' ? (unsigned)(c - '0') : (unsigned)((c | 32) - 'a' + 10);
}

/* The line is LABEL SP client random SP secret, in hex. From here on records are made with keys of this
 * secret. */
void tls_kernel_secret(struct tls_kernel *kernel, const char *line)
{
    struct str rest = str_from(line), label, random;

    if (!str_split(&rest, ' ', &label) || !str_eq(label, STR("SERVER_TRAFFIC_SECRET_0")) ||
        !str_split(&rest, ' ', &random))
        return;
    if (rest.len % 2 || rest.len > 2 * sizeof kernel->secret)
        return;
    kernel->secret_len = (uint8_t)(rest.len / 2);
    for (size_t i = 0; i < kernel->secret_len; i++)
        kernel->secret[i] = (unsigned char)(nibble(rest.p[2 * i]) << 4 | nibble(rest.p[2 * i + 1]));
    kernel->records = 0;
}

/* ---- keys ---- */

struct keys {
    bool is_1_3;
    uint16_t cipher; /* the kernel's name of it */
    size_t key_len;
    unsigned char key[KEY_MAX], nonce[NONCE]; /* of TLS 1.2 the first SALT bytes */
};

static bool derive(const char *name, const OSSL_PARAM *params, unsigned char *out, size_t len)
{
    EVP_KDF *kdf = EVP_KDF_fetch(NULL, name, NULL);
    EVP_KDF_CTX *context = kdf ? EVP_KDF_CTX_new(kdf) : NULL;
    bool ok = context && EVP_KDF_derive(context, out, len, params) == 1;

    EVP_KDF_CTX_free(context);
    EVP_KDF_free(kdf);
    return ok;
}

/* HKDF-Expand-Label (RFC 8446 section 7.1) without a context. */
static bool expand(const struct tls_kernel *kernel, const EVP_MD *digest, const char *label,
                   unsigned char *out, size_t len)
{
    int mode = EVP_KDF_HKDF_MODE_EXPAND_ONLY;
    const OSSL_PARAM params[] = {
        OSSL_PARAM_int(OSSL_KDF_PARAM_MODE, &mode),
        OSSL_PARAM_utf8_string(OSSL_KDF_PARAM_DIGEST, (char *)(uintptr_t)EVP_MD_get0_name(digest), 0),
        OSSL_PARAM_octet_string(OSSL_KDF_PARAM_KEY, (void *)(uintptr_t)kernel->secret, kernel->secret_len),
        OSSL_PARAM_octet_string(OSSL_KDF_PARAM_PREFIX, (void *)(uintptr_t) "tls13 ", 6),
        OSSL_PARAM_octet_string(OSSL_KDF_PARAM_LABEL, (void *)(uintptr_t)label, strlen(label)),
        OSSL_PARAM_END,
    };

    return derive(OSSL_KDF_NAME_TLS1_3_KDF, params, out, len);
}

/* The key block (RFC 5246 section 6.3): both keys, then both salts; the client's first, and we are the
 * server. */
static bool derive_1_2(const SSL *ssl, const EVP_MD *digest, struct keys *keys)
{
    static const char label[] = "key expansion";
    unsigned char master[SSL_MAX_MASTER_KEY_LENGTH], block[2 * (KEY_MAX + SALT)];
    unsigned char seed[sizeof label - 1 + 2 * SSL3_RANDOM_SIZE];
    size_t len = SSL_SESSION_get_master_key(SSL_get_session(ssl), master, sizeof master);
    const OSSL_PARAM params[] = {
        OSSL_PARAM_utf8_string(OSSL_KDF_PARAM_DIGEST, (char *)(uintptr_t)EVP_MD_get0_name(digest), 0),
        OSSL_PARAM_octet_string(OSSL_KDF_PARAM_SECRET, master, len),
        OSSL_PARAM_octet_string(OSSL_KDF_PARAM_SEED, seed, sizeof seed),
        OSSL_PARAM_END,
    };
    bool ok;

    memcpy(seed, label, sizeof label - 1);
    SSL_get_server_random(ssl, seed + sizeof label - 1, SSL3_RANDOM_SIZE);
    SSL_get_client_random(ssl, seed + sizeof label - 1 + SSL3_RANDOM_SIZE, SSL3_RANDOM_SIZE);
    ok = derive(OSSL_KDF_NAME_TLS1_PRF, params, block, 2 * (keys->key_len + SALT));
    memcpy(keys->key, block + keys->key_len, keys->key_len);
    memcpy(keys->nonce, block + 2 * keys->key_len + SALT, SALT);
    OPENSSL_cleanse(master, sizeof master);
    OPENSSL_cleanse(block, sizeof block);
    return ok;
}

/* False for a cipher that is none of ours, and when something was not told. */
static bool find_keys(const struct tls_kernel *kernel, const SSL *ssl, struct keys *keys)
{
    const SSL_CIPHER *cipher = SSL_get_current_cipher(ssl);
    const EVP_MD *digest = SSL_CIPHER_get_handshake_digest(cipher);
    int nid = SSL_CIPHER_get_cipher_nid(cipher);

    if ((nid != NID_aes_128_gcm && nid != NID_aes_256_gcm) || !digest)
        return false;
    *keys = (struct keys){.is_1_3 = SSL_version(ssl) == TLS1_3_VERSION,
                          .cipher = nid == NID_aes_128_gcm ? TLS_CIPHER_AES_GCM_128 : TLS_CIPHER_AES_GCM_256,
                          .key_len = nid == NID_aes_128_gcm ? 16 : 32};
    if (!keys->is_1_3)
        return SSL_version(ssl) == TLS1_2_VERSION && derive_1_2(ssl, digest, keys);
    return kernel->secret_len && expand(kernel, digest, "key", keys->key, keys->key_len) &&
           expand(kernel, digest, "iv", keys->nonce, NONCE);
}

/* ---- the proof ---- */

/* What is authenticated beside the data of record `number`, whose payload is `len` bytes. */
static int put_aad(const struct keys *keys, const unsigned char *record, uint64_t number, size_t len,
                   unsigned char aad[static AAD_MAX])
{
    if (keys->is_1_3) {
        memcpy(aad, record, TLS_KERNEL_HEAD);
        return TLS_KERNEL_HEAD;
    }
    put_number(aad, number);
    memcpy(aad + 8, record, 3);
    aad[11] = (unsigned char)(len >> 8);
    aad[12] = (unsigned char)len;
    return AAD_MAX;
}

/* Of TLS 1.3 the type of a record stands behind its data, before zeros (RFC 8446 section 5.2). */
static bool is_data(const struct keys *keys, const unsigned char *plain, size_t len)
{
    if (!keys->is_1_3)
        return true;
    while (len > 0 && plain[len - 1] == 0)
        len--;
    return len > 0 && plain[len - 1] == SSL3_RT_APPLICATION_DATA;
}

/* Whether the record is data, and number `number` under these keys. `nonce_r` is the one that it was made
 * with. */
static bool opens(const struct keys *keys, const unsigned char *record, size_t len, uint64_t number,
                  unsigned char nonce_r[static NONCE])
{
    const EVP_CIPHER *cipher = keys->key_len == 16 ? EVP_aes_128_gcm() : EVP_aes_256_gcm();
    size_t skip = TLS_KERNEL_HEAD + (keys->is_1_3 ? 0 : NONCE - SALT), payload;
    unsigned char aad[AAD_MAX], plain[RECORD_MAX + 256], counter[8];
    EVP_CIPHER_CTX *context;
    int aad_len, n;
    bool ok;

    if (len < skip + TAG || len - skip - TAG > sizeof plain)
        return false;
    payload = len - skip - TAG;
    memcpy(nonce_r, keys->nonce, NONCE);
    put_number(counter, number);
    for (size_t i = 0; keys->is_1_3 && i < sizeof counter; i++)
        nonce_r[SALT + i] ^= counter[i];
    if (!keys->is_1_3)
        memcpy(nonce_r + SALT, record + TLS_KERNEL_HEAD, NONCE - SALT);
    aad_len = put_aad(keys, record, number, payload, aad);
    context = EVP_CIPHER_CTX_new();
    ok = context && EVP_DecryptInit_ex(context, cipher, NULL, keys->key, nonce_r) == 1 &&
         EVP_DecryptUpdate(context, NULL, &n, aad, aad_len) == 1 &&
         EVP_DecryptUpdate(context, plain, &n, record + skip, (int)payload) == 1 &&
         EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, TAG,
                             (void *)(uintptr_t)(record + skip + payload)) == 1 &&
         EVP_DecryptFinal_ex(context, plain + payload, &n) == 1 && is_data(keys, plain, payload);
    EVP_CIPHER_CTX_free(context);
    OPENSSL_cleanse(plain, payload);
    return ok;
}

/* Big-endian, one more. */
static void step(unsigned char number[static 8])
{
    for (int i = 7; i >= 0 && ++number[i] == 0; i--)
        ;
}

/* Keys, and of TLS 1.2 the nonce of the next record behind that with `nonce`, as the kernel wants them. */
static void note_keys(struct tls_kernel *kernel, const struct keys *keys, unsigned char nonce[static NONCE])
{
    const struct tls_crypto_info info = {.version = keys->is_1_3 ? TLS_1_3_VERSION : TLS_1_2_VERSION,
                                         .cipher_type = keys->cipher};
    const unsigned char *salt = keys->nonce, *iv = keys->is_1_3 ? keys->nonce + SALT : nonce + SALT;

    if (!keys->is_1_3)
        step(nonce + SALT);
    if (keys->cipher == TLS_CIPHER_AES_GCM_128) {
        struct tls12_crypto_info_aes_gcm_128 *to = &kernel->keys.gcm128;

        to->info = info;
        memcpy(to->key, keys->key, sizeof to->key);
        memcpy(to->salt, salt, sizeof to->salt);
        memcpy(to->iv, iv, sizeof to->iv);
    } else {
        struct tls12_crypto_info_aes_gcm_256 *to = &kernel->keys.gcm256;

        to->info = info;
        memcpy(to->key, keys->key, sizeof to->key);
        memcpy(to->salt, salt, sizeof to->salt);
        memcpy(to->iv, iv, sizeof to->iv);
    }
}

/*
 * The record, which has not been counted, is what we think that it is, or the kernel is never used. This is
 * asked of each record until the kernel takes over: behind one that is data no other keys can have come.
 */
static void prove(struct tls_kernel *kernel, const SSL *ssl, const char *bytes, size_t len)
{
    unsigned char nonce[NONCE];
    struct keys keys;

    if (kernel->head[0] == SSL3_RT_APPLICATION_DATA && find_keys(kernel, ssl, &keys) &&
        opens(&keys, (const unsigned char *)bytes, len, kernel->records, nonce)) {
        note_keys(kernel, &keys, nonce);
        kernel->state = TLS_KERNEL_PROVEN;
    } else {
        log_debug("a connection stays with OpenSSL: %s", SSL_get_cipher_name(ssl));
        tls_kernel_fini(kernel);
    }
    OPENSSL_cleanse(&keys, sizeof keys);
}

/* ---- counting ---- */

/* A record has gone. Of what TLS 1.2 says, ChangeCipherSpec is the last under the keys of before. */
static void count(struct tls_kernel *kernel)
{
    kernel->records++;
    if (kernel->head[0] == SSL3_RT_CHANGE_CIPHER_SPEC)
        kernel->records = 0;
    kernel->head_len = 0;
}

/* A record begins whose head has just been read; `here` is it, as far as it is there, NULL when its head was
 * cut. */
static void begin(struct tls_kernel *kernel, const SSL *ssl, const char *here, size_t len)
{
    kernel->left = (uint32_t)kernel->head[3] << 8 | kernel->head[4];
    if (kernel->state != TLS_KERNEL_ASKED && kernel->state != TLS_KERNEL_PROVEN)
        return;
    if (here && kernel->left + TLS_KERNEL_HEAD <= len)
        prove(kernel, ssl, here, kernel->left + TLS_KERNEL_HEAD);
    else
        tls_kernel_fini(kernel);
}

void tls_kernel_sees(struct tls_kernel *kernel, const SSL *ssl, const char *bytes, size_t len)
{
    const char *first = bytes;

    while (len > 0) {
        size_t n;

        if (kernel->head_len < TLS_KERNEL_HEAD) {
            kernel->head[kernel->head_len++] = (unsigned char)*bytes++;
            len--;
            if (kernel->head_len < TLS_KERNEL_HEAD)
                continue;
            begin(kernel, ssl, bytes - first >= TLS_KERNEL_HEAD ? bytes - TLS_KERNEL_HEAD : NULL,
                  len + TLS_KERNEL_HEAD);
            if (kernel->state == TLS_KERNEL_NEVER)
                return;
        }
        n = kernel->left < len ? kernel->left : len;
        bytes += n;
        len -= n;
        kernel->left -= (uint32_t)n;
        if (kernel->left == 0)
            count(kernel);
    }
}
