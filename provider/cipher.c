/* SPDX-License-Identifier: Apache-2.0 */
/*
 * RSA encryption (provider-asym_cipher(7)), forwarded: CMS recipients, pkeyutl, and the RSA key exchange of
 * TLS 1.2. A CA key signs and does nothing else.
 */
#include <openssl/crypto.h>

#include "provider/enter.h"

static OSSL_FUNC_asym_cipher_newctx_fn cipher_newctx;
static OSSL_FUNC_asym_cipher_freectx_fn cipher_freectx;
static OSSL_FUNC_asym_cipher_dupctx_fn cipher_dupctx;
static OSSL_FUNC_asym_cipher_encrypt_init_fn cipher_encrypt_init;
static OSSL_FUNC_asym_cipher_encrypt_fn cipher_encrypt;
static OSSL_FUNC_asym_cipher_decrypt_init_fn cipher_decrypt_init;
static OSSL_FUNC_asym_cipher_decrypt_fn cipher_decrypt;
static OSSL_FUNC_asym_cipher_set_ctx_params_fn cipher_set_ctx_params;
static OSSL_FUNC_asym_cipher_settable_ctx_params_fn cipher_settable_ctx_params;
static OSSL_FUNC_asym_cipher_get_ctx_params_fn cipher_get_ctx_params;
static OSSL_FUNC_asym_cipher_gettable_ctx_params_fn cipher_gettable_ctx_params;

struct cipher {
    const struct zca_provider *provider;
    const struct zca_functions *functions;
    void *inner;
};

static struct cipher *cipher_new(const struct zca_provider *provider,
                                 const struct zca_functions *functions, void *inner)
{
    struct cipher *cipher = inner ? OPENSSL_zalloc(sizeof(*cipher)) : NULL;
    if (cipher) {
        cipher->provider = provider;
        cipher->functions = functions;
        cipher->inner = inner;
    } else if (inner) {
        ZCA_CIPHER(freectx, FREECTX, functions)(inner);
    }
    return cipher;
}

static void *cipher_newctx(void *provider)
{
    const struct zca_overlay *overlay = zca_overlay_get(provider);
    OSSL_FUNC_asym_cipher_newctx_fn *inner_new =
        overlay ? ZCA_CIPHER(newctx, NEWCTX, &overlay->cipher) : NULL;
    return inner_new ? cipher_new(provider, &overlay->cipher, inner_new(overlay->provctx)) : NULL;
}

static void cipher_freectx(void *context)
{
    struct cipher *cipher = context;
    if (cipher) {
        ZCA_CIPHER(freectx, FREECTX, cipher->functions)(cipher->inner);
        OPENSSL_free(cipher);
    }
}

static void *cipher_dupctx(void *context)
{
    const struct cipher *cipher = context;
    return cipher_new(cipher->provider, cipher->functions,
                      ZCA_CIPHER(dupctx, DUPCTX, cipher->functions)(cipher->inner));
}

static int cipher_encrypt_init(void *context, void *key, const OSSL_PARAM params[])
{
    const struct cipher *cipher = context;
    const struct zca_keydata *keydata = key;
    return ZCA_CIPHER(encrypt_init, ENCRYPT_INIT, cipher->functions)(cipher->inner, keydata->inner,
                                                                     params);
}

static int cipher_encrypt(void *context, unsigned char *out, size_t *out_len, size_t size,
                          const unsigned char *in, size_t in_len)
{
    const struct cipher *cipher = context;
    zca_auto(entered) const struct zca_cold *inside = zca_provider_enter(cipher->provider);
    return ZCA_CIPHER(encrypt, ENCRYPT, cipher->functions)(cipher->inner, out, out_len, size, in,
                                                           in_len);
}

static int cipher_decrypt_init(void *context, void *key, const OSSL_PARAM params[])
{
    const struct cipher *cipher = context;
    const struct zca_keydata *keydata = key;
    if (keydata->authority) {
        return zca_keydata_refuse(keydata, ZCA_REFUSE_DECRYPT);
    }
    return ZCA_CIPHER(decrypt_init, DECRYPT_INIT, cipher->functions)(cipher->inner, keydata->inner,
                                                                     params);
}

static int cipher_decrypt(void *context, unsigned char *out, size_t *out_len, size_t size,
                          const unsigned char *in, size_t in_len)
{
    const struct cipher *cipher = context;
    zca_auto(entered) const struct zca_cold *inside = zca_provider_enter(cipher->provider);
    return ZCA_CIPHER(decrypt, DECRYPT, cipher->functions)(cipher->inner, out, out_len, size, in,
                                                           in_len);
}

static int cipher_set_ctx_params(void *context, const OSSL_PARAM params[])
{
    const struct cipher *cipher = context;
    return ZCA_CIPHER(set_ctx_params, SET_CTX_PARAMS, cipher->functions)(cipher->inner, params);
}

static const OSSL_PARAM *cipher_settable_ctx_params(void *context, void *provider)
{
    const struct cipher *cipher = context;
    const struct zca_overlay *overlay = zca_overlay_get(provider);
    return overlay ? ZCA_CIPHER(settable_ctx_params, SETTABLE_CTX_PARAMS,
                                &overlay->cipher)(cipher ? cipher->inner : NULL, overlay->provctx)
                   : NULL;
}

static int cipher_get_ctx_params(void *context, OSSL_PARAM params[])
{
    const struct cipher *cipher = context;
    return ZCA_CIPHER(get_ctx_params, GET_CTX_PARAMS, cipher->functions)(cipher->inner, params);
}

static const OSSL_PARAM *cipher_gettable_ctx_params(void *context, void *provider)
{
    const struct cipher *cipher = context;
    const struct zca_overlay *overlay = zca_overlay_get(provider);
    return overlay ? ZCA_CIPHER(gettable_ctx_params, GETTABLE_CTX_PARAMS,
                                &overlay->cipher)(cipher ? cipher->inner : NULL, overlay->provctx)
                   : NULL;
}

#define ROW(NUMBER, function)                                                                      \
    {                                                                                              \
        OSSL_FUNC_ASYM_CIPHER_##NUMBER, (void (*)(void))(function)                                 \
    }

static const OSSL_DISPATCH rsa_functions[] = {
    ROW(NEWCTX, cipher_newctx),
    ROW(FREECTX, cipher_freectx),
    ROW(DUPCTX, cipher_dupctx),
    ROW(ENCRYPT_INIT, cipher_encrypt_init),
    ROW(ENCRYPT, cipher_encrypt),
    ROW(DECRYPT_INIT, cipher_decrypt_init),
    ROW(DECRYPT, cipher_decrypt),
    ROW(SET_CTX_PARAMS, cipher_set_ctx_params),
    ROW(SETTABLE_CTX_PARAMS, cipher_settable_ctx_params),
    ROW(GET_CTX_PARAMS, cipher_get_ctx_params),
    ROW(GETTABLE_CTX_PARAMS, cipher_gettable_ctx_params),
    {0, NULL},
};

/* A name of our own, as of signatures. */
const OSSL_ALGORITHM zca_cipher_algorithms[] = {
    {"ZCA-RSA", "provider=zca", rsa_functions, "zca RSA encryption"},
    {NULL,      NULL,           NULL,          NULL                },
};
