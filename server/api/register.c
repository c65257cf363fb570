/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The auth key is the only credential. The token names the machine; it gives no role in the
 * organisation.
 */
#include "server/api/register.h"

#include "base/clock.h"
#include "server/api/action.h"
#include "server/machine.h"
#include "server/refusal.h"
#include "server/response.h"
#include "server/token.h"

#define TOKEN_LIFETIME_S 86400

static bool answer_machine(struct zca_api_call *call, const struct zca_machine *machine,
                           const struct zca_buffer *node_key, struct zca_error *err)
{
    zca_auto(zca_buffer) struct zca_buffer token = ZCA_SECRET_BUFFER;
    if (!zca_token_sign(zca_state_token_key(call->state), machine->id, "", zca_clock_now_s(),
                        TOKEN_LIFETIME_S, &token, err)) {
        return false;
    }
    struct zca_json *data = zca_json_new_object();
    zca_json_set_text(data, "machine_id", machine->id);
    zca_json_set_text(data, "tailnet_ip", machine->tailnet_ip);
    zca_json_set_text(data, "org_id", machine->org_id);
    zca_json_set_text(data, "name", machine->name);
    zca_json_set_span(data, "node_key", zca_buffer_span(node_key));
    zca_json_set_text(data, "status", machine->status);
    zca_json_set_span(data, "token", zca_buffer_span(&token));
    zca_json_set_text(data, "refresh_token", "");
    zca_json_set_integer(data, "expires_in", TOKEN_LIFETIME_S);
    call->response->body.secret = true;
    zca_response_success(call->response, 200, data);
    return true;
}

static bool register_machine(struct zca_api_call *call, struct zca_error *err)
{
    const struct zca_json *json = call->request->json;
    const char *auth_key = NULL;
    struct zca_machine_request request = {0};
    zca_auto(zca_machine) struct zca_machine machine = {0};
    zca_auto(zca_buffer) struct zca_buffer node_key = ZCA_SECRET_BUFFER;
    if (!zca_api_text(json, "auth_key", &auth_key, err) ||
        !zca_api_text(json, "name", &request.name, err) ||
        !zca_api_text(json, "os", &request.os, err)) {
        return false;
    }
    if (!auth_key || !request.name) {
        return zca_refuse(err, ZCA_REFUSE_MISSING_FIELDS, "auth_key and name required");
    }
    return zca_machine_register(zca_state_ledger(call->state), auth_key, &request, &machine,
                                &node_key, err) &&
           answer_machine(call, &machine, &node_key, err);
}

void zca_api_register_machine(struct zca_server *server, struct zca_http_request *request,
                              struct zca_http_response *response)
{
    struct zca_error err = {0};
    struct zca_api_call call;
    zca_api_open(&call, server, request, response);
    bool ok = register_machine(&call, &err);
    zca_api_close(&call, ok, &err);
}
