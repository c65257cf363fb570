/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The door (provider-base(7)). OSSL_provider_init runs in every process of the system, under a lock that
 * libssl's users take again: it copies what it is given and opens no file, context or socket.
 * It loads the default provider where there would be none, and what zca-keep-sealing-key asks for.
 */
#include "provider/provider.h"

#include <stdio.h>
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/params.h>
#include <openssl/provider.h>

#include "base/auto.h"
#include "provider/cold.h"

ZCA_EXPORT OSSL_provider_init_fn OSSL_provider_init;
static OSSL_FUNC_provider_teardown_fn provider_teardown;
static OSSL_FUNC_provider_gettable_params_fn provider_gettable_params;
static OSSL_FUNC_provider_get_params_fn provider_get_params;
static OSSL_FUNC_provider_query_operation_fn provider_query_operation;
static OSSL_FUNC_provider_get_reason_strings_fn provider_get_reason_strings;

/* ---- what we are asked ---- */

static const OSSL_PARAM *provider_gettable_params(void *provider)
{
    static const OSSL_PARAM gettable[] = {
        OSSL_PARAM_utf8_ptr(OSSL_PROV_PARAM_NAME, NULL, 0),
        OSSL_PARAM_utf8_ptr(OSSL_PROV_PARAM_VERSION, NULL, 0),
        OSSL_PARAM_utf8_ptr(OSSL_PROV_PARAM_BUILDINFO, NULL, 0),
        OSSL_PARAM_int(OSSL_PROV_PARAM_STATUS, NULL),
        OSSL_PARAM_END,
    };
    (void)provider; /* the same for all */
    return gettable;
}

static int provider_get_params(void *provider, OSSL_PARAM params[])
{
    OSSL_PARAM *name = OSSL_PARAM_locate(params, OSSL_PROV_PARAM_NAME);
    OSSL_PARAM *version = OSSL_PARAM_locate(params, OSSL_PROV_PARAM_VERSION);
    OSSL_PARAM *build = OSSL_PARAM_locate(params, OSSL_PROV_PARAM_BUILDINFO);
    OSSL_PARAM *status = OSSL_PARAM_locate(params, OSSL_PROV_PARAM_STATUS);
    (void)provider; /* the same for all */
    return (!name || OSSL_PARAM_set_utf8_ptr(name, "zca provider")) &&
           (!version || OSSL_PARAM_set_utf8_ptr(version, ZCA_VERSION)) &&
           (!build || OSSL_PARAM_set_utf8_ptr(build, ZCA_VERSION)) &&
           (!status || OSSL_PARAM_set_int(status, 1));
}

static const OSSL_ITEM *provider_get_reason_strings(void *provider)
{
    (void)provider; /* the same for all */
    return zca_reason_items;
}

struct operation_row {
    int operation;
    bool waits; /* until zca is used in this process: it works on keys of ours only */
    const OSSL_ALGORITHM *algorithms;
};

static const struct operation_row operations[] = {
    {OSSL_OP_KEYMGMT,     false, zca_keymgmt_algorithms  },
    {OSSL_OP_SIGNATURE,   true,  zca_signature_algorithms},
    {OSSL_OP_KEYEXCH,     true,  zca_exchange_algorithms },
    {OSSL_OP_ASYM_CIPHER, true,  zca_cipher_algorithms   },
    {OSSL_OP_DECODER,     false, zca_decoder_algorithms  },
    {OSSL_OP_ENCODER,     true,  zca_encoder_algorithms  },
};

/* libcrypto builds an object from each row, 30,000 instructions apiece, keeps it, and compares it with others. A process
 * that has no key of ours needs few: the others are shown when zca-core.so is open. Until then the answer is
 * not to be kept (docs/decisions/0011). */
static const OSSL_ALGORITHM *provider_query_operation(void *context, int operation, int *no_cache)
{
    const struct zca_provider *provider = context;
    *no_cache = 0;
    if (operation == OSSL_OP_STORE) {
        return zca_store_algorithms(provider);
    }
    for (size_t i = 0; i < ZCA_COUNT(operations); i++) {
        if (operations[i].operation != operation) {
            continue;
        }
        bool used = atomic_load_explicit(&provider->cold, memory_order_relaxed);
        *no_cache = !used && (operations[i].waits || provider->uris_only);
        return *no_cache ? NULL : operations[i].algorithms;
    }
    return NULL;
}

static const OSSL_DISPATCH provider_functions[] = {
    {OSSL_FUNC_PROVIDER_TEARDOWN,           (void (*)(void))provider_teardown          },
    {OSSL_FUNC_PROVIDER_GETTABLE_PARAMS,    (void (*)(void))provider_gettable_params   },
    {OSSL_FUNC_PROVIDER_GET_PARAMS,         (void (*)(void))provider_get_params        },
    {OSSL_FUNC_PROVIDER_QUERY_OPERATION,    (void (*)(void))provider_query_operation   },
    {OSSL_FUNC_PROVIDER_GET_REASON_STRINGS, (void (*)(void))provider_get_reason_strings},
    {OSSL_FUNC_PROVIDER_GET_CAPABILITIES,   (void (*)(void))zca_capability_get         },
    {0,                                     NULL                                       },
};

/* ---- what we are given ---- */

static void copy_upcalls(const OSSL_DISPATCH *in, struct zca_upcalls *out)
{
    for (; in->function_id != 0; in++) {
        switch (in->function_id) {
        case OSSL_FUNC_CORE_GET_PARAMS:
            out->get_params = OSSL_FUNC_core_get_params(in);
            break;
        case OSSL_FUNC_CORE_GET_LIBCTX:
            out->get_libctx = OSSL_FUNC_core_get_libctx(in);
            break;
        case OSSL_FUNC_CORE_NEW_ERROR:
            out->new_error = OSSL_FUNC_core_new_error(in);
            break;
        case OSSL_FUNC_CORE_SET_ERROR_DEBUG:
            out->set_error_debug = OSSL_FUNC_core_set_error_debug(in);
            break;
        case OSSL_FUNC_CORE_VSET_ERROR:
            out->vset_error = OSSL_FUNC_core_vset_error(in);
            break;
        case OSSL_FUNC_PROVIDER_UP_REF:
            out->provider_up_ref = OSSL_FUNC_provider_up_ref(in);
            break;
        case OSSL_FUNC_PROVIDER_FREE:
            out->provider_free = OSSL_FUNC_provider_free(in);
            break;
        case OSSL_FUNC_BIO_GETS:
            out->bio_gets = OSSL_FUNC_BIO_gets(in);
            break;
        case OSSL_FUNC_BIO_WRITE_EX:
            out->bio_write_ex = OSSL_FUNC_BIO_write_ex(in);
            break;
        default:
            break;
        }
    }
}

/* Parameters that are needed before zca.conf is read; NULL where not given. */
struct wishes {
    const char *ensure_default;
    const char *crypto_provider;
    const char *keep_sealing_key;
    const char *uris_only;
};

static struct wishes read_wishes(const struct zca_provider *provider)
{
    struct wishes wishes = {NULL, NULL, NULL, NULL};
    OSSL_PARAM params[] = {
        {"zca-ensure-default",   OSSL_PARAM_UTF8_PTR, &wishes.ensure_default,   0, 0},
        {"zca-crypto-provider",  OSSL_PARAM_UTF8_PTR, &wishes.crypto_provider,  0, 0},
        {"zca-keep-sealing-key", OSSL_PARAM_UTF8_PTR, &wishes.keep_sealing_key, 0, 0},
        {"zca-uris-only",        OSSL_PARAM_UTF8_PTR, &wishes.uris_only,        0, 0},
        {NULL,                   0,                   NULL,                     0, 0}
    };
    (void)provider->upcalls.get_params(provider->handle, params); /* not given is NULL */
    return wishes;
}

/* "zca alone is enough": a context without hashes and encoders serves nobody. Decided by the parameters
 * alone: zca.conf is not read here. A fips provider that is listed later cannot be seen yet. */
static void ensure_default(const struct zca_provider *provider, const struct wishes *wishes)
{
    const struct zca_upcalls *upcalls = &provider->upcalls;
    /* libcrypto is shared with the application, so its context is a context for us, too. */
    OSSL_LIB_CTX *application = (OSSL_LIB_CTX *)upcalls->get_libctx(provider->handle);
    bool unwanted = (wishes->ensure_default && strcmp(wishes->ensure_default, "no") == 0) ||
                    (wishes->crypto_provider && strcmp(wishes->crypto_provider, "fips") == 0);
    if (unwanted || OSSL_PROVIDER_available(application, "default") ||
        OSSL_PROVIDER_available(application, "fips")) {
        return;
    }
    OSSL_PROVIDER *ensured = OSSL_PROVIDER_load(application, "default");
    /* A failure shows where it hurts, in the tool's own words. The context that holds the provider now
     * ends its activation; our reference would outlive it (a core handle is a provider). */
    if (ensured && upcalls->provider_free) {
        (void)upcalls->provider_free((const OSSL_CORE_HANDLE *)ensured, 0); /* is true */
    }
}

/* For processes that read keys after a change of root or user, but initialise OpenSSL before. */
static void load_early(struct zca_provider *provider, const char *wish)
{
    bool wanted = wish && strcmp(wish, "no") != 0;
    const struct zca_cold *cold = wanted ? provider->open_cold(provider) : NULL;
    if (cold) {
        cold->load_early(provider);
    }
}

static void provider_teardown(void *context)
{
    struct zca_provider *provider = context;
    const struct zca_cold *cold = atomic_load(&provider->cold);
    if (cold) {
        cold->end(provider);
    }
    OPENSSL_free(provider);
}

int OSSL_provider_init(const OSSL_CORE_HANDLE *handle, const OSSL_DISPATCH *in,
                       const OSSL_DISPATCH **out, void **provctx)
{
    struct zca_provider *provider = OPENSSL_zalloc(sizeof(*provider));
    if (!provider) {
        return 0;
    }
    provider->handle = handle;
    provider->core = in;
    provider->open_cold = zca_provider_open_cold;
    copy_upcalls(in, &provider->upcalls);
    if (!provider->upcalls.get_params || !provider->upcalls.get_libctx) {
        OPENSSL_free(provider);
        return 0;
    }
    struct wishes wishes = read_wishes(provider);
    provider->uris_only = wishes.uris_only && strcmp(wishes.uris_only, "yes") == 0;
    ensure_default(provider, &wishes);
    load_early(provider, wishes.keep_sealing_key);
    *out = provider_functions;
    *provctx = provider;
    return 1;
}
