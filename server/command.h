/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A command of zca-server: `zca-server [OPTION...] COMMAND [ARGUMENT...]`. One row in server/main.c;
 * administrative commands live in files of their own.
 */
#ifndef ZCA_SERVER_COMMAND_H
#define ZCA_SERVER_COMMAND_H

#include <stdbool.h>

#include "base/error.h"
#include "server/server.h"

/**
 * A command runs with an opened server (configuration, state directory; the domain is not open).
 *
 * argc, argv  what follows the command's name; argv[argc] is NULL.
 * err         why it failed; main prints it once and exits with 1 (2 for ZCA_ERR_INVALID: usage).
 */
typedef bool zca_command_run(struct zca_server *server, int argc, char **argv,
                             struct zca_error *err);

struct zca_command {
    const char *name;
    const char *arguments; /* for --help: "ORG EMAIL [--role ROLE]" */
    const char *help;      /* one line */
    zca_command_run *run;
};

#endif
