/* SPDX-License-Identifier: Apache-2.0 */
/* Passwords and the sessions they start. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "server/account.h"
#include "server/api_key.h"
#include "server/ledger_account.h"
#include "server/password.h"
#include "world.h"

#define EMAIL "admin@alpha.test"

static bool change_hash(struct zca_ledger *ledger, void *context, struct zca_error *err)
{
    zca_auto(zca_user) struct zca_user user = {0};
    bool found = false;
    if (!zca_ledger_user_find(ledger, EMAIL, &user, &found, err) || !found) {
        return false;
    }
    free(user.password);
    user.password = strdup(context);
    return zca_ledger_user_update(ledger, &user, err) &&
           zca_ledger_refresh_token_revoke_user(ledger, user.id, err);
}

/* As zca_account_set_password does, without the time that hashing takes. */
static void set_hash(struct world *world, const struct zca_buffer *hash)
{
    assert_true(
        zca_ledger_transact(zca_state_ledger(world->server.state), change_hash, hash->data, NULL));
}

static void make_hash(const char *password, struct zca_buffer *out_hash)
{
    assert_true(zca_password_hash(zca_span_text(password), out_hash, NULL));
}

static struct answer log_in(struct world *world, const char *password)
{
    zca_auto(zca_buffer) struct zca_buffer body = {0};
    assert_true(
        zca_buffer_format(&body, NULL, "{\"email\":\"" EMAIL "\",\"password\":\"%s\"}", password));
    return world_ask(world, "POST", "/api/auth/login", NULL, (const char *)body.data);
}

static int refresh(struct world *world, const char *token)
{
    zca_auto(zca_buffer) struct zca_buffer body = {0};
    assert_true(zca_buffer_format(&body, NULL, "{\"refresh_token\":\"%s\"}", token));
    zca_auto(answer) struct answer answer =
        world_ask(world, "POST", "/api/auth/refresh", NULL, (const char *)body.data);
    return answer.status;
}

static void login_starts_a_session(void **state)
{
    struct world *world = *state;
    zca_auto(zca_buffer) struct zca_buffer hash = {0};
    make_hash("first password", &hash);
    set_hash(world, &hash);

    zca_auto(answer) struct answer answer = log_in(world, "first password");

    assert_int_equal(answer.status, 200);
    assert_int_equal(refresh(world, answer_data(&answer, "refresh_token")), 200);
}

static void changed_password_ends_the_session(void **state)
{
    struct world *world = *state;
    zca_auto(zca_buffer) struct zca_buffer hash = {0};
    make_hash("first password", &hash);
    set_hash(world, &hash);
    zca_auto(answer) struct answer answer = log_in(world, "first password");
    assert_int_equal(answer.status, 200);

    assert_true(zca_account_set_password(world->server.state, EMAIL,
                                         zca_span_text("second password"), "test", NULL));

    assert_int_equal(refresh(world, answer_data(&answer, "refresh_token")), 401);
}

struct login {
    struct world *world;
    struct answer answer;
};

static void *log_in_beside(void *argument)
{
    struct login *login = argument;
    login->answer = log_in(login->world, "first password");
    return NULL;
}

/* Checking the password takes tens of milliseconds: the change comes in the middle of it. */
static void password_changed_during_a_login_leaves_no_session(void **state)
{
    struct world *world = *state;
    zca_auto(zca_buffer) struct zca_buffer first = {0};
    zca_auto(zca_buffer) struct zca_buffer second = {0};
    make_hash("first password", &first);
    make_hash("second password", &second);
    for (unsigned round = 0; round < 5; round++) {
        struct login login = {.world = world};
        pthread_t thread;
        set_hash(world, &first);
        assert_int_equal(pthread_create(&thread, NULL, log_in_beside, &login), 0);
        (void)usleep(1000 * 5 * round);

        set_hash(world, &second);

        assert_int_equal(pthread_join(thread, NULL), 0);
        zca_auto(answer) struct answer answer = login.answer;
        if (answer.status == 200) {
            assert_int_equal(refresh(world, answer_data(&answer, "refresh_token")), 401);
        } else {
            assert_string_equal(answer_code(&answer), "INVALID_CREDENTIALS");
        }
    }
}

static void api_key_shows_its_own_organisation_only(void **state)
{
    struct world *world = *state;
    struct zca_ledger *ledger = zca_state_ledger(world->server.state);
    const struct zca_api_key_request request = {.org_id = world->org,
                                                .user_id = world->users[OWNER],
                                                .actor = "test",
                                                .name = "ci",
                                                .scopes = ZCA_SCOPE_READ,
                                                .rate_limit_rpm = 60,
                                                .expiry_days = 1,
                                                .now_ms = zca_clock_now_ms()};
    zca_auto(zca_api_key) struct zca_api_key key = {0};
    zca_auto(zca_buffer) struct zca_buffer header = {0};
    assert_true(
        zca_ledger_member_set(ledger, world->other, world->users[OWNER], ZCA_ROLE_OWNER, NULL));
    assert_true(zca_buffer_append_text(&header, "Bearer ", NULL));
    assert_true(zca_api_key_make(ledger, &request, &key, &header, NULL));

    zca_auto(answer) struct answer answer =
        world_ask(world, "GET", "/api/auth/me", (const char *)header.data, NULL);

    const struct zca_json *organizations =
        zca_json_get(zca_json_get(answer.json, "data"), "organizations");
    assert_int_equal(answer.status, 200);
    assert_int_equal(zca_json_length(organizations), 1);
    const struct zca_json *only = zca_json_at(organizations, 0);
    assert_string_equal(zca_json_text(only, "org_id"), world->org);
    assert_string_equal(zca_json_text(only, "role"), "admin");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(login_starts_a_session, world_open, world_close),
        cmocka_unit_test_setup_teardown(changed_password_ends_the_session, world_open, world_close),
        cmocka_unit_test_setup_teardown(password_changed_during_a_login_leaves_no_session,
                                        world_open, world_close),
        cmocka_unit_test_setup_teardown(api_key_shows_its_own_organisation_only, world_open,
                                        world_close),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
