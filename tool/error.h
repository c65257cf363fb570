/* SPDX-License-Identifier: Apache-2.0 */
/* How a failure reaches a person: one line on standard error, and what to do about it. */
#ifndef ZCA_TOOL_ERROR_H
#define ZCA_TOOL_ERROR_H

#include "base/error.h"
#include "tool/command.h"

/* What zca exits with. */
enum zca_tool_exit {
    ZCA_EXIT_DONE = 0,
    ZCA_EXIT_FAILED = 1,
    ZCA_EXIT_USAGE = 2, /* the command line was not understood; nothing was done */
    ZCA_EXIT_INTERRUPTED = 130
};

/** zca_tool_print_error prints "zca: MESSAGE" with the authority's status and code, and a hint for the
 * reason unless the message says itself what to run. Nothing for ZCA_ERR_NONE. */
void zca_tool_print_error(const struct zca_error *err);

/** zca_tool_misused has main end with the status for a command line that was not understood; `err` tells why. Returns
 * false. */
bool zca_tool_misused(struct zca_tool *tool);

#endif
