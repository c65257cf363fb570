/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The request reader under arbitrary bytes. What it accepts must keep its promises: a printable path
 * that starts with '/', a body within the limit, exactly one Host in HTTP/1.1, no transfer coding.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "server/http_head.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void demand(bool promise)
{
    if (!promise) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct zca_http_head head = {0};
    struct zca_error err = {0};
    if (!zca_http_head_parse(zca_span_of(data, len), &head, &err)) {
        demand(head.path == NULL && err.http_status >= 400 && err.http_status <= 505);
        return 0;
    }
    demand(head.method && head.path && head.query && head.path[0] == '/');
    for (const char *c = head.path; *c; c++) {
        demand((unsigned char)*c >= 0x20 && *c != 0x7f);
    }
    demand(head.content_length <= ZCA_HTTP_BODY_LIMIT);
    demand(!head.fields[ZCA_HTTP_TRANSFER_ENCODING]);
    demand(head.fields[ZCA_HTTP_HOST] || !head.keep_alive);
    demand(len <= ZCA_HTTP_HEAD_LIMIT && memcmp(data + len - 4, "\r\n\r\n", 4) == 0);
    zca_http_head_clear(&head);
    return 0;
}
