/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A key held on this host: an object of the crypto provider's key management, which holds the only
 * copy of the private value in this process. Made in place; never through PEM or PKCS#8 unless the
 * authority made it.
 */
#ifndef ZCA_CORE_KEY_H
#define ZCA_CORE_KEY_H

#include <stdint.h>

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "base/algorithm.h"
#include "base/buffer.h"
#include "core/library.h"

struct zca_key; /* immutable; counted; safe from several threads */

/* Where the private part was made: `zca list` tells, and renewal depends on it. */
enum zca_key_origin { ZCA_KEY_MADE_HERE, ZCA_KEY_MADE_BY_AUTHORITY };

/** zca_key_generate makes a key of a type in the library's context. */
ZCA_NODISCARD struct zca_key *zca_key_generate(struct zca_library *library,
                                               const struct zca_key_type *type,
                                               struct zca_error *err);

/** zca_key_import_pkcs8 takes a key that an authority made (DER PKCS#8 or traditional) and checks that
 * private and public part belong together. err ZCA_ERR_UNSUPPORTED for a type without row,
 * ZCA_ERR_INVALID. The caller wipes `der`. */
ZCA_NODISCARD struct zca_key *zca_key_import_pkcs8(struct zca_library *library, struct zca_span der,
                                                   struct zca_error *err);

struct zca_key *zca_key_ref(struct zca_key *key);
void zca_key_free(struct zca_key *key);
ZCA_DEFINE_AUTO(zca_key, struct zca_key, zca_key_free);

const struct zca_key_type *zca_key_get_type(const struct zca_key *key);
enum zca_key_origin zca_key_get_origin(const struct zca_key *key);
struct zca_library *zca_key_get_library(const struct zca_key *key);

/** zca_key_get_public returns the DER SubjectPublicKeyInfo; borrowed. */
struct zca_span zca_key_get_public(const struct zca_key *key);

/** zca_key_get_inner returns the crypto provider's own key object; borrowed, and not changed. */
void *zca_key_get_inner(const struct zca_key *key);

/** zca_key_pkey returns the key as EVP_PKEY of the library's context: a second copy of the private value, for
 * the length of one operation. Caller frees. err ZCA_ERR_CRYPTO. */
ZCA_NODISCARD EVP_PKEY *zca_key_pkey(const struct zca_key *key, struct zca_error *err);

/* How core/keyring.c finds live keys without keeping them alive. */
struct zca_key_watch {
    /* before `key` is destroyed, inside the gate (base/gate.h) */
    void (*gone)(void *argument, const struct zca_key *key);
    void *argument;
};

/** zca_key_set_watch has `watch` told of the end of `key`; before the key is shared. One watch a key. */
void zca_key_set_watch(struct zca_key *key, const struct zca_key_watch *watch);

/** zca_key_ref_alive returns a new reference, or NULL when the last one was just given back. */
ZCA_NODISCARD struct zca_key *zca_key_ref_alive(struct zca_key *key);

/**
 * zca_key_seal appends the key record: DER SEQUENCE with type, origin, SubjectPublicKeyInfo and the
 * private values sealed by AES-256-GCM under the library's sealing key. The record's public part and
 * `label` ("authority/name") are authenticated, so records cannot be exchanged.
 * zca_key_unseal is the inverse: err ZCA_ERR_SEALED when the sealing key is missing or another one,
 * or the record was changed, saying which file.
 */
ZCA_NODISCARD bool zca_key_seal(struct zca_key *key, const char *label, struct zca_span sealing_key,
                                struct zca_buffer *out_record, struct zca_error *err);
ZCA_NODISCARD struct zca_key *zca_key_unseal(struct zca_library *library, const char *label,
                                             struct zca_span sealing_key, struct zca_span record,
                                             struct zca_error *err);

/** zca_key_record_public appends the SubjectPublicKeyInfo of a record without opening it, so it is not
 * authenticated: to see which key it is, not to trust it. Needs no OpenSSL context. */
ZCA_NODISCARD bool zca_key_record_public(struct zca_span record, struct zca_buffer *out_public,
                                         struct zca_error *err);

/** zca_key_export_plain appends PKCS#8 DER in the clear; only core/deploy.c calls it, after asking
 * the configuration. out_der must be secret. OpenSSL's encoder leaves copies in freed memory. */
ZCA_NODISCARD bool zca_key_export_plain(struct zca_key *key, struct zca_buffer *out_der,
                                        struct zca_error *err);

#endif
