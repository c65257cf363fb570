/* SPDX-License-Identifier: Apache-2.0 */
/* Extensions are made from their structures (RFC 5280, 4.2); no configuration text is parsed. */
#include "server/profile.h"

#include <openssl/evp.h>
#include <openssl/objects.h>

#include "base/openssl_auto.h"

/* RFC 5280, 4.2.1.3: bits as OpenSSL numbers them in KU_*. */
#define LEAF_USAGE_BITS                                                                            \
    (KU_DIGITAL_SIGNATURE | KU_NON_REPUDIATION | KU_KEY_ENCIPHERMENT | KU_KEY_AGREEMENT)

#define NO_PATH_LENGTH (-1)

struct profile {
    const char *name;
    bool is_ca;
    long path_length;
    unsigned key_usage;     /* for RSA keys */
    unsigned key_usage_not; /* bits that keys other than RSA do not get (RFC 8813, 3) */
    bool has_names;
    bool has_key_ids;
};

static const struct profile profiles[ZCA_NUM_PROFILES] = {
    [ZCA_PROFILE_CA] = {.name = "ca",
                        .is_ca = true,
                        .path_length = NO_PATH_LENGTH,
                        .key_usage = KU_KEY_CERT_SIGN | KU_CRL_SIGN,
                        .has_key_ids = true                                                     },
    [ZCA_PROFILE_PLAIN] = {.name = "plain",
                        .path_length = NO_PATH_LENGTH,
                        .key_usage = KU_DIGITAL_SIGNATURE | KU_KEY_ENCIPHERMENT},
    [ZCA_PROFILE_LEAF] = {.name = "leaf",
                        .path_length = NO_PATH_LENGTH,
                        .key_usage = KU_DIGITAL_SIGNATURE | KU_KEY_ENCIPHERMENT,
                        .key_usage_not = KU_KEY_ENCIPHERMENT,
                        .has_names = true,
                        .has_key_ids = true},
    [ZCA_PROFILE_INTERMEDIATE] = {.name = "intermediate",
                        .is_ca = true,
                        .path_length = 0,
                        .key_usage = KU_KEY_CERT_SIGN | KU_CRL_SIGN,
                        .has_key_ids = true                                                   },
};

ZCA_DEFINE_AUTO(BASIC_CONSTRAINTS, BASIC_CONSTRAINTS, BASIC_CONSTRAINTS_free);
ZCA_DEFINE_AUTO(ASN1_BIT_STRING, ASN1_BIT_STRING, ASN1_BIT_STRING_free);
ZCA_DEFINE_AUTO(ASN1_OCTET_STRING, ASN1_OCTET_STRING, ASN1_OCTET_STRING_free);
ZCA_DEFINE_AUTO(AUTHORITY_KEYID, AUTHORITY_KEYID, AUTHORITY_KEYID_free);

const char *zca_profile_name(enum zca_profile_kind kind)
{
    return profiles[kind].name;
}

static bool add(X509 *certificate, int nid, const void *value, bool critical)
{
    return value && X509_add1_ext_i2d(certificate, nid, (void *)(uintptr_t)value, critical ? 1 : 0,
                                      X509V3_ADD_APPEND) == 1;
}

static bool add_constraints(const struct profile *profile, X509 *certificate)
{
    zca_auto(BASIC_CONSTRAINTS) BASIC_CONSTRAINTS *constraints = BASIC_CONSTRAINTS_new();
    if (!constraints) {
        return false;
    }
    constraints->ca = profile->is_ca ? 0xff : 0;
    if (profile->path_length != NO_PATH_LENGTH) {
        constraints->pathlen = ASN1_INTEGER_new();
        if (!constraints->pathlen ||
            ASN1_INTEGER_set(constraints->pathlen, profile->path_length) != 1) {
            return false;
        }
    }
    return add(certificate, NID_basic_constraints, constraints, true);
}

static bool add_key_usage(const struct profile *profile, const struct zca_profile_input *input,
                          X509 *certificate)
{
    /* The algorithm's name, not the key: decoding it costs more than a signature. */
    ASN1_OBJECT *algorithm = NULL;
    if (X509_PUBKEY_get0_param(&algorithm, NULL, NULL, NULL, X509_get_X509_PUBKEY(certificate)) !=
        1) {
        return false;
    }
    bool rsa = OBJ_obj2nid(algorithm) == NID_rsaEncryption;
    unsigned usage = rsa ? profile->key_usage : profile->key_usage & ~profile->key_usage_not;
    unsigned asked = input->key_usage & LEAF_USAGE_BITS;
    if (!profile->is_ca && asked) {
        usage = asked;
    }
    zca_auto(ASN1_BIT_STRING) ASN1_BIT_STRING *bits = ASN1_BIT_STRING_new();
    for (int i = 0; bits && i < 8; i++) {
        if ((usage & (0x80u >> i)) != 0 && ASN1_BIT_STRING_set_bit(bits, i, 1) != 1) {
            return false;
        }
    }
    return add(certificate, NID_key_usage, bits, true);
}

/* RFC 5280, 4.2.1.2, method (1): SHA-1 of the public key's bits. */
static bool add_subject_key_id(X509 *certificate)
{
    uint8_t hash[EVP_MAX_MD_SIZE];
    unsigned len = 0;
    zca_auto(ASN1_OCTET_STRING) ASN1_OCTET_STRING *id = ASN1_OCTET_STRING_new();
    return id && X509_pubkey_digest(certificate, EVP_sha1(), hash, &len) == 1 &&
           ASN1_OCTET_STRING_set(id, hash, (int)len) == 1 &&
           add(certificate, NID_subject_key_identifier, id, false);
}

static bool add_issuer_key_id(const X509 *issuer, X509 *certificate)
{
    const ASN1_OCTET_STRING *issuer_id =
        X509_get0_subject_key_id((X509 *)(uintptr_t)issuer); /* caches, hence not const */
    zca_auto(AUTHORITY_KEYID) AUTHORITY_KEYID *id = AUTHORITY_KEYID_new();
    if (!issuer_id) {
        return true;
    }
    if (!id) {
        return false;
    }
    id->keyid = ASN1_OCTET_STRING_dup(issuer_id);
    return id->keyid && add(certificate, NID_authority_key_identifier, id, false);
}

bool zca_profile_apply(enum zca_profile_kind kind, const struct zca_profile_input *input,
                       X509 *certificate, struct zca_error *err)
{
    const struct profile *profile = &profiles[kind];
    bool ok = add_constraints(profile, certificate) && add_key_usage(profile, input, certificate);
    /* RFC 5280, 4.2.1.6: the names are critical when the subject is empty. */
    bool empty = X509_NAME_entry_count(X509_get_subject_name(certificate)) == 0;
    if (ok && profile->has_names && input->names) {
        ok = add(certificate, NID_subject_alt_name, input->names, empty);
    }
    if (ok && input->usage && !profile->is_ca) {
        ok = add(certificate, NID_ext_key_usage, input->usage, false);
    }
    if (ok && profile->has_key_ids) {
        ok = add_subject_key_id(certificate);
    }
    if (ok && profile->has_key_ids && input->issuer) {
        ok = add_issuer_key_id(input->issuer, certificate);
    }
    return ok ? true : zca_error_set_crypto(err, "making the extensions of a certificate");
}
