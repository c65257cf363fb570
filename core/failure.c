/* SPDX-License-Identifier: Apache-2.0 */
/* The last failure of an identity as DER. Losing it costs one more attempt, so what cannot be read
 * counts as absent. */
#include "core/failure.h"

#include <stdio.h>
#include <string.h>

#include <openssl/asn1t.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "core/backoff.h"
#include "core/captured.h"
#include "core/certificate.h"

static const unsigned kinds[ZCA_NUM_REASONS] = {
    [ZCA_ERR_MEMORY] = ZCA_FAILURE_OURS | ZCA_FAILURE_UNSURE,
    [ZCA_ERR_SYSTEM] = ZCA_FAILURE_OURS | ZCA_FAILURE_UNSURE,
    [ZCA_ERR_CRYPTO] = ZCA_FAILURE_OURS | ZCA_FAILURE_UNSURE,
    [ZCA_ERR_SEALED] = ZCA_FAILURE_OURS | ZCA_FAILURE_UNSURE,
    [ZCA_ERR_BUSY] = ZCA_FAILURE_OURS | ZCA_FAILURE_UNSURE,
    [ZCA_ERR_PENDING] = ZCA_FAILURE_PASSING | ZCA_FAILURE_UNSURE,
    [ZCA_ERR_RATE_LIMITED] = ZCA_FAILURE_PASSING | ZCA_FAILURE_SILENT, /* it did nothing */
    [ZCA_ERR_UNAVAILABLE] = ZCA_FAILURE_PASSING | ZCA_FAILURE_UNSURE,
    [ZCA_ERR_PROTOCOL] = ZCA_FAILURE_UNSURE,
    [ZCA_ERR_CONFIG] = ZCA_FAILURE_SILENT,
    [ZCA_ERR_AUTH] = ZCA_FAILURE_SILENT,
    [ZCA_ERR_MFA_REQUIRED] = ZCA_FAILURE_SILENT,
    [ZCA_ERR_FORBIDDEN] = ZCA_FAILURE_SILENT,
};

/* How long a failure is taken for the answer: outages pass sooner than refusals. */
static const int64_t outage_ms = 2000;
static const int64_t refusal_ms = 5000;

/* Between runs of the renewal timer. */
static const struct zca_backoff renewal_pace = {
    .floor_ms = 10 * 1000,
    .first_ms = 30 * 1000,
    .cap_ms = 6 * 3600 * 1000,
};

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

/* ---- for enrolment ---- */

unsigned zca_failure_kind(enum zca_reason reason)
{
    return kinds[reason];
}

/* Of what sending can end with, VERIFY is of TLS: it was not sent. */
bool zca_failure_leaves_doubt(enum zca_reason reason, bool was_in_doubt)
{
    unsigned kind = zca_failure_kind(reason);
    bool is_silent = (kind & ZCA_FAILURE_SILENT) != 0 || reason == ZCA_ERR_VERIFY;
    return (kind & ZCA_FAILURE_UNSURE) != 0 || (was_in_doubt && is_silent);
}

/* Everything that could change the answer: another question is no repetition. */
static bool describe_question(struct zca_identity *identity, struct zca_buffer *out_text,
                              struct zca_error *err)
{
    const struct zca_authority *authority = zca_identity_get_authority(identity);
    for (int i = 0; i < ZCA_NUM_AUTHORITY_OPTIONS; i++) {
        const char *text = zca_authority_get_text(authority, (enum zca_authority_option)i);
        if (!zca_buffer_format(out_text, err, "%s\n", text ? text : "")) {
            return false;
        }
    }
    const char *common = zca_identity_get_text(identity, ZCA_IDENTITY_COMMON_NAME);
    const char *profile = zca_identity_get_text(identity, ZCA_IDENTITY_PROFILE);
    const char *binding = zca_identity_get_text(identity, ZCA_IDENTITY_BINDING);
    const char *file = zca_identity_get_csr_file(identity);
    return zca_buffer_format(out_text, err, "%s\n%s\n%s\n%s\n%ld\n", common ? common : "",
                             profile ? profile : "", binding ? binding : "", file ? file : "",
                             zca_identity_get_ttl_s(identity)) &&
           zca_captured_load(identity, out_text, err);
}

static bool hash_question(struct zca_identity *identity, uint8_t out_hash[32])
{
    zca_auto(zca_buffer) struct zca_buffer text = {.len = 0};
    OSSL_LIB_CTX *context = zca_library_context(zca_identity_get_library(identity), NULL);
    size_t len = 0;
    return context && describe_question(identity, &text, NULL) &&
           EVP_Q_digest(context, "SHA256", NULL, text.data, text.len, out_hash, &len) == 1;
}

/* What goes wrong with a credential of this process alone says nothing to others, nor the reverse. */
static bool stands_alone(const struct zca_identity *identity)
{
    return zca_authority_has_credential(zca_identity_get_authority(identity));
}

void zca_failure_last(const struct zca_identity *identity, struct zca_failure *out_failure)
{
    *out_failure = (struct zca_failure){.at_ms = 0};
    if (!stands_alone(identity)) {
        zca_failure_load(zca_identity_get_library(identity),
                         zca_identity_get_authority_name(identity), zca_identity_get_name(identity),
                         out_failure);
    }
}

/* An eighth of what is left of the certificate's life bounds the wait. */
static struct zca_backoff pace_of(struct zca_identity *identity, int64_t now_s)
{
    struct zca_backoff pace = renewal_pace;
    zca_auto(zca_chain) struct zca_chain *chain = zca_certificate_load_chain(
        zca_identity_get_library(identity), zca_identity_get_authority_name(identity),
        zca_identity_get_name(identity), NULL);
    int64_t left_s = chain ? zca_chain_get_not_after_s(chain) - now_s : 0;
    if (left_s > 0 && left_s * 1000 / 8 < pace.cap_ms) {
        pace.cap_ms = left_s * 1000 / 8;
    }
    return pace;
}

/* What an authority asks for is bounded, too: a proxy before it knows nothing of the certificate. */
static int64_t delay_of(const struct zca_backoff *pace, const struct zca_failure *record,
                        uint32_t random)
{
    int64_t delay_ms = zca_backoff_delay_ms(pace, record->num, record->error.retry_after_s, random);
    int64_t most_ms = pace->cap_ms > pace->floor_ms ? pace->cap_ms : pace->floor_ms;
    return delay_ms < most_ms ? delay_ms : most_ms;
}

void zca_failure_note(struct zca_identity *identity, const struct zca_error *error)
{
    struct zca_library *library = zca_identity_get_library(identity);
    const char *name = zca_identity_get_name(identity);
    struct zca_error failure = {.reason = ZCA_ERR_NONE};
    struct zca_failure record;
    if (stands_alone(identity)) {
        return;
    }
    zca_failure_last(identity, &record);
    int64_t now_ms = zca_clock_now_ms();
    struct zca_backoff pace = pace_of(identity, now_ms / 1000);
    record.num += record.num < UINT32_MAX;
    record.at_ms = now_ms;
    record.error = *error;
    record.next_s = (now_ms + delay_of(&pace, &record, zca_backoff_random(library))) / 1000;
    if (!hash_question(identity, record.subject) ||
        !zca_failure_store(library, zca_identity_get_authority_name(identity), name, &record,
                           &failure)) {
        zca_log(ZCA_LOG_DEBUG, "enrol '%s': the failure is not noted: %s", name, failure.message);
    }
}

void zca_failure_forget(struct zca_identity *identity)
{
    struct zca_failure none = {.at_ms = 0};
    struct zca_error failure = {.reason = ZCA_ERR_NONE};
    if (!zca_failure_store(zca_identity_get_library(identity),
                           zca_identity_get_authority_name(identity),
                           zca_identity_get_name(identity), &none, &failure)) {
        zca_log(ZCA_LOG_DEBUG, "enrol '%s': %s", zca_identity_get_name(identity), failure.message);
    }
}

bool zca_failure_repeats(struct zca_identity *identity, int64_t began_ms, struct zca_error *err)
{
    struct zca_failure record;
    uint8_t subject[sizeof(record.subject)];
    zca_failure_last(identity, &record);
    int64_t age_ms = zca_clock_now_ms() - record.at_ms;
    int64_t limit_ms = record.error.reason == ZCA_ERR_UNAVAILABLE ? outage_ms : refusal_ms;
    if (record.at_ms < began_ms || age_ms < 0 || age_ms > limit_ms ||
        !hash_question(identity, subject) ||
        memcmp(subject, record.subject, sizeof(subject)) != 0) {
        return false;
    }
    if (err) {
        *err = record.error;
    }
    return true;
}
