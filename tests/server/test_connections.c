/* SPDX-License-Identifier: Apache-2.0 */
/* Who may come in when the house is full, seen from the other ends of the connections. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "server/connections.h"
#include "server/options.h"
#include "tests/base/check.h"

struct house {
    struct zca_server server;
    void *directory; /* of its own */
    struct event_base *base;
    struct zca_workers *workers;
    struct zca_connections *connections;
};

/* Two connections at once, and one for each address. */
static int open_house(void **state)
{
    struct house *house = calloc(1, sizeof(*house));
    struct zca_config *config = zca_config_parse("", "test", &zca_server_section, 1, NULL);
    assert_non_null(house);
    assert_non_null(config);
    assert_int_equal(check_setup_directory(&house->directory), 0);
    assert_true(zca_config_override(config, "server", "max-connections-per-address", "1", NULL));
    assert_true(zca_config_override(config, "server", "state-dir", house->directory, NULL));
    assert_true(zca_server_open(&house->server, config, NULL));
    house->base = event_base_new();
    house->workers = zca_workers_new(1, 1, NULL);
    house->connections = zca_connections_new(&house->server, house->base, house->workers,
                                             SSL_CTX_new(TLS_server_method()), 2, NULL);
    assert_non_null(house->connections);
    *state = house;
    return 0;
}

static int close_house(void **state)
{
    struct house *house = *state;
    assert_true(zca_workers_stop(house->workers, 30));
    zca_connections_free(house->connections);
    zca_workers_free(house->workers);
    event_base_free(house->base);
    zca_server_clear(&house->server);
    assert_int_equal(check_teardown_directory(&house->directory), 0);
    free(house);
    return 0;
}

/* Returns the client's end of a connection that comes from `address`. */
static int arrive(struct house *house, const char *address)
{
    struct sockaddr_in from = {.sin_family = AF_INET};
    int ends[2];
    assert_int_equal(inet_pton(AF_INET, address, &from.sin_addr), 1);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
    zca_connections_accept(house->connections, ends[0], (const struct sockaddr *)&from,
                           sizeof(from));
    return ends[1];
}

static bool is_open(struct house *house, int end)
{
    struct pollfd peer = {.fd = end, .events = POLLIN};
    assert_true(event_base_loop(house->base, EVLOOP_NONBLOCK) >= 0);
    return poll(&peer, 1, 0) == 0;
}

static void new_client_takes_the_place_of_the_longest_waiting(void **state)
{
    struct house *house = *state;
    int first = arrive(house, "192.0.2.1");
    int second = arrive(house, "192.0.2.2");

    int third = arrive(house, "192.0.2.3");

    assert_false(is_open(house, first));
    assert_true(is_open(house, second));
    assert_true(is_open(house, third));
    (void)close(first);
    (void)close(second);
    (void)close(third);
}

static void nobody_gives_way_to_a_refused_client(void **state)
{
    struct house *house = *state;
    int first = arrive(house, "192.0.2.1");
    int second = arrive(house, "192.0.2.2");

    int again = arrive(house, "192.0.2.2");

    assert_false(is_open(house, again));
    assert_true(is_open(house, first));
    assert_true(is_open(house, second));
    (void)close(first);
    (void)close(second);
    (void)close(again);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(new_client_takes_the_place_of_the_longest_waiting,
                                        open_house, close_house),
        cmocka_unit_test_setup_teardown(nobody_gives_way_to_a_refused_client, open_house,
                                        close_house),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
