/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who looks adds one to its line and then asks for changers; who changes announces itself and then adds up the lines.
 * All of these are sequentially consistent, so at least one of the two sees the other.
 */
#include "base/shared_lock.h"

#include <stdint.h>

/* Threads take lines in turn. Those that share one are slower, not wrong. */
static _Atomic uint64_t num_threads;    /* that ever came */
static _Thread_local unsigned own_line; /* counted from 1; 0: none yet */

static atomic_uint *line_of(struct zca_shared_lock *lock)
{
    if (own_line == 0) {
        own_line = 1 + (unsigned)(atomic_fetch_add(&num_threads, 1) % ZCA_SHARED_LOCK_LINES);
    }
    return &lock->lines[own_line - 1].num_inside;
}

static void step_out(struct zca_shared_lock *lock)
{
    (void)atomic_fetch_sub(line_of(lock), 1);
    if (atomic_load(&lock->num_asleep) != 0) {
        (void)pthread_mutex_lock(&lock->mutex); /* none of these fails */
        (void)pthread_cond_broadcast(&lock->moved);
        (void)pthread_mutex_unlock(&lock->mutex);
    }
}

static void wait_for_changers(struct zca_shared_lock *lock)
{
    (void)pthread_mutex_lock(&lock->mutex); /* as above */
    while (atomic_load(&lock->num_changers) != 0) {
        (void)pthread_cond_wait(&lock->moved, &lock->mutex);
    }
    (void)pthread_mutex_unlock(&lock->mutex);
}

void zca_shared_lock_look(struct zca_shared_lock *lock)
{
    (void)atomic_fetch_add(line_of(lock), 1);
    while (atomic_load(&lock->num_changers) != 0) {
        step_out(lock);
        wait_for_changers(lock);
        (void)atomic_fetch_add(line_of(lock), 1);
    }
}

/* A thread that comes after `num_threads` was read sees that somebody changes. */
static bool is_empty(struct zca_shared_lock *lock)
{
    uint64_t num = atomic_load(&num_threads);
    for (size_t i = 0; i < num && i < ZCA_SHARED_LOCK_LINES; i++) {
        if (atomic_load(&lock->lines[i].num_inside) != 0) {
            return false;
        }
    }
    return true;
}

static void wait_until_empty(struct zca_shared_lock *lock)
{
    (void)atomic_fetch_add(&lock->num_asleep, 1);
    while (!is_empty(lock)) {
        (void)pthread_cond_wait(&lock->moved, &lock->mutex); /* as above */
    }
    (void)atomic_fetch_sub(&lock->num_asleep, 1);
}

void zca_shared_lock_change(struct zca_shared_lock *lock)
{
    (void)pthread_mutex_lock(&lock->mutex); /* as above */
    (void)atomic_fetch_add(&lock->num_changers, 1);
    if (!is_empty(lock)) {
        wait_until_empty(lock);
    }
    lock->is_alone = true;
}

static void end_change(struct zca_shared_lock *lock)
{
    lock->is_alone = false;
    (void)atomic_fetch_sub(&lock->num_changers, 1);
    (void)pthread_cond_broadcast(&lock->moved); /* as above */
    (void)pthread_mutex_unlock(&lock->mutex);
}

/* Nobody but the one who is alone finds `is_alone` set. */
void zca_shared_lock_leave(struct zca_shared_lock *lock)
{
    (lock->is_alone ? end_change : step_out)(lock);
}

void zca_shared_lock_reset(struct zca_shared_lock *lock)
{
    for (size_t i = 0; i < ZCA_SHARED_LOCK_LINES; i++) {
        atomic_store(&lock->lines[i].num_inside, 0);
    }
    atomic_store(&lock->num_changers, 0);
    atomic_store(&lock->num_asleep, 0);
    lock->is_alone = false;
    lock->mutex = (pthread_mutex_t)ZCA_SHARED_LOCK_MUTEX;
    (void)pthread_cond_init(&lock->moved, NULL); /* as above */
}
