/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/core/crash.h"

#include <stdio.h>
#include <unistd.h>

/* Calls until the crash; 0: never. */
static int steps_left;

static int num_syncs;

static void count_step(void)
{
    if (steps_left > 0 && --steps_left == 0) {
        _exit(CRASHED);
    }
}

int __real_rename(const char *from, const char *to);
int __real_unlink(const char *path);
int __real_link(const char *from, const char *to);
int __real_fsync(int fd);
int __wrap_rename(const char *from, const char *to);
int __wrap_unlink(const char *path);
int __wrap_link(const char *from, const char *to);
int __wrap_fsync(int fd);

int __wrap_rename(const char *from, const char *to)
{
    count_step();
    return __real_rename(from, to);
}

int __wrap_unlink(const char *path)
{
    count_step();
    return __real_unlink(path);
}

int __wrap_link(const char *from, const char *to)
{
    count_step();
    return __real_link(from, to);
}

int __wrap_fsync(int fd)
{
    count_step();
    num_syncs++;
    return __real_fsync(fd);
}

void crash_after(int steps)
{
    steps_left = steps;
}

int crash_count_syncs(void)
{
    return num_syncs;
}
