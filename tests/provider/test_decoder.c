/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/decoder.h>
#include <openssl/err.h>
#include <openssl/pem.h>

#include "tests/base/check.h"
#include "tests/provider/context.h"
#include "tests/provider/fixture.h"

static const char *const uris[] = {"zca://web", "zca://rsa", "zca://ed"};

/* Writes the PEM forms of `keys` one behind the other. Returns the path, for the caller to free. */
static char *write_keys(void **state, EVP_PKEY *const *keys, size_t num_keys)
{
    const char *directory = *state;
    char *path = NULL;
    assert_true(asprintf(&path, "%s/keys.pem", directory) > 0);
    BIO *out = BIO_new_file(path, "w");
    assert_non_null(out);
    for (size_t i = 0; i < num_keys; i++) {
        assert_true(PEM_write_bio_PrivateKey(out, keys[i], NULL, NULL, 0, NULL, NULL));
    }
    BIO_free(out);
    return path;
}

static EVP_PKEY *read_key(const char *path)
{
    BIO *in = BIO_new_file(path, "r");
    assert_non_null(in);
    EVP_PKEY *key = PEM_read_bio_PrivateKey_ex(in, NULL, NULL, NULL, context, NULL);
    BIO_free(in);
    return key;
}

static EVP_PKEY *read_stored(const char *path)
{
    OSSL_STORE_CTX *store = OSSL_STORE_open_ex(path, context, NULL, NULL, NULL, NULL, NULL, NULL);
    assert_non_null(store);
    assert_true(OSSL_STORE_expect(store, OSSL_STORE_INFO_PKEY));
    OSSL_STORE_INFO *info = OSSL_STORE_load(store);
    assert_non_null(info);
    EVP_PKEY *key = OSSL_STORE_INFO_get1_PKEY(info);
    OSSL_STORE_INFO_free(info);
    (void)OSSL_STORE_close(store); /* nothing can fail */
    return key;
}

/* As servers read files, and as openssl does. */
static void a_reference_is_read_directly_and_through_the_store(void **state)
{
    for (size_t i = 0; i < ZCA_COUNT(uris); i++) {
        EVP_PKEY *key = context_key(context, uris[i]);
        zca_auto(text) char *path = write_keys(state, &key, 1);
        ERR_clear_error();
        EVP_PKEY *direct = read_key(path);
        EVP_PKEY *stored = read_stored(path);
        assert_int_equal(EVP_PKEY_eq(direct, key), 1);
        assert_int_equal(EVP_PKEY_eq(stored, key), 1);
        assert_int_equal(ERR_peek_error(), 0);
        EVP_PKEY_free(stored);
        EVP_PKEY_free(direct);
        EVP_PKEY_free(key);
    }
}

static void an_ordinary_key_is_the_default_providers(void **state)
{
    EVP_PKEY *key = EVP_PKEY_Q_keygen(context, "provider=default", "EC", "P-256");
    zca_auto(text) char *path = write_keys(state, &key, 1);
    EVP_PKEY *direct = read_key(path);
    EVP_PKEY *stored = read_stored(path);
    OSSL_PARAM *params = NULL;
    assert_int_equal(EVP_PKEY_eq(direct, key), 1);
    assert_int_equal(EVP_PKEY_eq(stored, key), 1);
    assert_true(EVP_PKEY_todata(stored, EVP_PKEY_KEYPAIR, &params));
    OSSL_PARAM_free(params);
    EVP_PKEY_free(stored);
    EVP_PKEY_free(direct);
    EVP_PKEY_free(key);
}

static void the_first_of_two_keys_is_read(void **state)
{
    EVP_PKEY *ours = context_key(context, "zca://web");
    EVP_PKEY *other = EVP_PKEY_Q_keygen(context, "provider=default", "EC", "P-256");
    EVP_PKEY *orders[][2] = {
        {ours,  other},
        {other, ours }
    };
    for (size_t i = 0; i < ZCA_COUNT(orders); i++) {
        zca_auto(text) char *path = write_keys(state, orders[i], 2);
        EVP_PKEY *direct = read_key(path);
        assert_int_equal(EVP_PKEY_eq(direct, orders[i][0]), 1);
        EVP_PKEY_free(direct);
    }
    EVP_PKEY_free(other);
    EVP_PKEY_free(ours);
}

/* A certificate's key is read without us: being in a chain costs. */
static void chains_for_public_keys_do_without_us(void **state)
{
    (void)state;

    static const struct {
        int selection;
        bool with_us;
    } rows[] = {
        {EVP_PKEY_PUBLIC_KEY, false},
        {EVP_PKEY_KEYPAIR,    true },
    };

    for (size_t i = 0; i < ZCA_COUNT(rows); i++) {
        OSSL_LIB_CTX *without = OSSL_LIB_CTX_new();
        EVP_PKEY *key = NULL;
        OSSL_DECODER_CTX *ours = OSSL_DECODER_CTX_new_for_pkey(&key, "PEM", NULL, NULL,
                                                               rows[i].selection, context, NULL);
        OSSL_DECODER_CTX *theirs = OSSL_DECODER_CTX_new_for_pkey(&key, "PEM", NULL, NULL,
                                                                 rows[i].selection, without, NULL);
        assert_int_equal(OSSL_DECODER_CTX_get_num_decoders(ours),
                         OSSL_DECODER_CTX_get_num_decoders(theirs) + (rows[i].with_us ? 1 : 0));
        OSSL_DECODER_CTX_free(theirs);
        OSSL_DECODER_CTX_free(ours);
        OSSL_LIB_CTX_free(without);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_reference_is_read_directly_and_through_the_store),
        cmocka_unit_test(an_ordinary_key_is_the_default_providers),
        cmocka_unit_test(the_first_of_two_keys_is_read),
        cmocka_unit_test(chains_for_public_keys_do_without_us),
    };
    return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}
