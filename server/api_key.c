/* SPDX-License-Identifier: Apache-2.0 */
/* Making and revoking an API key, each together with its entry in the audit log. */
#include "server/api_key.h"

#include <string.h>

#include "server/identifier.h"
#include "server/key_revocation.h"
#include "server/ledger_audit.h"
#include "server/refusal.h"

#define PREFIX "qztna_"
#define NUM_RANDOM_BYTES 32u
#define SHOWN_LEN 12 /* "qztna_" and six digits: enough to tell keys apart */
#define DAY_MS (INT64_C(24) * 3600 * 1000)

struct making {
    const struct zca_api_key *key;
    const char *actor;
};

static bool insert_key(struct zca_ledger *ledger, void *context, struct zca_error *err)
{
    const struct making *making = context;
    struct zca_audit_event event = {.created_at = making->key->created_at,
                                    .org_id = making->key->org_id,
                                    .actor = making->actor,
                                    .event = "api_key.created",
                                    .object = making->key->id,
                                    .detail = making->key->name};
    return zca_ledger_api_key_insert(ledger, making->key, err) &&
           zca_ledger_audit_append(ledger, &event, err);
}

static bool fill_key(const struct zca_api_key_request *request, struct zca_span text,
                     struct zca_api_key *key, struct zca_error *err)
{
    char id[ZCA_UUID_SIZE];
    if (!zca_name_check(request->name, ZCA_API_KEY_MAX_NAME)) {
        return zca_refuse(err, ZCA_REFUSE_VALIDATION,
                          "name must have 1 to %u characters, and no control characters",
                          ZCA_API_KEY_MAX_NAME);
    }
    if (!zca_uuid_make(id, err) || !zca_token_hash(text, &key->hash, err)) {
        return false;
    }
    key->id = strdup(id);
    key->org_id = strdup(request->org_id);
    key->user_id = strdup(request->user_id);
    key->name = strdup(request->name);
    key->prefix = strndup((const char *)text.data, SHOWN_LEN);
    key->scopes = request->scopes;
    key->rate_limit_rpm = request->rate_limit_rpm;
    key->created_at = request->now_ms;
    key->expires_at = request->now_ms + request->expiry_days * DAY_MS;
    return key->id && key->org_id && key->user_id && key->name && key->prefix
               ? true
               : zca_error_set(err, ZCA_ERR_MEMORY, "making an API key");
}

bool zca_api_key_make(struct zca_ledger *ledger, const struct zca_api_key_request *request,
                      struct zca_api_key *out_key, struct zca_buffer *out_text,
                      struct zca_error *err)
{
    zca_auto(zca_api_key) struct zca_api_key key = {0};
    zca_auto(zca_buffer) struct zca_buffer text = ZCA_SECRET_BUFFER;
    if (!zca_token_make(PREFIX, NUM_RANDOM_BYTES, &text, err) ||
        !fill_key(request, zca_buffer_span(&text), &key, err)) {
        return false;
    }
    struct making making = {.key = &key, .actor = request->actor};
    if (!zca_ledger_transact(ledger, insert_key, &making, err) ||
        !zca_buffer_append(out_text, zca_buffer_span(&text), err)) {
        return false;
    }
    *out_key = key;
    key = (struct zca_api_key){0};
    return true;
}

bool zca_api_key_revoke(struct zca_ledger *ledger, const char *org_id, const char *id,
                        const char *actor, struct zca_error *err)
{
    struct zca_key_revocation revocation = {.org_id = org_id,
                                            .id = id,
                                            .actor = actor,
                                            .event = "api_key.revoked",
                                            .missing = "API key not found",
                                            .mark = zca_ledger_api_key_revoke};
    return zca_key_revoke(ledger, &revocation, err);
}
