/* SPDX-License-Identifier: Apache-2.0 */
/* What is remembered is a hash under a key that the process drew for it, not the PIN. */
#include "pkcs11-module/identity_pin.h"

#include <pthread.h>
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/evp.h>

#include "base/lock.h"
#include "core/pin.h"
#include "pkcs11-module/error.h"
#include "pkcs11-module/module.h"

#define HASH_LEN 32u /* SHA-256 */

struct zca_identity_pin {
    pthread_mutex_t mutex; /* inside the gate, around copies only */
    bool is_known;
    unsigned num_failures; /* since the file could not be read */
    uint8_t key[HASH_LEN], hash[HASH_LEN];
};

struct zca_identity_pin *zca_identity_pin_new(void)
{
    struct zca_identity_pin *memory = calloc(1, sizeof(*memory));
    if (memory) {
        (void)pthread_mutex_init(&memory->mutex, NULL); /* cannot fail on Linux */
    }
    return memory;
}

void zca_identity_pin_free(struct zca_identity_pin *memory)
{
    if (memory) {
        (void)pthread_mutex_destroy(&memory->mutex); /* nobody has it */
        free(memory);
    }
}

/* ---- remembering ---- */

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

/* Without memory or random numbers for it the file must be readable next time, too. */
static void remember(struct zca_identity_pin *memory, OSSL_LIB_CTX *context, struct zca_span pin)
{
    uint8_t hash[HASH_LEN];
    zca_auto(zca_buffer) struct zca_buffer key = {.secret = true};
    if (!zca_random(context, HASH_LEN, &key, NULL) || !compute(context, key.data, pin, hash)) {
        return;
    }
    zca_auto(lock) pthread_mutex_t *held = zca_lock(&memory->mutex);
    memcpy(memory->key, key.data, HASH_LEN);
    memcpy(memory->hash, hash, HASH_LEN);
    memory->is_known = true;
    memory->num_failures = 0;
}

static bool read_memory(struct zca_identity_pin *memory, uint8_t out_key[HASH_LEN],
                        uint8_t out_hash[HASH_LEN], unsigned *out_num_failures)
{
    zca_auto(lock) pthread_mutex_t *held = zca_lock(&memory->mutex);
    memcpy(out_key, memory->key, HASH_LEN);
    memcpy(out_hash, memory->hash, HASH_LEN);
    *out_num_failures = memory->num_failures;
    return memory->is_known;
}

static void count_failure(struct zca_identity_pin *memory)
{
    zca_auto(lock) pthread_mutex_t *held = zca_lock(&memory->mutex);
    memory->num_failures++;
}

/* CKR_FUNCTION_FAILED: nothing is remembered. */
static CK_RV recall(struct zca_identity_pin *memory, OSSL_LIB_CTX *context, struct zca_span pin)
{
    uint8_t key[HASH_LEN];
    uint8_t known[HASH_LEN];
    uint8_t hash[HASH_LEN];
    unsigned num_failures = 0;
    if (!read_memory(memory, key, known, &num_failures) || !compute(context, key, pin, hash)) {
        return CKR_FUNCTION_FAILED;
    }
    if (num_failures >= ZCA_PIN_MAX_FAILURES) {
        return CKR_PIN_LOCKED;
    }
    if (!zca_span_equal(zca_span_of(hash, HASH_LEN), zca_span_of(known, HASH_LEN))) {
        count_failure(memory);
        return CKR_PIN_INCORRECT;
    }
    return CKR_OK;
}

/* ---- public ---- */

static const struct {
    enum zca_reason reason;
    CK_RV rv;
} codes[] = {
    {ZCA_ERR_AUTH,      CKR_PIN_INCORRECT           },
    {ZCA_ERR_FORBIDDEN, CKR_PIN_LOCKED              },
    {ZCA_ERR_NOT_FOUND, CKR_USER_PIN_NOT_INITIALIZED},
};

static CK_RV fail(struct zca_library *library, const struct zca_error *err)
{
    CK_RV rv = zca_pkcs11_fail(library, err);
    for (size_t i = 0; i < ZCA_COUNT(codes); i++) {
        if (codes[i].reason == err->reason) {
            return codes[i].rv;
        }
    }
    return rv;
}

CK_RV zca_identity_pin_check(struct zca_identity_pin *memory, const struct zca_identity *identity,
                             struct zca_span pin)
{
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    struct zca_library *library = zca_identity_get_library(identity);
    zca_module_outside();
    bool is_right = zca_pin_check(library, zca_identity_get_authority_name(identity),
                                  zca_identity_get_name(identity), pin, &err);
    zca_module_inside();
    OSSL_LIB_CTX *context = zca_library_context(library, NULL);
    if (is_right) {
        remember(memory, context, pin);
        return CKR_OK;
    }
    CK_RV rv = err.reason == ZCA_ERR_SYSTEM ? recall(memory, context, pin) : CKR_FUNCTION_FAILED;
    return rv == CKR_FUNCTION_FAILED ? fail(library, &err) : rv;
}
