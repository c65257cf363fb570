/* SPDX-License-Identifier: Apache-2.0 */
/* The worker pool. Waits are bounded by poll's time-out. */
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/lock.h"
#include "server/worker.h"

#define PATIENCE_MS 30000

struct task {
    struct zca_job job;
    pthread_mutex_t *gate; /* NULL: does not wait */
    int runs;
};

static void run_task(struct zca_job *job)
{
    struct task *task = (struct task *)job;
    if (task->gate) {
        zca_auto(lock) pthread_mutex_t *held = zca_lock(task->gate);
    }
    task->runs++;
}

static struct task make_task(pthread_mutex_t *gate)
{
    return (struct task){.job.run = run_task, .gate = gate};
}

/* Takes finished jobs until `wanted` were seen. */
static size_t take(struct zca_workers *workers, size_t wanted)
{
    size_t seen = 0;
    struct pollfd ready = {.fd = zca_workers_descriptor(workers), .events = POLLIN};
    while (seen < wanted && poll(&ready, 1, PATIENCE_MS) == 1) {
        for (struct zca_job *job = zca_workers_take(workers); job; job = job->next) {
            seen++;
        }
    }
    return seen;
}

static void jobs_run_once_and_come_back(void **state)
{
    (void)state;
    struct zca_workers *workers = zca_workers_new(4, 1000, NULL);
    assert_non_null(workers);
    struct task tasks[500];
    for (size_t i = 0; i < ZCA_COUNT(tasks); i++) {
        tasks[i] = make_task(NULL);
        assert_true(zca_workers_submit(workers, &tasks[i].job));
    }

    assert_int_equal(take(workers, ZCA_COUNT(tasks)), ZCA_COUNT(tasks));

    for (size_t i = 0; i < ZCA_COUNT(tasks); i++) {
        assert_int_equal(tasks[i].runs, 1);
    }
    assert_null(zca_workers_take(workers));
    assert_true(zca_workers_stop(workers, 30));
    zca_workers_free(workers);
}

static void full_queue_refuses(void **state)
{
    (void)state;
    pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
    struct zca_workers *workers = zca_workers_new(1, 2, NULL);
    assert_non_null(workers);
    struct task tasks[8];
    size_t accepted = 0;
    pthread_mutex_lock(&gate);
    for (size_t i = 0; i < ZCA_COUNT(tasks); i++) {
        tasks[i] = make_task(&gate);
        accepted += zca_workers_submit(workers, &tasks[i].job) ? 1 : 0;
    }
    pthread_mutex_unlock(&gate);

    /* two wait; a third may be with the thread already */
    assert_in_range(accepted, 2, 3);
    assert_int_equal(take(workers, accepted), accepted);
    assert_true(zca_workers_submit(workers, &tasks[7].job));
    assert_int_equal(take(workers, 1), 1);
    assert_true(zca_workers_stop(workers, 30));
    zca_workers_free(workers);
}

static void heavy_jobs_leave_threads_to_others(void **state)
{
    (void)state;
    pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
    struct zca_workers *workers = zca_workers_new(4, 100, NULL);
    assert_non_null(workers);
    struct task heavy[8], light[20];
    pthread_mutex_lock(&gate);
    for (size_t i = 0; i < ZCA_COUNT(heavy); i++) {
        heavy[i] = make_task(&gate);
        heavy[i].job.heavy = true;
        assert_true(zca_workers_submit(workers, &heavy[i].job));
    }
    for (size_t i = 0; i < ZCA_COUNT(light); i++) {
        light[i] = make_task(NULL);
        assert_true(zca_workers_submit(workers, &light[i].job));
    }

    assert_int_equal(take(workers, ZCA_COUNT(light)), ZCA_COUNT(light));

    pthread_mutex_unlock(&gate);
    assert_int_equal(take(workers, ZCA_COUNT(heavy)), ZCA_COUNT(heavy));
    assert_true(zca_workers_stop(workers, 30));
    zca_workers_free(workers);
}

static void heavy_jobs_leave_places_to_others(void **state)
{
    (void)state;
    pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
    struct zca_workers *workers = zca_workers_new(4, 40, NULL);
    assert_non_null(workers);
    struct task heavy[40], light[10];
    size_t accepted = 0;
    pthread_mutex_lock(&gate);
    for (size_t i = 0; i < ZCA_COUNT(heavy); i++) {
        heavy[i] = make_task(&gate);
        heavy[i].job.heavy = true;
        accepted += zca_workers_submit(workers, &heavy[i].job) ? 1 : 0;
    }

    /* ten wait; an eleventh may be with a thread already */
    assert_in_range(accepted, 10, 11);
    for (size_t i = 0; i < ZCA_COUNT(light); i++) {
        light[i] = make_task(NULL);
        assert_true(zca_workers_submit(workers, &light[i].job));
    }
    assert_int_equal(take(workers, ZCA_COUNT(light)), ZCA_COUNT(light));

    pthread_mutex_unlock(&gate);
    assert_int_equal(take(workers, accepted), accepted);
    assert_true(zca_workers_submit(workers, &heavy[39].job));
    assert_true(zca_workers_stop(workers, 30));
    zca_workers_free(workers);
}

static void stop_finishes_heavy_jobs_too(void **state)
{
    (void)state;
    struct zca_workers *workers = zca_workers_new(4, 200, NULL);
    assert_non_null(workers);
    struct task tasks[50];
    for (size_t i = 0; i < ZCA_COUNT(tasks); i++) {
        tasks[i] = make_task(NULL);
        tasks[i].job.heavy = true;
        assert_true(zca_workers_submit(workers, &tasks[i].job));
    }

    assert_true(zca_workers_stop(workers, 30));

    for (size_t i = 0; i < ZCA_COUNT(tasks); i++) {
        assert_int_equal(tasks[i].runs, 1);
    }
    zca_workers_free(workers);
}

static void stop_finishes_what_was_queued(void **state)
{
    (void)state;
    struct zca_workers *workers = zca_workers_new(2, 100, NULL);
    assert_non_null(workers);
    struct task tasks[50];
    for (size_t i = 0; i < ZCA_COUNT(tasks); i++) {
        tasks[i] = make_task(NULL);
        assert_true(zca_workers_submit(workers, &tasks[i].job));
    }

    assert_true(zca_workers_stop(workers, 30));

    for (size_t i = 0; i < ZCA_COUNT(tasks); i++) {
        assert_int_equal(tasks[i].runs, 1);
    }
    assert_false(zca_workers_submit(workers, &tasks[0].job));
    zca_workers_free(workers);
}

static void stop_does_not_wait_for_ever(void **state)
{
    (void)state;
    pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
    struct zca_workers *workers = zca_workers_new(1, 1, NULL);
    assert_non_null(workers);
    struct task task = make_task(&gate);
    pthread_mutex_lock(&gate);
    assert_true(zca_workers_submit(workers, &task.job));

    assert_false(zca_workers_stop(workers, 1));

    pthread_mutex_unlock(&gate);
    assert_true(zca_workers_stop(workers, 30));
    zca_workers_free(workers);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(jobs_run_once_and_come_back),
        cmocka_unit_test(full_queue_refuses),
        cmocka_unit_test(heavy_jobs_leave_threads_to_others),
        cmocka_unit_test(heavy_jobs_leave_places_to_others),
        cmocka_unit_test(stop_finishes_heavy_jobs_too),
        cmocka_unit_test(stop_finishes_what_was_queued),
        cmocka_unit_test(stop_does_not_wait_for_ever),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
