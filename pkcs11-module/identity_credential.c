/* SPDX-License-Identifier: Apache-2.0 */
#include "pkcs11-module/identity_credential.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/lock.h"
#include "pkcs11-module/error.h"
#include "pkcs11-module/module.h"
#include "pkcs11-module/pin_memory.h"

struct zca_identity_credential {
    pthread_mutex_t mutex;    /* inside the gate and the module's lock, around copies only */
    struct zca_buffer secret; /* empty: nobody is logged in */
    struct zca_pin_memory *memory;
    int64_t expires_at_s; /* of what is in the memory; 0: it does not tell */
};

struct zca_identity_credential *zca_identity_credential_new(void)
{
    struct zca_identity_credential *credential = calloc(1, sizeof(*credential));
    if (!credential) {
        return NULL;
    }
    (void)pthread_mutex_init(&credential->mutex, NULL); /* cannot fail on Linux */
    credential->secret.secret = true;
    credential->memory = zca_pin_memory_new();
    if (!credential->memory) {
        zca_identity_credential_free(credential);
        return NULL;
    }
    return credential;
}

void zca_identity_credential_free(struct zca_identity_credential *credential)
{
    if (credential) {
        zca_buffer_clear(&credential->secret);
        zca_pin_memory_free(credential->memory);
        (void)pthread_mutex_destroy(&credential->mutex); /* nobody has it */
        free(credential);
    }
}

/* ---- asking ---- */

static const struct zca_pkcs11_code codes[] = {
    {ZCA_ERR_AUTH,         CKR_PIN_INCORRECT},
    {ZCA_ERR_MFA_REQUIRED, CKR_PIN_INCORRECT},
    {ZCA_ERR_EXPIRED,      CKR_PIN_EXPIRED  },
};

static CK_RV fail(struct zca_library *library, const struct zca_error *err)
{
    return zca_pkcs11_fail_by(library, err, codes, ZCA_COUNT(codes));
}

static bool ask(const struct zca_identity *identity, struct zca_span pin, int64_t *out_expires_at_s,
                struct zca_error *err)
{
    zca_auto(zca_authority) struct zca_authority *authority = zca_authority_open(
        zca_identity_get_library(identity), zca_identity_get_authority_name(identity), err);
    return authority && zca_authority_use_credential(authority, pin, err) &&
           zca_authority_check_credential(authority, out_expires_at_s, err);
}

static bool is_past(struct zca_identity_credential *credential)
{
    zca_auto(lock) pthread_mutex_t *held = zca_lock(&credential->mutex);
    return credential->expires_at_s != 0 && credential->expires_at_s <= zca_clock_now_s();
}

static void note_expiry(struct zca_identity_credential *credential, int64_t expires_at_s)
{
    zca_auto(lock) pthread_mutex_t *held = zca_lock(&credential->mutex);
    credential->expires_at_s = expires_at_s;
}

static CK_RV check(struct zca_identity_credential *credential, const struct zca_identity *identity,
                   OSSL_LIB_CTX *context, struct zca_span pin)
{
    int64_t expires_at_s = 0;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_module_outside();
    bool is_good = ask(identity, pin, &expires_at_s, &err);
    zca_module_inside();
    if (!is_good) {
        return fail(zca_identity_get_library(identity), &err);
    }
    note_expiry(credential, expires_at_s);
    zca_pin_memory_keep(credential->memory, context, pin);
    return CKR_OK;
}

CK_RV zca_identity_credential_check(struct zca_identity_credential *credential,
                                    const struct zca_identity *identity, struct zca_span pin,
                                    bool is_doubtful)
{
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    struct zca_library *library = zca_identity_get_library(identity);
    OSSL_LIB_CTX *context = zca_library_context(library, &err);
    if (!context) {
        return zca_pkcs11_fail(library, &err);
    }
    zca_library_secure_memory(library);
    if (is_doubtful || is_past(credential)) {
        zca_pin_memory_forget(credential->memory);
    }
    return zca_pin_memory_knows(credential->memory, context, pin)
               ? CKR_OK
               : check(credential, identity, context, pin);
}

/* ---- keeping ---- */

void zca_identity_credential_keep(struct zca_identity_credential *credential,
                                  struct zca_buffer *secret)
{
    zca_auto(lock) pthread_mutex_t *held = zca_lock(&credential->mutex);
    zca_buffer_move(&credential->secret, secret);
}

CK_RV zca_identity_credential_copy(struct zca_identity_credential *credential,
                                   struct zca_buffer *out_copy)
{
    zca_auto(lock) pthread_mutex_t *held = zca_lock(&credential->mutex);
    return zca_buffer_append(out_copy, zca_buffer_span(&credential->secret), NULL)
               ? CKR_OK
               : CKR_HOST_MEMORY;
}

void zca_identity_credential_drop(struct zca_identity_credential *credential)
{
    zca_auto(lock) pthread_mutex_t *held = zca_lock(&credential->mutex);
    zca_buffer_clear(&credential->secret);
}

/* ---- using ---- */

struct zca_identity *zca_identity_open_as(struct zca_library *library, const struct zca_uri *uri,
                                          const struct zca_buffer *credential,
                                          struct zca_error *err)
{
    if (credential && credential->len == 0) {
        (void)zca_error_set(err, ZCA_ERR_AUTH, "nobody is logged in to '%s'", uri->name);
        return NULL;
    }
    zca_auto(zca_identity) struct zca_identity *identity = zca_identity_open(library, uri, err);
    bool is_ready = identity && (!credential ||
                                 zca_authority_use_credential(zca_identity_get_authority(identity),
                                                              zca_buffer_span(credential), err));
    return is_ready ? zca_steal(identity) : NULL;
}
