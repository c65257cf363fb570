/* SPDX-License-Identifier: Apache-2.0 */
/* Machines and the keys that register them: names, and who stands in the audit log. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "server/auth_key.h"
#include "server/identifier.h"
#include "server/ledger_audit.h"
#include "server/machine.h"
#include "world.h"

/* The names, as JSON spells them. */
static const char *const bad_names[] = {
    "root@corp.example\\n\\u001b[2J", "a\\tb", "a\\u007f", "\\u009b2J", "\\u0001",
};

static struct zca_ledger *ledger_of(struct world *world)
{
    return zca_state_ledger(world->server.state);
}

/* The newest entry of the audit log. */
static void read_last(struct world *world, struct zca_record_list *out_list)
{
    zca_auto(zca_record_list) struct zca_record_list all = {0};
    assert_true(zca_ledger_audit_list(ledger_of(world), 0, 1000, &all, NULL));
    assert_true(all.num > 0);
    assert_true(zca_ledger_audit_list(ledger_of(world), (int64_t)all.num - 1, 1, out_list, NULL));
    assert_int_equal(out_list->num, 1);
}

static void assert_last(struct world *world, const char *event, const char *actor,
                        const char *detail)
{
    zca_auto(zca_record_list) struct zca_record_list list = {0};
    read_last(world, &list);
    const struct zca_audit_entry *entry = zca_record_at(&list, 0);
    assert_string_equal(entry->event, event);
    assert_string_equal(entry->actor, actor);
    assert_string_equal(entry->detail ? entry->detail : "", detail);
}

static struct answer post_machine(struct world *world, const char *name)
{
    zca_auto(zca_buffer) struct zca_buffer header = {0};
    zca_auto(zca_buffer) struct zca_buffer body = {0};
    world_header(world, ADMIN, 3600, &header);
    assert_true(
        zca_buffer_format(&body, NULL, "{\"org_id\":\"%s\",\"name\":\"%s\"}", world->org, name));
    return world_ask(world, "POST", "/api/db/machines", (const char *)header.data,
                     (const char *)body.data);
}

static void make_key(struct world *world, bool reusable, struct zca_buffer *out_text)
{
    const struct zca_auth_key_request request = {
        .org_id = world->org, .reusable = reusable, .expiry_days = 1, .actor = "test"};
    assert_true(zca_auth_key_make(ledger_of(world), &request, out_text, NULL));
}

static struct answer register_machine(struct world *world, const char *auth_key, const char *name)
{
    zca_auto(zca_buffer) struct zca_buffer body = {0};
    assert_true(
        zca_buffer_format(&body, NULL, "{\"auth_key\":\"%s\",\"name\":\"%s\"}", auth_key, name));
    return world_ask(world, "POST", "/api/register-machine", NULL, (const char *)body.data);
}

static void name_is_without_control_characters(void **state)
{
    (void)state;
    assert_true(zca_name_check("web 1", 5));
    assert_true(zca_name_check("b\xc3\xbcro", 253));
    assert_true(zca_name_check("\xc2\xa0", 2));
    assert_false(zca_name_check("web 12", 5));
    assert_false(zca_name_check("", 5));
    assert_false(zca_name_check(NULL, 5));
    assert_false(zca_name_check("a\nb", 5));
    assert_false(zca_name_check("\x7f", 5));
    assert_false(zca_name_check("\xc2\x9b", 5));
}

static void machine_is_recorded_with_its_maker(void **state)
{
    struct world *world = *state;

    zca_auto(answer) struct answer answer = post_machine(world, "owner@alpha.test");

    assert_int_equal(answer.status, 201);
    assert_last(world, "machine.registered", "admin@alpha.test", "owner@alpha.test");
}

static void registered_machine_is_recorded_with_its_key(void **state)
{
    struct world *world = *state;
    zca_auto(zca_buffer) struct zca_buffer text = {0};
    make_key(world, false, &text);

    zca_auto(answer) struct answer answer =
        register_machine(world, (const char *)text.data, "owner@alpha.test");

    assert_int_equal(answer.status, 200);
    zca_auto(zca_record_list) struct zca_record_list list = {0};
    read_last(world, &list);
    const struct zca_audit_entry *entry = zca_record_at(&list, 0);
    assert_string_equal(entry->event, "machine.registered");
    assert_memory_equal(entry->actor, "auth-key ", 9);
    assert_true(zca_uuid_check(entry->actor + 9));
}

static void control_characters_in_a_machine_name_are_refused(void **state)
{
    struct world *world = *state;
    zca_auto(zca_buffer) struct zca_buffer text = {0};
    make_key(world, true, &text);
    for (size_t i = 0; i < ZCA_COUNT(bad_names); i++) {
        zca_auto(answer) struct answer posted = post_machine(world, bad_names[i]);
        assert_int_equal(posted.status, 400);
        zca_auto(answer) struct answer registered =
            register_machine(world, (const char *)text.data, bad_names[i]);
        assert_int_equal(registered.status, 400);
    }
}

static void control_characters_in_an_api_key_name_are_refused(void **state)
{
    struct world *world = *state;
    zca_auto(zca_buffer) struct zca_buffer header = {0};
    world_header(world, ADMIN, 3600, &header);
    for (size_t i = 0; i < ZCA_COUNT(bad_names); i++) {
        zca_auto(zca_buffer) struct zca_buffer body = {0};
        assert_true(zca_buffer_format(&body, NULL,
                                      "{\"action\":\"create_api_key\",\"org_id\":\"%s\","
                                      "\"name\":\"%s\",\"scopes\":[\"read\"]}",
                                      world->org, bad_names[i]));
        zca_auto(answer) struct answer answer = world_ask(
            world, "POST", "/api/api-keys", (const char *)header.data, (const char *)body.data);
        assert_int_equal(answer.status, 400);
    }
}

static void revoked_key_registers_nothing(void **state)
{
    struct world *world = *state;
    struct zca_error err = {0};
    zca_auto(zca_buffer) struct zca_buffer text = {0};
    zca_auto(zca_record_list) struct zca_record_list keys = {0};
    make_key(world, true, &text);
    assert_true(zca_ledger_auth_key_list(ledger_of(world), world->org, &keys, NULL));
    assert_int_equal(keys.num, 1);
    const struct zca_auth_key *key = zca_record_at(&keys, 0);
    zca_auto(answer) struct answer good = register_machine(world, (const char *)text.data, "m1");
    assert_int_equal(good.status, 200);

    assert_false(zca_auth_key_revoke(ledger_of(world), world->other, key->id, "test", &err));
    assert_string_equal(err.code, "NOT_FOUND");
    assert_true(zca_auth_key_revoke(ledger_of(world), world->org, key->id, "test", NULL));

    assert_last(world, "auth_key.revoked", "test", "");
    world_reopen(world);
    zca_auto(answer) struct answer refused = register_machine(world, (const char *)text.data, "m2");
    assert_string_equal(answer_code(&refused), "INVALID_AUTH_KEY");
}

static void second_revocation_keeps_the_first_time(void **state)
{
    struct world *world = *state;
    zca_auto(zca_buffer) struct zca_buffer text = {0};
    zca_auto(zca_record_list) struct zca_record_list keys = {0};
    zca_auto(zca_record_list) struct zca_record_list again = {0};
    bool found = false;
    make_key(world, false, &text);
    assert_true(zca_ledger_auth_key_list(ledger_of(world), world->org, &keys, NULL));
    const struct zca_auth_key *key = zca_record_at(&keys, 0);
    assert_int_equal(key->revoked_at, 0);
    assert_true(
        zca_ledger_auth_key_revoke(ledger_of(world), world->org, key->id, 1000, &found, NULL));
    assert_true(found);

    assert_true(zca_auth_key_revoke(ledger_of(world), world->org, key->id, "test", NULL));

    assert_true(zca_ledger_auth_key_list(ledger_of(world), world->org, &again, NULL));
    assert_int_equal(((const struct zca_auth_key *)zca_record_at(&again, 0))->revoked_at, 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(name_is_without_control_characters),
        cmocka_unit_test_setup_teardown(machine_is_recorded_with_its_maker, world_open,
                                        world_close),
        cmocka_unit_test_setup_teardown(registered_machine_is_recorded_with_its_key, world_open,
                                        world_close),
        cmocka_unit_test_setup_teardown(control_characters_in_a_machine_name_are_refused,
                                        world_open, world_close),
        cmocka_unit_test_setup_teardown(control_characters_in_an_api_key_name_are_refused,
                                        world_open, world_close),
        cmocka_unit_test_setup_teardown(revoked_key_registers_nothing, world_open, world_close),
        cmocka_unit_test_setup_teardown(second_revocation_keeps_the_first_time, world_open,
                                        world_close),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
