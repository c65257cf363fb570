/* SPDX-License-Identifier: Apache-2.0 */
/* Taking back a request that somebody made for once, and that failed. */
#ifndef ZCA_CORE_WITHDRAW_H
#define ZCA_CORE_WITHDRAW_H

#include "core/identity.h"

/**
 * zca_request_withdraw takes back a request (DER) that failed, under the identity's lock: the captured one, an order that was
 * not answered, and the record of the failure. Later enrolments ask for what they want. Another request or order
 * stays.
 */
ZCA_NODISCARD bool zca_request_withdraw(struct zca_identity *identity, struct zca_span request,
                                        struct zca_error *err);

#endif
