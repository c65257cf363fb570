/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The public key is copied as it stands (X509_PUBKEY_set0_param): setting it as a key would decode
 * it once more, at the cost of seven signatures.
 */
#include "server/draft.h"

#include <openssl/objects.h>

#include "base/clock.h"
#include "base/openssl_auto.h"
#include "server/ec_key.h"
#include "server/identifier.h"
#include "server/refusal.h"

/* notBefore is this much in the past, for clocks that are behind ours; less for short lives. */
#define BACKDATE_S 30
#define BACKDATE_SHARE 20

bool zca_draft_start(struct zca_draft *draft, struct zca_error *err)
{
    draft->certificate = X509_new();
    return draft->certificate ? true : zca_error_set(err, ZCA_ERR_MEMORY, "making a certificate");
}

void zca_draft_clear(struct zca_draft *draft)
{
    zca_buffer_clear(&draft->serial);
    zca_buffer_clear(&draft->tbs);
    X509_free(draft->certificate);
    draft->certificate = NULL;
}

bool zca_draft_copy_key(struct zca_draft *draft, const X509_PUBKEY *from, struct zca_error *err)
{
    X509_PUBKEY *to = X509_get_X509_PUBKEY(draft->certificate);
    ASN1_OBJECT *object = NULL;
    const uint8_t *bytes = NULL;
    int len = 0;
    X509_ALGOR *algorithm = NULL;
    const void *value = NULL;
    int type = V_ASN1_UNDEF;
    if (X509_PUBKEY_get0_param(&object, &bytes, &len, &algorithm, from) != 1) {
        return zca_error_set_crypto(err, "reading a public key");
    }
    X509_ALGOR_get0(NULL, &type, &value, algorithm);
    uint8_t *copy = OPENSSL_memdup(bytes, (size_t)len);
    /* Parameters are a curve's name, or NULL, or absent: nothing else passed the checks. */
    void *parameter = type == V_ASN1_OBJECT ? OBJ_dup(value) : NULL;
    if (!copy || X509_PUBKEY_set0_param(to, OBJ_dup(object), type, parameter, copy, len) != 1) {
        OPENSSL_free(copy);
        return zca_error_set_crypto(err, "copying a public key");
    }
    return true;
}

bool zca_draft_set_key(struct zca_draft *draft, const EVP_PKEY *key, struct zca_error *err)
{
    X509_PUBKEY *to = X509_get_X509_PUBKEY(draft->certificate);
    zca_auto(zca_buffer) struct zca_buffer point = {0};
    if (!zca_ec_key_point(key, &point, err)) {
        return false;
    }
    uint8_t *copy = OPENSSL_memdup(point.data, point.len);
    if (!copy ||
        X509_PUBKEY_set0_param(to, OBJ_nid2obj(NID_X9_62_id_ecPublicKey), V_ASN1_OBJECT,
                               OBJ_nid2obj(NID_X9_62_prime256v1), copy, (int)point.len) != 1) {
        OPENSSL_free(copy);
        return zca_error_set_crypto(err, "setting a public key");
    }
    return true;
}

static bool set_serial(struct zca_draft *draft, struct zca_error *err)
{
    if (!zca_serial_make(&draft->serial, err)) {
        return false;
    }
    zca_auto(BIGNUM) BIGNUM *number = BN_bin2bn(draft->serial.data, (int)draft->serial.len, NULL);
    if (!number || !BN_to_ASN1_INTEGER(number, X509_get_serialNumber(draft->certificate))) {
        return zca_error_set_crypto(err, "setting a serial number");
    }
    return true;
}

static bool set_fields(struct zca_draft *draft, struct zca_error *err)
{
    X509 *certificate = draft->certificate;
    if (X509_set_version(certificate, X509_VERSION_3) != 1 ||
        X509_set_issuer_name(certificate, draft->issuer) != 1 ||
        X509_set_subject_name(certificate, draft->subject) != 1 ||
        !ASN1_TIME_set(X509_getm_notBefore(certificate), (time_t)draft->not_before_s) ||
        !ASN1_TIME_set(X509_getm_notAfter(certificate), (time_t)draft->not_after_s)) {
        return zca_error_set_crypto(err, "filling a certificate");
    }
    return set_serial(draft, err);
}

/* The algorithm stands inside what is signed (RFC 5280, 4.1.2.3). */
static bool encode_tbs(struct zca_draft *draft, const struct zca_signature_algorithm *algorithm,
                       struct zca_error *err)
{
    X509_ALGOR *inner = (X509_ALGOR *)(uintptr_t)X509_get0_tbs_sigalg(draft->certificate);
    uint8_t *der = NULL;
    if (X509_ALGOR_set0(inner, OBJ_nid2obj(algorithm->nid), V_ASN1_UNDEF, NULL) != 1) {
        return zca_error_set_crypto(err, "naming a signature algorithm");
    }
    int len = i2d_re_X509_tbs(draft->certificate, &der);
    if (len <= 0) {
        return zca_error_set_crypto(err, "encoding a certificate");
    }
    bool ok = zca_buffer_append(&draft->tbs, zca_span_of(der, (size_t)len), err);
    OPENSSL_free(der);
    return ok;
}

bool zca_draft_finish(struct zca_draft *draft, const struct zca_signature_algorithm *algorithm,
                      struct zca_error *err)
{
    return set_fields(draft, err) &&
           zca_profile_apply(draft->profile, &draft->input, draft->certificate, err) &&
           encode_tbs(draft, algorithm, err);
}

bool zca_draft_set_validity(struct zca_draft *draft, const X509 *ca, int64_t now_ms, int64_t ttl_s,
                            struct zca_error *err)
{
    int64_t now_s = now_ms / 1000;
    int64_t ca_from_s = 0;
    int64_t ca_to_s = 0;
    if (!zca_clock_from_asn1(X509_get0_notBefore(ca), &ca_from_s, err) ||
        !zca_clock_from_asn1(X509_get0_notAfter(ca), &ca_to_s, err)) {
        return false;
    }
    int64_t backdate_s = ttl_s / BACKDATE_SHARE < BACKDATE_S ? ttl_s / BACKDATE_SHARE : BACKDATE_S;
    draft->not_before_s = now_s - backdate_s > ca_from_s ? now_s - backdate_s : ca_from_s;
    draft->not_after_s = draft->not_before_s + ttl_s - 1;
    if (draft->not_after_s > ca_to_s) {
        draft->not_after_s = ca_to_s;
    }
    return draft->not_after_s > now_s
               ? true
               : zca_refuse(err, ZCA_REFUSE_VALIDITY, "The CA certificate has expired");
}
