/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Certificates on demand: when an application that may use an identity's key looks for its certificate and there is no
 * valid one, one is requested: once for all threads that look, within a deadline, and not again before a pause.
 */
#ifndef ZCA_PKCS11_MODULE_ISSUE_H
#define ZCA_PKCS11_MODULE_ISSUE_H

#include "core/identity.h"
#include "pkcs11-module/cryptoki.h"

struct zca_issue; /* safe from several threads; one per identity token */

/** zca_issue_new copies nothing and opens nothing. NULL: out of memory. */
struct zca_issue *zca_issue_new(struct zca_library *library);
void zca_issue_free(struct zca_issue *issue);
ZCA_DEFINE_AUTO(zca_issue, struct zca_issue, zca_issue_free);

/**
 * zca_issue_run brings the identity to a valid certificate, as zca_identity_chain_or_enrol does, unless a pause after a
 * failure lasts (1 s to 5 min, with jitter, never before what the authority asked for). With a certificate that is due for
 * renewal (core/renew.h) it renews; the failure of that is none. The caller is inside the gate without the module's lock;
 * while it waits it is outside (zca_module_outside).
 *
 * uri          zca://authority/name of the identity; each call opens its own.
 * credential   what requests carry (zca_identity_open_as).
 *
 * CKR_OK: there is a certificate, or there is none yet (pause, pending order): the caller shows what there is.
 * Else the first failure, logged, as the CK_RV of its reason.
 */
ZCA_NODISCARD CK_RV zca_issue_run(struct zca_issue *issue, const char *uri,
                                  const struct zca_buffer *credential);

/** zca_issue_may_run tells cheaply whether zca_issue_run would do anything now: no pause lasts. */
bool zca_issue_may_run(struct zca_issue *issue);

/** zca_issue_is_refused tells whether the authority has refused the last request because of who asked. zca_issue_resume:
 * now somebody else asks, so that the pause after such a refusal ends. */
bool zca_issue_is_refused(struct zca_issue *issue);
void zca_issue_resume(struct zca_issue *issue);

/** zca_issue_status appends what is known as JSON members: "state", "last_error", "next_attempt". state: "idle", "pending",
 * "failed". */
ZCA_NODISCARD bool zca_issue_status(struct zca_issue *issue, struct zca_buffer *out_json,
                                    struct zca_error *err);

/** zca_issue_after_fork forgets in a child what a thread of the parent was doing. */
void zca_issue_after_fork(struct zca_issue *issue);

#endif
