/* SPDX-License-Identifier: Apache-2.0 */
/* Base64 (RFC 4648, sections 4 and 5) by OpenSSL's block functions, hexadecimal, JSON strings. */
#include <ctype.h>
#include <limits.h>
#include <string.h>

#include <openssl/asn1.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "base/buffer.h"

/* ---- base64 ---- */

/* From the alphabet of section 4 to that of section 5, without padding. Returns the new length. */
static size_t to_url_alphabet(uint8_t *text, size_t len)
{
    while (len > 0 && text[len - 1] == '=') {
        text[--len] = '\0';
    }
    for (size_t i = 0; i < len; i++) {
        if (text[i] == '+') {
            text[i] = '-';
        } else if (text[i] == '/') {
            text[i] = '_';
        }
    }
    return len;
}

bool zca_base64_encode(struct zca_span bytes, bool url, struct zca_buffer *out_text,
                       struct zca_error *err)
{
    size_t before = out_text->len;
    if (bytes.len > INT_MAX / 2) {
        return zca_error_set(err, ZCA_ERR_INVALID, "too long for base64: %zu bytes", bytes.len);
    }
    if (!zca_buffer_resize(out_text, before + (bytes.len + 2) / 3 * 4, err)) {
        return false;
    }
    if (bytes.len == 0) {
        return true;
    }
    uint8_t *text = out_text->data + before;
    size_t len = (size_t)EVP_EncodeBlock(text, bytes.data, (int)bytes.len);
    if (url) {
        len = to_url_alphabet(text, len);
    }
    return zca_buffer_resize(out_text, before + len, err);
}

/* What the characters of a base64 text tell before it is decoded. */
struct base64_shape {
    size_t num_digits;
    bool standard; /* '+' or '/' seen */
    bool url;      /* '-' or '_' seen */
};

/* Stops at the first character that is no digit; it must be padding, if anything. */
static struct base64_shape find_shape(struct zca_span text)
{
    struct base64_shape shape = {0};
    for (; shape.num_digits < text.len; shape.num_digits++) {
        uint8_t c = text.data[shape.num_digits];
        if (c == '+' || c == '/') {
            shape.standard = true;
        } else if (c == '-' || c == '_') {
            shape.url = true;
        } else if (c >= 0x80 || !isalnum(c)) {
            break;
        }
    }
    return shape;
}

static bool check_shape(const struct base64_shape *shape, struct zca_span text,
                        struct zca_error *err)
{
    size_t num_padding = text.len - shape->num_digits;
    size_t wanted = (4 - shape->num_digits % 4) % 4;
    if (text.len > INT_MAX / 2) {
        return zca_error_set(err, ZCA_ERR_INVALID, "too long for base64: %zu bytes", text.len);
    }
    if (shape->standard && shape->url) {
        return zca_error_set(err, ZCA_ERR_INVALID, "base64 text mixes two alphabets");
    }
    for (size_t i = shape->num_digits; i < text.len; i++) {
        if (text.data[i] != '=') {
            return zca_error_set(err, ZCA_ERR_INVALID, "no base64 digit at position %zu", i);
        }
    }
    bool padded = num_padding == wanted || (num_padding == 0 && !shape->standard);
    if (wanted == 3 || !padded) {
        return zca_error_set(err, ZCA_ERR_INVALID, "base64 text ends wrongly at position %zu",
                             text.len);
    }
    return true;
}

/* Appends `text` in the alphabet of section 4, padded: what EVP_DecodeBlock takes. */
static bool normalise(const struct base64_shape *shape, struct zca_span text,
                      struct zca_buffer *out_text, struct zca_error *err)
{
    if (!zca_buffer_resize(out_text, (shape->num_digits + 3) / 4 * 4, err)) {
        return false;
    }
    memset(out_text->data, '=', out_text->len);
    memcpy(out_text->data, text.data, shape->num_digits);
    for (size_t i = 0; i < shape->num_digits; i++) {
        if (out_text->data[i] == '-') {
            out_text->data[i] = '+';
        } else if (out_text->data[i] == '_') {
            out_text->data[i] = '/';
        }
    }
    return true;
}

/* The bits behind the last byte must be zero: one value has one text (RFC 4648, 3.5). */
static bool decode_block(const struct zca_buffer *text, size_t num_bytes,
                         struct zca_buffer *out_bytes, struct zca_error *err)
{
    if (!zca_buffer_resize(out_bytes, text->len / 4 * 3, err)) {
        return false;
    }
    int len = EVP_DecodeBlock(out_bytes->data, text->data, (int)text->len);
    bool ok = len >= 0 && (size_t)len == out_bytes->len;
    for (size_t i = num_bytes; ok && i < out_bytes->len; i++) {
        ok = out_bytes->data[i] == 0;
    }
    if (!ok) {
        return zca_error_set(err, ZCA_ERR_INVALID, "base64 text ends in stray bits");
    }
    return zca_buffer_resize(out_bytes, num_bytes, err);
}

bool zca_base64_decode(struct zca_span text, struct zca_buffer *out_bytes, struct zca_error *err)
{
    struct base64_shape shape = find_shape(text);
    zca_auto(zca_buffer) struct zca_buffer normal = {.secret = out_bytes->secret};
    zca_auto(zca_buffer) struct zca_buffer bytes = {.secret = out_bytes->secret};
    if (!check_shape(&shape, text, err)) {
        return false;
    }
    if (shape.num_digits == 0) {
        return true;
    }
    return normalise(&shape, text, &normal, err) &&
           decode_block(&normal, shape.num_digits * 3 / 4, &bytes, err) &&
           zca_buffer_append(out_bytes, zca_buffer_span(&bytes), err);
}

/* ---- hexadecimal ---- */

bool zca_hex_encode(struct zca_span bytes, char separator, struct zca_buffer *out_text,
                    struct zca_error *err)
{
    const char *digits = separator != '\0' ? "0123456789ABCDEF" : "0123456789abcdef";
    size_t step = separator != '\0' ? 3 : 2;
    size_t before = out_text->len;
    if (bytes.len == 0) {
        return true;
    }
    if (bytes.len > SIZE_MAX / 8 ||
        !zca_buffer_resize(out_text, before + bytes.len * step - (step - 2), err)) {
        return zca_error_context(err, "writing hexadecimal text");
    }
    for (size_t i = 0; i < bytes.len; i++) {
        uint8_t *target = out_text->data + before + i * step;
        target[0] = (uint8_t)digits[bytes.data[i] >> 4];
        target[1] = (uint8_t)digits[bytes.data[i] & 15];
        if (separator != '\0' && i + 1 < bytes.len) {
            target[2] = (uint8_t)separator;
        }
    }
    return true;
}

bool zca_hex_decode(struct zca_span text, struct zca_buffer *out_bytes, struct zca_error *err)
{
    zca_auto(zca_buffer) struct zca_buffer bytes = {.secret = out_bytes->secret};
    if (!zca_buffer_resize(&bytes, (text.len + 1) / 2, err)) {
        return false;
    }
    size_t num_bytes = 0;
    for (size_t i = 0; i < text.len; i += 2) {
        i += num_bytes > 0 && text.data[i] == ':';
        int high = i + 1 < text.len ? OPENSSL_hexchar2int(text.data[i]) : -1;
        int low = i + 1 < text.len ? OPENSSL_hexchar2int(text.data[i + 1]) : -1;
        if (high < 0 || low < 0) {
            return zca_error_set(err, ZCA_ERR_INVALID,
                                 "no pair of hexadecimal digits at position %zu", i);
        }
        bytes.data[num_bytes++] = (uint8_t)(high << 4 | low);
    }
    return zca_buffer_resize(&bytes, num_bytes, err) &&
           zca_buffer_append(out_bytes, zca_buffer_span(&bytes), err);
}

/* ---- JSON ---- */

/* How many bytes the character at `text` has; 0: it is no UTF-8. */
static size_t character_len(const uint8_t *text, size_t len)
{
    unsigned long value = 0;
    int found = UTF8_getc(text, len < 4 ? (int)len : 4, &value);
    return found > 0 ? (size_t)found : 0;
}

static bool quote_character(const uint8_t *text, size_t len, struct zca_buffer *json,
                            struct zca_error *err)
{
    if (len == 0) {
        return zca_buffer_append_text(json, "?", err);
    }
    if (*text < 0x20) {
        return zca_buffer_format(json, err, "\\u%04x", *text);
    }
    bool is_special = *text == '"' || *text == '\\';
    return (!is_special || zca_buffer_append_text(json, "\\", err)) &&
           zca_buffer_append(json, zca_span_of(text, len), err);
}

static bool quote(struct zca_span text, struct zca_buffer *json, struct zca_error *err)
{
    if (!zca_buffer_append_text(json, "\"", err)) {
        return false;
    }
    for (size_t i = 0; i < text.len;) {
        size_t len = character_len(text.data + i, text.len - i);
        if (!quote_character(text.data + i, len, json, err)) {
            return false;
        }
        i += len > 0 ? len : 1;
    }
    return zca_buffer_append_text(json, "\"", err);
}

bool zca_json_quote(struct zca_span text, struct zca_buffer *out_json, struct zca_error *err)
{
    zca_auto(zca_buffer) struct zca_buffer quoted = {.secret = out_json->secret};
    return quote(text, &quoted, err) && zca_buffer_append(out_json, zca_buffer_span(&quoted), err);
}
