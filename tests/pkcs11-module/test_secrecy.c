/* SPDX-License-Identifier: Apache-2.0 */
/* Sessions keep the key that they used last; what becomes of it when the key is not there any more. */
#include <string.h>

#include <openssl/crypto.h>

#include "tests/base/scan.h"
#include "tests/pkcs11-module/imported.h"

/* A number that nothing else in memory has. */
static const char digits[] = "4b1d5a7c93e8f20617b4c5d6a8e9f01b2c3d4e5f60718293a4b5c6d7e8f90a1b";

static CK_OBJECT_HANDLE import(CK_SESSION_HANDLE session, struct scan_pattern *out_pattern)
{
    static CK_BYTE curve[] = {0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07};
    CK_OBJECT_CLASS class = CKO_PRIVATE_KEY;
    CK_KEY_TYPE type = CKK_EC;
    CK_BBOOL yes = CK_TRUE;
    CK_OBJECT_HANDLE handle = 0;
    zca_auto(zca_buffer) struct zca_buffer value = ZCA_SECRET_BUFFER;
    imported_bytes(digits, &value);
    scan_remember(zca_buffer_span(&value), out_pattern);
    CK_ATTRIBUTE attributes[] = {
        {CKA_CLASS,     &class,     sizeof(class)},
        {CKA_KEY_TYPE,  &type,      sizeof(type) },
        {CKA_SIGN,      &yes,       sizeof(yes)  },
        {CKA_EC_PARAMS, curve,      sizeof(curve)},
        {CKA_VALUE,     value.data, value.len    },
    };
    assert_int_equal(C_CreateObject(session, attributes, ZCA_COUNT(attributes), &handle), CKR_OK);
    return handle;
}

static void sign(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE key)
{
    CK_MECHANISM ecdsa = {CKM_ECDSA, NULL, 0};
    CK_BYTE digest[32] = {1};
    CK_BYTE signature[64];
    CK_ULONG len = sizeof(signature);
    assert_int_equal(C_SignInit(session, &ecdsa, key), CKR_OK);
    assert_int_equal(C_Sign(session, digest, sizeof(digest), signature, &len), CKR_OK);
}

struct used {
    CK_SESSION_HANDLE owner, other; /* both have signed with `key` */
    CK_OBJECT_HANDLE key;
    struct scan_pattern pattern;
};

/* Sanitizers, which keep more, are run without a secure heap. */
static struct used use(void **state)
{
    struct used used = {0};
    bed_start(*state);
    used.owner = bed_scratch();
    used.other = bed_open("scratch", 0);
    used.key = import(used.owner, &used.pattern);
    sign(used.owner, used.key);
    sign(used.other, used.key);
    if (!CRYPTO_secure_malloc_initialized()) {
        skip();
    }
    assert_int_equal(scan_memory(&used.pattern).copies, 1);
    return used;
}

static void destroyed_key_leaves_no_copy(void **state)
{
    struct used used = use(state);
    assert_int_equal(C_DestroyObject(used.owner, used.key), CKR_OK);
    assert_int_equal(scan_memory(&used.pattern).copies, 0);
}

static void key_destroyed_by_another_session_leaves_no_copy(void **state)
{
    struct used used = use(state);
    CK_SESSION_HANDLE third = bed_open("scratch", CKF_RW_SESSION);
    assert_int_equal(C_DestroyObject(third, used.key), CKR_OK);
    assert_int_equal(scan_memory(&used.pattern).copies, 0);
}

static void logout_leaves_no_copy(void **state)
{
    struct used used = use(state);
    assert_int_equal(C_Logout(used.other), CKR_OK);
    assert_int_equal(scan_memory(&used.pattern).copies, 0);
}

static void sessions_sign_with_other_keys_afterwards(void **state)
{
    struct used used = use(state);
    CK_OBJECT_HANDLE pair[2] = {0};
    CK_MECHANISM ecdsa = {CKM_ECDSA, NULL, 0};
    assert_int_equal(C_DestroyObject(used.owner, used.key), CKR_OK);
    assert_int_equal(C_SignInit(used.other, &ecdsa, used.key), CKR_KEY_HANDLE_INVALID);
    bed_generate(used.owner, CKM_EC_KEY_PAIR_GEN, false, &pair[0], &pair[1]);
    sign(used.owner, pair[1]);
    sign(used.other, pair[1]);
}

/* The operation that goes on has the key to its end. */
static void operation_that_goes_on_ends_with_its_key(void **state)
{
    struct used used = use(state);
    CK_MECHANISM ecdsa = {CKM_ECDSA, NULL, 0};
    CK_BYTE digest[32] = {1};
    CK_BYTE signature[64];
    CK_ULONG len = sizeof(signature);
    assert_int_equal(C_SignInit(used.other, &ecdsa, used.key), CKR_OK);
    assert_int_equal(C_DestroyObject(used.owner, used.key), CKR_OK);
    assert_int_equal(C_Sign(used.other, digest, sizeof(digest), signature, &len), CKR_OK);
}

#define BED(test) cmocka_unit_test_setup_teardown(test, bed_setup, bed_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        BED(destroyed_key_leaves_no_copy),
        BED(key_destroyed_by_another_session_leaves_no_copy),
        BED(logout_leaves_no_copy),
        BED(sessions_sign_with_other_keys_afterwards),
        BED(operation_that_goes_on_ends_with_its_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
