#include "net/tls_ticket.h"

#include "../unit.h"
#include "base/clk.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define HOUR_NS (3600 * NS_PER_S)

static SSL_CTX *server_context, *client_context;
static SSL_SESSION *given; /* what the last connection could be resumed with */

static void certify(SSL_CTX *context)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *x509 = X509_new();

    X509_gmtime_adj(X509_getm_notBefore(x509), -60);
    X509_gmtime_adj(X509_getm_notAfter(x509), 3600);
    ck_assert(X509_set_pubkey(x509, key));
    ck_assert(X509_sign(x509, key, EVP_sha256()));
    ck_assert_int_eq(SSL_CTX_use_certificate(context, x509), 1);
    ck_assert_int_eq(SSL_CTX_use_PrivateKey(context, key), 1);
    X509_free(x509);
    EVP_PKEY_free(key);
}

/* `version` is the only one that is spoken. */
static void start(int version)
{
    server_context = SSL_CTX_new(TLS_server_method());
    client_context = SSL_CTX_new(TLS_client_method());
    certify(server_context);
    tls_ticket_equip(server_context);
    SSL_CTX_set_max_proto_version(client_context, version);
    SSL_CTX_set_min_proto_version(client_context, version);
    SSL_CTX_set_session_cache_mode(client_context,
                                   SSL_SESS_CACHE_OFF); /* it would spoil what is used again */
}

static void stop(void)
{
    SSL_SESSION_free(given);
    given = NULL;
    SSL_CTX_free(server_context);
    SSL_CTX_free(client_context);
}

/* A connection with this session, or none; whether it was resumed. What the server gives is in `given`. */
static bool resumes(SSL_SESSION *session)
{
    SSL *server = SSL_new(server_context), *client = SSL_new(client_context);
    BIO *ends[2];
    char none;
    bool resumed;

    ck_assert_int_eq(BIO_new_bio_pair(&ends[0], 0, &ends[1], 0), 1);
    SSL_set_bio(server, ends[0], ends[0]);
    SSL_set_bio(client, ends[1], ends[1]);
    SSL_set_accept_state(server);
    SSL_set_connect_state(client);
    if (session)
        ck_assert_int_eq(SSL_set_session(client, session), 1);
    for (int i = 0; i < 10 && !(SSL_is_init_finished(server) && SSL_is_init_finished(client)); i++) {
        SSL_do_handshake(client);
        SSL_do_handshake(server);
    }
    ck_assert(SSL_is_init_finished(server) && SSL_is_init_finished(client));
    ck_assert_int_le(SSL_read(client, &none, 1), 0); /* tickets of TLS 1.3 */
    resumed = SSL_session_reused(client) == 1;
    SSL_SESSION_free(given);
    given = SSL_get1_session(client);
    SSL_shutdown(client);
    SSL_free(server);
    SSL_free(client);
    return resumed;
}

/* A session of a connection that resumes nothing; the caller frees it. */
static SSL_SESSION *fresh(void)
{
    ck_assert(!resumes(NULL));
    ck_assert(SSL_SESSION_up_ref(given));
    return given;
}

/* Whether another ticket was given than this session's. */
static bool was_renewed(const SSL_SESSION *session)
{
    const unsigned char *old, *new;
    size_t old_len, new_len;

    SSL_SESSION_get0_ticket(session, &old, &old_len);
    SSL_SESSION_get0_ticket(given, &new, &new_len);
    return old_len != new_len || memcmp(old, new, old_len) != 0;
}

static int64_t made_here(void)
{
    char why[256];

    ck_assert(tls_ticket_use(NULL, why, sizeof why));
    return clk_mono_ns();
}

static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};

START_TEST(a_ticket_is_taken_as_long_as_its_key_is_kept_and_renewed_by_the_newest)
{
    int64_t now_ns;
    SSL_SESSION *old;

    start(versions[_i]);
    now_ns = made_here();
    old = fresh();
    tls_ticket_look(now_ns + HOUR_NS / 2);
    ck_assert(resumes(old));
    ck_assert_int_eq(was_renewed(old), versions[_i] == TLS1_3_VERSION); /* the key is the newest */
    for (int hour = 1; hour <= TLS_TICKET_LIFE_S / 3600; hour++) {
        tls_ticket_look(now_ns + hour * HOUR_NS);
        tls_ticket_look(now_ns + hour * HOUR_NS + NS_PER_S); /* one key an hour */
        ck_assert_msg(resumes(old), "after %d hours", hour);
        ck_assert(was_renewed(old));
    }
    tls_ticket_look(now_ns + TLS_TICKET_KEYS_MAX * HOUR_NS);
    ck_assert(!resumes(old));
    SSL_SESSION_free(old);
    stop();
}
END_TEST

START_TEST(a_renewed_ticket_outlives_the_key_of_the_first)
{
    int64_t now_ns;
    SSL_SESSION *old, *next;

    start(versions[_i]);
    now_ns = made_here();
    old = fresh();
    tls_ticket_look(now_ns + HOUR_NS);
    ck_assert(resumes(old));
    next = given;
    ck_assert(SSL_SESSION_up_ref(next));
    for (int hour = 2; hour <= TLS_TICKET_KEYS_MAX; hour++)
        tls_ticket_look(now_ns + hour * HOUR_NS);
    ck_assert(!resumes(old));
    ck_assert(resumes(next));
    SSL_SESSION_free(old);
    SSL_SESSION_free(next);
    stop();
}
END_TEST

START_TEST(keys_of_a_file_are_not_rotated_here)
{
    char path[] = "/tmp/penstock-ticket-XXXXXX", why[256], key[TLS_TICKET_KEY_LEN];
    int fd = mkstemp(path);
    SSL_SESSION *old;

    memset(key, 7, sizeof key);
    ck_assert_int_eq(write(fd, key, sizeof key), sizeof key);
    close(fd);
    start(TLS1_2_VERSION);
    ck_assert(tls_ticket_use(path, why, sizeof why));
    old = fresh();
    for (int hour = 1; hour <= 2 * TLS_TICKET_KEYS_MAX; hour++)
        tls_ticket_look(clk_mono_ns() + hour * HOUR_NS);
    ck_assert(resumes(old));
    ck_assert(!was_renewed(old));
    made_here(); /* the fleet's keys are not kept */
    ck_assert(!resumes(old));
    unlink(path);
    SSL_SESSION_free(old);
    stop();
}
END_TEST

Suite *unit_suite(void)
{
    Suite *suite = suite_create("net/tls_ticket");
    TCase *tc = tcase_create("ticket");

    tcase_add_loop_test(tc, a_ticket_is_taken_as_long_as_its_key_is_kept_and_renewed_by_the_newest, 0,
                        ARRAY_LEN(versions));
    tcase_add_loop_test(tc, a_renewed_ticket_outlives_the_key_of_the_first, 0, ARRAY_LEN(versions));
    tcase_add_test(tc, keys_of_a_file_are_not_rotated_here);
    suite_add_tcase(suite, tc);
    return suite;
}
