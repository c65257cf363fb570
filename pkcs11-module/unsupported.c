/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What PKCS#11 has and we do not: symmetric ciphers, wrapping, recovery, double operations, saved states, most of the
 * message functions of 3.0, and everything of 3.2. A session that does not exist is told first.
 */
#include "pkcs11-module/call.h"

/* No parameter but the session is looked at. */
static CK_RV refuse(const char *name, CK_SESSION_HANDLE handle)
{
    zca_auto(zca_call) struct zca_call call = zca_call_begin_shared(name, handle);
    return call.rv ? call.rv : zca_call_end(&call, CKR_FUNCTION_NOT_SUPPORTED);
}

/* Since 2.0 no function runs in parallel; the session is not even looked at (PKCS#11, 5.21). */
static CK_RV refuse_parallel(const char *name)
{
    zca_auto(zca_call) struct zca_call call = zca_call_begin(name, 0);
    return call.rv ? call.rv : zca_call_end(&call, CKR_FUNCTION_NOT_PARALLEL);
}

CK_RV C_GetFunctionStatus(CK_SESSION_HANDLE session)
{
    (void)session;
    return refuse_parallel("C_GetFunctionStatus");
}

CK_RV C_CancelFunction(CK_SESSION_HANDLE session)
{
    (void)session;
    return refuse_parallel("C_CancelFunction");
}

CK_RV C_GetOperationState(CK_SESSION_HANDLE session, CK_BYTE *operation_state,
                          CK_ULONG *operation_state_len)
{
    (void)operation_state;
    (void)operation_state_len;
    return refuse("C_GetOperationState", session);
}

CK_RV C_SetOperationState(CK_SESSION_HANDLE session, CK_BYTE *operation_state,
                          CK_ULONG operation_state_len, CK_OBJECT_HANDLE encryption_key,
                          CK_OBJECT_HANDLE authentiation_key)
{
    (void)operation_state;
    (void)operation_state_len;
    (void)encryption_key;
    (void)authentiation_key;
    return refuse("C_SetOperationState", session);
}

CK_RV C_SignRecoverInit(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key)
{
    (void)mechanism;
    (void)key;
    return refuse("C_SignRecoverInit", session);
}

CK_RV C_SignRecover(CK_SESSION_HANDLE session, CK_BYTE *data, CK_ULONG data_len, CK_BYTE *signature,
                    CK_ULONG *signature_len)
{
    (void)data;
    (void)data_len;
    (void)signature;
    (void)signature_len;
    return refuse("C_SignRecover", session);
}

CK_RV C_VerifyRecoverInit(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key)
{
    (void)mechanism;
    (void)key;
    return refuse("C_VerifyRecoverInit", session);
}

CK_RV C_VerifyRecover(CK_SESSION_HANDLE session, CK_BYTE *signature, CK_ULONG signature_len,
                      CK_BYTE *data, CK_ULONG *data_len)
{
    (void)signature;
    (void)signature_len;
    (void)data;
    (void)data_len;
    return refuse("C_VerifyRecover", session);
}

CK_RV C_EncryptUpdate(CK_SESSION_HANDLE session, CK_BYTE *part, CK_ULONG part_len,
                      CK_BYTE *encrypted_part, CK_ULONG *encrypted_part_len)
{
    (void)part;
    (void)part_len;
    (void)encrypted_part;
    (void)encrypted_part_len;
    return refuse("C_EncryptUpdate", session);
}

CK_RV C_EncryptFinal(CK_SESSION_HANDLE session, CK_BYTE *last_encrypted_part,
                     CK_ULONG *last_encrypted_part_len)
{
    (void)last_encrypted_part;
    (void)last_encrypted_part_len;
    return refuse("C_EncryptFinal", session);
}

CK_RV C_DecryptUpdate(CK_SESSION_HANDLE session, CK_BYTE *encrypted_part,
                      CK_ULONG encrypted_part_len, CK_BYTE *part, CK_ULONG *part_len)
{
    (void)encrypted_part;
    (void)encrypted_part_len;
    (void)part;
    (void)part_len;
    return refuse("C_DecryptUpdate", session);
}

CK_RV C_DecryptFinal(CK_SESSION_HANDLE session, CK_BYTE *last_part, CK_ULONG *last_part_len)
{
    (void)last_part;
    (void)last_part_len;
    return refuse("C_DecryptFinal", session);
}

CK_RV C_DigestEncryptUpdate(CK_SESSION_HANDLE session, CK_BYTE *part, CK_ULONG part_len,
                            CK_BYTE *encrypted_part, CK_ULONG *encrypted_part_len)
{
    (void)part;
    (void)part_len;
    (void)encrypted_part;
    (void)encrypted_part_len;
    return refuse("C_DigestEncryptUpdate", session);
}

CK_RV C_DecryptDigestUpdate(CK_SESSION_HANDLE session, CK_BYTE *encrypted_part,
                            CK_ULONG encrypted_part_len, CK_BYTE *part, CK_ULONG *part_len)
{
    (void)encrypted_part;
    (void)encrypted_part_len;
    (void)part;
    (void)part_len;
    return refuse("C_DecryptDigestUpdate", session);
}

CK_RV C_SignEncryptUpdate(CK_SESSION_HANDLE session, CK_BYTE *part, CK_ULONG part_len,
                          CK_BYTE *encrypted_part, CK_ULONG *encrypted_part_len)
{
    (void)part;
    (void)part_len;
    (void)encrypted_part;
    (void)encrypted_part_len;
    return refuse("C_SignEncryptUpdate", session);
}

CK_RV C_DecryptVerifyUpdate(CK_SESSION_HANDLE session, CK_BYTE *encrypted_part,
                            CK_ULONG encrypted_part_len, CK_BYTE *part, CK_ULONG *part_len)
{
    (void)encrypted_part;
    (void)encrypted_part_len;
    (void)part;
    (void)part_len;
    return refuse("C_DecryptVerifyUpdate", session);
}

CK_RV C_WrapKey(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE wrapping_key,
                CK_OBJECT_HANDLE key, CK_BYTE *wrapped_key, CK_ULONG *wrapped_key_len)
{
    (void)mechanism;
    (void)wrapping_key;
    (void)key;
    (void)wrapped_key;
    (void)wrapped_key_len;
    return refuse("C_WrapKey", session);
}

CK_RV C_UnwrapKey(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism,
                  CK_OBJECT_HANDLE unwrapping_key, CK_BYTE *wrapped_key, CK_ULONG wrapped_key_len,
                  CK_ATTRIBUTE *templ, CK_ULONG attribute_count, CK_OBJECT_HANDLE *key)
{
    (void)mechanism;
    (void)unwrapping_key;
    (void)wrapped_key;
    (void)wrapped_key_len;
    (void)templ;
    (void)attribute_count;
    (void)key;
    return refuse("C_UnwrapKey", session);
}

CK_RV C_MessageEncryptInit(CK_SESSION_HANDLE session, CK_MECHANISM_PTR mechanism,
                           CK_OBJECT_HANDLE key)
{
    (void)mechanism;
    (void)key;
    return refuse("C_MessageEncryptInit", session);
}

CK_RV C_EncryptMessage(CK_SESSION_HANDLE session, CK_VOID_PTR parameter, CK_ULONG parameter_len,
                       CK_BYTE_PTR associated, CK_ULONG associated_len, CK_BYTE_PTR plain,
                       CK_ULONG plain_len, CK_BYTE_PTR encrypted, CK_ULONG_PTR encrypted_len)
{
    (void)parameter;
    (void)parameter_len;
    (void)associated;
    (void)associated_len;
    (void)plain;
    (void)plain_len;
    (void)encrypted;
    (void)encrypted_len;
    return refuse("C_EncryptMessage", session);
}

CK_RV C_EncryptMessageBegin(CK_SESSION_HANDLE session, CK_VOID_PTR parameter,
                            CK_ULONG parameter_len, CK_BYTE_PTR associated, CK_ULONG associated_len)
{
    (void)parameter;
    (void)parameter_len;
    (void)associated;
    (void)associated_len;
    return refuse("C_EncryptMessageBegin", session);
}

CK_RV C_EncryptMessageNext(CK_SESSION_HANDLE session, CK_VOID_PTR parameter, CK_ULONG parameter_len,
                           CK_BYTE_PTR plain, CK_ULONG plain_len, CK_BYTE_PTR encrypted,
                           CK_ULONG_PTR encrypted_len, CK_FLAGS flags)
{
    (void)parameter;
    (void)parameter_len;
    (void)plain;
    (void)plain_len;
    (void)encrypted;
    (void)encrypted_len;
    (void)flags;
    return refuse("C_EncryptMessageNext", session);
}

CK_RV C_MessageEncryptFinal(CK_SESSION_HANDLE session)
{
    return refuse("C_MessageEncryptFinal", session);
}

CK_RV C_MessageDecryptInit(CK_SESSION_HANDLE session, CK_MECHANISM_PTR mechanism,
                           CK_OBJECT_HANDLE key)
{
    (void)mechanism;
    (void)key;
    return refuse("C_MessageDecryptInit", session);
}

CK_RV C_DecryptMessage(CK_SESSION_HANDLE session, CK_VOID_PTR parameter, CK_ULONG parameter_len,
                       CK_BYTE_PTR associated, CK_ULONG associated_len, CK_BYTE_PTR encrypted,
                       CK_ULONG encrypted_len, CK_BYTE_PTR plain, CK_ULONG_PTR plain_len)
{
    (void)parameter;
    (void)parameter_len;
    (void)associated;
    (void)associated_len;
    (void)encrypted;
    (void)encrypted_len;
    (void)plain;
    (void)plain_len;
    return refuse("C_DecryptMessage", session);
}

CK_RV C_DecryptMessageBegin(CK_SESSION_HANDLE session, CK_VOID_PTR parameter,
                            CK_ULONG parameter_len, CK_BYTE_PTR associated, CK_ULONG associated_len)
{
    (void)parameter;
    (void)parameter_len;
    (void)associated;
    (void)associated_len;
    return refuse("C_DecryptMessageBegin", session);
}

CK_RV C_DecryptMessageNext(CK_SESSION_HANDLE session, CK_VOID_PTR parameter, CK_ULONG parameter_len,
                           CK_BYTE_PTR encrypted, CK_ULONG encrypted_len, CK_BYTE_PTR plain,
                           CK_ULONG_PTR plain_len, CK_FLAGS flags)
{
    (void)parameter;
    (void)parameter_len;
    (void)encrypted;
    (void)encrypted_len;
    (void)plain;
    (void)plain_len;
    (void)flags;
    return refuse("C_DecryptMessageNext", session);
}

CK_RV C_MessageDecryptFinal(CK_SESSION_HANDLE session)
{
    return refuse("C_MessageDecryptFinal", session);
}

CK_RV C_MessageVerifyInit(CK_SESSION_HANDLE session, CK_MECHANISM_PTR mechanism,
                          CK_OBJECT_HANDLE key)
{
    (void)mechanism;
    (void)key;
    return refuse("C_MessageVerifyInit", session);
}

CK_RV C_VerifyMessage(CK_SESSION_HANDLE session, CK_VOID_PTR parameter, CK_ULONG parameter_len,
                      CK_BYTE_PTR data, CK_ULONG data_len, CK_BYTE_PTR signature,
                      CK_ULONG signature_len)
{
    (void)parameter;
    (void)parameter_len;
    (void)data;
    (void)data_len;
    (void)signature;
    (void)signature_len;
    return refuse("C_VerifyMessage", session);
}

CK_RV C_VerifyMessageBegin(CK_SESSION_HANDLE session, CK_VOID_PTR parameter, CK_ULONG parameter_len)
{
    (void)parameter;
    (void)parameter_len;
    return refuse("C_VerifyMessageBegin", session);
}

CK_RV C_VerifyMessageNext(CK_SESSION_HANDLE session, CK_VOID_PTR parameter, CK_ULONG parameter_len,
                          CK_BYTE_PTR data, CK_ULONG data_len, CK_BYTE_PTR signature,
                          CK_ULONG signature_len)
{
    (void)parameter;
    (void)parameter_len;
    (void)data;
    (void)data_len;
    (void)signature;
    (void)signature_len;
    return refuse("C_VerifyMessageNext", session);
}

CK_RV C_MessageVerifyFinal(CK_SESSION_HANDLE session)
{
    return refuse("C_MessageVerifyFinal", session);
}

CK_RV C_EncapsulateKey(CK_SESSION_HANDLE session, CK_MECHANISM_PTR mechanism,
                       CK_OBJECT_HANDLE public_key, CK_ATTRIBUTE_PTR attributes, CK_ULONG count,
                       CK_BYTE_PTR ciphertext, CK_ULONG_PTR ciphertext_len,
                       CK_OBJECT_HANDLE_PTR key)
{
    (void)mechanism;
    (void)public_key;
    (void)attributes;
    (void)count;
    (void)ciphertext;
    (void)ciphertext_len;
    (void)key;
    return refuse("C_EncapsulateKey", session);
}

CK_RV C_DecapsulateKey(CK_SESSION_HANDLE session, CK_MECHANISM_PTR mechanism,
                       CK_OBJECT_HANDLE private_key, CK_ATTRIBUTE_PTR attributes, CK_ULONG count,
                       CK_BYTE_PTR ciphertext, CK_ULONG ciphertext_len, CK_OBJECT_HANDLE_PTR key)
{
    (void)mechanism;
    (void)private_key;
    (void)attributes;
    (void)count;
    (void)ciphertext;
    (void)ciphertext_len;
    (void)key;
    return refuse("C_DecapsulateKey", session);
}

CK_RV C_VerifySignatureInit(CK_SESSION_HANDLE session, CK_MECHANISM_PTR mechanism,
                            CK_OBJECT_HANDLE key, CK_BYTE_PTR signature, CK_ULONG signature_len)
{
    (void)mechanism;
    (void)key;
    (void)signature;
    (void)signature_len;
    return refuse("C_VerifySignatureInit", session);
}

CK_RV C_VerifySignature(CK_SESSION_HANDLE session, CK_BYTE_PTR data, CK_ULONG data_len)
{
    (void)data;
    (void)data_len;
    return refuse("C_VerifySignature", session);
}

CK_RV C_VerifySignatureUpdate(CK_SESSION_HANDLE session, CK_BYTE_PTR part, CK_ULONG part_len)
{
    (void)part;
    (void)part_len;
    return refuse("C_VerifySignatureUpdate", session);
}

CK_RV C_VerifySignatureFinal(CK_SESSION_HANDLE session)
{
    return refuse("C_VerifySignatureFinal", session);
}

CK_RV C_GetSessionValidationFlags(CK_SESSION_HANDLE session, CK_ULONG type, CK_FLAGS *flags)
{
    (void)type;
    (void)flags;
    return refuse("C_GetSessionValidationFlags", session);
}

CK_RV C_AsyncComplete(CK_SESSION_HANDLE session, CK_UTF8CHAR_PTR function, CK_VOID_PTR result)
{
    (void)function;
    (void)result;
    return refuse("C_AsyncComplete", session);
}

CK_RV C_AsyncGetID(CK_SESSION_HANDLE session, CK_UTF8CHAR_PTR function, CK_ULONG_PTR id)
{
    (void)function;
    (void)id;
    return refuse("C_AsyncGetID", session);
}

CK_RV C_AsyncJoin(CK_SESSION_HANDLE session, CK_UTF8CHAR_PTR function, CK_ULONG id,
                  CK_BYTE_PTR data, CK_ULONG data_len)
{
    (void)function;
    (void)id;
    (void)data;
    (void)data_len;
    return refuse("C_AsyncJoin", session);
}

CK_RV C_WrapKeyAuthenticated(CK_SESSION_HANDLE session, CK_MECHANISM_PTR mechanism,
                             CK_OBJECT_HANDLE wrapping_key, CK_OBJECT_HANDLE key,
                             CK_BYTE_PTR associated, CK_ULONG associated_len, CK_BYTE_PTR wrapped,
                             CK_ULONG_PTR wrapped_len)
{
    (void)mechanism;
    (void)wrapping_key;
    (void)key;
    (void)associated;
    (void)associated_len;
    (void)wrapped;
    (void)wrapped_len;
    return refuse("C_WrapKeyAuthenticated", session);
}

CK_RV C_UnwrapKeyAuthenticated(CK_SESSION_HANDLE session, CK_MECHANISM_PTR mechanism,
                               CK_OBJECT_HANDLE wrapping_key, CK_BYTE_PTR wrapped,
                               CK_ULONG wrapped_len, CK_ATTRIBUTE_PTR attributes, CK_ULONG count,
                               CK_BYTE_PTR associated, CK_ULONG associated_len,
                               CK_OBJECT_HANDLE_PTR key)
{
    (void)mechanism;
    (void)wrapping_key;
    (void)wrapped;
    (void)wrapped_len;
    (void)attributes;
    (void)count;
    (void)associated;
    (void)associated_len;
    (void)key;
    return refuse("C_UnwrapKeyAuthenticated", session);
}
