/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys and certificates as attributes, and back: what OpenSSL calls parameters. No private value is ever kept as an
 * attribute: those are read from the key when somebody may see them.
 */
#ifndef ZCA_PKCS11_MODULE_MATERIAL_H
#define ZCA_PKCS11_MODULE_MATERIAL_H

#include <openssl/evp.h>

#include "pkcs11-module/object.h"

/** zca_material_describe sets the public attributes of a key: CKA_KEY_TYPE, CKA_MODULUS, CKA_MODULUS_BITS,
 * CKA_PUBLIC_EXPONENT, CKA_EC_PARAMS, CKA_EC_POINT (DER OCTET STRING for CKK_EC, raw for CKK_EC_EDWARDS),
 * CKA_PUBLIC_KEY_INFO; CKA_EC_POINT and MODULUS_BITS on public keys only. Attributes that are there stay. */
ZCA_NODISCARD CK_RV zca_material_describe(EVP_PKEY *key, CK_OBJECT_CLASS class,
                                          struct zca_values *values);

/** zca_material_secret appends the value of an attribute with ZCA_ATTRIBUTE_OF_KEY (CKA_VALUE, CKA_PRIVATE_EXPONENT, ...)
 * to a secret buffer. CKR_ATTRIBUTE_TYPE_INVALID when this key has none. */
ZCA_NODISCARD CK_RV zca_material_secret(const struct zca_object *object, CK_ATTRIBUTE_TYPE type,
                                        struct zca_buffer *out_value);

/** zca_material_import makes the key that a template of C_CreateObject describes: RSA, EC and Edwards keys, public or
 * private. The private part is checked against the public one where both are given, and it is computed where not.
 * CKR_TEMPLATE_INCOMPLETE, CKR_ATTRIBUTE_VALUE_INVALID, CKR_CURVE_NOT_SUPPORTED, CKR_KEY_SIZE_RANGE. */
ZCA_NODISCARD CK_RV zca_material_import(OSSL_LIB_CTX *context, CK_OBJECT_CLASS class,
                                        const struct zca_template *template, EVP_PKEY **out_key);

/** zca_material_group returns OpenSSL's name of the curve that CKA_EC_PARAMS names by OID or PrintableString
 * ("P-256", "ED25519"), or NULL. */
const char *zca_material_group(struct zca_span ec_params);

/** zca_material_certificate sets the attributes of an X.509 certificate that are not there yet: CKA_VALUE,
 * CKA_CERTIFICATE_TYPE, CKA_SUBJECT, CKA_ISSUER, CKA_SERIAL_NUMBER, CKA_CHECK_VALUE, CKA_PUBLIC_KEY_INFO, CKA_START_DATE,
 * CKA_END_DATE. */
ZCA_NODISCARD CK_RV zca_material_certificate(OSSL_LIB_CTX *context, X509 *certificate,
                                             struct zca_values *values);

/** zca_material_id appends the CKA_ID that we give: the first 20 bytes of SHA-256 over the SubjectPublicKeyInfo. */
ZCA_NODISCARD CK_RV zca_material_id(OSSL_LIB_CTX *context, struct zca_span public_key,
                                    struct zca_buffer *out_id);

/** zca_material_identify sets CKA_ID and CKA_UNIQUE_ID of an object that we show, from what it is: CKA_PUBLIC_KEY_INFO, and
 * for certificates CKA_VALUE. They are the same in every process, and CKA_ID the same for a key and its certificate. */
ZCA_NODISCARD CK_RV zca_material_identify(OSSL_LIB_CTX *context, struct zca_values *values);

#endif
