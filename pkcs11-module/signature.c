/* SPDX-License-Identifier: Apache-2.0 */
/* By hand: between OpenSSL's objects the way there and back would cost 2 % of a P-256 signature. */
#include "pkcs11-module/signature.h"

#include <string.h>

enum { DER_INTEGER = 0x02, DER_SEQUENCE = 0x30, DER_LONG = 0x81 };

static struct zca_span without_zeros(struct zca_span number)
{
    while (number.len > 0 && number.data[0] == 0) {
        number = zca_span_of(number.data + 1, number.len - 1);
    }
    return number;
}

/* Takes an INTEGER off `rest`, and writes it with leading zeros. */
static bool read_integer(struct zca_span *rest, uint8_t *out, size_t width)
{
    const uint8_t *der = rest->data;
    if (rest->len < 2 || der[0] != DER_INTEGER || der[1] >= 0x80 || der[1] > rest->len - 2) {
        return false;
    }
    struct zca_span number = without_zeros(zca_span_of(der + 2, der[1]));
    *rest = zca_span_of(der + 2 + der[1], rest->len - 2 - der[1]);
    if (number.len > width) {
        return false;
    }
    memset(out, 0, width - number.len);
    if (number.len > 0) {
        memcpy(out + width - number.len, number.data, number.len);
    }
    return true;
}

bool zca_signature_from_der(struct zca_span der, uint8_t *out_raw, size_t raw_len)
{
    size_t header = der.len > 2 && der.data[1] == DER_LONG ? 3 : 2;
    if (der.len < header || der.data[0] != DER_SEQUENCE ||
        der.data[header - 1] != der.len - header) {
        return false;
    }
    struct zca_span rest = zca_span_of(der.data + header, der.len - header);
    size_t half = raw_len / 2;
    return read_integer(&rest, out_raw, half) && read_integer(&rest, out_raw + half, half) &&
           rest.len == 0;
}

static uint8_t *write_integer(uint8_t *out, struct zca_span number)
{
    number = without_zeros(number);
    size_t sign = number.len == 0 || number.data[0] >= 0x80 ? 1 : 0; /* it is not negative */
    *out++ = DER_INTEGER;
    *out++ = (uint8_t)(number.len + sign);
    if (sign) {
        *out++ = 0;
    }
    if (number.len > 0) {
        memcpy(out, number.data, number.len);
    }
    return out + number.len;
}

size_t zca_signature_to_der(struct zca_span raw, uint8_t out_der[ZCA_MAX_ECDSA_DER])
{
    size_t half = raw.len / 2;
    uint8_t body[ZCA_MAX_ECDSA_DER];
    uint8_t *end = write_integer(body, zca_span_of(raw.data, half));
    end = write_integer(end, zca_span_of(raw.data + half, half));
    size_t len = (size_t)(end - body);
    uint8_t *out = out_der;
    *out++ = DER_SEQUENCE;
    if (len >= 0x80) {
        *out++ = DER_LONG;
    }
    *out++ = (uint8_t)len;
    memcpy(out, body, len);
    return (size_t)(out - out_der) + len;
}
