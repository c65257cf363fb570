/* SPDX-License-Identifier: Apache-2.0 */
/* Auth keys, with which machines register themselves: "tskey-auth-" and 64 hexadecimal digits, shown
 * once and kept as SHA-256. Registering is in server/machine.h. */
#ifndef ZCA_SERVER_AUTH_KEY_H
#define ZCA_SERVER_AUTH_KEY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/auto.h"
#include "base/buffer.h"
#include "base/error.h"
#include "server/ledger.h"

struct zca_auth_key_request {
    const char *org_id;
    bool reusable;       /* else it registers one machine */
    int64_t expiry_days; /* from now */
    const char *actor;   /* for records */
};

/** zca_auth_key_make stores a key, together with its entry in the audit log, and appends its text, which is
 * kept nowhere. */
ZCA_NODISCARD bool zca_auth_key_make(struct zca_ledger *ledger,
                                     const struct zca_auth_key_request *request,
                                     struct zca_buffer *out_text, struct zca_error *err);

/** zca_auth_key_revoke marks a key of an organisation, together with the entry in the audit log: it registers
 * no machine any more, and those that it did register stay. err code NOT_FOUND. Revoking one twice is
 * recorded and changes nothing. */
ZCA_NODISCARD bool zca_auth_key_revoke(struct zca_ledger *ledger, const char *org_id,
                                       const char *id, const char *actor, struct zca_error *err);

#endif
