/* SPDX-License-Identifier: Apache-2.0 */
/* `org`, `user` and `token`. Lists have a row a line, with tabs between columns. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "server/account.h"
#include "server/admin.h"
#include "server/admin_verb.h"
#include "server/api_key.h"
#include "server/identifier.h"
#include "server/policy.h"

#define MAX_PASSWORD_FILE 4096u
#define NEW_PASSWORD_BYTES 12u

/* ---- organisations ---- */

static bool add_org(struct zca_admin *admin, struct zca_error *err)
{
    char id[ZCA_UUID_SIZE];
    const char *name = admin->words[0];
    if (!zca_org_make(admin->ledger, name, zca_clock_now_ms(), id, err) ||
        !zca_admin_audit(admin, id, "org.created", id, name, err)) {
        return false;
    }
    return zca_buffer_format(&admin->output, err, "%s\n", id);
}

static bool format_org(struct zca_admin *admin, const struct zca_org *org, struct zca_error *err)
{
    return zca_buffer_format(
        &admin->output, err,
        "%s\t%s\tttl-hours=%lld\tmax-ttl-hours=%lld\t"
        "allow-intermediate=%s\tallow-version1=%s\tdomains=%s\tusages=%s\n",
        org->id, org->name, (long long)org->cert_ttl_hours, (long long)org->max_cert_ttl_hours,
        org->allow_intermediate ? "yes" : "no", org->allow_version1 ? "yes" : "no",
        org->allowed_domains, org->allowed_ekus);
}

static bool list_orgs(struct zca_admin *admin, struct zca_error *err)
{
    zca_auto(zca_record_list) struct zca_record_list list = {0};
    if (!zca_ledger_org_list(admin->ledger, &list, err)) {
        return false;
    }
    for (size_t i = 0; i < list.num; i++) {
        if (!format_org(admin, zca_record_at(&list, i), err)) {
            return false;
        }
    }
    return true;
}

static bool replace_text(char **member, const char *text, struct zca_error *err)
{
    if (!text) {
        return true;
    }
    free(*member);
    *member = strdup(text);
    return *member ? true : zca_error_set(err, ZCA_ERR_MEMORY, "changing an organisation");
}

static bool set_org(struct zca_admin *admin, struct zca_error *err)
{
    zca_auto(zca_org) struct zca_org org = {0};
    const char *const *options = admin->options;
    if (!zca_admin_find_org(admin, admin->words[0], &org, err) ||
        !zca_admin_number(options[0], 1, ZCA_MAX_TTL_HOURS, &org.cert_ttl_hours, err) ||
        !zca_admin_number(options[1], 1, ZCA_MAX_TTL_HOURS, &org.max_cert_ttl_hours, err) ||
        (options[2] && !zca_policy_check_domains(options[2], err)) ||
        !replace_text(&org.allowed_domains, options[2], err) ||
        !replace_text(&org.allowed_ekus, options[3], err) ||
        !zca_admin_boolean(options[4], &org.allow_intermediate, err) ||
        !zca_admin_boolean(options[5], &org.allow_version1, err) ||
        !zca_ledger_org_update(admin->ledger, &org, err)) {
        return false;
    }
    return zca_admin_audit(admin, org.id, "org.changed", org.id, NULL, err) &&
           format_org(admin, &org, err);
}

static const struct zca_admin_verb org_verbs[] = {
    {.verb = "add",    .arguments = "NAME", .num_words = 1, .writes = true, .run = add_org},
    {                       .verb = "list", .arguments = "",    .run = list_orgs              },
    { .verb = "set",
     .arguments = "NAME [--ttl-hours N] [--max-ttl-hours N] [--domains LIST] [--usages LIST] "
                  "[--allow-intermediate yes|no] [--allow-version1 yes|no]",                        .num_words = 1,
     .options = {"ttl-hours", "max-ttl-hours", "domains", "usages", "allow-intermediate",
                 "allow-version1"},
     .writes = true,
     .run = set_org},
};

bool zca_admin_org(struct zca_server *server, int argc, char **argv, struct zca_error *err)
{
    return zca_admin_run("org", org_verbs, ZCA_COUNT(org_verbs), server, argc, argv, err);
}

/* ---- users ---- */

/* From the first line of a file, "-" for standard input; without a file a new one is made and
 * *out_made says that it must be shown. */
static bool get_password(const char *path, struct zca_buffer *out_password, bool *out_made,
                         struct zca_error *err)
{
    *out_made = !path;
    if (!path) {
        return zca_token_make("", NEW_PASSWORD_BYTES, out_password, err);
    }
    zca_auto(zca_buffer) struct zca_buffer bytes = ZCA_SECRET_BUFFER;
    if (strcmp(path, "-") == 0) {
        if (!zca_buffer_resize(&bytes, MAX_PASSWORD_FILE, err)) {
            return false;
        }
        bytes.len = fread(bytes.data, 1, MAX_PASSWORD_FILE, stdin);
    } else if (!zca_file_load(path, MAX_PASSWORD_FILE, &bytes, NULL, err)) {
        return false;
    }
    const uint8_t *end = bytes.len ? memchr(bytes.data, '\n', bytes.len) : NULL;
    size_t len = end ? (size_t)(end - bytes.data) : bytes.len;
    return zca_buffer_append(out_password, zca_span_of(bytes.data, len), err);
}

static bool read_role(const char *text, enum zca_role *out_role, struct zca_error *err)
{
    if (!text) {
        return true;
    }
    *out_role = zca_role_find(text);
    if (*out_role == ZCA_ROLE_NONE && strcmp(text, "none") != 0) {
        return zca_error_set(err, ZCA_ERR_INVALID,
                             "'%s' is no role: owner, admin, member, auditor or none", text);
    }
    return true;
}

static bool add_user(struct zca_admin *admin, struct zca_error *err)
{
    zca_auto(zca_org) struct zca_org org = {0};
    zca_auto(zca_buffer) struct zca_buffer password = ZCA_SECRET_BUFFER;
    char id[ZCA_UUID_SIZE];
    bool made = false;
    struct zca_account_request request = {
        .email = admin->words[0], .role = ZCA_ROLE_MEMBER, .actor = ZCA_ADMIN_ACTOR};
    if (!read_role(admin->options[1], &request.role, err) ||
        !zca_admin_find_org(admin, admin->options[0], &org, err) ||
        !get_password(admin->options[2], &password, &made, err)) {
        return false;
    }
    request.org_id = org.id;
    request.password = zca_buffer_span(&password);
    if (!zca_account_add(admin->state, &request, id, err)) {
        return false;
    }
    if (made) {
        printf("password: %s\n", (const char *)password.data);
    }
    return true;
}

static bool list_users(struct zca_admin *admin, struct zca_error *err)
{
    zca_auto(zca_record_list) struct zca_record_list list = {0};
    if (!zca_ledger_member_list(admin->ledger, NULL, NULL, &list, err)) {
        return false;
    }
    for (size_t i = 0; i < list.num; i++) {
        const struct zca_member *member = zca_record_at(&list, i);
        printf("%s\t%s\t%s\n", member->email, zca_role_name((enum zca_role)member->role),
               member->org_id);
    }
    return true;
}

static bool change_password(struct zca_admin *admin, struct zca_error *err)
{
    zca_auto(zca_buffer) struct zca_buffer password = ZCA_SECRET_BUFFER;
    bool made = false;
    if (!get_password(admin->options[0], &password, &made, err) ||
        !zca_account_set_password(admin->state, admin->words[0], zca_buffer_span(&password),
                                  ZCA_ADMIN_ACTOR, err)) {
        return false;
    }
    if (made) {
        printf("password: %s\n", (const char *)password.data);
    }
    return true;
}

static bool find_user(struct zca_admin *admin, const char *email, struct zca_user *out_user,
                      struct zca_error *err)
{
    bool found = false;
    if (!zca_ledger_user_find(admin->ledger, email, out_user, &found, err)) {
        return false;
    }
    return found ? true : zca_error_set(err, ZCA_ERR_NOT_FOUND, "there is no user '%s'", email);
}

static bool set_role(struct zca_admin *admin, struct zca_error *err)
{
    zca_auto(zca_user) struct zca_user user = {0};
    zca_auto(zca_org) struct zca_org org = {0};
    enum zca_role role = ZCA_ROLE_NONE;
    return read_role(admin->words[1], &role, err) &&
           find_user(admin, admin->words[0], &user, err) &&
           zca_admin_find_org(admin, admin->options[0], &org, err) &&
           zca_ledger_member_set(admin->ledger, org.id, user.id, role, err) &&
           zca_admin_audit(admin, org.id, "user.role", user.id, zca_role_name(role), err);
}

static bool remove_user(struct zca_admin *admin, struct zca_error *err)
{
    zca_auto(zca_user) struct zca_user user = {0};
    return find_user(admin, admin->words[0], &user, err) &&
           zca_ledger_user_delete(admin->ledger, user.id, err) &&
           zca_admin_audit(admin, NULL, "user.removed", user.id, user.email, err);
}

static const struct zca_admin_verb user_verbs[] = {
    {.verb = "add",
     .arguments = "EMAIL [--org ORG] [--role ROLE] [--password-file FILE]",
     .num_words = 1,
     .options = {"org", "role", "password-file"},
     .run = add_user                                                                                            },
    {.verb = "list",        .arguments = "",                                .run = list_users},
    {.verb = "passwd",
     .arguments = "EMAIL [--password-file FILE]",
     .num_words = 1,
     .options = {"password-file"},
     .run = change_password},
    {.verb = "role",
     .arguments = "EMAIL ROLE [--org ORG]",
     .num_words = 2,
     .options = {"org"},
     .writes = true,
     .run = set_role},
    {.verb = "remove", .arguments = "EMAIL",                                 .num_words = 1,    .writes = true,                                                                            .run = remove_user                                                                                          },
};

bool zca_admin_user(struct zca_server *server, int argc, char **argv, struct zca_error *err)
{
    return zca_admin_run("user", user_verbs, ZCA_COUNT(user_verbs), server, argc, argv, err);
}

/* ---- API keys ---- */

static bool read_scopes(const char *text, unsigned *out_scopes, struct zca_error *err)
{
    zca_auto(text) char *copy = strdup(text ? text : "read");
    char *rest = copy;
    if (!copy) {
        return zca_error_set(err, ZCA_ERR_MEMORY, "reading scopes");
    }
    for (char *word = strsep(&rest, " ,"); word; word = strsep(&rest, " ,")) {
        unsigned bit = zca_scope_bit(word);
        if (*word != '\0' && !bit) {
            return zca_error_set(err, ZCA_ERR_INVALID, "'%s' is no scope", word);
        }
        *out_scopes |= bit;
    }
    return true;
}

static bool add_token(struct zca_admin *admin, struct zca_error *err)
{
    zca_auto(zca_org) struct zca_org org = {0};
    zca_auto(zca_user) struct zca_user user = {0};
    zca_auto(zca_api_key) struct zca_api_key key = {0};
    zca_auto(zca_buffer) struct zca_buffer text = ZCA_SECRET_BUFFER;
    struct zca_api_key_request request = {.actor = ZCA_ADMIN_ACTOR,
                                          .name = admin->words[1],
                                          .rate_limit_rpm = 60,
                                          .expiry_days = 30,
                                          .now_ms = zca_clock_now_ms()};
    if (!find_user(admin, admin->words[0], &user, err) ||
        !zca_admin_find_org(admin, admin->options[0], &org, err) ||
        !read_scopes(admin->options[1], &request.scopes, err) ||
        !zca_admin_number(admin->options[2], 1, ZCA_API_KEY_MAX_DAYS, &request.expiry_days, err) ||
        !zca_admin_number(admin->options[3], 1, 100000, &request.rate_limit_rpm, err)) {
        return false;
    }
    request.org_id = org.id;
    request.user_id = user.id;
    if (!zca_api_key_make(admin->ledger, &request, &key, &text, err)) {
        return false;
    }
    printf("%s\n", (const char *)text.data);
    return true;
}

static bool list_tokens(struct zca_admin *admin, struct zca_error *err)
{
    zca_auto(zca_org) struct zca_org org = {0};
    zca_auto(zca_record_list) struct zca_record_list list = {0};
    if (!zca_admin_find_org(admin, admin->options[0], &org, err) ||
        !zca_ledger_api_key_list(admin->ledger, org.id, &list, err)) {
        return false;
    }
    for (size_t i = 0; i < list.num; i++) {
        const struct zca_api_key *key = zca_record_at(&list, i);
        printf("%s\t%s\t%s\t", key->id, key->prefix, key->name);
        zca_admin_print_time(key->expires_at);
        printf("\t%s\n", key->revoked_at ? "revoked" : "good");
    }
    return true;
}

static bool revoke_token(struct zca_admin *admin, struct zca_error *err)
{
    zca_auto(zca_org) struct zca_org org = {0};
    return zca_admin_find_org(admin, admin->options[0], &org, err) &&
           zca_api_key_revoke(admin->ledger, org.id, admin->words[0], ZCA_ADMIN_ACTOR, err);
}

static const struct zca_admin_verb token_verbs[] = {
    {.verb = "add",
     .arguments = "EMAIL NAME [--org ORG] [--scopes LIST] [--days N] [--rate N]",
     .num_words = 2,
     .options = {"org", "scopes", "days", "rate"},
     .run = add_token                                                                                                     },
    {.verb = "list",                .arguments = "[--org ORG]",                   .options = {"org"}, .run = list_tokens},
    {.verb = "revoke",
     .arguments = "ID [--org ORG]",
     .num_words = 1,
     .options = {"org"},
     .run = revoke_token},
};

bool zca_admin_token(struct zca_server *server, int argc, char **argv, struct zca_error *err)
{
    return zca_admin_run("token", token_verbs, ZCA_COUNT(token_verbs), server, argc, argv, err);
}
