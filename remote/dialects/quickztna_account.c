/* SPDX-License-Identifier: Apache-2.0 */
/* QuickZTNA's /api/auth: login, the rotation of refresh tokens, logout, and who we are. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "remote/call.h"
#include "remote/client.h"
#include "remote/dialects/quickztna.h"

static const int64_t longest_token_s = INT64_C(10) * 366 * 24 * 3600; /* nobody means more */

struct token_reply {
    struct zca_buffer token;
    struct zca_buffer refresh_token;
    int64_t expires_in_s;
};

static const struct zca_json_field token_fields[] = {
    {"token",         ZCA_JSON_SECRET,  offsetof(struct token_reply, token),         true },
    {"refresh_token", ZCA_JSON_SECRET,  offsetof(struct token_reply, refresh_token), false},
    {"expires_in",    ZCA_JSON_INTEGER, offsetof(struct token_reply, expires_in_s),  false},
};

/* The documentation shows a user's id and e-mail nested and flat: both are read. */
struct user_reply {
    char *id, *email, *flat_id, *flat_email, *role, *organization;
};

static const struct zca_json_field user_fields[] = {
    {"user.id",    ZCA_JSON_TEXT, offsetof(struct user_reply, id),           false},
    {"user.email", ZCA_JSON_TEXT, offsetof(struct user_reply, email),        false},
    {"user_id",    ZCA_JSON_TEXT, offsetof(struct user_reply, flat_id),      false},
    {"email",      ZCA_JSON_TEXT, offsetof(struct user_reply, flat_email),   false},
    {"role",       ZCA_JSON_TEXT, offsetof(struct user_reply, role),         false},
    {"org_id",     ZCA_JSON_TEXT, offsetof(struct user_reply, organization), false},
};

static void clear_token_reply(struct token_reply *reply)
{
    zca_json_clear_fields(token_fields, ZCA_COUNT(token_fields), reply);
}

static void clear_user_reply(struct user_reply *reply)
{
    zca_json_clear_fields(user_fields, ZCA_COUNT(user_fields), reply);
}

ZCA_DEFINE_AUTO_CLEAR(token_reply, struct token_reply, clear_token_reply);
ZCA_DEFINE_AUTO_CLEAR(user_reply, struct user_reply, clear_user_reply);

static bool store_tokens(struct zca_client *client, const struct zca_call *call,
                         struct zca_error *err)
{
    zca_auto(token_reply) struct token_reply reply = {0};
    if (!zca_quickztna_ask(client, call, token_fields, ZCA_COUNT(token_fields), &reply, err)) {
        return false;
    }
    int64_t lasts_s = reply.expires_in_s < longest_token_s ? reply.expires_in_s : longest_token_s;
    int64_t expires_at_s = lasts_s > 0 ? zca_clock_now_s() + lasts_s : 0;
    return zca_auth_store(client, &reply.token, &reply.refresh_token, expires_at_s, err);
}

bool zca_quickztna_login(struct zca_client *client, const struct zca_login *login,
                         struct zca_error *err)
{
    zca_auto(zca_json) struct zca_json *body = zca_json_new_object();
    zca_json_set_text(body, "email", login->user);
    zca_json_set_span(body, "password", login->password);
    if (login->one_time_code) {
        zca_json_set_text(body, "totp_code", login->one_time_code);
    }
    struct zca_call call = {.endpoint = &zca_quickztna_endpoints[ZCA_QUICKZTNA_LOGIN],
                            .body = body,
                            .secret = login->password};
    return store_tokens(client, &call, err);
}

bool zca_quickztna_refresh(struct zca_client *client, struct zca_error *err)
{
    zca_auto(zca_json) struct zca_json *body = zca_json_new_object();
    zca_json_set_span(body, "refresh_token", zca_auth_get_refresh(client->auth));
    struct zca_call call = {.endpoint = &zca_quickztna_endpoints[ZCA_QUICKZTNA_REFRESH],
                            .body = body};
    return store_tokens(client, &call, err);
}

bool zca_quickztna_logout(struct zca_client *client, struct zca_error *err)
{
    zca_auto(zca_json) struct zca_json *body = zca_json_new_object();
    zca_auto(zca_json) struct zca_json *data = NULL;
    zca_json_set_span(body, "refresh_token", zca_auth_get_refresh(client->auth));
    struct zca_call call = {.endpoint = &zca_quickztna_endpoints[ZCA_QUICKZTNA_LOGOUT],
                            .body = body};
    return zca_call_json(client, &call, &data, err);
}

static char *copy_first(const char *first, const char *second, const char *third)
{
    const char *last = second ? second : third;
    const char *text = first ? first : last;
    return strdup(text ? text : "");
}

/* The org CA lists the organisations of a user, each with the user's role there. */
static const char *find_role(const struct zca_json *data, const char *organization)
{
    const struct zca_json *items = zca_json_get(data, "organizations");
    for (size_t i = 0; i < zca_json_length(items); i++) {
        const struct zca_json *item = zca_json_at(items, i);
        const char *id = zca_json_text(item, "org_id");
        if (id && strcmp(id, organization) == 0) {
            return zca_json_text(item, "role");
        }
    }
    return NULL;
}

bool zca_quickztna_whoami(struct zca_client *client, struct zca_whoami *out_whoami,
                          struct zca_error *err)
{
    zca_auto(user_reply) struct user_reply reply = {0};
    zca_auto(zca_json) struct zca_json *data = NULL;
    struct zca_call call = {.endpoint = &zca_quickztna_endpoints[ZCA_QUICKZTNA_WHOAMI]};
    if (!zca_call_json(client, &call, &data, err)) {
        return false;
    }
    if (!data || !zca_json_read_fields(data, user_fields, ZCA_COUNT(user_fields), &reply, err)) {
        return zca_error_set(err, ZCA_ERR_PROTOCOL, "authority '%s' does not say who we are",
                             client->authority);
    }
    zca_auto(zca_whoami) struct zca_whoami whoami = {
        .subject = copy_first(reply.email, reply.flat_email, reply.id ? reply.id : reply.flat_id),
        .role = copy_first(reply.role, find_role(data, client->organization), NULL),
        .organization = copy_first(reply.organization, client->organization, NULL),
        .expires_at_s = zca_auth_get_expiry(client->auth),
    };
    if (!whoami.subject || !whoami.role || !whoami.organization) {
        return zca_error_set(err, ZCA_ERR_MEMORY, "storing who we are");
    }
    *out_whoami = whoami;
    whoami = (struct zca_whoami){0};
    return true;
}
