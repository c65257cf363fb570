/* SPDX-License-Identifier: Apache-2.0 */
/* The command that makes a server read its new certificate. */
#ifndef ZCA_CORE_RELOAD_H
#define ZCA_CORE_RELOAD_H

#include <stdbool.h>

#include "base/auto.h"
#include "base/error.h"

/**
 * zca_reload_run runs a command and waits for it. No shell: the text is split at spaces. A program without
 * a slash is looked for in the system's directories. Standard input is empty, the environment is PATH,
 * LANG=C and ZCA_IDENTITY.
 *
 * uri          of the identity, for ZCA_IDENTITY.
 * timeout_ms   after which the command and its children are killed.
 * err          ZCA_ERR_SYSTEM tells the exit status or signal; ZCA_ERR_CONFIG for an empty command.
 */
ZCA_NODISCARD bool zca_reload_run(const char *command, const char *uri, int timeout_ms,
                                  struct zca_error *err);

/** zca_reload_check tells whether a command's program is there and may be run. Runs nothing.
 * err   ZCA_ERR_CONFIG for an empty command; ZCA_ERR_NOT_FOUND, ZCA_ERR_SYSTEM. */
ZCA_NODISCARD bool zca_reload_check(const char *command, struct zca_error *err);

#endif
