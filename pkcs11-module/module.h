/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a process has of us: the library, the tokens of zca.conf and the sessions. One a process, made by the first
 * C_Initialize; C_Finalize ends sessions, but tokens stay with what they hold in memory, for servers that begin again
 * after fork or without the right to read their files.
 */
#ifndef ZCA_PKCS11_MODULE_MODULE_H
#define ZCA_PKCS11_MODULE_MODULE_H

#include <sys/stat.h>

#include "base/shared_lock.h"
#include "core/library.h"
#include "pkcs11-module/cryptoki.h"

struct zca_token;
struct zca_sessions;

struct zca_module {
    /* Around sessions, objects and logins: shared to look, alone to change; inside the gate (base/gate.h), never across
     * cryptography, files, network, or another lock but a library's own. */
    struct zca_shared_lock lock;
    bool is_initialised;
    bool is_forked; /* in a child that has not called C_Initialize: sessions are the parent's */
    bool is_strict; /* then nothing is offered before that (option pkcs11-fork) */
    struct zca_library *library;
    char *config_file;         /* what C_Initialize named; NULL: the usual */
    struct stat config_status; /* of the file that the tokens were made from */
    struct zca_token *
        *tokens; /* in the order of zca.conf; stay as long as the configuration does */
    size_t num_tokens;
    void *tokens_by_id; /* the same in tsearch(3)'s tree */
    struct zca_sessions *sessions;
};

/** zca_module_get returns the module; initialised or not. */
struct zca_module *zca_module_get(void);

/** zca_module_look and zca_module_change take the lock; zca_module_leave gives it back. For
 * `zca_auto(module_lock) struct zca_module *held = zca_module_look(module);`. The caller is inside the gate. */
struct zca_module *zca_module_look(struct zca_module *module);
struct zca_module *zca_module_change(struct zca_module *module);
void zca_module_leave(struct zca_module *module);
ZCA_DEFINE_AUTO(module_lock, struct zca_module, zca_module_leave);

/** zca_module_may_run tells whether calls are answered: C_Initialize was called, in a strict child anew. With the lock. */
bool zca_module_may_run(const struct zca_module *module);

/** zca_module_outside and _inside surround what waits (network, file locks): a fork may happen meanwhile. Not with the
 * module's lock held. */
void zca_module_outside(void);
void zca_module_inside(void);

#endif
