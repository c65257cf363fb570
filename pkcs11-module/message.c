/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Several signatures with one key and one mechanism (PKCS#11 3.0, 5.14). No mechanism of ours has a parameter of single
 * messages. What fails ends the message, not the operation.
 */
#include "base/openssl_auto.h"
#include "pkcs11-module/call.h"
#include "pkcs11-module/sign.h"

static struct zca_operation *get_operation(struct zca_session *session)
{
    return &session->operations[ZCA_OPERATION_MESSAGE_SIGN];
}

/* A message is over: makes ready for the next. */
static CK_RV leave_message(struct zca_session *session, CK_RV rv, bool goes_on)
{
    struct zca_operation *operation = get_operation(session);
    if (!operation->mechanism || rv == CKR_BUFFER_TOO_SMALL || (rv == CKR_OK && goes_on)) {
        return rv;
    }
    operation->is_one_shot = operation->is_multipart = false;
    zca_buffer_clear(&operation->message);
    CK_RV ready = zca_operation_start_hash(session, operation);
    return rv ? rv : ready;
}

static CK_RV check_parameter(const CK_VOID_PTR parameter, CK_ULONG parameter_len)
{
    return parameter_len == 0 ? CKR_OK
           : parameter        ? CKR_MECHANISM_PARAM_INVALID
                              : CKR_ARGUMENTS_BAD;
}

CK_RV C_MessageSignInit(CK_SESSION_HANDLE session, CK_MECHANISM_PTR mechanism, CK_OBJECT_HANDLE key)
{
    zca_auto(zca_call) struct zca_call call = zca_call_begin_session("C_MessageSignInit", session);
    return call.rv
               ? call.rv
               : zca_call_end(&call, zca_operation_begin(call.session, ZCA_OPERATION_MESSAGE_SIGN,
                                                         mechanism, key));
}

static CK_RV sign_message(struct zca_session *session, const CK_BYTE *data, CK_ULONG data_len,
                          CK_BYTE *signature, CK_ULONG *signature_len)
{
    struct zca_span all;
    CK_RV rv = zca_input_check(data, data_len, &all);
    rv = rv ? rv : zca_sign_once(session, get_operation(session), all, signature, signature_len);
    return leave_message(session, rv, !signature);
}

CK_RV C_SignMessage(CK_SESSION_HANDLE session, CK_VOID_PTR parameter, CK_ULONG parameter_len,
                    CK_BYTE_PTR data, CK_ULONG data_len, CK_BYTE_PTR signature,
                    CK_ULONG_PTR signature_len)
{
    zca_auto(zca_call) struct zca_call call = zca_call_begin_session("C_SignMessage", session);
    CK_RV rv = call.rv ? call.rv : check_parameter(parameter, parameter_len);
    return rv ? zca_call_end(&call, rv)
              : zca_call_end(&call,
                             sign_message(call.session, data, data_len, signature, signature_len));
}

static CK_RV begin_message(struct zca_session *session)
{
    struct zca_operation *operation = get_operation(session);
    if (operation->is_multipart) {
        return CKR_OPERATION_ACTIVE;
    }
    operation->is_one_shot = false; /* only its length was asked for */
    return zca_operation_use(operation, true);
}

CK_RV C_SignMessageBegin(CK_SESSION_HANDLE session, CK_VOID_PTR parameter, CK_ULONG parameter_len)
{
    zca_auto(zca_call) struct zca_call call = zca_call_begin_session("C_SignMessageBegin", session);
    CK_RV rv = call.rv ? call.rv : check_parameter(parameter, parameter_len);
    return zca_call_end(&call, rv ? rv : begin_message(call.session));
}

/* The last part is the one with a length of the signature. It is taken when there is room for that only: who asks for the
 * length comes again with the same part. */
static CK_RV sign_part(struct zca_session *session, const CK_BYTE *data, CK_ULONG data_len,
                       CK_BYTE *signature, CK_ULONG *signature_len)
{
    struct zca_operation *operation = get_operation(session);
    struct zca_span part;
    if (!operation->is_multipart) {
        return CKR_OPERATION_NOT_INITIALIZED;
    }
    CK_RV rv = zca_input_check(data, data_len, &part);
    if (rv == CKR_OK && signature_len) {
        rv = zca_operation_room(signature, signature_len, operation->output_len);
    }
    bool is_query = signature_len && !signature;
    rv = rv || is_query ? rv : zca_operation_update(session, operation, part);
    if (rv == CKR_OK && signature_len && signature) {
        rv = zca_sign_final(session, operation, signature, signature_len);
    }
    return leave_message(session, rv, !signature_len || !signature);
}

CK_RV C_SignMessageNext(CK_SESSION_HANDLE session, CK_VOID_PTR parameter, CK_ULONG parameter_len,
                        CK_BYTE_PTR data, CK_ULONG data_len, CK_BYTE_PTR signature,
                        CK_ULONG_PTR signature_len)
{
    zca_auto(zca_call) struct zca_call call = zca_call_begin_session("C_SignMessageNext", session);
    CK_RV rv = call.rv ? call.rv : check_parameter(parameter, parameter_len);
    return rv ? zca_call_end(&call, rv)
              : zca_call_end(&call,
                             sign_part(call.session, data, data_len, signature, signature_len));
}

static CK_RV message_sign_final(struct zca_session *session)
{
    struct zca_operation *operation = get_operation(session);
    CK_RV rv = operation->mechanism ? CKR_OK : CKR_OPERATION_NOT_INITIALIZED;
    rv = operation->is_multipart ? CKR_OPERATION_ACTIVE : rv; /* in the midst of a message */
    zca_operation_end(operation);
    return rv;
}

CK_RV C_MessageSignFinal(CK_SESSION_HANDLE session)
{
    zca_auto(zca_call) struct zca_call call = zca_call_begin_session("C_MessageSignFinal", session);
    return call.rv ? call.rv : zca_call_end(&call, message_sign_final(call.session));
}
