/* SPDX-License-Identifier: Apache-2.0 */
/* One row for each field a query may have; columns may be asked for by equality. */
#include "server/api/filter.h"

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "server/refusal.h"

#define DEFAULT_LIMIT 20
#define MAX_LIMIT 1000

struct reading {
    const struct zca_record *record;
    const char *name_column;
    struct zca_api_filter *filter;
};

struct filter_field {
    const char *name;
    size_t offset; /* of the text in struct zca_filter */
};

static const struct filter_field filter_fields[] = {
    {"id",         offsetof(struct zca_filter, id)        },
    {"machine_id", offsetof(struct zca_filter, machine_id)},
    {"status",     offsetof(struct zca_filter, status)    },
    {"name",       offsetof(struct zca_filter, name)      },
};

static bool set_order(struct reading *reading, const char *order, struct zca_error *err)
{
    size_t len = strcspn(order, ".");
    const char *direction = order + len;
    bool by_time = len == strlen("created_at") && memcmp(order, "created_at", len) == 0;
    bool by_name =
        len == strlen(reading->name_column) && memcmp(order, reading->name_column, len) == 0;
    bool up = *direction == '\0' || strcmp(direction, ".asc") == 0;
    if ((!by_time && !by_name) || (!up && strcmp(direction, ".desc") != 0)) {
        return zca_refuse(err, ZCA_REFUSE_VALIDATION,
                          "order must be created_at or %s, .asc or .desc", reading->name_column);
    }
    reading->filter->rows.by_name = by_name;
    reading->filter->rows.descending = !up;
    return true;
}

static bool set_number(const char *name, const char *text, int64_t most, int64_t *out_number,
                       struct zca_error *err)
{
    char *end = NULL;
    long long number = strtoll(text, &end, 10);
    if (*text == '\0' || *end != '\0' || number < 0) {
        return zca_refuse(err, ZCA_REFUSE_VALIDATION, "%s must be a number", name);
    }
    *out_number = number < most ? number : most;
    return true;
}

static bool set_equal(const struct filter_field *field, struct reading *reading, const char *value,
                      struct zca_error *err)
{
    static const char operator[] = "eq.";
    const char **member = (const char **)(void *)((char *)&reading->filter->rows + field->offset);
    if (strncmp(value, operator, sizeof(operator) - 1) != 0 ||
        value[sizeof(operator) - 1] == '\0') {
        return zca_refuse(err, ZCA_REFUSE_VALIDATION, "%s must be eq.VALUE", field->name);
    }
    *member = value + sizeof(operator) - 1;
    return true;
}

static bool has_column(const struct zca_record *record, const char *name)
{
    for (size_t i = 0; i < record->num_columns; i++) {
        if (strcmp(record->columns[i].name, name) == 0) {
            return true;
        }
    }
    return false;
}

/* ---- fields ---- */

typedef bool field_function(struct reading *reading, const char *value, struct zca_error *err);

static bool skip_field(struct reading *reading, const char *value, struct zca_error *err)
{
    (void)reading; /* the organisation was looked at before */
    (void)value;
    (void)err;
    return true;
}

static bool set_select(struct reading *reading, const char *value, struct zca_error *err)
{
    (void)err; /* unknown columns select nothing */
    reading->filter->select = value;
    return true;
}

static bool set_limit(struct reading *reading, const char *value, struct zca_error *err)
{
    return set_number("limit", value, MAX_LIMIT, &reading->filter->rows.limit, err);
}

static bool set_offset(struct reading *reading, const char *value, struct zca_error *err)
{
    return set_number("offset", value, INT32_MAX, &reading->filter->rows.offset, err);
}

static const struct {
    const char *name;
    field_function *set;
} query_fields[] = {
    {"org_id", skip_field},
    {"select", set_select},
    {"order",  set_order },
    {"limit",  set_limit },
    {"offset", set_offset},
};

static bool read_field(struct reading *reading, const struct zca_query_field *field,
                       struct zca_error *err)
{
    for (size_t i = 0; i < ZCA_COUNT(query_fields); i++) {
        if (strcmp(query_fields[i].name, field->name) == 0) {
            return query_fields[i].set(reading, field->value, err);
        }
    }
    for (size_t i = 0; i < ZCA_COUNT(filter_fields); i++) {
        if (strcmp(filter_fields[i].name, field->name) == 0 &&
            has_column(reading->record, field->name)) {
            return set_equal(&filter_fields[i], reading, field->value, err);
        }
    }
    return zca_refuse(err, ZCA_REFUSE_VALIDATION, "Unknown filter: %.40s", field->name);
}

bool zca_api_filter_read(const struct zca_url_query *query, const struct zca_record *record,
                         const char *name_column, struct zca_api_filter *out_filter,
                         struct zca_error *err)
{
    struct reading reading = {.record = record, .name_column = name_column, .filter = out_filter};
    out_filter->rows.limit = DEFAULT_LIMIT;
    for (size_t i = 0; i < query->num_fields; i++) {
        if (!read_field(&reading, &query->fields[i], err)) {
            return false;
        }
    }
    return true;
}
