/* SPDX-License-Identifier: Apache-2.0 */
/* API keys: "qztna_" and 64 hexadecimal digits, shown once and kept as SHA-256. */
#ifndef ZCA_SERVER_API_KEY_H
#define ZCA_SERVER_API_KEY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/auto.h"
#include "base/buffer.h"
#include "base/error.h"
#include "server/ledger.h"
#include "server/ledger_account.h"

#define ZCA_API_KEY_MAX_DAYS 90
#define ZCA_API_KEY_MAX_NAME 100u

struct zca_api_key_request {
    const char *org_id;
    const char *user_id; /* whose role bounds it */
    const char *actor;   /* for records */
    const char *name;    /* 1 to ZCA_API_KEY_MAX_NAME bytes without control characters */
    unsigned scopes;
    int64_t rate_limit_rpm;
    int64_t expiry_days;
    int64_t now_ms;
};

/** zca_api_key_make stores a new key and appends its text, which is kept nowhere.
 * out_key  zero-initialised; the record. err ZCA_ERR_INVALID: the name. */
ZCA_NODISCARD bool zca_api_key_make(struct zca_ledger *ledger,
                                    const struct zca_api_key_request *request,
                                    struct zca_api_key *out_key, struct zca_buffer *out_text,
                                    struct zca_error *err);

/** zca_api_key_revoke marks a key of an organisation, together with the entry in the audit log.
 * err code NOT_FOUND. Revoking one twice is recorded and changes nothing. */
ZCA_NODISCARD bool zca_api_key_revoke(struct zca_ledger *ledger, const char *org_id, const char *id,
                                      const char *actor, struct zca_error *err);

#endif
