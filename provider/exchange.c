/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ECDH (provider-keyexch(7)), forwarded. It is here because TLS asks the provider that generated an
 * ephemeral key to derive with it: without it, listing zca before default would break TLS.
 */
#include <openssl/crypto.h>

#include "provider/enter.h"

static OSSL_FUNC_keyexch_newctx_fn exchange_newctx;
static OSSL_FUNC_keyexch_init_fn exchange_init;
static OSSL_FUNC_keyexch_set_peer_fn exchange_set_peer;
static OSSL_FUNC_keyexch_derive_fn exchange_derive;
static OSSL_FUNC_keyexch_freectx_fn exchange_freectx;
static OSSL_FUNC_keyexch_dupctx_fn exchange_dupctx;
static OSSL_FUNC_keyexch_set_ctx_params_fn exchange_set_ctx_params;
static OSSL_FUNC_keyexch_settable_ctx_params_fn exchange_settable_ctx_params;
static OSSL_FUNC_keyexch_get_ctx_params_fn exchange_get_ctx_params;
static OSSL_FUNC_keyexch_gettable_ctx_params_fn exchange_gettable_ctx_params;

struct exchange {
    const struct zca_provider *provider;
    const struct zca_functions *functions;
    void *inner;
};

static struct exchange *exchange_new(const struct zca_provider *provider,
                                     const struct zca_functions *functions, void *inner)
{
    struct exchange *exchange = inner ? OPENSSL_zalloc(sizeof(*exchange)) : NULL;
    if (exchange) {
        exchange->provider = provider;
        exchange->functions = functions;
        exchange->inner = inner;
    } else if (inner) {
        ZCA_EXCHANGE(freectx, FREECTX, functions)(inner);
    }
    return exchange;
}

static void *exchange_newctx(void *provider)
{
    const struct zca_overlay *overlay = zca_overlay_get(provider);
    OSSL_FUNC_keyexch_newctx_fn *inner_new =
        overlay ? ZCA_EXCHANGE(newctx, NEWCTX, &overlay->exchange) : NULL;
    return inner_new ? exchange_new(provider, &overlay->exchange, inner_new(overlay->provctx))
                     : NULL;
}

static int exchange_init(void *context, void *key, const OSSL_PARAM params[])
{
    const struct exchange *exchange = context;
    const struct zca_keydata *keydata = key;
    if (keydata->authority) {
        return zca_keydata_refuse(keydata, ZCA_REFUSE_DERIVE);
    }
    return ZCA_EXCHANGE(init, INIT, exchange->functions)(exchange->inner, keydata->inner, params);
}

static int exchange_set_peer(void *context, void *key)
{
    const struct exchange *exchange = context;
    const struct zca_keydata *keydata = key;
    return ZCA_EXCHANGE(set_peer, SET_PEER, exchange->functions)(exchange->inner, keydata->inner);
}

static int exchange_derive(void *context, unsigned char *secret, size_t *secret_len, size_t size)
{
    const struct exchange *exchange = context;
    zca_auto(entered) const struct zca_cold *inside = zca_provider_enter(exchange->provider);
    return ZCA_EXCHANGE(derive, DERIVE, exchange->functions)(exchange->inner, secret, secret_len,
                                                             size);
}

static void exchange_freectx(void *context)
{
    struct exchange *exchange = context;
    if (exchange) {
        ZCA_EXCHANGE(freectx, FREECTX, exchange->functions)(exchange->inner);
        OPENSSL_free(exchange);
    }
}

static void *exchange_dupctx(void *context)
{
    const struct exchange *exchange = context;
    return exchange_new(exchange->provider, exchange->functions,
                        ZCA_EXCHANGE(dupctx, DUPCTX, exchange->functions)(exchange->inner));
}

static int exchange_set_ctx_params(void *context, const OSSL_PARAM params[])
{
    const struct exchange *exchange = context;
    return ZCA_EXCHANGE(set_ctx_params, SET_CTX_PARAMS, exchange->functions)(exchange->inner,
                                                                             params);
}

static const OSSL_PARAM *exchange_settable_ctx_params(void *context, void *provider)
{
    const struct exchange *exchange = context;
    const struct zca_overlay *overlay = zca_overlay_get(provider);
    return overlay ? ZCA_EXCHANGE(settable_ctx_params, SETTABLE_CTX_PARAMS, &overlay->exchange)(
                         exchange ? exchange->inner : NULL, overlay->provctx)
                   : NULL;
}

static int exchange_get_ctx_params(void *context, OSSL_PARAM params[])
{
    const struct exchange *exchange = context;
    return ZCA_EXCHANGE(get_ctx_params, GET_CTX_PARAMS, exchange->functions)(exchange->inner,
                                                                             params);
}

static const OSSL_PARAM *exchange_gettable_ctx_params(void *context, void *provider)
{
    const struct exchange *exchange = context;
    const struct zca_overlay *overlay = zca_overlay_get(provider);
    return overlay ? ZCA_EXCHANGE(gettable_ctx_params, GETTABLE_CTX_PARAMS, &overlay->exchange)(
                         exchange ? exchange->inner : NULL, overlay->provctx)
                   : NULL;
}

#define ROW(NUMBER, function)                                                                      \
    {                                                                                              \
        OSSL_FUNC_KEYEXCH_##NUMBER, (void (*)(void))(function)                                     \
    }

static const OSSL_DISPATCH ecdh_functions[] = {
    ROW(NEWCTX, exchange_newctx),
    ROW(INIT, exchange_init),
    ROW(SET_PEER, exchange_set_peer),
    ROW(DERIVE, exchange_derive),
    ROW(FREECTX, exchange_freectx),
    ROW(DUPCTX, exchange_dupctx),
    ROW(SET_CTX_PARAMS, exchange_set_ctx_params),
    ROW(SETTABLE_CTX_PARAMS, exchange_settable_ctx_params),
    ROW(GET_CTX_PARAMS, exchange_get_ctx_params),
    ROW(GETTABLE_CTX_PARAMS, exchange_gettable_ctx_params),
    {0, NULL},
};

/* A name of our own, as of signatures. */
const OSSL_ALGORITHM zca_exchange_algorithms[] = {
    {"ZCA-ECDH", "provider=zca", ecdh_functions, "zca ECDH"},
    {NULL,       NULL,           NULL,           NULL      },
};
