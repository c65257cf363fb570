/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private keys as PEM (provider-encoder(7)). A key with a URI is written as its reference; an anonymous
 * key, which libcrypto brings here when zca is listed first, as the default provider would write it.
 */
#include <string.h>

#include <openssl/core_names.h>

#include "base/pem.h"
#include "core/reference.h"
#include "provider/error.h"
#include "provider/keydata.h"

static OSSL_FUNC_encoder_newctx_fn encoder_newctx_plain, encoder_newctx_encrypted;
static OSSL_FUNC_encoder_freectx_fn encoder_freectx;
static OSSL_FUNC_encoder_does_selection_fn encoder_does_selection;
static OSSL_FUNC_encoder_set_ctx_params_fn encoder_set_ctx_params;
static OSSL_FUNC_encoder_settable_ctx_params_fn encoder_settable_ctx_params;
static OSSL_FUNC_encoder_encode_fn encoder_encode;

struct encoder {
    struct zca_provider *provider;
    const char *structure;
    OSSL_PARAM *params; /* cipher of the encryption, for anonymous keys; NULL: none */
};

static void *encoder_new(struct zca_provider *provider, const char *structure)
{
    struct encoder *encoder = OPENSSL_zalloc(sizeof(*encoder));
    if (encoder) {
        encoder->provider = provider;
        encoder->structure = structure;
    }
    return encoder;
}

static void *encoder_newctx_plain(void *provider)
{
    return encoder_new(provider, "PrivateKeyInfo");
}

static void *encoder_newctx_encrypted(void *provider)
{
    return encoder_new(provider, "EncryptedPrivateKeyInfo");
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

/* ---- anonymous keys ---- */

struct writing {
    OSSL_CORE_BIO *out;
    int selection;
    OSSL_PASSPHRASE_CALLBACK *passphrase;
    void *passphrase_argument;
};

static int encode_by_default(const struct encoder *encoder, const struct zca_keydata *keydata,
                             const struct writing *writing)
{
    struct zca_functions functions = {0};
    if (!zca_overlay_encoder(encoder->provider, keydata->kind, encoder->structure, &functions)) {
        return 0;
    }
    OSSL_FUNC_encoder_set_ctx_params_fn *set =
        ZCA_ENCODER(set_ctx_params, SET_CTX_PARAMS, &functions);
    void *inner = ZCA_ENCODER(newctx, NEWCTX, &functions)(keydata->overlay->provctx);
    int encoded = inner && (!encoder->params || !set || set(inner, encoder->params)) &&
                  ZCA_ENCODER(encode, ENCODE, &functions)(inner, writing->out, keydata->inner, NULL,
                                                          writing->selection, writing->passphrase,
                                                          writing->passphrase_argument);
    if (inner) {
        ZCA_ENCODER(freectx, FREECTX, &functions)(inner);
    }
    return encoded;
}

/* ---- keys with a URI ---- */

static bool format_reference(const struct zca_keydata *keydata, struct zca_buffer *out_text,
                             struct zca_error *err)
{
    zca_auto(zca_reference) struct zca_reference reference = {.uri = strdup(keydata->uri)};
    zca_auto(zca_buffer) struct zca_buffer der = {0};
    if (!reference.uri) {
        return zca_error_set(err, ZCA_ERR_MEMORY, "out of memory");
    }
    return zca_keydata_public(keydata, &reference.public_key, err) &&
           zca_reference_format(&reference, &der, err) &&
           zca_pem_format(ZCA_REFERENCE_LABEL, zca_buffer_span(&der), out_text, err);
}

static int encode_reference(const struct encoder *encoder, const struct zca_keydata *keydata,
                            OSSL_CORE_BIO *out)
{
    struct zca_error err = {0};
    zca_auto(zca_buffer) struct zca_buffer text = {0};
    size_t written = 0;
    if (!format_reference(keydata, &text, &err)) {
        return ZCA_FAIL(encoder->provider, &err);
    }
    return encoder->provider->upcalls.bio_write_ex(out, text.data, text.len, &written) &&
           written == text.len;
}

static int encoder_encode(void *context, OSSL_CORE_BIO *out, const void *key,
                          const OSSL_PARAM abstract[], int selection,
                          OSSL_PASSPHRASE_CALLBACK *passphrase, void *passphrase_argument)
{
    const struct encoder *encoder = context;
    const struct zca_keydata *keydata = key;
    struct writing writing = {.out = out,
                              .selection = selection,
                              .passphrase = passphrase,
                              .passphrase_argument = passphrase_argument};
    if (!key || abstract) {
        return 0; /* a key of another provider */
    }
    return keydata->uri ? encode_reference(encoder, keydata, out)
                        : encode_by_default(encoder, keydata, &writing);
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
