/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fork(2) while other threads are inside libcrypto: its locks (secure heap, random generators, tables of algorithms) would stay
 * locked in the child for ever. So whoever is about to use libcrypto enters this gate, and a fork waits until nobody is inside.
 */
#ifndef ZCA_BASE_GATE_H
#define ZCA_BASE_GATE_H

#include "base/auto.h"

/*
 * Secret buffers (base/buffer.h) pass this gate, too. So a lock that anybody takes inside the gate is never held around
 * an entry from outside: enter first, lock then. A thread that waited for the gate behind a fork, with such a lock, and one
 * inside that waited for the lock would wait for ever.
 */

/** zca_gate_enter keeps this process from forking until zca_gate_leave. May be nested; never around a wait for the
 * network or a callback of the application. Does not fail. */
void zca_gate_enter(void);
void zca_gate_leave(void);

static inline void zca_auto_gate(const int *entered)
{
    (void)entered;
    zca_gate_leave();
}

/** zca_gate_pass is zca_gate_enter for `zca_auto(gate) int inside = zca_gate_pass();`. */
static inline int zca_gate_pass(void)
{
    zca_gate_enter();
    return 1;
}

#endif
