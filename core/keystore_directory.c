/* SPDX-License-Identifier: Apache-2.0 */
/* Keys as sealed records, one file each. Loading a key that is in use costs one stat. */
#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "core/keyring.h"
#include "core/keystore_backend.h"
#include "core/publics.h"

static const size_t max_record = 16 * 1024;
static const char suffix[] = ".key";
static const char previous_suffix[] = ".key.previous";

static enum zca_place place_of(const struct zca_keystore_slot *slot)
{
    return slot->kind == ZCA_KEYSTORE_RUNTIME ? ZCA_PLACE_RUNTIME : ZCA_PLACE_KEYS;
}

static char *path_of(const struct zca_keystore_slot *slot, const char *ending,
                     struct zca_error *err)
{
    return zca_library_path(slot->library, place_of(slot), slot->authority, slot->name, ending,
                            err);
}

/* Whoever else may read a key or put one in its place is somebody to complain about. */
static bool check_mode(const char *what, const char *path, const struct stat *status,
                       struct zca_error *err)
{
    return (status->st_mode & 077) == 0 ||
           zca_error_set(err, ZCA_ERR_SYSTEM, "%s '%s' is open to others (mode %04o): chmod %o it",
                         what, path, (unsigned)status->st_mode & 07777,
                         S_ISDIR(status->st_mode) ? 0700U : 0600U);
}

static bool check_directory(const struct zca_keystore_slot *slot, struct zca_error *err)
{
    struct stat status;
    zca_auto(text) char *path =
        zca_library_directory(slot->library, place_of(slot), slot->authority, err);
    if (!path) {
        return false;
    }
    if (stat(path, &status) != 0) {
        return zca_error_set_errno(err, "key directory '%s'", path);
    }
    return check_mode("key directory", path, &status, err);
}

static struct zca_key *open_file(const struct zca_keystore_slot *slot, const char *path,
                                 struct stat *out_status, struct zca_error *err)
{
    zca_auto(zca_buffer) struct zca_buffer record = {0};
    zca_auto(zca_buffer) struct zca_buffer sealing_key = ZCA_SECRET_BUFFER;
    if (!zca_file_load(path, max_record, &record, out_status, err) ||
        !check_mode("key", path, out_status, err) || !check_directory(slot, err) ||
        !zca_sealing_key_load(slot->library, slot->kind, false, &sealing_key, err)) {
        return NULL;
    }
    struct zca_key *key = zca_key_unseal(slot->library, slot->label, zca_buffer_span(&sealing_key),
                                         zca_buffer_span(&record), err);
    if (!key) {
        (void)zca_error_context(err, "key '%s'", path); /* NULL tells */
    }
    return key;
}

static struct zca_key *read_file(const struct zca_keystore_slot *slot, const char *path,
                                 struct zca_error *err)
{
    struct stat status;
    zca_auto(zca_key) struct zca_key *key = open_file(slot, path, &status, err);
    if (key) {
        zca_keyring_put(slot->library, slot->label, &status, key);
    }
    return zca_steal(key);
}

static bool find_status(const struct zca_keystore_slot *slot, const char *path,
                        struct stat *out_status, struct zca_error *err)
{
    if (stat(path, out_status) == 0) {
        return true;
    }
    return errno == ENOENT
               ? zca_error_set(err, ZCA_ERR_NOT_FOUND,
                               "'%s' has no key: there is no '%s'; 'zca cert' makes one",
                               slot->label, path)
               : zca_error_set_errno(err, "key '%s'", path);
}

static char *directory_path(const struct zca_keystore_slot *slot, struct zca_error *err)
{
    return path_of(slot, suffix, err);
}

/* A key's file, and the key when it is in use. */
struct found {
    char *path;
    struct stat status;
    struct zca_key *key;
};

static void found_clear(struct found *found)
{
    free(found->path);
    zca_key_free(found->key);
}

ZCA_DEFINE_AUTO_CLEAR(found, struct found, found_clear);

static bool find_file(const struct zca_keystore_slot *slot, struct found *out_found,
                      struct zca_error *err)
{
    out_found->path = path_of(slot, suffix, err);
    if (!out_found->path || !find_status(slot, out_found->path, &out_found->status, err)) {
        return false;
    }
    out_found->key = zca_keyring_find(slot->library, slot->label, &out_found->status);
    return true;
}

static struct zca_key *directory_load(const struct zca_keystore_slot *slot, struct zca_error *err)
{
    zca_auto(found) struct found found = {.path = NULL};
    if (!find_file(slot, &found, err)) {
        return NULL;
    }
    return found.key ? zca_steal(found.key) : read_file(slot, found.path, err);
}

/* Read each time: it is asked for between a renewal and the files that follow it. */
static struct zca_key *directory_previous(const struct zca_keystore_slot *slot,
                                          struct zca_error *err)
{
    struct stat status;
    zca_auto(text) char *path = path_of(slot, previous_suffix, err);
    return path ? open_file(slot, path, &status, err) : NULL;
}

static bool read_public(const struct zca_keystore_slot *slot, const char *path,
                        struct zca_buffer *out_public, struct zca_error *err)
{
    struct stat status;
    zca_auto(zca_buffer) struct zca_buffer record = {0};
    zca_auto(zca_buffer) struct zca_buffer public_key = {0};
    if (!zca_file_load(path, max_record, &record, &status, err)) {
        return false;
    }
    if (!zca_key_record_public(zca_buffer_span(&record), &public_key, err)) {
        return zca_error_context(err, "key '%s'", path);
    }
    zca_publics_keep(slot->library, &status, zca_buffer_span(&public_key));
    return zca_buffer_append(out_public, zca_buffer_span(&public_key), err);
}

static bool directory_show(const struct zca_keystore_slot *slot, struct zca_buffer *out_public,
                           struct zca_error *err)
{
    zca_auto(found) struct found found = {.path = NULL};
    if (!find_file(slot, &found, err)) {
        return false;
    }
    if (found.key) {
        return zca_buffer_append(out_public, zca_key_get_public(found.key), err);
    }
    return zca_publics_find(slot->library, &found.status, out_public) ||
           read_public(slot, found.path, out_public, err);
}

static bool directory_record(const struct zca_keystore_slot *slot, struct zca_buffer *out_record,
                             struct zca_error *err)
{
    zca_auto(zca_buffer) struct zca_buffer record = {0};
    zca_auto(text) char *path = path_of(slot, suffix, err);
    return path && zca_file_load(path, max_record, &record, NULL, err) &&
           zca_buffer_append(out_record, zca_buffer_span(&record), err);
}

static bool directory_store(const struct zca_keystore_slot *slot, struct zca_key *key,
                            bool only_new, struct zca_error *err)
{
    zca_auto(zca_buffer) struct zca_buffer record = {0};
    zca_auto(zca_buffer) struct zca_buffer sealing_key = ZCA_SECRET_BUFFER;
    zca_auto(text) char *path = path_of(slot, suffix, err);
    if (!path || !zca_library_prepare(slot->library, place_of(slot), slot->authority, err) ||
        !check_directory(slot, err) ||
        !zca_sealing_key_load(slot->library, slot->kind, true, &sealing_key, err) ||
        !zca_key_seal(key, slot->label, zca_buffer_span(&sealing_key), &record, err)) {
        return false;
    }
    if (only_new) {
        return zca_file_store_new(path, 0600, zca_buffer_span(&record), err);
    }
    return zca_file_keep_previous(path, err) &&
           zca_file_store(path, 0600, zca_buffer_span(&record), err);
}

/* Visits "NAME" for a file "NAME.key". */
static bool visit_file(const char *file, const struct zca_keystore_visit *visit)
{
    size_t len = strlen(file);
    size_t suffix_len = sizeof(suffix) - 1;
    if (len <= suffix_len || strcmp(file + len - suffix_len, suffix) != 0) {
        return true;
    }
    zca_auto(text) char *name = strndup(file, len - suffix_len);
    return !name || !zca_name_valid(name) || visit->visit(visit->argument, name);
}

static bool directory_names(const struct zca_keystore_slot *slot,
                            const struct zca_keystore_visit *visit, struct zca_error *err)
{
    zca_auto(text) char *path =
        zca_library_directory(slot->library, place_of(slot), slot->authority, err);
    if (!path) {
        return false;
    }
    DIR *directory = opendir(path);
    if (!directory) {
        return errno == ENOENT || zca_error_set_errno(err, "reading '%s'", path);
    }
    bool go_on = true;
    for (struct dirent *entry = readdir(directory); entry && go_on; entry = readdir(directory)) {
        go_on = visit_file(entry->d_name, visit);
    }
    (void)closedir(directory); /* read only */
    return true;
}

const struct zca_keystore_backend zca_keystore_directory = {
    .load = directory_load,
    .previous = directory_previous,
    .show = directory_show,
    .path = directory_path,
    .record = directory_record,
    .store = directory_store,
    .names = directory_names,
};
