/* SPDX-License-Identifier: Apache-2.0 */
/* Secret keys: what C_DeriveKey and C_GenerateKey make. No mechanism uses them here; applications read them. */
#ifndef ZCA_PKCS11_MODULE_SECRET_H
#define ZCA_PKCS11_MODULE_SECRET_H

#include "pkcs11-module/session.h"

/** zca_secret_fits tells whether a key of this CKK_ type may have this length. CKR_KEY_SIZE_RANGE,
 * CKR_TEMPLATE_INCONSISTENT for other types. */
ZCA_NODISCARD CK_RV zca_secret_fits(CK_KEY_TYPE type, size_t len);

/** zca_secret_show makes an object of values (taken) and a secret (moved) and shows it in the session. */
ZCA_NODISCARD CK_RV zca_secret_show(struct zca_session *session, struct zca_values *values,
                                    struct zca_buffer *secret, CK_OBJECT_HANDLE *out_handle);

#endif
