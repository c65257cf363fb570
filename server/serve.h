/* SPDX-License-Identifier: Apache-2.0 */
/* The command `serve`: the server itself, in the foreground, until it is told to stop. */
#ifndef ZCA_SERVER_SERVE_H
#define ZCA_SERVER_SERVE_H

#include "server/command.h"

/** zca_command_serve runs the server. `--ready-fd N` writes "ready PORT\n" to descriptor N, and closes
 * it, when connections are accepted. SIGTERM and SIGINT stop it, SIGHUP loads the TLS files anew. */
zca_command_run zca_command_serve;

#endif
