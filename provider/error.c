/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The reason table and the way into OpenSSL's error queue (provider-base(7), core_new_error).
 * stunnel prints the reason without its data, so each reason is a sentence that stands alone.
 */
#include "provider/error.h"

#include <assert.h>
#include <stdarg.h>

#include "base/lock.h"
#include "base/log.h"

#define REASON(number, text) [(number)-1] = {(number), (char *)(uintptr_t)(text)}

/* Texts as in base/error.c; OSSL_ITEM wants constants. tests/provider/test_error.c compares them. */
const OSSL_ITEM zca_reason_items[] = {
    REASON(ZCA_ERR_MEMORY, "out of memory"),
    REASON(ZCA_ERR_SYSTEM, "the operating system refused a file, socket or lock operation"),
    REASON(ZCA_ERR_CRYPTO, "a cryptographic operation failed"),
    REASON(ZCA_ERR_CONFIG, "the configuration is wrong"),
    REASON(ZCA_ERR_INVALID, "the input is not valid"),
    REASON(ZCA_ERR_NOT_FOUND, "there is no such object"),
    REASON(ZCA_ERR_UNSUPPORTED, "this authority, key or build cannot do that"),
    REASON(ZCA_ERR_AUTH, "not logged in at the authority, or the login was refused"),
    REASON(ZCA_ERR_MFA_REQUIRED, "the authority asks for a one-time code"),
    REASON(ZCA_ERR_FORBIDDEN, "the role held at the authority does not allow that"),
    REASON(ZCA_ERR_POLICY, "the authority refused the request by policy"),
    REASON(ZCA_ERR_NOT_INITIALISED, "the authority has no CA yet"),
    REASON(ZCA_ERR_QUARANTINED, "the authority has quarantined this machine"),
    REASON(ZCA_ERR_POSTURE, "this machine does not meet the authority's requirements"),
    REASON(ZCA_ERR_CONFLICT, "the object exists already or is in another state"),
    REASON(ZCA_ERR_PENDING, "the request is pending at the authority, ask again later"),
    REASON(ZCA_ERR_RATE_LIMITED, "the authority received too many requests"),
    REASON(ZCA_ERR_UNAVAILABLE, "the authority cannot be reached"),
    REASON(ZCA_ERR_PROTOCOL, "the authority's answer cannot be understood"),
    REASON(ZCA_ERR_VERIFY, "the authority's answer is not what was asked for"),
    REASON(ZCA_ERR_SEALED, "a sealed key cannot be opened"),
    REASON(ZCA_ERR_EXPIRED, "the certificate has expired"),
    REASON(ZCA_ERR_BUSY, "the operation is running already"),
    {0, NULL},
};
static_assert(ZCA_COUNT(zca_reason_items) == ZCA_NUM_REASONS, "every reason but NONE has a row");

static void open_log(struct zca_provider *provider)
{
    zca_auto(lock) pthread_mutex_t *held = zca_lock(&provider->mutex);
    if (provider->log_open) {
        return;
    }
    provider->log_open = true;
    const struct zca_config *config = zca_library_config(provider->library, NULL);
    const char *target = "syslog";
    enum zca_log_level level = ZCA_LOG_ERROR;
    if (config) {
        target = zca_config_get_text(config, "zca", NULL, &zca_library_options[ZCA_LIBRARY_LOG]);
        level = (enum zca_log_level)zca_config_get_choice(
            config, "zca", NULL, &zca_library_options[ZCA_LIBRARY_LOG_LEVEL]);
    }
    /* A log file that cannot be written must not hide the failure itself; syslog always opens. */
    bool opened =
        zca_log_open("zca", target, level, NULL) || zca_log_open("zca", "syslog", level, NULL);
    (void)opened; /* true, as said */
}

static void add_error(const struct zca_provider *provider, const struct zca_error *err,
                      const char *format, ...) ZCA_PRINTF(3, 4);

static void add_error(const struct zca_provider *provider, const struct zca_error *err,
                      const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    provider->upcalls.vset_error(provider->handle, (uint32_t)err->reason, format, arguments);
    va_end(arguments);
}

int zca_provider_fail(struct zca_provider *provider, const struct zca_error *err, const char *file,
                      int line, const char *function)
{
    const struct zca_upcalls *upcalls = &provider->upcalls;
    zca_auto(errno) int saved_errno = errno;
    open_log(provider);
    zca_log_failure(err);
    if (!upcalls->new_error || !upcalls->set_error_debug || !upcalls->vset_error) {
        return 0;
    }
    upcalls->new_error(provider->handle);
    upcalls->set_error_debug(provider->handle, file, line, function);
    if (err->http_status == 0) {
        add_error(provider, err, "%s", err->message);
    } else if (*err->code == '\0') {
        add_error(provider, err, "%s (HTTP %ld)", err->message, err->http_status);
    } else {
        add_error(provider, err, "%s (HTTP %ld, %s)", err->message, err->http_status, err->code);
    }
    return 0;
}

void zca_provider_warn(struct zca_provider *provider, const struct zca_error *err)
{
    zca_auto(errno) int saved_errno = errno;
    open_log(provider);
    zca_log(ZCA_LOG_WARNING, "%s: %s", zca_reason_name(err->reason), err->message);
}
