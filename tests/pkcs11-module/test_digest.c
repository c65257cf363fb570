/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "tests/pkcs11-module/imported.h"

static uint8_t abc[] = "abc";

/* FIPS 180-4: the digests of "abc" */
static const struct {
    CK_MECHANISM_TYPE type;
    const char *digits;
} examples[] = {
    {CKM_SHA_1,  "a9993e364706816aba3e25717850c26c9cd0d89d"                                        },
    {CKM_SHA256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"                },
    {CKM_SHA384, "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded163"
                 "1a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7"                },
    {CKM_SHA512, "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
                 "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f"},
};

static CK_SESSION_HANDLE start(struct scene *scene)
{
    bed_start(scene);
    return bed_open("web", 0);
}

static CK_RV digest_init(CK_SESSION_HANDLE session, CK_MECHANISM_TYPE type)
{
    CK_MECHANISM mechanism = {.mechanism = type};
    return C_DigestInit(session, &mechanism);
}

static void digest_gives_the_examples(void **state)
{
    CK_SESSION_HANDLE session = start(*state);
    for (size_t i = 0; i < ZCA_COUNT(examples); i++) {
        zca_auto(zca_buffer) struct zca_buffer expected = {0};
        uint8_t digest[64], again[64];
        CK_ULONG len = sizeof(digest);
        imported_bytes(examples[i].digits, &expected);

        assert_int_equal(digest_init(session, examples[i].type), CKR_OK);
        assert_int_equal(C_Digest(session, abc, 3, digest, &len), CKR_OK);
        assert_int_equal(len, expected.len);
        assert_memory_equal(digest, expected.data, len);

        assert_int_equal(digest_init(session, examples[i].type), CKR_OK);
        assert_int_equal(C_DigestUpdate(session, abc, 1), CKR_OK);
        assert_int_equal(C_DigestUpdate(session, abc + 1, 2), CKR_OK);
        assert_int_equal(C_DigestFinal(session, again, &len), CKR_OK);
        assert_memory_equal(again, digest, len);
    }
}

static void digest_tells_the_length_and_goes_on(void **state)
{
    CK_SESSION_HANDLE session = start(*state);
    uint8_t digest[32] = {0xab};
    CK_ULONG len = 0;
    assert_int_equal(digest_init(session, CKM_SHA256), CKR_OK);

    assert_int_equal(C_Digest(session, abc, 3, NULL, &len), CKR_OK);
    assert_int_equal(len, 32);
    len = 2;
    assert_int_equal(C_Digest(session, abc, 3, digest, &len), CKR_BUFFER_TOO_SMALL);
    assert_int_equal(len, 32);
    assert_int_equal(digest[0], 0xab);

    assert_int_equal(C_Digest(session, abc, 3, digest, &len), CKR_OK);
}

static void digest_keeps_calls_of_two_kinds_apart(void **state)
{
    CK_SESSION_HANDLE session = start(*state);
    uint8_t digest[32];
    CK_ULONG len = 0;
    assert_int_equal(digest_init(session, CKM_SHA256), CKR_OK);
    assert_int_equal(C_DigestUpdate(session, abc, 1), CKR_OK);
    assert_int_equal(C_DigestFinal(session, NULL, &len), CKR_OK);
    assert_int_equal(C_Digest(session, abc + 1, 2, digest, &len), CKR_OPERATION_ACTIVE);
    assert_int_equal(C_DigestFinal(session, digest, &len), CKR_OPERATION_NOT_INITIALIZED);

    assert_int_equal(digest_init(session, CKM_SHA256), CKR_OK);
    assert_int_equal(C_Digest(session, abc, 3, NULL, &len), CKR_OK);
    assert_int_equal(C_DigestFinal(session, digest, &len), CKR_OPERATION_ACTIVE);
    assert_int_equal(C_Digest(session, abc, 3, digest, &len), CKR_OPERATION_NOT_INITIALIZED);
}

static void digest_ends_on_bad_arguments(void **state)
{
    CK_SESSION_HANDLE session = start(*state);
    uint8_t digest[32];
    CK_ULONG len = sizeof(digest);
    assert_int_equal(digest_init(session, CKM_SHA256), CKR_OK);
    assert_int_equal(C_Digest(session, abc, 3, digest, NULL), CKR_ARGUMENTS_BAD);
    assert_int_equal(C_Digest(session, abc, 3, digest, &len), CKR_OPERATION_NOT_INITIALIZED);

    assert_int_equal(digest_init(session, CKM_SHA256), CKR_OK);
    assert_int_equal(C_DigestFinal(session, digest, NULL), CKR_ARGUMENTS_BAD);
    assert_int_equal(C_DigestFinal(session, digest, &len), CKR_OPERATION_NOT_INITIALIZED);
}

static void digest_init_refuses_what_does_not_hash(void **state)
{
    CK_SESSION_HANDLE session = start(*state);
    CK_MECHANISM with_parameter = {CKM_SHA256, abc, 3};
    assert_int_equal(digest_init(session, CKM_ECDSA_SHA256), CKR_MECHANISM_INVALID);
    assert_int_equal(digest_init(session, CKM_MD5), CKR_MECHANISM_INVALID);
    assert_int_equal(C_DigestInit(session, &with_parameter), CKR_MECHANISM_PARAM_INVALID);
    with_parameter.pParameter = NULL;
    assert_int_equal(C_DigestInit(session, &with_parameter), CKR_ARGUMENTS_BAD);
    assert_int_equal(C_DigestInit(session, NULL), CKR_ARGUMENTS_BAD);
    assert_int_equal(digest_init(session, CKM_SHA256), CKR_OK);
    assert_int_equal(digest_init(session, CKM_SHA256), CKR_OPERATION_ACTIVE);
    assert_int_equal(C_DigestInit(session, NULL), CKR_OK);
    assert_int_equal(C_DigestUpdate(session, abc, 3), CKR_OPERATION_NOT_INITIALIZED);
}

#define ROW(test) cmocka_unit_test_setup_teardown(test, bed_setup, bed_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ROW(digest_gives_the_examples),
        ROW(digest_tells_the_length_and_goes_on),
        ROW(digest_keeps_calls_of_two_kinds_apart),
        ROW(digest_ends_on_bad_arguments),
        ROW(digest_init_refuses_what_does_not_hash),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
