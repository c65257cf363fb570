/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include <openssl/encoder.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/provider.h>
#include <openssl/rsa.h>

#include "base/algorithm.h"
#include "base/openssl_auto.h"
#include "base/view.h"
#include "tests/base/check.h"

ZCA_DEFINE_AUTO(OSSL_ENCODER_CTX, OSSL_ENCODER_CTX, OSSL_ENCODER_CTX_free);

struct room {
    OSSL_LIB_CTX *context;
    OSSL_PROVIDER *view;
};

static int enter(void **state)
{
    static struct room room;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    room.context = OSSL_LIB_CTX_new();
    room.view = zca_view_load(room.context, "default", true, &err);
    *state = &room;
    return room.view ? 0 : -1;
}

static int leave(void **state)
{
    struct room *room = *state;
    int unloaded = OSSL_PROVIDER_unload(room->view);
    OSSL_LIB_CTX_free(room->context);
    return unloaded == 1 ? 0 : -1;
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
        assert_int_equal(strncmp(name, "ZCA-", strlen("ZCA-")), 0);
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
                            "zca-view");
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

/* ---- what is seen ---- */

static void count_algorithm(EVP_MD *digest, void *number)
{
    (void)digest; /* counted only */
    ++*(int *)number;
}

static void few_digests_are_seen(void **state)
{
    struct room *room = *state;
    int number = 0;
    EVP_MD_do_all_provided(room->context, count_algorithm, &number);
    assert_int_equal(number, 6);
    zca_auto(error_mark) int mark = ERR_set_mark();
    assert_null(EVP_MD_fetch(room->context, "SHA3-256", NULL));
}

/* TLS takes its groups from what the provider tells of itself. */
static int count_group(const OSSL_PARAM params[], void *number)
{
    (void)params; /* counted only */
    ++*(int *)number;
    return 1;
}

static void groups_are_told(void **state)
{
    struct room *room = *state;
    int number = 0;
    assert_int_equal(OSSL_PROVIDER_get_capabilities(room->view, "TLS-GROUP", count_group, &number),
                     1);
    assert_true(number > 10);
}

/* A key of each family through the structures of X.509 and PKCS #8, in this context alone. */
static void keys_are_encoded_and_decoded(void **state)
{
    static const char *const families[] = {"EC", "RSA", "ED25519", "ED448", "RSA-PSS"};
    static const int selections[] = {EVP_PKEY_PUBLIC_KEY, EVP_PKEY_KEYPAIR};
    static const char *const structures[] = {"SubjectPublicKeyInfo", "PrivateKeyInfo"};
    struct room *room = *state;
    for (size_t i = 0; i < 2 * ZCA_COUNT(families); i++) {
        zca_auto(EVP_PKEY) EVP_PKEY *key = make_key(room, families[i / 2]);
        zca_auto(OSSL_ENCODER_CTX) OSSL_ENCODER_CTX *encoder =
            OSSL_ENCODER_CTX_new_for_pkey(key, selections[i % 2], "PEM", structures[i % 2], NULL);
        unsigned char *pem = NULL;
        size_t len = 0;
        assert_int_equal(OSSL_ENCODER_to_data(encoder, &pem, &len), 1);
        zca_auto(BIO) BIO *reader = BIO_new_mem_buf(pem, (int)len);
        zca_auto(EVP_PKEY) EVP_PKEY *again =
            i % 2 == 0 ? PEM_read_bio_PUBKEY_ex(reader, NULL, NULL, NULL, room->context, NULL)
                       : PEM_read_bio_PrivateKey_ex(reader, NULL, NULL, NULL, room->context, NULL);
        assert_int_equal(EVP_PKEY_eq(key, again), 1);
        OPENSSL_free(pem);
    }
}

/* The tests after this one find room again. */
static void one_too_many_is_told_the_limit(void **state)
{
    (void)state;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_auto(text) char *number = NULL;
    OSSL_LIB_CTX *contexts[512] = {NULL};
    OSSL_PROVIDER *views[512] = {NULL};
    size_t last = 0;
    contexts[0] = OSSL_LIB_CTX_new();
    views[0] = zca_view_load(contexts[0], "default", false, &err);
    while (views[last] && last + 1 < ZCA_COUNT(views)) {
        last++;
        contexts[last] = OSSL_LIB_CTX_new();
        views[last] = zca_view_load(contexts[last], "default", false, &err);
    }
    assert_true(asprintf(&number, " %zu contexts", last + 1) > 0); /* with the group's own */
    check_refused(views[last], err, ZCA_ERR_CRYPTO);
    assert_non_null(strstr(err.message, number));
    for (size_t i = 0; i <= last; i++) {
        assert_true(!views[i] || OSSL_PROVIDER_unload(views[i]) == 1);
        OSSL_LIB_CTX_free(contexts[i]);
    }
}

/* More of them than there is room for at a time. */
static void contexts_come_and_go(void **state)
{
    (void)state;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    OSSL_LIB_CTX *contexts[8];
    OSSL_PROVIDER *views[8];
    for (int round = 0; round < 40; round++) {
        for (size_t i = 0; i < ZCA_COUNT(contexts); i++) {
            contexts[i] = OSSL_LIB_CTX_new();
            views[i] = zca_view_load(contexts[i], "default", i % 2 == 0, &err);
            assert_non_null(views[i]);
        }
        for (size_t i = 0; i < ZCA_COUNT(contexts); i++) {
            EVP_MD *digest = EVP_MD_fetch(contexts[i], "SHA256", NULL);
            assert_non_null(digest);
            EVP_MD_free(digest);
            assert_int_equal(OSSL_PROVIDER_unload(views[i]), 1);
            OSSL_LIB_CTX_free(contexts[i]);
        }
    }
}

static void unknown_provider_is_refused(void **state)
{
    (void)state;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    OSSL_LIB_CTX *context = OSSL_LIB_CTX_new();
    assert_null(zca_view_load(context, "no such provider", false, &err));
    assert_int_equal(err.reason, ZCA_ERR_CRYPTO);
    assert_non_null(strstr(err.message, "no such provider"));
    OSSL_LIB_CTX_free(context);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(first_names_have_no_number),
        cmocka_unit_test(keys_sign_and_verify),
        cmocka_unit_test(ec_keys_agree),
        cmocka_unit_test(rsa_keys_decrypt),
        cmocka_unit_test(few_digests_are_seen),
        cmocka_unit_test(groups_are_told),
        cmocka_unit_test(keys_are_encoded_and_decoded),
        cmocka_unit_test(one_too_many_is_told_the_limit),
        cmocka_unit_test(contexts_come_and_go),
        cmocka_unit_test(unknown_provider_is_refused),
    };
    return cmocka_run_group_tests(tests, enter, leave);
}
