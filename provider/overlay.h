/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The default provider's own functions, which do all arithmetic with local keys. They are obtained on the first
 * use of a key from the application's default (or fips) provider, or from one in a private library context.
 */
#ifndef ZCA_PROVIDER_OVERLAY_H
#define ZCA_PROVIDER_OVERLAY_H

#include "core/crypto.h"
#include "provider/kind.h"
#include "provider/provider.h"

struct zca_overlay {
    void *provctx; /* the default provider's context, first argument of its functions */
    struct zca_functions keymgmt[ZCA_NUM_KINDS];
    struct zca_functions signature[ZCA_NUM_KINDS];
    struct zca_functions exchange;         /* ECDH */
    struct zca_functions cipher;           /* RSA */
    OSSL_PARAM *generation[ZCA_NUM_KINDS]; /* what a generation can be told; owned */
};

/* More of the typed functions of core/crypto.h. */
#define ZCA_SIGNATURE(name, NUMBER, table)                                                         \
    OSSL_FUNC_signature_##name(&(table)->entry[OSSL_FUNC_SIGNATURE_##NUMBER])
#define ZCA_EXCHANGE(name, NUMBER, table)                                                          \
    OSSL_FUNC_keyexch_##name(&(table)->entry[OSSL_FUNC_KEYEXCH_##NUMBER])
#define ZCA_CIPHER(name, NUMBER, table)                                                            \
    OSSL_FUNC_asym_cipher_##name(&(table)->entry[OSSL_FUNC_ASYM_CIPHER_##NUMBER])
#define ZCA_ENCODER(name, NUMBER, table)                                                           \
    OSSL_FUNC_encoder_##name(&(table)->entry[OSSL_FUNC_ENCODER_##NUMBER])

/** zca_overlay_get returns the functions, found on first use; borrowed, constant afterwards.
 * NULL after the failure was reported. Thread-safe. */
const struct zca_overlay *zca_overlay_get(struct zca_provider *provider);

#endif
