/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sessions: one at a time uses a session (its mutex), and it lives on until that call ends, whoever closes it meanwhile.
 */
#ifndef ZCA_PKCS11_MODULE_SESSION_H
#define ZCA_PKCS11_MODULE_SESSION_H

#include <pthread.h>
#include <stdatomic.h>

#include "pkcs11-module/operation.h"
#include "pkcs11-module/token.h"

/* What C_FindObjects hands out: the handles that matched when the search began. */
struct zca_find {
    bool is_active;
    CK_OBJECT_HANDLE *handles;
    size_t num_handles, next;
};

struct zca_session {
    CK_SESSION_HANDLE handle;
    struct zca_token *token;
    bool is_rw;
    size_t num_objects; /* session objects that it owns; under the module's lock */
    atomic_uint references;
    atomic_bool is_closed;
    atomic_bool must_forget; /* it may keep a key that is gone: looked at when its user leaves */
    pthread_mutex_t mutex;   /* around what follows; before the gate (base/gate.h) */
    struct zca_find find;
    struct zca_operation
        *operations;             /* one of each sort; NULL: nobody had the session to himself */
    EVP_PKEY_CTX *generator;     /* C_GenerateKeyPair's, of the last curve; NULL: none yet */
    const char *generator_group; /* that curve; static */
};

struct zca_session *zca_session_ref(struct zca_session *session);
/** zca_session_prepare makes `operations`. Its mutex is held. CKR_HOST_MEMORY. */
ZCA_NODISCARD CK_RV zca_session_prepare(struct zca_session *session);

void zca_session_free(struct zca_session *session); /* gives a reference back */
ZCA_DEFINE_AUTO(zca_session, struct zca_session, zca_session_free);

struct zca_sessions;

struct zca_sessions *zca_sessions_new(void);

/** zca_sessions_find returns the session, borrowed, or NULL; under the module's lock. */
struct zca_session *zca_sessions_find(const struct zca_sessions *sessions,
                                      CK_SESSION_HANDLE handle);

/** zca_sessions_open adds a session; zca_sessions_close closes one with its objects, and logs out with a token's last. Alone
 * under the module's lock. */
ZCA_NODISCARD CK_RV zca_sessions_open(struct zca_sessions *sessions, struct zca_token *token,
                                      bool is_rw, CK_SESSION_HANDLE *out_handle);
ZCA_NODISCARD CK_RV zca_sessions_close(struct zca_sessions *sessions, CK_SESSION_HANDLE handle);

/** zca_sessions_close_all closes the sessions of a token (NULL: all) with their objects; alone under the module's lock. */
void zca_sessions_close_all(struct zca_sessions *sessions, const struct zca_token *token);

/** zca_sessions_forget_keys releases what sessions keep of keys that are no objects of this token any more; alone under the
 * module's lock, whenever keys went. Operations that go on end first, and whoever is in a session leaves first. */
void zca_sessions_forget_keys(struct zca_sessions *sessions, const struct zca_token *token);

/** zca_session_leave gives the session's mutex back and does what zca_sessions_forget_keys had to leave. Inside the gate,
 * without the module's lock. */
void zca_session_leave(struct zca_session *session);

/** zca_sessions_after_fork makes new mutexes in a child and ends what other threads of the parent were in the midst of. */
void zca_sessions_after_fork(struct zca_sessions *sessions);

/** zca_session_object returns a new reference to the object if this session may see it, else NULL. Its values are there, its
 * key or secret perhaps not before zca_session_unseal. Takes the lock. */
struct zca_object *zca_session_object(struct zca_session *session, CK_OBJECT_HANDLE handle);

/** zca_session_unseal opens the key of an object, if that is still to be done (token.h, open). CKR_DEVICE_ERROR: what the
 * token keeps cannot be opened; CKR_HOST_MEMORY. Failures are logged. */
ZCA_NODISCARD CK_RV zca_session_unseal(struct zca_session *session, struct zca_object *object);

/** zca_session_key does both for who uses the key. CKR_KEY_HANDLE_INVALID: there is no such object. */
ZCA_NODISCARD CK_RV zca_session_key(struct zca_session *session, CK_OBJECT_HANDLE handle,
                                    struct zca_object **out_key);

/** zca_session_has_object tells whether the session may see that object and nothing of it is left to open. Takes the lock. */
bool zca_session_has_object(const struct zca_session *session, CK_OBJECT_HANDLE handle);

#endif
