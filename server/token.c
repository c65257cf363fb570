/* SPDX-License-Identifier: Apache-2.0 */
/* Access tokens. Only "ES256" is read as an algorithm, so that no token chooses its own check. */
#include "server/token.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/ec.h>
#include <openssl/ecdsa.h>

#include "base/json.h"
#include "base/lock.h"
#include "base/openssl_auto.h"
#include "server/ec_key.h"
#include "server/identifier.h"
#include "server/ledger_authority.h"

#define KEY_NAME "token-key"
#define NUMBER_LEN 32u
#define SIGNATURE_LEN (2u * NUMBER_LEN)
#define MAX_DER_SIGNATURE 80u
#define MAX_TOKEN 4096u

#define HASH_LEN 32u
#define CACHE_SIZE 1024u /* a power of two */

/* A token whose signature was checked: checking costs four times what signing does. */
struct known {
    uint8_t hash[HASH_LEN]; /* of the whole text */
    struct zca_token_claims claims;
};

struct zca_token_key {
    EVP_PKEY *key;
    pthread_mutex_t mutex; /* guards the cache */
    struct known *cache;   /* CACHE_SIZE slots, chosen by hash */
};

ZCA_DEFINE_AUTO(ECDSA_SIG, ECDSA_SIG, ECDSA_SIG_free);

/* ---- the key ---- */

static bool make_secret(const struct zca_seal *seal, struct zca_secret *out_secret,
                        struct zca_error *err)
{
    zca_auto(EVP_PKEY) EVP_PKEY *key = zca_ec_key_make(err);
    out_secret->name = strdup(KEY_NAME);
    if (!out_secret->name) {
        return zca_error_set(err, ZCA_ERR_MEMORY, "making the token key");
    }
    return key && zca_ec_key_seal(seal, KEY_NAME, key, &out_secret->sealed, err);
}

struct zca_token_key *zca_token_key_open(struct zca_ledger *ledger, const struct zca_seal *seal,
                                         struct zca_error *err)
{
    zca_auto(zca_token_key) struct zca_token_key *key = calloc(1, sizeof(*key));
    zca_auto(zca_secret) struct zca_secret kept = {0};
    zca_auto(zca_secret) struct zca_secret fresh = {0};
    bool found = false;
    if (!key) {
        zca_error_set(err, ZCA_ERR_MEMORY, "opening the token key");
        return NULL;
    }
    (void)pthread_mutex_init(&key->mutex, NULL); /* a default mutex: cannot fail */
    if (!zca_ledger_secret_find(ledger, KEY_NAME, &kept, &found, err)) {
        return NULL;
    }
    /* Another process may make one at the same time: the first in the ledger counts. */
    if (!found &&
        (!make_secret(seal, &fresh, err) || !zca_ledger_secret_insert(ledger, &fresh, err) ||
         !zca_ledger_secret_find(ledger, KEY_NAME, &kept, &found, err))) {
        return NULL;
    }
    key->cache = calloc(CACHE_SIZE, sizeof(*key->cache));
    if (!key->cache) {
        zca_error_set(err, ZCA_ERR_MEMORY, "opening the token key");
        return NULL;
    }
    key->key = zca_ec_key_unseal(seal, KEY_NAME, zca_buffer_span(&kept.sealed), err);
    return key->key ? zca_steal(key) : NULL;
}

void zca_token_key_free(struct zca_token_key *key)
{
    if (key) {
        EVP_PKEY_free(key->key);
        (void)pthread_mutex_destroy(&key->mutex); /* nobody holds it */
        free(key->cache);
        free(key);
    }
}

/* ---- signatures: r and s, 32 bytes each ---- */

static bool sign_raw(EVP_PKEY *key, struct zca_span text, uint8_t out_raw[SIGNATURE_LEN])
{
    uint8_t der[MAX_DER_SIGNATURE];
    size_t len = sizeof(der);
    zca_auto(EVP_MD_CTX) EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    if (!ctx || EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, key) != 1 ||
        EVP_DigestSign(ctx, der, &len, text.data, text.len) != 1) {
        return false;
    }
    const uint8_t *end = der;
    zca_auto(ECDSA_SIG) ECDSA_SIG *signature = d2i_ECDSA_SIG(NULL, &end, (long)len);
    return signature &&
           BN_bn2binpad(ECDSA_SIG_get0_r(signature), out_raw, NUMBER_LEN) == (int)NUMBER_LEN &&
           BN_bn2binpad(ECDSA_SIG_get0_s(signature), out_raw + NUMBER_LEN, NUMBER_LEN) ==
               (int)NUMBER_LEN;
}

static bool verify_raw(EVP_PKEY *key, struct zca_span text, struct zca_span raw)
{
    zca_auto(ECDSA_SIG) ECDSA_SIG *signature = ECDSA_SIG_new();
    BIGNUM *r = BN_bin2bn(raw.data, NUMBER_LEN, NULL);
    BIGNUM *s = BN_bin2bn(raw.data + NUMBER_LEN, NUMBER_LEN, NULL);
    if (!signature || !r || !s || ECDSA_SIG_set0(signature, r, s) != 1) {
        BN_free(r);
        BN_free(s);
        return false;
    }
    uint8_t der[MAX_DER_SIGNATURE];
    uint8_t *end = der;
    int len = i2d_ECDSA_SIG(signature, &end); /* at most 72 bytes for two 32-byte numbers */
    zca_auto(EVP_MD_CTX) EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    return len > 0 && ctx && EVP_DigestVerifyInit(ctx, NULL, EVP_sha256(), NULL, key) == 1 &&
           EVP_DigestVerify(ctx, der, (size_t)len, text.data, text.len) == 1;
}

/* ---- making ---- */

static bool encode_part(struct zca_json *json, struct zca_buffer *out_text, struct zca_error *err)
{
    zca_auto(zca_buffer) struct zca_buffer text = {0};
    return zca_json_format(json, &text, err) &&
           zca_base64_encode(zca_buffer_span(&text), true, out_text, err);
}

bool zca_token_sign(const struct zca_token_key *key, const char *user_id, const char *email,
                    int64_t now_s, int64_t lifetime_s, struct zca_buffer *out_text,
                    struct zca_error *err)
{
    zca_auto(zca_json) struct zca_json *header = zca_json_new_object();
    zca_auto(zca_json) struct zca_json *claims = zca_json_new_object();
    zca_json_set_text(header, "alg", "ES256");
    zca_json_set_text(header, "typ", "JWT");
    zca_json_set_text(claims, "sub", user_id);
    zca_json_set_text(claims, "email", email);
    zca_json_set_integer(claims, "iat", now_s);
    zca_json_set_integer(claims, "exp", now_s + lifetime_s);
    zca_auto(zca_buffer) struct zca_buffer text = ZCA_SECRET_BUFFER;
    uint8_t raw[SIGNATURE_LEN];
    if (!encode_part(header, &text, err) || !zca_buffer_append_text(&text, ".", err) ||
        !encode_part(claims, &text, err)) {
        return false;
    }
    if (!sign_raw(key->key, zca_buffer_span(&text), raw)) {
        return zca_error_set_crypto(err, "signing a token");
    }
    return zca_buffer_append_text(&text, ".", err) &&
           zca_base64_encode(zca_span_of(raw, sizeof(raw)), true, &text, err) &&
           zca_buffer_append(out_text, zca_buffer_span(&text), err);
}

/* ---- reading ---- */

static struct zca_json *decode_part(struct zca_span text)
{
    zca_auto(zca_buffer) struct zca_buffer bytes = {0};
    if (!zca_base64_decode(text, &bytes, NULL)) {
        return NULL;
    }
    return zca_json_parse(zca_buffer_span(&bytes), NULL);
}

static bool read_claims(struct zca_span part, int64_t now_s, struct zca_token_claims *out_claims)
{
    zca_auto(zca_json) struct zca_json *json = decode_part(part);
    const char *user_id = json ? zca_json_text(json, "sub") : NULL;
    const char *email = json ? zca_json_text(json, "email") : NULL;
    struct zca_token_claims claims = {0};
    if (!user_id || !email || strlen(user_id) >= sizeof(claims.user_id) ||
        strlen(email) >= sizeof(claims.email) ||
        !zca_json_integer(json, "iat", &claims.issued_at_s) ||
        !zca_json_integer(json, "exp", &claims.expires_at_s)) {
        return false;
    }
    memcpy(claims.user_id, user_id, strlen(user_id) + 1);
    memcpy(claims.email, email, strlen(email) + 1);
    *out_claims = claims;
    return now_s < claims.expires_at_s;
}

static bool check_header(struct zca_span part)
{
    zca_auto(zca_json) struct zca_json *json = decode_part(part);
    const char *algorithm = json ? zca_json_text(json, "alg") : NULL;
    return algorithm && strcmp(algorithm, "ES256") == 0;
}

static bool read_token(const struct zca_token_key *key, const char *text, int64_t now_s,
                       struct zca_token_claims *out_claims)
{
    if (strnlen(text, MAX_TOKEN) == MAX_TOKEN) {
        return false;
    }
    const char *first = strchr(text, '.');
    const char *second = first ? strchr(first + 1, '.') : NULL;
    if (!second || strchr(second + 1, '.')) {
        return false;
    }
    zca_auto(zca_buffer) struct zca_buffer raw = {0};
    return zca_base64_decode(zca_span_text(second + 1), &raw, NULL) && raw.len == SIGNATURE_LEN &&
           check_header(zca_span_of(text, (size_t)(first - text))) &&
           verify_raw(key->key, zca_span_of(text, (size_t)(second - text)),
                      zca_buffer_span(&raw)) &&
           read_claims(zca_span_of(first + 1, (size_t)(second - first - 1)), now_s, out_claims);
}

static struct known *slot_of(const struct zca_token_key *key, const struct zca_buffer *hash)
{
    size_t index = ((size_t)hash->data[0] << 8 | hash->data[1]) % CACHE_SIZE;
    return &key->cache[index];
}

/* A slot that was never used has the claims of nobody: they ended in 1970. */
static bool find_known(struct zca_token_key *key, const struct zca_buffer *hash, int64_t now_s,
                       struct zca_token_claims *out_claims)
{
    zca_auto(lock) pthread_mutex_t *held = zca_lock(&key->mutex);
    const struct known *slot = slot_of(key, hash);
    if (memcmp(slot->hash, hash->data, HASH_LEN) != 0 || now_s >= slot->claims.expires_at_s) {
        return false;
    }
    *out_claims = slot->claims;
    return true;
}

static void keep_known(struct zca_token_key *key, const struct zca_buffer *hash,
                       const struct zca_token_claims *claims)
{
    zca_auto(lock) pthread_mutex_t *held = zca_lock(&key->mutex);
    struct known *slot = slot_of(key, hash);
    memcpy(slot->hash, hash->data, HASH_LEN);
    slot->claims = *claims;
}

bool zca_token_verify(struct zca_token_key *key, const char *text, int64_t now_s,
                      struct zca_token_claims *out_claims, struct zca_error *err)
{
    struct zca_token_claims claims;
    zca_auto(zca_buffer) struct zca_buffer hash = {0};
    if (!zca_token_hash(zca_span_text(text), &hash, err)) {
        return false;
    }
    if (find_known(key, &hash, now_s, out_claims)) {
        return true;
    }
    if (!read_token(key, text, now_s, &claims)) {
        return zca_error_set(err, ZCA_ERR_AUTH, "the token is invalid or expired");
    }
    keep_known(key, &hash, &claims);
    *out_claims = claims;
    return true;
}
