/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every SQL text of the server, by number, and the schema as a list of migrations. The texts are in
 * the part of SQL that SQLite and PostgreSQL share. For ledger*.c only.
 */
#ifndef ZCA_SERVER_LEDGER_STATEMENTS_H
#define ZCA_SERVER_LEDGER_STATEMENTS_H

#include <stdbool.h>
#include <stddef.h>

enum zca_statement {
    ZCA_SQL_MIGRATION_NEWEST,
    ZCA_SQL_MIGRATION_INSERT,
    ZCA_SQL_ORG_INSERT,
    ZCA_SQL_ORG_UPDATE,
    ZCA_SQL_ORG_FIND,
    ZCA_SQL_ORG_LIST,
    ZCA_SQL_USER_INSERT,
    ZCA_SQL_USER_UPDATE,
    ZCA_SQL_USER_FIND,
    ZCA_SQL_USER_COUNT,
    ZCA_SQL_USER_DELETE,
    ZCA_SQL_MEMBER_SET,
    ZCA_SQL_MEMBER_DELETE,
    ZCA_SQL_MEMBER_ROLE,
    ZCA_SQL_MEMBER_HIGHEST,
    ZCA_SQL_MEMBER_LIST,
    ZCA_SQL_API_KEY_INSERT,
    ZCA_SQL_API_KEY_BY_HASH,
    ZCA_SQL_API_KEY_BY_ID,
    ZCA_SQL_API_KEY_LIST,
    ZCA_SQL_API_KEY_REVOKE,
    ZCA_SQL_REFRESH_TOKEN_INSERT,
    ZCA_SQL_REFRESH_TOKEN_FIND,
    ZCA_SQL_REFRESH_TOKEN_SPEND,
    ZCA_SQL_REFRESH_TOKEN_REVOKE,
    ZCA_SQL_REFRESH_TOKEN_REVOKE_USER,
    ZCA_SQL_REFRESH_TOKEN_EXPIRE,
    ZCA_SQL_AUTHORITY_RETIRE,
    ZCA_SQL_AUTHORITY_INSERT,
    ZCA_SQL_AUTHORITY_CURRENT,
    ZCA_SQL_AUTHORITY_CURRENT_ID,
    ZCA_SQL_AUTHORITY_FIND,
    ZCA_SQL_AUTHORITY_LIST,
    ZCA_SQL_SECRET_INSERT,
    ZCA_SQL_SECRET_FIND,
    ZCA_SQL_CRL_INSERT,
    ZCA_SQL_CRL_NEWEST,
    ZCA_SQL_INTENT_INSERT,
    ZCA_SQL_INTENT_FIND,
    ZCA_SQL_INTENT_BY_REQUEST,
    ZCA_SQL_INTENT_BY_SERIAL,
    ZCA_SQL_INTENT_ABANDON,
    ZCA_SQL_INTENT_NEWEST_TIME,
    ZCA_SQL_CERTIFICATE_INSERT,
    ZCA_SQL_CERTIFICATE_FIND,
    ZCA_SQL_CERTIFICATE_BY_SERIAL,
    ZCA_SQL_CERTIFICATE_BY_INTENT,
    ZCA_SQL_CERTIFICATE_LIST,
    ZCA_SQL_CERTIFICATE_SCAN,
    ZCA_SQL_CERTIFICATE_REVOKE,
    ZCA_SQL_REVOCATION_LIST,
    ZCA_SQL_REVOCATION_NEWEST_TIME,
    ZCA_SQL_REVOCATION_COUNT,
    ZCA_SQL_MACHINE_INSERT,
    ZCA_SQL_MACHINE_UPDATE,
    ZCA_SQL_MACHINE_FIND,
    ZCA_SQL_MACHINE_LIST,
    ZCA_SQL_MACHINE_COUNT,
    ZCA_SQL_POSTURE_REPORT_INSERT,
    ZCA_SQL_POSTURE_REPORT_NEWEST,
    ZCA_SQL_POSTURE_REPORT_LIST,
    ZCA_SQL_CERTIFICATE_POLICY_INSERT,
    ZCA_SQL_CERTIFICATE_POLICY_UPDATE,
    ZCA_SQL_CERTIFICATE_POLICY_DELETE,
    ZCA_SQL_CERTIFICATE_POLICY_LIST,
    ZCA_SQL_AUTH_KEY_INSERT,
    ZCA_SQL_AUTH_KEY_BY_HASH,
    ZCA_SQL_AUTH_KEY_LIST,
    ZCA_SQL_AUTH_KEY_REVOKE,
    ZCA_SQL_AUTH_KEY_SPEND,
    ZCA_SQL_AUDIT_LOCK,
    ZCA_SQL_AUDIT_INSERT,
    ZCA_SQL_AUDIT_ADVANCE,
    ZCA_SQL_AUDIT_HEAD,
    ZCA_SQL_AUDIT_LIST,
    ZCA_SQL_NUM
};

struct zca_statement_text {
    const char *sql;
    bool writes; /* needs a transaction */
};

extern const struct zca_statement_text zca_statements[ZCA_SQL_NUM];

/** zca_migration_table makes the table of schema versions; harmless when it exists. */
extern const char zca_migration_table[];

/** zca_migrations[i] leads from version i to version i + 1; {key} stands for an integer key that the
 * engine assigns. Never changed once released: a change of the schema is a new row. */
extern const char *const zca_migrations[];
extern const size_t zca_num_migrations;

#endif
