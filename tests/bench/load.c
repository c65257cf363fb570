/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loading keys, certificates and a trust store in process, from PEM files and from zca. DIRECTORY is what
 * tests/bench/material made.
 *
 * usage: load DIRECTORY ROUNDS                      warm: costs as JSON lines
 *        load first KIND URI                        the first load in a process: one such line
 *        load count KIND plain|zca|FILE.cnf URI NUMBER [HELD]  NUMBER warm loads inside counted_loads, for callgrind; before, HELD
 *                                                   keys of zca://held-1, zca://held-2, ... are loaded and kept
 * KIND is key, pem (through PEM_read_bio_PrivateKey, as nginx does), certificate or trust.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/pem.h>

#include "base/auto.h"
#include "tests/bench/context.h"

#define TURN_US 8000
#define MAX_PATH 4096
#define MAX_VARIANTS 8

typedef void load_function(OSSL_LIB_CTX *context, const char *uri);

static void load_key(OSSL_LIB_CTX *context, const char *uri)
{
    EVP_PKEY_free(bench_key_load(context, uri));
}

static void load_pem(OSSL_LIB_CTX *context, const char *uri)
{
    BIO *file = BIO_new_file(uri, "r");
    EVP_PKEY *key = file ? PEM_read_bio_PrivateKey_ex(file, NULL, NULL, NULL, context, NULL) : NULL;
    if (!key) {
        bench_stop(uri);
    }
    EVP_PKEY_free(key);
    BIO_free_all(file);
}

static void load_certificate(OSSL_LIB_CTX *context, const char *uri)
{
    X509_free(bench_certificate_load(context, uri));
}

static void load_trust(OSSL_LIB_CTX *context, const char *uri)
{
    X509_STORE *store = X509_STORE_new();
    if (!store || X509_STORE_load_file_ex(store, uri, context, NULL) != 1) {
        bench_stop(uri);
    }
    X509_STORE_free(store);
}

static const struct kind {
    const char *name;
    load_function *load;
} kinds[] = {
    {"key",         load_key        },
    {"pem",         load_pem        },
    {"certificate", load_certificate},
    {"trust",       load_trust      },
};

static load_function *find_kind(const char *name)
{
    for (size_t i = 0; i < ZCA_COUNT(kinds); i++) {
        if (strcmp(kinds[i].name, name) == 0) {
            return kinds[i].load;
        }
    }
    bench_stop("finding the kind");
}

/* ---- warm ---- */

enum { PLAIN, ACTIVE, URIS_ONLY, NUM_CONTEXTS };

static OSSL_LIB_CTX *contexts[NUM_CONTEXTS];

/* A variant takes a file of the directory, or a zca:// URI, in one of the contexts. "again" shows the noise. */
static const struct comparison {
    const char *name;
    load_function *load;

    struct variant {
        const char *name, *source;
        size_t context;
    } variants[MAX_VARIANTS];
} comparisons[] = {
    {"key",
     load_key,         {{"file", "p256.key", PLAIN},
      {"again", "p256.key", PLAIN},
      {"file, zca active", "p256.key", ACTIVE},
      {"zca", "zca://bench-p256", ACTIVE}}                         },
    {"key by PEM_read",
     load_pem,         {{"file", "p256.key", PLAIN},
      {"again", "p256.key", PLAIN},
      {"file, zca active", "p256.key", ACTIVE},
      {"zca reference", "p256.ref", ACTIVE}}                       },
    {"RSA key",
     load_key,         {{"file", "rsa2048.key", PLAIN},
      {"again", "rsa2048.key", PLAIN},
      {"zca", "zca://bench-rsa2048", ACTIVE}}                      },
    {"certificate",
     load_certificate, {{"file", "p256.crt", PLAIN},
      {"again", "p256.crt", PLAIN},
      {"file, zca active", "p256.crt", ACTIVE},
      {"zca", "zca://bench-p256", ACTIVE}}                 },
    {"trust store",
     load_trust,       {{"file", "trust.pem", PLAIN},
      {"again", "trust.pem", PLAIN},
      {"file, zca active", "trust.pem", ACTIVE},
      {"file, zca active for URIs only", "trust.pem", URIS_ONLY}}},
};

struct running {
    const struct comparison *comparison;
    const char *directory;
};

static double take_turn(void *argument, size_t variant)
{
    const struct running *running = argument;
    const struct variant *chosen = &running->comparison->variants[variant];
    char uri[MAX_PATH];
    long count = 0;
    double passed = 0;
    (void)snprintf(uri, sizeof(uri), "%s%s%s",
                   strchr(chosen->source, ':') ? "" : running->directory,
                   strchr(chosen->source, ':') ? "" : "/", chosen->source);
    double began = bench_now_us(CLOCK_THREAD_CPUTIME_ID);
    while (passed < TURN_US) {
        running->comparison->load(contexts[chosen->context], uri);
        count++;
        passed = bench_now_us(CLOCK_THREAD_CPUTIME_ID) - began;
    }
    return passed / (double)count;
}

static void compare(const char *directory, long rounds)
{
    contexts[PLAIN] = bench_context_new(false);
    contexts[ACTIVE] = bench_context_new(true);
    char configuration[MAX_PATH];
    (void)snprintf(configuration, sizeof(configuration), "%s/uris.cnf", directory);
    contexts[URIS_ONLY] = bench_context_of(configuration);
    for (size_t i = 0; i < ZCA_COUNT(comparisons); i++) {
        struct running running = {.comparison = &comparisons[i], .directory = directory};
        const char *names[MAX_VARIANTS + 1] = {0};
        for (size_t j = 0; j < MAX_VARIANTS; j++) {
            names[j] = comparisons[i].variants[j].name;
        }
        bench_measure(comparisons[i].name, names, rounds, take_turn, &running);
    }
    for (size_t i = 0; i < NUM_CONTEXTS; i++) {
        bench_context_free(contexts[i]);
    }
}

/* ---- cold, and counted ---- */

static void load_first(const char *kind, const char *uri)
{
    bool is_zca = strncmp(uri, "zca:", 4) == 0;
    load_function *load = find_kind(kind);
    OSSL_LIB_CTX *context = bench_context_new(is_zca);
    double began = bench_now_us(CLOCK_THREAD_CPUTIME_ID);
    load(context, uri);
    printf("{\"us\": %.1f}\n", bench_now_us(CLOCK_THREAD_CPUTIME_ID) - began);
    bench_context_free(context);
}

__attribute__((noinline)) static void counted_loads(load_function *load, OSSL_LIB_CTX *context,
                                                    const char *uri, long number)
{
    for (long i = 0; i < number; i++) {
        load(context, uri);
    }
}

static OSSL_LIB_CTX *find_context(const char *which)
{
    bool is_file = strstr(which, ".cnf");
    return is_file ? bench_context_of(which) : bench_context_new(strcmp(which, "zca") == 0);
}

static void count(const char *kind, const char *which, const char *uri, long number, long num_held)
{
    load_function *load = find_kind(kind);
    OSSL_LIB_CTX *context = find_context(which);
    EVP_PKEY **held = calloc((size_t)num_held + 1, sizeof(EVP_PKEY *));
    for (long i = 0; i < num_held; i++) {
        char name[64];
        (void)snprintf(name, sizeof(name), "zca://held-%ld", i + 1);
        held[i] = bench_key_load(context, name);
    }
    load(context, uri);
    counted_loads(load, context, uri, number);
    for (long i = 0; i < num_held; i++) {
        EVP_PKEY_free(held[i]);
    }
    free(held);
    bench_context_free(context);
}

int main(int argc, char **argv)
{
    if (argc == 3) {
        compare(argv[1], strtol(argv[2], NULL, 10));
    } else if (argc == 4 && strcmp(argv[1], "first") == 0) {
        load_first(argv[2], argv[3]);
    } else if (argc >= 6 && strcmp(argv[1], "count") == 0) {
        count(argv[2], argv[3], argv[4], strtol(argv[5], NULL, 10),
              argc > 6 ? strtol(argv[6], NULL, 10) : 0);
    } else {
        fprintf(stderr, "usage: load DIRECTORY ROUNDS\n       load first KIND URI\n"
                        "       load count KIND plain|zca|FILE.cnf URI NUMBER [HELD]\n");
        return 2;
    }
    return 0;
}
