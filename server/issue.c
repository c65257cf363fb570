/* SPDX-License-Identifier: Apache-2.0 */
/* Checks, a draft, an intent, a signature, a record: in this order. */
#include "server/issue.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>

#include "base/pem.h"
#include "server/authority.h"
#include "server/csr.h"
#include "server/draft.h"
#include "server/ec_key.h"
#include "server/flight.h"
#include "server/identifier.h"
#include "server/ledger_audit.h"
#include "server/profile.h"
#include "server/refusal.h"
#include "server/signing.h"
#include "server/subject.h"

void zca_issued_clear(struct zca_issued *issued)
{
    zca_certificate_clear(&issued->certificate);
    zca_buffer_clear(&issued->private_key);
    zca_buffer_clear(&issued->issuer);
}

/* ---- one request ---- */

struct issuance {
    struct zca_state *state;
    const struct zca_issue_request *request;
    struct zca_authority *authority;
    struct zca_policy policy;
    struct zca_csr csr;
    struct zca_subject subject;
    EXTENDED_KEY_USAGE *usage; /* where the CSR has none */
    EVP_PKEY *key;             /* made here */
    struct zca_buffer request_sha256;
    struct zca_draft draft;
    struct zca_flight_seat seat;
    int64_t ttl_s;
    int64_t now_ms;
};

static void clear_issuance(struct issuance *issuance)
{
    zca_flight_leave(&issuance->seat);
    zca_draft_clear(&issuance->draft);
    zca_authority_free(issuance->authority);
    zca_policy_clear(&issuance->policy);
    zca_csr_clear(&issuance->csr);
    zca_subject_clear(&issuance->subject);
    EXTENDED_KEY_USAGE_free(issuance->usage);
    EVP_PKEY_free(issuance->key);
    zca_buffer_clear(&issuance->request_sha256);
}

ZCA_DEFINE_AUTO_CLEAR(issuance, struct issuance, clear_issuance);

static bool check_request(struct issuance *issuance, struct zca_error *err)
{
    const struct zca_issue_request *request = issuance->request;
    struct zca_ledger *ledger = zca_state_ledger(issuance->state);
    if (!zca_policy_check_ttl(&request->ttl, err)) {
        return false;
    }
    issuance->authority =
        zca_authority_open(zca_state_authorities(issuance->state), request->org_id, err);
    if (!issuance->authority || !zca_policy_load(ledger, request->org_id, &issuance->policy, err)) {
        return false;
    }
    if (request->machine_id &&
        !zca_policy_check_machine(ledger, &issuance->policy, request->machine_id, err)) {
        return false;
    }
    return zca_policy_cap_ttl(&issuance->policy, &request->ttl, &issuance->ttl_s, err) &&
           (request->csr.len == 0 ||
            zca_csr_parse(zca_state_request_context(issuance->state), request->csr,
                          &issuance->policy, zca_authority_key(issuance->authority), &issuance->csr,
                          err));
}

static bool make_subject(struct issuance *issuance, struct zca_error *err)
{
    const struct zca_issue_request *request = issuance->request;
    struct zca_subject_input input = {.common_name = request->subject_cn ? request->subject_cn
                                                                         : request->machine_id,
                                      .csr = issuance->csr.request ? &issuance->csr : NULL,
                                      .dns_names = request->dns_names,
                                      .ip_addresses = request->ip_addresses,
                                      .plain = request->plain};
    return zca_subject_make(&issuance->policy, &input, &issuance->subject, err) &&
           zca_subject_check_holder(issuance->subject.name,
                                    zca_authority_certificate(issuance->authority), err);
}

/* The plain profile has no room for one, unless the organisation narrows the uses (docs/decisions/0016). */
static bool choose_usage(struct issuance *issuance, struct zca_error *err)
{
    bool open = issuance->request->plain && zca_policy_leaves_usage_open(&issuance->policy);
    if (issuance->csr.usage || issuance->csr.is_ca || open) {
        return true;
    }
    return zca_policy_default_usage(&issuance->policy, &issuance->usage, err);
}

static enum zca_profile_kind choose_profile(const struct issuance *issuance)
{
    if (issuance->csr.is_ca) {
        return ZCA_PROFILE_INTERMEDIATE;
    }
    return issuance->request->plain ? ZCA_PROFILE_PLAIN : ZCA_PROFILE_LEAF;
}

static bool make_draft(struct issuance *issuance, const struct zca_signature_algorithm *algorithm,
                       struct zca_error *err)
{
    struct zca_draft *draft = &issuance->draft;
    X509 *ca = zca_authority_certificate(issuance->authority);
    draft->profile = choose_profile(issuance);
    draft->issuer = X509_get_subject_name(ca);
    draft->subject = issuance->subject.name;
    draft->input = (struct zca_profile_input){.issuer = ca,
                                              .names = issuance->subject.names,
                                              .usage = issuance->csr.usage ? issuance->csr.usage
                                                                           : issuance->usage,
                                              .key_usage = issuance->csr.key_usage};
    if (!zca_draft_start(draft, err)) {
        return false;
    }
    bool ok = false;
    if (issuance->csr.request) {
        ok = zca_draft_copy_key(draft, X509_REQ_get_X509_PUBKEY(issuance->csr.request), err);
    } else {
        issuance->key = zca_ec_key_make(err);
        ok = issuance->key && zca_draft_set_key(draft, issuance->key, err);
    }
    return ok && zca_draft_set_validity(draft, ca, issuance->now_ms, issuance->ttl_s, err) &&
           zca_draft_finish(draft, algorithm, err);
}

/* ---- records ---- */

struct record {
    const struct zca_certificate *certificate;
    const char *requester;
    const char *event;
    const char *detail;
};

static bool insert_record(struct zca_ledger *ledger, void *context, struct zca_error *err)
{
    const struct record *record = context;
    struct zca_audit_event event = {.created_at = record->certificate->issued_at,
                                    .org_id = record->certificate->org_id,
                                    .actor = record->requester,
                                    .event = record->event,
                                    .object = record->certificate->id,
                                    .detail = record->detail};
    return zca_ledger_certificate_insert(ledger, record->certificate, err) &&
           zca_ledger_audit_append(ledger, &event, err);
}

/* What the audit log says of a certificate: enough to find it, and to prove it was this one. */
static bool describe(const struct zca_certificate *certificate, struct zca_buffer *out_text,
                     struct zca_error *err)
{
    zca_auto(zca_buffer) struct zca_buffer hash = {0};
    return zca_token_hash(zca_buffer_span(&certificate->der), &hash, err) &&
           zca_buffer_append_text(out_text, "serial ", err) &&
           zca_serial_text(zca_buffer_span(&certificate->serial), out_text, err) &&
           zca_buffer_append_text(out_text, " sha256 ", err) &&
           zca_hex_encode(zca_buffer_span(&hash), '\0', out_text, err);
}

static bool copy_text(char **out_text, const char *text, struct zca_error *err)
{
    *out_text = text ? strdup(text) : NULL;
    return *out_text || !text ? true : zca_error_set(err, ZCA_ERR_MEMORY, "recording");
}

static bool fill_certificate(const struct issuance *issuance, struct zca_certificate *certificate,
                             struct zca_error *err)
{
    char id[ZCA_UUID_SIZE];
    certificate->issued_at = issuance->now_ms;
    certificate->expires_at = issuance->draft.not_after_s * 1000;
    return zca_uuid_make(id, err) && copy_text(&certificate->id, id, err) &&
           copy_text(&certificate->org_id, issuance->request->org_id, err) &&
           copy_text(&certificate->authority_id, zca_authority_id(issuance->authority), err) &&
           copy_text(&certificate->machine_id, issuance->request->machine_id, err) &&
           copy_text(&certificate->subject_cn, issuance->subject.title, err) &&
           zca_buffer_append(&certificate->serial,
                             zca_serial_trim(zca_buffer_span(&issuance->draft.serial)), err);
}

static bool sign_and_store(struct issuance *issuance, struct zca_issued *issued,
                           struct zca_error *err)
{
    struct zca_ledger *ledger = zca_state_ledger(issuance->state);
    const struct zca_signature_algorithm *algorithm =
        zca_authority_algorithm(issuance->authority, NULL);
    if (!algorithm) {
        return zca_error_set(err, ZCA_ERR_CRYPTO, "the CA key has no signature algorithm");
    }
    if (!make_draft(issuance, algorithm, err)) {
        return false;
    }
    struct zca_signing signing = {.authority = issuance->authority,
                                  .algorithm = algorithm,
                                  .kind = "certificate",
                                  .profile = zca_profile_name(issuance->draft.profile),
                                  .requester = issuance->request->requester,
                                  .request_id = issuance->request->request_id,
                                  .request_sha256 = zca_buffer_span(&issuance->request_sha256),
                                  .serial = zca_buffer_span(&issuance->draft.serial),
                                  .tbs = zca_buffer_span(&issuance->draft.tbs),
                                  .now_ms = issuance->now_ms};
    zca_auto(zca_buffer) struct zca_buffer signature = {0};
    zca_auto(zca_buffer) struct zca_buffer detail = {0};
    struct zca_certificate *certificate = &issued->certificate;
    if (!zca_signing_run(ledger, &signing, &certificate->intent, &signature, err) ||
        !zca_signing_complete(&signing, zca_buffer_span(&signature), &certificate->der, err) ||
        !fill_certificate(issuance, certificate, err) || !describe(certificate, &detail, err)) {
        return false;
    }
    struct record record = {.certificate = certificate,
                            .requester = issuance->request->requester,
                            .event = "certificate.issued",
                            .detail = (const char *)detail.data};
    return zca_ledger_transact(ledger, insert_record, &record, err);
}

/* ---- requests that are repeated ---- */

static bool hash_text(struct zca_buffer *text, const char *word, struct zca_error *err)
{
    /* With its NUL, so that two lists of words never look alike. */
    return zca_buffer_append(text, zca_span_of(word, strlen(word) + 1), err);
}

static bool hash_words(struct zca_buffer *text, const char *const *words, struct zca_error *err)
{
    bool ok = true;
    for (; ok && words && *words; words++) {
        ok = hash_text(text, *words, err);
    }
    return ok && hash_text(text, "", err);
}

static bool hash_ttl(struct zca_buffer *text, const struct zca_ttl *ttl, struct zca_error *err)
{
    long long hours = ttl->has_hours ? ttl->hours : 0;
    long long seconds = ttl->has_seconds ? ttl->seconds : 0;
    return zca_buffer_format(text, err, "%lld %lld", hours, seconds) && hash_text(text, "", err);
}

static bool hash_request(const struct zca_issue_request *request, struct zca_buffer *out_hash,
                         struct zca_error *err)
{
    zca_auto(zca_buffer) struct zca_buffer text = {0};
    return zca_buffer_append(&text, request->csr, err) && hash_text(&text, "", err) &&
           hash_text(&text, request->subject_cn ? request->subject_cn : "", err) &&
           hash_text(&text, request->machine_id ? request->machine_id : "", err) &&
           hash_words(&text, request->dns_names, err) &&
           hash_words(&text, request->ip_addresses, err) && hash_ttl(&text, &request->ttl, err) &&
           zca_token_hash(zca_buffer_span(&text), out_hash, err);
}

/* The certificate of an intent; an intent without one was never answered and gives way. */
static bool replay(struct issuance *issuance, const struct zca_intent *intent,
                   struct zca_issued *issued, bool *out_found, struct zca_error *err)
{
    struct zca_ledger *ledger = zca_state_ledger(issuance->state);
    if (!zca_span_equal(zca_buffer_span(&intent->request_sha256),
                        zca_buffer_span(&issuance->request_sha256))) {
        return zca_refuse(err, ZCA_REFUSE_CONFLICT,
                          "request_id was used for another request before");
    }
    if (issuance->request->csr.len == 0) {
        return zca_refuse(err, ZCA_REFUSE_CONFLICT,
                          "request_id was used before, and its private key is not kept");
    }
    if (!zca_ledger_certificate_find_by_intent(ledger, intent->id, &issued->certificate, out_found,
                                               err)) {
        return false;
    }
    if (!*out_found) {
        return zca_ledger_intent_abandon(ledger, intent->id, issuance->now_ms, err);
    }
    issuance->ttl_s = (issued->certificate.expires_at - issued->certificate.issued_at) / 1000;
    return true;
}

static bool find_earlier(struct issuance *issuance, struct zca_issued *issued, bool *out_found,
                         struct zca_error *err)
{
    const struct zca_issue_request *request = issuance->request;
    zca_auto(zca_intent) struct zca_intent intent = {0};
    bool used = false;
    *out_found = false;
    if (!request->request_id) {
        return true;
    }
    if (!hash_request(request, &issuance->request_sha256, err) ||
        !zca_flight_enter(zca_state_flight(issuance->state), request->org_id, request->request_id,
                          &issuance->seat, err) ||
        !zca_ledger_intent_find_by_request(zca_state_ledger(issuance->state), request->org_id,
                                           request->request_id, &intent, &used, err)) {
        return false;
    }
    return used ? replay(issuance, &intent, issued, out_found, err) : true;
}

/* The CA of a certificate that was issued before may have been replaced since. */
static bool add_issuer(struct issuance *issuance, struct zca_issued *issued, struct zca_error *err)
{
    if (strcmp(issued->certificate.authority_id, zca_authority_id(issuance->authority)) == 0) {
        return zca_der_certificate(zca_authority_certificate(issuance->authority), &issued->issuer,
                                   err);
    }
    zca_auto(zca_authority_row) struct zca_authority_row row = {0};
    bool found = false;
    return zca_ledger_authority_find(zca_state_ledger(issuance->state),
                                     issued->certificate.authority_id, &row, &found, err) &&
           zca_buffer_append(&issued->issuer, zca_buffer_span(&row.certificate), err);
}

static bool issue(struct zca_state *state, const struct zca_issue_request *request,
                  struct zca_issued *issued, struct zca_error *err)
{
    zca_auto(issuance) struct issuance issuance = {.state = state, .request = request};
    bool found = false;
    if (!check_request(&issuance, err) || !make_subject(&issuance, err) ||
        !choose_usage(&issuance, err) || !zca_state_now(state, &issuance.now_ms, err) ||
        !find_earlier(&issuance, issued, &found, err)) {
        return false;
    }
    if (!found && !sign_and_store(&issuance, issued, err)) {
        return false;
    }
    issued->ttl_s = issuance.ttl_s;
    return (!issuance.key || zca_ec_key_format(issuance.key, &issued->private_key, err)) &&
           add_issuer(&issuance, issued, err);
}

bool zca_issue_certificate(struct zca_state *state, const struct zca_issue_request *request,
                           struct zca_issued *out_issued, struct zca_error *err)
{
    zca_auto(zca_issued) struct zca_issued issued = {.private_key = ZCA_SECRET_BUFFER};
    struct zca_error reason = {0};
    if (!issue(state, request, &issued, &reason)) {
        zca_audit_refusal(state, request->org_id, request->requester, "certificate.refused",
                          &reason);
        ERR_clear_error();
        if (err) {
            *err = reason;
        }
        return false;
    }
    *out_issued = issued;
    issued = (struct zca_issued){0};
    return true;
}
