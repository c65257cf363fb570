/* SPDX-License-Identifier: Apache-2.0 */
/* Key data: counted, so that a signature context never outlives its key. */
#include "provider/keydata.h"

#include <openssl/x509.h>

#include "base/openssl_auto.h"
#include "provider/error.h"
#include "provider/prepared.h"

struct zca_keydata *zca_keydata_new_inner(struct zca_provider *provider, enum zca_kind kind,
                                          void *inner)
{
    const struct zca_overlay *overlay = zca_overlay_get(provider);
    if (!overlay || !inner) {
        return NULL;
    }
    struct zca_keydata *keydata = OPENSSL_zalloc(sizeof(*keydata));
    if (!keydata) {
        ZCA_KEYMGMT(free, FREE, &overlay->keymgmt[kind])(inner);
        struct zca_error err = {0};
        (void)zca_error_set(&err, ZCA_ERR_MEMORY, "out of memory"); /* reported next */
        (void)ZCA_FAIL(provider, &err);
        return NULL;
    }
    keydata->references = 1;
    keydata->provider = provider;
    keydata->overlay = overlay;
    keydata->kind = kind;
    keydata->inner = inner;
    return keydata;
}

struct zca_keydata *zca_keydata_new(struct zca_provider *provider, enum zca_kind kind)
{
    const struct zca_overlay *overlay = zca_overlay_get(provider);
    if (!overlay) {
        return NULL;
    }
    OSSL_FUNC_keymgmt_new_fn *inner_new = ZCA_KEYMGMT(new, NEW, &overlay->keymgmt[kind]);
    if (!inner_new) {
        struct zca_error err = {0};
        (void)zca_error_set(&err, ZCA_ERR_UNSUPPORTED, "the crypto provider has no %s keys",
                            zca_kind_name(kind)); /* reported next */
        (void)ZCA_FAIL(provider, &err);
        return NULL;
    }
    return zca_keydata_new_inner(provider, kind, inner_new(overlay->provctx));
}

struct zca_keydata *zca_keydata_ref(struct zca_keydata *keydata)
{
    atomic_fetch_add(&keydata->references, 1);
    return keydata;
}

void zca_keydata_free(struct zca_keydata *keydata)
{
    if (!keydata || atomic_fetch_sub(&keydata->references, 1) != 1) {
        return;
    }
    zca_prepared_free(keydata);
    ZCA_KEYMGMT(free, FREE, zca_keydata_functions(keydata))(keydata->inner);
    OPENSSL_free(keydata->uri);
    OPENSSL_free(keydata->authority);
    OPENSSL_free(keydata);
}

/* Takes what the default provider exports and makes an EVP_PKEY of the private context from it. */
struct public_copy {
    const struct zca_keydata *keydata;
    EVP_PKEY *key;
};

static int copy_public(const OSSL_PARAM params[], void *argument)
{
    struct public_copy *copy = argument;
    zca_auto(EVP_PKEY_CTX) EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(
        copy->keydata->overlay->context, zca_kind_name(copy->keydata->kind), NULL);
    /* EVP_PKEY_fromdata takes a pointer it does not write through */
    return context && EVP_PKEY_fromdata_init(context) > 0 &&
           EVP_PKEY_fromdata(context, &copy->key, EVP_PKEY_PUBLIC_KEY,
                             (OSSL_PARAM *)(uintptr_t)params) > 0;
}

bool zca_keydata_public(const struct zca_keydata *keydata, struct zca_buffer *out_der,
                        struct zca_error *err)
{
    struct public_copy copy = {.keydata = keydata};
    int copied = ZCA_KEYMGMT(export, EXPORT, zca_keydata_functions(keydata))(
        keydata->inner, EVP_PKEY_PUBLIC_KEY, copy_public, &copy);
    zca_auto(EVP_PKEY) EVP_PKEY *key = copy.key;
    unsigned char *der = NULL;
    int len = copied ? i2d_PUBKEY(key, &der) : 0;
    if (len <= 0) {
        return zca_error_set_crypto(err, "encoding a public key");
    }
    bool appended = zca_buffer_append(out_der, zca_span_of(der, (size_t)len), err);
    OPENSSL_free(der);
    return appended;
}
