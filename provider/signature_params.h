/* SPDX-License-Identifier: Apache-2.0 */
/* One signature operation, and its parameters: what signature.c hands on. */
#ifndef ZCA_PROVIDER_SIGNATURE_PARAMS_H
#define ZCA_PROVIDER_SIGNATURE_PARAMS_H

#include "provider/cold.h"

struct zca_signature {
    struct zca_provider *provider;
    const struct zca_overlay *overlay;
    const struct zca_functions *functions;
    struct zca_keydata *key;             /* counted; NULL before the first init */
    void *inner;                         /* context of the default provider */
    struct zca_remote_signature *remote; /* while signing with a remote key */
};

/* A remote key came out of zca-core.so: it is open. */
static inline const struct zca_cold *zca_signature_cold(const struct zca_keydata *key)
{
    return atomic_load_explicit(&key->provider->cold, memory_order_acquire);
}

/* Its parameters: provider-signature(7), function by function. */
OSSL_FUNC_signature_get_ctx_params_fn zca_signature_get_ctx_params;
OSSL_FUNC_signature_gettable_ctx_params_fn zca_signature_gettable_ctx_params_ec,
    zca_signature_gettable_ctx_params_rsa, zca_signature_gettable_ctx_params_ed25519;
OSSL_FUNC_signature_set_ctx_params_fn zca_signature_set_ctx_params;
OSSL_FUNC_signature_settable_ctx_params_fn zca_signature_settable_ctx_params_ec,
    zca_signature_settable_ctx_params_rsa;
OSSL_FUNC_signature_get_ctx_md_params_fn zca_signature_get_ctx_md_params;
OSSL_FUNC_signature_gettable_ctx_md_params_fn zca_signature_gettable_ctx_md_params;
OSSL_FUNC_signature_set_ctx_md_params_fn zca_signature_set_ctx_md_params;
OSSL_FUNC_signature_settable_ctx_md_params_fn zca_signature_settable_ctx_md_params;

#endif
