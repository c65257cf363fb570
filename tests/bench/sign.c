/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signing through zca against signing with the default provider, as TLS does it (a new context, init, one shot) and
 * with a context that is used again. One thread by its CPU time, two by the wall clock.
 *
 * usage: sign [ROUNDS]                            costs as JSON lines
 *        sign count ALGORITHM zca|KEY-FILE NUMBER  NUMBER signatures inside counted_signatures, for callgrind
 */
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/rsa.h>

#include "base/auto.h"
#include "tests/bench/context.h"

#define TURN_US 10000
#define MESSAGE_LEN 130 /* about a CertificateVerify */
#define DIGEST_LEN 32
#define SIGNATURE_LEN 512 /* RSA-4096 */
#define MAX_THREADS 2

static const struct algorithm {
    const char *name, *uri, *digest;
    int padding;
    const char *keymgmt, *group;
    size_t bits;
} algorithms[] = {
    {"P-256",    "zca://bench-p256",    "SHA256", 0,                     "EC",      "P-256", 0   },
    {"P-384",    "zca://bench-p384",    "SHA256", 0,                     "EC",      "P-384", 0   },
    {"RSA-2048", "zca://bench-rsa2048", "SHA256", RSA_PKCS1_PSS_PADDING, "RSA",     NULL,    2048},
    {"RSA-4096", "zca://bench-rsa4096", "SHA256", RSA_PKCS1_PSS_PADDING, "RSA",     NULL,    4096},
    {"Ed25519",  "zca://bench-ed25519", NULL,     0,                     "ED25519", NULL,    0   },
};

static OSSL_LIB_CTX *context;
static const unsigned char message[MESSAGE_LEN];

static EVP_PKEY *make_default_key(const struct algorithm *algorithm)
{
    EVP_PKEY *key =
        algorithm->group
            ? EVP_PKEY_Q_keygen(context, "provider=default", algorithm->keymgmt, algorithm->group)
            : EVP_PKEY_Q_keygen(context, "provider=default", algorithm->keymgmt, algorithm->bits);
    if (!key) {
        bench_stop("generating a key");
    }
    return key;
}

/* ---- one signature ---- */

/* libssl's parameters for RSA-PSS: salt as long as the digest. */
static bool set_padding(EVP_PKEY_CTX *operation, const struct algorithm *algorithm)
{
    return !algorithm->padding ||
           (EVP_PKEY_CTX_set_rsa_padding(operation, algorithm->padding) > 0 &&
            EVP_PKEY_CTX_set_rsa_pss_saltlen(operation, RSA_PSS_SALTLEN_DIGEST) > 0);
}

static void sign_as_tls(const struct algorithm *algorithm, EVP_PKEY *key)
{
    unsigned char signature[SIGNATURE_LEN];
    size_t len = 0;
    EVP_PKEY_CTX *parameters = NULL;
    EVP_MD_CTX *operation = EVP_MD_CTX_new();
    if (!operation ||
        EVP_DigestSignInit_ex(operation, &parameters, algorithm->digest, context, NULL, key,
                              NULL) <= 0 ||
        !set_padding(parameters, algorithm) ||
        EVP_DigestSign(operation, NULL, &len, message, sizeof(message)) <= 0 ||
        len > sizeof(signature) ||
        EVP_DigestSign(operation, signature, &len, message, sizeof(message)) <= 0) {
        bench_stop("signing");
    }
    EVP_MD_CTX_free(operation);
}

/* A context for many signatures: of digests, or of messages where there is no digest. */
struct reused {
    EVP_PKEY_CTX *of_digest;
    EVP_MD_CTX *of_message;
};

static struct reused open_reused(const struct algorithm *algorithm, EVP_PKEY *key)
{
    struct reused reused = {0};
    bool opened = false;
    if (algorithm->digest) {
        reused.of_digest = EVP_PKEY_CTX_new_from_pkey(context, key, NULL);
        opened = reused.of_digest && EVP_PKEY_sign_init(reused.of_digest) > 0 &&
                 set_padding(reused.of_digest, algorithm) &&
                 EVP_PKEY_CTX_set_signature_md(reused.of_digest, EVP_sha256()) > 0;
    } else {
        reused.of_message = EVP_MD_CTX_new();
        opened = reused.of_message &&
                 EVP_DigestSignInit_ex(reused.of_message, NULL, NULL, context, NULL, key, NULL) > 0;
    }
    if (!opened) {
        bench_stop("opening a context");
    }
    return reused;
}

static void sign_again(const struct reused *reused)
{
    unsigned char signature[SIGNATURE_LEN];
    size_t len = sizeof(signature);
    if (reused->of_digest
            ? EVP_PKEY_sign(reused->of_digest, signature, &len, message, DIGEST_LEN) <= 0
            : EVP_DigestSign(reused->of_message, signature, &len, message, sizeof(message)) <= 0) {
        bench_stop("signing again");
    }
}

static void close_reused(struct reused *reused)
{
    EVP_PKEY_CTX_free(reused->of_digest);
    EVP_MD_CTX_free(reused->of_message);
}

/* ---- turns ---- */

/* Variants of a case: the default provider twice, which tells what the ratios are worth, and zca. */
static const char *const variants[] = {"default", "again", "zca", NULL};

struct comparison {
    const struct algorithm *algorithm;
    EVP_PKEY *keys[3];
    size_t num_threads;
    bool is_reused;
};

struct turn {
    const struct comparison *comparison;
    EVP_PKEY *key;
    double us;
};

static void *run_thread(void *argument)
{
    struct turn *turn = argument;
    const struct comparison *comparison = turn->comparison;
    clockid_t clock = comparison->num_threads == 1 ? CLOCK_THREAD_CPUTIME_ID : CLOCK_MONOTONIC;
    struct reused reused =
        comparison->is_reused ? open_reused(comparison->algorithm, turn->key) : (struct reused){0};
    long count = 0;
    double passed = 0;
    double began = bench_now_us(clock);
    while (passed < TURN_US) {
        if (comparison->is_reused) {
            sign_again(&reused);
        } else {
            sign_as_tls(comparison->algorithm, turn->key);
        }
        count++;
        passed = bench_now_us(clock) - began;
    }
    close_reused(&reused);
    turn->us = passed / (double)count;
    return NULL;
}

/* Threads that sign at the same time with one key: what a signature costs all of them together. */
static double take_turn(void *argument, size_t variant)
{
    const struct comparison *comparison = argument;
    struct turn turns[MAX_THREADS];
    pthread_t threads[MAX_THREADS];
    double rate = 0;
    for (size_t i = 0; i < comparison->num_threads; i++) {
        turns[i] = (struct turn){.comparison = comparison, .key = comparison->keys[variant]};
        if (pthread_create(&threads[i], NULL, run_thread, &turns[i]) != 0) {
            bench_stop("starting a thread");
        }
    }
    for (size_t i = 0; i < comparison->num_threads; i++) {
        (void)pthread_join(threads[i], NULL); /* it was started */
        rate += 1 / turns[i].us;
    }
    return 1 / rate;
}

static void compare(const struct algorithm *algorithm, long rounds)
{
    static const struct {
        const char *name;
        size_t num_threads;
        bool is_reused;
    } ways[] = {
        {"1 thread",       1, false},
        {"2 threads",      2, false},
        {"context reused", 1, true },
    };

    struct comparison comparison = {
        .algorithm = algorithm,
        .keys = {make_default_key(algorithm), make_default_key(algorithm),
                 bench_key_load(context, algorithm->uri)}
    };
    for (size_t i = 0; i < ZCA_COUNT(ways); i++) {
        char name[64];
        (void)snprintf(name, sizeof(name), "%s, %s", algorithm->name, ways[i].name);
        comparison.num_threads = ways[i].num_threads;
        comparison.is_reused = ways[i].is_reused;
        bench_measure(name, variants, rounds, take_turn, &comparison);
    }
    for (size_t i = 0; i < ZCA_COUNT(comparison.keys); i++) {
        EVP_PKEY_free(comparison.keys[i]);
    }
}

__attribute__((noinline)) static void counted_signatures(const struct algorithm *algorithm,
                                                         EVP_PKEY *key, long number)
{
    for (long i = 0; i < number; i++) {
        sign_as_tls(algorithm, key);
    }
}

static void count(const char *name, const char *whose, long number)
{
    for (size_t i = 0; i < ZCA_COUNT(algorithms); i++) {
        if (strcmp(algorithms[i].name, name) == 0) {
            EVP_PKEY *key =
                bench_key_load(context, strcmp(whose, "zca") == 0 ? algorithms[i].uri : whose);
            sign_as_tls(&algorithms[i], key);
            counted_signatures(&algorithms[i], key, number);
            EVP_PKEY_free(key);
            return;
        }
    }
    bench_stop("finding the algorithm");
}

int main(int argc, char **argv)
{
    context = bench_context_new(true);
    if (argc == 5 && strcmp(argv[1], "count") == 0) {
        count(argv[2], argv[3], strtol(argv[4], NULL, 10));
    } else {
        for (size_t i = 0; i < ZCA_COUNT(algorithms); i++) {
            compare(&algorithms[i], argc > 1 ? strtol(argv[1], NULL, 10) : 25);
        }
    }
    bench_context_free(context);
    return 0;
}
