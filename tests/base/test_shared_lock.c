/* SPDX-License-Identifier: Apache-2.0 */
#include "base/shared_lock.h"
#include "tests/base/check.h"

#define NUM_THREADS (ZCA_SHARED_LOCK_LINES + 8) /* some share a line */
#define NUM_ROUNDS 500

static struct zca_shared_lock lock = ZCA_SHARED_LOCK_INITIALIZER;

static void run(pthread_t threads[], size_t count, void *(*work)(void *argument), void *argument)
{
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, work, argument), 0);
    }
}

static void join(pthread_t threads[], size_t count)
{
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    }
}

static void *meet_inside(void *meeting)
{
    zca_shared_lock_look(&lock);
    (void)pthread_barrier_wait(meeting); /* nobody leaves before all are here */
    zca_shared_lock_leave(&lock);
    return NULL;
}

static void shared_lock_is_looked_through_together(void **state)
{
    (void)state;
    pthread_t threads[NUM_THREADS];
    pthread_barrier_t meeting;
    assert_int_equal(pthread_barrier_init(&meeting, NULL, NUM_THREADS), 0);

    run(threads, NUM_THREADS, meet_inside, &meeting);

    join(threads, NUM_THREADS);
    assert_int_equal(pthread_barrier_destroy(&meeting), 0);
}

/* Two numbers that are equal for whoever has the lock. */
static volatile unsigned left, right;
static atomic_uint num_odd;

static void *look_and_change(void *unused)
{
    for (unsigned i = 0; i < NUM_ROUNDS; i++) {
        zca_shared_lock_look(&lock);
        if (left != right) {
            (void)atomic_fetch_add(&num_odd, 1);
        }
        zca_shared_lock_leave(&lock);
        zca_shared_lock_change(&lock);
        left = left + 1;
        right = right + 1;
        zca_shared_lock_leave(&lock);
    }
    return unused;
}

static void shared_lock_is_changed_under_alone(void **state)
{
    (void)state;
    pthread_t threads[NUM_THREADS];
    left = right = 0;

    run(threads, NUM_THREADS, look_and_change, NULL);

    join(threads, NUM_THREADS);
    assert_int_equal(atomic_load(&num_odd), 0);
    assert_int_equal(left, NUM_THREADS * NUM_ROUNDS);
}

static atomic_uint num_changed, num_looked;

static void *change(void *unused)
{
    zca_shared_lock_change(&lock);
    (void)atomic_fetch_add(&num_changed, atomic_load(&num_looked) == 0 ? 1 : 100);
    zca_shared_lock_leave(&lock);
    return unused;
}

static void *look(void *unused)
{
    zca_shared_lock_look(&lock);
    (void)atomic_fetch_add(&num_looked, 1);
    zca_shared_lock_leave(&lock);
    return unused;
}

static void shared_lock_lets_changers_go_before_later_lookers(void **state)
{
    (void)state;
    pthread_t changer, looker;
    zca_shared_lock_look(&lock);
    run(&changer, 1, change, NULL);
    while (atomic_load(&lock.num_asleep) == 0) {
    }

    run(&looker, 1, look, NULL);
    assert_int_equal(atomic_load(&num_changed), 0);
    zca_shared_lock_leave(&lock);

    join(&changer, 1);
    join(&looker, 1);
    assert_int_equal(atomic_load(&num_changed), 1);
    assert_int_equal(atomic_load(&num_looked), 1);
}

static void shared_lock_reset_frees_it(void **state)
{
    (void)state;
    static struct zca_shared_lock taken = ZCA_SHARED_LOCK_INITIALIZER;
    zca_shared_lock_look(&taken);
    zca_shared_lock_reset(&taken);
    zca_shared_lock_change(&taken); /* would wait for ever */
    zca_shared_lock_reset(&taken);

    zca_shared_lock_look(&taken); /* so would this */
    zca_shared_lock_leave(&taken);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shared_lock_is_looked_through_together),
        cmocka_unit_test(shared_lock_is_changed_under_alone),
        cmocka_unit_test(shared_lock_lets_changers_go_before_later_lookers),
        cmocka_unit_test(shared_lock_reset_frees_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
