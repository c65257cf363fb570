/* SPDX-License-Identifier: Apache-2.0 */
/* Users: making them, checking their passwords, and the first one of a new server. */
#include "server/account.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "server/identifier.h"
#include "server/ledger_account.h"
#include "server/ledger_audit.h"
#include "server/options.h"
#include "server/password.h"
#include "server/refusal.h"
#include "server/state.h"
#include "server/token.h"

#define MAX_FAILURES 10
#define LOCK_MS (15 * 60 * 1000)
#define MIN_PASSWORD 8u
#define MAX_ORG_NAME 253u
#define FIRST_PASSWORD_BYTES 12u /* 96 bits, 24 characters */

static const char *const role_names[] = {[ZCA_ROLE_NONE] = "none",
                                         [ZCA_ROLE_AUDITOR] = "auditor",
                                         [ZCA_ROLE_MEMBER] = "member",
                                         [ZCA_ROLE_ADMIN] = "admin",
                                         [ZCA_ROLE_OWNER] = "owner"};

const char *zca_role_name(enum zca_role role)
{
    return role_names[role];
}

enum zca_role zca_role_find(const char *name)
{
    for (size_t i = 1; name && i < ZCA_COUNT(role_names); i++) {
        if (strcmp(role_names[i], name) == 0) {
            return (enum zca_role)i;
        }
    }
    return ZCA_ROLE_NONE;
}

const char *const zca_scope_names[] = {"read", "write",   "admin", "machines", "dns",
                                       "acl",  "billing", "audit", NULL};

unsigned zca_scope_bit(const char *name)
{
    for (unsigned i = 0; name && zca_scope_names[i]; i++) {
        if (strcmp(zca_scope_names[i], name) == 0) {
            return 1u << i;
        }
    }
    return 0;
}

bool zca_email_check(const char *text)
{
    const char *at = text ? strchr(text, '@') : NULL;
    if (!at || at == text || at[1] == '\0' || strchr(at + 1, '@') ||
        strlen(text) >= ZCA_EMAIL_SIZE) {
        return false;
    }
    for (const char *p = text; *p != '\0'; p++) {
        if (*p <= ' ' || *p >= 0x7f || isupper((unsigned char)*p)) {
            return false;
        }
    }
    return true;
}

/* ---- making ---- */

bool zca_org_make(struct zca_ledger *ledger, const char *name, int64_t now_ms,
                  char out_org_id[ZCA_UUID_SIZE], struct zca_error *err)
{
    if (!zca_name_check(name, MAX_ORG_NAME)) {
        return zca_error_set(err, ZCA_ERR_INVALID,
                             "an organisation's name has 1 to %u characters, and no control "
                             "characters",
                             MAX_ORG_NAME);
    }
    if (!zca_uuid_make(out_org_id, err)) {
        return false;
    }
    /* The record only borrows what it points to. */
    struct zca_org org = {.id = out_org_id,
                          .name = (char *)(uintptr_t)name,
                          .created_at = now_ms,
                          .cert_ttl_hours = 24,
                          .max_cert_ttl_hours = 720,
                          .allowed_domains = (char *)"",
                          .allowed_ekus = (char *)"serverAuth clientAuth",
                          .allow_intermediate = false,
                          .allow_version1 = true};
    return zca_ledger_org_insert(ledger, &org, err);
}

static bool insert_user(struct zca_ledger *ledger, const char *email, const char *hash,
                        char out_user_id[ZCA_UUID_SIZE], struct zca_error *err)
{
    if (!zca_uuid_make(out_user_id, err)) {
        return false;
    }
    struct zca_user user = {.id = out_user_id,
                            .email = (char *)(uintptr_t)email,
                            .password = (char *)(uintptr_t)hash,
                            .created_at = zca_clock_now_ms()};
    return zca_ledger_user_insert(ledger, &user, err);
}

static bool hash_checked(struct zca_span password, struct zca_buffer *out_hash,
                         struct zca_error *err)
{
    if (password.len < MIN_PASSWORD) {
        return zca_error_set(err, ZCA_ERR_INVALID, "a password needs %u characters", MIN_PASSWORD);
    }
    return zca_password_hash(password, out_hash, err);
}

struct addition {
    const struct zca_account_request *request;
    const char *hash;
    char *out_user_id;
};

static bool add_user(struct zca_ledger *ledger, void *context, struct zca_error *err)
{
    const struct addition *addition = context;
    const struct zca_account_request *request = addition->request;
    struct zca_audit_event event = {.created_at = zca_clock_now_ms(),
                                    .org_id = request->org_id,
                                    .actor = request->actor,
                                    .event = "user.created",
                                    .object = addition->out_user_id,
                                    .detail = request->email};
    return insert_user(ledger, request->email, addition->hash, addition->out_user_id, err) &&
           zca_ledger_member_set(ledger, request->org_id, addition->out_user_id, request->role,
                                 err) &&
           zca_ledger_audit_append(ledger, &event, err);
}

bool zca_account_add(struct zca_state *state, const struct zca_account_request *request,
                     char out_user_id[ZCA_UUID_SIZE], struct zca_error *err)
{
    zca_auto(zca_buffer) struct zca_buffer hash = {0};
    if (!zca_email_check(request->email)) {
        return zca_error_set(err, ZCA_ERR_INVALID, "'%s' is not an e-mail address in lower case",
                             request->email);
    }
    if (!hash_checked(request->password, &hash, err)) {
        return false;
    }
    struct addition addition = {
        .request = request, .hash = (const char *)hash.data, .out_user_id = out_user_id};
    return zca_ledger_transact(zca_state_ledger(state), add_user, &addition, err);
}

struct change {
    const char *email;
    const char *hash;
    const char *actor;
};

static bool change_password(struct zca_ledger *ledger, void *context, struct zca_error *err)
{
    const struct change *change = context;
    zca_auto(zca_user) struct zca_user user = {0};
    bool found = false;
    if (!zca_ledger_user_find(ledger, change->email, &user, &found, err)) {
        return false;
    }
    if (!found) {
        return zca_error_set(err, ZCA_ERR_NOT_FOUND, "there is no user '%s'", change->email);
    }
    free(user.password);
    user.password = strdup(change->hash);
    user.failures = 0;
    user.locked_until = 0;
    if (!user.password) {
        return zca_error_set(err, ZCA_ERR_MEMORY, "changing a password");
    }
    struct zca_audit_event event = {.created_at = zca_clock_now_ms(),
                                    .actor = change->actor,
                                    .event = "user.password",
                                    .object = change->email};
    return zca_ledger_user_update(ledger, &user, err) &&
           zca_ledger_refresh_token_revoke_user(ledger, user.id, err) &&
           zca_ledger_audit_append(ledger, &event, err);
}

bool zca_account_set_password(struct zca_state *state, const char *email, struct zca_span password,
                              const char *actor, struct zca_error *err)
{
    zca_auto(zca_buffer) struct zca_buffer hash = {0};
    if (!hash_checked(password, &hash, err)) {
        return false;
    }
    struct change change = {.email = email, .hash = (const char *)hash.data, .actor = actor};
    return zca_ledger_transact(zca_state_ledger(state), change_password, &change, err);
}

/* ---- logging in ---- */

struct attempt {
    const char *email;
    const char *hash; /* what the password was checked against */
    bool right;       /* the password */
    int64_t now_ms;
    bool locked;
    char *out_user_id;
    struct zca_buffer *refresh;
};

static bool start_session(struct zca_ledger *ledger, struct attempt *attempt, struct zca_user *user,
                          struct zca_error *err)
{
    if (user->failures != 0 || user->locked_until != 0) {
        user->failures = 0;
        user->locked_until = 0;
        if (!zca_ledger_user_update(ledger, user, err)) {
            return false;
        }
    }
    memcpy(attempt->out_user_id, user->id, strlen(user->id) + 1);
    return zca_refresh_token_start(ledger, user->id, attempt->now_ms, attempt->refresh, err);
}

/*
 * Counts in the same transaction it reads in: parallel attempts cannot share a count. The password
 * may have changed while it was checked: then it was the old one, and its sessions have ended.
 */
static bool count_attempt(struct zca_ledger *ledger, void *context, struct zca_error *err)
{
    struct attempt *attempt = context;
    zca_auto(zca_user) struct zca_user user = {0};
    bool found = false;
    if (!zca_ledger_user_find(ledger, attempt->email, &user, &found, err)) {
        return false;
    }
    if (!found || strlen(user.id) >= ZCA_UUID_SIZE) {
        attempt->right = false;
        return true;
    }
    attempt->locked = user.locked_until > attempt->now_ms;
    if (attempt->locked) {
        return true;
    }
    attempt->right = attempt->right && strcmp(user.password, attempt->hash) == 0;
    if (attempt->right) {
        return start_session(ledger, attempt, &user, err);
    }
    user.failures++;
    user.locked_until = 0;
    if (user.failures >= MAX_FAILURES) {
        user.failures = 0;
        user.locked_until = attempt->now_ms + LOCK_MS;
    }
    return zca_ledger_user_update(ledger, &user, err);
}

bool zca_account_login(struct zca_state *state, const char *email, struct zca_span password,
                       char out_user_id[ZCA_UUID_SIZE], struct zca_buffer *out_refresh,
                       struct zca_error *err)
{
    struct zca_ledger *ledger = zca_state_ledger(state);
    zca_auto(zca_user) struct zca_user user = {0};
    zca_auto(zca_buffer) struct zca_buffer refresh = ZCA_SECRET_BUFFER;
    bool found = false;
    /* Addresses are kept in lower case; an address that cannot be one finds nobody. */
    if (!zca_ledger_user_find(ledger, zca_email_check(email) ? email : "", &user, &found, err)) {
        return false;
    }
    char user_id[ZCA_UUID_SIZE] = "";
    struct attempt attempt = {.email = email,
                              .hash = user.password,
                              .right = zca_password_check(password, user.password),
                              .now_ms = zca_clock_now_ms(),
                              .out_user_id = user_id,
                              .refresh = &refresh};
    if (found && !zca_ledger_transact(ledger, count_attempt, &attempt, err)) {
        return false;
    }
    if (attempt.locked) {
        return zca_refuse(err, ZCA_REFUSE_ACCOUNT_LOCKED, NULL);
    }
    if (!found || !attempt.right) {
        return zca_refuse(err, ZCA_REFUSE_INVALID_CREDENTIALS, NULL);
    }
    if (!zca_buffer_append(out_refresh, zca_buffer_span(&refresh), err)) {
        return false;
    }
    memcpy(out_user_id, user_id, sizeof(user_id));
    return true;
}

/* ---- the first start ---- */

void zca_bootstrap_clear(struct zca_bootstrap *bootstrap)
{
    free(bootstrap->org_id);
    free(bootstrap->email);
    free(bootstrap->password_file);
    *bootstrap = (struct zca_bootstrap){0};
}

struct first {
    const char *email;
    const char *hash;
    char org_id[ZCA_UUID_SIZE];
    bool created;
};

static bool make_first(struct zca_ledger *ledger, void *context, struct zca_error *err)
{
    struct first *first = context;
    char user_id[ZCA_UUID_SIZE];
    int64_t count = 0;
    if (!zca_ledger_user_count(ledger, &count, err)) {
        return false;
    }
    if (count > 0) {
        return true;
    }
    first->created = true;
    return zca_org_make(ledger, "default", zca_clock_now_ms(), first->org_id, err) &&
           insert_user(ledger, first->email, first->hash, user_id, err) &&
           zca_ledger_member_set(ledger, first->org_id, user_id, ZCA_ROLE_OWNER, err);
}

/* The file comes first: an account whose password nobody has would lock everybody out. */
static bool store_password(const char *path, struct zca_buffer *out_hash, struct zca_error *err)
{
    zca_auto(zca_buffer) struct zca_buffer password = ZCA_SECRET_BUFFER;
    zca_auto(zca_buffer) struct zca_buffer line = ZCA_SECRET_BUFFER;
    return zca_token_make("", FIRST_PASSWORD_BYTES, &password, err) &&
           zca_password_hash(zca_buffer_span(&password), out_hash, err) &&
           zca_buffer_append(&line, zca_buffer_span(&password), err) &&
           zca_buffer_append_text(&line, "\n", err) &&
           zca_file_store(path, 0600, zca_buffer_span(&line), err);
}

bool zca_account_bootstrap(struct zca_server *server, struct zca_bootstrap *out_bootstrap,
                           struct zca_error *err)
{
    struct zca_ledger *ledger = zca_state_ledger(server->state);
    const char *email = zca_server_text(server, ZCA_SERVER_ADMIN_EMAIL);
    int64_t count = 0;
    if (!zca_ledger_user_count(ledger, &count, err)) {
        return false;
    }
    if (count > 0) {
        return true;
    }
    if (!zca_email_check(email)) {
        return zca_error_set(err, ZCA_ERR_CONFIG,
                             "admin-email '%s' is not an e-mail address in lower case", email);
    }
    zca_auto(zca_buffer) struct zca_buffer hash = {0};
    zca_auto(zca_bootstrap) struct zca_bootstrap made = {.created = true};
    made.email = strdup(email);
    made.password_file = zca_path_join(server->state_directory, "initial-password", "", err);
    if (!made.email || !made.password_file || !store_password(made.password_file, &hash, err)) {
        return made.email ? false : zca_error_set(err, ZCA_ERR_MEMORY, "making the first account");
    }
    struct first first = {.email = email, .hash = (const char *)hash.data};
    if (!zca_ledger_transact(ledger, make_first, &first, err)) {
        return false;
    }
    made.org_id = strdup(first.org_id);
    if (first.created && made.org_id) {
        *out_bootstrap = made;
        made = (struct zca_bootstrap){0};
    }
    return true;
}
