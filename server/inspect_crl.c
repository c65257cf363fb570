/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TBSCertList (RFC 5280, 5.1), and CertificationRequestInfo (RFC 2986, 4.1) of the CA itself. A CRL
 * that leaves out a certificate the ledger holds as revoked would bring it back: it is refused.
 */
#include <string.h>

#include <openssl/x509v3.h>

#include "base/clock.h"
#include "base/openssl_auto.h"
#include "server/identifier.h"
#include "server/inspect.h"
#include "server/ledger_authority.h"
#include "server/ledger_certificate.h"
#include "server/refusal.h"

#define MAX_NEXT_UPDATE_S (INT64_C(366) * 24 * 3600)

ZCA_DEFINE_AUTO(AUTHORITY_KEYID, AUTHORITY_KEYID, AUTHORITY_KEYID_free);

static bool check_dates(const struct zca_inspection *inspection, const X509_CRL *crl,
                        int64_t *out_next_ms, struct zca_error *err)
{
    int64_t this_s = 0;
    int64_t next_s = 0;
    const ASN1_TIME *next = X509_CRL_get0_nextUpdate(crl);
    if (!next || !zca_clock_from_asn1(X509_CRL_get0_lastUpdate(crl), &this_s, NULL) ||
        !zca_clock_from_asn1(next, &next_s, NULL)) {
        return zca_refuse(err, ZCA_REFUSE_VALIDITY, "A CRL needs thisUpdate and nextUpdate");
    }
    if (!zca_inspect_recent(inspection, this_s, "thisUpdate", err)) {
        return false;
    }
    if (next_s <= this_s || next_s - this_s > MAX_NEXT_UPDATE_S) {
        return zca_refuse(err, ZCA_REFUSE_VALIDITY,
                          "nextUpdate must be after thisUpdate and within a year");
    }
    *out_next_ms = next_s * 1000;
    return true;
}

/* Extensions that narrow what a CRL covers would hide what is missing in it. */
static const int known_extensions[] = {NID_crl_number, NID_authority_key_identifier};

static bool check_extensions(const X509_CRL *crl, struct zca_error *err)
{
    for (int i = 0; i < X509_CRL_get_ext_count(crl); i++) {
        const X509_EXTENSION *extension = X509_CRL_get_ext(crl, i);
        int nid = OBJ_obj2nid(X509_EXTENSION_get_object((X509_EXTENSION *)(uintptr_t)extension));
        bool known = false;
        for (size_t j = 0; j < ZCA_COUNT(known_extensions); j++) {
            known |= known_extensions[j] == nid;
        }
        if (!known || X509_CRL_get_ext_by_NID(crl, nid, i) != -1) {
            return zca_refuse(err, ZCA_REFUSE_EXTENSION,
                              "A CRL may have a number and an authority key identifier, once each");
        }
        if (!zca_inspect_extension(extension, err)) {
            return false;
        }
    }
    return true;
}

static bool read_number(const X509_CRL *crl, int64_t *out_number, struct zca_error *err)
{
    int critical = -1;
    zca_auto(ASN1_INTEGER) ASN1_INTEGER *number =
        X509_CRL_get_ext_d2i(crl, NID_crl_number, &critical, NULL);
    if (!number) {
        return critical == -1
                   ? true
                   : zca_refuse(err, ZCA_REFUSE_INVALID_TBS, "The CRL number cannot be read");
    }
    if (ASN1_INTEGER_get_int64(out_number, number) != 1 || *out_number < 0) {
        return zca_refuse(err, ZCA_REFUSE_INVALID_TBS, "The CRL number is out of range");
    }
    return true;
}

static bool has_serial(X509_CRL *crl, struct zca_span serial)
{
    zca_auto(BIGNUM) BIGNUM *number = BN_bin2bn(serial.data, (int)serial.len, NULL);
    zca_auto(ASN1_INTEGER) ASN1_INTEGER *integer = number ? BN_to_ASN1_INTEGER(number, NULL) : NULL;
    X509_REVOKED *entry = NULL;
    /* 2 means "removed from the CRL", which is not revoked. */
    return integer && X509_CRL_get0_by_serial(crl, &entry, integer) == 1;
}

static bool check_entries(const struct zca_inspection *inspection, X509_CRL *crl, int64_t *out_num,
                          struct zca_error *err)
{
    zca_auto(zca_record_list) struct zca_record_list rows = {0};
    if (!zca_ledger_revocation_list(inspection->ledger, zca_authority_id(inspection->authority),
                                    inspection->now_ms, &rows, err)) {
        return false;
    }
    for (size_t i = 0; i < rows.num; i++) {
        const struct zca_revocation *row = zca_record_at(&rows, i);
        if (!has_serial(crl, zca_buffer_span(&row->serial))) {
            zca_auto(zca_buffer) struct zca_buffer text = {0};
            return zca_serial_text(zca_buffer_span(&row->serial), &text, err) &&
                   zca_refuse(err, ZCA_REFUSE_CRL_CONTENT,
                              "The revoked certificate %s is missing in the CRL",
                              (const char *)text.data);
        }
    }
    *out_num = (int64_t)rows.num;
    return true;
}

bool zca_inspect_crl(const struct zca_inspection *inspection, struct zca_inspected *inspected,
                     struct zca_error *err)
{
    zca_auto(X509_CRL) X509_CRL *crl = zca_tbs_crl(NULL, inspection->tbs, NULL);
    const X509_ALGOR *inside = NULL;
    if (!crl) {
        return zca_refuse(err, ZCA_REFUSE_INVALID_TBS, NULL);
    }
    zca_auto(AUTHORITY_KEYID) AUTHORITY_KEYID *id =
        X509_CRL_get_ext_d2i(crl, NID_authority_key_identifier, NULL, NULL);
    /* zca_tbs_crl completes with the algorithm that stands inside. */
    X509_CRL_get0_signature(crl, NULL, &inside);
    inspected->profile = "tbs-crl";
    return zca_inspect_algorithm(inspection, inside, err) &&
           zca_inspect_issuer(inspection, X509_CRL_get_issuer(crl), err) &&
           check_extensions(crl, err) && zca_inspect_key_id(inspection, id, err) &&
           check_dates(inspection, crl, &inspected->expires_at_ms, err) &&
           read_number(crl, &inspected->crl_number, err) &&
           check_entries(inspection, crl, &inspected->num_entries, err);
}

/* The CA asks another CA to certify it: its own name and key, nothing else. */
bool zca_inspect_request(const struct zca_inspection *inspection, struct zca_inspected *inspected,
                         struct zca_error *err)
{
    zca_auto(zca_buffer) struct zca_buffer der = {0};
    if (!zca_inspect_open(inspection, &der, err)) {
        return false;
    }
    const uint8_t *end = der.data;
    zca_auto(X509_REQ) X509_REQ *request = d2i_X509_REQ(NULL, &end, (long)der.len);
    const EVP_PKEY *key = request ? X509_REQ_get0_pubkey(request) : NULL;
    if (!key) {
        return zca_refuse(err, ZCA_REFUSE_INVALID_TBS, NULL);
    }
    if (EVP_PKEY_eq(key, zca_authority_key(inspection->authority)) != 1) {
        return zca_refuse(err, ZCA_REFUSE_INVALID_TBS, "The CA key signs requests for itself only");
    }
    inspected->profile = "tbs-request";
    return zca_inspect_issuer(inspection, X509_REQ_get_subject_name(request), err);
}
