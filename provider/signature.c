/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signatures (provider-signature(7)): local keys forward to the default provider, remote keys go to
 * cold/remote_signature.c. For a remote key the inner context is one for verification: it knows the
 * parameters (AlgorithmIdentifier, digest) without a private key.
 */
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/params.h>

#include "provider/enter.h"
#include "provider/prepared.h"
#include "provider/signature_params.h"

static OSSL_FUNC_signature_newctx_fn signature_newctx_ec, signature_newctx_rsa,
    signature_newctx_ed25519;
static OSSL_FUNC_signature_freectx_fn signature_freectx;
static OSSL_FUNC_signature_dupctx_fn signature_dupctx;
static OSSL_FUNC_signature_sign_init_fn signature_sign_init;
static OSSL_FUNC_signature_sign_fn signature_sign;
static OSSL_FUNC_signature_verify_init_fn signature_verify_init;
static OSSL_FUNC_signature_verify_fn signature_verify;
static OSSL_FUNC_signature_verify_recover_init_fn signature_verify_recover_init;
static OSSL_FUNC_signature_verify_recover_fn signature_verify_recover;
static OSSL_FUNC_signature_digest_sign_init_fn signature_digest_sign_init;
static OSSL_FUNC_signature_digest_sign_update_fn signature_digest_sign_update;
static OSSL_FUNC_signature_digest_sign_final_fn signature_digest_sign_final;
static OSSL_FUNC_signature_digest_sign_fn signature_digest_sign;
static OSSL_FUNC_signature_digest_verify_init_fn signature_digest_verify_init;
static OSSL_FUNC_signature_digest_verify_update_fn signature_digest_verify_update;
static OSSL_FUNC_signature_digest_verify_final_fn signature_digest_verify_final;
static OSSL_FUNC_signature_digest_verify_fn signature_digest_verify;

/* ---- life ---- */

static void *signature_new(struct zca_provider *provider, enum zca_kind kind)
{
    const struct zca_overlay *overlay = zca_overlay_get(provider);
    struct zca_signature *signature = overlay ? OPENSSL_zalloc(sizeof(*signature)) : NULL;
    if (signature) {
        signature->provider = provider;
        signature->overlay = overlay;
        signature->functions = &overlay->signature[kind];
    }
    return signature;
}

/* The property query is not passed on: `provider=zca`, which chooses us, would leave the default provider
 * without a digest. */
static void *signature_newctx_ec(void *provider, const char *property_query)
{
    (void)property_query; /* see above */
    return signature_new(provider, ZCA_KIND_EC);
}

static void *signature_newctx_rsa(void *provider, const char *property_query)
{
    (void)property_query; /* see above */
    return signature_new(provider, ZCA_KIND_RSA);
}

static void *signature_newctx_ed25519(void *provider, const char *property_query)
{
    (void)property_query; /* see above */
    return signature_new(provider, ZCA_KIND_ED25519);
}

static void clear_inner(struct zca_signature *signature)
{
    if (signature->inner) {
        ZCA_SIGNATURE(freectx, FREECTX, signature->functions)(signature->inner);
        signature->inner = NULL;
    }
    if (signature->remote) {
        zca_signature_cold(signature->key)->remote_free(signature->remote);
        signature->remote = NULL;
    }
}

static void signature_freectx(void *context)
{
    struct zca_signature *signature = context;
    if (signature) {
        clear_inner(signature);
        zca_keydata_free(signature->key);
        OPENSSL_free(signature);
    }
}

static void *signature_dupctx(void *context)
{
    const struct zca_signature *source = context;
    struct zca_signature *copy = OPENSSL_zalloc(sizeof(*copy));
    if (!copy) {
        return NULL;
    }
    *copy = *source;
    copy->inner =
        source->inner ? ZCA_SIGNATURE(dupctx, DUPCTX, source->functions)(source->inner) : NULL;
    copy->key = source->key ? zca_keydata_ref(source->key) : NULL;
    copy->remote = source->remote
                       ? zca_signature_cold(source->key)->remote_dup(source->key, source->remote)
                       : NULL;
    if ((source->inner && !copy->inner) || (source->remote && !copy->remote)) {
        signature_freectx(copy);
        return NULL;
    }
    return copy;
}

/* Begins an operation with `key`, or again with the key of the one before (NULL). */
static bool begin(struct zca_signature *signature, struct zca_keydata *key)
{
    clear_inner(signature);
    if (key && key != signature->key) {
        zca_keydata_free(signature->key);
        signature->key = zca_keydata_ref(key);
    }
    return signature->key;
}

/* What every init but digest_sign_init of a local key does: a fresh inner context. */
static bool begin_inner(struct zca_signature *signature, struct zca_keydata *key)
{
    OSSL_FUNC_signature_newctx_fn *inner_new = ZCA_SIGNATURE(newctx, NEWCTX, signature->functions);
    if (!inner_new || !begin(signature, key)) {
        return false;
    }
    signature->inner = inner_new(signature->overlay->provctx, NULL);
    return signature->inner;
}

/* For a remote key: collects instead of hashing. */
static bool begin_remote(struct zca_signature *signature, struct zca_keydata *key,
                         const char *digest, const OSSL_PARAM params[])
{
    if (!begin_inner(signature, key)) {
        return false;
    }
    const struct zca_cold *cold = zca_signature_cold(signature->key);
    signature->remote = cold->remote_new(signature->key, digest);
    return signature->remote && cold->remote_allows(signature->key, params);
}

static int sign_remote(const struct zca_signature *signature, const struct zca_span *tbs,
                       unsigned char *sig, size_t *sig_len, size_t sig_size)
{
    return zca_signature_cold(signature->key)
        ->remote_sign(signature->key, signature->remote, tbs, sig, sig_len, sig_size);
}

static bool is_remote(const struct zca_signature *signature, const struct zca_keydata *key)
{
    const struct zca_keydata *current = key ? key : signature->key;
    return current && current->authority;
}

/* ---- of a digest ---- */

static int signature_sign_init(void *context, void *key, const OSSL_PARAM params[])
{
    struct zca_signature *signature = context;
    if (is_remote(signature, key)) {
        return begin_remote(signature, key, NULL, params) &&
               ZCA_SIGNATURE(verify_init, VERIFY_INIT,
                             signature->functions)(signature->inner, signature->key->inner, params);
    }
    return begin_inner(signature, key) && ZCA_SIGNATURE(sign_init, SIGN_INIT, signature->functions)(
                                              signature->inner, signature->key->inner, params);
}

static int signature_sign(void *context, unsigned char *sig, size_t *sig_len, size_t sig_size,
                          const unsigned char *digest, size_t digest_len)
{
    const struct zca_signature *signature = context;
    if (signature->remote) {
        struct zca_span tbs = {.data = digest, .len = digest_len};
        return sign_remote(signature, &tbs, sig, sig_len, sig_size);
    }
    zca_auto(entered) const struct zca_cold *inside = zca_provider_enter(signature->provider);
    return ZCA_SIGNATURE(sign, SIGN, signature->functions)(signature->inner, sig, sig_len, sig_size,
                                                           digest, digest_len);
}

static int signature_verify_init(void *context, void *key, const OSSL_PARAM params[])
{
    struct zca_signature *signature = context;
    return begin_inner(signature, key) &&
           ZCA_SIGNATURE(verify_init, VERIFY_INIT,
                         signature->functions)(signature->inner, signature->key->inner, params);
}

static int signature_verify(void *context, const unsigned char *sig, size_t sig_len,
                            const unsigned char *digest, size_t digest_len)
{
    const struct zca_signature *signature = context;
    return ZCA_SIGNATURE(verify, VERIFY, signature->functions)(signature->inner, sig, sig_len,
                                                               digest, digest_len);
}

static int signature_verify_recover_init(void *context, void *key, const OSSL_PARAM params[])
{
    struct zca_signature *signature = context;
    return begin_inner(signature, key) &&
           ZCA_SIGNATURE(verify_recover_init, VERIFY_RECOVER_INIT,
                         signature->functions)(signature->inner, signature->key->inner, params);
}

static int signature_verify_recover(void *context, unsigned char *out, size_t *out_len, size_t size,
                                    const unsigned char *sig, size_t sig_len)
{
    const struct zca_signature *signature = context;
    return ZCA_SIGNATURE(verify_recover, VERIFY_RECOVER,
                         signature->functions)(signature->inner, out, out_len, size, sig, sig_len);
}

/* ---- of a message ---- */

static int signature_digest_sign_init(void *context, const char *digest, void *key,
                                      const OSSL_PARAM params[])
{
    struct zca_signature *signature = context;
    if (is_remote(signature, key)) {
        return begin_remote(signature, key, digest, params) &&
               ZCA_SIGNATURE(digest_verify_init, DIGEST_VERIFY_INIT, signature->functions)(
                   signature->inner, digest, signature->key->inner, params);
    }
    if (!begin(signature, key)) {
        return 0;
    }
    signature->inner = zca_prepared_context(signature->key, digest);
    return signature->inner && (!params || zca_signature_set_ctx_params(signature, params));
}

static int signature_digest_sign_update(void *context, const unsigned char *data, size_t data_len)
{
    const struct zca_signature *signature = context;
    if (signature->remote) {
        return zca_signature_cold(signature->key)
            ->remote_update(signature->key, signature->remote,
                            (struct zca_span){.data = data, .len = data_len});
    }
    return ZCA_SIGNATURE(digest_sign_update, DIGEST_SIGN_UPDATE,
                         signature->functions)(signature->inner, data, data_len);
}

static int signature_digest_sign_final(void *context, unsigned char *sig, size_t *sig_len,
                                       size_t sig_size)
{
    const struct zca_signature *signature = context;
    if (signature->remote) {
        return sign_remote(signature, NULL, sig, sig_len, sig_size);
    }
    zca_auto(entered) const struct zca_cold *inside = zca_provider_enter(signature->provider);
    return ZCA_SIGNATURE(digest_sign_final, DIGEST_SIGN_FINAL,
                         signature->functions)(signature->inner, sig, sig_len, sig_size);
}

/* The default provider has a one-shot function only where it has no other. */
static int sign_message(const struct zca_signature *signature, unsigned char *sig, size_t *sig_len,
                        size_t sig_size, struct zca_span tbs)
{
    zca_auto(entered) const struct zca_cold *inside = zca_provider_enter(signature->provider);
    OSSL_FUNC_signature_digest_sign_fn *one_shot =
        ZCA_SIGNATURE(digest_sign, DIGEST_SIGN, signature->functions);
    if (one_shot) {
        return one_shot(signature->inner, sig, sig_len, sig_size, tbs.data, tbs.len);
    }
    return (!sig || ZCA_SIGNATURE(digest_sign_update, DIGEST_SIGN_UPDATE,
                                  signature->functions)(signature->inner, tbs.data, tbs.len)) &&
           ZCA_SIGNATURE(digest_sign_final, DIGEST_SIGN_FINAL,
                         signature->functions)(signature->inner, sig, sig_len, sig_size);
}

/* Tells from the first bytes whether a CertificationRequestInfo (RFC 2986, 4.1) was signed with the key of
 * an identity: SEQUENCE { INTEGER 0, SEQUENCE ... TLS signs text or random bytes, certificates have
 * another version. No call: handshakes ask, too. */
static bool is_request(const struct zca_keydata *key, struct zca_span tbs)
{
    static const uint8_t version_and_name[] = {0x02, 0x01, 0x00, 0x30};
    if (!key->uri || tbs.len < 16 || tbs.data[0] != 0x30) {
        return false;
    }
    size_t header = tbs.data[1] < 0x80 ? 2 : 2 + (size_t)(tbs.data[1] & 0x7F);
    return header + sizeof(version_and_name) <= tbs.len &&
           memcmp(tbs.data + header, version_and_name, sizeof(version_and_name)) == 0;
}

static void capture(const struct zca_signature *signature, struct zca_span tbs,
                    const unsigned char *sig, size_t sig_len)
{
    struct zca_signed finished = {
        .tbs = tbs.data,
        .tbs_len = tbs.len,
        .signature = sig,
        .signature_len = sig_len,
        .get_params = ZCA_SIGNATURE(get_ctx_params, GET_CTX_PARAMS, signature->functions),
        .context = signature->inner};
    zca_signature_cold(signature->key)->capture(signature->key, &finished);
}

static int signature_digest_sign(void *context, unsigned char *sig, size_t *sig_len,
                                 size_t sig_size, const unsigned char *data, size_t data_len)
{
    const struct zca_signature *signature = context;
    struct zca_span tbs = {.data = data, .len = data_len};
    if (signature->remote) {
        return sign_remote(signature, &tbs, sig, sig_len, sig_size);
    }
    if (!sign_message(signature, sig, sig_len, sig_size, tbs)) {
        return 0;
    }
    if (sig && is_request(signature->key, tbs)) {
        capture(signature, tbs, sig, *sig_len);
    }
    return 1;
}

static int signature_digest_verify_init(void *context, const char *digest, void *key,
                                        const OSSL_PARAM params[])
{
    struct zca_signature *signature = context;
    return begin_inner(signature, key) &&
           ZCA_SIGNATURE(digest_verify_init, DIGEST_VERIFY_INIT, signature->functions)(
               signature->inner, digest, signature->key->inner, params);
}

static int signature_digest_verify_update(void *context, const unsigned char *data, size_t data_len)
{
    const struct zca_signature *signature = context;
    return ZCA_SIGNATURE(digest_verify_update, DIGEST_VERIFY_UPDATE,
                         signature->functions)(signature->inner, data, data_len);
}

static int signature_digest_verify_final(void *context, const unsigned char *sig, size_t sig_len)
{
    const struct zca_signature *signature = context;
    return ZCA_SIGNATURE(digest_verify_final, DIGEST_VERIFY_FINAL,
                         signature->functions)(signature->inner, sig, sig_len);
}

static int signature_digest_verify(void *context, const unsigned char *sig, size_t sig_len,
                                   const unsigned char *data, size_t data_len)
{
    const struct zca_signature *signature = context;
    return ZCA_SIGNATURE(digest_verify, DIGEST_VERIFY,
                         signature->functions)(signature->inner, sig, sig_len, data, data_len);
}

/* ---- dispatch ---- */

#define ROW(NUMBER, function)                                                                      \
    {                                                                                              \
        OSSL_FUNC_SIGNATURE_##NUMBER, (void (*)(void))(function)                                   \
    }

#define COMMON_ROWS                                                                                \
    ROW(FREECTX, signature_freectx), ROW(DUPCTX, signature_dupctx),                                \
        ROW(DIGEST_SIGN_INIT, signature_digest_sign_init),                                         \
        ROW(DIGEST_SIGN, signature_digest_sign),                                                   \
        ROW(DIGEST_VERIFY_INIT, signature_digest_verify_init),                                     \
        ROW(GET_CTX_PARAMS, zca_signature_get_ctx_params)

#define DIGEST_ROWS                                                                                \
    ROW(SIGN_INIT, signature_sign_init), ROW(SIGN, signature_sign),                                \
        ROW(VERIFY_INIT, signature_verify_init), ROW(VERIFY, signature_verify),                    \
        ROW(DIGEST_SIGN_UPDATE, signature_digest_sign_update),                                     \
        ROW(DIGEST_SIGN_FINAL, signature_digest_sign_final),                                       \
        ROW(DIGEST_VERIFY_UPDATE, signature_digest_verify_update),                                 \
        ROW(DIGEST_VERIFY_FINAL, signature_digest_verify_final),                                   \
        ROW(SET_CTX_PARAMS, zca_signature_set_ctx_params),                                         \
        ROW(GET_CTX_MD_PARAMS, zca_signature_get_ctx_md_params),                                   \
        ROW(GETTABLE_CTX_MD_PARAMS, zca_signature_gettable_ctx_md_params),                         \
        ROW(SET_CTX_MD_PARAMS, zca_signature_set_ctx_md_params),                                   \
        ROW(SETTABLE_CTX_MD_PARAMS, zca_signature_settable_ctx_md_params)

static const OSSL_DISPATCH ecdsa_functions[] = {
    ROW(NEWCTX, signature_newctx_ec),
    ROW(GETTABLE_CTX_PARAMS, zca_signature_gettable_ctx_params_ec),
    ROW(SETTABLE_CTX_PARAMS, zca_signature_settable_ctx_params_ec),
    COMMON_ROWS,
    DIGEST_ROWS,
    {0, NULL},
};

static const OSSL_DISPATCH rsa_functions[] = {
    ROW(NEWCTX, signature_newctx_rsa),
    ROW(GETTABLE_CTX_PARAMS, zca_signature_gettable_ctx_params_rsa),
    ROW(SETTABLE_CTX_PARAMS, zca_signature_settable_ctx_params_rsa),
    ROW(VERIFY_RECOVER_INIT, signature_verify_recover_init),
    ROW(VERIFY_RECOVER, signature_verify_recover),
    COMMON_ROWS,
    DIGEST_ROWS,
    {0, NULL},
};

/* Signs whole messages only (RFC 8032): no digest, no update. */
static const OSSL_DISPATCH ed25519_functions[] = {
    ROW(NEWCTX, signature_newctx_ed25519),
    ROW(GETTABLE_CTX_PARAMS, zca_signature_gettable_ctx_params_ed25519),
    ROW(DIGEST_VERIFY, signature_digest_verify),
    COMMON_ROWS,
    {0, NULL},
};

/* Names of our own: EVP_DigestSignInit fetches by the name that the key's management tells, takes the first
 * provider that has it, and asks a second time when that is not the key's. For "ECDSA" the first is the default
 * provider; these are found at once, 5,000 instructions earlier, and draw no other provider's keys to us. */
const OSSL_ALGORITHM zca_signature_algorithms[] = {
    {"ZCA-ECDSA",   "provider=zca", ecdsa_functions,   "zca ECDSA"  },
    {"ZCA-RSA",     "provider=zca", rsa_functions,     "zca RSA"    },
    {"ZCA-ED25519", "provider=zca", ed25519_functions, "zca Ed25519"},
    {NULL,          NULL,           NULL,              NULL         },
};
