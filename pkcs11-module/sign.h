/* SPDX-License-Identifier: Apache-2.0 */
/* Making signatures, for C_Sign and C_SignMessage alike (PKCS#11 3.0, 5.13 and 5.14). */
#ifndef ZCA_PKCS11_MODULE_SIGN_H
#define ZCA_PKCS11_MODULE_SIGN_H

#include "pkcs11-module/session.h"

/** zca_sign_once signs all of the data. Nothing is signed, and nobody is asked to, when only the length is wanted.
 * The operation goes on; the caller ends it. */
ZCA_NODISCARD CK_RV zca_sign_once(struct zca_session *session, struct zca_operation *operation,
                                  struct zca_span data, CK_BYTE *signature,
                                  CK_ULONG *signature_len);

/** zca_sign_final signs what zca_operation_update took. */
ZCA_NODISCARD CK_RV zca_sign_final(struct zca_session *session, struct zca_operation *operation,
                                   CK_BYTE *signature, CK_ULONG *signature_len);

#endif
