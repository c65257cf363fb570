/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A scratch token on disk and in memory: the directory below state-dir/tokens with one file for the token and one an object.
 * Files are replaced whole and writers take turns (core/flight.h), so readers need no lock and see another process's work at
 * their next search.
 */
#ifndef ZCA_PKCS11_MODULE_SCRATCH_STORE_H
#define ZCA_PKCS11_MODULE_SCRATCH_STORE_H

#include <pthread.h>
#include <stdatomic.h>

#include "core/flight.h"
#include "pkcs11-module/scratch_files.h"
#include "pkcs11-module/scratch_pin.h"
#include "pkcs11-module/scratch_record.h"
#include "pkcs11-module/token.h"

/* token->state */
struct zca_scratch {
    char *directory;
    char *path;         /* of the file `token` */
    atomic_ulong flags; /* CKF_..., of CK_TOKEN_INFO */

    pthread_mutex_t mutex; /* around what follows; inside the gate, and before the module's lock */
    bool is_initialised;
    struct zca_scratch_token record; /* as the file was at `status` */
    struct stat status;
    struct zca_buffer open_key;     /* for objects that need no login; empty: not made yet */
    struct zca_scratch_files files; /* as the directory was at `directory_status` */
    struct stat directory_status;
    int64_t looked_at_ms; /* when that was; 0: never */

    /* under the module's lock */
    struct zca_buffer master; /* empty: nobody is logged in */
    unsigned epoch;           /* how often somebody has logged out */
    bool is_complete;         /* the private objects of this login are shown */
};

/** zca_scratch_of returns the state; borrowed. */
struct zca_scratch *zca_scratch_of(const struct zca_token *token);

/** zca_scratch_enter takes the turn of a writer; it may wait for other processes, outside the gate. No mutex may be held.
 * NULL with the CK_RV of a logged failure. */
ZCA_NODISCARD struct zca_flight *zca_scratch_enter(struct zca_token *token, CK_RV *out_rv);

/** zca_scratch_refresh reads the file `token` again when it changed: flags, label, and if somebody has initialised the token
 * anew, its objects and logins are gone. A file that cannot be reached any more is as it was. The mutex is held. */
void zca_scratch_refresh(struct zca_token *token);

/** zca_scratch_key appends what seals objects: for private ones the master key of who is logged in. The mutex is held.
 * err ZCA_ERR_AUTH: nobody is. */
ZCA_NODISCARD bool zca_scratch_key(struct zca_token *token, bool is_private,
                                   struct zca_buffer *out_key, struct zca_error *err);

/** zca_scratch_scan brings what is known of the token, and token->objects, up to date with the directory, when that changed
 * or somebody has logged in. The mutex is held. */
ZCA_NODISCARD bool zca_scratch_scan(struct zca_token *token, struct zca_error *err);

/** zca_scratch_forget takes all stored objects out of token->objects. The mutex is held. */
void zca_scratch_forget(struct zca_token *token);

/** zca_scratch_object_add, _change, _remove, _open are the kind's (token.h). */
ZCA_NODISCARD CK_RV zca_scratch_object_add(struct zca_token *token, struct zca_object *object);
ZCA_NODISCARD CK_RV zca_scratch_object_change(struct zca_token *token, struct zca_object *object,
                                              const struct zca_values *values);
ZCA_NODISCARD CK_RV zca_scratch_object_remove(struct zca_token *token, struct zca_object *object);
ZCA_NODISCARD CK_RV zca_scratch_object_open(struct zca_token *token, struct zca_object *object);

#endif
