/* SPDX-License-Identifier: Apache-2.0 */
/* A library context with the built provider in it, its own state directory, and no authority in reach. */
#ifndef ZCA_TESTS_PROVIDER_CONTEXT_H
#define ZCA_TESTS_PROVIDER_CONTEXT_H

#include <stdbool.h>

#include <openssl/evp.h>
#include <openssl/store.h>

#include "base/auto.h"

/** context_setup and context_teardown are cmocka group fixtures: $ZCA_CONFIG names a zca.conf with the
 * authority "corp" and the identities "rsa" (RSA-2048) and "ed" (Ed25519). */
int context_setup(void **state);
int context_teardown(void **state);

/** context_new returns a context with default and zca loaded; context_free unloads them. */
OSSL_LIB_CTX *context_new(void);
void context_free(OSSL_LIB_CTX *context);

/** context_key loads the private key of a URI; the test fails when there is none. */
EVP_PKEY *context_key(OSSL_LIB_CTX *context, const char *uri);

/** context_ca_key returns the key of authority "corp" as it stands in a reference with the public half of `key`. */
EVP_PKEY *context_ca_key(OSSL_LIB_CTX *context, EVP_PKEY *key);

/** context_sign signs a few bytes with ECDSA or RSA and SHA-256; no assertion, so that threads and children may call
 * it. len   the room in `signature`, then what is used of it. */
ZCA_NODISCARD bool context_sign(OSSL_LIB_CTX *context, EVP_PKEY *key, unsigned char *signature,
                                size_t *len);

/** context_public returns a public key of the default provider with the same value. */
EVP_PKEY *context_public(OSSL_LIB_CTX *context, EVP_PKEY *key);

/** context_last_reason returns the reason text of the newest zca error of the queue; "" when there is none. */
const char *context_last_reason(void);

#endif
