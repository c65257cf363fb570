/* SPDX-License-Identifier: Apache-2.0 */
/* How objects come to be seen, change and go: C_CreateObject, C_CopyObject, C_GenerateKeyPair and C_DeriveKey end here. */
#ifndef ZCA_PKCS11_MODULE_CREATE_H
#define ZCA_PKCS11_MODULE_CREATE_H

#include "pkcs11-module/rules.h"
#include "pkcs11-module/session.h"

/** zca_object_show adds a new object to the session's token: a session object to be seen by all its sessions, a token
 * object after the kind has stored it. Gives it a CKA_UNIQUE_ID. Checks what zca_object_may_show does.
 * object: a reference that the set takes on success. */
ZCA_NODISCARD CK_RV zca_object_show(struct zca_session *session, struct zca_object *object);

/** zca_object_may_show checks the same before work is done for values that are to become an object: CKR_SESSION_READ_ONLY,
 * CKR_TOKEN_WRITE_PROTECTED, CKR_USER_NOT_LOGGED_IN; CKR_ATTRIBUTE_READ_ONLY for CKA_TRUSTED of anybody but the SO. */
ZCA_NODISCARD CK_RV zca_object_may_show(struct zca_session *session,
                                        const struct zca_values *values);

/** zca_object_is_import tells whether these values are a token object that the kind imports instead of adding it. */
bool zca_object_is_import(const struct zca_token *token, const struct zca_values *values);

/** zca_object_hide removes an object for good, also from where the kind stores it. Operations that use it keep it.
 * CKR_SESSION_READ_ONLY, CKR_TOKEN_WRITE_PROTECTED; CKR_OBJECT_HANDLE_INVALID when another thread was faster. */
ZCA_NODISCARD CK_RV zca_object_hide(struct zca_session *session, struct zca_object *object);

/** zca_object_change gives an object the values of a template (ZCA_ORIGIN_CHANGE), stored before they are seen. */
ZCA_NODISCARD CK_RV zca_object_change(struct zca_session *session, struct zca_object *object,
                                      const struct zca_template *template);

/** zca_object_describe completes the values of a generated key with what takes time to tell: its point
 * (zca_material_describe). Cheap when they are there. zca_token_describe does it for all objects of a token, before a
 * search by such values. Both without the lock. */
ZCA_NODISCARD CK_RV zca_object_describe(struct zca_token *token, struct zca_object *object);
ZCA_NODISCARD CK_RV zca_token_describe(struct zca_token *token);

/** zca_template_is_of_keys tells whether a template has values that zca_token_describe may have to find out. */
bool zca_template_is_of_keys(const struct zca_template *template);

/** zca_object_allows tells whether a boolean attribute of the object is true. Takes the lock. */
bool zca_object_allows(struct zca_session *session, const struct zca_object *object,
                       CK_ATTRIBUTE_TYPE type);

#endif
