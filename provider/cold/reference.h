/* SPDX-License-Identifier: Apache-2.0 */
/* Key references as PEM, read and written through OpenSSL's core BIOs. */
#ifndef ZCA_PROVIDER_COLD_REFERENCE_H
#define ZCA_PROVIDER_COLD_REFERENCE_H

#include "base/error.h"
#include "provider/keydata.h"

/** zca_reference_failed keeps the failure of a load while a reference is being decoded: libcrypto takes
 * errors of such loads out of its queue, so the decoder reports them itself. False: there is none. */
bool zca_reference_failed(const struct zca_error *err);

/* As the rows of struct zca_cold (provider/cold.h). */
int zca_reference_decode(struct zca_provider *provider, OSSL_CORE_BIO *bio, OSSL_CALLBACK *callback,
                         void *argument);
int zca_reference_encode(const struct zca_keydata *keydata, OSSL_CORE_BIO *out);

#endif
