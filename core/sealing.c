/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sealing key: 32 bytes from a file, from a systemd credential, or made beside the keys on
 * first need. It guards keys against copies and backups of the key directory, not against root.
 */
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "core/keystore.h"

static const size_t key_len = 32;

static const char *option_text(struct zca_library *library, enum zca_library_option option,
                               struct zca_error *err)
{
    const struct zca_config *config = zca_library_config(library, err);
    return config ? zca_config_get_text(config, "zca", NULL, &zca_library_options[option]) : NULL;
}

/* The path of the file and whether it is ours to make. */
static char *find_path(struct zca_library *library, enum zca_keystore_kind kind, bool *out_ours,
                       struct zca_error *err)
{
    const char *configured = option_text(library, ZCA_LIBRARY_SEALING_KEY, err);
    const char *credentials = secure_getenv("CREDENTIALS_DIRECTORY");
    *out_ours = false;
    if (configured) {
        char *path = strdup(configured);
        if (!path) {
            (void)zca_error_set(err, ZCA_ERR_MEMORY, "out of memory");
        }
        return path;
    }
    if (credentials) {
        zca_auto(text) char *path = zca_path_join(credentials, "zca-sealing-key", "", err);
        struct stat status;
        if (!path || stat(path, &status) == 0) {
            return zca_steal(path);
        }
    }
    *out_ours = true;
    return zca_library_sealing_path(library, kind == ZCA_KEYSTORE_RUNTIME, err);
}

static bool make_file(const char *path, struct zca_buffer *out_key, struct zca_error *err)
{
    struct zca_error race = {0};
    zca_auto(zca_buffer) struct zca_buffer fresh = ZCA_SECRET_BUFFER;
    if (!zca_random(NULL, key_len, &fresh, err)) {
        return false;
    }
    if (!zca_file_store_new(path, 0600, zca_buffer_span(&fresh), &race) &&
        race.reason != ZCA_ERR_CONFLICT) {
        if (err) {
            *err = race;
        }
        return zca_error_context(err, "making a sealing key");
    }
    return zca_file_load(path, key_len, out_key, NULL, err); /* ours, or that of who was first */
}

static bool check_mode(const char *path, const struct stat *status, struct zca_error *err)
{
    return (status->st_mode & 077) == 0 ||
           zca_error_set(err, ZCA_ERR_SEALED,
                         "sealing key '%s' is open to others (mode %04o): chmod 600 it", path,
                         (unsigned)status->st_mode & 07777);
}

bool zca_sealing_key_load(struct zca_library *library, enum zca_keystore_kind kind, bool create,
                          struct zca_buffer *out_key, struct zca_error *err)
{
    bool is_ours = false;
    struct stat status = {0};
    struct zca_error load_error = {0};
    zca_auto(text) char *path = find_path(library, kind, &is_ours, err);
    if (!path) {
        return false;
    }
    out_key->secret = true;
    bool ok = zca_file_load(path, key_len, out_key, &status, &load_error);
    if (!ok && load_error.reason == ZCA_ERR_NOT_FOUND && is_ours && create) {
        return make_file(path, out_key, err);
    }
    if (!ok) {
        return zca_error_set(err, ZCA_ERR_SEALED, "sealing key: %s", load_error.message);
    }
    if (out_key->len != key_len) {
        return zca_error_set(err, ZCA_ERR_SEALED, "sealing key '%s' has %zu bytes instead of %zu",
                             path, out_key->len, key_len);
    }
    return check_mode(path, &status, err);
}
