/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include <openssl/encoder.h>
#include <openssl/err.h>
#include <openssl/x509.h>

#include "tests/base/check.h"
#include "tests/provider/context.h"
#include "tests/provider/fixture.h"

/* The encoded key, NUL-terminated, for the caller to free; NULL when it cannot be. */
static char *encode(EVP_PKEY *key, const char *type, const char *structure)
{
    unsigned char *data = NULL;
    size_t len = 0;
    OSSL_ENCODER_CTX *encoder =
        OSSL_ENCODER_CTX_new_for_pkey(key, EVP_PKEY_KEYPAIR, type, structure, NULL);
    char *text = NULL;
    if (OSSL_ENCODER_to_data(encoder, &data, &len)) {
        text = OPENSSL_strndup((const char *)data, len);
    }
    OPENSSL_free(data);
    OSSL_ENCODER_CTX_free(encoder);
    return text;
}

static EVP_PKEY *anonymous(void)
{
    EVP_PKEY *key = EVP_PKEY_Q_keygen(context, "provider=zca", "EC", "P-256");
    assert_non_null(key);
    return key;
}

static void pem_is_a_reference(void **state)
{
    (void)state;
    static const char *const structures[] = {"PrivateKeyInfo", "type-specific"};
    EVP_PKEY *key = context_key(context, "zca://web");
    for (size_t i = 0; i < ZCA_COUNT(structures); i++) {
        char *text = encode(key, "PEM", structures[i]);
        assert_non_null(text);
        assert_memory_equal(text, "-----BEGIN ZCA PRIVATE KEY-----", 31);
        OPENSSL_free(text);
    }
    EVP_PKEY_free(key);
}

static void text_is_the_public_part(void **state)
{
    (void)state;

    static const struct {
        const char *uri, *start, *part;
    } rows[] = {
        {"zca://web", "Private-Key: held by zca, zca://corp/web\n", "\npub:\n"    },
        {"zca://rsa", "Private-Key: held by zca, zca://corp/rsa\n", "\nModulus:\n"},
        {"zca://ed",  "Private-Key: held by zca, zca://corp/ed\n",  "\npub:\n"    },
    };

    for (size_t i = 0; i < ZCA_COUNT(rows); i++) {
        EVP_PKEY *key = context_key(context, rows[i].uri);
        char *text = encode(key, "TEXT", NULL);
        assert_non_null(text);
        assert_memory_equal(text, rows[i].start, strlen(rows[i].start));
        assert_non_null(strstr(text, rows[i].part));
        assert_null(strstr(text, "priv:"));
        assert_null(strstr(text, "rivateExponent"));
        OPENSSL_free(text);
        EVP_PKEY_free(key);
    }
}

static void der_is_refused_with_a_reason(void **state)
{
    (void)state;
    static const char *const uris[] = {"zca://web", "zca://rsa", "zca://ed"};
    for (size_t i = 0; i < ZCA_COUNT(uris); i++) {
        EVP_PKEY *key = context_key(context, uris[i]);
        ERR_clear_error();
        assert_null(EVP_PKEY2PKCS8(key));
        assert_string_equal(context_last_reason(), "this authority, key or build cannot do that");
        EVP_PKEY_free(key);
    }
}

static void the_key_of_a_ca_is_at_the_authority(void **state)
{
    (void)state;
    EVP_PKEY *key = context_key(context, "zca://web");
    EVP_PKEY *ca_key = context_ca_key(context, key);
    char *text = encode(ca_key, "TEXT", NULL);
    assert_non_null(text);
    assert_non_null(strstr(text, "Private-Key: at the authority, zca://corp/\n"));
    OPENSSL_free(text);
    ERR_clear_error();
    assert_null(EVP_PKEY2PKCS8(ca_key));
    assert_string_equal(context_last_reason(), "this authority, key or build cannot do that");
    EVP_PKEY_free(ca_key);
    EVP_PKEY_free(key);
}

static void an_anonymous_key_is_written_as_usual(void **state)
{
    (void)state;

    static const struct {
        const char *type, *structure, *start;
    } rows[] = {
        {"PEM",  "PrivateKeyInfo", "-----BEGIN PRIVATE KEY-----"   },
        {"PEM",  "type-specific",  "-----BEGIN EC PRIVATE KEY-----"},
        {"DER",  "PrivateKeyInfo", "0"                             },
        {"TEXT", NULL,             "Private-Key: (256 bit)\npriv:" },
    };

    EVP_PKEY *key = anonymous();
    for (size_t i = 0; i < ZCA_COUNT(rows); i++) {
        char *text = encode(key, rows[i].type, rows[i].structure);
        assert_non_null(text);
        assert_memory_equal(text, rows[i].start, strlen(rows[i].start));
        OPENSSL_free(text);
    }
    EVP_PKEY_free(key);
}

/* "No encryption", said aloud. */
static void an_anonymous_key_is_written_without_a_cipher(void **state)
{
    (void)state;
    EVP_PKEY *key = anonymous();
    OSSL_ENCODER_CTX *encoder =
        OSSL_ENCODER_CTX_new_for_pkey(key, EVP_PKEY_KEYPAIR, "PEM", "PrivateKeyInfo", NULL);
    unsigned char *data = NULL;
    size_t len = 0;
    assert_int_equal(OSSL_ENCODER_CTX_set_cipher(encoder, NULL, NULL), 1);
    assert_int_equal(OSSL_ENCODER_to_data(encoder, &data, &len), 1);
    assert_memory_equal(data, "-----BEGIN PRIVATE KEY-----", strlen("-----BEGIN PRIVATE KEY-----"));
    OPENSSL_free(data);
    OSSL_ENCODER_CTX_free(encoder);
    EVP_PKEY_free(key);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pem_is_a_reference),
        cmocka_unit_test(text_is_the_public_part),
        cmocka_unit_test(der_is_refused_with_a_reason),
        cmocka_unit_test(the_key_of_a_ca_is_at_the_authority),
        cmocka_unit_test(an_anonymous_key_is_written_as_usual),
        cmocka_unit_test(an_anonymous_key_is_written_without_a_cipher),
    };
    return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}
