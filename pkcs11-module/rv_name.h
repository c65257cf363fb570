/* SPDX-License-Identifier: Apache-2.0 */
/* "CKR_..." for the trace. */
#ifndef ZCA_PKCS11_MODULE_RV_NAME_H
#define ZCA_PKCS11_MODULE_RV_NAME_H

#include "pkcs11-module/cryptoki.h"

/** zca_rv_name returns the name of a result, or NULL for one that PKCS#11 does not have; static. */
const char *zca_rv_name(CK_RV rv);

#endif
