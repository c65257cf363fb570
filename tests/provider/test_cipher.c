/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include <openssl/err.h>
#include <openssl/rsa.h>

#include "tests/base/check.h"
#include "tests/provider/context.h"
#include "tests/provider/fixture.h"

static const unsigned char message[] = "attack at dawn";

static size_t encrypt(EVP_PKEY *key, int padding, unsigned char *out, size_t size)
{
    EVP_PKEY_CTX *operation = EVP_PKEY_CTX_new_from_pkey(context, key, NULL);
    assert_true(EVP_PKEY_encrypt_init(operation) > 0);
    assert_true(EVP_PKEY_CTX_set_rsa_padding(operation, padding) > 0);
    assert_true(EVP_PKEY_encrypt(operation, out, &size, message, sizeof(message)) > 0);
    EVP_PKEY_CTX_free(operation);
    return size;
}

static void decrypt(EVP_PKEY_CTX *operation, const unsigned char *in, size_t len)
{
    unsigned char out[512];
    size_t out_len = sizeof(out);
    assert_true(EVP_PKEY_decrypt(operation, out, &out_len, in, len) > 0);
    assert_int_equal(out_len, sizeof(message));
    assert_memory_equal(out, message, sizeof(message));
}

static void what_the_default_provider_encrypts_is_decrypted(void **state)
{
    (void)state;
    static const int paddings[] = {RSA_PKCS1_PADDING, RSA_PKCS1_OAEP_PADDING};
    EVP_PKEY *key = context_key(context, "zca://rsa");
    EVP_PKEY *public = context_public(context, key);
    for (size_t i = 0; i < ZCA_COUNT(paddings); i++) {
        unsigned char bytes[512];
        size_t len = encrypt(public, paddings[i], bytes, sizeof(bytes));
        EVP_PKEY_CTX *operation = EVP_PKEY_CTX_new_from_pkey(context, key, NULL);
        int padding = 0;
        assert_true(EVP_PKEY_decrypt_init(operation) > 0);
        assert_true(EVP_PKEY_CTX_set_rsa_padding(operation, paddings[i]) > 0);
        assert_true(EVP_PKEY_CTX_get_rsa_padding(operation, &padding) > 0);
        assert_int_equal(padding, paddings[i]);
        decrypt(operation, bytes, len);
        EVP_PKEY_CTX_free(operation);
    }
    EVP_PKEY_free(public);
    EVP_PKEY_free(key);
}

static void our_key_encrypts_too(void **state)
{
    (void)state;
    unsigned char bytes[512];
    EVP_PKEY *key = context_key(context, "zca://rsa");
    size_t len = encrypt(key, RSA_PKCS1_OAEP_PADDING, bytes, sizeof(bytes));
    EVP_PKEY_CTX *operation = EVP_PKEY_CTX_new_from_pkey(context, key, NULL);
    assert_true(EVP_PKEY_decrypt_init(operation) > 0);
    assert_true(EVP_PKEY_CTX_set_rsa_padding(operation, RSA_PKCS1_OAEP_PADDING) > 0);
    decrypt(operation, bytes, len);
    EVP_PKEY_CTX_free(operation);
    EVP_PKEY_free(key);
}

static void a_copied_operation_has_its_padding(void **state)
{
    (void)state;
    unsigned char bytes[512];
    EVP_PKEY *key = context_key(context, "zca://rsa");
    size_t len = encrypt(key, RSA_PKCS1_OAEP_PADDING, bytes, sizeof(bytes));
    EVP_PKEY_CTX *operation = EVP_PKEY_CTX_new_from_pkey(context, key, NULL);
    assert_true(EVP_PKEY_decrypt_init(operation) > 0);
    assert_true(EVP_PKEY_CTX_set_rsa_padding(operation, RSA_PKCS1_OAEP_PADDING) > 0);
    EVP_PKEY_CTX *copy = EVP_PKEY_CTX_dup(operation);
    assert_non_null(copy);
    EVP_PKEY_CTX_free(operation);
    decrypt(copy, bytes, len);
    EVP_PKEY_CTX_free(copy);
    EVP_PKEY_free(key);
}

static void an_ec_key_does_not_decrypt(void **state)
{
    (void)state;
    EVP_PKEY *key = context_key(context, "zca://web");
    EVP_PKEY_CTX *operation = EVP_PKEY_CTX_new_from_pkey(context, key, NULL);
    assert_false(EVP_PKEY_decrypt_init(operation) > 0);
    ERR_clear_error();
    EVP_PKEY_CTX_free(operation);
    EVP_PKEY_free(key);
}

/* It is at the authority, which signs. */
static void a_ca_key_does_not_decrypt(void **state)
{
    (void)state;
    EVP_PKEY *key = context_key(context, "zca://rsa");
    EVP_PKEY *ca_key = context_ca_key(context, key);
    unsigned char bytes[512];
    assert_true(encrypt(ca_key, RSA_PKCS1_PADDING, bytes, sizeof(bytes)) > 0);
    EVP_PKEY_CTX *operation = EVP_PKEY_CTX_new_from_pkey(context, ca_key, NULL);
    ERR_clear_error();
    assert_false(EVP_PKEY_decrypt_init(operation) > 0);
    assert_string_equal(context_last_reason(), "this authority, key or build cannot do that");
    EVP_PKEY_CTX_free(operation);
    EVP_PKEY_free(ca_key);
    EVP_PKEY_free(key);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_the_default_provider_encrypts_is_decrypted),
        cmocka_unit_test(our_key_encrypts_too),
        cmocka_unit_test(a_copied_operation_has_its_padding),
        cmocka_unit_test(an_ec_key_does_not_decrypt),
        cmocka_unit_test(a_ca_key_does_not_decrypt),
    };
    return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}
