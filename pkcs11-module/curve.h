/* SPDX-License-Identifier: Apache-2.0 */
/* The curves, with their names in PKCS#11 (CKA_EC_PARAMS), in OpenSSL and in DER. */
#ifndef ZCA_PKCS11_MODULE_CURVE_H
#define ZCA_PKCS11_MODULE_CURVE_H

#include <openssl/evp.h>

#include "base/buffer.h"
#include "pkcs11-module/cryptoki.h"

/* An uncompressed point of P-521 (SEC 1, 2.3.3). */
#define ZCA_MAX_POINT 133u

struct zca_curve {
    const char *group;   /* "P-256"; "ED25519" */
    const char *keymgmt; /* OpenSSL's: "EC", "ED25519" */
    int nid;
    CK_KEY_TYPE key_type;      /* CKK_EC: points are DER OCTET STRINGs; CKK_EC_EDWARDS: raw */
    size_t value_len;          /* of CKA_VALUE */
    size_t point_len;          /* of a point, uncompressed */
    struct zca_span params;    /* DER of the OID, as in CKA_EC_PARAMS */
    struct zca_span algorithm; /* DER of the AlgorithmIdentifier (RFC 5480, RFC 8410) */
    const char *names[4];      /* OpenSSL's, and those of CKA_EC_PARAMS as PrintableString */
};

/** zca_curve_of_params returns the curve that CKA_EC_PARAMS names by OID or PrintableString, or NULL. */
const struct zca_curve *zca_curve_of_params(struct zca_span params);

/** zca_curve_of_key returns the curve of a key, or NULL when it is of another kind. */
const struct zca_curve *zca_curve_of_key(const EVP_PKEY *key);

#endif
