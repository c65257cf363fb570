/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From our errors to OpenSSL's error queue and the log. curl and haproxy show nothing of the
 * queue, so each failure is also one line of the log.
 */
#ifndef ZCA_PROVIDER_COLD_ERROR_H
#define ZCA_PROVIDER_COLD_ERROR_H

#include <errno.h>

#include <openssl/core.h>

#include "base/error.h"
#include "provider/provider.h"

/**
 * zca_provider_fail puts `err` into OpenSSL's error queue (reason, message, HTTP status and the
 * authority's code) and into the log. Use it through ZCA_FAIL, which adds the place.
 *
 * Returns 0, what OpenSSL's functions return on failure.
 */
int zca_provider_fail(struct zca_provider *provider, const struct zca_error *err, const char *file,
                      int line, const char *function);

#define ZCA_FAIL(provider, err)                                                                    \
    zca_provider_fail((provider), (err), __FILE_NAME__, __LINE__, __func__)

/** zca_provider_raise is the same without the log; ZCA_RAISE adds the place. */
int zca_provider_raise(const struct zca_provider *provider, const struct zca_error *err,
                       const char *file, int line, const char *function);

#define ZCA_RAISE(provider, err)                                                                   \
    zca_provider_raise((provider), (err), __FILE_NAME__, __LINE__, __func__)

/** zca_provider_open_log opens the log that the configuration names, once; the functions here do it on need. */
void zca_provider_open_log(struct zca_provider *provider);

/** zca_provider_warn writes one line to the log, for what went wrong beside a success. */
void zca_provider_warn(struct zca_provider *provider, const struct zca_error *err);

/** zca_auto(errno) gives errno back at the end of a block: Python reports what it finds there. */
static inline void zca_auto_errno(const int *saved)
{
    errno = *saved;
}

#endif
