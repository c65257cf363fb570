/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A configured CA: its settings, its pinned certificate, its client. What it returns is checked
 * here or in core/verify.c before anybody uses it.
 */
#ifndef ZCA_CORE_AUTHORITY_H
#define ZCA_CORE_AUTHORITY_H

#include <openssl/x509.h>

#include "base/tbs.h"
#include "core/library.h"
#include "remote/remote.h"

struct zca_authority;

/**
 * zca_authority_open resolves a name to a configured authority. No network, no file but the configuration.
 *
 * name   NULL: option default-authority, or the only one there is.
 * err    ZCA_ERR_NOT_FOUND lists what is configured and how to log in; ZCA_ERR_CONFIG.
 */
ZCA_NODISCARD struct zca_authority *zca_authority_open(struct zca_library *library,
                                                       const char *name, struct zca_error *err);
void zca_authority_close(struct zca_authority *authority);
ZCA_DEFINE_AUTO(zca_authority, struct zca_authority, zca_authority_close);

const char *zca_authority_get_name(const struct zca_authority *authority);
const char *zca_authority_get_dialect(const struct zca_authority *authority);
const char *zca_authority_get_url(const struct zca_authority *authority);
struct zca_library *zca_authority_get_library(const struct zca_authority *authority);

/** zca_authority_get_text returns an option of the section, NULL when unset; borrowed. */
const char *zca_authority_get_text(const struct zca_authority *authority,
                                   enum zca_authority_option option);

/** zca_authority_capabilities opens zca-remote.so (no network) and returns zca_capability bits. */
ZCA_NODISCARD bool zca_authority_capabilities(struct zca_authority *authority,
                                              unsigned *out_capabilities, struct zca_error *err);

/** zca_authority_client returns the open client, made on first use; borrowed. Callers use it through
 * the table that zca_library_remote returns. No network yet. */
ZCA_NODISCARD struct zca_client *zca_authority_client(struct zca_authority *authority,
                                                      struct zca_error *err);

/**
 * zca_authority_use_credential has this object's requests authenticated by `credential`, a token of the authority or, where
 * option api-key-file is set, an API key, in place of what the configured files hold. Copied into secure memory, until
 * the object is closed; connections that others use afterwards know nothing of it. No network, no check.
 * err ZCA_ERR_AUTH: empty; ZCA_ERR_MEMORY.
 */
ZCA_NODISCARD bool zca_authority_use_credential(struct zca_authority *authority,
                                                struct zca_span credential, struct zca_error *err);
bool zca_authority_has_credential(const struct zca_authority *authority);

/**
 * zca_authority_check_credential asks the authority who we are: one request, which changes nothing.
 *
 * out_expires_at_s   when the credential says that it expires, in seconds; 0: it does not tell.
 * err                ZCA_ERR_AUTH: refused; ZCA_ERR_EXPIRED: refused, and it says itself that it has expired; else those of
 *                    the remote table, and nothing is known.
 */
ZCA_NODISCARD bool zca_authority_check_credential(struct zca_authority *authority,
                                                  int64_t *out_expires_at_s, struct zca_error *err);

/**
 * zca_authority_certificates returns the CA's certificates, issuing CA first: option `issuer`, else the
 * file pinned at first use (state-dir/authorities/NAME/ca.pem), else, unless `offline`, what the
 * authority returns over its verified TLS connection, which is then pinned.
 *
 * err   ZCA_ERR_NOT_FOUND, ZCA_ERR_NOT_INITIALISED, ZCA_ERR_VERIFY; when the dialect cannot return its CA
 *       the message names `zca ca init` and option issuer.
 * Caller frees the stack.
 */
ZCA_NODISCARD bool zca_authority_certificates(struct zca_authority *authority, bool offline,
                                              STACK_OF(X509) * *out_certificates,
                                              struct zca_error *err);

/** zca_authority_pin fetches the CA certificates and replaces the pinned file. `created`: from ca_init
 * (which makes or rotates the CA) instead of ca_fetch. Only on explicit request of a person. */
ZCA_NODISCARD bool zca_authority_pin(struct zca_authority *authority, bool created,
                                     STACK_OF(X509) * *out_certificates, struct zca_error *err);

/** zca_authority_crl returns the CRL: cached until its nextUpdate, verified against the CA. */
ZCA_NODISCARD X509_CRL *zca_authority_crl(struct zca_authority *authority, bool offline,
                                          struct zca_error *err);

/**
 * zca_authority_sign has the CA sign a complete to-be-signed structure and verifies the result with the
 * CA's certificate before it is returned.
 *
 * tbs            classified here; ZCA_ERR_POLICY when it is not an X.509 structure and blind-sign is off.
 * digest         "SHA256" ...; NULL for keys that hash themselves.
 * out_signature  cleared first; EC: DER Ecdsa-Sig-Value (RFC 3279, 2.2.3), RSA raw.
 * err            ZCA_ERR_UNSUPPORTED for dialects that build their own certificates: the message names
 *                the URI and command that work; else the authority's refusal with its code.
 */
ZCA_NODISCARD bool zca_authority_sign(struct zca_authority *authority, const char *digest,
                                      struct zca_span tbs, struct zca_buffer *out_signature,
                                      struct zca_error *err);

#endif
