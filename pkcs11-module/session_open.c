/* SPDX-License-Identifier: Apache-2.0 */
/* C_OpenSession and the functions around it (PKCS#11 3.0, 5.6). */
#include <stdlib.h>

#include "pkcs11-module/call.h"

static CK_RV check_open(const struct zca_token *token, CK_FLAGS flags)
{
    bool is_rw = (flags & CKF_RW_SESSION) != 0;
    if ((flags & CKF_SERIAL_SESSION) == 0) {
        return CKR_SESSION_PARALLEL_NOT_SUPPORTED;
    }
    if (is_rw && (token->kind->flags((struct zca_token *)token) & CKF_WRITE_PROTECTED) != 0) {
        return CKR_TOKEN_WRITE_PROTECTED;
    }
    return !is_rw && token->login == ZCA_LOGIN_SO ? CKR_SESSION_READ_WRITE_SO_EXISTS : CKR_OK;
}

static CK_RV open_session(struct zca_module *module, CK_SLOT_ID id, CK_FLAGS flags,
                          CK_SESSION_HANDLE *out_handle)
{
    zca_auto(module_lock) struct zca_module *alone = zca_module_change(module);
    if (!zca_module_may_run(alone)) {
        return CKR_CRYPTOKI_NOT_INITIALIZED;
    }
    struct zca_token *token = zca_token_of_slot(module, id);
    if (!token) {
        return CKR_SLOT_ID_INVALID;
    }
    if (!out_handle) {
        return CKR_ARGUMENTS_BAD;
    }
    CK_RV rv = check_open(token, flags);
    if (rv != CKR_OK) {
        return rv;
    }
    return zca_sessions_open(alone->sessions, token, (flags & CKF_RW_SESSION) != 0, out_handle);
}

CK_RV C_OpenSession(CK_SLOT_ID id, CK_FLAGS flags, void *application, CK_NOTIFY notify,
                    CK_SESSION_HANDLE *out_handle)
{
    (void)application; /* nothing ever happens that we would tell of */
    (void)notify;
    zca_auto(zca_call) struct zca_call call = zca_call_begin_always("C_OpenSession", id);
    return zca_call_end(&call, open_session(call.module, id, flags, out_handle));
}

/* ---- C_CloseSession, C_CloseAllSessions ---- */

static CK_RV close_session(struct zca_module *module, CK_SESSION_HANDLE handle)
{
    zca_auto(module_lock) struct zca_module *alone = zca_module_change(module);
    return zca_module_may_run(alone) ? zca_sessions_close(alone->sessions, handle)
                                     : CKR_CRYPTOKI_NOT_INITIALIZED;
}

CK_RV C_CloseSession(CK_SESSION_HANDLE handle)
{
    zca_auto(zca_call) struct zca_call call = zca_call_begin_always("C_CloseSession", handle);
    return zca_call_end(&call, close_session(call.module, handle));
}

static CK_RV close_all(struct zca_module *module, CK_SLOT_ID id)
{
    zca_auto(module_lock) struct zca_module *alone = zca_module_change(module);
    if (!zca_module_may_run(alone)) {
        return CKR_CRYPTOKI_NOT_INITIALIZED;
    }
    const struct zca_token *token = zca_token_of_slot(module, id);
    if (!token) {
        return CKR_SLOT_ID_INVALID;
    }
    zca_sessions_close_all(alone->sessions, token);
    return CKR_OK;
}

CK_RV C_CloseAllSessions(CK_SLOT_ID id)
{
    zca_auto(zca_call) struct zca_call call = zca_call_begin_always("C_CloseAllSessions", id);
    return zca_call_end(&call, close_all(call.module, id));
}

/* ---- C_GetSessionInfo, C_SessionCancel ---- */

/* Where no login is needed everybody is the user: strongSwan and pkcs11-provider would ask for a PIN. */
static CK_STATE state_of(const struct zca_session *session)
{
    static const CK_STATE states[][2] = {
        [ZCA_LOGIN_NONE] = {CKS_RO_PUBLIC_SESSION, CKS_RW_PUBLIC_SESSION},
        [ZCA_LOGIN_USER] = {CKS_RO_USER_FUNCTIONS, CKS_RW_USER_FUNCTIONS},
        [ZCA_LOGIN_SO] = {CKS_RW_SO_FUNCTIONS,   CKS_RW_SO_FUNCTIONS  },
    };
    struct zca_token *token = session->token;
    enum zca_login_state login = token->login;
    if (login == ZCA_LOGIN_NONE && zca_token_is_open(token)) {
        login = ZCA_LOGIN_USER;
    }
    return states[login][session->is_rw ? 1 : 0];
}

/* Applications ask before each of their operations: one look has to do. */
static CK_RV get_session_info(struct zca_module *module, CK_SESSION_HANDLE handle,
                              CK_SESSION_INFO *info)
{
    zca_auto(module_lock) struct zca_module *held = zca_module_look(module);
    if (!zca_module_may_run(held)) {
        return CKR_CRYPTOKI_NOT_INITIALIZED;
    }
    const struct zca_session *session = zca_sessions_find(held->sessions, handle);
    if (!session || !info) {
        return session ? CKR_ARGUMENTS_BAD : CKR_SESSION_HANDLE_INVALID;
    }
    *info = (CK_SESSION_INFO){
        .slotID = session->token->id,
        .state = state_of(session),
        .flags = CKF_SERIAL_SESSION | (session->is_rw ? CKF_RW_SESSION : 0),
    };
    return CKR_OK;
}

CK_RV C_GetSessionInfo(CK_SESSION_HANDLE handle, CK_SESSION_INFO *info)
{
    zca_auto(zca_call) struct zca_call call = zca_call_begin_always("C_GetSessionInfo", handle);
    return zca_call_end(&call, get_session_info(call.module, handle, info));
}

static const CK_FLAGS cancelled_by[ZCA_NUM_OPERATIONS] = {
    [ZCA_OPERATION_DIGEST] = CKF_DIGEST,   [ZCA_OPERATION_SIGN] = CKF_SIGN,
    [ZCA_OPERATION_VERIFY] = CKF_VERIFY,   [ZCA_OPERATION_ENCRYPT] = CKF_ENCRYPT,
    [ZCA_OPERATION_DECRYPT] = CKF_DECRYPT, [ZCA_OPERATION_MESSAGE_SIGN] = CKF_MESSAGE_SIGN,
};

static CK_RV cancel(struct zca_session *session, CK_FLAGS flags)
{
    for (size_t i = 0; i < ZCA_COUNT(cancelled_by); i++) {
        if ((flags & cancelled_by[i]) != 0) {
            zca_operation_end(&session->operations[i]);
        }
    }
    if ((flags & CKF_FIND_OBJECTS) != 0) {
        free(session->find.handles);
        session->find = (struct zca_find){0};
    }
    return CKR_OK;
}

CK_RV C_SessionCancel(CK_SESSION_HANDLE handle, CK_FLAGS flags)
{
    zca_auto(zca_call) struct zca_call call = zca_call_begin_session("C_SessionCancel", handle);
    return call.rv ? call.rv : zca_call_end(&call, cancel(call.session, flags));
}
