/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The queue is a list through the submitters' stacks. Results of pthread calls are not looked at:
 * with default mutexes and conditions they fail only for our own mistakes.
 */
#include "server/commit_queue.h"

#include <stdlib.h>
#include <string.h>

#include "base/lock.h"

/* Bounds the time a batch holds the engine's write lock. */
#define MAX_BATCH 512u

struct zca_commit_queue {
    zca_commit_batch *run_batch;
    void *context;
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t work;
    struct zca_commit *head, **tail;
    bool stopping;
};

static struct zca_commit *take_batch(struct zca_commit_queue *queue)
{
    zca_auto(lock) pthread_mutex_t *held = zca_lock(&queue->mutex);
    while (!queue->head && !queue->stopping) {
        (void)pthread_cond_wait(&queue->work, &queue->mutex);
    }
    struct zca_commit *batch = queue->head;
    struct zca_commit *last = batch;
    for (unsigned i = 1; last && last->next && i < MAX_BATCH; i++) {
        last = last->next;
    }
    queue->head = last ? last->next : NULL;
    if (last) {
        last->next = NULL;
    }
    if (!queue->head) {
        queue->tail = &queue->head;
    }
    return batch;
}

static void finish_batch(struct zca_commit_queue *queue, struct zca_commit *batch)
{
    zca_auto(lock) pthread_mutex_t *held = zca_lock(&queue->mutex);
    for (struct zca_commit *each = batch; each; each = each->next) {
        each->done = true;
        (void)pthread_cond_signal(&each->finished);
    }
}

static void *work(void *opaque)
{
    struct zca_commit_queue *queue = opaque;
    struct zca_commit *batch = take_batch(queue);
    while (batch) {
        queue->run_batch(queue->context, batch);
        finish_batch(queue, batch);
        batch = take_batch(queue);
    }
    return NULL;
}

struct zca_commit_queue *zca_commit_queue_new(zca_commit_batch *run_batch, void *context,
                                              struct zca_error *err)
{
    struct zca_commit_queue *queue = calloc(1, sizeof(*queue));
    if (!queue) {
        zca_error_set(err, ZCA_ERR_MEMORY, "starting the writer");
        return NULL;
    }
    queue->run_batch = run_batch;
    queue->context = context;
    queue->tail = &queue->head;
    (void)pthread_mutex_init(&queue->mutex, NULL);
    (void)pthread_cond_init(&queue->work, NULL);
    int rc = pthread_create(&queue->thread, NULL, work, queue);
    if (rc != 0) {
        zca_error_set(err, ZCA_ERR_SYSTEM, "starting the writer: %s", strerror(rc));
        free(queue);
        return NULL;
    }
    return queue;
}

void zca_commit_queue_free(struct zca_commit_queue *queue)
{
    if (!queue) {
        return;
    }
    {
        zca_auto(lock) pthread_mutex_t *held = zca_lock(&queue->mutex);
        queue->stopping = true;
        (void)pthread_cond_signal(&queue->work);
    }
    (void)pthread_join(queue->thread, NULL);
    (void)pthread_cond_destroy(&queue->work);
    (void)pthread_mutex_destroy(&queue->mutex);
    free(queue);
}

bool zca_commit_queue_submit(struct zca_commit_queue *queue, zca_backend_operation *operation,
                             void *context, struct zca_error *err)
{
    struct zca_commit commit = {.operation = operation,
                                .context = context,
                                .err = err,
                                .finished = PTHREAD_COND_INITIALIZER};
    zca_auto(lock) pthread_mutex_t *held = zca_lock(&queue->mutex);
    *queue->tail = &commit;
    queue->tail = &commit.next;
    (void)pthread_cond_signal(&queue->work);
    while (!commit.done) {
        (void)pthread_cond_wait(&commit.finished, &queue->mutex);
    }
    return commit.ok;
}
