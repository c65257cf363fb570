/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One line an event, to syslog, standard error or a file. Layers below the doors write nothing
 * above debug. Never a secret: callers pass names, never contents.
 */
#ifndef ZCA_BASE_LOG_H
#define ZCA_BASE_LOG_H

#include <stdbool.h>

#include "base/error.h"

enum zca_log_level { ZCA_LOG_ERROR, ZCA_LOG_WARNING, ZCA_LOG_INFO, ZCA_LOG_DEBUG };

/**
 * zca_log_open selects the sink of the process. Thread-safe: a line that is being written meanwhile goes to the old or to
 * the new one, never elsewhere.
 *
 * ident    program name in front of each line; static storage.
 * target   "syslog", "stderr", "none", or the path of a file that is appended to (mode 0640).
 */
ZCA_NODISCARD bool zca_log_open(const char *ident, const char *target, enum zca_log_level level,
                                struct zca_error *err);

/** zca_log writes one line when `level` is enabled. Control characters become '?'. errno is kept. */
void zca_log(enum zca_log_level level, const char *format, ...) ZCA_PRINTF(2, 3);

/** zca_log_failure writes the line for an error object: reason, message, HTTP status and code. */
void zca_log_failure(const struct zca_error *err);

/** zca_log_enabled tells whether a line of this level would be written. */
bool zca_log_enabled(enum zca_log_level level);

#endif
