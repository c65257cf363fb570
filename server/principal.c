/* SPDX-License-Identifier: Apache-2.0 */
/* Who sent a request, and which roles that gives; declared in server/account.h. */
#include <string.h>
#include <strings.h>

#include <openssl/crypto.h>

#include "base/clock.h"
#include "server/account.h"
#include "server/identifier.h"
#include "server/ledger_account.h"
#include "server/rate.h"
#include "server/state.h"
#include "server/token.h"

#define API_KEY_PREFIX "qztna_"

static bool deny(struct zca_error *err)
{
    return zca_error_set(err, ZCA_ERR_AUTH, "the credentials are not, or no longer, good");
}

/* The user must still exist; its address may have changed since a token was made. */
static bool fill_user(struct zca_ledger *ledger, const char *user_id,
                      struct zca_principal *principal, struct zca_error *err)
{
    zca_auto(zca_user) struct zca_user user = {0};
    bool found = false;
    if (!zca_ledger_user_find(ledger, user_id, &user, &found, err)) {
        return false;
    }
    if (!found || strcmp(user.id, user_id) != 0 || strlen(user.id) >= sizeof(principal->user_id) ||
        strlen(user.email) >= sizeof(principal->email)) {
        return deny(err);
    }
    memcpy(principal->user_id, user.id, strlen(user.id) + 1);
    memcpy(principal->email, user.email, strlen(user.email) + 1);
    return true;
}

static bool authenticate_key(struct zca_state *state, const char *text,
                             struct zca_principal *principal, struct zca_error *err)
{
    struct zca_ledger *ledger = zca_state_ledger(state);
    zca_auto(zca_api_key) struct zca_api_key key = {0};
    zca_auto(zca_buffer) struct zca_buffer hash = {0};
    bool found = false;
    if (!zca_token_hash(zca_span_text(text), &hash, err) ||
        !zca_ledger_api_key_find_by_hash(ledger, zca_buffer_span(&hash), &key, &found, err)) {
        return false;
    }
    if (!found || key.revoked_at || key.expires_at <= zca_clock_now_ms() ||
        strlen(key.id) >= sizeof(principal->api_key_id)) {
        return deny(err);
    }
    if (!zca_rate_admit(zca_state_rate(state), key.id, key.rate_limit_rpm,
                        zca_clock_monotonic_ms())) {
        (void)zca_error_set(err, ZCA_ERR_RATE_LIMITED, "the API key is over its rate");
        if (err) {
            err->retry_after_s = 60 / key.rate_limit_rpm + 1;
        }
        return false;
    }
    memcpy(principal->api_key_id, key.id, strlen(key.id) + 1);
    principal->scopes = (unsigned)key.scopes;
    return fill_user(ledger, key.user_id, principal, err);
}

static bool authenticate_token(struct zca_state *state, const char *text,
                               struct zca_principal *principal, struct zca_error *err)
{
    struct zca_token_claims claims = {0};
    if (!zca_token_verify(zca_state_token_key(state), text, zca_clock_now_s(), &claims, err)) {
        return false;
    }
    principal->scopes = ZCA_SCOPE_ALL;
    return fill_user(zca_state_ledger(state), claims.user_id, principal, err);
}

static bool authenticate_header(struct zca_state *state, const char *header,
                                struct zca_principal *principal, struct zca_error *err)
{
    static const char scheme[] = "Bearer ";
    if (strncasecmp(header, scheme, sizeof(scheme) - 1) != 0) {
        return deny(err);
    }
    const char *text = header + sizeof(scheme) - 1;
    text += strspn(text, " ");
    return strncmp(text, API_KEY_PREFIX, strlen(API_KEY_PREFIX)) == 0
               ? authenticate_key(state, text, principal, err)
               : authenticate_token(state, text, principal, err);
}

bool zca_account_authenticate(struct zca_server *server, const struct zca_http_request *request,
                              struct zca_principal *out_principal, struct zca_error *err)
{
    struct zca_principal principal = {0};
    bool ok = true;
    if (request->authorization) {
        ok = authenticate_header(server->state, request->authorization, &principal, err);
    } else if (request->api_key) {
        ok = authenticate_key(server->state, request->api_key, &principal, err);
    }
    if (ok) {
        *out_principal = principal;
    }
    return ok;
}

void zca_account_forget(struct zca_principal *principal)
{
    OPENSSL_cleanse(principal, sizeof(*principal));
}

/* An API key is of one organisation and never above admin, whoever made it. */
static enum zca_role role_of_key(struct zca_ledger *ledger, const struct zca_principal *principal,
                                 const char *org_id)
{
    zca_auto(zca_api_key) struct zca_api_key key = {0};
    bool found = false;
    int64_t role = 0;
    if (!zca_ledger_api_key_find_by_id(ledger, principal->api_key_id, &key, &found, NULL) ||
        !found || (org_id && strcmp(org_id, key.org_id) != 0) ||
        !zca_ledger_member_role(ledger, key.org_id, principal->user_id, &role, NULL)) {
        return ZCA_ROLE_NONE;
    }
    return role > ZCA_ROLE_ADMIN ? ZCA_ROLE_ADMIN : (enum zca_role)role;
}

static enum zca_role find_role(struct zca_server *server, const struct zca_principal *principal,
                               const char *org_id)
{
    struct zca_ledger *ledger = zca_state_ledger(server->state);
    int64_t role = 0;
    if (principal->user_id[0] == '\0') {
        return ZCA_ROLE_NONE;
    }
    if (principal->api_key_id[0] != '\0') {
        return role_of_key(ledger, principal, org_id);
    }
    if (!zca_ledger_member_role(ledger, org_id, principal->user_id, &role, NULL) ||
        role < ZCA_ROLE_NONE || role > ZCA_ROLE_OWNER) {
        return ZCA_ROLE_NONE;
    }
    return (enum zca_role)role;
}

enum zca_role zca_account_highest_role(struct zca_server *server,
                                       const struct zca_principal *principal)
{
    return find_role(server, principal, NULL);
}

enum zca_role zca_account_role(struct zca_server *server, const struct zca_principal *principal,
                               const char *org_id)
{
    return org_id ? find_role(server, principal, org_id) : ZCA_ROLE_NONE;
}
