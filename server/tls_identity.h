/* SPDX-License-Identifier: Apache-2.0 */
/* The server's own TLS root and the certificates it makes for this server: nothing else, ever. */
#ifndef ZCA_SERVER_TLS_IDENTITY_H
#define ZCA_SERVER_TLS_IDENTITY_H

#include <stdbool.h>

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "base/auto.h"
#include "base/error.h"

#define ZCA_TLS_ROOT_FILE "tls-ca.pem"
#define ZCA_TLS_ROOT_KEY_FILE "tls-ca.key"

/**
 * zca_tls_identity_make makes a key, in memory only, and a certificate for it: EC P-256, 90 days,
 * server authentication, for localhost, 127.0.0.1, ::1, the host's name and `names`. The root that
 * signs it is loaded from `directory`, or made there at first: key 0600, certificate 0644.
 *
 * names   NULL-terminated host names and addresses; NULL: none.
 * err     ZCA_ERR_CONFIG for a bad name, ZCA_ERR_EXPIRED for a root that has run out,
 *         ZCA_ERR_SYSTEM, ZCA_ERR_CRYPTO, ZCA_ERR_INVALID for files that do not belong together.
 */
ZCA_NODISCARD bool zca_tls_identity_make(const char *directory, const char *const *names,
                                         EVP_PKEY **out_key, X509 **out_certificate,
                                         struct zca_error *err);

/** zca_tls_key_load reads a private key, PEM without passphrase, from a file. */
ZCA_NODISCARD EVP_PKEY *zca_tls_key_load(const char *path, struct zca_error *err);

#endif
