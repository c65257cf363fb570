/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TBSCertificate (RFC 5280, 4.1). Version 1 passes where the organisation allows it: it is what
 * `openssl x509 -req` of OpenSSL 3.0 makes without extensions, and no verifier that follows RFC 5280,
 * 6.1.4 (k), takes one for a CA.
 */
#include <string.h>

#include <openssl/x509v3.h>

#include "base/clock.h"
#include "base/openssl_auto.h"
#include "server/identifier.h"
#include "server/inspect.h"
#include "server/refusal.h"
#include "server/subject.h"

#define MAX_SERIAL_OCTETS 20
#define PAST_S (5 * 60)

ZCA_DEFINE_AUTO(AUTHORITY_KEYID, AUTHORITY_KEYID, AUTHORITY_KEYID_free);
ZCA_DEFINE_AUTO(EXTENDED_KEY_USAGE, EXTENDED_KEY_USAGE, EXTENDED_KEY_USAGE_free);

/* ---- fields ---- */

static bool check_version(const struct zca_inspection *inspection, const X509 *certificate,
                          struct zca_error *err)
{
    long version = X509_get_version(certificate);
    if (version == X509_VERSION_3) {
        return true;
    }
    if (version == X509_VERSION_1 && inspection->policy->org.allow_version1) {
        return true;
    }
    return zca_refuse(err, ZCA_REFUSE_VERSION, "Certificates of version %ld are not allowed",
                      version + 1);
}

static bool read_serial(const X509 *certificate, struct zca_buffer *out_serial,
                        struct zca_error *err)
{
    const ASN1_INTEGER *serial = X509_get0_serialNumber(certificate);
    struct zca_span bytes = zca_serial_trim(
        zca_span_of(ASN1_STRING_get0_data(serial), (size_t)ASN1_STRING_length(serial)));
    /* The top bit of 20 octets would make the number 21 octets long in DER. */
    bool fits =
        bytes.len < MAX_SERIAL_OCTETS || (bytes.len == MAX_SERIAL_OCTETS && bytes.data[0] < 0x80);
    if (ASN1_STRING_type(serial) != V_ASN1_INTEGER || bytes.len == 0 || !fits) {
        return zca_refuse(err, ZCA_REFUSE_INVALID_TBS,
                          "The serial number must be positive and at most 20 octets long");
    }
    return zca_buffer_append(out_serial, bytes, err);
}

static bool check_validity(const struct zca_inspection *inspection, const X509 *certificate,
                           int64_t *out_expires_at_ms, struct zca_error *err)
{
    const X509 *ca = zca_authority_certificate(inspection->authority);
    int64_t now_s = inspection->now_ms / 1000;
    int64_t longest_s = zca_policy_longest_s(inspection->policy);
    int64_t from_s = 0;
    int64_t to_s = 0;
    int64_t ca_to_s = 0;
    if (!zca_clock_from_asn1(X509_get0_notBefore(certificate), &from_s, NULL) ||
        !zca_clock_from_asn1(X509_get0_notAfter(certificate), &to_s, NULL) ||
        !zca_clock_from_asn1(X509_get0_notAfter(ca), &ca_to_s, NULL)) {
        return zca_refuse(err, ZCA_REFUSE_VALIDITY, "The dates cannot be read");
    }
    if (from_s < now_s - PAST_S) {
        return zca_refuse(err, ZCA_REFUSE_VALIDITY,
                          "notBefore is more than five minutes in the past");
    }
    if (to_s <= from_s || to_s <= now_s || to_s > ca_to_s) {
        return zca_refuse(err, ZCA_REFUSE_VALIDITY,
                          "notAfter must be after notBefore and within the life of the CA");
    }
    if (to_s - from_s > longest_s || to_s - now_s > longest_s + PAST_S) {
        return zca_refuse(
            err, ZCA_REFUSE_TTL_EXCEEDS_POLICY, "Requested TTL %lldh exceeds policy maximum %lldh",
            (long long)((to_s - from_s + 3599) / 3600), (long long)(longest_s / 3600));
    }
    *out_expires_at_ms = to_s * 1000;
    return true;
}

/* ---- role and names ---- */

/* Everything that any verifier could take for a CA, not only CA:TRUE. */
static bool is_ca(X509 *certificate)
{
    uint32_t usage = X509_get_key_usage(certificate);
    bool signs = usage != UINT32_MAX && (usage & (KU_KEY_CERT_SIGN | KU_CRL_SIGN)) != 0;
    return signs || X509_check_ca(certificate) != 0;
}

/* As `issue` makes them: they sign for holders, and for no CA below. */
static bool check_intermediate(const struct zca_inspection *inspection, X509 *certificate,
                               struct zca_error *err)
{
    if (!inspection->policy->org.allow_intermediate) {
        return zca_refuse(err, ZCA_REFUSE_CA, NULL);
    }
    return X509_check_ca(certificate) == 1 && X509_get_pathlen(certificate) == 0
               ? true
               : zca_refuse(err, ZCA_REFUSE_CA,
                            "The certificate of a CA needs the extension basicConstraints with "
                            "CA:TRUE and pathlen:0");
}

static bool check_leaf(const struct zca_inspection *inspection, const X509 *certificate,
                       struct zca_error *err)
{
    zca_auto(EXTENDED_KEY_USAGE) EXTENDED_KEY_USAGE *usage =
        X509_get_ext_d2i(certificate, NID_ext_key_usage, NULL, NULL);
    if (usage) {
        return zca_policy_check_usage(inspection->policy, usage, err);
    }
    return zca_policy_leaves_usage_open(inspection->policy)
               ? true
               : zca_refuse(err, ZCA_REFUSE_USAGE,
                            "The certificate needs the extension extendedKeyUsage: without it, it "
                            "would be good for every use, and the organization allows '%.100s'",
                            inspection->policy->org.allowed_ekus);
}

static bool check_role(const struct zca_inspection *inspection, X509 *certificate,
                       const char **out_profile, struct zca_error *err)
{
    if (is_ca(certificate)) {
        *out_profile = "tbs-ca";
        return check_intermediate(inspection, certificate, err);
    }
    *out_profile = X509_get_version(certificate) == X509_VERSION_1 ? "tbs-v1" : "tbs";
    return check_leaf(inspection, certificate, err);
}

static bool check_names(const struct zca_inspection *inspection, X509 *certificate,
                        char **out_title, struct zca_error *err)
{
    const X509_NAME *subject = X509_get_subject_name(certificate);
    zca_auto(GENERAL_NAMES) GENERAL_NAMES *names =
        X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
    if (X509_NAME_entry_count(subject) == 0 && !names) {
        return zca_refuse(err, ZCA_REFUSE_NAME, "The certificate names nobody");
    }
    if (!zca_subject_check_holder(subject, zca_authority_certificate(inspection->authority), err) ||
        !zca_policy_check_subject(inspection->policy, subject, err) ||
        (names && !zca_policy_check_names(inspection->policy, names, err))) {
        return false;
    }
    *out_title = zca_subject_title(subject, names, err);
    return *out_title != NULL;
}

static bool check_issuer(const struct zca_inspection *inspection, X509 *certificate,
                         struct zca_error *err)
{
    zca_auto(AUTHORITY_KEYID) AUTHORITY_KEYID *id =
        X509_get_ext_d2i(certificate, NID_authority_key_identifier, NULL, NULL);
    return zca_inspect_issuer(inspection, X509_get_issuer_name(certificate), err) &&
           zca_inspect_key_id(inspection, id, err);
}

bool zca_inspect_certificate(const struct zca_inspection *inspection,
                             struct zca_inspected *inspected, struct zca_error *err)
{
    zca_auto(X509) X509 *certificate = zca_tbs_certificate(NULL, inspection->tbs, NULL);
    if (!certificate) {
        return zca_refuse(err, ZCA_REFUSE_INVALID_TBS, NULL);
    }
    return check_version(inspection, certificate, err) &&
           zca_inspect_algorithm(inspection, X509_get0_tbs_sigalg(certificate), err) &&
           check_issuer(inspection, certificate, err) &&
           read_serial(certificate, &inspected->serial, err) &&
           check_validity(inspection, certificate, &inspected->expires_at_ms, err) &&
           zca_policy_check_key(X509_get_X509_PUBKEY(certificate), X509_get0_pubkey(certificate),
                                zca_authority_key(inspection->authority), err) &&
           zca_inspect_extensions(certificate, err) &&
           check_role(inspection, certificate, &inspected->profile, err) &&
           check_names(inspection, certificate, &inspected->title, err);
}
