/* SPDX-License-Identifier: Apache-2.0 */
/* Sessions: opened, looked at, closed. Handles count up, so the table is an array sorted by them. */
#include "pkcs11-module/session.h"

#include <stdlib.h>
#include <string.h>

#include "pkcs11-module/call.h"

struct zca_sessions {
    struct zca_session **array;
    size_t count, capacity;
};

struct zca_sessions *zca_sessions_new(void)
{
    return calloc(1, sizeof(struct zca_sessions));
}

static size_t place_of(const struct zca_sessions *sessions, CK_SESSION_HANDLE handle)
{
    size_t low = 0;
    size_t high = sessions->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (sessions->array[middle]->handle < handle) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static bool is_at(const struct zca_sessions *sessions, size_t place, CK_SESSION_HANDLE handle)
{
    return place < sessions->count && sessions->array[place]->handle == handle;
}

struct zca_session *zca_sessions_find(const struct zca_sessions *sessions, CK_SESSION_HANDLE handle)
{
    size_t place = place_of(sessions, handle);
    if (!is_at(sessions, place, handle)) {
        return NULL;
    }
    struct zca_session *session = sessions->array[place];
    (void)atomic_fetch_add_explicit(&session->references, 1, memory_order_relaxed);
    return session;
}

/* ---- one session ---- */

static void clear_work(struct zca_session *session)
{
    free(session->find.handles);
    session->find = (struct zca_find){0};
    for (size_t i = 0; i < ZCA_COUNT(session->operations); i++) {
        zca_operation_clear(&session->operations[i]);
    }
    EVP_PKEY_CTX_free(session->generator);
}

void zca_session_free(struct zca_session *session)
{
    if (!session || atomic_fetch_sub_explicit(&session->references, 1, memory_order_acq_rel) != 1) {
        return;
    }
    if (!zca_module_is_gone()) {
        clear_work(session);
    }
    (void)pthread_mutex_destroy(&session->mutex); /* nobody has it */
    free(session);
}

static struct zca_session *make(struct zca_token *token, bool is_rw)
{
    static atomic_ulong last; /* handles are not used again in a process */
    struct zca_session *session = calloc(1, sizeof(*session));
    if (!session) {
        return NULL;
    }
    session->handle = atomic_fetch_add(&last, 1) + 1;
    session->token = token;
    session->is_rw = is_rw;
    atomic_init(&session->references, 1);
    atomic_init(&session->is_closed, false);
    (void)pthread_mutex_init(&session->mutex, NULL); /* cannot fail on Linux */
    return session;
}

/* ---- C_OpenSession ---- */

static bool add(struct zca_sessions *sessions, struct zca_session *session)
{
    if (sessions->count == sessions->capacity) {
        size_t capacity = sessions->capacity == 0 ? 16 : sessions->capacity * 2;
        struct zca_session **array = realloc(sessions->array, capacity * sizeof(*array));
        if (!array) {
            return false;
        }
        sessions->array = array;
        sessions->capacity = capacity;
    }
    size_t place = place_of(sessions, session->handle); /* the end, but for races of opening */
    memmove(&sessions->array[place + 1], &sessions->array[place],
            (sessions->count - place) * sizeof(*sessions->array));
    sessions->array[place] = session;
    sessions->count++;
    return true;
}

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
    struct zca_token *token = zca_module_token(module, id);
    if (!token) {
        return CKR_SLOT_ID_INVALID;
    }
    if (!out_handle) {
        return CKR_ARGUMENTS_BAD;
    }
    zca_auto(module_lock) struct zca_module *alone = zca_module_change(module);
    CK_RV rv = check_open(token, flags);
    if (rv != CKR_OK) {
        return rv;
    }
    zca_auto(zca_session) struct zca_session *session = make(token, (flags & CKF_RW_SESSION) != 0);
    if (!session || !add(alone->sessions, session)) {
        return CKR_HOST_MEMORY;
    }
    token->num_sessions++;
    token->num_rw_sessions += session->is_rw ? 1 : 0;
    *out_handle = session->handle;
    session = NULL; /* the table has the reference */
    return CKR_OK;
}

CK_RV C_OpenSession(CK_SLOT_ID id, CK_FLAGS flags, void *application, CK_NOTIFY notify,
                    CK_SESSION_HANDLE *out_handle)
{
    (void)application; /* nothing ever happens that we would tell of */
    (void)notify;
    zca_auto(zca_call) struct zca_call call = zca_call_begin("C_OpenSession", id);
    return call.rv ? call.rv
                   : zca_call_end(&call, open_session(call.module, id, flags, out_handle));
}

/* ---- closing ---- */

struct owned {
    CK_SESSION_HANDLE owner;
    CK_OBJECT_HANDLE handle; /* one that it owns; 0: none */
};

static bool is_owned(void *argument, struct zca_object *object)
{
    struct owned *owned = argument;
    if (object->owner != owned->owner) {
        return true;
    }
    owned->handle = object->handle;
    return false;
}

static void drop_objects(struct zca_session *session)
{
    struct owned owned = {.owner = session->handle};
    while (session->num_objects > 0) {
        owned.handle = 0;
        zca_objects_visit(session->token->objects, NULL, is_owned, &owned);
        if (owned.handle == 0) {
            break;
        }
        zca_object_free(zca_objects_take(session->token->objects, owned.handle));
        session->num_objects--;
    }
}

/* Alone under the lock; the table's reference goes. The last session of a token logs out (PKCS#11, 5.6.4). */
static void close_at(struct zca_sessions *sessions, size_t place)
{
    struct zca_session *session = sessions->array[place];
    struct zca_token *token = session->token;
    sessions->count--;
    memmove(&sessions->array[place], &sessions->array[place + 1],
            (sessions->count - place) * sizeof(*sessions->array));
    drop_objects(session);
    token->num_sessions--;
    token->num_rw_sessions -= session->is_rw ? 1 : 0;
    if (token->num_sessions == 0) {
        zca_token_log_out(token);
    }
    atomic_store(&session->is_closed, true);
    zca_session_free(session);
}

void zca_sessions_close_all(struct zca_sessions *sessions, const struct zca_token *token)
{
    for (size_t i = sessions->count; i > 0; i--) {
        if (!token || sessions->array[i - 1]->token == token) {
            close_at(sessions, i - 1);
        }
    }
}

static CK_RV close_session(struct zca_module *module, CK_SESSION_HANDLE handle)
{
    zca_auto(module_lock) struct zca_module *alone = zca_module_change(module);
    size_t place = place_of(alone->sessions, handle);
    if (!is_at(alone->sessions, place, handle)) {
        return CKR_SESSION_HANDLE_INVALID;
    }
    close_at(alone->sessions, place);
    return CKR_OK;
}

CK_RV C_CloseSession(CK_SESSION_HANDLE handle)
{
    zca_auto(zca_call) struct zca_call call = zca_call_begin("C_CloseSession", handle);
    return call.rv ? call.rv : zca_call_end(&call, close_session(call.module, handle));
}

static CK_RV close_all(struct zca_module *module, CK_SLOT_ID id)
{
    const struct zca_token *token = zca_module_token(module, id);
    if (!token) {
        return CKR_SLOT_ID_INVALID;
    }
    zca_auto(module_lock) struct zca_module *alone = zca_module_change(module);
    zca_sessions_close_all(alone->sessions, token);
    return CKR_OK;
}

CK_RV C_CloseAllSessions(CK_SLOT_ID id)
{
    zca_auto(zca_call) struct zca_call call = zca_call_begin("C_CloseAllSessions", id);
    return call.rv ? call.rv : zca_call_end(&call, close_all(call.module, id));
}

void zca_sessions_after_fork(struct zca_sessions *sessions)
{
    for (size_t i = 0; i < sessions->count; i++) {
        struct zca_session *session = sessions->array[i];
        if (pthread_mutex_trylock(&session->mutex) == 0) {
            (void)pthread_mutex_unlock(&session->mutex); /* it is ours */
            continue;
        }
        /* A thread of the parent was in the midst of it, waiting for an authority. */
        (void)pthread_mutex_init(&session->mutex, NULL); /* cannot fail on Linux */
        for (size_t j = 0; j < ZCA_COUNT(session->operations); j++) {
            zca_operation_end(&session->operations[j]);
        }
        atomic_store(&session->references, 1);
    }
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

static CK_RV get_session_info(const struct zca_session *session, CK_SESSION_INFO *info)
{
    if (!info) {
        return CKR_ARGUMENTS_BAD;
    }
    zca_auto(module_lock) struct zca_module *held = zca_module_look(session->token->module);
    *info = (CK_SESSION_INFO){
        .slotID = session->token->id,
        .state = state_of(session),
        .flags = CKF_SERIAL_SESSION | (session->is_rw ? CKF_RW_SESSION : 0),
    };
    return CKR_OK;
}

CK_RV C_GetSessionInfo(CK_SESSION_HANDLE handle, CK_SESSION_INFO *info)
{
    zca_auto(zca_call) struct zca_call call = zca_call_begin_shared("C_GetSessionInfo", handle);
    return call.rv ? call.rv : zca_call_end(&call, get_session_info(call.session, info));
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

/* ---- objects ---- */

static struct zca_object *find_object(struct zca_session *session, CK_OBJECT_HANDLE handle,
                                      bool *out_is_sealed)
{
    zca_auto(module_lock) struct zca_module *held = zca_module_look(session->token->module);
    struct zca_object *object = zca_objects_find(session->token->objects, handle);
    bool may_see = object && (!object->is_private || zca_token_is_open(session->token));
    *out_is_sealed = may_see && object->is_sealed;
    return may_see ? zca_object_ref(object) : NULL;
}

struct zca_object *zca_session_object(struct zca_session *session, CK_OBJECT_HANDLE handle)
{
    bool is_sealed = false;
    struct zca_object *object = find_object(session, handle, &is_sealed);
    if (is_sealed) {
        CK_RV rv = session->token->kind->open(session->token, object);
        (void)rv; /* logged; the object has no key then */
    }
    return object;
}
