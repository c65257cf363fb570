/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The key record: what a keystore writes. The public part is readable, the private values are one
 * AES-256-GCM ciphertext (NIST SP 800-38D); everything else in the record and the label of the
 * identity are its additional data, so nothing can be changed or exchanged.
 */
#include <limits.h>
#include <string.h>

#include <openssl/asn1t.h>

#include "base/clock.h"
#include "base/der.h"
#include "base/gate.h"
#include "base/openssl_auto.h"
#include "core/crypto.h"
#include "core/key.h"
#include "core/key_value.h"

static const int record_version = 1;
static const size_t nonce_len = 12; /* SP 800-38D, 5.2.1.1 */
static const size_t sealing_key_len = 32;

/* SEQUENCE { version INTEGER (1), type UTF8String, origin INTEGER, madeAt INTEGER,
 * publicKey OCTET STRING (SubjectPublicKeyInfo), lengths SEQUENCE OF INTEGER,
 * publicValues OCTET STRING, nonce OCTET STRING, sealed OCTET STRING }
 * Values stand one behind the other in the order of core/key_value.c, numbers big-endian. */
struct record {
    int32_t version;
    ASN1_UTF8STRING *type;
    int32_t origin;
    int64_t made_at_s;
    ASN1_OCTET_STRING *public_key;
    STACK_OF(ASN1_INTEGER) * lens;
    ASN1_OCTET_STRING *public_values;
    ASN1_OCTET_STRING *nonce;
    ASN1_OCTET_STRING *sealed;
};

/* clang-format off: the macros have no semicolons */
ASN1_SEQUENCE(record) =
    {
        ASN1_EMBED(struct record, version, INT32),
        ASN1_SIMPLE(struct record, type, ASN1_UTF8STRING),
        ASN1_EMBED(struct record, origin, INT32),
        ASN1_EMBED(struct record, made_at_s, INT64),
        ASN1_SIMPLE(struct record, public_key, ASN1_OCTET_STRING),
        ASN1_SEQUENCE_OF(struct record, lens, ASN1_INTEGER),
        ASN1_SIMPLE(struct record, public_values, ASN1_OCTET_STRING),
        ASN1_SIMPLE(struct record, nonce, ASN1_OCTET_STRING),
        ASN1_SIMPLE(struct record, sealed, ASN1_OCTET_STRING),
} static_ASN1_SEQUENCE_END_name(struct record, record)
    /* clang-format on */

    static void record_free(struct record * record)
{
    ASN1_item_free((ASN1_VALUE *)record, ASN1_ITEM_rptr(record));
}

ZCA_DEFINE_AUTO(record, struct record, record_free);

static struct zca_span string_span(const ASN1_STRING *string)
{
    return zca_span_of(ASN1_STRING_get0_data(string), (size_t)ASN1_STRING_length(string));
}

static bool set_string(ASN1_STRING *string, struct zca_span bytes)
{
    return bytes.len <= INT_MAX && ASN1_STRING_set(string, bytes.data, (int)bytes.len) == 1;
}

static bool append_der(const struct record *record, struct zca_buffer *out_der,
                       struct zca_error *err)
{
    unsigned char *der = NULL;
    int len = ASN1_item_i2d((const ASN1_VALUE *)record, &der, ASN1_ITEM_rptr(record));
    if (len <= 0) {
        return zca_error_set_crypto(err, "encoding a key record");
    }
    bool ok = zca_buffer_append(out_der, zca_span_of(der, (size_t)len), err);
    OPENSSL_free(der);
    return ok;
}

/* The additional data: the record while nonce and ciphertext are empty, then the label. */
static bool additional_data(const struct record *record, const char *label,
                            struct zca_buffer *out_data, struct zca_error *err)
{
    return append_der(record, out_data, err) && zca_buffer_append_text(out_data, label, err);
}

static bool check_sealing_key(struct zca_span sealing_key, struct zca_error *err)
{
    return sealing_key.len == sealing_key_len ||
           zca_error_set(err, ZCA_ERR_SEALED, "a sealing key has %zu bytes, this one %zu",
                         sealing_key_len, sealing_key.len);
}

/* ---- sealing ---- */

static bool add_len(struct record *record, size_t len)
{
    ASN1_INTEGER *number = ASN1_INTEGER_new();
    if (!number || ASN1_INTEGER_set_uint64(number, len) != 1 ||
        sk_ASN1_INTEGER_push(record->lens, number) <= 0) {
        ASN1_INTEGER_free(number);
        return false;
    }
    return true;
}

/* Fills all but nonce and ciphertext. */
static struct record *record_from_key(const struct zca_key *key,
                                      const struct zca_key_values *values, struct zca_error *err)
{
    zca_auto(record) struct record *record = (struct record *)ASN1_item_new(ASN1_ITEM_rptr(record));
    const struct zca_key_type *type = zca_key_get_type(key);
    bool ok = record && set_string(record->type, zca_span_text(type->name)) &&
              set_string(record->public_key, zca_key_get_public(key)) &&
              set_string(record->public_values, zca_buffer_span(&values->open));
    for (size_t i = 0; ok && i < zca_key_family_of(type)->num_rows; i++) {
        ok = add_len(record, values->lens[i]);
    }
    if (!ok) {
        (void)zca_error_set(err, ZCA_ERR_MEMORY, "out of memory");
        return NULL;
    }
    record->version = record_version;
    record->origin = (int32_t)zca_key_get_origin(key);
    record->made_at_s = zca_clock_now_s();
    return zca_steal(record);
}

static bool seal_record(struct zca_library *library, struct record *record,
                        const struct zca_gcm *gcm, struct zca_span plain, struct zca_error *err)
{
    zca_auto(zca_buffer) struct zca_buffer sealed = {0};
    if (!zca_buffer_resize(&sealed, plain.len + ZCA_GCM_TAG_LEN, err)) {
        return false;
    }
    if (!zca_gcm_seal(library, gcm, plain, sealed.data) || !set_string(record->nonce, gcm->nonce) ||
        !set_string(record->sealed, zca_buffer_span(&sealed))) {
        return zca_error_set_crypto(err, "sealing a key");
    }
    return true;
}

bool zca_key_seal(struct zca_key *key, const char *label, struct zca_span sealing_key,
                  struct zca_buffer *out_record, struct zca_error *err)
{
    zca_auto(gate) int inside = zca_gate_pass();
    struct zca_library *library = zca_key_get_library(key);
    zca_auto(zca_key_values) struct zca_key_values values = {.secret = ZCA_SECRET_BUFFER};
    zca_auto(zca_buffer) struct zca_buffer additional = {0};
    zca_auto(zca_buffer) struct zca_buffer nonce = {0};
    OSSL_LIB_CTX *context = zca_library_context(library, err);
    if (!context || !check_sealing_key(sealing_key, err) || !zca_key_values_of(key, &values, err)) {
        return false;
    }
    zca_key_values_flip(zca_key_get_type(key), &values);
    zca_auto(record) struct record *record = record_from_key(key, &values, err);
    if (!record || !additional_data(record, label, &additional, err) ||
        !zca_random(context, nonce_len, &nonce, err)) {
        return false;
    }
    struct zca_gcm gcm = {sealing_key, zca_buffer_span(&nonce), zca_buffer_span(&additional)};
    return seal_record(library, record, &gcm, zca_buffer_span(&values.secret), err) &&
           append_der(record, out_record, err);
}

/* ---- unsealing ---- */

/* DER has one encoding for a value: whatever else reads as the same record was tampered with. */
static bool is_der(const struct record *record, struct zca_span bytes)
{
    zca_auto(zca_buffer) struct zca_buffer again = {0};
    return append_der(record, &again, NULL) && zca_span_equal(zca_buffer_span(&again), bytes);
}

static struct record *record_parse(struct zca_span der)
{
    zca_auto(error_mark) int mark = ERR_set_mark(); /* the caller says it in words */
    const unsigned char *cursor = der.data;
    zca_auto(record) struct record *record = (struct record *)ASN1_item_d2i(
        NULL, &cursor, der.len <= LONG_MAX ? (long)der.len : -1, ASN1_ITEM_rptr(record));
    bool whole = record && record->version == record_version && cursor == der.data + der.len;
    return whole && is_der(record, der) ? zca_steal(record) : NULL;
}

static bool open_record(struct zca_library *library, struct record *record, struct zca_gcm *gcm,
                        const char *label, struct zca_buffer *out_plain, struct zca_error *err)
{
    zca_auto(zca_buffer) struct zca_buffer nonce = {0};
    zca_auto(zca_buffer) struct zca_buffer sealed = {0};
    zca_auto(zca_buffer) struct zca_buffer additional = {0};
    if (!zca_buffer_append(&nonce, string_span(record->nonce), err) ||
        !zca_buffer_append(&sealed, string_span(record->sealed), err)) {
        return false;
    }
    if (nonce.len != nonce_len || sealed.len <= ZCA_GCM_TAG_LEN) {
        return zca_error_set(err, ZCA_ERR_SEALED, "the key record is damaged");
    }
    if (!set_string(record->nonce, zca_span_of("", 0)) ||
        !set_string(record->sealed, zca_span_of("", 0)) ||
        !additional_data(record, label, &additional, err) ||
        !zca_buffer_resize(out_plain, sealed.len - ZCA_GCM_TAG_LEN, err)) {
        return false;
    }
    gcm->nonce = zca_buffer_span(&nonce);
    gcm->additional = zca_buffer_span(&additional);
    if (!zca_gcm_open(library, gcm, zca_buffer_span(&sealed), out_plain->data)) {
        return zca_error_set(err, ZCA_ERR_SEALED,
                             "the key record was sealed with another sealing key, or changed");
    }
    return true;
}

/* Everything was authenticated: what does not fit was sealed by another version. */
static bool fill_lens(const struct record *record, const struct zca_key_family *family,
                      struct zca_key_values *values)
{
    if (sk_ASN1_INTEGER_num(record->lens) != (int)family->num_rows) {
        return false;
    }
    for (size_t i = 0; i < family->num_rows; i++) {
        uint64_t len = 0;
        if (ASN1_INTEGER_get_uint64(&len, sk_ASN1_INTEGER_value(record->lens, (int)i)) != 1) {
            return false;
        }
        values->lens[i] = (size_t)len;
    }
    return true;
}

static const struct zca_key_type *type_of(const struct record *record)
{
    zca_auto(text) char *name = strndup((const char *)ASN1_STRING_get0_data(record->type),
                                        (size_t)ASN1_STRING_length(record->type));
    return name ? zca_key_type_find(name) : NULL;
}

static struct zca_key *key_from_record(struct zca_library *library, const struct record *record,
                                       struct zca_key_values *values, struct zca_error *err)
{
    const struct zca_key_type *type = type_of(record);
    if (!type) {
        (void)zca_error_set(err, ZCA_ERR_UNSUPPORTED, "the key record is of an unknown type");
        return NULL;
    }
    if (!zca_buffer_append(&values->open, string_span(record->public_values), err)) {
        return NULL;
    }
    if (!fill_lens(record, zca_key_family_of(type), values) || !zca_key_values_fit(type, values)) {
        (void)zca_error_set(err, ZCA_ERR_SEALED, "the key record is damaged");
        return NULL;
    }
    zca_key_values_flip(type, values);
    enum zca_key_origin origin =
        record->origin == ZCA_KEY_MADE_BY_AUTHORITY ? ZCA_KEY_MADE_BY_AUTHORITY : ZCA_KEY_MADE_HERE;
    return zca_key_from_values(library, type, origin, values, string_span(record->public_key), err);
}

struct zca_key *zca_key_unseal(struct zca_library *library, const char *label,
                               struct zca_span sealing_key, struct zca_span record,
                               struct zca_error *err)
{
    zca_auto(gate) int inside = zca_gate_pass();
    if (!check_sealing_key(sealing_key, err)) {
        return NULL;
    }
    zca_auto(record) struct record *parsed = record_parse(record);
    if (!parsed) {
        (void)zca_error_set(err, ZCA_ERR_SEALED, "the file is no key record, or damaged");
        return NULL;
    }
    zca_auto(zca_key_values) struct zca_key_values values = {.secret = ZCA_SECRET_BUFFER};
    struct zca_gcm gcm = {.key = sealing_key};
    if (!zca_library_crypto(library, err) ||
        !open_record(library, parsed, &gcm, label, &values.secret, err)) {
        return NULL;
    }
    return key_from_record(library, parsed, &values, err);
}

static bool is_present_version(struct zca_span integer)
{
    return integer.len == 1 && integer.data[0] == record_version;
}

/* The value is walked to, not decoded: every look at a certificate asks for it. */
bool zca_key_record_public(struct zca_span record, struct zca_buffer *out_public,
                           struct zca_error *err)
{
    static const int between[] = {V_ASN1_UTF8STRING, V_ASN1_INTEGER, V_ASN1_INTEGER};
    zca_auto(error_mark) int mark = ERR_set_mark(); /* the caller says it in words */
    struct zca_der_element whole;
    struct zca_der_element member;
    bool ok = zca_der_take_of(&record, V_ASN1_SEQUENCE, &whole) && record.len == 0 &&
              zca_der_take_of(&whole.content, V_ASN1_INTEGER, &member) &&
              is_present_version(member.content);
    for (size_t i = 0; ok && i < ZCA_COUNT(between); i++) {
        ok = zca_der_take_of(&whole.content, between[i], &member);
    }
    if (!ok || !zca_der_take_of(&whole.content, V_ASN1_OCTET_STRING, &member)) {
        return zca_error_set(err, ZCA_ERR_SEALED, "the file is no key record, or damaged");
    }
    return zca_buffer_append(out_public, member.content, err);
}
