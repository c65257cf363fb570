/* SPDX-License-Identifier: Apache-2.0 */
/* The file `token` of a scratch token, and what its PINs open. */
#include "pkcs11-module/scratch_pin.h"

#include <limits.h>
#include <string.h>

#include <openssl/asn1t.h>
#include <openssl/core_names.h>
#include <openssl/kdf.h>

#include "base/file.h"
#include "base/openssl_auto.h"
#include "core/crypto.h"
#include "core/keystore.h"

static const int record_version = 1;
static const size_t nonce_len = 12; /* SP 800-38D, 5.2.1.1 */
static const size_t max_file = 4096;
static const int64_t iterations =
    100000; /* about 30 ms; what protects short PINs is the host's sealing key */
static const int64_t max_iterations = 10000000;

static const char *const purposes[ZCA_SCRATCH_NUM_PINS] = {
    [ZCA_SCRATCH_USER] = "zca token, user PIN",
    [ZCA_SCRATCH_SO] = "zca token, SO PIN",
};
static const char open_purpose[] = "zca token, public objects";

/* ---- the file ---- */

/* SEQUENCE { version INTEGER (1), instance OCTET STRING, label OCTET STRING, user Lock, so Lock }
 * Lock ::= SEQUENCE { salt OCTET STRING, iterations INTEGER, failures INTEGER, sealed OCTET STRING }
 * sealed: nonce, ciphertext and tag; empty: no PIN. */
struct lock {
    ASN1_OCTET_STRING *salt;
    int64_t iterations;
    int64_t failures;
    ASN1_OCTET_STRING *sealed;
};

struct record {
    int32_t version;
    ASN1_OCTET_STRING *instance;
    ASN1_OCTET_STRING *label;
    struct lock *locks[ZCA_SCRATCH_NUM_PINS];
};

/* clang-format off: the macros have no semicolons */
ASN1_SEQUENCE(lock) =
    {
        ASN1_SIMPLE(struct lock, salt, ASN1_OCTET_STRING),
        ASN1_EMBED(struct lock, iterations, INT64),
        ASN1_EMBED(struct lock, failures, INT64),
        ASN1_SIMPLE(struct lock, sealed, ASN1_OCTET_STRING),
} static_ASN1_SEQUENCE_END_name(struct lock, lock)

        ASN1_SEQUENCE(record) =
            {
                ASN1_EMBED(struct record, version, INT32),
                ASN1_SIMPLE(struct record, instance, ASN1_OCTET_STRING),
                ASN1_SIMPLE(struct record, label, ASN1_OCTET_STRING),
                ASN1_SIMPLE(struct record, locks[ZCA_SCRATCH_USER], lock),
                ASN1_SIMPLE(struct record, locks[ZCA_SCRATCH_SO], lock),
} static_ASN1_SEQUENCE_END_name(struct record, record)
    /* clang-format on */

    static void record_free(struct record * record)
{
    ASN1_item_free((ASN1_VALUE *)record, ASN1_ITEM_rptr(record));
}

ZCA_DEFINE_AUTO(record, struct record, record_free);

/* Copies a string of exactly this length. */
static bool get_bytes(const ASN1_STRING *string, uint8_t *target, size_t len)
{
    bool fits = (size_t)ASN1_STRING_length(string) == len;
    if (fits) {
        memcpy(target, ASN1_STRING_get0_data(string), len);
    }
    return fits;
}

static bool lock_from(const struct lock *lock, struct zca_scratch_lock *out_lock)
{
    out_lock->is_set = ASN1_STRING_length(lock->sealed) != 0;
    out_lock->iterations = lock->iterations;
    out_lock->failures = lock->failures;
    return lock->failures >= 0 &&
           (!out_lock->is_set || (lock->iterations > 0 && lock->iterations <= max_iterations &&
                                  get_bytes(lock->salt, out_lock->salt, sizeof(out_lock->salt)) &&
                                  get_bytes(lock->sealed, out_lock->box, sizeof(out_lock->box))));
}

static bool parse(struct zca_span der, struct zca_scratch_token *out_token)
{
    zca_auto(error_mark) int mark = ERR_set_mark(); /* the caller says it in words */
    const unsigned char *cursor = der.data;
    struct zca_scratch_token token = {0};
    zca_auto(record) struct record *record =
        (struct record *)ASN1_item_d2i(NULL, &cursor, (long)der.len, ASN1_ITEM_rptr(record));
    bool ok = record && record->version == record_version && cursor == der.data + der.len &&
              get_bytes(record->instance, token.instance, sizeof(token.instance)) &&
              get_bytes(record->label, token.label, sizeof(token.label));
    for (size_t i = 0; ok && i < ZCA_SCRATCH_NUM_PINS; i++) {
        ok = lock_from(record->locks[i], &token.locks[i]);
    }
    if (ok) {
        *out_token = token;
    }
    return ok;
}

bool zca_scratch_token_load(const char *path, struct zca_scratch_token *out_token,
                            struct stat *out_status, struct zca_error *err)
{
    zca_auto(zca_buffer) struct zca_buffer der = {0};
    return zca_file_load(path, max_file, &der, out_status, err) &&
           (parse(zca_buffer_span(&der), out_token) ||
            zca_error_set(err, ZCA_ERR_SEALED, "'%s' is no token, or damaged", path));
}

static bool set_bytes(ASN1_STRING *string, const uint8_t *bytes, size_t len)
{
    return ASN1_STRING_set(string, bytes, (int)len) == 1;
}

static bool lock_to(const struct zca_scratch_lock *lock, struct lock *out_lock)
{
    out_lock->iterations = lock->iterations;
    out_lock->failures = lock->failures;
    return set_bytes(out_lock->salt, lock->salt, lock->is_set ? sizeof(lock->salt) : 0) &&
           set_bytes(out_lock->sealed, lock->box, lock->is_set ? sizeof(lock->box) : 0);
}

bool zca_scratch_token_store(const char *path, const struct zca_scratch_token *token,
                             struct zca_error *err)
{
    zca_auto(record) struct record *record = (struct record *)ASN1_item_new(ASN1_ITEM_rptr(record));
    bool ok = record && set_bytes(record->instance, token->instance, sizeof(token->instance)) &&
              set_bytes(record->label, token->label, sizeof(token->label));
    for (size_t i = 0; ok && i < ZCA_SCRATCH_NUM_PINS; i++) {
        ok = lock_to(&token->locks[i], record->locks[i]);
    }
    if (!ok) {
        return zca_error_set(err, ZCA_ERR_MEMORY, "out of memory");
    }
    record->version = record_version;
    unsigned char *der = NULL;
    int len = ASN1_item_i2d((const ASN1_VALUE *)record, &der, ASN1_ITEM_rptr(record));
    if (len <= 0) {
        return zca_error_set_crypto(err, "encoding a token");
    }
    ok = zca_file_store(path, 0600, zca_span_of(der, (size_t)len), err);
    OPENSSL_free(der);
    return ok;
}

/* ---- derivation ---- */

static void kdf_free(EVP_KDF_CTX *kdf)
{
    EVP_KDF_CTX_free(kdf);
}

ZCA_DEFINE_AUTO(kdf, EVP_KDF_CTX, kdf_free);

/* Appends 32 bytes that EVP_KDF makes. */
static bool derive(OSSL_LIB_CTX *context, const char *name, const OSSL_PARAM params[],
                   struct zca_buffer *out_key, struct zca_error *err)
{
    EVP_KDF *algorithm = EVP_KDF_fetch(context, name, NULL);
    zca_auto(kdf) EVP_KDF_CTX *kdf = algorithm ? EVP_KDF_CTX_new(algorithm) : NULL;
    EVP_KDF_free(algorithm); /* the context has its own reference */
    if (!zca_buffer_resize(out_key, ZCA_SCRATCH_MASTER_LEN, err)) {
        return false;
    }
    return (kdf && EVP_KDF_derive(kdf, out_key->data, out_key->len, params) == 1) ||
           zca_error_set_crypto(err, "deriving a key by %s", name);
}

/* OpenSSL takes what it only reads as not const. */
static OSSL_PARAM octets(const char *name, struct zca_span bytes)
{
    return OSSL_PARAM_construct_octet_string(name, (void *)(uintptr_t)bytes.data, bytes.len);
}

static char sha256[] = "SHA256";

/* HKDF (RFC 5869) of `input` with the host's sealing key as its salt. */
static bool mix(struct zca_library *library, bool create, struct zca_span input,
                const char *purpose, struct zca_buffer *out_key, struct zca_error *err)
{
    zca_auto(zca_buffer) struct zca_buffer sealing_key = ZCA_SECRET_BUFFER;
    OSSL_LIB_CTX *context = zca_library_context(library, err);
    if (!context || !zca_sealing_key_load(library, ZCA_KEYSTORE_FILE, create, &sealing_key, err)) {
        return false;
    }
    const OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, sha256, 0),
        octets(OSSL_KDF_PARAM_KEY, input),
        octets(OSSL_KDF_PARAM_SALT, zca_buffer_span(&sealing_key)),
        octets(OSSL_KDF_PARAM_INFO, zca_span_text(purpose)),
        OSSL_PARAM_construct_end(),
    };
    return derive(context, "HKDF", params, out_key, err);
}

static bool key_of_pin(struct zca_library *library, const struct zca_scratch_lock *lock,
                       struct zca_span pin, struct zca_buffer *out_key, struct zca_error *err)
{
    OSSL_LIB_CTX *context = zca_library_context(library, err);
    uint64_t count = (uint64_t)lock->iterations;
    if (!context) {
        return false;
    }
    const OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, sha256, 0),
        octets(OSSL_KDF_PARAM_PASSWORD, pin),
        octets(OSSL_KDF_PARAM_SALT, zca_span_of(lock->salt, sizeof(lock->salt))),
        OSSL_PARAM_construct_uint64(OSSL_KDF_PARAM_ITER, &count),
        OSSL_PARAM_construct_end(),
    };
    return derive(context, "PBKDF2", params, out_key, err);
}

/* ---- PINs ---- */

static struct zca_gcm gcm_of(const struct zca_scratch_token *token, enum zca_scratch_pin which,
                             const struct zca_buffer *key)
{
    return (struct zca_gcm){
        .key = zca_buffer_span(key),
        .nonce = zca_span_of(token->locks[which].box, nonce_len),
        .additional = zca_span_of(token->instance, sizeof(token->instance)),
    };
}

/* Fills salt and nonce. */
static bool refresh_lock(struct zca_library *library, struct zca_scratch_lock *lock,
                         struct zca_error *err)
{
    zca_auto(zca_buffer) struct zca_buffer fresh = {0};
    OSSL_LIB_CTX *context = zca_library_context(library, err);
    if (!context || !zca_random(context, sizeof(lock->salt) + nonce_len, &fresh, err)) {
        return false;
    }
    *lock = (struct zca_scratch_lock){.is_set = true, .iterations = iterations};
    memcpy(lock->salt, fresh.data, sizeof(lock->salt));
    memcpy(lock->box, fresh.data + sizeof(lock->salt), nonce_len);
    return true;
}

bool zca_scratch_pin_set(struct zca_library *library, struct zca_scratch_token *token,
                         enum zca_scratch_pin which, struct zca_span pin, struct zca_span master,
                         struct zca_error *err)
{
    zca_auto(zca_buffer) struct zca_buffer stretched = ZCA_SECRET_BUFFER;
    zca_auto(zca_buffer) struct zca_buffer key = ZCA_SECRET_BUFFER;
    struct zca_scratch_lock *lock = &token->locks[which];
    if (!refresh_lock(library, lock, err) || !key_of_pin(library, lock, pin, &stretched, err) ||
        !mix(library, true, zca_buffer_span(&stretched), purposes[which], &key, err)) {
        return false;
    }
    struct zca_gcm gcm = gcm_of(token, which, &key);
    return zca_gcm_seal(library, &gcm, master, lock->box + nonce_len) ||
           zca_error_set_crypto(err, "sealing a token's key");
}

bool zca_scratch_pin_open(struct zca_library *library, const struct zca_scratch_token *token,
                          enum zca_scratch_pin which, struct zca_span pin,
                          struct zca_buffer *out_master, struct zca_error *err)
{
    zca_auto(zca_buffer) struct zca_buffer stretched = ZCA_SECRET_BUFFER;
    zca_auto(zca_buffer) struct zca_buffer key = ZCA_SECRET_BUFFER;
    const struct zca_scratch_lock *lock = &token->locks[which];
    if (!lock->is_set) {
        return zca_error_set(err, ZCA_ERR_AUTH, "no such PIN is set");
    }
    if (!key_of_pin(library, lock, pin, &stretched, err) ||
        !mix(library, false, zca_buffer_span(&stretched), purposes[which], &key, err) ||
        !zca_buffer_resize(out_master, ZCA_SCRATCH_MASTER_LEN, err)) {
        return false;
    }
    struct zca_gcm gcm = gcm_of(token, which, &key);
    struct zca_span sealed = zca_span_of(lock->box + nonce_len, sizeof(lock->box) - nonce_len);
    return zca_gcm_open(library, &gcm, sealed, out_master->data) ||
           zca_error_set(err, ZCA_ERR_AUTH, "the PIN is wrong");
}

bool zca_scratch_open_key(struct zca_library *library, const struct zca_scratch_token *token,
                          struct zca_buffer *out_key, struct zca_error *err)
{
    return mix(library, false, zca_span_of(token->instance, sizeof(token->instance)), open_purpose,
               out_key, err);
}
