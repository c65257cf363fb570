/* SPDX-License-Identifier: Apache-2.0 */
/* Key references as PEM, read and written through OpenSSL's core BIOs. */
#ifndef ZCA_PROVIDER_COLD_REFERENCE_H
#define ZCA_PROVIDER_COLD_REFERENCE_H

#include "base/error.h"
#include "provider/keydata.h"

/* As the rows of struct zca_cold (provider/cold.h). */
int zca_reference_decode(struct zca_provider *provider, OSSL_CORE_BIO *bio, OSSL_CALLBACK *callback,
                         void *argument);
int zca_reference_encode(const struct zca_keydata *keydata, OSSL_CORE_BIO *out);

#endif
