/* SPDX-License-Identifier: Apache-2.0 */
/* The rows of attribute.h applied to templates: what becomes of an object's values, and what is refused. */
#ifndef ZCA_PKCS11_MODULE_RULES_H
#define ZCA_PKCS11_MODULE_RULES_H

#include "pkcs11-module/attribute.h"
#include "pkcs11-module/values.h"

/**
 * zca_values_from_template copies a template's attributes as its origin allows, then the rows' fallbacks; keys of
 * ZCA_ORIGIN_GENERATE are said to be made here.
 *
 * class   of the object; CKA_CLASS of the template must say the same, if at all.
 * CKR_ATTRIBUTE_TYPE_INVALID     unknown, or not one of this class.
 * CKR_ATTRIBUTE_READ_ONLY        known, but not to be given this way.
 * CKR_ATTRIBUTE_VALUE_INVALID    of the wrong form or size.
 */
ZCA_NODISCARD CK_RV zca_values_from_template(CK_OBJECT_CLASS class,
                                             const struct zca_template *template,
                                             enum zca_origin origin,
                                             struct zca_values **out_values);

/** zca_values_apply changes the values of an object of a class as a template says and its origin allows: results as
 * above, and CKR_ATTRIBUTE_READ_ONLY for the way back of what has one way. */
ZCA_NODISCARD CK_RV zca_values_apply(struct zca_values *values, CK_OBJECT_CLASS class,
                                     const struct zca_template *template, enum zca_origin origin);

#endif
