/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What OASIS added to PKCS#11 2.40 (Current Specification 3.0, 5.2 and Annex; 3.2) as far as we offer or refuse it.
 * Lists of 3.0 and 3.2 begin with all of 2.40's, so they are its structure and what follows.
 */
#ifndef ZCA_PKCS11_MODULE_CRYPTOKI3_H
#define ZCA_PKCS11_MODULE_CRYPTOKI3_H

#include <p11-kit/pkcs11.h>

#define CKO_PROFILE 9UL
#define CKA_UNIQUE_ID 4UL
#define CKA_PROFILE_ID 0x601UL

#define CKP_BASELINE_PROVIDER 1UL
#define CKP_EXTENDED_PROVIDER 2UL
#define CKP_AUTHENTICATION_TOKEN 3UL
#define CKP_PUBLIC_CERTIFICATES_TOKEN 4UL

#define CKF_INTERFACE_FORK_SAFE 1UL
#define CKF_END_OF_MESSAGE 1UL
#define CKF_MESSAGE_SIGN 8UL
#define CKF_EC_OID CKF_EC_NAMEDCURVE
#define CKF_FIND_OBJECTS 0x40UL
#define CKF_EC_CURVENAME (1UL << 26)

#define CKR_OPERATION_CANCEL_FAILED 0x202UL

#define CK_CERTIFICATE_CATEGORY_TOKEN_USER 1UL
#define CK_CERTIFICATE_CATEGORY_AUTHORITY 2UL

/* vendor: the state of an identity, as text (zca-pkcs11(7)) */
#define CKA_ZCA_STATE (CKA_VENDOR_DEFINED | 0x5a434101UL)

typedef struct ck_interface {
    char *pInterfaceName;
    void *pFunctionList;
    CK_FLAGS flags;
} CK_INTERFACE;

typedef CK_INTERFACE *CK_INTERFACE_PTR;
typedef CK_INTERFACE_PTR *CK_INTERFACE_PTR_PTR;

/* Each function with its type, as p11-kit's header does it. */
#define ZCA_CRYPTOKI(name, arguments)                                                              \
    typedef CK_RV(*CK_##name) arguments;                                                           \
    __attribute__((visibility("default"))) CK_RV name arguments

/* 3.0 */
ZCA_CRYPTOKI(C_GetInterfaceList, (CK_INTERFACE_PTR interfaces, CK_ULONG_PTR count));
ZCA_CRYPTOKI(C_GetInterface, (CK_UTF8CHAR_PTR name, CK_VERSION_PTR version,
                              CK_INTERFACE_PTR_PTR interface, CK_FLAGS flags));
ZCA_CRYPTOKI(C_LoginUser, (CK_SESSION_HANDLE session, CK_USER_TYPE user, CK_UTF8CHAR_PTR pin,
                           CK_ULONG pin_len, CK_UTF8CHAR_PTR name, CK_ULONG name_len));
ZCA_CRYPTOKI(C_SessionCancel, (CK_SESSION_HANDLE session, CK_FLAGS flags));
ZCA_CRYPTOKI(C_MessageEncryptInit,
             (CK_SESSION_HANDLE session, CK_MECHANISM_PTR mechanism, CK_OBJECT_HANDLE key));
ZCA_CRYPTOKI(C_EncryptMessage,
             (CK_SESSION_HANDLE session, CK_VOID_PTR parameter, CK_ULONG parameter_len,
              CK_BYTE_PTR associated, CK_ULONG associated_len, CK_BYTE_PTR plain,
              CK_ULONG plain_len, CK_BYTE_PTR encrypted, CK_ULONG_PTR encrypted_len));
ZCA_CRYPTOKI(C_EncryptMessageBegin,
             (CK_SESSION_HANDLE session, CK_VOID_PTR parameter, CK_ULONG parameter_len,
              CK_BYTE_PTR associated, CK_ULONG associated_len));
ZCA_CRYPTOKI(C_EncryptMessageNext,
             (CK_SESSION_HANDLE session, CK_VOID_PTR parameter, CK_ULONG parameter_len,
              CK_BYTE_PTR plain, CK_ULONG plain_len, CK_BYTE_PTR encrypted,
              CK_ULONG_PTR encrypted_len, CK_FLAGS flags));
ZCA_CRYPTOKI(C_MessageEncryptFinal, (CK_SESSION_HANDLE session));
ZCA_CRYPTOKI(C_MessageDecryptInit,
             (CK_SESSION_HANDLE session, CK_MECHANISM_PTR mechanism, CK_OBJECT_HANDLE key));
ZCA_CRYPTOKI(C_DecryptMessage,
             (CK_SESSION_HANDLE session, CK_VOID_PTR parameter, CK_ULONG parameter_len,
              CK_BYTE_PTR associated, CK_ULONG associated_len, CK_BYTE_PTR encrypted,
              CK_ULONG encrypted_len, CK_BYTE_PTR plain, CK_ULONG_PTR plain_len));
ZCA_CRYPTOKI(C_DecryptMessageBegin,
             (CK_SESSION_HANDLE session, CK_VOID_PTR parameter, CK_ULONG parameter_len,
              CK_BYTE_PTR associated, CK_ULONG associated_len));
ZCA_CRYPTOKI(C_DecryptMessageNext,
             (CK_SESSION_HANDLE session, CK_VOID_PTR parameter, CK_ULONG parameter_len,
              CK_BYTE_PTR encrypted, CK_ULONG encrypted_len, CK_BYTE_PTR plain,
              CK_ULONG_PTR plain_len, CK_FLAGS flags));
ZCA_CRYPTOKI(C_MessageDecryptFinal, (CK_SESSION_HANDLE session));
ZCA_CRYPTOKI(C_MessageSignInit,
             (CK_SESSION_HANDLE session, CK_MECHANISM_PTR mechanism, CK_OBJECT_HANDLE key));
ZCA_CRYPTOKI(C_SignMessage, (CK_SESSION_HANDLE session, CK_VOID_PTR parameter,
                             CK_ULONG parameter_len, CK_BYTE_PTR data, CK_ULONG data_len,
                             CK_BYTE_PTR signature, CK_ULONG_PTR signature_len));
ZCA_CRYPTOKI(C_SignMessageBegin,
             (CK_SESSION_HANDLE session, CK_VOID_PTR parameter, CK_ULONG parameter_len));
ZCA_CRYPTOKI(C_SignMessageNext, (CK_SESSION_HANDLE session, CK_VOID_PTR parameter,
                                 CK_ULONG parameter_len, CK_BYTE_PTR data, CK_ULONG data_len,
                                 CK_BYTE_PTR signature, CK_ULONG_PTR signature_len));
ZCA_CRYPTOKI(C_MessageSignFinal, (CK_SESSION_HANDLE session));
ZCA_CRYPTOKI(C_MessageVerifyInit,
             (CK_SESSION_HANDLE session, CK_MECHANISM_PTR mechanism, CK_OBJECT_HANDLE key));
ZCA_CRYPTOKI(C_VerifyMessage,
             (CK_SESSION_HANDLE session, CK_VOID_PTR parameter, CK_ULONG parameter_len,
              CK_BYTE_PTR data, CK_ULONG data_len, CK_BYTE_PTR signature, CK_ULONG signature_len));
ZCA_CRYPTOKI(C_VerifyMessageBegin,
             (CK_SESSION_HANDLE session, CK_VOID_PTR parameter, CK_ULONG parameter_len));
ZCA_CRYPTOKI(C_VerifyMessageNext,
             (CK_SESSION_HANDLE session, CK_VOID_PTR parameter, CK_ULONG parameter_len,
              CK_BYTE_PTR data, CK_ULONG data_len, CK_BYTE_PTR signature, CK_ULONG signature_len));
ZCA_CRYPTOKI(C_MessageVerifyFinal, (CK_SESSION_HANDLE session));

/* 3.2 */
ZCA_CRYPTOKI(C_EncapsulateKey,
             (CK_SESSION_HANDLE session, CK_MECHANISM_PTR mechanism, CK_OBJECT_HANDLE public_key,
              CK_ATTRIBUTE_PTR attributes, CK_ULONG count, CK_BYTE_PTR ciphertext,
              CK_ULONG_PTR ciphertext_len, CK_OBJECT_HANDLE_PTR key));
ZCA_CRYPTOKI(C_DecapsulateKey,
             (CK_SESSION_HANDLE session, CK_MECHANISM_PTR mechanism, CK_OBJECT_HANDLE private_key,
              CK_ATTRIBUTE_PTR attributes, CK_ULONG count, CK_BYTE_PTR ciphertext,
              CK_ULONG ciphertext_len, CK_OBJECT_HANDLE_PTR key));
ZCA_CRYPTOKI(C_VerifySignatureInit,
             (CK_SESSION_HANDLE session, CK_MECHANISM_PTR mechanism, CK_OBJECT_HANDLE key,
              CK_BYTE_PTR signature, CK_ULONG signature_len));
ZCA_CRYPTOKI(C_VerifySignature, (CK_SESSION_HANDLE session, CK_BYTE_PTR data, CK_ULONG data_len));
ZCA_CRYPTOKI(C_VerifySignatureUpdate,
             (CK_SESSION_HANDLE session, CK_BYTE_PTR part, CK_ULONG part_len));
ZCA_CRYPTOKI(C_VerifySignatureFinal, (CK_SESSION_HANDLE session));
ZCA_CRYPTOKI(C_GetSessionValidationFlags,
             (CK_SESSION_HANDLE session, CK_ULONG type, CK_FLAGS *flags));
ZCA_CRYPTOKI(C_AsyncComplete,
             (CK_SESSION_HANDLE session, CK_UTF8CHAR_PTR function, CK_VOID_PTR result));
ZCA_CRYPTOKI(C_AsyncGetID, (CK_SESSION_HANDLE session, CK_UTF8CHAR_PTR function, CK_ULONG_PTR id));
ZCA_CRYPTOKI(C_AsyncJoin, (CK_SESSION_HANDLE session, CK_UTF8CHAR_PTR function, CK_ULONG id,
                           CK_BYTE_PTR data, CK_ULONG data_len));
ZCA_CRYPTOKI(C_WrapKeyAuthenticated,
             (CK_SESSION_HANDLE session, CK_MECHANISM_PTR mechanism, CK_OBJECT_HANDLE wrapping_key,
              CK_OBJECT_HANDLE key, CK_BYTE_PTR associated, CK_ULONG associated_len,
              CK_BYTE_PTR wrapped, CK_ULONG_PTR wrapped_len));
ZCA_CRYPTOKI(C_UnwrapKeyAuthenticated,
             (CK_SESSION_HANDLE session, CK_MECHANISM_PTR mechanism, CK_OBJECT_HANDLE wrapping_key,
              CK_BYTE_PTR wrapped, CK_ULONG wrapped_len, CK_ATTRIBUTE_PTR attributes,
              CK_ULONG count, CK_BYTE_PTR associated, CK_ULONG associated_len,
              CK_OBJECT_HANDLE_PTR key));

struct zca_functions_3_0 {
    CK_FUNCTION_LIST base; /* with version 3.0 */
    CK_C_GetInterfaceList C_GetInterfaceList;
    CK_C_GetInterface C_GetInterface;
    CK_C_LoginUser C_LoginUser;
    CK_C_SessionCancel C_SessionCancel;
    CK_C_MessageEncryptInit C_MessageEncryptInit;
    CK_C_EncryptMessage C_EncryptMessage;
    CK_C_EncryptMessageBegin C_EncryptMessageBegin;
    CK_C_EncryptMessageNext C_EncryptMessageNext;
    CK_C_MessageEncryptFinal C_MessageEncryptFinal;
    CK_C_MessageDecryptInit C_MessageDecryptInit;
    CK_C_DecryptMessage C_DecryptMessage;
    CK_C_DecryptMessageBegin C_DecryptMessageBegin;
    CK_C_DecryptMessageNext C_DecryptMessageNext;
    CK_C_MessageDecryptFinal C_MessageDecryptFinal;
    CK_C_MessageSignInit C_MessageSignInit;
    CK_C_SignMessage C_SignMessage;
    CK_C_SignMessageBegin C_SignMessageBegin;
    CK_C_SignMessageNext C_SignMessageNext;
    CK_C_MessageSignFinal C_MessageSignFinal;
    CK_C_MessageVerifyInit C_MessageVerifyInit;
    CK_C_VerifyMessage C_VerifyMessage;
    CK_C_VerifyMessageBegin C_VerifyMessageBegin;
    CK_C_VerifyMessageNext C_VerifyMessageNext;
    CK_C_MessageVerifyFinal C_MessageVerifyFinal;
};

struct zca_functions_3_2 {
    struct zca_functions_3_0 base; /* with version 3.2 */
    CK_C_EncapsulateKey C_EncapsulateKey;
    CK_C_DecapsulateKey C_DecapsulateKey;
    CK_C_VerifySignatureInit C_VerifySignatureInit;
    CK_C_VerifySignature C_VerifySignature;
    CK_C_VerifySignatureUpdate C_VerifySignatureUpdate;
    CK_C_VerifySignatureFinal C_VerifySignatureFinal;
    CK_C_GetSessionValidationFlags C_GetSessionValidationFlags;
    CK_C_AsyncComplete C_AsyncComplete;
    CK_C_AsyncGetID C_AsyncGetID;
    CK_C_AsyncJoin C_AsyncJoin;
    CK_C_WrapKeyAuthenticated C_WrapKeyAuthenticated;
    CK_C_UnwrapKeyAuthenticated C_UnwrapKeyAuthenticated;
};

#endif
