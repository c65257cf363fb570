/* SPDX-License-Identifier: Apache-2.0 */
/* Objects that are stored on a scratch token, changed and removed. */
#include <string.h>

#include "base/file.h"
#include "base/lock.h"
#include "pkcs11-module/error.h"
#include "pkcs11-module/scratch_material.h"
#include "pkcs11-module/scratch_store.h"

#define NAME_BYTES 16u /* of a random name */

static const uint8_t secret_mark =
    0; /* before the value of a secret key; others are in scratch_material.c */

/* One object being written. */
struct writing {
    struct zca_token *token;
    char name[ZCA_SCRATCH_NAME_SIZE];
    char *path;
    struct zca_buffer key;
    struct zca_scratch_scope scope;
    struct zca_scratch_record record;
};

static void writing_clear(struct writing *writing)
{
    free(writing->path);
    zca_buffer_clear(&writing->key);
    zca_scratch_record_clear(&writing->record);
}

ZCA_DEFINE_AUTO_CLEAR(writing, struct writing, writing_clear);

static bool set_name(struct writing *writing, const char *name, struct zca_error *err)
{
    size_t len = strlen(name);
    memcpy(writing->name, name, len + 1); /* valid, so it fits */
    writing->path = zca_path_join(zca_scratch_of(writing->token)->directory, name, "", err);
    return writing->path;
}

/* With the mutex held. */
static bool begin(struct writing *writing, const char *name, bool is_private, struct zca_error *err)
{
    const struct zca_scratch *scratch = zca_scratch_of(writing->token);
    const struct zca_scratch_token *token = &scratch->record;
    writing->key.secret = true;
    if (!set_name(writing, name, err) ||
        !zca_scratch_key(writing->token, is_private, &writing->key, err) ||
        !zca_buffer_append(&writing->record.instance,
                           zca_span_of(token->instance, sizeof(token->instance)), err)) {
        return false;
    }
    writing->record.is_private = is_private;
    writing->scope = (struct zca_scratch_scope){
        .library = writing->token->library,
        .instance = zca_buffer_span(&writing->record.instance),
        .key = zca_buffer_span(&writing->key),
        .name = writing->name,
        .is_private = is_private,
    };
    return true;
}

static bool write_values(struct writing *writing, const struct zca_values *values,
                         struct zca_error *err)
{
    return zca_scratch_values_seal(&writing->scope, values, &writing->record.values, err);
}

static bool write_material(struct writing *writing, const struct zca_object *object,
                           struct zca_error *err)
{
    zca_auto(zca_buffer) struct zca_buffer material = ZCA_SECRET_BUFFER;
    bool ok = true;
    if (object->key) {
        ok = zca_scratch_material_write(object->key, object->class == CKO_PUBLIC_KEY, &material,
                                        err);
    } else if (object->secret.len != 0) {
        ok = zca_buffer_append(&material, zca_span_of(&secret_mark, 1), err) &&
             zca_buffer_append(&material, zca_buffer_span(&object->secret), err);
    }
    return ok && (material.len == 0 ||
                  zca_scratch_material_seal(&writing->scope, zca_buffer_span(&material),
                                            &writing->record.material, err));
}

static bool store(const struct writing *writing, bool only_new, struct zca_error *err)
{
    zca_auto(zca_buffer) struct zca_buffer der = {0};
    if (!zca_scratch_record_format(&writing->record, &der, err)) {
        return false;
    }
    return only_new ? zca_file_store_new(writing->path, 0600, zca_buffer_span(&der), err)
                    : zca_file_store(writing->path, 0600, zca_buffer_span(&der), err);
}

/* ---- add ---- */

/* The object's CKA_UNIQUE_ID, or a new one: it is not seen by anybody yet. */
static bool name_object(struct zca_token *token, struct zca_object *object, struct zca_error *err)
{
    struct zca_span id = {0};
    zca_auto(zca_buffer) struct zca_buffer random = {0};
    zca_auto(zca_buffer) struct zca_buffer text = {0};
    if (zca_values_find(object->values, CKA_UNIQUE_ID, &id)) {
        object->file = strndup((const char *)id.data, id.len);
    }
    if (object->file && zca_scratch_name_valid(object->file)) {
        return true;
    }
    free(object->file);
    object->file = NULL;
    OSSL_LIB_CTX *context = zca_library_context(token->library, err);
    if (!context || !zca_random(context, NAME_BYTES, &random, err) ||
        !zca_hex_encode(zca_buffer_span(&random), '\0', &text, err)) {
        return false;
    }
    object->file = strdup((const char *)text.data);
    return (object->file &&
            zca_values_set(object->values, CKA_UNIQUE_ID, zca_buffer_span(&text)) == CKR_OK) ||
           zca_error_set(err, ZCA_ERR_MEMORY, "out of memory");
}

/* Notes what was written, so that the next scan does not read it. */
static bool note(struct writing *writing, const struct zca_object *object, struct zca_error *err)
{
    struct zca_scratch *scratch = zca_scratch_of(writing->token);
    zca_auto(zca_scratch_file) struct zca_scratch_file *file = calloc(1, sizeof(*file));
    if (!file) {
        return zca_error_set(err, ZCA_ERR_MEMORY, "out of memory");
    }
    memcpy(file->name, writing->name, sizeof(file->name));
    if (stat(writing->path, &file->status) != 0) {
        return zca_error_set_errno(err, "object '%s'", writing->path);
    }
    file->is_known = true;
    file->is_private = object->is_private;
    file->handle = object->handle;
    {
        zca_auto(module_lock) struct zca_module *held = zca_module_look(writing->token->module);
        file->epoch = scratch->epoch;
    }
    zca_buffer_move(&file->material, &writing->record.material);
    if (!zca_scratch_files_add(&scratch->files, file, err)) {
        return false;
    }
    file = NULL; /* the list has it */
    return true;
}

static bool add(struct zca_token *token, struct zca_object *object, struct zca_error *err)
{
    zca_auto(writing) struct writing writing = {.token = token};
    if (!name_object(token, object, err) ||
        !begin(&writing, object->file, object->is_private, err) ||
        !write_values(&writing, object->values, err) || !write_material(&writing, object, err) ||
        !store(&writing, true, err)) {
        return false;
    }
    if (!note(&writing, object, err)) {
        bool gone = zca_file_remove(writing.path, NULL);
        (void)gone; /* the caller hears that it was not stored; if it is there, it shows up */
        return false;
    }
    return true;
}

CK_RV zca_scratch_object_add(struct zca_token *token, struct zca_object *object)
{
    CK_RV rv = CKR_OK;
    struct zca_error err = {0};
    struct zca_scratch *scratch = zca_scratch_of(token);
    zca_auto(zca_flight) struct zca_flight *flight = zca_scratch_enter(token, &rv);
    if (!flight) {
        return rv;
    }
    zca_auto(lock) pthread_mutex_t *held = zca_lock(&scratch->mutex);
    zca_scratch_refresh(token);
    if (!scratch->is_initialised) {
        return CKR_TOKEN_WRITE_PROTECTED; /* nothing could seal it */
    }
    return add(token, object, &err) ? CKR_OK : zca_pkcs11_fail(token->library, &err);
}

/* ---- change, remove ---- */

static bool change(struct zca_token *token, const struct zca_object *object,
                   struct zca_scratch_file *file, const struct zca_values *values,
                   struct zca_error *err)
{
    zca_auto(writing) struct writing writing = {.token = token};
    if (!begin(&writing, object->file, object->is_private, err) ||
        !write_values(&writing, values, err) ||
        !zca_buffer_append(&writing.record.material, zca_buffer_span(&file->material), err) ||
        !store(&writing, false, err)) {
        return false;
    }
    return stat(writing.path, &file->status) == 0 ||
           zca_error_set_errno(err, "object '%s'", writing.path);
}

/* The entry of a stored object that another process may have removed. */
static struct zca_scratch_file *find(struct zca_token *token, const struct zca_object *object)
{
    struct zca_scratch *scratch = zca_scratch_of(token);
    struct stat status = {0};
    zca_scratch_refresh(token);
    struct zca_scratch_file *file =
        object->file ? zca_scratch_files_find(&scratch->files, object->file) : NULL;
    zca_auto(text) char *path =
        file ? zca_path_join(scratch->directory, file->name, "", NULL) : NULL;
    return path && stat(path, &status) == 0 ? file : NULL;
}

CK_RV zca_scratch_object_change(struct zca_token *token, struct zca_object *object,
                                const struct zca_values *values)
{
    CK_RV rv = CKR_OK;
    struct zca_error err = {0};
    struct zca_scratch *scratch = zca_scratch_of(token);
    if (zca_values_get_boolean(values, CKA_PRIVATE, false) != object->is_private) {
        return CKR_ATTRIBUTE_READ_ONLY; /* a copy may differ in it (PKCS#11, 4.4) */
    }
    zca_auto(zca_flight) struct zca_flight *flight = zca_scratch_enter(token, &rv);
    if (!flight) {
        return rv;
    }
    zca_auto(lock) pthread_mutex_t *held = zca_lock(&scratch->mutex);
    struct zca_scratch_file *file = find(token, object);
    if (!file) {
        return CKR_OBJECT_HANDLE_INVALID;
    }
    return change(token, object, file, values, &err) ? CKR_OK
                                                     : zca_pkcs11_fail(token->library, &err);
}

CK_RV zca_scratch_object_remove(struct zca_token *token, struct zca_object *object)
{
    CK_RV rv = CKR_OK;
    struct zca_error err = {0};
    struct zca_scratch *scratch = zca_scratch_of(token);
    zca_auto(zca_flight) struct zca_flight *flight = zca_scratch_enter(token, &rv);
    if (!flight) {
        return rv;
    }
    zca_auto(lock) pthread_mutex_t *held = zca_lock(&scratch->mutex);
    const struct zca_scratch_file *file = find(token, object);
    zca_auto(text) char *path =
        file ? zca_path_join(scratch->directory, file->name, "", &err) : NULL;
    if (!file) {
        return CKR_OBJECT_HANDLE_INVALID;
    }
    if (!path || !zca_file_remove(path, &err)) {
        return zca_pkcs11_fail(token->library, &err);
    }
    zca_scratch_files_drop(&scratch->files, object->file);
    return CKR_OK;
}

/* ---- open ---- */

static bool make_key(struct zca_token *token, struct zca_span material, EVP_PKEY **out_key,
                     struct zca_buffer *out_secret, struct zca_error *err)
{
    OSSL_LIB_CTX *context = zca_library_context(token->library, err);
    if (!context) {
        return false;
    }
    if (material.len != 0 && material.data[0] == secret_mark) {
        return zca_buffer_append(out_secret, zca_span_of(material.data + 1, material.len - 1), err);
    }
    *out_key = zca_scratch_material_read(context, material, err);
    return *out_key;
}

/* Alone under the module's lock: from now on everybody finds the key. */
static void give_key(struct zca_token *token, struct zca_object *object, EVP_PKEY *key,
                     struct zca_buffer *secret)
{
    zca_auto(module_lock) struct zca_module *alone = zca_module_change(token->module);
    object->key = key;
    zca_buffer_move(&object->secret, secret);
    object->is_sealed = false;
}

static bool open_key(struct zca_token *token, struct zca_object *object, struct zca_error *err)
{
    struct zca_scratch *scratch = zca_scratch_of(token);
    zca_auto(zca_buffer) struct zca_buffer key = ZCA_SECRET_BUFFER;
    zca_auto(zca_buffer) struct zca_buffer material = ZCA_SECRET_BUFFER;
    zca_auto(zca_buffer) struct zca_buffer secret = ZCA_SECRET_BUFFER;
    EVP_PKEY *made = NULL;
    const struct zca_scratch_file *file = zca_scratch_files_find(&scratch->files, object->file);
    if (!file) {
        return zca_error_set(err, ZCA_ERR_NOT_FOUND, "the object was removed");
    }
    if (!zca_scratch_key(token, object->is_private, &key, err)) {
        return false;
    }
    const struct zca_scratch_scope scope = {
        .library = token->library,
        .instance = zca_span_of(scratch->record.instance, sizeof(scratch->record.instance)),
        .key = zca_buffer_span(&key),
        .name = file->name,
        .is_private = object->is_private,
    };
    if (!zca_scratch_material_open(&scope, zca_buffer_span(&file->material), &material, err) ||
        !make_key(token, zca_buffer_span(&material), &made, &secret, err)) {
        return false;
    }
    give_key(token, object, made, &secret);
    return true;
}

CK_RV zca_scratch_object_open(struct zca_token *token, struct zca_object *object)
{
    struct zca_error err = {0};
    zca_library_secure_memory(token->library);
    zca_auto(lock) pthread_mutex_t *held = zca_lock(&zca_scratch_of(token)->mutex);
    if (!object->is_sealed) { /* another thread was faster */
        return CKR_OK;
    }
    if (!open_key(token, object, &err)) {
        (void)zca_error_context(&err, "object '%s'", object->file); /* the line tells */
        return zca_pkcs11_fail(token->library, &err);
    }
    return CKR_OK;
}
