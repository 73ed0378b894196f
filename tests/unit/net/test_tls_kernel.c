/*
 * The kernel takes over what a server sends. Here the test is the kernel: it encrypts with the keys that the
 * kernel would get, and a client of OpenSSL has to understand it. The real one is asked by `make check-ktls`.
 */
#include "net/tls_kernel.h"

#include "../unit.h"
#include "base/mem.h"

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>

enum { TAG = 16, NONCE = 12, SALT = 4, DATA = 23 };

/* ---- two ends without sockets ---- */

static SSL_CTX *server_context, *client_context;
static SSL *server, *client;
static SSL_SESSION *session;
static struct tls_kernel kernel;

static void on_key_log(const SSL *ssl, const char *line)
{
    (void)ssl;
    tls_kernel_secret(&kernel, line);
}

static int on_session(SSL *ssl, SSL_SESSION *fresh)
{
    (void)ssl;
    SSL_SESSION_free(session);
    session = fresh;
    return 1;
}

static void make_contexts(void)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *x509 = X509_new();

    X509_gmtime_adj(X509_getm_notBefore(x509), -60);
    X509_gmtime_adj(X509_getm_notAfter(x509), 3600);
    ck_assert(X509_set_pubkey(x509, key));
    ck_assert(X509_sign(x509, key, EVP_sha256()));
    server_context = SSL_CTX_new(TLS_server_method());
    client_context = SSL_CTX_new(TLS_client_method());
    ck_assert(SSL_CTX_use_certificate(server_context, x509));
    ck_assert(SSL_CTX_use_PrivateKey(server_context, key));
    SSL_CTX_set_keylog_callback(server_context, on_key_log);
    SSL_CTX_set_session_id_context(server_context, (const unsigned char *)"a", 1);
    SSL_CTX_set_session_cache_mode(client_context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(client_context, on_session);
    X509_free(x509);
    EVP_PKEY_free(key);
}

static size_t piece; /* in which the kernel sees what is said; 0: it does not */

/* As in a stream: what OpenSSL writes is seen when it is written. */
static long on_write(BIO *bio, int oper, const char *bytes, size_t len, int argi, long argl, int result,
                     size_t *processed)
{
    (void)bio, (void)argi, (void)argl, (void)processed;
    if (oper != BIO_CB_WRITE || !piece)
        return result;
    for (size_t at = 0, n; at < len; at += n) {
        n = len - at < piece ? len - at : piece;
        if (kernel.state != TLS_KERNEL_NEVER)
            tls_kernel_sees(&kernel, server, bytes + at, n);
    }
    return result;
}

static void carry_from(SSL *from, SSL *to)
{
    char bytes[32768];
    int len = BIO_read(SSL_get_wbio(from), bytes, sizeof bytes);

    if (len > 0)
        BIO_write(SSL_get_rbio(to), bytes, len);
}

static void carry(void)
{
    carry_from(server, client);
    carry_from(client, server);
}

static void shake(size_t in_pieces)
{
    char none;

    piece = in_pieces;
    server = SSL_new(server_context);
    client = SSL_new(client_context);
    SSL_set_bio(server, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    SSL_set_bio(client, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    BIO_set_callback_ex(SSL_get_wbio(server), on_write);
    SSL_set_accept_state(server);
    SSL_set_connect_state(client);
    if (session)
        ck_assert(SSL_set_session(client, session));
    kernel = (struct tls_kernel){.state = TLS_KERNEL_IDLE};
    for (int i = 0; i < 10; i++) {
        SSL_do_handshake(client);
        carry();
        SSL_do_handshake(server);
        carry();
    }
    ck_assert(SSL_is_init_finished(server) && SSL_is_init_finished(client));
    SSL_read(client, &none, 1); /* tickets */
    piece = SIZE_MAX;
}

static void hang_up(void)
{
    tls_kernel_fini(&kernel);
    SSL_set_shutdown(client, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN); /* so that its session stays good */
    SSL_free(server);
    SSL_free(client);
}

static void say(const char *text)
{
    ck_assert_int_eq(SSL_write(server, text, (int)strlen(text)), (int)strlen(text));
    carry();
}

static void expect(const char *text)
{
    char bytes[64];
    int len = SSL_read(client, bytes, sizeof bytes);

    ck_assert_int_eq(len, (int)strlen(text));
    ck_assert(memcmp(bytes, text, strlen(text)) == 0);
}

/* ---- the kernel ---- */

static size_t seal(const unsigned char *key, const unsigned char *salt, const unsigned char *iv, bool is_128,
                   const char *text, unsigned char *record)
{
    bool is_1_3 = kernel.keys.any.version == TLS_1_3_VERSION;
    size_t len = strlen(text) + (is_1_3 ? 1 : 0), skip = is_1_3 ? 5 : 13;
    size_t wire = skip - 5 + len + TAG;
    unsigned char nonce[NONCE], aad[13], data[64];
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    int n;

    memcpy(data, text, strlen(text));
    data[strlen(text)] = DATA;
    memcpy(nonce, salt, SALT);
    memcpy(nonce + SALT, iv, NONCE - SALT);
    memcpy(record, (const unsigned char[]){DATA, 3, 3, (unsigned char)(wire >> 8), (unsigned char)wire}, 5);
    memcpy(record + 5, iv, 8);
    for (int i = 0; i < 8; i++) {
        aad[i] = (unsigned char)(kernel.records >> (56 - 8 * i));
        nonce[SALT + i] ^= is_1_3 ? aad[i] : 0;
    }
    memcpy(aad + 8, (const unsigned char[]){DATA, 3, 3, 0, (unsigned char)len}, 5);
    ck_assert(EVP_EncryptInit_ex(context, is_128 ? EVP_aes_128_gcm() : EVP_aes_256_gcm(), NULL, key, nonce));
    ck_assert(EVP_EncryptUpdate(context, NULL, &n, is_1_3 ? record : aad, is_1_3 ? 5 : 13));
    ck_assert(EVP_EncryptUpdate(context, record + skip, &n, data, (int)len));
    ck_assert(EVP_EncryptFinal_ex(context, record + skip + len, &n));
    ck_assert(EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, TAG, record + skip + len));
    EVP_CIPHER_CTX_free(context);
    return 5 + wire;
}

/* The next record of the server, which OpenSSL's end knows nothing of. */
static void say_by_kernel(const char *text)
{
    bool is_128 = kernel.keys.any.cipher_type == TLS_CIPHER_AES_GCM_128;
    unsigned char record[128];
    size_t len = is_128 ? seal(kernel.keys.gcm128.key, kernel.keys.gcm128.salt, kernel.keys.gcm128.iv, true,
                               text, record)
                        : seal(kernel.keys.gcm256.key, kernel.keys.gcm256.salt, kernel.keys.gcm256.iv, false,
                               text, record);

    BIO_write(SSL_get_rbio(client), record, (int)len);
}

/* ---- cases ---- */

static const struct {
    int version;
    const char *cipher, *suite;
    bool fits;
} kinds[] = {
    {TLS1_3_VERSION, NULL, "TLS_AES_128_GCM_SHA256", true},
    {TLS1_3_VERSION, NULL, "TLS_AES_256_GCM_SHA384", true},
    {TLS1_3_VERSION, NULL, "TLS_CHACHA20_POLY1305_SHA256", false},
    {TLS1_2_VERSION, "ECDHE-ECDSA-AES128-GCM-SHA256", NULL, true},
    {TLS1_2_VERSION, "ECDHE-ECDSA-AES256-GCM-SHA384", NULL, true},
    {TLS1_2_VERSION, "ECDHE-ECDSA-CHACHA20-POLY1305", NULL, false},
};

static void start(int kind)
{
    make_contexts();
    SSL_CTX_set_max_proto_version(server_context, kinds[kind].version);
    if (kinds[kind].cipher)
        ck_assert(SSL_CTX_set_cipher_list(client_context, kinds[kind].cipher));
    if (kinds[kind].suite)
        ck_assert(SSL_CTX_set_ciphersuites(client_context, kinds[kind].suite));
}

static void stop(void)
{
    SSL_SESSION_free(session);
    session = NULL;
    SSL_CTX_free(server_context);
    SSL_CTX_free(client_context);
}

static void take_over(int kind)
{
    say("one");
    expect("one");
    kernel.state = TLS_KERNEL_ASKED;
    say("two");
    expect("two");
    ck_assert_int_eq(kernel.state, kinds[kind].fits ? TLS_KERNEL_PROVEN : TLS_KERNEL_NEVER);
    if (!kinds[kind].fits)
        return;
    say("three"); /* before the kernel begins */
    expect("three");
    ck_assert_int_eq(kernel.state, TLS_KERNEL_PROVEN);
    say_by_kernel("four");
    expect("four");
}

START_TEST(a_client_understands_what_goes_on_with_our_keys)
{
    start(_i);
    shake(SIZE_MAX);
    ck_assert(!SSL_session_reused(client));
    take_over(_i);
    hang_up();
    shake(1);
    ck_assert(SSL_session_reused(client));
    take_over(_i);
    hang_up();
    stop();
}
END_TEST

START_TEST(a_connection_with_new_keys_stays)
{
    start(0);
    shake(SIZE_MAX);
    say("one");
    expect("one");
    ck_assert(SSL_key_update(client, SSL_KEY_UPDATE_REQUESTED));
    ck_assert_int_eq(SSL_write(client, "x", 1), 1);
    carry();
    kernel.state = _i ? TLS_KERNEL_ASKED : TLS_KERNEL_IDLE;
    ck_assert_int_eq(SSL_read(server, (char[1]){0}, 1), 1); /* and it answers with keys of its own */
    carry();
    if (!_i)
        kernel.state = TLS_KERNEL_ASKED;
    say("two");
    expect("two");
    ck_assert_int_eq(kernel.state, TLS_KERNEL_NEVER);
    hang_up();
    stop();
}
END_TEST

START_TEST(new_keys_behind_the_proof_undo_it)
{
    start(0);
    shake(SIZE_MAX);
    kernel.state = TLS_KERNEL_ASKED;
    say("one");
    expect("one");
    ck_assert_int_eq(kernel.state, TLS_KERNEL_PROVEN);
    ck_assert(SSL_key_update(server, SSL_KEY_UPDATE_NOT_REQUESTED));
    say("two");
    expect("two");
    ck_assert_int_eq(kernel.state, TLS_KERNEL_NEVER);
    hang_up();
    stop();
}
END_TEST

START_TEST(a_record_that_is_not_seen_as_a_whole_proves_nothing)
{
    start(0);
    shake(SIZE_MAX);
    kernel.state = TLS_KERNEL_ASKED;
    piece = (size_t)_i;
    say("one");
    expect("one");
    ck_assert_int_eq(kernel.state, TLS_KERNEL_NEVER);
    hang_up();
    stop();
}
END_TEST

START_TEST(a_record_that_went_another_way_is_noticed)
{
    start(3 * _i);
    shake(SIZE_MAX);
    piece = 0;
    say("one");
    expect("one");
    piece = SIZE_MAX;
    kernel.state = TLS_KERNEL_ASKED;
    say("two");
    expect("two");
    ck_assert_int_eq(kernel.state, TLS_KERNEL_NEVER);
    hang_up();
    stop();
}
END_TEST

START_TEST(a_kernel_that_refuses_leaves_the_connection_as_it_is)
{
    uint64_t before = tls_kernel_count();

    start(0);
    shake(SIZE_MAX);
    kernel.state = TLS_KERNEL_ASKED;
    say("one");
    expect("one");
    ck_assert_int_eq(kernel.state, TLS_KERNEL_PROVEN);
    tls_kernel_begin(&kernel, -1);
    ck_assert_int_eq(kernel.state, TLS_KERNEL_NEVER);
    ck_assert_uint_eq(tls_kernel_count(), before);
    ck_assert(!tls_kernel_goodbye(-1));
    say("two");
    expect("two");
    hang_up();
    stop();
}
END_TEST

START_TEST(a_secret_that_is_none_is_passed_over)
{
    static const char *const lines[] = {"", "SERVER_TRAFFIC_SECRET_0", "SERVER_TRAFFIC_SECRET_0 00 0",
                                        "CLIENT_TRAFFIC_SECRET_0 00 00", "CLIENT_RANDOM 00 00"};
    char line[256];

    kernel = (struct tls_kernel){.state = TLS_KERNEL_IDLE};
    for (size_t i = 0; i < ARRAY_LEN(lines); i++)
        tls_kernel_secret(&kernel, lines[i]);
    snprintf(line, sizeof line, "SERVER_TRAFFIC_SECRET_0 00 %098d", 0);
    tls_kernel_secret(&kernel, line);
    ck_assert_uint_eq(kernel.secret_len, 0);
    tls_kernel_secret(&kernel, "SERVER_TRAFFIC_SECRET_0 00 0aFf");
    ck_assert_uint_eq(kernel.secret_len, 2);
    ck_assert_uint_eq(kernel.secret[0], 0x0a);
    ck_assert_uint_eq(kernel.secret[1], 0xff);
}
END_TEST

START_TEST(whether_the_kernel_is_there_can_be_asked)
{
    int error = 0;

    if (!tls_kernel_is_there(&error))
        ck_assert_int_ne(error, 0);
}
END_TEST

Suite *unit_suite(void)
{
    Suite *suite = suite_create("net/tls_kernel");
    TCase *tc = tcase_create("take over");

    tcase_add_loop_test(tc, a_client_understands_what_goes_on_with_our_keys, 0, ARRAY_LEN(kinds));
    tcase_add_loop_test(tc, a_connection_with_new_keys_stays, 0, 2);
    tcase_add_test(tc, new_keys_behind_the_proof_undo_it);
    tcase_add_loop_test(tc, a_record_that_is_not_seen_as_a_whole_proves_nothing, 1, 7);
    tcase_add_loop_test(tc, a_record_that_went_another_way_is_noticed, 0, 2);
    tcase_add_test(tc, a_kernel_that_refuses_leaves_the_connection_as_it_is);
    tcase_add_test(tc, a_secret_that_is_none_is_passed_over);
    tcase_add_test(tc, whether_the_kernel_is_there_can_be_asked);
    suite_add_tcase(suite, tc);
    return suite;
}
