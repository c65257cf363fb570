/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A certificate fits when its intent recorded exactly its to-be-signed bytes and its serial, and its
 * authority's key made the signature.
 */
#include "server/verify.h"

#include <string.h>

#include "base/openssl_auto.h"
#include "base/pem.h"
#include "server/identifier.h"
#include "server/ledger_audit.h"
#include "server/ledger_authority.h"
#include "server/ledger_certificate.h"

#define PAGE 500

void zca_verification_clear(struct zca_verification *verification)
{
    zca_buffer_clear(&verification->head_hash);
}

/* The first element of the outer SEQUENCE, with its header. */
static bool find_tbs(struct zca_span der, struct zca_span *out_tbs)
{
    const uint8_t *cursor = der.data;
    long len = 0;
    int tag = 0;
    int class = 0;
    if ((ASN1_get_object(&cursor, &len, &tag, &class, (long)der.len) & 0x80) != 0) {
        return false;
    }
    const uint8_t *start = cursor;
    long rest = (long)der.len - (long)(cursor - der.data);
    if ((ASN1_get_object(&cursor, &len, &tag, &class, rest) & 0x80) != 0) {
        return false;
    }
    *out_tbs = zca_span_of(start, (size_t)(cursor - start) + (size_t)len);
    return true;
}

static bool fail(const struct zca_certificate *certificate, const char *why, struct zca_error *err)
{
    return zca_error_set(err, ZCA_ERR_VERIFY, "certificate '%s' %s", certificate->id, why);
}

static bool check_intent(struct zca_ledger *ledger, const struct zca_certificate *certificate,
                         struct zca_error *err)
{
    zca_auto(zca_intent) struct zca_intent intent = {0};
    zca_auto(zca_buffer) struct zca_buffer hash = {0};
    struct zca_span tbs;
    bool found = false;
    if (!zca_ledger_intent_find(ledger, certificate->intent, &intent, &found, err)) {
        return false;
    }
    if (!found) {
        return fail(certificate, "has no intent", err);
    }
    if (!find_tbs(zca_buffer_span(&certificate->der), &tbs)) {
        return fail(certificate, "cannot be read", err);
    }
    if (!zca_token_hash(tbs, &hash, err)) {
        return false;
    }
    if (!zca_span_equal(zca_buffer_span(&hash), zca_buffer_span(&intent.tbs_sha256)) ||
        !zca_span_equal(zca_buffer_span(&intent.serial), zca_buffer_span(&certificate->serial)) ||
        strcmp(intent.org_id, certificate->org_id) != 0) {
        return fail(certificate, "is not what its intent recorded", err);
    }
    return true;
}

static bool check_signature(struct zca_ledger *ledger, const struct zca_certificate *certificate,
                            struct zca_error *err)
{
    zca_auto(zca_authority_row) struct zca_authority_row row = {0};
    bool found = false;
    if (!zca_ledger_authority_find(ledger, certificate->authority_id, &row, &found, err)) {
        return false;
    }
    zca_auto(X509) X509 *issuer =
        found ? zca_der_parse_certificate(NULL, zca_buffer_span(&row.certificate), err) : NULL;
    zca_auto(X509) X509 *leaf =
        zca_der_parse_certificate(NULL, zca_buffer_span(&certificate->der), err);
    zca_auto(zca_buffer) struct zca_buffer serial = {0};
    if (!issuer || !leaf || X509_verify(leaf, X509_get0_pubkey(issuer)) != 1) {
        return fail(certificate, "is not signed by its authority", err);
    }
    const ASN1_INTEGER *number = X509_get0_serialNumber(leaf);
    struct zca_span bytes = zca_serial_trim(
        zca_span_of(ASN1_STRING_get0_data(number), (size_t)ASN1_STRING_length(number)));
    return zca_span_equal(bytes, zca_buffer_span(&certificate->serial))
               ? true
               : fail(certificate, "has another serial than its record", err);
}

static bool check_certificates(struct zca_ledger *ledger, int64_t *out_num, struct zca_error *err)
{
    int64_t after = 0;
    bool more = true;
    while (more) {
        zca_auto(zca_record_list) struct zca_record_list page = {0};
        if (!zca_ledger_certificate_scan(ledger, after, PAGE, &page, err)) {
            return false;
        }
        for (size_t i = 0; i < page.num; i++) {
            const struct zca_certificate *certificate = zca_record_at(&page, i);
            if (!check_intent(ledger, certificate, err) ||
                !check_signature(ledger, certificate, err)) {
                return false;
            }
            after = certificate->intent;
            (*out_num)++;
        }
        more = page.num == PAGE;
    }
    return true;
}

bool zca_verify(struct zca_ledger *ledger, struct zca_verification *out_verification,
                struct zca_error *err)
{
    return zca_ledger_check(ledger, err) &&
           zca_ledger_audit_verify(ledger, &out_verification->num_entries,
                                   &out_verification->head_hash, err) &&
           check_certificates(ledger, &out_verification->num_certificates, err);
}
