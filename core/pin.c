/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PBKDF2 (RFC 8018, 5.2) slows guessing down where the sealing key is known, HMAC with the sealing key makes the file
 * useless where it is not. A seal over the whole record tells a wrong PIN from a record that is not ours.
 */
#include "core/pin.h"

#include <stdio.h>
#include <string.h>

#include <openssl/asn1t.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>

#include "base/file.h"
#include "base/gate.h"
#include "base/openssl_auto.h"
#include "core/flight.h"
#include "core/keystore.h"

#define HASH_LEN 32u /* SHA-256 */

static const int record_version = 1;
static const int32_t iterations = 100000;
static const size_t salt_len = 16;
static const size_t max_record = 1024;
static const long lock_timeout_ms = 10 * 1000;

struct record {
    int32_t version;
    int32_t iterations;
    int32_t num_failures;
    ASN1_OCTET_STRING *salt;
    ASN1_OCTET_STRING *verifier; /* HMAC(sealing key, PBKDF2(PIN)) */
    ASN1_OCTET_STRING *seal;     /* HMAC(sealing key, all of the above and whose it is) */
};

/* clang-format off: the macros have no semicolons */
ASN1_SEQUENCE(record) =
    {
        ASN1_EMBED(struct record, version, INT32),
        ASN1_EMBED(struct record, iterations, INT32),
        ASN1_EMBED(struct record, num_failures, INT32),
        ASN1_SIMPLE(struct record, salt, ASN1_OCTET_STRING),
        ASN1_SIMPLE(struct record, verifier, ASN1_OCTET_STRING),
        ASN1_SIMPLE(struct record, seal, ASN1_OCTET_STRING),
} static_ASN1_SEQUENCE_END_name(struct record, record)
    /* clang-format on */

    static void record_free(struct record * record)
{
    ASN1_item_free((ASN1_VALUE *)record, ASN1_ITEM_rptr(record));
}

ZCA_DEFINE_AUTO(record, struct record, record_free);

/* Whose PIN, and what computes with it. */
struct owner {
    struct zca_library *library;
    const char *authority;
    const char *name;
    OSSL_LIB_CTX *context;
    struct zca_buffer sealing_key;
};

static void owner_clear(struct owner *owner)
{
    zca_buffer_clear(&owner->sealing_key);
}

ZCA_DEFINE_AUTO_CLEAR(owner, struct owner, owner_clear);

static struct zca_span span_of(const ASN1_OCTET_STRING *string)
{
    return zca_span_of(ASN1_STRING_get0_data(string), (size_t)ASN1_STRING_length(string));
}

/* ---- computing ---- */

static bool compute_hmac(const struct owner *owner, struct zca_span message,
                         uint8_t out_hash[HASH_LEN], struct zca_error *err)
{
    size_t len = 0;
    char digest[] = "SHA256";
    const OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_end(),
    };
    return (EVP_Q_mac(owner->context, "HMAC", NULL, NULL, parameters, owner->sealing_key.data,
                      owner->sealing_key.len, message.data, message.len, out_hash, HASH_LEN,
                      &len) &&
            len == HASH_LEN) ||
           zca_error_set_crypto(err, "sealing a PIN");
}

static bool derive(const struct owner *owner, const struct record *record, struct zca_span pin,
                   struct zca_buffer *out_derived, struct zca_error *err)
{
    char digest[] = "SHA256";
    struct zca_span salt = span_of(record->salt);
    int32_t rounds = record->iterations;
    const OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_int32(OSSL_KDF_PARAM_ITER, &rounds),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SALT, (void *)(uintptr_t)salt.data,
                                          salt.len),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_PASSWORD, (void *)(uintptr_t)pin.data,
                                          pin.len),
        OSSL_PARAM_construct_end(),
    };
    EVP_KDF *kdf = EVP_KDF_fetch(owner->context, "PBKDF2", NULL);
    EVP_KDF_CTX *operation = kdf ? EVP_KDF_CTX_new(kdf) : NULL;
    bool ok = operation && zca_buffer_resize(out_derived, HASH_LEN, NULL) &&
              EVP_KDF_derive(operation, out_derived->data, HASH_LEN, parameters) == 1;
    EVP_KDF_CTX_free(operation);
    EVP_KDF_free(kdf);
    return ok || zca_error_set_crypto(err, "hashing a PIN");
}

static bool compute_verifier(const struct owner *owner, const struct record *record,
                             struct zca_span pin, uint8_t out_hash[HASH_LEN], struct zca_error *err)
{
    zca_auto(zca_buffer) struct zca_buffer derived = ZCA_SECRET_BUFFER;
    return derive(owner, record, pin, &derived, err) &&
           compute_hmac(owner, zca_buffer_span(&derived), out_hash, err);
}

static bool compute_seal(const struct owner *owner, const struct record *record,
                         uint8_t out_hash[HASH_LEN], struct zca_error *err)
{
    zca_auto(zca_buffer) struct zca_buffer text = {.len = 0};
    return zca_buffer_format(&text, err, "zca token PIN %d\n%s/%s\n%d\n%d\n", (int)record->version,
                             owner->authority, owner->name, (int)record->iterations,
                             (int)record->num_failures) &&
           zca_buffer_append(&text, span_of(record->salt), err) &&
           zca_buffer_append(&text, span_of(record->verifier), err) &&
           compute_hmac(owner, zca_buffer_span(&text), out_hash, err);
}

/* ---- the file ---- */

static char *path_of(struct zca_library *library, const char *authority, const char *name,
                     struct zca_error *err)
{
    return zca_library_path(library, ZCA_PLACE_TOKENS, authority, name, ".pin", err);
}

static bool is_sound(const struct record *record)
{
    return record->version == record_version && record->iterations > 0 &&
           record->num_failures >= 0 && ASN1_STRING_length(record->salt) == (int)salt_len &&
           ASN1_STRING_length(record->verifier) == (int)HASH_LEN &&
           ASN1_STRING_length(record->seal) == (int)HASH_LEN;
}

static struct record *load_record(struct zca_library *library, const char *authority,
                                  const char *name, struct zca_error *err)
{
    zca_auto(text) char *path = path_of(library, authority, name, err);
    zca_auto(zca_buffer) struct zca_buffer der = {.len = 0};
    if (!path || !zca_file_load(path, max_record, &der, NULL, err)) {
        return NULL;
    }
    zca_auto(error_mark) int mark = ERR_set_mark();
    const unsigned char *end = der.data;
    zca_auto(record) struct record *record =
        (struct record *)ASN1_item_d2i(NULL, &end, (long)der.len, ASN1_ITEM_rptr(record));
    if (!record || !is_sound(record)) {
        (void)zca_error_set(err, ZCA_ERR_SEALED, "'%s' is damaged", path); /* NULL tells */
        return NULL;
    }
    return zca_steal(record);
}

static bool store_record(const struct owner *owner, struct record *record, struct zca_error *err)
{
    uint8_t seal[HASH_LEN];
    zca_auto(text) char *path = path_of(owner->library, owner->authority, owner->name, err);
    if (!path || !compute_seal(owner, record, seal, err)) {
        return false;
    }
    unsigned char *der = NULL;
    int len = ASN1_STRING_set(record->seal, seal, sizeof(seal)) == 1
                  ? ASN1_item_i2d((ASN1_VALUE *)record, &der, ASN1_ITEM_rptr(record))
                  : -1;
    if (len < 0) {
        return zca_error_set(err, ZCA_ERR_MEMORY, "writing '%s'", path);
    }
    bool ok = zca_file_store(path, 0600, zca_span_of(der, (size_t)len), err);
    OPENSSL_free(der);
    return ok;
}

static bool check_seal(const struct owner *owner, const struct record *record,
                       struct zca_error *err)
{
    uint8_t seal[HASH_LEN];
    if (!compute_seal(owner, record, seal, err)) {
        return false;
    }
    return zca_span_equal(zca_span_of(seal, sizeof(seal)), span_of(record->seal)) ||
           zca_error_set(err, ZCA_ERR_SEALED,
                         "the PIN of '%s/%s' was set under another sealing key, or its file was "
                         "changed: run 'zca pin %s'",
                         owner->authority, owner->name, owner->name);
}

/* ---- steps ---- */

static bool prepare(struct owner *owner, bool create, struct zca_error *err)
{
    owner->sealing_key.secret = true;
    owner->context = zca_library_context(owner->library, err);
    return owner->context && zca_sealing_key_load(owner->library, ZCA_KEYSTORE_FILE, create,
                                                  &owner->sealing_key, err);
}

static struct zca_flight *enter(const struct owner *owner, struct zca_error *err)
{
    return zca_flight_enter_at(owner->library, ZCA_PLACE_TOKENS, owner->authority, owner->name,
                               lock_timeout_ms, err);
}

static bool make_record(const struct owner *owner, struct zca_span pin, struct zca_error *err)
{
    uint8_t verifier[HASH_LEN];
    zca_auto(zca_buffer) struct zca_buffer salt = {.len = 0};
    zca_auto(record) struct record *record = (struct record *)ASN1_item_new(ASN1_ITEM_rptr(record));
    if (!zca_random(owner->context, salt_len, &salt, err)) {
        return false;
    }
    if (!record || ASN1_STRING_set(record->salt, salt.data, (int)salt.len) != 1) {
        return zca_error_set(err, ZCA_ERR_MEMORY, "setting a PIN");
    }
    record->version = record_version;
    record->iterations = iterations;
    if (!compute_verifier(owner, record, pin, verifier, err)) {
        return false;
    }
    return (ASN1_STRING_set(record->verifier, verifier, sizeof(verifier)) == 1 ||
            zca_error_set(err, ZCA_ERR_MEMORY, "setting a PIN")) &&
           store_record(owner, record, err);
}

static bool refuse(const struct owner *owner, struct record *record, struct zca_error *err)
{
    record->num_failures++;
    return store_record(owner, record, err) &&
           zca_error_set(err, ZCA_ERR_AUTH, "wrong PIN for '%s/%s': %d of %u tries are left",
                         owner->authority, owner->name,
                         (int)ZCA_PIN_MAX_FAILURES - (int)record->num_failures,
                         ZCA_PIN_MAX_FAILURES);
}

static bool compare(const struct owner *owner, struct record *record, struct zca_span pin,
                    struct zca_error *err)
{
    uint8_t verifier[HASH_LEN];
    if (record->num_failures >= (int32_t)ZCA_PIN_MAX_FAILURES) {
        return zca_error_set(err, ZCA_ERR_FORBIDDEN,
                             "the PIN of '%s/%s' is locked after %u wrong tries: run 'zca pin %s'",
                             owner->authority, owner->name, ZCA_PIN_MAX_FAILURES, owner->name);
    }
    if (pin.len == 0 || pin.len > ZCA_PIN_MAX_LEN) { /* nobody's guess */
        return zca_error_set(err, ZCA_ERR_AUTH, "a PIN of %zu bytes cannot be that of '%s/%s'",
                             pin.len, owner->authority, owner->name);
    }
    if (!compute_verifier(owner, record, pin, verifier, err)) {
        return false;
    }
    if (!zca_span_equal(zca_span_of(verifier, sizeof(verifier)), span_of(record->verifier))) {
        return refuse(owner, record, err);
    }
    bool is_counted = record->num_failures > 0; /* a file that need not change may be read-only */
    record->num_failures = 0;
    return !is_counted || store_record(owner, record, err);
}

static bool check_length(struct zca_span pin, struct zca_error *err)
{
    return (pin.len >= ZCA_PIN_MIN_LEN && pin.len <= ZCA_PIN_MAX_LEN) ||
           zca_error_set(err, ZCA_ERR_INVALID, "a PIN has %u to %u bytes, not %zu", ZCA_PIN_MIN_LEN,
                         ZCA_PIN_MAX_LEN, pin.len);
}

/* Inside the gate, with the lock. */
static bool check(struct owner *owner, struct zca_span pin, struct zca_error *err)
{
    struct zca_error failure = {.reason = ZCA_ERR_NONE};
    zca_auto(record) struct record *record =
        load_record(owner->library, owner->authority, owner->name, &failure);
    if (!record) {
        return failure.reason == ZCA_ERR_NOT_FOUND
                   ? zca_error_set(err, ZCA_ERR_NOT_FOUND,
                                   "'%s/%s' has no PIN yet: run 'zca pin %s'", owner->authority,
                                   owner->name, owner->name)
                   : zca_error_set(err, failure.reason, "%s", failure.message);
    }
    return prepare(owner, false, err) && check_seal(owner, record, err) &&
           compare(owner, record, pin, err);
}

/* ---- public ---- */

void zca_pin_status(struct zca_library *library, const char *authority, const char *name,
                    struct zca_pin_status *out_status)
{
    *out_status = (struct zca_pin_status){.is_set = false};
    zca_auto(record) struct record *record = load_record(library, authority, name, NULL);
    if (record) {
        bool locked = record->num_failures > (int32_t)ZCA_PIN_MAX_FAILURES;
        out_status->is_set = true;
        out_status->num_failures = locked ? ZCA_PIN_MAX_FAILURES : (unsigned)record->num_failures;
    }
}

bool zca_pin_set(struct zca_library *library, const char *authority, const char *name,
                 struct zca_span pin, struct zca_error *err)
{
    zca_auto(owner) struct owner owner = {.library = library, .authority = authority, .name = name};
    if (!check_length(pin, err)) {
        return false;
    }
    zca_auto(zca_flight) struct zca_flight *flight = enter(&owner, err);
    if (!flight) {
        return false;
    }
    zca_auto(gate) int inside = zca_gate_pass();
    return prepare(&owner, true, err) && make_record(&owner, pin, err);
}

bool zca_pin_check(struct zca_library *library, const char *authority, const char *name,
                   struct zca_span pin, struct zca_error *err)
{
    zca_auto(owner) struct owner owner = {.library = library, .authority = authority, .name = name};
    zca_auto(zca_flight) struct zca_flight *flight = enter(&owner, err);
    if (!flight) {
        return false;
    }
    zca_auto(gate) int inside = zca_gate_pass();
    return check(&owner, pin, err);
}

bool zca_pin_change(struct zca_library *library, const char *authority, const char *name,
                    struct zca_span old_pin, struct zca_span new_pin, struct zca_error *err)
{
    zca_auto(owner) struct owner owner = {.library = library, .authority = authority, .name = name};
    if (!check_length(new_pin, err)) {
        return false;
    }
    zca_auto(zca_flight) struct zca_flight *flight = enter(&owner, err);
    if (!flight) {
        return false;
    }
    zca_auto(gate) int inside = zca_gate_pass();
    return check(&owner, old_pin, err) && make_record(&owner, new_pin, err);
}

bool zca_pin_remove(struct zca_library *library, const char *authority, const char *name,
                    struct zca_error *err)
{
    const struct owner owner = {.library = library, .authority = authority, .name = name};
    zca_auto(text) char *path = path_of(library, authority, name, err);
    zca_auto(zca_flight) struct zca_flight *flight = path ? enter(&owner, err) : NULL;
    return flight && zca_file_remove(path, err);
}
