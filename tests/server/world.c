/* SPDX-License-Identifier: Apache-2.0 */
/* Users are put into the ledger without passwords: hashing them would take most of a test's time. */
#include "world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "server/account.h"
#include "server/domain.h"
#include "server/identifier.h"
#include "server/ledger_account.h"
#include "server/options.h"
#include "server/response.h"
#include "server/routes.h"
#include "server/token.h"

static const struct {
    const char *email;
    enum zca_role role;
} people[NUM_WHO] = {
    [OWNER] = {"owner@alpha.test",   ZCA_ROLE_OWNER  },
    [ADMIN] = {"admin@alpha.test",   ZCA_ROLE_ADMIN  },
    [MEMBER] = {"member@alpha.test",  ZCA_ROLE_MEMBER },
    [AUDITOR] = {"auditor@alpha.test", ZCA_ROLE_AUDITOR},
    [OUTSIDER] = {"owner@beta.test",    ZCA_ROLE_OWNER  },
};

static void open_server(struct world *world)
{
    struct zca_error err = {0};
    struct zca_config *config = zca_config_parse("", "test", &zca_server_section, 1, &err);
    assert_non_null(config);
    assert_true(zca_config_override(config, "server", "state-dir", world->directory, &err));
    bool open =
        zca_server_open(&world->server, config, &err) && zca_domain_open(&world->server, &err);
    assert_string_equal(err.message, "");
    assert_true(open);
}

int world_open(void **state)
{
    struct world *world = calloc(1, sizeof(*world));
    char template[] = "/tmp/zca-world-XXXXXX";
    assert_non_null(world);
    assert_non_null(mkdtemp(template));
    world->directory = strdup(template);
    open_server(world);
    struct zca_ledger *ledger = zca_state_ledger(world->server.state);
    int64_t now_ms = zca_clock_now_ms();
    assert_true(zca_org_make(ledger, "alpha", now_ms, world->org, NULL));
    assert_true(zca_org_make(ledger, "beta", now_ms, world->other, NULL));
    for (size_t i = 0; i < NUM_WHO; i++) {
        assert_true(zca_uuid_make(world->users[i], NULL));
        struct zca_user user = {.id = world->users[i],
                                .email = (char *)(uintptr_t)people[i].email,
                                .password = (char *)"none",
                                .created_at = now_ms};
        const char *org = i == OUTSIDER ? world->other : world->org;
        assert_true(zca_ledger_user_insert(ledger, &user, NULL));
        assert_true(zca_ledger_member_set(ledger, org, user.id, people[i].role, NULL));
    }
    *state = world;
    return 0;
}

int world_close(void **state)
{
    struct world *world = *state;
    zca_domain_close(&world->server);
    zca_server_clear(&world->server);
    zca_auto(zca_buffer) struct zca_buffer command = {0};
    assert_true(zca_buffer_format(&command, NULL, "rm -rf '%s'", world->directory));
    assert_int_equal(system((const char *)command.data), 0);
    free(world->directory);
    free(world);
    return 0;
}

void world_reopen(struct world *world)
{
    zca_domain_close(&world->server);
    zca_server_clear(&world->server);
    world->server = (struct zca_server){0};
    open_server(world);
}

void world_header(struct world *world, enum who who, int64_t lifetime_s, struct zca_buffer *out)
{
    assert_true(zca_buffer_append_text(out, "Bearer ", NULL));
    assert_true(zca_token_sign(zca_state_token_key(world->server.state), world->users[who],
                               people[who].email, zca_clock_now_s(), lifetime_s, out, NULL));
}

void answer_clear(struct answer *answer)
{
    zca_json_free(answer->json);
    zca_buffer_clear(&answer->body);
}

struct answer world_ask(struct world *world, const char *method, const char *path,
                        const char *header, const char *body)
{
    char *plain = strdup(path);
    char *query = strchr(plain, '?');
    if (query) {
        *query++ = '\0';
    }
    struct zca_route_match match = zca_route_find(method, plain);
    struct zca_http_response response = {.status = 404};
    if (match.route) {
        struct zca_http_request request = {.method = method,
                                           .path = plain,
                                           .query = query ? query : "",
                                           .authorization = header,
                                           .body = zca_span_text(body ? body : "")};
        char *arguments = strdup(plain);
        zca_route_split(match.route->path, arguments, request.path_argument);
        zca_route_run(&world->server, match.route, &request, &response);
        zca_route_release(&request);
        free(arguments);
    }
    free(plain);
    struct answer answer = {.status = response.status};
    zca_buffer_move(&answer.body, &response.body);
    answer.json = zca_json_parse(zca_buffer_span(&answer.body), NULL);
    zca_response_clear(&response);
    return answer;
}

struct answer world_action(struct world *world, enum who who, const char *action, const char *more)
{
    zca_auto(zca_buffer) struct zca_buffer header = {0};
    zca_auto(zca_buffer) struct zca_buffer body = {0};
    world_header(world, who, 3600, &header);
    assert_true(zca_buffer_format(&body, NULL, "{\"action\":\"%s\",\"org_id\":\"%s\"%s%s}", action,
                                  world->org, *more ? "," : "", more));
    return world_ask(world, "POST", "/api/issue-certificate", (const char *)header.data,
                     (const char *)body.data);
}

const char *answer_code(const struct answer *answer)
{
    const char *code = zca_json_text(zca_json_get(answer->json, "error"), "code");
    return code ? code : "";
}

const char *answer_data(const struct answer *answer, const char *name)
{
    const char *text = zca_json_text(zca_json_get(answer->json, "data"), name);
    return text ? text : "";
}
