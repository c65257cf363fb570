/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A bounded queue in, a list out, an eventfd between. Heavy jobs (password hashes: 32 MB and 60 ms
 * each; CRLs) wait in a queue of their own with a quarter of the places, so that a rush of logins does not
 * stop everything else.
 */
#include "server/worker.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "base/lock.h"

struct list {
    struct zca_job *first;
    struct zca_job **end;
};

struct zca_workers {
    pthread_mutex_t mutex; /* guards all but the threads' ids and the descriptor */
    pthread_cond_t work;
    pthread_cond_t idle; /* a thread has left; monotonic clock */
    struct list waiting;
    struct list heavy;        /* waiting as well */
    size_t num_waiting;       /* in both */
    size_t num_heavy_waiting; /* of them in `heavy` */
    size_t num_heavy;         /* running */
    size_t heavy_limit;       /* running */
    size_t queue_limit;       /* in both */
    size_t heavy_queue_limit; /* in `heavy` */
    struct list finished;
    bool stopping;
    size_t num_running_threads;
    int descriptor;
    size_t num_threads;
    pthread_t threads[];
};

static void list_init(struct list *list)
{
    list->first = NULL;
    list->end = &list->first;
}

static void list_add(struct list *list, struct zca_job *job)
{
    job->next = NULL;
    *list->end = job;
    list->end = &job->next;
}

static struct zca_job *list_remove(struct list *list)
{
    struct zca_job *job = list->first;
    if (job) {
        list->first = job->next;
        if (!list->first) {
            list->end = &list->first;
        }
    }
    return job;
}

/* Waits for a job; NULL when there is none left and the pool stops. */
static struct zca_job *next_job(struct zca_workers *workers)
{
    zca_auto(lock) pthread_mutex_t *held = zca_lock(&workers->mutex);
    for (;;) {
        bool heavy = workers->heavy.first && workers->num_heavy < workers->heavy_limit;
        struct zca_job *job = list_remove(heavy ? &workers->heavy : &workers->waiting);
        if (job) {
            workers->num_waiting--;
            workers->num_heavy_waiting -= job->heavy ? 1 : 0;
            workers->num_heavy += job->heavy ? 1 : 0;
            return job;
        }
        if (workers->stopping && workers->num_waiting == 0) {
            return NULL;
        }
        (void)pthread_cond_wait(&workers->work, held); /* cannot fail on our own objects */
    }
}

static void finish_job(struct zca_workers *workers, struct zca_job *job)
{
    bool was_empty;
    {
        zca_auto(lock) pthread_mutex_t *held = zca_lock(&workers->mutex);
        workers->num_heavy -= job->heavy ? 1 : 0; /* this thread takes the next one, if any */
        was_empty = workers->finished.first == NULL;
        list_add(&workers->finished, job);
    }
    if (was_empty) {
        /* The counter cannot overflow: the reader resets it before it empties the list. */
        (void)eventfd_write(workers->descriptor, 1);
    }
}

static void *work(void *argument)
{
    struct zca_workers *workers = argument;
    for (struct zca_job *job = next_job(workers); job; job = next_job(workers)) {
        job->run(job);
        finish_job(workers, job);
    }
    zca_auto(lock) pthread_mutex_t *held = zca_lock(&workers->mutex);
    workers->num_running_threads--;
    (void)pthread_cond_signal(&workers->idle);    /* these cannot fail */
    (void)pthread_cond_broadcast(&workers->work); /* others may wait for a heavy job that is done */
    return NULL;
}

static bool start_threads(struct zca_workers *workers, struct zca_error *err)
{
    sigset_t all, previous;
    sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &previous); /* cannot fail with these arguments */
    int rc = 0;
    while (rc == 0 && workers->num_running_threads < workers->num_threads) {
        rc = pthread_create(&workers->threads[workers->num_running_threads], NULL, work, workers);
        if (rc == 0) {
            zca_auto(lock) pthread_mutex_t *held = zca_lock(&workers->mutex);
            workers->num_running_threads++;
        }
    }
    (void)pthread_sigmask(SIG_SETMASK, &previous, NULL); /* as above */
    errno = rc;
    return rc == 0 ? true : zca_error_set_errno(err, "starting a worker thread");
}

struct zca_workers *zca_workers_new(size_t num_threads, size_t queue_limit, struct zca_error *err)
{
    struct zca_workers *workers = calloc(1, sizeof *workers + num_threads * sizeof(pthread_t));
    if (!workers) {
        (void)zca_error_set(err, ZCA_ERR_MEMORY, "making the worker pool"); /* always false */
        return NULL;
    }
    pthread_condattr_t monotonic;
    (void)pthread_condattr_init(&monotonic); /* these cannot fail on Linux */
    (void)pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    (void)pthread_mutex_init(&workers->mutex, NULL);
    (void)pthread_cond_init(&workers->work, NULL);
    (void)pthread_cond_init(&workers->idle, &monotonic);
    (void)pthread_condattr_destroy(&monotonic);
    list_init(&workers->waiting);
    list_init(&workers->heavy);
    list_init(&workers->finished);
    workers->heavy_limit = (num_threads + 3) / 4;
    workers->queue_limit = queue_limit;
    workers->heavy_queue_limit = (queue_limit + 3) / 4;
    workers->num_threads = num_threads;
    workers->descriptor = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (workers->descriptor < 0) {
        (void)zca_error_set_errno(err, "making the workers' eventfd"); /* always false */
        zca_workers_free(workers);
        return NULL;
    }
    if (!start_threads(workers, err)) {
        workers->num_threads = workers->num_running_threads;
        if (zca_workers_stop(workers, 1)) {
            zca_workers_free(workers);
        }
        return NULL;
    }
    return workers;
}

bool zca_workers_submit(struct zca_workers *workers, struct zca_job *job)
{
    {
        zca_auto(lock) pthread_mutex_t *held = zca_lock(&workers->mutex);
        bool full = workers->num_waiting >= workers->queue_limit ||
                    (job->heavy && workers->num_heavy_waiting >= workers->heavy_queue_limit);
        if (workers->stopping || full) {
            return false;
        }
        list_add(job->heavy ? &workers->heavy : &workers->waiting, job);
        workers->num_waiting++;
        workers->num_heavy_waiting += job->heavy ? 1 : 0;
    }
    /* Without the lock, which the woken thread wants first; it cannot fail. */
    (void)pthread_cond_signal(&workers->work);
    return true;
}

int zca_workers_descriptor(const struct zca_workers *workers)
{
    return workers->descriptor;
}

struct zca_job *zca_workers_take(struct zca_workers *workers)
{
    eventfd_t ignored;
    (void)eventfd_read(workers->descriptor, &ignored); /* EAGAIN when nothing was signalled */
    zca_auto(lock) pthread_mutex_t *held = zca_lock(&workers->mutex);
    struct zca_job *first = workers->finished.first;
    list_init(&workers->finished);
    return first;
}

bool zca_workers_stop(struct zca_workers *workers, long timeout_s)
{
    struct timespec deadline;
    (void)clock_gettime(CLOCK_MONOTONIC, &deadline); /* always there on Linux */
    deadline.tv_sec += timeout_s;
    int rc = 0;
    {
        zca_auto(lock) pthread_mutex_t *held = zca_lock(&workers->mutex);
        workers->stopping = true;
        (void)pthread_cond_broadcast(&workers->work); /* cannot fail */
        while (workers->num_running_threads > 0 && rc == 0) {
            rc = pthread_cond_timedwait(&workers->idle, held, &deadline);
        }
        if (workers->num_running_threads > 0) {
            return false;
        }
    }
    for (size_t i = 0; i < workers->num_threads; i++) {
        (void)pthread_join(workers->threads[i], NULL); /* each has left its loop */
    }
    workers->num_threads = 0;
    return true;
}

void zca_workers_free(struct zca_workers *workers)
{
    if (!workers) {
        return;
    }
    if (workers->descriptor >= 0) {
        (void)close(workers->descriptor); /* nothing to lose in an eventfd */
    }
    (void)pthread_cond_destroy(&workers->idle); /* nobody waits any more */
    (void)pthread_cond_destroy(&workers->work);
    (void)pthread_mutex_destroy(&workers->mutex);
    free(workers);
}
