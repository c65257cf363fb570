/* SPDX-License-Identifier: Apache-2.0 */
/* Key data: counted, so that a signature context never outlives its key. */
#include "provider/keydata.h"

#include <openssl/crypto.h>

#include "provider/enter.h"
#include "provider/prepared.h"

/* Key data without zca-core.so has no inner key: it is open. */
static const struct zca_cold *zca_keydata_cold(const struct zca_keydata *keydata)
{
    return atomic_load_explicit(&keydata->provider->cold, memory_order_acquire);
}

const struct zca_overlay *zca_overlay_get(struct zca_provider *provider)
{
    const struct zca_overlay *overlay =
        atomic_load_explicit(&provider->overlay, memory_order_acquire);
    if (overlay) {
        return overlay;
    }
    const struct zca_cold *cold = provider->open_cold(provider);
    return cold ? cold->overlay_get(provider) : NULL;
}

static struct zca_keydata *new_keydata(struct zca_provider *provider,
                                       const struct zca_overlay *overlay, enum zca_kind kind)
{
    struct zca_keydata *keydata = OPENSSL_zalloc(sizeof(*keydata));
    if (keydata) {
        keydata->references = 1;
        keydata->provider = provider;
        keydata->overlay = overlay;
        keydata->kind = kind;
    }
    return keydata;
}

struct zca_keydata *zca_keydata_new_inner(struct zca_provider *provider, enum zca_kind kind,
                                          void *inner)
{
    const struct zca_overlay *overlay = zca_overlay_get(provider);
    if (!overlay || !inner) {
        return NULL;
    }
    struct zca_keydata *keydata = new_keydata(provider, overlay, kind);
    if (!keydata) {
        ZCA_KEYMGMT(free, FREE, &overlay->keymgmt[kind])(inner);
        return NULL;
    }
    keydata->inner = inner;
    return keydata;
}

struct zca_keydata *zca_keydata_new_shared(struct zca_provider *provider, enum zca_kind kind,
                                           struct zca_key *key, void *inner)
{
    const struct zca_overlay *overlay = zca_overlay_get(provider);
    struct zca_keydata *keydata = overlay ? new_keydata(provider, overlay, kind) : NULL;
    if (keydata) {
        keydata->key = zca_keydata_cold(keydata)->identity_key_ref(key);
        keydata->is_shared = true;
        keydata->inner = inner;
    }
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
        return NULL; /* a fips provider may lack one */
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
    if (!keydata->is_shared) {
        zca_auto(entered) const struct zca_cold *inside = zca_provider_enter(keydata->provider);
        ZCA_KEYMGMT(free, FREE, zca_keydata_functions(keydata))(keydata->inner);
    }
    if (keydata->key) {
        zca_keydata_cold(keydata)->identity_key_free(keydata->key);
    }
    OPENSSL_free(keydata->uri);
    OPENSSL_free(keydata->authority);
    OPENSSL_free(keydata);
}
