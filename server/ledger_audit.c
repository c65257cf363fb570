/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The chain. An entry's hash is SHA-256 over the previous hash and every member, each preceded by
 * its length, so that no two entries have the same encoding.
 */
#include "server/ledger_audit.h"

#include <stddef.h>
#include <string.h>

#include <openssl/evp.h>

#include "server/ledger_query.h"

static const struct zca_column audit_columns[] = {
    {"number",        ZCA_COLUMN_INTEGER, offsetof(struct zca_audit_entry, number)       },
    {"created_at",    ZCA_COLUMN_INTEGER, offsetof(struct zca_audit_entry, created_at)   },
    {"org_id",        ZCA_COLUMN_TEXT,    offsetof(struct zca_audit_entry, org_id)       },
    {"actor",         ZCA_COLUMN_TEXT,    offsetof(struct zca_audit_entry, actor)        },
    {"event",         ZCA_COLUMN_TEXT,    offsetof(struct zca_audit_entry, event)        },
    {"object",        ZCA_COLUMN_TEXT,    offsetof(struct zca_audit_entry, object)       },
    {"detail",        ZCA_COLUMN_TEXT,    offsetof(struct zca_audit_entry, detail)       },
    {"previous_hash", ZCA_COLUMN_BYTES,   offsetof(struct zca_audit_entry, previous_hash)},
    {"hash",          ZCA_COLUMN_BYTES,   offsetof(struct zca_audit_entry, hash)         },
};

const struct zca_record zca_audit_record = ZCA_RECORD(audit_columns, struct zca_audit_entry);

/* ---- hashing ---- */

static bool append_number(struct zca_buffer *out, int64_t number, struct zca_error *err)
{
    uint8_t bytes[sizeof(number)];
    for (size_t i = 0; i < sizeof(bytes); i++) {
        bytes[i] = (uint8_t)((uint64_t)number >> (8 * (sizeof(bytes) - 1 - i)));
    }
    return zca_buffer_append(out, zca_span_of(bytes, sizeof(bytes)), err);
}

static bool append_sized(struct zca_buffer *out, struct zca_span bytes, struct zca_error *err)
{
    return append_number(out, (int64_t)bytes.len, err) && zca_buffer_append(out, bytes, err);
}

static bool hash_entry(const struct zca_audit_entry *entry, struct zca_buffer *out_hash,
                       struct zca_error *err)
{
    zca_auto(zca_buffer) struct zca_buffer text = {0};
    const char *const members[] = {entry->org_id, entry->actor, entry->event, entry->object,
                                   entry->detail};
    bool ok = append_sized(&text, zca_buffer_span(&entry->previous_hash), err) &&
              append_number(&text, entry->number, err) &&
              append_number(&text, entry->created_at, err);
    for (size_t i = 0; ok && i < sizeof(members) / sizeof(members[0]); i++) {
        ok = append_sized(&text, zca_span_text(members[i]), err);
    }
    if (!ok || !zca_buffer_resize(out_hash, (size_t)EVP_MD_get_size(EVP_sha256()), err)) {
        return false;
    }
    if (EVP_Digest(text.data, text.len, out_hash->data, NULL, EVP_sha256(), NULL) != 1) {
        return zca_error_set_crypto(err, "hashing an audit entry");
    }
    return true;
}

/* ---- appending ---- */

struct head {
    int64_t number;
    struct zca_buffer hash;
};

static void clear_head(struct head *head)
{
    zca_buffer_clear(&head->hash);
}

ZCA_DEFINE_AUTO_CLEAR(head, struct head, clear_head);

static bool keep_head(void *context, const struct zca_value *values, size_t num_values,
                      struct zca_error *err)
{
    struct head *head = context;
    if (num_values < 2) {
        return zca_error_set(err, ZCA_ERR_VERIFY, "the head of the audit log is damaged");
    }
    head->number = values[0].integer;
    return zca_buffer_append(&head->hash, values[1].bytes, err);
}

/* Locks the head on engines with several writers: the update comes first. */
static bool append_entry(struct zca_ledger *ledger, void *context, struct zca_error *err)
{
    const struct zca_audit_event *event = context;
    zca_auto(head) struct head head = {0};
    struct zca_query lock = {.statement = ZCA_SQL_AUDIT_LOCK, .row = keep_head, .context = &head};
    if (!zca_ledger_run(ledger, &lock, err)) {
        return false;
    }
    /* The text is borrowed: the entry is only read from here on. */
    struct zca_audit_entry entry = {.number = head.number,
                                    .created_at = event->created_at,
                                    .org_id = (char *)(uintptr_t)event->org_id,
                                    .actor = (char *)(uintptr_t)event->actor,
                                    .event = (char *)(uintptr_t)event->event,
                                    .object = (char *)(uintptr_t)event->object,
                                    .detail = (char *)(uintptr_t)event->detail,
                                    .previous_hash = head.hash};
    zca_auto(zca_buffer) struct zca_buffer hash = {0};
    if (!hash_entry(&entry, &hash, err)) {
        return false;
    }
    entry.hash = hash;
    struct zca_value values[] = {ZCA_BYTES(zca_buffer_span(&hash))};
    return zca_record_insert(ledger, ZCA_SQL_AUDIT_INSERT, &zca_audit_record, &entry, NULL, err) &&
           zca_ledger_run(ledger, ZCA_QUERY(ZCA_SQL_AUDIT_ADVANCE, values), err);
}

bool zca_ledger_audit_append(struct zca_ledger *ledger, const struct zca_audit_event *event,
                             struct zca_error *err)
{
    struct zca_audit_event copy = *event; /* the operation's context is not const */
    return zca_ledger_transact(ledger, append_entry, &copy, err);
}

/* ---- reading ---- */

bool zca_ledger_audit_list(struct zca_ledger *ledger, int64_t after, int64_t limit,
                           struct zca_record_list *out_list, struct zca_error *err)
{
    struct zca_value values[] = {ZCA_INTEGER(after), ZCA_INTEGER(limit)};
    return zca_record_list_read(ledger, ZCA_QUERY(ZCA_SQL_AUDIT_LIST, values), &zca_audit_record,
                                out_list, err);
}

static bool check_entry(const struct zca_audit_entry *entry, int64_t number,
                        struct zca_buffer *previous, struct zca_error *err)
{
    zca_auto(zca_buffer) struct zca_buffer hash = {0};
    if (!hash_entry(entry, &hash, err)) {
        return false;
    }
    if (entry->number != number ||
        !zca_span_equal(zca_buffer_span(&entry->previous_hash), zca_buffer_span(previous)) ||
        !zca_span_equal(zca_buffer_span(&entry->hash), zca_buffer_span(&hash))) {
        return zca_error_set(err, ZCA_ERR_VERIFY, "the audit log breaks at entry %lld",
                             (long long)number);
    }
    zca_buffer_move(previous, &hash);
    return true;
}

#define PAGE 1000

bool zca_ledger_audit_verify(struct zca_ledger *ledger, int64_t *out_count,
                             struct zca_buffer *out_hash, struct zca_error *err)
{
    zca_auto(head) struct head head = {0};
    struct zca_query query = {.statement = ZCA_SQL_AUDIT_HEAD, .row = keep_head, .context = &head};
    if (!zca_ledger_run(ledger, &query, err)) {
        return false;
    }
    zca_auto(zca_buffer) struct zca_buffer previous = {0};
    int64_t number = 0;
    while (number < head.number) {
        zca_auto(zca_record_list) struct zca_record_list page = {0};
        if (!zca_ledger_audit_list(ledger, number, PAGE, &page, err)) {
            return false;
        }
        if (page.num == 0) {
            return zca_error_set(err, ZCA_ERR_VERIFY, "the audit log ends at entry %lld of %lld",
                                 (long long)number, (long long)head.number);
        }
        for (size_t i = 0; i < page.num && number < head.number; i++) {
            number++;
            if (!check_entry(zca_record_at(&page, i), number, &previous, err)) {
                return false;
            }
        }
    }
    if (!zca_span_equal(zca_buffer_span(&previous), zca_buffer_span(&head.hash))) {
        return zca_error_set(err, ZCA_ERR_VERIFY, "the audit log does not lead to its head");
    }
    *out_count = number;
    return zca_buffer_append(out_hash, zca_buffer_span(&previous), err);
}
