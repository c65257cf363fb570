/* SPDX-License-Identifier: Apache-2.0 */
/* Revoking a key of the organisation's, of whatever kind, together with its entry in the audit log. */
#ifndef ZCA_SERVER_KEY_REVOCATION_H
#define ZCA_SERVER_KEY_REVOCATION_H

#include "server/ledger.h"

struct zca_key_revocation {
    const char *org_id;
    const char *id;
    const char *actor;
    const char *event;   /* "api_key.revoked" */
    const char *missing; /* what is said when there is no such key */
    bool (*mark)(struct zca_ledger *ledger, const char *org_id, const char *id, int64_t now_ms,
                 bool *out_found, struct zca_error *err);
};

/** zca_key_revoke marks the key in one transaction with the entry. err ZCA_REFUSE_NOT_FOUND. */
ZCA_NODISCARD bool zca_key_revoke(struct zca_ledger *ledger, struct zca_key_revocation *revocation,
                                  struct zca_error *err);

#endif
