/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include <openssl/core_names.h>

#include "base/openssl_auto.h"
#include "tests/pkcs11-module/bed.h"

static CK_BBOOL yes = CK_TRUE;
static CK_BBOOL no = CK_FALSE;
static CK_KEY_TYPE rsa_type = CKK_RSA;
static uint8_t p256[] = {0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07};

#define YES(type)                                                                                  \
    {                                                                                              \
        type, &yes, sizeof(yes)                                                                    \
    }
#define NO(type)                                                                                   \
    {                                                                                              \
        type, &no, sizeof(no)                                                                      \
    }
#define BYTES(type, text)                                                                          \
    {                                                                                              \
        type, (void *)text, sizeof(text) - 1                                                       \
    }
#define P256                                                                                       \
    {                                                                                              \
        CKA_EC_PARAMS, p256, sizeof(p256)                                                          \
    }

/* The templates that generators send; keytool sends none for the private key. */
static const CK_ATTRIBUTE pkcs11_tool_public[] = {P256,
                                                  YES(CKA_TOKEN),
                                                  YES(CKA_VERIFY),
                                                  YES(CKA_DERIVE),
                                                  BYTES(CKA_ID, "\1"),
                                                  BYTES(CKA_LABEL, "k")};
static const CK_ATTRIBUTE pkcs11_tool_private[] = {
    YES(CKA_TOKEN),  YES(CKA_PRIVATE),    YES(CKA_SENSITIVE),   YES(CKA_SIGN),
    YES(CKA_DERIVE), BYTES(CKA_ID, "\1"), BYTES(CKA_LABEL, "k")};
static const CK_ATTRIBUTE p11tool_public[] = {
    YES(CKA_TOKEN), NO(CKA_PRIVATE),      BYTES(CKA_ID, "\1"), YES(CKA_VERIFY),
    P256,           BYTES(CKA_LABEL, "k")};
static const CK_ATTRIBUTE p11tool_private[] = {BYTES(CKA_ID, "\1"),   YES(CKA_SIGN),
                                               YES(CKA_PRIVATE),      YES(CKA_TOKEN),
                                               BYTES(CKA_LABEL, "k"), YES(CKA_SENSITIVE)};
static const CK_ATTRIBUTE genpkey_public[] = {
    YES(CKA_TOKEN), YES(CKA_DERIVE),     YES(CKA_VERIFY),      YES(CKA_WRAP),
    P256,           BYTES(CKA_ID, "\1"), BYTES(CKA_LABEL, "k")};
static const CK_ATTRIBUTE genpkey_private[] = {
    YES(CKA_TOKEN), YES(CKA_DERIVE), YES(CKA_PRIVATE),    YES(CKA_SENSITIVE),
    YES(CKA_SIGN),  YES(CKA_UNWRAP), BYTES(CKA_ID, "\1"), BYTES(CKA_LABEL, "k")};
static const CK_ATTRIBUTE certutil_public[] = {
    P256,           YES(CKA_TOKEN),  YES(CKA_DERIVE),
    NO(CKA_WRAP),   YES(CKA_VERIFY), NO(CKA_VERIFY_RECOVER),
    NO(CKA_ENCRYPT)};
static const CK_ATTRIBUTE certutil_private[] = {
    YES(CKA_TOKEN), YES(CKA_PRIVATE), YES(CKA_SENSITIVE), YES(CKA_DERIVE),
    NO(CKA_UNWRAP), YES(CKA_SIGN),    NO(CKA_DECRYPT)};

#define TOOL(text, name)                                                                           \
    {                                                                                              \
        text, name##_public, name##_private, ZCA_COUNT(name##_public), ZCA_COUNT(name##_private)   \
    }

static const struct {
    const char *tool;
    const CK_ATTRIBUTE *public_part, *private_part;
    CK_ULONG num_public, num_private;
} tools[] = {
    TOOL("pkcs11-tool", pkcs11_tool),
    TOOL("p11tool", p11tool),
    TOOL("openssl genpkey", genpkey),
    TOOL("certutil", certutil),
};

static CK_SESSION_HANDLE session;
static CK_OBJECT_HANDLE public_key, private_key;

static int setup(void **state)
{
    int rc = bed_setup(state);
    if (rc == 0) {
        bed_start(*state);
        session = bed_scratch();
    }
    return rc;
}

static CK_RV generate(CK_MECHANISM_TYPE type, const CK_ATTRIBUTE *public_part, CK_ULONG num_public,
                      const CK_ATTRIBUTE *private_part, CK_ULONG num_private)
{
    CK_MECHANISM mechanism = {.mechanism = type};
    return C_GenerateKeyPair(session, &mechanism, (CK_ATTRIBUTE *)public_part, num_public,
                             (CK_ATTRIBUTE *)private_part, num_private, &public_key, &private_key);
}

static CK_RV generate_p256(const CK_ATTRIBUTE *private_part, CK_ULONG num_private)
{
    static const CK_ATTRIBUTE public_part[] = {P256};
    return generate(CKM_EC_KEY_PAIR_GEN, public_part, 1, private_part, num_private);
}

static bool is_true(CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type)
{
    CK_BBOOL value = 2;
    CK_ATTRIBUTE asked = {type, &value, sizeof(value)};
    assert_int_equal(C_GetAttributeValue(session, object, &asked, 1), CKR_OK);
    assert_true(value == CK_TRUE || value == CK_FALSE);
    return value == CK_TRUE;
}

static CK_ULONG number_of(CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type)
{
    CK_ULONG value = 0;
    CK_ATTRIBUTE asked = {type, &value, sizeof(value)};
    assert_int_equal(C_GetAttributeValue(session, object, &asked, 1), CKR_OK);
    return value;
}

static void keygen_takes_the_templates_of_tools(void **state)
{
    (void)state;
    for (size_t i = 0; i < ZCA_COUNT(tools); i++) {
        print_message("%s\n", tools[i].tool);
        assert_int_equal(generate(CKM_EC_KEY_PAIR_GEN, tools[i].public_part, tools[i].num_public,
                                  tools[i].private_part, tools[i].num_private),
                         CKR_OK);
        for (CK_ULONG j = 0; j < tools[i].num_private; j++) {
            zca_auto(zca_buffer) struct zca_buffer value = {0};
            const CK_ATTRIBUTE *given = &tools[i].private_part[j];
            bed_value(session, private_key, given->type, &value);
            assert_true(zca_span_equal(zca_buffer_span(&value),
                                       zca_span_of(given->pValue, given->ulValueLen)));
        }
    }
}

static void keygen_without_template_makes_a_guarded_signing_key(void **state)
{
    static const struct {
        CK_ATTRIBUTE_TYPE type;
        bool value;
    } expected[] = {
        {CKA_TOKEN,             false},
        {CKA_PRIVATE,           true },
        {CKA_SENSITIVE,         true },
        {CKA_EXTRACTABLE,       false},
        {CKA_SIGN,              true },
        {CKA_LOCAL,             true },
        {CKA_ALWAYS_SENSITIVE,  true },
        {CKA_NEVER_EXTRACTABLE, true },
        {CKA_MODIFIABLE,        true },
        {CKA_COPYABLE,          true },
        {CKA_DESTROYABLE,       true },
        {CKA_DERIVE,            false},
    };

    (void)state;

    assert_int_equal(generate_p256(NULL, 0), CKR_OK);

    for (size_t i = 0; i < ZCA_COUNT(expected); i++) {
        assert_int_equal(is_true(private_key, expected[i].type), expected[i].value);
    }
    assert_false(is_true(public_key, CKA_PRIVATE));
    assert_true(is_true(public_key, CKA_VERIFY));
    assert_true(is_true(public_key, CKA_LOCAL));
    assert_int_equal(number_of(private_key, CKA_KEY_GEN_MECHANISM), CKM_EC_KEY_PAIR_GEN);
    assert_int_equal(number_of(private_key, CKA_KEY_TYPE), CKK_EC);
    assert_int_equal(number_of(public_key, CKA_CLASS), CKO_PUBLIC_KEY);
}

static void keygen_of_a_key_to_be_read_says_so(void **state)
{
    static const CK_ATTRIBUTE open_part[] = {NO(CKA_SENSITIVE), YES(CKA_EXTRACTABLE)};
    uint8_t value[64];
    CK_ATTRIBUTE asked = {CKA_VALUE, value, sizeof(value)};
    (void)state;

    assert_int_equal(generate_p256(open_part, 2), CKR_OK);

    assert_false(is_true(private_key, CKA_ALWAYS_SENSITIVE));
    assert_false(is_true(private_key, CKA_NEVER_EXTRACTABLE));
    assert_int_equal(C_GetAttributeValue(session, private_key, &asked, 1), CKR_OK);
    assert_int_equal(asked.ulValueLen, 32);
}

static void keygen_objects_have_different_unique_ids(void **state)
{
    zca_auto(zca_buffer) struct zca_buffer one = {0};
    zca_auto(zca_buffer) struct zca_buffer other = {0};
    (void)state;
    assert_int_equal(generate_p256(NULL, 0), CKR_OK);

    bed_value(session, public_key, CKA_UNIQUE_ID, &one);
    bed_value(session, private_key, CKA_UNIQUE_ID, &other);

    assert_int_not_equal(one.len, 0);
    assert_false(zca_span_equal(zca_buffer_span(&one), zca_buffer_span(&other)));
}

#define EDWARDS25519                                                                               \
    "\x13\x0c"                                                                                     \
    "edwards25519"

static const struct {
    CK_MECHANISM_TYPE mechanism;
    const char *params;
    CK_ULONG len;
    int nid, bits;
} curves[] = {
    {CKM_EC_KEY_PAIR_GEN,         "\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07",     10, EVP_PKEY_EC,      256},
    {CKM_EC_KEY_PAIR_GEN,         "\x06\x05\x2b\x81\x04\x00\x22",                 7,  EVP_PKEY_EC,      384},
    {CKM_EC_KEY_PAIR_GEN,         "\x06\x05\x2b\x81\x04\x00\x23",                 7,  EVP_PKEY_EC,      521},
    {CKM_EC_KEY_PAIR_GEN,         "\x13\x09secp256r1",                            11, EVP_PKEY_EC,      256},
    {CKM_EC_KEY_PAIR_GEN,         "\x13\x05P-384",                                7,  EVP_PKEY_EC,      384},
    {CKM_EC_KEY_PAIR_GEN,         "\x13\x09secp521r1",                            11, EVP_PKEY_EC,      521},
    {CKM_EC_EDWARDS_KEY_PAIR_GEN, "\x06\x03\x2b\x65\x70",                         5,  EVP_PKEY_ED25519, 256},
    {CKM_EC_EDWARDS_KEY_PAIR_GEN, EDWARDS25519,                                   14, EVP_PKEY_ED25519, 256},
    {CKM_EC_EDWARDS_KEY_PAIR_GEN, "\x06\x09\x2b\x06\x01\x04\x01\xda\x47\x0f\x01", 11,
     EVP_PKEY_ED25519,                                                                                  256},
};

/* What OpenSSL makes of CKA_PUBLIC_KEY_INFO has the point that CKA_EC_POINT says. */
static void assert_point(CK_OBJECT_HANDLE object, EVP_PKEY *key)
{
    uint8_t point[256];
    size_t len = 0;
    zca_auto(zca_buffer) struct zca_buffer told = {0};
    size_t header_len = EVP_PKEY_get_base_id(key) == EVP_PKEY_ED25519 ? 0 : 2;
    bed_value(session, object, CKA_EC_POINT, &told);
    assert_int_equal(
        EVP_PKEY_get_octet_string_param(key, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof(point), &len),
        1);
    header_len += header_len != 0 && len >= 0x80 ? 1 : 0;
    assert_int_equal(told.len, len + header_len);
    assert_memory_equal(told.data + header_len, point, len);
    assert_true(header_len == 0 || told.data[0] == 0x04);
}

static void keygen_knows_curves_by_oid_and_by_name(void **state)
{
    (void)state;
    for (size_t i = 0; i < ZCA_COUNT(curves); i++) {
        const CK_ATTRIBUTE params = {CKA_EC_PARAMS, (void *)curves[i].params, curves[i].len};
        assert_int_equal(generate(curves[i].mechanism, &params, 1, NULL, 0), CKR_OK);
        zca_auto(EVP_PKEY) EVP_PKEY *key = bed_key(session, private_key);
        assert_int_equal(EVP_PKEY_get_base_id(key), curves[i].nid);
        assert_int_equal(EVP_PKEY_get_bits(key) <= curves[i].bits, 1);
        assert_point(public_key, key);
    }
}

static void keygen_by_rsa_has_the_exponent(void **state)
{
    static uint8_t exponent[] = {0x00, 0x01, 0x00, 0x03};
    CK_ULONG bits = 2048;
    const CK_ATTRIBUTE public_part[] = {
        {CKA_KEY_TYPE,        &rsa_type, sizeof(rsa_type)},
        {CKA_MODULUS_BITS,    &bits,     sizeof(bits)    },
        {CKA_PUBLIC_EXPONENT, exponent,  sizeof(exponent)},
    };
    zca_auto(zca_buffer) struct zca_buffer modulus = {0};
    zca_auto(zca_buffer) struct zca_buffer told = {0};
    (void)state;

    assert_int_equal(generate(CKM_RSA_PKCS_KEY_PAIR_GEN, public_part, 3, NULL, 0), CKR_OK);

    bed_value(session, private_key, CKA_MODULUS, &modulus);
    bed_value(session, private_key, CKA_PUBLIC_EXPONENT, &told);
    assert_int_equal(modulus.len, 256);
    assert_int_equal(told.len, 3);
    assert_memory_equal(told.data, exponent + 1, 3);
    assert_int_equal(number_of(public_key, CKA_MODULUS_BITS), 2048);
}

static void assert_refused(CK_MECHANISM_TYPE mechanism, const CK_ATTRIBUTE *public_part, CK_RV rv)
{
    CK_ULONG count = public_part->pValue ? 1 : 0;
    assert_int_equal(generate(mechanism, public_part, count, NULL, 0), rv);
}

static void keygen_refuses_what_it_cannot_make(void **state)
{
    static CK_ULONG short_bits = 1024;
    static CK_ULONG long_bits = 16384;
    const CK_ATTRIBUTE nothing = {0};
    const CK_ATTRIBUTE other_curve = BYTES(CKA_EC_PARAMS, "\x06\x05\x2b\x81\x04\x00\x0a");
    const CK_ATTRIBUTE edwards = BYTES(CKA_EC_PARAMS, "\x06\x03\x2b\x65\x70");
    const CK_ATTRIBUTE cut = BYTES(CKA_EC_PARAMS, "\x06\x08\x2a");
    const CK_ATTRIBUTE unknown = {999, &yes, 1};
    const CK_ATTRIBUTE ours = YES(CKA_LOCAL);
    const CK_ATTRIBUTE short_rsa = {CKA_MODULUS_BITS, &short_bits, sizeof(short_bits)};
    const CK_ATTRIBUTE long_rsa = {CKA_MODULUS_BITS, &long_bits, sizeof(long_bits)};
    const CK_ATTRIBUTE number = {CKA_MODULUS_BITS, &short_bits, 4};
    (void)state;

    assert_refused(CKM_EC_KEY_PAIR_GEN, &nothing, CKR_TEMPLATE_INCOMPLETE);
    assert_refused(CKM_RSA_PKCS_KEY_PAIR_GEN, &nothing, CKR_TEMPLATE_INCOMPLETE);
    assert_refused(CKM_EC_KEY_PAIR_GEN, &other_curve, CKR_CURVE_NOT_SUPPORTED);
    assert_refused(CKM_EC_KEY_PAIR_GEN, &edwards, CKR_CURVE_NOT_SUPPORTED);
    assert_refused(CKM_EC_KEY_PAIR_GEN, &cut, CKR_CURVE_NOT_SUPPORTED);
    assert_refused(CKM_EC_KEY_PAIR_GEN, &unknown, CKR_ATTRIBUTE_TYPE_INVALID);
    assert_refused(CKM_EC_KEY_PAIR_GEN, &ours, CKR_ATTRIBUTE_READ_ONLY);
    assert_refused(CKM_RSA_PKCS_KEY_PAIR_GEN, &short_rsa, CKR_KEY_SIZE_RANGE);
    assert_refused(CKM_RSA_PKCS_KEY_PAIR_GEN, &long_rsa, CKR_KEY_SIZE_RANGE);
    assert_refused(CKM_RSA_PKCS_KEY_PAIR_GEN, &number, CKR_ATTRIBUTE_VALUE_INVALID);
    assert_refused(CKM_ECDSA, &nothing, CKR_MECHANISM_INVALID);
    assert_refused(CKM_DES_KEY_GEN, &nothing, CKR_MECHANISM_INVALID);
}

static void keygen_refuses_bad_exponents(void **state)
{
    static const struct {
        const char *bytes;
        CK_ULONG len;
    } exponents[] = {
        {"\x03",                                                                               1 },
        {"\x01\x00\x02",                                                                       3 },
        {"\x00",                                                                               1 },
        {"\x7f\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1", 40},
    };

    CK_ULONG bits = 2048;
    (void)state;
    for (size_t i = 0; i < ZCA_COUNT(exponents); i++) {
        const CK_ATTRIBUTE public_part[] = {
            {CKA_MODULUS_BITS,    &bits,                      sizeof(bits)    },
            {CKA_PUBLIC_EXPONENT, (void *)exponents[i].bytes, exponents[i].len},
        };
        assert_int_equal(generate(CKM_RSA_PKCS_KEY_PAIR_GEN, public_part, 2, NULL, 0),
                         CKR_ATTRIBUTE_VALUE_INVALID);
    }
}

static void keygen_refuses_another_key_type(void **state)
{
    const CK_ATTRIBUTE private_part = {CKA_KEY_TYPE, &rsa_type, sizeof(rsa_type)};
    const CK_ATTRIBUTE always = YES(CKA_ALWAYS_AUTHENTICATE);
    (void)state;
    assert_int_equal(generate_p256(&private_part, 1), CKR_TEMPLATE_INCONSISTENT);
    assert_int_equal(generate_p256(&always, 1), CKR_ATTRIBUTE_VALUE_INVALID);
}

static void keygen_refuses_missing_arguments(void **state)
{
    CK_MECHANISM mechanism = {.mechanism = CKM_EC_KEY_PAIR_GEN};
    CK_ATTRIBUTE params = P256;
    CK_OBJECT_HANDLE handle = 0;
    (void)state;
    assert_int_equal(C_GenerateKeyPair(session, NULL, &params, 1, NULL, 0, &handle, &handle),
                     CKR_ARGUMENTS_BAD);
    assert_int_equal(C_GenerateKeyPair(session, &mechanism, NULL, 1, NULL, 0, &handle, &handle),
                     CKR_ARGUMENTS_BAD);
    assert_int_equal(C_GenerateKeyPair(session, &mechanism, &params, 1, NULL, 9, &handle, &handle),
                     CKR_ARGUMENTS_BAD);
    assert_int_equal(C_GenerateKeyPair(session, &mechanism, &params, 1, NULL, 0, NULL, &handle),
                     CKR_ARGUMENTS_BAD);
    assert_int_equal(C_GenerateKeyPair(session, &mechanism, &params, 1, NULL, 0, &handle, NULL),
                     CKR_ARGUMENTS_BAD);
}

static void keygen_of_private_keys_needs_login(void **state)
{
    const CK_ATTRIBUTE in_public = NO(CKA_PRIVATE);
    (void)state;
    assert_int_equal(C_Logout(session), CKR_OK);

    assert_int_equal(generate_p256(NULL, 0), CKR_USER_NOT_LOGGED_IN);
    assert_int_equal(generate_p256(&in_public, 1), CKR_OK);
}

static void keygen_in_readonly_session_makes_session_objects(void **state)
{
    const CK_ATTRIBUTE stored = YES(CKA_TOKEN);
    (void)state;
    session = bed_open("scratch", 0);

    assert_int_equal(generate_p256(&stored, 1), CKR_SESSION_READ_ONLY);
    assert_int_equal(generate_p256(NULL, 0), CKR_OK);
}

static void keygen_for_an_identity_makes_its_key_once(void **state)
{
    const CK_ATTRIBUTE stored[] = {P256, YES(CKA_TOKEN)};
    const CK_ATTRIBUTE open_part[] = {YES(CKA_TOKEN), YES(CKA_EXTRACTABLE)};
    (void)state;
    session = bed_open("web", CKF_RW_SESSION);

    assert_int_equal(generate(CKM_EC_KEY_PAIR_GEN, stored, 2, open_part, 2),
                     CKR_TEMPLATE_INCONSISTENT);
    assert_int_equal(generate(CKM_EC_KEY_PAIR_GEN, stored, 2, stored + 1, 1), CKR_OK);
    assert_int_equal(bed_object(session, CKO_PRIVATE_KEY), private_key);
    assert_int_equal(bed_object(session, CKO_PUBLIC_KEY), public_key);
    assert_int_equal(generate(CKM_EC_KEY_PAIR_GEN, stored, 2, stored + 1, 1),
                     CKR_FUNCTION_REJECTED);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, bed_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(keygen_takes_the_templates_of_tools),
        TEST(keygen_without_template_makes_a_guarded_signing_key),
        TEST(keygen_of_a_key_to_be_read_says_so),
        TEST(keygen_objects_have_different_unique_ids),
        TEST(keygen_knows_curves_by_oid_and_by_name),
        TEST(keygen_by_rsa_has_the_exponent),
        TEST(keygen_refuses_what_it_cannot_make),
        TEST(keygen_refuses_bad_exponents),
        TEST(keygen_refuses_another_key_type),
        TEST(keygen_refuses_missing_arguments),
        TEST(keygen_of_private_keys_needs_login),
        TEST(keygen_in_readonly_session_makes_session_objects),
        TEST(keygen_for_an_identity_makes_its_key_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
