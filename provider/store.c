/* SPDX-License-Identifier: Apache-2.0 */
/* The store (provider-storemgmt(7)) for "zca:" URIs, and "pkcs11:" ones where the administrator wants it; what
 * it does is in cold/store.c. */
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/params.h>

#include "provider/cold.h"

static OSSL_FUNC_store_open_fn store_open;
static OSSL_FUNC_store_settable_ctx_params_fn store_settable_ctx_params;
static OSSL_FUNC_store_set_ctx_params_fn store_set_ctx_params;
static OSSL_FUNC_store_load_fn store_load;
static OSSL_FUNC_store_eof_fn store_eof;
static OSSL_FUNC_store_close_fn store_close;
static OSSL_FUNC_store_export_object_fn store_export_object;

struct loader {
    const struct zca_cold *cold;
    struct zca_store *store;
};

static void *store_open(void *context, const char *uri)
{
    struct zca_provider *provider = context;
    const struct zca_cold *cold = provider->open_cold(provider);
    struct loader *loader = cold ? OPENSSL_zalloc(sizeof(*loader)) : NULL;
    if (!loader) {
        return NULL;
    }
    loader->cold = cold;
    loader->store = cold->store_open(provider, uri);
    if (!loader->store) {
        OPENSSL_free(loader);
        return NULL;
    }
    return loader;
}

static const OSSL_PARAM *store_settable_ctx_params(void *provider)
{
    static const OSSL_PARAM settable[] = {
        OSSL_PARAM_int(OSSL_STORE_PARAM_EXPECT, NULL),
        OSSL_PARAM_octet_string(OSSL_STORE_PARAM_SUBJECT, NULL, 0),
        OSSL_PARAM_utf8_string(OSSL_STORE_PARAM_PROPERTIES, NULL, 0),
        OSSL_PARAM_END,
    };
    (void)provider; /* the same for all */
    return settable;
}

static int store_set_ctx_params(void *context, const OSSL_PARAM params[])
{
    const struct loader *loader = context;
    return loader->cold->store_set_params(loader->store, params);
}

static int store_load(void *context, OSSL_CALLBACK *callback, void *argument,
                      OSSL_PASSPHRASE_CALLBACK *passphrase, void *passphrase_argument)
{
    const struct loader *loader = context;
    (void)passphrase; /* keys are sealed, not encrypted with a passphrase */
    (void)passphrase_argument;
    return loader->cold->store_load(loader->store, callback, argument);
}

static int store_eof(void *context)
{
    const struct loader *loader = context;
    return loader->cold->store_eof(loader->store);
}

static int store_close(void *context)
{
    struct loader *loader = context;
    loader->cold->store_close(loader->store);
    OPENSSL_free(loader);
    return 1;
}

/* For key managements of other providers. Were the public half exported, the default provider would take
 * it for the whole key. */
static int store_export_object(void *context, const void *reference, size_t reference_size,
                               OSSL_CALLBACK *callback, void *argument)
{
    (void)context; /* nothing leaves */
    (void)reference;
    (void)reference_size;
    (void)callback;
    (void)argument;
    return 0;
}

#define ROW(NUMBER, function)                                                                      \
    {                                                                                              \
        OSSL_FUNC_STORE_##NUMBER, (void (*)(void))(function)                                       \
    }

static const OSSL_DISPATCH store_functions[] = {
    ROW(OPEN, store_open),
    ROW(SETTABLE_CTX_PARAMS, store_settable_ctx_params),
    ROW(SET_CTX_PARAMS, store_set_ctx_params),
    ROW(LOAD, store_load),
    ROW(EOF, store_eof),
    ROW(CLOSE, store_close),
    ROW(EXPORT_OBJECT, store_export_object),
    {0, NULL},
};

#define SCHEME(name)                                                                               \
    {                                                                                              \
        name, "provider=zca", store_functions, name " URIs"                                        \
    }

static const OSSL_ALGORITHM own_scheme[] = {
    SCHEME("zca"),
    {NULL, NULL, NULL, NULL},
};

static const OSSL_ALGORITHM both_schemes[] = {
    SCHEME("zca"),
    SCHEME("pkcs11"),
    {NULL, NULL, NULL, NULL},
};

/* Decided by the parameter alone, when a program first opens a store: zca.conf is not read here. */
const OSSL_ALGORITHM *zca_store_algorithms(const struct zca_provider *provider)
{
    const char *wish = NULL;
    OSSL_PARAM params[] = {
        {"zca-claim-pkcs11-scheme", OSSL_PARAM_UTF8_PTR, &wish, 0, 0},
        {NULL,                      0,                   NULL,  0, 0}
    };
    bool wanted =
        provider->upcalls.get_params(provider->handle, params) && wish && strcmp(wish, "yes") == 0;
    return wanted ? both_schemes : own_scheme;
}
