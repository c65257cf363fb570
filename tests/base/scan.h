/* SPDX-License-Identifier: Apache-2.0 */
/* Looks for a secret in this process's own memory. */
#ifndef ZCA_TESTS_BASE_SCAN_H
#define ZCA_TESTS_BASE_SCAN_H

#include "base/buffer.h"

/* A secret with every bit turned, so that whoever looks for it holds no copy of it. */
struct scan_pattern {
    uint8_t turned[64];
    size_t len;
};

/* Where it stands, in either byte order, in writable memory. */
struct scan_result {
    unsigned copies;
    unsigned locked; /* of these: in locked memory (mlock(2)) */
    unsigned dumped; /* of these: where a core dump would hold them (MADV_DONTDUMP) */
};

/** scan_remember keeps the first bytes of a secret, at most 64. */
void scan_remember(struct zca_span secret, struct scan_pattern *out_pattern);

/** scan_memory reads all of it; other threads must be quiet. */
struct scan_result scan_memory(const struct scan_pattern *pattern);

/** scan_file returns how often the secret stands in a file. */
unsigned scan_file(const char *path, const struct scan_pattern *pattern);

#endif
