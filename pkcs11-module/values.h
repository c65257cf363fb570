/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The attribute values of one object: a small sorted array. Short values lie in it, long ones beside it.
 * Immutable once an object is seen by others; changing an object replaces its values.
 */
#ifndef ZCA_PKCS11_MODULE_VALUES_H
#define ZCA_PKCS11_MODULE_VALUES_H

#include <stdbool.h>

#include "base/auto.h"
#include "base/buffer.h"
#include "pkcs11-module/cryptoki.h"
#include "pkcs11-module/template.h"

struct zca_values;

/** zca_values_new returns an empty set with room for `capacity` values; it grows. NULL: out of memory. */
struct zca_values *zca_values_new(size_t capacity);
struct zca_values *zca_values_copy(const struct zca_values *values);
void zca_values_free(struct zca_values *values);
ZCA_DEFINE_AUTO(zca_values, struct zca_values, zca_values_free);

/** zca_values_set copies a value in, instead of an older one. CKR_HOST_MEMORY. */
ZCA_NODISCARD CK_RV zca_values_set(struct zca_values *values, CK_ATTRIBUTE_TYPE type,
                                   struct zca_span value);
ZCA_NODISCARD CK_RV zca_values_set_boolean(struct zca_values *values, CK_ATTRIBUTE_TYPE type,
                                           bool value);
ZCA_NODISCARD CK_RV zca_values_set_number(struct zca_values *values, CK_ATTRIBUTE_TYPE type,
                                          CK_ULONG value);
ZCA_NODISCARD CK_RV zca_values_set_text(struct zca_values *values, CK_ATTRIBUTE_TYPE type,
                                        const char *text);

/** zca_values_find stores the value in `out_value`, borrowed; false when there is none. */
bool zca_values_find(const struct zca_values *values, CK_ATTRIBUTE_TYPE type,
                     struct zca_span *out_value);
bool zca_values_get_boolean(const struct zca_values *values, CK_ATTRIBUTE_TYPE type, bool fallback);
CK_ULONG zca_values_get_number(const struct zca_values *values, CK_ATTRIBUTE_TYPE type,
                               CK_ULONG fallback);

/** zca_values_match tells whether every attribute of `template` is here with the same bytes. */
bool zca_values_match(const struct zca_values *values, const struct zca_template *template);

/** zca_values_get_count and _get_at walk the values in the order of their types. */
size_t zca_values_get_count(const struct zca_values *values);
CK_ATTRIBUTE_TYPE zca_values_get_at(const struct zca_values *values, size_t index,
                                    struct zca_span *out_value);

#endif
