/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every route and action with every kind of credential: what is not allowed by a row here is denied
 * there. A route that has no row fails the test.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "server/account.h"
#include "server/api/quickztna.h"
#include "server/api_key.h"
#include "world.h"

/* Least rank that is let in; ranks are the order of enum who, reversed, within the organisation. */
enum least { ALL, ANY_USER, LEAST_AUDITOR, LEAST_MEMBER, LEAST_ADMIN, LEAST_OWNER };

struct expectation {
    const char *method;
    const char *route;  /* as in the table */
    const char *path;   /* with %s for the organisation, or NULL: the route */
    const char *action; /* NULL: none */
    enum least least;
};

static const struct expectation expectations[] = {
    {"POST",   "/api/auth/login",        NULL,                                     NULL,             ALL          },
    {"POST",   "/api/auth/refresh",      NULL,                                     NULL,             ALL          },
    {"POST",   "/api/auth/logout",       NULL,                                     NULL,             ALL          },
    {"GET",    "/api/auth/me",           NULL,                                     NULL,             ANY_USER     },
    {"POST",   "/api/issue-certificate", NULL,                                     "initialize_ca",  LEAST_ADMIN  },
    {"POST",   "/api/issue-certificate", NULL,                                     "issue",          LEAST_ADMIN  },
    {"POST",   "/api/issue-certificate", NULL,                                     "list",           LEAST_AUDITOR},
    {"POST",   "/api/issue-certificate", NULL,                                     "revoke",         LEAST_ADMIN  },
    {"POST",   "/api/issue-certificate", NULL,                                     "get_ca",         LEAST_AUDITOR},
    {"POST",   "/api/issue-certificate", NULL,                                     "sign_tbs",       LEAST_ADMIN  },
    {"GET",    "/api/ca/*/crl.pem",      "/api/ca/%s/crl.pem",                     NULL,             ALL          },
    {"POST",   "/api/key-management",    NULL,                                     "create_api_key", LEAST_ADMIN  },
    {"POST",   "/api/key-management",    NULL,                                     "list",           LEAST_ADMIN  },
    {"POST",   "/api/key-management",    NULL,                                     "revoke",         LEAST_ADMIN  },
    {"POST",   "/api/api-keys",          NULL,                                     "create_api_key", LEAST_ADMIN  },
    {"POST",   "/api/api-keys",          NULL,                                     "list",           LEAST_ADMIN  },
    {"POST",   "/api/api-keys",          NULL,                                     "revoke",         LEAST_ADMIN  },
    {"GET",    "/api/db/*",              "/api/db/machines?org_id=%s",             NULL,             LEAST_AUDITOR},
    {"POST",   "/api/db/*",              "/api/db/machines?org_id=%s",             NULL,             LEAST_ADMIN  },
    {"PATCH",  "/api/db/*",              "/api/db/machines?org_id=%s",             NULL,             LEAST_ADMIN  },
    {"DELETE", "/api/db/*",              "/api/db/certificate_policies?org_id=%s", NULL,             LEAST_ADMIN  },
    {"POST",   "/api/register-machine",  NULL,                                     NULL,             ALL          },
};

enum credential { NONE, WRONG, EXPIRED, FOREIGN, AS_AUDITOR, AS_MEMBER, AS_ADMIN, AS_OWNER, NUM };

static const struct {
    const char *name;
    enum who who;
    enum least rank; /* what it reaches */
    int denied;      /* the status when it does not */
} credentials[NUM] = {
    [NONE] = {"none",    OWNER,    ALL,           401},
    [WRONG] = {"wrong",   OWNER,    ALL,           401},
    [EXPIRED] = {"expired", OWNER,    ALL,           401},
    [FOREIGN] = {"foreign", OUTSIDER, ANY_USER,      403},
    [AS_AUDITOR] = {"auditor", AUDITOR,  LEAST_AUDITOR, 403},
    [AS_MEMBER] = {"member",  MEMBER,   LEAST_MEMBER,  403},
    [AS_ADMIN] = {"admin",   ADMIN,    LEAST_ADMIN,   403},
    [AS_OWNER] = {"owner",   OWNER,    LEAST_OWNER,   403},
};

static void make_header(struct world *world, enum credential credential, struct zca_buffer *out)
{
    switch (credential) {
    case NONE:
        return;
    case WRONG:
        assert_true(zca_buffer_append_text(out, "Bearer eyJhbGciOiJub25lIn0.e30.", NULL));
        return;
    case EXPIRED:
        world_header(world, OWNER, -1, out);
        return;
    default:
        world_header(world, credentials[credential].who, 3600, out);
    }
}

static struct answer try_row(struct world *world, const struct expectation *row,
                             enum credential credential)
{
    zca_auto(zca_buffer) struct zca_buffer header = {0};
    zca_auto(zca_buffer) struct zca_buffer body = {0};
    zca_auto(zca_buffer) struct zca_buffer path = {0};
    const char *start = row->path ? row->path : row->route;
    const char *hole = strstr(start, "%s");
    size_t before = hole ? (size_t)(hole - start) : strlen(start);
    make_header(world, credential, &header);
    assert_true(zca_buffer_append(&path, zca_span_of(start, before), NULL));
    assert_true(
        zca_buffer_format(&path, NULL, "%s%s", hole ? world->org : "", hole ? hole + 2 : ""));
    assert_true(zca_buffer_format(&body, NULL, "{\"action\":\"%s\",\"org_id\":\"%s\"}",
                                  row->action ? row->action : "", world->org));
    return world_ask(world, row->method, (const char *)path.data, (const char *)header.data,
                     (const char *)body.data);
}

static void every_route_denies_by_default(void **state)
{
    struct world *world = *state;
    for (size_t i = 0; i < ZCA_COUNT(expectations); i++) {
        const struct expectation *row = &expectations[i];
        for (enum credential each = NONE; each < NUM; each++) {
            zca_auto(answer) struct answer answer = try_row(world, row, each);
            bool allowed = credentials[each].rank >= row->least;
            /* Open routes may still say 401 for what their body holds, with a code of their own. */
            bool denied = answer.status == credentials[each].denied &&
                          (strcmp(answer_code(&answer), "UNAUTHORIZED") == 0 ||
                           strcmp(answer_code(&answer), "FORBIDDEN") == 0);
            if (allowed == denied) {
                fail_msg("%s %s %s as %s: status %d %s", row->method, row->route,
                         row->action ? row->action : "-", credentials[each].name, answer.status,
                         answer_code(&answer));
            }
        }
    }
}

static void every_route_has_a_row(void **state)
{
    (void)state;
    for (size_t i = 0; i < zca_quickztna_routes.num_routes; i++) {
        const struct zca_route *route = &zca_quickztna_routes.routes[i];
        bool found = false;
        for (size_t j = 0; j < ZCA_COUNT(expectations); j++) {
            found |= strcmp(expectations[j].method, route->method) == 0 &&
                     strcmp(expectations[j].route, route->path) == 0;
        }
        if (!found) {
            fail_msg("%s %s is not in the matrix", route->method, route->path);
        }
    }
}

static void unknown_action_is_refused_before_any_work(void **state)
{
    struct world *world = *state;
    static const char *const actions[] = {"", "Issue", "issue ", "initialize_ca2", "__proto__"};
    for (size_t i = 1; i < ZCA_COUNT(actions); i++) {
        zca_auto(answer) struct answer answer = world_action(world, OWNER, actions[i], "");
        assert_int_equal(answer.status, 400);
        assert_string_equal(answer_code(&answer), "UNKNOWN_ACTION");
    }
}

static void role_in_one_organisation_is_none_in_another(void **state)
{
    struct world *world = *state;
    zca_auto(zca_buffer) struct zca_buffer header = {0};
    zca_auto(zca_buffer) struct zca_buffer body = {0};
    world_header(world, OWNER, 3600, &header);
    assert_true(zca_buffer_format(&body, NULL, "{\"action\":\"initialize_ca\",\"org_id\":\"%s\"}",
                                  world->other));
    zca_auto(answer) struct answer answer =
        world_ask(world, "POST", "/api/issue-certificate", (const char *)header.data,
                  (const char *)body.data);
    assert_int_equal(answer.status, 403);
    assert_string_equal(answer_code(&answer), "FORBIDDEN");
}

/* ---- API keys ---- */

static const struct {
    unsigned scopes;
    const char *method;
    const char *table;
    bool allowed;
} scope_rows[] = {
    {ZCA_SCOPE_MACHINES, "POST",   "machines",             true },
    {ZCA_SCOPE_MACHINES, "POST",   "posture_reports",      true },
    {ZCA_SCOPE_MACHINES, "GET",    "certificate_policies", true },
    {ZCA_SCOPE_MACHINES, "POST",   "certificate_policies", false},
    {ZCA_SCOPE_MACHINES, "PATCH",  "certificate_policies", false},
    {ZCA_SCOPE_MACHINES, "DELETE", "certificate_policies", false},
    {ZCA_SCOPE_ADMIN,    "POST",   "certificate_policies", true },
    {ZCA_SCOPE_ADMIN,    "DELETE", "certificate_policies", true },
    {ZCA_SCOPE_ADMIN,    "POST",   "machines",             true },
    {ZCA_SCOPE_WRITE,    "POST",   "machines",             false},
    {ZCA_SCOPE_WRITE,    "DELETE", "certificate_policies", false},
    {ZCA_SCOPE_READ,     "POST",   "machines",             false},
};

static void make_key_header(struct world *world, unsigned scopes, struct zca_buffer *out)
{
    zca_auto(zca_api_key) struct zca_api_key key = {0};
    struct zca_api_key_request request = {.org_id = world->org,
                                          .user_id = world->users[OWNER],
                                          .actor = "test",
                                          .name = "test",
                                          .scopes = scopes,
                                          .rate_limit_rpm = 1000,
                                          .expiry_days = 1,
                                          .now_ms = zca_clock_now_ms()};
    assert_true(zca_buffer_append_text(out, "Bearer ", NULL));
    assert_true(zca_api_key_make(zca_state_ledger(world->server.state), &request, &key, out, NULL));
}

static void api_key_writes_what_its_scopes_name(void **state)
{
    struct world *world = *state;
    for (size_t i = 0; i < ZCA_COUNT(scope_rows); i++) {
        zca_auto(zca_buffer) struct zca_buffer header = {0};
        zca_auto(zca_buffer) struct zca_buffer path = {0};
        make_key_header(world, scope_rows[i].scopes, &header);
        assert_true(zca_buffer_format(&path, NULL, "/api/db/%s?org_id=%s", scope_rows[i].table,
                                      world->org));
        zca_auto(answer) struct answer answer =
            world_ask(world, scope_rows[i].method, (const char *)path.data,
                      (const char *)header.data, "{\"name\":\"m\"}");
        if ((answer.status != 403) != scope_rows[i].allowed) {
            fail_msg("scopes %x, %s %s: %d %s", scope_rows[i].scopes, scope_rows[i].method,
                     scope_rows[i].table, answer.status, answer_code(&answer));
        }
    }
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, world_open, world_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(every_route_denies_by_default),
        cmocka_unit_test(every_route_has_a_row),
        CASE(unknown_action_is_refused_before_any_work),
        CASE(api_key_writes_what_its_scopes_name),
        CASE(role_in_one_organisation_is_none_in_another),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
