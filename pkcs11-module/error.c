/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reasons as CK_RV. Never CKR_GENERAL_ERROR, CKR_DEVICE_REMOVED or CKR_TOKEN_NOT_PRESENT for what the network does:
 * applications drop the slot, or load the module anew, when they see these.
 */
#include "pkcs11-module/error.h"

#include <assert.h>
#include <stdatomic.h>

#include "base/log.h"

static const CK_RV codes[] = {
    [ZCA_ERR_NONE] = CKR_GENERAL_ERROR, /* a failure without a reason is our own mistake */
    [ZCA_ERR_MEMORY] = CKR_HOST_MEMORY,
    [ZCA_ERR_SYSTEM] = CKR_FUNCTION_FAILED,
    [ZCA_ERR_CRYPTO] = CKR_FUNCTION_FAILED,
    [ZCA_ERR_CONFIG] = CKR_FUNCTION_FAILED,
    [ZCA_ERR_INVALID] = CKR_FUNCTION_REJECTED,
    [ZCA_ERR_NOT_FOUND] = CKR_TOKEN_NOT_RECOGNIZED,
    [ZCA_ERR_UNSUPPORTED] = CKR_FUNCTION_NOT_SUPPORTED,
    [ZCA_ERR_AUTH] = CKR_USER_NOT_LOGGED_IN,
    [ZCA_ERR_MFA_REQUIRED] = CKR_USER_NOT_LOGGED_IN,
    [ZCA_ERR_FORBIDDEN] = CKR_FUNCTION_REJECTED,
    [ZCA_ERR_POLICY] = CKR_FUNCTION_REJECTED,
    [ZCA_ERR_NOT_INITIALISED] = CKR_TOKEN_NOT_RECOGNIZED,
    [ZCA_ERR_QUARANTINED] = CKR_FUNCTION_REJECTED,
    [ZCA_ERR_POSTURE] = CKR_FUNCTION_REJECTED,
    [ZCA_ERR_CONFLICT] = CKR_FUNCTION_REJECTED,
    [ZCA_ERR_PENDING] = CKR_OK, /* there is nothing yet, and nothing wrong */
    [ZCA_ERR_RATE_LIMITED] = CKR_DEVICE_ERROR,
    [ZCA_ERR_UNAVAILABLE] = CKR_DEVICE_ERROR,
    [ZCA_ERR_PROTOCOL] = CKR_DEVICE_ERROR,
    [ZCA_ERR_VERIFY] = CKR_DEVICE_ERROR,
    [ZCA_ERR_SEALED] = CKR_DEVICE_ERROR,
    [ZCA_ERR_EXPIRED] = CKR_FUNCTION_REJECTED,
    [ZCA_ERR_BUSY] = CKR_DEVICE_ERROR,
};
static_assert(ZCA_COUNT(codes) == ZCA_NUM_REASONS, "every reason has a row");

/* Whose options opened the log; another configuration opens it anew. */
static _Atomic(struct zca_library *) log_of;

static void open_log(struct zca_library *library)
{
    if (atomic_load(&log_of) == library) {
        return;
    }
    const struct zca_config *config = zca_library_config(library, NULL);
    const char *target = "syslog";
    enum zca_log_level level = ZCA_LOG_ERROR;
    if (config) {
        target = zca_config_get_text(config, "zca", NULL, &zca_library_options[ZCA_LIBRARY_LOG]);
        level = (enum zca_log_level)zca_config_get_choice(
            config, "zca", NULL, &zca_library_options[ZCA_LIBRARY_LOG_LEVEL]);
    }
    /* A log file that cannot be written must not hide the failure itself; syslog always opens. */
    bool is_open = zca_log_open("zca-pkcs11", target, level, NULL) ||
                   zca_log_open("zca-pkcs11", "syslog", level, NULL);
    if (is_open) {
        atomic_store(&log_of, library); /* threads that come together open the same */
    }
}

CK_RV zca_pkcs11_rv(enum zca_reason reason)
{
    return (unsigned)reason < ZCA_COUNT(codes) ? codes[reason] : CKR_GENERAL_ERROR;
}

CK_RV zca_pkcs11_fail(struct zca_library *library, const struct zca_error *err)
{
    open_log(library);
    zca_log_failure(err);
    return zca_pkcs11_rv(err->reason);
}

CK_RV zca_pkcs11_fail_by(struct zca_library *library, const struct zca_error *err,
                         const struct zca_pkcs11_code *own, size_t count)
{
    CK_RV rv = zca_pkcs11_fail(library, err);
    for (size_t i = 0; i < count; i++) {
        if (own[i].reason == err->reason) {
            return own[i].rv;
        }
    }
    return rv;
}

void zca_pkcs11_warn(struct zca_library *library, const struct zca_error *err)
{
    open_log(library);
    zca_log(ZCA_LOG_WARNING, "%s: %s", zca_reason_name(err->reason), err->message);
}

void zca_pkcs11_forget_log(void)
{
    atomic_store(&log_of, NULL);
}
