/* SPDX-License-Identifier: Apache-2.0 */
/*
 * THE algorithm table. PKCS#11 numbers are CKK_* and CKM_* of PKCS#11 3.0; names are those of
 * OpenSSL, which takes them from RFC 3279, 4055, 5758 and 8410.
 */
#include "base/algorithm.h"

#include <string.h>
#include <strings.h>

#include <openssl/obj_mac.h>

#include "base/openssl_auto.h"

static const struct zca_key_type key_types[] = {
    {
     .name = "P-256",
     .keymgmt = "EC",
     .group = "P-256",
     .nid = EVP_PKEY_EC,
     .group_nid = NID_X9_62_prime256v1,
     .bits = 256,
     .digest = "SHA256",
     .pkcs11_type = 0x03,
     },
    {
     .name = "P-384",
     .keymgmt = "EC",
     .group = "P-384",
     .nid = EVP_PKEY_EC,
     .group_nid = NID_secp384r1,
     .bits = 384,
     .digest = "SHA384",
     .pkcs11_type = 0x03,
     },
    {
     .name = "P-521",
     .keymgmt = "EC",
     .group = "P-521",
     .nid = EVP_PKEY_EC,
     .group_nid = NID_secp521r1,
     .bits = 521,
     .digest = "SHA512",
     .pkcs11_type = 0x03,
     },
    {
     .name = "RSA-2048",
     .keymgmt = "RSA",
     .nid = EVP_PKEY_RSA,
     .bits = 2048,
     .digest = "SHA256",
     .pkcs11_type = 0x00,
     },
    {
     .name = "RSA-3072",
     .keymgmt = "RSA",
     .nid = EVP_PKEY_RSA,
     .bits = 3072,
     .digest = "SHA256",
     .pkcs11_type = 0x00,
     },
    {
     .name = "RSA-4096",
     .keymgmt = "RSA",
     .nid = EVP_PKEY_RSA,
     .bits = 4096,
     .digest = "SHA256",
     .pkcs11_type = 0x00,
     },
    {
     .name = "Ed25519",
     .keymgmt = "ED25519",
     .nid = EVP_PKEY_ED25519,
     .bits = 255,
     .digest = NULL,
     .pkcs11_type = 0x40,
     },
};

const char *const zca_key_type_names[] = {
    "P-256", "P-384", "P-521", "RSA-2048", "RSA-3072", "RSA-4096", "Ed25519", NULL,
};

/* name, AlgorithmIdentifier, key family, digest, acceptable, CKM */
static const struct zca_signature_algorithm signature_algorithms[] = {
    {SN_ecdsa_with_SHA1,         NID_ecdsa_with_SHA1,         EVP_PKEY_EC,      "SHA1",   false, 0x1042},
    {SN_ecdsa_with_SHA224,       NID_ecdsa_with_SHA224,       EVP_PKEY_EC,      "SHA224", true,  0x1043},
    {SN_ecdsa_with_SHA256,       NID_ecdsa_with_SHA256,       EVP_PKEY_EC,      "SHA256", true,  0x1044},
    {SN_ecdsa_with_SHA384,       NID_ecdsa_with_SHA384,       EVP_PKEY_EC,      "SHA384", true,  0x1045},
    {SN_ecdsa_with_SHA512,       NID_ecdsa_with_SHA512,       EVP_PKEY_EC,      "SHA512", true,  0x1046},
    {LN_md5WithRSAEncryption,    NID_md5WithRSAEncryption,    EVP_PKEY_RSA,     "MD5",    false, 0x0005},
    {LN_sha1WithRSAEncryption,   NID_sha1WithRSAEncryption,   EVP_PKEY_RSA,     "SHA1",   false, 0x0006},
    {LN_sha224WithRSAEncryption, NID_sha224WithRSAEncryption, EVP_PKEY_RSA,     "SHA224", true,  0x0046},
    {LN_sha256WithRSAEncryption, NID_sha256WithRSAEncryption, EVP_PKEY_RSA,     "SHA256", true,  0x0040},
    {LN_sha384WithRSAEncryption, NID_sha384WithRSAEncryption, EVP_PKEY_RSA,     "SHA384", true,  0x0041},
    {LN_sha512WithRSAEncryption, NID_sha512WithRSAEncryption, EVP_PKEY_RSA,     "SHA512", true,  0x0042},
    {LN_rsassaPss,               NID_rsassaPss,               EVP_PKEY_RSA_PSS, NULL,     true,  0x000D},
    {SN_ED25519,                 NID_ED25519,                 EVP_PKEY_ED25519, NULL,     true,  0x1057},
};

struct family_row {
    const char *family;
    const char *oid;
};

/* OpenSSL looks for an ENGINE by the names, but not by these. */
static const struct family_row families[] = {
    {"EC",      "1.2.840.10045.2.1"   },
    {"RSA",     "1.2.840.113549.1.1.1"},
    {"ED25519", "1.3.101.112"         },
};

struct alias_row {
    const char *alias;
    const char *digest;
};

/* What OpenSSL's own implementations also answer to. */
static const struct alias_row digest_aliases[] = {
    {"SHA-1",    "SHA1"  },
    {"SHA2-224", "SHA224"},
    {"SHA-224",  "SHA224"},
    {"SHA2-256", "SHA256"},
    {"SHA-256",  "SHA256"},
    {"SHA2-384", "SHA384"},
    {"SHA-384",  "SHA384"},
    {"SHA2-512", "SHA512"},
    {"SHA-512",  "SHA512"},
};

const struct zca_key_type *zca_key_type_find(const char *name)
{
    for (size_t i = 0; i < ZCA_COUNT(key_types); i++) {
        if (strcasecmp(name, key_types[i].name) == 0) {
            return &key_types[i];
        }
    }
    return NULL;
}

/* A provider may say "P-256" or "prime256v1". */
static int group_nid_of(const char *name)
{
    int nid = EC_curve_nist2nid(name);
    return nid != NID_undef ? nid : OBJ_sn2nid(name);
}

/* The curve of an EC key, NID_undef for other keys. */
static int find_group(const EVP_PKEY *key)
{
    char name[sizeof(SN_X9_62_prime256v1)]; /* the longest name of a row */
    size_t len = 0;
    zca_auto(error_mark) int mark = ERR_set_mark(); /* a longer name: an error there, no row here */
    int rc =
        EVP_PKEY_is_a(key, "EC") == 1 ? EVP_PKEY_get_group_name(key, name, sizeof(name), &len) : 0;
    if (rc != 1) {
        return NID_undef;
    }
    return group_nid_of(name);
}

const struct zca_key_type *zca_key_type_by(const char *keymgmt, const char *group, int bits)
{
    int group_nid = group ? group_nid_of(group) : NID_undef;
    for (size_t i = 0; i < ZCA_COUNT(key_types); i++) {
        const struct zca_key_type *row = &key_types[i];
        bool same_size = row->nid != EVP_PKEY_RSA || row->bits == bits;
        if (strcasecmp(row->keymgmt, keymgmt) == 0 && row->group_nid == group_nid && same_size) {
            return row;
        }
    }
    return NULL;
}

const struct zca_key_type *zca_key_type_of(const EVP_PKEY *key)
{
    int group_nid = find_group(key);
    int bits = EVP_PKEY_get_bits(key);
    for (size_t i = 0; i < ZCA_COUNT(key_types); i++) {
        const struct zca_key_type *row = &key_types[i];
        bool same_size = row->nid != EVP_PKEY_RSA || row->bits == bits;
        if (EVP_PKEY_is_a(key, row->keymgmt) == 1 && row->group_nid == group_nid && same_size) {
            return row;
        }
    }
    return NULL;
}

static const char *canonical_digest(const char *digest)
{
    for (size_t i = 0; i < ZCA_COUNT(digest_aliases); i++) {
        if (strcasecmp(digest, digest_aliases[i].alias) == 0) {
            return digest_aliases[i].digest;
        }
    }
    return digest;
}

static bool same_digest(const char *left, const char *right)
{
    if (!left || !right) {
        return !left && !right;
    }
    return strcasecmp(left, right) == 0;
}

const struct zca_signature_algorithm *zca_signature_algorithm_find(int key_nid, const char *digest)
{
    const char *canonical = digest ? canonical_digest(digest) : NULL;
    for (size_t i = 0; i < ZCA_COUNT(signature_algorithms); i++) {
        const struct zca_signature_algorithm *row = &signature_algorithms[i];
        if (row->key_nid == key_nid && same_digest(row->digest, canonical)) {
            return row;
        }
    }
    return NULL;
}

const struct zca_signature_algorithm *zca_signature_algorithm_by_nid(int nid)
{
    for (size_t i = 0; i < ZCA_COUNT(signature_algorithms); i++) {
        if (signature_algorithms[i].nid == nid) {
            return &signature_algorithms[i];
        }
    }
    return NULL;
}

EVP_PKEY_CTX *zca_key_family_context(OSSL_LIB_CTX *libctx, const char *family)
{
    for (size_t i = 0; i < ZCA_COUNT(families); i++) {
        if (strcasecmp(family, families[i].family) == 0) {
            return EVP_PKEY_CTX_new_from_name(libctx, families[i].oid, NULL);
        }
    }
    return EVP_PKEY_CTX_new_from_name(libctx, family, NULL);
}
