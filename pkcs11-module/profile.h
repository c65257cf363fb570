/* SPDX-License-Identifier: Apache-2.0 */
/* Profile objects: which rules of the PKCS#11 Profiles a token keeps (3.0, 2). Searched for by every modern application. */
#ifndef ZCA_PKCS11_MODULE_PROFILE_H
#define ZCA_PKCS11_MODULE_PROFILE_H

#include "pkcs11-module/token.h"

/** zca_profiles_add adds one object for each CKP_ number, when they are not there yet; takes the lock. */
ZCA_NODISCARD CK_RV zca_profiles_add(struct zca_token *token, const CK_ULONG *profiles,
                                     size_t num_profiles);

#endif
