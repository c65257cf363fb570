/* SPDX-License-Identifier: Apache-2.0 */
/* Accounts in the ledger: column tables, then one short function a statement. */
#include "server/ledger_account.h"

#include <stddef.h>

#include "server/ledger_query.h"

static const struct zca_column org_columns[] = {
    {"id",                 ZCA_COLUMN_TEXT,    offsetof(struct zca_org, id)                },
    {"name",               ZCA_COLUMN_TEXT,    offsetof(struct zca_org, name)              },
    {"created_at",         ZCA_COLUMN_INTEGER, offsetof(struct zca_org, created_at)        },
    {"cert_ttl_hours",     ZCA_COLUMN_INTEGER, offsetof(struct zca_org, cert_ttl_hours)    },
    {"max_cert_ttl_hours", ZCA_COLUMN_INTEGER, offsetof(struct zca_org, max_cert_ttl_hours)},
    {"allowed_domains",    ZCA_COLUMN_TEXT,    offsetof(struct zca_org, allowed_domains)   },
    {"allowed_ekus",       ZCA_COLUMN_TEXT,    offsetof(struct zca_org, allowed_ekus)      },
    {"allow_intermediate", ZCA_COLUMN_BOOLEAN, offsetof(struct zca_org, allow_intermediate)},
    {"allow_version1",     ZCA_COLUMN_BOOLEAN, offsetof(struct zca_org, allow_version1)    },
};

static const struct zca_column user_columns[] = {
    {"id",           ZCA_COLUMN_TEXT,    offsetof(struct zca_user, id)          },
    {"email",        ZCA_COLUMN_TEXT,    offsetof(struct zca_user, email)       },
    {"password",     ZCA_COLUMN_TEXT,    offsetof(struct zca_user, password)    },
    {"failures",     ZCA_COLUMN_INTEGER, offsetof(struct zca_user, failures)    },
    {"locked_until", ZCA_COLUMN_INTEGER, offsetof(struct zca_user, locked_until)},
    {"created_at",   ZCA_COLUMN_INTEGER, offsetof(struct zca_user, created_at)  },
};

static const struct zca_column member_columns[] = {
    {"org_id",  ZCA_COLUMN_TEXT,    offsetof(struct zca_member, org_id) },
    {"user_id", ZCA_COLUMN_TEXT,    offsetof(struct zca_member, user_id)},
    {"email",   ZCA_COLUMN_TEXT,    offsetof(struct zca_member, email)  },
    {"role",    ZCA_COLUMN_INTEGER, offsetof(struct zca_member, role)   },
};

static const struct zca_column api_key_columns[] = {
    {"id",             ZCA_COLUMN_TEXT,     offsetof(struct zca_api_key, id)            },
    {"org_id",         ZCA_COLUMN_TEXT,     offsetof(struct zca_api_key, org_id)        },
    {"user_id",        ZCA_COLUMN_TEXT,     offsetof(struct zca_api_key, user_id)       },
    {"name",           ZCA_COLUMN_TEXT,     offsetof(struct zca_api_key, name)          },
    {"prefix",         ZCA_COLUMN_TEXT,     offsetof(struct zca_api_key, prefix)        },
    {"hash",           ZCA_COLUMN_BYTES,    offsetof(struct zca_api_key, hash)          },
    {"scopes",         ZCA_COLUMN_INTEGER,  offsetof(struct zca_api_key, scopes)        },
    {"rate_limit_rpm", ZCA_COLUMN_INTEGER,  offsetof(struct zca_api_key, rate_limit_rpm)},
    {"created_at",     ZCA_COLUMN_INTEGER,  offsetof(struct zca_api_key, created_at)    },
    {"expires_at",     ZCA_COLUMN_INTEGER,  offsetof(struct zca_api_key, expires_at)    },
    {"revoked_at",     ZCA_COLUMN_OPTIONAL, offsetof(struct zca_api_key, revoked_at)    },
};

static const struct zca_column refresh_token_columns[] = {
    {"hash",       ZCA_COLUMN_BYTES,    offsetof(struct zca_refresh_token, hash)      },
    {"family",     ZCA_COLUMN_TEXT,     offsetof(struct zca_refresh_token, family)    },
    {"user_id",    ZCA_COLUMN_TEXT,     offsetof(struct zca_refresh_token, user_id)   },
    {"created_at", ZCA_COLUMN_INTEGER,  offsetof(struct zca_refresh_token, created_at)},
    {"expires_at", ZCA_COLUMN_INTEGER,  offsetof(struct zca_refresh_token, expires_at)},
    {"spent_at",   ZCA_COLUMN_OPTIONAL, offsetof(struct zca_refresh_token, spent_at)  },
};

const struct zca_record zca_org_record = ZCA_RECORD(org_columns, struct zca_org);
const struct zca_record zca_user_record = ZCA_RECORD(user_columns, struct zca_user);
const struct zca_record zca_member_record = ZCA_RECORD(member_columns, struct zca_member);
const struct zca_record zca_api_key_record = ZCA_RECORD(api_key_columns, struct zca_api_key);
const struct zca_record zca_refresh_token_record =
    ZCA_RECORD(refresh_token_columns, struct zca_refresh_token);

void zca_org_clear(struct zca_org *org)
{
    zca_record_clear(&zca_org_record, org);
}

void zca_user_clear(struct zca_user *user)
{
    zca_record_clear(&zca_user_record, user);
}

void zca_api_key_clear(struct zca_api_key *key)
{
    zca_record_clear(&zca_api_key_record, key);
}

void zca_refresh_token_clear(struct zca_refresh_token *token)
{
    zca_record_clear(&zca_refresh_token_record, token);
}

/* ---- organisations ---- */

bool zca_ledger_org_insert(struct zca_ledger *ledger, const struct zca_org *org,
                           struct zca_error *err)
{
    return zca_record_insert(ledger, ZCA_SQL_ORG_INSERT, &zca_org_record, org, NULL, err);
}

bool zca_ledger_org_update(struct zca_ledger *ledger, const struct zca_org *org,
                           struct zca_error *err)
{
    return zca_record_insert(ledger, ZCA_SQL_ORG_UPDATE, &zca_org_record, org, NULL, err);
}

bool zca_ledger_org_find(struct zca_ledger *ledger, const char *id_or_name, struct zca_org *out_org,
                         bool *out_found, struct zca_error *err)
{
    struct zca_value values[] = {ZCA_TEXT(id_or_name)};
    return zca_record_find(ledger, ZCA_QUERY(ZCA_SQL_ORG_FIND, values), &zca_org_record, out_org,
                           out_found, err);
}

bool zca_ledger_org_list(struct zca_ledger *ledger, struct zca_record_list *out_list,
                         struct zca_error *err)
{
    struct zca_query query = {.statement = ZCA_SQL_ORG_LIST};
    return zca_record_list_read(ledger, &query, &zca_org_record, out_list, err);
}

/* ---- users ---- */

bool zca_ledger_user_insert(struct zca_ledger *ledger, const struct zca_user *user,
                            struct zca_error *err)
{
    return zca_record_insert(ledger, ZCA_SQL_USER_INSERT, &zca_user_record, user, NULL, err);
}

bool zca_ledger_user_update(struct zca_ledger *ledger, const struct zca_user *user,
                            struct zca_error *err)
{
    return zca_record_insert(ledger, ZCA_SQL_USER_UPDATE, &zca_user_record, user, NULL, err);
}

bool zca_ledger_user_find(struct zca_ledger *ledger, const char *id_or_email,
                          struct zca_user *out_user, bool *out_found, struct zca_error *err)
{
    struct zca_value values[] = {ZCA_TEXT(id_or_email)};
    return zca_record_find(ledger, ZCA_QUERY(ZCA_SQL_USER_FIND, values), &zca_user_record, out_user,
                           out_found, err);
}

bool zca_ledger_user_count(struct zca_ledger *ledger, int64_t *out_count, struct zca_error *err)
{
    struct zca_query query = {.statement = ZCA_SQL_USER_COUNT};
    return zca_ledger_integer(ledger, &query, out_count, NULL, err);
}

bool zca_ledger_user_delete(struct zca_ledger *ledger, const char *id, struct zca_error *err)
{
    struct zca_value values[] = {ZCA_TEXT(id)};
    return zca_ledger_run(ledger, ZCA_QUERY(ZCA_SQL_USER_DELETE, values), err);
}

/* ---- roles ---- */

bool zca_ledger_member_set(struct zca_ledger *ledger, const char *org_id, const char *user_id,
                           int64_t role, struct zca_error *err)
{
    struct zca_value values[] = {ZCA_TEXT(org_id), ZCA_TEXT(user_id), ZCA_INTEGER(role)};
    struct zca_query query = {.statement = role ? ZCA_SQL_MEMBER_SET : ZCA_SQL_MEMBER_DELETE,
                              .values = values,
                              .num_values = role ? 3 : 2};
    return zca_ledger_run(ledger, &query, err);
}

bool zca_ledger_member_role(struct zca_ledger *ledger, const char *org_id, const char *user_id,
                            int64_t *out_role, struct zca_error *err)
{
    struct zca_value one[] = {ZCA_TEXT(org_id), ZCA_TEXT(user_id)};
    struct zca_value any[] = {ZCA_TEXT(user_id)};
    return zca_ledger_integer(ledger,
                              org_id ? ZCA_QUERY(ZCA_SQL_MEMBER_ROLE, one)
                                     : ZCA_QUERY(ZCA_SQL_MEMBER_HIGHEST, any),
                              out_role, NULL, err);
}

bool zca_ledger_member_list(struct zca_ledger *ledger, const char *org_id, const char *user_id,
                            struct zca_record_list *out_list, struct zca_error *err)
{
    const char *org = org_id ? org_id : "";
    const char *user = user_id ? user_id : "";
    struct zca_value values[] = {ZCA_TEXT(org), ZCA_TEXT(user)};
    return zca_record_list_read(ledger, ZCA_QUERY(ZCA_SQL_MEMBER_LIST, values), &zca_member_record,
                                out_list, err);
}

/* ---- API keys ---- */

bool zca_ledger_api_key_insert(struct zca_ledger *ledger, const struct zca_api_key *key,
                               struct zca_error *err)
{
    return zca_record_insert(ledger, ZCA_SQL_API_KEY_INSERT, &zca_api_key_record, key, NULL, err);
}

bool zca_ledger_api_key_find_by_hash(struct zca_ledger *ledger, struct zca_span hash,
                                     struct zca_api_key *out_key, bool *out_found,
                                     struct zca_error *err)
{
    struct zca_value values[] = {ZCA_BYTES(hash)};
    return zca_record_find(ledger, ZCA_QUERY(ZCA_SQL_API_KEY_BY_HASH, values), &zca_api_key_record,
                           out_key, out_found, err);
}

bool zca_ledger_api_key_find_by_id(struct zca_ledger *ledger, const char *id,
                                   struct zca_api_key *out_key, bool *out_found,
                                   struct zca_error *err)
{
    struct zca_value values[] = {ZCA_TEXT(id)};
    return zca_record_find(ledger, ZCA_QUERY(ZCA_SQL_API_KEY_BY_ID, values), &zca_api_key_record,
                           out_key, out_found, err);
}

bool zca_ledger_api_key_list(struct zca_ledger *ledger, const char *org_id,
                             struct zca_record_list *out_list, struct zca_error *err)
{
    struct zca_value values[] = {ZCA_TEXT(org_id)};
    return zca_record_list_read(ledger, ZCA_QUERY(ZCA_SQL_API_KEY_LIST, values),
                                &zca_api_key_record, out_list, err);
}

bool zca_ledger_api_key_revoke(struct zca_ledger *ledger, const char *org_id, const char *id,
                               int64_t now_ms, bool *out_found, struct zca_error *err)
{
    struct zca_value values[] = {ZCA_TEXT(org_id), ZCA_TEXT(id), ZCA_INTEGER(now_ms)};
    int64_t one = 0;
    return zca_ledger_integer(ledger, ZCA_QUERY(ZCA_SQL_API_KEY_REVOKE, values), &one, out_found,
                              err);
}

/* ---- refresh tokens ---- */

bool zca_ledger_refresh_token_insert(struct zca_ledger *ledger,
                                     const struct zca_refresh_token *token, struct zca_error *err)
{
    return zca_record_insert(ledger, ZCA_SQL_REFRESH_TOKEN_INSERT, &zca_refresh_token_record, token,
                             NULL, err);
}

bool zca_ledger_refresh_token_find(struct zca_ledger *ledger, struct zca_span hash,
                                   struct zca_refresh_token *out_token, bool *out_found,
                                   struct zca_error *err)
{
    struct zca_value values[] = {ZCA_BYTES(hash)};
    return zca_record_find(ledger, ZCA_QUERY(ZCA_SQL_REFRESH_TOKEN_FIND, values),
                           &zca_refresh_token_record, out_token, out_found, err);
}

bool zca_ledger_refresh_token_spend(struct zca_ledger *ledger, struct zca_span hash, int64_t now_ms,
                                    struct zca_error *err)
{
    struct zca_value values[] = {ZCA_BYTES(hash), ZCA_INTEGER(now_ms)};
    return zca_ledger_run(ledger, ZCA_QUERY(ZCA_SQL_REFRESH_TOKEN_SPEND, values), err);
}

bool zca_ledger_refresh_token_revoke(struct zca_ledger *ledger, const char *family,
                                     struct zca_error *err)
{
    struct zca_value values[] = {ZCA_TEXT(family)};
    return zca_ledger_run(ledger, ZCA_QUERY(ZCA_SQL_REFRESH_TOKEN_REVOKE, values), err);
}

bool zca_ledger_refresh_token_revoke_user(struct zca_ledger *ledger, const char *user_id,
                                          struct zca_error *err)
{
    struct zca_value values[] = {ZCA_TEXT(user_id)};
    return zca_ledger_run(ledger, ZCA_QUERY(ZCA_SQL_REFRESH_TOKEN_REVOKE_USER, values), err);
}

bool zca_ledger_refresh_token_expire(struct zca_ledger *ledger, int64_t now_ms,
                                     struct zca_error *err)
{
    struct zca_value values[] = {ZCA_INTEGER(now_ms)};
    return zca_ledger_run(ledger, ZCA_QUERY(ZCA_SQL_REFRESH_TOKEN_EXPIRE, values), err);
}
