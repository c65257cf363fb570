/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "base/auto.h"
#include "base/lock.h"
#include "tests/base/check.h"

static int num_released;

static void release(int *object)
{
    num_released += object ? 1 : 0;
}

ZCA_DEFINE_AUTO(counted, int, release);
ZCA_DEFINE_AUTO_CLEAR(counted_struct, int, release);

static void auto_releases_at_the_end_of_the_block(void **state)
{
    (void)state;
    int object = 0;
    num_released = 0;
    {
        zca_auto(counted) int *owned = &object;
        zca_auto(counted_struct) int in_place = 0;
        assert_int_equal(num_released, 0);
    }
    assert_int_equal(num_released, 2);
}

static void stolen_object_is_not_released(void **state)
{
    (void)state;
    int object = 0;
    int *kept = NULL;
    num_released = 0;
    {
        zca_auto(counted) int *owned = &object;
        kept = zca_steal(owned);
        assert_null(owned);
    }
    assert_int_equal(num_released, 0);
    assert_ptr_equal(kept, &object);
}

static void lock_is_held_to_the_end_of_the_block(void **state)
{
    (void)state;
    pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    {
        zca_auto(lock) pthread_mutex_t *held = zca_lock(&mutex);
        assert_int_equal(pthread_mutex_trylock(&mutex), EBUSY);
    }
    assert_int_equal(pthread_mutex_trylock(&mutex), 0);
    pthread_mutex_unlock(&mutex);
    pthread_mutex_destroy(&mutex);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(auto_releases_at_the_end_of_the_block),
        cmocka_unit_test(stolen_object_is_not_released),
        cmocka_unit_test(lock_is_held_to_the_end_of_the_block),
    };
    return cmocka_run_group_tests_name("base/auto", tests, NULL, NULL);
}
