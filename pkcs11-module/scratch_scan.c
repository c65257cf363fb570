/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From files to objects. Nothing is read before the first search, and again only what changed. Attributes are opened here,
 * keys when they are first used. Private objects are read while a user is logged in.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "pkcs11-module/error.h"
#include "pkcs11-module/scratch_store.h"
#include "pkcs11-module/session.h"

static const size_t max_object = 4 * 1024 * 1024;

/* Times of files have the grain of the kernel's clock: what is younger may change and look the same. */
static const int64_t grain_ms = 100;

/* What was read of one file. */
struct loaded {
    struct zca_scratch_file *file; /* borrowed */
    struct zca_object *object;     /* new, or with the new values of an old one */
};

struct scan {
    struct zca_token *token;
    struct zca_scratch *scratch;
    struct zca_buffer keys[2]; /* by CKA_PRIVATE; empty: closed */
    bool is_open;              /* private objects are to be shown */
    unsigned epoch;
    struct zca_scratch_files files; /* as they are now */
    struct loaded *loaded;
    size_t num_loaded;
};

static void scan_clear(struct scan *scan)
{
    for (size_t i = 0; i < scan->num_loaded; i++) {
        zca_object_free(scan->loaded[i].object);
    }
    free(scan->loaded);
    zca_scratch_files_clear(&scan->files);
    zca_buffer_clear(&scan->keys[false]);
    zca_buffer_clear(&scan->keys[true]);
}

ZCA_DEFINE_AUTO_CLEAR(scan, struct scan, scan_clear);

/* ---- is there anything to do ---- */

/* Notes who is logged in; tells whether that one's private objects are still to be shown. */
static bool look(struct scan *scan)
{
    zca_auto(module_lock) struct zca_module *held = zca_module_look(scan->token->module);
    scan->is_open = scan->token->login == ZCA_LOGIN_USER && scan->scratch->master.len != 0;
    scan->epoch = scan->scratch->epoch;
    return scan->is_open && !scan->scratch->is_complete;
}

static int64_t changed_at_ms(const struct stat *status)
{
    return (int64_t)status->st_mtim.tv_sec * 1000 + status->st_mtim.tv_nsec / 1000000;
}

static bool is_settled(const struct zca_scratch *scratch)
{
    return scratch->looked_at_ms - changed_at_ms(&scratch->directory_status) > grain_ms;
}

/* ---- reading ---- */

static bool key_of(struct scan *scan, bool is_private, struct zca_error *err)
{
    struct zca_buffer *key = &scan->keys[is_private];
    return key->len != 0 || zca_scratch_key(scan->token, is_private, key, err);
}

static struct zca_scratch_scope scope_of(const struct scan *scan,
                                         const struct zca_scratch_file *file)
{
    const struct zca_scratch_token *record = &scan->scratch->record;
    return (struct zca_scratch_scope){
        .library = scan->token->library,
        .instance = zca_span_of(record->instance, sizeof(record->instance)),
        .key = zca_buffer_span(&scan->keys[file->is_private]),
        .name = file->name,
        .is_private = file->is_private,
    };
}

static struct zca_object *object_of(const struct zca_scratch_file *file, struct zca_values *values,
                                    struct zca_error *err)
{
    zca_auto(zca_object) struct zca_object *object = zca_object_new(values, NULL);
    char *name = object ? strdup(file->name) : NULL;
    if (!name) {
        (void)zca_error_set(err, ZCA_ERR_MEMORY, "out of memory");
        return NULL;
    }
    object->file = name;
    object->is_sealed = file->material.len != 0;
    return zca_steal(object);
}

/* A private object stays closed while nobody is logged in: then there is none, and no error. */
static bool open_file(struct scan *scan, struct zca_scratch_file *file, struct zca_span der,
                      struct zca_object **out_object, struct zca_error *err)
{
    zca_auto(zca_scratch_record) struct zca_scratch_record record = {0};
    struct zca_values *values = NULL;
    if (!zca_scratch_record_parse(der, &record, err)) {
        return false;
    }
    file->is_private = record.is_private;
    if (record.is_private && !scan->is_open) {
        return true;
    }
    if (!key_of(scan, record.is_private, err)) {
        return false;
    }
    struct zca_scratch_scope scope = scope_of(scan, file);
    if (!zca_span_equal(zca_buffer_span(&record.instance), scope.instance)) {
        return zca_error_set(err, ZCA_ERR_SEALED, "it belongs to a token that was erased");
    }
    if (!zca_scratch_values_open(&scope, zca_buffer_span(&record.values), &values, err)) {
        return false;
    }
    zca_buffer_move(&file->material, &record.material);
    *out_object = object_of(file, values, err);
    return *out_object;
}

/* A file that cannot be used is complained about, once, and left alone. False: nothing more can be read. */
static bool load(struct scan *scan, struct zca_scratch_file *file, struct zca_error *err)
{
    struct zca_error failure = {0};
    zca_auto(zca_buffer) struct zca_buffer der = {0};
    struct loaded *loaded = &scan->loaded[scan->num_loaded];
    zca_auto(text) char *path = zca_path_join(scan->scratch->directory, file->name, "", err);
    if (!path) {
        return false;
    }
    bool is_read = zca_file_load(path, max_object, &der, &file->status, &failure);
    bool ok = is_read && open_file(scan, file, zca_buffer_span(&der), &loaded->object, &failure);
    if (failure.reason == ZCA_ERR_MEMORY) {
        return zca_error_set(err, ZCA_ERR_MEMORY, "out of memory");
    }
    file->is_known = true;
    file->is_bad = !ok;
    if (!ok && failure.reason != ZCA_ERR_NOT_FOUND) {
        (void)zca_error_context(&failure, "object '%s'", path); /* the line tells */
        zca_pkcs11_warn(scan->token->library, &failure);
    }
    if (loaded->object) {
        loaded->file = file;
        scan->num_loaded++;
    }
    return true;
}

/* ---- what is to be read ---- */

/* Takes over what is known of an unaltered file. */
static void keep_known(struct scan *scan)
{
    for (size_t i = 0; i < scan->files.count; i++) {
        struct zca_scratch_file *file = scan->files.array[i];
        struct zca_scratch_file *known = zca_scratch_files_find(&scan->scratch->files, file->name);
        if (!known) {
            continue;
        }
        bool is_current = !known->is_private || known->epoch == scan->epoch;
        file->handle = is_current ? known->handle : 0;
        file->epoch = known->epoch;
        if (known->is_known && zca_file_same(&known->status, &file->status)) {
            file->is_known = true;
            file->is_private = known->is_private;
            file->is_bad = known->is_bad;
            zca_buffer_move(&file->material, &known->material);
        }
    }
}

static bool is_wanted(const struct scan *scan, const struct zca_scratch_file *file)
{
    return !file->is_known ||
           (!file->is_bad && file->is_private && file->handle == 0 && scan->is_open);
}

static int compare_age(const void *left, const void *right)
{
    const struct zca_scratch_file *const *first = left;
    const struct zca_scratch_file *const *second = right;
    int64_t first_ms = changed_at_ms(&(*first)->status);
    int64_t second_ms = changed_at_ms(&(*second)->status);
    return (first_ms > second_ms) - (first_ms < second_ms);
}

/* The oldest first, so that handles tell the age of objects (find.c). */
static bool load_wanted(struct scan *scan, struct zca_error *err)
{
    size_t num_wanted = 0;
    size_t count = scan->files.count;
    struct zca_scratch_file **wanted = calloc(count + 1, sizeof(struct zca_scratch_file *));
    scan->loaded = calloc(count + 1, sizeof(*scan->loaded));
    if (!wanted || !scan->loaded) {
        free(wanted);
        return zca_error_set(err, ZCA_ERR_MEMORY, "out of memory");
    }
    for (size_t i = 0; i < count; i++) {
        if (is_wanted(scan, scan->files.array[i])) {
            wanted[num_wanted++] = scan->files.array[i];
        }
    }
    qsort(wanted, num_wanted, sizeof(*wanted), compare_age);
    bool ok = true;
    for (size_t i = 0; ok && i < num_wanted; i++) {
        ok = load(scan, wanted[i], err);
    }
    free(wanted);
    return ok;
}

/* ---- showing ---- */

/* Alone under the module's lock. */
static void take_gone(struct scan *scan)
{
    bool has_gone = false;
    for (size_t i = 0; i < scan->scratch->files.count; i++) {
        const struct zca_scratch_file *known = scan->scratch->files.array[i];
        const struct zca_scratch_file *file = zca_scratch_files_find(&scan->files, known->name);
        bool is_gone = !file || file->is_bad;
        zca_object_free(is_gone && known->handle != 0
                            ? zca_objects_take(scan->token->objects, known->handle)
                            : NULL);
        has_gone = has_gone || is_gone;
    }
    if (has_gone) {
        zca_sessions_forget_keys(scan->token->module->sessions, scan->token);
    }
}

/* Alone under the module's lock. An object that is there already gets the new one's values. */
static CK_RV show(struct scan *scan, struct loaded *loaded)
{
    struct zca_scratch_file *file = loaded->file;
    struct zca_objects *objects = scan->token->objects;
    struct zca_object *present = file->handle ? zca_objects_find(objects, file->handle) : NULL;
    if (present) {
        zca_objects_replace_values(objects, present, zca_steal(loaded->object->values));
        return CKR_OK;
    }
    CK_RV rv = zca_objects_add(objects, loaded->object);
    if (rv == CKR_OK) {
        file->handle = loaded->object->handle;
        file->epoch = scan->epoch;
        loaded->object = NULL; /* the set has the reference */
    }
    return rv;
}

static bool publish(struct scan *scan, struct zca_error *err)
{
    CK_RV rv = CKR_OK;
    zca_auto(module_lock) struct zca_module *alone = zca_module_change(scan->token->module);
    bool is_same_login = scan->scratch->epoch == scan->epoch;
    take_gone(scan);
    for (size_t i = 0; rv == CKR_OK && i < scan->num_loaded; i++) {
        struct loaded *loaded = &scan->loaded[i];
        if (is_same_login || !loaded->object->is_private) {
            rv = show(scan, loaded);
        }
    }
    zca_scratch_files_clear(&scan->scratch->files);
    scan->scratch->files = scan->files;
    scan->files = (struct zca_scratch_files){0};
    scan->scratch->is_complete =
        rv == CKR_OK && is_same_login && (scan->is_open || scan->scratch->is_complete);
    return rv == CKR_OK || zca_error_set(err, ZCA_ERR_MEMORY, "out of memory");
}

/* What is known was given to a scan that failed. */
static void begin_anew(struct zca_scratch *scratch)
{
    scratch->looked_at_ms = 0;
    for (size_t i = 0; i < scratch->files.count; i++) {
        scratch->files.array[i]->is_known = false;
    }
}

/* Every change of the token or an object is a new name in the directory, so one look at that is enough. */
static bool is_seen(const struct zca_scratch *scratch, const struct stat *directory)
{
    return scratch->looked_at_ms != 0 && zca_file_same(directory, &scratch->directory_status) &&
           is_settled(scratch);
}

static bool scan_directory(struct scan *scan, struct zca_error *err)
{
    if (!zca_scratch_files_list(scan->scratch->directory, &scan->files, err)) {
        return false;
    }
    keep_known(scan);
    if (!load_wanted(scan, err) || !publish(scan, err)) {
        begin_anew(scan->scratch);
        return false;
    }
    return true;
}

bool zca_scratch_scan(struct zca_token *token, struct zca_error *err)
{
    struct zca_scratch *scratch = zca_scratch_of(token);
    zca_auto(scan) struct scan scan = {
        .token = token,
        .scratch = scratch,
        .keys = {ZCA_SECRET_BUFFER, ZCA_SECRET_BUFFER},
    };
    struct stat status = {0};
    int64_t now_ms = zca_clock_now_ms();
    if (stat(scratch->directory, &status) != 0 && errno != ENOENT) {
        return scratch->looked_at_ms != 0 || /* as it was when we could reach it */
               zca_error_set_errno(err, "token '%s'", scratch->directory);
    }
    if (is_seen(scratch, &status) && !look(&scan)) {
        return true;
    }
    zca_scratch_refresh(token);
    (void)look(&scan); /* who is logged in after that */
    if (!scratch->is_initialised) {
        return true;
    }
    if (!scan_directory(&scan, err)) {
        return false;
    }
    scratch->directory_status = status;
    scratch->looked_at_ms = now_ms;
    return true;
}
