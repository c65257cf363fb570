/* SPDX-License-Identifier: Apache-2.0 */
/* Random names, all from the library's generator. */
#include "server/identifier.h"

#include <ctype.h>
#include <string.h>

#include <openssl/evp.h>

#define SERIAL_LEN 16u
#define UUID_LEN 16u

bool zca_uuid_make(char out_text[ZCA_UUID_SIZE], struct zca_error *err)
{
    static const uint8_t dash_before[] = {4, 6, 8, 10};
    static const char digits[] = "0123456789abcdef";
    zca_auto(zca_buffer) struct zca_buffer bytes = {0};
    if (!zca_random(NULL, UUID_LEN, &bytes, err)) {
        return false;
    }
    bytes.data[6] = (uint8_t)((bytes.data[6] & 0x0f) | 0x40); /* version 4 */
    bytes.data[8] = (uint8_t)((bytes.data[8] & 0x3f) | 0x80); /* the RFC's variant */
    size_t len = 0;
    for (size_t i = 0; i < UUID_LEN; i++) {
        if (memchr(dash_before, (int)i, sizeof(dash_before))) {
            out_text[len++] = '-';
        }
        out_text[len++] = digits[bytes.data[i] >> 4];
        out_text[len++] = digits[bytes.data[i] & 0x0f];
    }
    out_text[len] = '\0';
    return true;
}

bool zca_uuid_check(const char *text)
{
    static const char form[] = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
    if (!text || strlen(text) != sizeof(form) - 1) {
        return false;
    }
    for (size_t i = 0; form[i] != '\0'; i++) {
        bool good = form[i] == '-' ? text[i] == '-' : isxdigit((unsigned char)text[i]) != 0;
        if (!good) {
            return false;
        }
    }
    return true;
}

/* The second half of the control characters has two bytes in UTF-8 (RFC 3629), of which 0xC2 is the first. */
bool zca_name_check(const char *text, size_t max_len)
{
    size_t len = text ? strlen(text) : 0;
    for (size_t i = 0; i < len; i++) {
        unsigned char byte = (unsigned char)text[i];
        unsigned char next = (unsigned char)text[i + 1];
        if (byte < 0x20 || byte == 0x7f || (byte == 0xc2 && next >= 0x80 && next <= 0x9f)) {
            return false;
        }
    }
    return len >= 1 && len <= max_len;
}

bool zca_token_make(const char *prefix, size_t num_bytes, struct zca_buffer *out_text,
                    struct zca_error *err)
{
    zca_auto(zca_buffer) struct zca_buffer bytes = ZCA_SECRET_BUFFER;
    return zca_random(NULL, num_bytes, &bytes, err) &&
           zca_buffer_append_text(out_text, prefix, err) &&
           zca_hex_encode(zca_buffer_span(&bytes), '\0', out_text, err);
}

bool zca_token_hash(struct zca_span text, struct zca_buffer *out_hash, struct zca_error *err)
{
    size_t before = out_hash->len;
    if (!zca_buffer_resize(out_hash, before + (size_t)EVP_MD_get_size(EVP_sha256()), err)) {
        return false;
    }
    if (EVP_Digest(text.data, text.len, out_hash->data + before, NULL, EVP_sha256(), NULL) != 1) {
        return zca_error_set_crypto(err, "hashing");
    }
    return true;
}

bool zca_serial_make(struct zca_buffer *out_bytes, struct zca_error *err)
{
    size_t before = out_bytes->len;
    if (!zca_random(NULL, SERIAL_LEN, out_bytes, err)) {
        return false;
    }
    uint8_t *bytes = out_bytes->data + before;
    bytes[0] &= 0x7f;
    if (zca_serial_trim(zca_span_of(bytes, SERIAL_LEN)).len == 0) {
        bytes[SERIAL_LEN - 1] = 1;
    }
    return true;
}

struct zca_span zca_serial_trim(struct zca_span bytes)
{
    while (bytes.len > 0 && bytes.data[0] == 0) {
        bytes.data++;
        bytes.len--;
    }
    return bytes;
}

bool zca_serial_text(struct zca_span bytes, struct zca_buffer *out_text, struct zca_error *err)
{
    static const uint8_t zeros[SERIAL_LEN] = {0};
    struct zca_span magnitude = zca_serial_trim(bytes);
    size_t missing = magnitude.len < SERIAL_LEN ? SERIAL_LEN - magnitude.len : 0;
    return zca_hex_encode(zca_span_of(zeros, missing), '\0', out_text, err) &&
           zca_hex_encode(magnitude, '\0', out_text, err);
}
