/* SPDX-License-Identifier: Apache-2.0 */
/* Attributes told and changed, objects destroyed (PKCS#11 3.0, 5.7). */
#include <string.h>

#include "pkcs11-module/call.h"
#include "pkcs11-module/create.h"
#include "pkcs11-module/material.h"

/* ---- C_GetAttributeValue ---- */

/* An answer that is none: the length says so. */
static CK_RV refuse(CK_ATTRIBUTE *asked, CK_RV rv)
{
    asked->ulValueLen = CK_UNAVAILABLE_INFORMATION;
    return rv;
}

static CK_RV tell(CK_ATTRIBUTE *asked, struct zca_span value)
{
    if (asked->pValue && asked->ulValueLen < value.len) {
        return refuse(asked, CKR_BUFFER_TOO_SMALL);
    }
    if (asked->pValue && value.len != 0) {
        memcpy(asked->pValue, value.data, value.len);
    }
    asked->ulValueLen = value.len;
    return CKR_OK;
}

static bool is_secret(const struct zca_object *object, CK_ATTRIBUTE_TYPE type)
{
    const struct zca_attribute_row *row = zca_attribute_of(type, zca_class_bit(object->class));
    return row && (row->flags & ZCA_ATTRIBUTE_SECRET) != 0;
}

static bool asks_for_secrets(const struct zca_object *object, const CK_ATTRIBUTE *attributes,
                             CK_ULONG count)
{
    CK_ULONG i = 0;
    while (i < count && !is_secret(object, attributes[i].type)) {
        i++;
    }
    return i < count;
}

static bool may_tell_secrets(struct zca_session *session, const struct zca_object *object)
{
    zca_auto(module_lock) struct zca_module *held = zca_module_look(session->token->module);
    return !zca_values_get_boolean(object->values, CKA_SENSITIVE, true) &&
           zca_values_get_boolean(object->values, CKA_EXTRACTABLE, false);
}

/* CKR_OK: they may be told, and are there to be told. */
static CK_RV judge_secrets(struct zca_session *session, struct zca_object *object)
{
    return may_tell_secrets(session, object) ? zca_session_unseal(session, object)
                                             : CKR_ATTRIBUTE_SENSITIVE;
}

static CK_RV tell_kept(const struct zca_object *object, CK_ATTRIBUTE *asked)
{
    struct zca_span value;
    return zca_values_find(object->values, asked->type, &value)
               ? tell(asked, value)
               : refuse(asked, CKR_ATTRIBUTE_TYPE_INVALID);
}

/* judgement   of judge_secrets. */
static CK_RV tell_secret(const struct zca_object *object, CK_RV judgement, CK_ATTRIBUTE *asked)
{
    zca_auto(zca_buffer) struct zca_buffer value = ZCA_SECRET_BUFFER;
    CK_RV rv = judgement ? judgement : zca_material_secret(object, asked->type, &value);
    return rv == CKR_OK ? tell(asked, zca_buffer_span(&value)) : refuse(asked, rv);
}

static bool asks_of_key(const CK_ATTRIBUTE *attributes, CK_ULONG count)
{
    const struct zca_template asked = {attributes, count};
    return zca_template_is_of_keys(&asked);
}

/* The first complaint is the answer of the call; the other attributes are told all the same. */
static void note(CK_RV *answer, CK_RV rv)
{
    *answer = *answer == CKR_OK ? rv : *answer;
}

/* Values are looked at under the lock; reading a key is not done there. */
static CK_RV get_values(struct zca_session *session, const struct zca_object *object,
                        CK_ATTRIBUTE *attributes, CK_ULONG count)
{
    CK_RV answer = CKR_OK;
    zca_auto(module_lock) struct zca_module *held = zca_module_look(session->token->module);
    for (CK_ULONG i = 0; i < count; i++) {
        if (!is_secret(object, attributes[i].type)) {
            note(&answer, tell_kept(object, &attributes[i]));
        }
    }
    return answer;
}

static CK_RV get_secrets(struct zca_session *session, struct zca_object *object,
                         CK_ATTRIBUTE *attributes, CK_ULONG count)
{
    CK_RV answer = CKR_OK;
    CK_RV judgement = judge_secrets(session, object);
    for (CK_ULONG i = 0; i < count; i++) {
        if (is_secret(object, attributes[i].type)) {
            note(&answer, tell_secret(object, judgement, &attributes[i]));
        }
    }
    return answer;
}

static CK_RV get_attributes(struct zca_session *session, CK_OBJECT_HANDLE handle,
                            CK_ATTRIBUTE *attributes, CK_ULONG count)
{
    if ((!attributes && count != 0) || count > ZCA_MAX_ATTRIBUTES) {
        return CKR_ARGUMENTS_BAD;
    }
    zca_auto(zca_object) struct zca_object *object = zca_session_object(session, handle);
    if (!object) {
        return CKR_OBJECT_HANDLE_INVALID;
    }
    if (asks_of_key(attributes, count)) {
        CK_RV rv = zca_object_describe(session->token, object);
        if (rv != CKR_OK) {
            return rv;
        }
    }
    CK_RV answer = get_values(session, object, attributes, count);
    if (asks_for_secrets(object, attributes, count)) {
        note(&answer, get_secrets(session, object, attributes, count));
    }
    return answer;
}

CK_RV C_GetAttributeValue(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object,
                          CK_ATTRIBUTE *attributes, CK_ULONG count)
{
    zca_auto(zca_call) struct zca_call call = zca_call_begin_shared("C_GetAttributeValue", session);
    return call.rv ? call.rv
                   : zca_call_end(&call, get_attributes(call.session, object, attributes, count));
}

/* ---- C_SetAttributeValue ---- */

static CK_RV set_attributes(struct zca_session *session, CK_OBJECT_HANDLE handle,
                            const CK_ATTRIBUTE *attributes, CK_ULONG count)
{
    struct zca_template template = {0};
    CK_RV rv = attributes ? zca_template_check(attributes, count, &template) : CKR_ARGUMENTS_BAD;
    if (rv != CKR_OK) {
        return rv;
    }
    zca_auto(zca_object) struct zca_object *object = zca_session_object(session, handle);
    if (!object) {
        return CKR_OBJECT_HANDLE_INVALID;
    }
    return zca_object_allows(session, object, CKA_MODIFIABLE)
               ? zca_object_change(session, object, &template)
               : CKR_ACTION_PROHIBITED;
}

CK_RV C_SetAttributeValue(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object,
                          CK_ATTRIBUTE *attributes, CK_ULONG count)
{
    zca_auto(zca_call) struct zca_call call =
        zca_call_begin_session("C_SetAttributeValue", session);
    return call.rv ? call.rv
                   : zca_call_end(&call, set_attributes(call.session, object, attributes, count));
}

/* ---- C_GetObjectSize, C_DestroyObject ---- */

/* What the values take; what a key takes is nobody's business. */
static CK_RV get_size(struct zca_session *session, CK_OBJECT_HANDLE handle, CK_ULONG *out_size)
{
    if (!out_size) {
        return CKR_ARGUMENTS_BAD;
    }
    zca_auto(zca_object) struct zca_object *object = zca_session_object(session, handle);
    if (!object) {
        return CKR_OBJECT_HANDLE_INVALID;
    }
    CK_ULONG size = 0;
    zca_auto(module_lock) struct zca_module *held = zca_module_look(session->token->module);
    for (size_t i = 0; i < zca_values_get_count(object->values); i++) {
        struct zca_span value;
        (void)zca_values_get_at(object->values, i, &value); /* its type does not matter */
        size += sizeof(CK_ATTRIBUTE) + value.len;
    }
    *out_size = size;
    return CKR_OK;
}

CK_RV C_GetObjectSize(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object, CK_ULONG *size)
{
    zca_auto(zca_call) struct zca_call call = zca_call_begin_shared("C_GetObjectSize", session);
    return call.rv ? call.rv : zca_call_end(&call, get_size(call.session, object, size));
}

static CK_RV destroy_object(struct zca_session *session, CK_OBJECT_HANDLE handle)
{
    zca_auto(zca_object) struct zca_object *object = zca_session_object(session, handle);
    if (!object) {
        return CKR_OBJECT_HANDLE_INVALID;
    }
    return zca_object_allows(session, object, CKA_DESTROYABLE) ? zca_object_hide(session, object)
                                                               : CKR_ACTION_PROHIBITED;
}

CK_RV C_DestroyObject(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object)
{
    zca_auto(zca_call) struct zca_call call = zca_call_begin_session("C_DestroyObject", session);
    return call.rv ? call.rv : zca_call_end(&call, destroy_object(call.session, object));
}
