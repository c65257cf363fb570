/* SPDX-License-Identifier: Apache-2.0 */
/*
 * P-256 keys of the server: made, sealed as raw numbers, opened without a decoder, so that no copy
 * of the private number is left in ordinary memory.
 */
#ifndef ZCA_SERVER_EC_KEY_H
#define ZCA_SERVER_EC_KEY_H

#include <openssl/evp.h>

#include "base/auto.h"
#include "base/buffer.h"
#include "base/error.h"
#include "server/seal.h"

/** zca_ec_key_make returns a new P-256 key. NULL with ZCA_ERR_CRYPTO. */
ZCA_NODISCARD EVP_PKEY *zca_ec_key_make(struct zca_error *err);

/** zca_ec_key_seal appends the sealed form of a P-256 key; see zca_seal_close_secret. */
ZCA_NODISCARD bool zca_ec_key_seal(const struct zca_seal *seal, const char *purpose,
                                   const EVP_PKEY *key, struct zca_buffer *out_sealed,
                                   struct zca_error *err);

/** zca_ec_key_unseal returns the key of a sealed form. NULL with ZCA_ERR_SEALED, ZCA_ERR_CRYPTO. */
ZCA_NODISCARD EVP_PKEY *zca_ec_key_unseal(const struct zca_seal *seal, const char *purpose,
                                          struct zca_span sealed, struct zca_error *err);

/** zca_ec_key_point appends the public key as an uncompressed point (SEC 1, 2.3.3): 65 bytes. */
ZCA_NODISCARD bool zca_ec_key_point(const EVP_PKEY *key, struct zca_buffer *out_point,
                                    struct zca_error *err);

/** zca_ec_key_format appends the private key as PEM, PKCS #8 (RFC 5208), to a secret buffer. */
ZCA_NODISCARD bool zca_ec_key_format(const EVP_PKEY *key, struct zca_buffer *out_pem,
                                     struct zca_error *err);

#endif
