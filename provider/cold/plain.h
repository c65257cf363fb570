/* SPDX-License-Identifier: Apache-2.0 */
/* Anonymous keys as PEM, written by the default provider's own encoder. */
#ifndef ZCA_PROVIDER_COLD_PLAIN_H
#define ZCA_PROVIDER_COLD_PLAIN_H

#include "provider/cold.h"

/* As the row of struct zca_cold (provider/cold.h). */
int zca_plain_encode(const struct zca_keydata *keydata, const struct zca_writing *writing);

#endif
