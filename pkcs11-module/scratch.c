/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The scratch token: whatever applications put there, on this host, under PINs of its own (PKCS#11 3.0, 5.5, 5.6.8). Its
 * files are scratch_store.h's; here is who may do what.
 */
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/lock.h"
#include "pkcs11-module/error.h"
#include "pkcs11-module/scratch_store.h"

static const char directory_name[] = "scratch";

/* ---- life ---- */

static void scratch_free(struct zca_token *token)
{
    struct zca_scratch *scratch = token->state;
    if (!scratch) {
        return;
    }
    zca_buffer_clear(&scratch->open_key);
    zca_buffer_clear(&scratch->master);
    zca_scratch_files_clear(&scratch->files);
    (void)pthread_mutex_destroy(&scratch->mutex); /* nobody holds it any more */
    free(scratch->directory);
    free(scratch->path);
    free(scratch);
    token->state = NULL;
}

static bool scratch_make(struct zca_token *token, const char *name, const char **out_origin,
                         struct zca_error *err)
{
    (void)name; /* there is one */
    struct zca_scratch *scratch = calloc(1, sizeof(*scratch));
    if (!scratch) {
        return zca_error_set(err, ZCA_ERR_MEMORY, "out of memory");
    }
    token->state = scratch;
    (void)pthread_mutex_init(&scratch->mutex, NULL); /* cannot fail on Linux */
    atomic_init(&scratch->flags, CKF_RNG | CKF_LOGIN_REQUIRED);
    scratch->open_key.secret = true;
    scratch->master.secret = true;
    scratch->directory =
        zca_library_directory(token->library, ZCA_PLACE_TOKENS, directory_name, err);
    scratch->path = scratch->directory ? zca_path_join(scratch->directory, "token", "", err) : NULL;
    *out_origin = scratch->directory;
    return scratch->path;
}

static CK_FLAGS scratch_flags(struct zca_token *token)
{
    return atomic_load(&zca_scratch_of(token)->flags);
}

static void scratch_refresh(struct zca_token *token)
{
    zca_auto(lock) pthread_mutex_t *held = zca_lock(&zca_scratch_of(token)->mutex);
    zca_scratch_refresh(token);
}

static CK_RV scratch_search(struct zca_token *token, const struct zca_search *search)
{
    (void)search; /* one look at the directory answers all */
    struct zca_error err = {0};
    zca_auto(lock) pthread_mutex_t *held = zca_lock(&zca_scratch_of(token)->mutex);
    return zca_scratch_scan(token, &err) ? CKR_OK : zca_pkcs11_fail(token->library, &err);
}

/* ---- PINs ---- */

/* The token as it is now, for whoever is about to change it or to try a PIN. A process that has lost the right to read the
 * file has what it read. False: not initialised. */
static bool read_token(struct zca_token *token, struct zca_scratch_token *out_record)
{
    struct zca_scratch *scratch = zca_scratch_of(token);
    zca_auto(lock) pthread_mutex_t *held = zca_lock(&scratch->mutex);
    zca_scratch_refresh(token);
    *out_record = scratch->record;
    return scratch->is_initialised;
}

static bool write_token(struct zca_token *token, const struct zca_scratch_token *record,
                        struct zca_error *err)
{
    struct zca_scratch *scratch = zca_scratch_of(token);
    zca_auto(lock) pthread_mutex_t *held = zca_lock(&scratch->mutex);
    bool ok = zca_scratch_token_store(scratch->path, record, err);
    zca_scratch_refresh(token);
    return ok;
}

/* A count that cannot be written stays as it was: the file is out of reach for whoever might be guessing, too. */
static void count(struct zca_token *token, struct zca_scratch_token *record,
                  enum zca_scratch_pin which, int64_t failures)
{
    struct zca_error err = {0};
    if (record->locks[which].failures == failures) {
        return;
    }
    record->locks[which].failures = failures;
    if (!write_token(token, record, &err)) {
        zca_pkcs11_warn(token->library, &err);
    }
}

/* Tries a PIN in the writer's turn, and counts. */
static CK_RV try_pin(struct zca_token *token, struct zca_scratch_token *record,
                     enum zca_scratch_pin which, struct zca_span pin, struct zca_buffer *out_master)
{
    struct zca_error err = {0};
    int64_t failures = record->locks[which].failures;
    if (failures >= ZCA_SCRATCH_MOST_FAILURES) {
        return CKR_PIN_LOCKED;
    }
    if (zca_scratch_pin_open(token->library, record, which, pin, out_master, &err)) {
        count(token, record, which, 0);
        return CKR_OK;
    }
    if (err.reason != ZCA_ERR_AUTH) {
        return zca_pkcs11_fail(token->library, &err);
    }
    count(token, record, which, failures + 1);
    return CKR_PIN_INCORRECT;
}

static CK_RV scratch_login(struct zca_token *token, CK_USER_TYPE user, struct zca_span pin,
                           struct zca_buffer *out_master)
{
    CK_RV rv = CKR_OK;
    struct zca_scratch_token record = {0};
    enum zca_scratch_pin which = user == CKU_SO ? ZCA_SCRATCH_SO : ZCA_SCRATCH_USER;
    zca_library_secure_memory(token->library);
    zca_auto(zca_flight) struct zca_flight *flight = zca_scratch_enter(token, &rv);
    bool is_initialised = read_token(token, &record);
    if (!flight && !is_initialised) {
        return rv;
    }
    if (!is_initialised || !record.locks[which].is_set) {
        return user == CKU_SO ? CKR_PIN_INCORRECT : CKR_USER_PIN_NOT_INITIALIZED;
    }
    return try_pin(token, &record, which, pin, out_master);
}

static void scratch_keep(struct zca_token *token, struct zca_buffer *master)
{
    struct zca_scratch *scratch = zca_scratch_of(token);
    zca_buffer_move(&scratch->master, master);
    scratch->is_complete = false;
}

static bool is_shown_private(void *argument, struct zca_object *object)
{
    struct zca_object **found = argument;
    if (object->is_private && object->file) {
        *found = object;
        return false;
    }
    return true;
}

static void scratch_logout(struct zca_token *token)
{
    struct zca_scratch *scratch = zca_scratch_of(token);
    struct zca_object *found = NULL;
    zca_buffer_clear(&scratch->master);
    scratch->is_complete = false;
    scratch->epoch++;
    do {
        found = NULL;
        zca_objects_visit(token->objects, NULL, is_shown_private, &found);
        zca_object_free(found ? zca_objects_take(token->objects, found->handle) : NULL);
    } while (found);
}

/* ---- C_InitToken, C_InitPIN, C_SetPIN ---- */

static bool erase(struct zca_token *token, struct zca_error *err)
{
    struct zca_scratch *scratch = zca_scratch_of(token);
    zca_auto(zca_scratch_files) struct zca_scratch_files files = {0};
    bool ok = zca_scratch_files_list(scratch->directory, &files, err);
    for (size_t i = 0; ok && i < files.count; i++) {
        zca_auto(text) char *path =
            zca_path_join(scratch->directory, files.array[i]->name, "", err);
        ok = path && zca_file_remove(path, err);
    }
    return ok && zca_scratch_leftovers_remove(scratch->directory, err);
}

/* Objects go first: whatever happens then, none is left that nobody could open. */
static bool begin_anew(struct zca_token *token, struct zca_span pin, const CK_UTF8CHAR *label,
                       struct zca_error *err)
{
    struct zca_scratch_token record = {0};
    zca_auto(zca_buffer) struct zca_buffer instance = {0};
    zca_auto(zca_buffer) struct zca_buffer master = ZCA_SECRET_BUFFER;
    OSSL_LIB_CTX *context = zca_library_context(token->library, err);
    if (!context || !zca_random(context, sizeof(record.instance), &instance, err) ||
        !zca_random(context, ZCA_SCRATCH_MASTER_LEN, &master, err)) {
        return false;
    }
    memcpy(record.instance, instance.data, sizeof(record.instance));
    memcpy(record.label, label, sizeof(record.label));
    return zca_scratch_pin_set(token->library, &record, ZCA_SCRATCH_SO, pin,
                               zca_buffer_span(&master), err) &&
           erase(token, err) && write_token(token, &record, err);
}

static CK_RV scratch_init_token(struct zca_token *token, struct zca_span pin,
                                const CK_UTF8CHAR *label)
{
    CK_RV rv = CKR_OK;
    struct zca_error err = {0};
    struct zca_scratch_token record = {0};
    zca_auto(zca_buffer) struct zca_buffer master = ZCA_SECRET_BUFFER;
    zca_library_secure_memory(token->library);
    zca_auto(zca_flight) struct zca_flight *flight = zca_scratch_enter(token, &rv);
    if (!flight) {
        return rv;
    }
    if (read_token(token, &record)) {
        rv = try_pin(token, &record, ZCA_SCRATCH_SO, pin, &master);
    }
    if (rv != CKR_OK) {
        return rv;
    }
    return begin_anew(token, pin, label, &err) ? CKR_OK : zca_pkcs11_fail(token->library, &err);
}

/* Seals the master key under a new PIN. */
static CK_RV renew_pin(struct zca_token *token, struct zca_scratch_token *record,
                       enum zca_scratch_pin which, struct zca_span pin,
                       const struct zca_buffer *master)
{
    struct zca_error err = {0};
    return zca_scratch_pin_set(token->library, record, which, pin, zca_buffer_span(master), &err) &&
                   write_token(token, record, &err)
               ? CKR_OK
               : zca_pkcs11_fail(token->library, &err);
}

/* The SO's login has the master key, unless another process has initialised the token since. */
static CK_RV scratch_init_pin(struct zca_token *token, struct zca_span pin)
{
    CK_RV rv = CKR_OK;
    struct zca_error err = {0};
    struct zca_scratch_token record = {0};
    zca_auto(zca_buffer) struct zca_buffer master = ZCA_SECRET_BUFFER;
    zca_auto(zca_flight) struct zca_flight *flight = zca_scratch_enter(token, &rv);
    if (!flight) {
        return rv;
    }
    bool is_initialised = read_token(token, &record);
    if (!is_initialised || !zca_scratch_key(token, true, &master, &err)) {
        return CKR_USER_NOT_LOGGED_IN;
    }
    return renew_pin(token, &record, ZCA_SCRATCH_USER, pin, &master);
}

static enum zca_scratch_pin whose_pin(struct zca_token *token)
{
    zca_auto(module_lock) struct zca_module *held = zca_module_look(token->module);
    return token->login == ZCA_LOGIN_SO ? ZCA_SCRATCH_SO : ZCA_SCRATCH_USER;
}

static CK_RV scratch_set_pin(struct zca_token *token, struct zca_span old_pin,
                             struct zca_span new_pin)
{
    CK_RV rv = CKR_OK;
    struct zca_scratch_token record = {0};
    zca_auto(zca_buffer) struct zca_buffer master = ZCA_SECRET_BUFFER;
    enum zca_scratch_pin which = whose_pin(token);
    zca_library_secure_memory(token->library);
    zca_auto(zca_flight) struct zca_flight *flight = zca_scratch_enter(token, &rv);
    if (!flight) {
        return rv;
    }
    if (!read_token(token, &record) || !record.locks[which].is_set) {
        return CKR_PIN_INCORRECT; /* there is none that could be right */
    }
    rv = try_pin(token, &record, which, old_pin, &master);
    return rv == CKR_OK ? renew_pin(token, &record, which, new_pin, &master) : rv;
}

const struct zca_token_kind zca_token_scratch = {
    .model = "zca scratch",
    .min_pin = 4,
    .max_pin = 255,
    .places = ZCA_ON_LOCAL,
    .make = scratch_make,
    .free = scratch_free,
    .flags = scratch_flags,
    .refresh = scratch_refresh,
    .search = scratch_search,
    .login = scratch_login,
    .keep = scratch_keep,
    .logout = scratch_logout,
    .init_token = scratch_init_token,
    .init_pin = scratch_init_pin,
    .set_pin = scratch_set_pin,
    .add = zca_scratch_object_add,
    .change = zca_scratch_object_change,
    .remove = zca_scratch_object_remove,
    .open = zca_scratch_object_open,
};
