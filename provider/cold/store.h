/* SPDX-License-Identifier: Apache-2.0 */
/* One opened "zca:" URI. */
#ifndef ZCA_PROVIDER_COLD_STORE_H
#define ZCA_PROVIDER_COLD_STORE_H

#include <openssl/core.h>

#include "provider/provider.h"

struct zca_store;

/* As the rows of struct zca_cold (provider/cold.h): provider-storemgmt(7), function by function. */
struct zca_store *zca_store_open(struct zca_provider *provider, const char *text);
int zca_store_set_params(struct zca_store *store, const OSSL_PARAM *params);
int zca_store_load(struct zca_store *store, OSSL_CALLBACK *callback, void *argument);
int zca_store_eof(const struct zca_store *store);
void zca_store_close(struct zca_store *store);

#endif
