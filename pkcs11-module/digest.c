/* SPDX-License-Identifier: Apache-2.0 */
/* C_Digest and the functions around it (PKCS#11 3.0, 5.12). */
#include <string.h>

#include "base/openssl_auto.h"
#include "pkcs11-module/call.h"

static CK_RV digest_init(struct zca_session *session, const CK_MECHANISM *given)
{
    struct zca_operation *operation = &session->operations[ZCA_OPERATION_DIGEST];
    if (!given) {
        return zca_operation_cancel(operation);
    }
    if (operation->mechanism) {
        return CKR_OPERATION_ACTIVE;
    }
    const struct zca_mechanism *mechanism =
        zca_mechanism_find(given->mechanism, session->token->places);
    if (!mechanism || !(mechanism->flags & CKF_DIGEST)) {
        return CKR_MECHANISM_INVALID;
    }
    CK_RV rv = zca_parameters_read(mechanism, given, 0, &operation->parameters);
    if (rv != CKR_OK) {
        return rv;
    }
    operation->mechanism = mechanism;
    operation->sort = ZCA_OPERATION_DIGEST;
    operation->hashes = true;
    rv = zca_operation_start_hash(session, operation);
    operation->output_len = rv ? 0 : (size_t)EVP_MD_CTX_get_size(operation->digest);
    return zca_operation_leave(operation, rv, true);
}

CK_RV C_DigestInit(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism)
{
    zca_auto(zca_call) struct zca_call call = zca_call_begin_session("C_DigestInit", session);
    return call.rv ? call.rv : zca_call_end(&call, digest_init(call.session, mechanism));
}

/* all: see zca_operation_input. */
static CK_RV finish(struct zca_session *session, struct zca_operation *operation,
                    const struct zca_span *all, CK_BYTE *output, CK_ULONG *output_len)
{
    CK_RV rv = zca_operation_use(operation, !all);
    rv = rv ? rv : zca_operation_room(output, output_len, operation->output_len);
    if (rv || !output) {
        return zca_operation_leave(operation, rv, true);
    }
    uint8_t digest[EVP_MAX_MD_SIZE];
    struct zca_span made;
    rv = zca_operation_input(session, operation, all, digest, &made);
    if (rv == CKR_OK) {
        memcpy(output, made.data, made.len);
    }
    return zca_operation_leave(operation, rv, false);
}

static CK_RV digest_once(struct zca_session *session, const CK_BYTE *data, CK_ULONG data_len,
                         CK_BYTE *output, CK_ULONG *output_len)
{
    struct zca_operation *operation = &session->operations[ZCA_OPERATION_DIGEST];
    struct zca_span all;
    CK_RV rv = zca_input_check(data, data_len, &all);
    return rv ? zca_operation_leave(operation, rv, false)
              : finish(session, operation, &all, output, output_len);
}

CK_RV C_Digest(CK_SESSION_HANDLE session, CK_BYTE *data, CK_ULONG data_len, CK_BYTE *digest,
               CK_ULONG *digest_len)
{
    zca_auto(zca_call) struct zca_call call = zca_call_begin_session("C_Digest", session);
    return call.rv
               ? call.rv
               : zca_call_end(&call, digest_once(call.session, data, data_len, digest, digest_len));
}

static CK_RV digest_update(struct zca_session *session, const CK_BYTE *part, CK_ULONG part_len)
{
    struct zca_operation *operation = &session->operations[ZCA_OPERATION_DIGEST];
    struct zca_span data;
    CK_RV rv = zca_operation_use(operation, true);
    rv = rv ? rv : zca_input_check(part, part_len, &data);
    rv = rv ? rv : zca_operation_update(session, operation, data);
    return zca_operation_leave(operation, rv, true);
}

CK_RV C_DigestUpdate(CK_SESSION_HANDLE session, CK_BYTE *part, CK_ULONG part_len)
{
    zca_auto(zca_call) struct zca_call call = zca_call_begin_session("C_DigestUpdate", session);
    return call.rv ? call.rv : zca_call_end(&call, digest_update(call.session, part, part_len));
}

static CK_RV digest_key(struct zca_session *session, CK_OBJECT_HANDLE handle)
{
    struct zca_operation *operation = &session->operations[ZCA_OPERATION_DIGEST];
    zca_auto(zca_object) struct zca_object *key = NULL;
    CK_RV rv = zca_operation_use(operation, true);
    if (rv == CKR_OK) {
        rv = zca_session_key(session, handle, &key);
    }
    if (rv == CKR_OK && key->class != CKO_SECRET_KEY) {
        rv = CKR_KEY_INDIGESTIBLE;
    }
    rv = rv ? rv : zca_operation_update(session, operation, zca_buffer_span(&key->secret));
    return zca_operation_leave(operation, rv, true);
}

CK_RV C_DigestKey(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE key)
{
    zca_auto(zca_call) struct zca_call call = zca_call_begin_session("C_DigestKey", session);
    return call.rv ? call.rv : zca_call_end(&call, digest_key(call.session, key));
}

CK_RV C_DigestFinal(CK_SESSION_HANDLE session, CK_BYTE *digest, CK_ULONG *digest_len)
{
    zca_auto(zca_call) struct zca_call call = zca_call_begin_session("C_DigestFinal", session);
    return call.rv ? call.rv
                   : zca_call_end(&call, finish(call.session,
                                                &call.session->operations[ZCA_OPERATION_DIGEST],
                                                NULL, digest, digest_len));
}
