/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A change and its entry in the audit log stand or fall together: each change is tried on a ledger
 * that takes no entries, where it must leave nothing behind, and then on one that does.
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "base/file.h"
#include "server/admin.h"
#include "server/ledger_audit.h"
#include "server/ledger_machine.h"
#include "server/options.h"
#include "world.h"

/* What is there before: words in capitals stand for their ids. */
static const char things[] =
    "INSERT INTO machine VALUES ('MACHINE', 'ORG', 'm', '', 'online', NULL, NULL, 1, NULL);"
    "INSERT INTO certificate_policy VALUES ('POLICY', 'ORG', 5, 0, 0, 1);"
    "INSERT INTO auth_key VALUES ('AUTHKEY', 'ORG', x'00', 'p', 0, 1, 2, NULL, NULL);"
    "INSERT INTO api_key VALUES ('APIKEY', 'ORG', 'USER', 'n', 'p', x'00', 1, 1, 1, 2, NULL);";

static const char *const tables[] = {"org",     "account",        "member",   "api_key",
                                     "machine", "posture_report", "auth_key", "certificate_policy"};

#define ALPHA "--org", "alpha"

static const struct command {
    zca_command_run *run;
    const char *words[8];
} commands[] = {
    {zca_admin_org,     {"add", "gamma"}                             },
    {zca_admin_org,     {"set", "alpha", "--ttl-hours", "5"}         },
    {zca_admin_user,    {"add", "new@alpha.test", ALPHA}             },
    {zca_admin_user,    {"passwd", "admin@alpha.test"}               },
    {zca_admin_user,    {"role", "admin@alpha.test", "member", ALPHA}},
    {zca_admin_user,    {"remove", "member@alpha.test"}              },
    {zca_admin_token,   {"add", "admin@alpha.test", "ci", ALPHA}     },
    {zca_admin_token,   {"revoke", "APIKEY", ALPHA}                  },
    {zca_admin_machine, {"add", "m2", ALPHA}                         },
    {zca_admin_machine, {"quarantine", "MACHINE", ALPHA}             },
    {zca_admin_machine, {"posture", "MACHINE", "compliant", ALPHA}   },
    {zca_admin_authkey, {"add", ALPHA}                               },
    {zca_admin_authkey, {"revoke", "AUTHKEY", ALPHA}                 },
    {zca_admin_policy,  {"set", ALPHA, "--max-ttl-hours", "9"}       },
};

static const struct request {
    const char *method;
    const char *path; /* with %s for the organisation */
    const char *body; /* as above, or NULL */
} requests[] = {
    {"POST",   "/api/db/machines?org_id=%s",                          "{\"name\":\"m3\"}"       },
    {"PATCH",  "/api/db/machines?org_id=%s&id=eq.MACHINE",            "{\"status\":\"offline\"}"},
    {"POST",   "/api/db/posture_reports?org_id=%s",
     "{\"machine_id\":\"MACHINE\",\"compliant\":true}"                                          },
    {"POST",   "/api/db/certificate_policies?org_id=%s",              "{\"max_ttl_hours\":7}"   },
    {"PATCH",  "/api/db/certificate_policies?org_id=%s&id=eq.POLICY", "{\"max_ttl_hours\":8}"   },
    {"DELETE", "/api/db/certificate_policies?org_id=%s&id=eq.POLICY", NULL                      },
    {"POST",   "/api/api-keys",
     "{\"action\":\"create_api_key\",\"org_id\":\"%s\",\"name\":\"n\",\"scopes\":[\"read\"]}"   },
    {"POST",   "/api/api-keys",
     "{\"action\":\"revoke_api_key\",\"org_id\":\"%s\",\"key_id\":\"APIKEY\"}"                  },
};

/* ---- the ledger, from outside ---- */

struct dump {
    struct zca_buffer text;
};

static int dump_row(void *context, int num, char **values, char **names)
{
    struct dump *dump = context;
    for (int i = 0; i < num; i++) {
        assert_true(
            zca_buffer_format(&dump->text, NULL, "%s=%s|", names[i], values[i] ? values[i] : "-"));
    }
    assert_true(zca_buffer_append_text(&dump->text, "\n", NULL));
    return 0;
}

static void run_sql(struct world *world, const char *sql, struct dump *dump)
{
    sqlite3 *database = NULL;
    zca_auto(text) char *path = zca_path_join(world->directory, "ledger", ".db", NULL);
    assert_int_equal(sqlite3_open(path, &database), SQLITE_OK);
    assert_int_equal(sqlite3_exec(database, sql, dump ? dump_row : NULL, dump, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(database), SQLITE_OK);
}

static void read_tables(struct world *world, struct zca_buffer *out)
{
    struct dump dump = {0};
    for (size_t i = 0; i < ZCA_COUNT(tables); i++) {
        zca_auto(zca_buffer) struct zca_buffer sql = {0};
        assert_true(zca_buffer_format(&sql, NULL, "SELECT * FROM %s ORDER BY 1, 2", tables[i]));
        run_sql(world, (const char *)sql.data, &dump);
    }
    *out = dump.text;
}

/* Writes a text with the ids of this world in the place of ORG and USER. */
static void make_things(struct world *world)
{
    zca_auto(zca_buffer) struct zca_buffer sql = {0};
    for (const char *rest = things; *rest != '\0';) {
        bool org = strncmp(rest, "ORG", 3) == 0;
        bool user = strncmp(rest, "USER", 4) == 0;
        const char *id = org ? world->org : world->users[ADMIN];
        size_t taken = org ? 3 : user ? 4 : 1;
        assert_true(org || user ? zca_buffer_append_text(&sql, id, NULL)
                                : zca_buffer_append(&sql, zca_span_of(rest, 1), NULL));
        rest += taken;
    }
    run_sql(world, (const char *)sql.data, NULL);
}

static int64_t count_entries(struct world *world)
{
    zca_auto(zca_record_list) struct zca_record_list list = {0};
    assert_true(zca_ledger_audit_list(zca_state_ledger(world->server.state), 0, 1000, &list, NULL));
    return (int64_t)list.num;
}

typedef bool attempt(struct world *world, const void *change);

static void try_change(struct world *world, attempt *function, const void *change)
{
    zca_auto(zca_buffer) struct zca_buffer before = {0};
    zca_auto(zca_buffer) struct zca_buffer between = {0};
    zca_auto(zca_buffer) struct zca_buffer after = {0};
    int64_t num_entries = count_entries(world);
    read_tables(world, &before);

    run_sql(world,
            "CREATE TRIGGER full BEFORE INSERT ON audit BEGIN SELECT RAISE(ABORT, 'full'); END",
            NULL);
    assert_false(function(world, change));
    run_sql(world, "DROP TRIGGER full", NULL);

    read_tables(world, &between);
    assert_string_equal((const char *)between.data, (const char *)before.data);
    assert_true(function(world, change));
    read_tables(world, &after);
    assert_string_not_equal((const char *)after.data, (const char *)before.data);
    assert_int_equal(count_entries(world), num_entries + 1);
}

/* ---- commands ---- */

/* A process of its own, as far as the ledger can tell. */
static bool run_command(struct world *world, const void *change)
{
    const struct command *command = change;
    zca_auto(zca_server) struct zca_server server = {0};
    char *words[9] = {0};
    int num_words = 0;
    struct zca_config *config = zca_config_parse("", "test", &zca_server_section, 1, NULL);
    assert_non_null(config);
    assert_true(zca_config_override(config, "server", "state-dir", world->directory, NULL));
    assert_true(zca_server_open(&server, config, NULL));
    while (num_words < 8 && command->words[num_words]) {
        words[num_words] = (char *)(uintptr_t)command->words[num_words];
        num_words++;
    }
    return command->run(&server, num_words, words, NULL);
}

static void commands_change_nothing_without_an_entry(void **state)
{
    struct world *world = *state;
    make_things(world);
    for (size_t i = 0; i < ZCA_COUNT(commands); i++) {
        try_change(world, run_command, &commands[i]);
    }
}

/* ---- requests ---- */

static bool send_request(struct world *world, const void *change)
{
    const struct request *request = change;
    zca_auto(zca_buffer) struct zca_buffer header = {0};
    zca_auto(zca_buffer) struct zca_buffer path = {0};
    zca_auto(zca_buffer) struct zca_buffer body = {0};
    world_header(world, ADMIN, 3600, &header);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    assert_true(zca_buffer_format(&path, NULL, request->path, world->org));
    assert_true(!request->body || zca_buffer_format(&body, NULL, request->body, world->org));
#pragma GCC diagnostic pop
    zca_auto(answer) struct answer answer =
        world_ask(world, request->method, (const char *)path.data, (const char *)header.data,
                  (const char *)body.data);
    return answer.status < 300;
}

static void requests_change_nothing_without_an_entry(void **state)
{
    struct world *world = *state;
    make_things(world);
    for (size_t i = 0; i < ZCA_COUNT(requests); i++) {
        try_change(world, send_request, &requests[i]);
    }
}

/* ---- two at once ---- */

struct patch {
    struct world *world;
    struct request request;
    bool good;
};

static void *send_patch(void *argument)
{
    struct patch *patch = argument;
    patch->good = send_request(patch->world, &patch->request);
    return NULL;
}

static void parallel_changes_of_a_policy_both_count(void **state)
{
    struct world *world = *state;
    static const struct zca_filter first = {.limit = 1};
    make_things(world);
    for (int64_t round = 1; round <= 20; round++) {
        zca_auto(zca_buffer) struct zca_buffer body = {0};
        zca_auto(zca_record_list) struct zca_record_list list = {0};
        bool online = round % 2 == 1;
        struct patch hours = {.world = world, .request = requests[4]};
        struct patch flag = {.world = world, .request = requests[4]};
        pthread_t thread;
        assert_true(
            zca_buffer_format(&body, NULL, "{\"max_ttl_hours\":%lld}", (long long)round + 10));
        hours.request.body = (const char *)body.data;
        flag.request.body =
            online ? "{\"require_machine_online\":true}" : "{\"require_machine_online\":false}";

        assert_int_equal(pthread_create(&thread, NULL, send_patch, &hours), 0);
        (void)send_patch(&flag);
        assert_int_equal(pthread_join(thread, NULL), 0);

        assert_true(hours.good && flag.good);
        assert_true(zca_ledger_certificate_policy_list(zca_state_ledger(world->server.state),
                                                       world->org, &first, &list, NULL));
        const struct zca_certificate_policy *policy = zca_record_at(&list, 0);
        assert_int_equal(policy->max_ttl_hours, round + 10);
        assert_int_equal(policy->require_machine_online, online);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(commands_change_nothing_without_an_entry, world_open,
                                        world_close),
        cmocka_unit_test_setup_teardown(requests_change_nothing_without_an_entry, world_open,
                                        world_close),
        cmocka_unit_test_setup_teardown(parallel_changes_of_a_policy_both_count, world_open,
                                        world_close),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
