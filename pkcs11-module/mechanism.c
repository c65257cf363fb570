/* SPDX-License-Identifier: Apache-2.0 */
/*
 * THE mechanism table, and the functions that show it (PKCS#11 3.0, 5.5). RSA mechanisms have two rows: the first, for
 * short keys, is met before the other where the configuration allows it.
 */
#include "pkcs11-module/mechanism.h"

#define SIGNS (CKF_SIGN | CKF_VERIFY)
#define CRYPTS (CKF_ENCRYPT | CKF_DECRYPT)
#define ON_CURVE (CKF_EC_F_P | CKF_EC_NAMEDCURVE | CKF_EC_UNCOMPRESS)
#define ON_EDWARDS_CURVE (CKF_EC_F_P | CKF_EC_NAMEDCURVE | CKF_EC_COMPRESS)

#define ON_BOTH (ZCA_ON_LOCAL | ZCA_ON_AUTHORITY)

#define ROW(number, text, key, hash, pad, can, least, most, where)                                 \
    {                                                                                              \
        .type = number, .name = text, .key_type = key, .digest = hash,                             \
        .padding = ZCA_PADDING_##pad, .flags = can, .min = least, .max = most, .places = where     \
    }
#define RSA(number, hash, pad, can, most, where)                                                   \
    ROW(number, #number, CKK_RSA, hash, pad, can, 1024, most, ZCA_ON_LEGACY),                      \
        ROW(number, #number, CKK_RSA, hash, pad, can, 2048, most, where)
#define EC(number, hash, can, where)                                                               \
    ROW(number, #number, CKK_EC, hash, NONE, can | ON_CURVE, 256, 521, where)
#define EDWARDS(number, can)                                                                       \
    ROW(number, #number, CKK_EC_EDWARDS, NULL, NONE, can | ON_EDWARDS_CURVE, 255, 255, ZCA_ON_LOCAL)
#define DIGEST(number, hash, where)                                                                \
    ROW(number, #number, CK_UNAVAILABLE_INFORMATION, hash, NONE, CKF_DIGEST, 0, 0, where)

static const struct zca_mechanism mechanisms[] = {
    EC(CKM_EC_KEY_PAIR_GEN, NULL, CKF_GENERATE_KEY_PAIR, ZCA_ON_LOCAL),
    EC(CKM_ECDSA, NULL, SIGNS, ZCA_ON_LOCAL),
    EC(CKM_ECDSA_SHA1, "SHA1", SIGNS, ZCA_ON_LEGACY),
    EC(CKM_ECDSA_SHA224, "SHA224", SIGNS, ZCA_ON_LEGACY),
    EC(CKM_ECDSA_SHA256, "SHA256", SIGNS, ON_BOTH),
    EC(CKM_ECDSA_SHA384, "SHA384", SIGNS, ON_BOTH),
    EC(CKM_ECDSA_SHA512, "SHA512", SIGNS, ON_BOTH),
    EC(CKM_ECDH1_DERIVE, NULL, CKF_DERIVE, ZCA_ON_LOCAL),
    EDWARDS(CKM_EC_EDWARDS_KEY_PAIR_GEN, CKF_GENERATE_KEY_PAIR),
    EDWARDS(CKM_EDDSA, SIGNS),
    RSA(CKM_RSA_PKCS_KEY_PAIR_GEN, NULL, NONE, CKF_GENERATE_KEY_PAIR, 4096, ZCA_ON_LOCAL),
    RSA(CKM_RSA_PKCS, NULL, PKCS1, SIGNS | CRYPTS, 8192, ZCA_ON_LOCAL),
    RSA(CKM_SHA1_RSA_PKCS, "SHA1", PKCS1, SIGNS, 8192, ZCA_ON_LEGACY),
    RSA(CKM_SHA224_RSA_PKCS, "SHA224", PKCS1, SIGNS, 8192, ZCA_ON_LEGACY),
    RSA(CKM_SHA256_RSA_PKCS, "SHA256", PKCS1, SIGNS, 8192, ON_BOTH),
    RSA(CKM_SHA384_RSA_PKCS, "SHA384", PKCS1, SIGNS, 8192, ON_BOTH),
    RSA(CKM_SHA512_RSA_PKCS, "SHA512", PKCS1, SIGNS, 8192, ON_BOTH),
    RSA(CKM_RSA_PKCS_PSS, NULL, PSS, SIGNS, 8192, ZCA_ON_LOCAL),
    RSA(CKM_SHA1_RSA_PKCS_PSS, "SHA1", PSS, SIGNS, 8192, ZCA_ON_LEGACY),
    RSA(CKM_SHA224_RSA_PKCS_PSS, "SHA224", PSS, SIGNS, 8192, ZCA_ON_LEGACY),
    RSA(CKM_SHA256_RSA_PKCS_PSS, "SHA256", PSS, SIGNS, 8192, ZCA_ON_LOCAL),
    RSA(CKM_SHA384_RSA_PKCS_PSS, "SHA384", PSS, SIGNS, 8192, ZCA_ON_LOCAL),
    RSA(CKM_SHA512_RSA_PKCS_PSS, "SHA512", PSS, SIGNS, 8192, ZCA_ON_LOCAL),
    RSA(CKM_RSA_PKCS_OAEP, NULL, OAEP, CRYPTS, 8192, ZCA_ON_LOCAL),
    ROW(CKM_GENERIC_SECRET_KEY_GEN, "CKM_GENERIC_SECRET_KEY_GEN", CKK_GENERIC_SECRET, NULL, NONE,
        CKF_GENERATE, 8, 8192, ZCA_ON_LEGACY),
    ROW(CKM_AES_KEY_GEN, "CKM_AES_KEY_GEN", CKK_AES, NULL, NONE, CKF_GENERATE, 16, 32,
        ZCA_ON_LEGACY),
    ROW(CKM_DES_KEY_GEN, "CKM_DES_KEY_GEN", CKK_DES, NULL, NONE, CKF_GENERATE, 0, 0, ZCA_ON_LEGACY),
    ROW(CKM_DES3_KEY_GEN, "CKM_DES3_KEY_GEN", CKK_DES3, NULL, NONE, CKF_GENERATE, 0, 0,
        ZCA_ON_LEGACY),
    DIGEST(CKM_SHA_1, "SHA1", ZCA_ON_LOCAL),
    DIGEST(CKM_SHA224, "SHA224", ZCA_ON_LEGACY),
    DIGEST(CKM_SHA256, "SHA256", ZCA_ON_LOCAL),
    DIGEST(CKM_SHA384, "SHA384", ZCA_ON_LOCAL),
    DIGEST(CKM_SHA512, "SHA512", ZCA_ON_LOCAL),
};

const struct zca_mechanism *zca_mechanism_find(CK_MECHANISM_TYPE type, unsigned places)
{
    for (size_t i = 0; i < ZCA_COUNT(mechanisms); i++) {
        if (mechanisms[i].type == type && (mechanisms[i].places & places)) {
            return &mechanisms[i];
        }
    }
    return NULL;
}

const struct zca_mechanism *zca_mechanism_next(unsigned places, size_t *cursor)
{
    while (*cursor < ZCA_COUNT(mechanisms)) {
        const struct zca_mechanism *row = &mechanisms[(*cursor)++];
        if (zca_mechanism_find(row->type, places) == row) { /* not a second row of the same */
            return row;
        }
    }
    return NULL;
}
