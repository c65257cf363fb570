/* SPDX-License-Identifier: Apache-2.0 */
/* What a person types: never from the command line, never echoed when it is a secret. */
#ifndef ZCA_TOOL_PASSWORD_H
#define ZCA_TOOL_PASSWORD_H

#include "base/buffer.h"
#include "base/error.h"

/** zca_password_load reads the first line of a file. out_password must be secret; replaced. */
ZCA_NODISCARD bool zca_password_load(const char *path, struct zca_buffer *out_password,
                                     struct zca_error *err);

/** zca_password_has_terminal tells whether a person can be asked: standard input is a terminal. */
bool zca_password_has_terminal(void);

/**
 * zca_password_ask reads one line: from the terminal after `prompt`, without echo when `hidden`, or, when
 * standard input is no terminal, from it without a prompt.
 *
 * out_line   must be secret; replaced; without the line's end.
 * err        ZCA_ERR_INVALID when nothing was typed or it is longer than 1024 bytes, ZCA_ERR_SYSTEM.
 * An interrupt restores the terminal before it ends the process.
 */
ZCA_NODISCARD bool zca_password_ask(const char *prompt, bool hidden, struct zca_buffer *out_line,
                                    struct zca_error *err);

#endif
