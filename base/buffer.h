/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes. A span is borrowed, a buffer is owned, grows to its limit, and is wiped on release
 * when it is marked secret. Text codecs (base64, hexadecimal) work on both.
 */
#ifndef ZCA_BASE_BUFFER_H
#define ZCA_BASE_BUFFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <openssl/types.h>

#include "base/auto.h"
#include "base/error.h"

struct zca_span {
    const uint8_t *data;
    size_t len;
};

/* Zero-initialised is a valid, empty, public buffer without a limit. A secret buffer's memory
 * comes from OPENSSL_secure_malloc (ordinary memory when the secure heap is off or full), and
 * every copy it made while growing is wiped. Unless it is NULL, `data` is followed by a NUL byte
 * that `len` does not count. */
struct zca_buffer {
    uint8_t *data;
    size_t len;
    size_t capacity;
    size_t limit; /* bytes; 0: none. Growing past it is ZCA_ERR_INVALID */
    bool secret;
};

/** ZCA_SECRET_BUFFER initialises a buffer that is wiped on release. */
#define ZCA_SECRET_BUFFER                                                                          \
    {                                                                                              \
        .secret = true                                                                             \
    }

/** zca_span_of borrows `len` bytes at `data`. */
static inline struct zca_span zca_span_of(const void *data, size_t len)
{
    return (struct zca_span){.data = data, .len = len};
}

/** zca_span_text borrows a NUL-terminated string, without its NUL; NULL gives an empty span. */
struct zca_span zca_span_text(const char *text);

/** zca_buffer_span borrows the contents of a buffer; valid until the buffer changes. */
struct zca_span zca_buffer_span(const struct zca_buffer *buffer);

/** zca_span_equal compares in constant time for equal lengths. */
bool zca_span_equal(struct zca_span left, struct zca_span right);

/**
 * zca_buffer_append copies bytes to the end of `buffer`; zca_buffer_append_text and
 * zca_buffer_format append characters. On failure the buffer is unchanged.
 *
 * err   ZCA_ERR_MEMORY; ZCA_ERR_INVALID past the limit.
 */
ZCA_NODISCARD bool zca_buffer_append(struct zca_buffer *buffer, struct zca_span bytes,
                                     struct zca_error *err);
ZCA_NODISCARD bool zca_buffer_append_text(struct zca_buffer *buffer, const char *text,
                                          struct zca_error *err);
ZCA_NODISCARD bool zca_buffer_format(struct zca_buffer *buffer, struct zca_error *err,
                                     const char *format, ...) ZCA_PRINTF(3, 4);

/** zca_buffer_resize sets the length: new bytes are zero, cut bytes are wiped when secret. */
ZCA_NODISCARD bool zca_buffer_resize(struct zca_buffer *buffer, size_t len, struct zca_error *err);

/** zca_buffer_move gives the contents of `source` to `target`, which is cleared first. The target keeps its
 * limit, which is not checked, and becomes secret when the source is. */
void zca_buffer_move(struct zca_buffer *target, struct zca_buffer *source);

/** zca_buffer_clear releases the contents, wiped when secret; limit and secret mark stay. */
void zca_buffer_clear(struct zca_buffer *buffer);

ZCA_DEFINE_AUTO_CLEAR(zca_buffer, struct zca_buffer, zca_buffer_clear);

/** zca_base64_encode appends RFC 4648 base64 (section 4, or section 5 without padding when `url`). */
ZCA_NODISCARD bool zca_base64_encode(struct zca_span bytes, bool url, struct zca_buffer *out_text,
                                     struct zca_error *err);

/** zca_base64_decode appends the bytes of base64 text of either alphabet (section 4 padded, section 5
 * with or without padding; no white space). err ZCA_ERR_INVALID names the position, never the text. */
ZCA_NODISCARD bool zca_base64_decode(struct zca_span text, struct zca_buffer *out_bytes,
                                     struct zca_error *err);

/** zca_hex_encode appends hexadecimal digits, lower case; with `separator` not NUL it is put between
 * bytes and digits are upper case ("AB:CD"), as fingerprints are printed. */
ZCA_NODISCARD bool zca_hex_encode(struct zca_span bytes, char separator,
                                  struct zca_buffer *out_text, struct zca_error *err);

/** zca_hex_decode appends the bytes of hexadecimal text, either case, optional ':' between bytes. */
ZCA_NODISCARD bool zca_hex_decode(struct zca_span text, struct zca_buffer *out_bytes,
                                  struct zca_error *err);

/** zca_json_quote appends UTF-8 text as a JSON string with its quotes (RFC 8259, 7). What is no UTF-8 becomes '?'. For the
 * parts that do without base/json.h. */
ZCA_NODISCARD bool zca_json_quote(struct zca_span text, struct zca_buffer *out_json,
                                  struct zca_error *err);

/** zca_random appends `len` bytes from RAND_bytes of `libctx` (RAND_priv_bytes when the buffer is
 * secret); libctx NULL is the default context. */
ZCA_NODISCARD bool zca_random(OSSL_LIB_CTX *libctx, size_t len, struct zca_buffer *out_bytes,
                              struct zca_error *err);

#endif
