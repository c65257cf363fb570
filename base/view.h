/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A part of a crypto provider (default or fips) for the library contexts that are ours alone. OpenSSL 3.0 builds an object from
 * every algorithm of an operation when the first of them is fetched, and for each public key that it decodes it compares all
 * decoders with all key managements: what is not there costs nothing. A certificate is decoded in a fifth of the instructions.
 */
#ifndef ZCA_BASE_VIEW_H
#define ZCA_BASE_VIEW_H

#include <stdbool.h>

#include <openssl/provider.h>

#include "base/error.h"

/**
 * zca_view_load loads a crypto provider into a context, where what TLS, X.509 and zca use of it is seen, and nothing else.
 *
 * context   without providers; NULL: the default one, of a process that is ours alone.
 * name      "default" or "fips".
 * own_names key managements get a first name of ours. Where an application has made an ENGINE the default for EC or RSA keys,
 *           OpenSSL 3 sends every operation of every context to it whose key management has a first name that it knows: keys
 *           would be copied out into legacy objects, and parameters be lost.
 * err       ZCA_ERR_CRYPTO.
 *
 * Returns the loaded provider, to be unloaded by the caller; its functions and its argument (OSSL_PROVIDER_query_operation,
 * OSSL_PROVIDER_get0_provider_ctx) are the crypto provider's own. NULL on failure. Thread-safe for different contexts.
 */
ZCA_NODISCARD OSSL_PROVIDER *zca_view_load(OSSL_LIB_CTX *context, const char *name, bool own_names,
                                           struct zca_error *err);

#endif
