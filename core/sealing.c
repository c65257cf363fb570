/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sealing key: 32 bytes from a file, from a systemd credential, or made beside the keys on
 * first need. It guards keys against copies and backups of the key directory, not against root.
 */
#include <glob.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/gate.h"
#include "base/lock.h"
#include "core/keystore.h"

static const size_t key_len = 32;

struct source {
    char *path;
    bool is_ours;    /* to make when it is missing */
    mode_t too_open; /* bits that the file must not have */
};

static void source_clear(struct source *source)
{
    free(source->path);
}

ZCA_DEFINE_AUTO_CLEAR(source, struct source, source_clear);

/* systemd shows a credential to the service by an access list, whose mask looks like group bits. */
static bool find_credential(struct source *out_source)
{
    const char *directory = secure_getenv("CREDENTIALS_DIRECTORY");
    zca_auto(text) char *path =
        directory ? zca_path_join(directory, "zca-sealing-key", "", NULL) : NULL;
    if (!path || access(path, F_OK) != 0) {
        return false;
    }
    *out_source = (struct source){.path = zca_steal(path), .too_open = 07};
    return true;
}

static bool find_source(struct zca_library *library, enum zca_keystore_kind kind,
                        struct source *out_source, struct zca_error *err)
{
    const struct zca_config *config = zca_library_config(library, err);
    if (!config) {
        return false;
    }
    const char *configured =
        zca_config_get_text(config, "zca", NULL, &zca_library_options[ZCA_LIBRARY_SEALING_KEY]);
    out_source->too_open = 077;
    if (configured) {
        out_source->path = strdup(configured);
        return out_source->path || zca_error_set(err, ZCA_ERR_MEMORY, "out of memory");
    }
    if (find_credential(out_source)) {
        return true;
    }
    out_source->is_ours = true;
    out_source->path = zca_library_sealing_path(library, kind == ZCA_KEYSTORE_RUNTIME, false, err);
    return out_source->path;
}

/* What a sealing key seals, beside it. */
static const struct {
    const char *directory, *files;
} sealed[] = {
    {"keys",   "*/*.key"},
    {"tokens", "*/token"},
};

static bool check_none(const char *path, size_t row, struct zca_error *err)
{
    glob_t found = {0};
    char *pattern = NULL;
    const char *directory = sealed[row].directory;
    int len = (int)(strrchr(path, '/') - path);
    if (asprintf(&pattern, "%.*s/%s/%s", len, path, directory, sealed[row].files) < 0) {
        return zca_error_set(err, ZCA_ERR_MEMORY, "out of memory");
    }
    int rc = glob(pattern, GLOB_NOSORT, NULL, &found);
    free(pattern);
    globfree(&found);
    /* whoever stored something in the meantime made the sealing key first */
    return rc == GLOB_NOMATCH || access(path, F_OK) == 0 ||
           zca_error_set(
               err, ZCA_ERR_SEALED,
               "sealing key '%s' is gone, but there are %s that it sealed: restore it, or "
               "remove '%.*s/%s' to begin anew",
               path, directory, len, path, directory);
}

/* Keys beside a sealing key that is gone can only be opened with that one: a new one would hide the loss. */
static bool check_no_keys(const char *path, struct zca_error *err)
{
    bool ok = true;
    for (size_t i = 0; ok && i < ZCA_COUNT(sealed); i++) {
        ok = check_none(path, i, err);
    }
    return ok;
}

/* Somebody else may be first, which is as good. */
static bool make_file(struct zca_library *library, enum zca_keystore_kind kind,
                      struct zca_error *err)
{
    struct zca_error race = {0};
    zca_auto(zca_buffer) struct zca_buffer fresh = ZCA_SECRET_BUFFER;
    OSSL_LIB_CTX *context = zca_library_context(library, err);
    zca_auto(text) char *path =
        zca_library_sealing_path(library, kind == ZCA_KEYSTORE_RUNTIME, true, err);
    if (!context || !path || !check_no_keys(path, err) ||
        !zca_random(context, key_len, &fresh, err)) {
        return false;
    }
    if (!zca_file_store_new(path, 0600, zca_buffer_span(&fresh), &race) &&
        race.reason != ZCA_ERR_CONFLICT) {
        if (err) {
            *err = race;
        }
        return zca_error_context(err, "making a sealing key");
    }
    return true;
}

static bool load_file(const struct source *source, struct zca_buffer *out_key,
                      struct zca_error *err)
{
    struct stat status = {0};
    zca_auto(zca_buffer) struct zca_buffer key = ZCA_SECRET_BUFFER;
    if (!zca_file_load(source->path, key_len, &key, &status, err)) {
        return false;
    }
    if (key.len != key_len) {
        return zca_error_set(err, ZCA_ERR_SEALED, "'%s' has %zu bytes instead of %zu", source->path,
                             key.len, key_len);
    }
    if ((status.st_mode & source->too_open) != 0) {
        return zca_error_set(err, ZCA_ERR_SEALED,
                             "'%s' is open to others (mode %04o): chmod 600 it", source->path,
                             (unsigned)status.st_mode & 07777);
    }
    zca_buffer_move(out_key, &key);
    return true;
}

/* ---- what was read before: servers drop privileges and change their root ---- */

struct memory {
    pthread_mutex_t mutex;
    struct zca_buffer
        *keys[ZCA_KEYSTORE_FILE + 1]; /* NULL: not read yet; replaced, never changed */
};

static void key_free(struct zca_buffer *key)
{
    if (key) {
        zca_buffer_clear(key);
        free(key);
    }
}

static void *memory_new(void)
{
    struct memory *memory = calloc(1, sizeof(*memory));
    if (memory) {
        (void)pthread_mutex_init(&memory->mutex, NULL); /* cannot fail with default attributes */
    }
    return memory;
}

static void memory_free(void *part)
{
    struct memory *memory = part;
    for (size_t i = 0; i < ZCA_COUNT(memory->keys); i++) {
        key_free(memory->keys[i]);
    }
    (void)pthread_mutex_destroy(&memory->mutex); /* nobody holds it any more */
    free(memory);
}

static void memory_forked(void *part)
{
    struct memory *memory = part;
    (void)pthread_mutex_init(&memory->mutex, NULL); /* cannot fail with default attributes */
}

static const struct zca_part_functions memory_functions = {memory_new, memory_free, memory_forked};

/* Off by default: who holds the sealing key can open every key of this host. */
static bool is_kept(struct zca_library *library)
{
    const struct zca_config *config = zca_library_config(library, NULL);
    return config && zca_config_get_boolean(config, "zca", NULL,
                                            &zca_library_options[ZCA_LIBRARY_KEEP_SEALING]);
}

/* Without memory for it the key is read again next time, or not: nothing worse than before. */
static void remember(struct zca_library *library, enum zca_keystore_kind kind,
                     const struct zca_buffer *key)
{
    struct memory *memory = zca_library_part(library, ZCA_PART_SEALING, &memory_functions, NULL);
    struct zca_buffer *copy = memory ? calloc(1, sizeof(*copy)) : NULL;
    if (!copy) {
        return;
    }
    copy->secret = true;
    if (!zca_buffer_append(copy, zca_buffer_span(key), NULL)) {
        free(copy);
        return;
    }
    zca_auto(lock) pthread_mutex_t *held = zca_lock(&memory->mutex);
    struct zca_buffer *known = memory->keys[kind];
    bool same = known && zca_span_equal(zca_buffer_span(known), zca_buffer_span(copy));
    if (!same) {
        memory->keys[kind] = copy;
    }
    key_free(same ? copy : known);
}

static bool recall(struct zca_library *library, enum zca_keystore_kind kind,
                   struct zca_buffer *out_key)
{
    struct memory *memory = zca_library_part(library, ZCA_PART_SEALING, &memory_functions, NULL);
    if (!memory) {
        return false;
    }
    zca_auto(lock) pthread_mutex_t *held = zca_lock(&memory->mutex);
    const struct zca_buffer *known = memory->keys[kind];
    out_key->secret = true;
    zca_buffer_clear(out_key);
    return known && zca_buffer_append(out_key, zca_buffer_span(known), NULL);
}

/* ---- public ---- */

bool zca_sealing_key_load(struct zca_library *library, enum zca_keystore_kind kind, bool create,
                          struct zca_buffer *out_key, struct zca_error *err)
{
    zca_auto(gate) int inside = zca_gate_pass();
    struct zca_error load_error = {0};
    zca_auto(source) struct source source = {0};
    zca_library_secure_memory(library);
    if (!find_source(library, kind, &source, err)) {
        return false;
    }
    bool ok = load_file(&source, out_key, &load_error);
    if (!ok && load_error.reason == ZCA_ERR_NOT_FOUND && source.is_ours && create) {
        if (!make_file(library, kind, err)) {
            return false;
        }
        ok = load_file(&source, out_key, &load_error);
    }
    bool kept = is_kept(library);
    if (ok && kept) {
        remember(library, kind, out_key);
    }
    if (ok) {
        return true;
    }
    bool gone = load_error.reason == ZCA_ERR_NOT_FOUND || load_error.reason == ZCA_ERR_SYSTEM;
    return (gone && kept && !create && recall(library, kind, out_key)) ||
           zca_error_set(err, ZCA_ERR_SEALED, "sealing key: %s", load_error.message);
}
