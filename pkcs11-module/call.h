/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every C_ function begins and ends here: is the module initialised, which session, the gate around it (base/gate.h),
 * and a line of trace (ZCA_P11_TRACE) with the name, handles and result; never data, templates' values or PINs.
 */
#ifndef ZCA_PKCS11_MODULE_CALL_H
#define ZCA_PKCS11_MODULE_CALL_H

#include <stdint.h>

#include "pkcs11-module/session.h"

struct zca_call {
    const char *name;
    CK_RV rv; /* CKR_OK, or why the call cannot be */
    struct zca_module *module;
    struct zca_session *session; /* NULL: the call has none */
    bool is_exclusive;           /* the session's mutex is held */
    bool is_inside;              /* the gate */
    CK_ULONG subject;            /* slot, session: for the trace */
    int64_t began_ns;
};

/** zca_call_begin begins a call that needs an initialised module. Use:
 *     zca_auto(zca_call) struct zca_call call = zca_call_begin("C_GetInfo", 0);
 *     return call.rv ? call.rv : zca_call_end(&call, get_info(call.module, info)); */
struct zca_call zca_call_begin(const char *name, CK_ULONG subject);

/** zca_call_begin_always begins one that does not, or that asks zca_module_may_run itself when it has the lock. */
struct zca_call zca_call_begin_always(const char *name, CK_ULONG subject);

/** zca_call_begin_session begins a call on a session, which it has to itself; zca_call_begin_shared does not wait for
 * others: for what only looks at the session. CKR_SESSION_HANDLE_INVALID. */
struct zca_call zca_call_begin_session(const char *name, CK_SESSION_HANDLE handle);
struct zca_call zca_call_begin_shared(const char *name, CK_SESSION_HANDLE handle);

/** zca_call_end notes the result for the trace and returns it. */
CK_RV zca_call_end(struct zca_call *call, CK_RV rv);

void zca_call_clear(struct zca_call *call);
ZCA_DEFINE_AUTO_CLEAR(zca_call, struct zca_call, zca_call_clear);

#endif
