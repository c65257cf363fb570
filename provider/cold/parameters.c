/* SPDX-License-Identifier: Apache-2.0 */
/* Parameters are read by name (provider-base(7), core_get_params): all names are asked for at once. */
#include "provider/cold/parameters.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/params.h>
#include <openssl/provider.h>

#define NUM_PARAMS (ZCA_NUM_LIBRARY_OPTIONS + 1) /* the options, and zca-config */
#define CONFIG ZCA_NUM_LIBRARY_OPTIONS

struct parameters {
    char *names[NUM_PARAMS];
    char *values[NUM_PARAMS]; /* borrowed from libcrypto; NULL where not given */
    OSSL_PARAM rows[NUM_PARAMS + 1];
};

static void clear(struct parameters *parameters)
{
    for (size_t i = 0; i < NUM_PARAMS; i++) {
        free(parameters->names[i]);
    }
}

static const char *option_name(size_t index)
{
    return index == CONFIG ? "config" : zca_library_options[index].name;
}

/* New memory, or NULL. Without printf: a process that uses a key makes all of them. */
static char *parameter_name(const char *option)
{
    static const char prefix[] = "zca-";
    size_t size = strlen(option) + 1;
    char *name = malloc(sizeof(prefix) - 1 + size);
    if (name) {
        memcpy(mempcpy(name, prefix, sizeof(prefix) - 1), option, size);
    }
    return name;
}

static bool read_parameters(const struct zca_provider *provider, struct parameters *out_parameters)
{
    for (size_t i = 0; i < NUM_PARAMS; i++) {
        out_parameters->names[i] = parameter_name(option_name(i));
        if (!out_parameters->names[i]) {
            return false;
        }
        out_parameters->rows[i] =
            OSSL_PARAM_construct_utf8_ptr(out_parameters->names[i], &out_parameters->values[i], 0);
    }
    out_parameters->rows[NUM_PARAMS] = OSSL_PARAM_construct_end();
    return provider->upcalls.get_params(provider->handle, out_parameters->rows);
}

static OSSL_LIB_CTX *make_context(void *argument)
{
    const struct zca_provider *provider = argument;
    return OSSL_LIB_CTX_new_from_dispatch(provider->handle, provider->core);
}

struct wish {
    struct zca_provider *provider;
    const char *name;
    OSSL_PROVIDER *found;
};

/* A reference without activation: the application decides what is active, and its end stays ours to outlive. */
static int take_provider(OSSL_PROVIDER *candidate, void *argument)
{
    struct wish *wish = argument;
    const struct zca_upcalls *upcalls = &wish->provider->upcalls;
    if (!wish->found && strcmp(OSSL_PROVIDER_get0_name(candidate), wish->name) == 0 &&
        upcalls->provider_up_ref && upcalls->provider_free &&
        upcalls->provider_up_ref((const OSSL_CORE_HANDLE *)candidate, 0)) {
        wish->found = candidate;
    }
    return 1;
}

/* The one that the application's context has active. A core handle is a provider (provider-base(7)). */
static OSSL_PROVIDER *find_crypto(void *argument, const char *name)
{
    struct wish wish = {.provider = argument, .name = name};
    struct zca_provider *provider = argument;
    OSSL_LIB_CTX *application =
        (OSSL_LIB_CTX *)provider->upcalls.get_libctx(provider->handle); /* libcrypto is shared */
    (void)OSSL_PROVIDER_do_all(application, take_provider, &wish);      /* found or not */
    provider->borrowed = wish.found;
    return wish.found;
}

static struct zca_library *make_library(struct zca_provider *provider,
                                        const struct parameters *parameters)
{
    struct zca_setting overrides[NUM_PARAMS] = {0};
    size_t count = 0;
    for (size_t i = 0; i < CONFIG; i++) {
        if (parameters->values[i]) {
            overrides[count++] =
                (struct zca_setting){.name = option_name(i), .value = parameters->values[i]};
        }
    }
    struct zca_library_settings settings = {
        .config_file = parameters->values[CONFIG],
        .overrides = overrides,
        .crypto_find = find_crypto,
        .crypto_argument = provider,
        .context_new = make_context,
        .context_argument = provider,
    };
    return zca_library_new(&settings, NULL);
}

struct zca_library *zca_parameters_library(struct zca_provider *provider)
{
    struct parameters parameters = {0};
    struct zca_library *library =
        read_parameters(provider, &parameters) ? make_library(provider, &parameters) : NULL;
    clear(&parameters);
    return library;
}
