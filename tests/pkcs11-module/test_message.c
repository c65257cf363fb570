/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "tests/pkcs11-module/bed.h"

static uint8_t data[] = "a message in two parts";

struct keys {
    CK_SESSION_HANDLE session;
    CK_OBJECT_HANDLE public_key, private_key;
};

static struct keys start(struct scene *scene, CK_MECHANISM_TYPE type)
{
    CK_MECHANISM mechanism = {.mechanism = type};
    bed_start(scene);
    struct keys keys = {.session = bed_open("web", 0)};
    bed_generate(keys.session, CKM_EC_KEY_PAIR_GEN, false, &keys.public_key, &keys.private_key);
    assert_int_equal(C_MessageSignInit(keys.session, &mechanism, keys.private_key), CKR_OK);
    return keys;
}

static void assert_good(const struct keys *keys, uint8_t *signature, CK_ULONG len)
{
    CK_MECHANISM mechanism = {.mechanism = CKM_ECDSA_SHA256};
    assert_int_equal(C_VerifyInit(keys->session, &mechanism, keys->public_key), CKR_OK);
    assert_int_equal(C_Verify(keys->session, data, sizeof(data), signature, len), CKR_OK);
}

static CK_RV next(const struct keys *keys, size_t at, size_t len, uint8_t *signature,
                  CK_ULONG *signature_len)
{
    return C_SignMessageNext(keys->session, NULL, 0, data + at, len, signature, signature_len);
}

static void messages_are_signed_one_after_the_other(void **state)
{
    struct keys keys = start(*state, CKM_ECDSA_SHA256);
    uint8_t signature[64];
    for (size_t i = 0; i < 3; i++) {
        CK_ULONG len = 0;
        assert_int_equal(C_SignMessage(keys.session, NULL, 0, data, sizeof(data), NULL, &len),
                         CKR_OK);
        assert_int_equal(C_SignMessage(keys.session, NULL, 0, data, sizeof(data), signature, &len),
                         CKR_OK);
        assert_good(&keys, signature, len);
    }
    assert_int_equal(C_MessageSignFinal(keys.session), CKR_OK);
    assert_int_equal(C_MessageSignFinal(keys.session), CKR_OPERATION_NOT_INITIALIZED);
}

static void message_in_parts_is_signed(void **state)
{
    struct keys keys = start(*state, CKM_ECDSA_SHA256);
    uint8_t signature[64];
    for (size_t i = 0; i < 2; i++) {
        CK_ULONG len = 0;
        assert_int_equal(C_SignMessageBegin(keys.session, NULL, 0), CKR_OK);
        assert_int_equal(next(&keys, 0, 5, NULL, NULL), CKR_OK);
        assert_int_equal(next(&keys, 5, sizeof(data) - 5, NULL, &len), CKR_OK);
        assert_int_equal(len, 64);
        len = 63;
        assert_int_equal(next(&keys, 5, sizeof(data) - 5, signature, &len), CKR_BUFFER_TOO_SMALL);
        assert_int_equal(next(&keys, 5, sizeof(data) - 5, signature, &len), CKR_OK);
        assert_good(&keys, signature, len);
    }
    assert_int_equal(C_MessageSignFinal(keys.session), CKR_OK);
}

static void message_that_fails_ends_alone(void **state)
{
    struct keys keys = start(*state, CKM_ECDSA_SHA256);
    uint8_t signature[64];
    CK_ULONG len = sizeof(signature);
    assert_int_equal(next(&keys, 0, 5, NULL, NULL), CKR_OPERATION_NOT_INITIALIZED);
    assert_int_equal(C_SignMessage(keys.session, NULL, 0, NULL, 5, signature, &len),
                     CKR_ARGUMENTS_BAD);
    assert_int_equal(C_SignMessage(keys.session, data, 3, data, 5, signature, &len),
                     CKR_MECHANISM_PARAM_INVALID);
    assert_int_equal(C_SignMessageBegin(keys.session, NULL, 0), CKR_OK);
    assert_int_equal(next(&keys, 0, 5, NULL, NULL), CKR_OK);
    assert_int_equal(C_SignMessage(keys.session, NULL, 0, data, 5, signature, &len),
                     CKR_OPERATION_ACTIVE);

    assert_int_equal(C_SignMessage(keys.session, NULL, 0, data, sizeof(data), signature, &len),
                     CKR_OK);
    assert_good(&keys, signature, len);
}

static void message_sign_and_sign_are_apart(void **state)
{
    struct keys keys = start(*state, CKM_ECDSA_SHA256);
    CK_MECHANISM mechanism = {.mechanism = CKM_ECDSA_SHA256};
    uint8_t signature[64];
    CK_ULONG len = sizeof(signature);
    assert_int_equal(C_Sign(keys.session, data, 3, signature, &len), CKR_OPERATION_NOT_INITIALIZED);
    assert_int_equal(C_SignInit(keys.session, &mechanism, keys.private_key), CKR_OK);
    assert_int_equal(C_MessageSignInit(keys.session, &mechanism, keys.private_key),
                     CKR_OPERATION_ACTIVE);
    assert_int_equal(C_MessageSignInit(keys.session, NULL, 0), CKR_OK);
    assert_int_equal(C_SignMessage(keys.session, NULL, 0, data, 5, signature, &len),
                     CKR_OPERATION_NOT_INITIALIZED);
    assert_int_equal(C_Sign(keys.session, data, sizeof(data), signature, &len), CKR_OK);
    assert_good(&keys, signature, len);
}

#define ROW(test) cmocka_unit_test_setup_teardown(test, bed_setup, bed_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ROW(messages_are_signed_one_after_the_other),
        ROW(message_in_parts_is_signed),
        ROW(message_that_fails_ends_alone),
        ROW(message_sign_and_sign_are_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
