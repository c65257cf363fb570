/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an engine does for the ledger: run numbered statements with bound values, and commit.
 * For ledger*.c only. Statements are written with $1, $2; what an engine spells otherwise it
 * translates when it prepares them.
 */
#ifndef ZCA_SERVER_LEDGER_BACKEND_H
#define ZCA_SERVER_LEDGER_BACKEND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/error.h"
#include "server/ledger.h"
#include "server/ledger_statements.h"

enum zca_value_type { ZCA_VALUE_NULL, ZCA_VALUE_INTEGER, ZCA_VALUE_TEXT, ZCA_VALUE_BYTES };

struct zca_value {
    enum zca_value_type type;
    int64_t integer;
    struct zca_span bytes; /* of text without its NUL, and of bytes; borrowed */
};

/** The callback for each row of a result; false stops and fails the statement. */
typedef bool zca_row_function(void *context, const struct zca_value *values, size_t num_values,
                              struct zca_error *err);

/* A statement with its values and the receiver of its rows. */
struct zca_query {
    enum zca_statement statement;
    const struct zca_value *values;
    size_t num_values;
    zca_row_function *row; /* NULL: rows are not wanted */
    void *context;
};

#define ZCA_INTEGER(value_)                                                                        \
    {                                                                                              \
        .type = ZCA_VALUE_INTEGER, .integer = (value_)                                             \
    }
#define ZCA_TEXT(value_)                                                                           \
    {                                                                                              \
        .type = (value_) ? ZCA_VALUE_TEXT : ZCA_VALUE_NULL, .bytes = zca_span_text(value_)         \
    }
#define ZCA_BYTES(span_)                                                                           \
    {                                                                                              \
        .type = ZCA_VALUE_BYTES, .bytes = (span_)                                                  \
    }

/** ZCA_QUERY is a query over an array of values. */
#define ZCA_QUERY(statement_, values_)                                                             \
    (&(struct zca_query){.statement = (statement_),                                                \
                         .values = (values_),                                                      \
                         .num_values = sizeof(values_) / sizeof((values_)[0])})

/** Work inside one transaction on one connection of the engine. */
typedef bool zca_backend_operation(void *connection, void *context, struct zca_error *err);

struct zca_ledger_backend {
    const char *name;
    const char
        *row_key; /* type of a row's integer key that the engine assigns: {key} in the schema */
    void *(*open)(const char *where, struct zca_error *err);
    void (*close)(void *store);
    /* Read outside a transaction. */
    bool (*read)(void *store, const struct zca_query *query, struct zca_error *err);
    /* A transaction; durable when it returns true. */
    bool (*write)(void *store, zca_backend_operation *operation, void *context,
                  struct zca_error *err);
    /* Inside a transaction. A broken uniqueness rule is ZCA_ERR_CONFLICT. */
    bool (*run)(void *connection, const struct zca_query *query, struct zca_error *err);
    bool (*script)(void *connection, const char *sql, struct zca_error *err);
    bool (*backup)(void *store, const char *path, struct zca_error *err);
    bool (*check)(void *store, struct zca_error *err);
};

extern const struct zca_ledger_backend zca_ledger_sqlite;

/** zca_ledger_run runs one statement: in the transaction `ledger` stands for, else by itself. */
ZCA_NODISCARD bool zca_ledger_run(struct zca_ledger *ledger, const struct zca_query *query,
                                  struct zca_error *err);

/** zca_ledger_integer reads the first column of the first row, 0 when there is none (or null).
 * out_found may be NULL. */
ZCA_NODISCARD bool zca_ledger_integer(struct zca_ledger *ledger, const struct zca_query *query,
                                      int64_t *out_value, bool *out_found, struct zca_error *err);

#endif
