/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of sessions. Handles count up, so it is an array sorted by them. They stand in it, so that finding a session
 * does not touch others, which other threads write to.
 */
#include "pkcs11-module/session.h"

#include <stdlib.h>
#include <string.h>

#include "pkcs11-module/lifetime.h"

struct entry {
    CK_SESSION_HANDLE handle;
    struct zca_session *session;
};

struct zca_sessions {
    struct entry *array;
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
        if (sessions->array[middle].handle < handle) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static bool is_at(const struct zca_sessions *sessions, size_t place, CK_SESSION_HANDLE handle)
{
    return place < sessions->count && sessions->array[place].handle == handle;
}

struct zca_session *zca_sessions_find(const struct zca_sessions *sessions, CK_SESSION_HANDLE handle)
{
    size_t place = place_of(sessions, handle);
    return is_at(sessions, place, handle) ? sessions->array[place].session : NULL;
}

/* ---- one session ---- */

static void clear_work(struct zca_session *session)
{
    free(session->find.handles);
    session->find = (struct zca_find){0};
    for (size_t i = 0; session->operations && i < ZCA_NUM_OPERATIONS; i++) {
        zca_operation_clear(&session->operations[i]);
    }
    free(session->operations);
    EVP_PKEY_CTX_free(session->generator);
}

/* Most of a session's memory; many sessions are opened to be asked about only. */
CK_RV zca_session_prepare(struct zca_session *session)
{
    if (!session->operations) {
        session->operations = calloc(ZCA_NUM_OPERATIONS, sizeof(*session->operations));
    }
    return session->operations ? CKR_OK : CKR_HOST_MEMORY;
}

struct zca_session *zca_session_ref(struct zca_session *session)
{
    (void)atomic_fetch_add_explicit(&session->references, 1, memory_order_relaxed);
    return session;
}

void zca_session_free(struct zca_session *session)
{
    if (!session || atomic_fetch_sub_explicit(&session->references, 1, memory_order_acq_rel) != 1) {
        return;
    }
    if (!zca_lifetime_is_over()) {
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
    atomic_init(&session->must_forget, false);
    (void)pthread_mutex_init(&session->mutex, NULL); /* cannot fail on Linux */
    return session;
}

/* ---- opening ---- */

static bool add(struct zca_sessions *sessions, struct zca_session *session)
{
    if (sessions->count == sessions->capacity) {
        size_t capacity = sessions->capacity == 0 ? 16 : sessions->capacity * 2;
        struct entry *array = realloc(sessions->array, capacity * sizeof(*array));
        if (!array) {
            return false;
        }
        sessions->array = array;
        sessions->capacity = capacity;
    }
    size_t place = place_of(sessions, session->handle); /* the end, but for races of opening */
    memmove(&sessions->array[place + 1], &sessions->array[place],
            (sessions->count - place) * sizeof(*sessions->array));
    sessions->array[place] = (struct entry){session->handle, session};
    sessions->count++;
    return true;
}

CK_RV zca_sessions_open(struct zca_sessions *sessions, struct zca_token *token, bool is_rw,
                        CK_SESSION_HANDLE *out_handle)
{
    zca_auto(zca_session) struct zca_session *session = make(token, is_rw);
    if (!session || !add(sessions, session)) {
        return CKR_HOST_MEMORY;
    }
    token->num_sessions++;
    token->num_rw_sessions += session->is_rw ? 1 : 0;
    *out_handle = session->handle;
    session = NULL; /* the table has the reference */
    return CKR_OK;
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

/* Tells whether keys were among them. */
static bool drop_objects(struct zca_session *session)
{
    bool had_keys = false;
    struct owned owned = {.owner = session->handle};
    while (session->num_objects > 0) {
        owned.handle = 0;
        zca_objects_visit(session->token->objects, NULL, is_owned, &owned);
        if (owned.handle == 0) {
            break;
        }
        zca_auto(zca_object) struct zca_object *object =
            zca_objects_take(session->token->objects, owned.handle);
        had_keys = had_keys || zca_object_is_key(object);
        session->num_objects--;
    }
    return had_keys;
}

/* Alone under the lock; the table's reference goes. The last session of a token logs out (PKCS#11, 5.6.4). Tells whether
 * keys went that other sessions may keep. */
static bool close_at(struct zca_sessions *sessions, size_t place)
{
    struct zca_session *session = sessions->array[place].session;
    struct zca_token *token = session->token;
    sessions->count--;
    memmove(&sessions->array[place], &sessions->array[place + 1],
            (sessions->count - place) * sizeof(*sessions->array));
    bool had_keys = drop_objects(session);
    token->num_sessions--;
    token->num_rw_sessions -= session->is_rw ? 1 : 0;
    if (token->num_sessions == 0) {
        zca_token_log_out(token);
    }
    atomic_store(&session->is_closed, true);
    zca_session_free(session);
    return had_keys;
}

void zca_sessions_close_all(struct zca_sessions *sessions, const struct zca_token *token)
{
    for (size_t i = sessions->count; i > 0; i--) {
        if (!token || sessions->array[i - 1].session->token == token) {
            (void)close_at(sessions, i - 1); /* no other session of its token is left */
        }
    }
}

CK_RV zca_sessions_close(struct zca_sessions *sessions, CK_SESSION_HANDLE handle)
{
    size_t place = place_of(sessions, handle);
    if (!is_at(sessions, place, handle)) {
        return CKR_SESSION_HANDLE_INVALID;
    }
    const struct zca_token *token = sessions->array[place].session->token;
    if (close_at(sessions, place)) {
        zca_sessions_forget_keys(sessions, token);
    }
    return CKR_OK;
}

/* ---- keys that are not there any more ---- */

static bool is_there(const struct zca_session *session, const struct zca_object *key)
{
    return zca_objects_find(session->token->objects, key->handle) == key;
}

/* With the session's mutex and the module's lock. */
static void forget_keys(struct zca_session *session)
{
    bool is_left = false;
    for (size_t i = 0; session->operations && i < ZCA_NUM_OPERATIONS; i++) {
        struct zca_operation *operation = &session->operations[i];
        if (!operation->key || is_there(session, operation->key)) {
            continue;
        }
        if (operation->mechanism) {
            is_left = true; /* it goes on */
        } else {
            zca_operation_forget(operation);
        }
    }
    atomic_store(&session->must_forget, is_left);
}

/* With the module's lock. The mutex is given back under it, so that keys go before we look or find nobody here. */
static void try_to_forget(struct zca_session *session)
{
    if (pthread_mutex_trylock(&session->mutex) == 0) {
        forget_keys(session);
        (void)pthread_mutex_unlock(&session->mutex); /* it is held */
    }
}

/* The flag first: whoever has the mutex looks at it after giving that back. */
void zca_sessions_forget_keys(struct zca_sessions *sessions, const struct zca_token *token)
{
    for (size_t i = 0; i < sessions->count; i++) {
        struct zca_session *session = sessions->array[i].session;
        if (session->token == token) {
            atomic_store(&session->must_forget, true);
            try_to_forget(session);
        }
    }
}

/* A closed session forgets everything with its last reference. */
static void forget_late(struct zca_session *session)
{
    zca_auto(module_lock) struct zca_module *held = zca_module_look(zca_module_get());
    if (!atomic_load(&session->is_closed)) {
        try_to_forget(session);
    }
}

void zca_session_leave(struct zca_session *session)
{
    (void)pthread_mutex_unlock(&session->mutex); /* the caller has it */
    if (atomic_load(&session->must_forget)) {
        forget_late(session);
    }
}

/* ---- forks ---- */

/* A thread of the parent was in the midst of it, waiting for an authority. Who did not have it to himself (C_Login) did
 * nothing to its operations. */
static void free_from_parent(struct zca_session *session)
{
    if (pthread_mutex_trylock(&session->mutex) == 0) {
        (void)pthread_mutex_unlock(&session->mutex); /* it is held */
    } else {
        (void)pthread_mutex_init(&session->mutex, NULL); /* cannot fail on Linux */
        for (size_t i = 0; session->operations && i < ZCA_NUM_OPERATIONS; i++) {
            zca_operation_end(&session->operations[i]);
        }
    }
    atomic_store(&session->references, 1);
}

/* Sessions that nobody was in are only read: a child shares the memory of what it does not write to. */
void zca_sessions_after_fork(struct zca_sessions *sessions)
{
    for (size_t i = 0; i < sessions->count; i++) {
        struct zca_session *session = sessions->array[i].session;
        if (atomic_load_explicit(&session->references, memory_order_relaxed) != 1) {
            free_from_parent(session);
        }
    }
}

/* ---- objects ---- */

/* Borrowed, or NULL. Under the module's lock. */
static struct zca_object *look_for(const struct zca_session *session, CK_OBJECT_HANDLE handle)
{
    struct zca_object *object = zca_objects_find(session->token->objects, handle);
    return object && (!object->is_private || zca_token_is_open(session->token)) ? object : NULL;
}

bool zca_session_has_object(const struct zca_session *session, CK_OBJECT_HANDLE handle)
{
    zca_auto(module_lock) struct zca_module *held = zca_module_look(session->token->module);
    const struct zca_object *object = look_for(session, handle);
    return object && !object->is_sealed;
}

struct zca_object *zca_session_object(struct zca_session *session, CK_OBJECT_HANDLE handle)
{
    zca_auto(module_lock) struct zca_module *held = zca_module_look(session->token->module);
    struct zca_object *object = look_for(session, handle);
    return object ? zca_object_ref(object) : NULL;
}

static bool is_sealed(struct zca_session *session, const struct zca_object *object)
{
    zca_auto(module_lock) struct zca_module *held = zca_module_look(session->token->module);
    return object->is_sealed;
}

CK_RV zca_session_unseal(struct zca_session *session, struct zca_object *object)
{
    return is_sealed(session, object) ? session->token->kind->open(session->token, object) : CKR_OK;
}

CK_RV zca_session_key(struct zca_session *session, CK_OBJECT_HANDLE handle,
                      struct zca_object **out_key)
{
    zca_auto(zca_object) struct zca_object *object = zca_session_object(session, handle);
    CK_RV rv = object ? zca_session_unseal(session, object) : CKR_KEY_HANDLE_INVALID;
    if (rv == CKR_OK) {
        *out_key = zca_steal(object);
    }
    return rv;
}
