/* SPDX-License-Identifier: Apache-2.0 */
/* Parameters of a signature operation: those of the inner context. */
#include "provider/signature_params.h"

int zca_signature_get_ctx_params(void *context, OSSL_PARAM params[])
{
    const struct zca_signature *signature = context;
    return signature->inner && ZCA_SIGNATURE(get_ctx_params, GET_CTX_PARAMS,
                                             signature->functions)(signature->inner, params);
}

static const OSSL_PARAM *gettable_params(const struct zca_signature *signature,
                                         struct zca_provider *provider, enum zca_kind kind)
{
    const struct zca_overlay *overlay = zca_overlay_get(provider);
    OSSL_FUNC_signature_gettable_ctx_params_fn *inner =
        overlay ? ZCA_SIGNATURE(gettable_ctx_params, GETTABLE_CTX_PARAMS, &overlay->signature[kind])
                : NULL;
    return inner ? inner(signature ? signature->inner : NULL, overlay->provctx) : NULL;
}

const OSSL_PARAM *zca_signature_gettable_ctx_params_ec(void *context, void *provider)
{
    return gettable_params(context, provider, ZCA_KIND_EC);
}

const OSSL_PARAM *zca_signature_gettable_ctx_params_rsa(void *context, void *provider)
{
    return gettable_params(context, provider, ZCA_KIND_RSA);
}

const OSSL_PARAM *zca_signature_gettable_ctx_params_ed25519(void *context, void *provider)
{
    return gettable_params(context, provider, ZCA_KIND_ED25519);
}

int zca_signature_set_ctx_params(void *context, const OSSL_PARAM params[])
{
    const struct zca_signature *signature = context;
    OSSL_FUNC_signature_set_ctx_params_fn *inner =
        ZCA_SIGNATURE(set_ctx_params, SET_CTX_PARAMS, signature->functions);
    if (!signature->inner ||
        (signature->remote &&
         !zca_signature_cold(signature->key)->remote_allows(signature->key, params))) {
        return 0;
    }
    return !inner || inner(signature->inner, params);
}

static const OSSL_PARAM *settable_params(const struct zca_signature *signature,
                                         struct zca_provider *provider, enum zca_kind kind)
{
    const struct zca_overlay *overlay = zca_overlay_get(provider);
    OSSL_FUNC_signature_settable_ctx_params_fn *inner =
        overlay ? ZCA_SIGNATURE(settable_ctx_params, SETTABLE_CTX_PARAMS, &overlay->signature[kind])
                : NULL;
    return inner ? inner(signature ? signature->inner : NULL, overlay->provctx) : NULL;
}

const OSSL_PARAM *zca_signature_settable_ctx_params_ec(void *context, void *provider)
{
    return settable_params(context, provider, ZCA_KIND_EC);
}

const OSSL_PARAM *zca_signature_settable_ctx_params_rsa(void *context, void *provider)
{
    return settable_params(context, provider, ZCA_KIND_RSA);
}

int zca_signature_get_ctx_md_params(void *context, OSSL_PARAM params[])
{
    const struct zca_signature *signature = context;
    return signature->inner && ZCA_SIGNATURE(get_ctx_md_params, GET_CTX_MD_PARAMS,
                                             signature->functions)(signature->inner, params);
}

const OSSL_PARAM *zca_signature_gettable_ctx_md_params(void *context)
{
    const struct zca_signature *signature = context;
    return signature->inner ? ZCA_SIGNATURE(gettable_ctx_md_params, GETTABLE_CTX_MD_PARAMS,
                                            signature->functions)(signature->inner)
                            : NULL;
}

int zca_signature_set_ctx_md_params(void *context, const OSSL_PARAM params[])
{
    const struct zca_signature *signature = context;
    return signature->inner && ZCA_SIGNATURE(set_ctx_md_params, SET_CTX_MD_PARAMS,
                                             signature->functions)(signature->inner, params);
}

const OSSL_PARAM *zca_signature_settable_ctx_md_params(void *context)
{
    const struct zca_signature *signature = context;
    return signature->inner ? ZCA_SIGNATURE(settable_ctx_md_params, SETTABLE_CTX_MD_PARAMS,
                                            signature->functions)(signature->inner)
                            : NULL;
}
