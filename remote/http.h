/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One HTTPS connection to one authority, by libcurl: a request in, a bounded answer out.
 * Every call of libcurl runs in a private OpenSSL context, so that a provider which is active
 * in the process's default context is never re-entered. Knows no dialect and no credentials.
 */
#ifndef ZCA_REMOTE_HTTP_H
#define ZCA_REMOTE_HTTP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/auto.h"
#include "base/buffer.h"
#include "base/error.h"
#include "remote/remote.h"

struct zca_http; /* one thread at a time */

struct zca_http_request {
    const char *method;         /* "POST" */
    const char *path;           /* goes behind the base URL; starts with '/', percent-encoded */
    struct zca_span body;       /* JSON; empty: none */
    struct zca_span credential; /* a whole header line, secret; empty: none. NUL-terminated */
    bool fresh; /* on a new connection: libcurl repeats requests when a kept one turns out dead */
    int64_t deadline_ms; /* by zca_clock_monotonic_ms */
};

struct zca_http_response {
    long status;
    long retry_after_s; /* 0: not asked for */
    int64_t date_s;     /* the other side's clock (RFC 9110, 6.6.1); 0: not told */
    char *content_type; /* "" if none */
    struct zca_buffer
        body; /* marked secret by the caller when it may be; empty when an error's body
                               was cut or too large */
};

/** zca_http_response_clear releases; the body's secret mark stays. */
void zca_http_response_clear(struct zca_http_response *response);
ZCA_DEFINE_AUTO_CLEAR(zca_http_response, struct zca_http_response, zca_http_response_clear);

/**
 * zca_http_open checks URL and files' names and prepares a connection; it connects nothing.
 *
 * settings   authority, url, trust_file, certificate_file, key_file, max_response; borrowed, copied.
 * err        ZCA_ERR_CONFIG (URL), ZCA_ERR_UNSUPPORTED (libcurl without OpenSSL), ZCA_ERR_CRYPTO,
 *            ZCA_ERR_MEMORY.
 *
 * Returns a new object or NULL.
 */
ZCA_NODISCARD struct zca_http *zca_http_open(const struct zca_client_settings *settings,
                                             struct zca_error *err);

/** zca_http_close ends the connection and releases. NULL is fine. */
void zca_http_close(struct zca_http *http);
ZCA_DEFINE_AUTO(zca_http, struct zca_http, zca_http_close);

/** zca_http_forget releases in the child of a fork: nothing is sent on the parent's connection. */
void zca_http_forget(struct zca_http *http);

/**
 * zca_http_perform sends one request and receives the whole answer, whatever its status, but never a
 * redirect. It repeats nothing, unless libcurl finds a kept connection dead before the first byte
 * of an answer (not with `fresh`). Secrets in our own memory are wiped; what libcurl and OpenSSL copied
 * into their transport buffers is theirs.
 *
 * out_response   zero-initialised but for body.secret; written on success.
 * err            ZCA_ERR_UNAVAILABLE (no answer in time, no connection), ZCA_ERR_VERIFY (TLS
 *                certificate), ZCA_ERR_CONFIG (trust, certificate or key file), ZCA_ERR_PROTOCOL
 *                (redirect, not HTTP; cut or too large answer with status < 400), ZCA_ERR_MEMORY.
 *                Never holds a credential or a part of a body.
 */
ZCA_NODISCARD bool zca_http_perform(struct zca_http *http, const struct zca_http_request *request,
                                    struct zca_http_response *out_response, struct zca_error *err);

#endif
