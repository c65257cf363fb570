/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sealed form: one byte version, 12 bytes nonce, ciphertext, 16 bytes tag. The ledger keeps the salt
 * of a passphrase and one sealed word, which tells a wrong key at once.
 */
#include "server/seal.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "base/file.h"
#include "base/openssl_auto.h"
#include "server/ledger_authority.h"

#define KEY_LEN 32u
#define NONCE_LEN 12u
#define TAG_LEN 16u
#define SALT_LEN 16u
#define VERSION 1u
#define HEADER_LEN (1u + NONCE_LEN)

/* 64 MiB and about a fifth of a second, once a start. */
#define SCRYPT_N 65536u
#define SCRYPT_R 8u
#define SCRYPT_P 1u
#define SCRYPT_MAX_MEMORY (128u * 1024u * 1024u)

#define MAX_KEY_FILE 4096u
#define CREDENTIAL "zca-sealing-key"
#define CHECK_NAME "sealing-check"
#define SALT_NAME "sealing-salt"

struct zca_seal {
    struct zca_buffer key;
};

void zca_seal_free(struct zca_seal *seal)
{
    if (seal) {
        zca_buffer_clear(&seal->key);
        free(seal);
    }
}

/* ---- sealing ---- */

bool zca_seal_close_secret(const struct zca_seal *seal, const char *purpose, struct zca_span secret,
                           struct zca_buffer *out_sealed, struct zca_error *err)
{
    static const uint8_t version = VERSION;
    zca_auto(zca_buffer) struct zca_buffer sealed = {0};
    if (!zca_buffer_append(&sealed, zca_span_of(&version, 1), err) ||
        !zca_random(NULL, NONCE_LEN, &sealed, err) ||
        !zca_buffer_resize(&sealed, HEADER_LEN + secret.len + TAG_LEN, err)) {
        return false;
    }
    zca_auto(EVP_CIPHER_CTX) EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    uint8_t *text = sealed.data + HEADER_LEN;
    int len = 0;
    bool ok =
        ctx &&
        EVP_EncryptInit_ex2(ctx, EVP_aes_256_gcm(), seal->key.data, sealed.data + 1, NULL) == 1 &&
        EVP_EncryptUpdate(ctx, NULL, &len, (const uint8_t *)purpose, (int)strlen(purpose)) == 1 &&
        EVP_EncryptUpdate(ctx, text, &len, secret.data, (int)secret.len) == 1 &&
        EVP_EncryptFinal_ex(ctx, text + secret.len, &len) == 1 &&
        EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, TAG_LEN, text + secret.len) == 1;
    if (!ok) {
        return zca_error_set_crypto(err, "sealing '%s'", purpose);
    }
    return zca_buffer_append(out_sealed, zca_buffer_span(&sealed), err);
}

static bool decrypt(const struct zca_seal *seal, const char *purpose, struct zca_span sealed,
                    struct zca_buffer *plain)
{
    zca_auto(EVP_CIPHER_CTX) EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    const uint8_t *text = sealed.data + HEADER_LEN;
    size_t text_len = plain->len;
    int len = 0;
    return ctx &&
           EVP_DecryptInit_ex2(ctx, EVP_aes_256_gcm(), seal->key.data, sealed.data + 1, NULL) ==
               1 &&
           EVP_DecryptUpdate(ctx, NULL, &len, (const uint8_t *)purpose, (int)strlen(purpose)) ==
               1 &&
           EVP_DecryptUpdate(ctx, plain->data, &len, text, (int)text_len) == 1 &&
           EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, TAG_LEN,
                               (void *)(uintptr_t)(text + text_len)) == 1 &&
           EVP_DecryptFinal_ex(ctx, plain->data + text_len, &len) == 1;
}

bool zca_seal_open_secret(const struct zca_seal *seal, const char *purpose, struct zca_span sealed,
                          struct zca_buffer *out_secret, struct zca_error *err)
{
    if (sealed.len < HEADER_LEN + TAG_LEN || sealed.data[0] != VERSION) {
        return zca_error_set(err, ZCA_ERR_SEALED, "the sealed '%s' is cut or of another version",
                             purpose);
    }
    zca_auto(zca_buffer) struct zca_buffer plain = ZCA_SECRET_BUFFER;
    if (!zca_buffer_resize(&plain, sealed.len - HEADER_LEN - TAG_LEN, err)) {
        return false;
    }
    if (!decrypt(seal, purpose, sealed, &plain)) {
        return zca_error_set(err, ZCA_ERR_SEALED,
                             "the sealed '%s' does not open: another sealing key, or damaged",
                             purpose);
    }
    return zca_buffer_append(out_secret, zca_buffer_span(&plain), err);
}

/* ---- sources of the key ---- */

static struct zca_span trim_line(struct zca_span text)
{
    const uint8_t *end = text.len ? memchr(text.data, '\n', text.len) : NULL;
    size_t len = end ? (size_t)(end - text.data) : text.len;
    if (len > 0 && text.data[len - 1] == '\r') {
        len--;
    }
    return zca_span_of(text.data, len);
}

static bool read_key(const char *path, struct zca_buffer *out_key, struct zca_error *err)
{
    zca_auto(zca_buffer) struct zca_buffer bytes = ZCA_SECRET_BUFFER;
    if (!zca_file_load(path, MAX_KEY_FILE, &bytes, NULL, err)) {
        return zca_error_context(err, "reading the sealing key");
    }
    if (bytes.len == KEY_LEN) {
        return zca_buffer_append(out_key, zca_buffer_span(&bytes), err);
    }
    struct zca_span line = trim_line(zca_buffer_span(&bytes));
    if (line.len != 2 * (size_t)KEY_LEN || !zca_hex_decode(line, out_key, NULL)) {
        return zca_error_set(err, ZCA_ERR_SEALED,
                             "'%s' is not a sealing key: it must hold 32 bytes or 64 hexadecimal "
                             "digits",
                             path);
    }
    return true;
}

/* The salt is public; a second process that makes one at the same time takes the first's. */
static bool get_salt(struct zca_ledger *ledger, struct zca_secret *out_salt, struct zca_error *err)
{
    zca_auto(zca_secret) struct zca_secret fresh = {.name = strdup(SALT_NAME)};
    bool found = false;
    if (!fresh.name) {
        return zca_error_set(err, ZCA_ERR_MEMORY, "making a salt");
    }
    if (!zca_random(NULL, SALT_LEN, &fresh.sealed, err) ||
        !zca_ledger_secret_insert(ledger, &fresh, err) ||
        !zca_ledger_secret_find(ledger, SALT_NAME, out_salt, &found, err)) {
        return false;
    }
    return found && out_salt->sealed.len == SALT_LEN
               ? true
               : zca_error_set(err, ZCA_ERR_SEALED, "the ledger has lost its salt");
}

static bool derive_key(struct zca_ledger *ledger, const char *path, struct zca_buffer *out_key,
                       struct zca_error *err)
{
    zca_auto(zca_buffer) struct zca_buffer bytes = ZCA_SECRET_BUFFER;
    if (!zca_file_load(path, MAX_KEY_FILE, &bytes, NULL, err)) {
        return zca_error_context(err, "reading the sealing passphrase");
    }
    struct zca_span passphrase = trim_line(zca_buffer_span(&bytes));
    if (passphrase.len == 0) {
        return zca_error_set(err, ZCA_ERR_SEALED, "'%s' holds no passphrase", path);
    }
    zca_auto(zca_secret) struct zca_secret salt = {0};
    if (!get_salt(ledger, &salt, err) || !zca_buffer_resize(out_key, KEY_LEN, err)) {
        return false;
    }
    if (EVP_PBE_scrypt((const char *)passphrase.data, passphrase.len, salt.sealed.data,
                       salt.sealed.len, SCRYPT_N, SCRYPT_R, SCRYPT_P, SCRYPT_MAX_MEMORY,
                       out_key->data, KEY_LEN) != 1) {
        return zca_error_set_crypto(err, "deriving the sealing key");
    }
    return true;
}

/* The default: a file beside the ledger. A ledger that was sealed before never gets a new key. */
static bool make_key(const char *directory, bool fresh, struct zca_buffer *out_key,
                     struct zca_error *err)
{
    char *path = zca_path_join(directory, "sealing-key", "", err);
    struct zca_error reason = {0};
    bool ok = path && read_key(path, out_key, &reason);
    if (path && !ok && reason.reason == ZCA_ERR_NOT_FOUND && fresh) {
        zca_auto(zca_buffer) struct zca_buffer key = ZCA_SECRET_BUFFER;
        /* Whoever comes second in a race reads what the first wrote. */
        ok = zca_random(NULL, KEY_LEN, &key, &reason) &&
             (zca_file_store_new(path, 0600, zca_buffer_span(&key), &reason) ||
              reason.reason == ZCA_ERR_CONFLICT) &&
             read_key(path, out_key, &reason);
    } else if (path && !ok && reason.reason == ZCA_ERR_NOT_FOUND) {
        zca_error_set(&reason, ZCA_ERR_SEALED, "the sealing key '%s' is gone: restore it", path);
    }
    if (path && !ok && err) {
        *err = reason;
    }
    free(path);
    return ok;
}

static bool get_key(struct zca_ledger *ledger, const struct zca_state_options *options, bool fresh,
                    struct zca_buffer *out_key, struct zca_error *err)
{
    const char *directory = secure_getenv("CREDENTIALS_DIRECTORY");
    if (options->passphrase_file) {
        return derive_key(ledger, options->passphrase_file, out_key, err);
    }
    if (options->key_file) {
        return read_key(options->key_file, out_key, err);
    }
    if (directory) {
        char *path = zca_path_join(directory, CREDENTIAL, "", err);
        struct zca_error reason = {0};
        bool ok = path && read_key(path, out_key, &reason);
        free(path);
        if (ok || reason.reason != ZCA_ERR_NOT_FOUND) {
            if (!ok && err) {
                *err = reason;
            }
            return ok;
        }
    }
    return make_key(options->directory, fresh, out_key, err);
}

/* ---- opening ---- */

static bool check_key(struct zca_ledger *ledger, const struct zca_seal *seal, struct zca_error *err)
{
    zca_auto(zca_secret) struct zca_secret fresh = {.name = strdup(CHECK_NAME)};
    if (!fresh.name) {
        return zca_error_set(err, ZCA_ERR_MEMORY, "checking the sealing key");
    }
    if (!zca_seal_close_secret(seal, CHECK_NAME, zca_span_text("zca"), &fresh.sealed, err) ||
        !zca_ledger_secret_insert(ledger, &fresh, err)) {
        return false;
    }
    zca_auto(zca_secret) struct zca_secret kept = {0};
    zca_auto(zca_buffer) struct zca_buffer word = ZCA_SECRET_BUFFER;
    bool found = false;
    if (!zca_ledger_secret_find(ledger, CHECK_NAME, &kept, &found, err)) {
        return false;
    }
    if (!found ||
        !zca_seal_open_secret(seal, CHECK_NAME, zca_buffer_span(&kept.sealed), &word, NULL)) {
        return zca_error_set(err, ZCA_ERR_SEALED,
                             "the sealing key or passphrase is not the one of this ledger");
    }
    return true;
}

struct zca_seal *zca_seal_open(struct zca_ledger *ledger, const struct zca_state_options *options,
                               struct zca_error *err)
{
    zca_auto(zca_seal) struct zca_seal *seal = calloc(1, sizeof(*seal));
    if (!seal) {
        zca_error_set(err, ZCA_ERR_MEMORY, "opening the seal");
        return NULL;
    }
    seal->key.secret = true;
    zca_auto(zca_secret) struct zca_secret kept = {0};
    bool sealed_before = false;
    if (!zca_ledger_secret_find(ledger, CHECK_NAME, &kept, &sealed_before, err) ||
        !get_key(ledger, options, !sealed_before, &seal->key, err) ||
        !check_key(ledger, seal, err)) {
        return NULL;
    }
    return zca_steal(seal);
}
