/* SPDX-License-Identifier: Apache-2.0 */
/* Threads that come and go, as in servers with a thread a connection: nothing may stay behind. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

#include "tests/base/check.h"
#include "tests/provider/context.h"
#include "tests/provider/fixture.h"

#define NUM_SHORT 6000 /* threads, one after the other, four at a time */
#define NUM_ATATIME 4
#define MAX_GROWTH ((size_t)512 * 1024)

static size_t resident_size(void)
{
    unsigned long all = 0;
    unsigned long resident = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    assert_non_null(file);
    assert_int_equal(fscanf(file, "%lu %lu", &all, &resident), 2);
    assert_int_equal(fclose(file), 0);
    return resident * (size_t)sysconf(_SC_PAGESIZE);
}

static void *sign_once(void *argument)
{
    unsigned char signature[512];
    size_t len = sizeof(signature);
    return context_sign(context, argument, signature, &len) ? argument : NULL;
}

static void *load_and_sign(void *argument)
{
    EVP_PKEY *key = context_key(context, argument);
    void *result = sign_once(key) ? argument : NULL;
    EVP_PKEY_free(key);
    return result;
}

static void run_short(size_t count, void *(*work)(void *), void *argument)
{
    for (size_t i = 0; i < count; i += NUM_ATATIME) {
        pthread_t threads[NUM_ATATIME];
        for (size_t j = 0; j < NUM_ATATIME; j++) {
            assert_int_equal(pthread_create(&threads[j], NULL, work, argument), 0);
        }
        for (size_t j = 0; j < NUM_ATATIME; j++) {
            void *result = NULL;
            assert_int_equal(pthread_join(threads[j], &result), 0);
            assert_non_null(result);
        }
    }
}

/* The first hundreds warm up the allocator; from then on a leak of 100 bytes a thread would show. */
static void check_growth(void *(*work)(void *), void *argument)
{
    run_short(NUM_SHORT / 10, work, argument);
    size_t before = resident_size();
    run_short(NUM_SHORT, work, argument);
    size_t after = resident_size();
    if (after > before + MAX_GROWTH) {
        fail_msg("%zu KiB more after %d threads", (after - before) / 1024, NUM_SHORT);
    }
}

static void short_threads_leave_nothing_behind(void **state)
{
    (void)state;
    EVP_PKEY *key = context_key(context, "zca://web");
    check_growth(sign_once, key);
    EVP_PKEY_free(key);
}

static void short_threads_that_load_leave_nothing_behind(void **state)
{
    (void)state;
    char uri[] = "zca://web";
    check_growth(load_and_sign, uri);
}

/* ---- the first use ---- */

#define NUM_FIRST 8
#define NUM_ROUNDS 25

struct first {
    OSSL_LIB_CTX *context;
    pthread_barrier_t *start;
};

static void *use_first(void *argument)
{
    const struct first *first = argument;
    unsigned char signature[512];
    size_t len = sizeof(signature);
    (void)pthread_barrier_wait(first->start); /* tells one of them that it is the last */
    EVP_PKEY *key = context_key(first->context, "zca://web");
    bool ok = context_sign(first->context, key, signature, &len);
    EVP_PKEY_free(key);
    return ok ? argument : NULL;
}

/* zca-core.so, the library and the overlay come to be once, whoever is first. */
static void threads_come_together_at_the_first_use(void **state)
{
    (void)state;
    for (size_t round = 0; round < NUM_ROUNDS; round++) {
        pthread_barrier_t start;
        pthread_t threads[NUM_FIRST];
        struct first first = {.context = context_new(), .start = &start};
        assert_int_equal(pthread_barrier_init(&start, NULL, NUM_FIRST), 0);
        for (size_t i = 0; i < NUM_FIRST; i++) {
            assert_int_equal(pthread_create(&threads[i], NULL, use_first, &first), 0);
        }
        for (size_t i = 0; i < NUM_FIRST; i++) {
            void *result = NULL;
            assert_int_equal(pthread_join(threads[i], &result), 0);
            assert_non_null(result);
        }
        assert_int_equal(pthread_barrier_destroy(&start), 0);
        context_free(first.context);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(threads_come_together_at_the_first_use),
        cmocka_unit_test(short_threads_leave_nothing_behind),
        cmocka_unit_test(short_threads_that_load_leave_nothing_behind),
    };
    return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}
