/* SPDX-License-Identifier: Apache-2.0 */
/* The functions, in the order of the lists of 2.40, 3.0 and 3.2. */
#include "tests/pkcs11-module/calls.h"

#include <string.h>

#include "tests/base/check.h"

#define REFUSED CKR_FUNCTION_NOT_SUPPORTED
#define SERIAL CKR_FUNCTION_NOT_PARALLEL

/* Which member of an argument a kind is. */
#define AS_NUMBER number
#define AS_SESSION number
#define AS_SLOT number
#define AS_OBJECT number
#define AS_SIGN_KEY number
#define AS_VERIFY_KEY number
#define AS_ENCRYPT_KEY number
#define AS_DECRYPT_KEY number
#define AS_DERIVE_KEY number
#define AS_SECRET_KEY number
#define AS_MAY_BE_NULL pointer
#define AS_RESERVED pointer
#define AS_TEXT pointer
#define AS_BYTES pointer
#define AS_SIGNATURE pointer
#define AS_CIPHERTEXT pointer
#define AS_PIN pointer
#define AS_SO_PIN pointer
#define AS_LEN number
#define AS_LEN_64 number
#define AS_LEN_256 number
#define AS_PIN_LEN number
#define AS_SO_PIN_LEN number
#define AS_NONE number
#define AS_LABEL pointer
#define AS_OUT pointer
#define AS_OUT_LEN pointer
#define AS_RANDOM_LEN number
#define AS_INFO pointer
#define AS_LIST pointer
#define AS_LIST_COUNT pointer
#define AS_HANDLE_OUT pointer
#define AS_MECHANISM pointer
#define AS_RSA pointer
#define AS_DIGEST pointer
#define AS_DERIVE pointer
#define AS_PAIR pointer
#define AS_SECRET pointer
#define AS_TYPE number
#define AS_NEW_DATA pointer
#define AS_NEW_LABEL pointer
#define AS_SEARCH pointer
#define AS_QUESTION pointer
#define AS_PUBLIC_PART pointer
#define AS_PRIVATE_PART pointer
#define AS_SECRET_PART pointer
#define AS_COUNT number
#define AS_USER number
#define AS_SESSION_FLAGS number
#define AS_TRUTH truth
#define AS_NOTIFY notify
#define AS_DONT_BLOCK number

/* clang-format off: one row a function */
#define FUNCTIONS(F)                                                                               \
    F(C_Initialize, FINALIZE, CKR_OK, 1, MAY_BE_NULL)                                              \
    F(C_Finalize, NOTHING, CKR_OK, 1, RESERVED)                                                    \
    F(C_GetInfo, NOTHING, CKR_OK, 1, INFO)                                                         \
    F(C_GetFunctionList, NOTHING, CKR_OK, 1, INFO)                                                 \
    F(C_GetSlotList, NOTHING, CKR_OK, 3, TRUTH, LIST, LIST_COUNT)                                  \
    F(C_GetSlotInfo, NOTHING, CKR_OK, 2, SLOT, INFO)                                               \
    F(C_GetTokenInfo, NOTHING, CKR_OK, 2, SLOT, INFO)                                              \
    F(C_GetMechanismList, NOTHING, CKR_OK, 3, SLOT, LIST, LIST_COUNT)                              \
    F(C_GetMechanismInfo, NOTHING, CKR_OK, 3, SLOT, TYPE, INFO)                                    \
    F(C_InitToken, NO_SESSION, CKR_PIN_INCORRECT, 4, SLOT, PIN, PIN_LEN, LABEL)                    \
    F(C_InitPIN, SO, CKR_OK, 3, SESSION, PIN, PIN_LEN)                                             \
    F(C_SetPIN, NOTHING, CKR_OK, 5, SESSION, PIN, PIN_LEN, PIN, PIN_LEN)                           \
    F(C_OpenSession, NOTHING, CKR_OK, 5, SLOT, SESSION_FLAGS, MAY_BE_NULL, NOTIFY, HANDLE_OUT)     \
    F(C_CloseSession, NOTHING, CKR_OK, 1, SESSION)                                                 \
    F(C_CloseAllSessions, NOTHING, CKR_OK, 1, SLOT)                                                \
    F(C_GetSessionInfo, NOTHING, CKR_OK, 2, SESSION, INFO)                                         \
    F(C_GetOperationState, SIGN, REFUSED, 3, SESSION, OUT, OUT_LEN)                                \
    F(C_SetOperationState, NOTHING, REFUSED, 5, SESSION, BYTES, LEN, SIGN_KEY, SIGN_KEY)           \
    F(C_Login, LOGOUT, CKR_OK, 4, SESSION, USER, PIN, PIN_LEN)                                     \
    F(C_Logout, NOTHING, CKR_OK, 1, SESSION)                                                       \
    F(C_CreateObject, NOTHING, CKR_OK, 4, SESSION, NEW_DATA, COUNT, HANDLE_OUT)                    \
    F(C_CopyObject, NOTHING, CKR_OK, 5, SESSION, OBJECT, NEW_LABEL, COUNT, HANDLE_OUT)             \
    F(C_DestroyObject, NOTHING, CKR_OK, 2, SESSION, OBJECT)                                        \
    F(C_GetObjectSize, NOTHING, CKR_OK, 3, SESSION, OBJECT, INFO)                                  \
    F(C_GetAttributeValue, NOTHING, CKR_OK, 4, SESSION, OBJECT, QUESTION, COUNT)                   \
    F(C_SetAttributeValue, NOTHING, CKR_OK, 4, SESSION, OBJECT, NEW_LABEL, COUNT)                  \
    F(C_FindObjectsInit, NOTHING, CKR_OK, 3, SESSION, SEARCH, COUNT)                               \
    F(C_FindObjects, FIND, CKR_OK, 4, SESSION, LIST, COUNT, HANDLE_OUT)                            \
    F(C_FindObjectsFinal, FIND, CKR_OK, 1, SESSION)                                                \
    F(C_EncryptInit, NOTHING, CKR_OK, 3, SESSION, RSA, ENCRYPT_KEY)                                \
    F(C_Encrypt, ENCRYPT, CKR_OK, 5, SESSION, BYTES, LEN, OUT, OUT_LEN)                            \
    F(C_EncryptUpdate, ENCRYPT, REFUSED, 5, SESSION, BYTES, LEN, OUT, OUT_LEN)                     \
    F(C_EncryptFinal, ENCRYPT, REFUSED, 3, SESSION, OUT, OUT_LEN)                                  \
    F(C_DecryptInit, NOTHING, CKR_OK, 3, SESSION, RSA, DECRYPT_KEY)                                \
    F(C_Decrypt, DECRYPT, CKR_OK, 5, SESSION, CIPHERTEXT, LEN_256, OUT, OUT_LEN)                   \
    F(C_DecryptUpdate, DECRYPT, REFUSED, 5, SESSION, CIPHERTEXT, LEN_256, OUT, OUT_LEN)            \
    F(C_DecryptFinal, DECRYPT, REFUSED, 3, SESSION, OUT, OUT_LEN)                                  \
    F(C_DigestInit, NOTHING, CKR_OK, 2, SESSION, DIGEST)                                           \
    F(C_Digest, DIGEST, CKR_OK, 5, SESSION, BYTES, LEN, OUT, OUT_LEN)                              \
    F(C_DigestUpdate, DIGEST, CKR_OK, 3, SESSION, BYTES, LEN)                                      \
    F(C_DigestKey, DIGEST, CKR_OK, 2, SESSION, SECRET_KEY)                                         \
    F(C_DigestFinal, DIGEST, CKR_OK, 3, SESSION, OUT, OUT_LEN)                                     \
    F(C_SignInit, NOTHING, CKR_OK, 3, SESSION, MECHANISM, SIGN_KEY)                                \
    F(C_Sign, SIGN, CKR_OK, 5, SESSION, BYTES, LEN, OUT, OUT_LEN)                                  \
    F(C_SignUpdate, SIGN, CKR_OK, 3, SESSION, BYTES, LEN)                                          \
    F(C_SignFinal, SIGN_PART, CKR_OK, 3, SESSION, OUT, OUT_LEN)                                    \
    F(C_SignRecoverInit, NOTHING, REFUSED, 3, SESSION, MECHANISM, SIGN_KEY)                        \
    F(C_SignRecover, SIGN, REFUSED, 5, SESSION, BYTES, LEN, OUT, OUT_LEN)                          \
    F(C_VerifyInit, NOTHING, CKR_OK, 3, SESSION, MECHANISM, VERIFY_KEY)                            \
    F(C_Verify, VERIFY, CKR_OK, 5, SESSION, BYTES, LEN, SIGNATURE, LEN_64)                         \
    F(C_VerifyUpdate, VERIFY, CKR_OK, 3, SESSION, BYTES, LEN)                                      \
    F(C_VerifyFinal, VERIFY_PART, CKR_OK, 3, SESSION, SIGNATURE, LEN_64)                           \
    F(C_VerifyRecoverInit, NOTHING, REFUSED, 3, SESSION, MECHANISM, VERIFY_KEY)                    \
    F(C_VerifyRecover, VERIFY, REFUSED, 5, SESSION, SIGNATURE, LEN_64, OUT, OUT_LEN)               \
    F(C_DigestEncryptUpdate, DIGEST, REFUSED, 5, SESSION, BYTES, LEN, OUT, OUT_LEN)                \
    F(C_DecryptDigestUpdate, DIGEST, REFUSED, 5, SESSION, BYTES, LEN, OUT, OUT_LEN)                \
    F(C_SignEncryptUpdate, SIGN, REFUSED, 5, SESSION, BYTES, LEN, OUT, OUT_LEN)                    \
    F(C_DecryptVerifyUpdate, VERIFY, REFUSED, 5, SESSION, BYTES, LEN, OUT, OUT_LEN)                \
    F(C_GenerateKey, NOTHING, CKR_OK, 5, SESSION, SECRET, SECRET_PART, COUNT, HANDLE_OUT)          \
    F(C_GenerateKeyPair, NOTHING, CKR_OK, 8, SESSION, PAIR, PUBLIC_PART, COUNT, PRIVATE_PART,      \
      COUNT, HANDLE_OUT, HANDLE_OUT)                                                               \
    F(C_WrapKey, NOTHING, REFUSED, 6, SESSION, RSA, ENCRYPT_KEY, SIGN_KEY, OUT, OUT_LEN)           \
    F(C_UnwrapKey, NOTHING, REFUSED, 8, SESSION, RSA, DECRYPT_KEY, CIPHERTEXT, LEN_256,            \
      SECRET_PART, COUNT, HANDLE_OUT)                                                              \
    F(C_DeriveKey, NOTHING, CKR_OK, 6, SESSION, DERIVE, DERIVE_KEY, SECRET_PART, COUNT,            \
      HANDLE_OUT)                                                                                  \
    F(C_SeedRandom, NOTHING, CKR_OK, 3, SESSION, BYTES, LEN)                                       \
    F(C_GenerateRandom, NOTHING, CKR_OK, 3, SESSION, OUT, RANDOM_LEN)                              \
    F(C_GetFunctionStatus, NOTHING, SERIAL, 1, NUMBER)                                             \
    F(C_CancelFunction, NOTHING, SERIAL, 1, NUMBER)                                                \
    F(C_WaitForSlotEvent, NOTHING, CKR_NO_EVENT, 3, DONT_BLOCK, INFO, RESERVED)                    \
    F(C_GetInterfaceList, NOTHING, CKR_OK, 2, LIST, LIST_COUNT)                                    \
    F(C_GetInterface, NOTHING, CKR_OK, 4, MAY_BE_NULL, MAY_BE_NULL, INFO, NONE)                    \
    F(C_LoginUser, LOGOUT, CKR_OK, 6, SESSION, USER, PIN, PIN_LEN, MAY_BE_NULL, NONE)              \
    F(C_SessionCancel, SIGN, CKR_OK, 2, SESSION, NUMBER)                                           \
    F(C_MessageEncryptInit, NOTHING, REFUSED, 3, SESSION, RSA, ENCRYPT_KEY)                        \
    F(C_EncryptMessage, ENCRYPT, REFUSED, 9, SESSION, MAY_BE_NULL, NONE, BYTES, LEN, BYTES, LEN,   \
      OUT, OUT_LEN)                                                                                \
    F(C_EncryptMessageBegin, ENCRYPT, REFUSED, 5, SESSION, MAY_BE_NULL, NONE, BYTES, LEN)          \
    F(C_EncryptMessageNext, ENCRYPT, REFUSED, 8, SESSION, MAY_BE_NULL, NONE, BYTES, LEN, OUT,      \
      OUT_LEN, NONE)                                                                               \
    F(C_MessageEncryptFinal, ENCRYPT, REFUSED, 1, SESSION)                                         \
    F(C_MessageDecryptInit, NOTHING, REFUSED, 3, SESSION, RSA, DECRYPT_KEY)                        \
    F(C_DecryptMessage, DECRYPT, REFUSED, 9, SESSION, MAY_BE_NULL, NONE, BYTES, LEN, BYTES, LEN,   \
      OUT, OUT_LEN)                                                                                \
    F(C_DecryptMessageBegin, DECRYPT, REFUSED, 5, SESSION, MAY_BE_NULL, NONE, BYTES, LEN)          \
    F(C_DecryptMessageNext, DECRYPT, REFUSED, 8, SESSION, MAY_BE_NULL, NONE, BYTES, LEN, OUT,      \
      OUT_LEN, NONE)                                                                               \
    F(C_MessageDecryptFinal, DECRYPT, REFUSED, 1, SESSION)                                         \
    F(C_MessageSignInit, NOTHING, CKR_OK, 3, SESSION, MECHANISM, SIGN_KEY)                         \
    F(C_SignMessage, MESSAGE, CKR_OK, 7, SESSION, MAY_BE_NULL, NONE, BYTES, LEN, OUT, OUT_LEN)     \
    F(C_SignMessageBegin, MESSAGE, CKR_OK, 3, SESSION, MAY_BE_NULL, NONE)                          \
    F(C_SignMessageNext, MESSAGE_PART, CKR_OK, 7, SESSION, MAY_BE_NULL, NONE, BYTES, LEN, OUT,     \
      LIST_COUNT)                                                                                  \
    F(C_MessageSignFinal, MESSAGE, CKR_OK, 1, SESSION)                                             \
    F(C_MessageVerifyInit, NOTHING, REFUSED, 3, SESSION, MECHANISM, VERIFY_KEY)                    \
    F(C_VerifyMessage, VERIFY, REFUSED, 7, SESSION, MAY_BE_NULL, NONE, BYTES, LEN, SIGNATURE,      \
      LEN_64)                                                                                      \
    F(C_VerifyMessageBegin, VERIFY, REFUSED, 3, SESSION, MAY_BE_NULL, NONE)                        \
    F(C_VerifyMessageNext, VERIFY, REFUSED, 7, SESSION, MAY_BE_NULL, NONE, BYTES, LEN, SIGNATURE,  \
      LEN_64)                                                                                      \
    F(C_MessageVerifyFinal, VERIFY, REFUSED, 1, SESSION)                                           \
    F(C_EncapsulateKey, NOTHING, REFUSED, 8, SESSION, RSA, ENCRYPT_KEY, SECRET_PART, COUNT, OUT,   \
      OUT_LEN, HANDLE_OUT)                                                                         \
    F(C_DecapsulateKey, NOTHING, REFUSED, 8, SESSION, RSA, DECRYPT_KEY, SECRET_PART, COUNT, BYTES, \
      LEN, HANDLE_OUT)                                                                             \
    F(C_VerifySignatureInit, NOTHING, REFUSED, 5, SESSION, MECHANISM, VERIFY_KEY, SIGNATURE,       \
      LEN_64)                                                                                      \
    F(C_VerifySignature, VERIFY, REFUSED, 3, SESSION, BYTES, LEN)                                  \
    F(C_VerifySignatureUpdate, VERIFY, REFUSED, 3, SESSION, BYTES, LEN)                            \
    F(C_VerifySignatureFinal, VERIFY, REFUSED, 1, SESSION)                                         \
    F(C_GetSessionValidationFlags, NOTHING, REFUSED, 3, SESSION, NUMBER, INFO)                     \
    F(C_AsyncComplete, NOTHING, REFUSED, 3, SESSION, TEXT, INFO)                                   \
    F(C_AsyncGetID, NOTHING, REFUSED, 3, SESSION, TEXT, INFO)                                      \
    F(C_AsyncJoin, NOTHING, REFUSED, 5, SESSION, TEXT, NUMBER, OUT, RANDOM_LEN)                    \
    F(C_WrapKeyAuthenticated, NOTHING, REFUSED, 8, SESSION, RSA, ENCRYPT_KEY, SIGN_KEY, BYTES,     \
      LEN, OUT, OUT_LEN)                                                                           \
    F(C_UnwrapKeyAuthenticated, NOTHING, REFUSED, 10, SESSION, RSA, DECRYPT_KEY, CIPHERTEXT,       \
      LEN_256, SECRET_PART, COUNT, BYTES, LEN, HANDLE_OUT)
/* clang-format on */

#define PASS(n, kind) arguments[n].AS_##kind
#define PASS_1(a) PASS(0, a)
#define PASS_2(a, b) PASS_1(a), PASS(1, b)
#define PASS_3(a, b, c) PASS_2(a, b), PASS(2, c)
#define PASS_4(a, b, c, d) PASS_3(a, b, c), PASS(3, d)
#define PASS_5(a, b, c, d, e) PASS_4(a, b, c, d), PASS(4, e)
#define PASS_6(a, b, c, d, e, f) PASS_5(a, b, c, d, e), PASS(5, f)
#define PASS_7(a, b, c, d, e, f, g) PASS_6(a, b, c, d, e, f), PASS(6, g)
#define PASS_8(a, b, c, d, e, f, g, h) PASS_7(a, b, c, d, e, f, g), PASS(7, h)
#define PASS_9(a, b, c, d, e, f, g, h, i) PASS_8(a, b, c, d, e, f, g, h), PASS(8, i)
#define PASS_10(a, b, c, d, e, f, g, h, i, j) PASS_9(a, b, c, d, e, f, g, h, i), PASS(9, j)

#define KINDS_1(a) KIND_##a
#define KINDS_2(a, b) KINDS_1(a), KIND_##b
#define KINDS_3(a, b, c) KINDS_2(a, b), KIND_##c
#define KINDS_4(a, b, c, d) KINDS_3(a, b, c), KIND_##d
#define KINDS_5(a, b, c, d, e) KINDS_4(a, b, c, d), KIND_##e
#define KINDS_6(a, b, c, d, e, f) KINDS_5(a, b, c, d, e), KIND_##f
#define KINDS_7(a, b, c, d, e, f, g) KINDS_6(a, b, c, d, e, f), KIND_##g
#define KINDS_8(a, b, c, d, e, f, g, h) KINDS_7(a, b, c, d, e, f, g), KIND_##h
#define KINDS_9(a, b, c, d, e, f, g, h, i) KINDS_8(a, b, c, d, e, f, g, h), KIND_##i
#define KINDS_10(a, b, c, d, e, f, g, h, i, j) KINDS_9(a, b, c, d, e, f, g, h, i), KIND_##j

#define CALL(function, before, outcome, num, ...)                                                  \
    static CK_RV call_##function(const union argument *arguments)                                  \
    {                                                                                              \
        return function(PASS_##num(__VA_ARGS__));                                                  \
    }
#define ROW(function, before, outcome, num, ...)                                                   \
    {#function, BEFORE_##before, outcome, call_##function, num, {KINDS_##num(__VA_ARGS__)}},

FUNCTIONS(CALL)

static const struct call_row rows[] = {FUNCTIONS(ROW)};

const struct call_row *call_rows(size_t *out_num_rows)
{
    *out_num_rows = ZCA_COUNT(rows);
    return rows;
}

const struct call_row *call_find(const char *name)
{
    for (size_t i = 0; i < ZCA_COUNT(rows); i++) {
        if (strcmp(rows[i].name, name) == 0) {
            return &rows[i];
        }
    }
    fail_msg("no function '%s'", name);
    return NULL;
}
