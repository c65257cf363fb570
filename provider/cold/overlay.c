/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keeps the dispatch tables of the operations that are forwarded.
 * The tables stay valid as long as that provider is loaded, which is as long as our library lives.
 */
#include "provider/cold/overlay.h"

#include <stdio.h>

#include <openssl/params.h>
#include <openssl/provider.h>

#include "core/library.h"
#include "provider/cold.h"
#include "provider/cold/error.h"

void zca_overlay_free(struct zca_overlay *overlay)
{
    if (overlay) {
        for (size_t i = 0; i < ZCA_NUM_KINDS; i++) {
            OPENSSL_free(overlay->generation[i]);
        }
        OPENSSL_free(overlay);
    }
}

/* NULL also where the default provider cannot generate such a key. */
static OSSL_PARAM *generation_params(const struct zca_overlay *overlay, enum zca_kind kind)
{
    static const OSSL_PARAM ours[] = {OSSL_PARAM_utf8_string(ZCA_PARAM_URI, NULL, 0),
                                      OSSL_PARAM_END};
    OSSL_FUNC_keymgmt_gen_settable_params_fn *inner =
        ZCA_KEYMGMT(gen_settable_params, GEN_SETTABLE_PARAMS, &overlay->keymgmt[kind]);
    return inner ? OSSL_PARAM_merge(inner(NULL, overlay->provctx), ours) : NULL;
}

static struct zca_overlay *overlay_new(struct zca_library *library, struct zca_error *err)
{
    zca_library_enter(library);
    OSSL_PROVIDER *crypto = zca_library_crypto(library, err);
    if (!crypto) {
        return NULL;
    }
    struct zca_overlay *overlay = OPENSSL_zalloc(sizeof(*overlay));
    if (!overlay) {
        (void)zca_error_set(err, ZCA_ERR_MEMORY, "out of memory"); /* NULL says the same */
        return NULL;
    }
    overlay->provctx = OSSL_PROVIDER_get0_provider_ctx(crypto);
    /* An absent algorithm is found out and reported when a key of its kind is made. */
    for (size_t i = 0; i < ZCA_NUM_KINDS; i++) {
        (void)zca_crypto_find(crypto, OSSL_OP_KEYMGMT, zca_kinds[i].keymgmt, "",
                              &overlay->keymgmt[i]);
        (void)zca_crypto_find(crypto, OSSL_OP_SIGNATURE, zca_kinds[i].signature.theirs, "",
                              &overlay->signature[i]);
        overlay->generation[i] = generation_params(overlay, (enum zca_kind)i);
    }
    (void)zca_crypto_find(crypto, OSSL_OP_KEYEXCH, zca_kinds[ZCA_KIND_EC].exchange.theirs, "",
                          &overlay->exchange);
    (void)zca_crypto_find(crypto, OSSL_OP_ASYM_CIPHER, zca_kinds[ZCA_KIND_RSA].cipher.theirs, "",
                          &overlay->cipher);
    return overlay;
}

bool zca_overlay_encoder(struct zca_provider *provider, enum zca_kind kind, const char *form,
                         struct zca_functions *out_functions)
{
    zca_library_enter(provider->library);
    OSSL_PROVIDER *crypto = zca_library_crypto(provider->library, NULL);
    return crypto &&
           zca_crypto_find(crypto, OSSL_OP_ENCODER, zca_kinds[kind].keymgmt, form, out_functions);
}

static struct zca_overlay *make_overlay(struct zca_provider *provider, struct zca_error *err)
{
    struct zca_overlay *known = atomic_load(&provider->overlay);
    struct zca_overlay *overlay = known ? NULL : overlay_new(provider->library, err);
    if (!overlay || atomic_compare_exchange_strong(&provider->overlay, &known, overlay)) {
        return overlay ? overlay : known;
    }
    zca_overlay_free(overlay); /* another thread was first */
    return known;
}

bool zca_overlay_ensure(struct zca_provider *provider, struct zca_error *err)
{
    return atomic_load(&provider->overlay) || make_overlay(provider, err);
}

const struct zca_overlay *zca_overlay_make(struct zca_provider *provider)
{
    struct zca_error err = {0};
    const struct zca_overlay *overlay = make_overlay(provider, &err);
    if (!overlay) {
        (void)ZCA_FAIL(provider, &err); /* NULL says the same */
    }
    return overlay;
}
