/* SPDX-License-Identifier: Apache-2.0 */
/* The beginning and the end of every C_ function. */
#include "pkcs11-module/call.h"

#include "base/gate.h"
#include "pkcs11-module/trace.h"

static struct zca_call begin(const char *name, CK_ULONG subject)
{
    struct zca_call call = {.name = name, .subject = subject, .module = zca_module_get()};
    if (zca_trace_enabled()) {
        call.began_ns = zca_trace_now_ns();
    }
    zca_gate_enter();
    call.is_inside = true;
    return call;
}

struct zca_call zca_call_begin_always(const char *name, CK_ULONG subject)
{
    return begin(name, subject);
}

struct zca_call zca_call_begin(const char *name, CK_ULONG subject)
{
    struct zca_call call = begin(name, subject);
    zca_auto(module_lock) struct zca_module *held = zca_module_look(call.module);
    call.rv = zca_module_may_run(held) ? CKR_OK : CKR_CRYPTOKI_NOT_INITIALIZED;
    return call;
}

struct zca_call zca_call_begin_shared(const char *name, CK_SESSION_HANDLE handle)
{
    struct zca_call call = begin(name, handle);
    zca_auto(module_lock) struct zca_module *held = zca_module_look(call.module);
    if (!zca_module_may_run(held)) {
        call.rv = CKR_CRYPTOKI_NOT_INITIALIZED;
        return call;
    }
    struct zca_session *session = zca_sessions_find(held->sessions, handle);
    call.session = session ? zca_session_ref(session) : NULL;
    call.rv = session ? CKR_OK : CKR_SESSION_HANDLE_INVALID;
    return call;
}

/* The mutex comes before the gate: who holds it may be waiting for an authority, outside. */
struct zca_call zca_call_begin_session(const char *name, CK_SESSION_HANDLE handle)
{
    struct zca_call call = zca_call_begin_shared(name, handle);
    if (call.rv != CKR_OK) {
        return call;
    }
    if (pthread_mutex_trylock(&call.session->mutex) != 0) {
        zca_gate_leave();
        (void)pthread_mutex_lock(&call.session->mutex); /* cannot fail */
        zca_gate_enter();
    }
    call.is_exclusive = true;
    call.rv = atomic_load(&call.session->is_closed) ? CKR_SESSION_HANDLE_INVALID
                                                    : zca_session_prepare(call.session);
    return call;
}

CK_RV zca_call_end(struct zca_call *call, CK_RV rv)
{
    call->rv = rv;
    return rv;
}

void zca_call_clear(struct zca_call *call)
{
    if (call->is_exclusive) {
        zca_session_leave(call->session);
    }
    zca_session_free(call->session);
    if (call->is_inside) {
        zca_gate_leave();
    }
    if (call->began_ns != 0) {
        zca_trace_write(call->name, call->subject, call->rv, zca_trace_now_ns() - call->began_ns);
    }
}
