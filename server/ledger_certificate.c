/* SPDX-License-Identifier: Apache-2.0 */
/* Intents and certificates in the ledger. */
#include "server/ledger_certificate.h"

#include <stddef.h>

#include "server/ledger_query.h"

/* The id comes last: the ledger gives it, so an insert binds the columns before it. */
static const struct zca_column intent_columns[] = {
    {"org_id",         ZCA_COLUMN_TEXT,     offsetof(struct zca_intent, org_id)        },
    {"authority_id",   ZCA_COLUMN_TEXT,     offsetof(struct zca_intent, authority_id)  },
    {"kind",           ZCA_COLUMN_TEXT,     offsetof(struct zca_intent, kind)          },
    {"serial",         ZCA_COLUMN_BYTES,    offsetof(struct zca_intent, serial)        },
    {"tbs_sha256",     ZCA_COLUMN_BYTES,    offsetof(struct zca_intent, tbs_sha256)    },
    {"request_sha256", ZCA_COLUMN_BYTES,    offsetof(struct zca_intent, request_sha256)},
    {"requester",      ZCA_COLUMN_TEXT,     offsetof(struct zca_intent, requester)     },
    {"profile",        ZCA_COLUMN_TEXT,     offsetof(struct zca_intent, profile)       },
    {"request_id",     ZCA_COLUMN_TEXT,     offsetof(struct zca_intent, request_id)    },
    {"created_at",     ZCA_COLUMN_INTEGER,  offsetof(struct zca_intent, created_at)    },
    {"abandoned_at",   ZCA_COLUMN_OPTIONAL, offsetof(struct zca_intent, abandoned_at)  },
    {"id",             ZCA_COLUMN_INTEGER,  offsetof(struct zca_intent, id)            },
};

static const struct zca_column certificate_columns[] = {
    {"id",            ZCA_COLUMN_TEXT,     offsetof(struct zca_certificate, id)           },
    {"org_id",        ZCA_COLUMN_TEXT,     offsetof(struct zca_certificate, org_id)       },
    {"authority_id",  ZCA_COLUMN_TEXT,     offsetof(struct zca_certificate, authority_id) },
    {"intent",        ZCA_COLUMN_INTEGER,  offsetof(struct zca_certificate, intent)       },
    {"machine_id",    ZCA_COLUMN_TEXT,     offsetof(struct zca_certificate, machine_id)   },
    {"serial",        ZCA_COLUMN_BYTES,    offsetof(struct zca_certificate, serial)       },
    {"subject_cn",    ZCA_COLUMN_TEXT,     offsetof(struct zca_certificate, subject_cn)   },
    {"der",           ZCA_COLUMN_BYTES,    offsetof(struct zca_certificate, der)          },
    {"issued_at",     ZCA_COLUMN_INTEGER,  offsetof(struct zca_certificate, issued_at)    },
    {"expires_at",    ZCA_COLUMN_INTEGER,  offsetof(struct zca_certificate, expires_at)   },
    {"revoked_at",    ZCA_COLUMN_OPTIONAL, offsetof(struct zca_certificate, revoked_at)   },
    {"revoke_reason", ZCA_COLUMN_TEXT,     offsetof(struct zca_certificate, revoke_reason)},
};

static const struct zca_column revocation_columns[] = {
    {"serial",     ZCA_COLUMN_BYTES,   offsetof(struct zca_revocation, serial)    },
    {"revoked_at", ZCA_COLUMN_INTEGER, offsetof(struct zca_revocation, revoked_at)},
};

const struct zca_record zca_intent_record = ZCA_RECORD(intent_columns, struct zca_intent);
const struct zca_record zca_certificate_record =
    ZCA_RECORD(certificate_columns, struct zca_certificate);
const struct zca_record zca_revocation_record =
    ZCA_RECORD(revocation_columns, struct zca_revocation);

static const struct zca_record intent_insert_record = {
    .columns = intent_columns,
    .num_columns = sizeof(intent_columns) / sizeof(intent_columns[0]) - 1,
    .size = sizeof(struct zca_intent)};

void zca_intent_clear(struct zca_intent *intent)
{
    zca_record_clear(&zca_intent_record, intent);
}

void zca_certificate_clear(struct zca_certificate *certificate)
{
    zca_record_clear(&zca_certificate_record, certificate);
}

/* ---- intents ---- */

bool zca_ledger_intent_insert(struct zca_ledger *ledger, struct zca_intent *intent,
                              struct zca_error *err)
{
    return zca_record_insert(ledger, ZCA_SQL_INTENT_INSERT, &intent_insert_record, intent,
                             &intent->id, err);
}

bool zca_ledger_intent_find(struct zca_ledger *ledger, int64_t id, struct zca_intent *out_intent,
                            bool *out_found, struct zca_error *err)
{
    struct zca_value values[] = {ZCA_INTEGER(id)};
    return zca_record_find(ledger, ZCA_QUERY(ZCA_SQL_INTENT_FIND, values), &zca_intent_record,
                           out_intent, out_found, err);
}

bool zca_ledger_intent_find_by_request(struct zca_ledger *ledger, const char *org_id,
                                       const char *request_id, struct zca_intent *out_intent,
                                       bool *out_found, struct zca_error *err)
{
    struct zca_value values[] = {ZCA_TEXT(org_id), ZCA_TEXT(request_id)};
    return zca_record_find(ledger, ZCA_QUERY(ZCA_SQL_INTENT_BY_REQUEST, values), &zca_intent_record,
                           out_intent, out_found, err);
}

bool zca_ledger_intent_find_by_serial(struct zca_ledger *ledger, const char *org_id,
                                      struct zca_span serial, struct zca_intent *out_intent,
                                      bool *out_found, struct zca_error *err)
{
    struct zca_value values[] = {ZCA_TEXT(org_id), ZCA_BYTES(serial)};
    return zca_record_find(ledger, ZCA_QUERY(ZCA_SQL_INTENT_BY_SERIAL, values), &zca_intent_record,
                           out_intent, out_found, err);
}

bool zca_ledger_intent_abandon(struct zca_ledger *ledger, int64_t id, int64_t now_ms,
                               struct zca_error *err)
{
    struct zca_value values[] = {ZCA_INTEGER(id), ZCA_INTEGER(now_ms)};
    return zca_ledger_run(ledger, ZCA_QUERY(ZCA_SQL_INTENT_ABANDON, values), err);
}

bool zca_ledger_intent_newest_time(struct zca_ledger *ledger, int64_t *out_time_ms,
                                   struct zca_error *err)
{
    struct zca_query query = {.statement = ZCA_SQL_INTENT_NEWEST_TIME};
    return zca_ledger_integer(ledger, &query, out_time_ms, NULL, err);
}

/* ---- certificates ---- */

bool zca_ledger_certificate_insert(struct zca_ledger *ledger,
                                   const struct zca_certificate *certificate, struct zca_error *err)
{
    return zca_record_insert(ledger, ZCA_SQL_CERTIFICATE_INSERT, &zca_certificate_record,
                             certificate, NULL, err);
}

bool zca_ledger_certificate_find(struct zca_ledger *ledger, const char *org_id, const char *id,
                                 struct zca_certificate *out_certificate, bool *out_found,
                                 struct zca_error *err)
{
    struct zca_value values[] = {ZCA_TEXT(org_id), ZCA_TEXT(id)};
    return zca_record_find(ledger, ZCA_QUERY(ZCA_SQL_CERTIFICATE_FIND, values),
                           &zca_certificate_record, out_certificate, out_found, err);
}

bool zca_ledger_certificate_find_by_serial(struct zca_ledger *ledger, const char *org_id,
                                           struct zca_span serial,
                                           struct zca_certificate *out_certificate, bool *out_found,
                                           struct zca_error *err)
{
    struct zca_value values[] = {ZCA_TEXT(org_id), ZCA_BYTES(serial)};
    return zca_record_find(ledger, ZCA_QUERY(ZCA_SQL_CERTIFICATE_BY_SERIAL, values),
                           &zca_certificate_record, out_certificate, out_found, err);
}

bool zca_ledger_certificate_find_by_intent(struct zca_ledger *ledger, int64_t intent,
                                           struct zca_certificate *out_certificate, bool *out_found,
                                           struct zca_error *err)
{
    struct zca_value values[] = {ZCA_INTEGER(intent)};
    return zca_record_find(ledger, ZCA_QUERY(ZCA_SQL_CERTIFICATE_BY_INTENT, values),
                           &zca_certificate_record, out_certificate, out_found, err);
}

bool zca_ledger_certificate_list(struct zca_ledger *ledger, const char *org_id,
                                 const struct zca_certificate_filter *filter,
                                 struct zca_record_list *out_list, struct zca_error *err)
{
    struct zca_value serial = ZCA_BYTES(filter->serial);
    if (filter->serial.len == 0) {
        serial.type = ZCA_VALUE_NULL;
    }
    struct zca_value values[] = {ZCA_TEXT(org_id), ZCA_TEXT(filter->subject_cn), serial,
                                 ZCA_INTEGER(filter->limit)};
    return zca_record_list_read(ledger, ZCA_QUERY(ZCA_SQL_CERTIFICATE_LIST, values),
                                &zca_certificate_record, out_list, err);
}

bool zca_ledger_certificate_scan(struct zca_ledger *ledger, int64_t after, int64_t limit,
                                 struct zca_record_list *out_list, struct zca_error *err)
{
    struct zca_value values[] = {ZCA_INTEGER(after), ZCA_INTEGER(limit)};
    return zca_record_list_read(ledger, ZCA_QUERY(ZCA_SQL_CERTIFICATE_SCAN, values),
                                &zca_certificate_record, out_list, err);
}

bool zca_ledger_certificate_revoke(struct zca_ledger *ledger, const char *org_id, const char *id,
                                   int64_t now_ms, const char *reason, bool *out_changed,
                                   struct zca_error *err)
{
    struct zca_value values[] = {ZCA_TEXT(org_id), ZCA_TEXT(id), ZCA_INTEGER(now_ms),
                                 ZCA_TEXT(reason)};
    int64_t one = 0;
    return zca_ledger_integer(ledger, ZCA_QUERY(ZCA_SQL_CERTIFICATE_REVOKE, values), &one,
                              out_changed, err);
}

/* ---- revocations ---- */

bool zca_ledger_revocation_list(struct zca_ledger *ledger, const char *authority_id, int64_t now_ms,
                                struct zca_record_list *out_list, struct zca_error *err)
{
    struct zca_value values[] = {ZCA_TEXT(authority_id), ZCA_INTEGER(now_ms)};
    return zca_record_list_read(ledger, ZCA_QUERY(ZCA_SQL_REVOCATION_LIST, values),
                                &zca_revocation_record, out_list, err);
}

bool zca_ledger_revocation_newest_time(struct zca_ledger *ledger, const char *authority_id,
                                       int64_t *out_time_ms, struct zca_error *err)
{
    struct zca_value values[] = {ZCA_TEXT(authority_id)};
    return zca_ledger_integer(ledger, ZCA_QUERY(ZCA_SQL_REVOCATION_NEWEST_TIME, values),
                              out_time_ms, NULL, err);
}

bool zca_ledger_revocation_count(struct zca_ledger *ledger, const char *authority_id,
                                 int64_t now_ms, int64_t *out_count, struct zca_error *err)
{
    struct zca_value values[] = {ZCA_TEXT(authority_id), ZCA_INTEGER(now_ms)};
    return zca_ledger_integer(ledger, ZCA_QUERY(ZCA_SQL_REVOCATION_COUNT, values), out_count, NULL,
                              err);
}
