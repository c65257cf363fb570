/* SPDX-License-Identifier: Apache-2.0 */
#include <pthread.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/gate.h"
#include "tests/base/check.h"

#define TIMEOUT_S 30
#define NUM_THREADS 4
#define NUM_CHILDREN 50

static atomic_uint stage;

static void wait_for(unsigned wanted)
{
    while (atomic_load(&stage) < wanted) {
        (void)nanosleep(&(struct timespec){.tv_nsec = 100000}, NULL); /* shorter does no harm */
    }
}

/* A child that does not come through the gate is killed. */
static pid_t fork_child(void)
{
    pid_t pid = fork();
    if (pid == 0) {
        (void)alarm(TIMEOUT_S); /* never fails */
        zca_gate_enter();
        zca_gate_enter();
        zca_gate_leave();
        zca_gate_leave();
        _exit(0);
    }
    return pid;
}

static void expect_good_end(pid_t pid)
{
    int status = -1;
    assert_true(pid > 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

/* ---- a fork and somebody inside ---- */

static void *stay_inside(void *unused)
{
    zca_gate_enter();
    atomic_store(&stage, 1);
    wait_for(2);
    /* long enough for the fork to begin waiting, mostly; a second entry must not wait behind it */
    (void)nanosleep(&(struct timespec){.tv_nsec = 50000000}, NULL); /* as above */
    zca_gate_enter();
    zca_gate_leave();
    atomic_store(&stage, 3);
    zca_gate_leave();
    return unused;
}

static void gate_keeps_a_fork_waiting_until_nobody_is_inside(void **state)
{
    (void)state;
    pthread_t thread;
    atomic_store(&stage, 0);
    assert_int_equal(pthread_create(&thread, NULL, stay_inside, NULL), 0);
    wait_for(1);
    atomic_store(&stage, 2);

    pid_t pid = fork_child();

    assert_int_equal(atomic_load(&stage), 3);
    expect_good_end(pid);
    assert_int_equal(pthread_join(thread, NULL), 0);
}

static void gate_lets_a_thread_fork_that_is_inside(void **state)
{
    (void)state;
    zca_gate_enter();
    pid_t pid = fork_child();
    zca_gate_leave();

    expect_good_end(pid);
    expect_good_end(fork_child()); /* the parent's gate is free again */
}

/* ---- many ---- */

static atomic_bool is_over;

static void *come_and_go(void *unused)
{
    while (!atomic_load(&is_over)) {
        zca_gate_enter();
        zca_gate_leave();
    }
    return unused;
}

static void gate_is_free_in_children_of_a_busy_process(void **state)
{
    (void)state;
    check_skip_where_forks_hang();
    pthread_t threads[NUM_THREADS];
    for (size_t i = 0; i < NUM_THREADS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, come_and_go, NULL), 0);
    }

    for (size_t i = 0; i < NUM_CHILDREN; i++) {
        expect_good_end(fork_child());
    }

    atomic_store(&is_over, true);
    for (size_t i = 0; i < NUM_THREADS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gate_keeps_a_fork_waiting_until_nobody_is_inside),
        cmocka_unit_test(gate_lets_a_thread_fork_that_is_inside),
        cmocka_unit_test(gate_is_free_in_children_of_a_busy_process),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
