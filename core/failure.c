/* SPDX-License-Identifier: Apache-2.0 */
/* The last failure of an identity as DER. Losing it costs one more attempt, so what cannot be read
 * counts as absent. */
#include "core/failure.h"

#include <stdio.h>
#include <string.h>

#include <openssl/asn1t.h>

#include "base/buffer.h"
#include "base/file.h"

static const size_t max_record = 4096;
static const int record_version = 1;

struct record {
    int32_t version;
    int64_t at_ms;
    int64_t next_s;
    int64_t num;
    ASN1_OCTET_STRING *subject;
    int32_t reason;
    int64_t http_status;
    int64_t retry_after_s;
    ASN1_UTF8STRING *code;
    ASN1_UTF8STRING *message;
};

/* clang-format off: the macros have no semicolons */
ASN1_SEQUENCE(record) =
    {
        ASN1_EMBED(struct record, version, INT32),
        ASN1_EMBED(struct record, at_ms, INT64),
        ASN1_EMBED(struct record, next_s, INT64),
        ASN1_EMBED(struct record, num, INT64),
        ASN1_SIMPLE(struct record, subject, ASN1_OCTET_STRING),
        ASN1_EMBED(struct record, reason, INT32),
        ASN1_EMBED(struct record, http_status, INT64),
        ASN1_EMBED(struct record, retry_after_s, INT64),
        ASN1_SIMPLE(struct record, code, ASN1_UTF8STRING),
        ASN1_SIMPLE(struct record, message, ASN1_UTF8STRING),
} static_ASN1_SEQUENCE_END_name(struct record, record)
    /* clang-format on */

    static void record_free(struct record * record)
{
    ASN1_item_free((ASN1_VALUE *)record, ASN1_ITEM_rptr(record));
}

ZCA_DEFINE_AUTO(record, struct record, record_free);

static struct record *record_from_failure(const struct zca_failure *failure)
{
    zca_auto(record) struct record *record = (struct record *)ASN1_item_new(ASN1_ITEM_rptr(record));
    if (!record) {
        return NULL;
    }
    record->version = record_version;
    record->at_ms = failure->at_ms;
    record->next_s = failure->next_s;
    record->num = failure->num;
    record->reason = (int32_t)failure->error.reason;
    record->http_status = failure->error.http_status;
    record->retry_after_s = failure->error.retry_after_s;
    bool ok = ASN1_STRING_set(record->subject, failure->subject, sizeof(failure->subject)) == 1 &&
              ASN1_STRING_set(record->code, failure->error.code, -1) == 1 &&
              ASN1_STRING_set(record->message, failure->error.message, -1) == 1;
    return ok ? zca_steal(record) : NULL;
}

static void copy_text(const ASN1_STRING *string, char *text, size_t size)
{
    (void)snprintf(text, size, "%.*s", ASN1_STRING_length(string),
                   (const char *)ASN1_STRING_get0_data(string)); /* it was cut when written */
}

static void failure_from_record(const struct record *record, struct zca_failure *failure)
{
    failure->at_ms = record->at_ms;
    failure->next_s = record->next_s;
    failure->num = (unsigned)record->num;
    memcpy(failure->subject, ASN1_STRING_get0_data(record->subject), sizeof(failure->subject));
    failure->error.reason = (enum zca_reason)record->reason;
    failure->error.http_status = (long)record->http_status;
    failure->error.retry_after_s = (long)record->retry_after_s;
    copy_text(record->code, failure->error.code, sizeof(failure->error.code));
    copy_text(record->message, failure->error.message, sizeof(failure->error.message));
}

static bool is_sound(const struct record *record)
{
    return record->version == record_version && record->at_ms > 0 && record->num >= 0 &&
           record->num <= UINT32_MAX && record->reason > ZCA_ERR_NONE &&
           record->reason < ZCA_NUM_REASONS &&
           ASN1_STRING_length(record->subject) ==
               (int)sizeof(((struct zca_failure *)NULL)->subject);
}

void zca_failure_load(struct zca_library *library, const char *authority, const char *name,
                      struct zca_failure *out_failure)
{
    zca_auto(text) char *path =
        zca_library_path(library, ZCA_PLACE_ORDERS, authority, name, ".failed", NULL);
    zca_auto(zca_buffer) struct zca_buffer der = {.len = 0};
    *out_failure = (struct zca_failure){.at_ms = 0};
    if (!path || !zca_file_load(path, max_record, &der, NULL, NULL)) {
        return;
    }
    const unsigned char *end = der.data;
    zca_auto(record) struct record *record =
        (struct record *)ASN1_item_d2i(NULL, &end, (long)der.len, ASN1_ITEM_rptr(record));
    if (record && is_sound(record)) {
        failure_from_record(record, out_failure);
    }
}

bool zca_failure_store(struct zca_library *library, const char *authority, const char *name,
                       const struct zca_failure *failure, struct zca_error *err)
{
    zca_auto(text) char *path =
        zca_library_path(library, ZCA_PLACE_ORDERS, authority, name, ".failed", err);
    if (!path) {
        return false;
    }
    if (failure->at_ms == 0) {
        return zca_file_remove(path, err);
    }
    zca_auto(record) struct record *record = record_from_failure(failure);
    unsigned char *der = NULL;
    int len = record ? ASN1_item_i2d((ASN1_VALUE *)record, &der, ASN1_ITEM_rptr(record)) : -1;
    if (len < 0) {
        return zca_error_set(err, ZCA_ERR_MEMORY, "writing '%s'", path);
    }
    bool ok = zca_library_prepare(library, ZCA_PLACE_ORDERS, authority, err) &&
              zca_file_store(path, 0600, zca_span_of(der, (size_t)len), err);
    OPENSSL_free(der);
    return ok;
}
