/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Objects come to a token, change and go: which session may do it, who stores them, who sees them then (PKCS#11 3.0, 4.4).
 * What is stored is stored first and seen afterwards.
 */
#include <stdio.h>

#include "pkcs11-module/create.h"
#include "pkcs11-module/material.h"

/* Random bytes in the CKA_UNIQUE_ID of a token object: nobody else's ever. */
#define UNIQUE_ID_LEN 16u

static CK_RV check_storage(const struct zca_session *session, bool can_store)
{
    if (!session->is_rw) {
        return CKR_SESSION_READ_ONLY;
    }
    return can_store ? CKR_OK : CKR_TOKEN_WRITE_PROTECTED;
}

bool zca_object_allows(struct zca_session *session, const struct zca_object *object,
                       CK_ATTRIBUTE_TYPE type)
{
    zca_auto(module_lock) struct zca_module *held = zca_module_look(session->token->module);
    return zca_values_get_boolean(object->values, type, false);
}

/* ---- coming ---- */

bool zca_object_is_import(const struct zca_token *token, const struct zca_values *values)
{
    return token->kind->import && zca_values_get_boolean(values, CKA_TOKEN, false) &&
           zca_values_get_number(values, CKA_CLASS, CKO_DATA) == CKO_CERTIFICATE;
}

/* Under the lock. */
static CK_RV check_login(struct zca_token *token, const struct zca_values *values)
{
    bool needs_user =
        zca_values_get_boolean(values, CKA_PRIVATE, false) || zca_object_is_import(token, values);
    if (needs_user && !zca_token_is_open(token)) {
        return CKR_USER_NOT_LOGGED_IN;
    }
    return zca_values_get_boolean(values, CKA_TRUSTED, false) && token->login != ZCA_LOGIN_SO
               ? CKR_ATTRIBUTE_READ_ONLY
               : CKR_OK;
}

CK_RV zca_object_may_show(struct zca_session *session, const struct zca_values *values)
{
    struct zca_token *token = session->token;
    if (zca_values_get_boolean(values, CKA_TOKEN, false)) {
        CK_RV rv = check_storage(session, token->kind->add || zca_object_is_import(token, values));
        if (rv != CKR_OK) {
            return rv;
        }
    }
    zca_auto(module_lock) struct zca_module *held = zca_module_look(token->module);
    return check_login(token, values);
}

static CK_RV name_stored(struct zca_token *token, struct zca_values *values)
{
    CK_RV rv = CKR_OK;
    zca_auto(zca_buffer) struct zca_buffer bytes = {0};
    zca_auto(zca_buffer) struct zca_buffer text = {0};
    OSSL_LIB_CTX *context = zca_token_context(token, &rv);
    if (!context) {
        return rv;
    }
    return zca_random(context, UNIQUE_ID_LEN, &bytes, NULL) &&
                   zca_hex_encode(zca_buffer_span(&bytes), '\0', &text, NULL)
               ? zca_values_set(values, CKA_UNIQUE_ID, zca_buffer_span(&text))
               : CKR_FUNCTION_FAILED;
}

/* Only this process sees it, so its handle distinguishes it from all others. */
static CK_RV name_passing(struct zca_object *object)
{
    char text[sizeof("session-") + 2 * sizeof(object->handle)];
    (void)snprintf(text, sizeof(text), "session-%lx", object->handle); /* it fits */
    return zca_values_set_text(object->values, CKA_UNIQUE_ID, text);
}

/* Logins and sessions may have ended since it was allowed. */
static CK_RV add(struct zca_session *session, struct zca_object *object)
{
    struct zca_token *token = session->token;
    zca_auto(module_lock) struct zca_module *alone = zca_module_change(token->module);
    CK_RV rv = atomic_load(&session->is_closed) ? CKR_SESSION_HANDLE_INVALID
                                                : check_login(token, object->values);
    if (rv == CKR_OK) {
        rv = zca_objects_add(token->objects, object);
    }
    if (rv == CKR_OK && object->owner != 0) {
        session->num_objects++;
    }
    return rv;
}

static CK_RV add_stored(struct zca_session *session, struct zca_object *object)
{
    struct zca_token *token = session->token;
    CK_RV rv = token->kind->add(token, object);
    if (rv != CKR_OK) {
        return rv;
    }
    rv = add(session, object);
    if (rv != CKR_OK && token->kind->remove && token->kind->remove(token, object) != CKR_OK) {
        return CKR_DEVICE_ERROR; /* logged by the kind: it is there, although we could not show it */
    }
    return rv;
}

CK_RV zca_object_show(struct zca_session *session, struct zca_object *object)
{
    bool is_stored = zca_values_get_boolean(object->values, CKA_TOKEN, false);
    CK_RV rv = zca_object_may_show(session, object->values);
    if (rv == CKR_OK) {
        rv = is_stored ? name_stored(session->token, object->values) : name_passing(object);
    }
    if (rv != CKR_OK) {
        return rv;
    }
    object->owner = is_stored ? 0 : session->handle;
    return is_stored ? add_stored(session, object) : add(session, object);
}

/* ---- going ---- */

/* Under the lock. */
static void forget_owned(struct zca_module *module, CK_SESSION_HANDLE owner)
{
    struct zca_session *session = zca_sessions_find(module->sessions, owner);
    if (session) {
        session->num_objects--;
    }
}

static struct zca_object *take(struct zca_token *token, const struct zca_object *object)
{
    zca_auto(module_lock) struct zca_module *alone = zca_module_change(token->module);
    struct zca_object *taken = zca_objects_take(token->objects, object->handle);
    if (taken && taken->owner != 0) {
        forget_owned(alone, taken->owner);
    }
    if (taken && zca_object_is_key(taken)) {
        zca_sessions_forget_keys(alone->sessions, token);
    }
    return taken;
}

CK_RV zca_object_hide(struct zca_session *session, struct zca_object *object)
{
    struct zca_token *token = session->token;
    CK_RV rv = CKR_OK;
    if (object->owner == 0) {
        rv = check_storage(session, token->kind->remove);
    }
    if (rv == CKR_OK && object->owner == 0) {
        rv = token->kind->remove(token, object);
    }
    if (rv != CKR_OK) {
        return rv;
    }
    zca_auto(zca_object) struct zca_object *taken = take(token, object);
    return taken ? CKR_OK : CKR_OBJECT_HANDLE_INVALID;
}

/* ---- changing ---- */

/* out_changes   tells whether somebody else was faster when the new values come. */
static CK_RV get_changed(struct zca_token *token, const struct zca_object *object,
                         const struct zca_template *template, struct zca_values **out_values,
                         unsigned *out_changes)
{
    zca_auto(module_lock) struct zca_module *held = zca_module_look(token->module);
    zca_auto(zca_values) struct zca_values *values = zca_values_copy(object->values);
    *out_changes = object->changes;
    CK_RV rv = values ? zca_values_apply(values, object->class, template, ZCA_ORIGIN_CHANGE)
                      : CKR_HOST_MEMORY;
    if (rv == CKR_OK && zca_template_get_boolean(template, CKA_TRUSTED, false)) {
        rv = check_login(token, values);
    }
    *out_values = rv == CKR_OK ? zca_steal(values) : *out_values;
    return rv;
}

/* Takes the values unless others have come in between. */
static CK_RV replace(struct zca_token *token, struct zca_object *object, struct zca_values **values,
                     unsigned changes)
{
    zca_auto(module_lock) struct zca_module *alone = zca_module_change(token->module);
    if (zca_objects_find(token->objects, object->handle) != object) {
        return CKR_OBJECT_HANDLE_INVALID;
    }
    if (object->changes == changes) {
        zca_objects_replace_values(token->objects, object, zca_steal(*values));
    }
    return CKR_OK;
}

CK_RV zca_object_change(struct zca_session *session, struct zca_object *object,
                        const struct zca_template *template)
{
    struct zca_token *token = session->token;
    bool is_stored = object->owner == 0;
    bool is_done = false;
    CK_RV rv = is_stored ? check_storage(session, token->kind->change) : CKR_OK;
    while (rv == CKR_OK && !is_done) {
        unsigned changes = 0;
        zca_auto(zca_values) struct zca_values *values = NULL;
        rv = get_changed(token, object, template, &values, &changes);
        if (rv == CKR_OK && is_stored) {
            rv = token->kind->change(token, object, values);
        }
        if (rv == CKR_OK) {
            rv = replace(token, object, &values, changes);
        }
        is_done = !values; /* else again, on top of what another thread changed */
    }
    return rv;
}

/* ---- what is read of keys ---- */

bool zca_template_is_of_keys(const struct zca_template *template)
{
    for (CK_ULONG i = 0; i < template->count; i++) {
        const struct zca_attribute_row *row =
            zca_attribute_of(template->attributes[i].type, ZCA_CLASS_PUBLIC);
        if (row && (row->flags & ZCA_ATTRIBUTE_OF_KEY) != 0) {
            return true;
        }
    }
    return false;
}

/* A key that was generated and not yet asked for its point; under the lock. */
static bool is_undescribed(const struct zca_object *object)
{
    struct zca_span ignored;
    return object->key && !zca_values_find(object->values, CKA_PUBLIC_KEY_INFO, &ignored);
}

static CK_RV copy_undescribed(struct zca_token *token, const struct zca_object *object,
                              struct zca_values **out_values, unsigned *out_changes)
{
    zca_auto(module_lock) struct zca_module *held = zca_module_look(token->module);
    if (!is_undescribed(object)) {
        return CKR_OK;
    }
    *out_changes = object->changes;
    *out_values = zca_values_copy(object->values);
    return *out_values ? CKR_OK : CKR_HOST_MEMORY;
}

CK_RV zca_object_describe(struct zca_token *token, struct zca_object *object)
{
    CK_RV rv = CKR_OK;
    bool is_done = false;
    while (rv == CKR_OK && !is_done) {
        unsigned changes = 0;
        zca_auto(zca_values) struct zca_values *values = NULL;
        rv = copy_undescribed(token, object, &values, &changes);
        if (rv == CKR_OK && values) {
            rv = zca_material_describe(object->key, object->class, values);
        }
        if (rv == CKR_OK && values) {
            rv = replace(token, object, &values, changes);
        }
        is_done = !values;
    }
    return rv;
}

struct undescribed {
    struct zca_object **objects; /* references */
    size_t count, capacity;
};

static void undescribed_clear(struct undescribed *undescribed)
{
    for (size_t i = 0; i < undescribed->count; i++) {
        zca_object_free(undescribed->objects[i]);
    }
    free(undescribed->objects);
}

ZCA_DEFINE_AUTO_CLEAR(undescribed, struct undescribed, undescribed_clear);

static bool collect(void *argument, struct zca_object *object)
{
    struct undescribed *undescribed = argument;
    if (is_undescribed(object) && undescribed->count < undescribed->capacity) {
        undescribed->objects[undescribed->count++] = zca_object_ref(object);
    }
    return true;
}

static CK_RV collect_all(struct zca_token *token, struct undescribed *out_undescribed)
{
    zca_auto(module_lock) struct zca_module *held = zca_module_look(token->module);
    out_undescribed->capacity = zca_objects_get_count(token->objects);
    out_undescribed->objects =
        calloc(out_undescribed->capacity + 1, sizeof(*out_undescribed->objects));
    if (!out_undescribed->objects) {
        return CKR_HOST_MEMORY;
    }
    zca_objects_visit(token->objects, NULL, collect, out_undescribed);
    return CKR_OK;
}

CK_RV zca_token_describe(struct zca_token *token)
{
    zca_auto(undescribed) struct undescribed undescribed = {0};
    CK_RV rv = collect_all(token, &undescribed);
    for (size_t i = 0; rv == CKR_OK && i < undescribed.count; i++) {
        rv = zca_object_describe(token, undescribed.objects[i]);
        rv = rv == CKR_OBJECT_HANDLE_INVALID ? CKR_OK : rv; /* destroyed meanwhile */
    }
    return rv;
}
