#include "net/tls_context.h"

#include "base/log.h"
#include "base/mem.h"
#include "net/stamp.h"

#include <openssl/err.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

struct tls_context {
    pthread_mutex_t mutex; /* held to take a reference of `ssl`, and to replace it */
    /* Replaced by control; relaxed, as who only compares does not look into it, and who does has the mutex.
     */
    _Atomic(SSL_CTX *) ssl;
    void (*equip)(SSL_CTX *ssl, const struct config_tls *conf);
    /* control's own */
    const struct config_group *group; /* in the configuration, with which the context ends */
    const char *path;                 /* of the configuration */
    struct stamp_watch watch;
    bool refused; /* the files do not do: what was in them before is in use */
};

static void context_free(struct tls_context *context)
{
    SSL_CTX_free(atomic_load_explicit(&context->ssl, memory_order_relaxed));
    pthread_mutex_destroy(&context->mutex);
    free(context);
}

/* ---- files ---- */

static uint64_t stamp_files(const struct config_tls *conf)
{
    uint64_t stamp = STAMP_NONE;

    if (conf->verify && conf->ca_file)
        stamp = stamp_of(conf->ca_file, stamp);
    if (conf->cert_file)
        stamp = stamp_of(conf->cert_file, stamp);
    return conf->key_file ? stamp_of(conf->key_file, stamp) : stamp;
}

/* NULL, or the key of the setting that does not do. */
static const char *use_files(SSL_CTX *ssl, const struct config_tls *conf)
{
    if (conf->verify) {
        SSL_CTX_set_verify(ssl, SSL_VERIFY_PEER, NULL);
        if (conf->ca_file ? !SSL_CTX_load_verify_file(ssl, conf->ca_file)
                          : !SSL_CTX_set_default_verify_paths(ssl))
            return "caFile";
    }
    if (conf->cert_file && SSL_CTX_use_certificate_chain_file(ssl, conf->cert_file) != 1)
        return "certFile";
    if (conf->key_file && (SSL_CTX_use_PrivateKey_file(ssl, conf->key_file, SSL_FILETYPE_PEM) != 1 ||
                           SSL_CTX_check_private_key(ssl) != 1))
        return "keyFile";
    return NULL;
}

/* Reads the files; NULL when they do not do, which the report then says. */
static SSL_CTX *load(const struct tls_context *context, struct conf_report *report)
{
    const struct config_tls *conf = &context->group->tls;
    const char *wrong, *reason;
    SSL_CTX *ssl;

    ERR_clear_error();
    ssl = SSL_CTX_new(TLS_client_method());
    BUG_ON(!ssl);
    context->equip(ssl, conf);
    wrong = use_files(ssl, conf);
    if (!wrong)
        return ssl;
    reason = ERR_reason_error_string(ERR_peek_error());
    conf_report_add(report, CONF_ERROR, context->path, 0, 0,
                    "targetGroups: %s: tls: %s cannot be used: %s; it has to be a PEM file that this process "
                    "may read%s",
                    context->group->name, wrong, reason ? reason : "unknown reason",
                    strcmp(wrong, "keyFile") ? "" : ", and the key of certFile");
    SSL_CTX_free(ssl);
    return NULL;
}

bool tls_context_load(struct config_group *group, const char *path,
                      void (*equip)(SSL_CTX *ssl, const struct config_tls *conf), struct conf_report *report)
{
    struct tls_context *context = mem_zalloc(sizeof *context);
    SSL_CTX *ssl;

    pthread_mutex_init(&context->mutex, NULL);
    context->equip = equip;
    context->group = group;
    context->path = path;
    stamp_watch_tried(&context->watch, stamp_files(&group->tls)); /* first: what changes now is seen later */
    ssl = load(context, report);
    if (!ssl) {
        context_free(context);
        return false;
    }
    atomic_init(&context->ssl, ssl);
    group->tls.context = context;
    group->tls.context_free = context_free;
    return true;
}

static void replace(struct tls_context *context, SSL_CTX *fresh)
{
    SSL_CTX *old;

    pthread_mutex_lock(&context->mutex);
    old = atomic_exchange_explicit(&context->ssl, fresh, memory_order_relaxed);
    pthread_mutex_unlock(&context->mutex);
    SSL_CTX_free(old);
}

/* Files are replaced one after the other, so those that do not go together may be seen on the way: they are
 * refused when they still do not at the next look. */
void tls_context_look(struct tls_context *context)
{
    uint64_t stamp = stamp_files(&context->group->tls);
    enum stamp_sight sight = stamp_watch_look(&context->watch, stamp);
    struct conf_report report;
    SSL_CTX *fresh;

    if (sight == STAMP_SAME)
        return;
    conf_report_init(&report);
    fresh = load(context, &report);
    if (fresh) {
        replace(context, fresh);
        log_info("targetGroups: %s: tls: the files have changed and are in use", context->group->name);
    } else if (sight == STAMP_SETTLED) {
        conf_report_log(&report);
        log_error("targetGroups: %s: tls: the files are refused; what was in them before stays in use",
                  context->group->name);
    }
    if (fresh || sight == STAMP_SETTLED) {
        stamp_watch_tried(&context->watch, stamp);
        context->refused = !fresh;
    }
    conf_report_fini(&report);
}

bool tls_context_refused(const struct tls_context *context)
{
    return context->refused;
}

/* ---- a connection ---- */

const struct config_tls *tls_context_conf(const struct tls_context *context)
{
    return &context->group->tls;
}

SSL *tls_context_stream(struct tls_context *context)
{
    SSL *stream;

    pthread_mutex_lock(&context->mutex);
    stream = SSL_new(atomic_load_explicit(&context->ssl, memory_order_relaxed));
    pthread_mutex_unlock(&context->mutex);
    return stream;
}

bool tls_context_is_of(const struct tls_context *context, const SSL *ssl)
{
    return SSL_get_SSL_CTX(ssl) == atomic_load_explicit(&context->ssl, memory_order_relaxed);
}
