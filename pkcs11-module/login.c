/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Logins and PINs. A login is the token's, for all sessions of the process (PKCS#11, 5.6.8); whether a PIN is right is the
 * kind's to say, without the lock, so the state is looked at again before it changes.
 */
#include <string.h>

#include "pkcs11-module/call.h"
#include "pkcs11-module/slot.h"

/* NULL with a length is a mistake; NULL alone asks for a PIN pad, which no token has. */
static CK_RV read_pin(const CK_UTF8CHAR *pin, CK_ULONG len, struct zca_span *out_pin)
{
    if (!pin) {
        return CKR_ARGUMENTS_BAD;
    }
    if (len > ZCA_MAX_PIN) {
        return CKR_PIN_LEN_RANGE;
    }
    *out_pin = zca_span_of(pin, len);
    return CKR_OK;
}

static CK_RV check_length(const struct zca_token *token, struct zca_span pin)
{
    return pin.len >= token->kind->min_pin && pin.len <= token->kind->max_pin ? CKR_OK
                                                                              : CKR_PIN_LEN_RANGE;
}

/* ---- C_Login ---- */

/* Under the lock. */
static CK_RV check_login(const struct zca_token *token, CK_USER_TYPE user)
{
    static const struct {
        CK_USER_TYPE user;
        enum zca_login_state state;
    } rows[] = {
        {CKU_USER, ZCA_LOGIN_USER},
        {CKU_SO,   ZCA_LOGIN_SO  }
    };

    for (size_t i = 0; i < ZCA_COUNT(rows); i++) {
        if (rows[i].user == user && rows[i].state == token->login) {
            return CKR_USER_ALREADY_LOGGED_IN;
        }
    }
    if (token->login != ZCA_LOGIN_NONE) {
        return CKR_USER_ANOTHER_ALREADY_LOGGED_IN;
    }
    bool has_ro = token->num_sessions > token->num_rw_sessions;
    return user == CKU_SO && has_ro ? CKR_SESSION_READ_ONLY_EXISTS : CKR_OK;
}

static CK_RV may_log_in(struct zca_token *token, CK_USER_TYPE user)
{
    zca_auto(module_lock) struct zca_module *held = zca_module_look(token->module);
    return check_login(token, user);
}

/* Sessions and logins may have come and gone while the PIN was checked. */
static CK_RV enter(struct zca_session *session, CK_USER_TYPE user, struct zca_buffer *opened)
{
    struct zca_token *token = session->token;
    zca_auto(module_lock) struct zca_module *alone = zca_module_change(token->module);
    CK_RV rv =
        atomic_load(&session->is_closed) ? CKR_SESSION_HANDLE_INVALID : check_login(token, user);
    if (rv != CKR_OK) {
        return rv;
    }
    if (token->kind->keep) {
        token->kind->keep(token, opened);
    }
    token->login = user == CKU_SO ? ZCA_LOGIN_SO : ZCA_LOGIN_USER;
    return CKR_OK;
}

static CK_RV login(struct zca_session *session, CK_USER_TYPE user, const CK_UTF8CHAR *pin,
                   CK_ULONG len)
{
    struct zca_token *token = session->token;
    struct zca_span given = {0};
    zca_auto(zca_buffer) struct zca_buffer opened = ZCA_SECRET_BUFFER;
    if (user == CKU_CONTEXT_SPECIFIC) { /* no key asks for it */
        return CKR_OPERATION_NOT_INITIALIZED;
    }
    if (user != CKU_USER && user != CKU_SO) {
        return CKR_USER_TYPE_INVALID;
    }
    bool needs_pin = user == CKU_SO || (token->kind->flags(token) & CKF_LOGIN_REQUIRED) != 0;
    CK_RV rv = needs_pin ? read_pin(pin, len, &given) : CKR_OK;
    if (rv == CKR_OK) {
        rv = may_log_in(token, user);
    }
    if (rv == CKR_OK && needs_pin) {
        rv = token->kind->login ? token->kind->login(token, user, given, &opened)
                                : CKR_USER_TYPE_INVALID;
    }
    return rv == CKR_OK ? enter(session, user, &opened) : rv;
}

/* The session is nobody's own here: a login may take an authority's time, and others wait for nothing. */
CK_RV C_Login(CK_SESSION_HANDLE handle, CK_USER_TYPE user, CK_UTF8CHAR *pin, CK_ULONG len)
{
    zca_auto(zca_call) struct zca_call call = zca_call_begin_shared("C_Login", handle);
    return call.rv ? call.rv : zca_call_end(&call, login(call.session, user, pin, len));
}

/* No token has user names: an empty one is as good as none (PKCS#11 3.0, 5.6.10). */
static CK_RV login_user(struct zca_session *session, CK_USER_TYPE user, struct zca_span pin,
                        struct zca_span name)
{
    if (!name.data && name.len != 0) {
        return CKR_ARGUMENTS_BAD;
    }
    return name.len != 0 ? CKR_USER_TYPE_INVALID : login(session, user, pin.data, pin.len);
}

CK_RV C_LoginUser(CK_SESSION_HANDLE handle, CK_USER_TYPE user, CK_UTF8CHAR *pin, CK_ULONG pin_len,
                  CK_UTF8CHAR *name, CK_ULONG name_len)
{
    zca_auto(zca_call) struct zca_call call = zca_call_begin_shared("C_LoginUser", handle);
    return call.rv ? call.rv
                   : zca_call_end(&call, login_user(call.session, user, zca_span_of(pin, pin_len),
                                                    zca_span_of(name, name_len)));
}

static CK_RV logout(struct zca_session *session)
{
    zca_auto(module_lock) struct zca_module *alone = zca_module_change(session->token->module);
    if (session->token->login == ZCA_LOGIN_NONE) {
        return CKR_USER_NOT_LOGGED_IN;
    }
    zca_token_log_out(session->token);
    zca_sessions_forget_keys(alone->sessions, session->token);
    return CKR_OK;
}

CK_RV C_Logout(CK_SESSION_HANDLE handle)
{
    zca_auto(zca_call) struct zca_call call = zca_call_begin_shared("C_Logout", handle);
    return call.rv ? call.rv : zca_call_end(&call, logout(call.session));
}

/* ---- C_InitToken, C_InitPIN, C_SetPIN ---- */

static bool has_sessions(struct zca_token *token)
{
    zca_auto(module_lock) struct zca_module *held = zca_module_look(token->module);
    return token->num_sessions != 0;
}

static CK_RV init_token(struct zca_module *module, CK_SLOT_ID id, struct zca_span pin,
                        const CK_UTF8CHAR *label)
{
    struct zca_token *token = zca_token_of_slot(module, id);
    struct zca_span given = {0};
    if (!token) {
        return CKR_SLOT_ID_INVALID;
    }
    CK_RV rv = label ? read_pin(pin.data, pin.len, &given) : CKR_ARGUMENTS_BAD;
    if (rv != CKR_OK) {
        return rv;
    }
    if (!token->kind->init_token) {
        return CKR_TOKEN_WRITE_PROTECTED;
    }
    if (has_sessions(token)) {
        return CKR_SESSION_EXISTS;
    }
    rv = check_length(token, given);
    return rv == CKR_OK ? token->kind->init_token(token, given, label) : rv;
}

CK_RV C_InitToken(CK_SLOT_ID id, CK_UTF8CHAR *pin, CK_ULONG len, CK_UTF8CHAR *label)
{
    zca_auto(zca_call) struct zca_call call = zca_call_begin("C_InitToken", id);
    return call.rv ? call.rv
                   : zca_call_end(&call, init_token(call.module, id, zca_span_of(pin, len), label));
}

static enum zca_login_state login_of(struct zca_token *token)
{
    zca_auto(module_lock) struct zca_module *held = zca_module_look(token->module);
    return token->login;
}

static CK_RV init_pin(struct zca_session *session, const CK_UTF8CHAR *pin, CK_ULONG len)
{
    struct zca_token *token = session->token;
    struct zca_span given = {0};
    if (login_of(token) != ZCA_LOGIN_SO) {
        return CKR_USER_NOT_LOGGED_IN;
    }
    CK_RV rv = read_pin(pin, len, &given);
    if (rv == CKR_OK) {
        rv = check_length(token, given);
    }
    if (rv != CKR_OK) {
        return rv;
    }
    return token->kind->init_pin ? token->kind->init_pin(token, given) : CKR_TOKEN_WRITE_PROTECTED;
}

CK_RV C_InitPIN(CK_SESSION_HANDLE handle, CK_UTF8CHAR *pin, CK_ULONG len)
{
    zca_auto(zca_call) struct zca_call call = zca_call_begin_shared("C_InitPIN", handle);
    return call.rv ? call.rv : zca_call_end(&call, init_pin(call.session, pin, len));
}

static CK_RV set_pin(struct zca_session *session, struct zca_span old_pin, struct zca_span new_pin)
{
    struct zca_token *token = session->token;
    struct zca_span old_given = {0};
    struct zca_span new_given = {0};
    if (!session->is_rw) {
        return CKR_SESSION_READ_ONLY;
    }
    CK_RV rv = read_pin(old_pin.data, old_pin.len, &old_given);
    if (rv == CKR_OK) {
        rv = read_pin(new_pin.data, new_pin.len, &new_given);
    }
    if (rv == CKR_OK) {
        rv = check_length(token, new_given);
    }
    if (rv != CKR_OK) {
        return rv;
    }
    return token->kind->set_pin ? token->kind->set_pin(token, old_given, new_given)
                                : CKR_TOKEN_WRITE_PROTECTED;
}

CK_RV C_SetPIN(CK_SESSION_HANDLE handle, CK_UTF8CHAR *old_pin, CK_ULONG old_len,
               CK_UTF8CHAR *new_pin, CK_ULONG new_len)
{
    zca_auto(zca_call) struct zca_call call = zca_call_begin_shared("C_SetPIN", handle);
    return call.rv ? call.rv
                   : zca_call_end(&call, set_pin(call.session, zca_span_of(old_pin, old_len),
                                                 zca_span_of(new_pin, new_len)));
}
