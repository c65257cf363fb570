/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The queue is a list through the submitters' stacks. A lone submitter commits without waking anybody.
 * Results of pthread calls are not looked at: with default mutexes and conditions they fail only for our
 * own mistakes.
 */
#include "server/commit_queue.h"

#include <stdlib.h>

#include "base/lock.h"

/* Bounds the time a batch holds the engine's write lock. */
#define MAX_BATCH 512u

struct zca_commit_queue {
    zca_commit_batch *run_batch;
    void *context;
    pthread_mutex_t mutex; /* over what follows; not held while a batch runs */
    struct zca_commit *head, **tail;
    bool is_busy; /* somebody runs a batch */
};

static struct zca_commit *take_batch(struct zca_commit_queue *queue)
{
    struct zca_commit *batch = queue->head;
    struct zca_commit *last = batch;
    for (unsigned i = 1; last->next && i < MAX_BATCH; i++) {
        last = last->next;
    }
    queue->head = last->next;
    last->next = NULL;
    if (!queue->head) {
        queue->tail = &queue->head;
    }
    return batch;
}

/* With the mutex held: whoever is done waits for it, and its part of the list is on its stack. */
static void finish_batch(struct zca_commit *batch)
{
    for (struct zca_commit *each = batch; each; each = each->next) {
        each->done = true;
        (void)pthread_cond_signal(&each->woken);
    }
}

/* With the mutex held, which others get while the batch runs. The first of those who came meanwhile is next. */
static void commit_waiting(struct zca_commit_queue *queue)
{
    struct zca_commit *batch = take_batch(queue);
    queue->is_busy = true;
    (void)pthread_mutex_unlock(&queue->mutex);
    queue->run_batch(queue->context, batch);
    (void)pthread_mutex_lock(&queue->mutex);
    queue->is_busy = false;
    finish_batch(batch);
    if (queue->head) {
        (void)pthread_cond_signal(&queue->head->woken);
    }
}

struct zca_commit_queue *zca_commit_queue_new(zca_commit_batch *run_batch, void *context,
                                              struct zca_error *err)
{
    struct zca_commit_queue *queue = calloc(1, sizeof(*queue));
    if (!queue) {
        zca_error_set(err, ZCA_ERR_MEMORY, "making the queue of the ledger");
        return NULL;
    }
    queue->run_batch = run_batch;
    queue->context = context;
    queue->tail = &queue->head;
    (void)pthread_mutex_init(&queue->mutex, NULL);
    return queue;
}

void zca_commit_queue_free(struct zca_commit_queue *queue)
{
    if (queue) {
        (void)pthread_mutex_destroy(&queue->mutex);
        free(queue);
    }
}

bool zca_commit_queue_submit(struct zca_commit_queue *queue, zca_backend_operation *operation,
                             void *context, struct zca_error *err)
{
    struct zca_commit commit = {
        .operation = operation, .context = context, .err = err, .woken = PTHREAD_COND_INITIALIZER};
    zca_auto(lock) pthread_mutex_t *held = zca_lock(&queue->mutex);
    *queue->tail = &commit;
    queue->tail = &commit.next;
    while (!commit.done) {
        if (queue->is_busy) {
            (void)pthread_cond_wait(&commit.woken, &queue->mutex);
        } else {
            commit_waiting(queue);
        }
    }
    return commit.ok;
}
