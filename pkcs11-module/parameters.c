/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Parameters of mechanisms (PKCS#11 3.0 current mechanisms, 2.1.8, 2.1.10, 2.3.5, 2.3.14). They are the application's
 * structures, of any length and alignment, so they are copied before they are looked at.
 */
#include <string.h>

#include "pkcs11-module/operation.h"

/* What PSS and OAEP hash with. */
struct hash {
    CK_MECHANISM_TYPE type;
    CK_RSA_PKCS_MGF_TYPE mgf;
    const char *digest;
    size_t len;
    bool is_weak; /* where signatures need it to be free of collisions */
};

static const struct hash hashes[] = {
    {CKM_SHA_1,  CKG_MGF1_SHA1,   "SHA1",   20, true },
    {CKM_SHA224, CKG_MGF1_SHA224, "SHA224", 28, true },
    {CKM_SHA256, CKG_MGF1_SHA256, "SHA256", 32, false},
    {CKM_SHA384, CKG_MGF1_SHA384, "SHA384", 48, false},
    {CKM_SHA512, CKG_MGF1_SHA512, "SHA512", 64, false},
};

static const struct hash *find_hash(CK_MECHANISM_TYPE type)
{
    for (size_t i = 0; i < ZCA_COUNT(hashes); i++) {
        if (hashes[i].type == type) {
            return &hashes[i];
        }
    }
    return NULL;
}

static const char *find_mask(CK_RSA_PKCS_MGF_TYPE mgf)
{
    for (size_t i = 0; i < ZCA_COUNT(hashes); i++) {
        if (hashes[i].mgf == mgf) {
            return hashes[i].digest;
        }
    }
    return NULL;
}

static CK_RV read_nothing(const struct zca_mechanism *mechanism, const void *given,
                          CK_ULONG key_bits, struct zca_parameters *out)
{
    (void)mechanism; /* takes none, */
    (void)given;     /* so its length was zero, */
    (void)key_bits;  /* whatever the key, */
    (void)out;       /* and that is what this is already */
    return CKR_OK;
}

/* RFC 8017, 9.1.1: EM has one bit less than the modulus, and room for hash, salt and two bytes. */
static CK_RV read_pss(const struct zca_mechanism *mechanism, const void *given, CK_ULONG key_bits,
                      struct zca_parameters *out)
{
    CK_RSA_PKCS_PSS_PARAMS pss;
    memcpy(&pss, given, sizeof(pss));
    const struct hash *hash = find_hash(pss.hashAlg);
    const char *mask = find_mask(pss.mgf);
    if (!hash || !mask || (mechanism->digest && strcmp(mechanism->digest, hash->digest) != 0)) {
        return CKR_MECHANISM_PARAM_INVALID;
    }
    if (hash->is_weak && !(mechanism->places & ZCA_ON_LEGACY)) {
        return CKR_MECHANISM_INVALID;
    }
    CK_ULONG room = (key_bits + 6) / 8;
    if (room < hash->len + 2 || pss.sLen > room - hash->len - 2) {
        return CKR_MECHANISM_PARAM_INVALID;
    }
    *out = (struct zca_parameters){
        .digest = hash->digest, .digest_len = hash->len, .mask_digest = mask, .salt_len = pss.sLen};
    return CKR_OK;
}

static CK_RV read_oaep(const struct zca_mechanism *mechanism, const void *given, CK_ULONG key_bits,
                       struct zca_parameters *out)
{
    (void)mechanism; /* the only one with this padding */
    CK_RSA_PKCS_OAEP_PARAMS oaep;
    memcpy(&oaep, given, sizeof(oaep));
    const struct hash *hash = find_hash(oaep.hashAlg);
    const char *mask = find_mask(oaep.mgf);
    bool has_label = oaep.ulSourceDataLen != 0;
    if (!hash || !mask || key_bits / 8 < 2 * hash->len + 2 ||
        (oaep.source != CKZ_DATA_SPECIFIED && (has_label || oaep.source != 0)) ||
        oaep.ulSourceDataLen > sizeof(out->label) || (has_label && !oaep.pSourceData)) {
        return CKR_MECHANISM_PARAM_INVALID;
    }
    *out = (struct zca_parameters){.digest = hash->digest,
                                   .digest_len = hash->len,
                                   .mask_digest = mask,
                                   .label_len = oaep.ulSourceDataLen};
    if (has_label) {
        memcpy(out->label, oaep.pSourceData, oaep.ulSourceDataLen);
    }
    return CKR_OK;
}

/* The other's key stays with the application: derive.c takes it from there. */
static CK_RV read_ecdh(const struct zca_mechanism *mechanism, const void *given, CK_ULONG key_bits,
                       struct zca_parameters *out)
{
    (void)mechanism; /* the only one like this */
    (void)key_bits;  /* the point's length is checked with the curve */
    (void)out;       /* nothing of it outlives the call */
    CK_ECDH1_DERIVE_PARAMS ecdh;
    memcpy(&ecdh, given, sizeof(ecdh));
    bool is_good = ecdh.kdf == CKD_NULL && ecdh.ulSharedDataLen == 0 && ecdh.pPublicData &&
                   ecdh.ulPublicDataLen != 0;
    return is_good ? CKR_OK : CKR_MECHANISM_PARAM_INVALID;
}

/* The structure of a mechanism: of its own type, else of its padding. Ed25519 has a parameter only in variants with a
 * context or a prehash, which are not offered. */
static const struct form {
    CK_MECHANISM_TYPE type; /* CK_UNAVAILABLE_INFORMATION: any of this padding */
    enum zca_padding padding;
    size_t len;
    CK_RV(*read)
    (const struct zca_mechanism *mechanism, const void *given, CK_ULONG key_bits,
     struct zca_parameters *out);
} forms[] = {
    {CKM_ECDH1_DERIVE,           ZCA_PADDING_NONE,  sizeof(CK_ECDH1_DERIVE_PARAMS),  read_ecdh   },
    {CK_UNAVAILABLE_INFORMATION, ZCA_PADDING_PSS,   sizeof(CK_RSA_PKCS_PSS_PARAMS),  read_pss    },
    {CK_UNAVAILABLE_INFORMATION, ZCA_PADDING_OAEP,  sizeof(CK_RSA_PKCS_OAEP_PARAMS), read_oaep   },
    {CK_UNAVAILABLE_INFORMATION, ZCA_PADDING_PKCS1, 0,                               read_nothing},
    {CK_UNAVAILABLE_INFORMATION, ZCA_PADDING_NONE,  0,                               read_nothing},
};

static const struct form *find_form(const struct zca_mechanism *mechanism)
{
    const struct form *form = forms;
    while (form->padding != mechanism->padding ||
           (form->type != mechanism->type && form->type != CK_UNAVAILABLE_INFORMATION)) {
        form++; /* each padding has a last row for any type */
    }
    return form;
}

CK_RV zca_parameters_read(const struct zca_mechanism *mechanism, const CK_MECHANISM *given,
                          CK_ULONG key_bits, struct zca_parameters *out_parameters)
{
    const struct form *form = find_form(mechanism);
    *out_parameters = (struct zca_parameters){.digest = NULL};
    if (given->ulParameterLen != 0 && !given->pParameter) {
        return CKR_ARGUMENTS_BAD;
    }
    if (given->ulParameterLen != form->len) {
        return CKR_MECHANISM_PARAM_INVALID;
    }
    return form->read(mechanism, given->pParameter, key_bits, out_parameters);
}
