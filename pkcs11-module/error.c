/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reasons as CK_RV. Never CKR_GENERAL_ERROR, CKR_DEVICE_REMOVED or CKR_TOKEN_NOT_PRESENT for what the network does:
 * applications drop the slot, or load the module anew, when they see these.
 */
#include "pkcs11-module/error.h"

#include <assert.h>

#include "base/log.h"
#include "pkcs11-module/module.h"

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

#define NAME(code)                                                                                 \
    {                                                                                              \
        code, #code                                                                                \
    }

static const struct {
    CK_RV rv;
    const char *name;
} names[] = {
    NAME(CKR_OK),
    NAME(CKR_CANCEL),
    NAME(CKR_HOST_MEMORY),
    NAME(CKR_SLOT_ID_INVALID),
    NAME(CKR_GENERAL_ERROR),
    NAME(CKR_FUNCTION_FAILED),
    NAME(CKR_ARGUMENTS_BAD),
    NAME(CKR_NO_EVENT),
    NAME(CKR_NEED_TO_CREATE_THREADS),
    NAME(CKR_CANT_LOCK),
    NAME(CKR_ATTRIBUTE_READ_ONLY),
    NAME(CKR_ATTRIBUTE_SENSITIVE),
    NAME(CKR_ATTRIBUTE_TYPE_INVALID),
    NAME(CKR_ATTRIBUTE_VALUE_INVALID),
    NAME(CKR_ACTION_PROHIBITED),
    NAME(CKR_DATA_INVALID),
    NAME(CKR_DATA_LEN_RANGE),
    NAME(CKR_DEVICE_ERROR),
    NAME(CKR_DEVICE_MEMORY),
    NAME(CKR_DEVICE_REMOVED),
    NAME(CKR_ENCRYPTED_DATA_INVALID),
    NAME(CKR_ENCRYPTED_DATA_LEN_RANGE),
    NAME(CKR_FUNCTION_CANCELED),
    NAME(CKR_FUNCTION_NOT_PARALLEL),
    NAME(CKR_FUNCTION_NOT_SUPPORTED),
    NAME(CKR_KEY_HANDLE_INVALID),
    NAME(CKR_KEY_SIZE_RANGE),
    NAME(CKR_KEY_TYPE_INCONSISTENT),
    NAME(CKR_KEY_NOT_NEEDED),
    NAME(CKR_KEY_CHANGED),
    NAME(CKR_KEY_NEEDED),
    NAME(CKR_KEY_INDIGESTIBLE),
    NAME(CKR_KEY_FUNCTION_NOT_PERMITTED),
    NAME(CKR_KEY_NOT_WRAPPABLE),
    NAME(CKR_KEY_UNEXTRACTABLE),
    NAME(CKR_MECHANISM_INVALID),
    NAME(CKR_MECHANISM_PARAM_INVALID),
    NAME(CKR_OBJECT_HANDLE_INVALID),
    NAME(CKR_OPERATION_ACTIVE),
    NAME(CKR_OPERATION_NOT_INITIALIZED),
    NAME(CKR_PIN_INCORRECT),
    NAME(CKR_PIN_INVALID),
    NAME(CKR_PIN_LEN_RANGE),
    NAME(CKR_PIN_EXPIRED),
    NAME(CKR_PIN_LOCKED),
    NAME(CKR_SESSION_CLOSED),
    NAME(CKR_SESSION_COUNT),
    NAME(CKR_SESSION_HANDLE_INVALID),
    NAME(CKR_SESSION_PARALLEL_NOT_SUPPORTED),
    NAME(CKR_SESSION_READ_ONLY),
    NAME(CKR_SESSION_EXISTS),
    NAME(CKR_SESSION_READ_ONLY_EXISTS),
    NAME(CKR_SESSION_READ_WRITE_SO_EXISTS),
    NAME(CKR_SIGNATURE_INVALID),
    NAME(CKR_SIGNATURE_LEN_RANGE),
    NAME(CKR_TEMPLATE_INCOMPLETE),
    NAME(CKR_TEMPLATE_INCONSISTENT),
    NAME(CKR_TOKEN_NOT_PRESENT),
    NAME(CKR_TOKEN_NOT_RECOGNIZED),
    NAME(CKR_TOKEN_WRITE_PROTECTED),
    NAME(CKR_UNWRAPPING_KEY_HANDLE_INVALID),
    NAME(CKR_UNWRAPPING_KEY_SIZE_RANGE),
    NAME(CKR_UNWRAPPING_KEY_TYPE_INCONSISTENT),
    NAME(CKR_USER_ALREADY_LOGGED_IN),
    NAME(CKR_USER_NOT_LOGGED_IN),
    NAME(CKR_USER_PIN_NOT_INITIALIZED),
    NAME(CKR_USER_TYPE_INVALID),
    NAME(CKR_USER_ANOTHER_ALREADY_LOGGED_IN),
    NAME(CKR_USER_TOO_MANY_TYPES),
    NAME(CKR_WRAPPED_KEY_INVALID),
    NAME(CKR_WRAPPED_KEY_LEN_RANGE),
    NAME(CKR_WRAPPING_KEY_HANDLE_INVALID),
    NAME(CKR_WRAPPING_KEY_SIZE_RANGE),
    NAME(CKR_WRAPPING_KEY_TYPE_INCONSISTENT),
    NAME(CKR_RANDOM_SEED_NOT_SUPPORTED),
    NAME(CKR_RANDOM_NO_RNG),
    NAME(CKR_DOMAIN_PARAMS_INVALID),
    NAME(CKR_CURVE_NOT_SUPPORTED),
    NAME(CKR_BUFFER_TOO_SMALL),
    NAME(CKR_SAVED_STATE_INVALID),
    NAME(CKR_INFORMATION_SENSITIVE),
    NAME(CKR_STATE_UNSAVEABLE),
    NAME(CKR_CRYPTOKI_NOT_INITIALIZED),
    NAME(CKR_CRYPTOKI_ALREADY_INITIALIZED),
    NAME(CKR_MUTEX_BAD),
    NAME(CKR_MUTEX_NOT_LOCKED),
    NAME(CKR_NEW_PIN_MODE),
    NAME(CKR_NEXT_OTP),
    NAME(CKR_EXCEEDED_MAX_ITERATIONS),
    NAME(CKR_FIPS_SELF_TEST_FAILED),
    NAME(CKR_LIBRARY_LOAD_FAILED),
    NAME(CKR_PIN_TOO_WEAK),
    NAME(CKR_PUBLIC_KEY_INVALID),
    NAME(CKR_FUNCTION_REJECTED),
    NAME(CKR_OPERATION_CANCEL_FAILED),
};

/* The library whose options opened the log; another configuration opens it anew. */
static void open_log(struct zca_library *library)
{
    struct zca_module *module = zca_module_get();
    if (atomic_load(&module->log_of) == library) {
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
        atomic_store(&module->log_of, library); /* threads that come together open the same */
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

void zca_pkcs11_warn(struct zca_library *library, const struct zca_error *err)
{
    open_log(library);
    zca_log(ZCA_LOG_WARNING, "%s: %s", zca_reason_name(err->reason), err->message);
}

const char *zca_pkcs11_name(CK_RV rv)
{
    for (size_t i = 0; i < ZCA_COUNT(names); i++) {
        if (names[i].rv == rv) {
            return names[i].name;
        }
    }
    return NULL;
}
