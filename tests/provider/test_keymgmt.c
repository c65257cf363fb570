/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/params.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "provider/cold.h"
#include "tests/base/check.h"
#include "tests/provider/context.h"
#include "tests/provider/fixture.h"

static EVP_PKEY *generate(const char *name, const char *group)
{
    EVP_PKEY_CTX *generation = EVP_PKEY_CTX_new_from_name(context, name, "provider=zca");
    EVP_PKEY *key = NULL;
    assert_non_null(generation);
    assert_true(EVP_PKEY_keygen_init(generation) > 0);
    if (group) {
        assert_true(EVP_PKEY_CTX_set_group_name(generation, group) > 0);
    }
    assert_true(EVP_PKEY_generate(generation, &key) > 0);
    EVP_PKEY_CTX_free(generation);
    return key;
}

static void the_private_part_does_not_leave(void **state)
{
    (void)state;
    static const char *const uris[] = {"zca://web", "zca://rsa", "zca://ed"};
    for (size_t i = 0; i < ZCA_COUNT(uris); i++) {
        EVP_PKEY *key = context_key(context, uris[i]);
        OSSL_PARAM *params = NULL;
        ERR_clear_error();
        assert_false(EVP_PKEY_todata(key, EVP_PKEY_KEYPAIR, &params));
        assert_string_equal(context_last_reason(),
                            ""); /* quietly: libcrypto tries it for each signature */
        assert_true(EVP_PKEY_todata(key, EVP_PKEY_PUBLIC_KEY, &params));
        assert_null(OSSL_PARAM_locate(params, OSSL_PKEY_PARAM_PRIV_KEY));
        OSSL_PARAM_free(params);
        EVP_PKEY_free(key);
    }
}

/* As EVP_PKEY_get_bn_param does. */
static void private_values_are_not_told(void **state)
{
    (void)state;
    static const char *const names[] = {OSSL_PKEY_PARAM_PRIV_KEY, OSSL_PKEY_PARAM_RSA_D,
                                        OSSL_PKEY_PARAM_RSA_FACTOR1, OSSL_PKEY_PARAM_RSA_EXPONENT1,
                                        OSSL_PKEY_PARAM_RSA_COEFFICIENT1};
    static const char *const uris[] = {"zca://web", "zca://rsa", "zca://ed"};
    for (size_t i = 0; i < ZCA_COUNT(uris); i++) {
        EVP_PKEY *key = context_key(context, uris[i]);
        for (size_t j = 0; j < ZCA_COUNT(names); j++) {
            unsigned char value[512] = {0};
            unsigned char zero[512] = {0};
            OSSL_PARAM params[] = {
                {.key = names[j],
                 .data_type = i == 2 ? OSSL_PARAM_OCTET_STRING : OSSL_PARAM_UNSIGNED_INTEGER,
                 .data = value,
                 .data_size = sizeof(value),
                 .return_size = OSSL_PARAM_UNMODIFIED},
                OSSL_PARAM_END
            };
            (void)EVP_PKEY_get_params(key, params); /* may say yes, and leave it */
            assert_false(OSSL_PARAM_modified(params));
            assert_memory_equal(value, zero, sizeof(value));
        }
        EVP_PKEY_free(key);
    }
}

static void a_key_matches_its_public_key_and_no_other(void **state)
{
    (void)state;
    EVP_PKEY *key = context_key(context, "zca://web");
    EVP_PKEY *public = context_public(context, key);
    EVP_PKEY *other = context_key(context, "zca://other");
    assert_int_equal(EVP_PKEY_eq(key, public), 1);
    assert_int_equal(EVP_PKEY_eq(public, key), 1);
    assert_int_not_equal(EVP_PKEY_eq(key, other), 1);
    EVP_PKEY_free(key);
    EVP_PKEY_free(public);
    EVP_PKEY_free(other);
}

static void a_duplicate_is_the_same_protected_key(void **state)
{
    (void)state;
    EVP_PKEY *key = context_key(context, "zca://web");
    EVP_PKEY *copy = EVP_PKEY_dup(key);
    OSSL_PARAM *params = NULL;
    assert_non_null(copy);
    assert_int_equal(EVP_PKEY_eq(key, copy), 1);
    EVP_PKEY_free(key);
    assert_false(EVP_PKEY_todata(copy, EVP_PKEY_KEYPAIR, &params));
    EVP_PKEY_free(copy);
}

/* How a key is to be encoded belongs to one object, though the private value stands once. */
static void a_change_of_one_object_leaves_the_others(void **state)
{
    (void)state;
    EVP_PKEY *key = context_key(context, "zca://web");
    EVP_PKEY *again = context_key(context, "zca://web");
    EVP_PKEY *copy = EVP_PKEY_dup(key);
    int len = i2d_PUBKEY(key, NULL);
    assert_int_equal(
        EVP_PKEY_set_utf8_string_param(copy, OSSL_PKEY_PARAM_EC_POINT_CONVERSION_FORMAT,
                                       OSSL_PKEY_EC_POINT_CONVERSION_FORMAT_COMPRESSED),
        1);
    assert_true(i2d_PUBKEY(copy, NULL) < len);
    assert_int_equal(i2d_PUBKEY(key, NULL), len);
    assert_int_equal(i2d_PUBKEY(again, NULL), len);
    EVP_PKEY *of_changed = EVP_PKEY_dup(copy);
    EVP_PKEY_free(copy);
    assert_true(i2d_PUBKEY(of_changed, NULL) < len);
    assert_int_equal(EVP_PKEY_eq(key, of_changed), 1);
    EVP_PKEY_free(of_changed);
    EVP_PKEY_free(again);
    EVP_PKEY_free(key);
}

/* libssl copies parameters into a fresh key and puts the peer's point there. */
static void copied_parameters_are_a_fresh_key(void **state)
{
    (void)state;
    EVP_PKEY *key = context_key(context, "zca://web");
    EVP_PKEY *peer = generate("EC", "P-256");
    EVP_PKEY *copy = EVP_PKEY_new();
    unsigned char *point = NULL;
    size_t len = EVP_PKEY_get1_encoded_public_key(peer, &point);
    assert_true(len > 0);
    assert_true(EVP_PKEY_copy_parameters(copy, key));
    assert_true(EVP_PKEY_set1_encoded_public_key(copy, point, len));
    assert_int_equal(EVP_PKEY_eq(copy, peer), 1);
    assert_int_not_equal(EVP_PKEY_eq(copy, key), 1);
    assert_false(EVP_PKEY_set1_encoded_public_key(key, point, len)); /* it does not change */
    OPENSSL_free(point);
    EVP_PKEY_free(copy);
    EVP_PKEY_free(peer);
    EVP_PKEY_free(key);
}

static void a_generated_key_is_an_ordinary_one(void **state)
{
    (void)state;
    EVP_PKEY *keys[] = {generate("EC", "P-384"), generate("ED25519", NULL), generate("RSA", NULL)};
    for (size_t i = 0; i < ZCA_COUNT(keys); i++) {
        OSSL_PARAM *params = NULL;
        assert_true(EVP_PKEY_todata(keys[i], EVP_PKEY_KEYPAIR, &params));
        OSSL_PARAM_free(params);
        BIO *out = BIO_new(BIO_s_mem());
        assert_true(PEM_write_bio_PrivateKey(out, keys[i], NULL, NULL, 0, NULL, NULL));
        char *text = NULL;
        assert_true(BIO_get_mem_data(out, &text) > 0);
        assert_memory_equal(text, "-----BEGIN PRIVATE KEY-----", 27);
        EVP_PKEY *copy = PEM_read_bio_PrivateKey_ex(out, NULL, NULL, NULL, context, NULL);
        assert_int_equal(EVP_PKEY_eq(copy, keys[i]), 1);
        EVP_PKEY_free(copy);
        BIO_free(out);
        EVP_PKEY_free(keys[i]);
    }
}

static void a_reference_stands_for_the_key(void **state)
{
    (void)state;
    static const char *const uris[] = {"zca://web", "zca://rsa", "zca://ed"};
    for (size_t i = 0; i < ZCA_COUNT(uris); i++) {
        EVP_PKEY *key = context_key(context, uris[i]);
        BIO *out = BIO_new(BIO_s_mem());
        assert_true(PEM_write_bio_PrivateKey(out, key, NULL, NULL, 0, NULL, NULL));
        EVP_PKEY *copy = PEM_read_bio_PrivateKey_ex(out, NULL, NULL, NULL, context, NULL);
        assert_non_null(copy);
        assert_int_equal(EVP_PKEY_eq(copy, key), 1);
        EVP_PKEY_free(copy);
        BIO_free(out);
        EVP_PKEY_free(key);
    }
}

static void ecdh_agrees_with_the_default_provider(void **state)
{
    (void)state;
    EVP_PKEY *ours = generate("EC", "P-256");
    EVP_PKEY *theirs = EVP_PKEY_Q_keygen(context, "provider=default", "EC", "P-256");
    EVP_PKEY *keys[] = {ours, theirs};
    unsigned char secrets[2][32];
    for (size_t i = 0; i < 2; i++) {
        size_t len = sizeof(secrets[i]);
        EVP_PKEY *peer = context_public(context, keys[1 - i]);
        EVP_PKEY_CTX *derivation = EVP_PKEY_CTX_new_from_pkey(context, keys[i], NULL);
        assert_true(EVP_PKEY_derive_init(derivation) > 0);
        assert_true(EVP_PKEY_derive_set_peer(derivation, peer) > 0);
        assert_true(EVP_PKEY_derive(derivation, secrets[i], &len) > 0);
        assert_int_equal(len, 32);
        EVP_PKEY_CTX_free(derivation);
        EVP_PKEY_free(peer);
    }
    assert_memory_equal(secrets[0], secrets[1], 32);
    EVP_PKEY_free(ours);
    EVP_PKEY_free(theirs);
}

static void a_ca_key_does_not_derive(void **state)
{
    (void)state;
    EVP_PKEY *key = context_key(context, "zca://web");
    EVP_PKEY *ca_key = context_ca_key(context, key);
    EVP_PKEY_CTX *derivation = EVP_PKEY_CTX_new_from_pkey(context, ca_key, NULL);
    ERR_clear_error();
    assert_false(EVP_PKEY_derive_init(derivation) > 0);
    assert_string_equal(context_last_reason(), "this authority, key or build cannot do that");
    EVP_PKEY_CTX_free(derivation);
    EVP_PKEY_free(ca_key);
    EVP_PKEY_free(key);
}

/* The default provider takes any eight bytes for a pointer to a key of its own. */
static void a_key_on_loan_is_no_pointer(void **state)
{
    (void)state;
    assert_int_not_equal(sizeof(struct zca_loan_head), sizeof(void *));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_private_part_does_not_leave),
        cmocka_unit_test(private_values_are_not_told),
        cmocka_unit_test(a_key_matches_its_public_key_and_no_other),
        cmocka_unit_test(a_duplicate_is_the_same_protected_key),
        cmocka_unit_test(a_change_of_one_object_leaves_the_others),
        cmocka_unit_test(copied_parameters_are_a_fresh_key),
        cmocka_unit_test(a_generated_key_is_an_ordinary_one),
        cmocka_unit_test(a_reference_stands_for_the_key),
        cmocka_unit_test(ecdh_agrees_with_the_default_provider),
        cmocka_unit_test(a_ca_key_does_not_derive),
        cmocka_unit_test(a_key_on_loan_is_no_pointer),
    };
    return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}
