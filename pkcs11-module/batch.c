/* SPDX-License-Identifier: Apache-2.0 */
/* Batches of objects. */
#include "pkcs11-module/batch.h"

CK_RV zca_batch_add(struct zca_batch *batch, struct zca_values *values, EVP_PKEY *key)
{
    struct zca_object *object = zca_object_new(values, key);
    if (!object) {
        return CKR_HOST_MEMORY;
    }
    if (batch->count == ZCA_MAX_BATCH) {
        zca_object_free(object);
        return CKR_DEVICE_MEMORY;
    }
    batch->objects[batch->count++] = object;
    return CKR_OK;
}

CK_RV zca_batch_prepare(const struct zca_batch *batch, struct zca_objects *objects)
{
    return zca_objects_reserve(objects, batch->count);
}

void zca_batch_show(struct zca_batch *batch, struct zca_objects *objects)
{
    for (size_t i = 0; i < batch->count; i++) {
        if (zca_objects_add(objects, batch->objects[i]) != CKR_OK) {
            zca_object_free(batch->objects[i]); /* never: there is room */
        }
    }
    batch->count = 0; /* they are the set's */
}

void zca_batch_clear(struct zca_batch *batch)
{
    for (size_t i = 0; i < batch->count; i++) {
        zca_object_free(batch->objects[i]);
    }
    batch->count = 0;
}
