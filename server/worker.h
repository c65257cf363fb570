/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A fixed number of threads that run jobs which may block, and hand them back to one event loop:
 * finished jobs make a descriptor readable.
 */
#ifndef ZCA_SERVER_WORKER_H
#define ZCA_SERVER_WORKER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/auto.h"
#include "base/error.h"

/* Embedded as the first member of what is to be done. */
struct zca_job {
    struct zca_job *next;
    void (*run)(struct zca_job *job); /* on a worker thread */
    bool heavy; /* much memory and time: a quarter of threads and queue at most */
};

struct zca_workers;

/**
 * zca_workers_new starts the threads, with all signals blocked.
 *
 * queue_limit  jobs that may wait, besides those that run; a quarter of them may be heavy.
 */
ZCA_NODISCARD struct zca_workers *zca_workers_new(size_t num_threads, size_t queue_limit,
                                                  struct zca_error *err);

/** zca_workers_submit queues `job`, which the pool borrows until zca_workers_take returns it.
 * Returns false, and leaves the job alone, when the queue is full or stopping. Any thread. */
ZCA_NODISCARD bool zca_workers_submit(struct zca_workers *workers, struct zca_job *job);

/** zca_workers_descriptor is readable while finished jobs wait to be taken; non-blocking, borrowed. */
int zca_workers_descriptor(const struct zca_workers *workers);

/** zca_workers_take returns the finished jobs in the order in which they finished, linked by `next`,
 * or NULL. One thread: that of the loop. */
struct zca_job *zca_workers_take(struct zca_workers *workers);

/** zca_workers_stop lets running and queued jobs finish, at most `timeout_s` seconds.
 * Returns false when some did not: then neither free the pool nor what its jobs use, but exit. */
ZCA_NODISCARD bool zca_workers_stop(struct zca_workers *workers, long timeout_s);

/** zca_workers_free releases a stopped pool; NULL is fine. Jobs not taken are the caller's. */
void zca_workers_free(struct zca_workers *workers);

#endif
