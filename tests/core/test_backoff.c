/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "core/backoff.h"
#include "tests/base/check.h"

static const struct zca_backoff renewal = {
    .floor_ms = 10 * 1000,
    .first_ms = 30 * 1000,
    .cap_ms = 6 * 3600 * 1000,
};

static const uint32_t least = 0;
static const uint32_t most = UINT32_MAX;

static uint32_t next_random(uint32_t *state)
{
    *state = *state * UINT32_C(1664525) + UINT32_C(1013904223);
    return *state;
}

static void bound_doubles_up_to_the_cap(void **state)
{
    (void)state;
    assert_int_equal(zca_backoff_delay_ms(&renewal, 1, 0, most), 30 * 1000);
    assert_int_equal(zca_backoff_delay_ms(&renewal, 2, 0, most), 60 * 1000);
    assert_int_equal(zca_backoff_delay_ms(&renewal, 5, 0, most), 480 * 1000);
    assert_int_equal(zca_backoff_delay_ms(&renewal, 11, 0, most), 6 * 3600 * 1000);
    assert_int_equal(zca_backoff_delay_ms(&renewal, UINT32_MAX, 0, most), 6 * 3600 * 1000);
}

static void jitter_is_full_above_the_floor(void **state)
{
    (void)state;
    assert_int_equal(zca_backoff_delay_ms(&renewal, 1, 0, least), 10 * 1000);
    assert_int_equal(zca_backoff_delay_ms(&renewal, 20, 0, least), 10 * 1000);
    assert_in_range((uint64_t)zca_backoff_delay_ms(&renewal, 20, 0, UINT32_C(1) << 31),
                    10800 * 1000, 10810 * 1000);
}

static void cap_under_the_floor_gives_the_floor(void **state)
{
    (void)state;
    struct zca_backoff hurried = renewal;
    hurried.cap_ms = 5 * 1000; /* an eighth of forty seconds left */
    assert_int_equal(zca_backoff_delay_ms(&hurried, 7, 0, most), 10 * 1000);
}

static void authority_is_not_asked_before_it_wants(void **state)
{
    (void)state;
    assert_true(zca_backoff_delay_ms(&renewal, 1, 120, least) >= 120 * 1000);
    assert_true(zca_backoff_delay_ms(&renewal, 1, 120, 999) <= 132 * 1000);
    assert_int_equal(zca_backoff_delay_ms(&renewal, 1, -5, least), 10 * 1000);
    assert_true(zca_backoff_delay_ms(&renewal, 1, INT64_MAX, most) <=
                INT64_C(8) * 24 * 3600 * 1000);
}

/* A counter that overflowed after thirty days of failures made another client ask without pause. */
static void four_hundred_days_of_failures_stay_in_bounds(void **state)
{
    (void)state;
    const int64_t end_ms = INT64_C(400) * 24 * 3600 * 1000;
    uint32_t random = 1;
    unsigned failures = 0;
    int64_t now_ms = 0;
    while (now_ms < end_ms) {
        int64_t delay_ms = zca_backoff_delay_ms(&renewal, ++failures, 0, next_random(&random));
        assert_true(delay_ms >= renewal.floor_ms && delay_ms <= renewal.cap_ms);
        now_ms += delay_ms;
    }
    print_message("400 days: %u attempts\n", failures);
    assert_in_range(failures, 2 * 400, 12 * 400);
}

/* Every count of failures there can be, with hostile wishes of the authority. */
static void no_number_of_failures_overflows(void **state)
{
    (void)state;
    static const int64_t wishes[] = {INT64_MIN, -1, 0, 1, 86400, INT64_MAX};
    uint32_t random = 7;
    for (unsigned failures = 1; failures != 0; failures = failures * 3 + 1) {
        for (size_t i = 0; i < ZCA_COUNT(wishes); i++) {
            int64_t delay_ms =
                zca_backoff_delay_ms(&renewal, failures, wishes[i], next_random(&random));
            assert_true(delay_ms >= renewal.floor_ms);
            assert_true(delay_ms <= INT64_C(8) * 24 * 3600 * 1000);
        }
        if (failures > UINT32_MAX / 3 - 1) {
            break;
        }
    }
}

/* A thousand hosts that failed at one moment do not come back at one moment. */
static void herd_spreads(void **state)
{
    (void)state;

    enum { HOSTS = 1000, SLOTS = 60 };

    unsigned slots[SLOTS] = {0};
    uint32_t random = 3;
    unsigned peak = 0;
    for (int host = 0; host < HOSTS; host++) {
        int64_t delay_ms = zca_backoff_delay_ms(&renewal, 8, 0, next_random(&random));
        size_t slot = (size_t)((delay_ms - 10 * 1000) * (SLOTS - 1) / (3840 * 1000));
        assert_true(slot < SLOTS);
        slots[slot]++;
        peak = slots[slot] > peak ? slots[slot] : peak;
    }
    print_message("peak/mean: %.2f\n", (double)peak * SLOTS / HOSTS);
    assert_true(peak <= 3 * HOSTS / SLOTS);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(bound_doubles_up_to_the_cap),
        cmocka_unit_test(jitter_is_full_above_the_floor),
        cmocka_unit_test(cap_under_the_floor_gives_the_floor),
        cmocka_unit_test(authority_is_not_asked_before_it_wants),
        cmocka_unit_test(four_hundred_days_of_failures_stay_in_bounds),
        cmocka_unit_test(no_number_of_failures_overflows),
        cmocka_unit_test(herd_spreads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
