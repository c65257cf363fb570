/* SPDX-License-Identifier: Apache-2.0 */
/* Renewal: when an identity is due, doing it, and what follows: files, then the reload command. */
#ifndef ZCA_CORE_RENEW_H
#define ZCA_CORE_RENEW_H

#include "core/identity.h"

/** zca_renew_due_s returns when (seconds since 1970) the certificate should be renewed: at two thirds of
 * its life (half when it lives under 10 days), spread over the tenth that follows by a hash of name and
 * serial number. */
int64_t zca_renew_due_s(const X509 *certificate, const char *name);

/** zca_renew_is_past_due tells whether there is a stored certificate of which that moment has passed. */
bool zca_renew_is_past_due(struct zca_identity *identity);

/** zca_renew renews one identity that is due, or whose certificate does not lead to the pinned CA any more: enrol,
 * deploy its configured files, run its reload command (without a shell, deadline 60 s). Files or a reload that a
 * crash left behind are made up for, also when nothing is due. After a failure it does not ask again before the moment
 * core/failure.h computed and returns that failure, unless it asks with a credential of this process. `force`: also
 * when not due. out_renewed tells whether anything was done. */
ZCA_NODISCARD bool zca_renew(struct zca_identity *identity, bool force, bool *out_renewed,
                             struct zca_error *err);

#endif
