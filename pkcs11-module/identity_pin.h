/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The PIN of an identity token (`pin = local`), as `zca pin` has set it. A process that was right once is remembered, so
 * that a server's workers log in again when they cannot read the file any more.
 */
#ifndef ZCA_PKCS11_MODULE_IDENTITY_PIN_H
#define ZCA_PKCS11_MODULE_IDENTITY_PIN_H

#include "core/identity.h"
#include "pkcs11-module/pin_memory.h"

/** zca_identity_pin_check compares; what is wrong is logged. The caller is inside the gate and is outside meanwhile.
 * CKR_PIN_INCORRECT, CKR_PIN_LOCKED, CKR_USER_PIN_NOT_INITIALIZED. */
ZCA_NODISCARD CK_RV zca_identity_pin_check(struct zca_pin_memory *memory,
                                           const struct zca_identity *identity,
                                           struct zca_span pin);

/** zca_identity_pin_change replaces the PIN, durably and atomically, for all processes. As zca_identity_pin_check, and
 * CKR_PIN_LEN_RANGE. */
ZCA_NODISCARD CK_RV zca_identity_pin_change(struct zca_pin_memory *memory,
                                            const struct zca_identity *identity,
                                            struct zca_span old_pin, struct zca_span new_pin);

#endif
