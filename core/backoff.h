/* SPDX-License-Identifier: Apache-2.0 */
/* How long to wait before trying again. Computes only: core/enrol.c and the renewal timer wait. */
#ifndef ZCA_CORE_BACKOFF_H
#define ZCA_CORE_BACKOFF_H

#include <stdint.h>

#include "core/library.h"

struct zca_backoff {
    int64_t floor_ms; /* never less */
    int64_t first_ms; /* upper bound after the first failure; doubles with each */
    int64_t cap_ms;   /* the bound grows no further */
};

/**
 * zca_backoff_delay_ms returns the wait after `num_failures` failures (at least 1): exponential with
 * full jitter, never under the floor, and never before what the authority asked for.
 *
 * retry_after_s   0: nothing was asked; negative or absurd values (over a week) are cut.
 * random          any 32 bits; spreads the result over the whole range.
 */
int64_t zca_backoff_delay_ms(const struct zca_backoff *backoff, unsigned num_failures,
                             int64_t retry_after_s, uint32_t random);

/** zca_backoff_random returns 32 bits for it; without randomness 0, and only the spread is lost. */
uint32_t zca_backoff_random(struct zca_library *library);

#endif
