/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ledger over its engine: opening, migrations, transactions. A transaction is a ledger object
 * too, so that every typed function works inside and outside of one.
 */
#include "server/ledger.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "server/ledger_backend.h"

struct zca_ledger {
    const struct zca_ledger_backend *backend;
    void *store;
    void *connection; /* not NULL: this object stands for a transaction */
};

struct transaction {
    const struct zca_ledger *ledger;
    zca_ledger_operation *operation;
    void *context;
};

static bool run_operation(void *connection, void *context, struct zca_error *err)
{
    struct transaction *transaction = context;
    struct zca_ledger inner = *transaction->ledger;
    inner.connection = connection;
    return transaction->operation(&inner, transaction->context, err);
}

bool zca_ledger_transact(struct zca_ledger *ledger, zca_ledger_operation *operation, void *context,
                         struct zca_error *err)
{
    if (ledger->connection) {
        return operation(ledger, context, err);
    }
    struct transaction transaction = {.ledger = ledger, .operation = operation, .context = context};
    return ledger->backend->write(ledger->store, run_operation, &transaction, err);
}

static bool run_query(struct zca_ledger *ledger, void *context, struct zca_error *err)
{
    return ledger->backend->run(ledger->connection, context, err);
}

bool zca_ledger_run(struct zca_ledger *ledger, const struct zca_query *query, struct zca_error *err)
{
    if (ledger->connection) {
        return ledger->backend->run(ledger->connection, query, err);
    }
    if (zca_statements[query->statement].writes) {
        struct zca_query copy = *query;
        return zca_ledger_transact(ledger, run_query, &copy, err);
    }
    return ledger->backend->read(ledger->store, query, err);
}

struct integer {
    int64_t value;
    bool found;
};

static bool keep_number(void *context, const struct zca_value *values, size_t num_values,
                        struct zca_error *err)
{
    (void)err;
    struct integer *integer = context;
    if (!integer->found && num_values > 0) {
        integer->found = true;
        integer->value = values[0].type == ZCA_VALUE_INTEGER ? values[0].integer : 0;
    }
    return true;
}

bool zca_ledger_integer(struct zca_ledger *ledger, const struct zca_query *query,
                        int64_t *out_value, bool *out_found, struct zca_error *err)
{
    struct integer integer = {0};
    struct zca_query copy = *query;
    copy.row = keep_number;
    copy.context = &integer;
    if (!zca_ledger_run(ledger, &copy, err)) {
        return false;
    }
    *out_value = integer.value;
    if (out_found) {
        *out_found = integer.found;
    }
    return true;
}

/* The schema's text with the engine's type for row keys. */
static bool run_script(struct zca_ledger *ledger, const char *sql, struct zca_error *err)
{
    static const char token[] = "{key}";
    zca_auto(zca_buffer) struct zca_buffer text = {0};
    const char *rest = sql;
    const char *found = strstr(rest, token);
    while (found) {
        if (!zca_buffer_append(&text, zca_span_of(rest, (size_t)(found - rest)), err) ||
            !zca_buffer_append_text(&text, ledger->backend->row_key, err)) {
            return false;
        }
        rest = found + sizeof(token) - 1;
        found = strstr(rest, token);
    }
    if (!zca_buffer_append_text(&text, rest, err)) {
        return false;
    }
    return ledger->backend->script(ledger->connection, (const char *)text.data, err);
}

static bool migrate(struct zca_ledger *ledger, void *context, struct zca_error *err)
{
    (void)context;
    if (!run_script(ledger, zca_migration_table, err)) {
        return false;
    }
    int64_t version = 0;
    struct zca_query query = {.statement = ZCA_SQL_MIGRATION_NEWEST};
    if (!zca_ledger_integer(ledger, &query, &version, NULL, err)) {
        return false;
    }
    if (version > (int64_t)zca_num_migrations) {
        return zca_error_set(err, ZCA_ERR_CONFLICT,
                             "the ledger has schema version %lld, this program knows %zu: "
                             "use the newer zca-server",
                             (long long)version, zca_num_migrations);
    }
    for (size_t i = (size_t)version; i < zca_num_migrations; i++) {
        struct zca_value values[] = {ZCA_INTEGER((int64_t)i + 1), ZCA_INTEGER(zca_clock_now_ms())};
        if (!run_script(ledger, zca_migrations[i], err) ||
            !zca_ledger_run(ledger, ZCA_QUERY(ZCA_SQL_MIGRATION_INSERT, values), err)) {
            return zca_error_context(err, "migrating the ledger to version %zu", i + 1);
        }
    }
    return true;
}

struct zca_ledger *zca_ledger_open(const char *where, struct zca_error *err)
{
    zca_auto(zca_ledger) struct zca_ledger *ledger = calloc(1, sizeof(*ledger));
    if (!ledger) {
        zca_error_set(err, ZCA_ERR_MEMORY, "opening the ledger '%s'", where);
        return NULL;
    }
    ledger->backend = &zca_ledger_sqlite;
    ledger->store = ledger->backend->open(where, err);
    if (!ledger->store || !zca_ledger_transact(ledger, migrate, NULL, err)) {
        zca_error_context(err, "opening the ledger '%s'", where);
        return NULL;
    }
    return zca_steal(ledger);
}

void zca_ledger_close(struct zca_ledger *ledger)
{
    if (ledger && ledger->store) {
        ledger->backend->close(ledger->store);
    }
    free(ledger);
}

bool zca_ledger_backup(struct zca_ledger *ledger, const char *path, struct zca_error *err)
{
    return ledger->backend->backup(ledger->store, path, err);
}

bool zca_ledger_check(struct zca_ledger *ledger, struct zca_error *err)
{
    return ledger->backend->check(ledger->store, err);
}
