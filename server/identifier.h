/* SPDX-License-Identifier: Apache-2.0 */
/* Names that nobody can guess: UUIDs, tokens, serial numbers. */
#ifndef ZCA_SERVER_IDENTIFIER_H
#define ZCA_SERVER_IDENTIFIER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/auto.h"
#include "base/buffer.h"
#include "base/error.h"
#include "server/route.h"

/** zca_uuid_make writes a random UUID (RFC 4122, 4.4) in lower case. */
ZCA_NODISCARD bool zca_uuid_make(char out_text[ZCA_UUID_SIZE], struct zca_error *err);

/** zca_uuid_check tells whether `text` is a UUID in lower or upper case. NULL is not. */
bool zca_uuid_check(const char *text);

/** zca_name_check tells whether `text` may name something in lists and in the audit log: 1 to
 * `max_len` bytes without control characters (U+0000 to U+001F, U+007F to U+009F). NULL is not. */
bool zca_name_check(const char *text, size_t max_len);

/** zca_token_make appends `prefix` and `num_bytes` random bytes as hexadecimal digits. */
ZCA_NODISCARD bool zca_token_make(const char *prefix, size_t num_bytes, struct zca_buffer *out_text,
                                  struct zca_error *err);

/** zca_token_hash appends the SHA-256 that stands for a token in the ledger. */
ZCA_NODISCARD bool zca_token_hash(struct zca_span text, struct zca_buffer *out_hash,
                                  struct zca_error *err);

/**
 * zca_serial_make appends a serial number: 16 random bytes, the top bit clear, never zero, so that
 * it is positive in 16 octets (RFC 5280, 4.1.2.2) and 32 hexadecimal digits long.
 */
ZCA_NODISCARD bool zca_serial_make(struct zca_buffer *out_bytes, struct zca_error *err);

/** zca_serial_trim returns a serial without leading zeros: the form the ledger compares. */
struct zca_span zca_serial_trim(struct zca_span bytes);

/** zca_serial_text appends a serial as at least 32 lower-case hexadecimal digits. */
ZCA_NODISCARD bool zca_serial_text(struct zca_span bytes, struct zca_buffer *out_text,
                                   struct zca_error *err);

#endif
