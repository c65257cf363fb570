/* SPDX-License-Identifier: Apache-2.0 */
/* Templates made objects of: C_CreateObject and C_CopyObject (PKCS#11 3.0, 5.7). */
#include "pkcs11-module/create.h"

#include "base/openssl_auto.h"
#include "base/pem.h"
#include "pkcs11-module/call.h"
#include "pkcs11-module/material.h"

/* Shorter RSA keys are of the past: option legacy-mechanisms. */
#define MIN_RSA_BITS 2048

/* ---- C_CreateObject ---- */

/* An object in the making. */
struct creation {
    struct zca_session *session;
    CK_OBJECT_CLASS class;
    const struct zca_template *template;
    struct zca_values *values;
    EVP_PKEY *key;
    struct zca_buffer secret;
};

static void creation_clear(struct creation *creation)
{
    zca_values_free(creation->values);
    EVP_PKEY_free(creation->key);
    zca_buffer_clear(&creation->secret);
}

ZCA_DEFINE_AUTO_CLEAR(creation, struct creation, creation_clear);

static struct zca_span given_bytes(const struct zca_template *template, CK_ATTRIBUTE_TYPE type)
{
    const CK_ATTRIBUTE *given = zca_template_find(template, type);
    return given ? zca_span_of(given->pValue, given->ulValueLen) : (struct zca_span){0};
}

static CK_RV make_plain(struct creation *creation)
{
    (void)creation; /* the values are all there is */
    return CKR_OK;
}

static CK_RV make_certificate(struct creation *creation)
{
    CK_RV rv = CKR_OK;
    struct zca_span der = given_bytes(creation->template, CKA_VALUE);
    OSSL_LIB_CTX *context = zca_token_context(creation->session->token, &rv);
    if (!context) {
        return rv;
    }
    if (der.len == 0) {
        return CKR_TEMPLATE_INCOMPLETE;
    }
    if (zca_template_get_number(creation->template, CKA_CERTIFICATE_TYPE, CKC_X_509) != CKC_X_509) {
        return CKR_ATTRIBUTE_VALUE_INVALID;
    }
    zca_auto(X509) X509 *certificate = zca_der_parse_certificate(context, der, NULL);
    return certificate ? zca_material_certificate(context, certificate, creation->values)
                       : CKR_ATTRIBUTE_VALUE_INVALID;
}

static CK_RV check_key(const struct creation *creation)
{
    bool is_short =
        EVP_PKEY_is_a(creation->key, "RSA") && EVP_PKEY_get_bits(creation->key) < MIN_RSA_BITS;
    if (is_short && (creation->session->token->places & ZCA_ON_LEGACY) == 0) {
        return CKR_KEY_SIZE_RANGE;
    }
    struct zca_span found = {0};
    struct zca_span given = given_bytes(creation->template, CKA_PUBLIC_KEY_INFO);
    (void)zca_values_find(creation->values, CKA_PUBLIC_KEY_INFO, &found); /* every key has it */
    return given.len == 0 || zca_span_equal(given, found) ? CKR_OK : CKR_TEMPLATE_INCONSISTENT;
}

static CK_RV make_key(struct creation *creation)
{
    CK_RV rv = CKR_OK;
    struct zca_token *token = creation->session->token;
    OSSL_LIB_CTX *context = zca_token_context(token, &rv);
    if (!context) {
        return rv;
    }
    zca_library_secure_memory(token->library);
    rv = zca_material_import(context, creation->class, creation->template, &creation->key);
    if (rv == CKR_OK) {
        rv = zca_material_describe(creation->key, creation->class, creation->values);
    }
    return rv == CKR_OK ? check_key(creation) : rv;
}

static CK_RV make_secret(struct creation *creation)
{
    struct zca_span value = given_bytes(creation->template, CKA_VALUE);
    CK_ULONG none = CK_UNAVAILABLE_INFORMATION;
    CK_KEY_TYPE key_type = zca_template_get_number(creation->template, CKA_KEY_TYPE, none);
    if (key_type == none || value.len == 0) {
        return CKR_TEMPLATE_INCOMPLETE;
    }
    if (key_type != CKK_GENERIC_SECRET) {
        return CKR_ATTRIBUTE_VALUE_INVALID;
    }
    return zca_buffer_append(&creation->secret, value, NULL)
               ? zca_values_set_number(creation->values, CKA_VALUE_LEN, value.len)
               : CKR_HOST_MEMORY;
}

static const struct {
    CK_OBJECT_CLASS class;
    CK_RV (*make)(struct creation *creation);
} makers[] = {
    {CKO_DATA,        make_plain      },
    {CKO_CERTIFICATE, make_certificate},
    {CKO_PUBLIC_KEY,  make_key        },
    {CKO_PRIVATE_KEY, make_key        },
    {CKO_SECRET_KEY,  make_secret     },
    {CKO_NSS_TRUST,   make_plain      },
};

static CK_RV make(struct creation *creation)
{
    for (size_t i = 0; i < ZCA_COUNT(makers); i++) {
        if (makers[i].class == creation->class) {
            return makers[i].make(creation);
        }
    }
    return CKR_ATTRIBUTE_VALUE_INVALID;
}

/* The object is the token's own: what the template names it has no effect. */
static CK_RV import(struct creation *creation, CK_OBJECT_HANDLE *out_handle)
{
    struct zca_span der = {0};
    struct zca_token *token = creation->session->token;
    zca_auto(zca_object) struct zca_object *object = NULL;
    (void)zca_values_find(creation->values, CKA_VALUE, &der); /* every certificate has it */
    CK_RV rv = zca_object_may_show(creation->session, creation->values);
    if (rv == CKR_OK) {
        rv = token->kind->import(token, der, &object);
    }
    if (rv == CKR_OK) {
        *out_handle = object->handle;
    }
    return rv;
}

static CK_RV show(struct creation *creation, CK_OBJECT_HANDLE *out_handle)
{
    if (zca_object_is_import(creation->session->token, creation->values)) {
        return import(creation, out_handle);
    }
    zca_auto(zca_object) struct zca_object *object =
        zca_object_new(zca_steal(creation->values), zca_steal(creation->key));
    if (!object) {
        return CKR_HOST_MEMORY;
    }
    zca_buffer_move(&object->secret, &creation->secret);
    CK_OBJECT_HANDLE handle = object->handle;
    CK_RV rv = zca_object_show(creation->session, object);
    if (rv == CKR_OK) {
        object = NULL; /* the token has the reference */
        *out_handle = handle;
    }
    return rv;
}

static CK_RV create_object(struct zca_session *session, const CK_ATTRIBUTE *attributes,
                           CK_ULONG count, CK_OBJECT_HANDLE *out_handle)
{
    struct zca_template template = {0};
    CK_RV rv = out_handle && attributes ? zca_template_check(attributes, count, &template)
                                        : CKR_ARGUMENTS_BAD;
    if (rv != CKR_OK) {
        return rv;
    }
    if (!zca_template_find(&template, CKA_CLASS)) {
        return CKR_TEMPLATE_INCOMPLETE;
    }
    zca_auto(creation) struct creation creation = {
        .session = session,
        .class = zca_template_get_number(&template, CKA_CLASS, CK_UNAVAILABLE_INFORMATION),
        .template = &template,
        .secret = ZCA_SECRET_BUFFER,
    };
    rv = zca_values_from_template(creation.class, &template, ZCA_ORIGIN_CREATE, &creation.values);
    if (rv == CKR_OK) {
        rv = zca_object_may_show(session, creation.values);
    }
    if (rv == CKR_OK) {
        rv = make(&creation);
    }
    return rv == CKR_OK ? show(&creation, out_handle) : rv;
}

CK_RV C_CreateObject(CK_SESSION_HANDLE session, CK_ATTRIBUTE *attributes, CK_ULONG count,
                     CK_OBJECT_HANDLE *object)
{
    zca_auto(zca_call) struct zca_call call = zca_call_begin_session("C_CreateObject", session);
    return call.rv ? call.rv
                   : zca_call_end(&call, create_object(call.session, attributes, count, object));
}

/* ---- C_CopyObject ---- */

static CK_RV copy_values(struct zca_session *session, const struct zca_object *object,
                         struct zca_values **out_values)
{
    zca_auto(module_lock) struct zca_module *held = zca_module_look(session->token->module);
    if (!zca_values_get_boolean(object->values, CKA_COPYABLE, true)) {
        return CKR_ACTION_PROHIBITED;
    }
    *out_values = zca_values_copy(object->values);
    return *out_values ? CKR_OK : CKR_HOST_MEMORY;
}

/* A copy is no way to have a private object seen without login, or to have it trusted. */
static CK_RV check_copy(const struct zca_object *original, struct zca_values *values)
{
    if (original->is_private && !zca_values_get_boolean(values, CKA_PRIVATE, false)) {
        return CKR_TEMPLATE_INCONSISTENT;
    }
    return zca_values_get_boolean(values, CKA_TRUSTED, false)
               ? zca_values_set_boolean(values, CKA_TRUSTED, false)
               : CKR_OK;
}

static CK_RV fill_copy(struct creation *creation, const struct zca_object *original)
{
    CK_RV rv = copy_values(creation->session, original, &creation->values);
    if (rv == CKR_OK) {
        rv = zca_values_apply(creation->values, original->class, creation->template,
                              ZCA_ORIGIN_COPY);
    }
    if (rv == CKR_OK) {
        rv = check_copy(original, creation->values);
    }
    if (rv != CKR_OK) {
        return rv;
    }
    if (original->key && EVP_PKEY_up_ref(original->key) == 1) {
        creation->key = original->key;
    }
    return zca_buffer_append(&creation->secret, zca_buffer_span(&original->secret), NULL)
               ? CKR_OK
               : CKR_HOST_MEMORY;
}

static CK_RV copy_object(struct zca_session *session, CK_OBJECT_HANDLE handle,
                         const struct zca_template *template, CK_OBJECT_HANDLE *out_handle)
{
    if (!out_handle) {
        return CKR_ARGUMENTS_BAD;
    }
    zca_auto(zca_object) struct zca_object *original = NULL;
    CK_RV rv = zca_session_key(session, handle, &original);
    if (rv != CKR_OK) {
        return rv == CKR_KEY_HANDLE_INVALID ? CKR_OBJECT_HANDLE_INVALID : rv;
    }
    zca_auto(creation) struct creation creation = {
        .session = session,
        .class = original->class,
        .template = template,
        .secret = ZCA_SECRET_BUFFER,
    };
    rv = zca_object_describe(session->token, original);
    if (rv == CKR_OK) {
        rv = fill_copy(&creation, original);
    }
    return rv == CKR_OK ? show(&creation, out_handle) : rv;
}

CK_RV C_CopyObject(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object, CK_ATTRIBUTE *attributes,
                   CK_ULONG count, CK_OBJECT_HANDLE *copy)
{
    zca_auto(zca_call) struct zca_call call = zca_call_begin_session("C_CopyObject", session);
    struct zca_template template = {0};
    if (call.rv == CKR_OK) {
        call.rv = zca_template_check(attributes, count, &template);
    }
    return call.rv ? call.rv
                   : zca_call_end(&call, copy_object(call.session, object, &template, copy));
}
