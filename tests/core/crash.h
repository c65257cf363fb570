/* SPDX-License-Identifier: Apache-2.0 */
/* Kills a process before its n-th step that changes a file: rename, unlink, link, fsync. The linker
 * puts counters in front of these calls (--wrap). */
#ifndef ZCA_TESTS_CORE_CRASH_H
#define ZCA_TESTS_CORE_CRASH_H

/* The exit status of a killed process, and of the fake authority when it kills. */
enum { CRASHED = 42 };

/** crash_after ends the calling process before its `steps`-th step from now on; 0: never. */
void crash_after(int steps);

/** crash_count_syncs returns how often the calling process has called fsync. */
int crash_count_syncs(void);

#endif
