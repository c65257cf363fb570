/* SPDX-License-Identifier: Apache-2.0 */
/* Values lie in one array sorted by type; numbers and booleans inside it, the rest in memory of their own. */
#include "pkcs11-module/values.h"

#include <stdlib.h>
#include <string.h>

struct value {
    CK_ATTRIBUTE_TYPE type;
    size_t len;

    union {
        uint8_t inside[sizeof(CK_ULONG)];
        uint8_t *beside; /* when it is longer */
    };
};

struct zca_values {
    struct value *array;
    size_t count, capacity;
};

static const uint8_t *bytes_of(const struct value *value)
{
    return value->len <= sizeof(value->inside) ? value->inside : value->beside;
}

static void clear_value(struct value *value)
{
    if (value->len > sizeof(value->inside)) {
        free(value->beside);
    }
}

struct zca_values *zca_values_new(size_t capacity)
{
    struct zca_values *values = calloc(1, sizeof(*values));
    if (!values) {
        return NULL;
    }
    values->capacity = capacity == 0 ? 8 : capacity;
    values->array = malloc(values->capacity * sizeof(*values->array));
    if (!values->array) {
        free(values);
        return NULL;
    }
    return values;
}

void zca_values_free(struct zca_values *values)
{
    if (!values) {
        return;
    }
    for (size_t i = 0; i < values->count; i++) {
        clear_value(&values->array[i]);
    }
    free(values->array);
    free(values);
}

struct zca_values *zca_values_copy(const struct zca_values *values)
{
    zca_auto(zca_values) struct zca_values *copy = zca_values_new(values->count + 2);
    for (size_t i = 0; copy && i < values->count; i++) {
        const struct value *value = &values->array[i];
        if (zca_values_set(copy, value->type, zca_span_of(bytes_of(value), value->len)) != CKR_OK) {
            return NULL;
        }
    }
    return zca_steal(copy);
}

/* Where the type is, or would be. */
static size_t place_of(const struct zca_values *values, CK_ATTRIBUTE_TYPE type)
{
    size_t low = 0;
    size_t high = values->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (values->array[middle].type < type) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static const struct value *find(const struct zca_values *values, CK_ATTRIBUTE_TYPE type)
{
    size_t place = place_of(values, type);
    return place < values->count && values->array[place].type == type ? &values->array[place]
                                                                      : NULL;
}

static bool make_room(struct zca_values *values)
{
    if (values->count < values->capacity) {
        return true;
    }
    struct value *array = realloc(values->array, values->capacity * 2 * sizeof(*array));
    if (!array) {
        return false;
    }
    values->array = array;
    values->capacity *= 2;
    return true;
}

static bool fill_value(struct value *value, CK_ATTRIBUTE_TYPE type, struct zca_span bytes)
{
    *value = (struct value){.type = type, .len = bytes.len};
    uint8_t *target = value->inside;
    if (bytes.len > sizeof(value->inside)) {
        value->beside = malloc(bytes.len);
        target = value->beside;
    }
    if (target && bytes.len != 0) {
        memcpy(target, bytes.data, bytes.len);
    }
    return target;
}

CK_RV zca_values_set(struct zca_values *values, CK_ATTRIBUTE_TYPE type, struct zca_span value)
{
    struct value fresh;
    size_t place = place_of(values, type);
    bool is_there = place < values->count && values->array[place].type == type;
    if ((!is_there && !make_room(values)) || !fill_value(&fresh, type, value)) {
        return CKR_HOST_MEMORY;
    }
    if (is_there) {
        clear_value(&values->array[place]);
    } else {
        memmove(&values->array[place + 1], &values->array[place],
                (values->count - place) * sizeof(fresh));
        values->count++;
    }
    values->array[place] = fresh;
    return CKR_OK;
}

CK_RV zca_values_set_boolean(struct zca_values *values, CK_ATTRIBUTE_TYPE type, bool value)
{
    CK_BBOOL byte = value ? CK_TRUE : CK_FALSE;
    return zca_values_set(values, type, zca_span_of(&byte, sizeof(byte)));
}

CK_RV zca_values_set_number(struct zca_values *values, CK_ATTRIBUTE_TYPE type, CK_ULONG value)
{
    return zca_values_set(values, type, zca_span_of(&value, sizeof(value)));
}

CK_RV zca_values_set_text(struct zca_values *values, CK_ATTRIBUTE_TYPE type, const char *text)
{
    return zca_values_set(values, type, zca_span_text(text));
}

bool zca_values_find(const struct zca_values *values, CK_ATTRIBUTE_TYPE type,
                     struct zca_span *out_value)
{
    const struct value *value = find(values, type);
    if (!value) {
        return false;
    }
    *out_value = zca_span_of(bytes_of(value), value->len);
    return true;
}

bool zca_values_get_boolean(const struct zca_values *values, CK_ATTRIBUTE_TYPE type, bool fallback)
{
    const struct value *value = find(values, type);
    return value && value->len == sizeof(CK_BBOOL) ? value->inside[0] != CK_FALSE : fallback;
}

CK_ULONG zca_values_get_number(const struct zca_values *values, CK_ATTRIBUTE_TYPE type,
                               CK_ULONG fallback)
{
    const struct value *value = find(values, type);
    CK_ULONG number = fallback;
    if (value && value->len == sizeof(number)) {
        memcpy(&number, value->inside, sizeof(number));
    }
    return number;
}

bool zca_values_match(const struct zca_values *values, const struct zca_template *template)
{
    for (CK_ULONG i = 0; i < template->count; i++) {
        const CK_ATTRIBUTE *wanted = &template->attributes[i];
        const struct value *value = find(values, wanted->type);
        if (!value || value->len != wanted->ulValueLen ||
            (value->len != 0 && memcmp(bytes_of(value), wanted->pValue, value->len) != 0)) {
            return false;
        }
    }
    return true;
}

size_t zca_values_get_count(const struct zca_values *values)
{
    return values->count;
}

CK_ATTRIBUTE_TYPE zca_values_get_at(const struct zca_values *values, size_t index,
                                    struct zca_span *out_value)
{
    const struct value *value = &values->array[index];
    *out_value = zca_span_of(bytes_of(value), value->len);
    return value->type;
}
