/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Generation (provider-keymgmt(7)): an ordinary key in memory, by the default provider, unless the tool
 * names it (-pkeyopt zca-uri:zca://web). A name makes it the key of that identity, which core makes and stores.
 */
#include "provider/generation.h"

#include <openssl/crypto.h>

#include "provider/enter.h"

struct generation {
    struct zca_provider *provider;
    const struct zca_functions *functions;
    enum zca_kind kind;
    int selection; /* parameters alone, or a key */
    void *inner;
    struct zca_new_key *new_key;  /* what the tool said; NULL: nothing */
    struct zca_keydata *template; /* counted; NULL: none */
};

/* What is ours among the parameters. The overlay came out of zca-core.so: it is open. */
static int take_name(struct generation *generation, const OSSL_PARAM params[])
{
    const struct zca_cold *cold = atomic_load(&generation->provider->cold);
    return !params || cold->new_key_set(&generation->new_key, params);
}

static void *gen_init(struct zca_provider *provider, enum zca_kind kind, int selection,
                      const OSSL_PARAM params[])
{
    const struct zca_overlay *overlay = zca_overlay_get(provider);
    const struct zca_functions *functions = overlay ? &overlay->keymgmt[kind] : NULL;
    OSSL_FUNC_keymgmt_gen_init_fn *inner_init =
        functions ? ZCA_KEYMGMT(gen_init, GEN_INIT, functions) : NULL;
    struct generation *generation = inner_init ? OPENSSL_zalloc(sizeof(*generation)) : NULL;
    if (!generation) {
        return NULL;
    }
    generation->provider = provider;
    generation->functions = functions;
    generation->kind = kind;
    generation->selection = selection;
    generation->inner = inner_init(overlay->provctx, selection, params);
    if (!generation->inner || !take_name(generation, params)) {
        zca_generation_cleanup(generation);
        return NULL;
    }
    return generation;
}

void *zca_generation_init_ec(void *provider, int selection, const OSSL_PARAM params[])
{
    return gen_init(provider, ZCA_KIND_EC, selection, params);
}

void *zca_generation_init_rsa(void *provider, int selection, const OSSL_PARAM params[])
{
    return gen_init(provider, ZCA_KIND_RSA, selection, params);
}

void *zca_generation_init_ed25519(void *provider, int selection, const OSSL_PARAM params[])
{
    return gen_init(provider, ZCA_KIND_ED25519, selection, params);
}

int zca_generation_set_template(void *context, void *template)
{
    struct generation *generation = context;
    struct zca_keydata *keydata = template;
    OSSL_FUNC_keymgmt_gen_set_template_fn *inner =
        ZCA_KEYMGMT(gen_set_template, GEN_SET_TEMPLATE, generation->functions);
    zca_keydata_free(generation->template);
    generation->template = zca_keydata_ref(keydata);
    return !inner || inner(generation->inner, keydata->inner); /* who has none needs none */
}

/* The default provider passes over what is not its own. */
int zca_generation_set_params(void *context, const OSSL_PARAM params[])
{
    struct generation *generation = context;
    OSSL_FUNC_keymgmt_gen_set_params_fn *inner =
        ZCA_KEYMGMT(gen_set_params, GEN_SET_PARAMS, generation->functions);
    return take_name(generation, params) && (!inner || inner(generation->inner, params));
}

static const OSSL_PARAM *settable_params(struct zca_provider *provider, enum zca_kind kind)
{
    const struct zca_overlay *overlay = zca_overlay_get(provider);
    return overlay ? overlay->generation[kind] : NULL;
}

const OSSL_PARAM *zca_generation_settable_params_ec(void *context, void *provider)
{
    (void)context; /* the same for all */
    return settable_params(provider, ZCA_KIND_EC);
}

const OSSL_PARAM *zca_generation_settable_params_rsa(void *context, void *provider)
{
    (void)context; /* the same for all */
    return settable_params(provider, ZCA_KIND_RSA);
}

const OSSL_PARAM *zca_generation_settable_params_ed25519(void *context, void *provider)
{
    (void)context; /* the same for all */
    return settable_params(provider, ZCA_KIND_ED25519);
}

/* The tool's callback may wait for a thread that forks. */
struct progress {
    const struct zca_cold *cold;
    OSSL_CALLBACK *callback;
    void *argument;
};

static int tell_progress(const OSSL_PARAM params[], void *argument)
{
    const struct progress *progress = argument;
    if (!progress->callback) {
        return 1;
    }
    progress->cold->gate_leave();
    int go_on = progress->callback(params, progress->argument);
    progress->cold->gate_enter();
    return go_on;
}

void *zca_generation_generate(void *context, OSSL_CALLBACK *callback, void *argument)
{
    const struct generation *generation = context;
    const struct zca_cold *cold = atomic_load(&generation->provider->cold);
    bool wants_key = (generation->selection & OSSL_KEYMGMT_SELECT_PRIVATE_KEY) != 0;
    if (wants_key && generation->new_key && cold->new_key_named(generation->new_key)) {
        return cold->new_key_make(generation->provider, generation->kind, generation->new_key,
                                  generation->template);
    }
    struct progress progress = {cold, callback, argument};
    zca_auto(entered) const struct zca_cold *inside = zca_provider_enter(generation->provider);
    void *inner =
        ZCA_KEYMGMT(gen, GEN, generation->functions)(generation->inner, tell_progress, &progress);
    return zca_keydata_new_inner(generation->provider, generation->kind, inner);
}

void zca_generation_cleanup(void *context)
{
    struct generation *generation = context;
    if (!generation) {
        return;
    }
    if (generation->new_key) {
        const struct zca_cold *cold = atomic_load(&generation->provider->cold);
        cold->new_key_free(generation->new_key);
    }
    zca_keydata_free(generation->template);
    ZCA_KEYMGMT(gen_cleanup, GEN_CLEANUP, generation->functions)(generation->inner);
    OPENSSL_free(generation);
}
