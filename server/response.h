/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The default envelope of answers, {"success":...,"data":...,"error":...}, and the head of an HTTP
 * response (RFC 9112, 4).
 */
#ifndef ZCA_SERVER_RESPONSE_H
#define ZCA_SERVER_RESPONSE_H

#include <stdbool.h>

#include "base/buffer.h"
#include "base/error.h"
#include "base/json.h"
#include "server/route.h"

/** zca_response_success fills `response` with {"success":true,"data":data,"error":null}.
 * data is taken, NULL included (null). Out of memory becomes an answer with status 500. */
void zca_response_success(struct zca_http_response *response, int status, struct zca_json *data);

/** zca_response_error fills `response` with {"success":false,"data":null,"error":{code,message}}. */
void zca_response_error(struct zca_http_response *response, int status, const char *code,
                        const char *message);

/** zca_response_rate_limited answers 429 RATE_LIMITED in `style`, with the seconds to wait. */
void zca_response_rate_limited(struct zca_http_response *response,
                               const struct zca_route_style *style, long retry_after_s);

/** zca_response_style is zca_response_error as a route's style. */
extern const struct zca_route_style zca_response_style;

/** zca_response_code returns the code of an error that never reached a handler: "BAD_REQUEST" for 400,
 * and so on; static storage. */
const char *zca_response_code(int status);

/** zca_response_method_bit returns the bit of a method in sets of methods; 0 for one nobody uses. */
unsigned zca_response_method_bit(const char *method);

/* What the head says besides the response. */
struct zca_response_head {
    const char *request_id; /* NULL: no such header */
    unsigned allow;         /* for status 405: bits of zca_response_method_bit; 0: no such header */
    bool keep_alive;
};

/** zca_response_format_head appends status line and header lines, up to the empty line. */
ZCA_NODISCARD bool zca_response_format_head(const struct zca_http_response *response,
                                            const struct zca_response_head *head,
                                            struct zca_buffer *out_text, struct zca_error *err);

/** zca_response_clear releases the body, wiped. */
void zca_response_clear(struct zca_http_response *response);

#endif
