/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys that an application brings along (C_CreateObject). OpenSSL takes private values as they are, so what it would not
 * notice is looked at here: whether they belong to the public ones.
 */
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/ec.h>

#include "base/algorithm.h"
#include "base/openssl_auto.h"
#include "pkcs11-module/curve.h"
#include "pkcs11-module/material.h"
#include "pkcs11-module/template.h"

#define MIN_RSA_BITS 1024
#define MAX_RSA_BITS 8192

ZCA_DEFINE_AUTO(EC_GROUP, EC_GROUP, EC_GROUP_free);
ZCA_DEFINE_AUTO(EC_POINT, EC_POINT, EC_POINT_free);
ZCA_DEFINE_AUTO(BN_CTX, BN_CTX, BN_CTX_free);

/* What an import reads, and with which selection OpenSSL takes it. */
struct import {
    OSSL_LIB_CTX *context;
    const struct zca_template *template;
    bool is_private;
};

static CK_RV get_bytes(const struct import *import, CK_ATTRIBUTE_TYPE type,
                       struct zca_span *out_bytes)
{
    const CK_ATTRIBUTE *given = zca_template_find(import->template, type);
    if (!given) {
        return CKR_TEMPLATE_INCOMPLETE;
    }
    *out_bytes = zca_span_of(given->pValue, given->ulValueLen);
    return given->ulValueLen != 0 ? CKR_OK : CKR_ATTRIBUTE_VALUE_INVALID;
}

static CK_RV make_key(const struct import *import, const char *keymgmt, OSSL_PARAM_BLD *builder,
                      EVP_PKEY **out_key)
{
    int selection = import->is_private ? EVP_PKEY_KEYPAIR : EVP_PKEY_PUBLIC_KEY;
    zca_auto(error_mark) int mark = ERR_set_mark();
    zca_auto(OSSL_PARAM) OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(builder);
    zca_auto(EVP_PKEY_CTX) EVP_PKEY_CTX *making = zca_key_family_context(import->context, keymgmt);
    if (!params || !making || EVP_PKEY_fromdata_init(making) != 1) {
        return CKR_HOST_MEMORY;
    }
    return EVP_PKEY_fromdata(making, out_key, selection, params) == 1 ? CKR_OK
                                                                      : CKR_ATTRIBUTE_VALUE_INVALID;
}

/* The only proof that counts: what the private part signs, the public part verifies. */
static CK_RV try_out(const struct import *import, const char *digest, EVP_PKEY *key)
{
    static const uint8_t message[] = "a key on trial";
    uint8_t signature[MAX_RSA_BITS / 8];
    size_t len = sizeof(signature);
    zca_auto(error_mark) int mark = ERR_set_mark();
    zca_auto(EVP_MD_CTX) EVP_MD_CTX *sign = EVP_MD_CTX_new();
    zca_auto(EVP_MD_CTX) EVP_MD_CTX *verify = EVP_MD_CTX_new();
    if (!sign || !verify) {
        return CKR_HOST_MEMORY;
    }
    bool is_good =
        EVP_DigestSignInit_ex(sign, NULL, digest, import->context, NULL, key, NULL) == 1 &&
        EVP_DigestSign(sign, signature, &len, message, sizeof(message)) == 1 &&
        EVP_DigestVerifyInit_ex(verify, NULL, digest, import->context, NULL, key, NULL) == 1 &&
        EVP_DigestVerify(verify, signature, len, message, sizeof(message)) == 1;
    return is_good ? CKR_OK : CKR_ATTRIBUTE_VALUE_INVALID;
}

/* ---- RSA ---- */

enum rsa_part {
    MODULUS,
    PUBLIC_EXPONENT,
    PRIVATE_EXPONENT,
    PRIME_1,
    PRIME_2,
    EXPONENT_1,
    EXPONENT_2,
    COEFFICIENT,
    NUM_PARTS
};

static const struct {
    CK_ATTRIBUTE_TYPE type;
    const char *param;
} rsa_parts[NUM_PARTS] = {
    [MODULUS] = {CKA_MODULUS,          OSSL_PKEY_PARAM_RSA_N           },
    [PUBLIC_EXPONENT] = {CKA_PUBLIC_EXPONENT,  OSSL_PKEY_PARAM_RSA_E           },
    [PRIVATE_EXPONENT] = {CKA_PRIVATE_EXPONENT, OSSL_PKEY_PARAM_RSA_D           },
    [PRIME_1] = {CKA_PRIME_1,          OSSL_PKEY_PARAM_RSA_FACTOR1     },
    [PRIME_2] = {CKA_PRIME_2,          OSSL_PKEY_PARAM_RSA_FACTOR2     },
    [EXPONENT_1] = {CKA_EXPONENT_1,       OSSL_PKEY_PARAM_RSA_EXPONENT1   },
    [EXPONENT_2] = {CKA_EXPONENT_2,       OSSL_PKEY_PARAM_RSA_EXPONENT2   },
    [COEFFICIENT] = {CKA_COEFFICIENT,      OSSL_PKEY_PARAM_RSA_COEFFICIENT1},
};

struct rsa {
    BIGNUM *parts[NUM_PARTS];
};

static void rsa_clear(struct rsa *rsa)
{
    for (size_t i = 0; i < NUM_PARTS; i++) {
        BN_clear_free(rsa->parts[i]);
    }
}

ZCA_DEFINE_AUTO_CLEAR(rsa, struct rsa, rsa_clear);

static CK_RV read_part(const struct import *import, enum rsa_part part, struct rsa *out_rsa)
{
    struct zca_span bytes;
    CK_RV rv = get_bytes(import, rsa_parts[part].type, &bytes);
    if (rv != CKR_OK || bytes.len > MAX_RSA_BITS / 8 + 1) {
        return rv != CKR_OK ? rv : CKR_ATTRIBUTE_VALUE_INVALID;
    }
    out_rsa->parts[part] = BN_secure_new();
    return out_rsa->parts[part] && BN_bin2bn(bytes.data, (int)bytes.len, out_rsa->parts[part])
               ? CKR_OK
               : CKR_HOST_MEMORY;
}

/* Primes come in pairs; all else is made of them if it is not there. Without them the key works, but slowly. */
static CK_RV read_factors(const struct import *import, struct rsa *out_rsa)
{
    bool has_factors = zca_template_find(import->template, CKA_PRIME_1) &&
                       zca_template_find(import->template, CKA_PRIME_2);
    CK_RV rv = CKR_OK;
    for (int part = PRIME_1; rv == CKR_OK && has_factors && part < NUM_PARTS; part++) {
        rv = read_part(import, (enum rsa_part)part, out_rsa);
        rv = rv == CKR_TEMPLATE_INCOMPLETE ? CKR_OK : rv;
    }
    return rv;
}

static bool compute_exponent(struct rsa *rsa, enum rsa_part exponent, enum rsa_part prime,
                             BN_CTX *scratch)
{
    zca_auto(BIGNUM) BIGNUM *less = BN_dup(rsa->parts[prime]);
    if (rsa->parts[exponent]) {
        return true;
    }
    rsa->parts[exponent] = BN_secure_new();
    return less && rsa->parts[exponent] && BN_sub_word(less, 1) == 1 &&
           BN_mod(rsa->parts[exponent], rsa->parts[PRIVATE_EXPONENT], less, scratch) == 1;
}

static bool compute_coefficient(struct rsa *rsa, BN_CTX *scratch)
{
    if (rsa->parts[COEFFICIENT]) {
        return true;
    }
    rsa->parts[COEFFICIENT] = BN_secure_new();
    return rsa->parts[COEFFICIENT] && BN_mod_inverse(rsa->parts[COEFFICIENT], rsa->parts[PRIME_2],
                                                     rsa->parts[PRIME_1], scratch);
}

static CK_RV complete_factors(const struct import *import, struct rsa *rsa)
{
    zca_auto(error_mark) int mark = ERR_set_mark();
    zca_auto(BN_CTX) BN_CTX *scratch = BN_CTX_secure_new_ex(import->context);
    zca_auto(BIGNUM) BIGNUM *product = BN_new();
    if (!rsa->parts[PRIME_1]) {
        return CKR_OK;
    }
    if (!scratch || !product) {
        return CKR_HOST_MEMORY;
    }
    bool is_good = BN_mul(product, rsa->parts[PRIME_1], rsa->parts[PRIME_2], scratch) == 1 &&
                   BN_cmp(product, rsa->parts[MODULUS]) == 0 &&
                   compute_exponent(rsa, EXPONENT_1, PRIME_1, scratch) &&
                   compute_exponent(rsa, EXPONENT_2, PRIME_2, scratch) &&
                   compute_coefficient(rsa, scratch);
    return is_good ? CKR_OK : CKR_ATTRIBUTE_VALUE_INVALID;
}

static CK_RV check_rsa(const struct rsa *rsa)
{
    const BIGNUM *modulus = rsa->parts[MODULUS];
    const BIGNUM *exponent = rsa->parts[PUBLIC_EXPONENT];
    int bits = BN_num_bits(modulus);
    if (bits < MIN_RSA_BITS || bits > MAX_RSA_BITS) {
        return CKR_KEY_SIZE_RANGE;
    }
    bool is_good =
        BN_is_odd(modulus) && BN_is_odd(exponent) && !BN_is_one(exponent) &&
        BN_cmp(exponent, modulus) < 0 &&
        (!rsa->parts[PRIVATE_EXPONENT] || (!BN_is_zero(rsa->parts[PRIVATE_EXPONENT]) &&
                                           BN_cmp(rsa->parts[PRIVATE_EXPONENT], modulus) < 0));
    return is_good ? CKR_OK : CKR_ATTRIBUTE_VALUE_INVALID;
}

static CK_RV read_rsa(const struct import *import, struct rsa *out_rsa)
{
    enum rsa_part last = import->is_private ? PRIVATE_EXPONENT : PUBLIC_EXPONENT;
    CK_RV rv = CKR_OK;
    for (int part = MODULUS; rv == CKR_OK && part <= (int)last; part++) {
        rv = read_part(import, (enum rsa_part)part, out_rsa);
    }
    if (rv == CKR_OK) {
        rv = check_rsa(out_rsa);
    }
    if (rv == CKR_OK && import->is_private) {
        rv = read_factors(import, out_rsa);
    }
    return rv == CKR_OK ? complete_factors(import, out_rsa) : rv;
}

static CK_RV import_rsa(const struct import *import, CK_KEY_TYPE key_type, EVP_PKEY **out_key)
{
    zca_auto(rsa) struct rsa rsa = {0};
    zca_auto(EVP_PKEY) EVP_PKEY *key = NULL;
    zca_auto(OSSL_PARAM_BLD) OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
    (void)key_type;
    CK_RV rv = builder ? read_rsa(import, &rsa) : CKR_HOST_MEMORY;
    for (size_t i = 0; rv == CKR_OK && i < NUM_PARTS; i++) {
        bool is_pushed =
            !rsa.parts[i] || OSSL_PARAM_BLD_push_BN(builder, rsa_parts[i].param, rsa.parts[i]) == 1;
        rv = is_pushed ? CKR_OK : CKR_HOST_MEMORY;
    }
    if (rv == CKR_OK) {
        rv = make_key(import, "RSA", builder, &key);
    }
    if (rv == CKR_OK && import->is_private) {
        rv = try_out(import, "SHA256", key);
    }
    *out_key = rv == CKR_OK ? zca_steal(key) : *out_key;
    return rv;
}

/* ---- curves ---- */

/* The point in CKA_EC_POINT: raw, or in a DER OCTET STRING. Raw ones of CKK_EC begin like one. */
static struct zca_span unwrap_point(const struct zca_curve *curve, struct zca_span given)
{
    size_t header_len = given.len > 2 && given.data[1] == 0x81 ? 3 : 2;
    bool is_wrapped = given.len != curve->point_len && given.len > header_len &&
                      given.data[0] == V_ASN1_OCTET_STRING &&
                      given.data[header_len - 1] == given.len - header_len;
    return is_wrapped ? zca_span_of(given.data + header_len, given.len - header_len) : given;
}

/* The public point of a private value. */
static CK_RV compute_point(const struct import *import, const struct zca_curve *curve,
                           const BIGNUM *value, uint8_t out_point[ZCA_MAX_POINT])
{
    zca_auto(BN_CTX) BN_CTX *scratch = BN_CTX_secure_new_ex(import->context);
    zca_auto(EC_GROUP) EC_GROUP *group =
        EC_GROUP_new_by_curve_name_ex(import->context, NULL, curve->nid);
    zca_auto(EC_POINT) EC_POINT *point = group ? EC_POINT_new(group) : NULL;
    if (!scratch || !point) {
        return CKR_HOST_MEMORY;
    }
    if (BN_is_zero(value) || BN_cmp(value, EC_GROUP_get0_order(group)) >= 0) {
        return CKR_ATTRIBUTE_VALUE_INVALID;
    }
    return EC_POINT_mul(group, point, value, NULL, NULL, scratch) == 1 &&
                   EC_POINT_point2oct(group, point, POINT_CONVERSION_UNCOMPRESSED, out_point,
                                      ZCA_MAX_POINT, scratch) == curve->point_len
               ? CKR_OK
               : CKR_FUNCTION_FAILED;
}

static CK_RV make_curve_key(const struct import *import, const struct zca_curve *curve,
                            struct zca_span point, const BIGNUM *value, EVP_PKEY **out_key)
{
    zca_auto(OSSL_PARAM_BLD) OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
    bool is_built =
        builder &&
        OSSL_PARAM_BLD_push_utf8_string(builder, OSSL_PKEY_PARAM_GROUP_NAME, curve->group, 0) ==
            1 &&
        OSSL_PARAM_BLD_push_octet_string(builder, OSSL_PKEY_PARAM_PUB_KEY, point.data, point.len) ==
            1 &&
        (!value || OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_PRIV_KEY, value) == 1);
    return is_built ? make_key(import, curve->keymgmt, builder, out_key) : CKR_HOST_MEMORY;
}

static CK_RV import_private_point(const struct import *import, const struct zca_curve *curve,
                                  struct zca_span given, EVP_PKEY **out_key)
{
    uint8_t point[ZCA_MAX_POINT];
    zca_auto(error_mark) int mark = ERR_set_mark();
    zca_auto(BIGNUM) BIGNUM *value = BN_secure_new();
    if (given.len > curve->value_len + 1) {
        return CKR_ATTRIBUTE_VALUE_INVALID;
    }
    if (!value || !BN_bin2bn(given.data, (int)given.len, value)) {
        return CKR_HOST_MEMORY;
    }
    CK_RV rv = compute_point(import, curve, value, point);
    return rv == CKR_OK
               ? make_curve_key(import, curve, zca_span_of(point, curve->point_len), value, out_key)
               : rv;
}

static CK_RV import_edwards(const struct import *import, const struct zca_curve *curve,
                            struct zca_span given, EVP_PKEY **out_key)
{
    zca_auto(error_mark) int mark = ERR_set_mark();
    EVP_PKEY *key = NULL;
    if (given.len == curve->value_len) {
        key = import->is_private ? EVP_PKEY_new_raw_private_key_ex(import->context, curve->keymgmt,
                                                                   NULL, given.data, given.len)
                                 : EVP_PKEY_new_raw_public_key_ex(import->context, curve->keymgmt,
                                                                  NULL, given.data, given.len);
    }
    *out_key = key ? key : *out_key;
    return key ? CKR_OK : CKR_ATTRIBUTE_VALUE_INVALID;
}

static CK_RV import_curve(const struct import *import, CK_KEY_TYPE key_type, EVP_PKEY **out_key)
{
    struct zca_span params;
    struct zca_span given;
    CK_RV rv = get_bytes(import, CKA_EC_PARAMS, &params);
    if (rv == CKR_OK) {
        rv = get_bytes(import, import->is_private ? CKA_VALUE : CKA_EC_POINT, &given);
    }
    if (rv != CKR_OK) {
        return rv;
    }
    const struct zca_curve *curve = zca_curve_of_params(params);
    if (!curve || curve->key_type != key_type) {
        return curve ? CKR_TEMPLATE_INCONSISTENT : CKR_CURVE_NOT_SUPPORTED;
    }
    if (!import->is_private) {
        given = unwrap_point(curve, given);
    }
    if (key_type == CKK_EC_EDWARDS) {
        return import_edwards(import, curve, given, out_key);
    }
    if (!import->is_private && given.len <= 1) { /* the point at infinity is nobody's key */
        return CKR_ATTRIBUTE_VALUE_INVALID;
    }
    return import->is_private ? import_private_point(import, curve, given, out_key)
                              : make_curve_key(import, curve, given, NULL, out_key);
}

/* ---- all ---- */

CK_RV zca_material_import(OSSL_LIB_CTX *context, CK_OBJECT_CLASS class,
                          const struct zca_template *template, EVP_PKEY **out_key)
{
    static const struct {
        CK_KEY_TYPE key_type;
        CK_RV (*import)(const struct import *import, CK_KEY_TYPE key_type, EVP_PKEY **out_key);
    } kinds[] = {
        {CKK_RSA,        import_rsa  },
        {CKK_EC,         import_curve},
        {CKK_EC_EDWARDS, import_curve},
    };
    const struct import import = {context, template, class == CKO_PRIVATE_KEY};
    CK_KEY_TYPE key_type =
        zca_template_get_number(template, CKA_KEY_TYPE, CK_UNAVAILABLE_INFORMATION);
    for (size_t i = 0; i < ZCA_COUNT(kinds); i++) {
        if (kinds[i].key_type == key_type) {
            return kinds[i].import(&import, key_type, out_key);
        }
    }
    return zca_template_find(template, CKA_KEY_TYPE) ? CKR_ATTRIBUTE_VALUE_INVALID
                                                     : CKR_TEMPLATE_INCOMPLETE;
}
