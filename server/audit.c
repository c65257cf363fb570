/* SPDX-License-Identifier: Apache-2.0 */
/* Refusals in the audit log; declared in server/issue.h. */
#include "base/clock.h"
#include "base/log.h"
#include "server/issue.h"
#include "server/ledger_audit.h"

/* What a client can be refused for; other failures are ours and go to the log of the process. */
static const enum zca_reason refusals[] = {ZCA_ERR_INVALID,  ZCA_ERR_POLICY,   ZCA_ERR_QUARANTINED,
                                           ZCA_ERR_POSTURE,  ZCA_ERR_CONFLICT, ZCA_ERR_NOT_FOUND,
                                           ZCA_ERR_FORBIDDEN};

static bool is_refusal(const struct zca_error *err)
{
    for (size_t i = 0; err->code[0] != '\0' && i < ZCA_COUNT(refusals); i++) {
        if (refusals[i] == err->reason) {
            return true;
        }
    }
    return false;
}

void zca_audit_refusal(struct zca_state *state, const char *org_id, const char *requester,
                       const char *event, const struct zca_error *err)
{
    struct zca_error failure = {0};
    if (!is_refusal(err)) {
        return;
    }
    struct zca_audit_event entry = {.created_at = zca_clock_now_ms(),
                                    .org_id = org_id,
                                    .actor = requester,
                                    .event = event,
                                    .detail = err->code};
    if (!zca_ledger_audit_append(zca_state_ledger(state), &entry, &failure)) {
        zca_log_failure(&failure);
    }
}
