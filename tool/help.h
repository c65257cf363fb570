/* SPDX-License-Identifier: Apache-2.0 */
/* The table of commands: looking one up, and printing what they take. */
#ifndef ZCA_TOOL_HELP_H
#define ZCA_TOOL_HELP_H

#include "tool/command.h"

/** zca_help_find returns the command that `words` begin with, or NULL. words: at least one, NULL-terminated.
 * out_num_words   how many words its name has; may be NULL. */
const struct zca_tool_command *zca_help_find(const struct zca_tool_command *commands,
                                             size_t num_commands, char *const *words,
                                             size_t *out_num_words);

/** zca_help_command prints usage and options of one command, zca_help_commands one line for each. */
void zca_help_command(const struct zca_tool_command *command);
void zca_help_commands(const struct zca_tool_command *commands, size_t num_commands);

#endif
