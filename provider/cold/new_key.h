/* SPDX-License-Identifier: Apache-2.0 */
/* A key that a tool generates under a name (-pkeyopt zca-uri:zca://web): an identity's key from its birth. */
#ifndef ZCA_PROVIDER_COLD_NEW_KEY_H
#define ZCA_PROVIDER_COLD_NEW_KEY_H

#include "provider/cold.h"

/* As the rows of struct zca_cold (provider/cold.h). */
int zca_new_key_set(struct zca_new_key **new_key, const OSSL_PARAM *params);
bool zca_new_key_named(const struct zca_new_key *new_key);
struct zca_keydata *zca_new_key_make(struct zca_provider *provider, enum zca_kind kind,
                                     const struct zca_new_key *new_key,
                                     const struct zca_keydata *template);
void zca_new_key_free(struct zca_new_key *new_key);

#endif
