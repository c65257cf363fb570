/* SPDX-License-Identifier: Apache-2.0 */
/* Sealed form: 32 bytes private number, 65 bytes public point. */
#include "server/ec_key.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/param_build.h>
#include <openssl/x509.h>

#include "base/openssl_auto.h"
#include "base/pem.h"

#define PRIVATE_LEN 32
#define POINT_LEN 65u

ZCA_DEFINE_AUTO(PKCS8, PKCS8_PRIV_KEY_INFO, PKCS8_PRIV_KEY_INFO_free);

EVP_PKEY *zca_ec_key_make(struct zca_error *err)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    if (!key) {
        zca_error_set_crypto(err, "making a P-256 key");
    }
    return key;
}

bool zca_ec_key_point(const EVP_PKEY *key, struct zca_buffer *out_point, struct zca_error *err)
{
    size_t before = out_point->len;
    size_t len = 0;
    if (!zca_buffer_resize(out_point, before + POINT_LEN, err)) {
        return false;
    }
    if (EVP_PKEY_get_octet_string_param(key, OSSL_PKEY_PARAM_PUB_KEY, out_point->data + before,
                                        POINT_LEN, &len) != 1 ||
        len != POINT_LEN) {
        return zca_error_set_crypto(err, "reading a public key");
    }
    return true;
}

bool zca_ec_key_seal(const struct zca_seal *seal, const char *purpose, const EVP_PKEY *key,
                     struct zca_buffer *out_sealed, struct zca_error *err)
{
    zca_auto(zca_buffer) struct zca_buffer bytes = ZCA_SECRET_BUFFER;
    zca_auto(BIGNUM) BIGNUM *number = BN_secure_new();
    if (!zca_buffer_resize(&bytes, PRIVATE_LEN, err)) {
        return false;
    }
    if (!number || EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_PRIV_KEY, &number) != 1 ||
        BN_bn2binpad(number, bytes.data, PRIVATE_LEN) != PRIVATE_LEN) {
        return zca_error_set_crypto(err, "reading a private key");
    }
    return zca_ec_key_point(key, &bytes, err) &&
           zca_seal_close_secret(seal, purpose, zca_buffer_span(&bytes), out_sealed, err);
}

static OSSL_PARAM *make_parameters(const struct zca_buffer *bytes, const BIGNUM *number)
{
    zca_auto(OSSL_PARAM_BLD) OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
    if (!builder ||
        OSSL_PARAM_BLD_push_utf8_string(builder, OSSL_PKEY_PARAM_GROUP_NAME, "P-256", 0) != 1 ||
        OSSL_PARAM_BLD_push_octet_string(builder, OSSL_PKEY_PARAM_PUB_KEY,
                                         bytes->data + PRIVATE_LEN, POINT_LEN) != 1 ||
        OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_PRIV_KEY, number) != 1) {
        return NULL;
    }
    return OSSL_PARAM_BLD_to_param(builder);
}

EVP_PKEY *zca_ec_key_unseal(const struct zca_seal *seal, const char *purpose,
                            struct zca_span sealed, struct zca_error *err)
{
    zca_auto(zca_buffer) struct zca_buffer bytes = ZCA_SECRET_BUFFER;
    if (!zca_seal_open_secret(seal, purpose, sealed, &bytes, err)) {
        return NULL;
    }
    if (bytes.len != PRIVATE_LEN + POINT_LEN) {
        zca_error_set(err, ZCA_ERR_SEALED, "the sealed '%s' is not a P-256 key", purpose);
        return NULL;
    }
    zca_auto(BIGNUM) BIGNUM *number = BN_secure_new();
    if (!number || !BN_bin2bn(bytes.data, PRIVATE_LEN, number)) {
        zca_error_set(err, ZCA_ERR_MEMORY, "opening '%s'", purpose);
        return NULL;
    }
    zca_auto(OSSL_PARAM) OSSL_PARAM *parameters = make_parameters(&bytes, number);
    zca_auto(EVP_PKEY_CTX) EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
    EVP_PKEY *key = NULL;
    if (!parameters || !ctx || EVP_PKEY_fromdata_init(ctx) != 1 ||
        EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_KEYPAIR, parameters) != 1) {
        zca_error_set_crypto(err, "opening '%s'", purpose);
        return NULL;
    }
    return key;
}

bool zca_ec_key_format(const EVP_PKEY *key, struct zca_buffer *out_pem, struct zca_error *err)
{
    zca_auto(PKCS8) PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8(key);
    int len = info ? i2d_PKCS8_PRIV_KEY_INFO(info, NULL) : -1;
    if (len <= 0) {
        return zca_error_set_crypto(err, "encoding a private key");
    }
    zca_auto(zca_buffer) struct zca_buffer der = ZCA_SECRET_BUFFER;
    if (!zca_buffer_resize(&der, (size_t)len, err)) {
        return false;
    }
    uint8_t *end = der.data;
    if (i2d_PKCS8_PRIV_KEY_INFO(info, &end) != len) {
        return zca_error_set_crypto(err, "encoding a private key");
    }
    return zca_pem_format("PRIVATE KEY", zca_buffer_span(&der), out_pem, err);
}
