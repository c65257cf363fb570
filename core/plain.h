/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The crypto provider's keys in a private context, under names of our own. Where an application has made an ENGINE the
 * default for EC or RSA keys (openssl -engine, nginx, stunnel), OpenSSL 3 sends every operation of every context to it whose
 * key management has a name that it knows: the keys would be copied out into legacy objects, and parameters be lost.
 */
#ifndef ZCA_CORE_PLAIN_H
#define ZCA_CORE_PLAIN_H

#include <openssl/provider.h>

#include "base/error.h"

/**
 * zca_plain_add offers the key management, signatures, key exchange and encryption of the context's provider (default or
 * fips) there under names of our own, too, and makes them preferred.
 *
 * err  ZCA_ERR_CRYPTO.
 *
 * Returns the provider, to be unloaded before the other one; NULL on failure.
 */
ZCA_NODISCARD OSSL_PROVIDER *zca_plain_add(OSSL_LIB_CTX *context, struct zca_error *err);

#endif
