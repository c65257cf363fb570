/* SPDX-License-Identifier: Apache-2.0 */
/* Objects of tokens. */
#include "pkcs11-module/object.h"

#include <stdlib.h>

#include "pkcs11-module/attribute.h"
#include "pkcs11-module/lifetime.h"
#include "pkcs11-module/module.h"

/* Handles are never used again in a process, so that a stale one cannot mean another key. */
static CK_OBJECT_HANDLE next_handle(void)
{
    static atomic_ulong last;
    return atomic_fetch_add(&last, 1) + 1;
}

struct zca_object *zca_object_new(struct zca_values *values, EVP_PKEY *key)
{
    struct zca_object *object = calloc(1, sizeof(*object));
    struct zca_values *own = values ? values : zca_values_new(0);
    if (!object || !own) {
        free(object);
        zca_values_free(own);
        EVP_PKEY_free(key);
        return NULL;
    }
    object->handle = next_handle();
    atomic_init(&object->references, 1);
    object->class = zca_values_get_number(own, CKA_CLASS, CK_UNAVAILABLE_INFORMATION);
    object->is_private = zca_values_get_boolean(own, CKA_PRIVATE, false);
    object->values = own;
    object->key = key;
    object->secret = (struct zca_buffer)ZCA_SECRET_BUFFER;
    return object;
}

struct zca_object *zca_object_ref(struct zca_object *object)
{
    (void)atomic_fetch_add_explicit(&object->references, 1, memory_order_relaxed);
    return object;
}

bool zca_object_is_key(const struct zca_object *object)
{
    return object && (zca_class_bit(object->class) & ZCA_CLASS_KEYS) != 0;
}

void zca_object_free(struct zca_object *object)
{
    if (!object || atomic_fetch_sub_explicit(&object->references, 1, memory_order_acq_rel) != 1) {
        return;
    }
    if (!zca_lifetime_is_over()) {
        EVP_PKEY_free(object->key);
        zca_buffer_clear(&object->secret);
    }
    zca_values_free(object->values);
    free(object->file);
    free(object);
}
