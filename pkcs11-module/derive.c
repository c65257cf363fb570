/* SPDX-License-Identifier: Apache-2.0 */
/*
 * C_DeriveKey: ECDH without a key derivation function (PKCS#11 3.0, 5.18; current mechanisms, 2.3.14). The secret becomes
 * a session or token object, shortened at its beginning where the template wants less.
 */
#include <string.h>

#include "base/openssl_auto.h"
#include "pkcs11-module/call.h"
#include "pkcs11-module/create.h"
#include "pkcs11-module/error.h"
#include "pkcs11-module/secret.h"

/* The point as it is, or in an OCTET STRING as CKA_EC_POINT is: only the lengths tell, both begin with 4. */
static struct zca_span unwrap_point(struct zca_span given, size_t point_len)
{
    size_t header = point_len < 0x80 ? 2 : 3;
    bool is_wrapped = given.len == point_len + header && given.data[0] == V_ASN1_OCTET_STRING &&
                      given.data[header - 1] == point_len;
    return is_wrapped ? zca_span_of(given.data + header, point_len) : given;
}

/* The public key of the other side, which must be a point on our curve, but not the one at infinity, whose encoding is one
 * byte. NULL: it is not. */
static EVP_PKEY *make_peer(const EVP_PKEY *key, struct zca_span given)
{
    size_t field_len = ((size_t)EVP_PKEY_get_bits(key) + 7) / 8;
    struct zca_span point = unwrap_point(given, 1 + 2 * field_len);
    zca_auto(EVP_PKEY) EVP_PKEY *peer = EVP_PKEY_new();
    bool is_good = peer && point.len > 1 && EVP_PKEY_copy_parameters(peer, key) == 1 &&
                   EVP_PKEY_set1_encoded_public_key(peer, point.data, point.len) == 1;
    return is_good ? zca_steal(peer) : NULL;
}

static CK_RV fail(const struct zca_session *session)
{
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    (void)zca_error_set_crypto(&err, "deriving a key"); /* false */
    return zca_pkcs11_fail(session->token->library, &err);
}

static CK_RV agree(const struct zca_session *session, EVP_PKEY *key, struct zca_span peer_point,
                   struct zca_buffer *out_secret)
{
    zca_auto(error_mark) int mark = ERR_set_mark();
    CK_RV rv = CKR_OK;
    OSSL_LIB_CTX *library_context = zca_token_context(session->token, &rv);
    if (!library_context) {
        return rv;
    }
    zca_auto(EVP_PKEY) EVP_PKEY *peer = make_peer(key, peer_point);
    if (!peer) {
        return CKR_MECHANISM_PARAM_INVALID;
    }
    size_t len = 0;
    zca_auto(EVP_PKEY_CTX) EVP_PKEY_CTX *context =
        EVP_PKEY_CTX_new_from_pkey(library_context, key, NULL);
    if (!context || EVP_PKEY_derive_init(context) != 1 ||
        EVP_PKEY_derive_set_peer(context, peer) != 1 || EVP_PKEY_derive(context, NULL, &len) != 1) {
        return fail(session);
    }
    if (!zca_buffer_resize(out_secret, len, NULL)) {
        return CKR_HOST_MEMORY;
    }
    return EVP_PKEY_derive(context, out_secret->data, &len) == 1 ? CKR_OK : fail(session);
}

/* Removes bytes from the beginning until the rest has the length that the template wants. */
static CK_RV shorten(struct zca_buffer *secret, const struct zca_values *values)
{
    CK_KEY_TYPE type = zca_values_get_number(values, CKA_KEY_TYPE, CKK_GENERIC_SECRET);
    CK_ULONG len = zca_values_get_number(values, CKA_VALUE_LEN, secret->len);
    CK_RV rv = len > secret->len ? CKR_KEY_SIZE_RANGE : zca_secret_fits(type, len);
    if (rv != CKR_OK) {
        return rv;
    }
    memmove(secret->data, secret->data + secret->len - len, len);
    return zca_buffer_resize(secret, len, NULL) ? CKR_OK : CKR_HOST_MEMORY;
}

/* The attributes that the template does not say: a secret is as well kept as the key that it comes from. */
static CK_RV complete(const struct zca_session *session, const struct zca_object *base, size_t len,
                      struct zca_values *values)
{
    bool was_sensitive, was_kept;
    {
        zca_auto(module_lock) struct zca_module *held = zca_module_look(session->token->module);
        was_sensitive = zca_values_get_boolean(base->values, CKA_ALWAYS_SENSITIVE, false);
        was_kept = zca_values_get_boolean(base->values, CKA_NEVER_EXTRACTABLE, false);
    }
    bool is_sensitive = zca_values_get_boolean(values, CKA_SENSITIVE, true);
    bool is_extractable = zca_values_get_boolean(values, CKA_EXTRACTABLE, false);
    CK_RV rv = zca_values_set_number(
        values, CKA_KEY_TYPE, zca_values_get_number(values, CKA_KEY_TYPE, CKK_GENERIC_SECRET));
    rv = rv ? rv : zca_values_set_number(values, CKA_VALUE_LEN, len);
    rv = rv ? rv : zca_values_set_boolean(values, CKA_LOCAL, false);
    rv = rv ? rv : zca_values_set_number(values, CKA_KEY_GEN_MECHANISM, CK_UNAVAILABLE_INFORMATION);
    rv = rv ? rv
            : zca_values_set_boolean(values, CKA_ALWAYS_SENSITIVE, was_sensitive && is_sensitive);
    return rv ? rv
              : zca_values_set_boolean(values, CKA_NEVER_EXTRACTABLE, was_kept && !is_extractable);
}

/* What must be right before anything is computed; out_base: a new reference. */
static CK_RV check_base(struct zca_session *session, const CK_MECHANISM *given,
                        CK_OBJECT_HANDLE handle, struct zca_object **out_base)
{
    const struct zca_mechanism *mechanism =
        zca_mechanism_find(given->mechanism, session->token->places);
    if (!mechanism || !(mechanism->flags & CKF_DERIVE)) {
        return CKR_MECHANISM_INVALID;
    }
    zca_auto(zca_object) struct zca_object *base = NULL;
    CK_ULONG bits = 0;
    struct zca_parameters parameters;
    CK_RV rv = zca_session_key(session, handle, &base);
    rv = rv ? rv
            : zca_operation_check_key(session, base, CKO_PRIVATE_KEY, CKA_DERIVE, mechanism, &bits);
    rv = rv ? rv : zca_parameters_read(mechanism, given, bits, &parameters);
    if (rv == CKR_OK && !base->key) {
        return CKR_KEY_FUNCTION_NOT_PERMITTED; /* it is elsewhere */
    }
    *out_base = rv ? NULL : zca_steal(base);
    return rv;
}

static CK_RV derive_key(struct zca_session *session, const CK_MECHANISM *given,
                        CK_OBJECT_HANDLE base_handle, const struct zca_template *template,
                        CK_OBJECT_HANDLE *out_handle)
{
    zca_auto(zca_object) struct zca_object *base = NULL;
    zca_auto(zca_values) struct zca_values *values = NULL;
    zca_auto(zca_buffer) struct zca_buffer secret = ZCA_SECRET_BUFFER;
    CK_RV rv = check_base(session, given, base_handle, &base);
    rv = rv ? rv : zca_values_from_template(CKO_SECRET_KEY, template, ZCA_ORIGIN_GENERATE, &values);
    rv = rv ? rv : zca_object_may_show(session, values);
    if (rv != CKR_OK) {
        return rv;
    }
    CK_ECDH1_DERIVE_PARAMS ecdh;
    memcpy(&ecdh, given->pParameter, sizeof(ecdh));
    rv = agree(session, base->key, zca_span_of(ecdh.pPublicData, ecdh.ulPublicDataLen), &secret);
    rv = rv ? rv : shorten(&secret, values);
    rv = rv ? rv : complete(session, base, secret.len, values);
    return rv ? rv : zca_secret_show(session, zca_steal(values), &secret, out_handle);
}

static CK_RV check_and_derive(struct zca_session *session, const CK_MECHANISM *given,
                              CK_OBJECT_HANDLE base, const CK_ATTRIBUTE *attributes, CK_ULONG count,
                              CK_OBJECT_HANDLE *out_handle)
{
    struct zca_template template;
    CK_RV rv =
        given && out_handle ? zca_template_check(attributes, count, &template) : CKR_ARGUMENTS_BAD;
    return rv ? rv : derive_key(session, given, base, &template, out_handle);
}

CK_RV C_DeriveKey(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE base_key,
                  CK_ATTRIBUTE *attributes, CK_ULONG count, CK_OBJECT_HANDLE *key)
{
    zca_auto(zca_call) struct zca_call call = zca_call_begin_session("C_DeriveKey", session);
    return call.rv ? call.rv
                   : zca_call_end(&call, check_and_derive(call.session, mechanism, base_key,
                                                          attributes, count, key));
}
