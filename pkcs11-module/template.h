/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Templates of applications: arrays of foreign pointers and lengths. Checked once, here, before anybody looks into one.
 */
#ifndef ZCA_PKCS11_MODULE_TEMPLATE_H
#define ZCA_PKCS11_MODULE_TEMPLATE_H

#include <stdbool.h>

#include "base/auto.h"
#include "pkcs11-module/cryptoki.h"

/* Borrowed from the application for the length of one call. */
struct zca_template {
    const CK_ATTRIBUTE *attributes;
    CK_ULONG count;
};

/** The most attributes of one template. */
#define ZCA_MAX_ATTRIBUTES 256u

/**
 * zca_template_check makes a template of what an application passed.
 *
 * CKR_ARGUMENTS_BAD              NULL with a count, or more than ZCA_MAX_ATTRIBUTES.
 * CKR_ATTRIBUTE_VALUE_INVALID    a value that is NULL with a length, or too long.
 * CKR_TEMPLATE_INCONSISTENT      the same type twice with different values.
 */
ZCA_NODISCARD CK_RV zca_template_check(const CK_ATTRIBUTE *attributes, CK_ULONG count,
                                       struct zca_template *out_template);

/** zca_template_find returns the attribute, or NULL; borrowed. */
const CK_ATTRIBUTE *zca_template_find(const struct zca_template *template, CK_ATTRIBUTE_TYPE type);

/** zca_template_get_number and _boolean return the value, or `fallback` when it is absent or of another size. */
CK_ULONG zca_template_get_number(const struct zca_template *template, CK_ATTRIBUTE_TYPE type,
                                 CK_ULONG fallback);
bool zca_template_get_boolean(const struct zca_template *template, CK_ATTRIBUTE_TYPE type,
                              bool fallback);

#endif
