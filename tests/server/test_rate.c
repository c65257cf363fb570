/* SPDX-License-Identifier: Apache-2.0 */
/* Events in a minute, at a clock that the test turns. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/auto.h"
#include "server/rate.h"

static const int64_t rates[] = {1, 7, 60, 59999, 60001, 100000};

/* How many of `wanted` events at one moment are within the rate. */
static int64_t count(struct zca_rate *rate, const char *name, int64_t per_minute, int64_t wanted,
                     int64_t now_ms)
{
    int64_t admitted = 0;
    for (int64_t i = 0; i < wanted; i++) {
        admitted += zca_rate_admit(rate, name, per_minute, now_ms) ? 1 : 0;
    }
    return admitted;
}

static void every_rate_is_a_limit(void **state)
{
    (void)state;
    for (size_t i = 0; i < ZCA_COUNT(rates); i++) {
        struct zca_rate *rate = zca_rate_new(NULL);
        assert_non_null(rate);
        int64_t admitted = count(rate, "key", rates[i], 2 * rates[i], 1000);
        /* a share is cut to whole microseconds: a little more fits into the minute */
        assert_in_range(admitted, rates[i], rates[i] + rates[i] / 500);
        zca_rate_free(rate);
    }
}

static void time_pays_the_debt(void **state)
{
    (void)state;
    struct zca_rate *rate = zca_rate_new(NULL);
    assert_non_null(rate);
    assert_int_equal(count(rate, "key", 60, 100, 1000), 60);
    assert_int_equal(count(rate, "key", 60, 100, 1999), 0);
    assert_int_equal(count(rate, "key", 60, 100, 3000), 2);
    assert_int_equal(count(rate, "key", 60, 100, 63000), 60);
    zca_rate_free(rate);
}

static void names_do_not_share(void **state)
{
    (void)state;
    struct zca_rate *rate = zca_rate_new(NULL);
    assert_non_null(rate);
    assert_int_equal(count(rate, "one", 5, 10, 1000), 5);
    assert_int_equal(count(rate, "two", 5, 10, 1000), 5);
    assert_false(zca_rate_admit(rate, "three", 0, 1000));
    zca_rate_free(rate);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_rate_is_a_limit),
        cmocka_unit_test(time_pays_the_debt),
        cmocka_unit_test(names_do_not_share),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
