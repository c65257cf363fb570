/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Group commit without a timer and without a thread of its own: whoever finds nobody committing takes
 * whatever waits and commits it together; what came meanwhile is the next one's. For engines with one
 * writer; for ledger_*.c only.
 */
#ifndef ZCA_SERVER_COMMIT_QUEUE_H
#define ZCA_SERVER_COMMIT_QUEUE_H

#include <pthread.h>
#include <stdbool.h>

#include "base/auto.h"
#include "base/error.h"
#include "server/ledger_backend.h"

/* One operation that waits; on the stack of the thread that submitted it. */
struct zca_commit {
    zca_backend_operation *operation;
    void *context;
    struct zca_error *err; /* of the submitter, may be NULL */
    bool ok;               /* result, set by the batch function */
    struct zca_commit *next;
    bool done;
    pthread_cond_t woken; /* done, or next to commit */
};

/** Runs every operation of a batch and commits; sets `ok` and `err` of each. On the thread of one of those who
 * submitted, one at a time. */
typedef void zca_commit_batch(void *context, struct zca_commit *batch);

struct zca_commit_queue;

/** zca_commit_queue_new: context is borrowed. NULL with ZCA_ERR_MEMORY. */
ZCA_NODISCARD struct zca_commit_queue *zca_commit_queue_new(zca_commit_batch *run_batch,
                                                            void *context, struct zca_error *err);

/** zca_commit_queue_free releases the queue, in which nothing waits any more. NULL is fine. */
void zca_commit_queue_free(struct zca_commit_queue *queue);

/** zca_commit_queue_submit waits until the operation's batch is committed, or failed. */
ZCA_NODISCARD bool zca_commit_queue_submit(struct zca_commit_queue *queue,
                                           zca_backend_operation *operation, void *context,
                                           struct zca_error *err);

#endif
