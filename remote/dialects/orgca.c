/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The org CA that ships with zca: QuickZTNA's API, and what makes signing transparent: requests
 * for keys made here, signatures over inspected structures, the CA certificate without rotating
 * it, CRLs, and requests that may be repeated. docs/dialects/orgca.md.
 */
#include "remote/dialects/orgca.h"

#include <string.h>

#include "base/pem.h"
#include "remote/call.h"
#include "remote/client.h"
#include "remote/dialects/quickztna.h"

#define CERTIFICATE_PATH "/api/issue-certificate"

static const struct zca_endpoint issue_endpoint = {
    "POST", CERTIFICATE_PATH, ZCA_REPEAT_SAFE, false, true, /* one certificate for a request_id */
};
static const struct zca_endpoint get_ca_endpoint = {
    "POST", CERTIFICATE_PATH, ZCA_REPEAT_SAFE, false, false,
};
static const struct zca_endpoint sign_endpoint = {
    "POST", CERTIFICATE_PATH, ZCA_REPEAT_SAFE, false, false, /* the same bytes, signed again */
};
static const struct zca_endpoint crl_endpoint = {
    "GET", "/api/ca/%s/crl.pem", ZCA_REPEAT_SAFE, true, false,
};

static const struct zca_error_row errors[] = {
    ZCA_QUICKZTNA_ERRORS{"INVALID_CSR",           0, ZCA_ERR_INVALID    },
    {"INVALID_TBS",           0, ZCA_ERR_INVALID    },
    {"INVALID_VALIDITY",      0, ZCA_ERR_POLICY     },
    {"WEAK_KEY",              0, ZCA_ERR_POLICY     },
    {"WEAK_DIGEST",           0, ZCA_ERR_POLICY     },
    {"NAME_NOT_ALLOWED",      0, ZCA_ERR_POLICY     },
    {"CA_NOT_ALLOWED",        0, ZCA_ERR_POLICY     },
    {"EXTENSION_NOT_ALLOWED", 0, ZCA_ERR_POLICY     },
    {"USAGE_NOT_ALLOWED",     0, ZCA_ERR_POLICY     },
    {"VERSION_NOT_ALLOWED",   0, ZCA_ERR_POLICY     },
    {"WRONG_ISSUER",          0, ZCA_ERR_POLICY     },
    {"CRL_INCOMPLETE",        0, ZCA_ERR_POLICY     },
    {"OCSP_STATUS_WRONG",     0, ZCA_ERR_POLICY     },
    {"MACHINE_NOT_ONLINE",    0, ZCA_ERR_POLICY     },
    {"SERIAL_IN_USE",         0, ZCA_ERR_CONFLICT   },
    {"CRL_NUMBER_IN_USE",     0, ZCA_ERR_CONFLICT   },
    {"CLOCK_WENT_BACK",       0, ZCA_ERR_UNAVAILABLE},
};

struct ca_reply {
    char *certificate;
};

static const struct zca_json_field ca_fields[] = {
    {"ca_certificate", ZCA_JSON_TEXT, offsetof(struct ca_reply, certificate), true},
};

struct sign_reply {
    char *signature;
};

static const struct zca_json_field sign_fields[] = {
    {"signature", ZCA_JSON_TEXT, offsetof(struct sign_reply, signature), true},
};

/* The server's own limit of a list. */
static const size_t max_list = 100;

/* ---- the CA ---- */

static bool ca_fetch(struct zca_client *client, struct zca_buffer *out_pem, struct zca_error *err)
{
    struct ca_reply reply = {0};
    zca_auto(zca_json) struct zca_json *body = zca_quickztna_action(client, "get_ca", err);
    struct zca_call call = {.endpoint = &get_ca_endpoint, .body = body};
    if (!body || !zca_quickztna_ask(client, &call, ca_fields, ZCA_COUNT(ca_fields), &reply, err)) {
        return false;
    }
    zca_auto(text) char *certificate = reply.certificate;
    zca_buffer_clear(out_pem);
    return zca_buffer_append_text(out_pem, certificate, err);
}

/* PEM or the SEQUENCE that a CRL in DER begins with; a proxy's page is neither. */
static bool looks_like_crl(const struct zca_buffer *body)
{
    static const char label[] = "-----BEGIN X509 CRL-----";
    return body->data[0] == 0x30 || memmem(body->data, body->len, label, strlen(label));
}

static bool crl_fetch(struct zca_client *client, struct zca_buffer *out_crl, struct zca_error *err)
{
    zca_auto(zca_buffer) struct zca_buffer body = {0};
    struct zca_call call = {.endpoint = &crl_endpoint, .id = client->organization};
    if (*client->organization == '\0') {
        return zca_error_set(err, ZCA_ERR_CONFIG, "authority '%s' needs the option 'organization'",
                             client->authority);
    }
    if (!zca_call_bytes(client, &call, &body, err)) {
        return false;
    }
    if (!looks_like_crl(&body)) {
        return zca_error_set(err, ZCA_ERR_PROTOCOL,
                             "authority '%s' answers with something that is no CRL",
                             client->authority);
    }
    zca_buffer_move(out_crl, &body);
    return true;
}

/* ---- issuing ---- */

static void set_words(struct zca_json *body, const char *key, const char *const *words)
{
    if (!words || !*words) {
        return;
    }
    struct zca_json *array = zca_json_new_array();
    for (; *words; words++) {
        zca_json_append_text(array, *words);
    }
    zca_json_take(body, key, array);
}

static bool set_csr(struct zca_json *body, struct zca_span csr, struct zca_error *err)
{
    zca_auto(zca_buffer) struct zca_buffer pem = {0};
    if (csr.len == 0) {
        return true;
    }
    if (!zca_pem_format("CERTIFICATE REQUEST", csr, &pem, err)) {
        return false;
    }
    zca_json_set_span(body, "csr", zca_buffer_span(&pem));
    return true;
}

static bool submit(struct zca_client *client, const struct zca_request *request,
                   struct zca_ticket *out_ticket, struct zca_error *err)
{
    zca_auto(zca_json) struct zca_json *body = zca_quickztna_issue_body(client, request, err);
    if (!body || !set_csr(body, request->csr, err)) {
        return false;
    }
    set_words(body, "dns_names", request->dns_names);
    set_words(body, "ip_addresses", request->ip_addresses);
    if (request->ttl_s > 0) {
        zca_json_set_integer(body, "ttl_seconds", request->ttl_s);
    }
    if (request->request_id) {
        zca_json_set_text(body, "request_id", request->request_id);
    }
    if (request->profile) {
        zca_json_set_text(body, "profile", request->profile);
    }
    bool local_key = request->csr.len > 0;
    const struct zca_endpoint *endpoint =
        local_key ? &issue_endpoint : &zca_quickztna_endpoints[ZCA_QUICKZTNA_ISSUE];
    return zca_quickztna_issue(client, endpoint, body, local_key, out_ticket, err);
}

/* The server answers a request_id it knows with what it issued then; or with CONFLICT, when the key was
 * made there, because it does not keep keys. */
static bool recover(struct zca_client *client, const struct zca_request *request,
                    int64_t started_at_s, struct zca_ticket *out_ticket, struct zca_error *err)
{
    (void)started_at_s;
    return submit(client, request, out_ticket, err);
}

/* Whole bytes without separators: the server reads it strictly. */
static bool format_serial(const char *serial, struct zca_buffer *out_text, struct zca_error *err)
{
    size_t digits = 0;
    for (const char *c = serial; *c != '\0'; c++) {
        digits += *c != ':';
    }
    if (digits % 2 != 0 && !zca_buffer_append_text(out_text, "0", err)) {
        return false;
    }
    while (*serial != '\0') {
        size_t len = strcspn(serial, ":");
        if (!zca_buffer_append(out_text, zca_span_of(serial, len), err)) {
            return false;
        }
        serial += len + strspn(serial + len, ":");
    }
    return true;
}

static bool list(struct zca_client *client, const struct zca_record_filter *filter,
                 struct zca_record_list *out_list, struct zca_error *err)
{
    zca_auto(zca_buffer) struct zca_buffer serial = {0};
    zca_auto(zca_json) struct zca_json *body = zca_quickztna_action(client, "list", err);
    if (!body) {
        return false;
    }
    if (filter && filter->name) {
        zca_json_set_text(body, "subject_cn", filter->name);
    }
    if (filter && filter->serial) {
        if (!format_serial(filter->serial, &serial, err)) {
            return false;
        }
        zca_json_set_span(body, "serial_number", zca_buffer_span(&serial));
    }
    if (filter && filter->max > 0) {
        size_t limit = filter->max < max_list ? filter->max : max_list;
        zca_json_set_integer(body, "limit", (int64_t)limit);
    }
    return zca_quickztna_list(client, body, filter, out_list, err);
}

/* ---- signing ---- */

static bool sign_body(struct zca_client *client, const struct zca_sign_request *request,
                      struct zca_json **out_body, struct zca_error *err)
{
    zca_auto(zca_buffer) struct zca_buffer tbs = {0};
    struct zca_json *body = zca_quickztna_action(client, "sign_tbs", err);
    *out_body = body;
    if (!body || !zca_base64_encode(request->tbs, false, &tbs, err)) {
        return false;
    }
    zca_json_set_span(body, "tbs", zca_buffer_span(&tbs));
    zca_json_set_text(body, "kind", zca_tbs_kind_name(request->kind));
    zca_json_set_text(body, "digest", request->digest);
    if (request->request_id) {
        zca_json_set_text(body, "request_id", request->request_id);
    }
    return true;
}

static bool sign(struct zca_client *client, const struct zca_sign_request *request,
                 struct zca_buffer *out_signature, struct zca_error *err)
{
    struct sign_reply reply = {0};
    zca_auto(zca_json) struct zca_json *body = NULL;
    if (!sign_body(client, request, &body, err)) {
        return false;
    }
    struct zca_call call = {.endpoint = &sign_endpoint, .body = body};
    if (!zca_quickztna_ask(client, &call, sign_fields, ZCA_COUNT(sign_fields), &reply, err)) {
        return false;
    }
    zca_auto(text) char *encoded = reply.signature;
    zca_auto(zca_buffer) struct zca_buffer signature = {0};
    if (!zca_base64_decode(zca_span_text(encoded), &signature, NULL) || signature.len == 0) {
        return zca_error_set(err, ZCA_ERR_PROTOCOL, "authority '%s' answers with no signature",
                             client->authority);
    }
    zca_buffer_move(out_signature, &signature);
    return true;
}

const struct zca_dialect zca_dialect_orgca = {
    .name = "orgca",
    .title = "zca org CA",
    .capabilities = ZCA_CAP_CSR_ISSUE | ZCA_CAP_SERVER_KEYGEN | ZCA_CAP_TBS_SIGN | ZCA_CAP_LIST |
                    ZCA_CAP_REVOKE | ZCA_CAP_CHAIN | ZCA_CAP_CA_INIT | ZCA_CAP_CRL |
                    ZCA_CAP_IDEMPOTENT | ZCA_CAP_LOGIN,
    .auth = ZCA_AUTH_BEARER_REFRESH,
    .envelope = ZCA_QUICKZTNA_ENVELOPE,
    .errors = errors,
    .num_errors = ZCA_COUNT(errors),
    .login = zca_quickztna_login,
    .refresh = zca_quickztna_refresh,
    .logout = zca_quickztna_logout,
    .whoami = zca_quickztna_whoami,
    .ca_init = zca_quickztna_ca_init,
    .ca_fetch = ca_fetch,
    .crl_fetch = crl_fetch,
    .submit = submit,
    .fetch = zca_quickztna_fetch,
    .recover = recover,
    .list = list,
    .revoke = zca_quickztna_revoke,
    .sign = sign,
};
