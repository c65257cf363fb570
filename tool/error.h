/* SPDX-License-Identifier: Apache-2.0 */
/* How a failure reaches a person: one line on standard error, and what to do about it. */
#ifndef ZCA_TOOL_ERROR_H
#define ZCA_TOOL_ERROR_H

#include "base/error.h"

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

#endif
