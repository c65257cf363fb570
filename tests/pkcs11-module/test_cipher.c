/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include <openssl/rsa.h>

#include "base/openssl_auto.h"
#include "tests/pkcs11-module/bed.h"

static uint8_t plain[] = "a secret of some length";
static CK_BYTE label[] = "label";

static CK_RSA_PKCS_OAEP_PARAMS sha256 = {CKM_SHA256, CKG_MGF1_SHA256, CKZ_DATA_SPECIFIED, NULL, 0};
static CK_RSA_PKCS_OAEP_PARAMS mixed = {CKM_SHA384, CKG_MGF1_SHA1, CKZ_DATA_SPECIFIED, label, 5};
static CK_RSA_PKCS_OAEP_PARAMS sha1 = {CKM_SHA_1, CKG_MGF1_SHA1, CKZ_DATA_SPECIFIED, NULL, 0};

static const struct row {
    CK_MECHANISM mechanism;
    int padding;
    const char *digest, *mask; /* OAEP */
    CK_ULONG max;              /* bytes of plain text with 2048 bits */
} rows[] = {
    {{CKM_RSA_PKCS, NULL, 0},                      RSA_PKCS1_PADDING,      NULL,     NULL,     245},
    {{CKM_RSA_PKCS_OAEP, &sha256, sizeof(sha256)}, RSA_PKCS1_OAEP_PADDING, "SHA256", "SHA256", 190},
    {{CKM_RSA_PKCS_OAEP, &mixed, sizeof(mixed)},   RSA_PKCS1_OAEP_PADDING, "SHA384", "SHA1",   158},
    {{CKM_RSA_PKCS_OAEP, &sha1, sizeof(sha1)},     RSA_PKCS1_OAEP_PADDING, "SHA1",   "SHA1",   214},
};

struct keys {
    CK_SESSION_HANDLE session;
    CK_OBJECT_HANDLE public_key, private_key;
};

static struct keys make_keys(struct scene *scene)
{
    static CK_BBOOL yes = CK_TRUE;
    static CK_ULONG bits = 2048;
    CK_ATTRIBUTE public_part[] = {
        {CKA_MODULUS_BITS, &bits, sizeof(bits)},
        {CKA_ENCRYPT,      &yes,  sizeof(yes) },
    };
    CK_ATTRIBUTE private_part = {CKA_DECRYPT, &yes, sizeof(yes)};
    CK_MECHANISM generation = {.mechanism = CKM_RSA_PKCS_KEY_PAIR_GEN};
    bed_start(scene);
    struct keys keys = {.session = bed_open("web", 0)};
    assert_int_equal(C_GenerateKeyPair(keys.session, &generation, public_part, 2, &private_part, 1,
                                       &keys.public_key, &keys.private_key),
                     CKR_OK);
    return keys;
}

static CK_RV encrypt(const struct keys *keys, const struct row *row, CK_ULONG len,
                     uint8_t encrypted[256])
{
    static uint8_t data[256];
    CK_ULONG encrypted_len = 256;
    memcpy(data, plain, sizeof(plain));
    CK_MECHANISM mechanism = row->mechanism;
    CK_RV rv = C_EncryptInit(keys->session, &mechanism, keys->public_key);
    return rv ? rv : C_Encrypt(keys->session, data, len, encrypted, &encrypted_len);
}

static void decrypt_init(const struct keys *keys, const struct row *row)
{
    CK_MECHANISM mechanism = row->mechanism;
    assert_int_equal(C_DecryptInit(keys->session, &mechanism, keys->private_key), CKR_OK);
}

/* With OpenSSL, to be decrypted by the module. */
static void encrypt_outside(const struct keys *keys, const struct row *row, uint8_t encrypted[256])
{
    zca_auto(EVP_PKEY) EVP_PKEY *key = bed_key(keys->session, keys->public_key);
    zca_auto(EVP_PKEY_CTX) EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
    size_t len = 256;
    assert_int_equal(EVP_PKEY_encrypt_init(context), 1);
    assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(context, row->padding), 1);
    if (row->digest) {
        assert_int_equal(EVP_PKEY_CTX_set_rsa_oaep_md_name(context, row->digest, NULL), 1);
        assert_int_equal(EVP_PKEY_CTX_set_rsa_mgf1_md_name(context, row->mask, NULL), 1);
    }
    if (row->mechanism.pParameter == &mixed) {
        assert_int_equal(EVP_PKEY_CTX_set0_rsa_oaep_label(context, OPENSSL_memdup(label, 5), 5), 1);
    }
    assert_int_equal(EVP_PKEY_encrypt(context, encrypted, &len, plain, sizeof(plain)), 1);
    assert_int_equal(len, 256);
}

static void decrypt_reads_what_openssl_encrypted(void **state)
{
    struct keys keys = make_keys(*state);
    for (size_t i = 0; i < ZCA_COUNT(rows); i++) {
        uint8_t encrypted[256], found[256];
        CK_ULONG len = sizeof(found);
        encrypt_outside(&keys, &rows[i], encrypted);
        decrypt_init(&keys, &rows[i]);

        assert_int_equal(C_Decrypt(keys.session, encrypted, sizeof(encrypted), found, &len),
                         CKR_OK);

        assert_int_equal(len, sizeof(plain));
        assert_memory_equal(found, plain, len);
    }
}

static void encrypt_and_decrypt_are_inverse(void **state)
{
    struct keys keys = make_keys(*state);
    for (size_t i = 0; i < ZCA_COUNT(rows); i++) {
        const CK_ULONG lens[] = {0, 1, sizeof(plain), rows[i].max};
        for (size_t j = 0; j < ZCA_COUNT(lens); j++) {
            uint8_t encrypted[256], found[256];
            CK_ULONG len = sizeof(found);
            assert_int_equal(encrypt(&keys, &rows[i], lens[j], encrypted), CKR_OK);
            decrypt_init(&keys, &rows[i]);
            assert_int_equal(C_Decrypt(keys.session, encrypted, sizeof(encrypted), found, &len),
                             CKR_OK);
            assert_int_equal(len, lens[j]);
            assert_memory_equal(found, plain, len < sizeof(plain) ? len : sizeof(plain));
        }
        uint8_t encrypted[256];
        assert_int_equal(encrypt(&keys, &rows[i], rows[i].max + 1, encrypted), CKR_DATA_LEN_RANGE);
    }
}

static void decrypt_tells_the_length_and_goes_on(void **state)
{
    struct keys keys = make_keys(*state);
    uint8_t encrypted[256], found[sizeof(plain)];
    CK_ULONG len = 0;
    assert_int_equal(encrypt(&keys, &rows[1], sizeof(plain), encrypted), CKR_OK);
    decrypt_init(&keys, &rows[1]);

    assert_int_equal(C_Decrypt(keys.session, encrypted, sizeof(encrypted), NULL, &len), CKR_OK);
    assert_in_range(len, sizeof(plain), 256);
    len = sizeof(plain) - 1;
    assert_int_equal(C_Decrypt(keys.session, encrypted, sizeof(encrypted), found, &len),
                     CKR_BUFFER_TOO_SMALL);
    assert_int_equal(len, sizeof(plain));

    assert_int_equal(C_Decrypt(keys.session, encrypted, sizeof(encrypted), found, &len), CKR_OK);
    assert_memory_equal(found, plain, sizeof(plain));
}

static void decrypt_refuses_what_is_not_for_it(void **state)
{
    struct keys keys = make_keys(*state);
    uint8_t encrypted[256], found[256];
    CK_ULONG len = sizeof(found);
    assert_int_equal(encrypt(&keys, &rows[1], sizeof(plain), encrypted), CKR_OK);

    decrypt_init(&keys, &rows[2]); /* another digest */
    assert_int_equal(C_Decrypt(keys.session, encrypted, sizeof(encrypted), found, &len),
                     CKR_ENCRYPTED_DATA_INVALID);
    assert_int_equal(C_Decrypt(keys.session, encrypted, sizeof(encrypted), found, &len),
                     CKR_OPERATION_NOT_INITIALIZED);
    decrypt_init(&keys, &rows[1]);
    assert_int_equal(C_Decrypt(keys.session, encrypted, 255, found, &len),
                     CKR_ENCRYPTED_DATA_LEN_RANGE);
    decrypt_init(&keys, &rows[1]);
    assert_int_equal(C_Decrypt(keys.session, NULL, 256, found, &len), CKR_ARGUMENTS_BAD);
    decrypt_init(&keys, &rows[1]);
    assert_int_equal(C_Decrypt(keys.session, encrypted, 256, found, NULL), CKR_ARGUMENTS_BAD);
}

static void init_refuses_bad_parameters(void **state)
{
    struct keys keys = make_keys(*state);
    CK_RSA_PKCS_OAEP_PARAMS cases[] = {
        {CKM_SHA256_RSA_PKCS, CKG_MGF1_SHA256, CKZ_DATA_SPECIFIED, NULL,  0                },
        {CKM_SHA256,          99,              CKZ_DATA_SPECIFIED, NULL,  0                },
        {CKM_SHA256,          CKG_MGF1_SHA256, 2,                  label, 5                },
        {CKM_SHA256,          CKG_MGF1_SHA256, CKZ_DATA_SPECIFIED, NULL,  5                },
        {CKM_SHA256,          CKG_MGF1_SHA256, CKZ_DATA_SPECIFIED, label, (CK_ULONG)-1     },
        {CKM_SHA256,          CKG_MGF1_SHA256, CKZ_DATA_SPECIFIED, label, (CK_ULONG)1 << 40},
    };
    for (size_t i = 0; i < ZCA_COUNT(cases); i++) {
        CK_MECHANISM mechanism = {CKM_RSA_PKCS_OAEP, &cases[i], sizeof(cases[i])};
        assert_int_equal(C_EncryptInit(keys.session, &mechanism, keys.public_key),
                         CKR_MECHANISM_PARAM_INVALID);
    }
    CK_MECHANISM none = {CKM_RSA_PKCS_OAEP, NULL, 0};
    CK_MECHANISM nothing = {CKM_RSA_PKCS_OAEP, NULL, sizeof(sha256)};
    CK_MECHANISM cut = {CKM_RSA_PKCS_OAEP, &sha256, sizeof(sha256) - 1};
    assert_int_equal(C_EncryptInit(keys.session, &none, keys.public_key),
                     CKR_MECHANISM_PARAM_INVALID);
    assert_int_equal(C_EncryptInit(keys.session, &nothing, keys.public_key), CKR_ARGUMENTS_BAD);
    assert_int_equal(C_EncryptInit(keys.session, &cut, keys.public_key),
                     CKR_MECHANISM_PARAM_INVALID);
    assert_int_equal(C_DecryptInit(keys.session, &none, keys.public_key),
                     CKR_KEY_FUNCTION_NOT_PERMITTED);
}

#define ROW(test) cmocka_unit_test_setup_teardown(test, bed_setup, bed_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ROW(decrypt_reads_what_openssl_encrypted), ROW(encrypt_and_decrypt_are_inverse),
        ROW(decrypt_tells_the_length_and_goes_on), ROW(decrypt_refuses_what_is_not_for_it),
        ROW(init_refuses_bad_parameters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
