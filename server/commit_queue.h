/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Group commit without a timer: one thread takes whatever waits, commits it together, and takes
 * what came meanwhile. For engines with one writer; for ledger_*.c only.
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
    pthread_cond_t finished;
};

/** Runs every operation of a batch and commits; sets `ok` and `err` of each. On the queue's thread. */
typedef void zca_commit_batch(void *context, struct zca_commit *batch);

struct zca_commit_queue;

/** zca_commit_queue_new starts the thread. context is borrowed. NULL with ZCA_ERR_MEMORY or
 * ZCA_ERR_SYSTEM. */
ZCA_NODISCARD struct zca_commit_queue *zca_commit_queue_new(zca_commit_batch *run_batch,
                                                            void *context, struct zca_error *err);

/** zca_commit_queue_free runs what waits, ends the thread and releases the queue. NULL is fine. */
void zca_commit_queue_free(struct zca_commit_queue *queue);

/** zca_commit_queue_submit waits until the operation's batch is committed, or failed. */
ZCA_NODISCARD bool zca_commit_queue_submit(struct zca_commit_queue *queue,
                                           zca_backend_operation *operation, void *context,
                                           struct zca_error *err);

#endif
