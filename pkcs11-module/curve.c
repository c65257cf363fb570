/* SPDX-License-Identifier: Apache-2.0 */
/* Curves: RFC 5480 and SEC 2 for those of CKK_EC, RFC 8410 for Ed25519. */
#include "pkcs11-module/curve.h"

#include <string.h>
#include <strings.h>

#include <openssl/asn1.h>
#include <openssl/obj_mac.h>

#define DER(text)                                                                                  \
    {                                                                                              \
        .data = (const uint8_t *)(text), .len = sizeof(text) - 1                                   \
    }

#define ID_EC_PUBLIC_KEY "\x06\x07\x2a\x86\x48\xce\x3d\x02\x01"
#define SECP256R1 "\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07"
#define SECP384R1 "\x06\x05\x2b\x81\x04\x00\x22"
#define SECP521R1 "\x06\x05\x2b\x81\x04\x00\x23"
#define ID_ED25519 "\x06\x03\x2b\x65\x70"
/* as it was called before RFC 8410 */
#define ID_ED25519_EARLIER "\x06\x09\x2b\x06\x01\x04\x01\xda\x47\x0f\x01"

static const struct zca_curve curves[] = {
    {
     .group = "P-256",
     .keymgmt = "EC",
     .nid = NID_X9_62_prime256v1,
     .key_type = CKK_EC,
     .value_len = 32,
     .point_len = 65,
     .params = DER(SECP256R1),
     .algorithm = DER("\x30\x13" ID_EC_PUBLIC_KEY SECP256R1),
     .names = {"prime256v1", "secp256r1", "P-256"},
     },
    {
     .group = "P-384",
     .keymgmt = "EC",
     .nid = NID_secp384r1,
     .key_type = CKK_EC,
     .value_len = 48,
     .point_len = 97,
     .params = DER(SECP384R1),
     .algorithm = DER("\x30\x10" ID_EC_PUBLIC_KEY SECP384R1),
     .names = {"secp384r1", "P-384"},
     },
    {
     .group = "P-521",
     .keymgmt = "EC",
     .nid = NID_secp521r1,
     .key_type = CKK_EC,
     .value_len = 66,
     .point_len = 133,
     .params = DER(SECP521R1),
     .algorithm = DER("\x30\x10" ID_EC_PUBLIC_KEY SECP521R1),
     .names = {"secp521r1", "P-521"},
     },
    {
     .group = "ED25519",
     .keymgmt = "ED25519",
     .nid = NID_ED25519,
     .key_type = CKK_EC_EDWARDS,
     .value_len = 32,
     .point_len = 32,
     .params = DER(ID_ED25519),
     .algorithm = DER("\x30\x05" ID_ED25519),
     .names = {"edwards25519", "Ed25519"},
     },
};

static const struct zca_span earlier_ed25519 = DER(ID_ED25519_EARLIER);

static bool has_name(const struct zca_curve *curve, struct zca_span name)
{
    for (size_t i = 0; i < ZCA_COUNT(curve->names) && curve->names[i]; i++) {
        if (strlen(curve->names[i]) == name.len &&
            strncasecmp(curve->names[i], (const char *)name.data, name.len) == 0) {
            return true;
        }
    }
    return false;
}

/* The characters of a short PrintableString; none: it is something else. */
static struct zca_span printable_of(struct zca_span params)
{
    bool is_printable = params.len > 2 && params.data[0] == V_ASN1_PRINTABLESTRING &&
                        params.data[1] < 0x80 && params.data[1] == params.len - 2;
    return is_printable ? zca_span_of(params.data + 2, params.len - 2) : (struct zca_span){0};
}

const struct zca_curve *zca_curve_of_params(struct zca_span params)
{
    struct zca_span oid =
        zca_span_equal(params, earlier_ed25519) ? zca_span_of(ID_ED25519, 5) : params;
    struct zca_span name = printable_of(params);
    for (size_t i = 0; i < ZCA_COUNT(curves); i++) {
        if (zca_span_equal(oid, curves[i].params) || has_name(&curves[i], name)) {
            return &curves[i];
        }
    }
    return NULL;
}

const struct zca_curve *zca_curve_of_key(const EVP_PKEY *key)
{
    char name[32] = "ED25519"; /* longer than any of the table */
    size_t len = strlen(name);
    if (!EVP_PKEY_is_a(key, "ED25519") &&
        EVP_PKEY_get_group_name(key, name, sizeof(name), &len) != 1) {
        return NULL;
    }
    for (size_t i = 0; i < ZCA_COUNT(curves); i++) {
        if (has_name(&curves[i], zca_span_of(name, len))) {
            return &curves[i];
        }
    }
    return NULL;
}
