/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private keys as PEM (provider-encoder(7)). A key with a URI is written as its reference; an anonymous
 * key, which libcrypto brings here when zca is listed first, as the default provider would write it.
 */
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/params.h>

#include "provider/cold.h"

static OSSL_FUNC_encoder_newctx_fn encoder_newctx_plain, encoder_newctx_encrypted;
static OSSL_FUNC_encoder_freectx_fn encoder_freectx;
static OSSL_FUNC_encoder_does_selection_fn encoder_does_selection;
static OSSL_FUNC_encoder_set_ctx_params_fn encoder_set_ctx_params;
static OSSL_FUNC_encoder_settable_ctx_params_fn encoder_settable_ctx_params;
static OSSL_FUNC_encoder_encode_fn encoder_encode;

struct encoder {
    const char *structure;
    OSSL_PARAM *params; /* cipher of the encryption, for anonymous keys; NULL: none */
};

static void *encoder_new(const char *structure)
{
    struct encoder *encoder = OPENSSL_zalloc(sizeof(*encoder));
    if (encoder) {
        encoder->structure = structure;
    }
    return encoder;
}

static void *encoder_newctx_plain(void *provider)
{
    (void)provider; /* the key knows it */
    return encoder_new("PrivateKeyInfo");
}

static void *encoder_newctx_encrypted(void *provider)
{
    (void)provider; /* the key knows it */
    return encoder_new("EncryptedPrivateKeyInfo");
}

static void encoder_freectx(void *context)
{
    struct encoder *encoder = context;
    OSSL_PARAM_free(encoder->params);
    OPENSSL_free(encoder);
}

static int encoder_does_selection(void *provider, int selection)
{
    (void)provider; /* the same for all */
    return (selection & OSSL_KEYMGMT_SELECT_PRIVATE_KEY) != 0;
}

static const OSSL_PARAM *encoder_settable_ctx_params(void *provider)
{
    static const OSSL_PARAM settable[] = {
        OSSL_PARAM_utf8_string(OSSL_ENCODER_PARAM_CIPHER, NULL, 0),
        OSSL_PARAM_utf8_string(OSSL_ENCODER_PARAM_PROPERTIES, NULL, 0),
        OSSL_PARAM_END,
    };
    (void)provider; /* the same for all */
    return settable;
}

/* Kept for the default provider's encoder. Properties are of the application's context: left out. */
static int encoder_set_ctx_params(void *context, const OSSL_PARAM params[])
{
    struct encoder *encoder = context;
    const OSSL_PARAM *cipher = OSSL_PARAM_locate_const(params, OSSL_ENCODER_PARAM_CIPHER);
    if (!cipher) {
        return 1;
    }
    const OSSL_PARAM only_cipher[] = {*cipher, OSSL_PARAM_construct_end()};
    OSSL_PARAM_free(encoder->params);
    encoder->params = OSSL_PARAM_dup(only_cipher);
    return encoder->params ? 1 : 0;
}

static int encoder_encode(void *context, OSSL_CORE_BIO *out, const void *key,
                          const OSSL_PARAM abstract[], int selection,
                          OSSL_PASSPHRASE_CALLBACK *passphrase, void *passphrase_argument)
{
    const struct encoder *encoder = context;
    const struct zca_keydata *keydata = key;
    if (!key || abstract) {
        return 0; /* a key of another provider */
    }
    const struct zca_cold *cold = keydata->provider->open_cold(keydata->provider);
    if (!cold) {
        return 0;
    }
    if (keydata->uri) {
        return cold->key_encode(keydata, out);
    }
    struct zca_writing writing = {.structure = encoder->structure,
                                  .params = encoder->params,
                                  .out = out,
                                  .selection = selection,
                                  .passphrase = passphrase,
                                  .passphrase_argument = passphrase_argument};
    return cold->key_encode_plain(keydata, &writing);
}

#define ROW(NUMBER, function)                                                                      \
    {                                                                                              \
        OSSL_FUNC_ENCODER_##NUMBER, (void (*)(void))(function)                                     \
    }

#define COMMON_ROWS                                                                                \
    ROW(FREECTX, encoder_freectx), ROW(DOES_SELECTION, encoder_does_selection),                    \
        ROW(SET_CTX_PARAMS, encoder_set_ctx_params),                                               \
        ROW(SETTABLE_CTX_PARAMS, encoder_settable_ctx_params), ROW(ENCODE, encoder_encode)

static const OSSL_DISPATCH plain_functions[] = {
    ROW(NEWCTX, encoder_newctx_plain),
    COMMON_ROWS,
    {0, NULL},
};

static const OSSL_DISPATCH encrypted_functions[] = {
    ROW(NEWCTX, encoder_newctx_encrypted),
    COMMON_ROWS,
    {0, NULL},
};

#define PLAIN "provider=zca,output=pem,structure=PrivateKeyInfo"
#define ENCRYPTED "provider=zca,output=pem,structure=EncryptedPrivateKeyInfo"

const OSSL_ALGORITHM zca_encoder_algorithms[] = {
    {"EC",      PLAIN,     plain_functions,     "zca key reference"},
    {"EC",      ENCRYPTED, encrypted_functions, "zca key reference"},
    {"RSA",     PLAIN,     plain_functions,     "zca key reference"},
    {"RSA",     ENCRYPTED, encrypted_functions, "zca key reference"},
    {"ED25519", PLAIN,     plain_functions,     "zca key reference"},
    {"ED25519", ENCRYPTED, encrypted_functions, "zca key reference"},
    {NULL,      NULL,      NULL,                NULL               },
};
