/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/base/alloc.h"

#include <errno.h>
#include <malloc.h>
#include <stdlib.h>

#include <openssl/crypto.h>
#include <openssl/err.h>

#include "tests/base/check.h"

/* the C library's own, under the names it keeps for replacements */
extern void *__libc_malloc(size_t len);
extern void *__libc_calloc(size_t num, size_t len);
extern void *__libc_realloc(void *data, size_t len);
extern void __libc_free(void *data);

static _Thread_local struct {
    long left; /* allocations until the one that fails; 0: none will */
    bool onwards;
    bool failed;
    long live;
} state;

static bool fails(void)
{
    if (state.left == 0) {
        return false;
    }
    state.left--;
    if (state.left > 0) {
        return false;
    }
    state.left = state.onwards ? 1 : 0;
    state.failed = true;
    errno = ENOMEM;
    return true;
}

static void *count(void *data)
{
    state.live += data ? 1 : 0;
    return data;
}

void *malloc(size_t len)
{
    return fails() ? NULL : count(__libc_malloc(len));
}

void *calloc(size_t num, size_t len)
{
    return fails() ? NULL : count(__libc_calloc(num, len));
}

void *realloc(void *data, size_t len)
{
    if (fails()) {
        return NULL;
    }
    void *moved = __libc_realloc(data, len);
    state.live += moved && !data ? 1 : 0;
    return moved;
}

void free(void *data)
{
    state.live -= data ? 1 : 0;
    __libc_free(data);
}

void alloc_arm(long nth, bool onwards)
{
    state.left = nth;
    state.onwards = onwards;
    state.failed = false;
}

bool alloc_disarm(void)
{
    state.left = 0;
    return state.failed;
}

long alloc_live(void)
{
    return state.live;
}

/* OpenSSL keeps its error queue and generators for each thread: they are no leak. */
static long live(void)
{
    ERR_clear_error();
    OPENSSL_thread_stop();
    return alloc_live();
}

void alloc_check(alloc_scenario *run, bool onwards)
{
    static const long most = 20000; /* allocations of one scenario */
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    check_ok(run(&err), err); /* what is made once and kept is made here */
    long num_failures = 0;
    for (long nth = 1; nth < most; nth++) {
        long before = live();
        err = (struct zca_error){.reason = ZCA_ERR_NONE};
        alloc_arm(nth, onwards);
        bool ok = run(&err);
        bool failed = alloc_disarm();
        assert_true(ok || err.reason != ZCA_ERR_NONE);
        assert_int_equal(live(), before);
        if (!failed) {
            assert_true(ok && num_failures > 0);
            return;
        }
        num_failures += ok ? 0 : 1;
    }
    fail_msg("more than %ld allocations", most);
}
