/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fork(2) without exec, as servers use it: a child has one thread, and every lock as it was at that moment.
 * A child that does not end in half a minute is killed by its alarm(2), and so is a hang.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <openssl/ec.h>

#include "tests/base/check.h"
#include "tests/provider/context.h"
#include "tests/provider/fixture.h"

#define NUM_THREADS 4
#define NUM_CHILDREN 600
#define PATIENCE_S 30

static EVP_PKEY *key;
static EVP_PKEY *rsa;
static atomic_bool enough;
static atomic_long signed_by_threads;

static bool sign(EVP_PKEY *with)
{
    unsigned char signature[512];
    size_t len = sizeof(signature);
    return context_sign(context, with, signature, &len);
}

/* The first signature writes into libcrypto's caches of methods, the second one reads them: a child that is forked
 * between the two, while another thread is the first to read, waits in libcrypto's lock, whoever has the key. */
static int setup(void **state)
{
    int failed = fixture_setup(state);
    key = failed ? NULL : context_key(context, "zca://web");
    rsa = failed ? NULL : context_key(context, "zca://rsa");
    for (size_t i = 0; !failed && i < 2; i++) {
        failed = !sign(key) || !sign(rsa);
    }
    return failed;
}

static int teardown(void **state)
{
    EVP_PKEY_free(key);
    EVP_PKEY_free(rsa);
    return fixture_teardown(state);
}

static void *sign_on(void *argument)
{
    bool good = true;
    while (good && !atomic_load(&enough)) {
        good = sign(argument);
        atomic_fetch_add(&signed_by_threads, 1);
    }
    return good ? argument : NULL;
}

/* `with` signs in all threads until stop_threads. */
static void start_threads(pthread_t *threads, EVP_PKEY *with)
{
    atomic_store(&enough, false);
    for (size_t i = 0; i < NUM_THREADS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, sign_on, with), 0);
    }
}

static void stop_threads(const pthread_t *threads)
{
    atomic_store(&enough, true);
    for (size_t i = 0; i < NUM_THREADS; i++) {
        void *result = NULL;
        assert_int_equal(pthread_join(threads[i], &result), 0);
        assert_non_null(result);
    }
}

static pid_t start_child(bool (*work)(void))
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        (void)alarm(PATIENCE_S); /* there was none before */
        _exit(work() ? 0 : 1);
    }
    return child;
}

/* Counts instead of failing at the first: how often tells more than that. */
struct ends {
    size_t hung, failed;
};

static void await(pid_t child, struct ends *ends)
{
    int status = -1;
    assert_int_equal(waitpid(child, &status, 0), child);
    ends->hung += WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM;
    ends->failed += status != 0 && !(WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM);
}

static struct ends run_children(size_t count, bool (*work)(void))
{
    struct ends ends = {0};
    for (size_t i = 0; i < count; i++) {
        await(start_child(work), &ends);
    }
    return ends;
}

static bool sign_with_ec(void)
{
    return sign(key);
}

static bool sign_with_rsa(void)
{
    return sign(rsa);
}

static void children_sign_while_threads_sign(void **state)
{
    (void)state;
    pthread_t threads[NUM_THREADS];
    start_threads(threads, key);
    struct ends ends = run_children(NUM_CHILDREN, sign_with_ec);
    stop_threads(threads);
    assert_int_equal(ends.hung, 0);
    assert_int_equal(ends.failed, 0);
    assert_true(atomic_load(&signed_by_threads) > NUM_THREADS);
}

static void children_sign_with_rsa_while_threads_sign(void **state)
{
    (void)state;
    pthread_t threads[NUM_THREADS];
    start_threads(threads, rsa);
    struct ends ends = run_children(NUM_CHILDREN / 6, sign_with_rsa);
    stop_threads(threads);
    assert_int_equal(ends.hung, 0);
    assert_int_equal(ends.failed, 0);
}

/* A child forks and its child signs, and so on: each generation has its own locks. */
static bool sign_in_grandchildren(void)
{
    struct ends ends = run_children(3, sign_with_ec);
    return sign(key) && ends.hung == 0 && ends.failed == 0;
}

static void grandchildren_sign(void **state)
{
    (void)state;
    pthread_t threads[NUM_THREADS];
    start_threads(threads, key);
    struct ends ends = run_children(20, sign_in_grandchildren);
    stop_threads(threads);
    assert_int_equal(ends.hung, 0);
    assert_int_equal(ends.failed, 0);
}

/* ---- nonces ---- */

#define NUM_NONCES 16
#define NONCE_LEN 32

/* The point of a signature, which tells its nonce apart (FIPS 186-4, 6.4). */
static bool sign_point(unsigned char *out_point)
{
    unsigned char der[512];
    const unsigned char *at = der;
    size_t len = sizeof(der);
    ECDSA_SIG *signature =
        context_sign(context, key, der, &len) ? d2i_ECDSA_SIG(NULL, &at, (long)len) : NULL;
    bool ok = signature && BN_bn2binpad(ECDSA_SIG_get0_r(signature), out_point, NONCE_LEN) > 0;
    ECDSA_SIG_free(signature);
    return ok;
}

/* The first thing that a child does is to sign; what it signs is always the same. */
static void point_of_child(unsigned char *out_point)
{
    int ends[2];
    struct ends result = {0};
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        unsigned char point[NONCE_LEN];
        _exit(sign_point(point) && write(ends[1], point, sizeof(point)) == NONCE_LEN ? 0 : 1);
    }
    assert_int_equal(read(ends[0], out_point, NONCE_LEN), NONCE_LEN);
    assert_int_equal(close(ends[0]), 0);
    assert_int_equal(close(ends[1]), 0);
    await(child, &result);
    assert_int_equal(result.failed, 0);
}

static void parent_and_children_have_different_nonces(void **state)
{
    (void)state;
    static unsigned char points[NUM_NONCES][NONCE_LEN];
    assert_true(sign_point(points[0])); /* the generator is seeded before the fork */
    for (size_t i = 1; i < NUM_NONCES; i++) {
        if (i % 2 == 0) {
            assert_true(sign_point(points[i]));
        } else {
            point_of_child(points[i]);
        }
    }
    for (size_t i = 0; i < NUM_NONCES; i++) {
        for (size_t j = 0; j < i; j++) {
            assert_memory_not_equal(points[i], points[j], NONCE_LEN);
        }
    }
}

/* ---- what else a child may do ---- */

/* The threads sign, they do not load: OSSL_STORE_open and OSSL_DECODER of OpenSSL 3.0 hold locks of their own, before
 * they ask any provider, and a child that is forked then hangs in them with a key file as well. */
static bool load_and_sign(void)
{
    EVP_PKEY *loaded = context_key(context, "zca://web");
    bool ok = sign(loaded);
    EVP_PKEY_free(loaded);
    return ok;
}

static void children_load_while_threads_sign(void **state)
{
    (void)state;
    pthread_t threads[NUM_THREADS];
    start_threads(threads, key);
    struct ends ends = run_children(NUM_CHILDREN / 6, load_and_sign);
    stop_threads(threads);
    assert_int_equal(ends.hung, 0);
    assert_int_equal(ends.failed, 0);
}

static bool free_keys(void)
{
    bool ok = sign(key);
    EVP_PKEY_free(key);
    EVP_PKEY_free(rsa);
    return ok;
}

static void children_free_their_keys_while_threads_sign(void **state)
{
    (void)state;
    pthread_t threads[NUM_THREADS];
    start_threads(threads, key);
    struct ends ends = run_children(NUM_CHILDREN / 6, free_keys);
    stop_threads(threads);
    assert_int_equal(ends.hung, 0);
    assert_int_equal(ends.failed, 0);
}

/* Without threads: OSSL_PROVIDER_unload of OpenSSL 3.0 writes what all threads read, so it hangs in such a child with
 * any provider. */
static bool free_everything(void)
{
    bool ok = free_keys();
    context_free(context);
    return ok;
}

static void children_free_everything(void **state)
{
    (void)state;
    struct ends ends = run_children(20, free_everything);
    assert_int_equal(ends.hung, 0);
    assert_int_equal(ends.failed, 0);
}

/* ---- ends without teardown ---- */

static bool exit_at_once(void)
{
    exit(sign(key) ? 0 : 1);
}

static void a_process_ends_without_teardown(void **state)
{
    (void)state;
    struct ends ends = run_children(20, exit_at_once);
    assert_int_equal(ends.hung, 0);
    assert_int_equal(ends.failed, 0);
}

/* As a server that is told to go while its threads work. */
static bool leave_threads_behind(void)
{
    pthread_t threads[NUM_THREADS];
    start_threads(threads, key);
    return sign(key);
}

static void a_process_ends_while_its_threads_sign(void **state)
{
    (void)state;
    struct ends ends = run_children(50, leave_threads_behind);
    assert_int_equal(ends.hung, 0);
    assert_int_equal(ends.failed, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(children_sign_while_threads_sign),
        cmocka_unit_test(children_sign_with_rsa_while_threads_sign),
        cmocka_unit_test(grandchildren_sign),
        cmocka_unit_test(parent_and_children_have_different_nonces),
        cmocka_unit_test(children_load_while_threads_sign),
        cmocka_unit_test(children_free_their_keys_while_threads_sign),
        cmocka_unit_test(children_free_everything),
        cmocka_unit_test(a_process_ends_without_teardown),
        cmocka_unit_test(a_process_ends_while_its_threads_sign),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
