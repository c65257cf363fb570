/* SPDX-License-Identifier: Apache-2.0 */
/* The values of a key as bytes, for the files of a scratch token: OpenSSL's parameters by table, whatever the key's size. */
#ifndef ZCA_PKCS11_MODULE_SCRATCH_MATERIAL_H
#define ZCA_PKCS11_MODULE_SCRATCH_MATERIAL_H

#include <openssl/evp.h>

#include "base/buffer.h"
#include "base/error.h"

/** zca_scratch_material_write appends the values of a key to a secret buffer: all of them, or those of its public part.
 * err ZCA_ERR_UNSUPPORTED. */
ZCA_NODISCARD bool zca_scratch_material_write(EVP_PKEY *key, bool public_only,
                                              struct zca_buffer *out_material,
                                              struct zca_error *err);

/** zca_scratch_material_read makes the key again. Caller frees. err ZCA_ERR_SEALED: damaged; ZCA_ERR_MEMORY: no room for
 * private values is left (option secure-memory). */
ZCA_NODISCARD EVP_PKEY *zca_scratch_material_read(OSSL_LIB_CTX *context, struct zca_span material,
                                                  struct zca_error *err);

#endif
