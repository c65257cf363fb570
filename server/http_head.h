/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The head of an HTTP/1.1 request (RFC 9112), read strictly: what two programs could understand
 * differently is refused, not repaired.
 */
#ifndef ZCA_SERVER_HTTP_HEAD_H
#define ZCA_SERVER_HTTP_HEAD_H

#include <stdbool.h>
#include <stddef.h>

#include "base/auto.h"
#include "base/buffer.h"
#include "base/error.h"

#define ZCA_HTTP_HEAD_LIMIT 8192u   /* bytes of request line and header lines */
#define ZCA_HTTP_LINES_LIMIT 64u    /* header lines */
#define ZCA_HTTP_TARGET_LIMIT 4096u /* bytes of path and query */
#define ZCA_HTTP_BODY_LIMIT 65536u  /* bytes */

/* The header fields that are looked at; each may stand once. */
enum zca_http_field {
    ZCA_HTTP_HOST,
    ZCA_HTTP_CONTENT_LENGTH,
    ZCA_HTTP_TRANSFER_ENCODING,
    ZCA_HTTP_AUTHORIZATION,
    ZCA_HTTP_API_KEY,
    ZCA_HTTP_EXPECT,
    ZCA_HTTP_NUM_FIELDS
};

struct zca_http_head {
    const char *method; /* static storage */
    char *path;         /* percent-decoded, starts with '/', printable, no encoded '/' inside */
    char *query;        /* raw, without '?'; "" if none */
    char *fields[ZCA_HTTP_NUM_FIELDS]; /* values without surrounding white space; NULL: absent */
    size_t content_length;             /* at most ZCA_HTTP_BODY_LIMIT */
    bool keep_alive;
    bool expect_continue;
};

/**
 * zca_http_head_parse reads one complete head.
 *
 * block     from the first byte of the request line to the empty line, included.
 * out_head  zero-initialised; written on success, cleared with zca_http_head_clear.
 * err       ZCA_ERR_INVALID with the status to answer in `http_status`: 400, 413, 414, 417, 431,
 *           501 or 505; the message names the rule, never the bytes. ZCA_ERR_MEMORY with 503.
 */
ZCA_NODISCARD bool zca_http_head_parse(struct zca_span block, struct zca_http_head *out_head,
                                       struct zca_error *err);

/** zca_http_head_clear releases the texts; values that may be credentials are wiped. */
void zca_http_head_clear(struct zca_http_head *head);
ZCA_DEFINE_AUTO_CLEAR(zca_http_head, struct zca_http_head, zca_http_head_clear);

/** zca_http_path_decode returns the decoded form of a request target's path in new memory, or NULL for
 * bad or ambiguous encodings: "%2F", control bytes, what is not UTF-8, or a missing digit. */
ZCA_NODISCARD char *zca_http_path_decode(struct zca_span path);

#endif
