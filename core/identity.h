/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A name with its key, its certificates and the authority that certifies it: what doors hand
 * to tools. Opening one reads nothing but the configuration; loading says what it may cost.
 */
#ifndef ZCA_CORE_IDENTITY_H
#define ZCA_CORE_IDENTITY_H

#include <openssl/x509.h>

#include "core/authority.h"
#include "core/chain.h"
#include "core/key.h"
#include "core/library.h"
#include "core/uri.h"

struct zca_identity; /* one thread at a time */

/** zca_identity_open resolves authority and options of `uri`, which must have a name; copied. */
ZCA_NODISCARD struct zca_identity *
zca_identity_open(struct zca_library *library, const struct zca_uri *uri, struct zca_error *err);
void zca_identity_close(struct zca_identity *identity);
ZCA_DEFINE_AUTO(zca_identity, struct zca_identity, zca_identity_close);

const char *zca_identity_get_name(const struct zca_identity *identity);
struct zca_authority *zca_identity_get_authority(const struct zca_identity *identity);
const char *zca_identity_get_authority_name(const struct zca_identity *identity);
struct zca_library *zca_identity_get_library(const struct zca_identity *identity);
/** zca_identity_get_uri returns "zca://authority/name": always with the authority; borrowed. */
const char *zca_identity_get_uri(const struct zca_identity *identity);

/** zca_identity_order_path returns the path of "orders/AUTHORITY/NAME" + suffix in new memory. */
ZCA_NODISCARD char *zca_identity_order_path(const struct zca_identity *identity, const char *suffix,
                                            struct zca_error *err);

/* Settings after URI, section and library defaults were consulted in this order. Borrowed. */
enum zca_keystore_kind zca_identity_get_keystore(const struct zca_identity *identity);
const struct zca_key_type *zca_identity_get_key_type(const struct zca_identity *identity);
enum zca_auto_enrol zca_identity_get_auto_enrol(const struct zca_identity *identity);
enum zca_pin_use zca_identity_get_pin(const struct zca_identity *identity);
long zca_identity_get_ttl_s(const struct zca_identity *identity);
const char *zca_identity_get_text(const struct zca_identity *identity,
                                  enum zca_identity_option option);
bool zca_identity_get_flag(const struct zca_identity *identity, enum zca_identity_option option);
const char *const *zca_identity_get_list(const struct zca_identity *identity,
                                         enum zca_identity_option option);
bool zca_identity_get_offline(const struct zca_identity *identity); /* URI or `remote = off` */
const char *zca_identity_get_csr_file(const struct zca_identity *identity); /* ?csr=; or NULL */
/** zca_identity_get_wait_ms returns how long one operation may take, lock included: ?wait= of the URI,
 * else the authority's timeout, else remote-timeout. */
long zca_identity_get_wait_ms(const struct zca_identity *identity);

/** zca_identity_key returns the existing key, or ZCA_ERR_NOT_FOUND. No network. New reference. */
ZCA_NODISCARD struct zca_key *zca_identity_key(struct zca_identity *identity,
                                               struct zca_error *err);

/** zca_identity_key_of returns the key with this public part (DER SubjectPublicKeyInfo): the present one,
 * else the one before it, so that files deployed before a renewal work until they are replaced.
 * err ZCA_ERR_NOT_FOUND, ZCA_ERR_CONFLICT when both are others. No network. New reference. */
ZCA_NODISCARD struct zca_key *zca_identity_key_of(struct zca_identity *identity,
                                                  struct zca_span public_key,
                                                  struct zca_error *err);

/** zca_identity_key_sealed opens a sealed key that somebody wrote into a file (core/reference.h), or returns it where
 * this process has it open. err ZCA_ERR_SEALED. */
ZCA_NODISCARD struct zca_key *zca_identity_key_sealed(struct zca_identity *identity,
                                                      struct zca_span sealed,
                                                      struct zca_error *err);

/**
 * zca_identity_key_or_new returns the existing key or makes and stores one, under the identity's lock
 * so that simultaneous processes get the same. Where the authority makes the keys, it enrols instead
 * (when auto-enrol allows), because the key comes with the certificate.
 */
ZCA_NODISCARD struct zca_key *zca_identity_key_or_new(struct zca_identity *identity,
                                                      struct zca_error *err);

/** zca_identity_make_key makes and stores a key of the type that the caller chose, under the identity's lock.
 * err ZCA_ERR_CONFLICT when there is one already, ZCA_ERR_UNSUPPORTED where the authority makes the keys. New
 * reference. */
ZCA_NODISCARD struct zca_key *zca_identity_make_key(struct zca_identity *identity,
                                                    const struct zca_key_type *type,
                                                    struct zca_error *err);

/** zca_identity_certificates returns the stored leaf and chain, valid or not, without network.
 * err ZCA_ERR_NOT_FOUND. Caller frees the stack. */
ZCA_NODISCARD bool zca_identity_certificates(struct zca_identity *identity,
                                             STACK_OF(X509) * *out_certificates,
                                             struct zca_error *err);

/**
 * zca_identity_chain_or_enrol returns the stored certificates when the leaf is valid now, is not for another key
 * than the identity's, and nothing newer was asked for (no captured request, unless auto-enrol = no, and no
 * ?csr=); no network then. Otherwise it enrols as auto-enrol allows: `csr` only with a captured or named
 * request, `load` also without.
 */
ZCA_NODISCARD struct zca_chain *zca_identity_chain_or_enrol(struct zca_identity *identity,
                                                            struct zca_error *err);

/** zca_identity_capture makes a finished request, signed by the identity's key, its pending request
 * (state-dir/orders/AUTHORITY/NAME.csr). der: CertificationRequest. */
ZCA_NODISCARD bool zca_identity_capture(struct zca_identity *identity, struct zca_span der,
                                        struct zca_error *err);

#endif
