#include "net/tls_cert.h"

#include "base/mem.h"
#include "base/str.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/ocsp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    NAMES_MAX = 1000, /* in a certificate */
    CHAIN_MAX = 16,   /* certificates above ours */
    OCSP_MAX = 65536, /* bytes of a response */
};

/* ---- names ---- */

static bool is_name_byte(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_';
}

bool tls_name_normalise(const char *bytes, size_t len, char name_r[static TLS_NAME_MAX + 1])
{
    if (len > 0 && bytes[len - 1] == '.')
        len--;
    if (len == 0 || len > TLS_NAME_MAX || bytes[0] == '.')
        return false;
    for (size_t i = 0; i < len; i++) {
        name_r[i] = ascii_lower(bytes[i]);
        if (!is_name_byte(name_r[i]))
            return false;
    }
    name_r[len] = '\0';
    return true;
}

bool tls_name_wildcard(const char *name, char wildcard_r[static TLS_NAME_MAX + 1])
{
    const char *dot = strchr(name, '.');

    if (!dot || dot == name || !strchr(dot + 1, '.') || strlen(dot) > TLS_NAME_MAX - 1)
        return false;
    snprintf(wildcard_r, TLS_NAME_MAX + 1, "*%s", dot);
    return true;
}

/* A name as certificates have it: a wildcard stands for its whole first label (RFC 9525 section 6.3). */
static bool pattern_normalise(const char *bytes, size_t len, char name_r[static TLS_NAME_MAX + 1])
{
    char below[TLS_NAME_MAX + 1];

    if (len < 3 || bytes[0] != '*' || bytes[1] != '.')
        return tls_name_normalise(bytes, len, name_r);
    if (!tls_name_normalise(bytes + 2, len - 2, below) || strlen(below) > TLS_NAME_MAX - 2)
        return false;
    memcpy(name_r, "*.", 2);
    memcpy(name_r + 2, below, strlen(below) + 1);
    return true;
}

static void add_name(struct tls_cert *cert, const ASN1_STRING *text)
{
    char name[TLS_NAME_MAX + 1];

    if (cert->names_len == NAMES_MAX ||
        !pattern_normalise((const char *)ASN1_STRING_get0_data(text), (size_t)ASN1_STRING_length(text), name))
        return;
    cert->names = mem_resize(cert->names, cert->names_len + 1, sizeof *cert->names);
    cert->names[cert->names_len++] = mem_strdup(name);
}

/* Only the alternative names count (RFC 9525 section 2): no client looks at the subject any more. */
static void read_names(struct tls_cert *cert)
{
    GENERAL_NAMES *all = X509_get_ext_d2i(cert->x509, NID_subject_alt_name, NULL, NULL);

    for (int i = 0; i < sk_GENERAL_NAME_num(all); i++) {
        const GENERAL_NAME *one = sk_GENERAL_NAME_value(all, i);

        if (one->type == GEN_DNS)
            add_name(cert, one->d.dNSName);
    }
    GENERAL_NAMES_free(all);
}

bool tls_cert_has(const struct tls_cert *cert, const char *name)
{
    char wildcard[TLS_NAME_MAX + 1];
    bool may = name[0] != '*' && tls_name_wildcard(name, wildcard);

    for (size_t i = 0; i < cert->names_len; i++)
        if (!strcmp(cert->names[i], name) || (may && !strcmp(cert->names[i], wildcard)))
            return true;
    return false;
}

/* ---- files ---- */

static bool refuse(char why[static TLS_WHY_MAX], const char *key, const char *path, const char *what)
{
    snprintf(why, TLS_WHY_MAX, "%s %s %s", key, path, what);
    return false;
}

static FILE *open_file(const char *key, const char *path, char why[static TLS_WHY_MAX])
{
    FILE *file = fopen(path, "re");
    char what[128];

    if (!file) {
        snprintf(what, sizeof what, "cannot be read: %s", strerror(errno));
        (void)refuse(why, key, path, what);
    }
    return file;
}

/* Nobody is there to be asked. */
static int no_passphrase(char *room, int cap, int writes, void *asked)
{
    (void)room, (void)cap, (void)writes;
    *(bool *)asked = true;
    return -1;
}

static bool read_chain(struct tls_cert *cert, FILE *file)
{
    X509 *x509;

    while ((x509 = PEM_read_X509(file, NULL, NULL, NULL))) {
        if (!cert->chain)
            cert->chain = sk_X509_new_null();
        if (!cert->chain || sk_X509_num(cert->chain) == CHAIN_MAX || !sk_X509_push(cert->chain, x509)) {
            X509_free(x509);
            return false;
        }
    }
    return ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE; /* the end of the file */
}

static bool read_cert(struct tls_cert *cert, const char *path, char why[static TLS_WHY_MAX])
{
    FILE *file = open_file("certFile", path, why);
    bool ok = true;

    if (!file)
        return false;
    ERR_clear_error();
    cert->x509 = PEM_read_X509_AUX(file, NULL, NULL, NULL);
    if (!cert->x509)
        ok = refuse(why, "certFile", path, "holds no certificate in PEM (-----BEGIN CERTIFICATE-----)");
    else if (!read_chain(cert, file))
        ok = refuse(why, "certFile", path, "has something behind its first certificate that is no chain");
    fclose(file);
    ERR_clear_error();
    return ok;
}

static bool read_key(struct tls_cert *cert, const struct config_certificate *conf,
                     char why[static TLS_WHY_MAX])
{
    FILE *file = open_file("keyFile", conf->key_file, why);
    bool asked = false, ok = true;

    if (!file)
        return false;
    cert->key = PEM_read_PrivateKey(file, NULL, no_passphrase, &asked);
    fclose(file);
    if (asked)
        ok = refuse(why, "keyFile", conf->key_file,
                    "has a passphrase; write it without one (openssl pkey), readable by penstock alone");
    else if (!cert->key)
        ok = refuse(why, "keyFile", conf->key_file, "holds no private key in PEM");
    else if (X509_check_private_key(cert->x509, cert->key) != 1) {
        snprintf(why, TLS_WHY_MAX, "keyFile %s is not the key of certFile %s", conf->key_file,
                 conf->cert_file);
        ok = false;
    }
    ERR_clear_error();
    return ok;
}

static bool find_kind(struct tls_cert *cert, const char *path, char why[static TLS_WHY_MAX])
{
    switch (EVP_PKEY_get_base_id(cert->key)) {
    case EVP_PKEY_RSA:
        cert->kind = TLS_RSA;
        return true;
    case EVP_PKEY_EC:
        cert->kind = TLS_ECDSA;
        return true;
    case EVP_PKEY_ED25519:
        cert->kind = TLS_ED25519;
        return true;
    }
    return refuse(why, "certFile", path, "has a key that is neither RSA nor ECDSA nor Ed25519");
}

static int64_t seconds_of(const ASN1_TIME *time)
{
    struct tm tm = {0};

    return ASN1_TIME_to_tm(time, &tm) ? (int64_t)timegm(&tm) : 0;
}

/* ---- the OCSP response (RFC 6960) ---- */

/* What it says of our certificate; false when it says nothing of it. */
static bool find_status(const struct tls_cert *cert, OCSP_BASICRESP *basic, int *status_r, int64_t *until_s_r)
{
    ASN1_GENERALIZEDTIME *next = NULL;

    for (int i = 0; i < OCSP_resp_count(basic); i++) {
        OCSP_SINGLERESP *one = OCSP_resp_get0(basic, i);
        ASN1_INTEGER *serial = NULL;

        if (!OCSP_id_get0_info(NULL, NULL, NULL, &serial,
                               (OCSP_CERTID *)(uintptr_t)OCSP_SINGLERESP_get0_id(one)) ||
            ASN1_INTEGER_cmp(serial, X509_get0_serialNumber(cert->x509)) != 0)
            continue;
        *status_r = OCSP_single_get0_status(one, NULL, NULL, NULL, &next);
        *until_s_r = next ? seconds_of(next) : INT64_MAX;
        return true;
    }
    return false;
}

static const char *check_ocsp(struct tls_cert *cert)
{
    const unsigned char *p = cert->ocsp;
    OCSP_RESPONSE *response = d2i_OCSP_RESPONSE(NULL, &p, (long)cert->ocsp_len);
    OCSP_BASICRESP *basic = NULL;
    const char *why = NULL;
    int status;

    if (!response)
        why = "is no OCSP response in DER";
    else if (OCSP_response_status(response) != OCSP_RESPONSE_STATUS_SUCCESSFUL ||
             !(basic = OCSP_response_get1_basic(response)))
        why = "is an OCSP response that says that the request failed; fetch it again";
    else if (!find_status(cert, basic, &status, &cert->ocsp_until_s))
        why = "is an OCSP response for another certificate";
    else if (status != V_OCSP_CERTSTATUS_GOOD)
        why = "says that the certificate is revoked or unknown: replace the certificate";
    OCSP_BASICRESP_free(basic);
    OCSP_RESPONSE_free(response);
    ERR_clear_error();
    return why;
}

static bool read_ocsp(struct tls_cert *cert, const char *path, char why[static TLS_WHY_MAX])
{
    FILE *file = open_file("ocspFile", path, why);
    const char *wrong;

    if (!file)
        return false;
    cert->ocsp = mem_alloc(OCSP_MAX);
    cert->ocsp_len = fread(cert->ocsp, 1, OCSP_MAX, file);
    fclose(file);
    wrong = check_ocsp(cert);
    return !wrong || refuse(why, "ocspFile", path, wrong);
}

bool tls_cert_load(struct tls_cert *cert, const struct config_certificate *conf, char why[static TLS_WHY_MAX])
{
    *cert = (struct tls_cert){0};
    if (!read_cert(cert, conf->cert_file, why) || !read_key(cert, conf, why) ||
        !find_kind(cert, conf->cert_file, why) ||
        (conf->ocsp_file && !read_ocsp(cert, conf->ocsp_file, why))) {
        tls_cert_fini(cert);
        return false;
    }
    cert->not_before_s = seconds_of(X509_get0_notBefore(cert->x509));
    cert->not_after_s = seconds_of(X509_get0_notAfter(cert->x509));
    read_names(cert);
    return true;
}

void tls_cert_fini(struct tls_cert *cert)
{
    for (size_t i = 0; i < cert->names_len; i++)
        free(cert->names[i]);
    free(cert->names);
    free(cert->ocsp);
    X509_free(cert->x509);
    sk_X509_pop_free(cert->chain, X509_free);
    EVP_PKEY_free(cert->key);
    *cert = (struct tls_cert){0};
}
