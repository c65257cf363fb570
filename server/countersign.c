/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bytes are the identity of a request: an intent with the same serial or request id and the same
 * hash is continued where it stopped, one with another hash is a conflict.
 */
#include "server/countersign.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>

#include "base/openssl_auto.h"
#include "base/pem.h"
#include "server/authority.h"
#include "server/flight.h"
#include "server/identifier.h"
#include "server/inspect.h"
#include "server/issue.h"
#include "server/ledger_audit.h"
#include "server/ledger_authority.h"
#include "server/policy.h"
#include "server/refusal.h"
#include "server/signing.h"

#define MAX_TBS (64u * 1024) /* no request holds more; a CRL of 1,300 entries comes through */
#define MAX_CRL_STEP (INT64_C(1) << 32)

void zca_countersigned_clear(struct zca_countersigned *countersigned)
{
    zca_buffer_clear(&countersigned->signature);
    zca_buffer_clear(&countersigned->serial);
}

struct task {
    struct zca_state *state;
    const struct zca_countersign_request *request;
    enum zca_tbs_kind kind;
    struct zca_authority *authority;
    struct zca_policy policy;
    struct zca_inspected inspected;
    struct zca_buffer name; /* for the flight: the hash of the bytes */
    struct zca_flight_seat seat;
    struct zca_intent intent; /* an earlier one with the same bytes; id 0: none */
    const struct zca_signature_algorithm *algorithm;
    bool crl_stored; /* by the earlier intent */
    int64_t now_ms;
};

static void clear_task(struct task *task)
{
    zca_flight_leave(&task->seat);
    zca_buffer_clear(&task->name);
    zca_authority_free(task->authority);
    zca_policy_clear(&task->policy);
    zca_inspected_clear(&task->inspected);
    zca_intent_clear(&task->intent);
}

ZCA_DEFINE_AUTO_CLEAR(task, struct task, clear_task);

/* ---- before ---- */

static bool open_task(struct task *task, struct zca_error *err)
{
    const struct zca_countersign_request *request = task->request;
    if (request->tbs.len == 0 || request->tbs.len > MAX_TBS) {
        return zca_refuse(err, ZCA_REFUSE_INVALID_TBS, NULL);
    }
    task->authority = zca_authority_open(zca_state_authorities(task->state), request->org_id, err);
    if (!task->authority ||
        !zca_policy_load(zca_state_ledger(task->state), request->org_id, &task->policy, err)) {
        return false;
    }
    task->algorithm = zca_authority_algorithm(task->authority, request->digest);
    if (!task->algorithm) {
        return zca_refuse(err, ZCA_REFUSE_WEAK_DIGEST, NULL);
    }
    task->kind = zca_tbs_classify(request->tbs);
    if (task->kind == ZCA_TBS_UNKNOWN ||
        (request->kind != ZCA_TBS_UNKNOWN && request->kind != task->kind)) {
        return zca_refuse(err, ZCA_REFUSE_INVALID_TBS, NULL);
    }
    return zca_state_now(task->state, &task->now_ms, err);
}

/* The serial, or else the request id, finds what was begun before. */
static bool find_earlier(struct task *task, struct zca_error *err)
{
    const struct zca_countersign_request *request = task->request;
    struct zca_ledger *ledger = zca_state_ledger(task->state);
    struct zca_span serial = zca_buffer_span(&task->inspected.serial);
    zca_auto(zca_buffer) struct zca_buffer hash = {0};
    bool found = false;
    if (serial.len > 0 && !zca_ledger_intent_find_by_serial(ledger, request->org_id, serial,
                                                            &task->intent, &found, err)) {
        return false;
    }
    bool by_serial = found;
    if (!found && request->request_id &&
        !zca_ledger_intent_find_by_request(ledger, request->org_id, request->request_id,
                                           &task->intent, &found, err)) {
        return false;
    }
    if (!found || !zca_token_hash(request->tbs, &hash, err)) {
        return !found;
    }
    bool same = zca_span_equal(zca_buffer_span(&task->intent.tbs_sha256), zca_buffer_span(&hash)) &&
                strcmp(task->intent.authority_id, zca_authority_id(task->authority)) == 0;
    if (same) {
        return true;
    }
    return by_serial ? zca_refuse(err, ZCA_REFUSE_SERIAL, NULL)
                     : zca_refuse(err, ZCA_REFUSE_CONFLICT,
                                  "request_id was used for another request before");
}

/* A number far ahead would leave none for the CRLs after it. */
static bool check_crl_step(int64_t newest, int64_t number, struct zca_error *err)
{
    return number <= newest || number - newest <= MAX_CRL_STEP
               ? true
               : zca_refuse(err, ZCA_REFUSE_INVALID_TBS,
                            "The CRL number %lld is too far above the last one: the next is %llX "
                            "in hexadecimal",
                            (long long)number, (unsigned long long)newest + 1);
}

/* RFC 5280, 5.2.3: numbers only grow. The same bytes may come again. */
static bool check_crl_number(struct task *task, struct zca_error *err)
{
    zca_auto(zca_crl_row) struct zca_crl_row newest = {0};
    int64_t number = task->inspected.crl_number;
    bool found = false;
    if (task->kind != ZCA_TBS_CRL || number < 0) {
        return true;
    }
    if (!zca_ledger_crl_newest(zca_state_ledger(task->state), zca_authority_id(task->authority),
                               &newest, &found, err)) {
        return false;
    }
    task->crl_stored = found && number <= newest.number;
    if (task->crl_stored && task->intent.id == 0) {
        return zca_refuse(err, ZCA_REFUSE_CRL_NUMBER,
                          "The CRL number %lld is not above the last one: the next is %llX in "
                          "hexadecimal",
                          (long long)number, (unsigned long long)newest.number + 1);
    }
    return check_crl_step(newest.number, number, err);
}

static bool inspect_task(struct task *task, struct zca_error *err)
{
    struct zca_inspection inspection = {.ledger = zca_state_ledger(task->state),
                                        .authority = task->authority,
                                        .policy = &task->policy,
                                        .algorithm = task->algorithm,
                                        .tbs = task->request->tbs,
                                        .now_ms = task->now_ms};
    return zca_inspect(&inspection, task->kind, &task->inspected, err);
}

/* One at a time for the same bytes: the second finds what the first stored. */
static bool enter_flight(struct task *task, struct zca_error *err)
{
    zca_auto(zca_buffer) struct zca_buffer hash = {0};
    return zca_token_hash(task->request->tbs, &hash, err) &&
           zca_hex_encode(zca_buffer_span(&hash), '\0', &task->name, err) &&
           zca_flight_enter(zca_state_flight(task->state), task->request->org_id,
                            (const char *)task->name.data, &task->seat, err);
}

/* ---- signing ---- */

static bool make_signature(struct task *task, const struct zca_signing *signing,
                           struct zca_buffer *out_signature, struct zca_error *err)
{
    struct zca_error reason = {0};
    if (task->intent.id > 0) {
        return zca_authority_sign(task->authority, &task->intent, task->algorithm, signing->tbs,
                                  out_signature, err);
    }
    if (zca_signing_run(zca_state_ledger(task->state), signing, &task->intent.id, out_signature,
                        &reason)) {
        return true;
    }
    /* Another process was faster with the serial or the request id: what it stored says with which. */
    if (reason.reason == ZCA_ERR_CONFLICT && !find_earlier(task, err)) {
        return false;
    }
    if (err) {
        *err = reason;
    }
    return false;
}

/* ---- after ---- */

struct storing {
    const struct task *task;
    const struct zca_countersign_request *request;
    const struct zca_certificate *certificate; /* NULL: it is none */
    const struct zca_crl_row *crl;             /* NULL: it is none */
    const char *detail;
};

static const char *const events[] = {[ZCA_TBS_UNKNOWN] = "tbs.refused",
                                     [ZCA_TBS_CERTIFICATE] = "certificate.countersigned",
                                     [ZCA_TBS_CRL] = "crl.countersigned",
                                     [ZCA_TBS_OCSP] = "ocsp.countersigned",
                                     [ZCA_TBS_REQUEST] = "request.countersigned"};

static bool store(struct zca_ledger *ledger, void *context, struct zca_error *err)
{
    const struct storing *storing = context;
    struct zca_audit_event event = {.created_at = storing->task->now_ms,
                                    .org_id = storing->request->org_id,
                                    .actor = storing->request->requester,
                                    .event = events[storing->task->kind],
                                    .object =
                                        storing->certificate ? storing->certificate->id : NULL,
                                    .detail = storing->detail};
    return (!storing->certificate ||
            zca_ledger_certificate_insert(ledger, storing->certificate, err)) &&
           (!storing->crl || zca_ledger_crl_insert(ledger, storing->crl, err)) &&
           zca_ledger_audit_append(ledger, &event, err);
}

/* Borrowed for the length of the transaction. */
static struct zca_certificate certificate_row(const struct task *task, char *id,
                                              const struct zca_buffer *der)
{
    return (struct zca_certificate){.id = id,
                                    .org_id = (char *)(uintptr_t)task->request->org_id,
                                    .authority_id =
                                        (char *)(uintptr_t)zca_authority_id(task->authority),
                                    .intent = task->intent.id,
                                    .serial = task->inspected.serial,
                                    .subject_cn = task->inspected.title,
                                    .der = *der,
                                    .issued_at = task->now_ms,
                                    .expires_at = task->inspected.expires_at_ms};
}

static bool store_result(struct task *task, const struct zca_buffer *der, struct zca_error *err)
{
    char id[ZCA_UUID_SIZE];
    zca_auto(zca_buffer) struct zca_buffer hash = {0};
    zca_auto(zca_buffer) struct zca_buffer detail = {0};
    if (!zca_uuid_make(id, err) || !zca_token_hash(zca_buffer_span(der), &hash, err) ||
        !zca_buffer_append_text(&detail, "sha256 ", err) ||
        !zca_hex_encode(zca_buffer_span(&hash), '\0', &detail, err)) {
        return false;
    }
    struct zca_certificate certificate = certificate_row(task, id, der);
    struct zca_crl_row crl = {.authority_id = (char *)(uintptr_t)zca_authority_id(task->authority),
                              .number = task->inspected.crl_number,
                              .der = *der,
                              .num_entries = task->inspected.num_entries,
                              .this_update = task->now_ms,
                              .next_update = task->inspected.expires_at_ms};
    struct storing storing = {
        .task = task,
        .request = task->request,
        .certificate = task->kind == ZCA_TBS_CERTIFICATE ? &certificate : NULL,
        .crl = task->kind == ZCA_TBS_CRL && crl.number >= 0 && !task->crl_stored ? &crl : NULL,
        .detail = (const char *)detail.data};
    return zca_ledger_transact(zca_state_ledger(task->state), store, &storing, err);
}

/* The signature of a certificate that was stored before. */
static bool stored_signature(struct task *task, struct zca_buffer *out_signature, bool *out_found,
                             struct zca_error *err)
{
    zca_auto(zca_certificate) struct zca_certificate row = {0};
    *out_found = false;
    if (task->intent.id == 0 || task->kind != ZCA_TBS_CERTIFICATE) {
        return true;
    }
    if (!zca_ledger_certificate_find_by_intent(zca_state_ledger(task->state), task->intent.id, &row,
                                               out_found, err)) {
        return false;
    }
    if (!*out_found) {
        return true;
    }
    zca_auto(X509) X509 *certificate =
        zca_der_parse_certificate(NULL, zca_buffer_span(&row.der), err);
    const ASN1_BIT_STRING *signature = NULL;
    if (!certificate) {
        return false;
    }
    X509_get0_signature(&signature, NULL, certificate);
    return zca_buffer_append(
        out_signature,
        zca_span_of(ASN1_STRING_get0_data(signature), (size_t)ASN1_STRING_length(signature)), err);
}

static bool sign_and_store(struct task *task, struct zca_buffer *out_signature,
                           struct zca_error *err)
{
    struct zca_signing signing = {.authority = task->authority,
                                  .algorithm = task->algorithm,
                                  .kind = zca_tbs_kind_name(task->kind),
                                  .profile = task->inspected.profile,
                                  .requester = task->request->requester,
                                  .request_id = task->request->request_id,
                                  .serial = zca_buffer_span(&task->inspected.serial),
                                  .tbs = task->request->tbs,
                                  .now_ms = task->now_ms};
    zca_auto(zca_buffer) struct zca_buffer der = {0};
    if (!make_signature(task, &signing, out_signature, err) ||
        !zca_signing_complete(&signing, zca_buffer_span(out_signature), &der, err)) {
        return false;
    }
    return store_result(task, &der, err);
}

static bool countersign(struct task *task, struct zca_countersigned *countersigned,
                        struct zca_error *err)
{
    bool found = false;
    if (!open_task(task, err) || !enter_flight(task, err) || !inspect_task(task, err) ||
        !find_earlier(task, err) || !check_crl_number(task, err) ||
        !stored_signature(task, &countersigned->signature, &found, err) ||
        (!found && !sign_and_store(task, &countersigned->signature, err))) {
        return false;
    }
    countersigned->algorithm = task->algorithm;
    return zca_buffer_append(&countersigned->serial, zca_buffer_span(&task->inspected.serial), err);
}

bool zca_countersign(struct zca_state *state, const struct zca_countersign_request *request,
                     struct zca_countersigned *out_countersigned, struct zca_error *err)
{
    zca_auto(task) struct task task = {.state = state, .request = request};
    zca_auto(zca_countersigned) struct zca_countersigned countersigned = {0};
    struct zca_error reason = {0};
    if (!countersign(&task, &countersigned, &reason)) {
        zca_audit_refusal(state, request->org_id, request->requester, events[ZCA_TBS_UNKNOWN],
                          &reason);
        ERR_clear_error();
        if (err) {
            *err = reason;
        }
        return false;
    }
    *out_countersigned = countersigned;
    countersigned = (struct zca_countersigned){0};
    return true;
}
