/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Taking turns at an authority: of the threads that want the same at the same time one asks and the others get what it
 * got; after a failure nobody asks for a while (1 s to 5 min, with jitter, never before what the authority asked for).
 */
#ifndef ZCA_PKCS11_MODULE_TURN_H
#define ZCA_PKCS11_MODULE_TURN_H

#include "core/library.h"
#include "pkcs11-module/cryptoki.h"

struct zca_turn; /* safe from several threads */

struct zca_turn *zca_turn_new(struct zca_library *library);
void zca_turn_free(struct zca_turn *turn);
ZCA_DEFINE_AUTO(zca_turn, struct zca_turn, zca_turn_free);

/* What is to be done, outside the gate (base/gate.h). ZCA_ERR_PENDING: not yet, and no failure. */
struct zca_turn_work {
    bool (*run)(void *argument, struct zca_error *err);
    void *argument;
    long timeout_ms; /* how long to wait for another thread's run; 0: not at all */
};

/**
 * zca_turn_run does the work, or waits for the thread that does it, or does nothing while a pause lasts. The caller is
 * inside the gate, without the module's lock; meanwhile it is outside.
 *
 * CKR_OK: done, nothing to do now, or pending. Else the CK_RV of the failure's reason, which the thread that did the work
 * has logged. CKR_DEVICE_ERROR also when the other thread took longer than timeout_ms.
 */
ZCA_NODISCARD CK_RV zca_turn_run(struct zca_turn *turn, const struct zca_turn_work *work);

/** zca_turn_may_run tells cheaply whether no pause lasts. */
bool zca_turn_may_run(struct zca_turn *turn);

/** zca_turn_resume ends a pause: what the last run failed for has changed. */
void zca_turn_resume(struct zca_turn *turn);

struct zca_turn_status {
    bool is_pending;
    struct zca_error last; /* reason ZCA_ERR_NONE: the last run was good */
    int64_t next_at_ms;    /* since 1970: when it may be tried again; 0: now */
};

void zca_turn_status(struct zca_turn *turn, struct zca_turn_status *out_status);

/** zca_turn_after_fork forgets in a child what a thread of the parent was doing. */
void zca_turn_after_fork(struct zca_turn *turn);

#endif
