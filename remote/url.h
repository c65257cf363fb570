/* SPDX-License-Identifier: Apache-2.0 */
/* The base URL of an authority (RFC 3986): scheme, host, port and path, and nothing else. */
#ifndef ZCA_REMOTE_URL_H
#define ZCA_REMOTE_URL_H

#include <stdbool.h>

#include "base/auto.h"
#include "base/buffer.h"
#include "base/error.h"

struct zca_url {
    char *base;    /* "https://ca.example:8443/base", without a final '/' */
    char *address; /* "ca.example:8443" */
    bool secure;   /* https */
    bool loopback; /* the host is 127.0.0.0/8, ::1 or localhost */
};

void zca_url_clear(struct zca_url *url);
ZCA_DEFINE_AUTO_CLEAR(zca_url, struct zca_url, zca_url_clear);

/**
 * zca_url_parse checks a base URL: https, or http for loopback hosts only; no user, query, fragment.
 *
 * text      NULL counts as empty.
 * out_url   zero-initialised; the caller clears.
 * err       ZCA_ERR_CONFIG, ZCA_ERR_MEMORY. The text is not repeated: it may hold a password.
 */
ZCA_NODISCARD bool zca_url_parse(const char *text, struct zca_url *out_url, struct zca_error *err);

/** zca_url_find_host returns the host of any URL, borrowed from `text`; empty when there is none that
 * can be told for certain. */
struct zca_span zca_url_find_host(const char *text);

/** zca_url_encode appends `text` with everything but unreserved characters percent-encoded (2.1). */
ZCA_NODISCARD bool zca_url_encode(const char *text, struct zca_buffer *out_text,
                                  struct zca_error *err);

#endif
