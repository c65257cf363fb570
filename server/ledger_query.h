/* SPDX-License-Identifier: Apache-2.0 */
/* Statements meet records: what the typed functions of ledger_*.c are made of. For them only. */
#ifndef ZCA_SERVER_LEDGER_QUERY_H
#define ZCA_SERVER_LEDGER_QUERY_H

#include "server/ledger_backend.h"
#include "server/ledger_record.h"

/** zca_record_insert binds all columns of a record to a statement. When the statement returns a
 * value, an integer, it is stored in out_key (may be NULL). */
ZCA_NODISCARD bool zca_record_insert(struct zca_ledger *ledger, enum zca_statement statement,
                                     const struct zca_record *record, const void *object,
                                     int64_t *out_key, struct zca_error *err);

/** zca_record_find reads the first row. out_object was zero-initialised; untouched when there is no
 * row: then *out_found is false and the result true. */
ZCA_NODISCARD bool zca_record_find(struct zca_ledger *ledger, const struct zca_query *query,
                                   const struct zca_record *record, void *out_object,
                                   bool *out_found, struct zca_error *err);

/** zca_record_list_read reads all rows into an empty list. */
ZCA_NODISCARD bool zca_record_list_read(struct zca_ledger *ledger, const struct zca_query *query,
                                        const struct zca_record *record,
                                        struct zca_record_list *out_list, struct zca_error *err);

#endif
