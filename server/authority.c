/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opened authorities are kept by id; which id is in use is asked of the ledger each time, so that a
 * rotation by another process counts at once.
 */
#include "server/authority.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "base/lock.h"
#include "base/openssl_auto.h"
#include "server/ec_key.h"
#include "server/identifier.h"
#include "server/ledger_authority.h"
#include "server/refusal.h"

#define CACHE_SIZE 64u

struct zca_authority {
    atomic_uint references;
    char *id;
    char *org_id;
    X509 *certificate;
    EVP_PKEY *key;
};

struct zca_authority_cache {
    struct zca_ledger *ledger;
    const struct zca_seal *seal;
    pthread_mutex_t mutex;
    struct zca_authority *slots[CACHE_SIZE];
    size_t next; /* the slot that is given up next */
};

/* ---- one authority ---- */

struct zca_authority *zca_authority_new(const char *id, const char *org_id, EVP_PKEY *key,
                                        X509 *certificate, struct zca_error *err)
{
    zca_auto(EVP_PKEY) EVP_PKEY *taken = key;
    zca_auto(zca_authority) struct zca_authority *authority = calloc(1, sizeof(*authority));
    if (authority) {
        atomic_init(&authority->references, 1);
        authority->id = strdup(id);
        authority->org_id = strdup(org_id);
        authority->key = zca_steal(taken);
    }
    if (!authority || !authority->id || !authority->org_id) {
        zca_error_set(err, ZCA_ERR_MEMORY, "opening an authority");
        return NULL;
    }
    if (certificate && X509_up_ref(certificate) == 1) {
        authority->certificate = certificate;
        /* Reads the extensions now: later readers are several threads. */
        (void)X509_check_ca(certificate);
    }
    return zca_steal(authority);
}

void zca_authority_free(struct zca_authority *authority)
{
    if (!authority || atomic_fetch_sub(&authority->references, 1) != 1) {
        return;
    }
    free(authority->id);
    free(authority->org_id);
    X509_free(authority->certificate);
    EVP_PKEY_free(authority->key);
    free(authority);
}

const char *zca_authority_id(const struct zca_authority *authority)
{
    return authority->id;
}

const char *zca_authority_org_id(const struct zca_authority *authority)
{
    return authority->org_id;
}

X509 *zca_authority_certificate(const struct zca_authority *authority)
{
    return authority->certificate;
}

const EVP_PKEY *zca_authority_key(const struct zca_authority *authority)
{
    return authority->key;
}

bool zca_authority_purpose(const char *id, struct zca_buffer *out_text, struct zca_error *err)
{
    return zca_buffer_format(out_text, err, "ca-key:%s", id);
}

/* ---- opening ---- */

static X509 *decode_certificate(const struct zca_authority_row *row, struct zca_error *err)
{
    const uint8_t *end = row->certificate.data;
    X509 *certificate = d2i_X509(NULL, &end, (long)row->certificate.len);
    if (!certificate) {
        zca_error_set_crypto(err, "reading the certificate of authority '%s'", row->id);
    }
    return certificate;
}

static struct zca_authority *open_row(const struct zca_seal *seal,
                                      const struct zca_authority_row *row, struct zca_error *err)
{
    zca_auto(zca_buffer) struct zca_buffer purpose = {0};
    zca_auto(X509) X509 *certificate = decode_certificate(row, err);
    if (!certificate || !zca_authority_purpose(row->id, &purpose, err)) {
        return NULL;
    }
    zca_auto(EVP_PKEY) EVP_PKEY *key =
        zca_ec_key_unseal(seal, (const char *)purpose.data, zca_buffer_span(&row->sealed_key), err);
    if (!key) {
        return NULL;
    }
    if (X509_check_private_key(certificate, key) != 1) {
        zca_error_set(err, ZCA_ERR_SEALED, "the key of authority '%s' is not its certificate's",
                      row->id);
        return NULL;
    }
    return zca_authority_new(row->id, row->org_id, zca_steal(key), certificate, err);
}

struct zca_authority_cache *zca_authority_cache_new(struct zca_ledger *ledger,
                                                    const struct zca_seal *seal,
                                                    struct zca_error *err)
{
    struct zca_authority_cache *cache = calloc(1, sizeof(*cache));
    if (!cache) {
        zca_error_set(err, ZCA_ERR_MEMORY, "opening the authorities");
        return NULL;
    }
    cache->ledger = ledger;
    cache->seal = seal;
    (void)pthread_mutex_init(&cache->mutex, NULL); /* a default mutex: cannot fail */
    return cache;
}

void zca_authority_cache_free(struct zca_authority_cache *cache)
{
    if (!cache) {
        return;
    }
    for (size_t i = 0; i < CACHE_SIZE; i++) {
        zca_authority_free(cache->slots[i]);
    }
    (void)pthread_mutex_destroy(&cache->mutex); /* nobody holds it */
    free(cache);
}

static struct zca_authority *find_cached(struct zca_authority_cache *cache, const char *id)
{
    zca_auto(lock) pthread_mutex_t *held = zca_lock(&cache->mutex);
    for (size_t i = 0; i < CACHE_SIZE; i++) {
        struct zca_authority *authority = cache->slots[i];
        if (authority && strcmp(authority->id, id) == 0) {
            atomic_fetch_add(&authority->references, 1);
            return authority;
        }
    }
    return NULL;
}

static void keep_cached(struct zca_authority_cache *cache, struct zca_authority *authority)
{
    zca_auto(lock) pthread_mutex_t *held = zca_lock(&cache->mutex);
    struct zca_authority **slot = &cache->slots[cache->next++ % CACHE_SIZE];
    zca_authority_free(*slot);
    atomic_fetch_add(&authority->references, 1);
    *slot = authority;
}

struct zca_authority *zca_authority_open(struct zca_authority_cache *cache, const char *org_id,
                                         struct zca_error *err)
{
    char *id = NULL;
    if (!zca_ledger_authority_current_id(cache->ledger, org_id, &id, err)) {
        return NULL;
    }
    if (!id) {
        zca_refuse(err, ZCA_REFUSE_CA_NOT_INITIALIZED, NULL);
        return NULL;
    }
    struct zca_authority *cached = find_cached(cache, id);
    free(id);
    if (cached) {
        return cached;
    }
    zca_auto(zca_authority_row) struct zca_authority_row row = {0};
    bool found = false;
    if (!zca_ledger_authority_current(cache->ledger, org_id, &row, &found, err)) {
        return NULL;
    }
    if (!found) {
        zca_refuse(err, ZCA_REFUSE_CA_NOT_INITIALIZED, NULL);
        return NULL;
    }
    struct zca_authority *authority = open_row(cache->seal, &row, err);
    if (authority) {
        keep_cached(cache, authority);
    }
    return authority;
}

/* ---- signing ---- */

const struct zca_signature_algorithm *zca_authority_algorithm(const struct zca_authority *authority,
                                                              const char *digest)
{
    const struct zca_key_type *type = zca_key_type_of(authority->key);
    if (!type) {
        return NULL;
    }
    const struct zca_signature_algorithm *row =
        zca_signature_algorithm_find(type->nid, digest ? digest : type->digest);
    return row && row->acceptable ? row : NULL;
}

bool zca_authority_sign(const struct zca_authority *authority, const struct zca_intent *intent,
                        const struct zca_signature_algorithm *algorithm, struct zca_span tbs,
                        struct zca_buffer *out_signature, struct zca_error *err)
{
    zca_auto(zca_buffer) struct zca_buffer hash = {0};
    if (!zca_token_hash(tbs, &hash, err)) {
        return false;
    }
    if (intent->id <= 0 || strcmp(intent->authority_id, authority->id) != 0 ||
        !zca_span_equal(zca_buffer_span(&hash), zca_buffer_span(&intent->tbs_sha256))) {
        return zca_error_set(err, ZCA_ERR_INVALID, "the ledger holds no intent to sign this");
    }
    const EVP_MD *digest = EVP_get_digestbyname(algorithm->digest);
    zca_auto(EVP_MD_CTX) EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    zca_auto(zca_buffer) struct zca_buffer signature = {0};
    size_t len = (size_t)EVP_PKEY_get_size(authority->key);
    if (!zca_buffer_resize(&signature, len, err)) {
        return false;
    }
    if (!ctx || !digest || EVP_DigestSignInit(ctx, NULL, digest, NULL, authority->key) != 1 ||
        EVP_DigestSign(ctx, signature.data, &len, tbs.data, tbs.len) != 1) {
        return zca_error_set_crypto(err, "signing with the CA key");
    }
    return zca_buffer_append(out_signature, zca_span_of(signature.data, len), err);
}
