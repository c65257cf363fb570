/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One gate for each shared object of ours: zca-core.so's is around keys, zca-remote.so's around TLS and its secret buffers,
 * and nobody inside the one enters the other. Readers are those who use keys, the writer is fork(2), by
 * pthread_atfork(3); it goes before readers that come later, or it would wait for ever in a busy process.
 */
#include "base/gate.h"

#include "base/secure_memory.h"
#include "base/shared_lock.h"

static pthread_once_t made = PTHREAD_ONCE_INIT;
static struct zca_shared_lock gate = ZCA_SHARED_LOCK_INITIALIZER;
static _Thread_local unsigned
    depth; /* of this thread's entries: a second one must not wait for the writer */

/* A thread that forks while it is inside, from a callback, cannot wait for itself. Handlers of others that run until
 * after_fork or in_child find it inside. */
static void before_fork(void)
{
    if (depth++ == 0) {
        zca_shared_lock_change(&gate);
    }
    zca_secure_memory_before_fork();
}

static void after_fork(void)
{
    if (--depth == 0) {
        zca_shared_lock_leave(&gate);
    }
}

/* The child's one thread is the one that forked. */
static void in_child(void)
{
    zca_shared_lock_reset(&gate);
    if (--depth != 0) {
        zca_shared_lock_look(&gate);
    }
    zca_secure_memory_lock_again();
}

static void make(void)
{
    (void)pthread_atfork(before_fork, after_fork,
                         in_child); /* without memory for it: no worse than without us */
}

void zca_gate_enter(void)
{
    (void)pthread_once(&made, make); /* cannot fail */
    if (depth++ == 0) {
        zca_shared_lock_look(&gate);
    }
}

void zca_gate_leave(void)
{
    if (--depth == 0) {
        zca_shared_lock_leave(&gate);
    }
}
