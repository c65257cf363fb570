/* SPDX-License-Identifier: Apache-2.0 */
/* What every handler does first and last. */
#include "server/api/action.h"

#include <string.h>

#include <openssl/err.h>

#include "base/clock.h"
#include "base/log.h"
#include "server/ledger_audit.h"
#include "server/refusal.h"
#include "server/response.h"

#define MAX_WORDS 100u

/* ---- answers ---- */

/* Failures that carry no code of their own. */
static const struct failure {
    enum zca_reason reason;
    int status;
    const char *code;
    const char *message;
} failures[] = {
    {ZCA_ERR_UNAVAILABLE, 503, "SERVICE_UNAVAILABLE", "The server cannot answer now"},
    {ZCA_ERR_CONFLICT,    409, "CONFLICT",            "Exists already"              },
};

void zca_api_fail(struct zca_http_response *response, const struct zca_error *err)
{
    ERR_clear_error(); /* worker threads live long */
    if (err->code[0] != '\0') {
        zca_response_error(response, (int)err->http_status, err->code, err->message);
        return;
    }
    zca_log_failure(err);
    for (size_t i = 0; i < ZCA_COUNT(failures); i++) {
        if (failures[i].reason == err->reason) {
            zca_response_error(response, failures[i].status, failures[i].code, failures[i].message);
            response->retry_after_s = failures[i].status == 503 ? 1 : 0;
            return;
        }
    }
    zca_response_error(response, 500, "INTERNAL_ERROR", "Internal error");
}

/* ---- calls ---- */

void zca_api_open(struct zca_api_call *call, struct zca_server *server,
                  struct zca_http_request *request, struct zca_http_response *response)
{
    *call = (struct zca_api_call){.server = server,
                                  .state = server->state,
                                  .request = request,
                                  .response = response,
                                  .actor = request->principal.email};
    if (request->principal.api_key_id[0] != '\0' &&
        zca_buffer_format(&call->actor_text, NULL, "%s api-key %s", request->principal.email,
                          request->principal.api_key_id)) {
        call->actor = (const char *)call->actor_text.data;
    }
}

bool zca_api_admit(struct zca_api_call *call, const char *org_id, enum zca_role role,
                   unsigned scopes, struct zca_error *err)
{
    call->org_id = org_id;
    call->role = zca_account_role(call->server, &call->request->principal, org_id);
    if (call->role == ZCA_ROLE_NONE) {
        return zca_refuse(err, ZCA_REFUSE_FORBIDDEN, "You are not a member of this organization");
    }
    if (call->role < role) {
        return zca_refuse(err, ZCA_REFUSE_FORBIDDEN, "This needs the role %s", zca_role_name(role));
    }
    if ((call->request->principal.scopes & scopes) == 0) {
        return zca_refuse(err, ZCA_REFUSE_FORBIDDEN, "The API key lacks the scope for this");
    }
    return true;
}

void zca_api_close(struct zca_api_call *call, bool ok, const struct zca_error *err)
{
    if (!ok) {
        zca_api_fail(call->response, err);
    }
    zca_buffer_clear(&call->actor_text);
}

/* A member who tries more than its role allows is worth a line; strangers could fill the disk. */
static void audit_denial(const struct zca_api_call *call, const char *action,
                         const struct zca_error *err)
{
    struct zca_error failure = {0};
    struct zca_audit_event event = {.created_at = zca_clock_now_ms(),
                                    .org_id = call->org_id,
                                    .actor = call->actor,
                                    .event = "access.refused",
                                    .object = action,
                                    .detail = err->code};
    if (call->role != ZCA_ROLE_NONE &&
        !zca_ledger_audit_append(zca_state_ledger(call->state), &event, &failure)) {
        zca_log_failure(&failure);
    }
}

static const struct zca_action *find_action(const struct zca_action *actions, size_t num_actions,
                                            const char *name)
{
    for (size_t i = 0; i < num_actions; i++) {
        if (strcmp(actions[i].name, name) == 0) {
            return &actions[i];
        }
    }
    return NULL;
}

void zca_action_run(const struct zca_action *actions, size_t num_actions, struct zca_server *server,
                    struct zca_http_request *request, struct zca_http_response *response)
{
    const char *name = zca_json_text(request->json, "action");
    const char *org_id = zca_json_text(request->json, "org_id");
    const struct zca_action *action = name ? find_action(actions, num_actions, name) : NULL;
    struct zca_error err = {0};
    struct zca_api_call call;
    zca_api_open(&call, server, request, response);
    bool ok = false;
    if (!name) {
        zca_refuse(&err, ZCA_REFUSE_MISSING_FIELDS, "action required");
    } else if (!action) {
        zca_refuse(&err, ZCA_REFUSE_UNKNOWN_ACTION, "Unknown action: %.60s", name);
    } else if (!org_id || *org_id == '\0') {
        zca_refuse(&err, ZCA_REFUSE_MISSING_FIELDS, "org_id required");
    } else if (!zca_api_admit(&call, org_id, action->role, action->scopes, &err)) {
        audit_denial(&call, name, &err);
    } else {
        ok = action->run(&call, &err);
    }
    zca_api_close(&call, ok, &err);
}

/* ---- fields ---- */

bool zca_api_text(const struct zca_json *json, const char *name, const char **out_text,
                  struct zca_error *err)
{
    const struct zca_json *value = zca_json_get(json, name);
    if (zca_json_is_null(value)) {
        return true;
    }
    const char *text = zca_json_text_value(value);
    if (!text) {
        return zca_refuse(err, ZCA_REFUSE_VALIDATION, "%s must be a string", name);
    }
    if (*text != '\0') {
        *out_text = text;
    }
    return true;
}

bool zca_api_integer(const struct zca_json *json, const char *name, int64_t *out_value,
                     bool *out_present, struct zca_error *err)
{
    if (zca_json_is_null(zca_json_get(json, name))) {
        return true;
    }
    if (!zca_json_integer(json, name, out_value)) {
        return zca_refuse(err, ZCA_REFUSE_VALIDATION, "%s must be an integer", name);
    }
    *out_present = true;
    return true;
}

bool zca_api_boolean(const struct zca_json *json, const char *name, bool *out_value,
                     struct zca_error *err)
{
    if (zca_json_is_null(zca_json_get(json, name)) || zca_json_boolean(json, name, out_value)) {
        return true;
    }
    return zca_refuse(err, ZCA_REFUSE_VALIDATION, "%s must be true or false", name);
}

bool zca_api_words(const struct zca_json *json, const char *name, const char ***out_words,
                   struct zca_error *err)
{
    const struct zca_json *array = zca_json_get(json, name);
    size_t num = zca_json_length(array);
    if (zca_json_is_null(array) || (zca_json_is_array(array) && num == 0)) {
        return true;
    }
    if (!zca_json_is_array(array) || num > MAX_WORDS) {
        return zca_refuse(err, ZCA_REFUSE_VALIDATION, "%s must be an array of at most %u strings",
                          name, MAX_WORDS);
    }
    zca_auto(zca_api_words) const char **words = calloc(num + 1, sizeof(*words));
    if (!words) {
        return zca_error_set(err, ZCA_ERR_MEMORY, "reading %s", name);
    }
    for (size_t i = 0; i < num; i++) {
        words[i] = zca_json_text_value(zca_json_at(array, i));
        if (!words[i] || *words[i] == '\0') {
            return zca_refuse(err, ZCA_REFUSE_VALIDATION, "%s must be an array of strings", name);
        }
    }
    *out_words = zca_steal(words);
    return true;
}

void zca_api_set_time(struct zca_json *json, const char *name, int64_t time_ms)
{
    char text[ZCA_RFC3339_SIZE];
    if (time_ms == 0) {
        zca_json_set_null(json, name);
        return;
    }
    zca_clock_format(time_ms, text);
    zca_json_set_text(json, name, text);
}
