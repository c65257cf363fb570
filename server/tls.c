/* SPDX-License-Identifier: Apache-2.0 */
/* TLS 1.2 (RFC 5246) with forward secrecy and AEAD only, TLS 1.3 (RFC 8446) preferred. */
#include "server/tls.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/openssl_auto.h"
#include "server/options.h"
#include "server/tls_identity.h"

#define CIPHERS_TLS12 "ECDHE+AESGCM:ECDHE+CHACHA20"

ZCA_DEFINE_AUTO(SSL_CTX, SSL_CTX, SSL_CTX_free);

bool zca_tls_is_made(const struct zca_server *server)
{
    return zca_server_text(server, ZCA_SERVER_TLS_CERTIFICATE) == NULL;
}

char *zca_tls_trust_path(const struct zca_server *server, struct zca_error *err)
{
    if (!zca_tls_is_made(server)) {
        return NULL;
    }
    return zca_path_join(server->state_directory, ZCA_TLS_ROOT_FILE, "", err);
}

/* RFC 7301: we speak one protocol, and say so to those who ask. */
static int select_protocol(SSL *ssl, const unsigned char **out, unsigned char *out_len,
                           const unsigned char *in, unsigned in_len, void *argument)
{
    static const unsigned char ours[] = "\x08http/1.1";
    (void)ssl; /* OpenSSL's signature */
    (void)argument;
    unsigned char *chosen = NULL;
    int rc = SSL_select_next_proto(&chosen, out_len, ours, sizeof ours - 1, in, in_len);
    *out = chosen;
    return rc == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

static bool use_files(SSL_CTX *tls, const char *certificate, const char *key_path,
                      struct zca_error *err)
{
    if (!key_path) {
        return zca_error_set(err, ZCA_ERR_CONFIG, "tls-certificate is set, but tls-key is not");
    }
    if (SSL_CTX_use_certificate_chain_file(tls, certificate) != 1) {
        return zca_error_set_crypto(err, "reading tls-certificate '%s'", certificate);
    }
    zca_auto(EVP_PKEY) EVP_PKEY *key = zca_tls_key_load(key_path, err);
    if (!key) {
        return zca_error_context(err, "reading tls-key");
    }
    if (SSL_CTX_use_PrivateKey(tls, key) != 1 || SSL_CTX_check_private_key(tls) != 1) {
        return zca_error_set_crypto(err, "tls-key '%s' does not fit tls-certificate '%s'", key_path,
                                    certificate);
    }
    return true;
}

static void free_names(char **names)
{
    for (size_t i = 0; names && names[i]; i++) {
        free(names[i]);
    }
    free(names);
}

ZCA_DEFINE_AUTO(names, char *, free_names);

static size_t count_words(const char *const *words)
{
    size_t num_words = 0;
    while (words && words[num_words]) {
        num_words++;
    }
    return num_words;
}

/* "IPv4:PORT" or "[IPv6]:PORT" without brackets and port. */
static char *host_of(const char *address)
{
    const char *start = *address == '[' ? address + 1 : address;
    size_t len = *address == '[' ? strcspn(start, "]") : strcspn(start, ":");
    return strndup(start, len);
}

/* The option tls-names, and the addresses that are listened at unless they stand for all. */
static char **certificate_names(const struct zca_server *server, struct zca_error *err)
{
    const char *const *given = zca_server_list(server, ZCA_SERVER_TLS_NAMES);
    const char *const *addresses = zca_server_list(server, ZCA_SERVER_LISTEN);
    size_t num_given = count_words(given), num_addresses = count_words(addresses);
    zca_auto(names) char **names = calloc(num_given + num_addresses + 1, sizeof *names);
    size_t num_names = 0;
    for (size_t i = 0; names && i < num_given + num_addresses; i++) {
        char *name = i < num_given ? strdup(given[i]) : host_of(addresses[i - num_given]);
        if (!name) {
            free_names(zca_steal(names));
        } else if (strcmp(name, "0.0.0.0") == 0 || strcmp(name, "::") == 0) {
            free(name);
        } else {
            names[num_names++] = name;
        }
    }
    if (!names) {
        (void)zca_error_set(err, ZCA_ERR_MEMORY,
                            "collecting the server's names"); /* always false */
    }
    return zca_steal(names);
}

static bool use_made(SSL_CTX *tls, const struct zca_server *server, struct zca_error *err)
{
    EVP_PKEY *made_key = NULL;
    X509 *made_certificate = NULL;
    zca_auto(names) char **names = certificate_names(server, err);
    if (!names || !zca_tls_identity_make(server->state_directory, (const char *const *)names,
                                         &made_key, &made_certificate, err)) {
        return zca_error_context(err, "making the server's TLS certificate");
    }
    zca_auto(EVP_PKEY) EVP_PKEY *key = made_key;
    zca_auto(X509) X509 *certificate = made_certificate;
    if (SSL_CTX_use_certificate(tls, certificate) != 1 || SSL_CTX_use_PrivateKey(tls, key) != 1) {
        return zca_error_set_crypto(err, "using the server's TLS certificate");
    }
    return true;
}

static bool set_protocol(SSL_CTX *tls, struct zca_error *err)
{
    static const unsigned char session_context[] = "zca-server";
    SSL_CTX_set_options(tls, SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE |
                                 SSL_OP_PRIORITIZE_CHACHA | SSL_OP_NO_COMPRESSION |
                                 SSL_OP_CLEANSE_PLAINTEXT);
    SSL_CTX_set_mode(tls, SSL_MODE_RELEASE_BUFFERS);         /* an idle connection keeps no 32 KB */
    SSL_CTX_set_session_cache_mode(tls, SSL_SESS_CACHE_OFF); /* tickets need none */
    SSL_CTX_set_alpn_select_cb(tls, select_protocol, NULL);
    bool good = SSL_CTX_set_min_proto_version(tls, TLS1_2_VERSION) == 1 &&
                SSL_CTX_set_cipher_list(tls, CIPHERS_TLS12) == 1 &&
                SSL_CTX_set_num_tickets(tls, 1) == 1 &&
                SSL_CTX_set_session_id_context(tls, session_context, sizeof session_context - 1);
    return good ? true : zca_error_set_crypto(err, "setting up TLS");
}

SSL_CTX *zca_tls_load(const struct zca_server *server, struct zca_error *err)
{
    zca_auto(SSL_CTX) SSL_CTX *tls = SSL_CTX_new(TLS_server_method());
    if (!tls) {
        (void)zca_error_set_crypto(err, "making a TLS context"); /* always false */
        return NULL;
    }
    const char *certificate = zca_server_text(server, ZCA_SERVER_TLS_CERTIFICATE);
    const char *key = zca_server_text(server, ZCA_SERVER_TLS_KEY);
    bool good = set_protocol(tls, err) &&
                (certificate ? use_files(tls, certificate, key, err) : use_made(tls, server, err));
    return good ? zca_steal(tls) : NULL;
}
