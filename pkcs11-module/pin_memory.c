/* SPDX-License-Identifier: Apache-2.0 */
/* What is remembered is a hash under a key that the process drew for it, not the PIN. */
#include "pkcs11-module/pin_memory.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "base/lock.h"
#include "core/pin.h"

#define HASH_LEN 32u /* SHA-256 */

/* Who has both may try PINs. */
struct trace {
    uint8_t key[HASH_LEN], hash[HASH_LEN];
};

struct zca_pin_memory {
    pthread_mutex_t mutex; /* inside the gate, around copies only */
    bool is_known;
    unsigned num_failures; /* since a PIN was right */
    struct trace trace;
};

static void trace_clear(struct trace *trace)
{
    OPENSSL_cleanse(trace, sizeof(*trace));
}

ZCA_DEFINE_AUTO_CLEAR(trace, struct trace, trace_clear);

struct zca_pin_memory *zca_pin_memory_new(void)
{
    struct zca_pin_memory *memory = calloc(1, sizeof(*memory));
    if (memory) {
        (void)pthread_mutex_init(&memory->mutex, NULL); /* cannot fail on Linux */
    }
    return memory;
}

void zca_pin_memory_free(struct zca_pin_memory *memory)
{
    if (memory) {
        trace_clear(&memory->trace);
        (void)pthread_mutex_destroy(&memory->mutex); /* nobody has it */
        free(memory);
    }
}

static bool compute(OSSL_LIB_CTX *context, const uint8_t key[HASH_LEN], struct zca_span pin,
                    uint8_t out_hash[HASH_LEN])
{
    size_t len = 0;
    char digest[] = "SHA256";
    const OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_end(),
    };
    return EVP_Q_mac(context, "HMAC", NULL, NULL, parameters, key, HASH_LEN, pin.data, pin.len,
                     out_hash, HASH_LEN, &len) &&
           len == HASH_LEN;
}

void zca_pin_memory_keep(struct zca_pin_memory *memory, OSSL_LIB_CTX *context, struct zca_span pin)
{
    zca_auto(trace) struct trace trace = {.key = {0}};
    zca_auto(zca_buffer) struct zca_buffer key = ZCA_SECRET_BUFFER;
    if (!zca_random(context, HASH_LEN, &key, NULL)) {
        return;
    }
    memcpy(trace.key, key.data, HASH_LEN);
    if (!compute(context, trace.key, pin, trace.hash)) {
        return;
    }
    zca_auto(lock) pthread_mutex_t *held = zca_lock(&memory->mutex);
    memory->trace = trace;
    memory->is_known = true;
    memory->num_failures = 0;
}

void zca_pin_memory_forget(struct zca_pin_memory *memory)
{
    zca_auto(lock) pthread_mutex_t *held = zca_lock(&memory->mutex);
    memory->is_known = false;
    trace_clear(&memory->trace);
}

static bool read_memory(struct zca_pin_memory *memory, struct trace *out_trace,
                        unsigned *out_num_failures)
{
    zca_auto(lock) pthread_mutex_t *held = zca_lock(&memory->mutex);
    *out_trace = memory->trace;
    *out_num_failures = memory->num_failures;
    return memory->is_known;
}

static void count_failure(struct zca_pin_memory *memory)
{
    zca_auto(lock) pthread_mutex_t *held = zca_lock(&memory->mutex);
    memory->num_failures++;
}

static CK_RV compare(struct zca_pin_memory *memory, OSSL_LIB_CTX *context, struct zca_span pin,
                     unsigned *out_num_failures)
{
    zca_auto(trace) struct trace known = {.key = {0}};
    zca_auto(trace) struct trace given = {.key = {0}};
    if (!read_memory(memory, &known, out_num_failures) ||
        !compute(context, known.key, pin, given.hash)) {
        return CKR_FUNCTION_FAILED;
    }
    return zca_span_equal(zca_span_of(given.hash, HASH_LEN), zca_span_of(known.hash, HASH_LEN))
               ? CKR_OK
               : CKR_PIN_INCORRECT;
}

CK_RV zca_pin_memory_guess(struct zca_pin_memory *memory, OSSL_LIB_CTX *context,
                           struct zca_span pin)
{
    unsigned num_failures = 0;
    CK_RV rv = compare(memory, context, pin, &num_failures);
    if (rv == CKR_FUNCTION_FAILED) {
        return rv;
    }
    if (num_failures >= ZCA_PIN_MAX_FAILURES) {
        return CKR_PIN_LOCKED;
    }
    if (rv == CKR_PIN_INCORRECT) {
        count_failure(memory);
    }
    return rv;
}

bool zca_pin_memory_knows(struct zca_pin_memory *memory, OSSL_LIB_CTX *context, struct zca_span pin)
{
    unsigned num_failures = 0;
    return compare(memory, context, pin, &num_failures) == CKR_OK;
}
