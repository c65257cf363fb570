/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The CA of an organisation: its certificate, and its key, which signs nothing that the ledger does
 * not hold already.
 */
#ifndef ZCA_SERVER_AUTHORITY_H
#define ZCA_SERVER_AUTHORITY_H

#include <stdbool.h>

#include <openssl/x509.h>

#include "base/algorithm.h"
#include "base/auto.h"
#include "base/buffer.h"
#include "base/error.h"
#include "server/ledger.h"
#include "server/ledger_certificate.h"
#include "server/seal.h"

struct zca_authority;

struct zca_authority_cache;

/** zca_authority_cache_new makes an empty cache of opened authorities; safe from several threads.
 * ledger, seal   borrowed, must outlive the cache: where authorities are kept, and what opens their keys. */
ZCA_NODISCARD struct zca_authority_cache *zca_authority_cache_new(struct zca_ledger *ledger,
                                                                  const struct zca_seal *seal,
                                                                  struct zca_error *err);
void zca_authority_cache_free(struct zca_authority_cache *cache);
ZCA_DEFINE_AUTO(zca_authority_cache, struct zca_authority_cache, zca_authority_cache_free);

/**
 * zca_authority_open gives the authority an organisation uses now, its key unsealed.
 *
 * err   code CA_NOT_INITIALIZED; ZCA_ERR_SEALED, ZCA_ERR_UNAVAILABLE, ZCA_ERR_CRYPTO.
 *
 * Returns an object that is immutable and safe from several threads, or NULL.
 */
ZCA_NODISCARD struct zca_authority *zca_authority_open(struct zca_authority_cache *cache,
                                                       const char *org_id, struct zca_error *err);

/** zca_authority_new makes an authority that is not in the ledger yet, for its own certificate.
 * key is taken, also on failure; certificate is borrowed and may be NULL. */
ZCA_NODISCARD struct zca_authority *zca_authority_new(const char *id, const char *org_id,
                                                      EVP_PKEY *key, X509 *certificate,
                                                      struct zca_error *err);

/** zca_authority_free drops one reference. */
void zca_authority_free(struct zca_authority *authority);
ZCA_DEFINE_AUTO(zca_authority, struct zca_authority, zca_authority_free);

/* Borrowed members. The certificate's subject and subject key identifier were checked when opened. */
const char *zca_authority_id(const struct zca_authority *authority);
const char *zca_authority_org_id(const struct zca_authority *authority);
X509 *zca_authority_certificate(const struct zca_authority *authority);
const EVP_PKEY *zca_authority_key(const struct zca_authority *authority);

/** zca_authority_purpose appends the purpose under which the key of authority `id` is sealed. */
ZCA_NODISCARD bool zca_authority_purpose(const char *id, struct zca_buffer *out_text,
                                         struct zca_error *err);

/** zca_authority_algorithm returns the row for signatures of this authority with `digest`
 * ("SHA256"; NULL: its default), or NULL when it makes none or they are too weak. */
const struct zca_signature_algorithm *zca_authority_algorithm(const struct zca_authority *authority,
                                                              const char *digest);

/**
 * zca_authority_sign signs a to-be-signed structure whose intent is durable.
 *
 * intent         as zca_ledger_intent_insert left it; of this authority and of exactly these bytes.
 * out_signature  appended: DER Ecdsa-Sig-Value (RFC 3279, 2.2.3).
 * err            ZCA_ERR_INVALID when the intent is of something else; ZCA_ERR_CRYPTO.
 */
ZCA_NODISCARD bool zca_authority_sign(const struct zca_authority *authority,
                                      const struct zca_intent *intent,
                                      const struct zca_signature_algorithm *algorithm,
                                      struct zca_span tbs, struct zca_buffer *out_signature,
                                      struct zca_error *err);

#endif
