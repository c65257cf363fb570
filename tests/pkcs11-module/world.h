/* SPDX-License-Identifier: Apache-2.0 */
/* A scratch token with keys and data, good arguments for every function (calls.h), and children to call them in. */
#ifndef ZCA_TESTS_PKCS11_MODULE_WORLD_H
#define ZCA_TESTS_PKCS11_MODULE_WORLD_H

#include "tests/pkcs11-module/bed.h"
#include "tests/pkcs11-module/calls.h"

/* Ends a list of codes. */
#define CODES_END CK_UNAVAILABLE_INFORMATION

struct world {
    struct scene *scene;
    union argument good[NUM_KINDS];
    CK_SESSION_HANDLE session; /* on the scratch token, R/W, the user is logged in */
    CK_OBJECT_HANDLE gone;     /* an object that was */
    CK_SESSION_HANDLE closed;
    size_t num_calls, num_bad; /* world_expect's */
};

/** world_setup and world_teardown give a test a world in *state. world_setup_bare does not call C_Initialize. */
int world_setup(void **state);
int world_setup_bare(void **state);
int world_teardown(void **state);

/** world_prepare does what a function needs to have been done before, in the session of `world`. */
CK_RV world_prepare(const struct world *world, enum before before);

/** world_arguments fills in good arguments of a function. */
void world_arguments(const struct world *world, const struct call_row *row,
                     union argument *out_arguments);

/** world_expect makes a child that runs `step`, which must return one of `codes` within five seconds, not die and not
 * exit. Counts, and prints what is wrong under this name. */
void world_expect(struct world *world, const char *name, CK_RV (*step)(const void *argument),
                  const void *argument, const CK_RV *codes);

/** world_check fails the test if any call was wrong, or there were fewer than `least`. */
void world_check(const struct world *world, size_t least);

#endif
