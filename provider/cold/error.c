/* SPDX-License-Identifier: Apache-2.0 */
/* Into OpenSSL's error queue (provider-base(7), core_new_error) and the log. */
#include "provider/cold/error.h"

#include <stdarg.h>

#include "base/log.h"
#include "core/library.h"

void zca_provider_open_log(struct zca_provider *provider)
{
    if (atomic_load(&provider->log_open)) {
        return;
    }
    zca_library_enter(provider->library);
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
    atomic_store(&provider->log_open,
                 opened); /* which is true; threads that come together open the same */
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

int zca_provider_raise(const struct zca_provider *provider, const struct zca_error *err,
                       const char *file, int line, const char *function)
{
    const struct zca_upcalls *upcalls = &provider->upcalls;
    zca_auto(errno) int saved_errno = errno;
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

int zca_provider_fail(struct zca_provider *provider, const struct zca_error *err, const char *file,
                      int line, const char *function)
{
    zca_auto(errno) int saved_errno = errno;
    zca_provider_open_log(provider);
    zca_log_failure(err);
    return zca_provider_raise(provider, err, file, line, function);
}

void zca_provider_warn(struct zca_provider *provider, const struct zca_error *err)
{
    zca_auto(errno) int saved_errno = errno;
    zca_provider_open_log(provider);
    zca_log(ZCA_LOG_WARNING, "%s: %s", zca_reason_name(err->reason), err->message);
}
