/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Turns a request into a stored certificate: submit, wait, verify, store. The only place that
 * waits and retries. One at a time for an identity, across processes.
 */
#ifndef ZCA_CORE_ENROL_H
#define ZCA_CORE_ENROL_H

#include "core/identity.h"

enum zca_enrol_reason {
    ZCA_ENROL_IF_NEEDED, /* nothing to do when, with the lock held, the stored certificate serves */
    ZCA_ENROL_RENEW      /* issue anew even so; a new key unless reuse-key */
};

/**
 * zca_enrol brings the identity to a valid certificate.
 *
 * The request sent is, in this order: ?csr=FILE of the URI (its key must be the identity's own or,
 * when the identity has none, only the certificate is kept), the captured request, one made from the
 * identity's settings. Takes the identity's lock (state-dir/orders/AUTHORITY/NAME.lock, flock), which the
 * caller must not hold, for as long as it runs and gives up with ZCA_ERR_BUSY at the deadline. Resumes a journalled order.
 * A definite refusal removes the journal and the captured request stays. Everything the authority
 * returned is checked (core/verify.h) before a file changes; on failure the old certificate and key
 * are untouched. Failures are remembered for a few seconds so that a crowd of processes waiting for the
 * lock does not repeat them one by one.
 *
 * out_certificates   leaf first; NULL: not wanted.
 * err   those of the remote table, ZCA_ERR_VERIFY, ZCA_ERR_BUSY, ZCA_ERR_UNAVAILABLE, file errors.
 */
ZCA_NODISCARD bool zca_enrol(struct zca_identity *identity, enum zca_enrol_reason reason,
                             STACK_OF(X509) * *out_certificates, struct zca_error *err);

/**
 * zca_enrol_finish finishes the switch to a new key and certificate that a crash interrupted. For readers
 * that find a certificate of another key: no network, takes the identity's lock.
 *
 * out_finished   false: nothing was left to do.
 */
ZCA_NODISCARD bool zca_enrol_finish(struct zca_identity *identity, bool *out_finished,
                                    struct zca_error *err);

#endif
