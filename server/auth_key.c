/* SPDX-License-Identifier: Apache-2.0 */
/* Each change is one transaction with its entry in the audit log. */
#include "server/auth_key.h"

#include <string.h>

#include "base/clock.h"
#include "server/identifier.h"
#include "server/key_revocation.h"
#include "server/ledger_audit.h"
#include "server/ledger_machine.h"

#define PREFIX "tskey-auth-"
#define NUM_RANDOM_BYTES 32u
#define SHOWN_LEN 17 /* "tskey-auth-" and six digits: enough to tell keys apart */
#define DAY_MS (INT64_C(24) * 3600 * 1000)

struct making {
    const struct zca_auth_key *key;
    const char *actor;
};

static bool insert_key(struct zca_ledger *ledger, void *context, struct zca_error *err)
{
    const struct making *making = context;
    struct zca_audit_event event = {.created_at = making->key->created_at,
                                    .org_id = making->key->org_id,
                                    .actor = making->actor,
                                    .event = "auth_key.created",
                                    .object = making->key->id};
    return zca_ledger_auth_key_insert(ledger, making->key, err) &&
           zca_ledger_audit_append(ledger, &event, err);
}

bool zca_auth_key_make(struct zca_ledger *ledger, const struct zca_auth_key_request *request,
                       struct zca_buffer *out_text, struct zca_error *err)
{
    char id[ZCA_UUID_SIZE];
    zca_auto(zca_buffer) struct zca_buffer text = ZCA_SECRET_BUFFER;
    zca_auto(zca_auth_key) struct zca_auth_key key = {.reusable = request->reusable,
                                                      .created_at = zca_clock_now_ms()};
    if (!zca_uuid_make(id, err) || !zca_token_make(PREFIX, NUM_RANDOM_BYTES, &text, err) ||
        !zca_token_hash(zca_buffer_span(&text), &key.hash, err)) {
        return false;
    }
    key.expires_at = key.created_at + request->expiry_days * DAY_MS;
    key.id = strdup(id);
    key.org_id = strdup(request->org_id);
    key.prefix = strndup((const char *)text.data, SHOWN_LEN);
    if (!key.id || !key.org_id || !key.prefix) {
        return zca_error_set(err, ZCA_ERR_MEMORY, "making an auth key");
    }
    struct making making = {.key = &key, .actor = request->actor};
    return zca_ledger_transact(ledger, insert_key, &making, err) &&
           zca_buffer_append(out_text, zca_buffer_span(&text), err);
}

bool zca_auth_key_revoke(struct zca_ledger *ledger, const char *org_id, const char *id,
                         const char *actor, struct zca_error *err)
{
    struct zca_key_revocation revocation = {.org_id = org_id,
                                            .id = id,
                                            .actor = actor,
                                            .event = "auth_key.revoked",
                                            .missing = "Auth key not found",
                                            .mark = zca_ledger_auth_key_revoke};
    return zca_key_revoke(ledger, &revocation, err);
}
