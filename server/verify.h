/* SPDX-License-Identifier: Apache-2.0 */
/* Proves that the ledger is whole: files, audit chain, every certificate against its
 * intent, and what the audit log says against what is stored. */
#ifndef ZCA_SERVER_VERIFY_H
#define ZCA_SERVER_VERIFY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/auto.h"
#include "base/buffer.h"
#include "base/error.h"
#include "server/ledger.h"

struct zca_verification {
    int64_t num_certificates;
    int64_t num_entries;         /* of the audit log */
    struct zca_buffer head_hash; /* of its last entry */
};

void zca_verification_clear(struct zca_verification *verification);
ZCA_DEFINE_AUTO_CLEAR(zca_verification, struct zca_verification, zca_verification_clear);

/** zca_verify checks everything. err ZCA_ERR_VERIFY names the first thing that does not fit. */
ZCA_NODISCARD bool zca_verify(struct zca_ledger *ledger, struct zca_verification *out_verification,
                              struct zca_error *err);

#endif
