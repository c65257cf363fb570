/* SPDX-License-Identifier: Apache-2.0 */
/* Signs what a client built, after inspection; exactly those bytes or nothing. */
#ifndef ZCA_SERVER_COUNTERSIGN_H
#define ZCA_SERVER_COUNTERSIGN_H

#include <stdbool.h>

#include "base/algorithm.h"
#include "base/auto.h"
#include "base/buffer.h"
#include "base/error.h"
#include "base/tbs.h"
#include "server/state.h"

/* Everything borrowed. */
struct zca_countersign_request {
    const char *org_id;
    const char *requester;
    struct zca_span tbs;
    enum zca_tbs_kind kind; /* ZCA_TBS_UNKNOWN: whatever it is */
    const char *digest;     /* NULL: the CA key's default */
    const char *request_id; /* NULL: none */
};

struct zca_countersigned {
    struct zca_buffer signature;
    const struct zca_signature_algorithm *algorithm;
    struct zca_buffer serial; /* of a certificate; else empty */
};

void zca_countersigned_clear(struct zca_countersigned *countersigned);
ZCA_DEFINE_AUTO_CLEAR(zca_countersigned, struct zca_countersigned, zca_countersigned_clear);

/**
 * zca_countersign inspects, records, signs and stores. The caller's role was checked. The same bytes
 * again give a signature again: for a certificate the one that was stored. Refusals are recorded.
 *
 * err   the codes of server/inspect.h, CA_NOT_INITIALIZED, SERIAL_IN_USE, CONFLICT.
 */
ZCA_NODISCARD bool zca_countersign(struct zca_state *state,
                                   const struct zca_countersign_request *request,
                                   struct zca_countersigned *out_countersigned,
                                   struct zca_error *err);

#endif
