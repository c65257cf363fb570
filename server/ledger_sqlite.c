/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ledger in SQLite: WAL, synchronous=FULL. One connection writes, for one thread at a time; what
 * waits for it when a commit returns is the next batch, so that load makes commits rarer and no
 * timer delays a lone writer. Operations of a batch have savepoints. Readers have connections.
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sqlite3.h>

#include "base/lock.h"
#include "server/commit_queue.h"
#include "server/ledger_backend.h"

#define BUSY_TIMEOUT_MS 10000
#define MAX_READERS 16u

struct connection {
    sqlite3 *database;
    sqlite3_stmt *statements[ZCA_SQL_NUM];
    struct connection *next; /* in the pool */
};

struct store {
    char *path;
    struct connection *writer;
    struct zca_commit_queue *queue; /* for the writer */
    pthread_mutex_t pool_mutex;     /* guards the pool */
    pthread_cond_t returned;
    struct connection *idle;
    unsigned num_readers;
};

/* ---- connections and statements ---- */

static bool fail(sqlite3 *database, const char *what, struct zca_error *err)
{
    int code = sqlite3_extended_errcode(database);
    if (code == SQLITE_CONSTRAINT_UNIQUE || code == SQLITE_CONSTRAINT_PRIMARYKEY) {
        return zca_error_set(err, ZCA_ERR_CONFLICT, "%s: exists already: %s", what,
                             sqlite3_errmsg(database));
    }
    if ((code & 0xff) == SQLITE_NOMEM) {
        return zca_error_set(err, ZCA_ERR_MEMORY, "%s", what);
    }
    return zca_error_set(err, ZCA_ERR_UNAVAILABLE, "%s: %s (%d)", what, sqlite3_errmsg(database),
                         code);
}

static bool execute(struct connection *connection, const char *sql, struct zca_error *err)
{
    int rc = sqlite3_exec(connection->database, sql, NULL, NULL, NULL);
    return rc == SQLITE_OK ? true : fail(connection->database, "running SQL", err);
}

static void close_connection(struct connection *connection)
{
    if (!connection) {
        return;
    }
    for (size_t i = 0; i < ZCA_SQL_NUM; i++) {
        (void)sqlite3_finalize(connection->statements[i]); /* repeats the last step's result */
    }
    (void)sqlite3_close(connection->database); /* cannot be busy: no statement is left */
    free(connection);
}

ZCA_DEFINE_AUTO(connection, struct connection, close_connection);

static struct connection *open_connection(const char *path, const char *pragmas,
                                          struct zca_error *err)
{
    zca_auto(connection) struct connection *connection = calloc(1, sizeof(*connection));
    if (!connection) {
        zca_error_set(err, ZCA_ERR_MEMORY, "opening '%s'", path);
        return NULL;
    }
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX;
    int rc = sqlite3_open_v2(path, &connection->database, flags, NULL);
    if (rc != SQLITE_OK) {
        zca_error_set(err, ZCA_ERR_SYSTEM, "opening '%s': %s", path, sqlite3_errstr(rc));
        return NULL;
    }
    (void)sqlite3_busy_timeout(connection->database, BUSY_TIMEOUT_MS); /* cannot fail */
    (void)sqlite3_extended_result_codes(connection->database, 1);      /* as above */
    if (!execute(connection, pragmas, err)) {
        zca_error_context(err, "opening '%s'", path);
        return NULL;
    }
    return zca_steal(connection);
}

/* SQLite writes ?1 where the shared texts have $1. */
static sqlite3_stmt *get_statement(struct connection *connection, enum zca_statement number,
                                   struct zca_error *err)
{
    sqlite3_stmt **slot = &connection->statements[number];
    if (*slot) {
        return *slot;
    }
    char *sql = strdup(zca_statements[number].sql);
    if (!sql) {
        zca_error_set(err, ZCA_ERR_MEMORY, "preparing SQL");
        return NULL;
    }
    for (char *p = strchr(sql, '$'); p; p = strchr(p, '$')) {
        *p = '?';
    }
    int rc =
        sqlite3_prepare_v3(connection->database, sql, -1, SQLITE_PREPARE_PERSISTENT, slot, NULL);
    free(sql);
    if (rc != SQLITE_OK) {
        fail(connection->database, "preparing SQL", err);
        return NULL;
    }
    return *slot;
}

static int bind_value(sqlite3_stmt *statement, int index, const struct zca_value *value)
{
    const void *data = value->bytes.data ? value->bytes.data : (const void *)"";
    switch (value->type) {
    case ZCA_VALUE_NULL:
        return sqlite3_bind_null(statement, index);
    case ZCA_VALUE_INTEGER:
        return sqlite3_bind_int64(statement, index, value->integer);
    case ZCA_VALUE_TEXT:
        return sqlite3_bind_text64(statement, index, data, value->bytes.len, SQLITE_STATIC,
                                   SQLITE_UTF8);
    case ZCA_VALUE_BYTES:
        return sqlite3_bind_blob64(statement, index, data, value->bytes.len, SQLITE_STATIC);
    }
    return SQLITE_MISUSE;
}

static struct zca_value column_value(sqlite3_stmt *statement, int index)
{
    struct zca_value value = {.type = ZCA_VALUE_NULL};
    const void *data = NULL;
    switch (sqlite3_column_type(statement, index)) {
    case SQLITE_INTEGER:
        value.type = ZCA_VALUE_INTEGER;
        value.integer = sqlite3_column_int64(statement, index);
        return value;
    case SQLITE_TEXT:
        value.type = ZCA_VALUE_TEXT;
        data = sqlite3_column_text(statement, index);
        break;
    case SQLITE_BLOB:
        value.type = ZCA_VALUE_BYTES;
        data = sqlite3_column_blob(statement, index);
        break;
    default:
        return value;
    }
    value.bytes = zca_span_of(data, (size_t)sqlite3_column_bytes(statement, index));
    return value;
}

/* More columns than any statement has. */
#define MAX_COLUMNS 24

static bool give_row(sqlite3_stmt *statement, const struct zca_query *query, struct zca_error *err)
{
    struct zca_value values[MAX_COLUMNS];
    int num = sqlite3_column_count(statement);
    if (!query->row) {
        return true;
    }
    if (num > MAX_COLUMNS) {
        return zca_error_set(err, ZCA_ERR_INVALID, "statement %d has %d columns",
                             (int)query->statement, num);
    }
    for (int i = 0; i < num; i++) {
        values[i] = column_value(statement, i);
    }
    return query->row(query->context, values, (size_t)num, err);
}

static bool step_all(struct connection *connection, sqlite3_stmt *statement,
                     const struct zca_query *query, struct zca_error *err)
{
    for (size_t i = 0; i < query->num_values; i++) {
        if (bind_value(statement, (int)i + 1, &query->values[i]) != SQLITE_OK) {
            return fail(connection->database, "binding a value", err);
        }
    }
    int rc = sqlite3_step(statement);
    while (rc == SQLITE_ROW) {
        if (!give_row(statement, query, err)) {
            return false;
        }
        rc = sqlite3_step(statement);
    }
    return rc == SQLITE_DONE ? true : fail(connection->database, "using the ledger", err);
}

static bool run(void *opaque, const struct zca_query *query, struct zca_error *err)
{
    struct connection *connection = opaque;
    sqlite3_stmt *statement = get_statement(connection, query->statement, err);
    if (!statement) {
        return false;
    }
    bool ok = step_all(connection, statement, query, err);
    (void)sqlite3_reset(statement);          /* repeats the step's result */
    (void)sqlite3_clear_bindings(statement); /* cannot fail */
    return ok;
}

static bool script(void *opaque, const char *sql, struct zca_error *err)
{
    return execute(opaque, sql, err);
}

/* ---- the writer ---- */

/* A lone operation needs no savepoint: its transaction is rolled back. */
static bool run_commit(struct connection *connection, struct zca_commit *commit, bool is_lone)
{
    if (!is_lone && !execute(connection, "SAVEPOINT operation", commit->err)) {
        return false;
    }
    bool ok = commit->operation(connection, commit->context, commit->err);
    /* A full disk or a failed write rolls everything back by itself: then no savepoint is left. */
    if (sqlite3_get_autocommit(connection->database)) {
        return ok ? zca_error_set(commit->err, ZCA_ERR_UNAVAILABLE, "the ledger rolled back: %s",
                                  sqlite3_errmsg(connection->database))
                  : false;
    }
    if (is_lone) {
        return ok;
    }
    if (!ok) {
        /* The operation's error stays the one that is reported. */
        (void)execute(connection, "ROLLBACK TO operation", NULL);
    }
    return execute(connection, "RELEASE operation", ok ? commit->err : NULL) && ok;
}

static void fail_all(struct zca_commit *batch, const struct zca_error *reason)
{
    for (struct zca_commit *each = batch; each; each = each->next) {
        if (each->ok) {
            each->ok = false;
            if (each->err) {
                *each->err = *reason;
            }
        }
    }
}

static void run_batch(void *opaque, struct zca_commit *batch)
{
    struct connection *connection = opaque;
    struct zca_error reason = {0};
    bool is_lone = !batch->next;
    bool ok = execute(connection, "BEGIN IMMEDIATE", &reason);
    for (struct zca_commit *each = batch; each; each = each->next) {
        each->ok = true;
    }
    for (struct zca_commit *each = batch; ok && each; each = each->next) {
        each->ok = run_commit(connection, each, is_lone);
        if (sqlite3_get_autocommit(connection->database)) {
            zca_error_set(&reason, ZCA_ERR_UNAVAILABLE,
                          "the ledger rolled back: is the disk full?");
            ok = false;
        }
    }
    ok = ok && (!is_lone || batch->ok) && execute(connection, "COMMIT", &reason);
    if (!ok) {
        fail_all(batch, &reason);
        if (!sqlite3_get_autocommit(connection->database)) {
            (void)execute(connection, "ROLLBACK", NULL); /* the reason is in `reason` */
        }
    }
}

static bool write_operation(void *opaque, zca_backend_operation *operation, void *context,
                            struct zca_error *err)
{
    struct store *store = opaque;
    return zca_commit_queue_submit(store->queue, operation, context, err);
}

/* ---- readers ---- */

#define READER_PRAGMAS "PRAGMA query_only = ON; PRAGMA trusted_schema = OFF;"

static struct connection *take_reader(struct store *store, struct zca_error *err)
{
    {
        zca_auto(lock) pthread_mutex_t *held = zca_lock(&store->pool_mutex);
        while (!store->idle && store->num_readers >= MAX_READERS) {
            (void)pthread_cond_wait(&store->returned, &store->pool_mutex); /* our mistakes only */
        }
        if (store->idle) {
            struct connection *connection = store->idle;
            store->idle = connection->next;
            return connection;
        }
        store->num_readers++;
    }
    struct connection *connection = open_connection(store->path, READER_PRAGMAS, err);
    if (!connection) {
        zca_auto(lock) pthread_mutex_t *held = zca_lock(&store->pool_mutex);
        store->num_readers--;
        (void)pthread_cond_signal(&store->returned); /* our mistakes only */
    }
    return connection;
}

static void return_reader(struct store *store, struct connection *connection)
{
    zca_auto(lock) pthread_mutex_t *held = zca_lock(&store->pool_mutex);
    connection->next = store->idle;
    store->idle = connection;
    (void)pthread_cond_signal(&store->returned); /* our mistakes only */
}

static bool read_rows(void *opaque, const struct zca_query *query, struct zca_error *err)
{
    struct connection *connection = take_reader(opaque, err);
    if (!connection) {
        return false;
    }
    bool ok = run(connection, query, err);
    return_reader(opaque, connection);
    return ok;
}

/* ---- opening and closing ---- */

#define WRITER_PRAGMAS                                                                             \
    "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;"              \
    "PRAGMA trusted_schema = OFF; PRAGMA wal_autocheckpoint = 4000;"

static void close_store(void *opaque)
{
    struct store *store = opaque;
    if (!store) {
        return;
    }
    zca_commit_queue_free(store->queue);
    while (store->idle) {
        struct connection *next = store->idle->next;
        close_connection(store->idle);
        store->idle = next;
    }
    close_connection(store->writer);
    free(store->path);
    free(store);
}

ZCA_DEFINE_AUTO(store, struct store, close_store);

/* The file exists before SQLite opens it, so that it and its companions are for the owner only. */
static bool make_file(const char *path, struct zca_error *err)
{
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0) {
        return zca_error_set_errno(err, "making '%s'", path);
    }
    (void)close(fd); /* nothing was written */
    return true;
}

static void *open_store(const char *where, struct zca_error *err)
{
    struct store *fresh = calloc(1, sizeof(*fresh));
    if (!fresh) {
        zca_error_set(err, ZCA_ERR_MEMORY, "opening '%s'", where);
        return NULL;
    }
    zca_auto(store) struct store *store = fresh;
    *store = (struct store){.pool_mutex = PTHREAD_MUTEX_INITIALIZER,
                            .returned = PTHREAD_COND_INITIALIZER};
    store->path = strdup(where);
    if (!store->path) {
        zca_error_set(err, ZCA_ERR_MEMORY, "opening '%s'", where);
        return NULL;
    }
    if (!make_file(where, err)) {
        return NULL;
    }
    store->writer = open_connection(where, WRITER_PRAGMAS, err);
    if (!store->writer) {
        return NULL;
    }
    store->queue = zca_commit_queue_new(run_batch, store->writer, err);
    if (!store->queue) {
        return NULL;
    }
    return zca_steal(store);
}

/* ---- backup and check ---- */

static bool copy_database(sqlite3 *from, sqlite3 *to, struct zca_error *err)
{
    sqlite3_backup *backup = sqlite3_backup_init(to, "main", from, "main");
    if (!backup) {
        return fail(to, "starting the backup", err);
    }
    int rc = sqlite3_backup_step(backup, -1);
    int finished = sqlite3_backup_finish(backup);
    if (rc != SQLITE_DONE || finished != SQLITE_OK) {
        return zca_error_set(err, ZCA_ERR_SYSTEM, "copying the ledger: %s",
                             sqlite3_errstr(rc != SQLITE_DONE ? rc : finished));
    }
    return true;
}

static bool backup_store(void *opaque, const char *path, struct zca_error *err)
{
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0) {
        return zca_error_set_errno(err, "making '%s'", path);
    }
    (void)close(fd); /* nothing was written */
    zca_auto(connection) struct connection *target =
        open_connection(path, "PRAGMA synchronous = FULL;", err);
    struct connection *source = target ? take_reader(opaque, err) : NULL;
    if (!source) {
        return false;
    }
    bool ok = copy_database(source->database, target->database, err);
    return_reader(opaque, source);
    return ok;
}

static int keep_verdict(void *context, int num, char **values, char **names)
{
    (void)names;
    bool *intact = context;
    *intact = num == 1 && values[0] && strcmp(values[0], "ok") == 0;
    return 0;
}

static bool check_store(void *opaque, struct zca_error *err)
{
    struct connection *connection = take_reader(opaque, err);
    if (!connection) {
        return false;
    }
    bool intact = false;
    int rc = sqlite3_exec(connection->database, "PRAGMA integrity_check(1)", keep_verdict, &intact,
                          NULL);
    bool ok = rc == SQLITE_OK && intact;
    if (!ok) {
        zca_error_set(err, ZCA_ERR_VERIFY, "the ledger's file is damaged: restore a backup");
    }
    return_reader(opaque, connection);
    return ok;
}

const struct zca_ledger_backend zca_ledger_sqlite = {.name = "sqlite",
                                                     .row_key = "INTEGER PRIMARY KEY",
                                                     .open = open_store,
                                                     .close = close_store,
                                                     .read = read_rows,
                                                     .write = write_operation,
                                                     .run = run,
                                                     .script = script,
                                                     .backup = backup_store,
                                                     .check = check_store};
