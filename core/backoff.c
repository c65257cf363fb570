/* SPDX-License-Identifier: Apache-2.0 */
/* Exponential wait with full jitter. The bound saturates: it must not overflow after a month of
 * failures and become no wait at all. */
#include "core/backoff.h"

#include <string.h>

#include "base/buffer.h"

static const int64_t longest_retry_after_s = INT64_C(7) * 24 * 3600;

/* first * 2^(num - 1), at most the cap, without a product that could overflow. */
static int64_t bound_of(const struct zca_backoff *backoff, unsigned num_failures)
{
    int64_t bound_ms = backoff->first_ms;
    for (unsigned i = 1; i < num_failures && bound_ms < backoff->cap_ms; i++) {
        bound_ms *= 2;
    }
    return bound_ms < backoff->cap_ms ? bound_ms : backoff->cap_ms;
}

int64_t zca_backoff_delay_ms(const struct zca_backoff *backoff, unsigned num_failures,
                             int64_t retry_after_s, uint32_t random)
{
    int64_t bound_ms = bound_of(backoff, num_failures);
    int64_t span_ms = bound_ms > backoff->floor_ms ? bound_ms - backoff->floor_ms : 0;
    int64_t delay_ms = backoff->floor_ms + (int64_t)((double)span_ms * random / UINT32_MAX);
    int64_t asked_s = retry_after_s < longest_retry_after_s ? retry_after_s : longest_retry_after_s;
    /* hosts that were told the same moment must not all come back at it: a tenth is spread */
    int64_t asked_ms = asked_s > 0 ? asked_s * 1000 + asked_s * 100 * (random % 1000) / 1000 : 0;
    return delay_ms > asked_ms ? delay_ms : asked_ms;
}

uint32_t zca_backoff_random(struct zca_library *library)
{
    uint32_t bits = 0;
    zca_auto(zca_buffer) struct zca_buffer random = {.len = 0};
    OSSL_LIB_CTX *context = zca_library_context(library, NULL);
    if (context && zca_random(context, sizeof(bits), &random, NULL)) {
        memcpy(&bits, random.data, sizeof(bits));
    }
    return bits;
}
