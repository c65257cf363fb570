/* SPDX-License-Identifier: Apache-2.0 */
/*
 * QuickZTNA's built-in CA: POST /api/issue-certificate with an action, and /api/auth. The
 * authority makes the keys and hands each over once; it takes no request and cannot return its
 * CA certificate without rotating it. docs/dialects/quickztna.md.
 */
#include "remote/dialects/quickztna.h"

#include <string.h>

#include "base/openssl_auto.h"
#include "base/pem.h"
#include "remote/client.h"

#define CERTIFICATE_PATH "/api/issue-certificate"

const struct zca_endpoint zca_quickztna_endpoints[ZCA_NUM_QUICKZTNA_ENDPOINTS] = {
  /* a one-time code works once, and so does a refresh token */
    [ZCA_QUICKZTNA_LOGIN] = {"POST", "/api/auth/login",   ZCA_REPEAT_NEVER, true,  true },
    [ZCA_QUICKZTNA_REFRESH] = {"POST", "/api/auth/refresh", ZCA_REPEAT_NEVER, true,  true },
    [ZCA_QUICKZTNA_LOGOUT] = {"POST", "/api/auth/logout",  ZCA_REPEAT_SAFE,  false, false},
    [ZCA_QUICKZTNA_WHOAMI] = {"GET",  "/api/auth/me",      ZCA_REPEAT_SAFE,  false, false},
 /* each call rotates the CA; each call issues */
    [ZCA_QUICKZTNA_CA_INIT] = {"POST", CERTIFICATE_PATH,    ZCA_REPEAT_NEVER, false, false},
    [ZCA_QUICKZTNA_ISSUE] = {"POST", CERTIFICATE_PATH,    ZCA_REPEAT_NEVER, false, true },
    [ZCA_QUICKZTNA_LIST] = {"POST", CERTIFICATE_PATH,    ZCA_REPEAT_SAFE,  false, false},
 /* revoking twice succeeds */
    [ZCA_QUICKZTNA_REVOKE] = {"POST", CERTIFICATE_PATH,    ZCA_REPEAT_SAFE,  false, false},
};

static const struct zca_error_row errors[] = {ZCA_QUICKZTNA_ERRORS};

static bool submit(struct zca_client *client, const struct zca_request *request,
                   struct zca_ticket *out_ticket, struct zca_error *err)
{
    if (request->csr.len > 0) {
        return zca_error_set(err, ZCA_ERR_UNSUPPORTED,
                             "authority '%s' makes keys itself and takes no certificate request",
                             client->authority);
    }
    zca_auto(zca_json) struct zca_json *body = zca_quickztna_issue_body(client, request, err);
    return body && zca_quickztna_issue(client, &zca_quickztna_endpoints[ZCA_QUICKZTNA_ISSUE], body,
                                       false, out_ticket, err);
}

static bool list(struct zca_client *client, const struct zca_record_filter *filter,
                 struct zca_record_list *out_list, struct zca_error *err)
{
    zca_auto(zca_json) struct zca_json *body = zca_quickztna_action(client, "list", err);
    return body && zca_quickztna_list(client, body, filter, out_list, err);
}

/* The product writes a reason of its own. */
static bool revoke(struct zca_client *client, const char *id, const char *reason,
                   struct zca_error *err)
{
    (void)reason;
    return zca_quickztna_revoke(client, id, NULL, err);
}

/* ---- recovery ---- */

/* What may have been lost after that stays, rather than that another one is revoked. */
static const int64_t longest_order_s = 3600;

/* The serial number of the certificate being renewed: that one must not be taken for a lost one. */
static bool format_serial(struct zca_span der, struct zca_buffer *out_text, struct zca_error *err)
{
    const unsigned char *data = der.data;
    zca_auto(X509) X509 *certificate = der.len > 0 ? d2i_X509(NULL, &data, (long)der.len) : NULL;
    return !certificate ||
           zca_serial_format(X509_get0_serialNumber(certificate), 32, out_text, err);
}

/* Of the time when the order can have been sent: the name may be another host's since. */
static bool is_lost(const struct zca_record *record, int64_t started_at_s, const char *current)
{
    return !record->revoked && record->issued_at_s >= started_at_s &&
           record->issued_at_s - started_at_s <= longest_order_s &&
           !zca_quickztna_same_number(record->serial, current);
}

/* Keys come once: a certificate whose answer was lost is of no use to anybody, and is revoked. */
static bool recover(struct zca_client *client, const struct zca_request *request,
                    int64_t started_at_s, struct zca_ticket *out_ticket, struct zca_error *err)
{
    (void)out_ticket;
    zca_auto(zca_buffer) struct zca_buffer current = {0};
    zca_auto(zca_record_list) struct zca_record_list found = {0};
    struct zca_record_filter filter = {.name = request->common_name};
    if (!filter.name) {
        return zca_error_set(err, ZCA_ERR_NOT_FOUND, "a lost certificate without a name");
    }
    if (!format_serial(request->current, &current, err) ||
        !zca_buffer_append_text(&current, "", err) || !list(client, &filter, &found, err)) {
        return false;
    }
    for (size_t i = 0; i < found.num_records; i++) {
        const struct zca_record *record = &found.records[i];
        if (is_lost(record, started_at_s, (const char *)current.data) &&
            !revoke(client, record->id, NULL, err)) {
            return zca_error_context(err, "revoking the lost certificate '%s'", record->serial);
        }
    }
    return zca_error_set(err, ZCA_ERR_NOT_FOUND,
                         "authority '%s' hands a certificate over only once: ask for a new one",
                         client->authority);
}

const struct zca_dialect zca_dialect_quickztna = {
    .name = "quickztna",
    .title = "QuickZTNA",
    .capabilities =
        ZCA_CAP_SERVER_KEYGEN | ZCA_CAP_LIST | ZCA_CAP_REVOKE | ZCA_CAP_CA_INIT | ZCA_CAP_LOGIN,
    .auth = ZCA_AUTH_BEARER_REFRESH,
    .envelope = ZCA_QUICKZTNA_ENVELOPE,
    .errors = errors,
    .num_errors = ZCA_COUNT(errors),
    .login = zca_quickztna_login,
    .refresh = zca_quickztna_refresh,
    .logout = zca_quickztna_logout,
    .whoami = zca_quickztna_whoami,
    .ca_init = zca_quickztna_ca_init,
    .submit = submit,
    .fetch = zca_quickztna_fetch,
    .recover = recover,
    .list = list,
    .revoke = revoke,
};
