/* SPDX-License-Identifier: Apache-2.0 */
/* cmocka with what it needs, and assertions about errors and temporary directories. */
#ifndef ZCA_TESTS_BASE_CHECK_H
#define ZCA_TESTS_BASE_CHECK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/auto.h"
#include "base/buffer.h"
#include "base/error.h"

/** check_ok fails the test with the message of `err` when `ok` is false. */
#define check_ok(ok, err)                                                                          \
    do {                                                                                           \
        if (!(ok)) {                                                                               \
            fail_msg("%s: %s", zca_reason_name((err).reason), (err).message);                      \
        }                                                                                          \
    } while (0)

/** check_refused fails the test unless `ok` is false and `err` has this reason and a message. */
#define check_refused(ok, err, wanted)                                                             \
    do {                                                                                           \
        assert_false(ok);                                                                          \
        assert_string_equal(zca_reason_name((err).reason), zca_reason_name(wanted));               \
        assert_int_not_equal((err).message[0], '\0');                                              \
    } while (0)

/** check_text fails the test unless the buffer holds exactly this text. */
#define check_text(buffer, wanted)                                                                 \
    do {                                                                                           \
        assert_int_equal((buffer).len, strlen(wanted));                                            \
        assert_memory_equal((buffer).data, wanted, (buffer).len);                                  \
    } while (0)

/** check_setup_directory and check_teardown_directory give a test its own directory in *state. */
int check_setup_directory(void **state);
int check_teardown_directory(void **state);

/** check_path returns directory/name in new memory; it fails the test when there is none left. */
char *check_path(void **state, const char *name);

/** check_skip_where_forks_hang skips the test in a sanitized build: clang 14's AddressSanitizer has locks of its own, which a
 * child of a process with busy threads finds taken. */
void check_skip_where_forks_hang(void);

#endif
