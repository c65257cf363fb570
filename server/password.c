/* SPDX-License-Identifier: Apache-2.0 */
/* The stored parameters are read back, within bounds, so that they can be raised later. */
#include "server/password.h"

#include <stdio.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>

#define COST 32768u
#define BLOCK 8u
#define PARALLEL 1u
#define SALT_LEN 16u
#define HASH_LEN 32u
#define MAX_COST (1u << 20)
#define MAX_MEMORY ((size_t)1100 * 1024 * 1024)

struct stored {
    unsigned cost;
    unsigned block;
    unsigned parallel;
    struct zca_buffer salt;
    struct zca_buffer hash;
};

static void clear_stored(struct stored *stored)
{
    zca_buffer_clear(&stored->salt);
    zca_buffer_clear(&stored->hash);
}

ZCA_DEFINE_AUTO_CLEAR(stored, struct stored, clear_stored);

static bool derive(struct zca_span password, const struct stored *parameters,
                   struct zca_buffer *out_hash, struct zca_error *err)
{
    if (!zca_buffer_resize(out_hash, HASH_LEN, err)) {
        return false;
    }
    if (EVP_PBE_scrypt((const char *)password.data, password.len, parameters->salt.data,
                       parameters->salt.len, parameters->cost, parameters->block,
                       parameters->parallel, MAX_MEMORY, out_hash->data, HASH_LEN) != 1) {
        return zca_error_set_crypto(err, "hashing a password");
    }
    return true;
}

bool zca_password_hash(struct zca_span password, struct zca_buffer *out_text, struct zca_error *err)
{
    zca_auto(stored) struct stored fresh = {.cost = COST, .block = BLOCK, .parallel = PARALLEL};
    return zca_random(NULL, SALT_LEN, &fresh.salt, err) &&
           derive(password, &fresh, &fresh.hash, err) &&
           zca_buffer_format(out_text, err, "scrypt$%u$%u$%u$", COST, BLOCK, PARALLEL) &&
           zca_base64_encode(zca_buffer_span(&fresh.salt), true, out_text, err) &&
           zca_buffer_append_text(out_text, "$", err) &&
           zca_base64_encode(zca_buffer_span(&fresh.hash), true, out_text, err);
}

static bool read_stored(const char *text, struct stored *out_stored)
{
    int consumed = 0;
    if (!text ||
        sscanf(text, "scrypt$%7u$%3u$%3u$%n", &out_stored->cost, &out_stored->block,
               &out_stored->parallel, &consumed) != 3 ||
        consumed == 0 || out_stored->cost > MAX_COST) {
        return false;
    }
    const char *salt = text + consumed;
    const char *end = strchr(salt, '$');
    return end &&
           zca_base64_decode(zca_span_of(salt, (size_t)(end - salt)), &out_stored->salt, NULL) &&
           zca_base64_decode(zca_span_text(end + 1), &out_stored->hash, NULL) &&
           out_stored->hash.len == HASH_LEN;
}

bool zca_password_check(struct zca_span password, const char *stored)
{
    static uint8_t no_salt[SALT_LEN];
    zca_auto(stored) struct stored wanted = {0};
    zca_auto(zca_buffer) struct zca_buffer hash = ZCA_SECRET_BUFFER;
    if (!read_stored(stored, &wanted)) {
        struct stored nobody = {
            .cost = COST,
            .block = BLOCK,
            .parallel = PARALLEL,
            .salt = {.data = no_salt, .len = SALT_LEN}
        };
        (void)derive(password, &nobody, &hash, NULL); /* for the time it takes */
        return false;
    }
    return derive(password, &wanted, &hash, NULL) &&
           zca_span_equal(zca_buffer_span(&hash), zca_buffer_span(&wanted.hash));
}
