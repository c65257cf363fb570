/* SPDX-License-Identifier: Apache-2.0 */
/*
 * QuickZTNA's certificate actions, with fields in the order its guide prints them, and ours:
 * get_ca, sign_tbs, and in `issue` csr, dns_names, ip_addresses, ttl_seconds and request_id. An
 * answer has fields of ours only when the request has.
 */
#include "server/api/certificate.h"

#include <ctype.h>
#include <string.h>

#include <openssl/x509.h>

#include "base/clock.h"
#include "base/openssl_auto.h"
#include "base/pem.h"
#include "server/api/action.h"
#include "server/authority.h"
#include "server/countersign.h"
#include "server/identifier.h"
#include "server/issue.h"
#include "server/ledger_audit.h"
#include "server/ledger_certificate.h"
#include "server/refusal.h"
#include "server/response.h"

#define LIST_LIMIT 100
#define REQUEST_ID_LEN 32u
#define KEY_WARNING                                                                                \
    "Save the private_key now. It is not stored on the server and cannot be retrieved again."
#define REVOKE_REASON "Manual revocation"

/* ---- fields of an answer ---- */

static bool set_certificate(struct zca_json *data, const char *name, struct zca_span der,
                            struct zca_error *err)
{
    zca_auto(zca_buffer) struct zca_buffer pem = {0};
    if (!zca_pem_format("CERTIFICATE", der, &pem, err)) {
        return false;
    }
    zca_json_set_span(data, name, zca_buffer_span(&pem));
    return true;
}

static bool set_fingerprint(struct zca_json *data, struct zca_span der, struct zca_error *err)
{
    zca_auto(zca_buffer) struct zca_buffer text = {0};
    if (!zca_fingerprint(NULL, der, &text, err)) {
        return false;
    }
    zca_json_set_span(data, "fingerprint", zca_buffer_span(&text));
    return true;
}

static bool set_serial(struct zca_json *data, struct zca_span serial, struct zca_error *err)
{
    zca_auto(zca_buffer) struct zca_buffer text = {0};
    if (!zca_serial_text(serial, &text, err)) {
        return false;
    }
    zca_json_set_span(data, "serial_number", zca_buffer_span(&text));
    return true;
}

/* ---- the CA ---- */

static bool answer_ca(struct zca_api_call *call, struct zca_span der, struct zca_error *err)
{
    zca_auto(zca_json) struct zca_json *data = zca_json_new_object();
    const uint8_t *end = der.data;
    zca_auto(X509) X509 *certificate = d2i_X509(NULL, &end, (long)der.len);
    int64_t expires_at_s = 0;
    if (!certificate) {
        return zca_error_set_crypto(err, "reading the CA certificate");
    }
    if (!zca_clock_from_asn1(X509_get0_notAfter(certificate), &expires_at_s, err) ||
        !set_certificate(data, "ca_certificate", der, err) || !set_fingerprint(data, der, err)) {
        return false;
    }
    zca_api_set_time(data, "expires_at", expires_at_s * 1000);
    zca_response_success(call->response, 200, zca_steal(data));
    return true;
}

static bool initialize_ca(struct zca_api_call *call, struct zca_error *err)
{
    zca_auto(zca_authority_row) struct zca_authority_row row = {0};
    return zca_issue_authority(call->state, call->org_id, call->actor, &row, err) &&
           answer_ca(call, zca_buffer_span(&row.certificate), err);
}

static bool get_ca(struct zca_api_call *call, struct zca_error *err)
{
    zca_auto(zca_authority_row) struct zca_authority_row row = {0};
    bool found = false;
    if (!zca_ledger_authority_current(zca_state_ledger(call->state), call->org_id, &row, &found,
                                      err)) {
        return false;
    }
    return found ? answer_ca(call, zca_buffer_span(&row.certificate), err)
                 : zca_refuse(err, ZCA_REFUSE_CA_NOT_INITIALIZED, NULL);
}

/* ---- issue ---- */

/* A request as read from JSON. The words are borrowed from there. */
struct reading {
    struct zca_issue_request request;
    const char **dns_names;
    const char **ip_addresses;
    bool extended; /* has fields of ours */
};

static void clear_reading(struct reading *reading)
{
    zca_api_words_free(reading->dns_names);
    zca_api_words_free(reading->ip_addresses);
}

ZCA_DEFINE_AUTO_CLEAR(reading, struct reading, clear_reading);

/* A number of the wrong type is out of range too: the message says "must be a number". */
static bool read_ttl(const struct zca_json *json, struct zca_ttl *ttl, struct zca_error *err)
{
    if (!zca_api_integer(json, "ttl_hours", &ttl->hours, &ttl->has_hours, NULL)) {
        return zca_refuse(err, ZCA_REFUSE_INVALID_TTL, NULL);
    }
    if (!zca_api_integer(json, "ttl_seconds", &ttl->seconds, &ttl->has_seconds, NULL)) {
        return zca_refuse(err, ZCA_REFUSE_INVALID_TTL,
                          "ttl_seconds must be a number between 60 and 315360000 (10 years)");
    }
    return true;
}

static bool check_request_id(const char *text, struct zca_error *err)
{
    bool good = !text || strlen(text) == REQUEST_ID_LEN;
    for (size_t i = 0; good && text && text[i] != '\0'; i++) {
        good = isxdigit((unsigned char)text[i]) != 0;
    }
    return good ? true
                : zca_refuse(err, ZCA_REFUSE_VALIDATION,
                             "request_id must have 32 hexadecimal digits");
}

static bool read_request(const struct zca_api_call *call, struct reading *reading,
                         struct zca_error *err)
{
    const struct zca_json *json = call->request->json;
    struct zca_issue_request *request = &reading->request;
    const char *csr = NULL;
    if (!read_ttl(json, &request->ttl, err) ||
        !zca_api_text(json, "subject_cn", &request->subject_cn, err) ||
        !zca_api_text(json, "machine_id", &request->machine_id, err) ||
        !zca_api_text(json, "csr", &csr, err) ||
        !zca_api_text(json, "request_id", &request->request_id, err) ||
        !zca_api_words(json, "dns_names", &reading->dns_names, err) ||
        !zca_api_words(json, "ip_addresses", &reading->ip_addresses, err) ||
        !check_request_id(request->request_id, err)) {
        return false;
    }
    request->org_id = call->org_id;
    request->requester = call->actor;
    request->ttl.for_machine = request->machine_id != NULL;
    request->csr = zca_span_text(csr);
    request->dns_names = reading->dns_names;
    request->ip_addresses = reading->ip_addresses;
    request->plain = !csr && !reading->dns_names && !reading->ip_addresses;
    reading->extended = !request->plain || request->request_id || request->ttl.has_seconds;
    return true;
}

static bool answer_issued(struct zca_api_call *call, const struct zca_issued *issued, bool extended,
                          struct zca_error *err)
{
    zca_auto(zca_json) struct zca_json *data = zca_json_new_object();
    struct zca_span der = zca_buffer_span(&issued->certificate.der);
    bool has_key = issued->private_key.len > 0;
    if (!set_certificate(data, "certificate", der, err)) {
        return false;
    }
    if (has_key) {
        call->response->body.secret = true;
        zca_json_set_span(data, "private_key", zca_buffer_span(&issued->private_key));
    }
    if (!set_serial(data, zca_buffer_span(&issued->certificate.serial), err) ||
        !set_fingerprint(data, der, err)) {
        return false;
    }
    zca_api_set_time(data, "expires_at", issued->certificate.expires_at);
    zca_json_set_integer(data, "ttl_hours", (issued->ttl_s + 3599) / 3600);
    if (has_key) {
        zca_json_set_text(data, "warning", KEY_WARNING);
    }
    if (extended) {
        zca_json_set_text(data, "certificate_id", issued->certificate.id);
        if (!set_certificate(data, "chain", zca_buffer_span(&issued->issuer), err)) {
            return false;
        }
    }
    zca_response_success(call->response, 200, zca_steal(data));
    return true;
}

static bool issue(struct zca_api_call *call, struct zca_error *err)
{
    zca_auto(reading) struct reading reading = {0};
    zca_auto(zca_issued) struct zca_issued issued = {0};
    return read_request(call, &reading, err) &&
           zca_issue_certificate(call->state, &reading.request, &issued, err) &&
           answer_issued(call, &issued, reading.extended, err);
}

/* ---- list ---- */

static struct zca_json *format_certificate(const struct zca_certificate *certificate,
                                           struct zca_error *err)
{
    zca_auto(zca_json) struct zca_json *item = zca_json_new_object();
    struct zca_span der = zca_buffer_span(&certificate->der);
    zca_json_set_text(item, "id", certificate->id);
    zca_json_set_text(item, "org_id", certificate->org_id);
    zca_json_set_text(item, "machine_id", certificate->machine_id);
    if (!set_serial(item, zca_buffer_span(&certificate->serial), err)) {
        return NULL;
    }
    zca_json_set_text(item, "subject_cn", certificate->subject_cn);
    if (!set_fingerprint(item, der, err) || !set_certificate(item, "certificate_pem", der, err)) {
        return NULL;
    }
    zca_api_set_time(item, "issued_at", certificate->issued_at);
    zca_api_set_time(item, "expires_at", certificate->expires_at);
    zca_json_set_boolean(item, "revoked", certificate->revoked_at != 0);
    zca_api_set_time(item, "revoked_at", certificate->revoked_at);
    zca_json_set_text(item, "revoke_reason", certificate->revoke_reason);
    return zca_steal(item);
}

static bool read_filter(const struct zca_json *json, struct zca_certificate_filter *filter,
                        struct zca_buffer *serial, struct zca_error *err)
{
    const char *text = NULL;
    bool limited = false;
    filter->limit = LIST_LIMIT;
    if (!zca_api_text(json, "subject_cn", &filter->subject_cn, err) ||
        !zca_api_text(json, "serial_number", &text, err) ||
        !zca_api_integer(json, "limit", &filter->limit, &limited, err)) {
        return false;
    }
    if (filter->limit < 1 || filter->limit > LIST_LIMIT) {
        filter->limit = LIST_LIMIT;
    }
    if (text && !zca_hex_decode(zca_span_text(text), serial, NULL)) {
        return zca_refuse(err, ZCA_REFUSE_VALIDATION, "serial_number must be hexadecimal");
    }
    filter->serial = zca_serial_trim(zca_buffer_span(serial));
    return true;
}

static bool list(struct zca_api_call *call, struct zca_error *err)
{
    struct zca_certificate_filter filter = {0};
    zca_auto(zca_buffer) struct zca_buffer serial = {0};
    zca_auto(zca_record_list) struct zca_record_list rows = {0};
    if (!read_filter(call->request->json, &filter, &serial, err) ||
        !zca_ledger_certificate_list(zca_state_ledger(call->state), call->org_id, &filter, &rows,
                                     err)) {
        return false;
    }
    zca_auto(zca_json) struct zca_json *data = zca_json_new_object();
    zca_auto(zca_json) struct zca_json *array = zca_json_new_array();
    for (size_t i = 0; i < rows.num; i++) {
        struct zca_json *item = format_certificate(zca_record_at(&rows, i), err);
        if (!item) {
            return false;
        }
        zca_json_take(array, NULL, item);
    }
    zca_json_take(data, "certificates", zca_steal(array));
    zca_response_success(call->response, 200, zca_steal(data));
    return true;
}

/* ---- revoke ---- */

/* What may be given as the reason (RFC 5280, 5.3.1, but for holds and what only CAs say). */
static const char *const revoke_reasons[] = {
    "unspecified",        "keyCompromise", "cACompromise",
    "affiliationChanged", "superseded",    "cessationOfOperation",
    "privilegeWithdrawn", "aACompromise",  NULL};

struct revocation {
    const struct zca_api_call *call;
    const char *id;
    const char *reason;
    int64_t now_ms;
};

static bool revoke_row(struct zca_ledger *ledger, void *context, struct zca_error *err)
{
    const struct revocation *revocation = context;
    const struct zca_api_call *call = revocation->call;
    struct zca_audit_event event = {.created_at = revocation->now_ms,
                                    .org_id = call->org_id,
                                    .actor = call->actor,
                                    .event = "certificate.revoked",
                                    .object = revocation->id};
    bool changed = false;
    return zca_ledger_certificate_revoke(ledger, call->org_id, revocation->id, revocation->now_ms,
                                         revocation->reason ? revocation->reason : REVOKE_REASON,
                                         &changed, err) &&
           (!changed || zca_ledger_audit_append(ledger, &event, err));
}

static bool check_reason(const char *reason, struct zca_error *err)
{
    for (size_t i = 0; reason && revoke_reasons[i]; i++) {
        if (strcmp(reason, revoke_reasons[i]) == 0) {
            return true;
        }
    }
    return !reason || zca_refuse(err, ZCA_REFUSE_VALIDATION,
                                 "reason must be a name of RFC 5280, such as keyCompromise");
}

/* Unknown ids succeed too: what is not there is not good either. */
static bool revoke(struct zca_api_call *call, struct zca_error *err)
{
    struct revocation revocation = {.call = call, .now_ms = zca_clock_now_ms()};
    if (!zca_api_text(call->request->json, "certificate_id", &revocation.id, err) ||
        !zca_api_text(call->request->json, "reason", &revocation.reason, err) ||
        !check_reason(revocation.reason, err)) {
        return false;
    }
    if (!revocation.id) {
        return zca_refuse(err, ZCA_REFUSE_MISSING_CERT, NULL);
    }
    if (!zca_ledger_transact(zca_state_ledger(call->state), revoke_row, &revocation, err)) {
        return false;
    }
    struct zca_json *data = zca_json_new_object();
    zca_json_set_boolean(data, "revoked", true);
    zca_response_success(call->response, 200, data);
    return true;
}

/* ---- sign_tbs ---- */

static bool read_tbs(const struct zca_api_call *call, struct zca_countersign_request *request,
                     struct zca_buffer *tbs, struct zca_error *err)
{
    const struct zca_json *json = call->request->json;
    const char *text = NULL;
    const char *kind = NULL;
    if (!zca_api_text(json, "tbs", &text, err) || !zca_api_text(json, "kind", &kind, err) ||
        !zca_api_text(json, "digest", &request->digest, err) ||
        !zca_api_text(json, "request_id", &request->request_id, err) ||
        !check_request_id(request->request_id, err)) {
        return false;
    }
    if (!text) {
        return zca_refuse(err, ZCA_REFUSE_MISSING_FIELDS, "tbs required");
    }
    request->kind = kind ? zca_tbs_kind_find(kind) : ZCA_TBS_UNKNOWN;
    if (kind && request->kind == ZCA_TBS_UNKNOWN) {
        return zca_refuse(err, ZCA_REFUSE_VALIDATION,
                          "kind must be certificate, crl, ocsp or request");
    }
    if (!zca_base64_decode(zca_span_text(text), tbs, NULL)) {
        return zca_refuse(err, ZCA_REFUSE_VALIDATION, "tbs must be base64");
    }
    request->org_id = call->org_id;
    request->requester = call->actor;
    request->tbs = zca_buffer_span(tbs);
    return true;
}

static bool sign_tbs(struct zca_api_call *call, struct zca_error *err)
{
    struct zca_countersign_request request = {0};
    zca_auto(zca_buffer) struct zca_buffer tbs = {0};
    zca_auto(zca_countersigned) struct zca_countersigned result = {0};
    zca_auto(zca_buffer) struct zca_buffer signature = {0};
    if (!read_tbs(call, &request, &tbs, err) ||
        !zca_countersign(call->state, &request, &result, err) ||
        !zca_base64_encode(zca_buffer_span(&result.signature), false, &signature, err)) {
        return false;
    }
    zca_auto(zca_json) struct zca_json *data = zca_json_new_object();
    zca_json_set_span(data, "signature", zca_buffer_span(&signature));
    zca_json_set_text(data, "signature_algorithm", result.algorithm->name);
    if (result.serial.len == 0) {
        zca_json_set_null(data, "serial_number");
    } else if (!set_serial(data, zca_buffer_span(&result.serial), err)) {
        return false;
    }
    zca_response_success(call->response, 200, zca_steal(data));
    return true;
}

/* ---- the table ---- */

#define READS (ZCA_SCOPE_READ | ZCA_SCOPE_WRITE | ZCA_SCOPE_ADMIN | ZCA_SCOPE_AUDIT)
#define WRITES (ZCA_SCOPE_WRITE | ZCA_SCOPE_ADMIN)

static const struct zca_action actions[] = {
    {"initialize_ca", ZCA_ROLE_ADMIN,   ZCA_SCOPE_ADMIN, initialize_ca},
    {"issue",         ZCA_ROLE_ADMIN,   WRITES,          issue        },
    {"list",          ZCA_ROLE_AUDITOR, READS,           list         },
    {"revoke",        ZCA_ROLE_ADMIN,   WRITES,          revoke       },
    {"get_ca",        ZCA_ROLE_AUDITOR, ZCA_SCOPE_ALL,   get_ca       },
    {"sign_tbs",      ZCA_ROLE_ADMIN,   WRITES,          sign_tbs     },
};

void zca_api_certificate(struct zca_server *server, struct zca_http_request *request,
                         struct zca_http_response *response)
{
    zca_action_run(actions, ZCA_COUNT(actions), server, request, response);
}
