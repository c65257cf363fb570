/* SPDX-License-Identifier: Apache-2.0 */
/* Which public keys may be certified. */
#include <openssl/core_names.h>
#include <openssl/evp.h>

#include "base/openssl_auto.h"
#include "server/policy.h"
#include "server/public_key.h"
#include "server/refusal.h"

#define MIN_RSA_BITS 2048
#define MAX_RSA_BITS 8192
#define RSA_EXPONENT 65537u

/* The largest key: RSA-8192 with its exponent. Nothing is computed with a larger one. */
#define MAX_KEY_BYTES 1100

static bool check_rsa(const EVP_PKEY *key, const X509_PUBKEY *public_key, struct zca_error *err)
{
    (void)public_key; /* RSA has no parameters that matter */
    int bits = EVP_PKEY_get_bits(key);
    if (bits < MIN_RSA_BITS || bits > MAX_RSA_BITS) {
        return zca_refuse(err, ZCA_REFUSE_WEAK_KEY, "RSA keys have %d to %d bits, not %d",
                          MIN_RSA_BITS, MAX_RSA_BITS, bits);
    }
    zca_auto(BIGNUM) BIGNUM *exponent = NULL;
    if (EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_E, &exponent) != 1 ||
        !BN_is_word(exponent, RSA_EXPONENT)) {
        return zca_refuse(err, ZCA_REFUSE_WEAK_KEY, "RSA keys have the exponent 65537");
    }
    return true;
}

/* Explicit parameters are refused by their form: a curve must be named. */
static bool check_ec(const EVP_PKEY *key, const X509_PUBKEY *public_key, struct zca_error *err)
{
    if (!zca_public_key_curve(public_key)) {
        return zca_refuse(err, ZCA_REFUSE_WEAK_KEY,
                          "EC keys are on P-256, P-384 or P-521, by name");
    }
    zca_auto(EVP_PKEY_CTX) EVP_PKEY_CTX *ctx =
        EVP_PKEY_CTX_new_from_pkey(NULL, (EVP_PKEY *)(uintptr_t)key, NULL);
    return ctx && EVP_PKEY_public_check_quick(ctx) == 1
               ? true
               : zca_refuse(err, ZCA_REFUSE_WEAK_KEY, "The public key is not on its curve");
}

static bool check_ed25519(const EVP_PKEY *key, const X509_PUBKEY *public_key, struct zca_error *err)
{
    (void)key; /* every 32 bytes are a key */
    (void)public_key;
    (void)err;
    return true;
}

static const struct key_kind {
    int nid;
    bool (*check)(const EVP_PKEY *, const X509_PUBKEY *, struct zca_error *);
} key_kinds[] = {
    {EVP_PKEY_RSA,     check_rsa    },
    {EVP_PKEY_EC,      check_ec     },
    {EVP_PKEY_ED25519, check_ed25519},
};

bool zca_policy_check_key(const X509_PUBKEY *public_key, const EVP_PKEY *key, const EVP_PKEY *own,
                          struct zca_error *err)
{
    const uint8_t *bytes = NULL;
    int len = 0;
    if (!public_key || X509_PUBKEY_get0_param(NULL, &bytes, &len, NULL, public_key) != 1 ||
        len > MAX_KEY_BYTES) {
        return zca_refuse(err, ZCA_REFUSE_WEAK_KEY, NULL);
    }
    if (!key) {
        return zca_refuse(err, ZCA_REFUSE_WEAK_KEY, "The public key cannot be read");
    }
    for (size_t i = 0; i < ZCA_COUNT(key_kinds); i++) {
        if (key_kinds[i].nid != EVP_PKEY_get_base_id(key)) {
            continue;
        }
        if (!key_kinds[i].check(key, public_key, err)) {
            return false;
        }
        return own && EVP_PKEY_eq(key, own) == 1
                   ? zca_refuse(err, ZCA_REFUSE_WEAK_KEY, "The public key is the CA's own")
                   : true;
    }
    return zca_refuse(err, ZCA_REFUSE_WEAK_KEY, "Keys are RSA, EC or Ed25519");
}
