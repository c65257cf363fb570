/* SPDX-License-Identifier: Apache-2.0 */
/* zca help: the table of commands as text, or as rows for the manual's check and for completion. */
#include "tool/help.h"

#include <string.h>

#include "tool/command.h"
#include "tool/error.h"
#include "tool/output.h"

static void say_option(enum zca_tool_option option)
{
    const struct zca_tool_option_row *row = &zca_tool_options[option];
    zca_tool_say("  --%s%s%s", row->name, row->value ? " " : "", row->value ? row->value : "");
    zca_tool_say("        %s", row->help);
}

void zca_help_command(const struct zca_tool_command *command)
{
    zca_tool_say("usage: zca %s%s%s [--OPTION...]", command->name,
                 *command->arguments != '\0' ? " " : "", command->arguments);
    zca_tool_say("%s", command->help);
    zca_tool_say("%s", "");
    for (const enum zca_tool_option *option = command->options; *option != ZCA_TOOL_END; option++) {
        say_option(*option);
    }
    say_option(ZCA_TOOL_CONFIG);
    say_option(ZCA_TOOL_HELP);
}

void zca_help_commands(const struct zca_tool_command *commands, size_t num_commands)
{
    zca_tool_say("usage: zca COMMAND [ARGUMENT...] [--OPTION...]");
    zca_tool_say("%s", "");
    for (size_t i = 0; i < num_commands; i++) {
        zca_tool_say("  %-8s %s", commands[i].name, commands[i].help);
    }
    zca_tool_say("%s", "");
    zca_tool_say("'zca help COMMAND' tells the options of a command; zca(1) is the manual.");
}

/* command | option | value | help */
static void say_rows(const struct zca_tool_command *command)
{
    zca_tool_say("%s | | %s | %s", command->name, command->arguments, command->help);
    for (const enum zca_tool_option *option = command->options; *option != ZCA_TOOL_END; option++) {
        const struct zca_tool_option_row *row = &zca_tool_options[*option];
        zca_tool_say("%s | --%s | %s | %s", command->name, row->name, row->value ? row->value : "",
                     row->help);
    }
}

/* All commands whose first word is `word`: "ca" has several. */
static bool say_group(const struct zca_tool *tool, const char *word)
{
    size_t len = strlen(word);
    bool found = false;
    for (size_t i = 0; i < tool->num_commands; i++) {
        const struct zca_tool_command *command = &tool->commands[i];
        if (strncmp(command->name, word, len) == 0 && command->name[len] == ' ') {
            if (found) {
                zca_tool_say("%s", "");
            }
            zca_help_command(command);
            found = true;
        }
    }
    return found;
}

bool zca_tool_help(struct zca_tool *tool, struct zca_error *err)
{
    char *const *words = zca_arguments_words(tool->arguments);
    if (zca_arguments_has(tool->arguments, ZCA_TOOL_PRINT_OPTIONS)) {
        for (size_t i = 0; i < tool->num_commands; i++) {
            say_rows(&tool->commands[i]);
        }
        return true;
    }
    if (!words[0]) {
        zca_help_commands(tool->commands, tool->num_commands);
        return true;
    }
    const struct zca_tool_command *command =
        zca_help_find(tool->commands, tool->num_commands, words, NULL);
    if (command) {
        zca_help_command(command);
        return true;
    }
    if (!words[1] && say_group(tool, words[0])) {
        return true;
    }
    (void)zca_error_set(err, ZCA_ERR_INVALID, "there is no command '%s%s%s'", words[0], /* false */
                        words[1] ? " " : "", words[1] ? words[1] : "");
    return zca_tool_misused(tool);
}

const struct zca_tool_command *zca_help_find(const struct zca_tool_command *commands,
                                             size_t num_commands, char *const *words,
                                             size_t *out_num_words)
{
    for (size_t i = 0; i < num_commands; i++) {
        const char *second = strchr(commands[i].name, ' ');
        size_t first_len = second ? (size_t)(second - commands[i].name) : strlen(commands[i].name);
        bool fits = strlen(words[0]) == first_len &&
                    strncmp(words[0], commands[i].name, first_len) == 0 &&
                    (!second || (words[1] && strcmp(words[1], second + 1) == 0));
        if (fits) {
            if (out_num_words) {
                *out_num_words = second ? 2 : 1;
            }
            return &commands[i];
        }
    }
    return NULL;
}
