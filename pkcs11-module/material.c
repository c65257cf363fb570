/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys as attributes. SubjectPublicKeyInfo of keys on curves is put together here: OpenSSL's encoders take ten times as
 * long as the key itself.
 */
#include "pkcs11-module/material.h"

#include <string.h>

#include <openssl/asn1.h>
#include <openssl/core_names.h>

#include "base/openssl_auto.h"
#include "pkcs11-module/curve.h"

/* The longest header of what we write: tag, 0x82, two bytes. */
#define MAX_HEADER 4u

struct number {
    CK_ATTRIBUTE_TYPE type;
    const char *param; /* OpenSSL's name: EVP_PKEY-RSA(7) */
};

static const struct number open_numbers[] = {
    {CKA_MODULUS,         OSSL_PKEY_PARAM_RSA_N},
    {CKA_PUBLIC_EXPONENT, OSSL_PKEY_PARAM_RSA_E},
};

static const struct number secret_numbers[] = {
    {CKA_PRIVATE_EXPONENT, OSSL_PKEY_PARAM_RSA_D           },
    {CKA_PRIME_1,          OSSL_PKEY_PARAM_RSA_FACTOR1     },
    {CKA_PRIME_2,          OSSL_PKEY_PARAM_RSA_FACTOR2     },
    {CKA_EXPONENT_1,       OSSL_PKEY_PARAM_RSA_EXPONENT1   },
    {CKA_EXPONENT_2,       OSSL_PKEY_PARAM_RSA_EXPONENT2   },
    {CKA_COEFFICIENT,      OSSL_PKEY_PARAM_RSA_COEFFICIENT1},
};

/* ---- public values ---- */

static bool has_value(const struct zca_values *values, CK_ATTRIBUTE_TYPE type)
{
    struct zca_span ignored;
    return zca_values_find(values, type, &ignored);
}

static CK_RV set_absent(struct zca_values *values, CK_ATTRIBUTE_TYPE type, struct zca_span value)
{
    return has_value(values, type) ? CKR_OK : zca_values_set(values, type, value);
}

static CK_RV set_absent_number(struct zca_values *values, CK_ATTRIBUTE_TYPE type, CK_ULONG number)
{
    return set_absent(values, type, zca_span_of(&number, sizeof(number)));
}

/* Writes a header for content of `len` bytes; how many bytes that takes (X.690, 8.1). */
static size_t write_header(uint8_t *out, int tag, size_t len)
{
    size_t used = 0;
    out[used++] = (uint8_t)tag;
    if (len >= 0x80) {
        out[used++] = len > 0xff ? 0x82 : 0x81;
    }
    if (len > 0xff) {
        out[used++] = (uint8_t)(len >> 8);
    }
    out[used++] = (uint8_t)len;
    return used;
}

static size_t write_bytes(uint8_t *out, struct zca_span bytes)
{
    memcpy(out, bytes.data, bytes.len);
    return bytes.len;
}

static CK_RV set_point_info(const struct zca_curve *curve, struct zca_span point,
                            struct zca_values *values)
{
    uint8_t bits[MAX_HEADER + 1 + ZCA_MAX_POINT];
    uint8_t
        info[MAX_HEADER + 32 + sizeof(bits)]; /* no AlgorithmIdentifier of the table is longer */
    size_t bits_len = write_header(bits, V_ASN1_BIT_STRING, point.len + 1);
    bits[bits_len++] = 0; /* unused bits */
    bits_len += write_bytes(bits + bits_len, point);
    size_t len =
        write_header(info, V_ASN1_CONSTRUCTED | V_ASN1_SEQUENCE, curve->algorithm.len + bits_len);
    len += write_bytes(info + len, curve->algorithm);
    len += write_bytes(info + len, zca_span_of(bits, bits_len));
    return set_absent(values, CKA_PUBLIC_KEY_INFO, zca_span_of(info, len));
}

static CK_RV set_point(const struct zca_curve *curve, struct zca_span point,
                       struct zca_values *values)
{
    uint8_t wrapped[MAX_HEADER + ZCA_MAX_POINT];
    if (curve->key_type == CKK_EC_EDWARDS) {
        return set_absent(values, CKA_EC_POINT, point);
    }
    size_t len = write_header(wrapped, V_ASN1_OCTET_STRING, point.len);
    len += write_bytes(wrapped + len, point);
    return set_absent(values, CKA_EC_POINT, zca_span_of(wrapped, len));
}

static CK_RV describe_curve(EVP_PKEY *key, CK_OBJECT_CLASS class, struct zca_values *values)
{
    uint8_t point[ZCA_MAX_POINT];
    size_t len = 0;
    const struct zca_curve *curve = zca_curve_of_key(key);
    if (!curve || EVP_PKEY_get_octet_string_param(key, OSSL_PKEY_PARAM_PUB_KEY, point,
                                                  sizeof(point), &len) != 1) {
        return CKR_KEY_TYPE_INCONSISTENT;
    }
    CK_RV rv = set_absent_number(values, CKA_KEY_TYPE, curve->key_type);
    if (rv == CKR_OK) {
        rv = set_absent(values, CKA_EC_PARAMS, curve->params);
    }
    if (rv == CKR_OK && class == CKO_PUBLIC_KEY) {
        rv = set_point(curve, zca_span_of(point, len), values);
    }
    return rv == CKR_OK ? set_point_info(curve, zca_span_of(point, len), values) : rv;
}

static CK_RV set_number_of(EVP_PKEY *key, const struct number *row, struct zca_values *values)
{
    zca_auto(BIGNUM) BIGNUM *number = NULL;
    zca_auto(zca_buffer) struct zca_buffer bytes = {0};
    if (EVP_PKEY_get_bn_param(key, row->param, &number) != 1 ||
        !zca_buffer_resize(&bytes, (size_t)BN_num_bytes(number), NULL) ||
        BN_bn2binpad(number, bytes.data, (int)bytes.len) < 0) {
        return CKR_HOST_MEMORY;
    }
    return set_absent(values, row->type, zca_buffer_span(&bytes));
}

static CK_RV set_encoded_info(EVP_PKEY *key, struct zca_values *values)
{
    unsigned char *der = NULL;
    int len = i2d_PUBKEY(key, &der);
    CK_RV rv = len > 0 ? set_absent(values, CKA_PUBLIC_KEY_INFO, zca_span_of(der, (size_t)len))
                       : CKR_HOST_MEMORY;
    OPENSSL_free(der);
    return rv;
}

static CK_RV describe_rsa(EVP_PKEY *key, CK_OBJECT_CLASS class, struct zca_values *values)
{
    CK_RV rv = set_absent_number(values, CKA_KEY_TYPE, CKK_RSA);
    for (size_t i = 0; rv == CKR_OK && i < ZCA_COUNT(open_numbers); i++) {
        rv = set_number_of(key, &open_numbers[i], values);
    }
    if (rv == CKR_OK && class == CKO_PUBLIC_KEY) {
        rv = set_absent_number(values, CKA_MODULUS_BITS, (CK_ULONG)EVP_PKEY_get_bits(key));
    }
    return rv == CKR_OK ? set_encoded_info(key, values) : rv;
}

CK_RV zca_material_describe(EVP_PKEY *key, CK_OBJECT_CLASS class, struct zca_values *values)
{
    return EVP_PKEY_is_a(key, "RSA") ? describe_rsa(key, class, values)
                                     : describe_curve(key, class, values);
}

/* ---- private values ---- */

static const char *secret_param_of(CK_ATTRIBUTE_TYPE type)
{
    for (size_t i = 0; i < ZCA_COUNT(secret_numbers); i++) {
        if (secret_numbers[i].type == type) {
            return secret_numbers[i].param;
        }
    }
    return NULL;
}

/* len   0: as short as it can be */
static CK_RV append_number(EVP_PKEY *key, const char *param, size_t len,
                           struct zca_buffer *out_value)
{
    zca_auto(BIGNUM) BIGNUM *number = BN_secure_new();
    zca_auto(error_mark) int mark = ERR_set_mark();
    if (!number || EVP_PKEY_get_bn_param(key, param, &number) != 1) {
        return CKR_ATTRIBUTE_TYPE_INVALID; /* RSA keys made elsewhere may lack the primes */
    }
    size_t before = out_value->len;
    size_t wanted = len == 0 ? (size_t)BN_num_bytes(number) : len;
    if (!zca_buffer_resize(out_value, before + wanted, NULL) ||
        BN_bn2binpad(number, out_value->data + before, (int)wanted) < 0) {
        return CKR_HOST_MEMORY;
    }
    return CKR_OK;
}

static CK_RV append_raw(EVP_PKEY *key, size_t len, struct zca_buffer *out_value)
{
    size_t before = out_value->len;
    if (!zca_buffer_resize(out_value, before + len, NULL) ||
        EVP_PKEY_get_raw_private_key(key, out_value->data + before, &len) != 1) {
        return CKR_HOST_MEMORY;
    }
    return CKR_OK;
}

static CK_RV append_curve_value(EVP_PKEY *key, struct zca_buffer *out_value)
{
    const struct zca_curve *curve = zca_curve_of_key(key);
    if (!curve) {
        return CKR_ATTRIBUTE_TYPE_INVALID;
    }
    return curve->key_type == CKK_EC
               ? append_number(key, OSSL_PKEY_PARAM_PRIV_KEY, curve->value_len, out_value)
               : append_raw(key, curve->value_len, out_value);
}

CK_RV zca_material_secret(const struct zca_object *object, CK_ATTRIBUTE_TYPE type,
                          struct zca_buffer *out_value)
{
    if (object->class == CKO_SECRET_KEY && type == CKA_VALUE) {
        return zca_buffer_append(out_value, zca_buffer_span(&object->secret), NULL)
                   ? CKR_OK
                   : CKR_HOST_MEMORY;
    }
    if (object->class != CKO_PRIVATE_KEY || !object->key) {
        return CKR_ATTRIBUTE_TYPE_INVALID;
    }
    if (!EVP_PKEY_is_a(object->key, "RSA")) {
        return type == CKA_VALUE ? append_curve_value(object->key, out_value)
                                 : CKR_ATTRIBUTE_TYPE_INVALID;
    }
    const char *param = secret_param_of(type);
    return param ? append_number(object->key, param, 0, out_value) : CKR_ATTRIBUTE_TYPE_INVALID;
}

/* ---- names ---- */

const char *zca_material_group(struct zca_span ec_params)
{
    const struct zca_curve *curve = zca_curve_of_params(ec_params);
    return curve ? curve->group : NULL;
}

CK_RV zca_material_id(OSSL_LIB_CTX *context, struct zca_span public_key, struct zca_buffer *out_id)
{
    static const size_t id_len = 20;
    uint8_t digest[EVP_MAX_MD_SIZE];
    size_t len = 0;
    if (EVP_Q_digest(context, "SHA256", NULL, public_key.data, public_key.len, digest, &len) != 1) {
        return CKR_FUNCTION_FAILED;
    }
    return zca_buffer_append(out_id, zca_span_of(digest, id_len), NULL) ? CKR_OK : CKR_HOST_MEMORY;
}

static CK_RV set_unique_id(OSSL_LIB_CTX *context, struct zca_values *values)
{
    struct zca_span content = {0};
    zca_auto(zca_buffer) struct zca_buffer id = {0};
    zca_auto(zca_buffer) struct zca_buffer text = {0};
    CK_OBJECT_CLASS class = zca_values_get_number(values, CKA_CLASS, CK_UNAVAILABLE_INFORMATION);
    CK_ATTRIBUTE_TYPE type = class == CKO_CERTIFICATE ? CKA_VALUE : CKA_PUBLIC_KEY_INFO;
    CK_RV rv = zca_values_find(values, type, &content) ? zca_material_id(context, content, &id)
                                                       : CKR_DEVICE_ERROR;
    if (rv != CKR_OK) {
        return rv;
    }
    return zca_buffer_format(&text, NULL, "%lu-", class) &&
                   zca_hex_encode(zca_buffer_span(&id), '\0', &text, NULL)
               ? zca_values_set(values, CKA_UNIQUE_ID, zca_buffer_span(&text))
               : CKR_HOST_MEMORY;
}

CK_RV zca_material_identify(OSSL_LIB_CTX *context, struct zca_values *values)
{
    struct zca_span public_key = {0};
    zca_auto(zca_buffer) struct zca_buffer id = {0};
    if (!zca_values_find(values, CKA_PUBLIC_KEY_INFO, &public_key)) {
        return CKR_DEVICE_ERROR;
    }
    CK_RV rv = zca_material_id(context, public_key, &id);
    if (rv == CKR_OK) {
        rv = zca_values_set(values, CKA_ID, zca_buffer_span(&id));
    }
    return rv == CKR_OK ? set_unique_id(context, values) : rv;
}
