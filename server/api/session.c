/* SPDX-License-Identifier: Apache-2.0 */
/* Sessions: a password becomes an access token and a refresh token, each refresh token the next. */
#include "server/api/session.h"

#include <ctype.h>
#include <string.h>

#include "base/clock.h"
#include "server/account.h"
#include "server/api/action.h"
#include "server/ledger_account.h"
#include "server/refusal.h"
#include "server/response.h"
#include "server/token.h"

#define MAX_PASSWORD 1024u

static struct zca_json *format_user(const char *id, const char *email)
{
    struct zca_json *user = zca_json_new_object();
    zca_json_set_text(user, "id", id);
    zca_json_set_text(user, "email", email);
    return user;
}

static bool answer_tokens(struct zca_api_call *call, const char *user_id,
                          const struct zca_buffer *refresh, struct zca_error *err)
{
    zca_auto(zca_user) struct zca_user user = {0};
    zca_auto(zca_buffer) struct zca_buffer token = ZCA_SECRET_BUFFER;
    bool found = false;
    if (!zca_ledger_user_find(zca_state_ledger(call->state), user_id, &user, &found, err)) {
        return false;
    }
    if (!found) {
        return zca_refuse(err, ZCA_REFUSE_UNAUTHORIZED, NULL);
    }
    if (!zca_token_sign(zca_state_token_key(call->state), user.id, user.email, zca_clock_now_s(),
                        ZCA_TOKEN_LIFETIME_S, &token, err)) {
        return false;
    }
    struct zca_json *data = zca_json_new_object();
    zca_json_set_span(data, "token", zca_buffer_span(&token));
    zca_json_set_span(data, "refresh_token", zca_buffer_span(refresh));
    zca_json_set_integer(data, "expires_in", ZCA_TOKEN_LIFETIME_S);
    zca_json_take(data, "user", format_user(user.id, user.email));
    call->response->body.secret = true;
    zca_response_success(call->response, 200, data);
    return true;
}

/* Addresses are kept in lower case. */
static void lower(char *text)
{
    for (; *text != '\0'; text++) {
        *text = (char)tolower((unsigned char)*text);
    }
}

static bool login(struct zca_api_call *call, struct zca_error *err)
{
    const char *email = NULL;
    const char *password = NULL;
    char address[ZCA_EMAIL_SIZE];
    char user_id[ZCA_UUID_SIZE];
    if (!zca_api_text(call->request->json, "email", &email, err) ||
        !zca_api_text(call->request->json, "password", &password, err)) {
        return false;
    }
    if (!email || !password) {
        return zca_refuse(err, ZCA_REFUSE_MISSING_FIELDS, "email and password required");
    }
    if (strlen(email) >= sizeof(address) || strlen(password) > MAX_PASSWORD) {
        return zca_refuse(err, ZCA_REFUSE_INVALID_CREDENTIALS, NULL);
    }
    memcpy(address, email, strlen(email) + 1);
    lower(address);
    zca_auto(zca_buffer) struct zca_buffer refresh = ZCA_SECRET_BUFFER;
    return zca_account_login(call->state, address, zca_span_text(password), user_id, &refresh,
                             err) &&
           answer_tokens(call, user_id, &refresh, err);
}

static bool refresh(struct zca_api_call *call, struct zca_error *err)
{
    const char *text = NULL;
    char user_id[ZCA_UUID_SIZE];
    if (!zca_api_text(call->request->json, "refresh_token", &text, err)) {
        return false;
    }
    if (!text) {
        return zca_refuse(err, ZCA_REFUSE_MISSING_TOKEN, NULL);
    }
    zca_auto(zca_buffer) struct zca_buffer next = ZCA_SECRET_BUFFER;
    return zca_refresh_token_rotate(zca_state_ledger(call->state), text, zca_clock_now_ms(),
                                    user_id, &next, err) &&
           answer_tokens(call, user_id, &next, err);
}

static bool logout(struct zca_api_call *call, struct zca_error *err)
{
    const char *text = NULL;
    if (!zca_api_text(call->request->json, "refresh_token", &text, err)) {
        return false;
    }
    if (!text) {
        return zca_refuse(err, ZCA_REFUSE_MISSING_TOKEN, NULL);
    }
    if (!zca_refresh_token_end(zca_state_ledger(call->state), text, err)) {
        return false;
    }
    struct zca_json *data = zca_json_new_object();
    zca_json_set_boolean(data, "logged_out", true);
    zca_response_success(call->response, 200, data);
    return true;
}

static bool me(struct zca_api_call *call, struct zca_error *err)
{
    const struct zca_principal *principal = &call->request->principal;
    zca_auto(zca_record_list) struct zca_record_list members = {0};
    if (principal->user_id[0] == '\0') {
        return zca_refuse(err, ZCA_REFUSE_UNAUTHORIZED, NULL);
    }
    if (!zca_ledger_member_list(zca_state_ledger(call->state), NULL, principal->user_id, &members,
                                err)) {
        return false;
    }
    struct zca_json *organizations = zca_json_new_array();
    for (size_t i = 0; i < members.num; i++) {
        const struct zca_member *member = zca_record_at(&members, i);
        enum zca_role role = zca_account_role(call->server, principal, member->org_id);
        if (role == ZCA_ROLE_NONE) { /* an API key is of one organisation */
            continue;
        }
        struct zca_json *item = zca_json_new_object();
        zca_json_set_text(item, "org_id", member->org_id);
        zca_json_set_text(item, "role", zca_role_name(role));
        zca_json_take(organizations, NULL, item);
    }
    struct zca_json *data = zca_json_new_object();
    zca_json_take(data, "user", format_user(principal->user_id, principal->email));
    zca_json_take(data, "organizations", organizations);
    zca_response_success(call->response, 200, data);
    return true;
}

static void run(zca_api_function *function, struct zca_server *server,
                struct zca_http_request *request, struct zca_http_response *response)
{
    struct zca_error err = {0};
    struct zca_api_call call;
    zca_api_open(&call, server, request, response);
    bool ok = function(&call, &err);
    zca_api_close(&call, ok, &err);
}

void zca_api_login(struct zca_server *server, struct zca_http_request *request,
                   struct zca_http_response *response)
{
    run(login, server, request, response);
}

void zca_api_refresh(struct zca_server *server, struct zca_http_request *request,
                     struct zca_http_response *response)
{
    run(refresh, server, request, response);
}

void zca_api_logout(struct zca_server *server, struct zca_http_request *request,
                    struct zca_http_response *response)
{
    run(logout, server, request, response);
}

void zca_api_me(struct zca_server *server, struct zca_http_request *request,
                struct zca_http_response *response)
{
    run(me, server, request, response);
}
