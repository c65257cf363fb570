/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The dialect of QuickZTNA, and those of its calls that the org CA's dialect shares. They are
 * the dialect's operations; what they take, give and report is said in remote/remote.h.
 */
#ifndef ZCA_REMOTE_DIALECTS_QUICKZTNA_H
#define ZCA_REMOTE_DIALECTS_QUICKZTNA_H

#include "base/json.h"
#include "remote/call.h"
#include "remote/dialect.h"

extern const struct zca_dialect zca_dialect_quickztna;

enum zca_quickztna_endpoint {
    ZCA_QUICKZTNA_LOGIN,
    ZCA_QUICKZTNA_REFRESH,
    ZCA_QUICKZTNA_LOGOUT,
    ZCA_QUICKZTNA_WHOAMI,
    ZCA_QUICKZTNA_CA_INIT,
    ZCA_QUICKZTNA_ISSUE,
    ZCA_QUICKZTNA_LIST,
    ZCA_QUICKZTNA_REVOKE,
    ZCA_NUM_QUICKZTNA_ENDPOINTS
};

extern const struct zca_endpoint zca_quickztna_endpoints[ZCA_NUM_QUICKZTNA_ENDPOINTS];

/* {"success":true,"data":{...},"error":null} */
#define ZCA_QUICKZTNA_ENVELOPE                                                                     \
    {                                                                                              \
        .data = "data", .success = "success", .code = "error.code", .message = "error.message",    \
    }

/* The error rows that both dialects have. */
#define ZCA_QUICKZTNA_ERRORS                                                                       \
    {"VALIDATION_ERROR", 0, ZCA_ERR_INVALID}, {"MISSING_FIELDS", 0, ZCA_ERR_INVALID},              \
        {"MISSING_CERT", 0, ZCA_ERR_INVALID}, {"INVALID_JSON", 0, ZCA_ERR_INVALID},                \
        {"INVALID_TTL", 0, ZCA_ERR_INVALID}, {"UNKNOWN_ACTION", 0, ZCA_ERR_UNSUPPORTED},           \
        {"UNAUTHORIZED", 0, ZCA_ERR_AUTH}, {"INVALID_CREDENTIALS", 0, ZCA_ERR_AUTH},               \
        {"INVALID_TOKEN", 0, ZCA_ERR_AUTH}, {"MISSING_TOKEN", 0, ZCA_ERR_AUTH},                    \
        {"ACCOUNT_LOCKED", 0, ZCA_ERR_AUTH}, {"MFA_REQUIRED", 0, ZCA_ERR_MFA_REQUIRED},            \
        {"FORBIDDEN", 0, ZCA_ERR_FORBIDDEN}, {"FEATURE_GATED", 0, ZCA_ERR_FORBIDDEN},              \
        {"CSRF_REJECTED", 0, ZCA_ERR_FORBIDDEN}, {"IP_NOT_ALLOWED", 0, ZCA_ERR_FORBIDDEN},         \
        {"NOT_FOUND", 0, ZCA_ERR_NOT_FOUND}, {"CONFLICT", 0, ZCA_ERR_CONFLICT},                    \
        {"RATE_LIMITED", 0, ZCA_ERR_RATE_LIMITED}, {"INTERNAL_ERROR", 0, ZCA_ERR_UNAVAILABLE},     \
        {"CA_NOT_INITIALIZED", 0, ZCA_ERR_NOT_INITIALISED},                                        \
        {"MACHINE_QUARANTINED", 0, ZCA_ERR_QUARANTINED},                                           \
        {"POSTURE_NON_COMPLIANT", 0, ZCA_ERR_POSTURE}, {"TTL_EXCEEDS_POLICY", 0, ZCA_ERR_POLICY},

bool zca_quickztna_login(struct zca_client *client, const struct zca_login *login,
                         struct zca_error *err);
bool zca_quickztna_refresh(struct zca_client *client, struct zca_error *err);
bool zca_quickztna_logout(struct zca_client *client, struct zca_error *err);
bool zca_quickztna_whoami(struct zca_client *client, struct zca_whoami *out_whoami,
                          struct zca_error *err);
bool zca_quickztna_ca_init(struct zca_client *client, struct zca_buffer *out_pem,
                           struct zca_error *err);
bool zca_quickztna_fetch(struct zca_client *client, struct zca_ticket *ticket,
                         struct zca_issued *out_issued, struct zca_error *err);
bool zca_quickztna_revoke(struct zca_client *client, const char *id, const char *reason,
                          struct zca_error *err); /* reason: an extension; NULL: not sent */

/**
 * zca_quickztna_action starts the body of a call of POST /api/issue-certificate.
 *
 * action   "issue", "list" ...
 * err      ZCA_ERR_CONFIG when no organisation is configured; ZCA_ERR_MEMORY.
 *
 * Returns a new object or NULL.
 */
ZCA_NODISCARD struct zca_json *zca_quickztna_action(struct zca_client *client, const char *action,
                                                    struct zca_error *err);

/** zca_quickztna_ask sends `call` and reads fields of the answer's data into a zeroed struct.
 * err as zca_call_json and zca_json_read_fields; ZCA_ERR_PROTOCOL when there are no data. */
ZCA_NODISCARD bool zca_quickztna_ask(struct zca_client *client, const struct zca_call *call,
                                     const struct zca_json_field *fields, size_t num_fields,
                                     void *out_struct, struct zca_error *err);

/** zca_quickztna_issue_body starts the body of `issue` with what both dialects send. NULL on failure. */
ZCA_NODISCARD struct zca_json *zca_quickztna_issue_body(struct zca_client *client,
                                                        const struct zca_request *request,
                                                        struct zca_error *err);

/**
 * zca_quickztna_issue sends the body of `issue`: the ticket is complete and holds the answer.
 *
 * local_key   a request for a key made here was sent: an answer with a private key is then
 *             ZCA_ERR_UNSUPPORTED, because the authority has overlooked the request.
 */
ZCA_NODISCARD bool zca_quickztna_issue(struct zca_client *client,
                                       const struct zca_endpoint *endpoint,
                                       const struct zca_json *body, bool local_key,
                                       struct zca_ticket *out_ticket, struct zca_error *err);

/** zca_quickztna_same_number tells whether hexadecimal numbers differ in case, colons and leading zeros only. */
bool zca_quickztna_same_number(const char *left, const char *right);

/** zca_quickztna_list sends the body of `list` and keeps what the filter admits. */
ZCA_NODISCARD bool zca_quickztna_list(struct zca_client *client, const struct zca_json *body,
                                      const struct zca_record_filter *filter,
                                      struct zca_record_list *out_list, struct zca_error *err);

#endif
