/* SPDX-License-Identifier: Apache-2.0 */
/* Administration from the command line, beside a running server or without one. */
#ifndef ZCA_SERVER_ADMIN_H
#define ZCA_SERVER_ADMIN_H

#include "server/command.h"

/* One for each noun; rows of the command table in server/main.c. */
zca_command_run zca_admin_org;
zca_command_run zca_admin_user;
zca_command_run zca_admin_token;
zca_command_run zca_admin_machine;
zca_command_run zca_admin_authkey;
zca_command_run zca_admin_policy;
zca_command_run zca_admin_ca;
zca_command_run zca_admin_backup;
zca_command_run zca_admin_verify;

#endif
