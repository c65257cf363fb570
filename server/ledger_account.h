/* SPDX-License-Identifier: Apache-2.0 */
/* Records of organisations, users, their roles, API keys and refresh tokens. Times are in ms. */
#ifndef ZCA_SERVER_LEDGER_ACCOUNT_H
#define ZCA_SERVER_LEDGER_ACCOUNT_H

#include "base/buffer.h"
#include "server/ledger.h"
#include "server/ledger_record.h"

struct zca_org {
    char *id;   /* UUID */
    char *name; /* unique */
    int64_t created_at;
    int64_t cert_ttl_hours;     /* when a request names none */
    int64_t max_cert_ttl_hours; /* silent cap */
    char *allowed_domains;      /* separated by spaces; "": any name */
    char *allowed_ekus;         /* short names separated by spaces */
    bool allow_intermediate;    /* may CA certificates be signed */
    bool allow_version1;        /* may certificates without extensions be signed */
};

struct zca_user {
    char *id;
    char *email; /* unique, lower case */
    char *password;
    int64_t failures; /* wrong passwords in a row */
    int64_t locked_until;
    int64_t created_at;
};

struct zca_member {
    char *org_id;
    char *user_id;
    char *email;
    int64_t role; /* enum zca_role */
};

struct zca_api_key {
    char *id;
    char *org_id;
    char *user_id; /* who made it; the key never has a higher role */
    char *name;
    char *prefix; /* its first characters, for lists */
    struct zca_buffer hash;
    int64_t scopes;
    int64_t rate_limit_rpm;
    int64_t created_at;
    int64_t expires_at;
    int64_t revoked_at; /* 0: not */
};

struct zca_refresh_token {
    struct zca_buffer hash;
    char *family; /* all that came from one login */
    char *user_id;
    int64_t created_at;
    int64_t expires_at;
    int64_t spent_at; /* 0: not */
};

extern const struct zca_record zca_org_record, zca_user_record, zca_member_record,
    zca_api_key_record, zca_refresh_token_record;

void zca_org_clear(struct zca_org *org);
void zca_user_clear(struct zca_user *user);
void zca_api_key_clear(struct zca_api_key *key);
void zca_refresh_token_clear(struct zca_refresh_token *token);
ZCA_DEFINE_AUTO_CLEAR(zca_org, struct zca_org, zca_org_clear);
ZCA_DEFINE_AUTO_CLEAR(zca_user, struct zca_user, zca_user_clear);
ZCA_DEFINE_AUTO_CLEAR(zca_api_key, struct zca_api_key, zca_api_key_clear);
ZCA_DEFINE_AUTO_CLEAR(zca_refresh_token, struct zca_refresh_token, zca_refresh_token_clear);

/*
 * All functions: err ZCA_ERR_UNAVAILABLE when the store fails, ZCA_ERR_MEMORY. Inserts: ZCA_ERR_CONFLICT
 * when a unique member exists already. Finds: zero-initialised output, *out_found tells.
 */

ZCA_NODISCARD bool zca_ledger_org_insert(struct zca_ledger *ledger, const struct zca_org *org,
                                         struct zca_error *err);
ZCA_NODISCARD bool zca_ledger_org_update(struct zca_ledger *ledger, const struct zca_org *org,
                                         struct zca_error *err);
/** zca_ledger_org_find takes an id or a name. */
ZCA_NODISCARD bool zca_ledger_org_find(struct zca_ledger *ledger, const char *id_or_name,
                                       struct zca_org *out_org, bool *out_found,
                                       struct zca_error *err);
ZCA_NODISCARD bool zca_ledger_org_list(struct zca_ledger *ledger, struct zca_record_list *out_list,
                                       struct zca_error *err);

ZCA_NODISCARD bool zca_ledger_user_insert(struct zca_ledger *ledger, const struct zca_user *user,
                                          struct zca_error *err);
/** zca_ledger_user_update changes password, failures and locked_until. */
ZCA_NODISCARD bool zca_ledger_user_update(struct zca_ledger *ledger, const struct zca_user *user,
                                          struct zca_error *err);
/** zca_ledger_user_find takes an id or an e-mail address. */
ZCA_NODISCARD bool zca_ledger_user_find(struct zca_ledger *ledger, const char *id_or_email,
                                        struct zca_user *out_user, bool *out_found,
                                        struct zca_error *err);
ZCA_NODISCARD bool zca_ledger_user_count(struct zca_ledger *ledger, int64_t *out_count,
                                         struct zca_error *err);
/** zca_ledger_user_delete removes a user with roles, API keys and refresh tokens. */
ZCA_NODISCARD bool zca_ledger_user_delete(struct zca_ledger *ledger, const char *id,
                                          struct zca_error *err);

/** zca_ledger_member_set gives a user a role in an organisation; 0 takes it away. */
ZCA_NODISCARD bool zca_ledger_member_set(struct zca_ledger *ledger, const char *org_id,
                                         const char *user_id, int64_t role, struct zca_error *err);
/** zca_ledger_member_role gives 0 when there is none. org_id NULL: the highest in any. */
ZCA_NODISCARD bool zca_ledger_member_role(struct zca_ledger *ledger, const char *org_id,
                                          const char *user_id, int64_t *out_role,
                                          struct zca_error *err);
/** zca_ledger_member_list gives the members of an organisation, or of all when org_id is NULL, or
 * the memberships of one user. NULL: any. */
ZCA_NODISCARD bool zca_ledger_member_list(struct zca_ledger *ledger, const char *org_id,
                                          const char *user_id, struct zca_record_list *out_list,
                                          struct zca_error *err);

ZCA_NODISCARD bool zca_ledger_api_key_insert(struct zca_ledger *ledger,
                                             const struct zca_api_key *key, struct zca_error *err);
/** zca_ledger_api_key_find_by_hash and _find_by_id find also expired and revoked keys. */
ZCA_NODISCARD bool zca_ledger_api_key_find_by_hash(struct zca_ledger *ledger, struct zca_span hash,
                                                   struct zca_api_key *out_key, bool *out_found,
                                                   struct zca_error *err);
ZCA_NODISCARD bool zca_ledger_api_key_find_by_id(struct zca_ledger *ledger, const char *id,
                                                 struct zca_api_key *out_key, bool *out_found,
                                                 struct zca_error *err);
ZCA_NODISCARD bool zca_ledger_api_key_list(struct zca_ledger *ledger, const char *org_id,
                                           struct zca_record_list *out_list, struct zca_error *err);
/** zca_ledger_api_key_revoke marks a key of an organisation once; later calls keep the first time. */
ZCA_NODISCARD bool zca_ledger_api_key_revoke(struct zca_ledger *ledger, const char *org_id,
                                             const char *id, int64_t now_ms, bool *out_found,
                                             struct zca_error *err);

ZCA_NODISCARD bool zca_ledger_refresh_token_insert(struct zca_ledger *ledger,
                                                   const struct zca_refresh_token *token,
                                                   struct zca_error *err);
ZCA_NODISCARD bool zca_ledger_refresh_token_find(struct zca_ledger *ledger, struct zca_span hash,
                                                 struct zca_refresh_token *out_token,
                                                 bool *out_found, struct zca_error *err);
/** zca_ledger_refresh_token_spend marks one token. */
ZCA_NODISCARD bool zca_ledger_refresh_token_spend(struct zca_ledger *ledger, struct zca_span hash,
                                                  int64_t now_ms, struct zca_error *err);
/** zca_ledger_refresh_token_revoke deletes a family; zca_ledger_refresh_token_revoke_user all of a
 * user; zca_ledger_refresh_token_expire those that ended before `now_ms`. */
ZCA_NODISCARD bool zca_ledger_refresh_token_revoke(struct zca_ledger *ledger, const char *family,
                                                   struct zca_error *err);
ZCA_NODISCARD bool zca_ledger_refresh_token_revoke_user(struct zca_ledger *ledger,
                                                        const char *user_id, struct zca_error *err);
ZCA_NODISCARD bool zca_ledger_refresh_token_expire(struct zca_ledger *ledger, int64_t now_ms,
                                                   struct zca_error *err);

#endif
