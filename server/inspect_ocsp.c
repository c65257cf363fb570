/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ResponseData (RFC 6960, 4.2.1). Every single answer is held against the ledger: what is revoked or
 * unknown there is never called good.
 */
#include <string.h>

#include <openssl/ocsp.h>

#include "base/clock.h"
#include "base/openssl_auto.h"
#include "server/identifier.h"
#include "server/inspect.h"
#include "server/ledger_certificate.h"
#include "server/refusal.h"

#define MAX_NEXT_UPDATE_S (INT64_C(31) * 24 * 3600)

ZCA_DEFINE_AUTO(OCSP_BASICRESP, OCSP_BASICRESP, OCSP_BASICRESP_free);
ZCA_DEFINE_AUTO(OCSP_CERTID, OCSP_CERTID, OCSP_CERTID_free);

static bool check_responder(const struct zca_inspection *inspection, const OCSP_BASICRESP *response,
                            struct zca_error *err)
{
    const ASN1_OCTET_STRING *key_hash = NULL;
    const X509_NAME *name = NULL;
    const X509 *ca = zca_authority_certificate(inspection->authority);
    uint8_t hash[EVP_MAX_MD_SIZE];
    unsigned len = 0;
    if (OCSP_resp_get0_id(response, &key_hash, &name) != 1) {
        return zca_refuse(err, ZCA_REFUSE_INVALID_TBS, NULL);
    }
    if (name) {
        return zca_inspect_issuer(inspection, name, err);
    }
    if (X509_pubkey_digest(ca, EVP_sha1(), hash, &len) != 1) {
        return zca_error_set_crypto(err, "hashing the CA key");
    }
    struct zca_span wanted = zca_span_of(hash, len);
    struct zca_span found =
        zca_span_of(ASN1_STRING_get0_data(key_hash), (size_t)ASN1_STRING_length(key_hash));
    return zca_span_equal(wanted, found) ? true : zca_refuse(err, ZCA_REFUSE_WRONG_ISSUER, NULL);
}

/* The certificate an answer is about must be one of this CA. */
static bool check_id(const struct zca_inspection *inspection, OCSP_CERTID *id,
                     ASN1_INTEGER **out_serial, struct zca_error *err)
{
    X509 *ca = zca_authority_certificate(inspection->authority);
    ASN1_OBJECT *digest = NULL;
    if (OCSP_id_get0_info(NULL, &digest, NULL, out_serial, id) != 1 || !*out_serial) {
        return zca_refuse(err, ZCA_REFUSE_INVALID_TBS, NULL);
    }
    const EVP_MD *md = EVP_get_digestbyobj(digest);
    zca_auto(OCSP_CERTID) OCSP_CERTID *wanted =
        md ? OCSP_cert_id_new(md, X509_get_subject_name(ca), X509_get0_pubkey_bitstr(ca),
                              *out_serial)
           : NULL;
    return wanted && OCSP_id_issuer_cmp(wanted, id) == 0
               ? true
               : zca_refuse(err, ZCA_REFUSE_WRONG_ISSUER,
                            "An answer is about a certificate of another CA");
}

static bool check_status(const struct zca_inspection *inspection, const ASN1_INTEGER *serial,
                         int status, struct zca_error *err)
{
    zca_auto(zca_certificate) struct zca_certificate certificate = {0};
    bool found = false;
    struct zca_span bytes = zca_serial_trim(
        zca_span_of(ASN1_STRING_get0_data(serial), (size_t)ASN1_STRING_length(serial)));
    if (!zca_ledger_certificate_find_by_serial(inspection->ledger, inspection->policy->org.id,
                                               bytes, &certificate, &found, err)) {
        return false;
    }
    bool good = found && certificate.revoked_at == 0 &&
                strcmp(certificate.authority_id, zca_authority_id(inspection->authority)) == 0;
    if (status == V_OCSP_CERTSTATUS_GOOD && !good) {
        return zca_refuse(err, ZCA_REFUSE_OCSP_CONTENT, "A certificate is called good that is %s",
                          found ? "revoked" : "unknown");
    }
    if (status == V_OCSP_CERTSTATUS_UNKNOWN && found && certificate.revoked_at != 0) {
        return zca_refuse(err, ZCA_REFUSE_OCSP_CONTENT,
                          "A certificate is called unknown that is revoked");
    }
    return true;
}

static bool check_single(const struct zca_inspection *inspection, OCSP_SINGLERESP *single,
                         struct zca_error *err)
{
    ASN1_GENERALIZEDTIME *this_update = NULL;
    ASN1_GENERALIZEDTIME *next_update = NULL;
    ASN1_INTEGER *serial = NULL;
    int64_t this_s = 0;
    int64_t next_s = 0;
    int status = OCSP_single_get0_status(single, NULL, NULL, &this_update, &next_update);
    OCSP_CERTID *id = (OCSP_CERTID *)(uintptr_t)OCSP_SINGLERESP_get0_id(single);
    if (status < 0 || !this_update || !zca_clock_from_asn1(this_update, &this_s, NULL) ||
        (next_update && !zca_clock_from_asn1(next_update, &next_s, NULL))) {
        return zca_refuse(err, ZCA_REFUSE_INVALID_TBS, NULL);
    }
    if (next_update && (next_s <= this_s || next_s - this_s > MAX_NEXT_UPDATE_S)) {
        return zca_refuse(err, ZCA_REFUSE_VALIDITY,
                          "nextUpdate must be after thisUpdate and within 31 days");
    }
    return zca_inspect_recent(inspection, this_s, "thisUpdate", err) &&
           check_id(inspection, id, &serial, err) && check_status(inspection, serial, status, err);
}

bool zca_inspect_ocsp(const struct zca_inspection *inspection, struct zca_inspected *inspected,
                      struct zca_error *err)
{
    zca_auto(zca_buffer) struct zca_buffer der = {0};
    if (!zca_inspect_open(inspection, &der, err)) {
        return false;
    }
    const uint8_t *end = der.data;
    zca_auto(OCSP_BASICRESP) OCSP_BASICRESP *response =
        d2i_OCSP_BASICRESP(NULL, &end, (long)der.len);
    int64_t produced_s = 0;
    if (!response || OCSP_resp_count(response) < 1 ||
        !zca_clock_from_asn1(OCSP_resp_get0_produced_at(response), &produced_s, NULL)) {
        return zca_refuse(err, ZCA_REFUSE_INVALID_TBS, NULL);
    }
    if (!check_responder(inspection, response, err) ||
        !zca_inspect_recent(inspection, produced_s, "producedAt", err)) {
        return false;
    }
    for (int i = 0; i < OCSP_resp_count(response); i++) {
        if (!check_single(inspection, OCSP_resp_get0(response, i), err)) {
            return false;
        }
    }
    inspected->profile = "tbs-ocsp";
    return true;
}
