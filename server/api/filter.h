/* SPDX-License-Identifier: Apache-2.0 */
/* What the query of /api/db/TABLE asks for: id=eq.X, order=COLUMN.desc, limit, offset, select. */
#ifndef ZCA_SERVER_API_FILTER_H
#define ZCA_SERVER_API_FILTER_H

#include <stdbool.h>

#include "base/auto.h"
#include "base/error.h"
#include "server/api/query.h"
#include "server/ledger_machine.h"
#include "server/ledger_record.h"

struct zca_api_filter {
    struct zca_filter rows;
    const char *select; /* names separated by commas; NULL: all columns */
};

/**
 * zca_api_filter_read reads a query whose organisation was checked already.
 *
 * record       the table's columns.
 * name_column  what rows can be ordered by besides created_at.
 * out_filter   zero-initialised; borrows from the query.
 * err          code VALIDATION_ERROR: an unknown field, or a value that makes no sense.
 */
ZCA_NODISCARD bool zca_api_filter_read(const struct zca_url_query *query,
                                       const struct zca_record *record, const char *name_column,
                                       struct zca_api_filter *out_filter, struct zca_error *err);

#endif
