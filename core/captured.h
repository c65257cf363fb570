/* SPDX-License-Identifier: Apache-2.0 */
/* The captured request of an identity: written by zca_identity_capture, sent by enrolment. */
#ifndef ZCA_CORE_CAPTURED_H
#define ZCA_CORE_CAPTURED_H

#include "core/identity.h"

/** zca_captured_load appends the DER of the captured request; nothing when there is none.
 * zca_captured_drop deletes it. zca_captured_drop_known deletes it when it still is `request` (DER), empty: nothing;
 * captures take no lock, and a newer one waits for its own order. */
ZCA_NODISCARD bool zca_captured_load(struct zca_identity *identity, struct zca_buffer *out_der,
                                     struct zca_error *err);
ZCA_NODISCARD bool zca_captured_drop(struct zca_identity *identity, struct zca_error *err);
ZCA_NODISCARD bool zca_captured_drop_known(struct zca_identity *identity, struct zca_span request,
                                           struct zca_error *err);

#endif
