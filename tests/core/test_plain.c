/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include <openssl/evp.h>
#include <openssl/provider.h>
#include <openssl/rsa.h>

#include "base/algorithm.h"
#include "base/openssl_auto.h"
#include "core/plain.h"
#include "tests/base/check.h"

struct room {
    OSSL_LIB_CTX *context;
    OSSL_PROVIDER *crypto, *plain;
};

static int enter(void **state)
{
    static struct room room;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    room.context = OSSL_LIB_CTX_new();
    room.crypto = OSSL_PROVIDER_load(room.context, "default");
    room.plain = zca_plain_add(room.context, &err);
    *state = &room;
    return room.plain ? 0 : -1;
}

static int leave(void **state)
{
    struct room *room = *state;
    int plain = OSSL_PROVIDER_unload(room->plain);
    int crypto = OSSL_PROVIDER_unload(room->crypto);
    OSSL_LIB_CTX_free(room->context);
    return plain == 1 && crypto == 1 ? 0 : -1;
}

static EVP_PKEY *make_key(struct room *room, const char *family)
{
    zca_auto(EVP_PKEY_CTX) EVP_PKEY_CTX *maker = zca_key_family_context(room->context, family);
    assert_non_null(maker);
    assert_int_equal(EVP_PKEY_keygen_init(maker), 1);
    if (strcmp(family, "EC") == 0) {
        assert_int_equal(EVP_PKEY_CTX_set_group_name(maker, "P-256"), 1);
    }
    EVP_PKEY *key = NULL;
    assert_int_equal(EVP_PKEY_generate(maker, &key), 1);
    assert_true(EVP_PKEY_is_a(key, family));
    return key;
}

/* What OpenSSL asks engines by: no number belongs to the first name. */
static void first_names_have_no_number(void **state)
{
    static const char *const families[] = {"EC", "RSA", "ED25519"};
    for (size_t i = 0; i < ZCA_COUNT(families); i++) {
        zca_auto(EVP_PKEY) EVP_PKEY *key = make_key(*state, families[i]);
        const char *name = EVP_PKEY_get0_type_name(key);
        assert_int_equal(strncmp(name, "ZCA-PLAIN-", strlen("ZCA-PLAIN-")), 0);
        assert_int_equal(OBJ_txt2nid(name), NID_undef);
    }
}

static void keys_sign_and_verify(void **state)
{
    static const struct {
        const char *family, *digest;
    } cases[] = {
        {"EC",      "SHA256"},
        {"RSA",     "SHA384"},
        {"ED25519", NULL    },
    };
    struct room *room = *state;
    static const unsigned char text[] = "what is signed";
    for (size_t i = 0; i < ZCA_COUNT(cases); i++) {
        zca_auto(EVP_PKEY) EVP_PKEY *key = make_key(room, cases[i].family);
        zca_auto(EVP_MD_CTX) EVP_MD_CTX *operation = EVP_MD_CTX_new();
        EVP_PKEY_CTX *context = NULL;
        unsigned char signature[512];
        size_t len = sizeof(signature);
        assert_int_equal(EVP_DigestSignInit_ex(operation, &context, cases[i].digest, room->context,
                                               NULL, key, NULL),
                         1);
        assert_string_equal(OSSL_PROVIDER_get0_name(EVP_PKEY_CTX_get0_provider(context)),
                            "zca-plain");
        assert_int_equal(EVP_DigestSign(operation, signature, &len, text, sizeof(text)), 1);
        zca_auto(EVP_MD_CTX) EVP_MD_CTX *check = EVP_MD_CTX_new();
        assert_int_equal(
            EVP_DigestVerifyInit_ex(check, NULL, cases[i].digest, room->context, NULL, key, NULL),
            1);
        assert_int_equal(EVP_DigestVerify(check, signature, len, text, sizeof(text)), 1);
        signature[len / 2] ^= 1;
        assert_int_not_equal(EVP_DigestVerify(check, signature, len, text, sizeof(text)), 1);
    }
}

static void ec_keys_agree(void **state)
{
    struct room *room = *state;
    zca_auto(EVP_PKEY) EVP_PKEY *ours = make_key(room, "EC");
    zca_auto(EVP_PKEY) EVP_PKEY *theirs = make_key(room, "EC");
    unsigned char secrets[2][32];
    EVP_PKEY *pairs[2][2] = {
        {ours,   theirs},
        {theirs, ours  }
    };
    for (size_t i = 0; i < 2; i++) {
        size_t len = sizeof(secrets[i]);
        zca_auto(EVP_PKEY_CTX) EVP_PKEY_CTX *exchange =
            EVP_PKEY_CTX_new_from_pkey(room->context, pairs[i][0], NULL);
        assert_int_equal(EVP_PKEY_derive_init(exchange), 1);
        assert_int_equal(EVP_PKEY_derive_set_peer(exchange, pairs[i][1]), 1);
        assert_int_equal(EVP_PKEY_derive(exchange, secrets[i], &len), 1);
    }
    assert_memory_equal(secrets[0], secrets[1], sizeof(secrets[0]));
}

static void rsa_keys_decrypt(void **state)
{
    struct room *room = *state;
    zca_auto(EVP_PKEY) EVP_PKEY *key = make_key(room, "RSA");
    unsigned char sealed[512], opened[512];
    size_t sealed_len = sizeof(sealed);
    size_t opened_len = sizeof(opened);
    zca_auto(EVP_PKEY_CTX) EVP_PKEY_CTX *seal =
        EVP_PKEY_CTX_new_from_pkey(room->context, key, NULL);
    assert_int_equal(EVP_PKEY_encrypt_init(seal), 1);
    assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(seal, RSA_PKCS1_OAEP_PADDING), 1);
    assert_int_equal(EVP_PKEY_encrypt(seal, sealed, &sealed_len, (const unsigned char *)"text", 4),
                     1);
    zca_auto(EVP_PKEY_CTX) EVP_PKEY_CTX *open =
        EVP_PKEY_CTX_new_from_pkey(room->context, key, NULL);
    assert_int_equal(EVP_PKEY_decrypt_init(open), 1);
    assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(open, RSA_PKCS1_OAEP_PADDING), 1);
    assert_int_equal(EVP_PKEY_decrypt(open, opened, &opened_len, sealed, sealed_len), 1);
    assert_int_equal(opened_len, 4);
    assert_memory_equal(opened, "text", 4);
}

static void context_without_crypto_is_refused(void **state)
{
    (void)state;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    OSSL_LIB_CTX *context = OSSL_LIB_CTX_new();
    assert_null(zca_plain_add(context, &err));
    assert_int_equal(err.reason, ZCA_ERR_CRYPTO);
    OSSL_LIB_CTX_free(context);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(first_names_have_no_number),
        cmocka_unit_test(keys_sign_and_verify),
        cmocka_unit_test(ec_keys_agree),
        cmocka_unit_test(rsa_keys_decrypt),

        cmocka_unit_test(context_without_crypto_is_refused),
    };
    return cmocka_run_group_tests(tests, enter, leave);
}
