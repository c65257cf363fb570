/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/openssl_auto.h"
#include "tests/pkcs11-module/imported.h"

/* RFC 6979, A.2.5: P-256, SHA-256, "sample" */
static const char sample_point[] =
    "04"
    "60fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6"
    "7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299";
static const char sample_signature[] =
    "efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716"
    "f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8";
static uint8_t sample[] = "sample";

/* RFC 8032, 7.1, TEST 2 */
static const char edwards_secret[] =
    "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb";
static const char edwards_point[] =
    "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c";
static const char edwards_signature[] =
    "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
    "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00";

/* A session on the identity token. */
static CK_SESSION_HANDLE start(struct scene *scene)
{
    bed_start(scene);
    return bed_open("web", 0);
}

static void verify_init(CK_SESSION_HANDLE session, CK_MECHANISM_TYPE type, CK_OBJECT_HANDLE key)
{
    CK_MECHANISM mechanism = {.mechanism = type};
    assert_int_equal(C_VerifyInit(session, &mechanism, key), CKR_OK);
}

static CK_RV verify(CK_SESSION_HANDLE session, CK_MECHANISM_TYPE type, CK_OBJECT_HANDLE key,
                    const uint8_t *signature, size_t len)
{
    verify_init(session, type, key);
    return C_Verify(session, sample, strlen((char *)sample), (CK_BYTE *)signature, len);
}

static void verify_accepts_the_example_of_rfc_6979(void **state)
{
    CK_SESSION_HANDLE session = start(*state);
    CK_OBJECT_HANDLE key = imported_p256(session, CKO_PUBLIC_KEY, CKA_VERIFY, sample_point);
    zca_auto(zca_buffer) struct zca_buffer signature = {0};
    imported_bytes(sample_signature, &signature);

    assert_int_equal(verify(session, CKM_ECDSA_SHA256, key, signature.data, signature.len), CKR_OK);

    verify_init(session, CKM_ECDSA_SHA256, key);
    assert_int_equal(C_VerifyUpdate(session, sample, 2), CKR_OK);
    assert_int_equal(C_VerifyUpdate(session, sample + 2, 4), CKR_OK);
    assert_int_equal(C_VerifyFinal(session, signature.data, signature.len), CKR_OK);
}

static void sign_and_verify_give_the_example_of_rfc_8032(void **state)
{
    CK_SESSION_HANDLE session = start(*state);
    CK_OBJECT_HANDLE secret = imported_ed25519(session, CKO_PRIVATE_KEY, CKA_SIGN, edwards_secret);
    CK_OBJECT_HANDLE key = imported_ed25519(session, CKO_PUBLIC_KEY, CKA_VERIFY, edwards_point);
    CK_MECHANISM mechanism = {.mechanism = CKM_EDDSA};
    uint8_t message[] = {0x72}, made[64];
    CK_ULONG len = sizeof(made);
    zca_auto(zca_buffer) struct zca_buffer signature = {0};
    imported_bytes(edwards_signature, &signature);

    assert_int_equal(C_SignInit(session, &mechanism, secret), CKR_OK);
    assert_int_equal(C_Sign(session, message, sizeof(message), made, &len), CKR_OK);
    assert_memory_equal(made, signature.data, signature.len);

    verify_init(session, CKM_EDDSA, key);
    assert_int_equal(C_Verify(session, message, sizeof(message), signature.data, signature.len),
                     CKR_OK);
    message[0] ^= 1;
    verify_init(session, CKM_EDDSA, key);
    assert_int_equal(C_Verify(session, message, sizeof(message), signature.data, signature.len),
                     CKR_SIGNATURE_INVALID);
}

static void verify_tells_wrong_lengths_from_wrong_signatures(void **state)
{
    CK_SESSION_HANDLE session = start(*state);
    CK_OBJECT_HANDLE key = imported_p256(session, CKO_PUBLIC_KEY, CKA_VERIFY, sample_point);
    static const uint8_t zeros[64];
    zca_auto(zca_buffer) struct zca_buffer signature = {0};
    imported_bytes(sample_signature, &signature);

    assert_int_equal(verify(session, CKM_ECDSA_SHA256, key, signature.data, 63),
                     CKR_SIGNATURE_LEN_RANGE);
    assert_int_equal(verify(session, CKM_ECDSA_SHA256, key, signature.data, 0),
                     CKR_SIGNATURE_LEN_RANGE);
    assert_int_equal(verify(session, CKM_ECDSA_SHA256, key, zeros, sizeof(zeros)),
                     CKR_SIGNATURE_INVALID);
    assert_int_equal(verify(session, CKM_ECDSA_SHA384, key, signature.data, signature.len),
                     CKR_SIGNATURE_INVALID);
    for (size_t i = 0; i < signature.len; i++) {
        signature.data[i] ^= 0x80;
        assert_int_equal(verify(session, CKM_ECDSA_SHA256, key, signature.data, signature.len),
                         CKR_SIGNATURE_INVALID);
        signature.data[i] ^= 0x80;
    }
    assert_int_equal(verify(session, CKM_ECDSA_SHA256, key, signature.data, signature.len), CKR_OK);
}

/* What the application finds in OpenSSL's queue is its own. */
static void verify_of_a_wrong_signature_leaves_no_error_of_openssl(void **state)
{
    CK_SESSION_HANDLE session = start(*state);
    CK_OBJECT_HANDLE public_key, private_key;
    uint8_t signature[256] = {1};
    bed_generate(session, CKM_RSA_PKCS_KEY_PAIR_GEN, false, &public_key, &private_key);
    ERR_clear_error();
    ERR_raise(ERR_LIB_USER, 42);

    assert_int_equal(verify(session, CKM_SHA256_RSA_PKCS, public_key, signature, sizeof(signature)),
                     CKR_SIGNATURE_INVALID);

    assert_int_equal(ERR_GET_REASON(ERR_get_error()), 42);
    assert_int_equal(ERR_get_error(), 0);
}

static void verify_minds_the_length_of_the_salt(void **state)
{
    CK_SESSION_HANDLE session = start(*state);
    CK_OBJECT_HANDLE public_key, private_key;
    CK_RSA_PKCS_PSS_PARAMS pss = {CKM_SHA256, CKG_MGF1_SHA256, 32};
    CK_MECHANISM mechanism = {CKM_SHA256_RSA_PKCS_PSS, &pss, sizeof(pss)};
    uint8_t signature[256];
    CK_ULONG len = sizeof(signature);
    bed_generate(session, CKM_RSA_PKCS_KEY_PAIR_GEN, false, &public_key, &private_key);
    assert_int_equal(C_SignInit(session, &mechanism, private_key), CKR_OK);
    assert_int_equal(C_Sign(session, sample, sizeof(sample), signature, &len), CKR_OK);

    assert_int_equal(C_VerifyInit(session, &mechanism, public_key), CKR_OK);
    assert_int_equal(C_Verify(session, sample, sizeof(sample), signature, len), CKR_OK);
    pss.sLen = 20;
    assert_int_equal(C_VerifyInit(session, &mechanism, public_key), CKR_OK);
    assert_int_equal(C_Verify(session, sample, sizeof(sample), signature, len),
                     CKR_SIGNATURE_INVALID);
}

static void verify_keeps_calls_of_two_kinds_apart(void **state)
{
    CK_SESSION_HANDLE session = start(*state);
    CK_OBJECT_HANDLE key = imported_p256(session, CKO_PUBLIC_KEY, CKA_VERIFY, sample_point);
    uint8_t signature[64] = {1};
    verify_init(session, CKM_ECDSA_SHA256, key);
    assert_int_equal(C_VerifyUpdate(session, sample, 2), CKR_OK);

    assert_int_equal(C_Verify(session, sample, 6, signature, 64), CKR_OPERATION_ACTIVE);
    assert_int_equal(C_VerifyFinal(session, signature, 64), CKR_OPERATION_NOT_INITIALIZED);

    verify_init(session, CKM_ECDSA_SHA256, key);
    assert_int_equal(C_VerifyFinal(session, NULL, 64), CKR_ARGUMENTS_BAD);
    assert_int_equal(C_VerifyFinal(session, signature, 64), CKR_OPERATION_NOT_INITIALIZED);
}

#define ROW(test) cmocka_unit_test_setup_teardown(test, bed_setup, bed_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ROW(verify_accepts_the_example_of_rfc_6979),
        ROW(sign_and_verify_give_the_example_of_rfc_8032),
        ROW(verify_tells_wrong_lengths_from_wrong_signatures),
        ROW(verify_of_a_wrong_signature_leaves_no_error_of_openssl),
        ROW(verify_minds_the_length_of_the_salt),
        ROW(verify_keeps_calls_of_two_kinds_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
