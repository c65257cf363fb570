/* SPDX-License-Identifier: Apache-2.0 */
/* What every fuzz target needs: its entry, and promises that must hold for any input. */
#ifndef ZCA_TESTS_FUZZ_DEMAND_H
#define ZCA_TESTS_FUZZ_DEMAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

/** LLVMFuzzerTestOneInput runs one input; it returns 0 or aborts. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/** demand stops the fuzzer when a promise is broken. */
static inline void demand(bool promise)
{
    if (!promise) {
        abort();
    }
}

#endif
