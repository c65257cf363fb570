/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The SQL. Empty text as a filter means "any"; keys of rows come from the engine; the order of a
 * column list is the order of the record's columns.
 */
#include "server/ledger_statements.h"

#define ORG_COLUMNS                                                                                \
    "id, name, created_at, cert_ttl_hours, max_cert_ttl_hours, allowed_domains, allowed_ekus, "    \
    "allow_intermediate, allow_version1"
#define ACCOUNT_COLUMNS "id, email, password, failures, locked_until, created_at"
#define API_KEY_COLUMNS                                                                            \
    "id, org_id, user_id, name, prefix, hash, scopes, rate_limit_rpm, created_at, expires_at, "    \
    "revoked_at"
#define REFRESH_TOKEN_COLUMNS "hash, family, user_id, created_at, expires_at, spent_at"
#define AUTHORITY_COLUMNS "id, org_id, certificate, sealed_key, created_at, retired_at"
#define SECRET_COLUMNS "name, sealed"
#define CRL_COLUMNS "authority_id, number, der, num_entries, this_update, next_update"
#define INTENT_COLUMNS                                                                             \
    "org_id, authority_id, kind, serial, tbs_sha256, request_sha256, requester, profile, "         \
    "request_id, created_at, abandoned_at"
#define CERTIFICATE_COLUMNS                                                                        \
    "id, org_id, authority_id, intent, machine_id, serial, subject_cn, der, issued_at, "           \
    "expires_at, revoked_at, revoke_reason"
#define MACHINE_COLUMNS                                                                            \
    "id, org_id, name, os, status, tailnet_ip, node_key_hash, created_at, last_seen"
#define POSTURE_REPORT_COLUMNS "id, org_id, machine_id, compliant, report, created_at"
#define CERTIFICATE_POLICY_COLUMNS                                                                 \
    "id, org_id, max_ttl_hours, require_posture_compliant, require_machine_online, created_at"
#define AUTH_KEY_COLUMNS                                                                           \
    "id, org_id, hash, prefix, reusable, created_at, expires_at, spent_at, revoked_at"
#define AUDIT_COLUMNS                                                                              \
    "number, created_at, org_id, actor, event, object, detail, previous_hash, hash"

/* 0: oldest first, 1: newest first, 2 and 3: by `column`, up and down. */
#define ORDER_BY(parameter, column)                                                                \
    "CASE WHEN " parameter " = 0 THEN created_at END,"                                             \
    " CASE WHEN " parameter " = 1 THEN created_at END DESC,"                                       \
    " CASE WHEN " parameter " = 2 THEN " column " END,"                                            \
    " CASE WHEN " parameter " = 3 THEN " column " END DESC, id"

#define READ(text_)                                                                                \
    {                                                                                              \
        .sql = (text_), .writes = false                                                            \
    }
#define WRITE(text_)                                                                               \
    {                                                                                              \
        .sql = (text_), .writes = true                                                             \
    }

const struct zca_statement_text zca_statements[ZCA_SQL_NUM] = {
    [ZCA_SQL_MIGRATION_NEWEST] = READ("SELECT MAX(version) FROM migration"),
    [ZCA_SQL_MIGRATION_INSERT] =
        WRITE("INSERT INTO migration (version, applied_at) VALUES ($1, $2)"),
    [ZCA_SQL_ORG_INSERT] =
        WRITE("INSERT INTO org (" ORG_COLUMNS ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)"),
    [ZCA_SQL_ORG_UPDATE] =
        WRITE("UPDATE org SET name = $2, cert_ttl_hours = $4, max_cert_ttl_hours = $5, "
              "allowed_domains = $6, allowed_ekus = $7, allow_intermediate = $8, allow_version1 ="
              " $9 WHERE id = $1 AND created_at = $3"),
    [ZCA_SQL_ORG_FIND] = READ("SELECT " ORG_COLUMNS " FROM org WHERE id = $1 OR name = $1"),
    [ZCA_SQL_ORG_LIST] = READ("SELECT " ORG_COLUMNS " FROM org ORDER BY name"),
    [ZCA_SQL_USER_INSERT] =
        WRITE("INSERT INTO account (" ACCOUNT_COLUMNS ") VALUES ($1, $2, $3, $4, $5, $6)"),
    [ZCA_SQL_USER_UPDATE] =
        WRITE("UPDATE account SET password = $3, failures = $4, locked_until = $5 WHERE id = $1 "
              "AND email = $2 AND created_at = $6"),
    [ZCA_SQL_USER_FIND] =
        READ("SELECT " ACCOUNT_COLUMNS " FROM account WHERE id = $1 OR email = $1"),
    [ZCA_SQL_USER_COUNT] = READ("SELECT COUNT(*) FROM account"),
    [ZCA_SQL_USER_DELETE] = WRITE("DELETE FROM account WHERE id = $1"),
    [ZCA_SQL_MEMBER_SET] =
        WRITE("INSERT INTO member (org_id, user_id, role) VALUES ($1, $2, $3) ON CONFLICT "
              "(org_id, user_id) DO UPDATE SET role = excluded.role"),
    [ZCA_SQL_MEMBER_DELETE] = WRITE("DELETE FROM member WHERE org_id = $1 AND user_id = $2"),
    [ZCA_SQL_MEMBER_ROLE] = READ("SELECT role FROM member WHERE org_id = $1 AND user_id = $2"),
    [ZCA_SQL_MEMBER_HIGHEST] = READ("SELECT MAX(role) FROM member WHERE user_id = $1"),
    [ZCA_SQL_MEMBER_LIST] =
        READ("SELECT m.org_id, m.user_id, a.email, m.role FROM member m JOIN account a ON a.id ="
             " m.user_id WHERE ($1 = '' OR m.org_id = $1) AND ($2 = '' OR m.user_id = $2) ORDER "
             "BY a.email, m.org_id"),
    [ZCA_SQL_API_KEY_INSERT] = WRITE("INSERT INTO api_key (" API_KEY_COLUMNS
                                     ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)"),
    [ZCA_SQL_API_KEY_BY_HASH] = READ("SELECT " API_KEY_COLUMNS " FROM api_key WHERE hash = $1"),
    [ZCA_SQL_API_KEY_BY_ID] = READ("SELECT " API_KEY_COLUMNS " FROM api_key WHERE id = $1"),
    [ZCA_SQL_API_KEY_LIST] =
        READ("SELECT " API_KEY_COLUMNS
             " FROM api_key WHERE org_id = $1 ORDER BY created_at DESC, id LIMIT 1000"),
    [ZCA_SQL_API_KEY_REVOKE] =
        WRITE("UPDATE api_key SET revoked_at = COALESCE(revoked_at, $3) WHERE org_id = $1 AND id "
              "= $2 RETURNING 1"),
    [ZCA_SQL_REFRESH_TOKEN_INSERT] = WRITE("INSERT INTO refresh_token (" REFRESH_TOKEN_COLUMNS
                                           ") VALUES ($1, $2, $3, $4, $5, $6)"),
    [ZCA_SQL_REFRESH_TOKEN_FIND] =
        READ("SELECT " REFRESH_TOKEN_COLUMNS " FROM refresh_token WHERE hash = $1"),
    [ZCA_SQL_REFRESH_TOKEN_SPEND] = WRITE("UPDATE refresh_token SET spent_at = $2 WHERE hash = $1"),
    [ZCA_SQL_REFRESH_TOKEN_REVOKE] = WRITE("DELETE FROM refresh_token WHERE family = $1"),
    [ZCA_SQL_REFRESH_TOKEN_REVOKE_USER] = WRITE("DELETE FROM refresh_token WHERE user_id = $1"),
    [ZCA_SQL_REFRESH_TOKEN_EXPIRE] = WRITE("DELETE FROM refresh_token WHERE expires_at < $1"),
    [ZCA_SQL_AUTHORITY_RETIRE] =
        WRITE("UPDATE authority SET retired_at = $2 WHERE org_id = $1 AND retired_at IS NULL"),
    [ZCA_SQL_AUTHORITY_INSERT] =
        WRITE("INSERT INTO authority (" AUTHORITY_COLUMNS ") VALUES ($1, $2, $3, $4, $5, $6)"),
    [ZCA_SQL_AUTHORITY_CURRENT] = READ("SELECT " AUTHORITY_COLUMNS
                                       " FROM authority WHERE org_id = $1 AND retired_at IS NULL"),
    [ZCA_SQL_AUTHORITY_CURRENT_ID] =
        READ("SELECT id FROM authority WHERE org_id = $1 AND retired_at IS NULL"),
    [ZCA_SQL_AUTHORITY_FIND] = READ("SELECT " AUTHORITY_COLUMNS " FROM authority WHERE id = $1"),
    [ZCA_SQL_AUTHORITY_LIST] =
        READ("SELECT " AUTHORITY_COLUMNS
             " FROM authority WHERE ($1 = '' OR org_id = $1) ORDER BY created_at"),
    [ZCA_SQL_SECRET_INSERT] = WRITE("INSERT INTO secret (" SECRET_COLUMNS
                                    ") VALUES ($1, $2) ON CONFLICT (name) DO NOTHING"),
    [ZCA_SQL_SECRET_FIND] = READ("SELECT " SECRET_COLUMNS " FROM secret WHERE name = $1"),
    [ZCA_SQL_CRL_INSERT] =
        WRITE("INSERT INTO crl (" CRL_COLUMNS ") VALUES ($1, $2, $3, $4, $5, $6)"),
    [ZCA_SQL_CRL_NEWEST] = READ("SELECT " CRL_COLUMNS
                                " FROM crl WHERE authority_id = $1 ORDER BY number DESC LIMIT 1"),
    [ZCA_SQL_CRL_NEWEST_STATE] =
        READ("SELECT number, num_entries, this_update, next_update FROM crl WHERE authority_id = "
             "$1 ORDER BY number DESC LIMIT 1"),
    [ZCA_SQL_INTENT_INSERT] =
        WRITE("INSERT INTO intent (" INTENT_COLUMNS
              ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) RETURNING id"),
    [ZCA_SQL_INTENT_FIND] = READ("SELECT " INTENT_COLUMNS ", id FROM intent WHERE id = $1"),
    [ZCA_SQL_INTENT_BY_REQUEST] =
        READ("SELECT " INTENT_COLUMNS ", id FROM intent WHERE org_id = $1 AND request_id = $2"),
    [ZCA_SQL_INTENT_BY_SERIAL] =
        READ("SELECT " INTENT_COLUMNS ", id FROM intent WHERE org_id = $1 AND serial = $2"),
    [ZCA_SQL_INTENT_ABANDON] =
        WRITE("UPDATE intent SET request_id = NULL, abandoned_at = $2 WHERE id = $1"),
    [ZCA_SQL_INTENT_NEWEST_TIME] = READ("SELECT created_at FROM intent ORDER BY id DESC LIMIT 1"),
    [ZCA_SQL_CERTIFICATE_INSERT] =
        WRITE("INSERT INTO certificate (" CERTIFICATE_COLUMNS
              ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)"),
    [ZCA_SQL_CERTIFICATE_FIND] =
        READ("SELECT " CERTIFICATE_COLUMNS " FROM certificate WHERE org_id = $1 AND id = $2"),
    [ZCA_SQL_CERTIFICATE_BY_SERIAL] =
        READ("SELECT " CERTIFICATE_COLUMNS
             " FROM certificate WHERE intent = (SELECT id FROM intent WHERE org_id = $1 AND "
             "serial = $2)"),
    [ZCA_SQL_CERTIFICATE_BY_INTENT] =
        READ("SELECT " CERTIFICATE_COLUMNS " FROM certificate WHERE intent = $1"),
    [ZCA_SQL_CERTIFICATE_LIST] =
        READ("SELECT " CERTIFICATE_COLUMNS
             " FROM certificate WHERE org_id = $1 AND subject_cn = COALESCE($2, subject_cn) AND "
             "serial = COALESCE($3, serial) ORDER BY issued_at DESC, row_key DESC LIMIT $4"),
    [ZCA_SQL_CERTIFICATE_SCAN] =
        READ("SELECT " CERTIFICATE_COLUMNS
             " FROM certificate WHERE intent > $1 ORDER BY intent LIMIT $2"),
    [ZCA_SQL_CERTIFICATE_REVOKE] =
        WRITE("UPDATE certificate SET revoked_at = $3, revoke_reason = $4 WHERE org_id = $1 AND "
              "id = $2 AND revoked_at IS NULL RETURNING 1"),
    [ZCA_SQL_REVOCATION_LIST] =
        READ("SELECT serial, revoked_at FROM certificate WHERE authority_id = $1 AND revoked_at "
             "IS NOT NULL AND expires_at > $2 ORDER BY serial"),
    [ZCA_SQL_REVOCATION_NEWEST_TIME] =
        READ("SELECT MAX(revoked_at) FROM certificate WHERE authority_id = $1 AND revoked_at IS "
             "NOT NULL"),
    [ZCA_SQL_REVOCATION_COUNT] =
        READ("SELECT COUNT(*) FROM certificate WHERE authority_id = $1 AND revoked_at IS NOT "
             "NULL AND expires_at > $2"),
    [ZCA_SQL_MACHINE_INSERT] = WRITE("INSERT INTO machine (" MACHINE_COLUMNS
                                     ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)"),
    [ZCA_SQL_MACHINE_UPDATE] =
        WRITE("UPDATE machine SET name = $3, os = $4, status = $5, tailnet_ip = $6, node_key_hash"
              " = $7, last_seen = $9 WHERE id = $1 AND org_id = $2 AND created_at = $8"),
    [ZCA_SQL_MACHINE_FIND] =
        READ("SELECT " MACHINE_COLUMNS " FROM machine WHERE org_id = $1 AND id = $2"),
    [ZCA_SQL_MACHINE_LIST] = READ(
        "SELECT " MACHINE_COLUMNS
        " FROM machine WHERE org_id = $1 AND ($2 = '' OR id = $2) AND ($3 = '' OR status = "
        "$3) AND ($4 = '' OR name = $4) ORDER BY " ORDER_BY("$5", "name") " LIMIT $6 OFFSET $7"),
    [ZCA_SQL_MACHINE_COUNT] = READ("SELECT COUNT(*) FROM machine"),
    [ZCA_SQL_POSTURE_REPORT_INSERT] = WRITE("INSERT INTO posture_report (" POSTURE_REPORT_COLUMNS
                                            ") VALUES ($1, $2, $3, $4, $5, $6)"),
    [ZCA_SQL_POSTURE_REPORT_NEWEST] =
        READ("SELECT " POSTURE_REPORT_COLUMNS
             " FROM posture_report WHERE org_id = $1 AND machine_id = $2 ORDER BY created_at "
             "DESC, row_key DESC LIMIT 1"),
    [ZCA_SQL_POSTURE_REPORT_LIST] =
        READ("SELECT " POSTURE_REPORT_COLUMNS
             " FROM posture_report WHERE org_id = $1 AND ($2 = '' OR id = $2) AND ($3 = '' OR "
             "machine_id = $3) ORDER BY " ORDER_BY("$4", "machine_id") " LIMIT $5 OFFSET $6"),
    [ZCA_SQL_CERTIFICATE_POLICY_INSERT] =
        WRITE("INSERT INTO certificate_policy (" CERTIFICATE_POLICY_COLUMNS
              ") VALUES ($1, $2, $3, $4, $5, $6)"),
    [ZCA_SQL_CERTIFICATE_POLICY_UPDATE] =
        WRITE("UPDATE certificate_policy SET max_ttl_hours = $3, require_posture_compliant = $4, "
              "require_machine_online = $5 WHERE id = $1 AND org_id = $2 AND created_at = $6"),
    [ZCA_SQL_CERTIFICATE_POLICY_DELETE] =
        WRITE("DELETE FROM certificate_policy WHERE org_id = $1 AND id = $2"),
    [ZCA_SQL_CERTIFICATE_POLICY_LIST] = READ(
        "SELECT " CERTIFICATE_POLICY_COLUMNS
        " FROM certificate_policy WHERE org_id = $1 AND ($2 = '' OR id = $2) ORDER BY " ORDER_BY(
            "$3", "id") " LIMIT $4 OFFSET $5"),
    [ZCA_SQL_AUTH_KEY_INSERT] = WRITE("INSERT INTO auth_key (" AUTH_KEY_COLUMNS
                                      ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)"),
    [ZCA_SQL_AUTH_KEY_BY_HASH] = READ("SELECT " AUTH_KEY_COLUMNS " FROM auth_key WHERE hash = $1"),
    [ZCA_SQL_AUTH_KEY_LIST] =
        READ("SELECT " AUTH_KEY_COLUMNS
             " FROM auth_key WHERE org_id = $1 ORDER BY created_at DESC, id LIMIT 1000"),
    [ZCA_SQL_AUTH_KEY_REVOKE] =
        WRITE("UPDATE auth_key SET revoked_at = COALESCE(revoked_at, $3) WHERE org_id = $1 AND id "
              "= $2 RETURNING 1"),
    [ZCA_SQL_AUTH_KEY_SPEND] = WRITE("UPDATE auth_key SET spent_at = $2 WHERE id = $1"),
    [ZCA_SQL_AUDIT_LOCK] =
        WRITE("UPDATE audit_head SET number = number + 1 WHERE id = 1 RETURNING number, hash"),
    [ZCA_SQL_AUDIT_INSERT] =
        WRITE("INSERT INTO audit (" AUDIT_COLUMNS ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)"),
    [ZCA_SQL_AUDIT_ADVANCE] = WRITE("UPDATE audit_head SET hash = $1 WHERE id = 1"),
    [ZCA_SQL_AUDIT_HEAD] = READ("SELECT number, hash FROM audit_head WHERE id = 1"),
    [ZCA_SQL_AUDIT_LIST] =
        READ("SELECT " AUDIT_COLUMNS " FROM audit WHERE number > $1 ORDER BY number LIMIT $2"),
};

const char zca_migration_table[] =
    "CREATE TABLE IF NOT EXISTS migration (version BIGINT PRIMARY KEY, applied_at BIGINT NOT NULL);";

const char *const zca_migrations[] = {

    "CREATE TABLE org ("
    "  id TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE, created_at BIGINT NOT NULL,"
    "  cert_ttl_hours BIGINT NOT NULL, max_cert_ttl_hours BIGINT NOT NULL,"
    "  allowed_domains TEXT NOT NULL, allowed_ekus TEXT NOT NULL,"
    "  allow_intermediate BIGINT NOT NULL, allow_version1 BIGINT NOT NULL);"

    "CREATE TABLE account ("
    "  id TEXT PRIMARY KEY, email TEXT NOT NULL UNIQUE, password TEXT NOT NULL,"
    "  failures BIGINT NOT NULL, locked_until BIGINT NOT NULL, created_at BIGINT NOT NULL);"

    "CREATE TABLE member ("
    "  org_id TEXT NOT NULL REFERENCES org (id) ON DELETE CASCADE,"
    "  user_id TEXT NOT NULL REFERENCES account (id) ON DELETE CASCADE,"
    "  role BIGINT NOT NULL, PRIMARY KEY (org_id, user_id));"
    "CREATE INDEX member_by_user ON member (user_id);"

    "CREATE TABLE api_key ("
    "  id TEXT PRIMARY KEY, org_id TEXT NOT NULL REFERENCES org (id) ON DELETE CASCADE,"
    "  user_id TEXT NOT NULL REFERENCES account (id) ON DELETE CASCADE,"
    "  name TEXT NOT NULL, prefix TEXT NOT NULL, hash BYTEA NOT NULL UNIQUE,"
    "  scopes BIGINT NOT NULL, rate_limit_rpm BIGINT NOT NULL, created_at BIGINT NOT NULL,"
    "  expires_at BIGINT NOT NULL, revoked_at BIGINT);"
    "CREATE INDEX api_key_by_org ON api_key (org_id);"

    "CREATE TABLE refresh_token ("
    "  hash BYTEA PRIMARY KEY, family TEXT NOT NULL,"
    "  user_id TEXT NOT NULL REFERENCES account (id) ON DELETE CASCADE,"
    "  created_at BIGINT NOT NULL, expires_at BIGINT NOT NULL, spent_at BIGINT);"
    "CREATE INDEX refresh_token_by_family ON refresh_token (family);"
    "CREATE INDEX refresh_token_by_user ON refresh_token (user_id);"
    "CREATE INDEX refresh_token_by_end ON refresh_token (expires_at);",

    "CREATE TABLE secret (name TEXT PRIMARY KEY, sealed BYTEA NOT NULL);"

    "CREATE TABLE authority ("
    "  id TEXT PRIMARY KEY, org_id TEXT NOT NULL REFERENCES org (id),"
    "  certificate BYTEA NOT NULL, sealed_key BYTEA NOT NULL,"
    "  created_at BIGINT NOT NULL, retired_at BIGINT);"
    "CREATE UNIQUE INDEX authority_in_use ON authority (org_id) WHERE retired_at IS NULL;"

    "CREATE TABLE crl ("
    "  authority_id TEXT NOT NULL REFERENCES authority (id), number BIGINT NOT NULL,"
    "  der BYTEA NOT NULL, num_entries BIGINT NOT NULL, this_update BIGINT NOT NULL,"
    "  next_update BIGINT NOT NULL,"
    "  PRIMARY KEY (authority_id, number));"

    "CREATE TABLE intent ("
    "  id {key}, org_id TEXT NOT NULL REFERENCES org (id), authority_id TEXT NOT NULL,"
    "  kind TEXT NOT NULL, serial BYTEA, tbs_sha256 BYTEA NOT NULL, request_sha256 BYTEA,"
    "  requester TEXT NOT NULL, profile TEXT NOT NULL, request_id TEXT,"
    "  created_at BIGINT NOT NULL, abandoned_at BIGINT);"
    "CREATE UNIQUE INDEX intent_by_serial ON intent (org_id, serial) WHERE serial IS NOT NULL;"
    "CREATE UNIQUE INDEX intent_by_request ON intent (org_id, request_id)"
    "  WHERE request_id IS NOT NULL;"

    "CREATE TABLE certificate ("
    "  row_key {key}, id TEXT NOT NULL UNIQUE, org_id TEXT NOT NULL,"
    "  authority_id TEXT NOT NULL REFERENCES authority (id),"
    "  intent BIGINT NOT NULL UNIQUE REFERENCES intent (id), machine_id TEXT, serial BYTEA NOT NULL,"
    "  subject_cn TEXT NOT NULL, der BYTEA NOT NULL, issued_at BIGINT NOT NULL,"
    "  expires_at BIGINT NOT NULL, revoked_at BIGINT, revoke_reason TEXT);"
    "CREATE INDEX certificate_by_time ON certificate (org_id, issued_at, row_key);"
    "CREATE INDEX certificate_revoked ON certificate (authority_id, revoked_at)"
    "  WHERE revoked_at IS NOT NULL;"

    "CREATE TABLE machine ("
    "  id TEXT PRIMARY KEY, org_id TEXT NOT NULL REFERENCES org (id), name TEXT NOT NULL,"
    "  os TEXT NOT NULL, status TEXT NOT NULL, tailnet_ip TEXT, node_key_hash BYTEA,"
    "  created_at BIGINT NOT NULL, last_seen BIGINT);"
    "CREATE INDEX machine_by_org ON machine (org_id, created_at);"

    "CREATE TABLE posture_report ("
    "  row_key {key}, id TEXT NOT NULL UNIQUE, org_id TEXT NOT NULL REFERENCES org (id),"
    "  machine_id TEXT NOT NULL REFERENCES machine (id) ON DELETE CASCADE,"
    "  compliant BIGINT NOT NULL, report TEXT, created_at BIGINT NOT NULL);"
    "CREATE INDEX posture_report_by_machine ON posture_report (machine_id, created_at, row_key);"

    "CREATE TABLE certificate_policy ("
    "  id TEXT PRIMARY KEY, org_id TEXT NOT NULL REFERENCES org (id), max_ttl_hours BIGINT,"
    "  require_posture_compliant BIGINT NOT NULL, require_machine_online BIGINT NOT NULL,"
    "  created_at BIGINT NOT NULL);"
    "CREATE INDEX certificate_policy_by_org ON certificate_policy (org_id);"

    "CREATE TABLE auth_key ("
    "  id TEXT PRIMARY KEY, org_id TEXT NOT NULL REFERENCES org (id), hash BYTEA NOT NULL UNIQUE,"
    "  prefix TEXT NOT NULL, reusable BIGINT NOT NULL, created_at BIGINT NOT NULL,"
    "  expires_at BIGINT NOT NULL, spent_at BIGINT, revoked_at BIGINT);"

    "CREATE TABLE audit_head (id BIGINT PRIMARY KEY, number BIGINT NOT NULL, hash BYTEA);"
    "INSERT INTO audit_head (id, number, hash) VALUES (1, 0, NULL);"
    "CREATE TABLE audit ("
    "  number BIGINT PRIMARY KEY, created_at BIGINT NOT NULL, org_id TEXT, actor TEXT NOT NULL,"
    "  event TEXT NOT NULL, object TEXT, detail TEXT, previous_hash BYTEA, hash BYTEA NOT NULL);",

    /* each download of a CRL counts what is revoked and not expired: from the index alone */
    "DROP INDEX certificate_revoked;"
    "CREATE INDEX certificate_revoked ON certificate (authority_id, revoked_at, expires_at)"
    "  WHERE revoked_at IS NOT NULL;",
};

const size_t zca_num_migrations = sizeof(zca_migrations) / sizeof(zca_migrations[0]);
