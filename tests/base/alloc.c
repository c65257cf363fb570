/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/base/alloc.h"

#include <errno.h>
#include <malloc.h>
#include <stdlib.h>

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
