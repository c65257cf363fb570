/* SPDX-License-Identifier: Apache-2.0 */
/*
 * THE algorithm table: key types and signature algorithms, with the names and numbers that
 * OpenSSL, PKCS#11 and the authorities give them.
 */
#ifndef ZCA_BASE_ALGORITHM_H
#define ZCA_BASE_ALGORITHM_H

#include <stdbool.h>
#include <stddef.h>

#include <openssl/evp.h>
#include <openssl/x509.h>

/* "P-256", "RSA-2048": what configuration and command lines call a kind of key. */
struct zca_key_type {
    const char *name; /* "P-256", "P-384", "P-521", "RSA-2048", "RSA-3072", "RSA-4096", "Ed25519" */
    const char *keymgmt;       /* OpenSSL's name: "EC", "RSA", "ED25519" */
    const char *group;         /* EC: "P-256" ...; else NULL */
    int nid;                   /* EVP_PKEY_EC, EVP_PKEY_RSA, EVP_PKEY_ED25519 */
    int group_nid;             /* EC: NID_X9_62_prime256v1 ...; else NID_undef */
    int bits;                  /* field or modulus size */
    const char *digest;        /* default digest; NULL: the key signs whole messages */
    unsigned long pkcs11_type; /* CKK_EC 3, CKK_RSA 0, CKK_EC_EDWARDS 0x40 */
};

/* "ecdsa-with-SHA256": a key family with a digest. */
struct zca_signature_algorithm {
    const char *name;               /* RFC 5280 family name as OpenSSL's long name prints it */
    int nid;                        /* NID_ecdsa_with_SHA256 ... */
    int key_nid;                    /* EVP_PKEY_EC ... */
    const char *digest;             /* "SHA256"; NULL: none */
    bool acceptable;                /* false: known but too weak to be signed or accepted */
    unsigned long pkcs11_mechanism; /* CKM_ECDSA_SHA256 ... */
};

/** zca_key_type_find returns the row with this name (any case), or NULL. */
const struct zca_key_type *zca_key_type_find(const char *name);

/** zca_key_type_of returns the row of a key, or NULL when no row has its family and size.
 * key borrowed; only its public parameters are read. */
const struct zca_key_type *zca_key_type_of(const EVP_PKEY *key);

/** zca_key_type_by returns the row that OpenSSL's parameters describe, or NULL: `keymgmt` "EC", "RSA", "ED25519";
 * `group` the name of a curve (EC only, else NULL); `bits` the size (RSA only). */
const struct zca_key_type *zca_key_type_by(const char *keymgmt, const char *group, int bits);

/** zca_key_family_context returns a context for making keys of a family ("EC", "RSA", "ED25519") by OpenSSL's providers,
 * even where the application has an ENGINE for such keys. NULL: as EVP_PKEY_CTX_new_from_name. Caller frees. */
EVP_PKEY_CTX *zca_key_family_context(OSSL_LIB_CTX *libctx, const char *family);

/** zca_key_type_names returns the names, NULL-terminated, for option tables and messages. */
extern const char *const zca_key_type_names[];

/** zca_signature_algorithm_find returns the row for a key family and a digest name as OpenSSL knows it
 * ("SHA256", "SHA2-256", "sha256"; NULL for none), or NULL. */
const struct zca_signature_algorithm *zca_signature_algorithm_find(int key_nid, const char *digest);

/** zca_signature_algorithm_by_nid returns the row of an AlgorithmIdentifier's NID, or NULL. */
const struct zca_signature_algorithm *zca_signature_algorithm_by_nid(int nid);

#endif
