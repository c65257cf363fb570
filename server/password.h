/* SPDX-License-Identifier: Apache-2.0 */
/* Passwords at rest: scrypt (RFC 7914) with its parameters and salt in one line of text. */
#ifndef ZCA_SERVER_PASSWORD_H
#define ZCA_SERVER_PASSWORD_H

#include <stdbool.h>

#include "base/auto.h"
#include "base/buffer.h"
#include "base/error.h"

/** zca_password_hash appends "scrypt$N$r$p$salt$hash". Takes about 60 ms and 32 MiB. */
ZCA_NODISCARD bool zca_password_hash(struct zca_span password, struct zca_buffer *out_text,
                                     struct zca_error *err);

/** zca_password_check tells whether `password` gives the stored text. A stored text that cannot be
 * read, also NULL, costs the same time and is never equal. */
bool zca_password_check(struct zca_span password, const char *stored);

#endif
