/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A command of zca: `zca COMMAND [ARGUMENT...] [--OPTION...]`. One row in tool/main.c; each lives in a
 * file of its own. Commands translate and print; core decides.
 */
#ifndef ZCA_TOOL_COMMAND_H
#define ZCA_TOOL_COMMAND_H

#include "core/library.h"
#include "tool/arguments.h"

/* What a command runs with. Borrowed. */
struct zca_tool {
    const char *config_file; /* --config; NULL: where zca.conf is found */
    struct zca_library *library;
    const struct zca_arguments *arguments;
    const struct zca_tool_command *commands; /* the table, for `help` */
    size_t num_commands;
    bool is_misused; /* set by a command that does not understand its command line */
};

/** A command does its work, prints to standard output with zca_tool_say, and returns true on success.
 * err   why it failed; main prints it once. ZCA_ERR_NONE: it was all said already. */
typedef bool zca_tool_run(struct zca_tool *tool, struct zca_error *err);

struct zca_tool_command {
    const char *name;      /* "cert", "ca init" */
    const char *arguments; /* for the help: "[DOMAIN]" */
    const char *help;      /* one line */
    size_t max_words;
    const enum zca_tool_option *options; /* besides --config and --help; ended by ZCA_TOOL_END */
    zca_tool_run *run;
};

zca_tool_run zca_tool_login, zca_tool_logout, zca_tool_ca_init, zca_tool_ca_show, zca_tool_cert;
zca_tool_run zca_tool_list, zca_tool_revoke, zca_tool_renew, zca_tool_export, zca_tool_doctor;
zca_tool_run zca_tool_pin, zca_tool_config, zca_tool_help;

#endif
