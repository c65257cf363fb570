/* SPDX-License-Identifier: Apache-2.0 */
/* Operations: how they begin, take data and end. What they do with a key is in sign.c, verify.c and cipher.c. */
#include "pkcs11-module/operation.h"

#include <string.h>

#include <openssl/core_names.h>
#include <openssl/params.h>

#include "base/algorithm.h"
#include "pkcs11-module/attribute.h"
#include "pkcs11-module/error.h"
#include "pkcs11-module/material.h"
#include "pkcs11-module/session.h"

/* What is collected: for a key elsewhere in one request; else in memory. One piece has no more than 4 GiB. */
static const size_t max_request = (size_t)64 * 1024;
static const size_t max_message = (size_t)16 * 1024 * 1024;
static const size_t max_piece = UINT32_MAX;

/* EVP_PKEY_get_bits tells the bits of its encoding, one more than those of the field (RFC 8032, 5.1). */
static const CK_ULONG ed25519_bits = 255;

/* What each sort needs of a mechanism and a key. */
static const struct {
    CK_FLAGS flag;
    CK_OBJECT_CLASS class;
    CK_ATTRIBUTE_TYPE permission;
    int (*init)(EVP_PKEY_CTX *context, const OSSL_PARAM parameters[]);
} uses[ZCA_NUM_OPERATIONS] = {
    [ZCA_OPERATION_SIGN] = {CKF_SIGN,    CKO_PRIVATE_KEY, CKA_SIGN,    EVP_PKEY_sign_init_ex   },
    [ZCA_OPERATION_VERIFY] = {CKF_VERIFY,  CKO_PUBLIC_KEY,  CKA_VERIFY,  EVP_PKEY_verify_init_ex },
    [ZCA_OPERATION_ENCRYPT] = {CKF_ENCRYPT, CKO_PUBLIC_KEY,  CKA_ENCRYPT, EVP_PKEY_encrypt_init_ex},
    [ZCA_OPERATION_DECRYPT] = {CKF_DECRYPT, CKO_PRIVATE_KEY, CKA_DECRYPT, EVP_PKEY_decrypt_init_ex},
    [ZCA_OPERATION_MESSAGE_SIGN] = {CKF_SIGN,    CKO_PRIVATE_KEY, CKA_SIGN,    EVP_PKEY_sign_init_ex   },
};

/* ---- the key ---- */

/* An empty list is no list. */
static bool is_allowed(const struct zca_values *values, const struct zca_mechanism *mechanism)
{
    struct zca_span allowed;
    if (!zca_values_find(values, CKA_ALLOWED_MECHANISMS, &allowed) || allowed.len == 0) {
        return true;
    }
    for (size_t at = 0; at + sizeof(CK_MECHANISM_TYPE) <= allowed.len;
         at += sizeof(CK_MECHANISM_TYPE)) {
        if (memcmp(allowed.data + at, &mechanism->type, sizeof(CK_MECHANISM_TYPE)) == 0) {
            return true;
        }
    }
    return false;
}

/* Of a key that is elsewhere, from its public attributes. 0: unknown. */
static CK_ULONG read_bits(const struct zca_values *values, CK_KEY_TYPE type)
{
    struct zca_span value;
    if (type == CKK_RSA) {
        return zca_values_find(values, CKA_MODULUS, &value) ? 8 * value.len : 0;
    }
    const char *group =
        zca_values_find(values, CKA_EC_PARAMS, &value) ? zca_material_group(value) : NULL;
    const struct zca_key_type *row = group ? zca_key_type_find(group) : NULL;
    return row ? (CK_ULONG)row->bits : 0;
}

static CK_ULONG get_bits(const struct zca_object *object, CK_KEY_TYPE type)
{
    if (type == CKK_EC_EDWARDS) {
        return ed25519_bits;
    }
    return object->key ? (CK_ULONG)EVP_PKEY_get_bits(object->key) : read_bits(object->values, type);
}

CK_RV zca_operation_check_key(struct zca_session *session, const struct zca_object *object,
                              CK_OBJECT_CLASS class, CK_ATTRIBUTE_TYPE permission,
                              const struct zca_mechanism *mechanism, CK_ULONG *out_bits)
{
    zca_auto(module_lock) struct zca_module *held = zca_module_look(session->token->module);
    const struct zca_values *values = object->values;
    if (!(zca_class_bit(object->class) & ZCA_CLASS_KEYS)) {
        return CKR_KEY_HANDLE_INVALID;
    }
    CK_KEY_TYPE type = zca_values_get_number(values, CKA_KEY_TYPE, CK_UNAVAILABLE_INFORMATION);
    if (type != mechanism->key_type) {
        return CKR_KEY_TYPE_INCONSISTENT;
    }
    if (object->class != class || !zca_values_get_boolean(values, permission, false)) {
        return CKR_KEY_FUNCTION_NOT_PERMITTED;
    }
    if (!is_allowed(values, mechanism)) {
        return CKR_MECHANISM_INVALID;
    }
    *out_bits = get_bits(object, type);
    return *out_bits >= mechanism->min && *out_bits <= mechanism->max ? CKR_OK : CKR_KEY_SIZE_RANGE;
}

/* ---- the beginning and the end ---- */

static size_t get_output_len(const struct zca_mechanism *mechanism, CK_ULONG bits)
{
    size_t bytes = (bits + 7) / 8;
    return mechanism->key_type == CKK_RSA ? bytes : 2 * bytes; /* two numbers, or a point and one */
}

static void set_limits(struct zca_operation *operation)
{
    const struct zca_mechanism *mechanism = operation->mechanism;
    size_t digest_len = operation->parameters.digest_len;

    struct {
        size_t min, max;
    } limits[] = {
        [ZCA_PADDING_NONE] = {mechanism->key_type == CKK_EC ? 1 : 0, max_message                               },
        [ZCA_PADDING_PKCS1] = {0,                                     operation->output_len - 11                }, /* RFC 8017, 7.2.1 and 9.2 */
        [ZCA_PADDING_PSS] = {digest_len,                            digest_len                                },
        [ZCA_PADDING_OAEP] = {0,                                     operation->output_len - 2 * digest_len - 2},
    };

    bool is_elsewhere = !operation->key->key;
    operation->hashes = mechanism->digest && !is_elsewhere;
    operation->input_min = mechanism->digest ? 0 : limits[mechanism->padding].min;
    operation->input_max = is_elsewhere ? max_request : limits[mechanism->padding].max;
    operation->message.limit = operation->input_max;
}

/* A key elsewhere is told the digest only; mechanisms with parameters are none of its token's. */
static CK_RV check_elsewhere(const struct zca_session *session, const struct zca_object *key,
                             const struct zca_mechanism *mechanism)
{
    bool can_sign = session->token->kind->sign && key->class == CKO_PRIVATE_KEY;
    return key->key || (can_sign && mechanism->digest) ? CKR_OK : CKR_KEY_FUNCTION_NOT_PERMITTED;
}

/* The last key is not counted again: threads that sign with one key would wait for its counter. */
static CK_RV take_key(struct zca_session *session, struct zca_operation *operation,
                      CK_OBJECT_HANDLE handle)
{
    if (operation->key && operation->key->handle == handle &&
        zca_session_has_object(session, handle)) {
        return CKR_OK;
    }
    struct zca_object *key = NULL;
    CK_RV rv = zca_session_key(session, handle, &key);
    if (rv != CKR_OK) {
        return rv;
    }
    zca_operation_drop_context(operation);
    zca_object_free(operation->key);
    operation->key = key;
    return CKR_OK;
}

CK_RV zca_operation_begin(struct zca_session *session, enum zca_operation_sort sort,
                          const CK_MECHANISM *given, CK_OBJECT_HANDLE key)
{
    struct zca_operation *operation = &session->operations[sort];
    if (!given) {
        return zca_operation_cancel(operation);
    }
    if (operation->mechanism) {
        return CKR_OPERATION_ACTIVE;
    }
    const struct zca_mechanism *mechanism =
        zca_mechanism_find(given->mechanism, session->token->places);
    if (!mechanism || !(mechanism->flags & uses[sort].flag)) {
        return CKR_MECHANISM_INVALID;
    }
    CK_ULONG bits = 0;
    CK_RV rv = take_key(session, operation, key);
    rv = rv ? rv
            : zca_operation_check_key(session, operation->key, uses[sort].class,
                                      uses[sort].permission, mechanism, &bits);
    rv = rv ? rv : zca_parameters_read(mechanism, given, bits, &operation->parameters);
    rv = rv ? rv : check_elsewhere(session, operation->key, mechanism);
    if (rv != CKR_OK) {
        return rv;
    }
    operation->mechanism = mechanism;
    operation->sort = sort;
    operation->output_len = get_output_len(mechanism, bits);
    set_limits(operation);
    return zca_operation_leave(operation, zca_operation_start_hash(session, operation), true);
}

CK_RV zca_operation_cancel(struct zca_operation *operation)
{
    CK_RV rv = operation->mechanism ? CKR_OK : CKR_ARGUMENTS_BAD;
    zca_operation_end(operation);
    return rv;
}

CK_RV zca_operation_use(struct zca_operation *operation, bool is_multipart)
{
    if (!operation->mechanism) {
        return CKR_OPERATION_NOT_INITIALIZED;
    }
    if (is_multipart ? operation->is_one_shot : operation->is_multipart) {
        return CKR_OPERATION_ACTIVE;
    }
    operation->is_multipart = is_multipart;
    operation->is_one_shot = !is_multipart;
    return CKR_OK;
}

CK_RV zca_operation_room(const CK_BYTE *output, CK_ULONG *len, size_t needed)
{
    if (!len) {
        return CKR_ARGUMENTS_BAD;
    }
    bool is_small = output && *len < needed;
    *len = needed;
    return is_small ? CKR_BUFFER_TOO_SMALL : CKR_OK;
}

CK_RV zca_operation_leave(struct zca_operation *operation, CK_RV rv, bool goes_on)
{
    if (rv != CKR_BUFFER_TOO_SMALL && !(rv == CKR_OK && goes_on)) {
        zca_operation_end(operation);
    }
    return rv;
}

/* ---- data ---- */

CK_RV zca_input_check(const CK_BYTE *data, CK_ULONG len, struct zca_span *out_input)
{
    if (!data && len != 0) {
        return CKR_ARGUMENTS_BAD;
    }
    *out_input = zca_span_of(data, len);
    return len <= max_piece ? CKR_OK : CKR_DATA_LEN_RANGE;
}

/* Another digest than last time. */
static CK_RV change_digest(struct zca_session *session, struct zca_operation *operation)
{
    CK_RV rv = CKR_OK;
    OSSL_LIB_CTX *context = zca_token_context(session->token, &rv);
    if (!context) {
        return rv;
    }
    operation->digest_name = NULL;
    operation->digest = operation->digest ? operation->digest : EVP_MD_CTX_new();
    if (!operation->digest) {
        return CKR_HOST_MEMORY;
    }
    EVP_MD *digest = EVP_MD_fetch(context, operation->mechanism->digest, NULL);
    bool is_ready = digest && EVP_DigestInit_ex2(operation->digest, digest, NULL) == 1;
    EVP_MD_free(digest); /* the context has its own reference */
    if (!is_ready) {
        return zca_operation_fail(session, operation, "hashing");
    }
    operation->digest_name = operation->mechanism->digest;
    return CKR_OK;
}

CK_RV zca_operation_start_hash(struct zca_session *session, struct zca_operation *operation)
{
    if (!operation->hashes) {
        return CKR_OK;
    }
    if (operation->digest_name != operation->mechanism->digest) {
        return change_digest(session, operation);
    }
    return EVP_DigestInit_ex2(operation->digest, NULL, NULL) == 1
               ? CKR_OK
               : zca_operation_fail(session, operation, "hashing");
}

CK_RV zca_operation_update(struct zca_session *session, struct zca_operation *operation,
                           struct zca_span part)
{
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    if (operation->hashes) {
        return part.len == 0 || EVP_DigestUpdate(operation->digest, part.data, part.len) == 1
                   ? CKR_OK
                   : zca_operation_fail(session, operation, "hashing");
    }
    if (!zca_buffer_append(&operation->message, part, &err)) {
        return err.reason == ZCA_ERR_MEMORY ? CKR_HOST_MEMORY : CKR_DATA_LEN_RANGE;
    }
    return CKR_OK;
}

CK_RV zca_operation_input(struct zca_session *session, struct zca_operation *operation,
                          const struct zca_span *all, uint8_t digest[EVP_MAX_MD_SIZE],
                          struct zca_span *out_input)
{
    if (!operation->hashes) {
        *out_input = all ? *all : zca_buffer_span(&operation->message);
        return out_input->len >= operation->input_min && out_input->len <= operation->input_max
                   ? CKR_OK
                   : CKR_DATA_LEN_RANGE;
    }
    CK_RV rv = all ? zca_operation_update(session, operation, *all) : CKR_OK;
    unsigned len = 0;
    if (rv == CKR_OK && EVP_DigestFinal_ex(operation->digest, digest, &len) != 1) {
        return zca_operation_fail(session, operation, "hashing");
    }
    *out_input = zca_span_of(digest, len);
    return rv;
}

/* ---- OpenSSL ---- */

static bool same_parameters(const struct zca_parameters *left, const struct zca_parameters *right)
{
    return left->digest == right->digest && left->mask_digest == right->mask_digest &&
           left->salt_len == right->salt_len &&
           zca_span_equal(zca_span_of(left->label, left->label_len),
                          zca_span_of(right->label, right->label_len));
}

/* Names of digests are OpenSSL's, whose parameters are not const. */
static OSSL_PARAM text_parameter(const char *name, const char *value)
{
    return OSSL_PARAM_construct_utf8_string(name, (char *)(uintptr_t)value, 0);
}

/* Makes `context` for this key and mechanism. Signatures and ciphers name these parameters alike. */
static bool configure(struct zca_operation *operation)
{
    static const char *const paddings[] = {
        [ZCA_PADDING_PKCS1] = OSSL_PKEY_RSA_PAD_MODE_PKCSV15,
        [ZCA_PADDING_PSS] = OSSL_PKEY_RSA_PAD_MODE_PSS,
        [ZCA_PADDING_OAEP] = OSSL_PKEY_RSA_PAD_MODE_OAEP,
    };
    const struct zca_mechanism *mechanism = operation->mechanism;
    struct zca_parameters *given = &operation->parameters;
    const char *digest = mechanism->digest ? mechanism->digest : given->digest;
    int salt_len = (int)given->salt_len;
    OSSL_PARAM parameters[6];
    size_t num = 0;
    if (mechanism->padding != ZCA_PADDING_NONE) {
        parameters[num++] =
            text_parameter(OSSL_SIGNATURE_PARAM_PAD_MODE, paddings[mechanism->padding]);
    }
    if (mechanism->padding != ZCA_PADDING_NONE && digest) {
        parameters[num++] = text_parameter(OSSL_SIGNATURE_PARAM_DIGEST, digest);
    }
    if (given->mask_digest) {
        parameters[num++] = text_parameter(OSSL_SIGNATURE_PARAM_MGF1_DIGEST, given->mask_digest);
    }
    if (mechanism->padding == ZCA_PADDING_PSS) {
        parameters[num++] = OSSL_PARAM_construct_int(OSSL_SIGNATURE_PARAM_PSS_SALTLEN, &salt_len);
    }
    if (given->label_len > 0) {
        parameters[num++] = OSSL_PARAM_construct_octet_string(OSSL_ASYM_CIPHER_PARAM_OAEP_LABEL,
                                                              given->label, given->label_len);
    }
    parameters[num] = OSSL_PARAM_construct_end();
    return uses[operation->sort].init(operation->context, parameters) == 1;
}

CK_RV zca_operation_context(struct zca_session *session, struct zca_operation *operation)
{
    if (operation->context && operation->context_mechanism == operation->mechanism &&
        same_parameters(&operation->context_parameters, &operation->parameters)) {
        return CKR_OK;
    }
    CK_RV rv = CKR_OK;
    OSSL_LIB_CTX *library_context = zca_token_context(session->token, &rv);
    if (!library_context) {
        return rv;
    }
    zca_operation_drop_context(operation);
    operation->context = EVP_PKEY_CTX_new_from_pkey(library_context, operation->key->key, NULL);
    if (!operation->context || !configure(operation)) {
        return zca_operation_fail(session, operation, "preparing");
    }
    operation->context_mechanism = operation->mechanism;
    operation->context_parameters = operation->parameters;
    return CKR_OK;
}

CK_RV zca_operation_fail(struct zca_session *session, struct zca_operation *operation,
                         const char *doing)
{
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    (void)zca_error_set_crypto(&err, "%s with %s", doing, operation->mechanism->name); /* false */
    zca_operation_drop_context(operation);
    return zca_pkcs11_fail(session->token->library, &err);
}
