#include "net/tls_choice.h"

#include "base/clk.h"
#include "base/mem.h"
#include "net/tls_stream.h"

#include <inttypes.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

/* What an entry is made of before it has a context: the certificate of each kind, or NULL. */
struct selection {
    const struct tls_cert *of[TLS_KINDS];
};

/* ---- which certificates are for a name ---- */

static bool has_exactly(const struct tls_cert *cert, const char *name)
{
    for (size_t i = 0; i < cert->names_len; i++)
        if (!strcmp(cert->names[i], name))
            return true;
    return false;
}

/* The first one of each kind that has the name itself, else the first one with its wildcard. */
static struct selection select_for(const struct tls_choice *choice, const char *name)
{
    struct selection selection = {0};

    for (size_t i = 0; i < choice->certs_len; i++) {
        const struct tls_cert *cert = &choice->certs[i];
        const struct tls_cert *sofar = selection.of[cert->kind];

        if (!sofar ? tls_cert_has(cert, name) : !has_exactly(sofar, name) && has_exactly(cert, name))
            selection.of[cert->kind] = cert;
    }
    return selection;
}

/* For names that no certificate is for: the first certificate, and those of other kinds for its names. */
static struct selection select_fallback(const struct tls_choice *choice)
{
    const struct tls_cert *first = &choice->certs[0];
    struct selection selection = {0};

    if (first->names_len)
        selection = select_for(choice, first->names[0]);
    selection.of[first->kind] = first;
    return selection;
}

/* ---- contexts ---- */

static bool is_selected(SSL_CTX *context, const struct selection *selection)
{
    return memcmp(SSL_CTX_get_app_data(context), selection, sizeof *selection) == 0;
}

/* The session scope binds what was learnt under one name and one set of rules to them. */
static void set_scope(const struct tls_choice *choice, struct tls_entry *entry)
{
    unsigned char bytes[TLS_SCOPE_LEN + TLS_NAME_MAX];
    size_t len = strlen(entry->name);
    unsigned digest_len;

    memcpy(bytes, choice->client_scope, TLS_SCOPE_LEN);
    memcpy(bytes + TLS_SCOPE_LEN, entry->name, len);
    BUG_ON(!EVP_Digest(bytes, TLS_SCOPE_LEN + len, entry->scope, &digest_len, EVP_sha256(), NULL) ||
           digest_len != TLS_SCOPE_LEN);
}

/* Clients show a certificate from these authorities. */
static bool ask_clients(SSL_CTX *context, const struct tls_choice *choice, enum config_client_mode mode)
{
    STACK_OF(X509_NAME) * names;

    if (!choice->client_authorities)
        return true;
    names = SSL_dup_CA_list(choice->client_names);
    if (!names)
        return false;
    SSL_CTX_set1_cert_store(context, choice->client_authorities);
    SSL_CTX_set_client_CA_list(context, names);
    SSL_CTX_set_verify(
        context, SSL_VERIFY_PEER | (mode == CONFIG_CLIENT_REQUIRED ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0),
        NULL);
    return true;
}

static bool use_certs(SSL_CTX *context, const struct selection *selection)
{
    for (size_t kind = 0; kind < TLS_KINDS; kind++) {
        const struct tls_cert *cert = selection->of[kind];

        if (cert && SSL_CTX_use_cert_and_key(context, cert->x509, cert->key, cert->chain, 1) != 1)
            return false;
    }
    return true;
}

/* The context with these certificates; NULL when OpenSSL does not take one of them. */
static SSL_CTX *context_of(struct tls_choice *choice, const struct config_listener_tls *conf,
                           const struct selection *selection,
                           void (*equip)(SSL_CTX *context, struct tls_choice *choice))
{
    struct selection *kept;
    SSL_CTX *context;

    for (size_t i = 0; i < choice->contexts_len; i++)
        if (is_selected(choice->contexts[i], selection))
            return choice->contexts[i];
    context = SSL_CTX_new(TLS_server_method());
    BUG_ON(!context || !tls_stream_set_up(context, conf->min_version == CONFIG_TLS_1_3 ? TLS1_3_VERSION
                                                                                       : TLS1_2_VERSION));
    kept = mem_alloc(sizeof *kept);
    *kept = *selection;
    SSL_CTX_set_app_data(context, kept);
    choice->contexts = mem_resize(choice->contexts, choice->contexts_len + 1, sizeof(SSL_CTX *));
    choice->contexts[choice->contexts_len++] = context;
    if (!use_certs(context, selection) || !ask_clients(context, choice, conf->client_mode))
        return NULL;
    equip(context, choice);
    return context;
}

/* ---- loading ---- */

struct loading {
    const struct config_listener *listener;
    const char *path;
    struct conf_report *report;
    bool ok;
};

static void complain(struct loading *loading, enum conf_severity severity, const char *what)
{
    conf_report_add(loading->report, severity, loading->path, 0, 0, "listeners: %s: tls: %s",
                    loading->listener->address.text, what);
    if (severity == CONF_ERROR)
        loading->ok = false;
}

static void look_at_dates(struct loading *loading, const struct tls_cert *cert, const char *file)
{
    int64_t now_s = clk_wall_ns() / NS_PER_S;
    char what[TLS_WHY_MAX];

    if (now_s >= cert->not_after_s)
        snprintf(what, sizeof what, "certFile %s has expired: clients refuse it", file);
    else if (now_s < cert->not_before_s)
        snprintf(what, sizeof what, "certFile %s is not valid yet: clients refuse it", file);
    else
        return;
    complain(loading, CONF_WARNING, what);
}

static void load_certs(struct tls_choice *choice, struct loading *loading)
{
    const struct config_listener_tls *conf = &loading->listener->tls;
    char why[TLS_WHY_MAX];

    choice->certs = mem_zalloc(conf->certificates_len * sizeof *choice->certs);
    choice->certs_len = conf->certificates_len;
    for (size_t i = 0; i < conf->certificates_len; i++) {
        struct tls_cert *cert = &choice->certs[i];

        if (!tls_cert_load(cert, &conf->certificates[i], why)) {
            complain(loading, CONF_ERROR, why);
            continue;
        }
        look_at_dates(loading, cert, conf->certificates[i].cert_file);
        if (cert->ocsp && cert->ocsp_until_s <= clk_wall_ns() / NS_PER_S) {
            snprintf(why, sizeof why, "ocspFile %s is out of date and is not sent",
                     conf->certificates[i].ocsp_file);
            complain(loading, CONF_WARNING, why);
        }
    }
}

/* The mode, and the authorities themselves: a session that was begun under others is none. */
static void scope_clients(struct tls_choice *choice, enum config_client_mode mode)
{
    STACK_OF(X509) *all = X509_STORE_get1_all_certs(choice->client_authorities);
    EVP_MD_CTX *digest = EVP_MD_CTX_new();
    unsigned char one[EVP_MAX_MD_SIZE], mode_byte = (unsigned char)(mode + 1);
    unsigned len;

    BUG_ON(!all || !digest || !EVP_DigestInit_ex(digest, EVP_sha256(), NULL) ||
           !EVP_DigestUpdate(digest, &mode_byte, 1));
    for (int i = 0; i < sk_X509_num(all); i++)
        BUG_ON(!X509_digest(sk_X509_value(all, i), EVP_sha256(), one, &len) ||
               !EVP_DigestUpdate(digest, one, len));
    BUG_ON(!EVP_DigestFinal_ex(digest, choice->client_scope, &len));
    EVP_MD_CTX_free(digest);
    sk_X509_pop_free(all, X509_free);
}

static void load_authorities(struct tls_choice *choice, struct loading *loading)
{
    const struct config_listener_tls *conf = &loading->listener->tls;
    const char *reason;
    char what[TLS_WHY_MAX];

    if (!conf->client_ca_file)
        return;
    ERR_clear_error();
    choice->client_authorities = X509_STORE_new();
    BUG_ON(!choice->client_authorities);
    choice->client_names = SSL_load_client_CA_file(conf->client_ca_file);
    if (choice->client_names && X509_STORE_load_file(choice->client_authorities, conf->client_ca_file)) {
        scope_clients(choice, conf->client_mode);
        return;
    }
    reason = ERR_reason_error_string(ERR_peek_error());
    snprintf(what, sizeof what, "clientCertificates: caFile %s cannot be used: %s; it has to be a PEM file",
             conf->client_ca_file, reason ? reason : "unknown reason");
    complain(loading, CONF_ERROR, what);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct tls_entry *)a)->name, ((const struct tls_entry *)b)->name);
}

static void add_names(struct tls_choice *choice)
{
    size_t len = 0, kept = 0;

    for (size_t i = 0; i < choice->certs_len; i++)
        len += choice->certs[i].names_len;
    choice->entries = mem_zalloc((len + 1) * sizeof *choice->entries);
    for (size_t i = 0; i < choice->certs_len; i++)
        for (size_t k = 0; k < choice->certs[i].names_len; k++)
            choice->entries[choice->entries_len++].name = choice->certs[i].names[k];
    qsort(choice->entries, len, sizeof *choice->entries, by_name);
    for (size_t i = 0; i < len; i++)
        if (i == 0 || strcmp(choice->entries[i].name, choice->entries[kept - 1].name) != 0)
            choice->entries[kept++] = choice->entries[i];
    choice->entries_len = kept;
}

static void fill(struct tls_choice *choice, struct loading *loading, struct tls_entry *entry,
                 struct selection selection, void (*equip)(SSL_CTX *context, struct tls_choice *choice))
{
    const char *reason;
    char what[TLS_WHY_MAX];

    ERR_clear_error();
    set_scope(choice, entry);
    entry->context = context_of(choice, &loading->listener->tls, &selection, equip);
    if (entry->context)
        return;
    reason = ERR_reason_error_string(ERR_peek_error());
    snprintf(what, sizeof what, "the certificate%s%s cannot be used: %s", entry->name[0] ? " for " : "",
             entry->name, reason ? reason : "unknown reason");
    complain(loading, CONF_ERROR, what);
}

static void set_alpn(struct tls_choice *choice, const struct config_listener_tls *conf)
{
    static const char *const names[] = {
        [CONFIG_PROTOCOL_HTTP_1_1] = "\x08http/1.1", [CONFIG_PROTOCOL_HTTP_2] = "\x02h2"};

    for (size_t i = 0; i < conf->protocols_len; i++) {
        const char *name = names[conf->protocols[i]];

        BUG_ON(choice->alpn_len + strlen(name) > TLS_ALPN_MAX);
        memcpy(choice->alpn + choice->alpn_len, name, strlen(name));
        choice->alpn_len += (unsigned)strlen(name);
    }
}

struct tls_choice *tls_choice_load(const struct config_listener *listener, const char *path,
                                   void (*equip)(SSL_CTX *context, struct tls_choice *choice),
                                   struct conf_report *report)
{
    struct tls_choice *choice = mem_zalloc(sizeof *choice);
    struct loading loading = {.listener = listener, .path = path, .report = report, .ok = true};

    atomic_store_explicit(&choice->refs, 1, memory_order_relaxed);
    set_alpn(choice, &listener->tls);
    load_certs(choice, &loading);
    load_authorities(choice, &loading);
    if (loading.ok) {
        add_names(choice);
        choice->fallback.name = "";
        fill(choice, &loading, &choice->fallback, select_fallback(choice), equip);
    }
    for (size_t i = 0; loading.ok && i < choice->entries_len; i++)
        fill(choice, &loading, &choice->entries[i], select_for(choice, choice->entries[i].name), equip);
    if (loading.ok)
        return choice;
    tls_choice_drop(choice);
    return NULL;
}

/* ---- life ---- */

struct tls_choice *tls_choice_hold(struct tls_choice *choice)
{
    atomic_fetch_add_explicit(&choice->refs, 1, memory_order_relaxed);
    return choice;
}

void tls_choice_drop(struct tls_choice *choice)
{
    if (atomic_fetch_sub_explicit(&choice->refs, 1, memory_order_acq_rel) > 1)
        return;
    for (size_t i = 0; i < choice->contexts_len; i++) {
        free(SSL_CTX_get_app_data(choice->contexts[i]));
        SSL_CTX_free(choice->contexts[i]);
    }
    free(choice->contexts);
    free(choice->entries);
    for (size_t i = 0; i < choice->certs_len; i++)
        tls_cert_fini(&choice->certs[i]);
    free(choice->certs);
    X509_STORE_free(choice->client_authorities);
    sk_X509_NAME_pop_free(choice->client_names, X509_NAME_free);
    free(choice);
}

/* ---- looking up ---- */

static const struct tls_entry *find(const struct tls_choice *choice, const char *name)
{
    const struct tls_entry wanted = {.name = name};

    return bsearch(&wanted, choice->entries, choice->entries_len, sizeof *choice->entries, by_name);
}

const struct tls_entry *tls_choice_find(const struct tls_choice *choice, const char *name)
{
    const struct tls_entry *entry = name ? find(choice, name) : NULL;
    char wildcard[TLS_NAME_MAX + 1];

    if (!entry && name && tls_name_wildcard(name, wildcard))
        entry = find(choice, wildcard);
    return entry ? entry : &choice->fallback;
}

const struct tls_cert *tls_choice_cert(const struct tls_choice *choice, const X509 *x509)
{
    for (size_t i = 0; i < choice->certs_len; i++)
        if (choice->certs[i].x509 == x509)
            return &choice->certs[i];
    return NULL;
}
