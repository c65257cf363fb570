/* SPDX-License-Identifier: Apache-2.0 */
/* C_Verify and the functions around it (PKCS#11 3.0, 5.15), with public keys that are here. */
#include "base/openssl_auto.h"
#include "pkcs11-module/call.h"
#include "pkcs11-module/signature.h"

static CK_RV verify_with_context(struct zca_session *session, struct zca_operation *operation,
                                 struct zca_span input, struct zca_span signature)
{
    CK_RV rv = zca_operation_context(session, operation);
    if (rv != CKR_OK) {
        return rv;
    }
    return EVP_PKEY_verify(operation->context, signature.data, signature.len, input.data,
                           input.len) == 1
               ? CKR_OK
               : CKR_SIGNATURE_INVALID;
}

static CK_RV verify_with_ec(struct zca_session *session, struct zca_operation *operation,
                            struct zca_span input, struct zca_span signature)
{
    uint8_t der[ZCA_MAX_ECDSA_DER];
    size_t len = zca_signature_to_der(signature, der);
    return verify_with_context(session, operation, input, zca_span_of(der, len));
}

static CK_RV verify_with_edwards(struct zca_session *session, struct zca_operation *operation,
                                 struct zca_span input, struct zca_span signature)
{
    CK_RV rv = CKR_OK;
    OSSL_LIB_CTX *context = zca_token_context(session->token, &rv);
    if (!context) {
        return rv;
    }
    zca_auto(EVP_MD_CTX) EVP_MD_CTX *verifier = EVP_MD_CTX_new();
    if (!verifier || EVP_DigestVerifyInit_ex(verifier, NULL, NULL, context, NULL,
                                             operation->key->key, NULL) != 1) {
        return zca_operation_fail(session, operation, "preparing");
    }
    return EVP_DigestVerify(verifier, signature.data, signature.len, input.data, input.len) == 1
               ? CKR_OK
               : CKR_SIGNATURE_INVALID;
}

static const struct {
    CK_KEY_TYPE type;
    CK_RV(*verify)
    (struct zca_session *session, struct zca_operation *operation, struct zca_span input,
     struct zca_span signature);
} verifiers[] = {
    {CKK_EC,         verify_with_ec     },
    {CKK_RSA,        verify_with_context},
    {CKK_EC_EDWARDS, verify_with_edwards},
};

/* all: see zca_operation_input. */
static CK_RV verify(struct zca_session *session, struct zca_operation *operation,
                    const struct zca_span *all, struct zca_span signature)
{
    if (signature.len != operation->output_len) {
        return CKR_SIGNATURE_LEN_RANGE;
    }
    zca_auto(error_mark) int mark = ERR_set_mark();
    uint8_t digest[EVP_MAX_MD_SIZE];
    struct zca_span input;
    CK_RV rv = zca_operation_input(session, operation, all, digest, &input);
    for (size_t i = 0; rv == CKR_OK && i < ZCA_COUNT(verifiers); i++) {
        if (verifiers[i].type == operation->mechanism->key_type) {
            return verifiers[i].verify(session, operation, input, signature);
        }
    }
    return rv ? rv : CKR_GENERAL_ERROR; /* each mechanism that verifies has a row */
}

CK_RV C_VerifyInit(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key)
{
    zca_auto(zca_call) struct zca_call call = zca_call_begin_session("C_VerifyInit", session);
    return call.rv ? call.rv
                   : zca_call_end(&call, zca_operation_begin(call.session, ZCA_OPERATION_VERIFY,
                                                             mechanism, key));
}

static CK_RV verify_once(struct zca_session *session, const CK_BYTE *data, CK_ULONG data_len,
                         const CK_BYTE *signature, CK_ULONG signature_len)
{
    struct zca_operation *operation = &session->operations[ZCA_OPERATION_VERIFY];
    struct zca_span all, given;
    CK_RV rv = zca_operation_use(operation, false);
    rv = rv ? rv : zca_input_check(data, data_len, &all);
    rv = rv ? rv : zca_input_check(signature, signature_len, &given);
    rv = rv ? rv : verify(session, operation, &all, given);
    return zca_operation_leave(operation, rv, false);
}

CK_RV C_Verify(CK_SESSION_HANDLE session, CK_BYTE *data, CK_ULONG data_len, CK_BYTE *signature,
               CK_ULONG signature_len)
{
    zca_auto(zca_call) struct zca_call call = zca_call_begin_session("C_Verify", session);
    return call.rv ? call.rv
                   : zca_call_end(&call, verify_once(call.session, data, data_len, signature,
                                                     signature_len));
}

static CK_RV verify_update(struct zca_session *session, const CK_BYTE *part, CK_ULONG part_len)
{
    struct zca_operation *operation = &session->operations[ZCA_OPERATION_VERIFY];
    struct zca_span data;
    CK_RV rv = zca_operation_use(operation, true);
    rv = rv ? rv : zca_input_check(part, part_len, &data);
    rv = rv ? rv : zca_operation_update(session, operation, data);
    return zca_operation_leave(operation, rv, true);
}

CK_RV C_VerifyUpdate(CK_SESSION_HANDLE session, CK_BYTE *part, CK_ULONG part_len)
{
    zca_auto(zca_call) struct zca_call call = zca_call_begin_session("C_VerifyUpdate", session);
    return call.rv ? call.rv : zca_call_end(&call, verify_update(call.session, part, part_len));
}

static CK_RV verify_final(struct zca_session *session, const CK_BYTE *signature,
                          CK_ULONG signature_len)
{
    struct zca_operation *operation = &session->operations[ZCA_OPERATION_VERIFY];
    struct zca_span given;
    CK_RV rv = zca_operation_use(operation, true);
    rv = rv ? rv : zca_input_check(signature, signature_len, &given);
    rv = rv ? rv : verify(session, operation, NULL, given);
    return zca_operation_leave(operation, rv, false);
}

CK_RV C_VerifyFinal(CK_SESSION_HANDLE session, CK_BYTE *signature, CK_ULONG signature_len)
{
    zca_auto(zca_call) struct zca_call call = zca_call_begin_session("C_VerifyFinal", session);
    return call.rv ? call.rv
                   : zca_call_end(&call, verify_final(call.session, signature, signature_len));
}
