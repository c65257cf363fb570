/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Objects as files. Attributes stand one behind the other: type and length in four bytes each, then the value, numbers as
 * the host has them: a token does not leave its host.
 */
#include "pkcs11-module/scratch_record.h"

#include <limits.h>
#include <string.h>

#include <openssl/asn1t.h>

#include "base/openssl_auto.h"
#include "core/crypto.h"

static const int record_version = 1;
static const size_t nonce_len = 12; /* SP 800-38D, 5.2.1.1 */

#define WORD 4u /* bytes of a type or a length */

void zca_scratch_record_clear(struct zca_scratch_record *record)
{
    zca_buffer_clear(&record->instance);
    zca_buffer_clear(&record->values);
    zca_buffer_clear(&record->material);
}

/* ---- the file ---- */

/* SEQUENCE { version INTEGER (1), instance OCTET STRING, isPrivate INTEGER, values OCTET STRING, key OCTET STRING } */
struct record {
    int32_t version;
    ASN1_OCTET_STRING *instance;
    int32_t is_private;
    ASN1_OCTET_STRING *values;
    ASN1_OCTET_STRING *material;
};

/* clang-format off: the macros have no semicolons */
ASN1_SEQUENCE(record) =
    {
        ASN1_EMBED(struct record, version, INT32),
        ASN1_SIMPLE(struct record, instance, ASN1_OCTET_STRING),
        ASN1_EMBED(struct record, is_private, INT32),
        ASN1_SIMPLE(struct record, values, ASN1_OCTET_STRING),
        ASN1_SIMPLE(struct record, material, ASN1_OCTET_STRING),
} static_ASN1_SEQUENCE_END_name(struct record, record)
    /* clang-format on */

    static void record_free(struct record * record)
{
    ASN1_item_free((ASN1_VALUE *)record, ASN1_ITEM_rptr(record));
}

ZCA_DEFINE_AUTO(record, struct record, record_free);

static bool set_string(ASN1_STRING *string, const struct zca_buffer *bytes)
{
    return bytes->len <= INT_MAX && ASN1_STRING_set(string, bytes->data, (int)bytes->len) == 1;
}

bool zca_scratch_record_format(const struct zca_scratch_record *record, struct zca_buffer *out_der,
                               struct zca_error *err)
{
    unsigned char *der = NULL;
    zca_auto(record) struct record *file = (struct record *)ASN1_item_new(ASN1_ITEM_rptr(record));
    if (!file || !set_string(file->instance, &record->instance) ||
        !set_string(file->values, &record->values) ||
        !set_string(file->material, &record->material)) {
        return zca_error_set(err, ZCA_ERR_MEMORY, "out of memory");
    }
    file->version = record_version;
    file->is_private = record->is_private ? 1 : 0;
    int len = ASN1_item_i2d((const ASN1_VALUE *)file, &der, ASN1_ITEM_rptr(record));
    if (len <= 0) {
        return zca_error_set_crypto(err, "encoding an object");
    }
    bool ok = zca_buffer_append(out_der, zca_span_of(der, (size_t)len), err);
    OPENSSL_free(der);
    return ok;
}

static bool get_string(const ASN1_STRING *string, struct zca_buffer *out_bytes,
                       struct zca_error *err)
{
    zca_buffer_clear(out_bytes);
    return zca_buffer_append(
        out_bytes, zca_span_of(ASN1_STRING_get0_data(string), (size_t)ASN1_STRING_length(string)),
        err);
}

bool zca_scratch_record_parse(struct zca_span der, struct zca_scratch_record *out_record,
                              struct zca_error *err)
{
    zca_auto(error_mark) int mark = ERR_set_mark(); /* our error says it in words */
    const unsigned char *cursor = der.data;
    zca_auto(record) struct record *file = (struct record *)ASN1_item_d2i(
        NULL, &cursor, der.len <= LONG_MAX ? (long)der.len : -1, ASN1_ITEM_rptr(record));
    if (!file || file->version != record_version || cursor != der.data + der.len) {
        return zca_error_set(err, ZCA_ERR_SEALED, "it is no object, or damaged");
    }
    out_record->is_private = file->is_private != 0;
    return get_string(file->instance, &out_record->instance, err) &&
           get_string(file->values, &out_record->values, err) &&
           get_string(file->material, &out_record->material, err);
}

/* ---- sealing ---- */

/* What is sealed is bound to its token, its file, and its part of it. */
static bool additional_data(const struct zca_scratch_scope *scope, const char *part,
                            struct zca_buffer *out_data, struct zca_error *err)
{
    return zca_buffer_append(out_data, scope->instance, err) &&
           zca_buffer_format(out_data, err, "%s %s %s", part,
                             scope->is_private ? "private" : "public", scope->name);
}

/* `out_box` is the nonce, the ciphertext and the tag. */
static bool seal(const struct zca_scratch_scope *scope, const char *part, struct zca_span plain,
                 struct zca_buffer *out_box, struct zca_error *err)
{
    zca_auto(zca_buffer) struct zca_buffer additional = {0};
    zca_auto(zca_buffer) struct zca_buffer box = {0};
    OSSL_LIB_CTX *context = zca_library_context(scope->library, err);
    if (!context || !additional_data(scope, part, &additional, err) ||
        !zca_random(context, nonce_len, &box, err) ||
        !zca_buffer_resize(&box, nonce_len + plain.len + ZCA_GCM_TAG_LEN, err)) {
        return false;
    }
    struct zca_gcm gcm = {scope->key, zca_span_of(box.data, nonce_len),
                          zca_buffer_span(&additional)};
    if (!zca_gcm_seal(scope->library, &gcm, plain, box.data + nonce_len)) {
        return zca_error_set_crypto(err, "sealing an object");
    }
    zca_buffer_move(out_box, &box);
    return true;
}

static bool open_box(const struct zca_scratch_scope *scope, const char *part, struct zca_span box,
                     struct zca_buffer *out_plain, struct zca_error *err)
{
    zca_auto(zca_buffer) struct zca_buffer additional = {0};
    if (box.len < nonce_len + ZCA_GCM_TAG_LEN) {
        return zca_error_set(err, ZCA_ERR_SEALED, "it is damaged");
    }
    if (!additional_data(scope, part, &additional, err) ||
        !zca_buffer_resize(out_plain, box.len - nonce_len - ZCA_GCM_TAG_LEN, err)) {
        return false;
    }
    struct zca_span sealed = zca_span_of(box.data + nonce_len, box.len - nonce_len);
    struct zca_gcm gcm = {scope->key, zca_span_of(box.data, nonce_len),
                          zca_buffer_span(&additional)};
    return zca_gcm_open(scope->library, &gcm, sealed, out_plain->data) ||
           zca_error_set(err, ZCA_ERR_SEALED, "it was sealed with another key, or changed");
}

/* ---- attributes ---- */

static bool append_word(struct zca_buffer *buffer, size_t word, struct zca_error *err)
{
    const uint8_t bytes[WORD] = {(uint8_t)(word >> 24), (uint8_t)(word >> 16), (uint8_t)(word >> 8),
                                 (uint8_t)word};
    return zca_buffer_append(buffer, zca_span_of(bytes, sizeof(bytes)), err);
}

bool zca_scratch_values_seal(const struct zca_scratch_scope *scope, const struct zca_values *values,
                             struct zca_buffer *out_sealed, struct zca_error *err)
{
    bool ok = true;
    zca_auto(zca_buffer) struct zca_buffer plain = {0};
    for (size_t i = 0; ok && i < zca_values_get_count(values); i++) {
        struct zca_span value = {0};
        CK_ATTRIBUTE_TYPE type = zca_values_get_at(values, i, &value);
        ok = append_word(&plain, type, err) && append_word(&plain, value.len, err) &&
             zca_buffer_append(&plain, value, err);
    }
    return ok && seal(scope, "values", zca_buffer_span(&plain), out_sealed, err);
}

static size_t word_at(const uint8_t *at)
{
    return (size_t)at[0] << 24 | (size_t)at[1] << 16 | (size_t)at[2] << 8 | at[3];
}

/* Everything was authenticated: what does not fit was written by another version. */
static bool read_values(struct zca_span plain, struct zca_values *values, struct zca_error *err)
{
    const uint8_t *at = plain.data;
    size_t left = plain.len;
    while (left >= 2 * WORD) {
        size_t len = word_at(at + WORD);
        if (len > left - 2 * WORD) {
            break;
        }
        if (zca_values_set(values, word_at(at), zca_span_of(at + 2 * WORD, len)) != CKR_OK) {
            return zca_error_set(err, ZCA_ERR_MEMORY, "out of memory");
        }
        at += 2 * WORD + len;
        left -= 2 * WORD + len;
    }
    return left == 0 || zca_error_set(err, ZCA_ERR_SEALED, "its attributes are damaged");
}

bool zca_scratch_values_open(const struct zca_scratch_scope *scope, struct zca_span sealed,
                             struct zca_values **out_values, struct zca_error *err)
{
    zca_auto(zca_buffer) struct zca_buffer plain = {0};
    zca_auto(zca_values) struct zca_values *values = zca_values_new(40);
    if (!values) {
        return zca_error_set(err, ZCA_ERR_MEMORY, "out of memory");
    }
    if (!open_box(scope, "values", sealed, &plain, err) ||
        !read_values(zca_buffer_span(&plain), values, err)) {
        return false;
    }
    *out_values = zca_steal(values);
    return true;
}

/* ---- keys ---- */

bool zca_scratch_material_seal(const struct zca_scratch_scope *scope, struct zca_span material,
                               struct zca_buffer *out_sealed, struct zca_error *err)
{
    return seal(scope, "key", material, out_sealed, err);
}

bool zca_scratch_material_open(const struct zca_scratch_scope *scope, struct zca_span sealed,
                               struct zca_buffer *out_material, struct zca_error *err)
{
    return open_box(scope, "key", sealed, out_material, err);
}
