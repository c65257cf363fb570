/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/bench/context.h"

#include <stdio.h>
#include <stdlib.h>

#include <openssl/err.h>
#include <openssl/provider.h>
#include <openssl/store.h>

#define MAX_CONTEXTS 4
#define MAX_VARIANTS 8

static struct opened {
    OSSL_LIB_CTX *context;
    OSSL_PROVIDER *standard, *zca;
} opened[MAX_CONTEXTS];

void bench_stop(const char *what)
{
    fprintf(stderr, "%s failed\n", what);
    ERR_print_errors_fp(stderr);
    exit(1);
}

static struct opened *find(OSSL_LIB_CTX *context)
{
    for (size_t i = 0; i < MAX_CONTEXTS; i++) {
        if (opened[i].context == context) {
            return &opened[i];
        }
    }
    bench_stop("finding a context");
}

OSSL_LIB_CTX *bench_context_new(bool with_zca)
{
    struct opened *slot = find(NULL);
    const char *modules = getenv("ZCA_MODULES");
    slot->context = OSSL_LIB_CTX_new();
    if (!modules || !slot->context ||
        !OSSL_PROVIDER_set_default_search_path(slot->context, modules)) {
        bench_stop("making a context with ZCA_MODULES");
    }
    slot->standard = OSSL_PROVIDER_load(slot->context, "default");
    slot->zca = with_zca ? OSSL_PROVIDER_load(slot->context, "zca") : NULL;
    if (!slot->standard || (with_zca && !slot->zca)) {
        bench_stop("loading the providers");
    }
    return slot->context;
}

OSSL_LIB_CTX *bench_context_of(const char *path)
{
    struct opened *slot = find(NULL);
    slot->context = OSSL_LIB_CTX_new();
    if (!slot->context || OSSL_LIB_CTX_load_config(slot->context, path) != 1) {
        bench_stop(path);
    }
    return slot->context;
}

static void unload(OSSL_PROVIDER *provider)
{
    if (provider) {
        (void)OSSL_PROVIDER_unload(provider); /* nothing is left to do about it */
    }
}

void bench_context_free(OSSL_LIB_CTX *context)
{
    struct opened *slot = find(context);
    unload(slot->zca);
    unload(slot->standard);
    OSSL_LIB_CTX_free(context);
    *slot = (struct opened){0};
}

static OSSL_STORE_INFO *load(OSSL_LIB_CTX *context, const char *uri, int type)
{
    OSSL_STORE_CTX *store = OSSL_STORE_open_ex(uri, context, NULL, NULL, NULL, NULL, NULL, NULL);
    if (!store || OSSL_STORE_expect(store, type) != 1) {
        bench_stop(uri);
    }
    OSSL_STORE_INFO *info = NULL;
    while (!info && !OSSL_STORE_eof(store)) {
        info = OSSL_STORE_load(store);
    }
    if (!info || OSSL_STORE_close(store) != 1) {
        bench_stop(uri);
    }
    return info;
}

EVP_PKEY *bench_key_load(OSSL_LIB_CTX *context, const char *uri)
{
    OSSL_STORE_INFO *info = load(context, uri, OSSL_STORE_INFO_PKEY);
    EVP_PKEY *key = OSSL_STORE_INFO_get1_PKEY(info);
    OSSL_STORE_INFO_free(info);
    if (!key) {
        bench_stop(uri);
    }
    return key;
}

X509 *bench_certificate_load(OSSL_LIB_CTX *context, const char *uri)
{
    OSSL_STORE_INFO *info = load(context, uri, OSSL_STORE_INFO_CERT);
    X509 *certificate = OSSL_STORE_INFO_get1_CERT(info);
    OSSL_STORE_INFO_free(info);
    if (!certificate) {
        bench_stop(uri);
    }
    return certificate;
}

double bench_now_us(clockid_t clock)
{
    struct timespec now = {0};
    (void)clock_gettime(clock, &now); /* every clock named here exists */
    return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

void bench_measure(const char *name, const char *const *variants, long rounds,
                   double (*take_turn)(void *argument, size_t variant), void *argument)
{
    size_t num_variants = 0;
    while (variants[num_variants] && num_variants < MAX_VARIANTS) {
        num_variants++;
    }
    for (long round = 0; round <= rounds; round++) {
        double costs[MAX_VARIANTS] = {0};
        for (size_t i = 0; i < 2 * num_variants; i++) {
            size_t variant = i < num_variants ? i : 2 * num_variants - 1 - i;
            costs[variant] += take_turn(argument, variant) / 2;
        }
        for (size_t i = 0; round > 0 && i < num_variants; i++) {
            printf("{\"case\": \"%s\", \"variant\": \"%s\", \"round\": %ld, \"us\": %.4f}\n", name,
                   variants[i], round, costs[i]);
        }
        (void)fflush(stdout); /* as printf */
    }
}
