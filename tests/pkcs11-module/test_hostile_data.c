/* SPDX-License-Identifier: Apache-2.0 */
/* Templates and mechanisms that no application should give, each in a process of its own (test_hostile.c). */
#include <stdio.h>
#include <string.h>

#include "tests/pkcs11-module/world.h"

#define SET(name, ...) static const CK_RV name[] = {__VA_ARGS__, CODES_END}
#define NOWHERE (1UL << 40)

SET(fine, CKR_OK);
SET(bad_value, CKR_ATTRIBUTE_VALUE_INVALID);
SET(bad_type, CKR_ATTRIBUTE_TYPE_INVALID);
SET(read_only, CKR_ATTRIBUTE_READ_ONLY, CKR_TEMPLATE_INCONSISTENT);
SET(incomplete, CKR_TEMPLATE_INCOMPLETE);
SET(inconsistent, CKR_TEMPLATE_INCONSISTENT);
SET(bad_curve, CKR_CURVE_NOT_SUPPORTED, CKR_DOMAIN_PARAMS_INVALID, CKR_ATTRIBUTE_VALUE_INVALID);
SET(bad_size, CKR_KEY_SIZE_RANGE, CKR_ATTRIBUTE_VALUE_INVALID);
SET(bad_key_type, CKR_KEY_TYPE_INCONSISTENT);
SET(not_permitted, CKR_KEY_FUNCTION_NOT_PERMITTED);
SET(bad_handle, CKR_KEY_HANDLE_INVALID);
SET(bad_parameter, CKR_MECHANISM_PARAM_INVALID);
SET(bad_arguments, CKR_ARGUMENTS_BAD);

/* ---- templates ---- */

static CK_BBOOL yes = CK_TRUE;
static CK_OBJECT_CLASS data = CKO_DATA;
static CK_OBJECT_CLASS certificate = CKO_CERTIFICATE;
static CK_OBJECT_CLASS public_key = CKO_PUBLIC_KEY;
static CK_OBJECT_CLASS private_key = CKO_PRIVATE_KEY;
static CK_OBJECT_CLASS secret_key = CKO_SECRET_KEY;
static CK_OBJECT_CLASS hardware = CKO_HW_FEATURE;
static CK_OBJECT_CLASS profile = CKO_PROFILE;
static CK_ULONG all_ones = -1UL;
static CK_ULONG none;
static CK_ULONG many = 1UL << 40;
static CK_ULONG some = 16;
static CK_KEY_TYPE ec = CKK_EC;
static CK_KEY_TYPE rsa = CKK_RSA;
static CK_KEY_TYPE generic = CKK_GENERIC_SECRET;
static uint8_t p256[] = {0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07};
static uint8_t unknown_curve[] = {0x06, 0x03, 0x2a, 0x03, 0x04};
static uint8_t endless[] = {0x30, 0x84, 0xff, 0xff, 0xff, 0xff, 0x06, 0x80};
static uint8_t nothing[300];
static uint8_t all_set[300]; /* filled in main */
static uint8_t off_curve[67] = {0x04, 0x41, 0x04, 0x01};
static uint8_t even[] = {0x01, 0x00, 0x02};
static CK_UTF8CHAR no_text[] = {0xff, 0xc0, 0x80, 0xed, 0xa0, 0x80};
static CK_ATTRIBUTE inner = {CKA_LABEL, NULL, 1UL << 40};

#define THE(type, variable)                                                                        \
    {                                                                                              \
        CKA_##type, &variable, sizeof(variable)                                                    \
    }
#define SOME(type, array)                                                                          \
    {                                                                                              \
        CKA_##type, array, sizeof(array)                                                           \
    }
#define RAW(type, pointer, len)                                                                    \
    {                                                                                              \
        CKA_##type, pointer, len                                                                   \
    }

#define MAX_ATTRIBUTES 7

static const struct template_row {
    const char *function, *name;
    enum kind kind; /* of the argument that the template replaces */
    CK_ULONG count;
    CK_ATTRIBUTE attributes[MAX_ATTRIBUTES];
    const CK_RV *codes;
} template_rows[] = {

#define CREATE(name, codes, count, ...)                                                            \
    {                                                                                              \
        "C_CreateObject", name, KIND_NEW_DATA, count, {__VA_ARGS__}, codes                         \
    }
    CREATE("nothing", incomplete, 0, {0}),
    CREATE("no class", incomplete, 1, SOME(LABEL, nothing)),
    CREATE("class NULL", bad_value, 1, RAW(CLASS, NULL, 8)),
    CREATE("class empty", bad_value, 1, RAW(CLASS, &data, 0)),
    CREATE("class short", bad_value, 1, RAW(CLASS, &data, 7)),
    CREATE("class long", bad_value, 1, RAW(CLASS, nothing, 9)),
    CREATE("class of -1", bad_value, 1, THE(CLASS, all_ones)),
    CREATE("class of a length of -1", bad_value, 1, RAW(CLASS, &data, -1UL)),
    CREATE("class of a terabyte", bad_value, 1, RAW(CLASS, &data, NOWHERE)),
    CREATE("hardware", bad_value, 1, THE(CLASS, hardware)),
    CREATE("a profile", bad_value, 1, THE(CLASS, profile)),
    CREATE("two classes", inconsistent, 2, THE(CLASS, data), THE(CLASS, certificate)),
    CREATE("label NULL", bad_value, 2, THE(CLASS, data), RAW(LABEL, NULL, 1)),
    CREATE("label of -1", bad_value, 2, THE(CLASS, data), RAW(LABEL, nothing, -1UL)),
    CREATE("label of 2^63", bad_value, 2, THE(CLASS, data), RAW(LABEL, nothing, 1UL << 63)),
    CREATE("label of no text", bad_value, 2, THE(CLASS, data), SOME(LABEL, no_text)),
    CREATE("truth of four bytes", bad_value, 2, THE(CLASS, data), RAW(TOKEN, nothing, 4)),
    CREATE("truth of none", bad_value, 2, THE(CLASS, data), RAW(TOKEN, nothing, 0)),
    CREATE("unknown type", bad_type, 2, THE(CLASS, data), {0x77777777, nothing, 1}),
    CREATE("type of -1", bad_type, 2, THE(CLASS, data), {-1UL, nothing, 1}),
    CREATE("a key's attribute", bad_type, 2, THE(CLASS, data), THE(SIGN, yes)),
    CREATE("a value of a terabyte", bad_value, 2, THE(CLASS, data), RAW(VALUE, nothing, NOWHERE)),
    CREATE("certificate of nothing", incomplete, 1, THE(CLASS, certificate)),
    CREATE("certificate of zeros", bad_value, 2, THE(CLASS, certificate), SOME(VALUE, nothing)),
    CREATE("endless certificate", bad_value, 2, THE(CLASS, certificate), SOME(VALUE, endless)),
    CREATE("certificate of -1", bad_value, 3, THE(CLASS, certificate), SOME(VALUE, endless),
           THE(CERTIFICATE_TYPE, all_ones)),
    CREATE("key of no type", incomplete, 1, THE(CLASS, private_key)),
    CREATE("key of type -1", bad_value, 2, THE(CLASS, private_key), THE(KEY_TYPE, all_ones)),
    CREATE("EC key of nothing", incomplete, 2, THE(CLASS, private_key), THE(KEY_TYPE, ec)),
    CREATE("EC key of zero", bad_value, 4, THE(CLASS, private_key), THE(KEY_TYPE, ec),
           SOME(EC_PARAMS, p256), RAW(VALUE, nothing, 32)),
    CREATE("EC key of an empty value", bad_value, 4, THE(CLASS, private_key), THE(KEY_TYPE, ec),
           SOME(EC_PARAMS, p256), RAW(VALUE, nothing, 0)),
    CREATE("EC key beyond the order", bad_value, 4, THE(CLASS, private_key), THE(KEY_TYPE, ec),
           SOME(EC_PARAMS, p256), RAW(VALUE, all_set, 32)),
    CREATE("EC key far too long", bad_value, 4, THE(CLASS, private_key), THE(KEY_TYPE, ec),
           SOME(EC_PARAMS, p256), SOME(VALUE, all_set)),
    CREATE("EC key of no curve", bad_curve, 4, THE(CLASS, private_key), THE(KEY_TYPE, ec),
           SOME(EC_PARAMS, unknown_curve), RAW(VALUE, all_set, 32)),
    CREATE("EC key of an endless curve", bad_curve, 4, THE(CLASS, private_key), THE(KEY_TYPE, ec),
           SOME(EC_PARAMS, endless), RAW(VALUE, all_set, 32)),
    CREATE("point off the curve", bad_value, 4, THE(CLASS, public_key), THE(KEY_TYPE, ec),
           SOME(EC_PARAMS, p256), SOME(EC_POINT, off_curve)),
    CREATE("point of one byte", bad_value, 4, THE(CLASS, public_key), THE(KEY_TYPE, ec),
           SOME(EC_PARAMS, p256), RAW(EC_POINT, nothing, 1)),
    CREATE("point of its header", bad_value, 4, THE(CLASS, public_key), THE(KEY_TYPE, ec),
           SOME(EC_PARAMS, p256), RAW(EC_POINT, off_curve, 2)),
    CREATE("RSA key of nothing", incomplete, 2, THE(CLASS, private_key), THE(KEY_TYPE, rsa)),
    CREATE("RSA key of zero", bad_size, 4, THE(CLASS, public_key), THE(KEY_TYPE, rsa),
           RAW(MODULUS, nothing, 256), SOME(PUBLIC_EXPONENT, even)),
    CREATE("RSA key with an even exponent", bad_value, 4, THE(CLASS, public_key),
           THE(KEY_TYPE, rsa), RAW(MODULUS, all_set, 256), SOME(PUBLIC_EXPONENT, even)),
    CREATE("RSA key that is none", bad_value, 5, THE(CLASS, private_key), THE(KEY_TYPE, rsa),
           RAW(MODULUS, all_set, 256), RAW(PUBLIC_EXPONENT, all_set, 1),
           RAW(PRIVATE_EXPONENT, all_set, 255)),
    CREATE("secret key of nothing", incomplete, 2, THE(CLASS, secret_key), THE(KEY_TYPE, generic)),
    CREATE("secret key of type -1", incomplete, 3, THE(CLASS, secret_key), THE(KEY_TYPE, all_ones),
           RAW(VALUE, nothing, 16)),
    CREATE("mechanisms of seven bytes", bad_value, 4, THE(CLASS, secret_key),
           THE(KEY_TYPE, generic), RAW(VALUE, nothing, 16), RAW(ALLOWED_MECHANISMS, nothing, 7)),
    CREATE("template in a template", bad_type, 4, THE(CLASS, secret_key), THE(KEY_TYPE, generic),
           RAW(VALUE, nothing, 16), THE(WRAP_TEMPLATE, inner)),
    CREATE("a date of -1", bad_value, 4, THE(CLASS, secret_key), THE(KEY_TYPE, generic),
           RAW(VALUE, nothing, 16), RAW(START_DATE, nothing, -1UL)),
    CREATE("a date of three bytes", bad_value, 4, THE(CLASS, secret_key), THE(KEY_TYPE, generic),
           RAW(VALUE, nothing, 16), RAW(START_DATE, nothing, 3)),
#undef CREATE
#define PAIR(name, codes, count, ...)                                                              \
    {                                                                                              \
        "C_GenerateKeyPair", name, KIND_PUBLIC_PART, count, {__VA_ARGS__}, codes                   \
    }
    PAIR("no curve", incomplete, 0, {0}),
    PAIR("a curve NULL", bad_value, 1, RAW(EC_PARAMS, NULL, 10)),
    PAIR("a curve of nothing", bad_curve, 1, RAW(EC_PARAMS, NULL, 0)),
    PAIR("an unknown curve", bad_curve, 1, SOME(EC_PARAMS, unknown_curve)),
    PAIR("an endless curve", bad_curve, 1, SOME(EC_PARAMS, endless)),
    PAIR("a curve of -1", bad_value, 1, RAW(EC_PARAMS, p256, -1UL)),
    PAIR("another key type", inconsistent, 2, SOME(EC_PARAMS, p256), THE(KEY_TYPE, rsa)),
    PAIR("another class", inconsistent, 2, SOME(EC_PARAMS, p256), THE(CLASS, private_key)),
#undef PAIR
#define OTHER(function, kind, name, codes, count, ...)                                             \
    {                                                                                              \
        function, name, KIND_##kind, count, {__VA_ARGS__}, codes                                   \
    }
    OTHER("C_GenerateKeyPair", PRIVATE_PART, "a value", read_only, 1, RAW(VALUE, nothing, 32)),
    OTHER("C_GenerateKeyPair", PRIVATE_PART, "ID NULL", bad_value, 1, RAW(ID, NULL, 20)),
    OTHER("C_GenerateKey", SECRET_PART, "no length", incomplete, 0, {0}),
    OTHER("C_GenerateKey", SECRET_PART, "length of 0", bad_size, 1, THE(VALUE_LEN, none)),
    OTHER("C_GenerateKey", SECRET_PART, "length of -1", bad_size, 1, THE(VALUE_LEN, all_ones)),
    OTHER("C_GenerateKey", SECRET_PART, "length of 2^40", bad_size, 1, THE(VALUE_LEN, many)),
    OTHER("C_GenerateKey", SECRET_PART, "a value", read_only, 2, THE(VALUE_LEN, some),
          RAW(VALUE, nothing, 1)),
    OTHER("C_DeriveKey", SECRET_PART, "length of 0", bad_size, 1, THE(VALUE_LEN, none)),
    OTHER("C_DeriveKey", SECRET_PART, "length of -1", bad_size, 1, THE(VALUE_LEN, all_ones)),
    OTHER("C_DeriveKey", SECRET_PART, "length of 2^40", bad_size, 1, THE(VALUE_LEN, many)),
    OTHER("C_DeriveKey", SECRET_PART, "a class", inconsistent, 1, THE(CLASS, data)),
    OTHER("C_FindObjectsInit", SEARCH, "value NULL", bad_value, 1, RAW(VALUE, NULL, 8)),
    OTHER("C_FindObjectsInit", SEARCH, "length of -1", bad_value, 1, RAW(ID, nothing, -1UL)),
    OTHER("C_FindObjectsInit", SEARCH, "length of 2^40", bad_value, 1, RAW(ID, nothing, NOWHERE)),
    OTHER("C_FindObjectsInit", SEARCH, "ID of nothing", fine, 1, RAW(ID, NULL, 0)),
    OTHER("C_FindObjectsInit", SEARCH, "class of seven bytes", fine, 1, RAW(CLASS, &data, 7)),
    OTHER("C_FindObjectsInit", SEARCH, "type of -1", fine, 1, {-1UL, nothing, 1}),
    OTHER("C_GetAttributeValue", QUESTION, "type of -1", bad_type, 1, {-1UL, nothing, 1}),
    OTHER("C_GetAttributeValue", QUESTION, "length of junk", fine, 1, RAW(LABEL, NULL, NOWHERE)),
    OTHER("C_GetAttributeValue", QUESTION, "twice", fine, 2, RAW(CLASS, NULL, 0),
          RAW(CLASS, NULL, 8)),
    OTHER("C_SetAttributeValue", NEW_LABEL, "class", read_only, 1, THE(CLASS, certificate)),
    OTHER("C_SetAttributeValue", NEW_LABEL, "label NULL", bad_value, 1, RAW(LABEL, NULL, 1)),
    OTHER("C_SetAttributeValue", NEW_LABEL, "label of -1", bad_value, 1, RAW(LABEL, &data, -1UL)),
    OTHER("C_SetAttributeValue", NEW_LABEL, "unknown", bad_type, 1, {0x77777777, nothing, 1}),
    OTHER("C_CopyObject", NEW_LABEL, "class", read_only, 1, THE(CLASS, certificate)),
    OTHER("C_CopyObject", NEW_LABEL, "label NULL", bad_value, 1, RAW(LABEL, NULL, 1)),
    OTHER("C_CopyObject", NEW_LABEL, "label of 2^40", bad_value, 1, RAW(LABEL, &data, NOWHERE)),
#undef OTHER
};

/* ---- mechanisms ---- */

static CK_RSA_PKCS_PSS_PARAMS pss = {CKM_SHA256, CKG_MGF1_SHA256, 222};
static CK_RSA_PKCS_PSS_PARAMS pss_long = {CKM_SHA256, CKG_MGF1_SHA256, 223};
static CK_RSA_PKCS_PSS_PARAMS pss_of_less = {CKM_SHA256, CKG_MGF1_SHA256, -1UL};
static CK_RSA_PKCS_PSS_PARAMS pss_of_2_63 = {CKM_SHA256, CKG_MGF1_SHA256, 1UL << 63};
static CK_RSA_PKCS_PSS_PARAMS pss_no_hash = {0, CKG_MGF1_SHA256, 32};
static CK_RSA_PKCS_PSS_PARAMS pss_odd_hash = {CKM_ECDSA, CKG_MGF1_SHA256, 32};
static CK_RSA_PKCS_PSS_PARAMS pss_other_hash = {CKM_SHA384, CKG_MGF1_SHA256, 32};
static CK_RSA_PKCS_PSS_PARAMS pss_no_mask = {CKM_SHA256, 0, 32};
static CK_RSA_PKCS_PSS_PARAMS pss_odd_mask = {CKM_SHA256, -1UL, 32};
static CK_RSA_PKCS_OAEP_PARAMS oaep_no_data = {CKM_SHA256, CKG_MGF1_SHA256, CKZ_DATA_SPECIFIED,
                                               NULL, 16};
static CK_RSA_PKCS_OAEP_PARAMS oaep_of_less = {CKM_SHA256, CKG_MGF1_SHA256, CKZ_DATA_SPECIFIED,
                                               nothing, -1UL};
static CK_RSA_PKCS_OAEP_PARAMS oaep_of_tera = {CKM_SHA256, CKG_MGF1_SHA256, CKZ_DATA_SPECIFIED,
                                               nothing, NOWHERE};
static CK_RSA_PKCS_OAEP_PARAMS oaep_odd_source = {CKM_SHA256, CKG_MGF1_SHA256, 77, nothing, 16};
static CK_RSA_PKCS_OAEP_PARAMS oaep_odd_hash = {-1UL, CKG_MGF1_SHA256, CKZ_DATA_SPECIFIED, NULL, 0};
static CK_RSA_PKCS_OAEP_PARAMS oaep_odd_mask = {CKM_SHA256, 99, CKZ_DATA_SPECIFIED, NULL, 0};
static CK_ECDH1_DERIVE_PARAMS ecdh_no_point = {CKD_NULL, 0, NULL, 65, NULL};
static CK_ECDH1_DERIVE_PARAMS ecdh_empty = {CKD_NULL, 0, NULL, 0, nothing};
static CK_ECDH1_DERIVE_PARAMS ecdh_of_less = {CKD_NULL, 0, NULL, -1UL, nothing};
static CK_ECDH1_DERIVE_PARAMS ecdh_of_tera = {CKD_NULL, 0, NULL, NOWHERE, nothing};
static CK_ECDH1_DERIVE_PARAMS ecdh_zeros = {CKD_NULL, 0, NULL, 65, nothing};
static CK_ECDH1_DERIVE_PARAMS ecdh_off = {CKD_NULL, 0, NULL, 65, off_curve + 2};
static CK_ECDH1_DERIVE_PARAMS ecdh_short = {CKD_NULL, 0, NULL, 1, nothing};
static CK_ECDH1_DERIVE_PARAMS ecdh_odd_kdf = {99, 0, NULL, 65, nothing};
static CK_ECDH1_DERIVE_PARAMS ecdh_shared = {CKD_NULL, -1UL, nothing, 65, nothing};

static const struct mechanism_row {
    const char *function, *name;
    enum kind key; /* good arguments have another; NUM_KINDS: theirs */
    CK_MECHANISM mechanism;
    const CK_RV *codes;
} mechanism_rows[] = {

#define SIGN(name, key, codes, ...)                                                                \
    {                                                                                              \
        "C_SignInit", name, KIND_##key, {__VA_ARGS__}, codes                                       \
    }
#define PSS(name, codes, variable)                                                                 \
    SIGN(name, DECRYPT_KEY, codes, CKM_SHA256_RSA_PKCS_PSS, &variable, sizeof(variable))
    PSS("PSS with the longest salt", fine, pss),
    PSS("PSS with a salt too long", bad_parameter, pss_long),
    PSS("PSS with a salt of -1", bad_parameter, pss_of_less),
    PSS("PSS with a salt of 2^63", bad_parameter, pss_of_2_63),
    PSS("PSS without hash", bad_parameter, pss_no_hash),
    PSS("PSS with no hash", bad_parameter, pss_odd_hash),
    PSS("PSS with another hash", bad_parameter, pss_other_hash),
    PSS("PSS without mask", bad_parameter, pss_no_mask),
    PSS("PSS with a mask of -1", bad_parameter, pss_odd_mask),
    SIGN("PSS of nothing", DECRYPT_KEY, bad_parameter, CKM_RSA_PKCS_PSS, NULL, 0),
    SIGN("PSS of NULL", DECRYPT_KEY, bad_arguments, CKM_RSA_PKCS_PSS, NULL, sizeof(pss)),
    SIGN("PSS too short", DECRYPT_KEY, bad_parameter, CKM_RSA_PKCS_PSS, &pss, sizeof(pss) - 1),
    SIGN("PSS too long", DECRYPT_KEY, bad_parameter, CKM_RSA_PKCS_PSS, &pss, sizeof(pss) + 1),
    SIGN("PSS of -1", DECRYPT_KEY, bad_parameter, CKM_RSA_PKCS_PSS, &pss, -1UL),
    SIGN("PSS of a terabyte", DECRYPT_KEY, bad_parameter, CKM_RSA_PKCS_PSS, &pss, NOWHERE),
    SIGN("PSS at an odd address", DECRYPT_KEY, bad_parameter, CKM_RSA_PKCS_PSS, nothing + 1,
         sizeof(pss)),
    SIGN("ECDSA with a parameter", SIGN_KEY, bad_parameter, CKM_ECDSA, nothing, 4),
    SIGN("ECDSA with a parameter NULL", SIGN_KEY, bad_arguments, CKM_ECDSA, NULL, 4),
    SIGN("RSA with a parameter", DECRYPT_KEY, bad_parameter, CKM_RSA_PKCS, nothing, -1UL),
    SIGN("ECDSA with an RSA key", DECRYPT_KEY, bad_key_type, CKM_ECDSA, NULL, 0),
    SIGN("RSA with an EC key", SIGN_KEY, bad_key_type, CKM_RSA_PKCS, NULL, 0),
    SIGN("EdDSA with an EC key", SIGN_KEY, bad_key_type, CKM_EDDSA, NULL, 0),
    SIGN("ECDSA with a public key", VERIFY_KEY, not_permitted, CKM_ECDSA, NULL, 0),
    SIGN("ECDSA with a secret key", SECRET_KEY, bad_key_type, CKM_ECDSA, NULL, 0),
    SIGN("ECDSA with data", OBJECT, bad_handle, CKM_ECDSA, NULL, 0),
#undef PSS
#undef SIGN
#define ROW(function, key, name, codes, ...)                                                       \
    {                                                                                              \
        function, name, key, {__VA_ARGS__}, codes                                                  \
    }
#define OAEP(name, variable)                                                                       \
    ROW("C_EncryptInit", NUM_KINDS, name, bad_parameter, CKM_RSA_PKCS_OAEP, &variable,             \
        sizeof(variable))
    OAEP("OAEP without its label", oaep_no_data),
    OAEP("OAEP with a label of -1", oaep_of_less),
    OAEP("OAEP with a label of a terabyte", oaep_of_tera),
    OAEP("OAEP with another source", oaep_odd_source),
    OAEP("OAEP with a hash of -1", oaep_odd_hash),
    OAEP("OAEP with another mask", oaep_odd_mask),
    ROW("C_DecryptInit", NUM_KINDS, "OAEP of NULL", bad_arguments, CKM_RSA_PKCS_OAEP, NULL,
        sizeof(CK_RSA_PKCS_OAEP_PARAMS)),
    ROW("C_DecryptInit", KIND_ENCRYPT_KEY, "public key", not_permitted, CKM_RSA_PKCS, NULL, 0),
    ROW("C_EncryptInit", KIND_DECRYPT_KEY, "private key", not_permitted, CKM_RSA_PKCS, NULL, 0),
    ROW("C_VerifyInit", KIND_SIGN_KEY, "private key", not_permitted, CKM_ECDSA, NULL, 0),
    ROW("C_VerifyInit", KIND_OBJECT, "data", bad_handle, CKM_ECDSA, NULL, 0),
    ROW("C_DigestInit", NUM_KINDS, "parameter", bad_parameter, CKM_SHA256, nothing, -1UL),
    ROW("C_GenerateKeyPair", NUM_KINDS, "parameter", bad_parameter, CKM_EC_KEY_PAIR_GEN, nothing,
        8),
    ROW("C_GenerateKeyPair", NUM_KINDS, "RSA without length", incomplete, CKM_RSA_PKCS_KEY_PAIR_GEN,
        NULL, 0),
    ROW("C_GenerateKeyPair", NUM_KINDS, "Edwards on P-256", bad_curve, CKM_EC_EDWARDS_KEY_PAIR_GEN,
        NULL, 0),
#undef OAEP
#define ECDH(name, codes, variable)                                                                \
    ROW("C_DeriveKey", NUM_KINDS, name, codes, CKM_ECDH1_DERIVE, &variable, sizeof(variable))
    ECDH("ECDH without point", bad_parameter, ecdh_no_point),
    ECDH("ECDH with an empty point", bad_parameter, ecdh_empty),
    ECDH("ECDH with a point of -1", bad_parameter, ecdh_of_less),
    ECDH("ECDH with a point of a terabyte", bad_parameter, ecdh_of_tera),
    ECDH("ECDH with zeros", bad_parameter, ecdh_zeros),
    ECDH("ECDH off the curve", bad_parameter, ecdh_off),
    ECDH("ECDH with one byte", bad_parameter, ecdh_short),
    ECDH("ECDH with another derivation", bad_parameter, ecdh_odd_kdf),
    ECDH("ECDH with shared data of -1", bad_parameter, ecdh_shared),
    ROW("C_DeriveKey", NUM_KINDS, "ECDH of NULL", bad_arguments, CKM_ECDH1_DERIVE, NULL, 40),
    ROW("C_DeriveKey", NUM_KINDS, "ECDH of nothing", bad_parameter, CKM_ECDH1_DERIVE, NULL, 0),
    ROW("C_DeriveKey", KIND_DECRYPT_KEY, "ECDH with an RSA key", bad_key_type, CKM_ECDH1_DERIVE,
        &ecdh_zeros, sizeof(ecdh_zeros)),
    ROW("C_DeriveKey", KIND_VERIFY_KEY, "ECDH with a public key", not_permitted, CKM_ECDH1_DERIVE,
        &ecdh_zeros, sizeof(ecdh_zeros)),
#undef ECDH
#undef ROW
};

/* ---- one call ---- */

struct attempt {
    const struct call_row *row;
    union argument arguments[CALL_MAX_ARGUMENTS];
};

static CK_RV try(const void *argument)
{
    const struct attempt *attempt = argument;
    return attempt->row->call(attempt->arguments);
}

static size_t place_of(const struct call_row *row, enum kind first, enum kind last)
{
    size_t place = 0;
    while (place < row->num_kinds && (row->kinds[place] < first || row->kinds[place] > last)) {
        place++;
    }
    assert_true(place < row->num_kinds);
    return place;
}

static void expect(struct world *world, const struct attempt *attempt, const char *what,
                   const CK_RV *codes)
{
    zca_auto(text) char *name = NULL;
    assert_true(asprintf(&name, "%s: %s", attempt->row->name, what) > 0);
    world_expect(world, name, try, attempt, codes);
}

static void template_that_is_wrong_is_refused(void **state)
{
    struct world *world = *state;
    for (size_t i = 0; i < ZCA_COUNT(template_rows); i++) {
        const struct template_row *row = &template_rows[i];
        struct attempt attempt = {.row = call_find(row->function)};
        CK_ATTRIBUTE attributes[MAX_ATTRIBUTES];
        memcpy(attributes, row->attributes, sizeof(attributes));
        world_arguments(world, attempt.row, attempt.arguments);
        size_t place = place_of(attempt.row, row->kind, row->kind);
        attempt.arguments[place].pointer = attributes;
        attempt.arguments[place + 1].number = row->count;
        expect(world, &attempt, row->name, row->codes);
    }
    world_check(world, 80);
}

static void mechanism_that_is_wrong_is_refused(void **state)
{
    struct world *world = *state;
    for (size_t i = 0; i < ZCA_COUNT(mechanism_rows); i++) {
        const struct mechanism_row *row = &mechanism_rows[i];
        struct attempt attempt = {.row = call_find(row->function)};
        CK_MECHANISM mechanism = row->mechanism;
        world_arguments(world, attempt.row, attempt.arguments);
        attempt.arguments[place_of(attempt.row, KIND_MECHANISM, KIND_SECRET)].pointer = &mechanism;
        if (row->key != NUM_KINDS) {
            attempt.arguments[place_of(attempt.row, KIND_SIGN_KEY, KIND_SECRET_KEY)] =
                world->good[row->key];
        }
        expect(world, &attempt, row->name, row->codes);
    }
    world_check(world, 50);
}

/* Every attribute that we know and some that we do not, with each length that is none. */
static void attribute_of_any_length_is_survived(void **state)
{
    SET(any, CKR_OK, CKR_ATTRIBUTE_VALUE_INVALID, CKR_ATTRIBUTE_TYPE_INVALID,
        CKR_ATTRIBUTE_READ_ONLY, CKR_TEMPLATE_INCONSISTENT, CKR_TEMPLATE_INCOMPLETE);
    static const CK_ULONG lens[] = {0, 1, 7, 8, 9, 300, NOWHERE, 1UL << 63, -1UL};
    static const CK_ATTRIBUTE_TYPE more[] = {
        CKA_UNIQUE_ID, CKA_PROFILE_ID,    CKA_ZCA_STATE, CKA_MODULUS,
        CKA_EC_POINT,  CKA_WRAP_TEMPLATE, CKA_VALUE_LEN, CKA_ALLOWED_MECHANISMS};
    struct world *world = *state;
    struct attempt attempt = {.row = call_find("C_CreateObject")};
    for (CK_ATTRIBUTE_TYPE type = CKA_TOKEN; type < 0x10 + ZCA_COUNT(more); type++) {
        for (size_t i = 0; i < ZCA_COUNT(lens); i++) {
            CK_ATTRIBUTE attributes[] = {
                THE(CLASS, data),
                {type < 0x10 ? type : more[type - 0x10], nothing, lens[i]},
            };
            world_arguments(world, attempt.row, attempt.arguments);
            attempt.arguments[1].pointer = attributes;
            attempt.arguments[2].number = 2;
            expect(world, &attempt, "an attribute of some length", any);
        }
    }
    world_check(world, 200);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(template_that_is_wrong_is_refused),
        CASE(mechanism_that_is_wrong_is_refused),
        CASE(attribute_of_any_length_is_survived),
    };
    memset(all_set, 0xff, sizeof(all_set));
    return cmocka_run_group_tests(tests, NULL, NULL);
}
