/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One call of an authority's API, driven by the dialect's tables: JSON in, the data object out,
 * errors mapped. Credentials, their renewal and the deadline are taken care of here.
 */
#ifndef ZCA_REMOTE_CALL_H
#define ZCA_REMOTE_CALL_H

#include <stdbool.h>

#include "base/buffer.h"
#include "base/error.h"
#include "base/json.h"
#include "remote/dialect.h"

struct zca_call {
    const struct zca_endpoint *endpoint;
    const char *id;              /* for the %s of the path; NULL: there is none */
    const struct zca_json *body; /* borrowed; NULL: none */
    struct zca_span secret;      /* a secret inside `body`, never to be shown should it come back */
};

/**
 * zca_call_json sends a request and returns the data of the answer.
 *
 * call       borrowed.
 * out_data   a new reference to the object that envelope.data names; NULL where it is null or absent.
 * err        what the dialect's error rows say, else by HTTP status: INVALID, AUTH, FORBIDDEN,
 *            NOT_FOUND, CONFLICT, RATE_LIMITED, UNAVAILABLE; PROTOCOL when a success is not JSON; those
 *            of zca_http_perform and zca_auth_format_line. `code` is the authority's, or the HTTP status
 *            where the answer has none.
 */
ZCA_NODISCARD bool zca_call_json(struct zca_client *client, const struct zca_call *call,
                                 struct zca_json **out_data, struct zca_error *err);

/** zca_call_bytes is zca_call_json for answers that are not JSON when they succeed.
 * out_body   replaced; its secret mark stays. */
ZCA_NODISCARD bool zca_call_bytes(struct zca_client *client, const struct zca_call *call,
                                  struct zca_buffer *out_body, struct zca_error *err);

#endif
