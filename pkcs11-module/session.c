/* SPDX-License-Identifier: Apache-2.0 */
/* The table of sessions. Handles count up, so it is an array sorted by them. */
#include "pkcs11-module/session.h"

#include <stdlib.h>
#include <string.h>

#include "pkcs11-module/lifetime.h"

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
    (void)pthread_mutex_init(&session->mutex, NULL); /* cannot fail on Linux */
    return session;
}

/* ---- opening ---- */

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

CK_RV zca_sessions_close(struct zca_sessions *sessions, CK_SESSION_HANDLE handle)
{
    size_t place = place_of(sessions, handle);
    if (!is_at(sessions, place, handle)) {
        return CKR_SESSION_HANDLE_INVALID;
    }
    close_at(sessions, place);
    return CKR_OK;
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
        (void)rv; /* logged; its attributes are told all the same */
    }
    return object;
}

CK_RV zca_session_key(struct zca_session *session, CK_OBJECT_HANDLE handle,
                      struct zca_object **out_key)
{
    bool is_sealed = false;
    zca_auto(zca_object) struct zca_object *object = find_object(session, handle, &is_sealed);
    if (!object) {
        return CKR_KEY_HANDLE_INVALID;
    }
    CK_RV rv = is_sealed ? session->token->kind->open(session->token, object) : CKR_OK;
    if (rv == CKR_OK) {
        *out_key = zca_steal(object);
    }
    return rv;
}
