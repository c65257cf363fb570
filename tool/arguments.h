/* SPDX-License-Identifier: Apache-2.0 */
/* A command line, read by getopt_long(3) from rows of tool/options.c. */
#ifndef ZCA_TOOL_ARGUMENTS_H
#define ZCA_TOOL_ARGUMENTS_H

#include <stddef.h>

#include "base/auto.h"
#include "base/error.h"
#include "tool/options.h"

struct zca_arguments;

/**
 * zca_arguments_parse reads what follows `argv[0]`.
 *
 * options    rows that may occur, ended by ZCA_TOOL_END.
 * in_front   true: stop at the first word, which begins the command.
 * argv       borrowed for the life of the object; words are moved behind options.
 * err        ZCA_ERR_INVALID: unknown option (names the nearest), missing or unwanted value.
 *
 * Returns a new object or NULL. Not for several threads: getopt_long keeps its place in globals.
 */
ZCA_NODISCARD struct zca_arguments *zca_arguments_parse(const enum zca_tool_option *options,
                                                        bool in_front, int argc, char **argv,
                                                        struct zca_error *err);
void zca_arguments_free(struct zca_arguments *arguments);
ZCA_DEFINE_AUTO(zca_arguments, struct zca_arguments, zca_arguments_free);

/** zca_arguments_has tells whether an option was given. */
bool zca_arguments_has(const struct zca_arguments *arguments, enum zca_tool_option option);

/** zca_arguments_text returns the value given last; NULL when none was. */
const char *zca_arguments_text(const struct zca_arguments *arguments, enum zca_tool_option option);

/** zca_arguments_list returns all values, NULL-terminated; NULL when none was given. */
const char *const *zca_arguments_list(const struct zca_arguments *arguments,
                                      enum zca_tool_option option);

/** zca_arguments_words returns what is no option, NULL-terminated; zca_arguments_num_words counts. */
char *const *zca_arguments_words(const struct zca_arguments *arguments);
size_t zca_arguments_num_words(const struct zca_arguments *arguments);

#endif
