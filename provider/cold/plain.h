/* SPDX-License-Identifier: Apache-2.0 */
/* What the default provider's own encoders write: anonymous keys, and the public half of the others as text. */
#ifndef ZCA_PROVIDER_COLD_PLAIN_H
#define ZCA_PROVIDER_COLD_PLAIN_H

#include "provider/cold.h"

/* As the rows of struct zca_cold (provider/cold.h). */
int zca_plain_encode(const struct zca_keydata *keydata, const struct zca_writing *writing);
int zca_plain_encode_text(const struct zca_keydata *keydata, const struct zca_writing *writing);

#endif
