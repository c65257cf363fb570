/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "tests/pkcs11-module/imported.h"

/* NIST, CAVP, KAS ECC CDH primitive, P-256, the first example */
static const char peer[] = "04"
                           "700c48f77f56584c5cc632ca65640db91b6bacce3a4df6b42ce7cc838833d287"
                           "db71e509e3fd9b060ddb20ba5c51dcc5948d46fbf640dfe0441782cab85fa4ac";
static const char own[] = "7d7dc5f71eb29ddaf80d6214632eeae03d9058af1fb6d22ed80badb62bc1a534";
static const char agreed[] = "46fc62106420ff012e54a434fbdd2d25ccc5852060561e68040dd7778997bd7b";

/* A session on the identity token with the example's private key, and the other's point. */
struct example {
    CK_SESSION_HANDLE session;
    CK_OBJECT_HANDLE key;
    struct zca_buffer point, secret;
    CK_ECDH1_DERIVE_PARAMS parameters;
};

static void start(struct scene *scene, struct example *out)
{
    bed_start(scene);
    *out = (struct example){.session = bed_open("web", 0)};
    out->key = imported_p256(out->session, CKO_PRIVATE_KEY, CKA_DERIVE, own);
    imported_bytes(peer, &out->point);
    imported_bytes(agreed, &out->secret);
    out->parameters = (CK_ECDH1_DERIVE_PARAMS){
        .kdf = CKD_NULL, .pPublicData = out->point.data, .ulPublicDataLen = out->point.len};
}

static void clear(struct example *example)
{
    zca_buffer_clear(&example->point);
    zca_buffer_clear(&example->secret);
}

/* len 0: what there is */
static CK_RV derive(struct example *example, CK_KEY_TYPE type, CK_ULONG len,
                    CK_OBJECT_HANDLE *out_key)
{
    CK_OBJECT_CLASS class = CKO_SECRET_KEY;
    CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
    CK_ATTRIBUTE attributes[] = {
        {CKA_CLASS,       &class, sizeof(class)},
        {CKA_KEY_TYPE,    &type,  sizeof(type) },
        {CKA_SENSITIVE,   &no,    sizeof(no)   },
        {CKA_EXTRACTABLE, &yes,   sizeof(yes)  },
        {CKA_VALUE_LEN,   &len,   sizeof(len)  },
    };
    CK_MECHANISM mechanism = {CKM_ECDH1_DERIVE, &example->parameters, sizeof(example->parameters)};
    return C_DeriveKey(example->session, &mechanism, example->key, attributes, len ? 5 : 4,
                       out_key);
}

static void assert_value(const struct example *example, CK_OBJECT_HANDLE key, size_t len)
{
    zca_auto(zca_buffer) struct zca_buffer value = {0};
    bed_value(example->session, key, CKA_VALUE, &value);
    assert_int_equal(value.len, len);
    assert_memory_equal(value.data, example->secret.data + example->secret.len - len, len);
}

static void derive_gives_the_example(void **state)
{
    zca_auto(zca_buffer) struct zca_buffer wrapped = {0};
    struct example example;
    CK_OBJECT_HANDLE key = 0;
    start(*state, &example);

    assert_int_equal(derive(&example, CKK_GENERIC_SECRET, 0, &key), CKR_OK);
    assert_value(&example, key, 32);

    imported_bytes("0441", &wrapped); /* the point as CKA_EC_POINT has it */
    imported_bytes(peer, &wrapped);
    example.parameters.pPublicData = wrapped.data;
    example.parameters.ulPublicDataLen = wrapped.len;
    assert_int_equal(derive(&example, CKK_GENERIC_SECRET, 0, &key), CKR_OK);
    assert_value(&example, key, 32);
    clear(&example);
}

static void derive_removes_bytes_at_the_beginning(void **state)
{
    struct example example;
    CK_OBJECT_HANDLE key = 0;
    start(*state, &example);

    assert_int_equal(derive(&example, CKK_AES, 16, &key), CKR_OK);
    assert_value(&example, key, 16);
    assert_int_equal(derive(&example, CKK_GENERIC_SECRET, 7, &key), CKR_OK);
    assert_value(&example, key, 7);

    assert_int_equal(derive(&example, CKK_GENERIC_SECRET, 33, &key), CKR_KEY_SIZE_RANGE);
    assert_int_equal(derive(&example, CKK_AES, 17, &key), CKR_KEY_SIZE_RANGE);
    clear(&example);
}

static void derive_says_where_the_key_is_from(void **state)
{
    const struct {
        CK_ATTRIBUTE_TYPE type;
        CK_BBOOL value;
    } expected[] = {
        {CKA_LOCAL,             CK_FALSE},
        {CKA_ALWAYS_SENSITIVE,  CK_FALSE},
        {CKA_NEVER_EXTRACTABLE, CK_FALSE},
        {CKA_EXTRACTABLE,       CK_TRUE },
        {CKA_TOKEN,             CK_FALSE},
    };
    struct example example;
    CK_OBJECT_HANDLE key = 0;
    start(*state, &example);
    assert_int_equal(derive(&example, CKK_GENERIC_SECRET, 0, &key), CKR_OK);
    for (size_t i = 0; i < ZCA_COUNT(expected); i++) {
        CK_BBOOL value = 7;
        CK_ATTRIBUTE attribute = {expected[i].type, &value, sizeof(value)};
        assert_int_equal(C_GetAttributeValue(example.session, key, &attribute, 1), CKR_OK);
        assert_int_equal(value, expected[i].value);
    }
    clear(&example);
}

static void derive_refuses_points_off_the_curve(void **state)
{
    struct example example;
    CK_OBJECT_HANDLE key = 0;
    start(*state, &example);
    example.point.data[64] ^= 1;
    assert_int_equal(derive(&example, CKK_GENERIC_SECRET, 0, &key), CKR_MECHANISM_PARAM_INVALID);
    example.point.data[64] ^= 1;
    for (CK_ULONG len = 0; len < 65; len++) {
        example.parameters.ulPublicDataLen = len;
        assert_int_equal(derive(&example, CKK_GENERIC_SECRET, 0, &key),
                         CKR_MECHANISM_PARAM_INVALID);
    }
    clear(&example);
}

static void derive_refuses_bad_arguments(void **state)
{
    struct example example;
    CK_OBJECT_HANDLE key = 0;
    start(*state, &example);
    CK_MECHANISM cut = {CKM_ECDH1_DERIVE, &example.parameters, 3};
    CK_MECHANISM nothing = {CKM_ECDH1_DERIVE, NULL, sizeof(example.parameters)};
    CK_MECHANISM other = {.mechanism = CKM_ECDSA};
    CK_MECHANISM good = {CKM_ECDH1_DERIVE, &example.parameters, sizeof(example.parameters)};
    assert_int_equal(C_DeriveKey(example.session, &cut, example.key, NULL, 0, &key),
                     CKR_MECHANISM_PARAM_INVALID);
    assert_int_equal(C_DeriveKey(example.session, &nothing, example.key, NULL, 0, &key),
                     CKR_ARGUMENTS_BAD);
    assert_int_equal(C_DeriveKey(example.session, &other, example.key, NULL, 0, &key),
                     CKR_MECHANISM_INVALID);
    assert_int_equal(C_DeriveKey(example.session, NULL, example.key, NULL, 0, &key),
                     CKR_ARGUMENTS_BAD);
    assert_int_equal(C_DeriveKey(example.session, &good, example.key, NULL, 0, NULL),
                     CKR_ARGUMENTS_BAD);
    assert_int_equal(C_DeriveKey(example.session, &good, example.key, NULL, 3, &key),
                     CKR_ARGUMENTS_BAD);
    assert_int_equal(C_DeriveKey(example.session, &good, 77777, NULL, 0, &key),
                     CKR_KEY_HANDLE_INVALID);
    example.parameters.kdf = CKD_SHA1_KDF;
    assert_int_equal(derive(&example, CKK_GENERIC_SECRET, 0, &key), CKR_MECHANISM_PARAM_INVALID);
    clear(&example);
}

#define ROW(test) cmocka_unit_test_setup_teardown(test, bed_setup, bed_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ROW(derive_gives_the_example),          ROW(derive_removes_bytes_at_the_beginning),
        ROW(derive_says_where_the_key_is_from), ROW(derive_refuses_points_off_the_curve),
        ROW(derive_refuses_bad_arguments),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
