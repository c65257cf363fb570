/* SPDX-License-Identifier: Apache-2.0 */
/* The point of a key goes to the key management as it is, which checks that it is on the curve. */
#include "server/public_key.h"

#include <string.h>

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/provider.h>

#include "base/openssl_auto.h"

OSSL_LIB_CTX *zca_public_key_context(struct zca_error *err)
{
    OSSL_LIB_CTX *context = OSSL_LIB_CTX_new();
    /* where one was loaded, OpenSSL does not load the default one by itself */
    OSSL_PROVIDER *provider = context ? OSSL_PROVIDER_load(context, "null") : NULL;
    if (!provider || OSSL_PROVIDER_unload(provider) != 1) {
        OSSL_LIB_CTX_free(context);
        (void)zca_error_set_crypto(err, "making a context for requests");
        return NULL;
    }
    return context;
}

const char *zca_public_key_curve(const X509_PUBKEY *public_key)
{
    static const int curves[] = {NID_X9_62_prime256v1, NID_secp384r1, NID_secp521r1};
    ASN1_OBJECT *kind = NULL;
    X509_ALGOR *algorithm = NULL;
    const void *value = NULL;
    int type = V_ASN1_UNDEF;
    if (X509_PUBKEY_get0_param(&kind, NULL, NULL, &algorithm, public_key) != 1 ||
        OBJ_obj2nid(kind) != NID_X9_62_id_ecPublicKey) {
        return NULL;
    }
    X509_ALGOR_get0(NULL, &type, &value, algorithm);
    int nid = type == V_ASN1_OBJECT ? OBJ_obj2nid(value) : NID_undef;
    for (size_t i = 0; i < ZCA_COUNT(curves); i++) {
        if (curves[i] == nid) {
            return OBJ_nid2sn(nid);
        }
    }
    return NULL;
}

static EVP_PKEY *make_on_curve(const X509_PUBKEY *public_key, const char *curve)
{
    const unsigned char *point = NULL;
    int len = 0;
    EVP_PKEY *key = NULL;
    zca_auto(EVP_PKEY_CTX) EVP_PKEY_CTX *operation = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
    if (!operation || X509_PUBKEY_get0_param(NULL, &point, &len, NULL, public_key) != 1) {
        return NULL;
    }
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, (char *)(uintptr_t)curve, 0),
        OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, (void *)(uintptr_t)point,
                                          (size_t)len),
        OSSL_PARAM_construct_end(),
    };
    return EVP_PKEY_fromdata_init(operation) == 1 &&
                   EVP_PKEY_fromdata(operation, &key, EVP_PKEY_PUBLIC_KEY, params) == 1
               ? key
               : NULL;
}

static EVP_PKEY *decode(const X509_PUBKEY *public_key)
{
    unsigned char *der = NULL;
    int len = i2d_X509_PUBKEY((X509_PUBKEY *)(uintptr_t)public_key, &der); /* does not change it */
    const unsigned char *cursor = der;
    EVP_PKEY *key = len > 0 ? d2i_PUBKEY(NULL, &cursor, len) : NULL;
    OPENSSL_free(der);
    return key;
}

EVP_PKEY *zca_public_key_make(const X509_PUBKEY *public_key)
{
    zca_auto(error_mark) int mark = ERR_set_mark();
    if (!public_key) {
        return NULL;
    }
    const char *curve = zca_public_key_curve(public_key);
    return curve ? make_on_curve(public_key, curve) : decode(public_key);
}
