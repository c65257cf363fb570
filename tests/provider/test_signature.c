/* SPDX-License-Identifier: Apache-2.0 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/params.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "tests/base/check.h"
#include "tests/provider/context.h"
#include "tests/provider/fixture.h"

#define MESSAGE_LEN 100 /* as TLS signs */

static const unsigned char message[MESSAGE_LEN] = "a message";

struct signature {
    unsigned char data[512];
    size_t len;
};

static bool verifies(EVP_PKEY *key, const char *digest, const struct signature *signature)
{
    EVP_PKEY *public = context_public(context, key);
    EVP_MD_CTX *operation = EVP_MD_CTX_new();
    assert_true(EVP_DigestVerifyInit_ex(operation, NULL, digest, context, NULL, public, NULL) > 0);
    int valid = EVP_DigestVerify(operation, signature->data, signature->len, message, MESSAGE_LEN);
    EVP_MD_CTX_free(operation);
    EVP_PKEY_free(public);
    return valid == 1;
}

static bool sign_once(EVP_PKEY *key, const char *digest, struct signature *out)
{
    EVP_MD_CTX *operation = EVP_MD_CTX_new();
    out->len = sizeof(out->data);
    bool done = operation &&
                EVP_DigestSignInit_ex(operation, NULL, digest, context, NULL, key, NULL) > 0 &&
                EVP_DigestSign(operation, out->data, &out->len, message, MESSAGE_LEN) > 0;
    EVP_MD_CTX_free(operation);
    return done;
}

struct algorithm_case {
    const char *uri, *digest;
};

static const struct algorithm_case cases[] = {
    {"zca://web", "SHA256"},
    {"zca://web", "SHA384"},
    {"zca://rsa", "SHA256"},
    {"zca://rsa", "SHA512"},
    {"zca://ed",  NULL    },
};

static void one_shot_signatures_verify(void **state)
{
    (void)state;
    for (size_t i = 0; i < ZCA_COUNT(cases); i++) {
        EVP_PKEY *key = context_key(context, cases[i].uri);
        struct signature signature = {0};
        for (size_t again = 0; again < 3; again++) { /* prepared contexts are reused */
            assert_true(sign_once(key, cases[i].digest, &signature));
            assert_true(verifies(key, cases[i].digest, &signature));
        }
        signature.data[signature.len - 1] ^= 1;
        assert_false(verifies(key, cases[i].digest, &signature));
        EVP_PKEY_free(key);
    }
}

static void more_digests_than_are_prepared_work(void **state)
{
    (void)state;
    static const char *const digests[] = {"SHA224",   "SHA256",   "SHA384", "SHA512",
                                          "SHA3-256", "SHA3-512", "SHA256"};
    EVP_PKEY *key = context_key(context, "zca://web");
    for (size_t i = 0; i < ZCA_COUNT(digests); i++) {
        struct signature signature = {0};
        assert_true(sign_once(key, digests[i], &signature));
        assert_true(verifies(key, digests[i], &signature));
    }
    EVP_PKEY_free(key);
}

static void an_unknown_digest_is_refused(void **state)
{
    (void)state;
    EVP_PKEY *key = context_key(context, "zca://web");
    struct signature signature = {0};
    assert_false(sign_once(key, "NO-SUCH-DIGEST", &signature));
    EVP_PKEY_free(key);
}

/* openssl dgst does this: the size, a copy, and only then the signature. */
static void a_copy_of_an_operation_in_progress_finishes(void **state)
{
    (void)state;
    static const char *const uris[] = {"zca://web", "zca://rsa"};
    for (size_t i = 0; i < ZCA_COUNT(uris); i++) {
        EVP_PKEY *key = context_key(context, uris[i]);
        EVP_MD_CTX *operation = EVP_MD_CTX_new();
        EVP_MD_CTX *copy = EVP_MD_CTX_new();
        struct signature signature = {0};
        assert_true(EVP_DigestSignInit_ex(operation, NULL, "SHA256", context, NULL, key, NULL) > 0);
        assert_true(EVP_DigestSignUpdate(operation, message, 40) > 0);
        assert_true(EVP_MD_CTX_copy_ex(copy, operation));
        EVP_MD_CTX_free(operation);
        assert_true(EVP_DigestSignUpdate(copy, message + 40, MESSAGE_LEN - 40) > 0);
        assert_true(EVP_DigestSignFinal(copy, NULL, &signature.len) > 0);
        assert_true(signature.len > 0 && signature.len <= sizeof(signature.data));
        assert_true(EVP_DigestSignFinal(copy, signature.data, &signature.len) > 0);
        assert_true(verifies(key, "SHA256", &signature));
        EVP_MD_CTX_free(copy);
        EVP_PKEY_free(key);
    }
}

static void an_operation_begins_anew_with_the_same_key(void **state)
{
    (void)state;
    EVP_PKEY *key = context_key(context, "zca://web");
    EVP_MD_CTX *operation = EVP_MD_CTX_new();
    for (size_t i = 0; i < 3; i++) {
        struct signature signature = {.len = sizeof(signature.data)};
        assert_true(EVP_DigestSignInit_ex(operation, NULL, "SHA256", context, NULL,
                                          i == 0 ? key : NULL, NULL) > 0);
        assert_true(
            EVP_DigestSign(operation, signature.data, &signature.len, message, MESSAGE_LEN) > 0);
        assert_true(verifies(key, "SHA256", &signature));
    }
    EVP_MD_CTX_free(operation);
    EVP_PKEY_free(key);
}

/* PSS is asked for after init, so it must not stick to the prepared context. */
static void rsa_padding_belongs_to_one_operation(void **state)
{
    (void)state;
    EVP_PKEY *key = context_key(context, "zca://rsa");
    EVP_MD_CTX *operation = EVP_MD_CTX_new();
    EVP_PKEY_CTX *parameters = NULL;
    struct signature signature = {.len = sizeof(signature.data)};
    assert_true(EVP_DigestSignInit_ex(operation, &parameters, "SHA256", context, NULL, key, NULL) >
                0);
    assert_true(EVP_PKEY_CTX_set_rsa_padding(parameters, RSA_PKCS1_PSS_PADDING) > 0);
    assert_true(EVP_DigestSign(operation, signature.data, &signature.len, message, MESSAGE_LEN) >
                0);
    assert_false(verifies(key, "SHA256", &signature)); /* as PKCS #1 v1.5 */
    assert_true(sign_once(key, "SHA256", &signature));
    assert_true(verifies(key, "SHA256", &signature));
    EVP_MD_CTX_free(operation);
    EVP_PKEY_free(key);
}

/* The text of the newest error. */
static const char *last_text(void)
{
    const char *text = NULL;
    int flags = 0;
    (void)ERR_peek_last_error_all(NULL, NULL, NULL, &text, &flags); /* the text is all we want */
    return (flags & ERR_TXT_STRING) != 0 && text ? text : "";
}

/* docs/decisions/0015 */
static void key_of_an_authority_refuses_pss_in_words(void **state)
{
    (void)state;
    EVP_PKEY *local = context_key(context, "zca://rsa");
    EVP_PKEY *public_key = context_public(context, local);
    EVP_PKEY *key = context_ca_key(context, public_key);
    EVP_MD_CTX *operation = EVP_MD_CTX_new();
    EVP_PKEY_CTX *parameters = NULL;
    assert_true(EVP_DigestSignInit_ex(operation, &parameters, "SHA256", context, NULL, key, NULL) >
                0);
    assert_true(EVP_PKEY_CTX_set_rsa_padding(parameters, RSA_PKCS1_PADDING) > 0);
    assert_true(EVP_PKEY_CTX_set_rsa_padding(parameters, RSA_PKCS1_PSS_PADDING) <= 0);
    assert_non_null(strstr(last_text(), "PKCS #1 v1.5 padding only; leave out rsa_padding_mode"));
    EVP_MD_CTX_free(operation);
    EVP_PKEY_free(key);
    EVP_PKEY_free(public_key);
    EVP_PKEY_free(local);
}

static void the_algorithm_identifier_is_known_before_signing(void **state)
{
    (void)state;
    for (size_t i = 0; i < ZCA_COUNT(cases); i++) {
        EVP_PKEY *key = context_key(context, cases[i].uri);
        EVP_MD_CTX *operation = EVP_MD_CTX_new();
        EVP_PKEY_CTX *parameters = NULL;
        unsigned char der[64];
        OSSL_PARAM params[] = {
            OSSL_PARAM_construct_octet_string(OSSL_SIGNATURE_PARAM_ALGORITHM_ID, der, sizeof(der)),
            OSSL_PARAM_construct_end()};
        assert_true(EVP_DigestSignInit_ex(operation, &parameters, cases[i].digest, context, NULL,
                                          key, NULL) > 0);
        assert_true(EVP_PKEY_CTX_get_params(parameters, params) > 0);
        const unsigned char *at = der;
        X509_ALGOR *algorithm = d2i_X509_ALGOR(NULL, &at, (long)params[0].return_size);
        assert_non_null(algorithm);
        X509_ALGOR_free(algorithm);
        EVP_MD_CTX_free(operation);
        EVP_PKEY_free(key);
    }
}

static void a_bare_digest_is_signed_with_a_local_key(void **state)
{
    (void)state;
    EVP_PKEY *key = context_key(context, "zca://web");
    EVP_PKEY *public = context_public(context, key);
    EVP_PKEY_CTX *operation = EVP_PKEY_CTX_new_from_pkey(context, key, NULL);
    struct signature signature = {.len = sizeof(signature.data)};
    assert_true(EVP_PKEY_sign_init(operation) > 0);
    assert_true(EVP_PKEY_sign(operation, signature.data, &signature.len, message, 32) > 0);
    EVP_PKEY_CTX_free(operation);
    operation = EVP_PKEY_CTX_new_from_pkey(context, public, NULL);
    assert_true(EVP_PKEY_verify_init(operation) > 0);
    assert_int_equal(EVP_PKEY_verify(operation, signature.data, signature.len, message, 32), 1);
    EVP_PKEY_CTX_free(operation);
    EVP_PKEY_free(public);
    EVP_PKEY_free(key);
}

#define NUM_THREADS 8
#define NUM_ROUNDS 200

static void *sign_many(void *argument)
{
    size_t *good = argument;
    EVP_PKEY *key = context_key(context, "zca://web");
    for (size_t i = 0; i < NUM_ROUNDS; i++) {
        struct signature signature = {0};
        *good += sign_once(key, i % 2 == 0 ? "SHA256" : "SHA384", &signature);
    }
    EVP_PKEY_free(key);
    return NULL;
}

struct shared {
    EVP_PKEY *key;
    size_t good;
};

static void *sign_shared(void *argument)
{
    struct shared *shared = argument;
    for (size_t i = 0; i < NUM_ROUNDS; i++) {
        struct signature signature = {0};
        shared->good += sign_once(shared->key, i % 2 == 0 ? "SHA256" : "SHA384", &signature);
    }
    return NULL;
}

static void threads_sign_with_their_own_keys(void **state)
{
    (void)state;
    pthread_t threads[NUM_THREADS];
    size_t good[NUM_THREADS] = {0};
    for (size_t i = 0; i < NUM_THREADS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, sign_many, &good[i]), 0);
    }
    for (size_t i = 0; i < NUM_THREADS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_int_equal(good[i], NUM_ROUNDS);
    }
}

static void threads_share_a_key(void **state)
{
    (void)state;
    EVP_PKEY *key = context_key(context, "zca://shared");
    pthread_t threads[NUM_THREADS];
    struct shared shared[NUM_THREADS];
    for (size_t i = 0; i < NUM_THREADS; i++) {
        shared[i] = (struct shared){.key = key};
        assert_int_equal(pthread_create(&threads[i], NULL, sign_shared, &shared[i]), 0);
    }
    for (size_t i = 0; i < NUM_THREADS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_int_equal(shared[i].good, NUM_ROUNDS);
    }
    EVP_PKEY_free(key);
}

/* nginx: the master loads, workers sign. Their signatures must not share a nonce. */
static void a_forked_worker_signs(void **state)
{
    (void)state;
    EVP_PKEY *key = context_key(context, "zca://web");
    struct signature signature = {0};
    assert_true(sign_once(key, "SHA256", &signature));
    pid_t worker = fork();
    if (worker == 0) {
        _exit(sign_once(key, "SHA256", &signature) && verifies(key, "SHA256", &signature) ? 0 : 1);
    }
    int status = -1;
    assert_int_equal(waitpid(worker, &status, 0), worker);
    assert_int_equal(status, 0);
    EVP_PKEY_free(key);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_shot_signatures_verify),
        cmocka_unit_test(more_digests_than_are_prepared_work),
        cmocka_unit_test(an_unknown_digest_is_refused),
        cmocka_unit_test(a_copy_of_an_operation_in_progress_finishes),
        cmocka_unit_test(an_operation_begins_anew_with_the_same_key),
        cmocka_unit_test(rsa_padding_belongs_to_one_operation),
        cmocka_unit_test(key_of_an_authority_refuses_pss_in_words),
        cmocka_unit_test(the_algorithm_identifier_is_known_before_signing),
        cmocka_unit_test(a_bare_digest_is_signed_with_a_local_key),
        cmocka_unit_test(threads_sign_with_their_own_keys),
        cmocka_unit_test(threads_share_a_key),
        cmocka_unit_test(a_forked_worker_signs),
    };
    return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}
