/* SPDX-License-Identifier: Apache-2.0 */
/* Core's reasons as CK_RV, and one line in the log for each failure (options log, log-level). */
#ifndef ZCA_PKCS11_MODULE_ERROR_H
#define ZCA_PKCS11_MODULE_ERROR_H

#include "core/library.h"
#include "pkcs11-module/cryptoki.h"

/** zca_pkcs11_rv returns the CK_RV of a reason, by table. */
CK_RV zca_pkcs11_rv(enum zca_reason reason);

/** zca_pkcs11_fail writes the log line of `err` and returns its CK_RV. */
CK_RV zca_pkcs11_fail(struct zca_library *library, const struct zca_error *err);

/* Where a reason has a code of its own. */
struct zca_pkcs11_code {
    enum zca_reason reason;
    CK_RV rv;
};

/** zca_pkcs11_fail_by does that with a table that is asked first. */
CK_RV zca_pkcs11_fail_by(struct zca_library *library, const struct zca_error *err,
                         const struct zca_pkcs11_code *own, size_t count);

/** zca_pkcs11_warn writes a line only. */
void zca_pkcs11_warn(struct zca_library *library, const struct zca_error *err);

/** zca_pkcs11_forget_log has the next line open the log anew: before a library is freed, since another may get its address. */
void zca_pkcs11_forget_log(void);

#endif
