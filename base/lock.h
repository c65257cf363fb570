/* SPDX-License-Identifier: Apache-2.0 */
/* One mutex an object, held to the end of a block by attribute. */
#ifndef ZCA_BASE_LOCK_H
#define ZCA_BASE_LOCK_H

#include <pthread.h>

#include "base/auto.h"

/**
 * zca_lock locks `mutex` and returns it, for `zca_auto(lock) pthread_mutex_t *held = ...`.
 * The mutex must be an initialised default mutex that the thread does not hold.
 */
static inline pthread_mutex_t *zca_lock(pthread_mutex_t *mutex)
{
    (void)pthread_mutex_lock(mutex); /* fails only for a destroyed mutex: our own mistake */
    return mutex;
}

static inline void zca_auto_lock(pthread_mutex_t **held)
{
    if (*held) {
        (void)pthread_mutex_unlock(*held); /* as above */
    }
}

#endif
