/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A certificate fits when its intent recorded exactly its to-be-signed bytes and its serial, and its
 * authority's key made the signature. What the audit log says of it must still be so: a row that was
 * deleted, or lost its revocation, does not break the chain of the log.
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

/* ---- what the audit log says ---- */

typedef bool check_event(const struct zca_audit_entry *entry,
                         const struct zca_certificate *certificate, struct zca_error *err);

/* The detail ends with the hash of the whole certificate. */
static bool check_issued(const struct zca_audit_entry *entry,
                         const struct zca_certificate *certificate, struct zca_error *err)
{
    zca_auto(zca_buffer) struct zca_buffer hash = {0};
    zca_auto(zca_buffer) struct zca_buffer text = {0};
    if (!zca_token_hash(zca_buffer_span(&certificate->der), &hash, err) ||
        !zca_hex_encode(zca_buffer_span(&hash), '\0', &text, err)) {
        return false;
    }
    size_t len = entry->detail ? strlen(entry->detail) : 0;
    return (len >= text.len && memcmp(entry->detail + len - text.len, text.data, text.len) == 0) ||
           fail(certificate, "is not the one in the audit log", err);
}

static bool check_revoked(const struct zca_audit_entry *entry,
                          const struct zca_certificate *certificate, struct zca_error *err)
{
    return certificate->revoked_at == entry->created_at ||
           fail(certificate, "was revoked, as the audit log says, but is not marked so", err);
}

static const struct {
    const char *event;
    check_event *check;
} events[] = {
    {"certificate.issued",        check_issued },
    {"certificate.countersigned", check_issued },
    {"certificate.revoked",       check_revoked},
};

static bool check_entry(struct zca_ledger *ledger, const struct zca_audit_entry *entry,
                        struct zca_error *err)
{
    check_event *check = NULL;
    for (size_t i = 0; i < ZCA_COUNT(events); i++) {
        check = strcmp(entry->event, events[i].event) == 0 ? events[i].check : check;
    }
    if (!check || !entry->org_id || !entry->object) {
        return true;
    }
    zca_auto(zca_certificate) struct zca_certificate certificate = {0};
    bool found = false;
    if (!zca_ledger_certificate_find(ledger, entry->org_id, entry->object, &certificate, &found,
                                     err)) {
        return false;
    }
    return found ? check(entry, &certificate, err)
                 : zca_error_set(err, ZCA_ERR_VERIFY,
                                 "certificate '%s' of entry %lld of the audit log is missing",
                                 entry->object, (long long)entry->number);
}

static bool check_log(struct zca_ledger *ledger, int64_t num_entries, struct zca_error *err)
{
    for (int64_t after = 0; after < num_entries;) {
        zca_auto(zca_record_list) struct zca_record_list page = {0};
        if (!zca_ledger_audit_list(ledger, after, PAGE, &page, err)) {
            return false;
        }
        for (size_t i = 0; i < page.num; i++) {
            if (!check_entry(ledger, zca_record_at(&page, i), err)) {
                return false;
            }
        }
        after += PAGE; /* numbers have no gaps: the chain was checked */
    }
    return true;
}

bool zca_verify(struct zca_ledger *ledger, struct zca_verification *out_verification,
                struct zca_error *err)
{
    return zca_ledger_check(ledger, err) &&
           zca_ledger_audit_verify(ledger, &out_verification->num_entries,
                                   &out_verification->head_hash, err) &&
           check_certificates(ledger, &out_verification->num_certificates, err) &&
           check_log(ledger, out_verification->num_entries, err);
}
