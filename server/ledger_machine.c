/* SPDX-License-Identifier: Apache-2.0 */
/* Machines, posture, policies and registration keys in the ledger. */
#include "server/ledger_machine.h"

#include <stddef.h>

#include "server/ledger_query.h"

static const struct zca_column machine_columns[] = {
    {"id",            ZCA_COLUMN_TEXT,     offsetof(struct zca_machine, id)           },
    {"org_id",        ZCA_COLUMN_TEXT,     offsetof(struct zca_machine, org_id)       },
    {"name",          ZCA_COLUMN_TEXT,     offsetof(struct zca_machine, name)         },
    {"os",            ZCA_COLUMN_TEXT,     offsetof(struct zca_machine, os)           },
    {"status",        ZCA_COLUMN_TEXT,     offsetof(struct zca_machine, status)       },
    {"tailnet_ip",    ZCA_COLUMN_TEXT,     offsetof(struct zca_machine, tailnet_ip)   },
    {"node_key_hash", ZCA_COLUMN_BYTES,    offsetof(struct zca_machine, node_key_hash)},
    {"created_at",    ZCA_COLUMN_INTEGER,  offsetof(struct zca_machine, created_at)   },
    {"last_seen",     ZCA_COLUMN_OPTIONAL, offsetof(struct zca_machine, last_seen)    },
};

static const struct zca_column posture_report_columns[] = {
    {"id",         ZCA_COLUMN_TEXT,    offsetof(struct zca_posture_report, id)        },
    {"org_id",     ZCA_COLUMN_TEXT,    offsetof(struct zca_posture_report, org_id)    },
    {"machine_id", ZCA_COLUMN_TEXT,    offsetof(struct zca_posture_report, machine_id)},
    {"compliant",  ZCA_COLUMN_BOOLEAN, offsetof(struct zca_posture_report, compliant) },
    {"report",     ZCA_COLUMN_TEXT,    offsetof(struct zca_posture_report, report)    },
    {"created_at", ZCA_COLUMN_INTEGER, offsetof(struct zca_posture_report, created_at)},
};

static const struct zca_column certificate_policy_columns[] = {
    {"id",                        ZCA_COLUMN_TEXT,     offsetof(struct zca_certificate_policy, id)                       },
    {"org_id",                    ZCA_COLUMN_TEXT,     offsetof(struct zca_certificate_policy, org_id)                   },
    {"max_ttl_hours",             ZCA_COLUMN_OPTIONAL, offsetof(struct zca_certificate_policy, max_ttl_hours)            },
    {"require_posture_compliant", ZCA_COLUMN_BOOLEAN,
     offsetof(struct zca_certificate_policy,                                                   require_posture_compliant)},
    {"require_machine_online",    ZCA_COLUMN_BOOLEAN,
     offsetof(struct zca_certificate_policy,                                                   require_machine_online)   },
    {"created_at",                ZCA_COLUMN_INTEGER,  offsetof(struct zca_certificate_policy, created_at)               },
};

static const struct zca_column auth_key_columns[] = {
    {"id",         ZCA_COLUMN_TEXT,     offsetof(struct zca_auth_key, id)        },
    {"org_id",     ZCA_COLUMN_TEXT,     offsetof(struct zca_auth_key, org_id)    },
    {"hash",       ZCA_COLUMN_BYTES,    offsetof(struct zca_auth_key, hash)      },
    {"prefix",     ZCA_COLUMN_TEXT,     offsetof(struct zca_auth_key, prefix)    },
    {"reusable",   ZCA_COLUMN_BOOLEAN,  offsetof(struct zca_auth_key, reusable)  },
    {"created_at", ZCA_COLUMN_INTEGER,  offsetof(struct zca_auth_key, created_at)},
    {"expires_at", ZCA_COLUMN_INTEGER,  offsetof(struct zca_auth_key, expires_at)},
    {"spent_at",   ZCA_COLUMN_OPTIONAL, offsetof(struct zca_auth_key, spent_at)  },
    {"revoked_at", ZCA_COLUMN_OPTIONAL, offsetof(struct zca_auth_key, revoked_at)},
};

const struct zca_record zca_machine_record = ZCA_RECORD(machine_columns, struct zca_machine);
const struct zca_record zca_posture_report_record =
    ZCA_RECORD(posture_report_columns, struct zca_posture_report);
const struct zca_record zca_certificate_policy_record =
    ZCA_RECORD(certificate_policy_columns, struct zca_certificate_policy);
const struct zca_record zca_auth_key_record = ZCA_RECORD(auth_key_columns, struct zca_auth_key);

void zca_machine_clear(struct zca_machine *machine)
{
    zca_record_clear(&zca_machine_record, machine);
}

void zca_posture_report_clear(struct zca_posture_report *report)
{
    zca_record_clear(&zca_posture_report_record, report);
}

void zca_certificate_policy_clear(struct zca_certificate_policy *policy)
{
    zca_record_clear(&zca_certificate_policy_record, policy);
}

void zca_auth_key_clear(struct zca_auth_key *key)
{
    zca_record_clear(&zca_auth_key_record, key);
}

/* The number ORDER_BY of the statements expects. */
static int64_t order_of(const struct zca_filter *filter)
{
    return (filter->by_name ? 2 : 0) + (filter->descending ? 1 : 0);
}

static const char *any_if_null(const char *text)
{
    return text ? text : "";
}

/* ---- machines ---- */

bool zca_ledger_machine_insert(struct zca_ledger *ledger, const struct zca_machine *machine,
                               struct zca_error *err)
{
    return zca_record_insert(ledger, ZCA_SQL_MACHINE_INSERT, &zca_machine_record, machine, NULL,
                             err);
}

bool zca_ledger_machine_update(struct zca_ledger *ledger, const struct zca_machine *machine,
                               struct zca_error *err)
{
    return zca_record_insert(ledger, ZCA_SQL_MACHINE_UPDATE, &zca_machine_record, machine, NULL,
                             err);
}

bool zca_ledger_machine_find(struct zca_ledger *ledger, const char *org_id, const char *id,
                             struct zca_machine *out_machine, bool *out_found,
                             struct zca_error *err)
{
    struct zca_value values[] = {ZCA_TEXT(org_id), ZCA_TEXT(id)};
    return zca_record_find(ledger, ZCA_QUERY(ZCA_SQL_MACHINE_FIND, values), &zca_machine_record,
                           out_machine, out_found, err);
}

bool zca_ledger_machine_list(struct zca_ledger *ledger, const char *org_id,
                             const struct zca_filter *filter, struct zca_record_list *out_list,
                             struct zca_error *err)
{
    const char *id = any_if_null(filter->id);
    const char *status = any_if_null(filter->status);
    const char *name = any_if_null(filter->name);
    struct zca_value values[] = {ZCA_TEXT(org_id),
                                 ZCA_TEXT(id),
                                 ZCA_TEXT(status),
                                 ZCA_TEXT(name),
                                 ZCA_INTEGER(order_of(filter)),
                                 ZCA_INTEGER(filter->limit),
                                 ZCA_INTEGER(filter->offset)};
    return zca_record_list_read(ledger, ZCA_QUERY(ZCA_SQL_MACHINE_LIST, values),
                                &zca_machine_record, out_list, err);
}

bool zca_ledger_machine_count(struct zca_ledger *ledger, int64_t *out_count, struct zca_error *err)
{
    struct zca_query query = {.statement = ZCA_SQL_MACHINE_COUNT};
    return zca_ledger_integer(ledger, &query, out_count, NULL, err);
}

/* ---- posture reports ---- */

bool zca_ledger_posture_report_insert(struct zca_ledger *ledger,
                                      const struct zca_posture_report *report,
                                      struct zca_error *err)
{
    return zca_record_insert(ledger, ZCA_SQL_POSTURE_REPORT_INSERT, &zca_posture_report_record,
                             report, NULL, err);
}

bool zca_ledger_posture_report_newest(struct zca_ledger *ledger, const char *org_id,
                                      const char *machine_id, struct zca_posture_report *out_report,
                                      bool *out_found, struct zca_error *err)
{
    struct zca_value values[] = {ZCA_TEXT(org_id), ZCA_TEXT(machine_id)};
    return zca_record_find(ledger, ZCA_QUERY(ZCA_SQL_POSTURE_REPORT_NEWEST, values),
                           &zca_posture_report_record, out_report, out_found, err);
}

bool zca_ledger_posture_report_list(struct zca_ledger *ledger, const char *org_id,
                                    const struct zca_filter *filter,
                                    struct zca_record_list *out_list, struct zca_error *err)
{
    const char *id = any_if_null(filter->id);
    const char *machine_id = any_if_null(filter->machine_id);
    struct zca_value values[] = {ZCA_TEXT(org_id),           ZCA_TEXT(id),
                                 ZCA_TEXT(machine_id),       ZCA_INTEGER(order_of(filter)),
                                 ZCA_INTEGER(filter->limit), ZCA_INTEGER(filter->offset)};
    return zca_record_list_read(ledger, ZCA_QUERY(ZCA_SQL_POSTURE_REPORT_LIST, values),
                                &zca_posture_report_record, out_list, err);
}

/* ---- policies ---- */

bool zca_ledger_certificate_policy_insert(struct zca_ledger *ledger,
                                          const struct zca_certificate_policy *policy,
                                          struct zca_error *err)
{
    return zca_record_insert(ledger, ZCA_SQL_CERTIFICATE_POLICY_INSERT,
                             &zca_certificate_policy_record, policy, NULL, err);
}

bool zca_ledger_certificate_policy_update(struct zca_ledger *ledger,
                                          const struct zca_certificate_policy *policy,
                                          struct zca_error *err)
{
    return zca_record_insert(ledger, ZCA_SQL_CERTIFICATE_POLICY_UPDATE,
                             &zca_certificate_policy_record, policy, NULL, err);
}

bool zca_ledger_certificate_policy_delete(struct zca_ledger *ledger, const char *org_id,
                                          const char *id, struct zca_error *err)
{
    struct zca_value values[] = {ZCA_TEXT(org_id), ZCA_TEXT(id)};
    return zca_ledger_run(ledger, ZCA_QUERY(ZCA_SQL_CERTIFICATE_POLICY_DELETE, values), err);
}

bool zca_ledger_certificate_policy_list(struct zca_ledger *ledger, const char *org_id,
                                        const struct zca_filter *filter,
                                        struct zca_record_list *out_list, struct zca_error *err)
{
    const char *id = any_if_null(filter->id);
    struct zca_value values[] = {ZCA_TEXT(org_id), ZCA_TEXT(id), ZCA_INTEGER(order_of(filter)),
                                 ZCA_INTEGER(filter->limit), ZCA_INTEGER(filter->offset)};
    return zca_record_list_read(ledger, ZCA_QUERY(ZCA_SQL_CERTIFICATE_POLICY_LIST, values),
                                &zca_certificate_policy_record, out_list, err);
}

/* ---- registration keys ---- */

bool zca_ledger_auth_key_insert(struct zca_ledger *ledger, const struct zca_auth_key *key,
                                struct zca_error *err)
{
    return zca_record_insert(ledger, ZCA_SQL_AUTH_KEY_INSERT, &zca_auth_key_record, key, NULL, err);
}

bool zca_ledger_auth_key_find_by_hash(struct zca_ledger *ledger, struct zca_span hash,
                                      struct zca_auth_key *out_key, bool *out_found,
                                      struct zca_error *err)
{
    struct zca_value values[] = {ZCA_BYTES(hash)};
    return zca_record_find(ledger, ZCA_QUERY(ZCA_SQL_AUTH_KEY_BY_HASH, values),
                           &zca_auth_key_record, out_key, out_found, err);
}

bool zca_ledger_auth_key_list(struct zca_ledger *ledger, const char *org_id,
                              struct zca_record_list *out_list, struct zca_error *err)
{
    struct zca_value values[] = {ZCA_TEXT(org_id)};
    return zca_record_list_read(ledger, ZCA_QUERY(ZCA_SQL_AUTH_KEY_LIST, values),
                                &zca_auth_key_record, out_list, err);
}

bool zca_ledger_auth_key_revoke(struct zca_ledger *ledger, const char *org_id, const char *id,
                                int64_t now_ms, bool *out_found, struct zca_error *err)
{
    struct zca_value values[] = {ZCA_TEXT(org_id), ZCA_TEXT(id), ZCA_INTEGER(now_ms)};
    int64_t one = 0;
    return zca_ledger_integer(ledger, ZCA_QUERY(ZCA_SQL_AUTH_KEY_REVOKE, values), &one, out_found,
                              err);
}

bool zca_ledger_auth_key_spend(struct zca_ledger *ledger, const char *id, int64_t now_ms,
                               struct zca_error *err)
{
    struct zca_value values[] = {ZCA_TEXT(id), ZCA_INTEGER(now_ms)};
    return zca_ledger_run(ledger, ZCA_QUERY(ZCA_SQL_AUTH_KEY_SPEND, values), err);
}
