/* SPDX-License-Identifier: Apache-2.0 */
/* Objects that come to be seen together or not at all: made one by one without the lock, shown under it. */
#ifndef ZCA_PKCS11_MODULE_BATCH_H
#define ZCA_PKCS11_MODULE_BATCH_H

#include "pkcs11-module/objects.h"

/* Keys, a trust object, and more certificates than core reads of a chain and of a pinned file. */
#define ZCA_MAX_BATCH 40u

struct zca_batch {
    struct zca_object *objects[ZCA_MAX_BATCH];
    size_t count;
};

/** zca_batch_add makes an object (object.h) of values and key, both taken. CKR_HOST_MEMORY, CKR_DEVICE_MEMORY. */
ZCA_NODISCARD CK_RV zca_batch_add(struct zca_batch *batch, struct zca_values *values,
                                  EVP_PKEY *key);

/** zca_batch_prepare makes room for the batch in a set: zca_batch_show cannot fail then. Both alone under the module's lock,
 * with whatever has to go meanwhile between them. CKR_HOST_MEMORY. */
ZCA_NODISCARD CK_RV zca_batch_prepare(const struct zca_batch *batch, struct zca_objects *objects);
void zca_batch_show(struct zca_batch *batch, struct zca_objects *objects);

void zca_batch_clear(struct zca_batch *batch);
ZCA_DEFINE_AUTO_CLEAR(zca_batch, struct zca_batch, zca_batch_clear);

#endif
