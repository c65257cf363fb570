/* SPDX-License-Identifier: Apache-2.0 */
/* What a key of ours does not do, in words. */
#ifndef ZCA_PROVIDER_COLD_REFUSAL_H
#define ZCA_PROVIDER_COLD_REFUSAL_H

#include "provider/cold.h"

/* As the row of struct zca_cold (provider/cold.h). */
int zca_refusal_report(const struct zca_keydata *keydata, enum zca_refusal refusal);

#endif
