/* SPDX-License-Identifier: Apache-2.0 */
/* Limits by client address. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "server/limit.h"

#define START_MS 1000000

static const struct zca_limit_rule rules[] = {
    {.burst = 10, .period_s = 300},
    {.burst = 0,  .period_s = 300},
    {.burst = 2,  .period_s = 10 },
};

static struct zca_client_address client(const char *text)
{
    struct sockaddr_in ipv4 = {.sin_family = AF_INET};
    struct sockaddr_in6 ipv6 = {.sin6_family = AF_INET6};
    if (inet_pton(AF_INET, text, &ipv4.sin_addr) == 1) {
        return zca_client_address_of((struct sockaddr *)&ipv4);
    }
    assert_int_equal(inet_pton(AF_INET6, text, &ipv6.sin6_addr), 1);
    return zca_client_address_of((struct sockaddr *)&ipv6);
}

static int make_limiter(void **state)
{
    *state = zca_limiter_new(rules, sizeof rules / sizeof rules[0], 3, NULL);
    return *state ? 0 : -1;
}

static int free_limiter(void **state)
{
    zca_limiter_free(*state);
    return 0;
}

static void tenth_login_is_admitted_and_eleventh_waits(void **state)
{
    for (int i = 0; i < 10; i++) {
        assert_int_equal(zca_limiter_admit(*state, 0, client("192.0.2.1"), START_MS), 0);
    }
    assert_int_equal(zca_limiter_admit(*state, 0, client("192.0.2.1"), START_MS), 30);
}

static void time_gives_one_login_back(void **state)
{
    for (int i = 0; i < 10; i++) {
        assert_int_equal(zca_limiter_admit(*state, 0, client("192.0.2.1"), START_MS), 0);
    }
    assert_int_equal(zca_limiter_admit(*state, 0, client("192.0.2.1"), START_MS + 29000), 1);
    assert_int_equal(zca_limiter_admit(*state, 0, client("192.0.2.1"), START_MS + 30000), 0);
    assert_int_equal(zca_limiter_admit(*state, 0, client("192.0.2.1"), START_MS + 30000), 30);
}

static void refusals_do_not_prolong_the_wait(void **state)
{
    for (int i = 0; i < 1000; i++) {
        (void)zca_limiter_admit(*state, 0, client("192.0.2.1"), START_MS);
    }
    assert_int_equal(zca_limiter_admit(*state, 0, client("192.0.2.1"), START_MS + 30000), 0);
}

static void addresses_and_rules_are_counted_apart(void **state)
{
    for (int i = 0; i < 11; i++) {
        (void)zca_limiter_admit(*state, 0, client("192.0.2.1"), START_MS);
    }
    assert_int_equal(zca_limiter_admit(*state, 0, client("192.0.2.2"), START_MS), 0);
    assert_int_equal(zca_limiter_admit(*state, 2, client("192.0.2.1"), START_MS), 0);
}

static void ipv6_is_counted_by_its_network(void **state)
{
    assert_int_equal(zca_limiter_admit(*state, 2, client("2001:db8::1"), START_MS), 0);
    assert_int_equal(zca_limiter_admit(*state, 2, client("2001:db8::2"), START_MS), 0);
    assert_int_equal(zca_limiter_admit(*state, 2, client("2001:db8::3"), START_MS), 5);
    assert_int_equal(zca_limiter_admit(*state, 2, client("2001:db8:0:1::3"), START_MS), 0);
}

static void mapped_ipv4_is_the_ipv4_address(void **state)
{
    (void)state;
    struct zca_client_address mapped = client("::ffff:192.0.2.1");
    struct zca_client_address plain = client("192.0.2.1");

    assert_int_equal(mapped.high, plain.high);
    assert_int_equal(mapped.low, plain.low);
}

static void rule_without_burst_admits_all(void **state)
{
    for (int i = 0; i < 1000; i++) {
        assert_int_equal(zca_limiter_admit(*state, 1, client("192.0.2.1"), START_MS), 0);
    }
}

static void flood_of_addresses_does_not_open_the_limit_for_one(void **state)
{
    for (int i = 0; i < 11; i++) {
        (void)zca_limiter_admit(*state, 0, client("192.0.2.1"), START_MS);
    }
    for (uint64_t i = 1; i <= 1000; i++) {
        struct zca_client_address other = {.low = i};
        (void)zca_limiter_admit(*state, 0, other, START_MS);
    }
    assert_int_not_equal(zca_limiter_admit(*state, 0, client("192.0.2.1"), START_MS), 0);
}

static void connections_over_the_limit_are_refused_until_one_leaves(void **state)
{
    struct zca_client_address one = client("192.0.2.1");
    assert_true(zca_limiter_enter(*state, one));
    assert_true(zca_limiter_enter(*state, one));
    assert_true(zca_limiter_enter(*state, one));
    assert_false(zca_limiter_enter(*state, one));
    zca_limiter_leave(*state, one);
    assert_true(zca_limiter_enter(*state, one));
}

static void loopback_may_open_any_number(void **state)
{
    static const char *const addresses[] = {"127.0.0.1", "127.1.2.3", "::1", "::ffff:127.0.0.1"};
    for (size_t i = 0; i < sizeof addresses / sizeof addresses[0]; i++) {
        for (int j = 0; j < 10; j++) {
            assert_true(zca_limiter_enter(*state, client(addresses[i])));
        }
    }
    assert_false(client("128.0.0.1").loopback);
    assert_false(client("::2").loopback);
}

#define WITH_LIMITER(test) cmocka_unit_test_setup_teardown(test, make_limiter, free_limiter)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_LIMITER(tenth_login_is_admitted_and_eleventh_waits),
        WITH_LIMITER(time_gives_one_login_back),
        WITH_LIMITER(refusals_do_not_prolong_the_wait),
        WITH_LIMITER(addresses_and_rules_are_counted_apart),
        WITH_LIMITER(ipv6_is_counted_by_its_network),
        cmocka_unit_test(mapped_ipv4_is_the_ipv4_address),
        WITH_LIMITER(rule_without_burst_admits_all),
        WITH_LIMITER(flood_of_addresses_does_not_open_the_limit_for_one),
        WITH_LIMITER(connections_over_the_limit_are_refused_until_one_leaves),
        WITH_LIMITER(loopback_may_open_any_number),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
