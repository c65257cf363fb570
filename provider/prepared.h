/* SPDX-License-Identifier: Apache-2.0 */
/* Initialised signature contexts, kept with the key: a copy costs less than fetching and initialising. */
#ifndef ZCA_PROVIDER_PREPARED_H
#define ZCA_PROVIDER_PREPARED_H

#include "provider/keydata.h"

/**
 * zca_prepared_context returns a context of the default provider, initialised for digest_sign with
 * `keydata` and `digest` (NULL: the key's default). The caller frees it with the table's freectx.
 * Thread-safe, without a lock. NULL on failure, with the default provider's own error.
 */
ZCA_NODISCARD void *zca_prepared_context(struct zca_keydata *keydata, const char *digest);

/** zca_prepared_free releases what is kept with the key. */
void zca_prepared_free(struct zca_keydata *keydata);

#endif
