/* SPDX-License-Identifier: Apache-2.0 */
/* Objects on the scratch token, and other processes that use it. Functions for children tell by their result, since an
 * assertion of cmocka belongs to the process that runs the test. */
#ifndef ZCA_TESTS_PKCS11_MODULE_STORED_H
#define ZCA_TESTS_PKCS11_MODULE_STORED_H

#include "tests/pkcs11-module/bed.h"

/** stored_process runs `step` in a child that calls C_Initialize first; returns whether it returned true. */
bool stored_process(struct scene *scene, bool (*step)(const void *argument), const void *argument);

/** stored_session opens a session on the scratch token, initialised or not; 0: failed. */
CK_SESSION_HANDLE stored_session(CK_FLAGS flags);

/** stored_login opens a R/W session and logs the user in; 0: failed. */
CK_SESSION_HANDLE stored_login(const char *pin);

/** stored_data makes a CKO_DATA token object; 0: failed. */
CK_OBJECT_HANDLE stored_data(CK_SESSION_HANDLE session, const char *label, bool is_private);

/** stored_count returns how many objects have this label (NULL: any). stored_find returns the newest, or 0. */
size_t stored_count(CK_SESSION_HANDLE session, const char *label);
CK_OBJECT_HANDLE stored_find(CK_SESSION_HANDLE session, CK_OBJECT_CLASS class, const char *label);

/** stored_set_label changes CKA_LABEL. */
CK_RV stored_set_label(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object, const char *label);

/** stored_pair makes a token key pair with CKA_LABEL; stored_pair_works signs with the one of this label and verifies. */
bool stored_pair(CK_SESSION_HANDLE session, CK_MECHANISM_TYPE generation, const char *label,
                 bool is_private);
bool stored_pair_works(CK_SESSION_HANDLE session, CK_MECHANISM_TYPE mechanism, const char *label);

/** stored_flags returns the token's flags; stored_init calls C_InitToken with this label. */
CK_FLAGS stored_flags(void);
CK_RV stored_init(const char *so_pin, const char *label);

#endif
