/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the programs of this folder share: library contexts with and without zca, loading through OSSL_STORE, a clock,
 * and costs as JSON lines for tests/bench/figures.py. Everything stops the process when it fails.
 */
#ifndef ZCA_TESTS_BENCH_CONTEXT_H
#define ZCA_TESTS_BENCH_CONTEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#include <openssl/evp.h>
#include <openssl/x509.h>

/** bench_stop ends the process, with OpenSSL's errors. */
void bench_stop(const char *what) __attribute__((noreturn));

/** bench_context_new makes a context with the default provider, and zca of the directory $ZCA_MODULES. */
OSSL_LIB_CTX *bench_context_new(bool with_zca);

/** bench_context_of makes a context with what a configuration file of OpenSSL activates. */
OSSL_LIB_CTX *bench_context_of(const char *path);

/** bench_context_free unloads and frees a context. */
void bench_context_free(OSSL_LIB_CTX *context);

/** bench_key_load and bench_certificate_load take the first such object of a URI or file; the caller frees. */
EVP_PKEY *bench_key_load(OSSL_LIB_CTX *context, const char *uri);
X509 *bench_certificate_load(OSSL_LIB_CTX *context, const char *uri);

/** bench_now_us reads a clock in microseconds. */
double bench_now_us(clockid_t clock);

/**
 * bench_measure runs the variants of a case in turns (A B C C B A) so many rounds, after one that is not counted,
 * and prints the cost of each in each round.
 *
 * name, variants   printed; variants ends with NULL.
 * take_turn        runs the variant for a while and returns what one operation costs, in microseconds.
 */
void bench_measure(const char *name, const char *const *variants, long rounds,
                   double (*take_turn)(void *argument, size_t variant), void *argument);

#endif
