/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/base/scan.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/base/check.h"

void scan_remember(struct zca_span secret, struct scan_pattern *out_pattern)
{
    size_t room = sizeof(out_pattern->turned);
    out_pattern->len = secret.len < room ? secret.len : room;
    for (size_t i = 0; i < out_pattern->len; i++) {
        out_pattern->turned[i] = secret.data[i] ^ 0xff;
    }
}

static bool stands_at(const uint8_t *at, const struct scan_pattern *pattern)
{
    size_t i = 0;
    while (i < pattern->len && (at[i] ^ pattern->turned[i]) == 0xff) {
        i++;
    }
    return i == pattern->len;
}

static bool stands_reversed_at(const uint8_t *at, const struct scan_pattern *pattern)
{
    size_t i = 0;
    while (i < pattern->len && (at[i] ^ pattern->turned[pattern->len - 1 - i]) == 0xff) {
        i++;
    }
    return i == pattern->len;
}

__attribute__((no_sanitize("address"))) static unsigned
count_between(const uint8_t *start, const uint8_t *end, const struct scan_pattern *pattern)
{
    unsigned count = 0;
    for (const uint8_t *at = start; at + pattern->len <= end; at++) {
        count += stands_at(at, pattern) || stands_reversed_at(at, pattern);
    }
    return count;
}

/* One mapping of /proc/self/smaps: its first line, and later its flags. */
struct mapping {
    unsigned long start;
    unsigned long end;
    bool is_writable;
};

static bool read_head(const char *line, struct mapping *out_mapping)
{
    struct mapping mapping = {0};
    char modes[5];
    if (sscanf(line, "%lx-%lx %4s", &mapping.start, &mapping.end, modes) != 3) {
        return false;
    }
    mapping.is_writable = strncmp(modes, "rw", 2) == 0 && !strstr(line, "[vvar");
    *out_mapping = mapping;
    return true;
}

struct scan_result scan_memory(const struct scan_pattern *pattern)
{
    struct scan_result result = {0};
    struct mapping mapping = {0};
    zca_auto(text) char *line = NULL;
    size_t capacity = 0;
    FILE *maps = fopen("/proc/self/smaps", "re");
    assert_non_null(maps);
    while (getline(&line, &capacity, maps) > 0) {
        if (read_head(line, &mapping) || strncmp(line, "VmFlags:", 8) != 0 ||
            !mapping.is_writable) {
            continue;
        }
        unsigned count =
            count_between((const uint8_t *)mapping.start, (const uint8_t *)mapping.end, pattern);
        result.copies += count;
        result.locked += strstr(line, " lo") ? count : 0;
        result.dumped += strstr(line, " dd") ? 0 : count;
    }
    (void)fclose(maps); /* read only */
    return result;
}

unsigned scan_file(const char *path, const struct scan_pattern *pattern)
{
    struct stat status;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0 && fstat(fd, &status) == 0 && status.st_size > 0);
    size_t len = (size_t)status.st_size;
    const uint8_t *bytes = mmap(NULL, len, PROT_READ, MAP_PRIVATE, fd, 0);
    assert_ptr_not_equal(bytes, MAP_FAILED);
    unsigned count = count_between(bytes, bytes + len, pattern);
    (void)munmap((void *)(uintptr_t)bytes, len); /* read only */
    (void)close(fd);                             /* as above */
    return count;
}
