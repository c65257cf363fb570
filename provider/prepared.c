/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A prepared context is published once by compare-and-swap and never used or changed afterwards, so
 * threads may copy it at the same time.
 */
#include "provider/prepared.h"

#include <string.h>

#include <openssl/crypto.h>

#include "provider/enter.h"

struct zca_prepared {
    void *context;
    char *digest;
};

static const struct zca_functions *functions_of(const struct zca_keydata *keydata)
{
    return &keydata->overlay->signature[keydata->kind];
}

static void prepared_free(const struct zca_functions *functions, struct zca_prepared *prepared)
{
    if (prepared) {
        if (prepared->context) {
            ZCA_SIGNATURE(freectx, FREECTX, functions)(prepared->context);
        }
        OPENSSL_free(prepared->digest);
        OPENSSL_free(prepared);
    }
}

void zca_prepared_free(struct zca_keydata *keydata)
{
    for (size_t i = 0; i < ZCA_NUM_PREPARED; i++) {
        prepared_free(functions_of(keydata), keydata->prepared[i]);
    }
}

static bool same_digest(const char *left, const char *right)
{
    return left == right || (left && right && strcmp(left, right) == 0);
}

/* A failure to keep a copy costs time later, nothing else. */
static void publish(struct zca_keydata *keydata, size_t slot, const char *digest, void *context)
{
    const struct zca_functions *functions = functions_of(keydata);
    struct zca_prepared *prepared = OPENSSL_zalloc(sizeof(*prepared));
    if (!prepared) {
        return;
    }
    prepared->digest = digest ? OPENSSL_strdup(digest) : NULL;
    prepared->context = ZCA_SIGNATURE(dupctx, DUPCTX, functions)(context);
    struct zca_prepared *none = NULL;
    bool complete = prepared->context && (!digest || prepared->digest);
    if (!complete || !atomic_compare_exchange_strong(&keydata->prepared[slot], &none, prepared)) {
        prepared_free(functions, prepared); /* another thread was first */
    }
}

static void *initialise(const struct zca_keydata *keydata, const char *digest)
{
    const struct zca_functions *functions = functions_of(keydata);
    zca_auto(entered) const struct zca_cold *inside = zca_provider_enter(keydata->provider);
    OSSL_FUNC_signature_newctx_fn *inner_new = ZCA_SIGNATURE(newctx, NEWCTX, functions);
    void *context = inner_new ? inner_new(keydata->overlay->provctx, NULL) : NULL;
    if (context && !ZCA_SIGNATURE(digest_sign_init, DIGEST_SIGN_INIT,
                                  functions)(context, digest, keydata->inner, NULL)) {
        ZCA_SIGNATURE(freectx, FREECTX, functions)(context);
        return NULL;
    }
    return context;
}

void *zca_prepared_context(struct zca_keydata *keydata, const char *digest)
{
    size_t slot = 0;
    for (; slot < ZCA_NUM_PREPARED; slot++) {
        const struct zca_prepared *prepared =
            atomic_load_explicit(&keydata->prepared[slot], memory_order_acquire);
        if (!prepared) {
            break;
        }
        if (same_digest(prepared->digest, digest)) {
            return ZCA_SIGNATURE(dupctx, DUPCTX, functions_of(keydata))(prepared->context);
        }
    }
    void *context = initialise(keydata, digest);
    if (context && slot < ZCA_NUM_PREPARED) {
        publish(keydata, slot, digest, context);
    }
    return context;
}
