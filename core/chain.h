/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A certificate and its issuers as DER. What readers ask every time (dates, public key, the
 * bytes) is read straight from the encoding: an X509 object costs a hundred times as much.
 */
#ifndef ZCA_CORE_CHAIN_H
#define ZCA_CORE_CHAIN_H

#include <stdint.h>

#include <openssl/x509.h>

#include "base/buffer.h"
#include "core/key.h"
#include "core/library.h"

struct zca_chain; /* immutable; counted; safe from several threads */

/** zca_chain_parse reads PEM text, leaf first, at most 16 certificates. Blocks of other types are
 * skipped. err ZCA_ERR_INVALID. Returns a new reference or NULL. */
ZCA_NODISCARD struct zca_chain *zca_chain_parse(struct zca_span pem, struct zca_error *err);

/** zca_chain_of makes a chain of certificates that are objects already, leaf first, at most 16; it keeps them for
 * zca_chain_certificates. They are of the context of the library whose chain it is. err ZCA_ERR_INVALID. */
ZCA_NODISCARD struct zca_chain *zca_chain_of(const STACK_OF(X509) * certificates,
                                             struct zca_error *err);

struct zca_chain *zca_chain_ref(struct zca_chain *chain);
void zca_chain_free(struct zca_chain *chain);
ZCA_DEFINE_AUTO(zca_chain, struct zca_chain, zca_chain_free);

size_t zca_chain_get_length(const struct zca_chain *chain);                     /* at least 1 */
struct zca_span zca_chain_get_der(const struct zca_chain *chain, size_t index); /* borrowed */
struct zca_span zca_chain_get_public(const struct zca_chain *chain); /* SPKI of the leaf */
int64_t zca_chain_get_not_before_s(const struct zca_chain *chain);
int64_t zca_chain_get_not_after_s(const struct zca_chain *chain);

/** zca_chain_valid_now tells whether the leaf's dates include the present, with ZCA_CLOCK_SKEW_S. */
bool zca_chain_valid_now(const struct zca_chain *chain);

/** zca_chain_same tells whether two chains are the same bytes. */
bool zca_chain_same(const struct zca_chain *left, const struct zca_chain *right);

/** zca_chain_matches tells whether the leaf is for this key. */
bool zca_chain_matches(const struct zca_chain *chain, const struct zca_key *key);

/** zca_chain_certificates returns the certificates as objects of the library's context: those that the chain was made of
 * (zca_chain_of), else new ones, but for those that are among `anchors` (NULL: none). Caller frees. */
ZCA_NODISCARD STACK_OF(X509) *
    zca_chain_certificates(const struct zca_chain *chain, struct zca_library *library,
                           const STACK_OF(X509) * anchors, struct zca_error *err);

/** zca_chain_format appends the certificates as PEM, leaf first. */
ZCA_NODISCARD bool zca_chain_format(const struct zca_chain *chain, struct zca_buffer *out_pem,
                                    struct zca_error *err);

#endif
