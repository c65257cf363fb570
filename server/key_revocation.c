/* SPDX-License-Identifier: Apache-2.0 */
/* A mark and an entry. */
#include "server/key_revocation.h"

#include "base/clock.h"
#include "server/ledger_audit.h"
#include "server/refusal.h"

static bool revoke(struct zca_ledger *ledger, void *context, struct zca_error *err)
{
    const struct zca_key_revocation *revocation = context;
    bool found = false;
    struct zca_audit_event event = {.created_at = zca_clock_now_ms(),
                                    .org_id = revocation->org_id,
                                    .actor = revocation->actor,
                                    .event = revocation->event,
                                    .object = revocation->id};
    if (!revocation->mark(ledger, revocation->org_id, revocation->id, event.created_at, &found,
                          err)) {
        return false;
    }
    return found ? zca_ledger_audit_append(ledger, &event, err)
                 : zca_refuse(err, ZCA_REFUSE_NOT_FOUND, "%s", revocation->missing);
}

bool zca_key_revoke(struct zca_ledger *ledger, struct zca_key_revocation *revocation,
                    struct zca_error *err)
{
    return zca_ledger_transact(ledger, revoke, revocation, err);
}
