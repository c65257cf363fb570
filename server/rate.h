/* SPDX-License-Identifier: Apache-2.0 */
/* How often a named thing may happen in a minute. In memory, for a bounded number of names. */
#ifndef ZCA_SERVER_RATE_H
#define ZCA_SERVER_RATE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/auto.h"
#include "base/error.h"
#include "server/state.h"

ZCA_NODISCARD struct zca_rate *zca_rate_new(struct zca_error *err);
void zca_rate_free(struct zca_rate *rate);

/** zca_rate_admit counts one event of `name` and tells whether it is within `per_minute`.
 * per_minute  up to 60 million. now_ms  monotonic. Safe from several threads. */
bool zca_rate_admit(struct zca_rate *rate, const char *name, int64_t per_minute, int64_t now_ms);

#endif
