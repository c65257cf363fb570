/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Public keys of requests without OpenSSL's decoders: for each key they are set up anew, and cost more than
 * the verification of a signature. A request is read in a context that has none, and its key made here.
 */
#ifndef ZCA_SERVER_PUBLIC_KEY_H
#define ZCA_SERVER_PUBLIC_KEY_H

#include <openssl/x509.h>

#include "base/auto.h"
#include "base/error.h"

/** zca_public_key_context makes a context in which X509 structures keep their public keys as bytes. It has no
 * algorithms at all. Caller frees. err ZCA_ERR_CRYPTO. */
ZCA_NODISCARD OSSL_LIB_CTX *zca_public_key_context(struct zca_error *err);

/** zca_public_key_curve returns OpenSSL's name of the curve of an EC key, if it is P-256, P-384 or P-521 and the key names
 * it; NULL for other keys, and for a curve that is described. */
const char *zca_public_key_curve(const X509_PUBKEY *public_key);

/** zca_public_key_make makes the key of a SubjectPublicKeyInfo (RFC 5280, 4.1.2.7) in the default context: one on
 * a curve of zca_public_key_curve from its point, which must be on it; others through a decoder. Caller frees.
 * NULL: it cannot be read. */
ZCA_NODISCARD EVP_PKEY *zca_public_key_make(const X509_PUBKEY *public_key);

#endif
