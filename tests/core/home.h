/* SPDX-License-Identifier: Apache-2.0 */
/* A library whose directories and configuration lie in the test's own directory. */
#ifndef ZCA_TESTS_CORE_HOME_H
#define ZCA_TESTS_CORE_HOME_H

#include "core/library.h"
#include "tests/base/check.h"

/* Two authorities that nobody can reach, for tests that shall not try. */
#define HOME_AUTHORITIES                                                                           \
    "default-authority = corp\n"                                                                   \
    "[authority corp]\nurl = https://127.0.0.1:1/\ndialect = orgca\n"                              \
    "[authority other]\nurl = https://127.0.0.1:1/\ndialect = quickztna\n"

/** home_library writes zca.conf with the directories and `text`, which starts inside [zca], and makes a
 * library for it. */
struct zca_library *home_library(void **state, const char *text);

/** home_write replaces a file in the test's directory; home_read returns its contents. */
void home_write(void **state, const char *name, mode_t mode, struct zca_span bytes);
struct zca_buffer home_read(void **state, const char *name);

/** home_leave ends a child of fork(2). Success goes through exec, so that a leak checker does not count
 * what the parent's threads held when they were left behind. */
_Noreturn void home_leave(bool ok);

/** home_join waits for a child and fails the test unless it exited with 0. */
void home_join(int pid);

#endif
