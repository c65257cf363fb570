/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files for tools that take no URI. Everything is prepared, under the identity's lock so that key
 * and certificate belong together, before the first file changes. A bundle is replaced in one
 * step; separate files cannot be, so between two renames a reader may see them differ.
 */
#include "core/deploy.h"

#include <stddef.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/pem.h>

#include "base/file.h"
#include "base/openssl_auto.h"
#include "base/pem.h"
#include "core/certificate.h"
#include "core/enrol.h"
#include "core/flight.h"
#include "core/keystore.h"
#include "core/reference.h"

static const size_t max_file = 1024 * 1024;

/* The files, in the order in which they are written. */
static const struct output_kind {
    size_t path; /* in struct zca_deploy */
    mode_t mode;
    bool has_key;
    bool has_chain;
} kinds[] = {
    {offsetof(struct zca_deploy, bundle_file),      0600, true,  true },
    {offsetof(struct zca_deploy, key_file),         0600, true,  false},
    {offsetof(struct zca_deploy, certificate_file), 0644, false, true },
};

static const char *path_of(const struct zca_deploy *deploy, const struct output_kind *kind)
{
    const char *path = NULL;
    memcpy(&path, (const char *)deploy + kind->path, sizeof(path));
    return path && *path != '\0' ? path : NULL;
}

/* ---- the blocks ---- */

struct blocks {
    struct zca_buffer key;   /* PEM, secret */
    struct zca_buffer chain; /* PEM */
};

static void blocks_clear(struct blocks *blocks)
{
    zca_buffer_clear(&blocks->key);
    zca_buffer_clear(&blocks->chain);
}

ZCA_DEFINE_AUTO_CLEAR(blocks, struct blocks, blocks_clear);

/* The record as it is stored: sealed anew, the file would differ each time. */
static bool load_record(struct zca_identity *identity, struct zca_buffer *out_record,
                        struct zca_error *err)
{
    return zca_keystore_record(zca_identity_get_library(identity),
                               zca_identity_get_keystore(identity),
                               zca_authority_get_name(zca_identity_get_authority(identity)),
                               zca_identity_get_name(identity), out_record, err);
}

static bool format_reference(struct zca_identity *identity, struct zca_key *key, bool sealed,
                             struct zca_buffer *out_pem, struct zca_error *err)
{
    zca_auto(zca_reference) struct zca_reference reference = {
        .uri = strdup(zca_identity_get_uri(identity)),
    };
    zca_auto(zca_buffer) struct zca_buffer der = {.len = 0};
    if (!reference.uri) {
        return zca_error_set(err, ZCA_ERR_MEMORY, "making a key reference");
    }
    return zca_buffer_append(&reference.public_key, zca_key_get_public(key), err) &&
           (!sealed || load_record(identity, &reference.sealed, err)) &&
           zca_reference_format(&reference, &der, err) &&
           zca_pem_format(ZCA_REFERENCE_LABEL, zca_buffer_span(&der), out_pem, err);
}

static bool format_plain(struct zca_key *key, struct zca_buffer *out_pem, struct zca_error *err)
{
    zca_auto(zca_buffer) struct zca_buffer der = ZCA_SECRET_BUFFER;
    return zca_key_export_plain(key, &der, err) &&
           zca_pem_format("PRIVATE KEY", zca_buffer_span(&der), out_pem, err);
}

static bool format_key(struct zca_identity *identity, const struct zca_deploy *deploy,
                       const struct zca_chain *chain, struct zca_buffer *out_pem,
                       struct zca_error *err)
{
    zca_auto(zca_key) struct zca_key *key = zca_identity_key(identity, err);
    if (!key) {
        return false;
    }
    if (chain && !zca_chain_matches(chain, key)) {
        return zca_error_set(err, ZCA_ERR_CONFLICT,
                             "the certificate of '%s' is for another key: run 'zca renew %s'",
                             zca_identity_get_uri(identity), zca_identity_get_uri(identity));
    }
    return deploy->plain_key ? format_plain(key, out_pem, err)
                             : format_reference(identity, key, deploy->sealed, out_pem, err);
}

static bool format_chain(const struct zca_chain *chain, struct zca_buffer *out_pem,
                         struct zca_error *err)
{
    for (size_t i = 0; i < zca_chain_get_length(chain); i++) {
        if (!zca_pem_format("CERTIFICATE", zca_chain_get_der(chain, i), out_pem, err)) {
            return false;
        }
    }
    return true;
}

static bool wants(const struct zca_deploy *deploy, bool key)
{
    for (size_t i = 0; i < ZCA_COUNT(kinds); i++) {
        if (path_of(deploy, &kinds[i]) && (key ? kinds[i].has_key : kinds[i].has_chain)) {
            return true;
        }
    }
    return false;
}

static bool prepare(struct zca_identity *identity, const struct zca_deploy *deploy,
                    struct blocks *blocks, struct zca_error *err)
{
    const char *authority = zca_authority_get_name(zca_identity_get_authority(identity));
    zca_auto(zca_chain) struct zca_chain *chain = NULL;
    if (wants(deploy, false)) {
        chain = zca_certificate_load_chain(zca_identity_get_library(identity), authority,
                                           zca_identity_get_name(identity), err);
        if (!chain || !format_chain(chain, &blocks->chain, err)) {
            return false;
        }
    }
    return !wants(deploy, true) || format_key(identity, deploy, chain, &blocks->key, err);
}

/* ---- the files ---- */

static bool join_blocks(const struct output_kind *kind, const struct blocks *blocks,
                        struct zca_buffer *out_bytes, struct zca_error *err)
{
    return (!kind->has_key || zca_buffer_append(out_bytes, zca_buffer_span(&blocks->key), err)) &&
           (!kind->has_chain || zca_buffer_append(out_bytes, zca_buffer_span(&blocks->chain), err));
}

static bool is_up_to_date(const char *path, mode_t mode, struct zca_span bytes)
{
    struct stat status;
    zca_auto(zca_buffer) struct zca_buffer found = ZCA_SECRET_BUFFER;
    return zca_file_load(path, max_file, &found, &status, NULL) &&
           (status.st_mode & 0777) == mode && zca_span_equal(zca_buffer_span(&found), bytes);
}

/* ---- what is replaced ---- */

struct block {
    char *label;
    char *header;
    unsigned char *data;
    long len;
};

static void block_clear(struct block *block)
{
    OPENSSL_secure_free(block->label);
    OPENSSL_secure_free(block->header);
    OPENSSL_secure_clear_free(block->data, (size_t)block->len);
}

ZCA_DEFINE_AUTO_CLEAR(block, struct block, block_clear);

static bool is_key(const struct block *block)
{
    static const char suffix[] = "PRIVATE KEY";
    size_t len = strlen(block->label);
    return len >= sizeof(suffix) - 1 &&
           strcmp(block->label + len - (sizeof(suffix) - 1), suffix) == 0 &&
           strcmp(block->label, ZCA_REFERENCE_LABEL) != 0;
}

/* Is it a key in the clear that the keystore has, too? */
static bool is_own_key(struct zca_identity *identity, const struct block *block)
{
    bool is_readable = strcmp(block->label, "PRIVATE KEY") == 0;
    zca_auto(zca_key) struct zca_key *key =
        is_readable ? zca_key_import_pkcs8(zca_identity_get_library(identity),
                                           zca_span_of(block->data, (size_t)block->len), NULL)
                    : NULL;
    zca_auto(zca_key) struct zca_key *stored =
        key ? zca_identity_key_of(identity, zca_key_get_public(key), NULL) : NULL;
    return stored;
}

/* Does the file hold keys in the clear, and none that would be lost with it? */
static bool is_plain_copy(struct zca_identity *identity, const char *path)
{
    zca_auto(error_mark) int mark = ERR_set_mark(); /* the end of a file is an entry, too */
    zca_auto(zca_buffer) struct zca_buffer found = ZCA_SECRET_BUFFER;
    bool has_bytes = zca_file_load(path, max_file, &found, NULL, NULL) && found.len > 0;
    zca_auto(BIO) BIO *bio = has_bytes ? BIO_new_mem_buf(found.data, (int)found.len) : NULL;
    bool has_own = false;
    while (bio) {
        zca_auto(block) struct block block = {.label = NULL};
        if (PEM_read_bio_ex(bio, &block.label, &block.header, &block.data, &block.len,
                            PEM_FLAG_SECURE) != 1) {
            break;
        }
        if (is_key(&block) && !is_own_key(identity, &block)) {
            return false;
        }
        has_own = has_own || is_key(&block);
    }
    return has_own;
}

/* A key in the clear that is replaced shall be gone. */
static bool write_file(struct zca_identity *identity, const char *path, mode_t mode,
                       struct zca_span bytes, struct zca_error *err)
{
    return (is_plain_copy(identity, path) || zca_file_keep_previous(path, err)) &&
           zca_file_store(path, mode, bytes, err);
}

/* Writes what differs, or with `dry` only tells that something does. */
static bool write_files(struct zca_identity *identity, const struct zca_deploy *deploy,
                        const struct blocks *blocks, bool dry, bool *out_differs,
                        struct zca_error *err)
{
    for (size_t i = 0; i < ZCA_COUNT(kinds); i++) {
        zca_auto(zca_buffer) struct zca_buffer bytes = ZCA_SECRET_BUFFER;
        const char *path = path_of(deploy, &kinds[i]);
        if (!path) {
            continue;
        }
        if (!join_blocks(&kinds[i], blocks, &bytes, err)) {
            return false;
        }
        bool differs = !is_up_to_date(path, kinds[i].mode, zca_buffer_span(&bytes));
        *out_differs = *out_differs || differs;
        if (differs && !dry &&
            !write_file(identity, path, kinds[i].mode, zca_buffer_span(&bytes), err)) {
            return false;
        }
    }
    return true;
}

/* Directory and name, so that "x" and "./x" are the same; what cannot be resolved is as it is written. */
static char *resolve(const char *path)
{
    const char *slash = strrchr(path, '/');
    zca_auto(text) char *parent = slash ? strndup(path, (size_t)(slash - path) + 1) : strdup(".");
    zca_auto(text) char *real = parent ? realpath(parent, NULL) : NULL;
    return real ? zca_path_join(real, slash ? slash + 1 : path, "", NULL) : strdup(path);
}

/* The second file would replace the first. */
static bool check_paths(const struct zca_deploy *deploy, struct zca_error *err)
{
    for (size_t i = 0; i < ZCA_COUNT(kinds); i++) {
        for (size_t j = 0; j < i; j++) {
            const char *later = path_of(deploy, &kinds[i]);
            const char *earlier = path_of(deploy, &kinds[j]);
            zca_auto(text) char *left = later && earlier ? resolve(later) : NULL;
            zca_auto(text) char *right = left ? resolve(earlier) : NULL;
            if (right && strcmp(left, right) == 0) {
                return zca_error_set(err, ZCA_ERR_INVALID,
                                     "'%s' is named for two purposes: a bundle alone holds key and "
                                     "certificate",
                                     later);
            }
        }
    }
    return true;
}

static bool check_policy(const struct zca_identity *identity, const struct zca_deploy *deploy,
                         struct zca_error *err)
{
    return !deploy->plain_key || zca_identity_get_flag(identity, ZCA_IDENTITY_PLAIN_KEY) ||
           zca_error_set(err, ZCA_ERR_POLICY,
                         "a key in the clear is not allowed (option allow-plain-key); a key "
                         "reference works wherever OpenSSL reads the file");
}

static bool deploy_files(struct zca_identity *identity, const struct zca_deploy *deploy, bool dry,
                         bool *out_differs, struct zca_error *err)
{
    zca_auto(blocks) struct blocks blocks = {.key = ZCA_SECRET_BUFFER};
    bool finished = false;
    *out_differs = false;
    if (!check_paths(deploy, err) || !check_policy(identity, deploy, err) ||
        !zca_enrol_finish(identity, &finished, err)) {
        return false;
    }
    zca_auto(zca_flight) struct zca_flight *flight =
        zca_flight_enter(zca_identity_get_library(identity),
                         zca_authority_get_name(zca_identity_get_authority(identity)),
                         zca_identity_get_name(identity), zca_identity_get_wait_ms(identity), err);
    return flight && prepare(identity, deploy, &blocks, err) &&
           write_files(identity, deploy, &blocks, dry, out_differs, err);
}

/* ---- public ---- */

bool zca_deploy_write(struct zca_identity *identity, const struct zca_deploy *deploy,
                      struct zca_error *err)
{
    bool differs = false;
    return deploy_files(identity, deploy, false, &differs, err) ||
           zca_error_context(err, "writing the files of '%s'", zca_identity_get_uri(identity));
}

bool zca_deploy_differs(struct zca_identity *identity, const struct zca_deploy *deploy,
                        bool *out_differs, struct zca_error *err)
{
    return deploy_files(identity, deploy, true, out_differs, err) ||
           zca_error_context(err, "comparing the files of '%s'", zca_identity_get_uri(identity));
}

bool zca_deploy_settings(const struct zca_identity *identity, struct zca_deploy *out_deploy)
{
    *out_deploy = (struct zca_deploy){
        .certificate_file = zca_identity_get_text(identity, ZCA_IDENTITY_CERTIFICATE_FILE),
        .key_file = zca_identity_get_text(identity, ZCA_IDENTITY_KEY_FILE),
        .bundle_file = zca_identity_get_text(identity, ZCA_IDENTITY_BUNDLE_FILE),
        .sealed = zca_identity_get_flag(identity, ZCA_IDENTITY_SEALED_REFERENCE),
    };
    return wants(out_deploy, true) || wants(out_deploy, false);
}
