/* SPDX-License-Identifier: Apache-2.0 */
/* What the server prints when it is ready: where it is and how to log in. */
#ifndef ZCA_SERVER_START_TEXT_H
#define ZCA_SERVER_START_TEXT_H

#include <stdbool.h>

#include "base/auto.h"
#include "base/error.h"
#include "server/account.h"
#include "server/server.h"

/** zca_start_text_print writes to standard output: URL, state, the file to trust and, after a first
 * start, the organisation, its owner and the command line that logs in. */
ZCA_NODISCARD bool zca_start_text_print(const struct zca_server *server, const char *url,
                                        const struct zca_bootstrap *bootstrap,
                                        struct zca_error *err);

#endif
