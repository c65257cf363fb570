/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include <openssl/err.h>

#include "base/algorithm.h"
#include "base/openssl_auto.h"
#include "tests/base/check.h"
#include "tests/base/sample.h"

static void key_type_names_are_all_found_in_any_case(void **state)
{
    (void)state;
    size_t num_names = 0;
    for (; zca_key_type_names[num_names]; num_names++) {
        const struct zca_key_type *row = zca_key_type_find(zca_key_type_names[num_names]);
        assert_non_null(row);
        assert_string_equal(row->name, zca_key_type_names[num_names]);
    }
    assert_int_equal(num_names, 7);
    assert_ptr_equal(zca_key_type_find("rsa-2048"), zca_key_type_find("RSA-2048"));
    assert_null(zca_key_type_find("P-224"));
    assert_null(zca_key_type_find(""));
}

static void key_type_of_a_key_is_its_row(void **state)
{
    (void)state;
    static const char *const types[] = {"P-256", "P-384", "P-521", "RSA-2048", "Ed25519"};
    for (size_t i = 0; i < ZCA_COUNT(types); i++) {
        zca_auto(EVP_PKEY) EVP_PKEY *key = sample_key(types[i]);
        const struct zca_key_type *row = zca_key_type_of(key);
        assert_non_null(row);
        assert_string_equal(row->name, types[i]);
        assert_int_equal(EVP_PKEY_get_base_id(key), row->nid);
    }
}

static void key_type_is_found_by_openssl_parameters(void **state)
{
    (void)state;

    static const struct {
        const char *keymgmt, *group, *name;
        int bits;
    } rows[] = {
        {"EC",      "P-256",           "P-256",    0   },
        {"EC",      "prime256v1",      "P-256",    2048},
        {"EC",      "secp384r1",       "P-384",    0   },
        {"RSA",     NULL,              "RSA-3072", 3072},
        {"ED25519", NULL,              "Ed25519",  0   },
        {"EC",      NULL,              NULL,       256 },
        {"EC",      "brainpoolP256r1", NULL,       0   },
        {"EC",      "no such curve",   NULL,       0   },
        {"RSA",     NULL,              NULL,       1024},
        {"DSA",     NULL,              NULL,       2048},
    };

    for (size_t i = 0; i < ZCA_COUNT(rows); i++) {
        const struct zca_key_type *row =
            zca_key_type_by(rows[i].keymgmt, rows[i].group, rows[i].bits);
        assert_int_equal(!row, !rows[i].name);
        assert_true(!row || strcmp(row->name, rows[i].name) == 0);
    }
    assert_int_equal(ERR_peek_error(), 0);
}

static void key_of_no_row_has_no_type_and_leaves_no_error(void **state)
{
    (void)state;
    zca_auto(EVP_PKEY) EVP_PKEY *brainpool = EVP_EC_gen("brainpoolP256r1");
    zca_auto(EVP_PKEY) EVP_PKEY *koblitz = EVP_EC_gen("secp256k1");
    zca_auto(EVP_PKEY) EVP_PKEY *small = EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)1024);
    zca_auto(EVP_PKEY) EVP_PKEY *exchange = EVP_PKEY_Q_keygen(NULL, NULL, "X25519");
    zca_auto(EVP_PKEY) EVP_PKEY *empty = EVP_PKEY_new();
    ERR_clear_error();
    assert_null(zca_key_type_of(brainpool));
    assert_null(zca_key_type_of(koblitz));
    assert_null(zca_key_type_of(small));
    assert_null(zca_key_type_of(exchange));
    assert_null(zca_key_type_of(empty));
    assert_int_equal(ERR_peek_error(), 0);
}

static void signature_algorithm_is_found_by_any_name_of_its_digest(void **state)
{
    (void)state;
    static const char *const names[] = {"SHA256", "sha256", "SHA2-256", "SHA-256"};
    for (size_t i = 0; i < ZCA_COUNT(names); i++) {
        const struct zca_signature_algorithm *row =
            zca_signature_algorithm_find(EVP_PKEY_EC, names[i]);
        assert_non_null(row);
        assert_string_equal(row->name, "ecdsa-with-SHA256");
    }
    assert_string_equal(zca_signature_algorithm_find(EVP_PKEY_RSA, "SHA512")->name,
                        "sha512WithRSAEncryption");
    assert_string_equal(zca_signature_algorithm_find(EVP_PKEY_ED25519, NULL)->name, "ED25519");
    assert_null(zca_signature_algorithm_find(EVP_PKEY_ED25519, "SHA256"));
    assert_null(zca_signature_algorithm_find(EVP_PKEY_EC, NULL));
    assert_null(zca_signature_algorithm_find(EVP_PKEY_EC, "MD5"));
}

static void weak_signature_algorithms_are_known_and_not_acceptable(void **state)
{
    (void)state;
    static const int weak[] = {NID_md5WithRSAEncryption, NID_sha1WithRSAEncryption,
                               NID_ecdsa_with_SHA1};
    static const int good[] = {NID_sha256WithRSAEncryption, NID_ecdsa_with_SHA384, NID_ED25519,
                               NID_rsassaPss};
    for (size_t i = 0; i < ZCA_COUNT(weak); i++) {
        assert_false(zca_signature_algorithm_by_nid(weak[i])->acceptable);
    }
    for (size_t i = 0; i < ZCA_COUNT(good); i++) {
        assert_true(zca_signature_algorithm_by_nid(good[i])->acceptable);
    }
    assert_null(zca_signature_algorithm_by_nid(NID_undef));
}

/* OpenSSL's own table of signature algorithms agrees with ours. */
static void signature_algorithms_agree_with_openssl(void **state)
{
    (void)state;
    static const char *const digests[] = {"SHA1", "SHA224", "SHA256", "SHA384", "SHA512"};
    static const int keys[] = {EVP_PKEY_EC, EVP_PKEY_RSA};
    for (size_t i = 0; i < ZCA_COUNT(digests); i++) {
        for (size_t j = 0; j < ZCA_COUNT(keys); j++) {
            const struct zca_signature_algorithm *row =
                zca_signature_algorithm_find(keys[j], digests[i]);
            int digest_nid = NID_undef;
            int key_nid = NID_undef;
            assert_int_equal(OBJ_find_sigid_algs(row->nid, &digest_nid, &key_nid), 1);
            assert_int_equal(key_nid, keys[j]);
            assert_int_equal(digest_nid, OBJ_txt2nid(digests[i]));
            assert_string_equal(OBJ_nid2ln(row->nid), row->name);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(key_type_names_are_all_found_in_any_case),
        cmocka_unit_test(key_type_of_a_key_is_its_row),
        cmocka_unit_test(key_type_is_found_by_openssl_parameters),
        cmocka_unit_test(key_of_no_row_has_no_type_and_leaves_no_error),
        cmocka_unit_test(signature_algorithm_is_found_by_any_name_of_its_digest),
        cmocka_unit_test(weak_signature_algorithms_are_known_and_not_acceptable),
        cmocka_unit_test(signature_algorithms_agree_with_openssl),
    };
    return cmocka_run_group_tests_name("base/algorithm", tests, NULL, NULL);
}
