/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private keys as PEM, DER and text (provider-encoder(7)). Of a key with a URI there is a reference, a refusal,
 * and its public part; an anonymous key, which libcrypto brings here when zca is listed first, is written as
 * the default provider would.
 */
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/params.h>

#include "provider/cold.h"

static OSSL_FUNC_encoder_newctx_fn encoder_newctx_pem, encoder_newctx_specific, encoder_newctx_der,
    encoder_newctx_text;
static OSSL_FUNC_encoder_freectx_fn encoder_freectx;
static OSSL_FUNC_encoder_does_selection_fn encoder_does_selection;
static OSSL_FUNC_encoder_set_ctx_params_fn encoder_set_ctx_params;
static OSSL_FUNC_encoder_settable_ctx_params_fn encoder_settable_ctx_params;
static OSSL_FUNC_encoder_encode_fn encoder_encode;

/* PrivateKeyInfo is what is asked for also when it is to be encrypted. */
#define PEM "output=pem,structure=PrivateKeyInfo"
#define SPECIFIC "output=pem,structure=type-specific" /* what "openssl ec" asks for */
#define DER "output=der,structure=PrivateKeyInfo"
#define TEXT "output=text"

struct encoder {
    const char *form;
    /* what becomes of a key with a URI */
    int (*encode)(const struct zca_cold *cold, const struct zca_keydata *keydata,
                  const struct zca_writing *writing);
    OSSL_PARAM *params; /* cipher of the encryption, for anonymous keys; NULL: none */
};

static int encode_reference(const struct zca_cold *cold, const struct zca_keydata *keydata,
                            const struct zca_writing *writing)
{
    return cold->key_encode(keydata, writing->out);
}

static int encode_nothing(const struct zca_cold *cold, const struct zca_keydata *keydata,
                          const struct zca_writing *writing)
{
    (void)writing; /* the private key itself */
    return cold->refuse(keydata, ZCA_REFUSE_EXPORT);
}

static int encode_text(const struct zca_cold *cold, const struct zca_keydata *keydata,
                       const struct zca_writing *writing)
{
    return cold->key_encode_text(keydata, writing);
}

static void *encoder_new(const struct encoder *model)
{
    struct encoder *encoder = OPENSSL_zalloc(sizeof(*encoder));
    if (encoder) {
        *encoder = *model;
    }
    return encoder;
}

static void *encoder_newctx_pem(void *provider)
{
    (void)provider; /* the key knows it */
    return encoder_new(&(struct encoder){.form = PEM, .encode = encode_reference});
}

static void *encoder_newctx_specific(void *provider)
{
    (void)provider; /* the key knows it */
    return encoder_new(&(struct encoder){.form = SPECIFIC, .encode = encode_reference});
}

static void *encoder_newctx_der(void *provider)
{
    (void)provider; /* the key knows it */
    return encoder_new(&(struct encoder){.form = DER, .encode = encode_nothing});
}

static void *encoder_newctx_text(void *provider)
{
    (void)provider; /* the key knows it */
    return encoder_new(&(struct encoder){.form = TEXT, .encode = encode_text});
}

static void encoder_freectx(void *context)
{
    struct encoder *encoder = context;
    if (encoder) {
        OSSL_PARAM_free(encoder->params);
        OPENSSL_free(encoder);
    }
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
    encoder->params = NULL;
    if (!cipher->data) { /* no encryption; a copy of it would be the cipher "" */
        return 1;
    }
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
    struct zca_writing writing = {.form = encoder->form,
                                  .params = encoder->params,
                                  .out = out,
                                  .selection = selection,
                                  .passphrase = passphrase,
                                  .passphrase_argument = passphrase_argument};
    return keydata->uri ? encoder->encode(cold, keydata, &writing)
                        : cold->key_encode_plain(keydata, &writing);
}

#define ROW(NUMBER, function)                                                                      \
    {                                                                                              \
        OSSL_FUNC_ENCODER_##NUMBER, (void (*)(void))(function)                                     \
    }

#define COMMON_ROWS                                                                                \
    ROW(FREECTX, encoder_freectx), ROW(DOES_SELECTION, encoder_does_selection),                    \
        ROW(SET_CTX_PARAMS, encoder_set_ctx_params),                                               \
        ROW(SETTABLE_CTX_PARAMS, encoder_settable_ctx_params), ROW(ENCODE, encoder_encode)

#define TABLE(form)                                                                                \
    static const OSSL_DISPATCH form##_functions[] = {                                              \
        ROW(NEWCTX, encoder_newctx_##form),                                                        \
        COMMON_ROWS,                                                                               \
        {0, NULL},                                                                                 \
    }

TABLE(pem);
TABLE(specific);
TABLE(der);
TABLE(text);

/* Without "provider=zca", which libcrypto would read and file for each row: nobody selects encoders by it. */
#define KIND(name)                                                                                 \
    {name, PEM, pem_functions, "zca key reference"},                                               \
        {name, DER, der_functions, "zca private key"},                                             \
    {                                                                                              \
        name, TEXT, text_functions, "zca key in words"                                             \
    }

const OSSL_ALGORITHM zca_encoder_algorithms[] = {
    KIND("EC"),
    {"EC", SPECIFIC, specific_functions, "zca key reference"},
    KIND("RSA"),
    KIND("ED25519"),
    {NULL, NULL,     NULL,               NULL               },
};
