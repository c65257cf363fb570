/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A lock that many threads look through and few change under, such that those who look do not slow each other down: each
 * counts itself in a cache line of its own. Who changes adds the lines up, so that is dearer than with pthread's.
 */
#ifndef ZCA_BASE_SHARED_LOCK_H
#define ZCA_BASE_SHARED_LOCK_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

/* Processors fetch two lines of 64 bytes at once. */
#define ZCA_SHARED_LOCK_APART 128
#define ZCA_SHARED_LOCK_LINES 32

struct zca_shared_lock {
    struct {
        _Alignas(ZCA_SHARED_LOCK_APART) atomic_uint num_inside;
    } lines[ZCA_SHARED_LOCK_LINES];

    _Alignas(ZCA_SHARED_LOCK_APART) atomic_uint num_changers; /* that wait or hold it */
    atomic_uint num_asleep; /* of them, until those inside have left */
    bool is_alone;          /* one of them is inside */
    pthread_mutex_t mutex;  /* held by who changes */
    pthread_cond_t moved;   /* somebody left, or changed */
};

/* Changes are short, so those who want to change try a little before they sleep. */
#define ZCA_SHARED_LOCK_MUTEX PTHREAD_ADAPTIVE_MUTEX_INITIALIZER_NP
#define ZCA_SHARED_LOCK_INITIALIZER                                                                \
    {                                                                                              \
        .mutex = ZCA_SHARED_LOCK_MUTEX, .moved = PTHREAD_COND_INITIALIZER                          \
    }

/** zca_shared_lock_look takes the lock together with others who look; zca_shared_lock_change takes it alone. Not nested: who
 * looks waits behind who waits to change. Neither fails. */
void zca_shared_lock_look(struct zca_shared_lock *lock);
void zca_shared_lock_change(struct zca_shared_lock *lock);

/** zca_shared_lock_leave gives the lock back, in the thread that took it, however it did. */
void zca_shared_lock_leave(struct zca_shared_lock *lock);

/** zca_shared_lock_reset makes the lock free, whoever had it: in a child of fork(2), where those threads are not. */
void zca_shared_lock_reset(struct zca_shared_lock *lock);

#endif
