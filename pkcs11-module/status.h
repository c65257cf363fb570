/* SPDX-License-Identifier: Apache-2.0 */
/* What an identity token tells about itself: a CKO_DATA object "zca status" with JSON, renewed when somebody looks. */
#ifndef ZCA_PKCS11_MODULE_STATUS_H
#define ZCA_PKCS11_MODULE_STATUS_H

#include "pkcs11-module/generation.h"
#include "pkcs11-module/issue.h"

/** zca_status_show adds the object or gives it new contents: "state" (none, valid, due, expired), "not_after",
 * "next_renewal", and what zca_issue_status knows. Takes the module's lock. */
ZCA_NODISCARD CK_RV zca_status_show(struct zca_token *token, const struct zca_generation *current,
                                    struct zca_issue *issue);

#endif
