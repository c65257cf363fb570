/* SPDX-License-Identifier: Apache-2.0 */
/* A directory for each test, removed with everything in it. */
#include "tests/base/check.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int check_setup_directory(void **state)
{
    const char *parent = getenv("TMPDIR");
    char *path = NULL;
    if (asprintf(&path, "%s/zca-test.XXXXXX", parent ? parent : "/tmp") < 0 || !mkdtemp(path)) {
        return -1;
    }
    *state = path;
    return 0;
}

static int remove_entry(const char *path, const struct stat *status, int type, struct FTW *walk)
{
    (void)status;
    (void)type;
    (void)walk;
    return remove(path);
}

int check_teardown_directory(void **state)
{
    int rc = nftw(*state, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
    free(*state);
    return rc;
}

char *check_path(void **state, const char *name)
{
    char *path = NULL;
    if (asprintf(&path, "%s/%s", (const char *)*state, name) < 0) {
        fail_msg("out of memory");
    }
    return path;
}

/* Only a sanitized program has it. */
extern void __asan_init(void) __attribute__((weak));

void check_skip_where_forks_hang(void)
{
    if (__asan_init) {
        skip();
    }
}
