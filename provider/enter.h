/* SPDX-License-Identifier: Apache-2.0 */
/* Entering core's gate (base/gate.h) from this half, around what uses a private value or random numbers. */
#ifndef ZCA_PROVIDER_ENTER_H
#define ZCA_PROVIDER_ENTER_H

#include "provider/cold.h"

/** zca_provider_enter is for `zca_auto(entered) const struct zca_cold *inside = zca_provider_enter(provider);`. There is a
 * key, so zca-core.so is open. */
static inline const struct zca_cold *zca_provider_enter(const struct zca_provider *provider)
{
    const struct zca_cold *cold = atomic_load_explicit(&provider->cold, memory_order_acquire);
    cold->gate_enter();
    return cold;
}

static inline void zca_auto_entered(const struct zca_cold *const *cold)
{
    (*cold)->gate_leave();
}

#endif
