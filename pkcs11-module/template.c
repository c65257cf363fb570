/* SPDX-License-Identifier: Apache-2.0 */
/* Templates: the only place where an application's attribute pointers are seen unchecked. */
#include "pkcs11-module/template.h"

#include <string.h>

#include "pkcs11-module/attribute.h"

/* What C_GetAttributeValue leaves in a length must not come back as one. */
static bool is_readable(const CK_ATTRIBUTE *attribute)
{
    return attribute->ulValueLen <= ZCA_MAX_VALUE &&
           (attribute->pValue || attribute->ulValueLen == 0);
}

static bool is_same(const CK_ATTRIBUTE *left, const CK_ATTRIBUTE *right)
{
    return left->ulValueLen == right->ulValueLen &&
           (left->ulValueLen == 0 || memcmp(left->pValue, right->pValue, left->ulValueLen) == 0);
}

CK_RV zca_template_check(const CK_ATTRIBUTE *attributes, CK_ULONG count,
                         struct zca_template *out_template)
{
    if ((!attributes && count != 0) || count > ZCA_MAX_ATTRIBUTES) {
        return CKR_ARGUMENTS_BAD;
    }
    struct zca_template template = {.attributes = attributes};
    for (CK_ULONG i = 0; i < count; i++) {
        if (!is_readable(&attributes[i])) {
            return CKR_ATTRIBUTE_VALUE_INVALID;
        }
        const CK_ATTRIBUTE *earlier = zca_template_find(&template, attributes[i].type);
        if (earlier && !is_same(earlier, &attributes[i])) {
            return CKR_TEMPLATE_INCONSISTENT;
        }
        template.count = i + 1;
    }
    *out_template = template;
    return CKR_OK;
}

const CK_ATTRIBUTE *zca_template_find(const struct zca_template *template, CK_ATTRIBUTE_TYPE type)
{
    for (CK_ULONG i = 0; i < template->count; i++) {
        if (template->attributes[i].type == type) {
            return &template->attributes[i];
        }
    }
    return NULL;
}

CK_ULONG zca_template_get_number(const struct zca_template *template, CK_ATTRIBUTE_TYPE type,
                                 CK_ULONG fallback)
{
    const CK_ATTRIBUTE *attribute = zca_template_find(template, type);
    CK_ULONG number = fallback;
    if (attribute && attribute->ulValueLen == sizeof(number)) {
        memcpy(&number, attribute->pValue, sizeof(number));
    }
    return number;
}

bool zca_template_get_boolean(const struct zca_template *template, CK_ATTRIBUTE_TYPE type,
                              bool fallback)
{
    const CK_ATTRIBUTE *attribute = zca_template_find(template, type);
    if (!attribute || attribute->ulValueLen != sizeof(CK_BBOOL)) {
        return fallback;
    }
    return *(const CK_BBOOL *)attribute->pValue != CK_FALSE;
}
