/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/rsa.h>

#include "base/openssl_auto.h"
#include "tests/core/forge.h"
#include "tests/pkcs11-module/bed.h"

static CK_BBOOL yes = CK_TRUE;
static CK_BBOOL no = CK_FALSE;
static CK_OBJECT_CLASS data_class = CKO_DATA;
static CK_OBJECT_CLASS certificate_class = CKO_CERTIFICATE;
static CK_OBJECT_CLASS public_class = CKO_PUBLIC_KEY;
static CK_OBJECT_CLASS private_class = CKO_PRIVATE_KEY;
static CK_OBJECT_CLASS secret_class = CKO_SECRET_KEY;
static CK_OBJECT_CLASS trust_class = CKO_NSS_TRUST;
static CK_OBJECT_CLASS profile_class = CKO_PROFILE;
static CK_KEY_TYPE rsa_type = CKK_RSA;
static CK_KEY_TYPE ec_type = CKK_EC;
static CK_KEY_TYPE edwards_type = CKK_EC_EDWARDS;
static CK_KEY_TYPE generic_type = CKK_GENERIC_SECRET;
static uint8_t p256[] = {0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07};
static uint8_t ed25519[] = {0x06, 0x03, 0x2b, 0x65, 0x70};

#define VALUE(type, variable)                                                                      \
    {                                                                                              \
        type, &variable, sizeof(variable)                                                          \
    }
#define BYTES(type, bytes, len)                                                                    \
    {                                                                                              \
        type, (void *)(bytes), len                                                                 \
    }

static CK_SESSION_HANDLE session;
static CK_OBJECT_HANDLE made;

static int setup(void **state)
{
    int rc = bed_setup(state);
    if (rc == 0) {
        bed_start(*state);
        session = bed_scratch();
    }
    return rc;
}

static CK_RV create(const CK_ATTRIBUTE *attributes, size_t count)
{
    return C_CreateObject(session, (CK_ATTRIBUTE *)attributes, count, &made);
}

static bool is_true(CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type)
{
    CK_BBOOL value = 2;
    CK_ATTRIBUTE asked = {type, &value, sizeof(value)};
    assert_int_equal(C_GetAttributeValue(session, object, &asked, 1), CKR_OK);
    return value == CK_TRUE;
}

static void assert_value(CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type, const void *bytes,
                         size_t len)
{
    zca_auto(zca_buffer) struct zca_buffer value = {0};
    bed_value(session, object, type, &value);
    assert_int_equal(value.len, len);
    assert_memory_equal(value.data, bytes, len);
}

/* ---- keys that OpenSSL made, as templates ---- */

static struct zca_span number_of(EVP_PKEY *key, const char *param, struct zca_buffer *storage)
{
    zca_auto(BIGNUM) BIGNUM *number = NULL;
    size_t before = storage->len;
    assert_int_equal(EVP_PKEY_get_bn_param(key, param, &number), 1);
    assert_true(zca_buffer_resize(storage, before + (size_t)BN_num_bytes(number), NULL));
    (void)BN_bn2bin(number, storage->data + before);
    return zca_span_of(storage->data + before, storage->len - before);
}

static const struct {
    CK_ATTRIBUTE_TYPE type;
    const char *param;
} rsa_parts[] = {
    {CKA_MODULUS,          OSSL_PKEY_PARAM_RSA_N           },
    {CKA_PUBLIC_EXPONENT,  OSSL_PKEY_PARAM_RSA_E           },
    {CKA_PRIVATE_EXPONENT, OSSL_PKEY_PARAM_RSA_D           },
    {CKA_PRIME_1,          OSSL_PKEY_PARAM_RSA_FACTOR1     },
    {CKA_PRIME_2,          OSSL_PKEY_PARAM_RSA_FACTOR2     },
    {CKA_EXPONENT_1,       OSSL_PKEY_PARAM_RSA_EXPONENT1   },
    {CKA_EXPONENT_2,       OSSL_PKEY_PARAM_RSA_EXPONENT2   },
    {CKA_COEFFICIENT,      OSSL_PKEY_PARAM_RSA_COEFFICIENT1},
};

#define NUM_OPEN_PARTS 2
#define NUM_NEEDED_PARTS 3

/* The first `num_parts` of an RSA key after the attributes that say what it is. Private values to be read again. */
static CK_RV create_rsa(EVP_PKEY *key, size_t num_parts, const CK_ATTRIBUTE *instead)
{
    zca_auto(zca_buffer) struct zca_buffer storage = {0};
    CK_ATTRIBUTE given[ZCA_COUNT(rsa_parts) + 4] = {
        VALUE(CKA_KEY_TYPE, rsa_type),
        VALUE(CKA_CLASS, public_class),
        VALUE(CKA_SENSITIVE, no),
        VALUE(CKA_EXTRACTABLE, yes),
    };
    CK_ULONG count = 2;
    if (num_parts > NUM_OPEN_PARTS) {
        given[1].pValue = &private_class;
        count = 4;
    }
    assert_true(zca_buffer_resize(&storage, 8192, NULL)); /* it does not move any more */
    storage.len = 0;
    for (size_t i = 0; i < num_parts; i++) {
        struct zca_span value = number_of(key, rsa_parts[i].param, &storage);
        given[count] = (CK_ATTRIBUTE)BYTES(rsa_parts[i].type, value.data, value.len);
        if (instead && instead->type == rsa_parts[i].type) {
            given[count] = *instead;
        }
        count++;
    }
    return create(given, count);
}

static void create_rsa_private_key_in_all_its_forms(void **state)
{
    static const size_t forms[] = {NUM_NEEDED_PARTS, 5, ZCA_COUNT(rsa_parts)};
    zca_auto(EVP_PKEY) EVP_PKEY *key = EVP_RSA_gen(2048);
    (void)state;
    for (size_t i = 0; i < ZCA_COUNT(forms); i++) {
        assert_int_equal(create_rsa(key, forms[i], NULL), CKR_OK);

        zca_auto(EVP_PKEY) EVP_PKEY *told = bed_key(session, made);
        assert_int_equal(EVP_PKEY_eq(key, told), 1);
        assert_false(is_true(made, CKA_LOCAL));
        assert_false(is_true(made, CKA_ALWAYS_SENSITIVE));
        assert_false(is_true(made, CKA_NEVER_EXTRACTABLE));
    }
    for (size_t i = 0; i < ZCA_COUNT(rsa_parts); i++) {
        zca_auto(zca_buffer) struct zca_buffer storage = {0};
        struct zca_span value = number_of(key, rsa_parts[i].param, &storage);
        assert_value(made, rsa_parts[i].type, value.data, value.len);
    }
}

static void create_rsa_public_key(void **state)
{
    CK_ULONG bits = 0;
    CK_ATTRIBUTE asked = VALUE(CKA_MODULUS_BITS, bits);
    zca_auto(EVP_PKEY) EVP_PKEY *key = EVP_RSA_gen(2048);
    (void)state;

    assert_int_equal(create_rsa(key, NUM_OPEN_PARTS, NULL), CKR_OK);

    zca_auto(EVP_PKEY) EVP_PKEY *told = bed_key(session, made);
    assert_int_equal(EVP_PKEY_eq(key, told), 1);
    assert_int_equal(C_GetAttributeValue(session, made, &asked, 1), CKR_OK);
    assert_int_equal(bits, 2048);
}

static void create_rsa_key_whose_parts_do_not_fit_fails(void **state)
{
    zca_auto(EVP_PKEY) EVP_PKEY *key = EVP_RSA_gen(2048);
    zca_auto(EVP_PKEY) EVP_PKEY *other = EVP_RSA_gen(2048);
    zca_auto(EVP_PKEY) EVP_PKEY *small = EVP_RSA_gen(1024);
    zca_auto(zca_buffer) struct zca_buffer exponent = {0};
    zca_auto(zca_buffer) struct zca_buffer prime = {0};
    struct zca_span wrong = number_of(other, OSSL_PKEY_PARAM_RSA_D, &exponent);
    struct zca_span alien = number_of(other, OSSL_PKEY_PARAM_RSA_FACTOR1, &prime);
    const CK_ATTRIBUTE wrong_exponent = BYTES(CKA_PRIVATE_EXPONENT, wrong.data, wrong.len);
    const CK_ATTRIBUTE wrong_prime = BYTES(CKA_PRIME_1, alien.data, alien.len);
    const CK_ATTRIBUTE even = BYTES(CKA_PUBLIC_EXPONENT, "\2", 1);
    (void)state;

    assert_int_equal(create_rsa(key, NUM_NEEDED_PARTS, &wrong_exponent),
                     CKR_ATTRIBUTE_VALUE_INVALID);
    assert_int_equal(create_rsa(key, ZCA_COUNT(rsa_parts), &wrong_prime),
                     CKR_ATTRIBUTE_VALUE_INVALID);
    assert_int_equal(create_rsa(key, NUM_OPEN_PARTS, &even), CKR_ATTRIBUTE_VALUE_INVALID);
    assert_int_equal(create_rsa(key, 1, NULL), CKR_TEMPLATE_INCOMPLETE);
    assert_int_equal(create_rsa(small, NUM_OPEN_PARTS, NULL), CKR_KEY_SIZE_RANGE);
}

/* ---- curves ---- */

static void create_ec_private_key_finds_its_point(void **state)
{
    zca_auto(EVP_PKEY) EVP_PKEY *key = EVP_EC_gen("P-256");
    zca_auto(zca_buffer) struct zca_buffer storage = {0};
    struct zca_span value = number_of(key, OSSL_PKEY_PARAM_PRIV_KEY, &storage);
    const CK_ATTRIBUTE given[] = {
        VALUE(CKA_CLASS, private_class),
        VALUE(CKA_KEY_TYPE, ec_type),
        VALUE(CKA_EC_PARAMS, p256),
        BYTES(CKA_VALUE, value.data, value.len),
    };
    uint8_t told[64];
    CK_ATTRIBUTE asked = VALUE(CKA_VALUE, told);
    (void)state;

    assert_int_equal(create(given, ZCA_COUNT(given)), CKR_OK);

    zca_auto(EVP_PKEY) EVP_PKEY *found = bed_key(session, made);
    assert_int_equal(EVP_PKEY_eq(key, found), 1);
    assert_int_equal(C_GetAttributeValue(session, made, &asked, 1), CKR_ATTRIBUTE_SENSITIVE);
    assert_int_equal(asked.ulValueLen, CK_UNAVAILABLE_INFORMATION);
}

static CK_RV create_point(const uint8_t *point, size_t len)
{
    const CK_ATTRIBUTE given[] = {
        VALUE(CKA_CLASS, public_class),
        VALUE(CKA_KEY_TYPE, ec_type),
        VALUE(CKA_EC_PARAMS, p256),
        BYTES(CKA_EC_POINT, point, len),
    };
    return create(given, ZCA_COUNT(given));
}

static void create_ec_public_key_from_raw_and_wrapped_points(void **state)
{
    uint8_t wrapped[2 + 65] = {0x04, 65};
    size_t len = 0;
    zca_auto(EVP_PKEY) EVP_PKEY *key = EVP_EC_gen("P-256");
    (void)state;
    assert_int_equal(EVP_PKEY_get_octet_string_param(key, OSSL_PKEY_PARAM_PUB_KEY, wrapped + 2,
                                                     sizeof(wrapped) - 2, &len),
                     1);

    assert_int_equal(create_point(wrapped, sizeof(wrapped)), CKR_OK);
    assert_value(made, CKA_EC_POINT, wrapped, sizeof(wrapped));
    assert_int_equal(create_point(wrapped + 2, sizeof(wrapped) - 2), CKR_OK);
    assert_value(made, CKA_EC_POINT, wrapped, sizeof(wrapped));
    wrapped[10] ^= 1; /* off the curve */
    assert_int_equal(create_point(wrapped, sizeof(wrapped)), CKR_ATTRIBUTE_VALUE_INVALID);
    assert_int_equal(create_point(wrapped, 10), CKR_ATTRIBUTE_VALUE_INVALID);
    assert_int_equal(create_point(wrapped, 0), CKR_ATTRIBUTE_VALUE_INVALID);
}

static void create_ec_private_key_out_of_range_fails(void **state)
{
    static const struct {
        size_t len;
        uint8_t fill;
    } values[] = {
        {32, 0xff},
        {32, 0x00},
        {40, 0x01},
        {0,  0x00},
    };

    (void)state;
    for (size_t i = 0; i < ZCA_COUNT(values); i++) {
        uint8_t bytes[40];
        memset(bytes, values[i].fill, sizeof(bytes));
        const CK_ATTRIBUTE given[] = {
            VALUE(CKA_CLASS, private_class),
            VALUE(CKA_KEY_TYPE, ec_type),
            VALUE(CKA_EC_PARAMS, p256),
            BYTES(CKA_VALUE, bytes, values[i].len),
        };
        assert_int_equal(create(given, ZCA_COUNT(given)), CKR_ATTRIBUTE_VALUE_INVALID);
    }
}

static void create_edwards_keys(void **state)
{
    uint8_t point[32];
    uint8_t value[32];
    size_t len = sizeof(point);
    zca_auto(EVP_PKEY) EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    assert_int_equal(EVP_PKEY_get_raw_public_key(key, point, &len), 1);
    assert_int_equal(EVP_PKEY_get_raw_private_key(key, value, &len), 1);
    const CK_ATTRIBUTE public_part[] = {
        VALUE(CKA_CLASS, public_class),
        VALUE(CKA_KEY_TYPE, edwards_type),
        VALUE(CKA_EC_PARAMS, ed25519),
        VALUE(CKA_EC_POINT, point),
    };
    const CK_ATTRIBUTE private_part[] = {
        VALUE(CKA_CLASS, private_class), VALUE(CKA_KEY_TYPE, edwards_type),
        VALUE(CKA_EC_PARAMS, ed25519),   VALUE(CKA_VALUE, value),
        VALUE(CKA_SENSITIVE, no),        VALUE(CKA_EXTRACTABLE, yes),
    };
    (void)state;

    assert_int_equal(create(public_part, ZCA_COUNT(public_part)), CKR_OK);
    assert_value(made, CKA_EC_POINT, point, sizeof(point));
    assert_int_equal(create(private_part, ZCA_COUNT(private_part)), CKR_OK);
    assert_value(made, CKA_VALUE, value, sizeof(value));
    zca_auto(EVP_PKEY) EVP_PKEY *found = bed_key(session, made);
    assert_int_equal(EVP_PKEY_eq(key, found), 1);
}

/* ---- certificates, data, trust ---- */

static void create_certificate_says_what_is_in_it(void **state)
{
    struct forge_ca ca;
    unsigned char *der = NULL;
    unsigned char *name = NULL;
    forge_ca_make(&ca, "A CA", NULL);
    int len = i2d_X509(ca.certificate, &der);
    int name_len = i2d_X509_NAME(X509_get_subject_name(ca.certificate), &name);
    const CK_ATTRIBUTE given[] = {
        VALUE(CKA_CLASS, certificate_class),
        BYTES(CKA_VALUE, der, (CK_ULONG)len),
        BYTES(CKA_ID, "\7", 1),
    };
    CK_ULONG category = CK_CERTIFICATE_CATEGORY_AUTHORITY;
    CK_ULONG type = CKC_X_509;
    zca_auto(zca_buffer) struct zca_buffer date = {0};
    (void)state;

    assert_int_equal(create(given, ZCA_COUNT(given)), CKR_OK);

    assert_value(made, CKA_SUBJECT, name, (size_t)name_len);
    assert_value(made, CKA_ISSUER, name, (size_t)name_len);
    assert_value(made, CKA_CERTIFICATE_TYPE, &type, sizeof(type));
    assert_value(made, CKA_CERTIFICATE_CATEGORY, &category, sizeof(category));
    assert_false(is_true(made, CKA_PRIVATE));
    assert_false(is_true(made, CKA_TRUSTED));
    bed_value(session, made, CKA_END_DATE, &date);
    assert_int_equal(date.len, sizeof(CK_DATE));
    zca_auto(EVP_PKEY) EVP_PKEY *found = bed_key(session, made);
    assert_int_equal(EVP_PKEY_eq(ca.key, found), 1);
    OPENSSL_free(der);
    OPENSSL_free(name);
    forge_ca_clear(&ca);
}

static void create_certificate_of_nonsense_fails(void **state)
{
    CK_ULONG other_type = CKC_WTLS;
    const CK_ATTRIBUTE given[] = {
        VALUE(CKA_CLASS, certificate_class),
        BYTES(CKA_VALUE, "nonsense", 8),
    };
    const CK_ATTRIBUTE other[] = {
        VALUE(CKA_CLASS, certificate_class),
        BYTES(CKA_VALUE, "nonsense", 8),
        VALUE(CKA_CERTIFICATE_TYPE, other_type),
    };
    const CK_ATTRIBUTE trusted[] = {
        VALUE(CKA_CLASS, certificate_class),
        BYTES(CKA_VALUE, "nonsense", 8),
        VALUE(CKA_TRUSTED, yes),
    };
    (void)state;
    assert_int_equal(create(given, 2), CKR_ATTRIBUTE_VALUE_INVALID);
    assert_int_equal(create(given, 1), CKR_TEMPLATE_INCOMPLETE);
    assert_int_equal(create(other, 3), CKR_ATTRIBUTE_VALUE_INVALID);
    assert_int_equal(create(trusted, 3), CKR_ATTRIBUTE_READ_ONLY); /* the SO's to say */
}

static void create_other_objects(void **state)
{
    CK_ULONG trusted = CKT_NSS_TRUSTED_DELEGATOR;
    const CK_ATTRIBUTE data[] = {
        VALUE(CKA_CLASS, data_class),
        VALUE(CKA_PRIVATE, no),
        BYTES(CKA_APPLICATION, "test", 4),
        BYTES(CKA_VALUE, "bytes", 5),
    };
    const CK_ATTRIBUTE trust[] = {
        VALUE(CKA_CLASS, trust_class),
        BYTES(CKA_ISSUER, "issuer", 6),
        BYTES(CKA_SERIAL_NUMBER, "1", 1),
        VALUE(CKA_TRUST_SERVER_AUTH, trusted),
        BYTES(CKA_CERT_SHA1_HASH, "0123456789", 10),
        VALUE(CKA_TRUST_STEP_UP_APPROVED, no),
    };
    const CK_ATTRIBUTE secret[] = {
        VALUE(CKA_CLASS, secret_class),
        VALUE(CKA_KEY_TYPE, generic_type),
        BYTES(CKA_VALUE, "secret", 6),
    };
    const CK_ATTRIBUTE profile[] = {VALUE(CKA_CLASS, profile_class)};
    (void)state;
    assert_int_equal(create(data, ZCA_COUNT(data)), CKR_OK);
    assert_value(made, CKA_VALUE, "bytes", 5);
    assert_int_equal(create(trust, ZCA_COUNT(trust)), CKR_OK);
    assert_value(made, CKA_TRUST_SERVER_AUTH, &trusted, sizeof(trusted));
    assert_int_equal(create(secret, ZCA_COUNT(secret)), CKR_OK);
    assert_true(is_true(made, CKA_SENSITIVE));
    assert_int_equal(create(profile, 1), CKR_ATTRIBUTE_VALUE_INVALID);
}

static void create_without_what_it_needs_fails(void **state)
{
    const CK_ATTRIBUTE given[] = {BYTES(CKA_VALUE, "x", 1)};
    const CK_ATTRIBUTE key[] = {VALUE(CKA_CLASS, public_class)};
    CK_ATTRIBUTE huge[] = {BYTES(CKA_VALUE, "x", (CK_ULONG)1 << 40)};
    (void)state;
    assert_int_equal(create(given, 1), CKR_TEMPLATE_INCOMPLETE);
    assert_int_equal(create(key, 1), CKR_TEMPLATE_INCOMPLETE);
    assert_int_equal(create(NULL, 0), CKR_ARGUMENTS_BAD);
    assert_int_equal(create(given, (CK_ULONG)1 << 60), CKR_ARGUMENTS_BAD);
    assert_int_equal(create(huge, 1), CKR_ATTRIBUTE_VALUE_INVALID);
    assert_int_equal(C_CreateObject(session, huge, 1, NULL), CKR_ARGUMENTS_BAD);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, bed_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(create_rsa_private_key_in_all_its_forms),
        TEST(create_rsa_public_key),
        TEST(create_rsa_key_whose_parts_do_not_fit_fails),
        TEST(create_ec_private_key_finds_its_point),
        TEST(create_ec_public_key_from_raw_and_wrapped_points),
        TEST(create_ec_private_key_out_of_range_fails),
        TEST(create_edwards_keys),
        TEST(create_certificate_says_what_is_in_it),
        TEST(create_certificate_of_nonsense_fails),
        TEST(create_other_objects),
        TEST(create_without_what_it_needs_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
