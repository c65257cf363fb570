/* SPDX-License-Identifier: Apache-2.0 */
/* Templates against the attribute table (PKCS#11 3.0, 4.1). */
#include "pkcs11-module/rules.h"

/* Room for what a private key has, without growing. */
#define USUAL_VALUES 40u

/* A way that has been gone: CKA_SENSITIVE is on, CKA_EXTRACTABLE is off. */
static bool goes_back(const struct zca_attribute_row *row, const struct zca_values *values,
                      bool wanted)
{
    unsigned fixed = wanted ? ZCA_ATTRIBUTE_ONLY_OFF : ZCA_ATTRIBUTE_ONLY_ON;
    return (row->flags & fixed) != 0 && zca_values_get_boolean(values, row->type, wanted) != wanted;
}

static CK_RV apply_boolean(struct zca_values *values, const struct zca_attribute_row *row,
                           const CK_ATTRIBUTE *given, enum zca_origin origin)
{
    bool wanted = *(const CK_BBOOL *)given->pValue != CK_FALSE;
    if (goes_back(row, values, wanted)) {
        return CKR_ATTRIBUTE_READ_ONLY;
    }
    /* We could not ask for the PIN again at each use, so we do not say that we would. */
    if (row->type == CKA_ALWAYS_AUTHENTICATE && wanted && origin != ZCA_ORIGIN_LOAD) {
        return CKR_ATTRIBUTE_VALUE_INVALID;
    }
    return zca_values_set_boolean(values, row->type, wanted);
}

static bool comes_from_key(const struct zca_attribute_row *row, enum zca_origin origin)
{
    return (row->flags & ZCA_ATTRIBUTE_SECRET) != 0 ||
           ((row->flags & ZCA_ATTRIBUTE_OF_KEY) != 0 && origin != ZCA_ORIGIN_LOAD);
}

static CK_RV apply(struct zca_values *values, unsigned class_bit, const CK_ATTRIBUTE *given,
                   enum zca_origin origin)
{
    const struct zca_attribute_row *row = zca_attribute_of(given->type, class_bit);
    if (!row) {
        return CKR_ATTRIBUTE_TYPE_INVALID;
    }
    if (origin != ZCA_ORIGIN_LOAD && (row->flags & ZCA_MAY(origin)) == 0) {
        return CKR_ATTRIBUTE_READ_ONLY;
    }
    if (!zca_attribute_value_fits(row, given)) {
        return CKR_ATTRIBUTE_VALUE_INVALID;
    }
    if (comes_from_key(row, origin)) {
        return CKR_OK;
    }
    return row->form == ZCA_FORM_BOOLEAN
               ? apply_boolean(values, row, given, origin)
               : zca_values_set(values, row->type, zca_span_of(given->pValue, given->ulValueLen));
}

CK_RV zca_values_apply(struct zca_values *values, CK_OBJECT_CLASS class,
                       const struct zca_template *template, enum zca_origin origin)
{
    CK_RV rv = CKR_OK;
    unsigned class_bit = zca_class_bit(class);
    for (CK_ULONG i = 0; rv == CKR_OK && i < template->count; i++) {
        rv = apply(values, class_bit, &template->attributes[i], origin);
    }
    return rv;
}

static CK_RV fall_back(struct zca_values *values, const struct zca_attribute_row *row)
{
    switch (row->form) {
    case ZCA_FORM_BOOLEAN:
        return zca_values_set_boolean(values, row->type, row->fallback != 0);
    case ZCA_FORM_NUMBER:
        return zca_values_set_number(values, row->type, CK_UNAVAILABLE_INFORMATION);
    default:
        return zca_values_set(values, row->type, (struct zca_span){0});
    }
}

static CK_RV complete(struct zca_values *values, unsigned class_bit)
{
    size_t num_rows;
    CK_RV rv = CKR_OK;
    const struct zca_attribute_row *rows = zca_attribute_rows(&num_rows);
    for (size_t i = 0; rv == CKR_OK && i < num_rows; i++) {
        struct zca_span ignored;
        bool is_wanted = (rows[i].classes & class_bit) != 0 && rows[i].fallback >= 0 &&
                         !zca_values_find(values, rows[i].type, &ignored);
        rv = is_wanted ? fall_back(values, &rows[i]) : CKR_OK;
    }
    return rv;
}

/* What a key is from its first moment. */
static CK_RV set_history(struct zca_values *values, unsigned class_bit)
{
    CK_RV rv = zca_values_set_boolean(values, CKA_LOCAL, true);
    if (rv == CKR_OK && (class_bit & ZCA_CLASS_PUBLIC) == 0) {
        rv = zca_values_set_boolean(values, CKA_ALWAYS_SENSITIVE,
                                    zca_values_get_boolean(values, CKA_SENSITIVE, false));
    }
    if (rv == CKR_OK && (class_bit & ZCA_CLASS_PUBLIC) == 0) {
        rv = zca_values_set_boolean(values, CKA_NEVER_EXTRACTABLE,
                                    !zca_values_get_boolean(values, CKA_EXTRACTABLE, true));
    }
    return rv;
}

CK_RV zca_values_from_template(CK_OBJECT_CLASS class, const struct zca_template *template,
                               enum zca_origin origin, struct zca_values **out_values)
{
    unsigned class_bit = zca_class_bit(class);
    if (class_bit == 0) {
        return CKR_ATTRIBUTE_VALUE_INVALID;
    }
    if (zca_template_get_number(template, CKA_CLASS, class) != class) {
        return CKR_TEMPLATE_INCONSISTENT;
    }
    zca_auto(zca_values) struct zca_values *values = zca_values_new(USUAL_VALUES);
    CK_RV rv = values ? zca_values_set_number(values, CKA_CLASS, class) : CKR_HOST_MEMORY;
    if (rv == CKR_OK) {
        rv = zca_values_apply(values, class, template, origin);
    }
    if (rv == CKR_OK) {
        rv = complete(values, class_bit);
    }
    if (rv == CKR_OK && origin == ZCA_ORIGIN_GENERATE && (class_bit & ZCA_CLASS_KEYS) != 0) {
        rv = set_history(values, class_bit);
    }
    *out_values = rv == CKR_OK ? zca_steal(values) : *out_values;
    return rv;
}
