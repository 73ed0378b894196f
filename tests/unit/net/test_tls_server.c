#include "net/tls_server.h"

#include "net/tls.h"
#include "pair.h"

#include <fcntl.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <stdio.h>

/* ---- certificates ---- */

static char folder[] = "/tmp/penstock-tls-XXXXXX";

static void sign(X509 *x509, EVP_PKEY *key, const char *names)
{
    X509_EXTENSION *ext = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, names);

    ck_assert_ptr_nonnull(ext);
    ck_assert(X509_set_version(x509, X509_VERSION_3));
    ck_assert(ASN1_INTEGER_set(X509_get_serialNumber(x509), 1));
    X509_gmtime_adj(X509_getm_notBefore(x509), -60);
    X509_gmtime_adj(X509_getm_notAfter(x509), 3600);
    ck_assert(X509_NAME_add_entry_by_txt(X509_get_subject_name(x509), "CN", MBSTRING_ASC,
                                         (const unsigned char *)names, -1, -1, 0));
    ck_assert(X509_set_issuer_name(x509, X509_get_subject_name(x509)));
    ck_assert(X509_set_pubkey(x509, key));
    ck_assert(X509_add_ext(x509, ext, -1));
    ck_assert(X509_sign(x509, key, EVP_sha256()));
    X509_EXTENSION_free(ext);
}

/* A key and a certificate for these names, in files; gives their setting. */
static struct config_certificate make_cert(const char *name, EVP_PKEY *key, const char *names)
{
    struct config_certificate conf = {0};
    X509 *x509 = X509_new();
    FILE *file;

    ck_assert_int_gt(asprintf(&conf.cert_file, "%s/%s.pem", folder, name), 0);
    ck_assert_int_gt(asprintf(&conf.key_file, "%s/%s.key", folder, name), 0);
    sign(x509, key, names);
    file = fopen(conf.cert_file, "w");
    ck_assert(PEM_write_X509(file, x509));
    fclose(file);
    file = fopen(conf.key_file, "w");
    ck_assert(PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL));
    fclose(file);
    X509_free(x509);
    EVP_PKEY_free(key);
    return conf;
}

static void drop_cert(struct config_certificate *conf)
{
    unlink(conf->cert_file);
    unlink(conf->key_file);
    free(conf->cert_file);
    free(conf->key_file);
}

/* ---- a server and a client ---- */

static struct config_certificate certs[3];
static struct config_listener listener_conf;
static struct config config;
static struct conn conn;
static unsigned ended, readable;
static SSL_CTX *client_context;
static SSL *client;
static int client_fd;

static void on_conn(struct conn *ready_conn, unsigned ready)
{
    if (ended == 0)
        ended = 1;
    else if (ready & CONN_READABLE)
        readable++;
    (void)ready_conn;
}

static void start(void)
{
    struct conf_report report;

    pair_open(-1);
    ck_assert_ptr_nonnull(mkdtemp(folder));
    certs[0] = make_cert("a", EVP_EC_gen("P-256"), "DNS:a.example,DNS:www.a.example");
    certs[1] = make_cert("b", EVP_EC_gen("P-256"), "DNS:*.b.example,DNS:x.a.example");
    certs[2] = make_cert("rsa", EVP_RSA_gen(2048), "DNS:a.example");
    listener_conf = (struct config_listener){.address.text = (char *)(uintptr_t) "test",
                                             .tls = {.wanted = true,
                                                     .certificates = certs,
                                                     .certificates_len = ARRAY_LEN(certs),
                                                     .protocols = {CONFIG_PROTOCOL_HTTP_1_1},
                                                     .protocols_len = 1}};
    config =
        (struct config){.path = (char *)(uintptr_t) "test", .listeners = &listener_conf, .listeners_len = 1};
    conf_report_init(&report);
    ck_assert(tls_load(&config, &report));
    ck_assert_uint_eq(report.len, 0);
    conf_report_fini(&report);
    client_context = SSL_CTX_new(TLS_client_method());
}

static void stop(void)
{
    listener_conf.tls.server_free(listener_conf.tls.server);
    for (size_t i = 0; i < ARRAY_LEN(certs); i++)
        drop_cert(&certs[i]);
    rmdir(folder);
    memcpy(folder + strlen(folder) - 6, "XXXXXX", 6);
    SSL_CTX_free(client_context);
    pair_close();
}

/* Both ends, before the handshake; the way from the conn holds little. */
static void dial(const char *name)
{
    int fds[2], least = 1;

    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
    ck_assert_int_eq(setsockopt(fds[0], SOL_SOCKET, SO_SNDBUF, &least, sizeof least), 0);
    ended = readable = 0;
    conn_init(&conn, base, fds[0], on_conn);
    client_fd = fds[1];
    client = SSL_new(client_context);
    SSL_set_fd(client, client_fd);
    SSL_set_connect_state(client);
    if (name)
        ck_assert(SSL_set_tlsext_host_name(client, name));
}

static void hang_up(void)
{
    SSL_free(client);
    close(client_fd);
    conn_close(&conn);
}

static void shake(void)
{
    ck_assert(tls_server_begin(listener_conf.tls.server, &conn, STR_NULL));
    for (int i = 0; i < 100 && !(ended && SSL_is_init_finished(client)); i++) {
        SSL_do_handshake(client);
        turn_now();
    }
    ck_assert(ended);
}

/* The common name of what is shown to a client that asks for this name. */
static const char *shown(const char *name)
{
    static char text[256];
    X509 *x509;

    dial(name);
    shake();
    ck_assert_int_eq(tls_server_end(&conn), TLS_END_FULL);
    x509 = SSL_get1_peer_certificate(client);
    X509_NAME_get_text_by_NID(X509_get_subject_name(x509), NID_commonName, text, sizeof text);
    X509_free(x509);
    hang_up();
    return text;
}

START_TEST(a_name_gets_its_certificate)
{
    start();
    ck_assert_str_eq(shown("a.example"), "DNS:a.example,DNS:www.a.example");
    ck_assert_str_eq(shown("Y.B.Example"), "DNS:*.b.example,DNS:x.a.example");
    ck_assert_str_eq(shown("z.y.b.example"), "DNS:a.example,DNS:www.a.example");
    ck_assert_str_eq(shown(NULL), "DNS:a.example,DNS:www.a.example");
    SSL_CTX_set1_sigalgs_list(client_context, "RSA-PSS+SHA256");
    ck_assert_str_eq(shown("a.example"), "DNS:a.example");
    ck_assert_str_eq(shown("nobody.example"), "DNS:a.example");
    stop();
}
END_TEST

START_TEST(a_request_is_for_a_name_with_the_same_certificates)
{
    start();
    dial("y.b.example");
    ck_assert(tls_server_serves(&conn, STR("a.example"))); /* in clear text anything goes */
    shake();
    ck_assert(tls_server_serves(&conn, STR("y.b.example")));
    ck_assert(tls_server_serves(&conn, STR("other.b.example")));
    ck_assert(!tls_server_serves(&conn, STR("a.example")));
    ck_assert(!tls_server_serves(&conn, STR("")));
    hang_up();
    dial(NULL);
    shake();
    ck_assert(tls_server_serves(&conn, STR("y.b.example")));
    hang_up();
    stop();
}
END_TEST

/* ---- bytes ---- */

enum { LONG = 300 * 1024 };
static char said[LONG], heard[LONG + 1];

static ssize_t writev_two(size_t from, size_t first, size_t all)
{
    struct iovec iov[2] = {{said + from, from < first ? first - from : all - from},
                           {said + first, all - first}};

    return conn_writev(&conn, iov, from < first ? 2 : 1);
}

/* The client takes what is there; false when nothing is. */
static bool hear(size_t *len)
{
    int n = SSL_read(client, heard + *len, (int)(sizeof heard - *len));

    if (n > 0)
        *len += (size_t)n;
    return n > 0;
}

START_TEST(what_the_socket_does_not_take_is_not_told_of_as_sent)
{
    size_t sent = 0, len = 0, blocked = 0;

    start();
    dial("a.example");
    shake();
    for (size_t i = 0; i < LONG; i++)
        said[i] = (char)(i * 7 + i / 251);
    while (sent < LONG) {
        ssize_t n = writev_two(sent, LONG / 3, LONG);

        ck_assert(n > 0 || n == CONN_AGAIN);
        sent += n > 0 ? (size_t)n : 0;
        blocked += n == CONN_AGAIN;
        while (sent == LONG && hear(&len)) /* all has left: it must come without another call */
            ;
        hear(&len);
    }
    ck_assert_uint_gt(blocked, 0);
    while (hear(&len))
        ;
    ck_assert_uint_eq(len, LONG);
    ck_assert_int_eq(memcmp(said, heard, LONG), 0);
    hang_up();
    stop();
}
END_TEST

/* Lengths of the records that wait at the client, taken off its socket. */
static size_t records(size_t *lens, size_t max)
{
    unsigned char head[5];
    size_t count = 0;

    while (count < max && recv(client_fd, head, 5, MSG_DONTWAIT) == 5) {
        size_t len = (size_t)head[3] << 8 | head[4], got = 0;

        while (got < len) {
            ssize_t n = recv(client_fd, heard, len - got, 0);

            ck_assert_int_gt(n, 0);
            got += (size_t)n;
        }
        lens[count++] = len;
    }
    return count;
}

START_TEST(a_short_answer_is_one_record_and_a_long_one_begins_with_small_ones)
{
    enum { WHOLE = 100 * 1024 };
    int much = 1 << 20;
    size_t lens[128], count, small = 0;

    start();
    dial("a.example");
    ck_assert_int_eq(setsockopt(conn.fd, SOL_SOCKET, SO_SNDBUF, &much, sizeof much), 0);
    shake();
    ck_assert_int_eq(SSL_read(client, heard, 1), -1); /* takes the tickets */
    ck_assert_int_eq(writev_two(0, 200, 1200), 1200);
    ck_assert_uint_eq(records(lens, ARRAY_LEN(lens)), 1);
    ck_assert_uint_gt(lens[0], 1200);
    ck_assert_int_eq(writev_two(0, 200, WHOLE), WHOLE);
    count = records(lens, ARRAY_LEN(lens));
    while (small < count && lens[small] < 1400)
        small++;
    ck_assert_uint_ge(small, 64 * 1024 / 1300);
    ck_assert_uint_le(count - small, 4);
    ck_assert_uint_gt(lens[small], 16384);
    hang_up();
    stop();
}
END_TEST

START_TEST(what_was_read_before_the_stream_began_is_its_beginning)
{
    unsigned char hello[4096];
    ssize_t len;

    start();
    dial("a.example");
    ck_assert_int_eq(SSL_do_handshake(client), -1);
    len = recv(conn.fd, hello, sizeof hello, 0);
    ck_assert_int_gt(len, 100);
    ck_assert(tls_server_begin(listener_conf.tls.server, &conn, (struct str){(char *)hello, (size_t)len}));
    for (int i = 0; i < 100 && !(ended && SSL_is_init_finished(client)); i++) {
        SSL_do_handshake(client);
        turn_now();
    }
    ck_assert(ended && tls_server_end(&conn) == TLS_END_FULL);
    hang_up();
    stop();
}
END_TEST

START_TEST(what_came_with_the_end_of_the_handshake_is_held)
{
    start();
    dial("a.example");
    ck_assert(tls_server_begin(listener_conf.tls.server, &conn, STR_NULL));
    while (SSL_do_handshake(client) != 1)
        turn_now();
    ck_assert_int_eq(SSL_write(client, "hello", 5), 5); /* behind our last flight */
    turn_now();
    ck_assert(ended);
    ck_assert(conn_holds(&conn));
    ck_assert_int_eq(conn_recv(&conn, heard, sizeof heard), 5);
    ck_assert(!conn_holds(&conn));
    hang_up();
    stop();
}
END_TEST

START_TEST(after_a_failed_handshake_the_conn_speaks_clear_text)
{
    struct iovec answer = {(char *)(uintptr_t) "HTTP/1.1 400", 12};

    start();
    dial(NULL);
    ck_assert(tls_server_begin(listener_conf.tls.server, &conn, STR_NULL));
    ck_assert_int_eq(write(client_fd, "GET / HTTP/1.1\r\n\r\n", 18), 18);
    turn_now();
    ck_assert(ended);
    ck_assert_int_eq(tls_server_end(&conn), TLS_END_CLEAR);
    conn_strip(&conn);
    ck_assert_int_eq(conn_writev(&conn, &answer, 1), 12);
    hang_up();
    stop();
}
END_TEST

Suite *unit_suite(void)
{
    Suite *suite = suite_create("tls_server");
    TCase *tc = tcase_create("tls_server");

    tcase_add_test(tc, a_name_gets_its_certificate);
    tcase_add_test(tc, a_request_is_for_a_name_with_the_same_certificates);
    tcase_add_test(tc, what_the_socket_does_not_take_is_not_told_of_as_sent);
    tcase_add_test(tc, a_short_answer_is_one_record_and_a_long_one_begins_with_small_ones);
    tcase_add_test(tc, what_was_read_before_the_stream_began_is_its_beginning);
    tcase_add_test(tc, what_came_with_the_end_of_the_handshake_is_held);
    tcase_add_test(tc, after_a_failed_handshake_the_conn_speaks_clear_text);
    suite_add_tcase(suite, tc);
    return suite;
}
