/* SPDX-License-Identifier: Apache-2.0 */
/* Searching: the token brings itself up to date first, then the handles that match are noted, of one moment. */
#include <stdlib.h>
#include <string.h>

#include "pkcs11-module/call.h"
#include "pkcs11-module/create.h"

static void end_find(struct zca_session *session)
{
    free(session->find.handles);
    session->find = (struct zca_find){0};
}

static bool session_is_open(struct zca_session *session)
{
    zca_auto(module_lock) struct zca_module *held = zca_module_look(session->token->module);
    return zca_token_is_open(session->token);
}

static void read_search(struct zca_session *session, const struct zca_template *template,
                        struct zca_search *out_search)
{
    const CK_ATTRIBUTE *id = zca_template_find(template, CKA_ID);
    const CK_ATTRIBUTE *class = zca_template_find(template, CKA_CLASS);
    *out_search = (struct zca_search){
        .template = *template,
        .has_class = class && class->ulValueLen == sizeof(CK_OBJECT_CLASS),
        .class = zca_template_get_number(template, CKA_CLASS, CK_UNAVAILABLE_INFORMATION),
        .has_id = id != NULL,
        .id = id ? zca_span_of(id->pValue, id->ulValueLen) : (struct zca_span){0},
        .names_one = id || zca_template_find(template, CKA_UNIQUE_ID),
        .is_open = session_is_open(session),
    };
}

/* ---- matching ---- */

struct matching {
    const struct zca_search *search;
    bool is_open; /* now */
    struct zca_find *find;
    size_t capacity;
    CK_RV rv;
};

static bool matches(const struct matching *matching, const struct zca_object *object)
{
    const struct zca_search *search = matching->search;
    return !object->is_hidden && (!object->is_private || matching->is_open) &&
           (!object->is_superseded || search->names_one) &&
           (!search->has_class || search->class == object->class) &&
           zca_values_match(object->values, &search->template);
}

static bool note(void *argument, struct zca_object *object)
{
    struct matching *matching = argument;
    struct zca_find *find = matching->find;
    if (!matches(matching, object)) {
        return true;
    }
    if (find->num_handles == matching->capacity) {
        size_t capacity = matching->capacity == 0 ? 8 : matching->capacity * 2;
        CK_OBJECT_HANDLE *handles = realloc(find->handles, capacity * sizeof(*handles));
        if (!handles) {
            matching->rv = CKR_HOST_MEMORY;
            return false;
        }
        find->handles = handles;
        matching->capacity = capacity;
    }
    find->handles[find->num_handles++] = object->handle;
    return true;
}

static CK_RV find_now(struct zca_session *session, const struct zca_search *search)
{
    zca_auto(module_lock) struct zca_module *held = zca_module_look(session->token->module);
    struct matching matching = {
        .search = search,
        .is_open = zca_token_is_open(session->token),
        .find = &session->find,
    };
    zca_objects_visit(session->token->objects, search->has_id ? &search->id : NULL, note,
                      &matching);
    return matching.rv;
}

/* ---- C_FindObjectsInit, C_FindObjects, C_FindObjectsFinal ---- */

static CK_RV find_init(struct zca_session *session, const CK_ATTRIBUTE *attributes, CK_ULONG count)
{
    struct zca_template template = {0};
    struct zca_search search = {0};
    if (session->find.is_active) {
        return CKR_OPERATION_ACTIVE;
    }
    CK_RV rv = zca_template_check(attributes, count, &template);
    if (rv != CKR_OK) {
        return rv;
    }
    read_search(session, &template, &search);
    rv = session->token->kind->search ? session->token->kind->search(session->token, &search)
                                      : CKR_OK;
    if (rv == CKR_OK && zca_template_is_of_keys(&template)) {
        rv = zca_token_describe(session->token);
    }
    if (rv == CKR_OK) {
        rv = find_now(session, &search);
    }
    if (rv != CKR_OK) {
        end_find(session);
        return rv;
    }
    session->find.is_active = true;
    return CKR_OK;
}

CK_RV C_FindObjectsInit(CK_SESSION_HANDLE handle, CK_ATTRIBUTE *attributes, CK_ULONG count)
{
    zca_auto(zca_call) struct zca_call call = zca_call_begin_session("C_FindObjectsInit", handle);
    return call.rv ? call.rv : zca_call_end(&call, find_init(call.session, attributes, count));
}

static CK_RV find_objects(struct zca_session *session, CK_OBJECT_HANDLE *objects, CK_ULONG max,
                          CK_ULONG *out_count)
{
    struct zca_find *find = &session->find;
    if (!find->is_active) {
        return CKR_OPERATION_NOT_INITIALIZED;
    }
    if (!out_count || (!objects && max != 0)) {
        return CKR_ARGUMENTS_BAD;
    }
    size_t left = find->num_handles - find->next;
    size_t num_found = left < max ? left : max;
    if (num_found != 0) {
        memcpy(objects, find->handles + find->next, num_found * sizeof(*objects));
    }
    find->next += num_found;
    *out_count = num_found;
    return CKR_OK;
}

CK_RV C_FindObjects(CK_SESSION_HANDLE handle, CK_OBJECT_HANDLE *objects, CK_ULONG max,
                    CK_ULONG *out_count)
{
    zca_auto(zca_call) struct zca_call call = zca_call_begin_session("C_FindObjects", handle);
    return call.rv ? call.rv
                   : zca_call_end(&call, find_objects(call.session, objects, max, out_count));
}

static CK_RV find_final(struct zca_session *session)
{
    CK_RV rv = session->find.is_active ? CKR_OK : CKR_OPERATION_NOT_INITIALIZED;
    end_find(session);
    return rv;
}

CK_RV C_FindObjectsFinal(CK_SESSION_HANDLE handle)
{
    zca_auto(zca_call) struct zca_call call = zca_call_begin_session("C_FindObjectsFinal", handle);
    return call.rv ? call.rv : zca_call_end(&call, find_final(call.session));
}
