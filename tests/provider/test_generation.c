/* SPDX-License-Identifier: Apache-2.0 */
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/params.h>
#include <openssl/rsa.h>

#include "tests/base/check.h"
#include "tests/provider/context.h"
#include "tests/provider/fixture.h"

static bool is_stored(void **state, const char *name)
{
    const char *directory = *state;
    zca_auto(text) char *path = NULL;
    struct stat status;
    assert_true(asprintf(&path, "%s/state/keys/corp/%s.key", directory, name) > 0);
    return stat(path, &status) == 0;
}

static EVP_PKEY_CTX *begin(const char *algorithm)
{
    EVP_PKEY_CTX *generation = EVP_PKEY_CTX_new_from_name(context, algorithm, "provider=zca");
    assert_non_null(generation);
    assert_true(EVP_PKEY_keygen_init(generation) > 0);
    return generation;
}

/* Text as -pkeyopt gives it; NULL where an option is not given. Returns NULL when no key comes of it. */
static EVP_PKEY *generate(const char *algorithm, const char *option, const char *value,
                          const char *uri)
{
    EVP_PKEY_CTX *generation = begin(algorithm);
    EVP_PKEY *key = NULL;
    if (uri) {
        assert_true(EVP_PKEY_CTX_ctrl_str(generation, "zca-uri", uri) > 0);
    }
    if (option) {
        assert_true(EVP_PKEY_CTX_ctrl_str(generation, option, value) > 0);
    }
    if (EVP_PKEY_generate(generation, &key) <= 0) {
        key = NULL;
    }
    EVP_PKEY_CTX_free(generation);
    return key;
}

static void a_named_key_is_the_identitys(void **state)
{
    static const struct {
        const char *algorithm, *option, *value, *uri, *name;
        int bits;
    } rows[] = {
        {"EC",      "ec_paramgen_curve", "P-256",      "zca://named-256",      "named-256", 256 },
        {"EC",      "ec_paramgen_curve", "P-384",      "zca://corp/named-384", "named-384", 384 },
        {"EC",      "group",             "secp521r1",  "zca://named-521",      "named-521", 521 },
        {"EC",      "group",             "prime256v1", "zca://named-x",        "named-x",   256 },
        {"RSA",     NULL,                NULL,         "zca://named-rsa",      "named-rsa", 2048},
        {"ED25519", NULL,                NULL,         "zca://named-ed",       "named-ed",  256 },
    };

    for (size_t i = 0; i < ZCA_COUNT(rows); i++) {
        EVP_PKEY *key = generate(rows[i].algorithm, rows[i].option, rows[i].value, rows[i].uri);
        assert_non_null(key);
        assert_true(is_stored(state, rows[i].name));
        assert_int_equal(EVP_PKEY_get_bits(key), rows[i].bits);
        EVP_PKEY *loaded = context_key(context, rows[i].uri);
        OSSL_PARAM *params = NULL;
        assert_int_equal(EVP_PKEY_eq(key, loaded), 1);
        assert_false(EVP_PKEY_todata(key, EVP_PKEY_KEYPAIR, &params));
        EVP_PKEY_free(loaded);
        EVP_PKEY_free(key);
    }
}

static void a_key_that_is_there_is_not_replaced(void **state)
{
    (void)state;
    EVP_PKEY *first = generate("EC", "group", "P-256", "zca://twice");
    ERR_clear_error();
    assert_null(generate("EC", "group", "P-256", "zca://twice"));
    assert_string_equal(context_last_reason(), "the object exists already or is in another state");
    EVP_PKEY *loaded = context_key(context, "zca://twice");
    assert_int_equal(EVP_PKEY_eq(first, loaded), 1);
    EVP_PKEY_free(loaded);
    EVP_PKEY_free(first);
}

static void an_anonymous_key_is_not_stored(void **state)
{
    EVP_PKEY *key = generate("EC", "group", "P-256", NULL);
    OSSL_PARAM *params = NULL;
    assert_non_null(key);
    assert_true(EVP_PKEY_todata(key, EVP_PKEY_KEYPAIR, &params));
    assert_false(is_stored(state, ""));
    OSSL_PARAM_free(params);
    EVP_PKEY_free(key);
}

static void a_kind_that_is_not_kept_is_refused(void **state)
{
    static const struct {
        const char *algorithm, *option, *value;
    } rows[] = {
        {"EC",  "group",             "brainpoolP256r1"},
        {"RSA", "rsa_keygen_bits",   "1024"           },
        {"RSA", "rsa_keygen_primes", "3"              },
        {"RSA", "rsa_keygen_pubexp", "3"              },
        {"EC",  NULL,                NULL             },
    };

    for (size_t i = 0; i < ZCA_COUNT(rows); i++) {
        ERR_clear_error();
        assert_null(generate(rows[i].algorithm, rows[i].option, rows[i].value, "zca://unusual"));
        assert_string_equal(context_last_reason(), "this authority, key or build cannot do that");
        assert_false(is_stored(state, "unusual"));
    }
}

static void a_bad_name_is_refused(void **state)
{
    (void)state;
    static const char *const uris[] = {"zca://corp/", "zca://nowhere/web", "http://x",
                                       "zca://a/b/c"};
    for (size_t i = 0; i < ZCA_COUNT(uris); i++) {
        ERR_clear_error();
        assert_null(generate("EC", "group", "P-256", uris[i]));
        assert_string_not_equal(context_last_reason(), "");
    }
}

/* What genrsa sets. */
static void bits_primes_and_exponent_are_taken(void **state)
{
    (void)state;
    EVP_PKEY_CTX *generation = begin("RSA");
    EVP_PKEY *key = NULL;
    BIGNUM *three = BN_new();
    BIGNUM *exponent = NULL;
    assert_true(BN_set_word(three, 3));
    assert_true(EVP_PKEY_CTX_set_rsa_keygen_bits(generation, 1024) > 0);
    assert_true(EVP_PKEY_CTX_set_rsa_keygen_primes(generation, 2) > 0);
    assert_true(EVP_PKEY_CTX_set1_rsa_keygen_pubexp(generation, three) > 0);
    assert_true(EVP_PKEY_generate(generation, &key) > 0);
    assert_int_equal(EVP_PKEY_get_bits(key), 1024);
    assert_true(EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_E, &exponent));
    assert_int_equal(BN_cmp(exponent, three), 0);
    BN_free(exponent);
    BN_free(three);
    EVP_PKEY_free(key);
    EVP_PKEY_CTX_free(generation);
}

/* genpkey -paramfile */
static void the_curve_may_come_from_parameters(void **state)
{
    EVP_PKEY *parameters = generate("EC", "group", "P-384", NULL);
    EVP_PKEY_CTX *generation = EVP_PKEY_CTX_new_from_pkey(context, parameters, NULL);
    EVP_PKEY *key = NULL;
    assert_true(EVP_PKEY_keygen_init(generation) > 0);
    assert_true(EVP_PKEY_CTX_ctrl_str(generation, "zca-uri", "zca://from-parameters") > 0);
    assert_true(EVP_PKEY_generate(generation, &key) > 0);
    assert_int_equal(EVP_PKEY_get_bits(key), 384);
    assert_true(is_stored(state, "from-parameters"));
    EVP_PKEY_free(key);
    EVP_PKEY_CTX_free(generation);
    EVP_PKEY_free(parameters);
}

/* As EVP_PKEY_CTX_new_from_pkey does it: another key like this one. */
static void a_key_may_be_the_template_of_another(void **state)
{
    (void)state;
    static const char *const algorithms[] = {"EC", "RSA", "ED25519"};
    for (size_t i = 0; i < ZCA_COUNT(algorithms); i++) {
        bool is_ec = strcmp(algorithms[i], "EC") == 0;
        EVP_PKEY *first = generate(algorithms[i], is_ec ? "group" : NULL, "P-256", NULL);
        EVP_PKEY_CTX *generation = EVP_PKEY_CTX_new_from_pkey(context, first, NULL);
        EVP_PKEY *second = NULL;
        assert_true(EVP_PKEY_keygen_init(generation) > 0);
        assert_true(EVP_PKEY_generate(generation, &second) > 0);
        assert_int_equal(EVP_PKEY_eq(first, second), 0);
        EVP_PKEY_free(second);
        EVP_PKEY_CTX_free(generation);
        EVP_PKEY_free(first);
    }
}

/* genpkey -genparam: there is no key to be named. */
static void parameters_of_a_named_key_make_none(void **state)
{
    EVP_PKEY_CTX *generation = EVP_PKEY_CTX_new_from_name(context, "EC", "provider=zca");
    EVP_PKEY *parameters = NULL;
    assert_true(EVP_PKEY_paramgen_init(generation) > 0);
    assert_true(EVP_PKEY_CTX_ctrl_str(generation, "group", "P-256") > 0);
    assert_true(EVP_PKEY_CTX_ctrl_str(generation, "zca-uri", "zca://params") > 0);
    assert_true(EVP_PKEY_generate(generation, &parameters) > 0);
    assert_false(is_stored(state, "params"));
    EVP_PKEY_free(parameters);
    EVP_PKEY_CTX_free(generation);
}

static void *fork_once(void *argument)
{
    pid_t child = fork();
    if (child == 0) {
        _exit(0);
    }
    assert_int_equal(waitpid(child, NULL, 0), child);
    return argument;
}

static int wait_for_a_fork(EVP_PKEY_CTX *generation)
{
    bool *forked = EVP_PKEY_CTX_get_app_data(generation);
    pthread_t thread;
    if (!*forked) {
        assert_int_equal(pthread_create(&thread, NULL, fork_once, NULL), 0);
        assert_int_equal(pthread_join(thread, NULL), 0);
        *forked = true;
    }
    return 1;
}

/* alarm(2) ends what would wait for itself. */
static void a_tool_may_wait_for_a_fork_while_it_hears_of_progress(void **state)
{
    (void)state;
    bool forked = false;
    EVP_PKEY *key = NULL;
    EVP_PKEY_CTX *generation = begin("RSA");
    EVP_PKEY_CTX_set_app_data(generation, &forked);
    EVP_PKEY_CTX_set_cb(generation, wait_for_a_fork);
    (void)alarm(60); /* there was none before */
    assert_int_equal(EVP_PKEY_generate(generation, &key), 1);
    (void)alarm(0);
    assert_true(forked);
    EVP_PKEY_free(key);
    EVP_PKEY_CTX_free(generation);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_named_key_is_the_identitys),
        cmocka_unit_test(a_key_that_is_there_is_not_replaced),
        cmocka_unit_test(an_anonymous_key_is_not_stored),
        cmocka_unit_test(a_kind_that_is_not_kept_is_refused),
        cmocka_unit_test(a_bad_name_is_refused),
        cmocka_unit_test(bits_primes_and_exponent_are_taken),
        cmocka_unit_test(the_curve_may_come_from_parameters),
        cmocka_unit_test(a_key_may_be_the_template_of_another),
        cmocka_unit_test(parameters_of_a_named_key_make_none),
        cmocka_unit_test(a_tool_may_wait_for_a_fork_while_it_hears_of_progress),
    };
    return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}
