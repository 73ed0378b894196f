#include "net/tls_ticket.h"

#include "base/clk.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "net/stamp.h"

#include <errno.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/rand.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum {
    NAME_LEN = 16,
    WHY_LEN = 256,
};
#define ROTATE_NS (3600 * NS_PER_S)

struct key {
    unsigned char name[NAME_LEN];
    unsigned char aes[32];
    unsigned char mac[32];
};
_Static_assert(sizeof(struct key) == TLS_TICKET_KEY_LEN, "a key in the file is its struct");

/* Of the process. */
static struct {
    pthread_mutex_t mutex; /* for the keys: control writes, workers read */
    struct key keys[TLS_TICKET_KEYS_MAX];
    size_t len;
    /* control's own */
    char *path;       /* NULL: made here */
    uint64_t stamp;   /* of the file, when it was read */
    int64_t since_ns; /* the newest key was made */
} ring = {.mutex = PTHREAD_MUTEX_INITIALIZER};

/* ---- changing them ---- */

static void replace(const struct key *keys, size_t len)
{
    pthread_mutex_lock(&ring.mutex);
    memcpy(ring.keys, keys, len * sizeof *keys);
    ring.len = len;
    pthread_mutex_unlock(&ring.mutex);
}

/* A new first key, before at most `kept` of the present ones. */
static void make_one(int64_t now_ns, size_t kept)
{
    struct key keys[TLS_TICKET_KEYS_MAX];

    kept = kept < TLS_TICKET_KEYS_MAX ? kept : TLS_TICKET_KEYS_MAX - 1;
    BUG_ON(RAND_priv_bytes((unsigned char *)&keys[0], sizeof keys[0]) != 1);
    memcpy(&keys[1], ring.keys, kept * sizeof *keys);
    replace(keys, kept + 1);
    ring.since_ns = now_ns;
    OPENSSL_cleanse(keys, sizeof keys);
}

static bool read_file(const char *path, char *why, size_t why_len)
{
    unsigned char bytes[TLS_TICKET_KEYS_MAX * TLS_TICKET_KEY_LEN + 1];
    FILE *file = fopen(path, "re");
    size_t len;

    if (!file) {
        snprintf(why, why_len, "%s cannot be read: %s", path, strerror(errno));
        return false;
    }
    len = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    if (len == 0 || len % TLS_TICKET_KEY_LEN != 0 || len == sizeof bytes) {
        snprintf(why, why_len,
                 "%s does not hold 1 to %d keys of %d bytes; make one with `openssl rand -out %s %d`", path,
                 TLS_TICKET_KEYS_MAX, TLS_TICKET_KEY_LEN, path, TLS_TICKET_KEY_LEN);
        return false;
    }
    replace((const struct key *)(const void *)bytes, len / TLS_TICKET_KEY_LEN);
    OPENSSL_cleanse(bytes, sizeof bytes);
    return true;
}

/* Whoever reads the file can read recorded connections of TLS 1.2. */
static void warn_of_readers(const char *path)
{
    struct stat st;

    if (stat(path, &st) == 0 && (st.st_mode & (S_IRGRP | S_IROTH)))
        log_warn("tls: ticketKeyFile %s can be read by others than its owner: chmod 600 it", path);
}

bool tls_ticket_use(const char *path, char *why, size_t why_len)
{
    uint64_t stamp = path ? stamp_of(path, STAMP_NONE) : STAMP_NONE;

    if (path && !read_file(path, why, why_len))
        return false;
    if (path)
        warn_of_readers(path);
    if (!path && (ring.path || ring.len == 0))
        make_one(clk_mono_ns(), 0); /* those of the file are the fleet's */
    free(ring.path);
    ring.path = path ? mem_strdup(path) : NULL;
    ring.stamp = stamp;
    return true;
}

void tls_ticket_look(int64_t now_ns)
{
    char why[WHY_LEN];
    uint64_t stamp;

    if (!ring.path) {
        if (ring.len && now_ns - ring.since_ns >= ROTATE_NS)
            make_one(now_ns, ring.len);
        return;
    }
    stamp = stamp_of(ring.path, STAMP_NONE);
    if (stamp == ring.stamp)
        return;
    ring.stamp = stamp;
    if (read_file(ring.path, why, sizeof why))
        log_info("tls: the ticket keys of %s are in use, %zu of them", ring.path, ring.len);
    else
        log_error("tls: ticketKeyFile %s; the old keys stay in use", why);
}

/* ---- using them ---- */

/* The first key, or the one of this name, and its place; false when it is gone. */
static bool take(const unsigned char *name, struct key *key_r, size_t *place_r)
{
    bool found = false;

    pthread_mutex_lock(&ring.mutex);
    for (size_t i = 0; i < ring.len && !found; i++) {
        if (name && memcmp(ring.keys[i].name, name, NAME_LEN) != 0)
            continue;
        *key_r = ring.keys[i];
        *place_r = i;
        found = true;
    }
    pthread_mutex_unlock(&ring.mutex);
    return found;
}

static bool set_mac(EVP_MAC_CTX *mac, struct key *key)
{
    char digest[] = "SHA256";
    OSSL_PARAM params[] = {OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, key->mac, sizeof key->mac),
                           OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
                           OSSL_PARAM_construct_end()};

    return EVP_MAC_CTX_set_params(mac, params) == 1;
}

/* Fetched once: OpenSSL would look it up each time. */
static EVP_CIPHER *cipher;

/* -1: failed; 0: no ticket, or one that we cannot open; 1: good; 2: good, and to be replaced. Tickets of
 * TLS 1.3 are used once (RFC 8446 appendix C.4). */
static int on_ticket(SSL *ssl, unsigned char *name, unsigned char *iv, EVP_CIPHER_CTX *context,
                     EVP_MAC_CTX *mac, int encrypts)
{
    struct key key;
    size_t place;
    int good;

    if (!take(encrypts ? NULL : name, &key, &place))
        return 0;
    if (encrypts) {
        memcpy(name, key.name, NAME_LEN);
        good = RAND_bytes(iv, EVP_CIPHER_get_iv_length(cipher)) == 1 &&
               EVP_EncryptInit_ex2(context, cipher, key.aes, iv, NULL) == 1 && set_mac(mac, &key);
    } else {
        good = EVP_DecryptInit_ex2(context, cipher, key.aes, iv, NULL) == 1 && set_mac(mac, &key);
    }
    OPENSSL_cleanse(&key, sizeof key);
    if (!good)
        return -1;
    return !encrypts && (place > 0 || SSL_version(ssl) == TLS1_3_VERSION) ? 2 : 1;
}

void tls_ticket_equip(SSL_CTX *context)
{
    if (!cipher)
        cipher = EVP_CIPHER_fetch(NULL, "AES-256-CBC", NULL);
    BUG_ON(!cipher || !SSL_CTX_set_tlsext_ticket_key_evp_cb(context, on_ticket));
    SSL_CTX_set_timeout(context, TLS_TICKET_LIFE_S);
}
