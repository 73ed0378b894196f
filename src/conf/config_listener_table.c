/* What a listener may have, from the leaves up. */
#include "conf/address.h"
#include "conf/config.h"
#include "conf/config_check.h"
#include "conf/config_table.h"
#include "conf/config_types.h"
#include "conf/types.h"

static const struct setting certificate_rows[] = {
    {.key = "certFile",
     .type = &type_path,
     FIELD(config_certificate, cert_file),
     .required = true,
     .example = "tls/site.pem",
     .text = "The certificate with its chain, in PEM."},
    {.key = "keyFile",
     .type = &type_path,
     FIELD(config_certificate, key_file),
     .required = true,
     .example = "tls/site.key",
     .text = "Its private key, in PEM, without a passphrase."},
    {.key = "ocspFile",
     .type = &type_path,
     FIELD(config_certificate, ocsp_file),
     .example = "tls/site.ocsp",
     .text =
         "An OCSP response for it, in DER, that is sent along (stapled) while it is valid; whoever renews "
         "the certificate fetches it."},
};
static const struct section certificate_section = {SECTION(certificate_rows),
                                                   .size = sizeof(struct config_certificate)};
static const struct setting certificate_row = {
    .key = "certificates", .type = &schema_map, .section = &certificate_section, .text = "A certificate."};

static const struct word protocol_words[] = {
    [CONFIG_PROTOCOL_HTTP_1_1] = {"http/1.1", "HTTP/1.1"},
    [CONFIG_PROTOCOL_HTTP_2] = {"h2", "HTTP/2"},
};
static const struct word_table protocol_table = {protocol_words, ARRAY_LEN(protocol_words)};
static const struct setting protocol_row = {.key = "protocols",
                                            .type = &type_word,
                                            .width = sizeof(enum config_protocol),
                                            .words = &protocol_table,
                                            .text = "A protocol."};

static const struct word client_mode_words[] = {
    [CONFIG_CLIENT_REQUIRED] = {"required", "a client without a certificate gets no connection"},
    [CONFIG_CLIENT_OPTIONAL] = {"optional", "a client may have one, which then has to be good"},
};
static const struct word_table client_mode_table = {client_mode_words, ARRAY_LEN(client_mode_words)};
static const struct setting client_rows[] = {
    {.key = "caFile",
     .type = &type_path,
     FIELD(config_listener, tls.client_ca_file),
     .required = true,
     .example = "tls/clients-ca.pem",
     .text = "The authorities that clients' certificates have to be from, in PEM."},
    {.key = "mode",
     .type = &type_word,
     FIELD(config_listener, tls.client_mode),
     .words = &client_mode_table,
     .fallback = "required",
     .text = "Whether a client has to have one."},
};
static const struct section client_section = {
    SECTION(client_rows),
    .text = "The subject goes to the target in tls.clientSubjectHeader and to the access log.",
};

static const struct setting hsts_rows[] = {
    {.key = "maxAge",
     .type = &type_duration,
     FIELD(config_listener, tls.hsts_max_age_ns),
     .min = 0,
     .max = 3650 * 24 * 3600 * S,
     .zero = "makes browsers forget it",
     .fallback = "730d",
     .text = "How long browsers remember it; 0 makes them forget."},
    {.key = "includeSubdomains",
     .type = &type_flag,
     FIELD(config_listener, tls.hsts_subdomains),
     .fallback = "false",
     .text = "For all names below the host as well."},
    {.key = "preload",
     .type = &type_flag,
     FIELD(config_listener, tls.hsts_preload),
     .fallback = "false",
     .text = "Agrees to be put on the lists that browsers bring along."},
};
static const struct section hsts_section = {
    SECTION(hsts_rows),
    .check = config_check_hsts,
    .text = "{} for all defaults. An answer of a target that says it already is left as it is.",
};

static const struct word ktls_words[] = {
    [CONFIG_KTLS_OFF] = {"off", "OpenSSL encrypts everything"},
    [CONFIG_KTLS_AUTO] = {"auto", "where the kernel can (its module tls is loaded)"},
};
static const struct word_table ktls_table = {ktls_words, ARRAY_LEN(ktls_words)};

static const struct setting tls_rows[] = {
    {.key = "certificates",
     .type = &schema_list,
     LIST(config_listener, tls.certificates),
     .required = true,
     .min = 1,
     .max = CONFIG_CERTIFICATES_MAX,
     .item = &certificate_row,
     .text =
         "What is shown to clients. Each certificate is for the names in it, wildcards included; the one for "
         "the name that a client asks for (SNI) is shown, and the first one where none is for it. An RSA and "
         "an ECDSA certificate for one name are both used, as the client can verify."},
    {.key = "minVersion",
     .type = &type_word,
     FIELD(config_listener, tls.min_version),
     .words = &config_tls_version_table,
     .fallback = "1.2",
     .text = "The oldest version of TLS that is spoken."},
    {.key = "protocols",
     .type = &schema_list,
     LIST_INSIDE(config_listener, tls.protocols),
     .min = 1,
     .max = CONFIG_PROTOCOLS_MAX,
     .item = &protocol_row,
     .inherits = "[h2, http/1.1]",
     .example = "[http/1.1]",
     .text = "What may be spoken over TLS (ALPN), the preferred one first."},
    {.key = "clientCertificates",
     .type = &schema_map,
     .section = &client_section,
     .text = "Certificates of clients; without this key none is asked for."},
    {.key = "ktls",
     .type = &type_word,
     FIELD(config_listener, tls.ktls),
     .words = &ktls_table,
     .fallback = "off",
     .text = "Whether the kernel encrypts long answers over HTTP/1.1 (kTLS), which then do not pass through "
             "this process. "
             "It takes a connection over in its first answer of more than 128 KiB and keeps it; the client "
             "cannot ask for new keys then (TLS 1.3, KeyUpdate with update_requested): who does, loses the "
             "connection."},
    {.key = "hsts",
     .type = &schema_map,
     .section = &hsts_section,
     .text = "Strict-Transport-Security in all answers: browsers come by HTTPS alone from then on."},
};
static const struct section tls_section = {
    SECTION(tls_rows),
    .check = config_check_listener_tls,
    .text = "TLS with the clients of this listener, by the intermediate list of Mozilla's guideline: "
            "versions 1.2 "
            "and 1.3, forward secrecy and authenticated encryption only.",
};

static const struct setting proxy_row = {
    .key = "proxyProtocol", .type = &type_network, .width = sizeof(struct ip_net), .text = "A network."};
static const struct setting listener_rows[] = {
    {.key = "address",
     .type = &type_listen_address,
     FIELD(config_listener, address),
     .required = true,
     .example = "0.0.0.0:8080",
     .text = "Where to listen for HTTP; port 0 takes a free one."},
    {.key = "proxyProtocol",
     .type = &schema_list,
     LIST(config_listener, proxies),
     .max = 64,
     .item = &proxy_row,
     .example = "[10.0.0.0/8]",
     .text = "Networks of the load balancers that speak the PROXY protocol (1 or 2) here. Each connection "
             "from them must "
             "begin with its header, which says who the client is; connections from elsewhere are refused."},
    {.key = "h2c",
     .type = &type_flag,
     FIELD(config_listener, h2c),
     .fallback = "false",
     .text = "Whether clients may speak HTTP/2 in clear text, if they know of it (prior knowledge): for a "
             "load balancer "
             "in front, or gRPC without TLS. Over TLS it is chosen by tls.protocols."},
    {.key = "tls",
     .type = &schema_map,
     .section = &tls_section,
     .text = "HTTPS; without this key clients are spoken to in clear text."},
};
const struct section config_listener_section = {SECTION(listener_rows),
                                                .size = sizeof(struct config_listener)};
