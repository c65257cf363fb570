/* SPDX-License-Identifier: Apache-2.0 */
/* RSA encryption in one part (PKCS#11 3.0, 5.8 and 5.10; RFC 8017, 7). */
#include <string.h>

#include <openssl/crypto.h>

#include "base/openssl_auto.h"
#include "pkcs11-module/call.h"

/* Bytes of the longest modulus in the mechanism table. */
enum { MAX_BLOCK = 8192 / 8 };

CK_RV C_EncryptInit(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key)
{
    zca_auto(zca_call) struct zca_call call = zca_call_begin_session("C_EncryptInit", session);
    return call.rv ? call.rv
                   : zca_call_end(&call, zca_operation_begin(call.session, ZCA_OPERATION_ENCRYPT,
                                                             mechanism, key));
}

static CK_RV encrypt(struct zca_session *session, struct zca_operation *operation,
                     struct zca_span plain, CK_BYTE *encrypted)
{
    zca_auto(error_mark) int mark = ERR_set_mark();
    size_t len = operation->output_len;
    CK_RV rv = plain.len > operation->input_max ? CKR_DATA_LEN_RANGE
                                                : zca_operation_context(session, operation);
    if (rv != CKR_OK) {
        return rv;
    }
    return EVP_PKEY_encrypt(operation->context, encrypted, &len, plain.data, plain.len) == 1
               ? CKR_OK
               : zca_operation_fail(session, operation, "encrypting");
}

static CK_RV encrypt_once(struct zca_session *session, const CK_BYTE *data, CK_ULONG data_len,
                          CK_BYTE *encrypted, CK_ULONG *encrypted_len)
{
    struct zca_operation *operation = &session->operations[ZCA_OPERATION_ENCRYPT];
    struct zca_span plain;
    CK_RV rv = zca_operation_use(operation, false);
    rv = rv ? rv : zca_input_check(data, data_len, &plain);
    rv = rv ? rv : zca_operation_room(encrypted, encrypted_len, operation->output_len);
    if (rv == CKR_OK && encrypted) {
        rv = encrypt(session, operation, plain, encrypted);
    }
    return zca_operation_leave(operation, rv, !encrypted);
}

CK_RV C_Encrypt(CK_SESSION_HANDLE session, CK_BYTE *data, CK_ULONG data_len, CK_BYTE *encrypted,
                CK_ULONG *encrypted_len)
{
    zca_auto(zca_call) struct zca_call call = zca_call_begin_session("C_Encrypt", session);
    return call.rv ? call.rv
                   : zca_call_end(&call, encrypt_once(call.session, data, data_len, encrypted,
                                                      encrypted_len));
}

CK_RV C_DecryptInit(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key)
{
    zca_auto(zca_call) struct zca_call call = zca_call_begin_session("C_DecryptInit", session);
    return call.rv ? call.rv
                   : zca_call_end(&call, zca_operation_begin(call.session, ZCA_OPERATION_DECRYPT,
                                                             mechanism, key));
}

/* How long the plain text is, only decryption tells: it is done again when the application's buffer was too short. */
static CK_RV decrypt(struct zca_session *session, struct zca_operation *operation,
                     struct zca_span encrypted, CK_BYTE *data, CK_ULONG *data_len)
{
    zca_auto(error_mark) int mark = ERR_set_mark();
    uint8_t plain[MAX_BLOCK];
    size_t len = sizeof(plain);
    CK_RV rv = encrypted.len != operation->output_len ? CKR_ENCRYPTED_DATA_LEN_RANGE
                                                      : zca_operation_context(session, operation);
    if (rv != CKR_OK) {
        return rv;
    }
    if (EVP_PKEY_decrypt(operation->context, plain, &len, encrypted.data, encrypted.len) != 1) {
        rv = CKR_ENCRYPTED_DATA_INVALID;
    }
    rv = rv ? rv : zca_operation_room(data, data_len, len);
    if (rv == CKR_OK && len > 0) {
        memcpy(data, plain, len);
    }
    OPENSSL_cleanse(plain, sizeof(plain));
    return rv;
}

static CK_RV decrypt_once(struct zca_session *session, const CK_BYTE *encrypted,
                          CK_ULONG encrypted_len, CK_BYTE *data, CK_ULONG *data_len)
{
    struct zca_operation *operation = &session->operations[ZCA_OPERATION_DECRYPT];
    struct zca_span input;
    CK_RV rv = zca_operation_use(operation, false);
    rv = rv ? rv : zca_input_check(encrypted, encrypted_len, &input);
    if (rv == CKR_OK && data && data_len) {
        rv = decrypt(session, operation, input, data, data_len);
    } else if (rv == CKR_OK) {
        rv = zca_operation_room(NULL, data_len, operation->input_max);
    }
    return zca_operation_leave(operation, rv, !data);
}

CK_RV C_Decrypt(CK_SESSION_HANDLE session, CK_BYTE *encrypted, CK_ULONG encrypted_len,
                CK_BYTE *data, CK_ULONG *data_len)
{
    zca_auto(zca_call) struct zca_call call = zca_call_begin_session("C_Decrypt", session);
    return call.rv ? call.rv
                   : zca_call_end(&call, decrypt_once(call.session, encrypted, encrypted_len, data,
                                                      data_len));
}
