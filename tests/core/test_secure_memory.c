/* SPDX-License-Identifier: Apache-2.0 */
/* The heap is the process's: a program of its own, with a small one. */
#include <pthread.h>
#include <string.h>

#include "base/openssl_auto.h"
#include "base/secure_memory.h"
#include "core/key.h"
#include "tests/core/home.h"

static bool sign(const struct zca_key *key)
{
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    OSSL_LIB_CTX *context = zca_library_context(zca_key_get_library(key), &err);
    zca_auto(EVP_PKEY) EVP_PKEY *pkey = zca_key_pkey(key, &err);
    EVP_MD_CTX *signing = EVP_MD_CTX_new();
    unsigned char signature[128];
    size_t len = sizeof(signature);
    bool ok = pkey &&
              EVP_DigestSignInit_ex(signing, NULL, "SHA256", context, NULL, pkey, NULL) == 1 &&
              EVP_DigestSign(signing, signature, &len, (const unsigned char *)"a", 1) == 1;
    EVP_MD_CTX_free(signing);
    return ok;
}

/* A thread has a random generator of its own. */
static void *sign_in_a_thread(void *key)
{
    return sign(key) ? key : NULL;
}

static void full_memory_takes_no_key_and_serves_those_that_it_has(void **state)
{
    zca_auto(zca_library) struct zca_library *library = home_library(state, "secure-memory = 64\n");
    const struct zca_key_type *type = zca_key_type_find("P-256");
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    struct zca_key *keys[2000] = {NULL};
    size_t num = 0;
    void *signer = NULL;
    pthread_t thread;
    while (num < ZCA_COUNT(keys) && (keys[num] = zca_key_generate(library, type, &err))) {
        num++;
    }
    assert_in_range(num, 100, ZCA_COUNT(keys) - 1);
    assert_int_equal(err.reason, ZCA_ERR_MEMORY);
    assert_non_null(strstr(err.message, "secure-memory"));
    assert_true(sign(keys[0]));
    assert_int_equal(pthread_create(&thread, NULL, sign_in_a_thread, keys[0]), 0);
    assert_int_equal(pthread_join(thread, &signer), 0);
    assert_ptr_equal(signer, keys[0]);
    zca_key_free(keys[--num]);
    zca_key_free(keys[--num]);
    zca_auto(zca_key) struct zca_key *another = zca_key_generate(library, type, &err);
    check_ok(another, err);
    while (num > 0) {
        zca_key_free(keys[--num]);
    }
}

#define CASE(name)                                                                                 \
    cmocka_unit_test_setup_teardown(name, check_setup_directory, check_teardown_directory)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(full_memory_takes_no_key_and_serves_those_that_it_has),
    };
    return cmocka_run_group_tests_name("core/secure_memory", tests, NULL, NULL);
}
