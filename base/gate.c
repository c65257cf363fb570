/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One gate for each shared object of ours: zca-core.so's is around keys, zca-remote.so's around its secret buffers, and
 * nobody inside the one enters the other. Readers are those who use keys, the writer is fork(2), by
 * pthread_atfork(3); it goes before readers that come later, or it would wait for ever in a busy process.
 */
#include "base/gate.h"

#include <pthread.h>

#include "base/secure_memory.h"

static pthread_once_t made = PTHREAD_ONCE_INIT;
static pthread_rwlock_t gate;
static _Thread_local unsigned
    depth; /* of this thread's entries: a second one must not wait for the writer */

static void make_gate(void)
{
    pthread_rwlockattr_t attributes;
    /* none of these fails on Linux */
    (void)pthread_rwlockattr_init(&attributes);
    (void)pthread_rwlockattr_setkind_np(&attributes, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
    (void)pthread_rwlock_init(&gate, &attributes);
    (void)pthread_rwlockattr_destroy(&attributes);
}

/* A thread that forks while it is inside, from a callback, cannot wait for itself. */
static void before_fork(void)
{
    if (depth == 0) {
        (void)pthread_rwlock_wrlock(&gate); /* as above */
    }
    zca_secure_memory_before_fork();
}

static void after_fork(void)
{
    if (depth == 0) {
        (void)pthread_rwlock_unlock(&gate); /* as above */
    }
}

/* The child's one thread is the one that forked. */
static void in_child(void)
{
    make_gate();
    if (depth != 0) {
        (void)pthread_rwlock_rdlock(&gate); /* as above */
    }
    zca_secure_memory_lock_again();
}

static void make(void)
{
    make_gate();
    (void)pthread_atfork(before_fork, after_fork,
                         in_child); /* without memory for it: no worse than without us */
}

void zca_gate_enter(void)
{
    (void)pthread_once(&made, make); /* cannot fail */
    if (depth++ == 0) {
        (void)pthread_rwlock_rdlock(&gate); /* as above */
    }
}

void zca_gate_leave(void)
{
    if (--depth == 0) {
        (void)pthread_rwlock_unlock(&gate); /* as above */
    }
}
