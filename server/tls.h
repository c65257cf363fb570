/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The server's side of TLS: certificate from the configured files, or one made at start under a
 * small root of its own, `tls-ca.pem` in the state directory, which is what clients trust.
 */
#ifndef ZCA_SERVER_TLS_H
#define ZCA_SERVER_TLS_H

#include <stdbool.h>

#include <openssl/ssl.h>

#include "base/auto.h"
#include "base/error.h"
#include "server/server.h"

/** zca_tls_load makes a new context from the configuration: TLS 1.2 or later, AEAD ciphers, tickets. err ZCA_ERR_CONFIG, ZCA_ERR_CRYPTO,
 * ZCA_ERR_EXPIRED (our own root has run out). Caller frees with SSL_CTX_free. */
ZCA_NODISCARD SSL_CTX *zca_tls_load(const struct zca_server *server, struct zca_error *err);

/** zca_tls_is_made tells whether the certificate is of our own making and so has to be made anew from
 * time to time: it is valid for 90 days. */
bool zca_tls_is_made(const struct zca_server *server);

/** zca_tls_trust_path returns, in new memory, the path of the file that clients should trust, or NULL
 * when the certificate comes from the configuration (`err` is empty then) or without memory. */
ZCA_NODISCARD char *zca_tls_trust_path(const struct zca_server *server, struct zca_error *err);

#endif
