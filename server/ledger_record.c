/* SPDX-License-Identifier: Apache-2.0 */
/* Moves values between statements and structs, by the columns of a record. */
#include "server/ledger_record.h"

#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "server/ledger_query.h"

/* No record has more columns. */
#define MAX_COLUMNS 20u

/* ---- struct to value ---- */

static struct zca_value value_of(const struct zca_column *column, const void *object)
{
    const char *member = (const char *)object + column->offset;
    struct zca_value value = {.type = ZCA_VALUE_INTEGER};
    switch (column->type) {
    case ZCA_COLUMN_TEXT: {
        const char *text = *(char *const *)(const void *)member;
        value.type = text ? ZCA_VALUE_TEXT : ZCA_VALUE_NULL;
        value.bytes = zca_span_text(text);
        break;
    }
    case ZCA_COLUMN_INTEGER:
        memcpy(&value.integer, member, sizeof(value.integer));
        break;
    case ZCA_COLUMN_OPTIONAL:
        memcpy(&value.integer, member, sizeof(value.integer));
        value.type = value.integer ? ZCA_VALUE_INTEGER : ZCA_VALUE_NULL;
        break;
    case ZCA_COLUMN_BOOLEAN:
        value.integer = *(const bool *)member ? 1 : 0;
        break;
    case ZCA_COLUMN_BYTES:
        value.bytes = zca_buffer_span((const struct zca_buffer *)(const void *)member);
        value.type = value.bytes.data ? ZCA_VALUE_BYTES : ZCA_VALUE_NULL;
        break;
    }
    return value;
}

static bool keep_integer(void *context, const struct zca_value *values, size_t num_values,
                         struct zca_error *err)
{
    (void)err;
    int64_t *out = context;
    if (out && num_values > 0) {
        *out = values[0].integer;
    }
    return true;
}

bool zca_record_insert(struct zca_ledger *ledger, enum zca_statement statement,
                       const struct zca_record *record, const void *object, int64_t *out_key,
                       struct zca_error *err)
{
    struct zca_value values[MAX_COLUMNS];
    for (size_t i = 0; i < record->num_columns; i++) {
        values[i] = value_of(&record->columns[i], object);
    }
    struct zca_query query = {.statement = statement,
                              .values = values,
                              .num_values = record->num_columns,
                              .row = keep_integer,
                              .context = out_key};
    return zca_ledger_run(ledger, &query, err);
}

/* ---- value to struct ---- */

static bool set_text(char **member, const struct zca_value *value, struct zca_error *err)
{
    if (value->type == ZCA_VALUE_NULL) {
        return true;
    }
    *member = strndup((const char *)value->bytes.data, value->bytes.len);
    return *member ? true : zca_error_set(err, ZCA_ERR_MEMORY, "reading a record");
}

static bool set_member(const struct zca_column *column, const struct zca_value *value, void *object,
                       struct zca_error *err)
{
    char *member = (char *)object + column->offset;
    switch (column->type) {
    case ZCA_COLUMN_TEXT:
        return set_text((char **)(void *)member, value, err);
    case ZCA_COLUMN_INTEGER:
    case ZCA_COLUMN_OPTIONAL:
        memcpy(member, &value->integer, sizeof(value->integer));
        return true;
    case ZCA_COLUMN_BOOLEAN:
        *(bool *)member = value->integer != 0;
        return true;
    case ZCA_COLUMN_BYTES:
        return zca_buffer_append((struct zca_buffer *)(void *)member, value->bytes, err);
    }
    return true;
}

static bool set_members(const struct zca_record *record, const struct zca_value *values,
                        size_t num_values, void *object, struct zca_error *err)
{
    for (size_t i = 0; i < record->num_columns && i < num_values; i++) {
        if (!set_member(&record->columns[i], &values[i], object, err)) {
            zca_record_clear(record, object);
            return false;
        }
    }
    return true;
}

void zca_record_clear(const struct zca_record *record, void *object)
{
    for (size_t i = 0; i < record->num_columns; i++) {
        char *member = (char *)object + record->columns[i].offset;
        if (record->columns[i].type == ZCA_COLUMN_TEXT) {
            free(*(char **)(void *)member);
        } else if (record->columns[i].type == ZCA_COLUMN_BYTES) {
            zca_buffer_clear((struct zca_buffer *)(void *)member);
        }
    }
    memset(object, 0, record->size);
}

struct single {
    const struct zca_record *record;
    void *object;
    bool found;
};

static bool keep_first(void *context, const struct zca_value *values, size_t num_values,
                       struct zca_error *err)
{
    struct single *single = context;
    if (single->found) {
        return true;
    }
    single->found = set_members(single->record, values, num_values, single->object, err);
    return single->found;
}

bool zca_record_find(struct zca_ledger *ledger, const struct zca_query *query,
                     const struct zca_record *record, void *out_object, bool *out_found,
                     struct zca_error *err)
{
    struct single single = {.record = record, .object = out_object};
    struct zca_query copy = *query;
    copy.row = keep_first;
    copy.context = &single;
    if (!zca_ledger_run(ledger, &copy, err)) {
        if (single.found) {
            zca_record_clear(record, out_object);
        }
        return false;
    }
    *out_found = single.found;
    return true;
}

/* ---- lists ---- */

static bool keep_all(void *context, const struct zca_value *values, size_t num_values,
                     struct zca_error *err)
{
    struct zca_record_list *list = context;
    size_t size = list->record->size;
    /* A power of two is full: the list doubles there. */
    if ((list->num & (list->num - 1)) == 0) {
        size_t capacity = list->num ? list->num * 2 : 1;
        void *items = reallocarray(list->items, capacity, size);
        if (!items) {
            return zca_error_set(err, ZCA_ERR_MEMORY, "reading %zu records", capacity);
        }
        list->items = items;
    }
    void *item = (char *)list->items + list->num * size;
    memset(item, 0, size);
    if (!set_members(list->record, values, num_values, item, err)) {
        return false;
    }
    list->num++;
    return true;
}

bool zca_record_list_read(struct zca_ledger *ledger, const struct zca_query *query,
                          const struct zca_record *record, struct zca_record_list *out_list,
                          struct zca_error *err)
{
    struct zca_query copy = *query;
    out_list->record = record;
    copy.row = keep_all;
    copy.context = out_list;
    if (!zca_ledger_run(ledger, &copy, err)) {
        zca_record_list_clear(out_list);
        return false;
    }
    return true;
}

void *zca_record_at(const struct zca_record_list *list, size_t index)
{
    return (char *)list->items + index * list->record->size;
}

void zca_record_list_clear(struct zca_record_list *list)
{
    for (size_t i = 0; i < list->num; i++) {
        zca_record_clear(list->record, zca_record_at(list, i));
    }
    free(list->items);
    *list = (struct zca_record_list){0};
}
