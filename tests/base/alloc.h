/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A malloc whose n-th call fails. It replaces the C library's in the program it is linked into,
 * libcrypto and jansson included; not for use with sanitizers, which have their own.
 */
#ifndef ZCA_TESTS_BASE_ALLOC_H
#define ZCA_TESTS_BASE_ALLOC_H

#include <stdbool.h>

#include "base/error.h"

/** alloc_arm makes the `nth` allocation of this thread from now fail (1: the next one), and with
 * `onwards` every later one too. */
void alloc_arm(long nth, bool onwards);

/** alloc_disarm ends that; it returns whether an allocation failed. */
bool alloc_disarm(void);

/** alloc_live returns how many allocations of this thread have not been released. */
long alloc_live(void);

/* Works, or fails with a reason; keeps nothing that it did not keep when it ran before. */
typedef bool alloc_scenario(struct zca_error *err);

/** alloc_check runs a scenario as it is, then again and again with its n-th allocation failing (and with
 * `onwards` all later ones), for each n there is. It fails the cmocka test when the scenario fails
 * without a reason, or leaks. */
void alloc_check(alloc_scenario *run, bool onwards);

#endif
