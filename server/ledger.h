/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The store of the org CA: records and transactions, whatever engine keeps them. The functions for
 * each kind of record are in ledger_account.h, ledger_authority.h, ledger_certificate.h,
 * ledger_machine.h and ledger_audit.h; each works alone or inside a transaction.
 */
#ifndef ZCA_SERVER_LEDGER_H
#define ZCA_SERVER_LEDGER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/auto.h"
#include "base/error.h"

struct zca_ledger;

/**
 * zca_ledger_open opens the store, makes it when it is missing, and brings its schema up to date.
 *
 * where  path of a SQLite database; its directory exists.
 * err    ZCA_ERR_SYSTEM, ZCA_ERR_CONFLICT when a newer version of zca wrote it, ZCA_ERR_MEMORY.
 *
 * Returns a new object, safe from several threads and beside other processes, or NULL.
 */
ZCA_NODISCARD struct zca_ledger *zca_ledger_open(const char *where, struct zca_error *err);

/** zca_ledger_close finishes the writes that wait and closes. No other thread may use the ledger. */
void zca_ledger_close(struct zca_ledger *ledger);
ZCA_DEFINE_AUTO(zca_ledger, struct zca_ledger, zca_ledger_close);

/** A unit of work. `ledger` stands for the transaction: everything done with it becomes durable
 * together, or not at all when the operation returns false. It may run on another thread, and must
 * neither block nor touch the ledger it was submitted to. */
typedef bool zca_ledger_operation(struct zca_ledger *ledger, void *context, struct zca_error *err);

/**
 * zca_ledger_transact runs an operation and returns when its effects are on stable storage.
 * Operations that wait at the same time share one commit; a failing one does not touch the others.
 * Inside an operation it runs the inner one in the same transaction.
 *
 * err   the operation's own; ZCA_ERR_UNAVAILABLE when the store cannot commit: nothing was kept.
 */
ZCA_NODISCARD bool zca_ledger_transact(struct zca_ledger *ledger, zca_ledger_operation *operation,
                                       void *context, struct zca_error *err);

/** zca_ledger_backup copies a consistent state into a new file of mode 0600, also while others write.
 * err ZCA_ERR_CONFLICT when `path` exists. */
ZCA_NODISCARD bool zca_ledger_backup(struct zca_ledger *ledger, const char *path,
                                     struct zca_error *err);

/** zca_ledger_check asks the engine whether its files are intact. err ZCA_ERR_VERIFY. */
ZCA_NODISCARD bool zca_ledger_check(struct zca_ledger *ledger, struct zca_error *err);

#endif
