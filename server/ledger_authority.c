/* SPDX-License-Identifier: Apache-2.0 */
/* CA keys, sealed secrets and CRLs in the ledger. */
#include "server/ledger_authority.h"

#include <stddef.h>
#include <string.h>

#include "server/ledger_query.h"

static const struct zca_column authority_columns[] = {
    {"id",          ZCA_COLUMN_TEXT,     offsetof(struct zca_authority_row, id)         },
    {"org_id",      ZCA_COLUMN_TEXT,     offsetof(struct zca_authority_row, org_id)     },
    {"certificate", ZCA_COLUMN_BYTES,    offsetof(struct zca_authority_row, certificate)},
    {"sealed_key",  ZCA_COLUMN_BYTES,    offsetof(struct zca_authority_row, sealed_key) },
    {"created_at",  ZCA_COLUMN_INTEGER,  offsetof(struct zca_authority_row, created_at) },
    {"retired_at",  ZCA_COLUMN_OPTIONAL, offsetof(struct zca_authority_row, retired_at) },
};

static const struct zca_column crl_columns[] = {
    {"authority_id", ZCA_COLUMN_TEXT,    offsetof(struct zca_crl_row, authority_id)},
    {"number",       ZCA_COLUMN_INTEGER, offsetof(struct zca_crl_row, number)      },
    {"der",          ZCA_COLUMN_BYTES,   offsetof(struct zca_crl_row, der)         },
    {"num_entries",  ZCA_COLUMN_INTEGER, offsetof(struct zca_crl_row, num_entries) },
    {"this_update",  ZCA_COLUMN_INTEGER, offsetof(struct zca_crl_row, this_update) },
    {"next_update",  ZCA_COLUMN_INTEGER, offsetof(struct zca_crl_row, next_update) },
};

static const struct zca_column crl_state_columns[] = {
    {"number",      ZCA_COLUMN_INTEGER, offsetof(struct zca_crl_row, number)     },
    {"num_entries", ZCA_COLUMN_INTEGER, offsetof(struct zca_crl_row, num_entries)},
    {"this_update", ZCA_COLUMN_INTEGER, offsetof(struct zca_crl_row, this_update)},
    {"next_update", ZCA_COLUMN_INTEGER, offsetof(struct zca_crl_row, next_update)},
};

static const struct zca_column secret_columns[] = {
    {"name",   ZCA_COLUMN_TEXT,  offsetof(struct zca_secret, name)  },
    {"sealed", ZCA_COLUMN_BYTES, offsetof(struct zca_secret, sealed)},
};

const struct zca_record zca_authority_record =
    ZCA_RECORD(authority_columns, struct zca_authority_row);
const struct zca_record zca_crl_record = ZCA_RECORD(crl_columns, struct zca_crl_row);
static const struct zca_record crl_state_record = ZCA_RECORD(crl_state_columns, struct zca_crl_row);
const struct zca_record zca_secret_record = ZCA_RECORD(secret_columns, struct zca_secret);

void zca_authority_row_clear(struct zca_authority_row *row)
{
    zca_record_clear(&zca_authority_record, row);
}

void zca_crl_row_clear(struct zca_crl_row *row)
{
    zca_record_clear(&zca_crl_record, row);
}

void zca_secret_clear(struct zca_secret *secret)
{
    zca_record_clear(&zca_secret_record, secret);
}

static bool replace_authority(struct zca_ledger *ledger, void *context, struct zca_error *err)
{
    const struct zca_authority_row *row = context;
    struct zca_value values[] = {ZCA_TEXT(row->org_id), ZCA_INTEGER(row->created_at)};
    return zca_ledger_run(ledger, ZCA_QUERY(ZCA_SQL_AUTHORITY_RETIRE, values), err) &&
           zca_record_insert(ledger, ZCA_SQL_AUTHORITY_INSERT, &zca_authority_record, row, NULL,
                             err);
}

bool zca_ledger_authority_replace(struct zca_ledger *ledger, const struct zca_authority_row *row,
                                  struct zca_error *err)
{
    struct zca_authority_row copy = *row; /* the operation's context is not const */
    return zca_ledger_transact(ledger, replace_authority, &copy, err);
}

bool zca_ledger_authority_current(struct zca_ledger *ledger, const char *org_id,
                                  struct zca_authority_row *out_row, bool *out_found,
                                  struct zca_error *err)
{
    struct zca_value values[] = {ZCA_TEXT(org_id)};
    return zca_record_find(ledger, ZCA_QUERY(ZCA_SQL_AUTHORITY_CURRENT, values),
                           &zca_authority_record, out_row, out_found, err);
}

static bool keep_text(void *context, const struct zca_value *values, size_t num_values,
                      struct zca_error *err)
{
    char **out_text = context;
    if (*out_text || num_values == 0 || values[0].type != ZCA_VALUE_TEXT) {
        return true;
    }
    *out_text = strndup((const char *)values[0].bytes.data, values[0].bytes.len);
    return *out_text ? true : zca_error_set(err, ZCA_ERR_MEMORY, "reading an id");
}

bool zca_ledger_authority_current_id(struct zca_ledger *ledger, const char *org_id, char **out_id,
                                     struct zca_error *err)
{
    struct zca_value values[] = {ZCA_TEXT(org_id)};
    struct zca_query query = {.statement = ZCA_SQL_AUTHORITY_CURRENT_ID,
                              .values = values,
                              .num_values = 1,
                              .row = keep_text,
                              .context = out_id};
    *out_id = NULL;
    return zca_ledger_run(ledger, &query, err);
}

bool zca_ledger_authority_find(struct zca_ledger *ledger, const char *id,
                               struct zca_authority_row *out_row, bool *out_found,
                               struct zca_error *err)
{
    struct zca_value values[] = {ZCA_TEXT(id)};
    return zca_record_find(ledger, ZCA_QUERY(ZCA_SQL_AUTHORITY_FIND, values), &zca_authority_record,
                           out_row, out_found, err);
}

bool zca_ledger_authority_list(struct zca_ledger *ledger, const char *org_id,
                               struct zca_record_list *out_list, struct zca_error *err)
{
    const char *org = org_id ? org_id : "";
    struct zca_value values[] = {ZCA_TEXT(org)};
    return zca_record_list_read(ledger, ZCA_QUERY(ZCA_SQL_AUTHORITY_LIST, values),
                                &zca_authority_record, out_list, err);
}

bool zca_ledger_secret_insert(struct zca_ledger *ledger, const struct zca_secret *secret,
                              struct zca_error *err)
{
    return zca_record_insert(ledger, ZCA_SQL_SECRET_INSERT, &zca_secret_record, secret, NULL, err);
}

bool zca_ledger_secret_find(struct zca_ledger *ledger, const char *name,
                            struct zca_secret *out_secret, bool *out_found, struct zca_error *err)
{
    struct zca_value values[] = {ZCA_TEXT(name)};
    return zca_record_find(ledger, ZCA_QUERY(ZCA_SQL_SECRET_FIND, values), &zca_secret_record,
                           out_secret, out_found, err);
}

bool zca_ledger_crl_insert(struct zca_ledger *ledger, const struct zca_crl_row *row,
                           struct zca_error *err)
{
    return zca_record_insert(ledger, ZCA_SQL_CRL_INSERT, &zca_crl_record, row, NULL, err);
}

bool zca_ledger_crl_newest_state(struct zca_ledger *ledger, const char *authority_id,
                                 struct zca_crl_row *out_row, bool *out_found,
                                 struct zca_error *err)
{
    struct zca_value values[] = {ZCA_TEXT(authority_id)};
    return zca_record_find(ledger, ZCA_QUERY(ZCA_SQL_CRL_NEWEST_STATE, values), &crl_state_record,
                           out_row, out_found, err);
}

bool zca_ledger_crl_newest(struct zca_ledger *ledger, const char *authority_id,
                           struct zca_crl_row *out_row, bool *out_found, struct zca_error *err)
{
    struct zca_value values[] = {ZCA_TEXT(authority_id)};
    return zca_record_find(ledger, ZCA_QUERY(ZCA_SQL_CRL_NEWEST, values), &zca_crl_record, out_row,
                           out_found, err);
}
