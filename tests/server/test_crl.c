/* SPDX-License-Identifier: Apache-2.0 */
/* Downloads of the CRL: who waits for whom. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "server/crl_cache.h"
#include "server/flight.h"
#include "server/ledger_authority.h"
#include "server/routes.h"
#include "world.h"

#define PAUSE_US (100 * 1000) /* in which a download that need not wait is done */

static struct answer download(struct world *world)
{
    zca_auto(zca_buffer) struct zca_buffer path = {0};
    assert_true(zca_buffer_format(&path, NULL, "/api/ca/%s/crl.pem", world->org));
    return world_ask(world, "GET", (const char *)path.data, NULL, NULL);
}

static void init_ca(struct world *world)
{
    zca_auto(answer) struct answer answer = world_action(world, ADMIN, "initialize_ca", "");
    assert_int_equal(answer.status, 200);
}

static void revoke_one(struct world *world)
{
    zca_auto(zca_buffer) struct zca_buffer more = {0};
    zca_auto(answer) struct answer issued = world_action(
        world, ADMIN, "issue", "\"subject_cn\":\"web.alpha.test\",\"ttl_seconds\":3600");
    assert_int_equal(issued.status, 200);
    assert_true(zca_buffer_format(&more, NULL, "\"certificate_id\":\"%s\"",
                                  answer_data(&issued, "certificate_id")));
    zca_auto(answer) struct answer revoked =
        world_action(world, ADMIN, "revoke", (const char *)more.data);
    assert_int_equal(revoked.status, 200);
}

/* Stands for a request that is making the CRL. */
static char *enter(struct world *world, struct zca_flight_seat *seat)
{
    char *authority_id = NULL;
    assert_true(zca_ledger_authority_current_id(zca_state_ledger(world->server.state), world->org,
                                                &authority_id, NULL));
    assert_non_null(authority_id);
    assert_true(
        zca_flight_enter(zca_state_flight(world->server.state), authority_id, "crl", seat, NULL));
    return authority_id;
}

struct beside {
    struct world *world;
    struct answer answer;
    atomic_bool done;
};

static void *download_beside(void *argument)
{
    struct beside *beside = argument;
    beside->answer = download(beside->world);
    atomic_store(&beside->done, true);
    return NULL;
}

static void kept_crl_is_given_while_another_is_made(void **state)
{
    struct world *world = *state;
    struct zca_flight_seat seat = {0};
    init_ca(world);
    zca_auto(answer) struct answer first = download(world);
    assert_int_equal(first.status, 200);
    char *authority_id = enter(world, &seat);

    zca_auto(answer) struct answer second = download(world);

    zca_flight_leave(&seat);
    free(authority_id);
    assert_int_equal(second.status, 200);
    assert_string_equal((const char *)second.body.data, (const char *)first.body.data);
}

static void outdated_crl_is_waited_for(void **state)
{
    struct world *world = *state;
    struct zca_flight_seat seat = {0};
    struct beside beside = {.world = world};
    pthread_t thread;
    init_ca(world);
    zca_auto(answer) struct answer first = download(world);
    assert_int_equal(first.status, 200);
    revoke_one(world);
    char *authority_id = enter(world, &seat);

    assert_int_equal(pthread_create(&thread, NULL, download_beside, &beside), 0);
    (void)usleep(PAUSE_US);
    bool waited = !atomic_load(&beside.done);
    zca_flight_leave(&seat);
    free(authority_id);
    assert_int_equal(pthread_join(thread, NULL), 0);

    zca_auto(answer) struct answer second = beside.answer;
    assert_true(waited);
    assert_int_equal(second.status, 200);
    assert_string_not_equal((const char *)second.body.data, (const char *)first.body.data);
}

/* Another process, as far as the ledger can tell: it has the CRL's number in no cache. */
static void crl_survives_a_restart(void **state)
{
    struct world *world = *state;
    init_ca(world);
    zca_auto(answer) struct answer first = download(world);
    zca_auto(answer) struct answer second = download(world);
    world_reopen(world);

    zca_auto(answer) struct answer third = download(world);

    assert_int_equal(third.status, 200);
    assert_string_equal((const char *)second.body.data, (const char *)first.body.data);
    assert_string_equal((const char *)third.body.data, (const char *)first.body.data);
}

static void cache_gives_what_was_asked_for(void **state)
{
    (void)state;
    struct zca_crl_cache *cache = zca_crl_cache_new(NULL);
    assert_non_null(cache);
    bool found = true;
    zca_auto(zca_buffer) struct zca_buffer text = {0};

    assert_true(zca_crl_cache_find(cache, "one", 1, &text, &found, NULL));
    assert_false(found);
    zca_crl_cache_keep(cache, "one", 2, zca_span_text("second"));
    zca_crl_cache_keep(cache, "one", 1, zca_span_text("first")); /* comes late */
    zca_crl_cache_keep(cache, "two", 7, zca_span_text("other"));
    assert_true(zca_crl_cache_find(cache, "one", 1, &text, &found, NULL));
    assert_false(found);
    assert_true(zca_crl_cache_find(cache, "one", 2, &text, &found, NULL));
    assert_true(found);
    assert_true(zca_crl_cache_find(cache, "two", 7, &text, &found, NULL));
    assert_true(found);
    assert_string_equal((const char *)text.data, "secondother");
    zca_crl_cache_free(cache);
}

static void cache_has_room_for_a_few(void **state)
{
    (void)state;
    struct zca_crl_cache *cache = zca_crl_cache_new(NULL);
    assert_non_null(cache);
    char name[] = "a";
    for (; name[0] <= 'z'; name[0]++) {
        bool found = false;
        zca_auto(zca_buffer) struct zca_buffer text = {0};
        zca_crl_cache_keep(cache, name, 1, zca_span_text(name));
        assert_true(zca_crl_cache_find(cache, name, 1, &text, &found, NULL));
        assert_true(found);
        assert_string_equal((const char *)text.data, name);
    }
    bool found = true;
    zca_auto(zca_buffer) struct zca_buffer text = {0};
    assert_true(zca_crl_cache_find(cache, "a", 1, &text, &found, NULL));
    assert_false(found);
    zca_crl_cache_free(cache);
}

static void download_is_a_heavy_job(void **state)
{
    (void)state;
    const struct zca_route *route = zca_route_find("GET", "/api/ca/1/crl.pem").route;
    assert_non_null(route);
    assert_true((route->flags & ZCA_ROUTE_HEAVY) != 0);
    assert_true((route->flags & ZCA_ROUTE_SLOW) == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(kept_crl_is_given_while_another_is_made, world_open,
                                        world_close),
        cmocka_unit_test_setup_teardown(outdated_crl_is_waited_for, world_open, world_close),
        cmocka_unit_test_setup_teardown(crl_survives_a_restart, world_open, world_close),
        cmocka_unit_test(cache_gives_what_was_asked_for),
        cmocka_unit_test(cache_has_room_for_a_few),
        cmocka_unit_test(download_is_a_heavy_job),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
