/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Growing buffers. Secret ones live in OpenSSL's secure heap while it has room, and in wiped
 * ordinary memory otherwise: OPENSSL_secure_clear_free takes both.
 */
#include "base/buffer.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/rand.h>

#include "base/gate.h"

/* The first allocation; later ones double. */
static const size_t first_capacity = 64;

/* An application may run with a small secure heap; what does not fit goes to the ordinary one. */
static void *secret_malloc(size_t len)
{
    zca_auto(gate) int inside = zca_gate_pass(); /* the heap has one lock */
    (void)ERR_set_mark(); /* fails for an empty queue; then the pop below empties it again */
    void *data = OPENSSL_secure_malloc(len);
    if (!data) {
        data = OPENSSL_malloc(len);
    }
    (void)ERR_pop_to_mark(); /* our caller reports through its own object */
    return data;
}

static void release(const struct zca_buffer *buffer)
{
    if (buffer->secret) {
        zca_auto(gate) int inside = zca_gate_pass();
        OPENSSL_secure_clear_free(buffer->data, buffer->capacity);
    } else {
        OPENSSL_free(buffer->data);
    }
}

/* A new copy instead of realloc: realloc leaves secrets behind. */
static bool set_capacity(struct zca_buffer *buffer, size_t capacity, struct zca_error *err)
{
    uint8_t *data = buffer->secret ? secret_malloc(capacity) : OPENSSL_malloc(capacity);
    if (!data) {
        return zca_error_set(err, ZCA_ERR_MEMORY, "allocating %zu bytes", capacity);
    }
    if (buffer->len > 0) {
        memcpy(data, buffer->data, buffer->len);
    }
    data[buffer->len] = 0;
    release(buffer);
    buffer->data = data;
    buffer->capacity = capacity;
    return true;
}

/* Makes room for `more` bytes and the NUL. */
static bool reserve(struct zca_buffer *buffer, size_t more, struct zca_error *err)
{
    size_t limit = buffer->limit != 0 ? buffer->limit : SIZE_MAX / 4;
    if (buffer->len > limit || more > limit - buffer->len) {
        return zca_error_set(err, ZCA_ERR_INVALID, "more than %zu bytes", limit);
    }
    size_t needed = buffer->len + more + 1;
    if (needed <= buffer->capacity) {
        return true;
    }
    size_t capacity = buffer->capacity != 0 ? 2 * buffer->capacity : first_capacity;
    return set_capacity(buffer, capacity > needed ? capacity : needed, err);
}

struct zca_span zca_span_text(const char *text)
{
    return zca_span_of(text, text ? strlen(text) : 0);
}

struct zca_span zca_buffer_span(const struct zca_buffer *buffer)
{
    return zca_span_of(buffer->data, buffer->len);
}

bool zca_span_equal(struct zca_span left, struct zca_span right)
{
    return left.len == right.len &&
           (left.len == 0 || CRYPTO_memcmp(left.data, right.data, left.len) == 0);
}

bool zca_buffer_append(struct zca_buffer *buffer, struct zca_span bytes, struct zca_error *err)
{
    if (!reserve(buffer, bytes.len, err)) {
        return false;
    }
    if (bytes.len > 0) {
        memcpy(buffer->data + buffer->len, bytes.data, bytes.len);
    }
    buffer->len += bytes.len;
    buffer->data[buffer->len] = 0;
    return true;
}

bool zca_buffer_append_text(struct zca_buffer *buffer, const char *text, struct zca_error *err)
{
    return zca_buffer_append(buffer, zca_span_text(text), err);
}

/* Writes into the buffer itself, so that a secret has no other copy. */
bool zca_buffer_format(struct zca_buffer *buffer, struct zca_error *err, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int len = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    if (len < 0) {
        return zca_error_set(err, ZCA_ERR_INVALID, "formatting text");
    }
    if (!reserve(buffer, (size_t)len, err)) {
        return false;
    }
    va_start(arguments, format);
    (void)vsnprintf((char *)buffer->data + buffer->len, (size_t)len + 1, format, arguments);
    va_end(arguments);
    buffer->len += (size_t)len;
    return true;
}

/* Sets a length of at most the present one. */
static void cut(struct zca_buffer *buffer, size_t len)
{
    if (!buffer->data) {
        return;
    }
    if (buffer->secret) {
        OPENSSL_cleanse(buffer->data + len, buffer->len - len);
    }
    buffer->len = len;
    buffer->data[len] = 0;
}

bool zca_buffer_resize(struct zca_buffer *buffer, size_t len, struct zca_error *err)
{
    if (len <= buffer->len) {
        cut(buffer, len);
        return true;
    }
    if (!reserve(buffer, len - buffer->len, err)) {
        return false;
    }
    memset(buffer->data + buffer->len, 0, len - buffer->len + 1);
    buffer->len = len;
    return true;
}

void zca_buffer_move(struct zca_buffer *target, struct zca_buffer *source)
{
    zca_buffer_clear(target);
    target->data = zca_steal(source->data);
    target->len = source->len;
    target->capacity = source->capacity;
    target->secret = target->secret || source->secret;
    source->len = 0;
    source->capacity = 0;
}

void zca_buffer_clear(struct zca_buffer *buffer)
{
    release(buffer);
    buffer->data = NULL;
    buffer->len = 0;
    buffer->capacity = 0;
}

static bool fill_random(OSSL_LIB_CTX *libctx, bool secret, uint8_t *data, size_t len)
{
    if (secret) {
        return RAND_priv_bytes_ex(libctx, data, len, 0) == 1;
    }
    return RAND_bytes_ex(libctx, data, len, 0) == 1;
}

bool zca_random(OSSL_LIB_CTX *libctx, size_t len, struct zca_buffer *out_bytes,
                struct zca_error *err)
{
    zca_auto(gate) int inside = zca_gate_pass();
    size_t before = out_bytes->len;
    if (!zca_buffer_resize(out_bytes, before + len, err)) {
        return false;
    }
    if (len > 0 && !fill_random(libctx, out_bytes->secret, out_bytes->data + before, len)) {
        cut(out_bytes, before);
        return zca_error_set_crypto(err, "reading %zu random bytes", len);
    }
    return true;
}
