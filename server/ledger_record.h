/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Records: structs whose members are columns, by table. For ledger*.c and for whoever owns a record
 * or a list of them.
 */
#ifndef ZCA_SERVER_LEDGER_RECORD_H
#define ZCA_SERVER_LEDGER_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/auto.h"
#include "base/error.h"
#include "server/ledger.h"

enum zca_column_type {
    ZCA_COLUMN_TEXT,     /* char *, malloc'd; NULL is null */
    ZCA_COLUMN_INTEGER,  /* int64_t */
    ZCA_COLUMN_OPTIONAL, /* int64_t; 0 is null */
    ZCA_COLUMN_BOOLEAN,  /* bool */
    ZCA_COLUMN_BYTES     /* struct zca_buffer; without data null */
};

struct zca_column {
    const char *name;
    enum zca_column_type type;
    size_t offset;
};

struct zca_record {
    const struct zca_column *columns; /* in the order of the statements' column lists */
    size_t num_columns;
    size_t size; /* of the struct */
};

#define ZCA_RECORD(columns_, type_)                                                                \
    {                                                                                              \
        .columns = (columns_), .num_columns = sizeof(columns_) / sizeof((columns_)[0]),            \
        .size = sizeof(type_)                                                                      \
    }

/** zca_record_clear releases the members of a record and zeroes it. */
void zca_record_clear(const struct zca_record *record, void *object);

/* Records one after the other. Zero-initialised is an empty list. */
struct zca_record_list {
    const struct zca_record *record;
    void *items;
    size_t num;
};

/** zca_record_at returns item `index` of a list, borrowed; index is below `num`. */
void *zca_record_at(const struct zca_record_list *list, size_t index);

void zca_record_list_clear(struct zca_record_list *list);
ZCA_DEFINE_AUTO_CLEAR(zca_record_list, struct zca_record_list, zca_record_list_clear);

#endif
