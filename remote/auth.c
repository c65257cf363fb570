/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of schemes, and what a request needs from it. The token file is read again for
 * every request: another process may have renewed it, and then the old tokens are void.
 */
#include "remote/auth.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "remote/client.h"
#include "remote/token.h"

/* Renewed when fewer seconds are left: the request must arrive before the token expires. */
static const int64_t renew_ahead_s = 30;

static const size_t max_key_file = 4096; /* bytes */

/* How one scheme writes its header line, and whether refused credentials can be renewed. */
struct scheme_row {
    enum zca_auth_scheme scheme;
    bool renewable;
    const char *label; /* in front of the credential; NULL: there is none */
    bool (*format)(struct zca_client *client, struct zca_buffer *out_line, struct zca_error *err);
};

struct zca_auth {
    const struct scheme_row *row;
    char *token_file; /* "" if none */
    char *api_key_file;
    bool has_certificate;
    struct zca_tokens tokens;
    struct zca_buffer api_key;
    struct zca_buffer given; /* in place of all files */
    int64_t given_expires_at_s;
};

static bool is_given(const char *text)
{
    return text && *text != '\0';
}

static bool load_tokens(struct zca_client *client, struct zca_error *err)
{
    struct zca_auth *auth = client->auth;
    struct zca_error failure = {0};
    bool given = is_given(auth->token_file);
    if (given && zca_tokens_load(auth->token_file, &auth->tokens, &failure)) {
        return true;
    }
    if (!given || failure.reason == ZCA_ERR_NOT_FOUND) {
        return zca_error_set(err, ZCA_ERR_AUTH,
                             "not logged in to authority '%s': run 'zca login %s' first",
                             client->authority, client->authority);
    }
    return zca_error_set(err, failure.reason, "%s", failure.message);
}

/* ---- schemes ---- */

static bool format_nothing(struct zca_client *client, struct zca_buffer *out_line,
                           struct zca_error *err)
{
    (void)client;
    (void)out_line;
    (void)err;
    return true;
}

static bool format_credential(const struct zca_auth *auth, const struct zca_buffer *credential,
                              struct zca_buffer *out_line, struct zca_error *err)
{
    return zca_buffer_format(out_line, err, "%s%s", auth->row->label,
                             (const char *)credential->data);
}

static bool expires_soon(const struct zca_tokens *tokens)
{
    return tokens->expires_at_s != 0 && tokens->expires_at_s <= zca_clock_now_s() + renew_ahead_s;
}

static bool format_bearer(struct zca_client *client, struct zca_buffer *out_line,
                          struct zca_error *err)
{
    struct zca_auth *auth = client->auth;
    struct zca_error failure = {0};
    if (!load_tokens(client, &failure)) {
        if (failure.reason == ZCA_ERR_AUTH && auth->has_certificate) {
            return true; /* the client certificate may be enough: the authority decides */
        }
        return zca_error_set(err, failure.reason, "%s", failure.message);
    }
    if (expires_soon(&auth->tokens) && zca_auth_can_renew(client) && !zca_auth_renew(client, err)) {
        return false;
    }
    return format_credential(auth, &auth->tokens.access, out_line, err);
}

static bool format_api_key(struct zca_client *client, struct zca_buffer *out_line,
                           struct zca_error *err)
{
    struct zca_auth *auth = client->auth;
    struct stat status;
    auth->api_key.secret = true;
    if (!zca_file_load(auth->api_key_file, max_key_file, &auth->api_key, &status, err) ||
        !zca_token_check_mode(auth->api_key_file, &status, err)) {
        return zca_error_context(err, "reading the API key for authority '%s'", client->authority);
    }
    size_t len = strcspn((const char *)auth->api_key.data, " \t\r\n");
    if (!zca_buffer_resize(&auth->api_key, len, err)) {
        return false;
    }
    if (!zca_token_is_valid(zca_buffer_span(&auth->api_key))) {
        return zca_error_set(err, ZCA_ERR_CONFIG, "'%s' holds no API key", auth->api_key_file);
    }
    return format_credential(auth, &auth->api_key, out_line, err);
}

static const struct scheme_row schemes[] = {
    {ZCA_AUTH_NONE,           false, NULL,                     format_nothing},
    {ZCA_AUTH_BEARER_REFRESH, true,  "Authorization: Bearer ", format_bearer },
    {ZCA_AUTH_API_KEY,        false, "X-Api-Key: ",            format_api_key},
};

static const struct scheme_row *find_scheme(enum zca_auth_scheme scheme)
{
    for (size_t i = 0; i < ZCA_COUNT(schemes); i++) {
        if (schemes[i].scheme == scheme) {
            return &schemes[i];
        }
    }
    return NULL;
}

/* ---- opening ---- */

struct zca_auth *zca_auth_open(const struct zca_client_settings *settings,
                               enum zca_auth_scheme scheme, struct zca_error *err)
{
    zca_auto(zca_auth) struct zca_auth *auth = calloc(1, sizeof(*auth));
    if (auth) {
        auth->row = find_scheme(is_given(settings->api_key_file) ? ZCA_AUTH_API_KEY : scheme);
        auth->has_certificate = is_given(settings->certificate_file);
        auth->token_file = strdup(settings->token_file ? settings->token_file : "");
        auth->api_key_file = strdup(settings->api_key_file ? settings->api_key_file : "");
        auth->given.secret = true;
    }
    if (!auth || !auth->token_file || !auth->api_key_file) {
        (void)zca_error_set(err, ZCA_ERR_MEMORY, "preparing credentials"); /* NULL tells */
        return NULL;
    }
    if (!auth->row) {
        (void)zca_error_set(err, ZCA_ERR_UNSUPPORTED,
                            "this build cannot authenticate as the dialect needs"); /* NULL tells */
        return NULL;
    }
    return zca_steal(auth);
}

void zca_auth_close(struct zca_auth *auth)
{
    if (auth) {
        zca_tokens_clear(&auth->tokens);
        zca_buffer_clear(&auth->api_key);
        zca_buffer_clear(&auth->given);
        free(auth->token_file);
        free(auth->api_key_file);
        free(auth);
    }
}

bool zca_auth_give(struct zca_client *client, struct zca_span credential, int64_t *out_expires_at_s,
                   struct zca_error *err)
{
    struct zca_auth *auth = client->auth;
    zca_auto(zca_buffer) struct zca_buffer copy = ZCA_SECRET_BUFFER;
    if (credential.len > 0 && !auth->row->label) {
        return zca_error_set(err, ZCA_ERR_UNSUPPORTED, "authority '%s' asks for no credential",
                             client->authority);
    }
    if (credential.len > 0 && !zca_token_is_valid(credential)) {
        return zca_error_set(err, ZCA_ERR_AUTH,
                             "a credential of authority '%s' has visible ASCII characters only",
                             client->authority);
    }
    if (!zca_buffer_append(&copy, credential, err)) {
        return false;
    }
    zca_buffer_move(&auth->given, &copy);
    auth->given_expires_at_s = zca_token_expiry(&auth->given);
    *out_expires_at_s = auth->given_expires_at_s;
    return true;
}

/* ---- requests ---- */

bool zca_auth_format_line(struct zca_client *client, struct zca_buffer *out_line,
                          struct zca_error *err)
{
    const struct zca_auth *auth = client->auth;
    return auth->given.len > 0 ? format_credential(auth, &auth->given, out_line, err)
                               : auth->row->format(client, out_line, err);
}

bool zca_auth_can_renew(const struct zca_client *client)
{
    const struct zca_auth *auth = client->auth;
    return auth->row->renewable && client->dialect->refresh && !client->renewed &&
           auth->given.len == 0 && auth->tokens.refresh.len > 0;
}

bool zca_auth_is_given(const struct zca_auth *auth)
{
    return auth->given.len > 0;
}

bool zca_auth_renew(struct zca_client *client, struct zca_error *err)
{
    struct zca_auth *auth = client->auth;
    zca_auto(zca_buffer) struct zca_buffer refused = ZCA_SECRET_BUFFER;
    client->renewed = true;
    zca_auto(zca_token_lock) struct zca_token_lock lock = {0};
    if (!zca_token_lock(auth->token_file, client->deadline_ms, &lock, err)) {
        return zca_error_context(err, "renewing the login at authority '%s'", client->authority);
    }
    zca_buffer_move(&refused, &auth->tokens.access);
    if (!load_tokens(client, err)) {
        return false;
    }
    if (!zca_span_equal(zca_buffer_span(&refused), zca_buffer_span(&auth->tokens.access))) {
        return true; /* another process was faster */
    }
    if (client->dialect->refresh(client, err)) {
        return true;
    }
    if (err && err->reason == ZCA_ERR_AUTH) {
        return zca_error_context(err, "the login at authority '%s' has ended, run 'zca login %s'",
                                 client->authority, client->authority);
    }
    return zca_error_context(err, "renewing the login at authority '%s'", client->authority);
}

/* ---- login and logout ---- */

static bool lock_tokens(struct zca_client *client, struct zca_token_lock *lock,
                        struct zca_error *err)
{
    if (!is_given(client->auth->token_file)) {
        return zca_error_set(err, ZCA_ERR_CONFIG, "authority '%s' has no token file",
                             client->authority);
    }
    return zca_token_lock(client->auth->token_file, client->deadline_ms, lock, err);
}

bool zca_auth_login(struct zca_client *client, const struct zca_login *login, struct zca_error *err)
{
    zca_auto(zca_token_lock) struct zca_token_lock lock = {0};
    return lock_tokens(client, &lock, err) && client->dialect->login(client, login, err);
}

bool zca_auth_logout(struct zca_client *client, struct zca_error *err)
{
    struct zca_error failure = {0};
    zca_auto(zca_token_lock) struct zca_token_lock lock = {0};
    client->renewed = true; /* new tokens, only to void them, would be absurd */
    if (!lock_tokens(client, &lock, err) || !load_tokens(client, err)) {
        return false;
    }
    if (!client->dialect->logout(client, &failure) && failure.reason != ZCA_ERR_AUTH) {
        if (err) {
            *err = failure;
        }
        return false;
    }
    zca_tokens_clear(&client->auth->tokens);
    return zca_file_remove(client->auth->token_file, err);
}

bool zca_auth_store(struct zca_client *client, struct zca_buffer *access,
                    struct zca_buffer *refresh, int64_t expires_at_s, struct zca_error *err)
{
    zca_auto(zca_tokens) struct zca_tokens tokens = {.expires_at_s = expires_at_s};
    zca_buffer_move(&tokens.access, access);
    zca_buffer_move(&tokens.refresh, refresh);
    if (!zca_tokens_store(client->auth->token_file, &tokens, err)) {
        return false;
    }
    zca_tokens_move(&client->auth->tokens, &tokens);
    return true;
}

struct zca_span zca_auth_get_refresh(const struct zca_auth *auth)
{
    return zca_buffer_span(&auth->tokens.refresh);
}

int64_t zca_auth_get_expiry(const struct zca_auth *auth)
{
    return auth->given.len > 0 ? auth->given_expires_at_s : auth->tokens.expires_at_s;
}

static bool contains(const char *text, const struct zca_buffer *secret)
{
    return secret->len > 0 && strstr(text, (const char *)secret->data);
}

bool zca_auth_is_in(const struct zca_auth *auth, const char *text)
{
    return contains(text, &auth->tokens.access) || contains(text, &auth->tokens.refresh) ||
           contains(text, &auth->api_key) || contains(text, &auth->given);
}
