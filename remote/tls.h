/* SPDX-License-Identifier: Apache-2.0 */
/* What libcurl leaves to us on an SSL_CTX: the client certificate, and why a server was refused. */
#ifndef ZCA_REMOTE_TLS_H
#define ZCA_REMOTE_TLS_H

#include <stdbool.h>

#include <openssl/types.h>

#include "base/auto.h"
#include "base/error.h"

/* Who a TLS client is. */
struct zca_tls_identity {
    char *certificate_file; /* PEM: leaf, then issuers; NULL: nobody */
    char *
        key_file; /* PEM, not protected by a passphrase: nobody may be asked from inside a library */
};

/** zca_tls_identity_set copies the names of files; certificate_file NULL or "": none, key_file: the same file.
 * err ZCA_ERR_MEMORY. zca_tls_identity_clear releases. */
ZCA_NODISCARD bool zca_tls_identity_set(struct zca_tls_identity *identity,
                                        const char *certificate_file, const char *key_file,
                                        struct zca_error *err);
void zca_tls_identity_clear(struct zca_tls_identity *identity);

/**
 * zca_tls_use_identity sets certificate, chain and key of a TLS client, if there are any. Call it inside a section.
 *
 * tls, context   borrowed; `tls` belongs to `context`, which is the section's.
 * err            ZCA_ERR_CONFIG, ZCA_ERR_NOT_FOUND, ZCA_ERR_SYSTEM name the file.
 */
ZCA_NODISCARD bool zca_tls_use_identity(SSL_CTX *tls, OSSL_LIB_CTX *context,
                                        const struct zca_tls_identity *identity,
                                        struct zca_error *err);

/**
 * zca_tls_watch makes `tls` note why it refuses a server's certificate.
 *
 * out_error   an X509_V_ERR number, written during handshakes; must live as long as `tls` is used.
 */
void zca_tls_watch(SSL_CTX *tls, int *out_error);

#endif
