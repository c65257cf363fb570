/* SPDX-License-Identifier: Apache-2.0 */
/*
 * C_Sign and the functions around it (PKCS#11 3.0, 5.13). Data is hashed here, where the mechanism says so, and only the
 * digest goes to the key; except to a key that is elsewhere, whose owner sees all of what is signed.
 */
#include "pkcs11-module/sign.h"

#include <string.h>

#include "base/openssl_auto.h"
#include "pkcs11-module/call.h"
#include "pkcs11-module/signature.h"

/* ---- with a key ---- */

/* Each writes operation->output_len bytes. */
typedef CK_RV sign_function(struct zca_session *session, struct zca_operation *operation,
                            struct zca_span input, CK_BYTE *signature);

static CK_RV sign_with_ec(struct zca_session *session, struct zca_operation *operation,
                          struct zca_span input, CK_BYTE *signature)
{
    uint8_t der[ZCA_MAX_ECDSA_DER];
    size_t len = sizeof(der);
    CK_RV rv = zca_operation_context(session, operation);
    if (rv != CKR_OK) {
        return rv;
    }
    bool is_good = EVP_PKEY_sign(operation->context, der, &len, input.data, input.len) == 1 &&
                   zca_signature_from_der(zca_span_of(der, len), signature, operation->output_len);
    return is_good ? CKR_OK : zca_operation_fail(session, operation, "signing");
}

static CK_RV sign_with_rsa(struct zca_session *session, struct zca_operation *operation,
                           struct zca_span input, CK_BYTE *signature)
{
    size_t len = operation->output_len;
    CK_RV rv = zca_operation_context(session, operation);
    if (rv != CKR_OK) {
        return rv;
    }
    return EVP_PKEY_sign(operation->context, signature, &len, input.data, input.len) == 1
               ? CKR_OK
               : zca_operation_fail(session, operation, "signing");
}

static CK_RV sign_with_edwards(struct zca_session *session, struct zca_operation *operation,
                               struct zca_span input, CK_BYTE *signature)
{
    size_t len = operation->output_len;
    CK_RV rv = CKR_OK;
    OSSL_LIB_CTX *context = zca_token_context(session->token, &rv);
    if (!context) {
        return rv;
    }
    zca_auto(EVP_MD_CTX) EVP_MD_CTX *signer = EVP_MD_CTX_new();
    bool is_good =
        signer &&
        EVP_DigestSignInit_ex(signer, NULL, NULL, context, NULL, operation->key->key, NULL) == 1 &&
        EVP_DigestSign(signer, signature, &len, input.data, input.len) == 1;
    return is_good ? CKR_OK : zca_operation_fail(session, operation, "signing");
}

static CK_RV sign_elsewhere(struct zca_session *session, struct zca_operation *operation,
                            struct zca_span input, CK_BYTE *signature)
{
    struct zca_token *token = session->token;
    zca_auto(zca_buffer) struct zca_buffer made = {.len = 0};
    CK_RV rv = token->kind->sign(token, operation->mechanism, input, &made);
    if (rv != CKR_OK) {
        return rv;
    }
    if (made.len != operation->output_len) {
        return CKR_DEVICE_ERROR;
    }
    memcpy(signature, made.data, made.len);
    return CKR_OK;
}

static const struct {
    CK_KEY_TYPE type;
    sign_function *sign;
} signers[] = {
    {CKK_EC,         sign_with_ec     },
    {CKK_RSA,        sign_with_rsa    },
    {CKK_EC_EDWARDS, sign_with_edwards},
};

static sign_function *find_signer(const struct zca_operation *operation)
{
    for (size_t i = 0; operation->key->key && i < ZCA_COUNT(signers); i++) {
        if (signers[i].type == operation->mechanism->key_type) {
            return signers[i].sign;
        }
    }
    return sign_elsewhere;
}

/* all: see zca_operation_input. */
static CK_RV sign(struct zca_session *session, struct zca_operation *operation,
                  const struct zca_span *all, CK_BYTE *signature)
{
    zca_auto(error_mark) int mark = ERR_set_mark();
    uint8_t digest[EVP_MAX_MD_SIZE];
    struct zca_span input;
    CK_RV rv = zca_operation_input(session, operation, all, digest, &input);
    return rv ? rv : find_signer(operation)(session, operation, input, signature);
}

CK_RV zca_sign_once(struct zca_session *session, struct zca_operation *operation,
                    struct zca_span data, CK_BYTE *signature, CK_ULONG *signature_len)
{
    CK_RV rv = zca_operation_use(operation, false);
    rv = rv ? rv : zca_operation_room(signature, signature_len, operation->output_len);
    return rv || !signature ? rv : sign(session, operation, &data, signature);
}

CK_RV zca_sign_final(struct zca_session *session, struct zca_operation *operation,
                     CK_BYTE *signature, CK_ULONG *signature_len)
{
    CK_RV rv = zca_operation_use(operation, true);
    rv = rv ? rv : zca_operation_room(signature, signature_len, operation->output_len);
    return rv || !signature ? rv : sign(session, operation, NULL, signature);
}

/* ---- the functions ---- */

CK_RV C_SignInit(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key)
{
    zca_auto(zca_call) struct zca_call call = zca_call_begin_session("C_SignInit", session);
    return call.rv ? call.rv
                   : zca_call_end(&call, zca_operation_begin(call.session, ZCA_OPERATION_SIGN,
                                                             mechanism, key));
}

static CK_RV sign_once(struct zca_session *session, const CK_BYTE *data, CK_ULONG data_len,
                       CK_BYTE *signature, CK_ULONG *signature_len)
{
    struct zca_operation *operation = &session->operations[ZCA_OPERATION_SIGN];
    struct zca_span all;
    CK_RV rv = zca_input_check(data, data_len, &all);
    rv = rv ? rv : zca_sign_once(session, operation, all, signature, signature_len);
    return zca_operation_leave(operation, rv, !signature);
}

CK_RV C_Sign(CK_SESSION_HANDLE session, CK_BYTE *data, CK_ULONG data_len, CK_BYTE *signature,
             CK_ULONG *signature_len)
{
    zca_auto(zca_call) struct zca_call call = zca_call_begin_session("C_Sign", session);
    return call.rv ? call.rv
                   : zca_call_end(
                         &call, sign_once(call.session, data, data_len, signature, signature_len));
}

static CK_RV sign_update(struct zca_session *session, const CK_BYTE *part, CK_ULONG part_len)
{
    struct zca_operation *operation = &session->operations[ZCA_OPERATION_SIGN];
    struct zca_span data;
    CK_RV rv = zca_operation_use(operation, true);
    rv = rv ? rv : zca_input_check(part, part_len, &data);
    rv = rv ? rv : zca_operation_update(session, operation, data);
    return zca_operation_leave(operation, rv, true);
}

CK_RV C_SignUpdate(CK_SESSION_HANDLE session, CK_BYTE *part, CK_ULONG part_len)
{
    zca_auto(zca_call) struct zca_call call = zca_call_begin_session("C_SignUpdate", session);
    return call.rv ? call.rv : zca_call_end(&call, sign_update(call.session, part, part_len));
}

static CK_RV sign_final(struct zca_session *session, CK_BYTE *signature, CK_ULONG *signature_len)
{
    struct zca_operation *operation = &session->operations[ZCA_OPERATION_SIGN];
    CK_RV rv = zca_sign_final(session, operation, signature, signature_len);
    return zca_operation_leave(operation, rv, !signature);
}

CK_RV C_SignFinal(CK_SESSION_HANDLE session, CK_BYTE *signature, CK_ULONG *signature_len)
{
    zca_auto(zca_call) struct zca_call call = zca_call_begin_session("C_SignFinal", session);
    return call.rv ? call.rv
                   : zca_call_end(&call, sign_final(call.session, signature, signature_len));
}
