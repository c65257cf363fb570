/* SPDX-License-Identifier: Apache-2.0 */
/* Base64 and hexadecimal of arbitrary text: one value has one text, so encoding gives it back. */
#include <ctype.h>
#include <string.h>

#include "base/buffer.h"
#include "tests/fuzz/demand.h"

static void check_base64(struct zca_span text)
{
    zca_auto(zca_buffer) struct zca_buffer bytes = {.data = NULL};
    zca_auto(zca_buffer) struct zca_buffer plain = {.data = NULL};
    zca_auto(zca_buffer) struct zca_buffer url = {.data = NULL};
    if (!zca_base64_decode(text, &bytes, NULL)) {
        demand(bytes.len == 0);
        return;
    }
    demand(zca_base64_encode(zca_buffer_span(&bytes), false, &plain, NULL));
    demand(zca_base64_encode(zca_buffer_span(&bytes), true, &url, NULL));
    while (text.len > 0 && text.data[text.len - 1] == '=') {
        text.len--;
    }
    demand(text.len == url.len && text.len <= plain.len);
    demand(text.len == 0 || memcmp(text.data, plain.data, text.len) == 0 ||
           memcmp(text.data, url.data, text.len) == 0);
}

static void check_hex(struct zca_span text)
{
    zca_auto(zca_buffer) struct zca_buffer bytes = {.data = NULL};
    zca_auto(zca_buffer) struct zca_buffer again = {.data = NULL};
    if (!zca_hex_decode(text, &bytes, NULL)) {
        demand(bytes.len == 0);
        return;
    }
    demand(zca_hex_encode(zca_buffer_span(&bytes), '\0', &again, NULL));
    size_t digit = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] != ':') {
            demand(digit < again.len && again.data[digit] == (uint8_t)tolower(text.data[i]));
            digit++;
        }
    }
    demand(digit == again.len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    check_base64(zca_span_of(data, len));
    check_hex(zca_span_of(data, len));
    return 0;
}
