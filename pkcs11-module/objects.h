/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The objects of one token, by handle and by CKA_ID: finding one among ten thousand costs what one among ten costs.
 * Under the module's lock (module.h): shared to look, alone to change.
 */
#ifndef ZCA_PKCS11_MODULE_OBJECTS_H
#define ZCA_PKCS11_MODULE_OBJECTS_H

#include "pkcs11-module/object.h"

struct zca_objects;

struct zca_objects *zca_objects_new(void);
void zca_objects_free(struct zca_objects *objects); /* gives the references back */
ZCA_DEFINE_AUTO(zca_objects, struct zca_objects, zca_objects_free);

/** zca_objects_reserve makes room for `count` more objects, so that adding them cannot fail. CKR_HOST_MEMORY. */
ZCA_NODISCARD CK_RV zca_objects_reserve(struct zca_objects *objects, size_t count);

/** zca_objects_add takes one reference. CKR_HOST_MEMORY, and the reference is still the caller's. */
ZCA_NODISCARD CK_RV zca_objects_add(struct zca_objects *objects, struct zca_object *object);

/** zca_objects_take removes the object and returns the set's reference; NULL when it is not there. */
struct zca_object *zca_objects_take(struct zca_objects *objects, CK_OBJECT_HANDLE handle);

/** zca_objects_find returns the object, borrowed, or NULL. */
struct zca_object *zca_objects_find(const struct zca_objects *objects, CK_OBJECT_HANDLE handle);

/** zca_objects_replace_values gives the object other values (taken), and sorts it in by its new CKA_ID. */
void zca_objects_replace_values(struct zca_objects *objects, struct zca_object *object,
                                struct zca_values *values);

/** zca_objects_visit calls `visit` for the objects with this CKA_ID (id NULL: for all), newest first, until it returns
 * false. It must not change the set. */
void zca_objects_visit(const struct zca_objects *objects, const struct zca_span *id,
                       bool (*visit)(void *argument, struct zca_object *object), void *argument);

size_t zca_objects_get_count(const struct zca_objects *objects);

#endif
