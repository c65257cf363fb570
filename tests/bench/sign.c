/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signing through zca against signing with the default provider, as TLS does it: a new context, init, one
 * shot. Both in one process, in turns (A B B A) of some milliseconds, by CPU time of the thread: other load
 * on the machine and drift of its clock cancel. An A/A ratio off 1 says that the machine is too noisy.
 *
 * usage: sign [ROUNDS]                          the table
 *        sign count zca|KEY-FILE EC|RSA NUMBER   NUMBER signatures, for callgrind
 */
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/provider.h>
#include <openssl/store.h>

#define SLICE_NS 20000000 /* of one turn */
#define MESSAGE_LEN 130   /* about a CertificateVerify */
#define MAX_ROUNDS 400
#define MAX_THREADS 2

struct kind {
    const char *name, *keymgmt, *uri;
};

static const struct kind kinds[] = {
    {"P-256",    "EC",  "zca://bench-ec" },
    {"RSA-2048", "RSA", "zca://bench-rsa"},
};

static OSSL_LIB_CTX *context;
static const unsigned char message[MESSAGE_LEN];

static void stop(const char *what)
{
    fprintf(stderr, "%s\n", what);
    ERR_print_errors_fp(stderr);
    exit(1);
}

static EVP_PKEY *default_key(const struct kind *kind)
{
    EVP_PKEY *key = strcmp(kind->keymgmt, "EC") == 0
                        ? EVP_PKEY_Q_keygen(context, "provider=default", "EC", "P-256")
                        : EVP_PKEY_Q_keygen(context, "provider=default", "RSA", (size_t)2048);
    if (!key) {
        stop("generating a key");
    }
    return key;
}

static EVP_PKEY *load_key(const char *uri)
{
    OSSL_STORE_CTX *store = OSSL_STORE_open_ex(uri, context, NULL, NULL, NULL, NULL, NULL, NULL);
    OSSL_STORE_INFO *info =
        store && OSSL_STORE_expect(store, OSSL_STORE_INFO_PKEY) ? OSSL_STORE_load(store) : NULL;
    EVP_PKEY *key = info ? OSSL_STORE_INFO_get1_PKEY(info) : NULL;
    OSSL_STORE_INFO_free(info);
    if (!key || OSSL_STORE_close(store) != 1) {
        stop("loading a key");
    }
    return key;
}

static void sign(EVP_PKEY *key)
{
    unsigned char signature[512]; /* RSA-4096 */
    size_t len = 0;
    EVP_MD_CTX *operation = EVP_MD_CTX_new();
    if (!operation ||
        EVP_DigestSignInit_ex(operation, NULL, "SHA256", context, NULL, key, NULL) <= 0 ||
        EVP_DigestSign(operation, NULL, &len, message, sizeof(message)) <= 0 ||
        len > sizeof(signature) ||
        EVP_DigestSign(operation, signature, &len, message, sizeof(message)) <= 0) {
        stop("signing");
    }
    EVP_MD_CTX_free(operation);
}

static long now_ns(clockid_t clock)
{
    struct timespec now = {0};
    (void)clock_gettime(clock, &now); /* both clocks exist */
    return now.tv_sec * 1000000000L + now.tv_nsec;
}

/* ---- one turn ---- */

struct turn {
    EVP_PKEY *key;
    clockid_t clock;
    double ns_per_signature;
};

static void *take_turn(void *argument)
{
    struct turn *turn = argument;
    long count = 0;
    long began = now_ns(turn->clock);
    long passed = 0;
    while (passed < SLICE_NS) {
        sign(turn->key);
        count++;
        passed = now_ns(turn->clock) - began;
    }
    turn->ns_per_signature = (double)passed / (double)count;
    return NULL;
}

/* Several threads use one key for the same wall time: the mean cost of a signature. */
static double measure(EVP_PKEY *key, size_t num_threads)
{
    struct turn turns[MAX_THREADS];
    pthread_t threads[MAX_THREADS];
    double rate = 0;
    for (size_t i = 0; i < num_threads; i++) {
        turns[i] = (struct turn){
            .key = key, .clock = num_threads == 1 ? CLOCK_THREAD_CPUTIME_ID : CLOCK_MONOTONIC};
        if (pthread_create(&threads[i], NULL, take_turn, &turns[i]) != 0) {
            stop("starting a thread");
        }
    }
    for (size_t i = 0; i < num_threads; i++) {
        (void)pthread_join(threads[i], NULL); /* it was started */
        rate += 1 / turns[i].ns_per_signature;
    }
    return 1 / rate;
}

/* ---- statistics ---- */

static int compare(const void *left, const void *right)
{
    double a = *(const double *)left;
    double b = *(const double *)right;
    return (a > b) - (a < b);
}

static double median(const double *values, size_t count)
{
    double sorted[MAX_ROUNDS];
    memcpy(sorted, values, count * sizeof(*values));
    qsort(sorted, count, sizeof(*sorted), compare);
    return (sorted[(count - 1) / 2] + sorted[count / 2]) / 2;
}

/* 95 % interval of the median, by resampling; the sequence is fixed, so equal data gives equal intervals. */
static void interval(const double *values, size_t count, double *out_low, double *out_high)
{
    enum { RESAMPLES = 399 };

    static double medians[RESAMPLES];
    unsigned seed = 1;
    for (size_t i = 0; i < RESAMPLES; i++) {
        double sample[MAX_ROUNDS];
        for (size_t j = 0; j < count; j++) {
            seed = seed * 1664525u + 1013904223u;
            sample[j] = values[(seed >> 8) % count];
        }
        medians[i] = median(sample, count);
    }
    qsort(medians, RESAMPLES, sizeof(*medians), compare);
    *out_low = medians[RESAMPLES * 25 / 1000];
    *out_high = medians[RESAMPLES * 975 / 1000];
}

/* A round is A B B A; its ratio is the cost of A over that of B: above 1, B is faster. */
static void compare_keys(const char *label, EVP_PKEY *a, EVP_PKEY *b, size_t num_threads,
                         size_t rounds)
{
    double costs[2][MAX_ROUNDS];
    double ratios[MAX_ROUNDS];
    double low = 0;
    double high = 0;
    for (size_t i = 0; i < rounds; i++) {
        double first = measure(a, num_threads);
        double second = measure(b, num_threads) + measure(b, num_threads);
        costs[0][i] = (first + measure(a, num_threads)) / 2;
        costs[1][i] = second / 2;
        ratios[i] = costs[0][i] / costs[1][i];
    }
    interval(ratios, rounds, &low, &high);
    printf("%-28s %zu  %8.2f  %8.2f   %.3f  [%.3f, %.3f]\n", label, num_threads,
           median(costs[0], rounds) / 1000, median(costs[1], rounds) / 1000, median(ratios, rounds),
           low, high);
    fflush(stdout);
}

static void print_table(size_t rounds)
{
    printf("%-28s thr   A us/op   B us/op   A/B    95 %%\n", "A : B");
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        EVP_PKEY *standard = default_key(&kinds[i]);
        EVP_PKEY *again = default_key(&kinds[i]);
        EVP_PKEY *ours = load_key(kinds[i].uri);
        for (size_t threads = 1; threads <= MAX_THREADS; threads++) {
            char label[64];
            (void)snprintf(label, sizeof(label), "%s default : default", kinds[i].name);
            compare_keys(label, standard, again, threads, rounds);
            (void)snprintf(label, sizeof(label), "%s default : zca", kinds[i].name);
            compare_keys(label, standard, ours, threads, rounds);
        }
        EVP_PKEY_free(standard);
        EVP_PKEY_free(again);
        EVP_PKEY_free(ours);
    }
}

static void count(const char *whose, const char *keymgmt, long number)
{
    const struct kind *kind = &kinds[strcmp(keymgmt, "RSA") == 0];
    EVP_PKEY *key = load_key(strcmp(whose, "zca") == 0 ? kind->uri : whose);
    for (long i = 0; i < number; i++) {
        sign(key);
    }
    EVP_PKEY_free(key);
}

int main(int argc, char **argv)
{
    const char *modules = getenv("ZCA_MODULES");
    context = OSSL_LIB_CTX_new();
    if (!modules || !context || !OSSL_PROVIDER_set_default_search_path(context, modules)) {
        stop("ZCA_MODULES must name the directory of zca.so");
    }
    OSSL_PROVIDER *standard = OSSL_PROVIDER_load(context, "default");
    OSSL_PROVIDER *ours = OSSL_PROVIDER_load(context, "zca");
    if (!standard || !ours) {
        stop("loading the providers");
    }
    if (argc == 5 && strcmp(argv[1], "count") == 0) {
        count(argv[2], argv[3], strtol(argv[4], NULL, 10));
    } else {
        long rounds = argc > 1 ? strtol(argv[1], NULL, 10) : 25;
        print_table(rounds < 3 ? 3 : rounds > MAX_ROUNDS ? MAX_ROUNDS : (size_t)rounds);
    }
    (void)OSSL_PROVIDER_unload(ours); /* the end of the process */
    (void)OSSL_PROVIDER_unload(standard);
    OSSL_LIB_CTX_free(context);
    return 0;
}
