/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The lists of functions that applications ask for: 2.40, 3.0 and 3.2, one function behind the same name in each.
 * 3.0's default interface says CKF_INTERFACE_FORK_SAFE: a child goes on with its parent's handles and logins.
 */
#include <string.h>

#include "pkcs11-module/call.h"

#define FUNCTIONS_2_40                                                                             \
    .C_Initialize = C_Initialize, .C_Finalize = C_Finalize, .C_GetInfo = C_GetInfo,                \
    .C_GetFunctionList = C_GetFunctionList, .C_GetSlotList = C_GetSlotList,                        \
    .C_GetSlotInfo = C_GetSlotInfo, .C_GetTokenInfo = C_GetTokenInfo,                              \
    .C_GetMechanismList = C_GetMechanismList, .C_GetMechanismInfo = C_GetMechanismInfo,            \
    .C_InitToken = C_InitToken, .C_InitPIN = C_InitPIN, .C_SetPIN = C_SetPIN,                      \
    .C_OpenSession = C_OpenSession, .C_CloseSession = C_CloseSession,                              \
    .C_CloseAllSessions = C_CloseAllSessions, .C_GetSessionInfo = C_GetSessionInfo,                \
    .C_GetOperationState = C_GetOperationState, .C_SetOperationState = C_SetOperationState,        \
    .C_Login = C_Login, .C_Logout = C_Logout, .C_CreateObject = C_CreateObject,                    \
    .C_CopyObject = C_CopyObject, .C_DestroyObject = C_DestroyObject,                              \
    .C_GetObjectSize = C_GetObjectSize, .C_GetAttributeValue = C_GetAttributeValue,                \
    .C_SetAttributeValue = C_SetAttributeValue, .C_FindObjectsInit = C_FindObjectsInit,            \
    .C_FindObjects = C_FindObjects, .C_FindObjectsFinal = C_FindObjectsFinal,                      \
    .C_EncryptInit = C_EncryptInit, .C_Encrypt = C_Encrypt, .C_EncryptUpdate = C_EncryptUpdate,    \
    .C_EncryptFinal = C_EncryptFinal, .C_DecryptInit = C_DecryptInit, .C_Decrypt = C_Decrypt,      \
    .C_DecryptUpdate = C_DecryptUpdate, .C_DecryptFinal = C_DecryptFinal,                          \
    .C_DigestInit = C_DigestInit, .C_Digest = C_Digest, .C_DigestUpdate = C_DigestUpdate,          \
    .C_DigestKey = C_DigestKey, .C_DigestFinal = C_DigestFinal, .C_SignInit = C_SignInit,          \
    .C_Sign = C_Sign, .C_SignUpdate = C_SignUpdate, .C_SignFinal = C_SignFinal,                    \
    .C_SignRecoverInit = C_SignRecoverInit, .C_SignRecover = C_SignRecover,                        \
    .C_VerifyInit = C_VerifyInit, .C_Verify = C_Verify, .C_VerifyUpdate = C_VerifyUpdate,          \
    .C_VerifyFinal = C_VerifyFinal, .C_VerifyRecoverInit = C_VerifyRecoverInit,                    \
    .C_VerifyRecover = C_VerifyRecover, .C_DigestEncryptUpdate = C_DigestEncryptUpdate,            \
    .C_DecryptDigestUpdate = C_DecryptDigestUpdate, .C_SignEncryptUpdate = C_SignEncryptUpdate,    \
    .C_DecryptVerifyUpdate = C_DecryptVerifyUpdate, .C_GenerateKey = C_GenerateKey,                \
    .C_GenerateKeyPair = C_GenerateKeyPair, .C_WrapKey = C_WrapKey, .C_UnwrapKey = C_UnwrapKey,    \
    .C_DeriveKey = C_DeriveKey, .C_SeedRandom = C_SeedRandom,                                      \
    .C_GenerateRandom = C_GenerateRandom, .C_GetFunctionStatus = C_GetFunctionStatus,              \
    .C_CancelFunction = C_CancelFunction, .C_WaitForSlotEvent = C_WaitForSlotEvent

#define FUNCTIONS_3_0                                                                              \
    .C_GetInterfaceList = C_GetInterfaceList, .C_GetInterface = C_GetInterface,                    \
    .C_LoginUser = C_LoginUser, .C_SessionCancel = C_SessionCancel,                                \
    .C_MessageEncryptInit = C_MessageEncryptInit, .C_EncryptMessage = C_EncryptMessage,            \
    .C_EncryptMessageBegin = C_EncryptMessageBegin, .C_EncryptMessageNext = C_EncryptMessageNext,  \
    .C_MessageEncryptFinal = C_MessageEncryptFinal, .C_MessageDecryptInit = C_MessageDecryptInit,  \
    .C_DecryptMessage = C_DecryptMessage, .C_DecryptMessageBegin = C_DecryptMessageBegin,          \
    .C_DecryptMessageNext = C_DecryptMessageNext, .C_MessageDecryptFinal = C_MessageDecryptFinal,  \
    .C_MessageSignInit = C_MessageSignInit, .C_SignMessage = C_SignMessage,                        \
    .C_SignMessageBegin = C_SignMessageBegin, .C_SignMessageNext = C_SignMessageNext,              \
    .C_MessageSignFinal = C_MessageSignFinal, .C_MessageVerifyInit = C_MessageVerifyInit,          \
    .C_VerifyMessage = C_VerifyMessage, .C_VerifyMessageBegin = C_VerifyMessageBegin,              \
    .C_VerifyMessageNext = C_VerifyMessageNext, .C_MessageVerifyFinal = C_MessageVerifyFinal

#define FUNCTIONS_3_2                                                                              \
    .C_EncapsulateKey = C_EncapsulateKey, .C_DecapsulateKey = C_DecapsulateKey,                    \
    .C_VerifySignatureInit = C_VerifySignatureInit, .C_VerifySignature = C_VerifySignature,        \
    .C_VerifySignatureUpdate = C_VerifySignatureUpdate,                                            \
    .C_VerifySignatureFinal = C_VerifySignatureFinal,                                              \
    .C_GetSessionValidationFlags = C_GetSessionValidationFlags,                                    \
    .C_AsyncComplete = C_AsyncComplete, .C_AsyncGetID = C_AsyncGetID, .C_AsyncJoin = C_AsyncJoin,  \
    .C_WrapKeyAuthenticated = C_WrapKeyAuthenticated,                                              \
    .C_UnwrapKeyAuthenticated = C_UnwrapKeyAuthenticated

static CK_FUNCTION_LIST list_2_40 = {
    .version = {2, 40},
      FUNCTIONS_2_40
};

static struct zca_functions_3_0 list_3_0 = {
    .base = {.version = {3, 0}, FUNCTIONS_2_40},
      FUNCTIONS_3_0
};

static struct zca_functions_3_2 list_3_2 = {
    .base = {.base = {.version = {3, 2}, FUNCTIONS_2_40}, FUNCTIONS_3_0},
      FUNCTIONS_3_2
};

static char interface_name[] = "PKCS 11";

/* The first is the default. */
static CK_INTERFACE interfaces[] = {
    {interface_name, &list_3_0,  CKF_INTERFACE_FORK_SAFE},
    {interface_name, &list_3_2,  CKF_INTERFACE_FORK_SAFE},
    {interface_name, &list_2_40, 0                      },
};

static CK_RV get_function_list(CK_FUNCTION_LIST **out_list)
{
    if (!out_list) {
        return CKR_ARGUMENTS_BAD;
    }
    *out_list = &list_2_40;
    return CKR_OK;
}

CK_RV C_GetFunctionList(CK_FUNCTION_LIST **out_list)
{
    zca_auto(zca_call) struct zca_call call = zca_call_begin_always("C_GetFunctionList", 0);
    return zca_call_end(&call, get_function_list(out_list));
}

static CK_RV get_interface_list(CK_INTERFACE *list, CK_ULONG *count)
{
    if (!count) {
        return CKR_ARGUMENTS_BAD;
    }
    CK_ULONG room = *count;
    *count = ZCA_COUNT(interfaces);
    if (!list) {
        return CKR_OK;
    }
    if (room < ZCA_COUNT(interfaces)) {
        return CKR_BUFFER_TOO_SMALL;
    }
    memcpy(list, interfaces, sizeof(interfaces));
    return CKR_OK;
}

CK_RV C_GetInterfaceList(CK_INTERFACE *list, CK_ULONG *count)
{
    zca_auto(zca_call) struct zca_call call = zca_call_begin_always("C_GetInterfaceList", 0);
    return zca_call_end(&call, get_interface_list(list, count));
}

/* Every list begins with its version. */
static bool has_version(const CK_INTERFACE *interface, const CK_VERSION *version)
{
    const CK_VERSION *own = interface->pFunctionList;
    return !version || (version->major == own->major && version->minor == own->minor);
}

static CK_RV get_interface(const CK_UTF8CHAR *name, const CK_VERSION *version,
                           CK_INTERFACE **out_interface, CK_FLAGS flags)
{
    if (!out_interface) {
        return CKR_ARGUMENTS_BAD;
    }
    for (size_t i = 0; i < ZCA_COUNT(interfaces); i++) {
        bool named = !name || strcmp((const char *)name, interface_name) == 0;
        if (named && has_version(&interfaces[i], version) && (flags & ~interfaces[i].flags) == 0) {
            *out_interface = &interfaces[i];
            return CKR_OK;
        }
    }
    return CKR_ARGUMENTS_BAD;
}

CK_RV C_GetInterface(CK_UTF8CHAR *name, CK_VERSION *version, CK_INTERFACE **out_interface,
                     CK_FLAGS flags)
{
    zca_auto(zca_call) struct zca_call call = zca_call_begin_always("C_GetInterface", 0);
    return zca_call_end(&call, get_interface(name, version, out_interface, flags));
}
