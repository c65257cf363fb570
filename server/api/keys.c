/* SPDX-License-Identifier: Apache-2.0 */
/* A key is made by an admin, and never by a key that lacks the scope admin itself. */
#include "server/api/keys.h"

#include <string.h>

#include "base/clock.h"
#include "server/account.h"
#include "server/api/action.h"
#include "server/api_key.h"
#include "server/ledger_account.h"
#include "server/refusal.h"
#include "server/response.h"

#define DEFAULT_RPM 60
#define MAX_RPM 100000
#define DEFAULT_DAYS 30

static bool read_scopes(const struct zca_json *json, unsigned *out_scopes, struct zca_error *err)
{
    zca_auto(zca_api_words) const char **words = NULL;
    if (!zca_api_words(json, "scopes", &words, err)) {
        return zca_refuse(err, ZCA_REFUSE_INVALID_SCOPES, "scopes must be an array of strings");
    }
    for (size_t i = 0; words && words[i]; i++) {
        unsigned bit = zca_scope_bit(words[i]);
        if (!bit) {
            return zca_refuse(err, ZCA_REFUSE_INVALID_SCOPES,
                              "Unknown scope: %.40s. Scopes are read, write, admin, machines, dns, "
                              "acl, billing, audit",
                              words[i]);
        }
        *out_scopes |= bit;
    }
    return *out_scopes ? true : zca_refuse(err, ZCA_REFUSE_INVALID_SCOPES, "scopes required");
}

static bool read_key(const struct zca_api_call *call, struct zca_api_key_request *request,
                     struct zca_error *err)
{
    const struct zca_json *json = call->request->json;
    bool given = false;
    request->rate_limit_rpm = DEFAULT_RPM;
    request->expiry_days = DEFAULT_DAYS;
    if (!zca_api_text(json, "name", &request->name, err) ||
        !zca_api_integer(json, "rate_limit_rpm", &request->rate_limit_rpm, &given, err) ||
        !zca_api_integer(json, "expiry_days", &request->expiry_days, &given, err)) {
        return false;
    }
    if (!request->name) {
        return zca_refuse(err, ZCA_REFUSE_MISSING_FIELDS, "name required");
    }
    if (request->rate_limit_rpm < 1 || request->rate_limit_rpm > MAX_RPM ||
        request->expiry_days < 1 || request->expiry_days > ZCA_API_KEY_MAX_DAYS) {
        return zca_refuse(err, ZCA_REFUSE_VALIDATION,
                          "rate_limit_rpm is 1 to 100000, expiry_days 1 to 90");
    }
    request->org_id = call->org_id;
    request->user_id = call->request->principal.user_id;
    request->actor = call->actor;
    request->now_ms = zca_clock_now_ms();
    return read_scopes(json, &request->scopes, err);
}

static bool create(struct zca_api_call *call, struct zca_error *err)
{
    struct zca_api_key_request request = {0};
    zca_auto(zca_api_key) struct zca_api_key key = {0};
    zca_auto(zca_buffer) struct zca_buffer text = ZCA_SECRET_BUFFER;
    if (!read_key(call, &request, err) ||
        !zca_api_key_make(zca_state_ledger(call->state), &request, &key, &text, err)) {
        return false;
    }
    struct zca_json *data = zca_json_new_object();
    zca_json_set_text(data, "id", key.id);
    zca_json_set_span(data, "key", zca_buffer_span(&text));
    zca_json_set_text(data, "key_prefix", key.prefix);
    zca_json_set_text(data, "name", key.name);
    zca_json_set_integer(data, "expiry_days", request.expiry_days);
    call->response->body.secret = true;
    zca_response_success(call->response, 201, data);
    return true;
}

static struct zca_json *format_key(const struct zca_api_key *key)
{
    struct zca_json *item = zca_json_new_object();
    struct zca_json *scopes = zca_json_new_array();
    for (size_t i = 0; zca_scope_names[i]; i++) {
        if (((uint64_t)key->scopes >> i & 1) != 0) {
            zca_json_append_text(scopes, zca_scope_names[i]);
        }
    }
    zca_json_set_text(item, "id", key->id);
    zca_json_set_text(item, "name", key->name);
    zca_json_set_text(item, "key_prefix", key->prefix);
    zca_json_take(item, "scopes", scopes);
    zca_json_set_integer(item, "rate_limit_rpm", key->rate_limit_rpm);
    zca_api_set_time(item, "created_at", key->created_at);
    zca_api_set_time(item, "expires_at", key->expires_at);
    zca_api_set_time(item, "revoked_at", key->revoked_at);
    return item;
}

static bool list(struct zca_api_call *call, struct zca_error *err)
{
    zca_auto(zca_record_list) struct zca_record_list rows = {0};
    if (!zca_ledger_api_key_list(zca_state_ledger(call->state), call->org_id, &rows, err)) {
        return false;
    }
    struct zca_json *array = zca_json_new_array();
    for (size_t i = 0; i < rows.num; i++) {
        zca_json_take(array, NULL, format_key(zca_record_at(&rows, i)));
    }
    struct zca_json *data = zca_json_new_object();
    zca_json_take(data, "api_keys", array);
    zca_response_success(call->response, 200, data);
    return true;
}

static bool revoke(struct zca_api_call *call, struct zca_error *err)
{
    const char *id = NULL;
    if (!zca_api_text(call->request->json, "key_id", &id, err) ||
        !zca_api_text(call->request->json, "id", &id, err)) {
        return false;
    }
    if (!id) {
        return zca_refuse(err, ZCA_REFUSE_MISSING_FIELDS, "key_id required");
    }
    if (!zca_api_key_revoke(zca_state_ledger(call->state), call->org_id, id, call->actor, err)) {
        return false;
    }
    struct zca_json *data = zca_json_new_object();
    zca_json_set_boolean(data, "revoked", true);
    zca_response_success(call->response, 200, data);
    return true;
}

static const struct zca_action actions[] = {
    {"create_api_key", ZCA_ROLE_ADMIN, ZCA_SCOPE_ADMIN, create},
    {"list",           ZCA_ROLE_ADMIN, ZCA_SCOPE_ADMIN, list  },
    {"list_api_keys",  ZCA_ROLE_ADMIN, ZCA_SCOPE_ADMIN, list  },
    {"revoke",         ZCA_ROLE_ADMIN, ZCA_SCOPE_ADMIN, revoke},
    {"revoke_api_key", ZCA_ROLE_ADMIN, ZCA_SCOPE_ADMIN, revoke},
};

void zca_api_keys(struct zca_server *server, struct zca_http_request *request,
                  struct zca_http_response *response)
{
    zca_action_run(actions, ZCA_COUNT(actions), server, request, response);
}
